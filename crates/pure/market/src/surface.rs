//! The volatility surface: one SVI slice an expiry, fitted to bids and asks, and certified.
//!
//! [`fit`] and [`fit_all`] are a search, whose way does not matter, since what they find is judged
//! afterwards: [`certificate`] bounds the butterfly and calendar conditions over whole intervals,
//! by Programs that anybody can run again.
//!
//! Fitted in forward volatility: each expiry against its own future.
//!
//! Absent: reading files (that is `feeds`), interpolation between expiries.

mod certify;
mod chain;
mod fit;
mod guard;
mod inner;
mod svi;
mod whole;

pub use certify::{Certificate, butterfly, calendar, certificate, certify};
pub use chain::{Chain, Expiry, Point, Quote, contracts, points};
pub use fit::{POINTS_MIN, Slice, fit};
pub use svi::Svi;
pub use whole::{Fitted, fit_all};

//! European options on a forward: prices, Greeks and implied volatilities as Programs.
//!
//! Everything is Black (1976) on the forward of the option's own expiry, undiscounted: the pay-off
//! is settled in the forward's currency, and who discounts multiplies price, delta, gamma and vega
//! by her own factor. A quote in coin (inverse options) times the expiry's future is a price.
//!
//! *Invariant: only the out-of-the-money side is ever computed; the other one is that plus the
//! intrinsic value, so put and call agree to the last bit of the sum.*
//!
//! *Total: a forward, strike, volatility or time that is negative or NaN gives NaN, and a
//! volatility or a time of 0 the intrinsic value.*
//!
//! Absent: rates, dividends, early exercise.

mod black;
mod implied;

pub use black::{Contract, greeks, greeks_inputs, price};
pub use implied::{implied, implied_inputs};

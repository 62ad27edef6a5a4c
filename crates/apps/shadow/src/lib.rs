//! Margins in shadow: a protocol's live parameters, read off its own contract every hour, with ours
//! beside them; and the transactions that would make ours hers.
//!
//! [`Source`] reads hers, [`Ours`] says ours from the bars that are there, a [`Record`] has both
//! and goes into a signed [`log`](feeds::log), [`weekly`] makes the page of what was logged,
//! [`alerts`] says what somebody should look at now, a [`Proposal`] is what would be hers inside
//! her own limits, and a [`Bundle`] the calls for her Safe or her timelock. [`explain()`] says what
//! a margin is made of, [`effect`] what a jump of the price would do to her accounts.
//!
//! *Invariant: nothing here sends a transaction or holds a key that could move anything of hers.*
//! Absent: a clock, which whoever runs it brings.

mod alerts;
mod explain;
mod ours;
mod page;
mod pending;
mod propose;
mod record;
mod source;
mod whatif;

pub use alerts::{Alert, alerts};
pub use explain::{Part, explain};
pub use ours::{Margins, Ours, OursError};
pub use page::{Page, PageError, Recomputed, weekly};
pub use pending::{Pending, pending};
pub use propose::{Bundle, Call as SafeCall, Gate, Proposal, Setter, Timelock};
pub use record::{Hers, LogReadError, Record, read};
pub use source::{Call, Reading, Source, SourceError, Target, Unit};
pub use whatif::{AccountsError, EXAMPLE_ACCOUNTS, Effect, Position, accounts, effect};

/// Seconds in an hour.
pub const HOUR_S: i64 = 3_600;

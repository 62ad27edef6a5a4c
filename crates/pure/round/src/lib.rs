//! One training round (docs/protocol.md §2), without a network, a disk or a clock.
//!
//! Three parts that meet in the types of [`chain`]. [`Ledger`] is what the contracts do: the pure
//! mirror of `Registry`, `Rounds`, `Court` and `Rewards` with the same rules and the same names of
//! errors. [`Machine`] is what one node does about it: it is shown the chain again and again and
//! answers with effects as data, so that it may be killed between any two of them. [`aggregate`] is
//! the Program both sides rely on, and [`Scorer`] what a node does besides where rounds are paid by
//! what rows were worth. [`concentration`] says how unevenly it is all held, [`jobs`] how several
//! jobs are paid, moved on and retired, [`runs`] how open ones are, [`gather`] how commitments and
//! reveals of a round come under one root each.
//!
//! Invariants: the ledger conserves tokens; a machine commits to at most one update a round,
//! whatever the crash; the same inputs give the same outputs, always.
//!
//! Deliberately absent: keys (signatures are bytes that the shell made and checked), time other
//! than block numbers, and the choice of what to train.

pub mod aggregate;
pub mod chain;
pub mod concentration;
pub mod digest;
pub mod gather;
pub mod jobs;
pub mod ledger;
pub mod lots;
pub mod machine;
pub mod packed;
mod parts;
pub mod robust;
pub mod runs;
pub mod score;
pub mod scorer;
pub mod sums;

pub use aggregate::aggregate;
pub use chain::{Block, Config, Domain, Phase, Round, ScoreTerms, Seat, View};
pub use court::Address;
pub use ledger::Ledger;
pub use machine::Machine;
pub use scorer::Scorer;

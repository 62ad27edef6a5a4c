//! Mistakes that machine, ledger or disk might make, put in on purpose: a check of the checkers.
//!
//! They are made at the seams, where effects are done and events are read, so that what is tested
//! is the code as it is. A drawn run never has one.
//!
//! Absent: mistakes inside the ledger; those were put in by hand (docs/simulation.md).

/// One mistake, made throughout a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Disks say that a record is durable, and forget it.
    ForgottenLog,
    /// One honest node's arithmetic is off.
    WrongBits,
    /// Honest nodes never challenge.
    NoChallenge,
    /// Honest nodes' reveals go nowhere.
    NoReveal,
    /// Nobody settles a round.
    NoSettling,
    /// The ledger pays and does not say so.
    HiddenPay,
    /// The ledger says that it paid twice.
    RepeatedPay,
    /// The ledger burns and does not say so.
    HiddenPenalty,
    /// A round is said to end twice.
    RepeatedEnd,
}

impl Sabotage {
    /// Every mistake.
    pub const ALL: [Self; 9] = [
        Self::ForgottenLog,
        Self::WrongBits,
        Self::NoChallenge,
        Self::NoReveal,
        Self::NoSettling,
        Self::HiddenPay,
        Self::RepeatedPay,
        Self::HiddenPenalty,
        Self::RepeatedEnd,
    ];
}

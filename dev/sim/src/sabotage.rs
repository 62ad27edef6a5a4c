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
    /// Honest nodes never challenge a score.
    NoScoreChallenge,
    /// Nobody settles a score.
    NoScoreSettling,
    /// A round is said to be scored twice.
    RepeatedScore,
    /// The ledger says that a score burns nothing.
    UnsaidBurn,
}

impl Sabotage {
    /// Every mistake.
    pub const ALL: [Self; 13] = [
        Self::ForgottenLog,
        Self::WrongBits,
        Self::NoChallenge,
        Self::NoReveal,
        Self::NoSettling,
        Self::HiddenPay,
        Self::RepeatedPay,
        Self::HiddenPenalty,
        Self::RepeatedEnd,
        Self::NoScoreChallenge,
        Self::NoScoreSettling,
        Self::RepeatedScore,
        Self::UnsaidBurn,
    ];

    /// Returns whether it shows only where rounds are paid by what rows were worth.
    #[must_use]
    pub const fn is_of_scores(self) -> bool {
        matches!(
            self,
            Self::NoScoreChallenge | Self::NoScoreSettling | Self::RepeatedScore | Self::UnsaidBurn
        )
    }
}

//! How a node plays its part: as the machine says, or as one of the liars.
//!
//! A liar runs the same machine; what it does otherwise is bent on the way in and out.
//!
//! Absent: liars who agree on a plan. Each lies alone; what many of them could do together is
//! bounded by their share.

/// How a node plays its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Behaviour {
    /// As the machine says.
    Honest,
    /// Reveals an update far from what training gave.
    Poison,
    /// States pay for itself that the Program did not compute, and argues for it.
    WrongResult,
    /// The same, but silent as soon as it is disputed.
    Bluff,
    /// Challenges every right result, and argues for another.
    FalseAlarm,
    /// Commits and never reveals.
    NoReveal,
    /// Never posts a result when elected.
    SilentAggregator,
    /// Offers its update to nobody, serves nothing, and leaves settling to others.
    Withhold,
    /// Offers and serves other bytes than it names.
    Forge,
    /// Sends signatures that are none.
    BadSigner,
    /// Sends a second, different commitment, and calls that are out of place.
    Spam,
    /// Offers one update to half of its peers and another to the rest.
    Equivocate,
    /// Reveals with certificates that are none.
    Garbage,
    /// Commits to what another committed to, and reveals what another revealed.
    Copycat,
    /// Claims more pay than it is owed.
    Thief,
    /// Leaves once it has committed, without a reveal, and takes its stake when it may.
    HitAndRun,
    /// Claims scores that pay it what the Program does not, and argues for them.
    FalseScore,
    /// Says that the market did something else.
    FalseWindow,
    /// Says nothing of the market, and claims no score when it is its turn.
    Mute,
}

impl Behaviour {
    /// Every way of lying about rounds.
    pub const LIES: [Self; 15] = [
        Self::Poison,
        Self::WrongResult,
        Self::Bluff,
        Self::FalseAlarm,
        Self::NoReveal,
        Self::SilentAggregator,
        Self::Withhold,
        Self::Forge,
        Self::BadSigner,
        Self::Spam,
        Self::Equivocate,
        Self::Garbage,
        Self::Copycat,
        Self::Thief,
        Self::HitAndRun,
    ];

    /// The ways of lying about scores alone; liars about rounds lie about scores as well.
    pub const SCORE_LIES: [Self; 3] = [Self::FalseScore, Self::FalseWindow, Self::Mute];

    /// Returns whether it states results of rounds that the Program did not compute.
    #[must_use]
    pub const fn bends(self) -> bool {
        matches!(self, Self::WrongResult | Self::Bluff | Self::FalseAlarm)
    }

    /// Returns whether it states scores that the Program did not compute.
    #[must_use]
    pub const fn bends_scores(self) -> bool {
        self.bends() || matches!(self, Self::FalseScore)
    }
}

//! One seed from its first block to its last bond: faults, then none, then the bound.
//!
//! Absent: choice. Whether a property broke is the checkers' word, and how long a healed network
//! may take is the options'.

use round::chain::WEI_PER_GWEI;
use serde::Serialize;

use crate::check::Violation;
use crate::options::Size;
use crate::sabotage::Sabotage;
use crate::world::{Setting, World};

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Nodes.
    pub nodes: usize,
    /// Blocks made.
    pub blocks: u64,
    /// Rounds that settled.
    pub settled: u64,
    /// Rounds that missed a quorum.
    pub voided: u64,
    /// Rounds that were scored.
    pub scored: u64,
    /// Claims that were struck.
    pub struck: u64,
    /// Of them, claims of scores.
    pub scores_struck: u64,
    /// Gwei of stakes that scores burnt.
    pub scores_burnt_gwei: u64,
    /// Stakes that counted for nothing in a score, as they could be gone before it.
    pub unheld: u64,
    /// Disputes that a scalar step or a comparison decided.
    pub judged: u64,
    /// Disputes that a clock decided.
    pub timeouts: u64,
    /// Penalties for commitments without a reveal.
    pub penalties: u64,
    /// Gwei of honest challengers' bonds that a fallen claim's bond did not make good.
    pub unreturned_gwei: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// Nodes that joined late, or again.
    pub joined: u64,
    /// Stakes that were paid out.
    pub withdrawn: u64,
    /// Hash of everything that happened.
    pub transcript: u64,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A property was broken.
    #[error("seed {seed}, block {block}: {violation}")]
    Safety {
        /// The seed.
        seed: u64,
        /// When.
        block: u64,
        /// What.
        violation: Violation,
    },
    /// A healed network did not get there in time.
    #[error("seed {seed}, block {block}: no {what} within {bound} blocks")]
    Liveness {
        /// The seed.
        seed: u64,
        /// When.
        block: u64,
        /// What was waited for.
        what: &'static str,
        /// How many blocks it may take.
        bound: u64,
    },
    /// Two runs of one seed differ.
    #[error("seed {seed} gave two runs")]
    Nondeterminism {
        /// The seed.
        seed: u64,
    },
    /// Something panicked that must not.
    #[error("seed {seed} panicked: {what}")]
    Panic {
        /// The seed.
        seed: u64,
        /// What was said.
        what: String,
    },
}

impl Failure {
    /// Returns the seed that failed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        match self {
            Self::Safety { seed, .. }
            | Self::Liveness { seed, .. }
            | Self::Nondeterminism { seed }
            | Self::Panic { seed, .. } => *seed,
        }
    }
}

/// Runs a seed once.
///
/// # Errors
///
/// [`Failure`] at the first broken property, or when the healed network is too slow.
pub fn run(seed: u64, size: Size) -> Result<Report, Failure> {
    once(Setting::draw(seed, size), seed)
}

/// Runs a seed once, with a mistake put in.
///
/// # Errors
///
/// As [`run`]; a mistake that shows is one.
pub fn sabotaged(seed: u64, size: Size, mistake: Sabotage) -> Result<Report, Failure> {
    let mut world = World::new(Setting::draw(seed, size));
    world.sabotage = Some(mistake);
    live(&mut world, seed, &mut |_| {})
}

/// Runs a seed once and says what happens, in lines, as it happens.
///
/// # Errors
///
/// As [`run`].
pub fn trace(seed: u64, size: Size, say: &mut dyn FnMut(String)) -> Result<Report, Failure> {
    let mut world = World::new(Setting::draw(seed, size));
    world.lines = Some(Vec::new());
    live(&mut world, seed, say)
}

/// Runs a seed twice and compares.
///
/// # Errors
///
/// [`Failure`] of the first run, or [`Failure::Nondeterminism`].
pub fn check(seed: u64, size: Size) -> Result<Report, Failure> {
    let setting = Setting::draw(seed, size);
    compare(once(setting.clone(), seed), once(setting, seed), seed)
}

/// As [`check`], with both runs at the same time.
///
/// # Errors
///
/// As [`check`].
pub fn check_at_once(seed: u64, size: Size) -> Result<Report, Failure> {
    let setting = Setting::draw(seed, size);
    let again = setting.clone();
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(move || once(again, seed));
        let first = once(setting, seed);
        (first, other.join())
    });
    let what = || "the second run alone".into();
    compare(first, second.unwrap_or_else(|_| Err(Failure::Panic { seed, what: what() })), seed)
}

fn once(setting: Setting, seed: u64) -> Result<Report, Failure> {
    live(&mut World::new(setting), seed, &mut |_| {})
}

fn compare(
    first: Result<Report, Failure>,
    second: Result<Report, Failure>,
    seed: u64,
) -> Result<Report, Failure> {
    let first = first?;
    if second.as_ref() == Ok(&first) { Ok(first) } else { Err(Failure::Nondeterminism { seed }) }
}

/// Lets a world live through its faults and past them.
fn live(world: &mut World, seed: u64, say: &mut dyn FnMut(String)) -> Result<Report, Failure> {
    let faulty = world.options.rounds - world.options.live_rounds;
    let last = world.options.safety_blocks_max();
    advance(world, seed, say, |world| world.checkers.ended() >= faulty || world.block() >= last)?;

    world.heal();
    let (rounds, live_rounds) = (world.options.rounds, world.options.live_rounds);
    let settled = world.checkers.settled + live_rounds;
    while world.checkers.settled < settled || world.checkers.ended() < rounds {
        let (bound, settled) = (world.options.round_blocks_max(), world.checkers.settled);
        let reached = |world: &World| world.checkers.settled > settled;
        within(world, seed, say, (("settled round", 2 * bound), reached))?;
    }
    world.close();
    let scores = world.checkers.unscored() * world.options.score_blocks_max();
    let bound = world.options.round_blocks_max() + scores;
    let done = |world: &World| world.is_done();
    within(world, seed, say, (("complete pay with every bond returned", 2 * bound), done))?;
    let block = world.block();
    world.checkers.none_poorer().map_err(|violation| Failure::Safety { seed, block, violation })?;
    Ok(report(world, seed))
}

fn report(world: &World, seed: u64) -> Report {
    let checkers = &world.checkers;
    Report {
        seed,
        nodes: world.options.count(),
        blocks: world.block(),
        settled: checkers.settled,
        voided: checkers.voided,
        scored: checkers.scored,
        struck: checkers.struck,
        scores_struck: checkers.scores_struck,
        scores_burnt_gwei: checkers.scores_burnt_gwei,
        unheld: checkers.unheld,
        judged: checkers.judged,
        timeouts: checkers.timeouts,
        penalties: checkers.penalties,
        unreturned_gwei: u64::try_from(checkers.unreturned_wei / WEI_PER_GWEI).unwrap_or(u64::MAX),
        rejected: checkers.rejected,
        joined: checkers.joined,
        withdrawn: checkers.withdrawn,
        transcript: world.transcript(),
    }
}

fn advance(
    world: &mut World,
    seed: u64,
    say: &mut dyn FnMut(String),
    mut done: impl FnMut(&World) -> bool,
) -> Result<(), Failure> {
    while !done(world) {
        let step = world.step();
        world.lines.iter_mut().flat_map(std::mem::take).for_each(&mut *say);
        step.map_err(|violation| Failure::Safety { seed, block: world.block(), violation })?;
    }
    Ok(())
}

fn within(
    world: &mut World,
    seed: u64,
    say: &mut dyn FnMut(String),
    ((what, bound), mut done): ((&'static str, u64), impl FnMut(&World) -> bool),
) -> Result<(), Failure> {
    let last = world.block() + bound;
    advance(world, seed, say, |world| done(world) || world.block() > last)?;
    if done(world) {
        Ok(())
    } else {
        Err(Failure::Liveness { seed, block: world.block(), what, bound })
    }
}

//! A deterministic simulator: N real state machines and the ledger, in one thread, from one seed.
//!
//! A run has two phases. In the first the world is hostile: packets are lost, late and doubled, the
//! network splits, processes are killed between any two effects and come back from their disks, a
//! third of the seats may lie. [`Checkers`] look at every step. Then everything heals, and the
//! network must settle rounds, pay everybody and return every bond within a bound of blocks.
//!
//! Invariant: a run is a function of its seed; [`check`] runs each twice and compares everything
//! that happened.
//!
//! Deliberately absent: sockets, disks, clocks, threads, and options by hand. A failure is a seed,
//! and `cargo run --release -p sim -- --seed N` shows it again.

pub mod check;
pub mod node;
pub mod options;
pub mod rng;
mod transcript;
pub mod work;
pub mod world;

pub use check::{Checkers, Violation};
pub use options::{Behaviour, Options};
pub use world::World;

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Blocks made.
    pub blocks: u64,
    /// Rounds that settled.
    pub settled: u64,
    /// Rounds that missed a quorum.
    pub voided: u64,
    /// Claims that were struck.
    pub struck: u64,
    /// Disputes that a scalar step or a comparison decided.
    pub judged: u64,
    /// Disputes that a clock decided.
    pub timeouts: u64,
    /// Penalties for commitments without a reveal.
    pub penalties: u64,
    /// Rows that were rejected.
    pub rejected: u64,
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
}

/// Runs a seed once.
///
/// # Errors
///
/// [`Failure`] at the first broken property, or when the healed network is too slow.
pub fn run(seed: u64) -> Result<Report, Failure> {
    let mut world = World::new(seed);
    let end = world.options.safety_blocks;
    advance(&mut world, seed, |world| world.block() >= end)?;

    world.heal();
    for _ in 0..world.options.live_rounds {
        let (bound, settled) = (world.options.round_blocks_max(), world.checkers.settled);
        let reached = |world: &World| world.checkers.settled > settled;
        within(&mut world, seed, ("settled round", 2 * bound), reached)?;
    }
    world.close();
    let bound = world.options.round_blocks_max();
    let done = |world: &World| {
        let idle = world.ledger.round(world.block()).phase == round::Phase::Idle;
        let bonds_wei = world.ledger.bonds_wei();
        idle && bonds_wei == 0 && world.checkers.all_paid(&world.ledger).is_ok()
    };
    within(&mut world, seed, ("complete pay with every bond returned", 2 * bound), done)?;
    Ok(Report {
        seed,
        blocks: world.block(),
        settled: world.checkers.settled,
        voided: world.checkers.voided,
        struck: world.checkers.struck,
        judged: world.checkers.judged,
        timeouts: world.checkers.timeouts,
        penalties: world.checkers.penalties,
        rejected: world.checkers.rejected,
        transcript: world.transcript(),
    })
}

/// Runs a seed twice and compares.
///
/// # Errors
///
/// [`Failure`] of the first run, or [`Failure::Nondeterminism`].
pub fn check(seed: u64) -> Result<Report, Failure> {
    let first = run(seed)?;
    if run(seed)? == first { Ok(first) } else { Err(Failure::Nondeterminism { seed }) }
}

fn advance(
    world: &mut World,
    seed: u64,
    mut done: impl FnMut(&World) -> bool,
) -> Result<(), Failure> {
    while !done(world) {
        world.step().map_err(|violation| Failure::Safety {
            seed,
            block: world.block(),
            violation,
        })?;
    }
    Ok(())
}

fn within(
    world: &mut World,
    seed: u64,
    (what, bound): (&'static str, u64),
    mut done: impl FnMut(&World) -> bool,
) -> Result<(), Failure> {
    let last = world.block() + bound;
    advance(world, seed, |world| done(world) || world.block() > last)?;
    if done(world) {
        Ok(())
    } else {
        Err(Failure::Liveness { seed, block: world.block(), what, bound })
    }
}

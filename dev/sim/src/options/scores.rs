//! Pay by what rows were worth: a quarter of the seeds have it, and what it is like there.
//!
//! A stream of its own draws it, so that a run with flat pay is what it would be without this file.
//!
//! Absent: runs short of money. What a round may pay is there before it opens.

use super::Options;
use crate::behaviour::Behaviour;
use crate::rng::Rng;

/// How rounds are scored.
#[derive(Clone, Debug)]
pub struct Scores {
    /// Rounds that settle after one before its windows are asked for.
    pub lag: u32,
    /// Past aggregates whose span earns nothing.
    pub models: u32,
    /// Orders of a score.
    pub permutations: usize,
    /// Blocks in which windows are taken.
    pub window_blocks: u64,
    /// Blocks each node has to claim a score.
    pub turn_blocks: u64,
}

impl Scores {
    /// Draws whether a run has scores, unless that is given, and if so what they are like and which
    /// of its liars lie about them.
    pub(super) fn draw(rng: &mut Rng, given: Option<bool>, options: &mut Options) {
        let drawn = rng.chance((1, 4));
        if !given.unwrap_or(drawn) {
            return;
        }
        for behaviour in options.behaviours.iter_mut().filter(|b| **b != Behaviour::Honest) {
            if rng.chance((1, 2)) {
                *behaviour = Behaviour::SCORE_LIES[rng.index(Behaviour::SCORE_LIES.len())];
            }
        }
        let lag_ticks = options.lags.iter().max().copied().unwrap_or(0);
        let late_blocks = 2 * lag_ticks.div_ceil(options.block_ticks);
        options.scores = Some(Self {
            lag: u32::try_from(rng.between(1, 3)).expect("small"),
            models: u32::try_from(rng.between(1, 3)).expect("small"),
            permutations: 2 + 2 * rng.index(2),
            window_blocks: rng.between(6, 10) + late_blocks,
            turn_blocks: rng.between(4, 8) + late_blocks,
        });
    }
}

impl Options {
    /// Returns from the opening of windows to a score at the latest, if no claim of it is wrong;
    /// stakes that can be withdrawn by then count for nothing.
    #[must_use]
    pub fn score_blocks(&self) -> u64 {
        let Some(scores) = &self.scores else { return 0 };
        let turns = scores.turn_blocks * u64::from(self.capacity);
        turns + scores.window_blocks + self.window_blocks + 2 * self.clock_blocks
    }

    /// Returns in how many blocks a healed network must score a round whose windows are asked for.
    ///
    /// Windows to their deadline, then for every claim that a liar has a bond for all turns, since
    /// whoever had rows may have left, the claim's window, both clocks and the wait for whose turn
    /// it is.
    #[must_use]
    pub fn score_blocks_max(&self) -> u64 {
        let Some(scores) = &self.scores else { return 0 };
        let count = self.count() as u64;
        let turns = scores.turn_blocks * u64::from(self.capacity) + 4 * count;
        let dispute = self.window_blocks + 2 * self.clock_blocks + 2 * count + 8;
        scores.window_blocks + (self.disputed_max() + 1) * (turns + dispute)
    }
}

//! One training with liars in it.
//!
//! Every round each node takes a batch of its own examples and sends its momentum,
//! `0.9 m + 0.1 gradient`; the first nodes lie; the aggregate times the rate is subtracted from the
//! model. The model is measured every ten rounds.
//!
//! *Invariant: the seed decides batches, noise and buckets, and is the same whoever aggregates.*
//! Absent: error feedback and a choice of coordinates, which change rows and not rules.

use anyhow::ensure;
use laws::dice::Dice;

use crate::attack::{Attack, Scene};
use crate::data::Split;
use crate::task::{BATCH, Task};
use crate::{Aggregate, QUANTA, chance};

/// The share of the old momentum that stays.
const MOMENTUM: f32 = 0.9;
/// Rounds after which a stale row is replayed.
const STALE: usize = 20;
/// Rounds between two measurements.
const MEASURED: usize = 10;

/// What is fought over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fight {
    /// What liars send.
    pub attack: Attack,
    /// How data are split.
    pub split: Split,
    /// Nodes.
    pub nodes: usize,
    /// Nodes that lie.
    pub liars: usize,
    /// Rounds.
    pub rounds: usize,
    /// Decides all the rest.
    pub seed: u64,
}

/// How it ended, by the task's measure: more is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Of the last model.
    pub last: f64,
    /// Of the best one that was measured.
    pub best: f64,
}

impl Fight {
    /// Returns the dice of a part of the fight.
    fn dice(&self, part: u64) -> Dice {
        Dice::new(self.seed.wrapping_mul(0x0001_0000_0000).wrapping_add(part))
    }

    /// Fights.
    ///
    /// # Errors
    ///
    /// If the rule cannot answer.
    pub fn run(&self, task: &mut dyn Task, rule: &mut dyn Aggregate) -> anyhow::Result<Outcome> {
        ensure!(self.liars < self.nodes, "somebody must be honest");
        let hands = self.split.deal(task.kinds(), self.nodes, &mut self.dice(1));
        let mut params = vec![0.0_f32; task.count()];
        let mut momenta = vec![vec![0.0_f32; params.len()]; self.nodes];
        let mut past: Vec<Vec<Vec<f32>>> = Vec::new();
        let mut outcome = Outcome { last: 0.0, best: f64::NEG_INFINITY };
        let flipped = if self.attack == Attack::LabelFlip { self.liars } else { 0 };
        let mut dice = self.dice(2);
        for round in 0..self.rounds {
            let pick = |hand: &Vec<usize>| -> Vec<usize> {
                (0..BATCH).map(|_| *dice.pick(hand)).collect()
            };
            let batch: Vec<usize> = hands.iter().flat_map(pick).collect();
            let gradients = task.gradients(&params, &batch, flipped);
            for (momentum, gradient) in momenta.iter_mut().zip(&gradients) {
                for (m, g) in momentum.iter_mut().zip(gradient) {
                    *m = MOMENTUM * *m + (1.0 - MOMENTUM) * g;
                }
            }
            let (own, honest) = momenta.split_at(self.liars);
            past.push(own.to_vec());
            let stale = &past[round.saturating_sub(STALE)];
            let dice = self.dice(1_000 + u64::try_from(round)?);
            let lies = self.attack.lies(Scene { honest, own, stale, dice }, rule)?;
            let rows: Vec<Vec<i32>> = lies.iter().chain(honest).map(|row| quantised(row)).collect();
            let aggregate = rule.aggregate(&rows)?;
            for (x, step) in params.iter_mut().zip(&aggregate) {
                *x -= task.rate() * (step / tensor::scalar::f64_to_f32(QUANTA));
            }
            if (round + 1) % MEASURED == 0 || round + 1 == self.rounds {
                outcome.last = task.score(&params);
                if outcome.last > outcome.best {
                    outcome.best = outcome.last;
                }
            }
        }
        Ok(outcome)
    }
}

/// Returns a row in quanta, rounded to nearest, halves up, within what a Program takes.
#[must_use]
pub fn quantised(row: &[f32]) -> Vec<i32> {
    let bound = round::aggregate::UPDATE_MAX;
    let quantum = |x: &f32| {
        let x = f64::from(*x) * QUANTA + 0.5;
        // Rounds down without a call: many rows are quantised.
        let toward_zero = tensor::scalar::f64_to_i32(x);
        let down = i32::from(f64::from(toward_zero) > x);
        toward_zero.saturating_sub(down).clamp(-bound, bound)
    };
    row.iter().map(quantum).collect()
}

/// Returns the order in which a round's rows are put into buckets.
#[must_use]
pub fn order(rows: usize, seed: u64, round: u64) -> Vec<i32> {
    let mut order: Vec<i32> = (0..).take(rows).collect();
    chance::shuffle(&mut Dice::new(seed ^ round << 32 ^ 0xb0c_4e75), &mut order);
    order
}

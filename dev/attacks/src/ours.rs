//! Our rules: Programs on the kernels.
//!
//! *Invariant: what an attempt sees of a bucketing rule's order is not what the round will have.*
//! Absent: threads; several fights run side by side instead.

use anyhow::Context;
use kernels::{Runner, Threads};
use round::robust::{Recipe, inputs, program};
use tensor::Tensor;

use crate::{Aggregate, fight};

/// A recipe that aggregates.
#[derive(Debug)]
pub struct Ours {
    runner: Runner,
    previous: Vec<f32>,
    seed: u64,
    round: u64,
}

impl Ours {
    /// Returns a recipe for rows of these sizes; the seed decides the order of buckets.
    ///
    /// # Errors
    ///
    /// If the recipe makes no sense for the sizes.
    pub fn new(recipe: &Recipe, (n, d): (usize, usize), seed: u64) -> anyhow::Result<Ours> {
        let program = program(recipe, n, d)?;
        let one = Threads { count: 1, ..Threads::available() };
        let runner = Runner::new(&program).with_threads(one);
        Ok(Ours { runner, previous: vec![0.0; d], seed, round: 0 })
    }

    fn run(&mut self, rows: &[Vec<i32>], order: &[i32]) -> anyhow::Result<Vec<f32>> {
        let d = self.previous.len();
        let previous = Tensor::f32(&[d], self.previous.clone())?;
        let mut tensors = Vec::with_capacity(rows.len());
        for row in rows {
            tensors.push(Tensor::i32(&[d], row.clone())?);
        }
        let outputs = self.runner.run(&inputs(previous, Some(order), &tensors)?)?;
        Ok(outputs[0].as_f32().context("aggregates are f32")?.to_vec())
    }
}

impl Aggregate for Ours {
    fn aggregate(&mut self, rows: &[Vec<i32>]) -> anyhow::Result<Vec<f32>> {
        self.round += 1;
        let order = fight::order(rows.len(), self.seed, self.round);
        self.previous = self.run(rows, &order)?;
        Ok(self.previous.clone())
    }

    fn attempt(&mut self, rows: &[Vec<i32>]) -> anyhow::Result<Vec<f32>> {
        let order: Vec<i32> = (0..).take(rows.len()).collect();
        self.run(rows, &order)
    }
}

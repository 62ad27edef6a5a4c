//! The same rounds without those who attack: what the model would be if only the honest nodes
//! trained, on the same data, from the same seeds.
//!
//! Invariant: nothing here reaches a node or the chain.

use anyhow::Context as _;
use learn::Dataset;
use node::Job;
use round::aggregate::{Row, inputs};
use tensor::{Dtype, Hash, Tensor};

/// The rounds that were not.
#[derive(Debug)]
pub(crate) struct Without {
    nodes: Vec<Honest>,
    params: Tensor,
    /// The last round that was done again.
    round: u64,
}

/// A node that does not attack.
#[derive(Debug)]
struct Honest {
    data: Dataset,
    residual: Vec<f32>,
}

impl Without {
    /// Starts from the job's initial model.
    pub(crate) fn new(job: &Job, data: impl Iterator<Item = Dataset>) -> Without {
        let nodes = data.map(|data| Honest { data, residual: Vec::new() }).collect();
        Without { nodes, params: job.initial_params(), round: 0 }
    }

    /// Does the next round and returns the model it leads to; nothing if it is not the next one,
    /// as where rounds were run before this process.
    pub(crate) fn next(
        &mut self,
        job: &Job,
        (round, seed): (u64, Hash),
    ) -> anyhow::Result<Option<&Tensor>> {
        if round != self.round + 1 {
            return Ok(None);
        }
        self.round = round;
        let mut rows = Vec::new();
        // As many seats as there are, evenly, as the lot gives equal stakes.
        let each = (node::CAPACITY as usize / self.nodes.len().max(1)).max(1);
        for (member, honest) in (0..).zip(&mut self.nodes) {
            let place = (&self.params, round, seed);
            let (update, residual) =
                node::train_honestly(job, &honest.data, place, &honest.residual)?;
            honest.residual = residual;
            let update = Tensor::i32(&[update.len()], update).context("an update")?;
            rows.extend((0..each).map(|_| Row { member, update: update.clone() }));
        }
        let paid = Tensor::zeros(Dtype::F64, &[node::CUMULATIVE as usize]).context("zeros")?;
        let inputs = inputs((self.params.clone(), paid), 0, &rows).context("the rows")?;
        let program = job.aggregate(rows.len())?;
        let outputs = kernels::eval(&program, &inputs).context("the aggregation")?;
        self.params = outputs.into_iter().next().context("the aggregation has outputs")?;
        Ok(Some(&self.params))
    }
}

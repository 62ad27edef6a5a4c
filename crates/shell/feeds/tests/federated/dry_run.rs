//! A federation without a chain: the round's Programs on real slices, in one thread.
//!
//! Each round every node trains from the common parameters on its own slice, quantises with error
//! feedback, and the aggregation Program of docs/protocol.md makes the next parameters. Used by the
//! test beside it and by the example `federate`, which prints the figures of docs/model.md.

use kernels::Runner;
use learn::{Dataset, Kind, Model, Schedule, Trainer};
use market::score::{self, Report};
use market::{Day, Evaluation, FEATURES, Slice, Trained};
use round::aggregate::{Row, inputs};
use tensor::{Dtype, Program, Tensor};

/// Whose update is multiplied by what before it is revealed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poison {
    /// The node.
    pub(crate) node: usize,
    /// The factor: -10 flips and amplifies.
    pub(crate) factor: i32,
}

/// What a round left.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    /// The model.
    pub(crate) params: Tensor,
    /// What a report takes from the round: the model before, who was accepted, the updates.
    pub(crate) trained: Trained,
    /// Distances of the nodes' updates over the median distance.
    pub(crate) distance: Vec<f64>,
    /// 1 for each accepted node.
    pub(crate) accepted: Vec<i32>,
}

/// Nodes with their slices and the two Programs of a round.
pub(crate) struct Federation {
    trainer: Trainer,
    slices: Vec<Dataset>,
    aggregate: Program,
}

impl Federation {
    /// A federation of one node per slice.
    pub(crate) fn new(kind: Kind, schedule: Schedule, slices: &[Slice]) -> Federation {
        let model = Model::new(kind, &FEATURES);
        let aggregate = round::aggregate(slices.len(), model.count(), 32, learn::step())
            .expect("a federation of a few nodes");
        let trainer = Trainer::new(model, schedule).expect("a valid schedule");
        let slices = slices.iter().map(|slice| slice.train.clone()).collect();
        Federation { trainer, slices, aggregate }
    }

    /// The model that is trained.
    pub(crate) fn model(&self) -> &Model {
        self.trainer.model()
    }

    /// Runs rounds from the initial model; `seed` decides every batch.
    pub(crate) fn run(&self, rounds: u64, seed: u32, poison: Option<Poison>) -> Vec<Settled> {
        let mut step = Runner::new(self.trainer.program());
        let mut aggregate = Runner::new(&self.aggregate);
        let mut params = self.trainer.model().initial();
        let mut residuals = vec![Vec::new(); self.slices.len()];
        let mut settled = Vec::new();
        for round in 0..rounds {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&seed.to_le_bytes());
            key[4..8].copy_from_slice(&round.to_le_bytes()[..4]);
            let mut rows = Vec::new();
            for (node, data) in self.slices.iter().enumerate() {
                let trained = self
                    .trainer
                    .train(&params, data, (round, &key), |_, inputs| step.run(inputs))
                    .expect("a round of training");
                let (mut update, residual) =
                    learn::quantise(&trained.update, &residuals[node], learn::SCALE);
                residuals[node] = residual;
                if let Some(poison) = poison.filter(|poison| poison.node == node) {
                    update.iter_mut().for_each(|q| *q = q.saturating_mul(poison.factor));
                }
                let update = Tensor::i32(&[update.len()], update).expect("as many as parameters");
                let member = u32::try_from(node).expect("a few nodes");
                rows.push(Row { member, update });
            }
            let paid = Tensor::zeros(Dtype::F64, &[32]).expect("a valid shape");
            let before = params.clone();
            let inputs = inputs((params, paid), 100, &rows).expect("at least one row");
            let outputs = aggregate.run(&inputs).expect("inputs of the aggregation");
            params = outputs[0].clone();
            settled.push(Settled {
                params: params.clone(),
                trained: Trained {
                    before,
                    accepted: outputs[1].clone(),
                    updates: rows.into_iter().map(|row| row.update).collect(),
                },
                distance: outputs[2].as_f64().expect("f64").to_vec(),
                accepted: outputs[1].as_i32().expect("i32").to_vec(),
            });
        }
        settled
    }

    /// The model's report on an evaluation, by the forecast Program.
    pub(crate) fn report(&self, params: &Tensor, evaluation: &Evaluation) -> Report {
        score::report(evaluation, &self.forecasts(params, &evaluation.days))
    }

    /// The model's variance forecasts of these days.
    pub(crate) fn forecasts(&self, params: &Tensor, days: &[Day]) -> Vec<f64> {
        let days: Vec<&Day> = days.iter().collect();
        let program = market::forecast(self.trainer.model(), days.len()).expect("some days");
        let inputs = market::forecast_inputs(params, &days).expect("some days");
        let outputs = kernels::eval(&program, &inputs).expect("inputs of the forecast");
        outputs[0].as_f64().expect("f64").iter().map(|ln_h| ln_h.exp()).collect()
    }
}

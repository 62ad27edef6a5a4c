//! The network that is attacked: training, aggregation and report as its nodes run them.
//!
//! *Invariant: every number that moves money is the output of the Program that nodes run.* Absent:
//! stakes, which weigh pay and not rows, and the chain.

use kernels::Runner;
use learn::{Dataset, Kind, Model, Schedule, Trainer};
use market::{Day, Evaluation, FEATURES, Plan, REPORT_DAYS, Recent, Trained};
use round::aggregate::{Row, inputs};
use tensor::{Dtype, Program, Tensor};

use super::cost::Tail;
use crate::error::Error;

/// Elements of the cumulative tensor, which changes no model.
const CUMULATIVE: usize = 32;

/// A round's updates, one a seat.
pub(super) type Updates = Vec<Vec<i32>>;

/// Who trains on what, and the Programs.
#[derive(Debug)]
pub(super) struct Network {
    trainer: Trainer,
    slices: Vec<Dataset>,
    aggregate: Program,
    report: Program,
    evaluation: Evaluation,
}

/// One thread's runners of a network's Programs.
pub(super) struct Bench<'a> {
    network: &'a Network,
    train: Runner,
    aggregate: Runner,
    report: Runner,
}

/// The model and what each seat's rounding left, between rounds.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) params: Tensor,
    residuals: Vec<Vec<f32>>,
}

/// What a round led to.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) params: Tensor,
    /// 1 for each accepted row.
    pub(super) accepted: Vec<i32>,
    /// The margin that the next report asks for.
    pub(super) upper: f64,
    /// Its quantile and shortfall.
    pub(super) tail: Tail,
}

impl Network {
    /// Makes one of this many seats. Seats beyond the plan's slices train on them again, with other
    /// batches.
    pub(super) fn new(plan: &Plan, seats: usize) -> Result<Network, Error> {
        let model = Model::new(Kind::Har, &FEATURES);
        let step = learn::step();
        let aggregate = round::aggregate(seats, model.count(), CUMULATIVE, step);
        let report = market::report(&model, seats, step).map_err(failed)?;
        let trainer = Trainer::new(model, Schedule::STANDARD).map_err(failed)?;
        let slices = plan.slices.iter().cycle().take(seats).map(|slice| slice.train.clone());
        Ok(Network {
            trainer,
            slices: slices.collect(),
            aggregate: aggregate.map_err(failed)?,
            report,
            evaluation: plan.evaluations[0].clone(),
        })
    }

    /// Returns how many days can be reported on.
    pub(super) fn days(&self) -> usize {
        self.evaluation.days.len()
    }

    pub(super) fn seats(&self) -> usize {
        self.slices.len()
    }

    pub(super) fn market(&self) -> &str {
        &self.evaluation.market
    }

    pub(super) fn bench(&self) -> Bench<'_> {
        Bench {
            network: self,
            train: Runner::new(self.trainer.program()),
            aggregate: Runner::new(&self.aggregate),
            report: Runner::new(&self.report),
        }
    }

    pub(super) fn start(&self) -> State {
        let params = self.trainer.model().initial();
        State { params, residuals: vec![Vec::new(); self.slices.len()] }
    }

    /// Returns the days before the report's, oldest first, and the day itself.
    fn window(&self, day: usize) -> (Vec<&Day>, &Day) {
        let Evaluation { lead, days, .. } = &self.evaluation;
        let before: Vec<&Day> = lead.iter().chain(&days[..day]).collect();
        (before[before.len().saturating_sub(REPORT_DAYS)..].to_vec(), &days[day])
    }
}

impl Bench<'_> {
    /// Trains every seat honestly from the common model, and returns the updates; what rounding
    /// left goes into the state.
    pub(super) fn train(
        &mut self,
        state: &mut State,
        (round, seed): (u64, u64),
    ) -> Result<Updates, Error> {
        let distinct = self.network.slices.len().min(4);
        let mut updates = Vec::with_capacity(self.network.slices.len());
        for (seat, data) in self.network.slices.iter().enumerate() {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&seed.to_le_bytes());
            key[8..16].copy_from_slice(&round.to_le_bytes());
            // The round's seed is common; seats on one slice would train alike.
            key[0] ^= u8::try_from(seat / distinct).unwrap_or(u8::MAX).wrapping_mul(0x3b);
            let step = &mut self.train;
            let trained = self
                .network
                .trainer
                .train(&state.params, data, (round, &key), |_, inputs| step.run(inputs))
                .map_err(failed)?;
            let residual = &state.residuals[seat];
            let (update, residual) = learn::quantise(&trained.update, residual, learn::SCALE);
            state.residuals[seat] = residual;
            updates.push(update);
        }
        Ok(updates)
    }

    /// Aggregates rows, and reports on a day with the model they give.
    pub(super) fn judge(
        &mut self,
        params: &Tensor,
        rows: &[Vec<i32>],
        day: usize,
    ) -> Result<Judged, Error> {
        let tensors = rows.iter().map(|row| Tensor::i32(&[row.len()], row.clone()));
        let updates: Vec<Tensor> = tensors.collect::<Result<_, _>>().map_err(failed)?;
        let row = |(member, update): (u32, &Tensor)| Row { member, update: update.clone() };
        let members: Vec<Row> = (0_u32..).zip(&updates).map(row).collect();
        let paid = Tensor::zeros(Dtype::F64, &[CUMULATIVE]).map_err(failed)?;
        let inputs = inputs((params.clone(), paid), 100, &members).map_err(failed)?;
        let outputs = self.aggregate.run(&inputs).map_err(failed)?;
        let trained = Trained { before: params.clone(), accepted: outputs[1].clone(), updates };
        let (upper, tail) = self.report(&outputs[0], &trained, day)?;
        let accepted = outputs[1].as_i32().unwrap_or(&[]).to_vec();
        Ok(Judged { params: outputs[0].clone(), accepted, upper, tail })
    }

    /// Returns the margin asked for on a day, and its tail.
    pub(super) fn report(
        &mut self,
        params: &Tensor,
        trained: &Trained,
        day: usize,
    ) -> Result<(f64, Tail), Error> {
        let (before, today) = self.network.window(day);
        let recent = Recent::new(&before, today).map_err(failed)?;
        self.run(params, trained, &recent)
    }

    /// Returns the margin of a day whose returns, as the provider tells them, are this many times
    /// what they were.
    pub(super) fn retold(
        &mut self,
        judged: (&Tensor, &Trained),
        factor: f64,
        day: usize,
    ) -> Result<f64, Error> {
        let (before, today) = self.network.window(day);
        let told = |day: &Day| Day {
            anchor: day.anchor * factor * factor,
            proxy: day.proxy * factor * factor,
            ret: day.ret * factor,
            ..day.clone()
        };
        let before: Vec<Day> = before.into_iter().map(told).collect();
        let recent = Recent::new(&before.iter().collect::<Vec<_>>(), &told(today));
        Ok(self.run(judged.0, judged.1, &recent.map_err(failed)?)?.0)
    }

    fn run(
        &mut self,
        params: &Tensor,
        trained: &Trained,
        recent: &Recent,
    ) -> Result<(f64, Tail), Error> {
        let inputs = market::report_inputs(params, recent, Some(trained));
        let outputs = self.report.run(&inputs).map_err(failed)?;
        match outputs[0].as_f64() {
            Some([shortfall, quantile, upper]) => {
                Ok((*upper, Tail { quantile: *quantile, shortfall: *shortfall }))
            }
            _ => Err(Error::Attack("a report is three numbers".to_owned())),
        }
    }
}

pub(super) fn failed(error: impl std::fmt::Display) -> Error {
    Error::Attack(error.to_string())
}

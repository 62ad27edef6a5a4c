//! A round of local training: which Program to run, how often, and what to feed it.
//!
//! A [`Trainer`] decides nothing that another node could decide otherwise: parameters, data, round
//! and seed in, difference out. It does not run the Program; the caller's function does, so the
//! same code serves the reference interpreter and the kernels.

use tensor::{BuildError, Dtype, EvalError, Program, Tensor};
use thiserror::Error;

use crate::{Dataset, Model, Schedule, step_program};

/// The training of one model by one schedule.
#[derive(Clone, Debug)]
pub struct Trainer {
    model: Model,
    schedule: Schedule,
    program: Program,
}

/// What a round of training gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// Parameters after minus parameters before: what is quantised and revealed.
    pub update: Vec<f32>,
    /// The batch's mean loss before each step.
    pub losses: Vec<f32>,
}

/// Why training gave no update.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TrainError {
    /// Parameters or data are of another model.
    #[error("the training step does not take these inputs: {0}")]
    Eval(#[from] EvalError),
    /// Parameters or loss are no longer finite after a step.
    #[error("training diverged at step {step}")]
    Diverged {
        /// The step, from 0.
        step: u32,
    },
}

impl Trainer {
    /// Builds the step's Program.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the schedule has an empty batch or the model is too large.
    ///
    /// ```
    /// use learn::{Kind, Model, Schedule, Trainer};
    /// let trainer = Trainer::new(Model::new(Kind::Har, &["day"]), Schedule::STANDARD)?;
    /// assert_eq!(trainer.schedule().steps, 20);
    /// assert_eq!(trainer.program().inputs().len(), 9);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    pub fn new(model: Model, schedule: Schedule) -> Result<Trainer, BuildError> {
        let program = step_program(&model, schedule.batch)?;
        Ok(Trainer { model, schedule, program })
    }

    /// Returns the model.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Returns the schedule.
    #[must_use]
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Returns the Program of one step; its hash is what an explorer shows for the training.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// Trains from `params` on `data` for a round (its number and seed), running steps with `eval`.
    ///
    /// The result depends on the arguments alone. The first 8 bytes of `seed` key the batches.
    ///
    /// # Errors
    ///
    /// [`TrainError`] if inputs are of another model or the loss is no longer finite.
    ///
    /// ```
    /// use learn::{Dataset, Kind, Model, Schedule, Trainer};
    /// let trainer = Trainer::new(Model::new(Kind::Har, &["day"]), Schedule::STANDARD)?;
    /// let data = Dataset::new(&[vec![1.0], vec![-1.0]], &[2.0, 0.5])?;
    /// let start = trainer.model().initial();
    /// let trained = trainer.train(&start, &data, (0, &[7; 32]), tensor::eval)?;
    /// assert!(trained.update[0] > 0.0); // more of the feature, more variance
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn train(
        &self,
        params: &Tensor,
        data: &Dataset,
        (round, seed): (u64, &[u8; 32]),
        mut eval: impl FnMut(&Program, &[Tensor]) -> Result<Vec<Tensor>, EvalError>,
    ) -> Result<Trained, TrainError> {
        let zeros = || Tensor::zeros(Dtype::F32, &[self.model.count()]).expect("a model's shape");
        let count = i32::try_from(data.count()).expect("a dataset has at most ROWS rows");
        let mut inputs = vec![
            params.clone(),
            zeros(),
            zeros(),
            data.x().clone(),
            data.y().clone(),
            whole(&[count]),
            whole(&[word(seed, 0), word(seed, 4)]),
            whole(&[0]),
            Tensor::f32(&[1], vec![self.schedule.rate(round)]).expect("one element"),
        ];
        let mut losses = Vec::new();
        for step in 0..self.schedule.steps {
            inputs[7] = whole(&[step.cast_signed()]);
            let mut outputs = eval(&self.program, &inputs)?.into_iter();
            for input in &mut inputs[..3] {
                *input = outputs.next().ok_or(TrainError::Diverged { step })?;
            }
            let loss = outputs.next().and_then(|loss| loss.as_f32().map(|loss| loss[0]));
            let finite = inputs[0].as_f32().is_some_and(|p| p.iter().all(|p| p.is_finite()));
            match loss {
                Some(loss) if finite && loss.is_finite() => losses.push(loss),
                _ => return Err(TrainError::Diverged { step }),
            }
        }
        let (before, after) = (params.as_f32().unwrap_or(&[]), inputs[0].as_f32().unwrap_or(&[]));
        let update = after.iter().zip(before).map(|(after, before)| after - before).collect();
        Ok(Trained { update, losses })
    }
}

fn whole(values: &[i32]) -> Tensor {
    Tensor::i32(&[values.len()], values.to_vec()).expect("a short vector is a valid shape")
}

fn word(seed: &[u8; 32], at: usize) -> i32 {
    i32::from_le_bytes([seed[at], seed[at + 1], seed[at + 2], seed[at + 3]])
}

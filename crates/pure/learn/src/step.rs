//! One training step as one Program: draw a batch, take the gradient, move by Adam.
//!
//! Adam's state starts at zero every round: an update then depends on the public parameters, the
//! node's data and the seed only, and every honest node's update has the same length scale, which
//! is what lets a distance tell a liar (docs/model.md).
//!
//! The seed is an input, and so are the step's number and the learning rate: one Program serves
//! every step of every round.

use tensor::{BuildError, Builder, Dtype, Program, Value};

use crate::evaluate::mean_loss;
use crate::loss::qlike;
use crate::optimiser::Adam;
use crate::{Model, ROWS};

/// How long and how fast a node trains in a round.
///
/// ```
/// let schedule = learn::Schedule::STANDARD;
/// assert_eq!(schedule.rate(0), schedule.rate_first);
/// assert!(schedule.rate(10) < schedule.rate(9));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Steps a round.
    pub steps: u32,
    /// Rows drawn a step, with replacement.
    pub batch: usize,
    /// The learning rate of round 0.
    pub rate_first: f32,
    /// The learning rate of round r is `rate_first / (1 + rate_decay * r)`.
    pub rate_decay: f32,
}

impl Schedule {
    /// What docs/model.md found best before the split: 20 steps of 1,024 rows at 0.01 / (1 + r/10).
    pub const STANDARD: Schedule =
        Schedule { steps: 20, batch: 1_024, rate_first: 0.01, rate_decay: 0.1 };

    /// Returns the learning rate of a round.
    #[must_use]
    pub fn rate(&self, round: u64) -> f32 {
        // Beyond 2^24 rounds the rate no longer falls; u16 halves convert to f32 exactly.
        let round = u32::try_from(round.min(1 << 24)).unwrap_or(1 << 24);
        let (high, low) = ((round >> 16) as u16, (round & 0xffff) as u16);
        let round = f32::from(high) * 65_536.0 + f32::from(low);
        self.rate_first / (1.0 + self.rate_decay * round)
    }
}

/// Returns the Program of one step.
///
/// Inputs: `params` f32\[d\], Adam's moments `m` and `v` f32\[d\] each, `x` f32\[[`ROWS`], p\], `y`
/// f32\[[`ROWS`]\], `count` i32\[1\], `seed` i32\[2\], `step` i32\[1\] (from 0), `rate` f32\[1\].
/// Outputs: `params`, `m`, `v` after the step, and the batch's mean loss before it, f32\[1\].
///
/// Row i of the batch is `floor(u * count)`, u the top 24 bits of Philox word i under the key
/// (seed 0, seed 1 xor step), over 2^24.
///
/// # Errors
///
/// [`BuildError`] if `batch` is 0 or the model is too large for one Program.
///
/// ```
/// use learn::{Kind, Model, Schedule, step_program};
/// let model = Model::new(Kind::Har, &["day", "week"]);
/// let (a, b) = (step_program(&model, 64)?, step_program(&model, 64)?);
/// assert_eq!(a.hash(), b.hash());
/// # Ok::<(), tensor::BuildError>(())
/// ```
pub fn step_program(model: &Model, batch: usize) -> Result<Program, BuildError> {
    let d = model.count();
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[d])?;
    let m = b.input(Dtype::F32, &[d])?;
    let v = b.input(Dtype::F32, &[d])?;
    let x = b.input(Dtype::F32, &[ROWS, model.width()])?;
    let y = b.input(Dtype::F32, &[ROWS])?;
    let count = b.input(Dtype::I32, &[1])?;
    let seed = b.input(Dtype::I32, &[2])?;
    let step = b.input(Dtype::I32, &[1])?;
    let rate = b.input(Dtype::F32, &[1])?;
    let data = (x, y, count);
    let (loss, moved) = descent(&mut b, model, [params, m, v], (data, (seed, step), rate, batch))?;
    let [moved, m, v] = moved;
    let loss = b.reshape(loss, &[1])?;
    b.finish(&[moved, m, v, loss])
}

/// Rows with their number, what a batch is drawn by, the rate, and the batch's size.
type Feed = ((Value, Value, Value), (Value, Value), Value, usize);

/// Appends one step over a batch: its mean loss before the step, and parameters and moments after
/// it.
fn descent(
    b: &mut Builder,
    model: &Model,
    [params, m, v]: [Value; 3],
    ((x, y, count), (seed, step), rate, batch): Feed,
) -> Result<(Value, [Value; 3]), BuildError> {
    let rows = draw(b, (seed, step), count, batch)?;
    let x = b.gather(x, rows, 0)?;
    let y = b.gather(y, rows, 0)?;
    let s = model.forward(b, params, x)?;
    let losses = qlike(b, s, y)?;
    let sum = b.sum(losses, 0)?;
    #[expect(clippy::cast_precision_loss, reason = "a batch is far below 2^53 rows")]
    let share = b.scalar_f32(narrow(1.0 / batch as f64))?;
    let loss = b.mul(sum, share)?;
    let gradient = b.gradient(loss, &[params])?[0];
    // Bias is corrected in f32 here: that is the Program whose hash jobs were registered with.
    let count = (step, Dtype::F32);
    let (params, m, v) = Adam::STANDARD.append(b, (params, m, v), gradient, (count, rate))?;
    Ok((loss, [params, m, v]))
}

/// Returns the Program that a run of an open job repeats (docs/protocol.md, "Open jobs").
///
/// Inputs: the state, `params`, Adam's moments `m` and `v` f32\[d\], `step` i32\[1\], `loss`
/// f32\[1\] (not looked at); the data, `x` f32\[[`ROWS`], p\], `y` f32\[[`ROWS`]\], `count`
/// i32\[1\], the same three of later rows that judge, `rate` f32\[1\]; `seed` i32\[2\]. Outputs:
/// the state after a step of [`step_program`], its loss the mean over the later rows.
///
/// # Errors
///
/// As [`step_program`].
///
/// ```
/// use learn::{Kind, Model, run_program};
/// let program = run_program(&Model::new(Kind::Har, &["day", "week"]), 64)?;
/// assert_eq!((program.inputs().len(), program.outputs().len()), (13, 5));
/// # Ok::<(), tensor::BuildError>(())
/// ```
pub fn run_program(model: &Model, batch: usize) -> Result<Program, BuildError> {
    let d = model.count();
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[d])?;
    let m = b.input(Dtype::F32, &[d])?;
    let v = b.input(Dtype::F32, &[d])?;
    let step = b.input(Dtype::I32, &[1])?;
    b.input(Dtype::F32, &[1])?;
    let mut rows = || -> Result<_, BuildError> {
        let x = b.input(Dtype::F32, &[ROWS, model.width()])?;
        Ok((x, b.input(Dtype::F32, &[ROWS])?, b.input(Dtype::I32, &[1])?))
    };
    let (data, later) = (rows()?, rows()?);
    let rate = b.input(Dtype::F32, &[1])?;
    let seed = b.input(Dtype::I32, &[2])?;
    let feed = (data, (seed, step), rate, batch);
    let (_, [params, m, v]) = descent(&mut b, model, [params, m, v], feed)?;
    let loss = mean_loss(&mut b, model, params, later)?;
    let one = b.full(Dtype::I32, &[1], 1.0)?;
    let step = b.add(step, one)?;
    b.finish(&[params, m, v, step, loss])
}

/// Appends the batch's row numbers, i32\[batch\].
fn draw(
    b: &mut Builder,
    (seed, step): (Value, Value),
    count: Value,
    batch: usize,
) -> Result<Value, BuildError> {
    let low = b.slice(seed, &[0], &[1])?;
    let high = b.slice(seed, &[1], &[2])?;
    let high = b.xor(high, step)?;
    let key = b.concat(&[low, high], 0)?;
    let bits = b.random_bits(key, 0, &[batch])?;
    let shift = b.full(Dtype::I32, &[batch], 8.0)?;
    let bits = b.shr(bits, shift)?;
    let uniform = b.convert(bits, Dtype::F32)?;
    let unit = b.full(Dtype::F32, &[batch], 1.0 / 16_777_216.0)?;
    let uniform = b.mul(uniform, unit)?;
    let count = b.convert(count, Dtype::F32)?;
    let count = b.broadcast(count, &[batch])?;
    let row = b.mul(uniform, count)?;
    let row = b.floor(row)?;
    b.convert(row, Dtype::I32)
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose")]
fn narrow(x: f64) -> f32 {
    x as f32
}

#[cfg(test)]
mod tests {
    use tensor::Tensor;

    use super::*;

    fn rows(seed: [i32; 2], step: i32, count: i32) -> Vec<i32> {
        let mut b = Builder::new();
        let seed_in = b.input(Dtype::I32, &[2]).expect("valid");
        let step_in = b.input(Dtype::I32, &[1]).expect("valid");
        let count_in = b.input(Dtype::I32, &[1]).expect("valid");
        let drawn = draw(&mut b, (seed_in, step_in), count_in, 4_096).expect("valid");
        let program = b.finish(&[drawn]).expect("one output");
        let inputs = [seed.to_vec(), vec![step], vec![count]]
            .map(|values| Tensor::i32(&[values.len()], values).expect("not empty"));
        tensor::eval(&program, &inputs).expect("fits")[0].as_i32().expect("i32").to_vec()
    }

    #[test]
    fn drawn_rows_cover_the_data_and_nothing_else() {
        for count in [1, 2, 7, 174, 2_047, 2_048] {
            let rows = rows([5, -6], 3, count);
            assert!(rows.iter().all(|row| (0..count).contains(row)), "{count}");
            if count <= 174 {
                assert!((0..count).all(|row| rows.contains(&row)), "{count}");
            }
        }
    }

    #[test]
    fn each_step_and_each_seed_draws_anew() {
        let first = rows([1, 2], 0, 500);
        assert_eq!(first, rows([1, 2], 0, 500));
        assert_ne!(first, rows([1, 2], 1, 500));
        assert_ne!(first, rows([2, 2], 0, 500));
        assert_ne!(first, rows([1, 3], 0, 500));
    }

    #[test]
    fn rates_fall_and_stay_positive() {
        let schedule = Schedule::STANDARD;
        assert!((schedule.rate(10) - 0.005).abs() < 1e-9);
        assert!(schedule.rate(u64::MAX) > 0.0);
        assert!(schedule.rate(70_000) < schedule.rate(60_000));
    }
}

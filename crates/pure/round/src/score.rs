//! The score Program of a round with rows in the open: what each row was worth on data that nobody
//! could train on, and what that is paid or costs (docs/contribution.md).
//!
//! 1. *Length*: every row is clamped as [`mod@crate::aggregate`] does, and shortened to the median
//!    length (element `⌊m/2⌋` ascending) where it is longer.
//! 2. *Original part*: what is left of it beside the span of the last rounds' public aggregates,
//!    each the step from one settled model to the next. Whatever could be made from those alone, by
//!    copying, flipping or lengthening, is nothing.
//! 3. *Window*: of each element of what the rows say that the market did since, the lower median,
//!    what is no number being 0. It is honest as long as more than half of the rows are.
//! 4. *Value of a coalition*: the loss on the window of the model that the round would have led to
//!    with the previous aggregate in every row, and the original parts of the coalition's rows
//!    added to theirs.
//! 5. *Score*: m times the Shapley value of a row over `permutations` orders in antithetic pairs,
//!    so as though all rows had been like it. Exact for a quadratic loss, since a pair then is.
//! 6. *Pay*: stake × rate × score within ±[`SHARE_MAX`] of the stake; below zero it is burnt. If
//!    the positive part exceeds the budget, pay and burn shrink by one factor.
//!
//! Players are rows, and the Program is not told which rows are one node's. With
//! [`Rule::Mean`] and a quadratic loss the total of some rows depends on their sum alone, so
//! names do not matter: a stake split over many earns what it earns under one.
//!
//! Invariants: permuting the rows permutes what they get, up to the orders drawn; the sum of pay
//! never exceeds the budget; nobody loses more than [`SHARE_MAX`] of a row's stake in a round.
//!
//! Deliberately absent: the loss itself, which the caller writes into the Program, so that this
//! crate knows no market; and any discount for likeness to other rows of the same round, which pays
//! those who make two rows unlike on purpose (docs/contribution.md has the figures).

use tensor::{BuildError, Builder, Dtype, Program, Shape, Tensor, Value};

use crate::aggregate::network;
use crate::chain::SEATS_MAX;

mod effect;
mod explain;
mod orders;
mod original;
mod pay;
mod shapley;
#[cfg(test)]
mod tests;

pub use effect::{EffectError, NODES_MAX, RIDGE, Sizes, effects};
pub use explain::{Explanation, explain};
pub use orders::{key, ranks};
pub use pay::{SHARE_MAX, STAKE_MAX_GWEI};

/// Inputs of the Program beside models, updates and windows.
pub const FIXED_INPUTS: usize = 6;
/// Outputs of the Program.
pub const OUTPUTS: usize = 7;
/// The most orders of a score.
pub const PERMUTATIONS_MAX: usize = 64;
/// The most past aggregates that are taken out of a row.
pub const AGGREGATES_MAX: usize = 32;

/// How a coalition's rows become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The mean of all rows.
    Mean,
    /// The mean of each coordinate without the rows that [`mod@crate::aggregate`] leaves out at
    /// each end. Here to be measured against: an absent row is a vote for the previous aggregate,
    /// so a row of noise earns by not casting it.
    Trimmed,
}

/// What is fixed when a job is deployed, and the number of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Rows, 1 to [`SEATS_MAX`].
    pub rows: usize,
    /// Coordinates of params and of an update.
    pub length: usize,
    /// Elements of the cumulative tensor.
    pub cumulative_length: usize,
    /// Orders, even, 2 to [`PERMUTATIONS_MAX`].
    pub permutations: usize,
    /// Past aggregates whose span earns nothing, 1 to [`AGGREGATES_MAX`]: as many models before the
    /// round's own are inputs.
    pub aggregates: usize,
    /// Extents of a window, f64.
    pub window: Vec<usize>,
    /// What a mean update is multiplied by, as in [`fn@crate::aggregate`]; not 0.
    pub step: f32,
    /// Share of the stake paid for a score of 1, above 0.
    pub rate: f64,
    /// How a coalition's rows become one.
    pub rule: Rule,
}

/// Why there is no score Program.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScoreError {
    /// No rows, or more than a round has seats.
    #[error("a score has 1 to {SEATS_MAX} rows, not {got}")]
    Rows {
        /// Rows asked for.
        got: usize,
    },
    /// Orders that are no pairs, or too many.
    #[error("a score has an even number of orders from 2 to {PERMUTATIONS_MAX}, not {got}")]
    Permutations {
        /// Orders asked for.
        got: usize,
    },
    /// No past aggregate, or too many.
    #[error("a score takes out 1 to {AGGREGATES_MAX} past aggregates, not {got}")]
    Aggregates {
        /// Aggregates asked for.
        got: usize,
    },
    /// Step or rate is no usable number.
    #[error("the step must be finite and not 0, the rate finite and above 0")]
    Rate,
    /// The loss is not one number in f64.
    #[error("a loss is one f64, not {dtype} of shape {shape}")]
    Loss {
        /// Its dtype.
        dtype: Dtype,
        /// Its shape.
        shape: Shape,
    },
    /// The tensors would break a limit of Programs.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Returns the score Program of a job for a number of rows.
///
/// `loss` writes the loss of one model: params f32\[d\] and the window f64 to one f64, lower is
/// better, which should be a proper scoring rule and finite for any params.
///
/// Inputs: params f32\[d\] before the round, then those before each of the last rounds, newest
/// first, the key of the orders i32\[2\] ([`key`]), cumulative pay f64\[L\], budget f64\[1\] in
/// gwei, members i32\[m\], stakes f64\[m\] in gwei, accepted i32\[m\], the updates i32\[d\] each,
/// the windows f64, one a row. A row that is not accepted is absent from every coalition; its
/// window counts.
///
/// Outputs: score f64\[m\], cumulative pay f64\[L\], burn f64\[m\] and pay f64\[m\] in whole
/// gwei, and for [`explain`] the score by order f64\[k, m\], the original share of each row's
/// squared length f64\[m\] and its length after step 1 f64\[m\].
///
/// # Errors
///
/// [`ScoreError`] if no Program has these sizes or the loss is not one f64.
///
/// ```
/// use round::score::{Config, Rule, score};
/// use tensor::{Builder, Dtype, Value};
///
/// let config = Config {
///     rows: 4,
///     length: 3,
///     cumulative_length: 8,
///     permutations: 8,
///     aggregates: 2,
///     window: vec![3],
///     step: 1e-4,
///     rate: 1.0,
///     rule: Rule::Mean,
/// };
/// // The squared distance from what the window says the params should have been.
/// let loss = |b: &mut Builder, params: Value, window: Value| {
///     let params = b.convert(params, Dtype::F64)?;
///     let off = b.sub(params, window)?;
///     let off = b.mul(off, off)?;
///     b.sum(off, 0)
/// };
/// let program = score(&config, loss)?;
/// assert_eq!(program.inputs().len(), 3 + 6 + 4 + 4);
/// # Ok::<(), round::score::ScoreError>(())
/// ```
pub fn score(
    config: &Config,
    mut loss: impl FnMut(&mut Builder, Value, Value) -> Result<Value, BuildError>,
) -> Result<Program, ScoreError> {
    check(config)?;
    let (m, d) = (config.rows, config.length);
    let mut b = Builder::new();
    let mut before = Vec::with_capacity(config.aggregates + 1);
    for _ in 0..=config.aggregates {
        before.push(b.input(Dtype::F32, &[d])?);
    }
    let key = b.input(Dtype::I32, &[2])?;
    let cumulative = b.input(Dtype::F64, &[config.cumulative_length])?;
    let budget = b.input(Dtype::F64, &[1])?;
    let members = b.input(Dtype::I32, &[m])?;
    let stakes = b.input(Dtype::F64, &[m])?;
    let accepted = b.input(Dtype::I32, &[m])?;
    let (mut rows, mut windows) = (Vec::with_capacity(m), Vec::with_capacity(m));
    for _ in 0..m {
        rows.push(b.input(Dtype::I32, &[d])?);
    }
    for _ in 0..m {
        windows.push(b.input(Dtype::F64, &config.window)?);
    }

    let aggregates = original::aggregates(&mut b, &before, config.step)?;
    let parts = original::parts(&mut b, &rows, (aggregates, accepted))?;
    let ranks = orders::drawn(&mut b, key, (config.permutations, m))?;
    let game = shapley::Game { params: before[0], aggregates, parts: parts.original, ranks };
    let models = shapley::models(&mut b, config, &game)?;
    let window = median(&mut b, &windows)?;
    let mut losses = Vec::new();
    for model in 0..b.shape_of(models).dims()[0] {
        let model = b.slice(models, &[model, 0], &[model + 1, d])?;
        let model = b.reshape(model, &[d])?;
        let value = loss(&mut b, model, window)?;
        losses.push(one(&mut b, value)?);
    }
    let by_order = shapley::by_order(&mut b, ranks, &losses)?;
    let score = shapley::mean(&mut b, by_order)?;

    let paid = pay::pay(&mut b, (score, config.rate), stakes, budget)?;
    let scattered = b.scatter_add(paid.pay, members, 0, config.cumulative_length)?;
    let cumulative = b.add(cumulative, scattered)?;
    let outputs = [score, cumulative, paid.burn, paid.pay, by_order, parts.share, parts.length];
    Ok(b.finish(&outputs)?)
}

/// The lower median of each element.
fn median(b: &mut Builder, windows: &[Value]) -> Result<Value, BuildError> {
    let mut numbers = Vec::with_capacity(windows.len());
    for window in windows {
        let number = b.eq(*window, *window)?;
        let zero = crate::parts::fill(b, *window, 0.0)?;
        numbers.push(b.select(number, *window, zero)?);
    }
    let sorted = network::sort(b, &numbers)?;
    Ok(sorted[(sorted.len() - 1) / 2])
}

/// What a round brings to its score, besides its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Params before the round, then before each of the last rounds, newest first, f32\[d\] each;
    /// the initial ones where there were no more.
    pub models: Vec<Tensor>,
    /// The second seed's key, as [`key`] gives it.
    pub key: [i32; 2],
    /// Cumulative pay, f64\[L\].
    pub cumulative: Tensor,
    /// Budget in gwei.
    pub budget_gwei: u64,
}

/// One row of a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Registry index of the node whose row it is.
    pub member: u32,
    /// This row's part of the stake, in gwei.
    pub stake_gwei: u64,
    /// Whether the round's aggregation took it.
    pub accepted: bool,
    /// The update, i32\[d\].
    pub update: Tensor,
    /// What its node says that the market did since, f64; zeros where it said nothing.
    pub window: Tensor,
}

/// Returns the Program's inputs, laid out as the contract does.
///
/// # Errors
///
/// [`tensor::ShapeError`] if there are no rows.
pub fn inputs(round: &Round, rows: &[Row]) -> Result<Vec<Tensor>, tensor::ShapeError> {
    let m = [rows.len()];
    let members = rows.iter().map(|row| row.member.cast_signed()).collect();
    let stakes = rows.iter().map(|row| gwei(row.stake_gwei)).collect();
    let accepted = rows.iter().map(|row| i32::from(row.accepted)).collect();
    let mut inputs = round.models.clone();
    inputs.extend([
        Tensor::i32(&[2], round.key.to_vec())?,
        round.cumulative.clone(),
        Tensor::f64(&[1], vec![gwei(round.budget_gwei)])?,
        Tensor::i32(&m, members)?,
        Tensor::f64(&m, stakes)?,
        Tensor::i32(&m, accepted)?,
    ]);
    inputs.extend(rows.iter().map(|row| row.update.clone()));
    inputs.extend(rows.iter().map(|row| row.window.clone()));
    Ok(inputs)
}

#[expect(clippy::cast_precision_loss, reason = "the Program clamps far below 2^53")]
fn gwei(amount: u64) -> f64 {
    amount as f64
}

fn check(config: &Config) -> Result<(), ScoreError> {
    let Config { rows, permutations, aggregates, step, rate, .. } = config;
    if !(1..=SEATS_MAX as usize).contains(rows) {
        return Err(ScoreError::Rows { got: *rows });
    }
    if permutations % 2 != 0 || !(2..=PERMUTATIONS_MAX).contains(permutations) {
        return Err(ScoreError::Permutations { got: *permutations });
    }
    if !(1..=AGGREGATES_MAX).contains(aggregates) {
        return Err(ScoreError::Aggregates { got: *aggregates });
    }
    if !(step.is_finite() && *step != 0.0 && rate.is_finite() && *rate > 0.0) {
        return Err(ScoreError::Rate);
    }
    Ok(())
}

/// A loss as f64\[1\].
fn one(b: &mut Builder, value: Value) -> Result<Value, ScoreError> {
    let (dtype, shape) = (b.dtype_of(value), *b.shape_of(value));
    if dtype != Dtype::F64 || shape.count() != 1 {
        return Err(ScoreError::Loss { dtype, shape });
    }
    Ok(b.reshape(value, &[1])?)
}

//! The aggregation Program of a round (docs/protocol.md §2): what turns updates into a model and
//! pay.
//!
//! For `m` rows of `d` coordinates, in this order:
//!
//! 1. Rows are judged ([`crate::robust`], `judge`): accepted is who is within
//!    [`REJECTION_FACTOR`] median distances of the coordinate median.
//! 2. *The move*: rows are combined by [`recipe`]: a rejected one is replaced by the mean of the
//!    accepted, the longest are shortened, each is replaced by the mean of its neighbours, and of
//!    these the geometric median is taken, in f64. Of the recipes that were fought over, what
//!    follows the rejection keeps most in its worst cell (docs/benchmarks.md).
//!    `params + step × median` is one f64 fma, rounded to f32 once.
//! 3. *Pay*: `floor(budget / number of accepted rows)` for each accepted row, added to the
//!    cumulative tensor at the row's registry index. Rows are drawn in proportion to stake
//!    ([`crate::lots`]), so pay follows stake, and splitting a stake changes no expectation.
//!
//! Invariants: permuting the rows permutes `accepted` and `distance`, leaves pay as it is, and
//! moves the model by rounding alone where no two rows tie; a round's pay never exceeds its budget
//! (budgets are clamped to [`BUDGET_MAX_GWEI`], below which the rounding of at most 32 shares stays
//! under one gwei in total).
//!
//! Deliberately absent: weights by stake (rows count, and rows cost stake), and any reading of
//! intent into a distance: a rejected row is unpaid for one round, and no more.

use court::opening;
use tensor::{BuildError, Builder, Dtype, Hash, Program, ShapeError, Tensor, Value, tree};

use crate::chain::{SEATS_MAX, Seat};
use crate::parts::{Built, fill};
use crate::robust::{self, Beside, Mix, Recipe, Rule};

pub mod network;
#[cfg(test)]
mod tests;

pub use crate::robust::REJECTION_FACTOR;

/// Inputs of the Program before the updates, of which there is one a row.
pub const INPUTS_BEFORE_UPDATES: u32 = 4;
/// Outputs of the Program.
pub const OUTPUTS: u32 = 4;
/// The largest magnitude of an update's coordinate that counts.
pub const UPDATE_MAX: i32 = 1 << 24;
/// The largest budget of a round, in gwei of the token.
pub const BUDGET_MAX_GWEI: u64 = 1 << 46;
/// What is done to rows before [`RULE`].
pub const MIXES: [Mix; 3] = [Mix::Reject, Mix::Clip, Mix::Neighbours];
/// How rows become one: eight steps to the geometric median, in which rows nearer than a unit of an
/// update count as equally near.
pub const RULE: Rule = Rule::GeometricMedian { steps: 8, smoothing: 1.0 };
/// Why there is no aggregation Program for these sizes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AggregateError {
    /// No rows, or more than a round has seats.
    #[error("an aggregation has 1 to {SEATS_MAX} rows, not {got}")]
    Rows {
        /// Rows asked for.
        got: usize,
    },
    /// The step is NaN or infinite.
    #[error("the step must be finite")]
    Step,
    /// The tensors would break a limit of Programs.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// One row of an aggregation, as the chain and the blobs give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Registry index.
    pub member: u32,
    /// The update, i32[d].
    pub update: Tensor,
}

/// Returns the Program for `m` rows of `d` coordinates and a cumulative tensor of
/// `cumulative_length` elements; `step` is what the combined update is multiplied by.
///
/// ```
/// use round::aggregate::{Row, inputs};
/// use tensor::{Dtype, Tensor, eval};
///
/// let program = round::aggregate(3, 2, 8, 0.5)?;
/// let row = |member, update: [i32; 2]| Row {
///     member,
///     update: Tensor::i32(&[2], update.to_vec()).expect("two elements"),
/// };
/// let rows = [row(1, [2, 20]), row(4, [2, 20]), row(6, [9000, -9000])];
/// let (params, paid) = (Tensor::zeros(Dtype::F32, &[2])?, Tensor::zeros(Dtype::F64, &[8])?);
/// let outputs = eval(&program, &inputs((params, paid), 100, &rows)?)?;
/// let params = outputs[0].as_f32().expect("f32");
/// assert!((params[0] - 1.0).abs() < 0.5 && (params[1] - 10.0).abs() < 0.5, "{params:?}");
/// assert_eq!(outputs[1].as_i32(), Some(&[1, 1, 0][..]));
/// assert_eq!(outputs[3].as_f64(), Some(&[0.0, 50.0, 0.0, 0.0, 50.0, 0.0, 0.0, 0.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`AggregateError`] if no Program has these sizes.
pub fn aggregate(
    m: usize,
    d: usize,
    cumulative_length: usize,
    step: f32,
) -> Result<Program, AggregateError> {
    if !(1..=SEATS_MAX as usize).contains(&m) {
        return Err(AggregateError::Rows { got: m });
    }
    if !step.is_finite() {
        return Err(AggregateError::Step);
    }
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[d])?;
    let cumulative = b.input(Dtype::F64, &[cumulative_length])?;
    let budget = b.input(Dtype::F64, &[1])?;
    let members = b.input(Dtype::I32, &[m])?;
    let mut rows = Vec::with_capacity(m);
    for _ in 0..m {
        rows.push(b.input(Dtype::I32, &[d])?);
    }
    let [moved, accepted, relative] = rule(&mut b, params, &rows, step)?;
    let weights = b.convert(accepted, Dtype::F64)?;
    let pay = pay(&mut b, budget, weights)?;
    let scattered = b.scatter_add(pay, members, 0, cumulative_length)?;
    let cumulative = b.add(cumulative, scattered)?;
    Ok(b.finish(&[moved, accepted, relative, cumulative])?)
}

/// Steps 1 and 2: params moved by the rows, which rows are accepted, and their distances.
pub(crate) fn rule(
    b: &mut Builder,
    params: Value,
    rows: &[Value],
    step: f32,
) -> Result<[Value; 3], BuildError> {
    let (accepted, relative) = robust::judge(b, rows)?;
    let moved = move_params(b, params, (rows, accepted), step)?;
    Ok([moved, accepted, relative])
}

/// Returns the Program's inputs: params and cumulative as they are, the rest laid out as the
/// contract does.
///
/// # Errors
///
/// [`ShapeError`] if there are no rows.
pub fn inputs(
    (params, cumulative): (Tensor, Tensor),
    budget_gwei: u64,
    rows: &[Row],
) -> Result<Vec<Tensor>, ShapeError> {
    let members = rows.iter().map(|row| member(row.member)).collect();
    let mut inputs =
        vec![params, cumulative, budget(budget_gwei)?, Tensor::i32(&[rows.len()], members)?];
    inputs.extend(rows.iter().map(|row| row.update.clone()));
    Ok(inputs)
}

/// Returns the list root of the Program's inputs from what the chain knows: the roots of params and
/// cumulative, the budget, and the revealed seats, ascending.
///
/// # Panics
///
/// If there are no members.
#[must_use]
pub fn inputs_root(
    (model_root, cumulative_root): (Hash, Hash),
    budget_gwei: u64,
    members: &[&Seat],
) -> Hash {
    const SEATED: &str = "a round aggregates from one seat on";
    let rows = members.iter().flat_map(|seat| (0..seat.rows).map(|_| *seat));
    let (indices, updates): (Vec<_>, Vec<_>) =
        rows.map(|seat| (member(seat.index), seat.update_root)).unzip();
    let mut roots = vec![
        model_root,
        cumulative_root,
        budget(budget_gwei).expect("one element").root(),
        Tensor::i32(&[indices.len()], indices).expect(SEATED).root(),
    ];
    roots.extend(updates);
    opening::list_root(&roots)
}

/// Returns the tensor root of an update from its bytes (i32, little-endian).
#[must_use]
pub fn bytes_root(bytes: &[u8]) -> Hash {
    const CHUNK_BYTES: usize = 4 * tree::CHUNK_ELEMENTS;
    let leaf = |chunk: &[u8]| {
        let mut padded = [0; CHUNK_BYTES];
        padded[..chunk.len()].copy_from_slice(chunk);
        tree::leaf(&padded)
    };
    tree::root(&bytes.chunks(CHUNK_BYTES).map(leaf).collect::<Vec<_>>())
}

/// The registry index as the bits of an i32, which is what the contract writes.
pub(crate) fn member(index: u32) -> i32 {
    i32::from_le_bytes(index.to_le_bytes())
}

pub(crate) fn budget(budget_gwei: u64) -> Result<Tensor, ShapeError> {
    #[expect(clippy::cast_precision_loss, reason = "a job's budget is below 2^53")]
    Tensor::f64(&[1], vec![budget_gwei as f64])
}

/// Returns how many liars' rows the round's recipe is to stand.
#[must_use]
pub fn tolerated(rows: usize) -> usize {
    if rows < 3 { 0 } else { ((rows - 1) / 3).max(1) }
}

/// Returns the recipe of a round with so many rows, for [`tolerated`] liars.
#[must_use]
pub fn recipe(rows: usize) -> Recipe {
    Recipe { mixes: MIXES.to_vec(), rule: RULE, liars: tolerated(rows) }
}

/// `params + step × what the recipe makes of the rows`, rounded to f32 once.
fn move_params(
    b: &mut Builder,
    params: Value,
    (rows, accepted): (&[Value], Value),
    step: f32,
) -> Built {
    let beside = Beside { accepted: Some(accepted), ..Beside::default() };
    let combined = robust::combine(b, &recipe(rows.len()), rows, beside)?;
    let step = fill(b, combined, f64::from(step))?;
    let params = b.convert(params, Dtype::F64)?;
    let moved = b.fma(combined, step, params)?;
    b.convert(moved, Dtype::F32)
}

/// Shares of the budget in whole gwei by weight, f64[m]; there always is a weight above zero.
pub(crate) fn pay(b: &mut Builder, budget: Value, weights: Value) -> Built {
    let total = b.sum(weights, 0)?;
    let dims = *b.shape_of(weights);
    let total = b.broadcast(total, dims.dims())?;

    let none = fill(b, budget, 0.0)?;
    #[expect(clippy::cast_precision_loss, reason = "a power of two")]
    let most = fill(b, budget, BUDGET_MAX_GWEI as f64)?;
    let budget = b.max(budget, none)?;
    let budget = b.min(budget, most)?;
    let budget = b.broadcast(budget, dims.dims())?;
    let share = b.mul(budget, weights)?;
    let share = b.div(share, total)?;
    b.floor(share)
}

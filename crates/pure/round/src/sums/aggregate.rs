//! The aggregation Program of a private round: partial sums in, a model and pay out.
//!
//! For `m` buckets with a row: each row is the mean of its three partial sums ([`super::mean`]),
//! then the rule of open rounds judges and combines the rows ([`crate::aggregate()`], steps 1 and
//! 2). Pay is `floor(budget × seats / seats of all)` for every trainer summed in an accepted row,
//! over their seats: the row is what is judged, so bucket mates earn alike a seat.
//!
//! Who was summed comes as lists of 32 elements, one chunk each, zeros after the last: registry
//! index, seats and row of each trainer, by row, then ascending. A trainer with no seats is paid
//! nothing, so what the zeros name does not matter.
//!
//! Invariant: pay never exceeds the budget. Absent: anything about one trainer's update, and pay
//! for members, who are trainers of other buckets and take turns as the draw has it.

use court::opening;
use tensor::{Builder, Dtype, Hash, Program, ShapeError, Tensor, tree};

use super::{
    SHARES, SIZE_MIN,
    partial::{parts, row},
};
use crate::{
    aggregate::{AggregateError, budget, member, pay, rule},
    chain::SEATS_MAX,
};

/// Inputs of the Program before the partial sums, of which there are three a row.
pub const INPUTS_BEFORE_SUMS: u32 = 7;

/// Most rows of a private round.
pub const ROWS_MAX: usize = SEATS_MAX as usize / SIZE_MIN;

/// One trainer that was summed, as pay knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summed {
    /// Registry index.
    pub node: u32,
    /// How many seats it has.
    pub seats: u32,
}

/// One bucket's part of the inputs: who was summed, ascending, and what came of it, tensors or
/// their roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketRow<T> {
    /// The trainers.
    pub trainers: Vec<Summed>,
    /// The partial sums, by share.
    pub sums: [T; SHARES],
}

/// Returns the Program for `m` rows of `d` coordinates and a cumulative tensor of
/// `cumulative_length` elements; `step` is what a mean update is multiplied by.
///
/// ```
/// use round::sums::{BucketRow, Summed, aggregate, aggregate_inputs, width};
/// use tensor::{Dtype, Tensor, eval};
///
/// let sum = |value| Tensor::i32(&[width(2)], vec![value; width(2)]).expect("one axis");
/// let row = |first, value| BucketRow {
///     trainers: (first..first + 3).map(|node| Summed { node, seats: 1 }).collect(),
///     sums: [sum(value), sum(0), sum(2 * value)],
/// };
/// let rows = [row(0, 2), row(3, 2), row(6, 9_000)];
/// let state = (Tensor::zeros(Dtype::F32, &[2])?, Tensor::zeros(Dtype::F64, &[9])?);
/// let outputs = eval(&aggregate(3, 2, 9, 0.5)?, &aggregate_inputs(state, 61, &rows)?)?;
/// assert_eq!(outputs[0].as_f32(), Some(&[1.0, 1.0][..]), "half a step of 2 = 6 / 3");
/// assert_eq!(outputs[1].as_i32(), Some(&[1, 1, 0][..]));
/// let pay = [10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 0.0, 0.0, 0.0];
/// assert_eq!(outputs[3].as_f64(), Some(&pay[..]));
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
    if !(1..=ROWS_MAX).contains(&m) {
        return Err(AggregateError::Rows { got: m });
    }
    if !step.is_finite() {
        return Err(AggregateError::Step);
    }
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[d])?;
    let cumulative = b.input(Dtype::F64, &[cumulative_length])?;
    let budget = b.input(Dtype::F64, &[1])?;
    let list = [tree::CHUNK_ELEMENTS];
    let (members, seats) = (b.input(Dtype::I32, &list)?, b.input(Dtype::I32, &list)?);
    let row_of = b.input(Dtype::I32, &list)?;
    let counts = b.input(Dtype::I32, &[m])?;
    let mut sums = Vec::with_capacity(m);
    for _ in 0..m {
        sums.push(parts(&mut b, d)?);
    }
    let counts = b.convert(counts, Dtype::F64)?;
    let mut rows = Vec::with_capacity(m);
    for (at, sums) in sums.into_iter().enumerate() {
        let count = b.slice(counts, &[at], &[at + 1])?;
        rows.push(row(&mut b, sums, count, d)?);
    }
    let [moved, accepted, relative] = rule(&mut b, params, &rows, step)?;
    let good = b.gather(accepted, row_of, 0)?;
    let weights = b.mul(good, seats)?;
    let weights = b.convert(weights, Dtype::F64)?;
    let pay = pay(&mut b, budget, weights)?;
    let scattered = b.scatter_add(pay, members, 0, cumulative_length)?;
    let cumulative = b.add(cumulative, scattered)?;
    Ok(b.finish(&[moved, accepted, relative, cumulative])?)
}

/// Returns the Program's inputs: params and cumulative as they are, the rest laid out as the
/// contract does.
///
/// # Errors
///
/// [`ShapeError`] if there are no rows.
pub fn aggregate_inputs(
    (params, cumulative): (Tensor, Tensor),
    budget_gwei: u64,
    rows: &[BucketRow<Tensor>],
) -> Result<Vec<Tensor>, ShapeError> {
    let mut inputs = vec![params, cumulative, budget(budget_gwei)?];
    inputs.extend(lists(rows)?);
    inputs.extend(rows.iter().flat_map(|row| row.sums.clone()));
    Ok(inputs)
}

/// Returns the list root of the Program's inputs from what the chain knows.
///
/// # Errors
///
/// [`ShapeError`] if there are no rows.
pub fn aggregate_inputs_root(
    (model_root, cumulative_root): (Hash, Hash),
    budget_gwei: u64,
    rows: &[BucketRow<Hash>],
) -> Result<Hash, ShapeError> {
    let mut roots = vec![model_root, cumulative_root, budget(budget_gwei)?.root()];
    roots.extend(lists(rows)?.iter().map(Tensor::root));
    roots.extend(rows.iter().flat_map(|row| row.sums));
    Ok(opening::list_root(&roots))
}

/// Registry indices, seats and rows of the trainers, and how many of them each row has.
fn lists<T>(rows: &[BucketRow<T>]) -> Result<[Tensor; 4], ShapeError> {
    let length = tree::CHUNK_ELEMENTS;
    let padded = |of: &dyn Fn(u32, &Summed) -> i32| {
        let row = |(at, row): (u32, &BucketRow<T>)| {
            row.trainers.iter().map(|one| of(at, one)).collect::<Vec<_>>()
        };
        let mut list: Vec<i32> = (0..).zip(rows).flat_map(row).collect();
        list.resize(length, 0);
        Tensor::i32(&[length], list)
    };
    let count = |row: &BucketRow<T>| member(u32::try_from(row.trainers.len()).unwrap_or(u32::MAX));
    Ok([
        padded(&|_, one| member(one.node))?,
        padded(&|_, one| member(one.seats))?,
        padded(&|at, _| member(at))?,
        Tensor::i32(&[rows.len()], rows.iter().map(count).collect())?,
    ])
}

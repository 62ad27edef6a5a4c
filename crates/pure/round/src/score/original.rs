//! Lengths and original parts: what a row adds to what was public before it was committed to.
//!
//! *Invariant: a row in the span of the past aggregates has an original part of zero.* Aggregates
//! are known to the precision of params and rows to that of an update's units, so what is shorter
//! than a hundredth of its row counts as rounding.

use tensor::{Builder, Dtype, Value};

use crate::aggregate::network;
use crate::parts::{Built, clamp, fill, float};

/// What remains of an aggregate's squared length beside the newer ones, below which it is taken to
/// lie in their span.
const SPANNED: f64 = 1e-18;

/// The share of a row's squared length below which its original part is taken for rounding.
const ORIGINAL_LEAST: f64 = 1e-4;

/// The rows, prepared.
pub(super) struct Parts {
    /// The original parts, f64\[m, d\]; zero for a row that was not accepted.
    pub original: Value,
    /// The original share of each row's squared length, f64\[m\]; 0 of a row of length 0.
    pub share: Value,
    /// Lengths of the rows, shortened to the median, f64\[m\].
    pub length: Value,
}

/// The aggregates between models f32\[d\], newest first, in units of an update, f64\[r, d\].
pub(super) fn aggregates(b: &mut Builder, models: &[Value], step: f32) -> Built {
    let d = b.shape_of(models[0]).count();
    let mut aggregates = Vec::with_capacity(models.len() - 1);
    for pair in models.windows(2) {
        let (after, before) = (b.convert(pair[0], Dtype::F64)?, b.convert(pair[1], Dtype::F64)?);
        let moved = b.sub(after, before)?;
        let step = fill(b, moved, f64::from(step))?;
        let moved = b.div(moved, step)?;
        aggregates.push(b.reshape(moved, &[1, d])?);
    }
    b.concat(&aggregates, 0)
}

/// Shortens the rows i32\[d\] to their median length and takes out the span of the past aggregates
/// f64\[r, d\].
pub(super) fn parts(
    b: &mut Builder,
    rows: &[Value],
    (aggregates, accepted): (Value, Value),
) -> Result<Parts, tensor::BuildError> {
    let (m, d) = (rows.len(), b.shape_of(rows[0]).count());
    let mut across = Vec::with_capacity(m);
    for row in rows {
        across.push(b.reshape(*row, &[1, d])?);
    }
    let all = b.concat(&across, 0)?;
    let all = clamp(b, all)?;
    let all = b.convert(all, Dtype::F64)?;
    let (shortened, length) = shorten(b, all)?;

    let basis = basis(b, aggregates)?;
    let turned = b.transpose(basis, &[1, 0])?;
    let along = b.matmul(shortened, turned)?;
    let public = b.matmul(along, basis)?;
    let original = b.sub(shortened, public)?;

    let left = squares(b, original)?;
    let whole = b.mul(length, length)?;
    let share = b.div(left, whole)?;
    let least = fill(b, share, ORIGINAL_LEAST)?;
    let counts = b.lt(least, share)?;
    let zero = b.full(Dtype::I32, &[m], 0.0)?;
    let counts = b.select(accepted, counts, zero)?;
    let none = fill(b, share, 0.0)?;
    let share = b.select(counts, share, none)?;
    let counts = b.reshape(counts, &[m, 1])?;
    let counts = b.broadcast(counts, &[m, d])?;
    let zeros = fill(b, original, 0.0)?;
    let original = b.select(counts, original, zeros)?;
    Ok(Parts { original, share, length })
}

/// The rows f64\[m, d\], none longer than the median, and their lengths f64\[m\].
fn shorten(b: &mut Builder, rows: Value) -> Result<(Value, Value), tensor::BuildError> {
    let (m, d) = (b.shape_of(rows).dims()[0], b.shape_of(rows).dims()[1]);
    let lengths = squares(b, rows)?;
    let lengths = b.sqrt(lengths)?;
    let mut list = Vec::with_capacity(m);
    for row in 0..m {
        list.push(b.slice(lengths, &[row], &[row + 1])?);
    }
    let sorted = network::sort(b, &list)?;
    let median = b.broadcast(sorted[m / 2], &[m])?;
    let within = b.le(lengths, median)?;
    let one = fill(b, lengths, 1.0)?;
    let factor = b.div(median, lengths)?;
    let factor = b.select(within, one, factor)?;
    let length = b.select(within, lengths, median)?;
    let factor = b.reshape(factor, &[m, 1])?;
    let factor = b.broadcast(factor, &[m, d])?;
    Ok((b.mul(rows, factor)?, length))
}

/// An orthonormal basis of the aggregates' span by Gram and Schmidt, newest first, f64\[r, d\]; a
/// zero row for one that adds no direction.
fn basis(b: &mut Builder, aggregates: Value) -> Built {
    let (r, d) = (b.shape_of(aggregates).dims()[0], b.shape_of(aggregates).dims()[1]);
    let mut units: Vec<Value> = Vec::with_capacity(r);
    for index in 0..r {
        let whole = b.slice(aggregates, &[index, 0], &[index + 1, d])?;
        let mut rest = whole;
        for _ in 0..2 {
            for unit in &units {
                let along = inner(b, rest, *unit)?;
                let along = b.broadcast(along, &[1, d])?;
                let back = b.neg(along)?;
                rest = b.fma(back, *unit, rest)?;
            }
        }
        let (square, all) = (inner(b, rest, rest)?, inner(b, whole, whole)?);
        let least = fill(b, all, SPANNED)?;
        let least = b.mul(all, least)?;
        let spanned = b.le(square, least)?;
        let length = b.sqrt(square)?;
        let one = fill(b, length, 1.0)?;
        let factor = b.div(one, length)?;
        let zero = fill(b, length, 0.0)?;
        let factor = b.select(spanned, zero, factor)?;
        let factor = b.broadcast(factor, &[1, d])?;
        units.push(b.mul(rest, factor)?);
    }
    b.concat(&units, 0)
}

/// The inner product of two f64\[1, d\], f64\[1, 1\].
fn inner(b: &mut Builder, x: Value, y: Value) -> Built {
    let y = b.transpose(y, &[1, 0])?;
    b.matmul(x, y)
}

/// Squared lengths of the rows of f64\[m, d\], f64\[m\].
fn squares(b: &mut Builder, rows: Value) -> Built {
    let squares = b.mul(rows, rows)?;
    b.sum(squares, 1)
}

/// The mean of `rows` rows of which each original part is one: what is added to the previous
/// aggregate, f64\[n, d\], for coalitions f64\[n, m\].
pub(super) fn mean(b: &mut Builder, coalitions: Value, original: Value) -> Built {
    let m = b.shape_of(original).dims()[0];
    let sum = b.matmul(coalitions, original)?;
    let rows = fill(b, sum, float(m))?;
    b.div(sum, rows)
}

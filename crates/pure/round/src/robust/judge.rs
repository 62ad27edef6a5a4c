//! Which rows are so far from the others that they are rejected.
//!
//! Rows are clamped and sorted coordinate by coordinate by a network of `min` and `max`
//! ([`network`]). *Distance* of a row: the Euclidean norm, in f64, of its difference from the
//! coordinate median (the mean of the two middle rows where there is an even number). *Accepted*:
//! distance at most [`REJECTION_FACTOR`] × the median distance, which is element `⌊n/2⌋` ascending.
//! Where that is zero, most rows are identical: those are accepted, any other is rejected with
//! distance +∞. There is no absolute tolerance, since no scale is known here.
//!
//! *Invariant: most rows are accepted; permuting rows permutes the judgement and changes nothing
//! else.* Absent: any reading of intent into a distance.

use tensor::{BuildError, Builder, Dtype, Value};

use crate::aggregate::network;
use crate::parts::{clamp, fill};

/// A row farther from the median than this many median distances is rejected.
pub const REJECTION_FACTOR: f64 = 3.0;

/// Returns which rows i32[d] are accepted, i32[n], and their distances over the median distance,
/// f64[n].
pub(crate) fn judge(b: &mut Builder, rows: &[Value]) -> Result<(Value, Value), BuildError> {
    let mut clamped = Vec::with_capacity(rows.len());
    for row in rows {
        clamped.push(clamp(b, *row)?);
    }
    let sorted = network::sort(b, &clamped)?;
    let distances = distances(b, &clamped, &sorted)?;
    accepted(b, &distances)
}

/// The distance of each row from the coordinate median, each f64[1].
fn distances(b: &mut Builder, rows: &[Value], sorted: &[Value]) -> Result<Vec<Value>, BuildError> {
    let low = b.convert(sorted[(sorted.len() - 1) / 2], Dtype::F64)?;
    let high = b.convert(sorted[sorted.len() / 2], Dtype::F64)?;
    let both = b.add(low, high)?;
    let half = fill(b, both, 0.5)?;
    let median = b.mul(both, half)?;
    let mut distances = Vec::with_capacity(rows.len());
    for row in rows {
        let row = b.convert(*row, Dtype::F64)?;
        let apart = b.sub(row, median)?;
        let square = b.mul(apart, apart)?;
        let sum = b.sum(square, 0)?;
        let sum = b.reshape(sum, &[1])?;
        distances.push(b.sqrt(sum)?);
    }
    Ok(distances)
}

/// Which rows are accepted, i32[m], and the distances over the median distance, f64[m].
fn accepted(b: &mut Builder, distances: &[Value]) -> Result<(Value, Value), BuildError> {
    let sorted = network::sort(b, distances)?;
    let median = b.broadcast(sorted[sorted.len() / 2], &[distances.len()])?;
    let distance = b.concat(distances, 0)?;
    let factor = fill(b, median, REJECTION_FACTOR)?;
    let bound = b.mul(median, factor)?;
    let accepted = b.le(distance, bound)?;
    let zero = fill(b, distance, 0.0)?;
    let at_median = b.eq(distance, zero)?;
    let relative = b.div(distance, median)?;
    let relative = b.select(at_median, zero, relative)?;
    Ok((accepted, relative))
}

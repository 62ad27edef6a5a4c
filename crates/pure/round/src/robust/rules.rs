//! The rules, each an f64[d] in units of the rows.
//!
//! Two sort coordinates and so need the rows; the others are a weighted sum of them, and here is
//! how the weights come about.
//!
//! *Invariant: weights are at least 0 and sum to 1, but for what rounding leaves.*

use tensor::{BuildError, Builder, Dtype, Tensor, Value};

use super::span::{Span, least, sorted_rows, widened};
use super::{Recipe, Rule};
use crate::aggregate::network;
use crate::parts::{Built, clamp, fill, float};

/// The rule of a recipe on the vectors that its pre-steps left.
pub(super) fn by_span(b: &mut Builder, recipe: &Recipe, span: &Span) -> Built {
    let weights = match recipe.rule {
        Rule::Median => {
            let rows = span.rounded(b)?;
            return median(b, &rows);
        }
        Rule::TrimmedMean => {
            let rows = span.rounded(b)?;
            return trimmed(b, &rows, recipe.liars);
        }
        Rule::Mean => {
            let m = span.count;
            b.full(Dtype::F64, &[1, m], 1.0 / float(m))?
        }
        Rule::Krum => krum(b, span, recipe.liars, 1)?,
        Rule::MultiKrum => krum(b, span, recipe.liars, span.count - recipe.liars)?,
        Rule::GeometricMedian { steps, smoothing } => weiszfeld(b, span, steps, smoothing)?,
        Rule::CentredClipping { steps, radius } => clipping(b, span, steps, radius)?,
    };
    span.sum(b, weights)
}

/// The median of each coordinate of rows i32[d].
pub(super) fn median(b: &mut Builder, rows: &[Value]) -> Built {
    let sorted = network::sort(b, rows)?;
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    let (low, high) = (clamp(b, low)?, clamp(b, high)?);
    let (low, high) = (b.convert(low, Dtype::F64)?, b.convert(high, Dtype::F64)?);
    let both = b.add(low, high)?;
    let half = fill(b, both, 0.5)?;
    b.mul(both, half)
}

/// The mean of each coordinate of rows i32[d] without the `trim` least and greatest: an exact sum,
/// one division.
pub(super) fn trimmed(b: &mut Builder, rows: &[Value], trim: usize) -> Built {
    let kept = middle(b, rows, trim)?;
    let mut sum = clamp(b, kept[0])?;
    for row in &kept[1..] {
        let row = clamp(b, *row)?;
        sum = b.add(sum, row)?;
    }
    let sum = b.convert(sum, Dtype::F64)?;
    let count = fill(b, sum, float(kept.len()))?;
    b.div(sum, count)
}

/// The rows i32[d] that are left, coordinate by coordinate, without the `trim` least and greatest,
/// in any order: a sort without the exchanges whose two results are summed alike.
fn middle(b: &mut Builder, rows: &[Value], trim: usize) -> Result<Vec<Value>, BuildError> {
    let n = rows.len();
    let part = |place: usize| usize::from(place >= trim) + usize::from(place >= n - trim);
    let mut parts: Vec<Option<usize>> = (0..n).map(|place| Some(part(place))).collect();
    let mut exchanges = network::exchanges(n);
    exchanges.reverse();
    exchanges.retain(|(low, high)| {
        let matters = parts[*low].is_none() || parts[*low] != parts[*high];
        if matters {
            (parts[*low], parts[*high]) = (None, None);
        }
        matters
    });
    let mut list = rows.to_vec();
    for (low, high) in exchanges.into_iter().rev() {
        let (x, y) = (list[low], list[high]);
        (list[low], list[high]) = (b.min(x, y)?, b.max(x, y)?);
    }
    Ok(list[trim..n - trim].to_vec())
}

/// Equal weights f64[1, m] of the `chosen` vectors whose sums of squared distances to the nearest
/// others are least.
fn krum(b: &mut Builder, span: &Span, liars: usize, chosen: usize) -> Built {
    let m = span.count;
    let distances = span.distances(b)?;
    let sorted = sorted_rows(b, distances)?;
    let near = &sorted[..m - liars];
    let mut scores = near[0];
    for distance in &near[1..] {
        scores = b.add(scores, *distance)?;
    }
    let down = b.reshape(scores, &[m, 1])?;
    let sorted = sorted_rows(b, down)?;
    let weights = least(b, down, (sorted[chosen - 1], chosen))?;
    b.transpose(weights, &[1, 0])
}

/// The weights f64[1, m] after some steps of Weiszfeld from 0.
fn weiszfeld(b: &mut Builder, span: &Span, steps: usize, smoothing: f64) -> Built {
    let mut squares = span.squares(b)?;
    let mut step = 0;
    loop {
        let lengths = b.sqrt(squares)?;
        let least = fill(b, lengths, smoothing)?;
        let lengths = b.max(lengths, least)?;
        let one = fill(b, lengths, 1.0)?;
        let weights = b.div(one, lengths)?;
        let weights = normal(b, weights)?;
        step += 1;
        if step == steps {
            return Ok(weights);
        }
        squares = span.distances_from(b, weights)?;
    }
}

/// The weights f64[1, m + 1] after some steps of centred clipping from the previous aggregate.
fn clipping(b: &mut Builder, span: &Span, steps: usize, radius: f64) -> Built {
    let m = span.count;
    let mut start = vec![0.0; m + 1];
    start[m] = 1.0;
    let start = Tensor::f64(&[1, m + 1], start).expect("one weight for each");
    let mut center = b.constant(start)?;
    for _ in 0..steps {
        let squares = span.distances_from(b, center)?;
        let (factor, rest) = shortened(b, squares, radius)?;
        let rest = b.broadcast(rest, &[1, m + 1])?;
        let factor = b.pad(factor, &[0, 0], &[0, 1])?;
        center = b.fma(center, rest, factor)?;
    }
    Ok(center)
}

/// One step of centred clipping from the previous aggregate f32[d], for rows i32[d].
pub(super) fn clipped_once(b: &mut Builder, rows: &[Value], previous: Value, radius: f64) -> Built {
    let (n, d) = (rows.len(), b.shape_of(rows[0]).count());
    let vectors = widened(b, rows)?;
    let vectors = b.reshape(vectors, &[n, d])?;
    let center = b.convert(previous, Dtype::F64)?;
    let center = b.reshape(center, &[1, d])?;
    let center = b.broadcast(center, &[n, d])?;
    let apart = b.sub(vectors, center)?;
    let squares = b.mul(apart, apart)?;
    let squares = b.sum(squares, 1)?;
    let squares = b.reshape(squares, &[1, n])?;
    let (factor, rest) = shortened(b, squares, radius)?;
    let sum = b.matmul(factor, vectors)?;
    let sum = b.reshape(sum, &[d])?;
    let rest = b.reshape(rest, &[1])?;
    let rest = b.broadcast(rest, &[d])?;
    // Widened anew, so that a kernel need not keep it in between.
    let previous = b.convert(previous, Dtype::F64)?;
    b.fma(previous, rest, sum)
}

/// The weights f64[1, m] of vectors at these squared distances from a center, each shortened to
/// `radius`, and what is left for the center, f64[1, 1].
fn shortened(b: &mut Builder, squares: Value, radius: f64) -> Result<(Value, Value), BuildError> {
    let m = b.shape_of(squares).count();
    let lengths = b.sqrt(squares)?;
    let radius = fill(b, lengths, radius)?;
    let one = fill(b, lengths, 1.0)?;
    let factor = b.div(radius, lengths)?;
    let factor = b.min(factor, one)?;
    let share = fill(b, factor, float(m))?;
    let factor = b.div(factor, share)?;
    let total = b.sum(factor, 1)?;
    let total = b.reshape(total, &[1, 1])?;
    let one = fill(b, total, 1.0)?;
    let rest = b.sub(one, total)?;
    Ok((factor, rest))
}

/// Divides weights f64[1, m] by their sum.
fn normal(b: &mut Builder, weights: Value) -> Built {
    let dims = *b.shape_of(weights);
    let total = b.sum(weights, 1)?;
    let total = b.reshape(total, &[1, 1])?;
    let total = b.broadcast(total, dims.dims())?;
    b.div(weights, total)
}

//! The game: coalitions in every order, the models they would have led to, and what each row adds
//! on joining.
//!
//! Shapley values by sampled permutations (Castro, Gómez and Tejada 2009, Polynomial calculation
//! of the Shapley value based on sampling; for data, Ghorbani and Zou 2019, Data Shapley), without
//! the latter's truncation, as a Program has no branches. For a game that is quadratic in who takes
//! part, an order and its reverse have the exact value as their mean.
//!
//! The empty coalition and the whole one are the same in all orders and valued once, so there are
//! `2 + k (m - 1)` models in all.

use tensor::{Builder, Dtype, Tensor, Value};

use super::{Config, Rule, original};
use crate::aggregate::{network, tolerated};
use crate::parts::{Built, fill, float};

/// What coalitions are made of.
pub(super) struct Game {
    /// Params before the round, f32\[d\].
    pub params: Value,
    /// The last aggregates, f64\[r, d\], newest first.
    pub aggregates: Value,
    /// Original parts, f64\[m, d\].
    pub parts: Value,
    /// Ranks, i32\[k, m\].
    pub ranks: Value,
}

/// The models f32\[n, d\]: of nobody, of everybody, then of the first 1 … m - 1 rows of each order.
pub(super) fn models(b: &mut Builder, config: &Config, game: &Game) -> Built {
    let d = config.length;
    let coalitions = coalitions(b, game.ranks)?;
    let n = b.shape_of(coalitions).dims()[0];
    let previous = b.slice(game.aggregates, &[0, 0], &[1, d])?;
    let previous = b.broadcast(previous, &[n, d])?;
    let added = match config.rule {
        Rule::Mean => original::mean(b, coalitions, game.parts)?,
        Rule::Trimmed => trimmed(b, coalitions, game.parts)?,
    };
    let aggregate = b.add(previous, added)?;
    let step = fill(b, aggregate, f64::from(config.step))?;
    let params = b.convert(game.params, Dtype::F64)?;
    let params = b.broadcast(params, &[n, d])?;
    let moved = b.fma(aggregate, step, params)?;
    b.convert(moved, Dtype::F32)
}

/// Who takes part, f64\[n, m\]: 1 or 0.
fn coalitions(b: &mut Builder, ranks: Value) -> Built {
    let (k, m) = (b.shape_of(ranks).dims()[0], b.shape_of(ranks).dims()[1]);
    let ends = (0..2 * m).map(|at| if at < m { 0.0 } else { 1.0 }).collect();
    let ends = b.constant(Tensor::f64(&[2, m], ends).expect("two rows"))?;
    if m == 1 {
        return Ok(ends);
    }
    let size = b.iota(&[k, m - 1, m], 1)?;
    let ranks = b.reshape(ranks, &[k, 1, m])?;
    let ranks = b.broadcast(ranks, &[k, m - 1, m])?;
    let joined = b.le(ranks, size)?;
    let joined = b.reshape(joined, &[k * (m - 1), m])?;
    let joined = b.convert(joined, Dtype::F64)?;
    b.concat(&[ends, joined], 0)
}

/// The trimmed mean of each coalition's rows beside the previous aggregate, f64\[n, d\].
fn trimmed(b: &mut Builder, coalitions: Value, parts: Value) -> Built {
    let (n, m) = (b.shape_of(coalitions).dims()[0], b.shape_of(coalitions).dims()[1]);
    let d = b.shape_of(parts).dims()[1];
    let mut rows = Vec::with_capacity(m);
    for row in 0..m {
        let joined = b.slice(coalitions, &[0, row], &[n, row + 1])?;
        let part = b.slice(parts, &[row, 0], &[row + 1, d])?;
        rows.push(b.matmul(joined, part)?);
    }
    let sorted = network::sort(b, &rows)?;
    let kept = &sorted[tolerated(m)..m - tolerated(m)];
    let mut sum = kept[0];
    for row in &kept[1..] {
        sum = b.add(sum, *row)?;
    }
    let count = fill(b, sum, float(kept.len()))?;
    b.div(sum, count)
}

/// What each row's joining took off the loss in each order, m times, f64\[k, m\], from the losses
/// f64\[1\] of the models; 0 where that is no number.
pub(super) fn by_order(b: &mut Builder, ranks: Value, losses: &[Value]) -> Built {
    let (k, m) = (b.shape_of(ranks).dims()[0], b.shape_of(ranks).dims()[1]);
    let nobody = b.broadcast(losses[0], &[k, 1])?;
    let everybody = b.broadcast(losses[1], &[k, 1])?;
    let mut steps = vec![nobody];
    if m > 1 {
        let between = concat(b, &losses[2..])?;
        steps.push(b.reshape(between, &[k, m - 1])?);
    }
    steps.push(everybody);
    let steps = b.concat(&steps, 1)?;
    let before = b.slice(steps, &[0, 0], &[k, m])?;
    let after = b.slice(steps, &[0, 1], &[k, m + 1])?;
    let gain = b.sub(before, after)?;
    let times = fill(b, gain, float(m))?;
    let gain = b.mul(gain, times)?;
    let number = b.eq(gain, gain)?;
    let zero = fill(b, gain, 0.0)?;
    let gain = b.select(number, gain, zero)?;

    let gain = b.reshape(gain, &[k, m, 1])?;
    let gain = b.broadcast(gain, &[k, m, m])?;
    let place = b.iota(&[k, m, m], 1)?;
    let ranks = b.reshape(ranks, &[k, 1, m])?;
    let ranks = b.broadcast(ranks, &[k, m, m])?;
    let own = b.eq(ranks, place)?;
    let zero = fill(b, gain, 0.0)?;
    let gain = b.select(own, gain, zero)?;
    b.sum(gain, 1)
}

/// The mean over the orders, f64\[m\]; 0 where that is no number.
pub(super) fn mean(b: &mut Builder, by_order: Value) -> Built {
    let k = b.shape_of(by_order).dims()[0];
    let sum = b.sum(by_order, 0)?;
    let count = fill(b, sum, float(k))?;
    let mean = b.div(sum, count)?;
    let number = b.eq(mean, mean)?;
    let zero = fill(b, mean, 0.0)?;
    b.select(number, mean, zero)
}

/// Vectors end to end, for any number of them: one op takes at most 256.
fn concat(b: &mut Builder, parts: &[Value]) -> Built {
    let mut parts = parts.to_vec();
    while parts.len() > 1 {
        let mut joined = Vec::with_capacity(parts.len().div_ceil(256));
        for some in parts.chunks(256) {
            joined.push(b.concat(some, 0)?);
        }
        parts = joined;
    }
    Ok(parts[0])
}

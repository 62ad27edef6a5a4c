//! The tail and the interval of the engine over a window of days at once, inside a larger Program.
//!
//! [`tail_step`](super::tail_step) and [`interval_step`](super::interval_step) carry a state from
//! step to step. A claim on a chain has none: its Program starts where they start and goes through
//! the days that are posted with it. Both trackers are one recursion in logarithms, with columns
//! for the losses of either side and for outcomes below and above the interval: `missed = [l + g <
//! x]`, `l += rate (missed - a)`, `g = fade g + bump missed`. What each day takes off all
//! thresholds, `rate a`, is added to x beforehand instead, which makes a day seven ops, and the
//! Program of 256 days one that a chain can register (64 KiB). Means and slow averages are sums.
//!
//! *Invariant: the same numbers as the steps give, but for rounding, as long as no tracker is at
//! the end of its range*; for 256 days that takes 22 exceedances of one side. A day that does not
//! count changes nothing.

use tensor::scalar::Float;
use tensor::{BuildError, Builder, CONCAT_MAX, Dtype, Tensor, Value};

use super::interval::{IntervalConfig, WIDTH};
use super::tail::{BUMP_MAX, LOSS_MAX, QUANTILE, TailConfig};
use crate::blocks::{held, part, plus, times};

/// Days of a window: as many thresholds as one op joins.
pub(crate) const WINDOW: usize = CONCAT_MAX;
/// What is tracked: losses of a long and a short position, outcomes below and above.
const COLUMNS: usize = 4;
/// Standardised outcomes are at least this before their logarithm: far under every threshold.
const LEAST: f64 = 1e-12;

/// What the days of a window brought, in scales.
#[derive(Clone, Copy)]
pub(crate) struct Days {
    /// Losses of a long and a short position over the scale of the tail, f64\[w, 2\].
    pub(crate) losses: Value,
    /// How far the outcome lay below and above the location of the interval, f64\[w, 2\].
    pub(crate) outcomes: Value,
    /// 1 for a day that counts, 0 for one before the data begin, f64\[w, 1\].
    pub(crate) counted: Value,
}

/// What is known at the beginning of each day, the day after the window last.
#[derive(Clone, Copy)]
pub(crate) struct Replayed {
    /// Quantiles of the losses in scales, f64\[w + 1, 2\].
    pub(crate) quantile: Value,
    /// Shortfalls in scales, f64\[w + 1, 2\].
    pub(crate) shortfall: Value,
    /// Scales from the interval's location to its lower and upper end, of the last day,
    /// f64\[1, 2\].
    pub(crate) width: Value,
    /// What each day's shortfall weighs in the slow average, f64\[w + 1, 1\].
    pub(crate) weights: Value,
}

/// Appends the trackers over a window.
pub(crate) fn replayed(
    b: &mut Builder,
    (tail, interval): (&TailConfig, &IntervalConfig),
    days: &Days,
) -> Result<Replayed, BuildError> {
    let w = b.shape_of(days.counted).dims()[0];
    let earlier = earlier(b, w)?;
    let before = b.matmul(earlier, days.counted)?;
    let outside = 0.5 * (1.0 - interval.probability);
    let drift = [tail.rate * tail.share_beyond, interval.rate * outside];
    let drift = four(b, [drift[0], drift[0], drift[1], drift[1]])?;
    let drift = b.reshape(drift, &[1, COLUMNS])?;
    // The steps begin with one in which nothing was lost.
    let steps = plus(b, before, 1.0)?;
    let drift = b.matmul(steps, drift)?;

    let x = b.concat(&[days.losses, days.outcomes], 1)?;
    let x = held(b, x, (-LOSS_MAX, LOSS_MAX))?;
    let counted = b.broadcast(days.counted, &[w, COLUMNS])?;
    let x = b.mul(x, counted)?;
    let x = held(b, x, (LEAST, LOSS_MAX))?;
    let x = b.log(x)?;
    let past = b.slice(drift, &[0, 0], &[w, COLUMNS])?;
    let x = b.add(x, past)?;
    let thresholds = thresholds(b, (tail, interval), x)?;

    let last = b.slice(thresholds, &[0, 0], &[w, COLUMNS])?;
    let over = b.sub(x, last)?;
    let over = b.slice(over, &[0, 0], &[w, 2])?;
    let excess = excess(b, tail, earlier, over)?;
    let ln = b.sub(thresholds, drift)?;
    let quantile = b.slice(ln, &[0, 0], &[w + 1, 2])?;
    let range = (QUANTILE.0.op_log(), QUANTILE.1.op_log());
    let quantile = held(b, quantile, (range.0, range.1 + BUMP_MAX))?;
    let quantile = b.exp(quantile)?;
    let shortfall = b.fma(quantile, excess, quantile)?;
    let width = b.slice(ln, &[w, 2], &[w + 1, COLUMNS])?;
    let width = held(b, width, (WIDTH.0.op_log(), WIDTH.1.op_log()))?;
    let width = b.exp(width)?;
    let weights = weights(b, tail, (days.counted, before))?;
    Ok(Replayed { quantile, shortfall, width, weights })
}

/// 1 where day j is before day i, f64\[w + 1, w\].
fn earlier(b: &mut Builder, w: usize) -> Result<Value, BuildError> {
    let day = b.iota(&[w + 1, w], 0)?;
    let other = b.iota(&[w + 1, w], 1)?;
    let earlier = b.lt(other, day)?;
    b.convert(earlier, Dtype::F64)
}

/// The logarithms of the thresholds of each day, f64\[w + 1, 4\]; the drift is in x.
///
/// The days are vectors, whose ops take fewer bytes than those of rows.
fn thresholds(
    b: &mut Builder,
    (tail, interval): (&TailConfig, &IntervalConfig),
    x: Value,
) -> Result<Value, BuildError> {
    let w = b.shape_of(x).dims()[0];
    let x = b.reshape(x, &[w * COLUMNS])?;
    let [q, k] = [tail.quantile.op_log(), interval.start.op_log()];
    let mut tracked = four(b, [q, q, k, k])?;
    let mut raised = four(b, [0.0; COLUMNS])?;
    let rate = four(b, [tail.rate, tail.rate, interval.rate, interval.rate])?;
    let fade = four(b, [tail.fade, tail.fade, 0.0, 0.0])?;
    let bump = four(b, [tail.bump, tail.bump, 0.0, 0.0])?;
    let mut thresholds = Vec::with_capacity(w);
    for day in 0..w {
        let threshold = b.add(tracked, raised)?;
        thresholds.push(threshold);
        let x = part(b, x, (day * COLUMNS, (day + 1) * COLUMNS))?;
        let missed = b.lt(threshold, x)?;
        let missed = b.convert(missed, Dtype::F64)?;
        tracked = b.fma(missed, rate, tracked)?;
        let faded = b.mul(raised, fade)?;
        raised = b.fma(missed, bump, faded)?;
    }
    let last = b.add(tracked, raised)?;
    let thresholds = b.concat(&thresholds, 0)?;
    let thresholds = b.concat(&[thresholds, last], 0)?;
    b.reshape(thresholds, &[w + 1, COLUMNS])
}

/// The mean excess over the quantile of the exceedances before each day, f64\[w + 1, 2\], from by
/// how much the logarithm of each day's losses lay over that of its quantile.
fn excess(
    b: &mut Builder,
    tail: &TailConfig,
    earlier: Value,
    over: Value,
) -> Result<Value, BuildError> {
    let w = b.shape_of(over).dims()[0];
    let zero = b.full(Dtype::F64, &[w, 2], 0.0)?;
    let beyond = b.lt(zero, over)?;
    let beyond = b.convert(beyond, Dtype::F64)?;
    let excess = b.exp(over)?;
    let excess = plus(b, excess, -1.0)?;
    let excess = b.mul(excess, beyond)?;
    let both = b.concat(&[excess, beyond], 1)?;
    let sums = b.matmul(earlier, both)?;
    let excess = b.slice(sums, &[0, 0], &[w + 1, 2])?;
    let excess = plus(b, excess, tail.excess_weight * tail.excess)?;
    let seen = b.slice(sums, &[0, 2], &[w + 1, 4])?;
    let seen = plus(b, seen, tail.excess_weight)?;
    b.div(excess, seen)
}

/// What each day weighs in an average that begins with the first day that counts and then moves by
/// `usual_rate` a day.
fn weights(
    b: &mut Builder,
    tail: &TailConfig,
    (counted, before): (Value, Value),
) -> Result<Value, BuildError> {
    let w = b.shape_of(counted).dims()[0];
    let one = b.full(Dtype::F64, &[1, 1], 1.0)?;
    let counted = b.concat(&[counted, one], 0)?;
    let so_far = b.add(before, counted)?;
    let all = b.slice(so_far, &[w, 0], &[w + 1, 1])?;
    let all = b.broadcast(all, &[w + 1, 1])?;
    let after = b.sub(all, so_far)?;
    let left = times(b, after, (1.0 - tail.usual_rate).op_log())?;
    let left = b.exp(left)?;
    let ones = b.full(Dtype::F64, &[w + 1, 1], 1.0)?;
    let first = b.le(so_far, ones)?;
    let rate = b.full(Dtype::F64, &[w + 1, 1], tail.usual_rate)?;
    let share = b.select(first, ones, rate)?;
    let share = b.mul(share, counted)?;
    b.mul(share, left)
}

/// One number a column, f64\[4\].
fn four(b: &mut Builder, numbers: [f64; COLUMNS]) -> Result<Value, BuildError> {
    b.constant(Tensor::f64(&[COLUMNS], numbers.to_vec()).expect("four numbers"))
}

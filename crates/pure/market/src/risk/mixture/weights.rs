//! Regret weights as a Program: how much each worker counts, from how it did.
//!
//! *What is mixed.* Each worker states the law of a log variance by location and scale; the
//! mixture's location and scale are the weighted means of theirs. Since all laws have one shape
//! ([`TwoPiece`]), that is the law whose quantiles are the weighted means of the workers' (Ratcliff
//! 1979; Berrisch and Ziel 2023, "CRPS learning"): unlike a mean of densities it does not grow
//! wider than what it is made of.
//!
//! *How much each counts.* ML-Poly (Gaillard, Stoltz and van Erven 2014, "A second-order bound with
//! excess losses", section 4) on the slope of the mixture's CRPS. With R the regrets so far, S the
//! sums of their squares, weights are `max(R, 0) / (1 + S)` over their sum, and even where none is
//! positive. After an outcome, with `C(m, s)` the CRPS of the mixture's law and `g = m_k ∂C/∂m +
//! s_k ∂C/∂s` a worker's share in it, `r_k = Σ w_j g_j - g_k`, `R += r`, `S += r²`. No rate is
//! chosen.
//!
//! *Bound.* The CRPS is convex in location and scale together, so that against any fixed weights u,
//! known only afterwards, `Σ CRPS - Σ CRPS(u) <= max_k sqrt((1 + S_k) Σ_j (c + ln(1 + S_j)))` with
//! `c = max(r²)`: a sum of squares per worker instead of a number of days. (The potential `Σ
//! max(R, 0)² / (1 + S)` grows by at most `Σ r² / (1 + S)` a day, since `Σ w r = 0`.) A test checks
//! it on arbitrary laws and outcomes.
//!
//! *Invariant: weights are not negative and sum to 1, whatever enters; those of a day use outcomes
//! before it alone.*

use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value};

use super::two_piece::TwoPiece;
use crate::blocks::{held, plus, times};
use crate::risk::interval::{LOG_VARIANCE, SCALE};

/// Regrets are held within these, and sums of their squares up to the second.
const REGRET: (f64, f64) = (-1e6, 1e6);
/// How many scales from the location an outcome counts as.
const DISTANCE_MAX: f64 = 1e3;
/// The density of the standard normal law at 0.
const PEAK: f64 = 0.398_942_280_401_432_7;

/// Returns the state before the first forecast: regrets and sums of squares of no day, f64\[2, k\].
///
/// # Panics
///
/// If there is no worker.
///
/// ```
/// assert_eq!(market::risk::weights_start(3).shape().dims(), &[2, 3]);
/// ```
#[must_use]
pub fn weights_start(workers: usize) -> Tensor {
    Tensor::zeros(Dtype::F64, &[2, workers]).expect("a mixture has a worker, and few of them")
}

/// Returns the Program of a step: `(state f64[2, k], outcome f64[1], last f64[2, k], laws
/// f64[2, k]) -> (state' f64[2, k], weights f64[k], law f64[2])`.
///
/// `outcome` and `last` are the last log variance and the workers' laws for it, locations above
/// scales (`0`, and any one law for all, before the first); `laws` are those for the coming one.
/// `law` is the mixture's location and scale.
///
/// # Errors
///
/// [`BuildError`] if there is no worker.
///
/// ```
/// use market::risk::{TwoPiece, weights_start, weights_step};
/// use tensor::Tensor;
/// let program = weights_step(2, &TwoPiece::new(1.0))?;
/// let laws = |far| Tensor::f64(&[2, 2], vec![-8.0, -8.0 + far, 0.5, 0.5]);
/// let outcome = |x| Tensor::f64(&[1], vec![x]);
/// let first = [weights_start(2), outcome(0.0)?, laws(0.0)?, laws(1.0)?];
/// let after = tensor::eval(&program, &first)?;
/// assert_eq!(after[1].as_f64(), Some(&[0.5, 0.5][..]));
/// // The outcome is what the second worker said: from now on it alone counts.
/// let second = [after[0].clone(), outcome(-7.0)?, laws(1.0)?, laws(1.0)?];
/// let after = tensor::eval(&program, &second)?;
/// assert_eq!(after[1].as_f64(), Some(&[0.0, 1.0][..]));
/// assert_eq!(after[2].as_f64(), Some(&[-7.0, 0.5][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn weights_step(workers: usize, shape: &TwoPiece) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let outputs = step(&mut b, workers, shape)?;
    b.finish(&outputs)
}

fn step(b: &mut Builder, workers: usize, shape: &TwoPiece) -> Result<[Value; 3], BuildError> {
    let state = b.input(Dtype::F64, &[2, workers])?;
    let outcome = b.input(Dtype::F64, &[1])?;
    let last = b.input(Dtype::F64, &[2, workers])?;
    let laws = b.input(Dtype::F64, &[2, workers])?;
    let regrets = row(b, state, 0)?;
    let regrets = held(b, regrets, REGRET)?;
    let squares = row(b, state, 1)?;
    let squares = held(b, squares, (0.0, REGRET.1))?;

    let before = weights(b, regrets, squares)?;
    let outcome = held(b, outcome, LOG_VARIANCE)?;
    let regret = regret(b, shape, (before, last), outcome)?;
    let regrets = b.add(regrets, regret)?;
    let regrets = held(b, regrets, REGRET)?;
    let squares = b.fma(regret, regret, squares)?;
    let squares = held(b, squares, (0.0, REGRET.1))?;

    let after = weights(b, regrets, squares)?;
    let laws = lawful(b, laws)?;
    let law = [dot(b, after, laws[0])?, dot(b, after, laws[1])?];
    let law = b.concat(&law, 0)?;
    let flat = b.concat(&[regrets, squares], 0)?;
    let state = b.reshape(flat, &[2, workers])?;
    Ok([state, after, law])
}

/// `max(R, 0) / (1 + S)` over their sum; even where none is positive.
fn weights(b: &mut Builder, regrets: Value, squares: Value) -> Result<Value, BuildError> {
    let workers = b.shape_of(regrets).dims()[0];
    let zero = b.full(Dtype::F64, &[workers], 0.0)?;
    let positive = b.max(regrets, zero)?;
    let over = plus(b, squares, 1.0)?;
    let raw = b.div(positive, over)?;
    let sum = b.sum(raw, 0)?;
    let sum = b.reshape(sum, &[1])?;
    let sum = b.broadcast(sum, &[workers])?;
    let any = b.lt(zero, sum)?;
    let one = b.full(Dtype::F64, &[workers], 1.0)?;
    let safe = b.select(any, sum, one)?;
    let shares = b.div(raw, safe)?;
    let even = b.full(Dtype::F64, &[workers], 1.0 / crate::maths::count(workers))?;
    b.select(any, shares, even)
}

/// What each worker would have saved, by the slope of the mixture's CRPS.
fn regret(
    b: &mut Builder,
    shape: &TwoPiece,
    (weights, laws): (Value, Value),
    outcome: Value,
) -> Result<Value, BuildError> {
    let workers = b.shape_of(weights).dims()[0];
    let laws = lawful(b, laws)?;
    let (location, scale) = (dot(b, weights, laws[0])?, dot(b, weights, laws[1])?);
    let z = b.sub(outcome, location)?;
    let z = b.div(z, scale)?;
    let slopes = slopes(b, shape, z)?;
    let mut regret = b.full(Dtype::F64, &[workers], 0.0)?;
    for ((of, mean), slope) in laws.into_iter().zip([location, scale]).zip(slopes) {
        let mean = b.broadcast(mean, &[workers])?;
        let apart = b.sub(mean, of)?;
        let slope = b.broadcast(slope, &[workers])?;
        regret = b.fma(apart, slope, regret)?;
    }
    Ok(regret)
}

/// The derivatives of the CRPS by location and scale, of an outcome z scales from the location.
///
/// With u the distance from the mode in scales of its side, q that side's share, s its scale and
/// ± plus below the mode: `±(1 - 4 q Φ(-u))` and `4 q (s φ(u) ∓ mode Φ(-u)) - ∫ F (1 - F)`.
fn slopes(b: &mut Builder, shape: &TwoPiece, z: Value) -> Result<[Value; 2], BuildError> {
    let z = held(b, z, (-DISTANCE_MAX, DISTANCE_MAX))?;
    let from = plus(b, z, -shape.mode)?;
    let zero = b.full(Dtype::F64, &[1], 0.0)?;
    let is_below = b.lt(from, zero)?;
    let sided = |b: &mut Builder, below: f64, above: f64| {
        let (below, above) = (b.full(Dtype::F64, &[1], below)?, b.full(Dtype::F64, &[1], above)?);
        b.select(is_below, below, above)
    };
    let sign = sided(b, 1.0, -1.0)?;
    let scale = sided(b, shape.lower, shape.upper)?;
    let share = sided(b, 4.0 * shape.below(), 4.0 * (1.0 - shape.below()))?;
    let u = b.abs(from)?;
    let u = b.div(u, scale)?;
    let tail = times(b, u, std::f64::consts::FRAC_1_SQRT_2)?;
    let tail = b.erfc(tail)?;
    let tail = times(b, tail, 0.5)?;
    let density = b.mul(u, u)?;
    let density = times(b, density, -0.5)?;
    let density = b.exp(density)?;
    let density = times(b, density, PEAK)?;

    let far = b.mul(share, tail)?;
    let far = b.neg(far)?;
    let by_location = plus(b, far, 1.0)?;
    let by_location = b.mul(sign, by_location)?;
    let shift = times(b, sign, -shape.mode)?;
    let shift = b.mul(shift, tail)?;
    let by_scale = b.fma(scale, density, shift)?;
    let by_scale = b.mul(share, by_scale)?;
    let by_scale = plus(b, by_scale, -shape.spread())?;
    Ok([by_location, by_scale])
}

/// Locations and scales within their bounds, f64\[k\] each.
fn lawful(b: &mut Builder, laws: Value) -> Result<[Value; 2], BuildError> {
    let (location, scale) = (row(b, laws, 0)?, row(b, laws, 1)?);
    Ok([held(b, location, LOG_VARIANCE)?, held(b, scale, SCALE)?])
}

/// One row of f64\[2, k\], as f64\[k\].
fn row(b: &mut Builder, x: Value, row: usize) -> Result<Value, BuildError> {
    let width = b.shape_of(x).dims()[1];
    let x = b.slice(x, &[row, 0], &[row + 1, width])?;
    b.reshape(x, &[width])
}

/// `Σ a b`, f64\[1\].
fn dot(b: &mut Builder, x: Value, y: Value) -> Result<Value, BuildError> {
    let products = b.mul(x, y)?;
    let sum = b.sum(products, 0)?;
    b.reshape(sum, &[1])
}

#[cfg(test)]
mod tests;

//! The tail and the margin as one Program, a step an hour.
//!
//! With `v` the forecast volatility of the coming hour, `s = r (v / r)^elasticity` its scale (tails
//! are relatively heavier in calm hours; r is a reference volatility), `z` the last hour's loss
//! over its scale, long and short side apart, and `a` the share of hours that may lose more:
//!
//! - *quantile*, number (a): `s q e^g`, where `q` is tracked online (Gibbs and Candès 2021, in the
//!   logarithm and on standardised losses): `ln q += rate ([z > q e^g] - a)`, and `g` is raised by
//!   `bump` after an exceedance and fades by `fade` an hour, since exceedances come in clusters.
//!   Whatever the losses are, the share of exceedances over n hours differs from `a` by at most
//!   about `ln(q_max / q_min) / (rate n)`;
//! - *shortfall*, number (b): the quantile times `1 + m`, where `m` is the mean of `z / (q e^g) -
//!   1` over all hours with an exceedance, together with a prior worth a few of them;
//! - *u*: `d / (1 + d)`, with `d = spread^2 / spread_unit^2 + distance / distance_unit + age /
//!   age_unit_h`: by how much the other workers' log volatilities lie above the forecast's (root
//!   mean square, those below count as 0), how far the hour's features are from those learnt from,
//!   and the age of the data;
//! - *margin*, number (c): `max(floor, b' (1 + kappa u))`, `b` the larger side's shortfall, `b' =
//!   max(b, min(b (1 + buffer), usual))` with `usual` a slow average of `b`: a buffer that is there
//!   in calm hours and is used up when the market is no longer calm;
//! - *initial* rises to (c) at once and falls by at most `down` an hour; *maintenance* follows
//!   `share` of it, by at most `up` an hour upwards and never above `ceiling` times `share` of the
//!   slow average or the floor, so that a crash does not call from everybody at once what only the
//!   crash itself asks for.
//!
//! *Total: whatever enters, NaN and infinities too, floor <= initial <= cap, and maintenance is
//! between `share` of the floor and `share` of initial.* NaN counts as the worst of its kind.
//!
//! Absent: any number that was not known when the hour began.

use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value};

use crate::blocks::{held, mean, part, plus, times};

/// Standardised losses are held within this.
pub(crate) const LOSS_MAX: f64 = 100.0;
/// The tracked quantile is held within these many scales.
pub(crate) const QUANTILE: (f64, f64) = (1.0, 30.0);
/// Logarithms of volatilities are held within these.
pub(crate) const LOG_VOLATILITY: (f64, f64) = (-20.0, 2.0);
/// Distances and ages, in their units, are held within 0 and this.
const DOUBT_MAX: f64 = 1e6;
/// Numbers in the state.
const STATE: usize = 12;
/// What exceedances have added to the logarithm of the quantile is held within 0 and this.
pub(crate) const BUMP_MAX: f64 = 3.0;
/// Numbers in the report.
const REPORT: usize = 9;

/// The constants of the tail and the margin; they are part of the Program, hence of its hash.
///
/// ```
/// let tail = market::risk::Config::frozen().tail;
/// assert_eq!(tail.share_beyond, 0.005);
/// assert!(tail.floor < tail.cap && tail.down < 1.0 && tail.up > 1.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TailConfig {
    /// Workers whose log volatilities are compared, the forecast's own among them; at least 2.
    pub workers: usize,
    /// The volatility at which scale and volatility are equal.
    pub reference: f64,
    /// By how much the logarithm of the scale moves with that of the volatility.
    pub elasticity: f64,
    /// Share of hours whose loss may exceed the quantile, each side.
    pub share_beyond: f64,
    /// Rate at which the logarithm of the quantile is tracked.
    pub rate: f64,
    /// By how much an exceedance raises the logarithm of the quantile at once.
    pub bump: f64,
    /// The share of that which is left after an hour.
    pub fade: f64,
    /// The quantile before any loss was seen, in scales.
    pub quantile: f64,
    /// The mean excess over the quantile before any was seen, as a share of the quantile.
    pub excess: f64,
    /// Exceedances that this prior mean is worth.
    pub excess_weight: f64,
    /// How far the other workers lie above the forecast, in log volatility, where u is one half.
    pub spread_unit: f64,
    /// Distance from what was learnt from that makes u one half.
    pub distance_unit: f64,
    /// Age of the data, in hours, that makes u one half.
    pub age_unit_h: f64,
    /// How much uncertainty raises the margin: by this share where u is one.
    pub kappa: f64,
    /// The largest buffer of calm hours, as a share of the shortfall.
    pub buffer: f64,
    /// Rate of the slow average of the shortfall, an hour.
    pub usual_rate: f64,
    /// The least initial margin, as a share of the position's value.
    pub floor: f64,
    /// The largest initial margin.
    pub cap: f64,
    /// The least factor from one hour's initial margin to the next.
    pub down: f64,
    /// The largest factor from one hour's maintenance margin to the next.
    pub up: f64,
    /// The largest maintenance margin, in those of the slow average of the shortfall.
    pub ceiling: f64,
    /// Maintenance margin as a share of the initial one.
    pub share: f64,
}

impl TailConfig {
    /// Returns the state before the first hour.
    ///
    /// `[ln q long, ln q short, m long, m short, exceedances long, short, g long, short, usual
    /// shortfall, initial, maintenance, ln scale]`; the margins at the floor.
    ///
    /// ```
    /// let tail = market::risk::Config::frozen().tail;
    /// assert_eq!(tail.initial_state().shape().dims(), &[12]);
    /// ```
    #[must_use]
    pub fn initial_state(&self) -> Tensor {
        use tensor::scalar::Float;
        let q = self.quantile.op_log();
        let m = self.excess;
        let mut state = vec![q, q, m, m, 0.0, 0.0, 0.0, 0.0, 0.0];
        state.extend([self.floor, self.floor * self.share, self.reference.op_log()]);
        Tensor::f64(&[STATE], state).expect("twelve numbers")
    }
}

/// Returns the Program of an hour: `(state f64[12], losses f64[2], workers f64[workers], doubt
/// f64[2]) -> (state' f64[12], report f64[9])`.
///
/// `losses` are the last hour's, long and short, shares of the position's value (zero before the
/// first); `workers` log volatilities for the coming hour, of which the first is the forecast;
/// `doubt` the distance and the age of the data in hours. The report: `[quantile long, short,
/// shortfall long, short, u, b', c, initial, maintenance]`, shares of the position's value.
///
/// # Errors
///
/// [`BuildError`] if there are fewer than two workers.
///
/// ```
/// use market::risk::{Config, tail_step};
/// use tensor::Tensor;
/// let tail = market::risk::TailConfig { workers: 2, ..Config::frozen().tail };
/// let inputs = [
///     tail.initial_state(),
///     Tensor::f64(&[2], vec![0.0, 0.0])?,
///     Tensor::f64(&[2], vec![tail.reference.ln(), tail.reference.ln()])?,
///     Tensor::f64(&[2], vec![0.0, 0.0])?,
/// ];
/// let outputs = tensor::eval(&tail_step(&tail)?, &inputs)?;
/// let report = outputs[1].as_f64().unwrap_or(&[]);
/// assert!((report[0] / (tail.reference * tail.quantile) - 1.0).abs() < 0.01);
/// assert_eq!(report[4], 0.0); // the workers agree
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn tail_step(config: &TailConfig) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let state = b.input(Dtype::F64, &[STATE])?;
    let losses = b.input(Dtype::F64, &[2])?;
    let workers = b.input(Dtype::F64, &[config.workers])?;
    let doubt = b.input(Dtype::F64, &[2])?;

    let tail = tracked(&mut b, config, state, losses)?;
    let workers = held(&mut b, workers, LOG_VOLATILITY)?;
    let forecast = part(&mut b, workers, (0, 1))?;
    let ln_scale = ln_scale(&mut b, config, forecast)?;
    let scale = b.exp(ln_scale)?;
    let scale = b.broadcast(scale, &[2])?;
    let quantile = b.add(tail.ln_quantile, tail.bump)?;
    let quantile = b.exp(quantile)?;
    let quantile = b.mul(scale, quantile)?;
    let shortfall = b.fma(quantile, tail.excess, quantile)?;
    let u = uncertainty(&mut b, config, workers, doubt)?;

    let long = part(&mut b, shortfall, (0, 1))?;
    let short = part(&mut b, shortfall, (1, 2))?;
    let larger = b.max(long, short)?;
    let usual = usual(&mut b, config, state, larger)?;
    let (buffered, margin) = loaded(&mut b, config, (larger, usual), u)?;
    let (initial, maintenance) = paced(&mut b, config, state, (margin, usual))?;

    let tail = [tail.ln_quantile, tail.excess, tail.seen, tail.bump];
    let tail = b.concat(&tail, 0)?;
    let next = [tail, usual, initial, maintenance, ln_scale];
    let next = b.concat(&next, 0)?;
    let report = b.concat(&[quantile, shortfall, u, buffered, margin, initial, maintenance], 0)?;
    debug_assert_eq!(b.shape_of(report).dims(), [REPORT]);
    b.finish(&[next, report])
}

/// The shortfall with its buffer, and number (c), from the larger side's shortfall, the usual one
/// and u.
pub(crate) fn loaded(
    b: &mut Builder,
    config: &TailConfig,
    (larger, usual): (Value, Value),
    u: Value,
) -> Result<(Value, Value), BuildError> {
    let buffered = times(b, larger, 1.0 + config.buffer)?;
    let buffered = b.min(buffered, usual)?;
    let buffered = b.max(larger, buffered)?;
    let load = times(b, u, config.kappa)?;
    let margin = b.fma(buffered, load, buffered)?;
    let margin = held(b, margin, (config.floor, config.cap))?;
    Ok((buffered, margin))
}

/// The logarithm of the scale of a log volatility.
pub(crate) fn ln_scale(
    b: &mut Builder,
    config: &TailConfig,
    ln_v: Value,
) -> Result<Value, BuildError> {
    use tensor::scalar::Float;
    let reference = config.reference.op_log();
    let above = plus(b, ln_v, -reference)?;
    let above = times(b, above, config.elasticity)?;
    plus(b, above, reference)
}

/// What is tracked of both sides' tails, each f64\[2\].
struct Tracked {
    ln_quantile: Value,
    excess: Value,
    seen: Value,
    bump: Value,
}

/// The tails after the last hour's losses.
fn tracked(
    b: &mut Builder,
    config: &TailConfig,
    state: Value,
    losses: Value,
) -> Result<Tracked, BuildError> {
    use tensor::scalar::Float;
    let range = (QUANTILE.0.op_log(), QUANTILE.1.op_log());
    let ln_scale = part(b, state, (11, 12))?;
    let ln_scale = held(b, ln_scale, LOG_VOLATILITY)?;
    let scale = b.exp(ln_scale)?;
    let scale = b.broadcast(scale, &[2])?;
    let losses = b.div(losses, scale)?;
    let losses = held(b, losses, (-LOSS_MAX, LOSS_MAX))?;
    let ln_quantile = part(b, state, (0, 2))?;
    let ln_quantile = held(b, ln_quantile, range)?;
    let excess = part(b, state, (2, 4))?;
    let excess = held(b, excess, (0.0, LOSS_MAX))?;
    let seen = part(b, state, (4, 6))?;
    let seen = held(b, seen, (0.0, f64::MAX))?;
    let bump = part(b, state, (6, 8))?;
    let bump = held(b, bump, (0.0, BUMP_MAX))?;

    let quantile = b.add(ln_quantile, bump)?;
    let quantile = b.exp(quantile)?;
    let beyond = b.lt(quantile, losses)?;
    let beyond = b.convert(beyond, Dtype::F64)?;
    let ratio = b.div(losses, quantile)?;
    let ratio = plus(b, ratio, -1.0)?;
    let surprise = b.sub(ratio, excess)?;
    let surprise = b.mul(surprise, beyond)?;
    let weight = plus(b, seen, config.excess_weight + 1.0)?;
    let change = b.div(surprise, weight)?;
    let excess = b.add(excess, change)?;
    let seen = b.add(seen, beyond)?;

    let miss = plus(b, beyond, -config.share_beyond)?;
    let miss = times(b, miss, config.rate)?;
    let ln_quantile = b.add(ln_quantile, miss)?;
    let ln_quantile = held(b, ln_quantile, range)?;
    let fading = times(b, bump, config.fade)?;
    let raise = times(b, beyond, config.bump)?;
    let bump = b.add(fading, raise)?;
    let bump = held(b, bump, (0.0, BUMP_MAX))?;
    Ok(Tracked { ln_quantile, excess, seen, bump })
}

/// u, f64\[1\] within 0 and 1, from the workers.
fn uncertainty(
    b: &mut Builder,
    config: &TailConfig,
    workers: Value,
    doubt: Value,
) -> Result<Value, BuildError> {
    let forecast = part(b, workers, (0, 1))?;
    let others = part(b, workers, (1, config.workers))?;
    let forecast = b.broadcast(forecast, &[config.workers - 1])?;
    let above = b.sub(others, forecast)?;
    let zero = b.full(Dtype::F64, &[config.workers - 1], 0.0)?;
    let above = b.max(above, zero)?;
    let spread = b.mul(above, above)?;
    let spread = mean(b, spread)?;
    doubted(b, config, spread, doubt)
}

/// u, f64\[1\] within 0 and 1, from the mean square of what others lie above the forecast.
pub(crate) fn doubted(
    b: &mut Builder,
    config: &TailConfig,
    spread: Value,
    doubt: Value,
) -> Result<Value, BuildError> {
    let spread = times(b, spread, 1.0 / (config.spread_unit * config.spread_unit))?;
    let distance = part(b, doubt, (0, 1))?;
    let distance = times(b, distance, 1.0 / config.distance_unit)?;
    let distance = held(b, distance, (0.0, DOUBT_MAX))?;
    let age = part(b, doubt, (1, 2))?;
    let age = times(b, age, 1.0 / config.age_unit_h)?;
    let age = held(b, age, (0.0, DOUBT_MAX))?;
    let sum = b.add(spread, distance)?;
    let sum = b.add(sum, age)?;
    let more = plus(b, sum, 1.0)?;
    b.div(sum, more)
}

/// The slow average of the larger side's shortfall; the first shortfall where there is none yet.
fn usual(
    b: &mut Builder,
    config: &TailConfig,
    state: Value,
    larger: Value,
) -> Result<Value, BuildError> {
    let before = part(b, state, (8, 9))?;
    let before = held(b, before, (0.0, config.cap))?;
    let zero = b.full(Dtype::F64, &[1], 0.0)?;
    let none = b.eq(before, zero)?;
    let before = b.select(none, larger, before)?;
    let change = b.sub(larger, before)?;
    let rate = b.full(Dtype::F64, &[1], config.usual_rate)?;
    b.fma(change, rate, before)
}

/// Initial and maintenance margin, from the last ones, the margin asked for and the usual one.
fn paced(
    b: &mut Builder,
    config: &TailConfig,
    state: Value,
    (margin, usual): (Value, Value),
) -> Result<(Value, Value), BuildError> {
    let last = part(b, state, (9, 10))?;
    let last = held(b, last, (config.floor, config.cap))?;
    let least = times(b, last, config.down)?;
    let initial = b.max(margin, least)?;
    let due = times(b, initial, config.share)?;
    let last = part(b, state, (10, 11))?;
    let last = held(b, last, (config.floor * config.share, config.cap * config.share))?;
    let most = times(b, last, config.up)?;
    let maintenance = b.min(due, most)?;
    let usual = held(b, usual, (config.floor, config.cap))?;
    let ceiling = times(b, usual, config.ceiling * config.share)?;
    let maintenance = b.min(maintenance, ceiling)?;
    Ok((initial, maintenance))
}

//! What a market is told after a round, as one Program: margin and volatility, from the model and
//! what anybody can read off the chain.
//!
//! The risk engine ([`risk`](crate::risk)) with a day as its step and the federated model as its
//! volatility worker: the forecasts of the day and of the window before it with the new model; the
//! tail tracked over the window; and for how unsure that is, the forecasts of the accepted
//! trainers' own models (the params before plus one trainer's update each), how far the day's
//! features are from those learnt from, and the age of the data. Of the loss over the day, of the
//! side that may lose more:
//!
//! - *margin*: lower is number (a), the quantile; value is (b), the expected shortfall beyond it;
//!   upper is (c), the margin, which a gate applies: `max(floor, b' (1 + kappa u))`;
//! - *volatility*: value is the root of the forecast variance, lower and upper the tracked 90 %
//!   interval of the volatility that the day will show, widened to hold the value.
//!
//! *Distance*: `(1 + sum z^2) / 2048`, z the day's features. It is the engine's `x v x^T` with as
//! many rows as a slice holds and the identity for their covariance, as each slice is standardised.
//! *Pace* is the gate's business: there is no last margin here.
//!
//! A claim about this Program rests on the settled round for the model and the updates, and on the
//! provider for the market's data, which is posted with it: so anybody can run it again, and
//! dispute it.
//!
//! *Total: whatever enters, every bound is a number, 0 <= lower <= value <= upper <= cap, and the
//! margin's upper one is not below the floor.* NaN counts as the worst of its kind.

mod recent;

use learn::Model;
use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value};

pub use recent::Recent;

use crate::blocks::{held, part, plus, times};
use crate::maths::count;
use crate::risk::{
    Config, Days, LOG_VARIANCE, LOG_VOLATILITY, Replayed, SCALE, TailConfig, WINDOW, doubted,
    ln_scale, loaded, replayed,
};

/// Days a market has at least before its first report; where there are fewer than a report looks
/// back, the trackers start later.
pub const REPORT_DAYS_MIN: usize = 64;
/// Days a report looks back.
pub const REPORT_DAYS: usize = WINDOW;
/// Logarithms of outcome over forecast are held within +- this; a squared return may be zero.
const LOG_RATIO: f64 = 8.0;
/// Log returns are held within +- this.
const RETURN_MAX: f64 = 2.0;
/// The largest standard deviation of a day that is reported.
const VOLATILITY_MAX: f64 = 10.0;
/// The largest square of a standardised feature.
const SQUARE_MAX: f64 = 1e6;

/// What a settled round adds to a report: params before it f32\[d\], who was accepted i32\[rows\],
/// and the revealed updates i32\[d\].
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The params the updates are relative to.
    pub before: Tensor,
    /// 1 for each accepted row, 0 for the others.
    pub accepted: Tensor,
    /// One update a row.
    pub updates: Vec<Tensor>,
}

/// Returns the report Program for rounds with this many rows; 0 before the first round.
///
/// Inputs: `params f32[d]`, the four of [`Recent`], and for a round `before f32[d]`, `accepted
/// i32[rows]` and `update i32[d]` for each row, in units of `step`. Outputs: margin f64\[3\] and
/// standard deviation of the day's return f64\[3\], each value, lower, upper.
///
/// # Errors
///
/// [`BuildError`] if there are more rows than a Program may have inputs.
///
/// ```
/// use learn::{Kind, Model};
/// let model = Model::new(Kind::Har, &market::FEATURES);
/// assert_eq!(market::report(&model, 3, learn::step())?.outputs().len(), 2);
/// # Ok::<(), tensor::BuildError>(())
/// ```
pub fn report(model: &Model, rows: usize, step: f32) -> Result<Program, BuildError> {
    let config = Config::frozen();
    let (tail, interval) = (config.daily_tail(), config.day.interval);
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[model.count()])?;
    let [features, anchors, outcomes, age] = Recent::shapes(model);
    let features = b.input(features.0, &features.1)?;
    let anchors = b.input(anchors.0, &anchors.1)?;
    let outcomes = b.input(outcomes.0, &outcomes.1)?;
    let age = b.input(age.0, &age.1)?;

    let level = b.log(anchors)?;
    let forecasts = forecast(&mut b, model, params, (features, level))?;
    let forecasts = held(&mut b, forecasts, LOG_VARIANCE)?;
    let counted = counted(&mut b, anchors)?;
    let law = law(&mut b, (forecasts, counted), outcomes)?;
    let scale = scale(&mut b, &tail, forecasts)?;
    let losses = losses(&mut b, scale, outcomes)?;
    let days = Days { losses, outcomes: law.off, counted };
    let tracked = replayed(&mut b, (&tail, &interval), &days)?;

    let last = b.slice(features, &[WINDOW, 0], &[WINDOW + 1, model.width()])?;
    let level = part(&mut b, level, (WINDOW, WINDOW + 1))?;
    let today = part(&mut b, forecasts, (WINDOW, WINDOW + 1))?;
    let today = ln_volatility(&mut b, today)?;
    let above = match rows {
        0 => b.full(Dtype::F64, &[1], 0.0)?,
        rows => above(&mut b, model, (rows, step), (last, level, today))?,
    };
    let distance = distance(&mut b, last)?;
    let doubt = b.concat(&[distance, age], 0)?;
    let u = doubted(&mut b, &tail, above, doubt)?;
    let margin = margin(&mut b, &tail, (&tracked, scale), u)?;
    let volatility = volatility(&mut b, today, &law, tracked.width)?;
    b.finish(&[margin, volatility])
}

/// Returns the inputs of [`report`].
///
/// ```
/// # use learn::{Kind, Model};
/// # let model = Model::new(Kind::Har, &market::FEATURES);
/// # let zeros = [vec![0; 257 * 5 * 4], vec![0; 257 * 8], vec![0; 256 * 2 * 8], vec![0; 8]];
/// # let recent = market::Recent::from_bytes(&model, &zeros).expect("of these lengths");
/// assert_eq!(market::report_inputs(&model.initial(), &recent, None).len(), 5);
/// ```
#[must_use]
pub fn report_inputs(params: &Tensor, recent: &Recent, trained: Option<&Trained>) -> Vec<Tensor> {
    let mut inputs = vec![params.clone()];
    inputs.extend(recent.tensors().iter().cloned());
    if let Some(Trained { before, accepted, updates }) = trained {
        inputs.extend([before.clone(), accepted.clone()]);
        inputs.extend(updates.iter().cloned());
    }
    inputs
}

/// `ln h` of each row of features: the model's output over its level, f64\[n\].
fn forecast(
    b: &mut Builder,
    model: &Model,
    params: Value,
    (features, level): (Value, Value),
) -> Result<Value, BuildError> {
    let s = model.forward(b, params, features)?;
    let s = b.convert(s, Dtype::F64)?;
    b.add(level, s)
}

/// Which days of the window count: those with an anchor, f64\[w, 1\].
fn counted(b: &mut Builder, anchors: Value) -> Result<Value, BuildError> {
    let anchors = part(b, anchors, (0, WINDOW))?;
    let zero = b.full(Dtype::F64, &[WINDOW], 0.0)?;
    let counted = b.lt(zero, anchors)?;
    let counted = b.convert(counted, Dtype::F64)?;
    b.reshape(counted, &[WINDOW, 1])
}

/// Half of a log variance, within what the tail takes.
fn ln_volatility(b: &mut Builder, ln_h: Value) -> Result<Value, BuildError> {
    let half = times(b, ln_h, 0.5)?;
    held(b, half, LOG_VOLATILITY)
}

/// The tail's scale of each day, f64\[w + 1\].
fn scale(b: &mut Builder, tail: &TailConfig, forecasts: Value) -> Result<Value, BuildError> {
    let ln_v = ln_volatility(b, forecasts)?;
    let ln_scale = ln_scale(b, tail, ln_v)?;
    b.exp(ln_scale)
}

/// One column of what the days brought, f64\[w\].
fn brought(b: &mut Builder, outcomes: Value, column: usize) -> Result<Value, BuildError> {
    let one = b.slice(outcomes, &[0, column], &[WINDOW, column + 1])?;
    b.reshape(one, &[WINDOW])
}

/// What a long and a short position lost, over the scale, f64\[w, 2\].
fn losses(b: &mut Builder, scale: Value, outcomes: Value) -> Result<Value, BuildError> {
    let scale = part(b, scale, (0, WINDOW))?;
    let ret = brought(b, outcomes, 1)?;
    let ret = held(b, ret, (-RETURN_MAX, RETURN_MAX))?;
    let growth = b.exp(ret)?;
    let gain = plus(b, growth, -1.0)?;
    let short = b.div(gain, scale)?;
    let long = b.neg(short)?;
    columns(b, [long, short])
}

/// Two vectors side by side, f64\[w, 2\].
fn columns(b: &mut Builder, both: [Value; 2]) -> Result<Value, BuildError> {
    let [left, right] = both;
    let left = b.reshape(left, &[WINDOW, 1])?;
    let right = b.reshape(right, &[WINDOW, 1])?;
    b.concat(&[left, right], 1)
}

/// The law of the logarithm of outcome over forecast, as the window shows it.
struct Law {
    /// Its mean, f64\[1\].
    location: Value,
    /// Its standard deviation, f64\[1\].
    scale: Value,
    /// How far each outcome lay below and above the mean, in standard deviations, f64\[w, 2\].
    off: Value,
}

fn law(
    b: &mut Builder,
    (forecasts, counted): (Value, Value),
    outcomes: Value,
) -> Result<Law, BuildError> {
    let counted = b.reshape(counted, &[WINDOW])?;
    let forecasts = part(b, forecasts, (0, WINDOW))?;
    let variance = brought(b, outcomes, 0)?;
    let ratio = b.log(variance)?;
    let ratio = b.sub(ratio, forecasts)?;
    let ratio = held(b, ratio, (-LOG_RATIO, LOG_RATIO))?;
    let all = total(b, counted)?;
    let one = b.full(Dtype::F64, &[1], 1.0)?;
    let all = b.max(all, one)?;
    let location = weighted_mean(b, ratio, (counted, all))?;
    let centre = b.broadcast(location, &[WINDOW])?;
    let off = b.sub(ratio, centre)?;
    let square = b.mul(off, off)?;
    let scale = weighted_mean(b, square, (counted, all))?;
    let scale = b.sqrt(scale)?;
    let scale = held(b, scale, SCALE)?;
    let across = b.broadcast(scale, &[WINDOW])?;
    let over = b.div(off, across)?;
    let under = b.neg(over)?;
    Ok(Law { location, scale, off: columns(b, [under, over])? })
}

/// The mean of a vector under weights with this sum, f64\[1\].
fn weighted_mean(
    b: &mut Builder,
    x: Value,
    (weights, sum): (Value, Value),
) -> Result<Value, BuildError> {
    let weighted = b.mul(x, weights)?;
    let weighted = total(b, weighted)?;
    b.div(weighted, sum)
}

/// The mean square of what the accepted trainers' own models forecast above the forecast, in log
/// volatility, f64\[1\]; zero if there is none.
fn above(
    b: &mut Builder,
    model: &Model,
    (rows, step): (usize, f32),
    (features, level, today): (Value, Value, Value),
) -> Result<Value, BuildError> {
    let before = b.input(Dtype::F32, &[model.count()])?;
    let accepted = b.input(Dtype::I32, &[rows])?;
    let scale = b.full(Dtype::F32, &[model.count()], f64::from(step))?;
    let mut members = Vec::with_capacity(rows);
    for _ in 0..rows {
        let update = b.input(Dtype::I32, &[model.count()])?;
        let update = b.convert(update, Dtype::F32)?;
        let own = b.fma(update, scale, before)?;
        members.push(forecast(b, model, own, (features, level))?);
    }
    let members = b.concat(&members, 0)?;
    let members = held(b, members, LOG_VARIANCE)?;
    let members = ln_volatility(b, members)?;
    let today = b.broadcast(today, &[rows])?;
    let above = b.sub(members, today)?;
    let zero = b.full(Dtype::F64, &[rows], 0.0)?;
    let above = b.max(above, zero)?;
    let square = b.mul(above, above)?;
    let weights = b.convert(accepted, Dtype::F64)?;
    let sum = total(b, weights)?;
    let one = b.full(Dtype::F64, &[1], 1.0)?;
    let sum = b.max(sum, one)?;
    weighted_mean(b, square, (weights, sum))
}

/// How far the day's features are from those that were learnt from, f64\[1\].
fn distance(b: &mut Builder, features: Value) -> Result<Value, BuildError> {
    let width = b.shape_of(features).count();
    let z = b.reshape(features, &[width])?;
    let z = b.convert(z, Dtype::F64)?;
    let square = b.mul(z, z)?;
    let square = held(b, square, (0.0, SQUARE_MAX))?;
    let sum = total(b, square)?;
    let sum = plus(b, sum, 1.0)?;
    times(b, sum, 1.0 / count(learn::ROWS))
}

/// Shortfall, quantile and margin of the side that may lose more, f64\[3\].
fn margin(
    b: &mut Builder,
    tail: &TailConfig,
    (tracked, scale): (&Replayed, Value),
    u: Value,
) -> Result<Value, BuildError> {
    let quantile = larger(b, tracked.quantile, scale)?;
    let quantile = part(b, quantile, (WINDOW, WINDOW + 1))?;
    let shortfalls = larger(b, tracked.shortfall, scale)?;
    let shortfall = part(b, shortfalls, (WINDOW, WINDOW + 1))?;
    let weights = b.reshape(tracked.weights, &[WINDOW + 1])?;
    let usual = b.mul(shortfalls, weights)?;
    let usual = total(b, usual)?;
    let (_, margin) = loaded(b, tail, (shortfall, usual), u)?;
    let value = held(b, shortfall, (0.0, tail.cap))?;
    let lower = held(b, quantile, (0.0, tail.cap))?;
    b.concat(&[value, lower, margin], 0)
}

/// The larger side of what is in scales, as shares of a position's value, f64\[w + 1\].
fn larger(b: &mut Builder, sides: Value, scale: Value) -> Result<Value, BuildError> {
    let long = b.slice(sides, &[0, 0], &[WINDOW + 1, 1])?;
    let short = b.slice(sides, &[0, 1], &[WINDOW + 1, 2])?;
    let larger = b.max(long, short)?;
    let larger = b.reshape(larger, &[WINDOW + 1])?;
    b.mul(larger, scale)
}

/// The forecast volatility and its interval, f64\[3\].
fn volatility(b: &mut Builder, today: Value, law: &Law, width: Value) -> Result<Value, BuildError> {
    let width = b.reshape(width, &[2])?;
    let half = times(b, law.scale, 0.5)?;
    let minus = b.neg(half)?;
    let centre = times(b, law.location, 0.5)?;
    let centre = b.add(today, centre)?;
    let (down, up) = (part(b, width, (0, 1))?, part(b, width, (1, 2))?);
    let lower = b.fma(down, minus, centre)?;
    let lower = b.min(lower, today)?;
    let upper = b.fma(up, half, centre)?;
    let upper = b.max(upper, today)?;
    let three = b.concat(&[today, lower, upper], 0)?;
    let three = b.exp(three)?;
    held(b, three, (0.0, VOLATILITY_MAX))
}

/// The sum of a vector, f64\[1\].
fn total(b: &mut Builder, x: Value) -> Result<Value, BuildError> {
    let sum = b.sum(x, 0)?;
    b.reshape(sum, &[1])
}

#[cfg(test)]
mod tests;

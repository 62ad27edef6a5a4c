//! The margin formula as a Program: a forecast, what others forecast, how wrong it was lately.
//!
//! With `h` the forecast variance of a day, `sigma = sqrt(h * horizon)`:
//!
//! - `value = min(cap, max(floor, quantile * sigma))`;
//! - `u = sqrt(spread^2 + error^2)`, the standard error of `ln h`. `spread` is the standard
//!   deviation over the trainers' own models (parameters plus one trainer's update each) of
//!   their `ln h`: model uncertainty as disagreement of an ensemble. `error^2` is
//!   `mean((y / f - 1)^2) / w` over the last `w` days: the squared standard error of the mean ratio
//!   of outcome to forecast, which is how well `w` days can tell the level of the forecast. A ratio
//!   is used, and not the error of the logarithm, since a squared return may be zero;
//! - `lower, upper = value * exp(-+ z u / 2)`, held within floor and cap: half, as the margin is
//!   the square root of the variance; `z` a normal quantile. The interval is about the *margin the
//!   true variance would ask for*, not about tomorrow's return, which `quantile` is for.
//!
//! *Total: whatever enters, NaN and infinities too, `floor <= lower <= value <= upper <= cap`.* NaN
//! counts as the worst value of its kind, so a broken model asks for the cap.
//!
//! Absent: a fitted tail and a loading for uncertainty. They come with the risk engine; `quantile`
//! is a public constant until then.

use tensor::{BuildError, Builder, Dtype, Program, ShapeError, Tensor, Value};

use crate::blocks::{held, mean, mean_square_from, reciprocal};

/// Log variances are held within these: daily deviations of 3e-7 and 12.
pub(crate) const LOG_VARIANCE: (f64, f64) = (-30.0, 5.0);
/// Ratios of outcome to forecast are held within 0 and this.
pub(crate) const RATIO_MAX: f64 = 100.0;

/// The constants of the margin formula; they are part of its Program, hence of its hash.
///
/// ```
/// let config = market::MarginConfig::STANDARD;
/// assert!(config.floor < config.cap);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarginConfig {
    /// Trainers' own forecasts.
    pub members: usize,
    /// Recent days whose errors count.
    pub recent: usize,
    /// Multiple of the horizon's deviation.
    pub quantile: f64,
    /// Days the margin must last.
    pub horizon_days: f64,
    /// Standard errors either side of the value.
    pub z: f64,
    /// The least margin, as a share of the position's value.
    pub floor: f64,
    /// The largest margin, as a share of the position's value.
    pub cap: f64,
}

impl MarginConfig {
    /// One day, 3.4 deviations (the 99 % point of the size of the standardised daily return before
    /// the split, docs/model.md), a 90 % interval, between 2 % and 100 %; four members, 64 days.
    pub const STANDARD: MarginConfig = MarginConfig {
        members: 4,
        recent: 64,
        quantile: 3.4,
        horizon_days: 1.0,
        z: 1.645,
        floor: 0.02,
        cap: 1.0,
    };
}

/// Returns the Program `(ln h f64[1], members' ln h f64[members], ratios f64[recent]) -> f64[3]`:
/// value, lower, upper.
///
/// # Errors
///
/// [`BuildError`] if `members` or `recent` is 0.
///
/// ```
/// use market::{MarginConfig, margin};
/// use tensor::Tensor;
/// let config = MarginConfig { members: 2, recent: 3, ..MarginConfig::STANDARD };
/// let ln_h = (0.02_f64 * 0.02).ln();
/// let inputs = [
///     Tensor::f64(&[1], vec![ln_h])?,
///     Tensor::f64(&[2], vec![ln_h, ln_h])?,
///     Tensor::f64(&[3], vec![1.0, 1.0, 1.0])?,
/// ];
/// let outputs = tensor::eval(&margin(&config)?, &inputs)?;
/// let value = outputs[0].as_f64().map(|v| v[0]).unwrap_or(0.0);
/// assert!((value - 3.4 * 0.02).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn margin(config: &MarginConfig) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let log_variance = b.input(Dtype::F64, &[1])?;
    let members = b.input(Dtype::F64, &[config.members])?;
    let ratios = b.input(Dtype::F64, &[config.recent])?;
    let log_variance = held(&mut b, log_variance, LOG_VARIANCE)?;
    let members = held(&mut b, members, LOG_VARIANCE)?;
    let ratios = held(&mut b, ratios, (0.0, RATIO_MAX))?;

    let centre = mean(&mut b, members)?;
    let centre = b.broadcast(centre, &[config.members])?;
    let spread = mean_square_from(&mut b, members, centre)?;
    let one = b.full(Dtype::F64, &[config.recent], 1.0)?;
    let error = mean_square_from(&mut b, ratios, one)?;
    let share = reciprocal(&mut b, config.recent)?;
    let variance = b.fma(error, share, spread)?;
    let report = bounds(&mut b, config, log_variance, variance)?;
    b.finish(&[report])
}

/// `value, lower, upper` as f64\[3\] from `ln h` and `u^2`, both f64\[1\].
pub(crate) fn bounds(
    b: &mut Builder,
    config: &MarginConfig,
    log_variance: Value,
    variance: Value,
) -> Result<Value, BuildError> {
    let u = b.sqrt(variance)?;
    let half_z = b.full(Dtype::F64, &[1], config.z / 2.0)?;
    let width = b.mul(u, half_z)?;

    let h = b.exp(log_variance)?;
    let horizon = b.full(Dtype::F64, &[1], config.horizon_days)?;
    let h = b.mul(h, horizon)?;
    let sigma = b.sqrt(h)?;
    let quantile = b.full(Dtype::F64, &[1], config.quantile)?;
    let raw = b.mul(sigma, quantile)?;
    let limits = (config.floor, config.cap);
    let value = held(b, raw, limits)?;
    let up = b.exp(width)?;
    let upper = b.mul(raw, up)?;
    let upper = held(b, upper, limits)?;
    let upper = b.max(upper, value)?;
    let lower = b.div(raw, up)?;
    let lower = held(b, lower, limits)?;
    let lower = b.min(lower, value)?;
    b.concat(&[value, lower, upper], 0)
}

/// Returns the inputs of [`margin`].
///
/// # Errors
///
/// [`ShapeError`] if there are no members or no ratios.
///
/// ```
/// let inputs = market::margin_inputs(-8.0, &[-8.1, -7.9], &[1.0; 64])?;
/// assert_eq!(inputs[2].shape().count(), 64);
/// # Ok::<(), tensor::ShapeError>(())
/// ```
pub fn margin_inputs(
    log_variance: f64,
    members: &[f64],
    ratios: &[f64],
) -> Result<Vec<Tensor>, ShapeError> {
    Ok(vec![
        Tensor::f64(&[1], vec![log_variance])?,
        Tensor::f64(&[members.len()], members.to_vec())?,
        Tensor::f64(&[ratios.len()], ratios.to_vec())?,
    ])
}

#[cfg(test)]
mod tests;

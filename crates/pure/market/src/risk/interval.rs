//! The interval of a volatility forecast as a Program, a step an hour or a day.
//!
//! A log variance is skewed, and how noisy it is changes over the years, so the two ends are
//! tracked apart, as the tail's quantile is: `lower = m - k s`, `upper = m + k' s` with m and s the
//! predictive's location and scale, `ln k += rate ([outcome below lower] - a / 2)` and the same
//! above, a being the share that may lie outside.
//!
//! *Total: lower is a number not above upper, whatever enters.* Absent: the law itself; its
//! quantiles are [`Predictive::interval`](super::Predictive::interval).

use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value};

use crate::blocks::{held, part, plus, times};

/// Scales from the location to either end are held within these.
pub(crate) const WIDTH: (f64, f64) = (0.1, 20.0);
/// Locations and outcomes, log variances, are held within these.
pub(crate) const LOG_VARIANCE: (f64, f64) = (-40.0, 4.0);
/// Scales of log variances are held within these.
pub(crate) const SCALE: (f64, f64) = (1e-6, 10.0);

/// The constants of an interval; they are part of its Program, hence of its hash.
///
/// ```
/// let interval = market::risk::Config::frozen().day.interval;
/// assert_eq!(interval.probability, 0.9);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IntervalConfig {
    /// The share of outcomes that the interval is to hold.
    pub probability: f64,
    /// Rate at which the logarithms of the half widths are tracked.
    pub rate: f64,
    /// Half widths at the start, in scales.
    pub start: f64,
}

impl IntervalConfig {
    /// Returns the state before the first forecast: the logarithms of both half widths.
    ///
    /// ```
    /// let interval = market::risk::Config::frozen().day.interval;
    /// assert_eq!(interval.initial_state().shape().dims(), &[2]);
    /// ```
    #[must_use]
    pub fn initial_state(&self) -> Tensor {
        use tensor::scalar::Float;
        let ln_k = self.start.op_log();
        Tensor::f64(&[2], vec![ln_k, ln_k]).expect("two numbers")
    }
}

/// Returns the Program of a step: `(state f64[2], last f64[3], law f64[2]) -> (state' f64[2],
/// interval f64[2])`.
///
/// `last` is the last outcome and the location and scale that were forecast for it (`[0, 0, 1]`
/// before the first), `law` the location and scale of the coming one, all of log variances; the
/// interval is `[lower, upper]`.
///
/// # Errors
///
/// [`BuildError`] never, for there is nothing to choose that would not fit.
///
/// ```
/// use market::risk::{IntervalConfig, interval_step};
/// use tensor::Tensor;
/// let config = IntervalConfig { probability: 0.9, rate: 0.1, start: 2.0 };
/// let last = Tensor::f64(&[3], vec![9.0, 0.0, 1.0])?; // an outcome far above its interval
/// let law = Tensor::f64(&[2], vec![-8.0, 0.5])?;
/// let inputs = [config.initial_state(), last, law];
/// let outputs = tensor::eval(&interval_step(&config)?, &inputs)?;
/// let ends = outputs[1].as_f64().unwrap_or(&[]);
/// assert!(ends[0] > -9.0 && ends[1] > -7.0); // the upper end moves out, the lower a little in
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn interval_step(config: &IntervalConfig) -> Result<Program, BuildError> {
    use tensor::scalar::Float;
    let mut b = Builder::new();
    let state = b.input(Dtype::F64, &[2])?;
    let last = b.input(Dtype::F64, &[3])?;
    let law = b.input(Dtype::F64, &[2])?;
    let range = (WIDTH.0.op_log(), WIDTH.1.op_log());
    let ln_k = held(&mut b, state, range)?;
    let k = b.exp(ln_k)?;

    let outcome = part(&mut b, last, (0, 1))?;
    let outcome = held(&mut b, outcome, LOG_VARIANCE)?;
    let (lower, upper) = {
        let location = part(&mut b, last, (1, 2))?;
        let scale = part(&mut b, last, (2, 3))?;
        ends(&mut b, location, scale, k)?
    };
    let below = b.lt(outcome, lower)?;
    let above = b.lt(upper, outcome)?;
    let missed = b.concat(&[below, above], 0)?;
    let missed = b.convert(missed, Dtype::F64)?;
    let missed = plus(&mut b, missed, -0.5 * (1.0 - config.probability))?;
    let change = times(&mut b, missed, config.rate)?;
    let ln_k = b.add(ln_k, change)?;
    let ln_k = held(&mut b, ln_k, range)?;
    let k = b.exp(ln_k)?;

    let location = part(&mut b, law, (0, 1))?;
    let scale = part(&mut b, law, (1, 2))?;
    let (lower, upper) = ends(&mut b, location, scale, k)?;
    let interval = b.concat(&[lower, upper], 0)?;
    b.finish(&[ln_k, interval])
}

/// Lower and upper end, f64\[1\] each.
fn ends(
    b: &mut Builder,
    location: Value,
    scale: Value,
    k: Value,
) -> Result<(Value, Value), BuildError> {
    let location = held(b, location, LOG_VARIANCE)?;
    let scale = held(b, scale, SCALE)?;
    let (down, up) = (part(b, k, (0, 1))?, part(b, k, (1, 2))?);
    let down = b.neg(down)?;
    Ok((b.fma(down, scale, location)?, b.fma(up, scale, location)?))
}

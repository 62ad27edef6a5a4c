//! What networks learn from: for each day what was known when it began, and what it brought.
//!
//! *Invariant: of a lesson only the outcome is of its own day.*

use tensor::scalar::Float;

use super::super::samples::{FLOOR, MONTH, Totals, average, ratio};
use super::super::{Model, Predictive, RiskError, day_samples, expand};
use crate::Hour;

/// Days of the past that a lesson shows one by one.
pub const PAST: usize = MONTH;
/// Numbers a lesson has of each of them.
pub const CHANNELS: usize = 9;

/// A day that networks may learn from, or forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// When the day begins, Unix seconds.
    pub open_s: i64,
    /// What the regression reads but its constant
    /// ([`DAY_FEATURES`](super::super::DAY_FEATURES)), and how far it forecasts from the anchor.
    pub row: Vec<f64>,
    /// The 22 days before, oldest first, [`CHANNELS`] numbers each: logarithms of range and
    /// realised variance over the average realised one of all 22, return over its root, logarithm
    /// of the volume over its average; and five numbers of the day itself, the same on each: level,
    /// Saturday, Sunday, Monday, and the regression's forecast from the anchor.
    pub past: Vec<f64>,
    /// The logarithm of the average realised variance of the 22 days.
    pub anchor: f64,
    /// The law of the regression, as it was known.
    pub core: Predictive,
    /// The logarithm of the day's realised variance.
    pub outcome: f64,
}

/// Returns a lesson for each day that the core of a model forecasts, from a market's hours.
///
/// # Errors
///
/// [`RiskError::Build`] if the model gives no Program.
///
/// ```
/// use market::{Hour, risk::{CHANNELS, Config, PAST, lessons}};
/// let (before, close, ret, volume) = (1.0, 1.0, 0.0, 1.0);
/// let (realised, range) = (1e-6, 1e-6);
/// let hour = |i: i64| Hour { open_s: i * 3_600, before, close, ret, realised, range, volume };
/// let hours: Vec<Hour> = (0..24 * 130).map(hour).collect();
/// let lessons = lessons(&hours, &Config::frozen().day)?;
/// assert_eq!((lessons.len(), lessons[0].past.len()), (8, PAST * CHANNELS)); // 22 and 100 days
/// # Ok::<(), market::risk::RiskError>(())
/// ```
pub fn lessons(hours: &[Hour], model: &Model) -> Result<Vec<Lesson>, RiskError> {
    let samples = day_samples(hours, model.measure);
    let totals = Totals::of(hours);
    let prior = std::slice::from_ref(&model.workers[0].prior);
    let laws = expand(&samples, prior, model.refit, model.pool.as_ref())?;
    let first = samples.len() - laws.len();
    let lesson = |(i, law): (usize, &Vec<Predictive>)| {
        let sample = &samples[first + i];
        let ahead = law[0].location - sample.anchor;
        let mut row = sample.x[1..].to_vec();
        row.push(ahead);
        // The day is the sample's, 22 days after the first.
        let constant = [sample.x[3], sample.x[8], sample.x[9], sample.x[10], ahead];
        Lesson {
            open_s: sample.open_s,
            row,
            past: past(&totals, first + i + MONTH, constant),
            anchor: sample.anchor,
            core: law[0],
            outcome: sample.outcome.expect("a sample of a day is of a day that is over"),
        }
    };
    Ok(laws.iter().enumerate().map(lesson).collect())
}

/// The 22 days before day `t`.
fn past(totals: &Totals, t: usize, constant: [f64; 5]) -> Vec<f64> {
    let month = average(&totals.realised[..t], MONTH) + FLOOR;
    let usual = average(&totals.volumes[..t], MONTH);
    let relative = |variance: f64| ((variance + FLOOR) / month).op_log();
    let day = |d: usize| {
        let (range, realised) = (relative(totals.ranges[d]), relative(totals.realised[d]));
        let own = [range, realised, totals.rets[d] / month.sqrt(), ratio(totals.volumes[d], usual)];
        own.into_iter().chain(constant)
    };
    (t - MONTH..t).flat_map(day).collect()
}

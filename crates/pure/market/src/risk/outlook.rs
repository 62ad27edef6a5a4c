//! Forecasts of every hour, and what tail and margin make of them.
//!
//! In two steps, so that other constants of the tail can be tried on the same forecasts.
//!
//! *Invariant: an hour without a price changes no state by what it would have brought.* Absent:
//! any other way to fill a hole.

use tensor::Tensor;

use super::expand::expand_and_tell;
use super::{
    Config, HourReport, IntervalConfig, Predictive, RiskError, Sample, Sides, TailConfig,
    hour_samples, interval_step, tail_step,
};
use crate::hourly::{HOUR_S, hourly_with_holes};
use crate::maths::exp;
use crate::{Hour, Series};

/// The forecasts of a market's hours, missing ones among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// The hours that brought a price and have a forecast.
    hours: Vec<Hour>,
    /// Hours that brought a price before those.
    before: usize,
    /// What was known of each hour of the clock from the first forecast on.
    samples: Vec<Sample>,
    /// One law a worker, for each sample.
    forecasts: Vec<Vec<Predictive>>,
    /// When the last hour that coefficients were fitted to begins, Unix seconds.
    pub learnt_s: Option<i64>,
}

impl Outlook {
    /// Returns the forecast variance of each hour that brought a price, and the one it showed.
    ///
    /// ```no_run
    /// # fn of(outlook: &market::risk::Outlook) -> f64 {
    /// outlook.variances().map(|(forecast, shown)| shown / forecast).sum()
    /// # }
    /// ```
    pub fn variances(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let pairs = self.samples.iter().zip(&self.forecasts);
        pairs.filter_map(|(sample, law)| Some((law[0].mean(), exp(sample.outcome?))))
    }
}

/// Returns the forecasts of a series with holes of at most `limit` hours.
///
/// # Errors
///
/// As [`track_with_holes`](super::track_with_holes).
///
/// ```
/// use market::{Bar, Series, risk::{Config, margins, outlook, track}};
/// let price = |i: i64| 100.0 + (i * 37 % 11) as f64 * 0.1;
/// let bar = |i: i64| Bar {
///     open_s: i * 3_600,
///     open: price(i - 1),
///     high: price(i).max(price(i - 1)) + 0.1,
///     low: price(i).min(price(i - 1)) - 0.1,
///     close: price(i),
///     volume: 1.0,
/// };
/// let (venue, symbol) = ("here".to_owned(), "X".to_owned());
/// let bars = (0..1_300).map(bar).collect();
/// let series = Series { venue, symbol, interval_s: 3_600, ranged: true, bars };
/// let config = Config::frozen();
/// let outlook = outlook(&series, &config, 0)?;
/// assert_eq!(margins(&outlook, &config, 0.0)?, track(&series, &config)?.hours);
/// # Ok::<(), market::risk::RiskError>(())
/// ```
pub fn outlook(series: &Series, config: &Config, limit: usize) -> Result<Outlook, RiskError> {
    of(&series.name(), config, hourly_with_holes(series, limit)?.0)
}

pub(super) fn of(name: &str, config: &Config, hours: Vec<Hour>) -> Result<Outlook, RiskError> {
    let mut samples = hour_samples(&hours, config.hour.measure);
    let first = config.hour.refit.first;
    if samples.len() <= first {
        let (got, needed) = (hours.len(), hours.len() - samples.len() + first + 1);
        return Err(RiskError::Short { series: name.to_owned(), got, needed });
    }
    let priors: Vec<_> = config.hour.workers.iter().map(|worker| worker.prior.clone()).collect();
    let (forecasts, learnt_s) =
        expand_and_tell(&samples, &priors, config.hour.refit, config.hour.pool.as_ref())?;
    samples.drain(..first);
    let from = hours.partition_point(|hour| hour.open_s < samples[0].open_s);
    Ok(Outlook { hours: hours[from..].to_vec(), before: from, samples, forecasts, learnt_s })
}

/// Returns what would have been published for each hour that brought a price, by the constants of
/// tail and margin of a configuration; the data of the last hour are `age_h` hours old.
///
/// # Errors
///
/// [`RiskError::Build`] if the constants give no Program.
///
/// ```no_run
/// # use market::risk::{Config, HourReport, Outlook, RiskError, margins};
/// # fn of(outlook: &Outlook, mut config: Config) -> Result<Vec<HourReport>, RiskError> {
/// config.tail.kappa = 0.0;
/// margins(outlook, &config, 0.0)
/// # }
/// ```
pub fn margins(
    outlook: &Outlook,
    config: &Config,
    age_h: f64,
) -> Result<Vec<HourReport>, RiskError> {
    let Outlook { hours, before, samples, forecasts, .. } = outlook;
    let program = tail_step(&config.tail)?;
    let known = samples.iter().zip(forecasts).filter(|(sample, _)| sample.outcome.is_some());
    let intervals = intervals(&config.hour.interval, known)?;
    let mut state = config.tail.initial_state();
    // None after an hour without a price; before the first hour nothing was lost.
    let mut loss = Some(Sides::default());
    let mut reports: Vec<HourReport> = Vec::with_capacity(hours.len());
    let mut ends_s = samples[0].open_s;
    for (i, (sample, forecast)) in samples.iter().zip(forecasts).enumerate() {
        let workers = forecast.iter().map(|law| 0.5 * law.location + 0.25 * law.variance);
        let last = i + 1 == samples.len();
        let age = crate::maths::count(hours_between(ends_s, sample.open_s));
        let age = if last { age + age_h } else { age };
        let (state_before, losses) = match loss {
            Some(Sides { long, short }) => (state, [long, short]),
            None => (without_outcome(&config.tail, &state), [0.0, 0.0]),
        };
        let inputs = [
            state_before,
            vector(&losses),
            vector(&workers.collect::<Vec<_>>()),
            vector(&[forecast[0].distance + youth(config, before + reports.len()), age]),
        ];
        let mut outputs = tensor::eval(&program, &inputs).expect("inputs fit the Program");
        loss = None;
        if let Some(outcome) = sample.outcome {
            let at = reports.len();
            let published = outputs[1].as_f64().expect("the report is f64");
            let law = (&forecast[0], intervals[at]);
            let report = report(&hours[at], outcome, law, published);
            ends_s = report.open_s + HOUR_S;
            loss = Some(report.loss);
            reports.push(report);
        }
        state = outputs.swap_remove(0);
    }
    Ok(reports)
}

/// What having lived for so many hours alone adds to the distance from what was learnt from.
fn youth(config: &Config, hours: usize) -> f64 {
    config.tail.distance_unit * config.youth_days * 24.0 / crate::maths::count(hours.max(1))
}

fn hours_between(from_s: i64, to_s: i64) -> usize {
    usize::try_from((to_s - from_s) / HOUR_S).unwrap_or(0)
}

/// A state from which a step without a loss leaves the tracked quantile where it was: what the
/// step takes off for an hour without an exceedance is put on first.
pub(super) fn without_outcome(config: &TailConfig, state: &Tensor) -> Tensor {
    let mut values = state.as_f64().expect("the state is f64").to_vec();
    for side in &mut values[..2] {
        *side += config.rate * config.share_beyond;
    }
    vector(&values)
}

/// The interval's Program over samples that have an outcome: the ends of each log variance.
pub(super) fn intervals<'a>(
    config: &IntervalConfig,
    known: impl Iterator<Item = (&'a Sample, &'a Vec<Predictive>)>,
) -> Result<Vec<(f64, f64)>, RiskError> {
    let program = interval_step(config)?;
    let (mut state, mut last) = (config.initial_state(), [0.0, 0.0, 1.0]);
    let mut intervals = Vec::new();
    for (sample, forecast) in known {
        let law = [forecast[0].location, forecast[0].variance.sqrt()];
        let mut outputs = tensor::eval(&program, &[state, vector(&last), vector(&law)])
            .expect("inputs fit the Program");
        let ends = outputs[1].as_f64().expect("the interval is f64");
        intervals.push((ends[0], ends[1]));
        last = [sample.outcome.unwrap_or(law[0]), law[0], law[1]];
        state = outputs.swap_remove(0);
    }
    Ok(intervals)
}

fn vector(values: &[f64]) -> Tensor {
    Tensor::f64(&[values.len()], values.to_vec()).expect("a vector is not empty")
}

fn report(
    hour: &Hour,
    outcome: f64,
    (core, (lower, upper)): (&Predictive, (f64, f64)),
    published: &[f64],
) -> HourReport {
    let loss = hour.loss();
    HourReport {
        open_s: hour.open_s,
        price: hour.before,
        volatility: core.mean().sqrt(),
        lower: exp(0.5 * lower),
        upper: exp(0.5 * upper),
        quantile: Sides { long: published[0], short: published[1] },
        shortfall: Sides { long: published[2], short: published[3] },
        u: published[4],
        unloaded: published[5],
        margin: published[6],
        initial: published[7],
        maintenance: published[8],
        loss: Sides { long: loss, short: -loss },
        realised: exp(0.5 * outcome),
    }
}

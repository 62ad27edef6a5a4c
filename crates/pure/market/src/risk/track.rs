//! A market's bars, hour by hour, through the models.

use thiserror::Error;

use tensor::BuildError;

use super::outlook::{self, Outlook, intervals, margins};
use super::{Config, Predictive, Sample, TwoPiece, day_samples, expand};
use crate::hourly::{HOUR_S, HourlyError, hourly, hourly_with_holes};
use crate::maths::{exp, log};
use crate::{Date, Hole, Hour, Series};

/// A number for a long and one for a short position.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sides {
    /// Of a position that loses when the price falls.
    pub long: f64,
    /// Of a position that loses when the price rises.
    pub short: f64,
}

/// What was known when an hour began, and what it brought. Volatilities are standard deviations of
/// the hour's return; margins, quantiles, shortfalls and losses are shares of a position's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HourReport {
    /// Unix time in seconds, UTC, at which the hour begins.
    pub open_s: i64,
    /// The last price before the hour.
    pub price: f64,
    /// Forecast volatility: the root of the forecast mean of the variance.
    pub volatility: f64,
    /// Lower end of the 90 % interval of the volatility that the hour will show.
    pub lower: f64,
    /// Upper end of it.
    pub upper: f64,
    /// Number (a): the loss that 99.5 % of hours stay under.
    pub quantile: Sides,
    /// Number (b): the mean loss of the hours that do not.
    pub shortfall: Sides,
    /// How unsure the models are, within 0 and 1.
    pub u: f64,
    /// The larger side's shortfall, with the buffer and before the loading for `u`.
    pub unloaded: f64,
    /// Number (c), before it is paced.
    pub margin: f64,
    /// The published initial margin: (c) paced downwards.
    pub initial: f64,
    /// The published maintenance margin: paced both ways.
    pub maintenance: f64,
    /// The outcome: what the hour's move cost a long and a short position; negative is a gain.
    pub loss: Sides,
    /// The outcome: the volatility that the hour showed.
    pub realised: f64,
}

/// What was known when a UTC day began, and what it brought. Variances are of the day's return.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DayReport {
    /// The day.
    pub date: Date,
    /// The law of the logarithm of the day's realised variance.
    pub law: Predictive,
    /// The forecast mean of the variance.
    pub forecast: f64,
    /// Lower end of the 90 % interval of the logarithm of the realised variance.
    pub lower: f64,
    /// Upper end of it.
    pub upper: f64,
    /// The outcome: the day's realised variance (from the bars' interval).
    pub realised: f64,
    /// The shape of the law around its location.
    pub shape: TwoPiece,
    /// The outcome: the probability the law gave to a variance no larger; uniform if it is right.
    pub pit: f64,
}

impl DayReport {
    /// Returns the logarithm of the day's realised variance, which the law and the interval are of.
    ///
    /// ```
    /// use market::{Date, risk::{DayReport, Predictive, TwoPiece}};
    /// let law = Predictive { location: -7.0, variance: 0.3, freedom: 200.0, distance: 0.0 };
    /// let (date, lower, upper, pit) = (Date::from_number(0), -8.0, -6.0, 0.5);
    /// let shape = TwoPiece::new(1.0);
    /// let day = DayReport { date, law, forecast: 1e-3, lower, upper, realised: 1.0, shape, pit };
    /// assert_eq!(day.log_realised(), 0.0);
    /// ```
    #[must_use]
    pub fn log_realised(&self) -> f64 {
        log(self.realised)
    }

    /// Returns the continuous ranked probability score of the law.
    ///
    /// ```
    /// # use market::{Date, risk::{DayReport, Predictive, TwoPiece}};
    /// # let law = Predictive { location: 0.0, variance: 1.0, freedom: 200.0, distance: 0.0 };
    /// # let (date, lower, upper, pit) = (Date::from_number(0), -8.0, -6.0, 0.5);
    /// # let shape = TwoPiece::new(1.0);
    /// # let (forecast, realised) = (1e-3, 1.0);
    /// # let day = DayReport { date, law, forecast, lower, upper, realised, shape, pit };
    /// assert!((day.crps() - 0.233_694_977).abs() < 1e-9); // a standard normal at its mean
    /// ```
    #[must_use]
    pub fn crps(&self) -> f64 {
        self.shape.crps(self.log_realised(), (self.law.location, self.law.variance.sqrt()))
    }
}

/// A market's history as its publisher would have lived it.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// A report for each hour that brought a price, ascending; without gaps but for `holes`.
    pub hours: Vec<HourReport>,
    /// A report a day, ascending; none of a day with a hole.
    pub days: Vec<DayReport>,
    /// Hours that brought no price.
    pub holes: Vec<Hole>,
    /// When the last hour that coefficients of the hourly models were fitted to begins, Unix
    /// seconds.
    pub learnt_s: Option<i64>,
}

/// Why a series has no track.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RiskError {
    /// Bars that give no hours.
    #[error(transparent)]
    Hourly(#[from] HourlyError),
    /// A configuration that gives no Program.
    #[error("the configuration gives no Program: {0}")]
    Build(#[from] BuildError),
    /// Too few hours.
    #[error("{series}: {got} hours; the first report needs {needed}")]
    Short {
        /// Venue and symbol.
        series: String,
        /// Whole hours there are.
        got: usize,
        /// Hours that are needed.
        needed: usize,
    },
}

/// Returns what the engine would have published for each hour and each day of a series.
///
/// Hours before the first report are learnt from and not reported on (some 1,250 with the frozen
/// configuration); days need 122, and where there are fewer [`Track::days`] is empty. Data are
/// never stale in a track: their age is 0; [`ahead`] is told how old they are.
///
/// # Errors
///
/// [`RiskError`] if the bars have holes, do not add up to hours, or are too few.
///
/// ```
/// use market::{Bar, Series, risk::{Config, track}};
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
/// let hours = track(&series, &Config::frozen())?.hours;
/// assert_eq!(hours[hours.len() - 1].open_s, 1_299 * 3_600);
/// assert!(hours.iter().all(|hour| hour.initial >= 0.02 && hour.maintenance < hour.initial));
/// # Ok::<(), market::risk::RiskError>(())
/// ```
pub fn track(series: &Series, config: &Config) -> Result<Track, RiskError> {
    whole(series, config, (hourly(series)?, Vec::new()))
}

/// Returns [`track`] of a series with holes of at most `limit` hours, each of which it names.
///
/// An hour without a price is lived through, not filled: it has no outcome, so nothing is learnt
/// from it and the tail does not move but for its fading; features stay those of the last prices;
/// the age of the data loads `u`, also of the hour after the hole; margins are paced on. The hour
/// after it is held to the whole move since the last price before. There is no report of an hour
/// without a price.
///
/// # Errors
///
/// As [`track`], but for shorter holes ([`hourly_with_holes`] says what counts as one).
///
/// ```
/// use market::{Bar, Series, risk::{Config, track_with_holes}};
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
/// let bars = (0..1_300).filter(|i| !(1_290..1_294).contains(i)).map(bar).collect();
/// let series = Series { venue, symbol, interval_s: 3_600, ranged: true, bars };
/// let track = track_with_holes(&series, &Config::frozen(), 6)?;
/// assert_eq!((track.holes[0].open_s, track.holes[0].hours), (1_290 * 3_600, 4));
/// let at = track.hours.partition_point(|hour| hour.open_s < 1_294 * 3_600);
/// assert!(track.hours[at].u > track.hours[at - 1].u);
/// # Ok::<(), market::risk::RiskError>(())
/// ```
pub fn track_with_holes(
    series: &Series,
    config: &Config,
    limit: usize,
) -> Result<Track, RiskError> {
    whole(series, config, hourly_with_holes(series, limit)?)
}

fn whole(
    series: &Series,
    config: &Config,
    (hours, holes): (Vec<Hour>, Vec<Hole>),
) -> Result<Track, RiskError> {
    let days = days(config, &hours)?;
    let outlook = outlook::of(&series.name(), config, hours)?;
    let hours = margins(&outlook, config, 0.0)?;
    Ok(Track { hours, days, holes, learnt_s: outlook.learnt_s })
}

/// Returns what the engine says of the hour that follows the last whole hour of a series, when the
/// data are `age_h` hours old: what it would publish now.
///
/// It is the report that [`track`] gives once the hour is over, but for the age, which raises `u`
/// as [`tail_step`] says; `open_s` is the end of the data, however old. There is no outcome yet:
/// `loss` and `realised` are zero.
///
/// # Errors
///
/// As [`track`].
///
/// ```
/// use market::{Bar, Series, risk::{Config, ahead, track}};
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
/// let mut series = Series { venue, symbol, interval_s: 3_600, ranged: true, bars };
/// let config = Config::frozen();
/// let then = track(&series, &config)?.hours[40];
/// series.bars.retain(|bar| bar.open_s < then.open_s);
/// let now = ahead(&series, &config, 0.0)?;
/// assert_eq!((now.open_s, now.initial, now.u), (then.open_s, then.initial, then.u));
/// assert!(ahead(&series, &config, 6.0)?.u > now.u);
/// # Ok::<(), market::risk::RiskError>(())
/// ```
pub fn ahead(series: &Series, config: &Config, age_h: f64) -> Result<HourReport, RiskError> {
    let mut hours = hourly(series)?;
    if let Some(last) = hours.last().copied() {
        // What is said of an hour is not what it brings, so any will do; nothing moves in this one.
        let (open_s, before, close) = (last.open_s + HOUR_S, last.close, last.close);
        let (ret, realised, range, volume) = (0.0, 0.0, 0.0, 0.0);
        hours.push(Hour { open_s, before, close, ret, realised, range, volume });
    }
    let outlook: Outlook = outlook::of(&series.name(), config, hours)?;
    let reports = margins(&outlook, config, age_h)?;
    let last = reports.last().expect("a track has an hour, or is too short");
    Ok(HourReport { loss: Sides::default(), realised: 0.0, ..*last })
}

fn outcome(sample: &Sample) -> f64 {
    sample.outcome.expect("a sample of a day is of a day that is over")
}

fn days(config: &Config, hours: &[Hour]) -> Result<Vec<DayReport>, RiskError> {
    let samples = day_samples(hours, config.day.measure);
    let priors: Vec<_> = config.day.workers.iter().map(|worker| worker.prior.clone()).collect();
    let forecasts = expand(&samples, &priors, config.day.refit, config.day.pool.as_ref())?;
    let ahead = &samples[samples.len() - forecasts.len()..];
    let intervals = intervals(&config.day.interval, ahead.iter().zip(&forecasts))?;
    let report = |((sample, forecast), (lower, upper)): ((&Sample, &Vec<Predictive>), _)| {
        let law = forecast[0];
        DayReport {
            date: Date::of_unix(sample.open_s).expect("an hour's time was checked when read"),
            law,
            forecast: law.mean(),
            lower,
            upper,
            realised: exp(outcome(sample)),
            shape: config.day.shape,
            pit: config.day.shape.cdf((outcome(sample) - law.location) / law.variance.sqrt()),
        }
    };
    Ok(ahead.iter().zip(&forecasts).zip(intervals).map(report).collect())
}

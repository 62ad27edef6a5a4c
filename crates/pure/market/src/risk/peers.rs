//! What others do, run by the same engine on the same bars, for comparison.
//!
//! Absent: GARCH. It is run by the Python package `arch` beside the benchmark.

use super::{Config, Measure};
use crate::maths::count;
use crate::{Hour, Prior};

/// Prior precision of a coefficient that is as good as not shrunk.
const LEAST_SQUARES: f64 = 1e-6;
/// Decay of RiskMetrics' exponential average.
const DECAY: f64 = 0.94;
/// Standardised losses that the historical simulation draws on: 90 days.
const WINDOW: usize = 2_160;

impl Config {
    /// Returns the plain model of the same kind, by least squares on realised variance: log-HAR of
    /// averages over 1, 24 and 168 hours, and of 1, 5 and 22 days, with leverage terms by day.
    ///
    /// Its tail is the same tracker on the volatility itself; its margin is the shortfall without
    /// buffer and loading, paced by +25 % upwards and 5 % downwards an hour.
    ///
    /// ```
    /// let (ours, plain) = (market::risk::Config::frozen(), market::risk::Config::log_har());
    /// assert_eq!(ours.tail.share_beyond, plain.tail.share_beyond);
    /// assert_eq!(plain.tail.kappa, 0.0);
    /// ```
    #[must_use]
    pub fn log_har() -> Config {
        let mut config = Config::frozen();
        config.hour.measure = Measure::Realised;
        config.day.measure = Measure::Realised;
        config.day.shape = super::TwoPiece::new(1.0);
        for worker in &mut config.hour.workers {
            *worker = super::Worker { name: "log-HAR", prior: least_squares(21, &[0, 1, 3, 4]) };
        }
        for worker in &mut config.day.workers {
            let prior = least_squares(11, &[0, 1, 2, 3, 4, 5]);
            *worker = super::Worker { name: "log-HAR-leverage", prior };
        }
        config.tail = super::TailConfig {
            elasticity: 1.0,
            rate: 0.1,
            kappa: 0.0,
            buffer: 0.0,
            bump: 0.0,
            ceiling: 1e6,
            down: 0.95,
            up: 1.25,
            ..config.tail
        };
        config
    }

    /// Returns [`Config::log_har`] without leverage terms: Corsi's log-HAR by day.
    ///
    /// ```
    /// let plain = market::risk::Config::log_har_without_leverage();
    /// assert_eq!(plain.day.workers[0].prior.precision[4], 0.0);
    /// ```
    #[must_use]
    pub fn log_har_without_leverage() -> Config {
        let mut config = Config::log_har();
        for worker in &mut config.day.workers {
            let prior = least_squares(11, &[0, 1, 2, 3]);
            *worker = super::Worker { name: "log-HAR", prior };
        }
        config
    }
}

fn least_squares(width: usize, columns: &[usize]) -> Prior {
    let mut precision = vec![0.0; width];
    for column in columns {
        precision[*column] = LEAST_SQUARES;
    }
    Prior { precision, shape: 1e-6, scale: 1e-6 }
}

/// Returns the quantile forecasts of filtered historical simulation for each hour (Barone-Adesi et
/// al. 1999): an exponential average of squared returns with decay 0.94, times the empirical
/// quantile of the last 2,160 standardised losses of a long (`sign` 1) or short (-1) position.
///
/// NaN for the hours before there are as many.
///
/// ```
/// use market::{Hour, risk::fhs_ewma};
/// let hour = |i: i64| {
///     let (before, close) = if i % 2 == 0 { (1.0, 1.01) } else { (1.01, 1.0) };
///     let ret = if i % 2 == 0 { 0.01 } else { -0.01 };
///     Hour { open_s: i * 3_600, before, close, ret, realised: 1e-4, range: 1e-4, volume: 1.0 }
/// };
/// let hours: Vec<Hour> = (0..2_200).map(hour).collect();
/// let quantiles = fhs_ewma(&hours, 1.0, 0.995);
/// assert!(quantiles[100].is_nan() && (quantiles[2_190] - 0.0099).abs() < 1e-4);
/// ```
#[must_use]
pub fn fhs_ewma(hours: &[Hour], sign: f64, level: f64) -> Vec<f64> {
    let mut variance = hours.iter().take(24).map(|hour| hour.ret * hour.ret).sum::<f64>() / 24.0;
    let mut standardised: Vec<f64> = Vec::new();
    let mut quantiles = Vec::with_capacity(hours.len());
    for hour in hours {
        let deviation = variance.sqrt();
        let known = standardised.len().checked_sub(WINDOW).map(|from| &standardised[from..]);
        quantiles.push(known.map_or(f64::NAN, |z| deviation * empirical(z, level)));
        let loss = sign * hour.loss();
        standardised.push(if deviation > 0.0 { loss / deviation } else { 0.0 });
        variance = DECAY * variance + (1.0 - DECAY) * hour.ret * hour.ret;
    }
    quantiles
}

/// The empirical quantile.
fn empirical(sample: &[f64], level: f64) -> f64 {
    let mut sorted = sample.to_vec();
    let due = level * count(sorted.len());
    // The first with at least this share at or below it.
    let place = (0..sorted.len()).find(|i| count(i + 1) >= due).unwrap_or(0);
    let (_, quantile, _) = sorted.select_nth_unstable_by(place, f64::total_cmp);
    *quantile
}

//! Our margins for the hour that begins, from the bars that are there.
//!
//! *Invariant: bars from the hour on are not read.*

use std::path::PathBuf;

use market::risk::{self, HourReport, RiskError};
use market::{Series, risk::Sides};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::HOUR_S;

/// Data older than this are not spoken from, in hours.
const AGE_MAX_H: i64 = 24;

/// What we say of an hour: shares of a position's value, and volatilities of the hour's return.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margins {
    /// Venue and symbol of the bars.
    pub series: String,
    /// Hours between the end of the bars and the hour; 0 when they are up to date.
    pub age_h: i64,
    /// The last price before.
    pub price: f64,
    /// Forecast volatility with the ends of its 90 % interval: lower, value, upper.
    pub volatility: [f64; 3],
    /// The loss that 99.5 % of hours stay under, long and short.
    pub quantile: [f64; 2],
    /// The mean loss of the hours that do not.
    pub shortfall: [f64; 2],
    /// How unsure the models are, within 0 and 1.
    pub u: f64,
    /// The larger side's shortfall with the buffer of calm hours, before it is loaded for `u`.
    pub unloaded: f64,
    /// The loaded margin, before it is paced.
    pub loaded: f64,
    /// The least initial margin.
    pub floor: f64,
    /// The initial margin.
    pub initial: f64,
    /// The maintenance margin.
    pub maintenance: f64,
}

#[cfg(test)]
impl Margins {
    /// Margins of some hour, for tests.
    pub(crate) fn sample() -> Margins {
        Margins {
            series: "here X".to_owned(),
            age_h: 0,
            price: 100.0,
            volatility: [0.004, 0.005, 0.007],
            quantile: [0.018, 0.017],
            shortfall: [0.024, 0.022],
            u: 0.2,
            unloaded: 0.026,
            loaded: 0.03,
            floor: 0.02,
            initial: 0.035,
            maintenance: 0.02,
        }
    }
}

/// Reads bars and says our margins.
#[derive(Clone, Debug)]
pub struct Ours {
    series: Vec<Series>,
}

impl Ours {
    /// Reads folders or files of bars, as [`feeds::open`] takes them.
    ///
    /// # Errors
    ///
    /// [`OursError::Feeds`].
    pub fn open(data: &[PathBuf]) -> Result<Ours, OursError> {
        let (series, _) = backtest::choose(feeds::open(data)?);
        Ok(Ours { series })
    }

    /// Returns the end of the last whole hour of a market's bars, Unix seconds.
    ///
    /// # Errors
    ///
    /// [`OursError::Market`], or [`OursError::Empty`].
    pub fn end_s(&self, market: &str) -> Result<i64, OursError> {
        let series = backtest::find(&self.series, market)?;
        end_s(series).ok_or_else(|| OursError::Empty { market: market.to_owned() })
    }

    /// Returns our margins for the hour that begins at `hour_s`, a whole hour in Unix seconds.
    ///
    /// # Errors
    ///
    /// [`OursError`]: there is no such market, or its bars are too old or too few.
    pub fn at(&self, market: &str, hour_s: i64) -> Result<Margins, OursError> {
        let mut series = backtest::find(&self.series, market)?.clone();
        series.bars.retain(|bar| bar.open_s < hour_s);
        let end = end_s(&series).ok_or_else(|| OursError::Empty { market: market.to_owned() })?;
        let age_h = (hour_s - end) / HOUR_S;
        if age_h > AGE_MAX_H {
            return Err(OursError::Old { series: series.name(), end: backtest::when(end), age_h });
        }
        let floor = backtest::floor(&series.symbol);
        // A day at most, which an f64 counts exactly.
        let age = f64::from(i32::try_from(age_h).unwrap_or(i32::MAX));
        let report = risk::next(&series, floor, age)?;
        Ok(margins(&series, &report, (age_h, floor)))
    }

    /// Returns what the bars of today give for every hour there is, with the hour's time.
    ///
    /// # Errors
    ///
    /// [`OursError`].
    pub fn track(&self, market: &str) -> Result<Vec<(i64, Margins)>, OursError> {
        let series = backtest::find(&self.series, market)?;
        let floor = backtest::floor(&series.symbol);
        let track = risk::lived(series, floor)?;
        let entry = |hour: &HourReport| (hour.open_s, margins(series, hour, (0, floor)));
        Ok(track.hours.iter().map(entry).collect())
    }
}

/// The end of the last whole hour.
fn end_s(series: &Series) -> Option<i64> {
    let end = series.bars.last()?.open_s + series.interval_s;
    Some(end.div_euclid(HOUR_S) * HOUR_S)
}

fn margins(series: &Series, report: &HourReport, (age_h, floor): (i64, f64)) -> Margins {
    let pair = |sides: Sides| [sides.long, sides.short];
    Margins {
        series: series.name(),
        age_h,
        price: report.price,
        volatility: [report.lower, report.volatility, report.upper],
        quantile: pair(report.quantile),
        shortfall: pair(report.shortfall),
        u: report.u,
        unloaded: report.unloaded,
        loaded: report.margin,
        floor,
        initial: report.initial,
        maintenance: report.maintenance,
    }
}

/// Why we have no margin for an hour.
#[derive(Debug, Error)]
pub enum OursError {
    /// The bars cannot be read.
    #[error(transparent)]
    Feeds(#[from] feeds::FeedError),
    /// The data have no such market.
    #[error(transparent)]
    Market(#[from] backtest::Error),
    /// No bar before the hour.
    #[error("{market}: there is no bar before the hour; add some with `assay data fetch`")]
    Empty {
        /// The market.
        market: String,
    },
    /// Bars that end too early.
    #[error(
        "{series}: the bars end at {end}, {age_h} hours before; bring them up to date with `assay \
         data fetch`, or try the past with --at"
    )]
    Old {
        /// Venue and symbol.
        series: String,
        /// The end of the last whole hour.
        end: String,
        /// Hours since.
        age_h: i64,
    },
    /// Bars the engine cannot use.
    #[error(transparent)]
    Risk(#[from] RiskError),
}

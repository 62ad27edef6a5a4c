//! From bars to one observation a UTC day: close, return, and a proxy of the day's variance.
//!
//! The proxy is the best the bars allow, and says which one it is: realised variance from bars of
//! up to 30 minutes (finer than 5 minutes are thinned to 5, where noise of the spread would take
//! over), else the range estimator of Garman and Klass, else the squared return.
//!
//! A first or last day that is not complete is left out. Absent: any repair of a gap.

use std::fmt;

use thiserror::Error;

use crate::maths::ln;
use crate::{Bar, Date, Series};

/// The coarsest bars realised variance is taken from, in seconds.
const REALISED_S_MAX: i64 = 1_800;
/// The finest returns realised variance is taken from, in seconds.
const REALISED_S_MIN: i64 = 300;
/// Seconds in a day.
const DAY_S: i64 = 86_400;
/// 2 ln 2 - 1, the weight of the open-to-close return in Garman and Klass' estimator.
const GARMAN_KLASS: f64 = 0.386_294_361_119_890_6;

/// How the variance of a day was measured.
///
/// ```
/// let proxy = market::Proxy::Realised { interval_s: 1_800 };
/// assert_eq!(proxy.to_string(), "realised variance of 30-minute returns");
/// assert!(market::Proxy::Squared.can_be_zero());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// The sum of squared log returns over intervals of this many seconds.
    Realised {
        /// Seconds between the prices the returns are taken from.
        interval_s: i64,
    },
    /// Garman and Klass (1980), equation 20, from the day's open, high, low and close, plus the
    /// squared return from the last close to the open.
    Range,
    /// The squared log return from close to close.
    Squared,
}

impl Proxy {
    /// Returns whether the proxy is zero on ordinary days, so that its logarithm does not exist.
    #[must_use]
    pub const fn can_be_zero(self) -> bool {
        matches!(self, Proxy::Squared)
    }

    /// Returns what is added to an average of the proxy before its logarithm is taken: a daily
    /// variance, (0.32 %)^2 for squared returns and (0.01 %)^2 otherwise.
    #[must_use]
    pub const fn floor(self) -> f64 {
        match self {
            Proxy::Squared => 1e-5,
            Proxy::Realised { .. } | Proxy::Range => 1e-8,
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proxy::Realised { interval_s } if interval_s % 60 == 0 => {
                write!(f, "realised variance of {}-minute returns", interval_s / 60)
            }
            Proxy::Realised { interval_s } => {
                write!(f, "realised variance of {interval_s}-second returns")
            }
            Proxy::Range => write!(f, "Garman-Klass range estimator"),
            Proxy::Squared => write!(f, "squared return"),
        }
    }
}

/// What a market did on one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// The day, UTC.
    pub date: Date,
    /// The last price of the day.
    pub close: f64,
    /// The log return since the close of the observation before.
    pub ret: f64,
    /// The proxy of the variance of that return, per day; not negative.
    pub variance: f64,
}

/// Why a series gives no daily observations.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DailyError {
    /// A day of intraday bars is not complete, other than the first or the last.
    #[error("{series}: {date} has {got} bars where {expected} are due")]
    Incomplete {
        /// Venue and symbol.
        series: String,
        /// The day.
        date: Date,
        /// Bars of that day.
        got: usize,
        /// Bars of a full day.
        expected: usize,
    },
}

/// Returns one observation a day, and what its variance was measured by.
///
/// The first day serves as the close before the first return where there is no earlier bar.
///
/// # Errors
///
/// [`DailyError`] if intraday bars leave a hole. `feeds` refuses such files before.
///
/// ```
/// use market::{Bar, Proxy, Series, daily};
/// let bar = |day: i64, p: f64| {
///     Bar { open_s: day * 86_400, open: p, high: p, low: p, close: p, volume: 0.0 }
/// };
/// let (venue, symbol) = ("here".to_owned(), "X".to_owned());
/// let bars = vec![bar(0, 100.0), bar(1, 110.0)];
/// let series = Series { venue, symbol, interval_s: 86_400, ranged: false, bars };
/// let (proxy, days) = daily(&series)?;
/// assert_eq!((proxy, days.len()), (Proxy::Squared, 1));
/// assert!((days[0].variance - 1.1_f64.ln().powi(2)).abs() < 1e-15);
/// # Ok::<(), market::DailyError>(())
/// ```
pub fn daily(series: &Series) -> Result<(Proxy, Vec<Observation>), DailyError> {
    let days = complete_days(series)?;
    let interval_s = series.interval_s.max(REALISED_S_MIN);
    if series.interval_s <= REALISED_S_MAX && DAY_S % interval_s == 0 {
        let proxy = Proxy::Realised { interval_s };
        return Ok((proxy, realised(&days, series.interval_s, interval_s)));
    }
    let ranges: Vec<Bar> = days.iter().map(|day| whole(day)).collect();
    let proxy = if series.ranged { Proxy::Range } else { Proxy::Squared };
    Ok((proxy, close_to_close(&ranges, proxy)))
}

/// Groups bars by UTC day and drops a first or last day that is not complete.
fn complete_days(series: &Series) -> Result<Vec<&[Bar]>, DailyError> {
    let mut days: Vec<&[Bar]> = series.bars.chunk_by(|a, b| a.date() == b.date()).collect();
    if series.interval_s >= DAY_S {
        return Ok(days);
    }
    let expected = usize::try_from(DAY_S / series.interval_s.max(1)).unwrap_or(usize::MAX);
    if days.last().is_some_and(|day| day.len() < expected) {
        days.pop();
    }
    if days.first().is_some_and(|day| day.len() < expected) {
        days.remove(0);
    }
    match days.iter().find(|day| day.len() != expected) {
        None => Ok(days),
        Some(day) => Err(DailyError::Incomplete {
            series: series.name(),
            date: day[0].date(),
            got: day.len(),
            expected,
        }),
    }
}

/// One bar that spans a day.
fn whole(day: &[Bar]) -> Bar {
    let mut bar = day[0];
    for next in &day[1..] {
        if next.high > bar.high {
            bar.high = next.high;
        }
        if next.low < bar.low {
            bar.low = next.low;
        }
        bar.close = next.close;
        bar.volume += next.volume;
    }
    bar
}

fn realised(days: &[&[Bar]], bar_s: i64, interval_s: i64) -> Vec<Observation> {
    let stride = usize::try_from(interval_s / bar_s.max(1)).unwrap_or(1).max(1);
    let mut last = days.first().map_or(1.0, |day| day[0].open);
    let mut ratios = Vec::new();
    for day in days {
        for bar in day.iter().skip(stride - 1).step_by(stride) {
            ratios.push(bar.close / last);
            last = bar.close;
        }
    }
    let returns = ln(&ratios);
    let per_day = days.first().map_or(1, |day| day.len() / stride).max(1);
    let observation = |(day, returns): (&&[Bar], &[f64])| Observation {
        date: day[0].date(),
        close: day[day.len() - 1].close,
        ret: returns.iter().sum(),
        variance: returns.iter().map(|r| r * r).sum(),
    };
    days.iter().zip(returns.chunks(per_day)).map(observation).collect()
}

fn close_to_close(days: &[Bar], proxy: Proxy) -> Vec<Observation> {
    let pairs = || days.windows(2);
    let rets = ln(&pairs().map(|p| p[1].close / p[0].close).collect::<Vec<_>>());
    let gaps = ln(&pairs().map(|p| p[1].open / p[0].close).collect::<Vec<_>>());
    let ranges = ln(&pairs().map(|p| p[1].high / p[1].low).collect::<Vec<_>>());
    let moves = ln(&pairs().map(|p| p[1].close / p[1].open).collect::<Vec<_>>());
    let variance = |i: usize| match proxy {
        Proxy::Range => {
            let inside = 0.5 * ranges[i] * ranges[i] - GARMAN_KLASS * moves[i] * moves[i];
            gaps[i] * gaps[i] + if inside > 0.0 { inside } else { 0.0 }
        }
        Proxy::Realised { .. } | Proxy::Squared => rets[i] * rets[i],
    };
    (0..rets.len())
        .map(|i| Observation {
            date: days[i + 1].date(),
            close: days[i + 1].close,
            ret: rets[i],
            variance: variance(i),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ln_of(x: f64) -> f64 {
        ln(&[x])[0]
    }

    fn series(interval_s: i64, ranged: bool, bars: Vec<Bar>) -> Series {
        let (venue, symbol) = ("here".to_owned(), "X".to_owned());
        Series { venue, symbol, interval_s, ranged, bars }
    }

    fn bar(open_s: i64, close: f64) -> Bar {
        Bar { open_s, open: close, high: close, low: close, close, volume: 0.0 }
    }

    #[test]
    fn realised_variance_is_the_sum_of_squares_within_the_day() {
        let bars = (0..48 * 3 + 5).map(|i| bar(i * 1_800, if i % 2 == 0 { 1.0 } else { 1.1 }));
        let (proxy, days) = daily(&series(1_800, true, bars.collect())).expect("gapless");
        assert_eq!(proxy, Proxy::Realised { interval_s: 1_800 });
        assert_eq!(days.len(), 3, "the fourth day is not complete");
        let step = ln_of(1.1);
        assert!((days[1].variance - 48.0 * step * step).abs() < 1e-12);
        assert!((days[0].variance - 47.0 * step * step).abs() < 1e-12, "the first bar has no move");
        assert!(days[1].ret.abs() < 1e-12);
    }

    #[test]
    fn minute_bars_are_thinned_to_five() {
        let bars = (0..1_440 * 2).map(|i| bar(i * 60, if i % 5 == 4 { 1.0 } else { 2.0 }));
        let (proxy, days) = daily(&series(60, true, bars.collect())).expect("gapless");
        assert_eq!(proxy, Proxy::Realised { interval_s: 300 });
        assert!(days[1].variance.abs() < 1e-12, "every fifth close is the same");
    }

    #[test]
    fn a_range_gives_garman_klass_and_a_price_its_square() {
        let day = Bar { open_s: DAY_S, open: 2.0, high: 4.0, low: 1.0, close: 2.0, volume: 0.0 };
        let bars = vec![bar(0, 2.0), day];
        let (proxy, days) = daily(&series(DAY_S, true, bars.clone())).expect("daily");
        assert_eq!(proxy, Proxy::Range);
        assert!((days[0].variance - 0.5 * ln_of(4.0) * ln_of(4.0)).abs() < 1e-12);
        let bars = vec![bar(0, 2.0), bar(3 * DAY_S, 4.0)];
        let (proxy, days) = daily(&series(DAY_S, false, bars)).expect("daily");
        assert_eq!(proxy, Proxy::Squared);
        assert!((days[0].variance - ln_of(2.0) * ln_of(2.0)).abs() < 1e-12);
    }

    #[test]
    fn a_hole_in_intraday_bars_is_refused_by_day() {
        let bars = (0..48 * 3).filter(|i| *i != 60).map(|i| bar(i * 1_800, 1.0)).collect();
        let error = daily(&series(1_800, true, bars)).expect_err("a bar is missing");
        assert_eq!(error.to_string(), "here X: 1970-01-02 has 47 bars where 48 are due");
    }
}

//! From bars to one observation an hour: return, volume, and two measures of the hour's variance.
//!
//! *Range*: Parkinson (1980), `ln(high / low)^2 / (4 ln 2)`, summed over the hour's bars: of two
//! half-hours it says about five times as much as their squared returns do. *Realised*: the sum of
//! the squared log returns. Where the source has no ranges, both are the realised one.
//!
//! A first or last hour that is not complete is left out. [`hourly`] refuses a hole;
//! [`hourly_with_holes`] takes short ones and names them. Absent: any repair of either.

use thiserror::Error;

use crate::maths::ln;
use crate::{Bar, Series};

/// Seconds in an hour.
pub(crate) const HOUR_S: i64 = 3_600;
/// 1 / (4 ln 2), the weight of the squared log range in Parkinson's estimator.
const PARKINSON: f64 = 0.360_673_760_222_240_85;

/// What a market did in one hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hour {
    /// Unix time in seconds, UTC, at which the hour begins.
    pub open_s: i64,
    /// The last price before the hour: the close before it, or the first open of the series.
    pub before: f64,
    /// The last price of the hour.
    pub close: f64,
    /// `ln(close / before)`.
    pub ret: f64,
    /// The sum of squared log returns of the hour's bars; not negative.
    pub realised: f64,
    /// Parkinson's estimator over the hour's bars, a variance per hour; not negative.
    pub range: f64,
    /// Traded volume in base units.
    pub volume: f64,
}

impl Hour {
    /// Returns the share that a long position of one unit of value loses over the hour; negative
    /// where it gains. A short one loses the negative of it.
    ///
    /// ```
    /// let (open_s, ret, realised, range, volume) = (0, 0.0, 0.0, 0.0, 0.0);
    /// let hour =
    ///     market::Hour { open_s, before: 100.0, close: 98.0, ret, realised, range, volume };
    /// assert_eq!(hour.loss(), 0.02);
    /// ```
    #[must_use]
    pub fn loss(&self) -> f64 {
        (self.before - self.close) / self.before
    }
}

/// Why a series gives no hourly observations.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HourlyError {
    /// The bars' interval does not divide an hour.
    #[error(
        "{series}: bars of {interval_s} s do not add up to an hour; use 1, 5, 15, 30 or 60 min"
    )]
    Interval {
        /// Venue and symbol.
        series: String,
        /// Seconds of a bar.
        interval_s: i64,
    },
    /// Bars are missing, other than in the first or the last hour.
    #[error(
        "{series}: the hour that begins at Unix time {open_s} has {got} bars, {expected} are due"
    )]
    Incomplete {
        /// Venue and symbol.
        series: String,
        /// When the hour begins.
        open_s: i64,
        /// Bars of that hour; 0 where the hour is missing as a whole.
        got: usize,
        /// Bars of a full hour.
        expected: usize,
    },
    /// A hole that is longer than is taken.
    #[error(
        "{series}: no whole hour of bars for {hours} h from Unix time {open_s} on; holes of at \
         most {limit} h are taken"
    )]
    Hole {
        /// Venue and symbol.
        series: String,
        /// When the first missing hour begins.
        open_s: i64,
        /// Hours that are missing.
        hours: usize,
        /// The longest that is taken.
        limit: usize,
    },
}

/// Hours on end that brought no price.
///
/// ```
/// let hole = market::Hole { open_s: 3_600, hours: 4, flat: false };
/// assert_eq!(hole.end_s(), 18_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Unix time in seconds, UTC, at which the first of them begins.
    pub open_s: i64,
    /// How many there are.
    pub hours: usize,
    /// Whether the source has bars for all of them, of one price and without a trade: it filled
    /// the hole itself.
    pub flat: bool,
}

impl Hole {
    /// Returns the Unix time at which the last of its hours ends.
    ///
    /// ```
    /// assert_eq!(market::Hole { open_s: 0, hours: 1, flat: true }.end_s(), 3_600);
    /// ```
    #[must_use]
    pub fn end_s(&self) -> i64 {
        self.open_s + HOUR_S * i64::try_from(self.hours).unwrap_or(i64::MAX / HOUR_S)
    }
}

/// Returns one observation an hour, ascending and without gaps.
///
/// # Errors
///
/// [`HourlyError`] if the interval does not divide an hour or bars leave a hole.
///
/// ```
/// use market::{Bar, Series, hourly};
/// let bar = |i: i64, p: f64| Bar {
///     open_s: i * 1_800, open: p, high: p * 1.01, low: p, close: p, volume: 1.0,
/// };
/// let (venue, symbol) = ("here".to_owned(), "X".to_owned());
/// let bars = (0..5).map(|i| bar(i, 100.0 + i as f64)).collect();
/// let hours = hourly(&Series { venue, symbol, interval_s: 1_800, ranged: true, bars })?;
/// assert_eq!(hours.len(), 2); // the third hour has one half alone
/// assert_eq!((hours[1].before, hours[1].close, hours[1].volume), (101.0, 103.0, 2.0));
/// # Ok::<(), market::HourlyError>(())
/// ```
pub fn hourly(series: &Series) -> Result<Vec<Hour>, HourlyError> {
    check_interval(series)?;
    Ok(observations(series, &complete_hours(series)?))
}

/// Returns one observation for each hour that brought a price, ascending, and the holes between
/// them, of at most `limit` hours each.
///
/// An hour is missing if it has not all its bars, or if nothing was traded in it and no price
/// moved: an outage that the source filled with its last price. No observation stands for it; the
/// return of the hour after a hole is that from the last price before the hole.
///
/// # Errors
///
/// [`HourlyError`] if the interval does not divide an hour or a hole is longer.
///
/// ```
/// use market::{Bar, Series, hourly_with_holes};
/// let bar = |i: i64| Bar {
///     open_s: i * 3_600, open: 9.0, high: 9.5, low: 9.0, close: 9.0, volume: 1.0,
/// };
/// let (venue, symbol) = ("here".to_owned(), "X".to_owned());
/// let bars = [0, 1, 4, 5].map(bar).to_vec();
/// let series = Series { venue, symbol, interval_s: 3_600, ranged: true, bars };
/// let (hours, holes) = hourly_with_holes(&series, 2)?;
/// assert_eq!((hours.len(), holes[0].open_s, holes[0].hours), (4, 7_200, 2));
/// assert!(hourly_with_holes(&series, 1).is_err());
/// # Ok::<(), market::HourlyError>(())
/// ```
pub fn hourly_with_holes(
    series: &Series,
    limit: usize,
) -> Result<(Vec<Hour>, Vec<Hole>), HourlyError> {
    check_interval(series)?;
    let number = |bar: &Bar| bar.open_s.div_euclid(HOUR_S);
    let expected = usize::try_from(HOUR_S / series.interval_s).unwrap_or(usize::MAX);
    let (mut hours, mut holes) = (Vec::new(), Vec::<Hole>::new());
    let mut missing = |from: i64, to: i64, flat: bool| {
        let hours = usize::try_from(to - from).unwrap_or(0);
        if hours == 0 {
            return;
        }
        match holes.last_mut().filter(|hole| hole.end_s() == from * HOUR_S) {
            Some(hole) => (hole.hours, hole.flat) = (hole.hours + hours, hole.flat && flat),
            None => holes.push(Hole { open_s: from * HOUR_S, hours, flat }),
        }
    };
    let mut due = None;
    for bars in series.bars.chunk_by(|a, b| number(a) == number(b)) {
        let at = number(&bars[0]);
        missing(due.unwrap_or(at), at, false);
        due = Some(at + 1);
        if bars.len() == expected && !is_flat(bars) {
            hours.push(bars);
        } else {
            missing(at, at + 1, bars.len() == expected);
        }
    }
    let ends = hours.first().zip(hours.last()).map(|(a, b)| (a[0].open_s, b[0].open_s));
    holes.retain(|hole| ends.is_some_and(|(a, b)| a < hole.open_s && hole.open_s < b));
    if let Some(hole) = holes.iter().find(|hole| hole.hours > limit) {
        let (series, open_s, hours) = (series.name(), hole.open_s, hole.hours);
        return Err(HourlyError::Hole { series, open_s, hours, limit });
    }
    Ok((observations(series, &hours), holes))
}

/// Whether nothing was traded in these bars and no price moved.
fn is_flat(bars: &[Bar]) -> bool {
    bars.iter().all(|bar| bar.volume == 0.0 && bar.high == bar.low && bar.close == bars[0].close)
}

fn check_interval(series: &Series) -> Result<(), HourlyError> {
    let interval_s = series.interval_s;
    if interval_s <= 0 || HOUR_S % interval_s != 0 {
        return Err(HourlyError::Interval { series: series.name(), interval_s });
    }
    Ok(())
}

/// One observation for each hour of bars, all of which have as many.
fn observations(series: &Series, hours: &[&[Bar]]) -> Vec<Hour> {
    let mut last = hours.first().map_or(1.0, |hour| hour[0].open);
    let mut ratios = Vec::new();
    let mut ranges = Vec::new();
    for bar in hours.iter().copied().flatten() {
        ratios.push(bar.close / last);
        ranges.push(bar.high / bar.low);
        last = bar.close;
    }
    let per_hour = hours.first().map_or(1, |hour| hour.len());
    let (returns, ranges) = (ln(&ratios), ln(&ranges));
    let square = |x: &f64| x * x;
    let mut before = hours.first().map_or(1.0, |hour| hour[0].open);
    let parts = hours.iter().zip(returns.chunks(per_hour).zip(ranges.chunks(per_hour)));
    let observation = |(bars, (returns, ranges)): (&&[Bar], (&[f64], &[f64]))| {
        let realised = returns.iter().map(square).sum();
        let range = PARKINSON * ranges.iter().map(square).sum::<f64>();
        let hour = Hour {
            open_s: bars[0].open_s,
            before,
            close: bars[bars.len() - 1].close,
            ret: returns.iter().sum(),
            realised,
            range: if series.ranged { range } else { realised },
            volume: bars.iter().map(|bar| bar.volume).sum(),
        };
        before = hour.close;
        hour
    };
    parts.map(observation).collect()
}

/// Groups bars by UTC hour and drops a first or last hour that is not complete.
fn complete_hours(series: &Series) -> Result<Vec<&[Bar]>, HourlyError> {
    let hour = |bar: &Bar| bar.open_s.div_euclid(HOUR_S);
    let expected = usize::try_from(HOUR_S / series.interval_s).unwrap_or(usize::MAX);
    let mut hours: Vec<&[Bar]> = series.bars.chunk_by(|a, b| hour(a) == hour(b)).collect();
    if hours.last().is_some_and(|bars| bars.len() < expected) {
        hours.pop();
    }
    if hours.first().is_some_and(|bars| bars.len() < expected) {
        hours.remove(0);
    }
    let refuse = |open_s: i64, got: usize| {
        Err(HourlyError::Incomplete { series: series.name(), open_s, got, expected })
    };
    let mut due = hours.first().map(|bars| hour(&bars[0]));
    for bars in &hours {
        if due != Some(hour(&bars[0])) {
            return refuse(due.unwrap_or(0) * HOUR_S, 0);
        }
        if bars.len() != expected {
            return refuse(hour(&bars[0]) * HOUR_S, bars.len());
        }
        due = due.map(|number| number + 1);
    }
    Ok(hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(bars: Vec<Bar>) -> Series {
        let (venue, symbol) = ("here".to_owned(), "X".to_owned());
        Series { venue, symbol, interval_s: 1_800, ranged: true, bars }
    }

    fn bar(i: i64) -> Bar {
        let close = if i % 2 == 0 { 1.0 } else { 1.1 };
        Bar { open_s: i * 1_800, open: 1.0, high: 1.2, low: 1.0, close, volume: 1.0 }
    }

    #[test]
    fn variance_is_the_sum_over_the_hour() {
        let hours = hourly(&series((1..8).map(bar).collect())).expect("gapless");
        assert_eq!(hours.len(), 3, "the half hour at the start is left out");
        let (step, range) = (ln(&[1.1])[0], ln(&[1.2])[0]);
        assert!((hours[1].realised - 2.0 * step * step).abs() < 1e-12);
        assert!((hours[1].range - 2.0 * PARKINSON * range * range).abs() < 1e-12);
        assert!(hours[1].ret.abs() < 1e-12);
    }

    #[test]
    fn a_hole_is_refused_by_hour() {
        let without = |gone: &dyn Fn(i64) -> bool| {
            let bars = (0..20).filter(|i| !gone(*i)).map(bar).collect();
            hourly(&series(bars)).expect_err("a bar is missing").to_string()
        };
        let half = without(&|i| i == 9);
        assert_eq!(half, "here X: the hour that begins at Unix time 14400 has 1 bars, 2 are due");
        let whole = without(&|i| i / 2 == 4);
        assert_eq!(whole, "here X: the hour that begins at Unix time 14400 has 0 bars, 2 are due");
        let mut coarse = series(Vec::new());
        coarse.interval_s = 7_200;
        assert!(hourly(&coarse).is_err());
    }

    #[test]
    fn short_holes_are_named_and_never_filled() {
        let flat = |i: i64| (16..20).contains(&i);
        let bars = (0..30).filter(|i| *i != 9).map(|i| {
            let quiet = Bar { open: 1.1, high: 1.1, low: 1.1, close: 1.1, volume: 0.0, ..bar(i) };
            if flat(i) { quiet } else { bar(i) }
        });
        let series = series(bars.collect());
        let (hours, holes) = hourly_with_holes(&series, 2).expect("short holes");
        let half = Hole { open_s: 4 * HOUR_S, hours: 1, flat: false };
        assert_eq!(holes, [half, Hole { open_s: 8 * HOUR_S, hours: 2, flat: true }]);
        assert_eq!(hours.len(), 12);
        assert_eq!((hours[4].open_s, hours[4].before), (5 * HOUR_S, hours[3].close));
        let long = hourly_with_holes(&series, 1).expect_err("two hours").to_string();
        assert!(
            long.contains("2 h from Unix time 28800") && long.contains("at most 1 h"),
            "{long}"
        );
    }

    #[test]
    fn without_holes_both_readings_are_one() {
        let series = series((1..40).map(bar).collect());
        let (hours, holes) = hourly_with_holes(&series, 0).expect("no hole");
        assert_eq!((hours, holes), (hourly(&series).expect("no hole"), vec![]));
    }
}

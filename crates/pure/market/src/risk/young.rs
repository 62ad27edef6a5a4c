//! A market from its eighth day on: what others taught, until its own history is enough.
//!
//! *Invariant: as that of the engine; when a market grows up changes nothing that was said before.*
//! On that day its numbers begin anew from its own data, and may jump.

use super::{Config, HourReport, RiskError, Track, ahead, track};
use crate::Series;

/// Hours of a market's life in which its reports are those of [`Config::young`]: 52 days.
///
/// ```
/// let refit = market::risk::Config::frozen().hour.refit;
/// assert_eq!(market::risk::YOUNG_HOURS, 7 * 24 + refit.first);
/// ```
pub const YOUNG_HOURS: usize = 1_248;

/// Returns what the engine would have published over the whole life of a market with this floor of
/// the initial margin: [`track`] of [`Config::frozen`], and before that of [`Config::young`].
///
/// Hours begin on the eighth day, days on the twenty-fourth.
///
/// # Errors
///
/// As [`track`], of a market that is younger than nine days.
///
/// ```
/// use market::{Bar, Series, risk::lived};
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
/// let bars = (0..30 * 24).map(bar).collect();
/// let series = Series { venue, symbol, interval_s: 3_600, ranged: true, bars };
/// let life = lived(&series, 0.05)?;
/// assert_eq!((life.hours.len(), life.days.len()), (22 * 24, 7));
/// # Ok::<(), market::risk::RiskError>(())
/// ```
pub fn lived(series: &Series, floor: f64) -> Result<Track, RiskError> {
    let (young, grown) = configs(floor);
    let grown = match track(series, &grown) {
        Ok(grown) => grown,
        Err(RiskError::Short { .. }) => return track(series, &young),
        Err(error) => return Err(error),
    };
    let hour_s = grown.hours.first().map_or(i64::MAX, |hour| hour.open_s);
    let day_s = grown.days.first().map_or(i64::MAX, |day| day.date.unix());
    let mut youth = series.clone();
    youth.bars.retain(|bar| bar.open_s < day_s);
    let mut life = track(&youth, &young)?;
    life.hours.retain(|hour| hour.open_s < hour_s);
    life.days.retain(|day| day.date.unix() < day_s);
    life.hours.extend(grown.hours);
    life.days.extend(grown.days);
    life.learnt_s = grown.learnt_s;
    Ok(life)
}

/// Returns what the engine says of the coming hour, as [`ahead`], however young the market is.
///
/// # Errors
///
/// As [`ahead`], of a market that is younger than nine days.
///
/// ```
/// # use market::{Bar, Series};
/// use market::risk::{lived, next};
/// # let price = |i: i64| 100.0 + (i * 37 % 11) as f64 * 0.1;
/// # let bar = |i: i64| Bar {
/// #     open_s: i * 3_600,
/// #     open: price(i - 1),
/// #     high: price(i).max(price(i - 1)) + 0.1,
/// #     low: price(i).min(price(i - 1)) - 0.1,
/// #     close: price(i),
/// #     volume: 1.0,
/// # };
/// # let (venue, symbol) = ("here".to_owned(), "X".to_owned());
/// # let bars = (0..30 * 24).map(bar).collect();
/// # let mut series = Series { venue, symbol, interval_s: 3_600, ranged: true, bars };
/// let then = lived(&series, 0.05)?.hours[100];
/// series.bars.retain(|bar| bar.open_s < then.open_s);
/// assert_eq!(next(&series, 0.05, 0.0)?.initial, then.initial);
/// # Ok::<(), market::risk::RiskError>(())
/// ```
pub fn next(series: &Series, floor: f64, age_h: f64) -> Result<HourReport, RiskError> {
    let (young, grown) = configs(floor);
    match ahead(series, &grown, age_h) {
        Err(RiskError::Short { .. }) => ahead(series, &young, age_h),
        other => other,
    }
}

fn configs(floor: f64) -> (Config, Config) {
    let (mut young, mut grown) = (Config::young(), Config::frozen());
    (young.tail.floor, grown.tail.floor) = (floor, floor);
    (young, grown)
}

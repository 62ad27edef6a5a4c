//! The rules every series obeys, whatever it was read from.
//!
//! Intraday bars come at one interval without a gap. Daily ones may skip the days a market is
//! closed, up to [`CLOSED_DAYS_MAX`]. The interval is the commonest distance between two bars.

use std::collections::BTreeMap;
use std::path::Path;

use market::{Bar, Date, Series};

use crate::error::{FeedError, RowError};
use crate::time;

/// The longest a daily market is closed without the data counting as gappy, in days.
const CLOSED_DAYS_MAX: i64 = 10;
/// Seconds in a day.
const DAY_S: i64 = 86_400;

/// A bar and the row of the file it came from.
pub(crate) type Numbered = (usize, Bar);

/// A row's number and its bar, or what is wrong with it.
pub(crate) type Row = (usize, Result<Bar, RowError>);

/// Turns rows in the order of the file into a series, or says which row is wrong.
pub(crate) fn series(
    path: &Path,
    names: (&str, &str),
    rows: Vec<Numbered>,
    ranged: bool,
) -> Result<Series, FeedError> {
    series_with_holes(path, names, (rows, ranged), 0)
}

/// The same, where bars of less than a day may be missing for so many seconds on end.
pub(crate) fn series_with_holes(
    path: &Path,
    (venue, symbol): (&str, &str),
    (mut rows, ranged): (Vec<Numbered>, bool),
    hole_s: i64,
) -> Result<Series, FeedError> {
    let at = |row, problem| FeedError::Row { path: path.to_owned(), row, problem };
    if let (Some((_, first)), Some((_, last))) = (rows.first(), rows.last())
        && first.open_s > last.open_s
    {
        rows.reverse();
    }
    for (row, bar) in &rows {
        let Bar { open_s, open, high, low, close, volume } = *bar;
        if Date::of_unix(open_s).is_none() {
            let (column, text) = ("time".to_owned(), open_s.to_string());
            return Err(at(*row, RowError::Cell { column, text, wanted: "a time" }));
        }
        if !bar.is_possible() {
            return Err(at(*row, RowError::Impossible { open, high, low, close, volume }));
        }
    }
    let interval_s = match interval(&rows) {
        Some(interval_s) => interval_s,
        None if rows.len() < 2 => {
            return Err(FeedError::Short { path: path.to_owned(), count: rows.len() });
        }
        None => DAY_S,
    };
    for pair in rows.windows(2) {
        let ((_, before), (row, bar)) = (pair[0], pair[1]);
        let distance_s = bar.open_s - before.open_s;
        let hole = interval_s < DAY_S
            && (interval_s..=interval_s + hole_s).contains(&distance_s)
            && distance_s % interval_s == 0;
        let problem = misplaced(before.open_s, bar.open_s, interval_s).filter(|_| !hole);
        if let Some(problem) = problem {
            return Err(at(row, problem));
        }
    }
    let bars = rows.into_iter().map(|(_, bar)| bar).collect();
    Ok(Series { venue: venue.to_owned(), symbol: symbol.to_owned(), interval_s, ranged, bars })
}

/// Returns the commonest positive distance between neighbours, the shortest among equals.
pub(crate) fn interval(rows: &[Numbered]) -> Option<i64> {
    let mut counts = BTreeMap::<i64, usize>::new();
    for pair in rows.windows(2) {
        let distance = pair[1].1.open_s - pair[0].1.open_s;
        if distance > 0 {
            *counts.entry(distance).or_default() += 1;
        }
    }
    let most = counts.values().copied().max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(distance, _)| distance)
}

/// Returns what is wrong with a bar at a time, after one of before.
pub(crate) fn misplaced(before_s: i64, time_s: i64, interval_s: i64) -> Option<RowError> {
    let (time, before) = (time::display(time_s), time::display(before_s));
    let allowed_s = if interval_s < DAY_S { interval_s } else { CLOSED_DAYS_MAX * interval_s };
    match time_s - before_s {
        0 => Some(RowError::Duplicate { time }),
        ..0 => Some(RowError::Order { time, before }),
        distance if distance > allowed_s => Some(RowError::Gap { time, before, interval_s }),
        distance if distance < interval_s => Some(RowError::Duplicate { time }),
        _ => None,
    }
}

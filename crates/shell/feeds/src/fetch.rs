//! History over REST: a market's bars, page by page, into one parquet file.
//!
//! Pages that came are kept beside the file (`.part`), in exact decimals, so a fetch that was cut
//! off goes on where it stopped; what the file has already is not asked for again, what it lacks
//! is, in its middle too. A bar that is still growing is left out.
//!
//! *Invariant: what is written is what the venue said*: bars of the interval asked for, in order,
//! one each. What the venue left out stays out, and `inspect` names it.

mod klines;
mod part;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

use crate::live::{Rest, RestError};
use crate::message::Bar as WireBar;
use crate::{Bar, FeedError, Message, Venue, WireError, parquet_bars, store, table};
use part::Part;

/// How long a bar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    name: &'static str,
    seconds: i64,
}

/// No interval has this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no interval; there are 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 12h, 1d")]
pub struct NoInterval(String);

impl Interval {
    const ALL: [(&'static str, i64); 11] = [
        ("1m", 60),
        ("3m", 180),
        ("5m", 300),
        ("15m", 900),
        ("30m", 1_800),
        ("1h", 3_600),
        ("2h", 7_200),
        ("4h", 14_400),
        ("6h", 21_600),
        ("12h", 43_200),
        ("1d", 86_400),
    ];

    /// Returns its name: `1m`, `4h`, `1d`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Returns its length in seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.seconds
    }
}

impl FromStr for Interval {
    type Err = NoInterval;

    fn from_str(text: &str) -> Result<Self, NoInterval> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
        found
            .map(|(name, seconds)| Self { name, seconds })
            .ok_or_else(|| NoInterval(text.to_owned()))
    }
}

/// Which bars to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The venue.
    pub venue: Venue,
    /// The market, as the venue writes it.
    pub symbol: String,
    /// How long a bar is.
    pub interval: Interval,
    /// The first bar opens at or after this Unix second.
    pub from_s: i64,
    /// The last bar ends at or before this Unix second, which is not in the future.
    pub to_s: i64,
}

/// How far a fetch has come, in bars of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Asked for.
    pub done: u64,
    /// To be asked for.
    pub total: u64,
}

/// Why bars could not be fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The venue did not answer.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// The venue's answer cannot be read.
    #[error("{venue}: {source}")]
    Wire {
        /// The venue.
        venue: Venue,
        /// What is wrong.
        source: WireError,
    },
    /// The disk said no, or the file that is there is not one of ours.
    #[error(transparent)]
    File(#[from] FeedError),
    /// The venue has no bars of this length.
    #[error("{venue} has no bars of {interval}")]
    NoInterval {
        /// The venue.
        venue: Venue,
        /// The interval.
        interval: &'static str,
    },
    /// Nothing to fetch.
    #[error("no whole bar lies between the times given")]
    NoTime,
    /// The venue has nothing there.
    #[error("{venue} has no bars of {symbol} in that time")]
    Nothing {
        /// The venue.
        venue: Venue,
        /// The market.
        symbol: String,
    },
}

/// Fetches bars into a file, on top of those it has, and returns all of them.
///
/// # Errors
///
/// [`FetchError`]. What came before the error is kept, and the same call goes on from there.
pub async fn fetch(
    rest: &Rest,
    wish: &Wish,
    file: &Path,
    mut progress: impl FnMut(Progress),
) -> Result<Vec<Bar>, FetchError> {
    let step = wish.interval.seconds;
    let (from_s, to_s) = (up(wish.from_s, step), wish.to_s.div_euclid(step) * step);
    if from_s >= to_s {
        return Err(FetchError::NoTime);
    }
    let mut bars = before(file, step)?;
    let mut part = Part::open(&part_path(file), wish)?;
    let page = klines::page(wish.venue);
    let holes = holes(&bars, (from_s, to_s), (step, page));
    let count = |(from, to): &(i64, i64)| u64::try_from((to - from) / step).unwrap_or(0);
    let total = holes.iter().map(count).sum();
    let mut done = 0;
    for (from_s, to_s) in holes {
        let mut at = from_s;
        while at < to_s {
            let end = to_s.min(at + step * page);
            if !part.has(at, end) {
                let page = ask(rest, wish, (at, end)).await?;
                part.append(at, end, &page)?;
            }
            done += count(&(at, end));
            progress(Progress { done, total });
            at = end;
        }
    }
    for bar in part.bars() {
        bars.insert(bar.open_s, *bar);
    }
    if bars.is_empty() {
        part.remove()?;
        let symbol = wish.symbol.clone();
        return Err(FetchError::Nothing { venue: wish.venue, symbol });
    }
    let bars: Vec<Bar> = bars.into_values().collect();
    store::write(file, &bars)?;
    part.remove()?;
    Ok(bars)
}

/// Asks for one page, and keeps what was asked for: whole bars of that time.
async fn ask(rest: &Rest, wish: &Wish, (from, to): (i64, i64)) -> Result<Vec<WireBar>, FetchError> {
    let no_interval = FetchError::NoInterval { venue: wish.venue, interval: wish.interval.name };
    let request = klines::request(wish, (from, to)).ok_or(no_interval)?;
    let answer = rest.ask(&request).await?;
    let messages = wish.venue.parse(&answer);
    let messages = messages.map_err(|source| FetchError::Wire { venue: wish.venue, source })?;
    let bar = |message| match message {
        Message::Bar(bar) => Some(bar),
        _ => None,
    };
    let asked = |bar: &WireBar| (from * 1_000..to * 1_000).contains(&bar.open_ms);
    let mut bars: Vec<_> = messages.into_iter().filter_map(bar).filter(asked).collect();
    bars.sort_by_key(|bar| bar.open_ms);
    bars.dedup_by_key(|bar| bar.open_ms);
    Ok(bars)
}

/// Reads the bars that the file has, where there is one.
fn before(file: &Path, step: i64) -> Result<BTreeMap<i64, Bar>, FeedError> {
    if !file.exists() {
        return Ok(BTreeMap::new());
    }
    let rows = table::whole(file, table::caught(file, parquet_bars::rows)?)?;
    let other = rows.iter().find(|(_, bar)| bar.open_s.rem_euclid(step) != 0);
    if let Some((row, bar)) = other {
        return Err(FeedError::Row {
            path: file.to_owned(),
            row: *row,
            problem: crate::RowError::OffGrid {
                time: crate::time::display(bar.open_s),
                interval_s: step,
            },
        });
    }
    Ok(rows.into_iter().map(|(_, bar)| (bar.open_s, bar)).collect())
}

/// Returns the stretches of time without bars; those that one page holds are one.
fn holes(
    bars: &BTreeMap<i64, Bar>,
    (from, to): (i64, i64),
    (step, page): (i64, i64),
) -> Vec<(i64, i64)> {
    let mut holes: Vec<(i64, i64)> = Vec::new();
    let mut at = from;
    for time in bars.range(from..to).map(|(time, _)| *time).chain([to]) {
        match holes.last_mut() {
            _ if time <= at => {}
            Some(last) if time - last.0 <= page * step => last.1 = time,
            _ => holes.push((at, time)),
        }
        at = time + step;
    }
    holes
}

/// Rounds up to a multiple.
fn up(time: i64, step: i64) -> i64 {
    (time + step - 1).div_euclid(step) * step
}

fn part_path(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".part");
    path.into()
}

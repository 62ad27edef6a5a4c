//! Bars from columns, as parquet and Feather have them.
//!
//! Columns are found by name in any case: `date` (or `timestamp`), `open`, `high`, `low`, `close`
//! and, if there, `volume`. *Invariant: a cell without a value is named, with its row.*

use std::cell::Cell;
use std::panic;
use std::path::Path;
use std::sync::Once;

use market::Bar;

use crate::check::{Numbered, Row};
use crate::error::{FeedError, RowError};

/// Where the columns are.
pub(crate) struct Places {
    pub(crate) date: usize,
    pub(crate) prices: [usize; 4],
    pub(crate) volume: Option<usize>,
}

impl Places {
    /// Finds the columns among their names, which are in lower case.
    pub(crate) fn find(path: &Path, names: &[String]) -> Result<Self, FeedError> {
        let column = |wanted: &'static str| {
            names.iter().position(|name| name == wanted).ok_or_else(|| FeedError::Column {
                path: path.to_owned(),
                column: wanted,
                found: names.join(", "),
            })
        };
        Ok(Self {
            date: column("date").or_else(|error| column("timestamp").map_err(|_| error))?,
            prices: [column("open")?, column("high")?, column("low")?, column("close")?],
            volume: column("volume").ok(),
        })
    }
}

/// A stretch of rows, column by column; a cell without a value is `None`.
pub(crate) struct Columns {
    /// Unix seconds, or the text of what is no time.
    pub(crate) dates: Vec<Result<i64, String>>,
    pub(crate) prices: [Vec<Option<f64>>; 4],
    pub(crate) volume: Option<Vec<Option<f64>>>,
}

impl Columns {
    /// Appends the rows, good or bad, to those before; false where the columns differ in length.
    pub(crate) fn append(self, names: &[String], places: &Places, rows: &mut Vec<Row>) -> bool {
        let mut lengths = self.prices.iter().chain(&self.volume).map(Vec::len);
        if lengths.any(|length| length != self.dates.len()) {
            return false;
        }
        let before = rows.len();
        for i in 0..self.dates.len() {
            rows.push((before + i + 1, self.bar(i, names, places)));
        }
        true
    }

    fn bar(&self, i: usize, names: &[String], places: &Places) -> Result<Bar, RowError> {
        let wrong = |place: usize, text: &str, wanted| {
            let column = names[place].clone();
            RowError::Cell { column, text: text.to_owned(), wanted }
        };
        let number = |cells: &[Option<f64>], place: usize| {
            cells[i].ok_or_else(|| wrong(place, "", "a number"))
        };
        let open_s = self.dates[i].as_ref().map_err(|text| wrong(places.date, text, "a time"))?;
        let price = |which: usize| number(&self.prices[which], places.prices[which]);
        let volume = match (&self.volume, places.volume) {
            (Some(cells), Some(place)) => number(cells, place)?,
            _ => 0.0,
        };
        let [open, high, low, close] = [price(0)?, price(1)?, price(2)?, price(3)?];
        Ok(Bar { open_s: *open_s, open, high, low, close, volume })
    }
}

thread_local! {
    /// Whether a panic on this thread is caught, and said in a sentence of ours.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Reads rows with a reader that may panic: the libraries for parquet and Arrow take much of what a
/// file says of itself for granted, and assert it. What is left behind is theirs and is dropped.
pub(crate) fn caught(
    path: &Path,
    read: fn(&Path) -> Result<Vec<Row>, FeedError>,
) -> Result<Vec<Row>, FeedError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CAUGHT.get() {
                hook(info);
            }
        }));
    });
    CAUGHT.set(true);
    let read = panic::catch_unwind(|| read(path));
    CAUGHT.set(false);
    read.unwrap_or_else(|_| {
        let reason = "it contradicts itself; write it anew from its source".to_owned();
        Err(FeedError::Unreadable { path: path.to_owned(), reason })
    })
}

/// Returns the bars, or the first row that is none.
pub(crate) fn whole(path: &Path, rows: Vec<Row>) -> Result<Vec<Numbered>, FeedError> {
    let wrong = |row, problem| FeedError::Row { path: path.to_owned(), row, problem };
    let bar = |(row, bar): Row| bar.map(|bar| (row, bar)).map_err(|problem| wrong(row, problem));
    rows.into_iter().map(bar).collect()
}

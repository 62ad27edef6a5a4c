//! Bars from files: parquet and CSV, plain or gzipped, and the WTI series that is bundled.
//!
//! A folder is a venue; every file in it that holds bars is a [`Series`] of that venue. Files
//! named `*_mark` or `*_funding` hold something else in the same columns and are passed over.
//!
//! *Invariant: bad data is refused with its file and row; nothing is repaired in silence.*
//!
//! Absent: exchanges' wire formats and anything live. What is not a repair: a file in descending
//! order is read backwards, and a `.` in a series of single prices is a day without one.

mod check;
mod csv_bars;
mod error;
mod folder;
pub mod log;
mod parquet_bars;
mod time;

pub use error::{FeedError, RowError};
pub use folder::open;
pub use market::{Bar, Series};

/// The bundled series, gzipped; data/NOTICE says whose it is.
const WTI: &[u8] = include_bytes!("../data/wti.csv.gz");

/// Returns the bundled daily WTI spot prices, 1986 to 2018 (and two days of 2019), without ranges.
///
/// # Errors
///
/// None in a sound build: the bytes are part of the program, and a test reads them.
///
/// ```
/// let wti = feeds::wti()?;
/// assert_eq!(wti.bars.len(), 8_321);
/// assert_eq!(wti.bars[0].date().to_string(), "1986-01-02");
/// # Ok::<(), feeds::FeedError>(())
/// ```
pub fn wti() -> Result<Series, FeedError> {
    let path = std::path::Path::new("wti.csv.gz (bundled)");
    let (rows, ranged) = csv_bars::read(path, csv_bars::unzip(path, WTI)?.as_slice())?;
    check::series(path, ("eia", "WTI spot"), rows, ranged)
}

#[cfg(test)]
mod tests;

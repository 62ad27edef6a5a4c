//! Market data: bars and option chains from files, and what venues say on their wires.
//!
//! *Files* ([`open`]): parquet and CSV, plain or gzipped, and the WTI series that is bundled. A
//! folder is a venue; every file in it that holds bars is a [`Series`] of that venue. Files named
//! `*_mark` or `*_funding` hold something else in the same columns and are passed over.
//!
//! *Wires* ([`Venue::parse`]): raw JSON of six venues to [`Message`]s of exact [`Decimal`]s.
//!
//! *Invariant: bad data is refused with its file and row; nothing is repaired in silence.* What is
//! not a repair: a file in descending order is read backwards, and a `.` in a series of single
//! prices is a day without one.

mod book;
mod chains;
mod check;
mod csv_bars;
mod decimal;
mod error;
mod feather_bars;
pub mod features;
pub mod fetch;
mod folder;
pub mod inspect;
pub mod live;
pub mod log;
pub mod message;
mod parquet_bars;
pub mod store;
mod table;
mod time;
mod wire;

pub use book::{Book, State, Step};
pub use chains::chains;
pub use decimal::{Decimal, NotDecimal, SCALE_MAX};
pub use error::{FeedError, RowError};
pub use folder::{Part, open, open_part};
pub use market::{Bar, Series};
pub use message::Message;
pub use wire::{NoVenue, Venue, WireError};

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
    let (rows, ranged) = csv_bars::rows(path, csv_bars::unzip(path, WTI)?.as_slice())?;
    check::series(path, ("eia", "WTI spot"), table::whole(path, rows)?, ranged)
}

#[cfg(test)]
mod tests;

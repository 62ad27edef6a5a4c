//! A protocol's own margins, read from a CSV: `market, date, initial, maintenance, floor`.
//!
//! A row holds from 00:00 UTC of its date, or from the hour that is written behind it
//! (`2024-01-31T05:00Z`), until the market's next row. Margins are shares of a
//! position's value, written `0.05` or `5%`. `floor`, which may be empty, is the least initial
//! margin that ours may propose for that market. Lines that begin with `#` are remarks.
//!
//! *Invariant: what is wrong is named with file, row, column, and what to write instead.*

use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};
use market::Date;
use thiserror::Error;

use crate::data::HOUR_S;

/// The columns, in the order of the example.
const COLUMNS: [&str; 5] = ["market", "date", "initial", "maintenance", "floor"];

/// A table that can be read, for a market whose bars are called `BTCUSDT_perp` or `BTCUSDT`.
pub const EXAMPLE: &str = "\
# One row a change: it holds from 00:00 UTC of its date until the market's next row.
# Margins are shares of a position's value, written 5% or 0.05. The floor is the least initial
# margin that Assay's engine may propose; leave it empty for 2 % (BTC, ETH) or 5 % (others).
market,date,initial,maintenance,floor
BTC,2024-01-01,5%,2.5%,2%
BTC,2024-11-01,4%,2%,2%
ETH,2024-01-01,5%,2.5%,2%
ETH,2025-02-01,6.5%,3.25%,2%
";

/// Margins that hold from a date on.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The row of the file, as a text editor counts; the first line is 1.
    pub line: u64,
    /// The market, as she writes it.
    pub market: String,
    /// Unix seconds, UTC, from which on the margins hold; a whole hour.
    pub from_s: i64,
    /// Initial margin, a share of the position's value, in (0, 1].
    pub initial: f64,
    /// Maintenance margin, in (0, `initial`].
    pub maintenance: f64,
    /// The least initial margin that ours may propose, in (0, `initial`].
    pub floor: Option<f64>,
}

/// A protocol's table of margins, as it changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The file it was read from.
    pub path: PathBuf,
    /// The rows of each market in the order of dates; markets in the order of the file.
    pub markets: Vec<(String, Vec<Row>)>,
}

/// Why a table of margins cannot be used.
#[derive(Debug, Error)]
pub enum ParamsError {
    /// The file cannot be read from the disk.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the disk or the CSV reader said.
        reason: String,
    },
    /// A column is missing from the header.
    #[error(
        "{} has no column {column:?} (columns found: {found}); \
         `assay backtest --example-params` prints a file to begin with", path.display()
    )]
    Column {
        /// The file.
        path: PathBuf,
        /// The missing column.
        column: &'static str,
        /// The columns there are, comma-separated.
        found: String,
    },
    /// A header and no rows.
    #[error("{} has a header and no rows; add one row a market", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A row has another number of cells than the header.
    #[error(
        "{} row {line} has {got} cells under {expected} columns; write one cell a column, and \
         leave the floor empty rather than out", path.display()
    )]
    Cells {
        /// The file.
        path: PathBuf,
        /// The row; the header is usually row 1.
        line: u64,
        /// Columns in the header.
        expected: usize,
        /// Cells in this row.
        got: usize,
    },
    /// A cell does not hold what its column needs.
    #[error("{} row {line}, column {column}: {text:?} {problem}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// The row.
        line: u64,
        /// The column.
        column: &'static str,
        /// What the cell holds.
        text: String,
        /// What is wrong with it and what to write instead.
        problem: String,
    },
}

impl Table {
    /// Reads a table from a file.
    ///
    /// # Errors
    ///
    /// [`ParamsError`] names the first row and column that cannot be used.
    pub fn read(path: &Path) -> Result<Table, ParamsError> {
        let bytes = std::fs::read(path).map_err(|error| ParamsError::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        Table::parse(path, &bytes)
    }

    /// Reads a table from a file's bytes; `path` only names it in errors.
    ///
    /// # Errors
    ///
    /// As [`Table::read`].
    ///
    /// ```
    /// let table = backtest::Table::parse("own.csv".as_ref(), backtest::EXAMPLE.as_bytes())?;
    /// assert_eq!((table.markets[0].0.as_str(), table.markets[0].1[1].initial), ("BTC", 0.04));
    /// # Ok::<(), backtest::ParamsError>(())
    /// ```
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Table, ParamsError> {
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            .trim(Trim::All)
            .comment(Some(b'#'))
            .from_reader(bytes);
        let unreadable = |error: csv::Error| ParamsError::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let header = reader.headers().map_err(unreadable)?.clone();
        let places = places(path, &header)?;
        let mut markets: Vec<(String, Vec<Row>)> = Vec::new();
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(unreadable)? {
            let line = record.position().map_or(0, csv::Position::line);
            let reading = Reading { path, line, places, record: &record };
            if record.len() != header.len() {
                let (expected, got) = (header.len(), record.len());
                return Err(ParamsError::Cells { path: path.to_owned(), line, expected, got });
            }
            let row = reading.row()?;
            match markets.iter_mut().find(|(name, _)| *name == row.market) {
                Some((_, rows)) => {
                    reading.after(rows.last(), &row)?;
                    rows.push(row);
                }
                None => markets.push((row.market.clone(), vec![row])),
            }
        }
        if markets.is_empty() {
            return Err(ParamsError::Empty { path: path.to_owned() });
        }
        Ok(Table { path: path.to_owned(), markets })
    }
}

/// Where each of [`COLUMNS`] is; the floor's may be absent.
type Places = [Option<usize>; 5];

fn places(path: &Path, header: &StringRecord) -> Result<Places, ParamsError> {
    let name = |cell: &str| cell.trim_start_matches('\u{feff}').trim().to_ascii_lowercase();
    let mut places = [None; 5];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        *place = header.iter().position(|cell| name(cell) == column);
        if place.is_none() && column != "floor" {
            let found = header.iter().collect::<Vec<_>>().join(", ");
            return Err(ParamsError::Column { path: path.to_owned(), column, found });
        }
    }
    Ok(places)
}

/// One row while it is read.
#[derive(Clone, Copy)]
struct Reading<'a> {
    path: &'a Path,
    line: u64,
    places: Places,
    record: &'a StringRecord,
}

impl Reading<'_> {
    fn text(&self, column: usize) -> &str {
        self.places[column].and_then(|place| self.record.get(place)).unwrap_or("")
    }

    fn refuse(&self, column: usize, problem: impl Into<String>) -> ParamsError {
        ParamsError::Cell {
            path: self.path.to_owned(),
            line: self.line,
            column: COLUMNS[column],
            text: self.text(column).to_owned(),
            problem: problem.into(),
        }
    }

    fn row(&self) -> Result<Row, ParamsError> {
        let market = self.text(0).to_owned();
        if market.is_empty() {
            return Err(self.refuse(0, "is empty; write the market's name, such as BTC"));
        }
        let from_s = time(self.text(1)).ok_or_else(|| {
            let problem = "is not a day; write it YYYY-MM-DD, such as 2024-01-31, or with a whole \
                           hour, 2024-01-31T05:00Z";
            self.refuse(1, problem)
        })?;
        let (initial, maintenance) = (self.share(2)?, self.share(3)?);
        if maintenance > initial {
            let problem = format!(
                "is above the initial margin of {}; a position may be held with no more than it \
                 was opened with, so write less here or more there",
                self.text(2)
            );
            return Err(self.refuse(3, problem));
        }
        let floor = if self.text(4).is_empty() { None } else { Some(self.share(4)?) };
        if floor.is_some_and(|floor| floor > initial) {
            let problem = format!(
                "is above the initial margin of {} that this row sets; a floor is the least that \
                 may ever be asked, so write less here or leave it empty",
                self.text(2)
            );
            return Err(self.refuse(4, problem));
        }
        Ok(Row { line: self.line, market, from_s, initial, maintenance, floor })
    }

    /// Reads a share of a position's value, `0.05` or `5%`.
    fn share(&self, column: usize) -> Result<f64, ParamsError> {
        let text = self.text(column);
        let (digits, unit) = match text.strip_suffix('%') {
            Some(digits) => (digits.trim(), 100.0),
            None => (text, 1.0),
        };
        let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
        let Some(number) = number else {
            let problem = "is not a number; write a share of the position's value, such as 0.05 \
                           or 5%";
            return Err(self.refuse(column, problem));
        };
        let share = number / unit;
        if share <= 0.0 {
            return Err(self.refuse(column, "is not above zero; write a share such as 0.05 or 5%"));
        }
        if share > 1.0 && unit == 1.0 {
            let problem =
                format!("is more than the whole position; if it is per cent, write {text}%");
            return Err(self.refuse(column, problem));
        }
        if share > 1.0 {
            return Err(self.refuse(column, "is more than the whole position; write at most 100%"));
        }
        Ok(share)
    }

    /// Checks that a market's rows come in the order of their dates.
    fn after(&self, last: Option<&Row>, row: &Row) -> Result<(), ParamsError> {
        let Some(last) = last else { return Ok(()) };
        let (market, line) = (&row.market, last.line);
        if row.from_s == last.from_s {
            let problem = format!("is set twice for {market} (row {line} too); keep one of them");
            return Err(self.refuse(1, problem));
        }
        if row.from_s < last.from_s {
            let problem = format!(
                "comes after {} of {market} in row {line}; put a market's rows in the order of \
                 their dates",
                when(last.from_s)
            );
            return Err(self.refuse(1, problem));
        }
        Ok(())
    }
}

/// Reads a day, or a day and a whole hour, as Unix seconds; `None` for anything else.
///
/// ```
/// assert_eq!(backtest::time("2024-06-08T05:00Z"), Some(1_717_822_800));
/// assert_eq!(backtest::time("2024-06-08T05:30Z"), None);
/// ```
#[must_use]
pub fn time(text: &str) -> Option<i64> {
    let Some((day, clock)) = text.split_once(['T', ' ']) else {
        return Some(text.parse::<Date>().ok()?.unix());
    };
    let hour = clock.trim_end_matches('Z').strip_suffix(":00")?;
    let hour = hour.strip_suffix(":00").unwrap_or(hour);
    let hour: i64 = hour.parse().ok().filter(|hour| (0..24).contains(hour))?;
    Some(day.parse::<Date>().ok()?.unix() + hour * HOUR_S)
}

/// Writes a time as [`time`] reads it: the day, with the hour where it is not the first.
///
/// ```
/// assert_eq!(backtest::when(1_717_822_800), "2024-06-08T05:00Z");
/// assert_eq!(backtest::when(1_717_804_800), "2024-06-08");
/// ```
#[must_use]
pub fn when(unix_s: i64) -> String {
    let Some(day) = Date::of_unix(unix_s) else { return unix_s.to_string() };
    match (unix_s - day.unix()) / HOUR_S {
        0 => day.to_string(),
        hour => format!("{day}T{hour:02}:00Z"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Table::parse(Path::new("own.csv"), text.as_bytes()).expect_err("refused").to_string()
    }

    const HEADER: &str = "market,date,initial,maintenance,floor\n";

    #[test]
    fn shares_are_read_in_either_form_and_columns_in_any_order() {
        let text = "\u{feff}Date, Market ,maintenance,initial\n2024-01-01,ETH, 2.5 %,0.05\n";
        let table = Table::parse(Path::new("own.csv"), text.as_bytes()).expect("a table");
        let row = &table.markets[0].1[0];
        assert_eq!((row.initial, row.maintenance, row.floor, row.line), (0.05, 0.025, None, 2));
    }

    #[test]
    fn a_row_may_hold_from_an_hour_on() {
        let text = format!("{HEADER}BTC,2024-06-08,5%,2%,\nBTC,2024-06-08T05:00Z,6%,3%,\n");
        let table = Table::parse(Path::new("own.csv"), text.as_bytes()).expect("a table");
        let times: Vec<i64> = table.markets[0].1.iter().map(|row| row.from_s).collect();
        assert_eq!(times, [1_717_804_800, 1_717_822_800]);
        assert_eq!(time("2024-06-08 05:00:00"), Some(times[1]));
    }

    #[test]
    fn what_is_wrong_is_named_with_row_column_and_what_to_do() {
        let says = |row: &str, what: &str| {
            let error = error(&format!("{HEADER}BTC,2024-01-01,5%,2.5%,2%\n{row}\n"));
            assert!(error.starts_with("own.csv row 3") && error.contains(what), "{error}");
        };
        says("BTC,2024-02-01,5,2.5%,", "column initial: \"5\" is more than the whole position");
        says("BTC,2024-02-01,5,2.5%,", "write 5%");
        says("BTC,2024-02-01,five,2.5%,", "write a share of the position's value");
        says("BTC,2024-02-01,5%,0,", "column maintenance: \"0\" is not above zero");
        says("BTC,2024-02-01,5%,6%,", "column maintenance: \"6%\" is above the initial margin");
        says("BTC,2024-02-01,5%,2%,6%", "column floor: \"6%\" is above the initial margin");
        says("BTC,01.02.2024,5%,2%,", "column date: \"01.02.2024\" is not a day");
        says("BTC,2024-02-01T05:30Z,5%,2%,", "is not a day");
        says("BTC,2024-02-01T24:00Z,5%,2%,", "is not a day");
        says("BTC,2024-01-01,5%,2%,", "is set twice for BTC (row 2 too)");
        says("BTC,2023-01-01,5%,2%,", "order of their dates");
        says(",2024-01-01,5%,2%,", "column market: \"\" is empty");
        says("BTC,2024-01-01,5%,2%", "has 4 cells under 5 columns");
    }

    #[test]
    fn a_header_without_a_column_or_rows_says_how_to_begin() {
        assert!(error("market,date,initial\nBTC,2024-01-01,5%\n").contains("--example-params"));
        assert!(error(HEADER).contains("add one row a market"));
        assert!(error("# nothing\n").contains("has no column \"market\""));
    }
}

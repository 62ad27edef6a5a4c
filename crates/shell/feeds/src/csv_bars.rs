//! Bars from CSV with a header, plain or gzipped.
//!
//! Columns are found by name, in any order and case: a time (`unix`, `date`, `timestamp`,
//! `open_time`, `time` or `datetime`), `open`, `high`, `low`, `close`, and `volume` (or the first
//! column that begins with it; none means zero). A file of two columns, a time and a price, gives
//! bars whose four prices are one; there `.` is a day without a price.

use std::io::Read;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};
use market::Bar;

use crate::check::Row;
use crate::error::{FeedError, RowError};
use crate::time;

/// Names of the column of time, the surest first.
const TIMES: [&str; 6] = ["unix", "date", "timestamp", "open_time", "time", "datetime"];
/// The most a file may unpack to, in bytes: a sound gzip of bars stays far below it.
const UNZIPPED_BYTES_MAX: u64 = 4 << 30;

/// Where the columns are.
struct Columns {
    time: usize,
    /// Open, high, low, close; four times the same index in a file of single prices.
    prices: [usize; 4],
    volume: Option<usize>,
}

/// Unpacks a gzip, with an error that names the file.
pub(crate) fn unzip(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, FeedError> {
    let mut plain = Vec::new();
    let size = flate2::read::MultiGzDecoder::new(bytes)
        .take(UNZIPPED_BYTES_MAX + 1)
        .read_to_end(&mut plain)
        .map_err(|error| unreadable(path, &error))?;
    if size as u64 > UNZIPPED_BYTES_MAX {
        let reason = format!("it unpacks to more than {UNZIPPED_BYTES_MAX} bytes");
        return Err(FeedError::Unreadable { path: path.to_owned(), reason });
    }
    Ok(plain)
}

/// Reads all rows, good or bad, and whether the file has ranges.
pub(crate) fn rows(path: &Path, bytes: &[u8]) -> Result<(Vec<Row>, bool), FeedError> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader.headers().map_err(|error| unreadable(path, &error))?.clone();
    let columns = columns(path, &header)?;
    let ranged = columns.prices[0] != columns.prices[3];
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    let mut row = 1_usize;
    loop {
        row += 1;
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok((rows, ranged)),
            Err(error) => return Err(unreadable(path, &error)),
        }
        if let Some(position) = record.position() {
            row = usize::try_from(position.line()).unwrap_or(row);
        }
        rows.extend(bar(&columns, &header, &record).transpose().map(|bar| (row, bar)));
    }
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> FeedError {
    FeedError::Unreadable { path: path.to_owned(), reason: error.to_string() }
}

fn columns(path: &Path, header: &StringRecord) -> Result<Columns, FeedError> {
    let names: Vec<String> = header
        .iter()
        .map(|name| name.trim().trim_start_matches('\u{feff}').to_ascii_lowercase())
        .collect();
    let find = |wanted: &str| names.iter().position(|name| name == wanted);
    let missing = |column| FeedError::Column {
        path: path.to_owned(),
        column,
        found: header.iter().collect::<Vec<_>>().join(", "),
    };
    let time = TIMES.iter().find_map(|name| find(name)).ok_or_else(|| missing("date"))?;
    if names.len() == 2 {
        return Ok(Columns { time, prices: [1 - time; 4], volume: None });
    }
    let price = |column| find(column).ok_or_else(|| missing(column));
    let prices = [price("open")?, price("high")?, price("low")?, price("close")?];
    let volume = find("volume").or_else(|| names.iter().position(|n| n.starts_with("volume")));
    Ok(Columns { time, prices, volume })
}

fn bar(
    columns: &Columns,
    header: &StringRecord,
    record: &StringRecord,
) -> Result<Option<Bar>, RowError> {
    if record.len() != header.len() {
        return Err(RowError::Cells { expected: header.len(), got: record.len() });
    }
    let text = |index: usize| record.get(index).unwrap_or("").trim();
    let refuse = |index: usize, wanted| RowError::Cell {
        column: header.get(index).unwrap_or("").to_owned(),
        text: text(index).to_owned(),
        wanted,
    };
    let number = |index: usize| {
        let value = text(index).parse::<f64>().ok().filter(|value| value.is_finite());
        value.ok_or_else(|| refuse(index, "a number"))
    };
    let open_s = time::parse(text(columns.time)).ok_or_else(|| refuse(columns.time, "a time"))?;
    let [open, high, low, close] = columns.prices;
    if open == close && text(close) == "." {
        return Ok(None);
    }
    Ok(Some(Bar {
        open_s,
        open: number(open)?,
        high: number(high)?,
        low: number(low)?,
        close: number(close)?,
        volume: columns.volume.map_or(Ok(0.0), number)?,
    }))
}

//! What can be wrong with a file of bars, each as one sentence that names the file and the row.

use std::path::PathBuf;

use thiserror::Error;

/// Why market data could not be read.
#[derive(Debug, Error)]
pub enum FeedError {
    /// The file or folder cannot be read from the disk, or is not in its format.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the disk or the decoder said.
        reason: String,
    },
    /// The file cannot be written.
    #[error("{} cannot be written: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the disk or the encoder said.
        reason: String,
    },
    /// A folder without a single file of bars.
    #[error(
        "{} holds no bars (looked for .parquet, .feather, .csv and .csv.gz files)",
        path.display()
    )]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A file without a column that bars need.
    #[error("{} has no column {column:?} (columns found: {found})", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The missing column.
        column: &'static str,
        /// The columns there are, comma-separated.
        found: String,
    },
    /// A row that is not the next bar.
    #[error("{} row {row}: {problem}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The row as a text editor or a table viewer counts: a CSV's header is row 1, a
        /// parquet file's first bar is row 1.
        row: usize,
        /// What is wrong with it.
        problem: RowError,
    },
    /// Fewer than two bars: no interval can be told.
    #[error("{} holds {count} bars; at least 2 are needed", path.display())]
    Short {
        /// The file.
        path: PathBuf,
        /// How many bars there are.
        count: usize,
    },
}

/// What is wrong with one row.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RowError {
    /// A cell is missing, empty or not of its column's kind.
    #[error("{column} is {text:?}, which is not {wanted}")]
    Cell {
        /// The column.
        column: String,
        /// What the cell holds.
        text: String,
        /// What it should hold.
        wanted: &'static str,
    },
    /// Another number of cells than the header has.
    #[error("{got} cells under {expected} columns")]
    Cells {
        /// Columns in the header.
        expected: usize,
        /// Cells in this row.
        got: usize,
    },
    /// The same time as the row before.
    #[error("the bar of {time} is there twice")]
    Duplicate {
        /// The time, UTC.
        time: String,
    },
    /// An earlier time than the row before.
    #[error("the bar of {time} comes after the one of {before}")]
    Order {
        /// The row's time, UTC.
        time: String,
        /// The time of the row before.
        before: String,
    },
    /// Bars are missing before this row.
    #[error("no bars between {before} and {time}, where one is due every {interval_s} s")]
    Gap {
        /// The row's time, UTC.
        time: String,
        /// The time of the bar before.
        before: String,
        /// The series' interval in seconds.
        interval_s: i64,
    },
    /// A time at which no bar of this interval begins.
    #[error("the bar of {time} is off the clock: its interval is {interval_s} s")]
    OffGrid {
        /// The row's time, UTC.
        time: String,
        /// The interval in seconds.
        interval_s: i64,
    },
    /// A time that has not come yet.
    #[error("the bar of {time} is from the future")]
    Future {
        /// The row's time, UTC.
        time: String,
    },
    /// A price that is not positive, a range that does not hold open and close, a negative volume.
    #[error(
        "open {open}, high {high}, low {low}, close {close}, volume {volume} is no possible bar"
    )]
    Impossible {
        /// Opening price.
        open: f64,
        /// Highest price.
        high: f64,
        /// Lowest price.
        low: f64,
        /// Closing price.
        close: f64,
        /// Volume.
        volume: f64,
    },
}

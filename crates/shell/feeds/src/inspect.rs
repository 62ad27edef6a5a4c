//! Everything that is wrong with a file, each with its row: where [`open`](crate::open) stops at
//! the first bad row, this goes on to the end.
//!
//! A file of bars: unreadable cells, impossible bars, duplicates, gaps, disorder, times off the
//! clock or in the future. A log of raw messages, sealed or from elsewhere, plain or gzipped: lines
//! that cannot be read, clocks that disagree or go back, trades that came twice, gaps of the book,
//! lines that are not what was signed.
//!
//! *Invariant: looking changes nothing.* Absent: repairs.

mod bars;
mod lines;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::book::Step;
use crate::message::Span;
use crate::{FeedError, RowError, Venue, WireError};

/// Findings that are kept one by one; the others are counted.
pub const FINDINGS_MAX: usize = 10_000;

/// What a file holds, and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub content: Content,
    /// Rows or lines looked at.
    pub rows: u64,
    /// What is wrong, in the order of the file.
    pub findings: Vec<Finding>,
    /// How many findings more there are.
    pub more: u64,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Bars.
    Bars {
        /// Seconds from one to the next.
        interval_s: i64,
    },
    /// Raw messages.
    Log {
        /// Whose.
        venue: Venue,
        /// Messages read from the lines.
        messages: u64,
        /// Lines under a seal, and who signed.
        sealed: Option<(u64, String)>,
        /// The middle of arrival times less venue times, in milliseconds.
        latency_ms: Option<i64>,
    },
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The row as a text editor or a table viewer counts: a CSV's header is row 1, and so are the
    /// first bar of a parquet or Feather file and the first line of a log.
    pub row: u64,
    /// What it is.
    pub problem: Problem,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Problem {
    /// A row of bars.
    #[error(transparent)]
    Bar(#[from] RowError),
    /// A line that does not begin with a time in nanoseconds and a blank.
    #[error("no time in nanoseconds and a blank at the beginning of the line")]
    NoTime,
    /// A message that cannot be read.
    #[error(transparent)]
    Unreadable(#[from] WireError),
    /// The recorder's clock went back.
    #[error("the clock went back by {by_ms} ms since the line before")]
    ClockBack {
        /// By how much.
        by_ms: u64,
    },
    /// The venue's clock is ahead of the recorder's: the message came before it was sent.
    #[error(
        "clock skew: the message came {worst_ms} ms before it was sent, at worst of {lines} lines"
    )]
    Skew {
        /// The most it is ahead.
        worst_ms: u64,
        /// How many lines from here on, with at most as many good ones between.
        lines: u64,
    },
    /// Every message is late.
    #[error("clock skew: no message came sooner than {least_ms} ms after it was sent")]
    Late {
        /// The least delay.
        least_ms: u64,
    },
    /// A trade that was there before.
    #[error("trade {id} of {symbol} is there twice")]
    Twice {
        /// The market.
        symbol: String,
        /// The venue's name for the trade.
        id: String,
    },
    /// Changes of a book are missing.
    #[error("changes of {symbol} after {have} up to {} are missing", got.previous)]
    BookGap {
        /// The market.
        symbol: String,
        /// The last change there is.
        have: u64,
        /// The next one.
        got: Span,
    },
    /// A book that is not what the venue sums up.
    #[error("the book of {symbol} has checksum {got}; the venue says {wanted}")]
    BookSum {
        /// The market.
        symbol: String,
        /// The venue's.
        wanted: u32,
        /// The book's.
        got: u32,
    },
    /// Nothing came for so long that the connection must have been lost.
    #[error("nothing was recorded for {for_s} s before this line")]
    Silent {
        /// For how long.
        for_s: u64,
    },
    /// Lines that are not what was signed.
    #[error("{0}")]
    Seal(String),
    /// The file itself ends badly: what follows cannot be unpacked.
    #[error("the file cannot be read on: {0}")]
    Ends(String),
    /// The end of a line that was cut off.
    #[error("the last line is cut off")]
    Torn,
}

impl Problem {
    /// Returns one word for machines.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bar(RowError::Cell { .. } | RowError::Cells { .. }) => "cell",
            Self::Bar(RowError::Duplicate { .. }) | Self::Twice { .. } => "duplicate",
            Self::Bar(RowError::Order { .. }) => "order",
            Self::Bar(RowError::Gap { .. }) | Self::BookGap { .. } | Self::Silent { .. } => "gap",
            Self::Bar(RowError::Impossible { .. }) => "impossible",
            Self::Bar(RowError::OffGrid { .. } | RowError::Future { .. })
            | Self::ClockBack { .. }
            | Self::Skew { .. }
            | Self::Late { .. } => "clock",
            Self::NoTime | Self::Unreadable(_) | Self::Torn | Self::Ends(_) => "unreadable",
            Self::BookSum { .. } => "checksum",
            Self::Seal(_) => "signature",
        }
    }

    /// Returns what a step of a book says is wrong.
    fn of_step(symbol: &str, step: Step) -> Option<Self> {
        let symbol = symbol.to_owned();
        match step {
            Step::Gap { have, got } => Some(Self::BookGap { symbol, have, got }),
            Step::Mismatch { wanted, got } => Some(Self::BookSum { symbol, wanted, got }),
            _ => None,
        }
    }
}

/// Findings as they come, the first ones kept.
#[derive(Default)]
struct Findings {
    kept: Vec<Finding>,
    more: u64,
}

impl Findings {
    fn add(&mut self, row: u64, problem: impl Into<Problem>) {
        if self.kept.len() < FINDINGS_MAX {
            self.kept.push(Finding { row, problem: problem.into() });
        } else {
            self.more += 1;
        }
    }
}

/// Looks at a file from its first row to its last; `now_s` is the time, in Unix seconds.
///
/// A log's venue is read from its seals, or told by its messages, unless it is given.
///
/// # Errors
///
/// [`FeedError`] where the file cannot be read at all, or is of none of the known kinds.
pub fn inspect(path: &Path, venue: Option<Venue>, now_s: i64) -> Result<Report, FeedError> {
    if is_log(path)? {
        return lines::inspect(path, venue);
    }
    bars::inspect(path, now_s)
}

/// Hands over every message of a log, and returns whose it is.
///
/// # Errors
///
/// [`FeedError`] where it cannot be read, is no venue's, or has a line that is none, with its row.
pub(crate) fn messages(
    path: &Path,
    venue: Option<Venue>,
    each: &mut dyn FnMut(&crate::Message),
) -> Result<Venue, FeedError> {
    lines::messages(path, venue, each)
}

/// Opens a text file, gzipped or plain.
fn reader(path: &Path) -> Result<Box<dyn BufRead>, FeedError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let file = BufReader::new(file);
    Ok(if path.extension().is_some_and(|ending| ending == "gz") {
        Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> FeedError {
    FeedError::Unreadable { path: path.to_owned(), reason: error.to_string() }
}

/// Whether a file is a log: by its name, or by a first line that begins with a time and a brace.
fn is_log(path: &Path) -> Result<bool, FeedError> {
    let name = path.to_string_lossy();
    if [".log", ".log.gz"].iter().any(|ending| name.ends_with(ending)) {
        return Ok(true);
    }
    if [".parquet", ".feather"].iter().any(|ending| name.ends_with(ending)) {
        return Ok(false);
    }
    let mut beginning = Vec::new();
    let mut reader = std::io::Read::take(reader(path)?, 64);
    std::io::Read::read_to_end(&mut reader, &mut beginning)
        .map_err(|error| unreadable(path, &error))?;
    let blank = beginning.iter().position(|byte| *byte == b' ');
    Ok(blank.is_some_and(|at| {
        at >= 16
            && beginning[..at].iter().all(u8::is_ascii_digit)
            && matches!(beginning.get(at + 1), Some(b'{' | b'['))
    }))
}

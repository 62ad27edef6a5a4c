//! Finding series in folders: a folder is a venue, a file is a market.
//!
//! A file's market is its name without the extension and without its interval
//! (`BTCUSDT_perp_30m.parquet` is `BTCUSDT_perp`). Files are taken in the order of their names, so
//! every machine sees the same list.

use std::fs;
use std::path::{Path, PathBuf};

use market::Series;

use crate::check::{self, Row};
use crate::error::FeedError;
use crate::{csv_bars, feather_bars, parquet_bars, table};

/// Endings of names whose files hold no traded bars.
const OTHER_CONTENT: [&str; 2] = ["_mark", "_funding"];

/// Endings of files of bars.
const ENDINGS: [&str; 4] = [".parquet", ".feather", ".csv.gz", ".csv"];

/// Reads every series in the given folders; each folder is a venue named after it.
///
/// A folder that holds only folders stands for those. A path to a file is that one file, its
/// folder the venue.
///
/// # Errors
///
/// [`FeedError`] names the first file that cannot be read, and the row that is unreadable, doubled,
/// out of order, impossible, or comes after missing bars.
///
/// ```no_run
/// for series in feeds::open(&["data/binance".into(), "data/bybit".into()])? {
///     println!("{}: {} bars", series.name(), series.bars.len());
/// }
/// # Ok::<(), feeds::FeedError>(())
/// ```
pub fn open(paths: &[PathBuf]) -> Result<Vec<Series>, FeedError> {
    open_part(paths, Part::WHOLE)
}

/// Which rows of each file are read, and how long a hole may be.
///
/// ```
/// assert_eq!(feeds::Part::WHOLE.hole_s, 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Bars that begin at this Unix time or later are not read.
    pub before_s: i64,
    /// Intraday bars may be missing for this many seconds on end; nothing takes their place.
    pub hole_s: i64,
}

impl Part {
    /// All of it, without a hole: what [`open`] reads.
    pub const WHOLE: Part = Part { before_s: i64::MAX, hole_s: 0 };
}

/// Reads [`open`]'s series in part; a file all of whose bars come later is passed over.
///
/// # Errors
///
/// As [`open`], for the rows that are read; rows that cannot be read at all are refused wherever
/// they are.
///
/// ```no_run
/// let part = feeds::Part { before_s: 1_583_020_800, hole_s: 48 * 3_600 };
/// for series in feeds::open_part(&["data/binance_hist".into()], part)? {
///     println!("{}: {} bars", series.name(), series.bars.len());
/// }
/// # Ok::<(), feeds::FeedError>(())
/// ```
pub fn open_part(paths: &[PathBuf], part: Part) -> Result<Vec<Series>, FeedError> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_file() {
            let market = market(path).ok_or_else(|| FeedError::Empty { path: path.clone() })?;
            all.extend(file(path, (&venue(path.parent().unwrap_or(path)), &market), part)?);
            continue;
        }
        let (files, folders) = entries(path)?;
        if files.is_empty() && !folders.is_empty() {
            for folder in folders {
                all.extend(venue_series(&folder, part)?);
            }
        } else {
            all.extend(venue_series(path, part)?);
        }
    }
    Ok(all)
}

fn venue_series(folder: &Path, part: Part) -> Result<Vec<Series>, FeedError> {
    let (files, _) = entries(folder)?;
    if files.is_empty() {
        return Err(FeedError::Empty { path: folder.to_owned() });
    }
    let name = venue(folder);
    let mut all = Vec::new();
    for (path, market) in &files {
        all.extend(file(path, (&name, market), part)?);
    }
    Ok(all)
}

/// Files of bars with their markets, and folders, each in the order of names.
type Entries = (Vec<(PathBuf, String)>, Vec<PathBuf>);

fn entries(folder: &Path) -> Result<Entries, FeedError> {
    let unreadable = |error: std::io::Error| FeedError::Unreadable {
        path: folder.to_owned(),
        reason: error.to_string(),
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    let (folders, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    let files = files
        .into_iter()
        .filter_map(|path| market(&path).map(|market| (path, market)))
        .filter(|(_, market)| !OTHER_CONTENT.iter().any(|ending| market.ends_with(ending)))
        .collect();
    Ok((files, folders))
}

fn venue(folder: &Path) -> String {
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    full.file_name().map_or_else(|| "data".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Returns the market a file name stands for, or `None` if its ending is none of ours.
fn market(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let stem = ENDINGS.iter().find_map(|end| name.strip_suffix(end))?;
    let is_interval = |word: &&str| {
        word.strip_suffix(['m', 'h', 'd'])
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let words: Vec<&str> = stem.split('_').filter(|word| !is_interval(word)).collect();
    Some(words.join("_"))
}

fn file(path: &Path, names: (&str, &str), part: Part) -> Result<Option<Series>, FeedError> {
    let (rows, ranged) = rows(path)?;
    let mut bars = table::whole(path, rows)?;
    let all = bars.len();
    bars.retain(|(_, bar)| bar.open_s < part.before_s);
    if bars.is_empty() && all > 0 {
        return Ok(None);
    }
    check::series_with_holes(path, names, (bars, ranged), part.hole_s).map(Some)
}

/// Reads all rows of a file of bars, good or bad, and whether it has ranges.
pub(crate) fn rows(path: &Path) -> Result<(Vec<Row>, bool), FeedError> {
    let name = path.to_string_lossy();
    if name.ends_with(".parquet") {
        return Ok((table::caught(path, parquet_bars::rows)?, true));
    }
    if name.ends_with(".feather") {
        return Ok((table::caught(path, feather_bars::rows)?, true));
    }
    if !ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return Err(FeedError::Empty { path: path.to_owned() });
    }
    let bytes = fs::read(path).map_err(|error| FeedError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let bytes = if name.ends_with(".gz") { csv_bars::unzip(path, &bytes)? } else { bytes };
    csv_bars::rows(path, &bytes)
}

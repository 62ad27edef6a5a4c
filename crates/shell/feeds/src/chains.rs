//! Option chains from parquet: a row a quote, as Deribit's book summaries are written down.
//!
//! Columns: `timestamp` and `expiry_datetime` (text or a timestamp), `currency`, `option_type`,
//! `strike`, `futures_price` (the future of the row's own expiry), `bid_price` and `ask_price` in
//! coin. A price times its future is a price in USD, which is what comes out. An absent bid or ask
//! is none, a row without a future is passed over (its quotes have no price in USD); anything else
//! absent is refused with its row. `index_price`, where there is such a column, is the asset's.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use market::surface::{Chain, Expiry, Quote};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

use crate::error::{FeedError, RowError};
use crate::time;

/// Seconds of a year of 365 days.
const YEAR_S: f64 = 31_536_000.0;

/// Reads every chain of a file: one an asset and a moment, in that order.
///
/// Expiries that are over when the chain was taken are left out.
///
/// # Errors
///
/// [`FeedError`] if the file cannot be read, lacks a column, or a row has no number where one
/// belongs.
///
/// ```no_run
/// for chain in feeds::chains("data/deribit/option_chain_daily.parquet".as_ref())? {
///     println!("{} at {}: {} expiries", chain.asset, chain.time_s, chain.expiries.len());
/// }
/// # Ok::<(), feeds::FeedError>(())
/// ```
pub fn chains(path: &Path) -> Result<Vec<Chain>, FeedError> {
    let unreadable = |reason: String| FeedError::Unreadable { path: path.to_owned(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let reader = SerializedFileReader::new(file).map_err(|error| unreadable(error.to_string()))?;
    let mut all: BTreeMap<(String, i64), Rows> = BTreeMap::new();
    for (index, row) in
        reader.get_row_iter(None).map_err(|e| unreadable(e.to_string()))?.enumerate()
    {
        let row = row.map_err(|error| unreadable(error.to_string()))?;
        let row = Cells { path, row: &row, number: index + 1 };
        let (time_s, expiry_s) = (row.time("timestamp")?, row.time("expiry_datetime")?);
        if expiry_s <= time_s {
            continue;
        }
        let Some(future) = row.maybe("futures_price")? else { continue };
        let price = |coin: Option<f64>| coin.map(|coin| coin * future);
        let quote = Quote {
            future,
            strike: row.number("strike")?,
            call: row.text("option_type")?.starts_with(['c', 'C']),
            bid: price(row.maybe("bid_price")?),
            ask: price(row.maybe("ask_price")?),
        };
        let (indices, chain) = all.entry((row.text("currency")?, time_s)).or_default();
        indices.extend(row.index()?);
        let expiry = chain.entry(expiry_s).or_insert_with(|| {
            #[expect(clippy::cast_precision_loss, reason = "some years of seconds")]
            let years = (expiry_s - time_s) as f64 / YEAR_S;
            Expiry { expiry_s, years, quotes: Vec::new() }
        });
        expiry.quotes.push(quote);
    }
    let mut chains = Vec::new();
    for ((asset, time_s), (mut indices, expiries)) in all {
        indices.sort_unstable_by(f64::total_cmp);
        let index = indices.get(indices.len() / 2).copied();
        chains.push(Chain { asset, time_s, index, expiries: expiries.into_values().collect() });
    }
    Ok(chains)
}

/// The indices of a chain's rows, and its expiries.
type Rows = (Vec<f64>, BTreeMap<i64, Expiry>);

/// A row, and where it is.
struct Cells<'a> {
    path: &'a Path,
    row: &'a Row,
    number: usize,
}

impl Cells<'_> {
    fn field(&self, name: &'static str) -> Result<&Field, FeedError> {
        let found = self.row.get_column_iter().find(|(column, _)| *column == name);
        found.map(|(_, field)| field).ok_or_else(|| {
            let names: Vec<&str> = self.row.get_column_iter().map(|(n, _)| n.as_str()).collect();
            let (path, found) = (self.path.to_owned(), names.join(", "));
            FeedError::Column { path, column: name, found }
        })
    }

    fn refuse(&self, column: &str, wanted: &'static str, field: &Field) -> FeedError {
        let (column, text) = (column.to_owned(), field.to_string());
        let problem = RowError::Cell { column, text, wanted };
        FeedError::Row { path: self.path.to_owned(), row: self.number, problem }
    }

    fn text(&self, name: &'static str) -> Result<String, FeedError> {
        match self.field(name)? {
            Field::Str(text) => Ok(text.clone()),
            field => Err(self.refuse(name, "a text", field)),
        }
    }

    /// A number that may be absent: null or NaN.
    fn maybe(&self, name: &'static str) -> Result<Option<f64>, FeedError> {
        match self.field(name)? {
            Field::Null => Ok(None),
            Field::Double(x) => Ok(Some(*x).filter(|x| x.is_finite())),
            Field::Float(x) => Ok(Some(f64::from(*x)).filter(|x| x.is_finite())),
            field => Err(self.refuse(name, "a number", field)),
        }
    }

    /// The asset's index, none where the file has no such column.
    fn index(&self) -> Result<Option<f64>, FeedError> {
        let has = self.row.get_column_iter().any(|(column, _)| column == "index_price");
        if has { Ok(self.maybe("index_price")?.filter(|x| *x > 0.0)) } else { Ok(None) }
    }

    /// A positive number.
    fn number(&self, name: &'static str) -> Result<f64, FeedError> {
        let found = self.maybe(name)?.filter(|x| *x > 0.0);
        found.ok_or_else(|| {
            let field = self.field(name).unwrap_or(&Field::Null);
            self.refuse(name, "a positive number", field)
        })
    }

    fn time(&self, name: &'static str) -> Result<i64, FeedError> {
        let field = self.field(name)?;
        let seconds = match field {
            Field::Str(text) => time::parse(text),
            Field::TimestampMillis(ms) => Some(ms.div_euclid(1_000)),
            Field::TimestampMicros(us) => Some(us.div_euclid(1_000_000)),
            Field::Long(number) => time::parse(&number.to_string()),
            _ => None,
        };
        seconds.ok_or_else(|| self.refuse(name, "a time", field))
    }
}

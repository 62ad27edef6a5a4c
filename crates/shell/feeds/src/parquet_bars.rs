//! Bars from parquet: columns `date`, `open`, `high`, `low`, `close` and, if there, `volume`.
//!
//! `date` is a timestamp of any unit (or seconds, milli-, micro- or nanoseconds as plain i64, told
//! apart by size); prices are doubles or floats. A null is named with its row.

use std::fs::File;
use std::path::Path;

use parquet::basic::{LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use crate::check::Row;
use crate::error::FeedError;
use crate::table::{Columns, Places};
use crate::time;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 1 << 16;

/// Reads all rows of a file, good or bad.
pub(crate) fn rows(path: &Path) -> Result<Vec<Row>, FeedError> {
    let unreadable = |reason: String| FeedError::Unreadable { path: path.to_owned(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let reader = SerializedFileReader::new(file).map_err(|e| unreadable(e.to_string()))?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: Vec<String> =
        schema.columns().iter().map(|c| c.name().to_ascii_lowercase()).collect();
    let places = Places::find(path, &names)?;
    let unit = schema.column(places.date).logical_type_ref().and_then(|logical| match logical {
        LogicalType::Timestamp(timestamp) => Some(timestamp.unit),
        _ => None,
    });
    let mut rows = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|e| unreadable(e.to_string()))?;
        let get = |index: usize| {
            cells(group.as_ref(), index).map_err(|error| match error {
                CellsError::Parquet(error) => unreadable(error.to_string()),
                CellsError::Kind => {
                    unreadable(format!("column {:?} is not a number", names[index]))
                }
            })
        };
        let real = |index: usize| get(index).map(Cells::numbers);
        let [open, high, low, close] = places.prices;
        let columns = Columns {
            dates: get(places.date)?.seconds(unit),
            prices: [real(open)?, real(high)?, real(low)?, real(close)?],
            volume: places.volume.map(real).transpose()?,
        };
        if !columns.append(&names, &places, &mut rows) {
            return Err(unreadable("its columns differ in length".to_owned()));
        }
    }
    Ok(rows)
}

/// A column's values.
enum Cells {
    Whole(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
}

impl Cells {
    fn numbers(self) -> Vec<Option<f64>> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "prices in whole units are small")]
            Self::Whole(values) => {
                values.into_iter().map(|value| value.map(|v| v as f64)).collect()
            }
            Self::Real(values) => values,
        }
    }

    /// Returns Unix seconds, or the text of what is no time.
    fn seconds(self, unit: Option<TimeUnit>) -> Vec<Result<i64, String>> {
        let told = |text: String| time::parse(&text).ok_or(text);
        let second = |value: i64| match unit {
            Some(TimeUnit::MILLIS) => Ok(value.div_euclid(1_000)),
            Some(TimeUnit::MICROS) => Ok(value.div_euclid(1_000_000)),
            Some(TimeUnit::NANOS) => Ok(value.div_euclid(1_000_000_000)),
            None => told(value.to_string()),
        };
        let none = || Err(String::new());
        match self {
            Self::Whole(values) => {
                values.into_iter().map(|value| value.map_or_else(none, second)).collect()
            }
            Self::Real(values) => {
                let told = |value: f64| told(value.to_string());
                values.into_iter().map(|value| value.map_or_else(none, told)).collect()
            }
        }
    }
}

enum CellsError {
    Parquet(ParquetError),
    Kind,
}

fn cells(group: &dyn RowGroupReader, index: usize) -> Result<Cells, CellsError> {
    let defined = group.metadata().column(index).column_descr().max_def_level();
    let reader = group.get_column_reader(index).map_err(CellsError::Parquet)?;
    match reader {
        ColumnReader::Int64ColumnReader(column) => values(column, defined, |v| v).map(Cells::Whole),
        ColumnReader::Int32ColumnReader(column) => {
            values(column, defined, i64::from).map(Cells::Whole)
        }
        ColumnReader::DoubleColumnReader(column) => values(column, defined, |v| v).map(Cells::Real),
        ColumnReader::FloatColumnReader(column) => {
            values(column, defined, f64::from).map(Cells::Real)
        }
        _ => Err(CellsError::Kind),
    }
}

/// Reads a column; where it may have nulls, a row has a value where its level is `defined`.
fn values<T: DataType, V>(
    mut column: ColumnReaderImpl<T>,
    defined: i16,
    of: impl Fn(T::T) -> V,
) -> Result<Vec<Option<V>>, CellsError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    loop {
        let wanted = (defined > 0).then_some(&mut levels);
        let (records, _, _) = column
            .read_records(BATCH_ROWS, wanted, None, &mut values)
            .map_err(CellsError::Parquet)?;
        if records == 0 {
            break;
        }
    }
    let mut values = values.into_iter().map(of);
    if defined == 0 {
        return Ok(values.map(Some).collect());
    }
    Ok(levels
        .into_iter()
        .map(|level| if level == defined { values.next() } else { None })
        .collect())
}

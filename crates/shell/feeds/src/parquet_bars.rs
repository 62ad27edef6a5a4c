//! Bars from parquet: columns `date`, `open`, `high`, `low`, `close` and, if there, `volume`.
//!
//! `date` is a timestamp of any unit (or seconds, milli-, micro- or nanoseconds as plain i64, told
//! apart by size); prices are doubles or floats. A null anywhere is refused with its row.

use std::fs::File;
use std::path::Path;

use market::Bar;
use parquet::basic::{LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use crate::check::Numbered;
use crate::error::{FeedError, RowError};
use crate::time;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 1 << 16;

/// Reads all bars of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<Numbered>, FeedError> {
    let unreadable = |reason: String| FeedError::Unreadable { path: path.to_owned(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let reader = SerializedFileReader::new(file).map_err(|e| unreadable(e.to_string()))?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: Vec<String> =
        schema.columns().iter().map(|c| c.name().to_ascii_lowercase()).collect();
    let column = |wanted: &'static str| {
        names.iter().position(|name| name == wanted).ok_or_else(|| FeedError::Column {
            path: path.to_owned(),
            column: wanted,
            found: names.join(", "),
        })
    };
    let date = column("date").or_else(|error| column("timestamp").map_err(|_| error))?;
    let prices = [column("open")?, column("high")?, column("low")?, column("close")?];
    let volume = column("volume").ok();
    let unit = schema.column(date).logical_type_ref().and_then(|logical| match logical {
        LogicalType::Timestamp(timestamp) => Some(timestamp.unit),
        _ => None,
    });
    let mut rows: Vec<Numbered> = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|e| unreadable(e.to_string()))?;
        let before = rows.len();
        let get = |index: usize| {
            cells(group.as_ref(), index, before).map_err(|error| match error {
                CellsError::Parquet(error) => unreadable(error.to_string()),
                CellsError::Null { row } => FeedError::Row {
                    path: path.to_owned(),
                    row,
                    problem: RowError::Cell {
                        column: names[index].clone(),
                        text: String::new(),
                        wanted: "a number",
                    },
                },
                CellsError::Kind => {
                    unreadable(format!("column {:?} is not a number", names[index]))
                }
            })
        };
        let times = get(date)?;
        let [open, high, low, close] =
            [get(prices[0])?, get(prices[1])?, get(prices[2])?, get(prices[3])?];
        let volume = volume.map(get).transpose()?;
        for i in 0..times.len() {
            let open_s = times.seconds(i, unit).ok_or_else(|| FeedError::Row {
                path: path.to_owned(),
                row: before + i + 1,
                problem: RowError::Cell {
                    column: names[date].clone(),
                    text: times.number(i).to_string(),
                    wanted: "a time",
                },
            })?;
            let bar = Bar {
                open_s,
                open: open.number(i),
                high: high.number(i),
                low: low.number(i),
                close: close.number(i),
                volume: volume.as_ref().map_or(0.0, |v| v.number(i)),
            };
            rows.push((before + i + 1, bar));
        }
    }
    Ok(rows)
}

/// A column's values, all of them present.
enum Cells {
    Whole(Vec<i64>),
    Real(Vec<f64>),
}

impl Cells {
    fn len(&self) -> usize {
        match self {
            Cells::Whole(values) => values.len(),
            Cells::Real(values) => values.len(),
        }
    }

    fn number(&self, index: usize) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "prices in whole units are small")]
            Cells::Whole(values) => values[index] as f64,
            Cells::Real(values) => values[index],
        }
    }

    fn seconds(&self, index: usize, unit: Option<TimeUnit>) -> Option<i64> {
        match (self, unit) {
            (Cells::Whole(values), Some(TimeUnit::MILLIS)) => Some(values[index].div_euclid(1_000)),
            (Cells::Whole(values), Some(TimeUnit::MICROS)) => {
                Some(values[index].div_euclid(1_000_000))
            }
            (Cells::Whole(values), Some(TimeUnit::NANOS)) => {
                Some(values[index].div_euclid(1_000_000_000))
            }
            (Cells::Whole(values), None) => time::parse(&values[index].to_string()),
            (Cells::Real(values), _) => time::parse(&values[index].to_string()),
        }
    }
}

enum CellsError {
    Parquet(ParquetError),
    Null { row: usize },
    Kind,
}

fn cells(group: &dyn RowGroupReader, index: usize, before: usize) -> Result<Cells, CellsError> {
    let optional = group.metadata().column(index).column_descr().max_def_level() > 0;
    let reader = group.get_column_reader(index).map_err(CellsError::Parquet)?;
    match reader {
        ColumnReader::Int64ColumnReader(column) => {
            values(column, optional, before).map(Cells::Whole)
        }
        ColumnReader::Int32ColumnReader(column) => values(column, optional, before)
            .map(|values| Cells::Whole(values.into_iter().map(i64::from).collect())),
        ColumnReader::DoubleColumnReader(column) => {
            values(column, optional, before).map(Cells::Real)
        }
        ColumnReader::FloatColumnReader(column) => values(column, optional, before)
            .map(|values| Cells::Real(values.into_iter().map(f64::from).collect())),
        _ => Err(CellsError::Kind),
    }
}

fn values<T: DataType>(
    mut column: ColumnReaderImpl<T>,
    optional: bool,
    before: usize,
) -> Result<Vec<T::T>, CellsError> {
    let mut values = Vec::new();
    let mut levels = Vec::new();
    loop {
        let wanted = optional.then_some(&mut levels);
        let (records, _, _) = column
            .read_records(BATCH_ROWS, wanted, None, &mut values)
            .map_err(CellsError::Parquet)?;
        if let Some(null) = levels.iter().position(|level| *level == 0) {
            return Err(CellsError::Null { row: before + null + 1 });
        }
        if records == 0 {
            return Ok(values);
        }
    }
}

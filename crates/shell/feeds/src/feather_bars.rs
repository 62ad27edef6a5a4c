//! Bars from Feather (version 2, the Arrow IPC file), as freqtrade and pandas write them: columns
//! as in parquet, plain or compressed with LZ4 or Zstandard.
//!
//! `date` is a timestamp of any unit in UTC or without a zone, or a whole number told apart by
//! size; prices are doubles, floats or whole numbers. A null is named with its row.

mod sizes;

use std::io::Cursor;
use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrowPrimitiveType};
use arrow_ipc::reader::FileReader;
use arrow_schema::{DataType, TimeUnit};

use crate::check::Row;
use crate::error::FeedError;
use crate::table::{Columns, Places};
use crate::time;

/// Reads all rows of a file, good or bad.
pub(crate) fn rows(path: &Path) -> Result<Vec<Row>, FeedError> {
    let unreadable = |reason: String| FeedError::Unreadable { path: path.to_owned(), reason };
    let file = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    sizes::check(&file).map_err(unreadable)?;
    let reader = FileReader::try_new(Cursor::new(file), None);
    let reader = reader.map_err(|error| unreadable(error.to_string()))?;
    let names: Vec<String> =
        reader.schema().fields().iter().map(|field| field.name().to_ascii_lowercase()).collect();
    let places = Places::find(path, &names)?;
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| unreadable(error.to_string()))?;
        let kind = |index: usize| unreadable(format!("column {:?} is not a number", names[index]));
        let real = |index: usize| numbers(batch.column(index).as_ref()).ok_or_else(|| kind(index));
        let [open, high, low, close] = places.prices;
        let columns = Columns {
            dates: seconds(batch.column(places.date).as_ref()).ok_or_else(|| kind(places.date))?,
            prices: [real(open)?, real(high)?, real(low)?, real(close)?],
            volume: places.volume.map(real).transpose()?,
        };
        if !columns.append(&names, &places, &mut rows) {
            return Err(unreadable("its columns differ in length".to_owned()));
        }
    }
    Ok(rows)
}

/// Returns a column's numbers, or `None` where it holds something else.
fn numbers(array: &dyn Array) -> Option<Vec<Option<f64>>> {
    Some(match array.data_type() {
        DataType::Float64 => array.as_primitive::<Float64Type>().iter().collect(),
        DataType::Float32 => reals::<Float32Type>(array),
        DataType::Int32 => reals::<Int32Type>(array),
        #[expect(clippy::cast_precision_loss, reason = "prices in whole units are small")]
        DataType::Int64 => {
            array.as_primitive::<Int64Type>().iter().map(|v| v.map(|v| v as f64)).collect()
        }
        _ => return None,
    })
}

fn reals<T: ArrowPrimitiveType>(array: &dyn Array) -> Vec<Option<f64>>
where
    f64: From<T::Native>,
{
    array.as_primitive::<T>().iter().map(|value| value.map(f64::from)).collect()
}

/// Returns Unix seconds, or the text of what is no time; `None` where the column holds none.
///
/// Arrow's values are UTC whatever the zone; without one they are taken for UTC.
fn seconds(array: &dyn Array) -> Option<Vec<Result<i64, String>>> {
    Some(match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => units::<TimestampSecondType>(array, 1),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            units::<TimestampMillisecondType>(array, 1_000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            units::<TimestampMicrosecondType>(array, 1_000_000)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            units::<TimestampNanosecondType>(array, 1_000_000_000)
        }
        DataType::Int64 => {
            let told = |value: i64| time::parse(&value.to_string()).ok_or(value.to_string());
            let values = array.as_primitive::<Int64Type>().iter();
            values.map(|value| value.map_or_else(|| Err(String::new()), told)).collect()
        }
        _ => return None,
    })
}

fn units<T: ArrowPrimitiveType<Native = i64>>(
    array: &dyn Array,
    unit: i64,
) -> Vec<Result<i64, String>> {
    let second = |value: Option<i64>| value.map(|v| v.div_euclid(unit)).ok_or(String::new());
    array.as_primitive::<T>().iter().map(second).collect()
}

//! Writing bars as parquet, in the columns that [`open`](crate::open) reads: `date` in milliseconds
//! UTC, then open, high, low, close and volume as doubles.
//!
//! *Invariant: a file is whole or not there*: it is written under another name and moved.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use market::Bar;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::error::FeedError;

/// The columns.
const SCHEMA: &str = "message bars {
    REQUIRED INT64 date (TIMESTAMP(MILLIS, true));
    REQUIRED DOUBLE open;
    REQUIRED DOUBLE high;
    REQUIRED DOUBLE low;
    REQUIRED DOUBLE close;
    REQUIRED DOUBLE volume;
}";

/// Writes bars to a parquet file; makes its folder where there is none.
///
/// # Errors
///
/// [`FeedError::Unwritable`] where the disk says no.
pub fn write(path: &Path, bars: &[Bar]) -> Result<(), FeedError> {
    let unwritable = |reason: String| FeedError::Unwritable { path: path.to_owned(), reason };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| unwritable(error.to_string()))?;
    }
    let mut other = path.as_os_str().to_owned();
    other.push(".new");
    let file = File::create(&other).map_err(|error| unwritable(error.to_string()))?;
    fill(&file, bars).map_err(|error| unwritable(error.to_string()))?;
    file.sync_all().map_err(|error| unwritable(error.to_string()))?;
    fs::rename(&other, path).map_err(|error| unwritable(error.to_string()))
}

fn fill(file: &File, bars: &[Bar]) -> Result<(), ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("assay ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let dates: Vec<i64> = bars.iter().map(|bar| bar.open_s.saturating_mul(1_000)).collect();
    if let Some(mut column) = group.next_column()? {
        column.typed::<Int64Type>().write_batch(&dates, None, None)?;
        column.close()?;
    }
    let columns: [fn(&Bar) -> f64; 5] =
        [|bar| bar.open, |bar| bar.high, |bar| bar.low, |bar| bar.close, |bar| bar.volume];
    for column in columns {
        real(&mut group, &bars.iter().map(column).collect::<Vec<_>>())?;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

fn real(
    group: &mut SerializedRowGroupWriter<'_, &File>,
    values: &[f64],
) -> Result<(), ParquetError> {
    if let Some(mut column) = group.next_column()? {
        column.typed::<DoubleType>().write_batch(values, None, None)?;
        column.close()?;
    }
    Ok(())
}

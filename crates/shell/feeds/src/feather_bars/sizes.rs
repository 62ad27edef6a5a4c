//! What an Arrow file says of its sizes, looked at before anybody allocates them: the library
//! believes it, and a process that cannot allocate is killed rather than told.

use arrow_ipc::reader::read_footer_length;
use arrow_ipc::{Block, RecordBatch, root_as_footer, root_as_message};

/// The most a buffer may unpack to, in bytes: 128 million prices.
const UNPACKED_BYTES_MAX: i64 = 1 << 30;
/// Marks a message whose length follows; old files have the length alone.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Looks at every compressed buffer of a file. What is malformed in another way is left to the
/// library, which says so.
///
/// # Errors
///
/// One sentence, where a buffer says that it unpacks to more than [`UNPACKED_BYTES_MAX`].
pub(super) fn check(file: &[u8]) -> Result<(), String> {
    for (message, body) in blocks(file).unwrap_or_default() {
        let Ok(message) = root_as_message(message) else { continue };
        let data = message.header_as_dictionary_batch().and_then(|batch| batch.data());
        let Some(batch) = message.header_as_record_batch().or(data) else { continue };
        let largest = unpacked(&batch, body).max().unwrap_or(0);
        if largest > UNPACKED_BYTES_MAX {
            return Err(format!("a column would unpack to {largest} bytes"));
        }
    }
    Ok(())
}

/// Returns the sizes that a batch's buffers say they unpack to.
fn unpacked<'a>(batch: &RecordBatch<'a>, body: &'a [u8]) -> impl Iterator<Item = i64> + use<'a> {
    let compressed = batch.compression().is_some();
    let buffers = batch.buffers().filter(|_| compressed).into_iter().flatten();
    buffers.filter_map(|buffer| {
        let start = usize::try_from(buffer.offset()).ok()?;
        body.get(start..)?.first_chunk().map(|size| i64::from_le_bytes(*size))
    })
}

/// Returns each message and its body; `None` where there is no footer.
fn blocks(file: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let (rest, trailer) = file.split_last_chunk::<10>()?;
    let size = read_footer_length(*trailer).ok()?;
    let footer = root_as_footer(rest.get(rest.len().checked_sub(size)?..)?).ok()?;
    let blocks = footer.dictionaries().into_iter().chain(footer.recordBatches()).flatten();
    Some(blocks.filter_map(|block| parts(file, block)).collect())
}

fn parts<'a>(file: &'a [u8], block: &Block) -> Option<(&'a [u8], &'a [u8])> {
    let start = usize::try_from(block.offset()).ok()?;
    let size = usize::try_from(block.metaDataLength()).ok()?;
    let (message, body) = file.get(start..)?.split_at_checked(size)?;
    let prefix = if message.starts_with(&CONTINUATION) { 8 } else { 4 };
    Some((message.get(prefix..)?, body))
}

//! Frames on a stream: the length first, checked before a byte more is read.
//!
//! Invariant: what is held of an unfinished message never exceeds what has arrived of it, and never
//! the limit of its kind. Absent: deadlines, which whoever reads sets around these.

use iroh::endpoint::{ReadExactError, RecvStream};

use crate::wire::{self, Message, PREFIX_SIZE, WireError};

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// Why no message came out of a stream.
#[derive(Debug)]
pub(crate) enum ReadFault {
    /// The stream or its connection ended first. Nobody need be at fault.
    Lost(String),
    /// The other side sent what is no message.
    Wire(WireError),
}

/// What the first five bytes of a frame say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) size: usize,
    pub(crate) kind: u8,
}

impl Head {
    /// Returns the length of the whole frame, in bytes.
    pub(crate) fn frame_size(self) -> usize {
        PREFIX_SIZE + self.size
    }
}

/// Reads as far as the first byte of a message, and refuses one that would be too long.
pub(crate) async fn read_head<M: Message>(from: &mut RecvStream) -> Result<Head, ReadFault> {
    let mut prefix = [0; PREFIX_SIZE];
    read_exact(from, &mut prefix).await?;
    let size = usize::try_from(u32::from_le_bytes(prefix)).unwrap_or(usize::MAX);
    if size == 0 {
        return Err(ReadFault::Wire(WireError::Empty));
    }
    let mut kind = [0];
    read_exact(from, &mut kind).await?;
    let [kind] = kind;
    wire::check_size::<M>(size, kind).map_err(ReadFault::Wire)?;
    Ok(Head { size, kind })
}

/// Reads the rest of the message and that nothing follows it.
pub(crate) async fn read_rest<M: Message>(
    from: &mut RecvStream,
    head: Head,
) -> Result<M, ReadFault> {
    let mut bytes = Vec::with_capacity(head.size.min(CHUNK));
    bytes.push(head.kind);
    while bytes.len() < head.size {
        let wanted = (head.size - bytes.len()).min(CHUNK);
        match from.read_chunk(wanted).await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Err(ReadFault::Lost("the message was cut short".to_owned())),
            Err(error) => return Err(ReadFault::Lost(error.to_string())),
        }
    }
    match from.read_chunk(1).await {
        Ok(None) => wire::decode(&bytes).map_err(ReadFault::Wire),
        Ok(Some(chunk)) => {
            let (kind, count) = (head.kind, chunk.len());
            Err(ReadFault::Wire(WireError::Trailing { kind, count }))
        }
        Err(error) => Err(ReadFault::Lost(error.to_string())),
    }
}

/// Fills `bytes` from the stream.
pub(crate) async fn read_exact(from: &mut RecvStream, bytes: &mut [u8]) -> Result<(), ReadFault> {
    from.read_exact(bytes).await.map_err(|error| match error {
        ReadExactError::FinishedEarly(_) => ReadFault::Lost("the stream ended early".to_owned()),
        ReadExactError::ReadError(error) => ReadFault::Lost(error.to_string()),
    })
}

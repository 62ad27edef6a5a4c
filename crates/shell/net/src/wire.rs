//! Questions and answers as bytes.
//!
//! A message is a frame: its length as a little-endian `u32`, then that many bytes, which are the
//! `postcard` encoding of one closed enum. The first of them is the variant, and the variant bounds
//! the length, so a frame that is too long is known to be before it is read.
//!
//! Invariant: decoding any bytes returns a message or a [`WireError`], in time and memory linear in
//! their number. Absent: streaming, compression, and any meaning; a decoded message is well formed,
//! which says nothing about whether it is true.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Hash32,
    limits::{BLOB_SIZE_MAX, PATH_MAX, PIECE_SIZE_MAX, PIECES_MAX, REASON_SIZE_MAX},
    pieces::Item,
};

/// The length of a frame's prefix, in bytes.
pub(crate) const PREFIX_SIZE: usize = 4;

/// The longest varint that a length within our limits, or a `u32`, can be.
const VARINT_32: usize = 5;
/// The longest varint of a `u64`.
const VARINT_64: usize = 10;

/// The longest encoding of an item: its kind, its name, its size.
const ITEM: usize = 1 + 32 + VARINT_64;

/// A question to a peer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Asks for the blob with this BLAKE3 hash.
    Get {
        /// The hash.
        blob: Hash32,
    },
    /// Hands over an update and asks for a signature that it is kept.
    Offer {
        /// The round.
        round: u64,
        /// The offering node's registry index.
        node: u32,
        /// The tensor root of the update.
        update_root: Hash32,
        /// The BLAKE3 of `bytes`.
        blob: Hash32,
        /// The update, `i32` little-endian.
        #[serde(with = "raw")]
        bytes: Vec<u8>,
    },
    /// Asks what the peer is doing.
    Status,
    /// Asks for the tensor with this root, as the bytes of `node`'s tensor store.
    Tensor {
        /// The tensor root, which whoever asked checks; the transport cannot.
        root: Hash32,
    },
    /// Asks which pieces of an item the peer has.
    Have {
        /// The item.
        item: Item,
    },
    /// Asks for one piece of an item, with the hashes beside its way up.
    Piece {
        /// The item.
        item: Item,
        /// Which piece, from 0.
        index: u32,
    },
    /// Asks for a share of a private update, of whom it was made or of its other holder.
    Share {
        /// The round.
        round: u64,
        /// Registry index of the trainer.
        node: u32,
        /// Which of its three shares.
        share: u8,
    },
}

/// The answer to a [`Request`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// The blob that was asked for.
    Blob(#[serde(with = "raw")] Vec<u8>),
    /// The peer does not have it.
    NotFound,
    /// The peer keeps the update and signs that it does.
    Attest {
        /// `r ‖ s ‖ v` over the digest of availability, docs/protocol.md §2.
        #[serde(with = "signature")]
        signature: [u8; 65],
    },
    /// The peer will not do it.
    Refused {
        /// Why, for a log; at most [`REASON_SIZE_MAX`] bytes, nothing to act on.
        reason: String,
    },
    /// What the peer is doing.
    Status {
        /// Its registry index, once it has one.
        node: Option<u32>,
        /// The round it works on.
        round: u64,
        /// The chain's block it has seen last.
        block: u64,
        /// How many blobs it keeps.
        blobs: u64,
    },
    /// Which pieces the peer has: bit `i % 8` of byte `i / 8` is piece `i`, unused bits are zero.
    Have(#[serde(with = "raw")] Vec<u8>),
    /// A piece.
    Piece {
        /// The hashes beside its way up to the item's name, lowest first.
        path: Vec<Hash32>,
        /// Its bytes.
        #[serde(with = "raw")]
        bytes: Vec<u8>,
    },
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WireError {
    /// A frame of length zero, or none at all.
    #[error("an empty message")]
    Empty,
    /// The first byte names no message.
    #[error("no message begins with byte {kind}")]
    Kind {
        /// The byte.
        kind: u8,
    },
    /// More bytes than a message of its kind may have.
    #[error("a message of kind {kind} with {size} bytes, at most {size_max} are allowed")]
    Size {
        /// The first byte.
        kind: u8,
        /// How long it is.
        size: usize,
        /// How long it may be.
        size_max: usize,
    },
    /// The bytes after the first are not those of a message of its kind.
    #[error("a malformed message of kind {kind}")]
    Malformed {
        /// The first byte.
        kind: u8,
    },
    /// Bytes are left over after the message.
    #[error("{count} bytes after the end of a message of kind {kind}")]
    Trailing {
        /// The first byte.
        kind: u8,
        /// How many.
        count: usize,
    },
    /// A question about an item or a piece that there cannot be.
    #[error("no item of {size} bytes has a piece {index}")]
    Item {
        /// How long the item is said to be.
        size: u64,
        /// Which piece is asked for; 0 where none is.
        index: u32,
    },
    /// A field is longer than the protocol allows.
    #[error("a field of {size} bytes, at most {size_max} are allowed")]
    Field {
        /// How long it is.
        size: usize,
        /// How long it may be.
        size_max: usize,
    },
}

/// Either enum of the protocol: what framing needs to know about both.
pub(crate) trait Message: Sized + Serialize + for<'de> Deserialize<'de> {
    /// Returns how many bytes a message may have whose first byte is `kind`; nothing if none may.
    fn size_max(kind: u8) -> Option<usize>;

    /// Returns the length of the longest field, with its limit.
    fn check_fields(&self) -> Result<(), WireError>;
}

impl Message for Request {
    fn size_max(kind: u8) -> Option<usize> {
        match kind {
            0 => Some(1 + 32),
            1 => Some(1 + VARINT_64 + VARINT_32 + 32 + 32 + VARINT_32 + BLOB_SIZE_MAX),
            2 => Some(1),
            3 => Some(1 + 32),
            4 => Some(1 + ITEM),
            5 => Some(1 + ITEM + VARINT_32),
            6 => Some(1 + VARINT_64 + VARINT_32 + 1),
            _ => None,
        }
    }

    fn check_fields(&self) -> Result<(), WireError> {
        match self {
            Request::Get { .. }
            | Request::Status
            | Request::Tensor { .. }
            | Request::Share { .. } => Ok(()),
            Request::Offer { bytes, .. } => within(bytes.len(), BLOB_SIZE_MAX),
            Request::Have { item } => exists(item, 0),
            Request::Piece { item, index } => exists(item, *index),
        }
    }
}

impl Message for Response {
    fn size_max(kind: u8) -> Option<usize> {
        match kind {
            0 => Some(1 + VARINT_32 + BLOB_SIZE_MAX),
            1 => Some(1),
            2 => Some(1 + 65),
            3 => Some(1 + VARINT_32 + REASON_SIZE_MAX),
            4 => Some(1 + 1 + VARINT_32 + 3 * VARINT_64),
            5 => Some(1 + VARINT_32 + PIECES_MAX / 8),
            6 => Some(1 + VARINT_32 + 32 * PATH_MAX + VARINT_32 + PIECE_SIZE_MAX),
            _ => None,
        }
    }

    fn check_fields(&self) -> Result<(), WireError> {
        match self {
            Response::Blob(bytes) => within(bytes.len(), BLOB_SIZE_MAX),
            Response::Refused { reason } => within(reason.len(), REASON_SIZE_MAX),
            Response::NotFound | Response::Attest { .. } | Response::Status { .. } => Ok(()),
            Response::Have(map) => within(map.len(), PIECES_MAX / 8),
            Response::Piece { path, bytes } => {
                within(path.len(), PATH_MAX)?;
                within(bytes.len(), PIECE_SIZE_MAX)
            }
        }
    }
}

fn within(size: usize, size_max: usize) -> Result<(), WireError> {
    if size > size_max { Err(WireError::Field { size, size_max }) } else { Ok(()) }
}

fn exists(item: &Item, index: u32) -> Result<(), WireError> {
    if item.is_sound() && index < item.count() {
        return Ok(());
    }
    Err(WireError::Item { size: item.size, index })
}

impl Request {
    /// The first byte of an offer, the only question with a long body.
    pub(crate) const OFFER: u8 = 1;

    /// Returns the message in a frame's bytes, without its length.
    ///
    /// # Errors
    ///
    /// [`WireError`] if they are not exactly one question within the limits.
    pub fn decode(bytes: &[u8]) -> Result<Request, WireError> {
        decode(bytes)
    }

    /// Returns the whole frame, length included.
    ///
    /// # Errors
    ///
    /// [`WireError::Field`] if a field is longer than the protocol allows.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        encode(self)
    }
}

impl Response {
    /// Returns the message in a frame's bytes, without its length.
    ///
    /// # Errors
    ///
    /// [`WireError`] if they are not exactly one answer within the limits.
    pub fn decode(bytes: &[u8]) -> Result<Response, WireError> {
        decode(bytes)
    }

    /// Returns the whole frame, length included.
    ///
    /// # Errors
    ///
    /// [`WireError::Field`] if a field is longer than the protocol allows.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        encode(self)
    }

    /// Returns a refusal, its reason cut to what the protocol allows.
    pub fn refused(reason: impl Into<String>) -> Response {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(REASON_SIZE_MAX));
        Response::Refused { reason }
    }
}

/// Returns how many bytes may follow a frame's prefix, given the prefix's length and the first
/// byte.
pub(crate) fn check_size<M: Message>(size: usize, kind: u8) -> Result<(), WireError> {
    let size_max = M::size_max(kind).ok_or(WireError::Kind { kind })?;
    if size > size_max { Err(WireError::Size { kind, size, size_max }) } else { Ok(()) }
}

pub(crate) fn decode<M: Message>(bytes: &[u8]) -> Result<M, WireError> {
    let kind = *bytes.first().ok_or(WireError::Empty)?;
    check_size::<M>(bytes.len(), kind)?;
    let (message, rest) =
        postcard::take_from_bytes::<M>(bytes).map_err(|_| WireError::Malformed { kind })?;
    if !rest.is_empty() {
        return Err(WireError::Trailing { kind, count: rest.len() });
    }
    message.check_fields()?;
    Ok(message)
}

pub(crate) fn encode<M: Message>(message: &M) -> Result<Vec<u8>, WireError> {
    message.check_fields()?;
    let frame = postcard::to_extend(message, vec![0; PREFIX_SIZE])
        .expect("a growing vector takes any message, and every type here has a known length");
    let size = u32::try_from(frame.len() - PREFIX_SIZE).expect("fields are far below 4 GiB");
    let mut frame = frame;
    frame[..PREFIX_SIZE].copy_from_slice(&size.to_le_bytes());
    Ok(frame)
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Get { blob } => write!(f, "Get({})", short(blob)),
            Request::Offer { round, node, blob, bytes, .. } => {
                let blob = short(blob);
                write!(f, "Offer(round {round}, node {node}, blob {blob}, {} bytes)", bytes.len())
            }
            Request::Status => f.write_str("Status"),
            Request::Tensor { root } => write!(f, "Tensor({})", short(root)),
            Request::Have { item } => write!(f, "Have({})", short(&item.name)),
            Request::Piece { item, index } => {
                write!(f, "Piece({index} of {})", short(&item.name))
            }
            Request::Share { round, node, share } => {
                write!(f, "Share(round {round}, node {node}, share {share})")
            }
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Blob(bytes) => write!(f, "Blob({} bytes)", bytes.len()),
            Response::NotFound => f.write_str("NotFound"),
            Response::Attest { .. } => f.write_str("Attest"),
            Response::Refused { reason } => write!(f, "Refused({reason:?})"),
            Response::Status { node, round, block, blobs } => {
                write!(f, "Status(node {node:?}, round {round}, block {block}, {blobs} blobs)")
            }
            Response::Have(map) => write!(f, "Have({} bytes)", map.len()),
            Response::Piece { bytes, .. } => write!(f, "Piece({} bytes)", bytes.len()),
        }
    }
}

/// Returns the first bytes of a hash, enough to tell it from others in a log.
pub(crate) fn short(hash: &Hash32) -> String {
    hex::encode(&hash[..4])
}

/// Bytes as one length and one copy, where serde would take a vector element by element.
mod raw {
    use std::fmt;

    use serde::{Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

/// Sixty-five bytes without a length, for which serde has no array.
mod signature {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    type Parts = ([u8; 32], [u8; 32], u8);

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 65], to: S) -> Result<S::Ok, S::Error> {
        let (mut r, mut s) = ([0; 32], [0; 32]);
        r.copy_from_slice(&bytes[..32]);
        s.copy_from_slice(&bytes[32..64]);
        let parts: Parts = (r, s, bytes[64]);
        parts.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 65], D::Error> {
        let (r, s, v) = Parts::deserialize(from)?;
        let mut bytes = [v; 65];
        bytes[..32].copy_from_slice(&r);
        bytes[32..64].copy_from_slice(&s);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;

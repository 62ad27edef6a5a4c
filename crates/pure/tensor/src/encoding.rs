//! The canonical bytes of a Program, and its hash.
//!
//! ```text
//! Program  = "ASSAYP\x00\x01" ‖ op count ‖ output count ‖ outputs… ‖ op… ‖ constant bytes…
//! op       = code u8 ‖ dtype u8 ‖ rank u8 ‖ extents… ‖ operand count ‖ operands… ‖ payload…
//! ```
//!
//! Numbers are little-endian u32 unless said otherwise. The type in an op is that of its result, so
//! that one op and its operands, opened against the Program's hash, say everything a referee needs.
//! A constant's payload is its root; its elements follow all ops. `docs/numerics.md` has the table.
//!
//! Invariant: one Program, one encoding; whatever decodes encodes back to the same bytes, and
//! decoding arbitrary bytes never panics. Absent: compression, versions of ops (a new meaning is a
//! new code).

mod read;
mod write;

pub use read::{DecodeError, ENCODING_SIZE_MAX, Stated, StatedOp};

/// The first bytes of an encoded Program; the last one is the version.
pub(crate) const MAGIC: [u8; 8] = *b"ASSAYP\x00\x01";

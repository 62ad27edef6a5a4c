//! Pieces of a tensor: nodes two levels above the chunks of its commitment, docs/protocol.md §1.
//!
//! 256 chunks of 32 elements are one piece. Above them the tree is the commitment's own, so a piece
//! is checked against the tensor root that a contract holds, and no second name is needed.

use tensor::{
    Hash,
    tree::{self, ARITY, CHUNK_ELEMENTS},
};

use crate::Hash32;

/// Chunks of a piece.
const CHUNKS: usize = ARITY * ARITY;

/// Bytes of a piece whose elements have `width` bytes.
pub(super) const fn piece_size(width: u64) -> u64 {
    (CHUNKS * CHUNK_ELEMENTS) as u64 * width
}

/// Returns the node over a piece's chunks, or the root where the piece is the whole tensor.
pub(super) fn leaf(bytes: &[u8], width: usize, alone: bool) -> Hash32 {
    let chunk_size = CHUNK_ELEMENTS * width;
    let mut padded = vec![0; chunk_size];
    let chunks = bytes.chunks(chunk_size).map(|chunk| {
        if chunk.len() == chunk_size {
            return tree::leaf(chunk);
        }
        padded[..chunk.len()].copy_from_slice(chunk);
        tree::leaf(&padded)
    });
    let chunks: Vec<Hash> = chunks.collect();
    if alone || chunks.is_empty() {
        return tree::root(&chunks).0;
    }
    // A level never skips: a last piece with a single chunk is grouped twice all the same.
    let nodes: Vec<Hash> = chunks.chunks(ARITY).map(tree::node).collect();
    tree::node(&nodes).0
}

pub(super) fn path_len((index, count): (u32, u32)) -> usize {
    tree::way_len((index.into(), count.into()))
}

pub(super) fn climb(leaf: Hash32, place: (u32, u32), path: &[Hash32]) -> Option<Hash32> {
    let siblings: Vec<Hash> = path.iter().copied().map(Hash).collect();
    let place = (place.0.into(), place.1.into());
    tree::climb(Hash(leaf), place, &siblings).map(|root| root.0)
}

pub(super) fn path(leaves: &[Hash32], index: usize) -> Vec<Hash32> {
    let leaves: Vec<Hash> = leaves.iter().copied().map(Hash).collect();
    tree::siblings(&leaves, index).into_iter().map(|hash| hash.0).collect()
}

pub(super) fn root(leaves: &[Hash32]) -> Hash32 {
    let leaves: Vec<Hash> = leaves.iter().copied().map(Hash).collect();
    tree::root(&leaves).0
}

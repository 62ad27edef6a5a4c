//! Pieces of a blob: subtrees of BLAKE3's own tree, 256 of its chunks each.
//!
//! The root is the plain BLAKE3 of the bytes ("BLAKE3: one function, fast everywhere", section 2.1;
//! the piece is a chunk group as in bao). Left subtrees are the largest power of two below the
//! whole, so a piece's way up follows from its index and the number of pieces.

use blake3::{
    Hasher,
    hazmat::{HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root},
};

use crate::Hash32;

/// Bytes of a piece; a power of two of BLAKE3's chunks.
pub(super) const PIECE_SIZE: u64 = 256 * 1024;

/// Returns the chaining value of a piece, or the blob's hash where the piece is all of it.
pub(super) fn leaf(bytes: &[u8], offset: u64, alone: bool) -> Hash32 {
    if alone {
        return *blake3::hash(bytes).as_bytes();
    }
    Hasher::new().set_input_offset(offset).update(bytes).finalize_non_root()
}

/// Which sides of their parents the nodes on the way up are, from the top.
fn turns((index, count): (u32, u32)) -> Vec<bool> {
    // In 64 bits the power of two above any count of 32 bits is one.
    let (mut index, mut count, mut turns) = (u64::from(index), u64::from(count), Vec::new());
    while count > 1 {
        let left = count.next_power_of_two() / 2;
        turns.push(index < left);
        (index, count) = if index < left { (index, left) } else { (index - left, count - left) };
    }
    turns
}

pub(super) fn path_len(place: (u32, u32)) -> usize {
    turns(place).len()
}

/// Returns the root above a piece; nothing if the path has another length than its place says.
pub(super) fn climb(leaf: Hash32, place: (u32, u32), path: &[Hash32]) -> Option<Hash32> {
    let turns = turns(place);
    if turns.len() != path.len() {
        return None;
    }
    let mut hash = leaf;
    let top = turns.len();
    for (height, (left, beside)) in turns.iter().rev().zip(path).enumerate() {
        let (one, other) = if *left { (&hash, beside) } else { (beside, &hash) };
        hash = merge(one, other, height + 1 == top);
    }
    Some(hash)
}

/// Returns the hashes beside the way up from a piece, lowest first.
pub(super) fn path(leaves: &[Hash32], index: usize) -> Vec<Hash32> {
    let (mut rest, mut index, mut path) = (leaves, index, Vec::new());
    while rest.len() > 1 {
        let (one, other) = rest.split_at(left(rest));
        let (way, beside) = if index < one.len() { (one, other) } else { (other, one) };
        path.push(subtree(beside, false));
        index = if index < one.len() { index } else { index - one.len() };
        rest = way;
    }
    path.reverse();
    path
}

/// How many of at least two pieces are in the left subtree.
fn left(leaves: &[Hash32]) -> usize {
    leaves.len().next_power_of_two() / 2
}

pub(super) fn root(leaves: &[Hash32]) -> Hash32 {
    subtree(leaves, true)
}

fn subtree(leaves: &[Hash32], top: bool) -> Hash32 {
    match leaves {
        [] => [0; 32],
        [one] => *one,
        more => {
            let (one, other) = more.split_at(left(more));
            merge(&subtree(one, false), &subtree(other, false), top)
        }
    }
}

fn merge(one: &Hash32, other: &Hash32, top: bool) -> Hash32 {
    if top {
        *merge_subtrees_root(one, other, Mode::Hash).as_bytes()
    } else {
        merge_subtrees_non_root(one, other, Mode::Hash)
    }
}

//! Commitments: 16-ary keccak trees over chunks, roots and op encodings.
//!
//! A chunk is 32 elements (its tail zero bytes); a leaf is `keccak(0x00 ‖ chunk)`, an inner node
//! `keccak(0x01 ‖ child0 ‖ … ‖ child15)` with absent children zero, a leaf of a Program
//! `keccak(0x02 ‖ encoding of one op)`. Every level groups sixteen nodes, left to right, until one
//! is left; one leaf is its own root. See `docs/protocol.md`, section 1.
//!
//! Invariant: geometry follows from the number of leaves alone, so a proof has no freedom but the
//! hashes in it. Absent: proofs that carry their own shape, sorted pairs, other arities.

use crate::Hash;

/// Elements of a chunk: 128 bytes of f32 or i32, 256 of f64.
///
/// ```
/// assert_eq!(tensor::tree::CHUNK_ELEMENTS, 32);
/// ```
pub const CHUNK_ELEMENTS: usize = 32;

/// Children of an inner node.
///
/// ```
/// assert_eq!(tensor::tree::ARITY, 16);
/// ```
pub const ARITY: usize = 16;

/// Returns the leaf of a chunk, which must already be padded to its full length.
///
/// ```
/// use tensor::{Hash, tree};
///
/// assert_eq!(tree::leaf(&[7; 128]), Hash::of(&[&[0], &[7; 128]]));
/// ```
#[must_use]
pub fn leaf(chunk: &[u8]) -> Hash {
    Hash::of(&[&[0x00], chunk])
}

/// Returns the leaf of one op's canonical encoding.
///
/// ```
/// use tensor::{Hash, tree};
///
/// assert_eq!(tree::op_leaf(b"op"), Hash::of(&[&[2], b"op"]));
/// ```
#[must_use]
pub fn op_leaf(encoding: &[u8]) -> Hash {
    Hash::of(&[&[0x02], encoding])
}

/// Returns the inner node over one to sixteen children.
///
/// # Panics
///
/// If there are no children, or more than [`ARITY`].
///
/// ```
/// use tensor::{Hash, tree};
///
/// let one = tree::leaf(&[0; 128]);
/// assert_eq!(tree::node(&[one]), tree::node(&[one, Hash::ZERO]));
/// ```
#[must_use]
pub fn node(children: &[Hash]) -> Hash {
    assert!((1..=ARITY).contains(&children.len()), "a node has 1 to {ARITY} children");
    let mut preimage = [0u8; 1 + 32 * ARITY];
    preimage[0] = 0x01;
    for (slot, child) in preimage[1..].chunks_exact_mut(32).zip(children) {
        slot.copy_from_slice(&child.0);
    }
    Hash::of(&[&preimage])
}

/// Returns the root over a lowest level: a single element is its own root, nothing is zero.
///
/// ```
/// use tensor::{Hash, tree};
///
/// let leaves = [tree::leaf(&[0; 128]), tree::leaf(&[1; 128])];
/// assert_eq!(tree::root(&leaves), tree::node(&leaves));
/// assert_eq!(tree::root(&leaves[..1]), leaves[0]);
/// assert_eq!(tree::root(&[]), Hash::ZERO);
/// ```
#[must_use]
pub fn root(level0: &[Hash]) -> Hash {
    let mut level = level0.to_vec();
    while level.len() > 1 {
        level = level.chunks(ARITY).map(node).collect();
    }
    level.first().copied().unwrap_or(Hash::ZERO)
}

/// Returns the number of inner levels above `count` leaves, the length of every path.
///
/// ```
/// use tensor::tree::depth;
///
/// assert_eq!([depth(0), depth(1), depth(16), depth(17), depth(257)], [0, 0, 1, 2, 3]);
/// ```
#[must_use]
pub fn depth(count: usize) -> usize {
    let (mut depth, mut width) = (0, count);
    while width > 1 {
        width = width.div_ceil(ARITY);
        depth += 1;
    }
    depth
}

/// Returns, from the lowest level up, the sixteen siblings among which `index` and its ancestors
/// stand; empty for a single leaf.
///
/// # Panics
///
/// If `index` is not below the number of leaves.
///
/// ```
/// use tensor::tree;
///
/// let leaves: Vec<_> = (0..40).map(|i| tree::leaf(&[i; 128])).collect();
/// let path = tree::path(&leaves, 39);
/// assert_eq!(path.len(), 2);
/// assert!(tree::verify(tree::root(&leaves), leaves[39], (39, 40), &path));
/// assert!(!tree::verify(tree::root(&leaves), leaves[39], (38, 40), &path));
/// ```
#[must_use]
pub fn path(level0: &[Hash], index: usize) -> Vec<[Hash; ARITY]> {
    assert!(index < level0.len(), "leaf {index} of {}", level0.len());
    let (mut level, mut index, mut path) = (level0.to_vec(), index, Vec::new());
    while level.len() > 1 {
        let first = index / ARITY * ARITY;
        let group = &level[first..level.len().min(first + ARITY)];
        let mut siblings = [Hash::ZERO; ARITY];
        siblings[..group.len()].copy_from_slice(group);
        path.push(siblings);
        level = level.chunks(ARITY).map(node).collect();
        index /= ARITY;
    }
    path
}

/// Returns whether `leaf` stands at index `place.0` of the `place.1` leaves under `root`.
///
/// Checks the path's length, that every child the geometry leaves out is zero, and every hash.
/// Never panics, whatever the path holds.
///
/// ```
/// use tensor::tree;
///
/// let leaf = tree::leaf(&[0; 128]);
/// assert!(tree::verify(leaf, leaf, (0, 1), &[]));
/// assert!(!tree::verify(leaf, leaf, (0, 2), &[]));
/// ```
#[must_use]
pub fn verify(root: Hash, leaf: Hash, place: (usize, usize), path: &[[Hash; ARITY]]) -> bool {
    let (mut index, mut width) = place;
    if index >= width || path.len() != depth(width) {
        return false;
    }
    let mut expected = leaf;
    for siblings in path {
        let present = (width - index / ARITY * ARITY).min(ARITY);
        let absent_are_zero = siblings[present..].iter().all(|hash| *hash == Hash::ZERO);
        if siblings[index % ARITY] != expected || !absent_are_zero {
            return false;
        }
        expected = node(siblings);
        index /= ARITY;
        width = width.div_ceil(ARITY);
    }
    expected == root
}

/// Returns the nodes beside the way from leaf `index` up to the root: of every level, from the
/// lowest, the present nodes of the group from left to right, without the one on the way.
///
/// # Panics
///
/// If `index` is not below the number of leaves.
///
/// ```
/// use tensor::tree;
///
/// let leaves: Vec<_> = (0..18).map(|i| tree::leaf(&[i; 128])).collect();
/// let siblings = tree::siblings(&leaves, 17);
/// assert_eq!(siblings, [leaves[16], tree::node(&leaves[..16])]);
/// assert_eq!(tree::climb(leaves[17], (17, 18), &siblings), Some(tree::root(&leaves)));
/// ```
#[must_use]
pub fn siblings(level0: &[Hash], index: usize) -> Vec<Hash> {
    assert!(index < level0.len(), "leaf {index} of {}", level0.len());
    let (mut level, mut index, mut siblings) = (level0.to_vec(), index, Vec::new());
    while level.len() > 1 {
        let first = index / ARITY * ARITY;
        let group = &level[first..level.len().min(first + ARITY)];
        let beside = group.iter().enumerate().filter(|(place, _)| first + place != index);
        siblings.extend(beside.map(|(_, hash)| *hash));
        level = level.chunks(ARITY).map(node).collect();
        index /= ARITY;
    }
    siblings
}

/// Returns the root under which `leaf` stands at index `place.0` of `place.1` leaves, if
/// `siblings` are as many as [`siblings`] gives for it.
///
/// Never panics, whatever the siblings are; it is for the caller to compare the root.
///
/// ```
/// use tensor::tree;
///
/// let leaf = tree::leaf(&[0; 128]);
/// assert_eq!(tree::climb(leaf, (0, 1), &[]), Some(leaf));
/// assert_eq!(tree::climb(leaf, (0, 2), &[]), None);
/// assert_eq!(tree::climb(leaf, (2, 2), &[leaf]), None);
/// ```
#[must_use]
pub fn climb(leaf: Hash, place: (u64, u64), siblings: &[Hash]) -> Option<Hash> {
    let (root, rest) = climb_on(leaf, place, siblings)?;
    rest.is_empty().then_some(root)
}

/// Returns the root as [`climb`] does, and the siblings that are left over: the way on, where the
/// root is a leaf of another tree.
///
/// ```
/// use tensor::tree;
///
/// let leaf = tree::leaf(&[0; 128]);
/// assert_eq!(tree::climb_on(leaf, (0, 1), &[leaf]), Some((leaf, &[leaf][..])));
/// ```
#[must_use]
pub fn climb_on(leaf: Hash, place: (u64, u64), siblings: &[Hash]) -> Option<(Hash, &[Hash])> {
    let way = ascend(leaf, place, siblings)?;
    Some((way.root, way.rest))
}

/// Returns the children of the root that [`climb`] returns; none for a single leaf.
///
/// ```
/// use tensor::tree;
///
/// let leaves: Vec<_> = (0..18).map(|i| tree::leaf(&[i; 128])).collect();
/// let top = tree::crown(leaves[3], (3, 18), &tree::siblings(&leaves, 3));
/// assert_eq!(top, Some(vec![tree::node(&leaves[..16]), tree::node(&leaves[16..])]));
/// ```
#[must_use]
pub fn crown(leaf: Hash, place: (u64, u64), siblings: &[Hash]) -> Option<Vec<Hash>> {
    let way = ascend(leaf, place, siblings)?;
    way.rest.is_empty().then_some(way.crown)
}

/// Where a way up ended.
struct Way<'a> {
    root: Hash,
    crown: Vec<Hash>,
    rest: &'a [Hash],
}

fn ascend(leaf: Hash, (mut index, mut width): (u64, u64), siblings: &[Hash]) -> Option<Way<'_>> {
    const GROUP: u64 = ARITY as u64;
    if index >= width {
        return None;
    }
    let mut way = Way { root: leaf, crown: Vec::new(), rest: siblings };
    while width > 1 {
        let first = index / GROUP * GROUP;
        let present = usize::try_from((width - first).min(GROUP)).ok()?;
        let place = usize::try_from(index - first).ok()?;
        let (beside, rest) = way.rest.split_at_checked(present - 1)?;
        let mut crown = beside.to_vec();
        crown.insert(place, way.root);
        way = Way { root: node(&crown), crown, rest };
        (index, width) = (index / GROUP, width.div_ceil(GROUP));
    }
    Some(way)
}

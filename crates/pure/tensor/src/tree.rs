//! Commitments: 16-ary keccak trees over chunks, roots and op encodings.
//!
//! A chunk is 32 elements (its tail zero bytes); a leaf is `keccak(0x00 ‖ chunk)`, a leaf of a
//! Program `keccak(0x02 ‖ encoding of one op)`. An inner node has sixteen places. It hashes them in
//! fours, `quad = keccak(0x01 ‖ four places)` and `node = keccak(0x01 ‖ four quads)`, an absent
//! child being zero and so a quad without a child: each hash is one permutation, and a way up
//! carries six hashes a level instead of fifteen. Every level groups sixteen nodes, left to right,
//! until one is left; one leaf is its own root. See `docs/protocol.md`, section 1.
//!
//! Invariant: geometry follows from the number of leaves alone, so a way up has no freedom but the
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

/// Places that are hashed together.
///
/// ```
/// assert_eq!(tensor::tree::QUAD * tensor::tree::QUAD, tensor::tree::ARITY);
/// ```
pub const QUAD: usize = 4;

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
/// let [one, zero] = [tree::leaf(&[0; 128]).0, [0; 32]];
/// let quad = Hash::of(&[&[1], &one, &zero, &zero, &zero]).0;
/// assert_eq!(tree::node(&[Hash(one)]), Hash::of(&[&[1], &quad, &zero, &zero, &zero]));
/// ```
#[must_use]
pub fn node(children: &[Hash]) -> Hash {
    assert!((1..=ARITY).contains(&children.len()), "a node has 1 to {ARITY} children");
    four(&children.chunks(QUAD).map(four).collect::<Vec<_>>())
}

/// Returns the hash over one to four places.
fn four(places: &[Hash]) -> Hash {
    let mut preimage = [0u8; 1 + 32 * QUAD];
    preimage[0] = 0x01;
    for (slot, place) in preimage[1..].chunks_exact_mut(32).zip(places) {
        slot.copy_from_slice(&place.0);
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

/// Returns how many hashes the way from leaf `place.0` of `place.1` leaves up to the root carries;
/// 0 for a single leaf, and where there is no such leaf.
///
/// ```
/// use tensor::tree::way_len;
///
/// assert_eq!([way_len((0, 1)), way_len((0, 16)), way_len((16, 17))], [0, 6, 1]);
/// ```
#[must_use]
pub fn way_len((mut index, mut width): (u64, u64)) -> usize {
    let mut len = 0;
    while width > 1 && index < width {
        let spot = Spot::of(index, width);
        len += spot.beside + spot.quads - 1;
        (index, width) = (index / GROUP, width.div_ceil(GROUP));
    }
    len
}

/// Returns the hashes beside the way from leaf `index` up to the root, from the lowest level: the
/// present places of the quad from left to right without the one on the way, then the quads of the
/// node that have a child, likewise.
///
/// # Panics
///
/// If `index` is not below the number of leaves.
///
/// ```
/// use tensor::{Hash, tree};
///
/// let leaves: Vec<_> = (0..18).map(|i| tree::leaf(&[i; 128])).collect();
/// let siblings = tree::siblings(&leaves, 17);
/// assert_eq!(siblings, [leaves[16], tree::node(&leaves[..16])]);
/// assert_eq!(tree::climb(leaves[17], (17, 18), &siblings), Some(tree::root(&leaves)));
/// ```
#[must_use]
pub fn siblings(level0: &[Hash], index: usize) -> Vec<Hash> {
    let mut siblings = Vec::new();
    for (group, place) in groups(level0, index) {
        siblings.extend(beside(&group, place));
    }
    siblings
}

/// Returns the hashes beside a child of a node, given all of the node's present children: what one
/// level contributes to [`siblings`].
///
/// # Panics
///
/// If the node has no such child.
///
/// ```
/// use tensor::tree;
///
/// let leaves: Vec<_> = (0..6).map(|i| tree::leaf(&[i; 128])).collect();
/// assert_eq!(tree::beside(&leaves, 4), tree::siblings(&leaves, 4));
/// ```
#[must_use]
pub fn beside(children: &[Hash], place: usize) -> Vec<Hash> {
    assert!(place < children.len(), "child {place} of {}", children.len());
    let quads = children.chunks(QUAD).enumerate();
    let (own, others): (Vec<_>, Vec<_>) = quads.partition(|(quad, _)| *quad == place / QUAD);
    let own = own.iter().flat_map(|(quad, places)| {
        places.iter().enumerate().filter(move |(at, _)| quad * QUAD + at != place)
    });
    own.map(|(_, hash)| *hash).chain(others.iter().map(|(_, places)| four(places))).collect()
}

/// Returns the way up as [`siblings`] does, but with all children of the root beside the one on the
/// way, so that whoever climbs it sees them: [`crown`].
///
/// # Panics
///
/// If `index` is not below the number of leaves.
///
/// ```
/// use tensor::tree;
///
/// let leaves: Vec<_> = (0..16).map(|i| tree::leaf(&[i; 128])).collect();
/// assert_eq!(tree::crown_siblings(&leaves, 0), leaves[1..]);
/// ```
#[must_use]
pub fn crown_siblings(level0: &[Hash], index: usize) -> Vec<Hash> {
    let groups = groups(level0, index);
    let top = groups.len().saturating_sub(1);
    let mut siblings = Vec::new();
    for (height, (mut group, place)) in groups.into_iter().enumerate() {
        if height < top {
            siblings.extend(beside(&group, place));
        } else {
            group.remove(place);
            siblings.extend(group);
        }
    }
    siblings
}

/// The groups on the way up, from the lowest: the children of each node, and which is on the way.
fn groups(level0: &[Hash], mut index: usize) -> Vec<(Vec<Hash>, usize)> {
    assert!(index < level0.len(), "leaf {index} of {}", level0.len());
    let (mut level, mut groups) = (level0.to_vec(), Vec::new());
    while level.len() > 1 {
        let first = index / ARITY * ARITY;
        groups.push((level[first..level.len().min(first + ARITY)].to_vec(), index - first));
        level = level.chunks(ARITY).map(node).collect();
        index /= ARITY;
    }
    groups
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
    let way = ascend(leaf, place, siblings, 1)?;
    Some((way.hash, way.rest))
}

/// Returns the root under which `leaf` stands, and all its children (none for a single leaf), if
/// `siblings` are as many as [`crown_siblings`] gives for it.
///
/// ```
/// use tensor::tree;
///
/// let leaves: Vec<_> = (0..18).map(|i| tree::leaf(&[i; 128])).collect();
/// let top = vec![tree::node(&leaves[..16]), tree::node(&leaves[16..])];
/// let siblings = tree::crown_siblings(&leaves, 3);
/// assert_eq!(tree::crown(leaves[3], (3, 18), &siblings), Some((tree::root(&leaves), top)));
/// ```
#[must_use]
pub fn crown(leaf: Hash, place: (u64, u64), siblings: &[Hash]) -> Option<(Hash, Vec<Hash>)> {
    let way = ascend(leaf, place, siblings, GROUP)?;
    if way.width == 1 {
        return way.rest.is_empty().then_some((way.hash, Vec::new()));
    }
    let mut children = way.rest.to_vec();
    let present = usize::try_from(way.width).ok()?;
    if children.len() != present - 1 {
        return None;
    }
    children.insert(usize::try_from(way.index).ok()?, way.hash);
    Some((node(&children), children))
}

const GROUP: u64 = ARITY as u64;

/// Where a child stands in its node.
struct Spot {
    /// Its quad, and its place there.
    quad: usize,
    place: usize,
    /// Other children in its quad.
    beside: usize,
    /// Quads with a child.
    quads: usize,
}

impl Spot {
    fn of(index: u64, width: u64) -> Self {
        let first = index / GROUP * GROUP;
        let small = |n: u64| usize::try_from(n.min(GROUP)).expect("at most sixteen");
        let (present, at) = (small(width - first), small(index - first));
        let (quad, place) = (at / QUAD, at % QUAD);
        let beside = (present - quad * QUAD).min(QUAD) - 1;
        Self { quad, place, beside, quads: present.div_ceil(QUAD) }
    }
}

/// Where a way up has come to: a node, its place on its level, and what is left of the siblings.
struct Way<'a> {
    hash: Hash,
    index: u64,
    width: u64,
    rest: &'a [Hash],
}

/// Climbs until a level is as narrow as `until`.
fn ascend(leaf: Hash, place: (u64, u64), siblings: &[Hash], until: u64) -> Option<Way<'_>> {
    let mut way = Way { hash: leaf, index: place.0, width: place.1, rest: siblings };
    if way.index >= way.width {
        return None;
    }
    while way.width > until {
        let spot = Spot::of(way.index, way.width);
        way.join(spot.place, spot.beside)?;
        way.join(spot.quad, spot.quads - 1)?;
        (way.index, way.width) = (way.index / GROUP, way.width.div_ceil(GROUP));
    }
    Some(way)
}

impl Way<'_> {
    /// Goes up to the hash over this one and the next `count` siblings.
    fn join(&mut self, place: usize, count: usize) -> Option<()> {
        let (beside, rest) = self.rest.split_at_checked(count)?;
        let mut places = beside.to_vec();
        places.insert(place, self.hash);
        (self.hash, self.rest) = (four(&places), rest);
        Some(())
    }
}

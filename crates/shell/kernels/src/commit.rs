//! Commitments: the trees of [`tensor::tree`], with several hashes of a level made side by side.
//!
//! *Invariant: every hash equals the one that `tensor` gives, at every level.* A leaf of 128 bytes
//! and its prefix fit one block of the sponge, and so do four places of a node: each hash is one
//! permutation.
//! Absent: proofs (that is `tensor::tree`), and memory for leaves where only the root is wanted.

use tensor::tree::{ARITY, CHUNK_ELEMENTS, QUAD};
use tensor::{Hash, Tensor};

use crate::buffer::View;
#[cfg(target_arch = "x86_64")]
use crate::keccak::{Eight, Four};
use crate::keccak::{Lanes, Message, digests};
use crate::level::{Level, Task};

/// First byte of a leaf's preimage, and of an inner node's.
const LEAF: u8 = 0x00;
const NODE: u8 = 0x01;

/// Leaves hashed before their parents are: sixteen parents, so that their lanes are full too.
const PIECE: usize = 16 * ARITY;

/// Returns the root of a tensor's tree: [`Tensor::root`], faster.
///
/// ```
/// use tensor::{Dtype, Tensor};
///
/// let x = Tensor::zeros(Dtype::F32, &[100])?;
/// assert_eq!(kernels::commit::tensor_root(&x), x.root());
/// # Ok::<(), tensor::ShapeError>(())
/// ```
#[must_use]
pub fn tensor_root(tensor: &Tensor) -> Hash {
    tensor_root_at(Level::best(), tensor)
}

/// Returns what [`tensor_root`] does, by the instructions of a level.
#[must_use]
pub fn tensor_root_at(level: Level, tensor: &Tensor) -> Hash {
    let mut parents = Vec::new();
    let mut first = Vec::new();
    leaves(level, tensor, |leaves| {
        if first.is_empty() {
            first.extend_from_slice(&leaves[..1]);
        }
        parents.extend(nodes(level, leaves));
    });
    let count = tensor.shape().count().div_ceil(CHUNK_ELEMENTS);
    if count == 1 { first[0] } else { root_at(level, &parents) }
}

/// Returns the hash of each chunk of a tensor: [`Tensor::chunk_leaves`], faster.
///
/// ```
/// use tensor::{Dtype, Tensor};
///
/// let x = Tensor::zeros(Dtype::F64, &[33])?;
/// assert_eq!(kernels::commit::chunk_leaves(&x), x.chunk_leaves());
/// # Ok::<(), tensor::ShapeError>(())
/// ```
#[must_use]
pub fn chunk_leaves(tensor: &Tensor) -> Vec<Hash> {
    chunk_leaves_at(Level::best(), tensor)
}

/// Returns what [`chunk_leaves`] does, by the instructions of a level.
#[must_use]
pub fn chunk_leaves_at(level: Level, tensor: &Tensor) -> Vec<Hash> {
    let mut all = Vec::with_capacity(tensor.shape().count().div_ceil(CHUNK_ELEMENTS));
    leaves(level, tensor, |leaves| all.extend_from_slice(leaves));
    all
}

/// Returns the root over a lowest level: [`tensor::tree::root`], faster.
///
/// ```
/// use tensor::tree;
///
/// let leaves: Vec<_> = (0..40).map(|i| tree::leaf(&[i; 128])).collect();
/// assert_eq!(kernels::commit::root(&leaves), tree::root(&leaves));
/// ```
#[must_use]
pub fn root(level0: &[Hash]) -> Hash {
    root_at(Level::best(), level0)
}

/// Returns what [`root`] does, by the instructions of a level.
#[must_use]
pub fn root_at(level: Level, level0: &[Hash]) -> Hash {
    if level0.len() < 2 {
        return level0.first().copied().unwrap_or(Hash::ZERO);
    }
    let mut hashes = nodes(level, level0);
    while hashes.len() > 1 {
        hashes = nodes(level, &hashes);
    }
    hashes[0]
}

/// Hands the leaves of a tensor to `put`, [`PIECE`] at a time.
fn leaves(level: Level, tensor: &Tensor, put: impl FnMut(&[Hash])) {
    match View::of(tensor) {
        View::F32(elements) => pieces(level, elements, put),
        View::F64(elements) => pieces(level, elements, put),
        View::I32(elements) => pieces(level, elements, put),
    }
}

fn pieces<T: Copy + Default>(level: Level, elements: &[T], mut put: impl FnMut(&[Hash]))
where
    [T; CHUNK_ELEMENTS]: Message,
{
    let mut hashes = [Hash::ZERO; PIECE];
    for piece in elements.chunks(PIECE * CHUNK_ELEMENTS) {
        let (full, rest) = piece.as_chunks::<CHUNK_ELEMENTS>();
        let mut count = full.len();
        level.run(Digests { prefix: LEAF, messages: full, out: &mut hashes[..count] });
        if !rest.is_empty() {
            let mut padded = [T::default(); CHUNK_ELEMENTS];
            padded[..rest.len()].copy_from_slice(rest);
            let out = &mut hashes[count..=count];
            level.run(Digests { prefix: LEAF, messages: &[padded], out });
            count += 1;
        }
        put(&hashes[..count]);
    }
}

/// Returns the inner nodes over a level of a tree: the quads of its places, and the quads' quads.
fn nodes(level: Level, children: &[Hash]) -> Vec<Hash> {
    fours(level, &fours(level, children))
}

fn fours(level: Level, places: &[Hash]) -> Vec<Hash> {
    let (full, rest) = places.as_chunks::<QUAD>();
    let mut out = vec![Hash::ZERO; places.len().div_ceil(QUAD)];
    level.run(Digests { prefix: NODE, messages: full, out: &mut out[..full.len()] });
    if !rest.is_empty() {
        let mut padded = [Hash::ZERO; QUAD];
        padded[..rest.len()].copy_from_slice(rest);
        level.run(Digests { prefix: NODE, messages: &[padded], out: &mut out[full.len()..] });
    }
    out
}

/// The digests of equally long messages, as many at once as the level has lanes for.
struct Digests<'a, M> {
    prefix: u8,
    messages: &'a [M],
    out: &'a mut [Hash],
}

impl<M: Message> Task for Digests<'_, M> {
    #[inline(always)]
    fn run<const BYTES: usize>(self) {
        match BYTES {
            #[cfg(target_arch = "x86_64")]
            128 => self.lanes::<Eight>(),
            #[cfg(target_arch = "x86_64")]
            64 => self.lanes::<Four>(),
            _ => self.lanes::<u64>(),
        }
    }
}

impl<M: Message> Digests<'_, M> {
    #[inline(always)]
    fn lanes<L: Lanes>(self) {
        for (messages, out) in self.messages.chunks(L::COUNT).zip(self.out.chunks_mut(L::COUNT)) {
            digests::<L, M>(self.prefix, messages, out);
        }
    }
}

impl Message for [f32; CHUNK_ELEMENTS] {
    const WORDS: usize = CHUNK_ELEMENTS / 2;

    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        u64::from(self[2 * index].to_bits()) | u64::from(self[2 * index + 1].to_bits()) << 32
    }
}

impl Message for [i32; CHUNK_ELEMENTS] {
    const WORDS: usize = CHUNK_ELEMENTS / 2;

    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        let [low, high] = [self[2 * index], self[2 * index + 1]].map(i32::cast_unsigned);
        u64::from(low) | u64::from(high) << 32
    }
}

impl Message for [f64; CHUNK_ELEMENTS] {
    const WORDS: usize = CHUNK_ELEMENTS;

    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        self[index].to_bits()
    }
}

impl Message for [Hash; QUAD] {
    const WORDS: usize = QUAD * 4;

    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        let (words, _) = self[index / 4].0.as_chunks::<8>();
        u64::from_le_bytes(words[index % 4])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tensor::{Dtype, Hash, Shape, Tensor, tree};

    use super::{ARITY, CHUNK_ELEMENTS, PIECE, chunk_leaves_at, root_at, tensor_root_at};
    use crate::Level;

    /// Counts on both sides of every edge: a chunk, the lanes of each level, a parent, a piece.
    fn counts() -> impl Strategy<Value = usize> {
        let chunks = prop_oneof![
            1..=2usize,
            3..=9usize,
            ARITY - 1..=ARITY + 1,
            PIECE - 1..=PIECE + 1,
            1..3 * PIECE
        ];
        (chunks, 0..CHUNK_ELEMENTS).prop_map(|(chunks, less)| chunks * CHUNK_ELEMENTS - less)
    }

    fn dtypes() -> impl Strategy<Value = Dtype> {
        prop_oneof![Just(Dtype::F32), Just(Dtype::F64), Just(Dtype::I32)]
    }

    /// Bytes that differ everywhere, from a multiplicative sequence; NaNs are among the floats.
    fn bytes(seed: u64, count: usize) -> Vec<u8> {
        let mut word = seed | 1;
        let mut next = || {
            word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            word.to_be_bytes()[0]
        };
        (0..count).map(|_| next()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn tensors_have_the_reference_tree(count in counts(), dtype in dtypes(), seed: u64) {
            let shape = Shape::new(&[count]).expect("at least one element");
            let bytes = bytes(seed, count * dtype.size());
            let tensor = Tensor::from_bytes(dtype, &shape, &bytes).expect("as many bytes");
            let leaves = tensor.chunk_leaves();
            for level in Level::available() {
                prop_assert_eq!(&chunk_leaves_at(level, &tensor), &leaves, "leaves, {}", level);
                prop_assert_eq!(tensor_root_at(level, &tensor), tensor.root(), "root, {}", level);
            }
        }

        #[test]
        fn levels_have_the_reference_root(count in 0..1_000usize, seed: u64) {
            let bytes = bytes(seed, count * 32);
            let (hashes, _) = bytes.as_chunks::<32>();
            let level0: Vec<Hash> = hashes.iter().map(|bytes| Hash(*bytes)).collect();
            for level in Level::available() {
                prop_assert_eq!(root_at(level, &level0), tree::root(&level0), "{}", level);
            }
        }
    }
}

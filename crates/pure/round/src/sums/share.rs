//! An update as three shares that sum to it mod 2^32.
//!
//! A share of an update i32\[d\] is i32\[[`width`]\]: whole chunks of 32 lanes, the first
//! [`DATA_LANES`] of which carry coordinates (coordinate i stands in lane i mod 28 of chunk ⌊i/28⌋,
//! lanes without one carry zero of the update) and the last [`BLIND_LANES`] random words of that
//! share alone. Without these, whoever holds two shares could confirm a guess of the update by the
//! third's root, and a guess of 32 coordinates by a hash beside an opening; 128 random bits in each
//! chunk leave nothing to guess by.
//!
//! Shares 0 and 1 are streams of random words, each from a seed of its own, and are sent as those
//! 32 bytes; share 2 is what is missing, and is sent whole. A seed is BLAKE3's `derive_key` with
//! [`CONTEXT`] of `secret ‖ job ‖ round (u64) ‖ node (u32) ‖ stream (u8)`, little-endian; its
//! stream is the extended output of BLAKE3 keyed by the seed over nothing, words little-endian.
//! Stream 2 has the blind lanes of share 2. Whoever has one seed learns nothing of the others or of
//! the secret, as far as BLAKE3 is a pseudo-random function.
//!
//! Invariant: the three shares' data lanes sum to the update, whatever the secret. Absent: fresh
//! randomness (the secret is the shell's, drawn once a node and never sent), and two updates of one
//! node in one round, which would be under the same masks: a machine makes one.

use std::fmt;

use tensor::{Dtype, Hash, Shape, ShapeError, Tensor, tree};

use super::SHARES;
use crate::aggregate::UPDATE_MAX;

/// Lanes of a chunk that carry coordinates.
pub const DATA_LANES: usize = tree::CHUNK_ELEMENTS - BLIND_LANES;
/// Lanes of a chunk that carry 128 random bits, so that no hash confirms a guess.
pub const BLIND_LANES: usize = 4;
/// What seeds are derived under.
const CONTEXT: &str = "assay sums 2026-11-28 masks v1";

/// What a node's masks come from: 32 random bytes that never leave it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Whose update it is, and of which round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The job's identity.
    pub job: Hash,
    /// The round.
    pub round: u64,
    /// Registry index of the trainer.
    pub node: u32,
}

/// Why an update cannot be shared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// Not a vector of i32.
    #[error("an update is i32[d] with at least one coordinate, not {dtype}{shape}")]
    Type {
        /// Its dtype.
        dtype: Dtype,
        /// Its shape.
        shape: Shape,
    },
    /// A value beyond what updates are clamped to; an honest node clamps before it shares, since
    /// nobody can afterwards.
    #[error("coordinate {coordinate} is {value}, beyond ±{UPDATE_MAX}: clamp the update first")]
    Beyond {
        /// Its place.
        coordinate: usize,
        /// Its value.
        value: i32,
    },
    /// More coordinates than a tensor holds.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// A share as it is sent.
#[derive(Clone, PartialEq, Eq)]
pub enum Parcel {
    /// The seed of its stream.
    Seed([u8; 32]),
    /// The share itself, i32\[[`width`]\].
    Whole(Tensor),
}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Parcel::Seed(_)) { "Seed(..)" } else { "Whole(..)" })
    }
}

/// The three shares of an update and what is public of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What the holders are sent.
    pub parcels: [Parcel; SHARES],
    /// Tensor roots of the shares, which the trainer commits to.
    pub roots: [Hash; SHARES],
}

/// Returns how many lanes a share of `d` coordinates has.
///
/// ```
/// assert_eq!([1, 28, 33, 1_200_000].map(round::sums::width), [32, 32, 64, 1_371_456]);
/// ```
#[must_use]
pub const fn width(d: usize) -> usize {
    d.div_ceil(DATA_LANES) * tree::CHUNK_ELEMENTS
}

/// Cuts an update into three shares.
///
/// ```
/// use round::sums::{Parcel, Place, Secret, split};
/// use tensor::{Hash, Tensor};
///
/// let update = Tensor::i32(&[2], vec![5, -7])?;
/// let place = Place { job: Hash::ZERO, round: 3, node: 8 };
/// let split = split(&update, &Secret([1; 32]), place)?;
/// let shares = split.parcels.map(|parcel| parcel.open(2).expect("a share of two coordinates"));
/// let lane = |at: usize| {
///     let lanes = shares.iter().map(|share| share.as_i32().expect("i32")[at]);
///     lanes.fold(0, i32::wrapping_add)
/// };
/// assert_eq!([lane(0), lane(1), lane(2)], [5, -7, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ShareError`] if it is no update, or one that is not clamped.
pub fn split(update: &Tensor, secret: &Secret, place: Place) -> Result<Split, ShareError> {
    let (dtype, shape) = (update.dtype(), *update.shape());
    let list = match update.as_i32() {
        Some(list) if shape.rank() == 1 && !list.is_empty() => list,
        _ => return Err(ShareError::Type { dtype, shape }),
    };
    let beyond = |value: &i32| value.unsigned_abs() > UPDATE_MAX.unsigned_abs();
    if let Some(coordinate) = list.iter().position(beyond) {
        return Err(ShareError::Beyond { coordinate, value: list[coordinate] });
    }
    let seeds = [0, 1, 2].map(|stream| seed(secret, place, stream));
    let width = width(list.len());
    let masks = seeds.map(|seed| expand(&seed, width));
    let last = missing(list, &masks);
    let [first, second, _] = masks;
    let shares = [first, second, last].map(|lanes| Tensor::i32(&[width], lanes));
    let [first, second, last] = shares;
    let (first, second, last) = (first?, second?, last?);
    let roots = [first.root(), second.root(), last.root()];
    let parcels = [Parcel::Seed(seeds[0]), Parcel::Seed(seeds[1]), Parcel::Whole(last)];
    Ok(Split { parcels, roots })
}

impl Parcel {
    /// Returns the share of `d` coordinates that it stands for; `None` for one of another length.
    #[must_use]
    pub fn open(&self, d: usize) -> Option<Tensor> {
        let width = width(d);
        match self {
            Parcel::Seed(seed) => Tensor::i32(&[width], expand(seed, width)).ok(),
            Parcel::Whole(share) => {
                let fits = share.as_i32().is_some() && share.shape().dims() == [width];
                fits.then(|| share.clone())
            }
        }
    }

    /// Returns how many bytes are sent for a share of `d` coordinates.
    #[must_use]
    pub const fn bytes(&self, d: usize) -> usize {
        match self {
            Parcel::Seed(_) => 32,
            Parcel::Whole(_) => 4 * width(d),
        }
    }
}

fn seed(secret: &Secret, place: Place, stream: u8) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(&secret.0).update(&place.job.0);
    hasher.update(&place.round.to_le_bytes()).update(&place.node.to_le_bytes());
    *hasher.update(&[stream]).finalize().as_bytes()
}

fn expand(seed: &[u8; 32], width: usize) -> Vec<i32> {
    let mut bytes = vec![0; 4 * width];
    blake3::Hasher::new_keyed(seed).finalize_xof().fill(&mut bytes);
    let word = |bytes: &[u8]| i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    bytes.chunks_exact(4).map(word).collect()
}

/// The lanes of share 2: what shares 0 and 1 leave of the update, and blinds of its own.
pub(super) fn missing(update: &[i32], masks: &[Vec<i32>; SHARES]) -> Vec<i32> {
    let [first, second, blinds] = masks;
    let lane = |(at, blind): (usize, &i32)| {
        let (chunk, lane) = (at / tree::CHUNK_ELEMENTS, at % tree::CHUNK_ELEMENTS);
        if lane >= DATA_LANES {
            return *blind;
        }
        let value = update.get(chunk * DATA_LANES + lane).copied().unwrap_or(0);
        value.wrapping_sub(first[at]).wrapping_sub(second[at])
    };
    blinds.iter().enumerate().map(lane).collect()
}

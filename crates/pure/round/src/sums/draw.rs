//! Who is in which bucket, and which members hold its shares, from a public seed.
//!
//! With n nodes that have seats and buckets of at least s, there are B = ⌊n / s⌋ buckets. The nodes
//! are ordered by `keccak(abi.encode(tag, seed, node))`, lower node first where two are equal; the
//! node at place p is in bucket p mod B. A node is one trainer however many seats it has: its rows
//! in the bucket are one.
//!
//! Member j of bucket b is drawn from the nodes outside the bucket that are not yet its members,
//! ascending, their seats laid end to end: it is the node in whose stretch
//! `keccak(abi.encode(tag, seed, b, j)) mod (seats laid)` falls.
//!
//! Invariants: a function of the seed and the seats, order included; every node trains in exactly
//! one bucket, buckets differ in size by at most one, and a bucket's members are three nodes that
//! do not train in it. Absent: where the seed comes from (it must be younger than the seats), and
//! an equal share of the members' work: a node may be drawn for several buckets, or for none.

use tensor::Hash;

use super::{SHARES, tag, word};
use crate::chain::{SEATS_MAX, Seat};

/// The fewest trainers of a bucket: in one of two, each knows the other's update from the sum.
pub const SIZE_MIN: usize = 3;

/// One bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Registry indices of its trainers, ascending.
    pub trainers: Vec<u32>,
    /// Registry indices of its members; member j holds the shares other than j.
    pub members: [u32; SHARES],
}

/// The buckets of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// What they were drawn from.
    pub seed: Hash,
    /// The buckets, in order.
    pub list: Vec<Bucket>,
}

/// Why no buckets can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// Buckets this small hide nothing.
    #[error("a private job's buckets have at least {SIZE_MIN} trainers, not {got}")]
    Size {
        /// Trainers asked for.
        got: usize,
    },
    /// A second bucket cannot be filled, so there would be no members outside the first.
    #[error(
        "{got} nodes have seats, {needed} are needed for two buckets: wait for more nodes to enrol"
    )]
    TooFew {
        /// Nodes with seats.
        got: usize,
        /// Twice the size of a bucket.
        needed: usize,
    },
    /// More seats than a round has.
    #[error("a round has at most {SEATS_MAX} seats, not {got}")]
    Seats {
        /// Seats given.
        got: u64,
    },
    /// Seats out of order, twice the same node, or a node without a seat.
    #[error("seats must be in ascending order of node, each with a row: look at node {node}")]
    Order {
        /// The first node that is not.
        node: u32,
    },
}

impl Buckets {
    /// Returns the bytes of the document that says who is where: 32-byte words as Solidity's
    /// `abi.encodePacked` of uint256 lays them, `tag, seed, B`, then for each bucket the number of
    /// its trainers, the trainers, and the three members.
    #[must_use]
    pub fn document(&self) -> Vec<u8> {
        let mut bytes = Vec::from(tag("assay/sums/document/v1").0);
        bytes.extend(self.seed.0);
        bytes.extend(word(self.list.len() as u64));
        for bucket in &self.list {
            bytes.extend(word(bucket.trainers.len() as u64));
            let nodes = bucket.trainers.iter().chain(&bucket.members);
            nodes.for_each(|node| bytes.extend(word(u64::from(*node))));
        }
        bytes
    }

    /// Returns the keccak-256 of [`Buckets::document`], by which everything signed names the draw.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(&[&self.document()])
    }
}

/// Draws the buckets of a round from its seats, ascending, for buckets of at least `size` trainers.
///
/// ```
/// use round::{Seat, sums};
/// use tensor::Hash;
///
/// let seat = |index| Seat { index, rows: 1, ..Seat::default() };
/// let seats: Vec<Seat> = (0..25).map(seat).collect();
/// let buckets = sums::buckets(&seats, Hash([7; 32]), 3)?;
/// let sizes: Vec<usize> = buckets.list.iter().map(|bucket| bucket.trainers.len()).collect();
/// assert_eq!(sizes, [4, 3, 3, 3, 3, 3, 3, 3]);
/// assert!(sums::buckets(&seats[..5], Hash([7; 32]), 3).is_err());
/// # Ok::<(), sums::DrawError>(())
/// ```
///
/// # Errors
///
/// [`DrawError`] if buckets would be too small, there are nodes for one bucket only, or the seats
/// are not a round's.
pub fn buckets(seats: &[Seat], seed: Hash, size: usize) -> Result<Buckets, DrawError> {
    check(seats, size)?;
    let count = seats.len() / size;
    let order = tag("assay/sums/order/v1");
    let key = |seat: &Seat| Hash::of(&[&order.0, &seed.0, &word(u64::from(seat.index))]);
    let mut ordered: Vec<(Hash, u32)> = seats.iter().map(|seat| (key(seat), seat.index)).collect();
    ordered.sort_unstable();
    let list = (0..count).map(|bucket| {
        let mut trainers: Vec<u32> =
            ordered.iter().skip(bucket).step_by(count).map(|(_, node)| *node).collect();
        trainers.sort_unstable();
        let members = members(seats, &trainers, (seed, bucket as u64));
        Bucket { trainers, members }
    });
    Ok(Buckets { seed, list: list.collect() })
}

fn check(seats: &[Seat], size: usize) -> Result<(), DrawError> {
    if size < SIZE_MIN {
        return Err(DrawError::Size { got: size });
    }
    let unordered = |pair: &&[Seat]| pair[0].index >= pair[1].index;
    let stray = seats.windows(2).find(unordered).map(|pair| pair[1].index);
    let idle = || seats.iter().find(|seat| seat.rows == 0).map(|seat| seat.index);
    if let Some(node) = stray.or_else(idle) {
        return Err(DrawError::Order { node });
    }
    let got = seats.iter().map(|seat| u64::from(seat.rows)).sum();
    if got > u64::from(SEATS_MAX) {
        return Err(DrawError::Seats { got });
    }
    let (got, needed) = (seats.len(), size.saturating_mul(2));
    if got < needed { Err(DrawError::TooFew { got, needed }) } else { Ok(()) }
}

fn members(seats: &[Seat], trainers: &[u32], (seed, bucket): (Hash, u64)) -> [u32; SHARES] {
    let tag = tag("assay/sums/member/v1");
    let outside = |seat: &&Seat| trainers.binary_search(&seat.index).is_err();
    let mut left: Vec<&Seat> = seats.iter().filter(outside).collect();
    std::array::from_fn(|place| {
        let point = Hash::of(&[&tag.0, &seed.0, &word(bucket), &word(place as u64)]);
        let mut at = modulo(point, left.iter().map(|seat| u64::from(seat.rows)).sum());
        let drawn = left.iter().position(|seat| {
            let within = at < u64::from(seat.rows);
            at = at.saturating_sub(u64::from(seat.rows));
            within
        });
        left.remove(drawn.expect("the other bucket has three nodes with seats")).index
    })
}

/// The hash as a big-endian number, modulo a number of seats.
pub(super) fn modulo(hash: Hash, seats: u64) -> u64 {
    hash.0.iter().fold(0, |rest, byte| (rest << 8 | u64::from(*byte)) % seats)
}

//! Private and robust at once: secret-shared sums inside public random buckets (docs/private.md).
//!
//! In a private job nobody sees one node's update. The nodes with seats are put into [`Buckets`] by
//! a public seed, three members beside each. A trainer cuts its update into three shares that sum
//! to it mod 2^32 ([`split`]) and commits to their roots; member j is given the two shares other
//! than j. A [`Roll`] fixes who is summed. For each share, either of its two holders adds up what
//! it holds, which is the Program [`partial`]; the three partial sums make one row, the bucket's
//! rounded mean, by the Program [`mean`]. The rows go to a robust rule ([`crate::robust`]), which
//! never learns that they were buckets.
//!
//! Invariants: two shares of an update say nothing about it, since any update fits them; the sum is
//! the plain sum mod 2^32 whoever dropped out, or there is none; who lied is a [`Verdict`], that a
//! question cannot be answered an error, and the two never share a type.
//!
//! On a chain all of this is `PrivateRounds`, whose mirror is [`ledger`]; what a node has to do
//! about it says [`duty`], and [`aggregate()`] is the Program that the sums go into.
//!
//! Deliberately absent: keys and encryption of what is sent (the shell's), a wild update (nobody
//! sees it here; it spoils its bucket, and the rule stands so many spoilt rows), and two members
//! who collude (docs/private.md says what they can do).

use court::opening;
use tensor::Hash;

mod aggregate;
mod draw;
pub mod duty;
pub mod ledger;
mod partial;
mod roll;
mod share;
mod tally;
#[cfg(test)]
mod tests;

pub use aggregate::{
    BucketRow, INPUTS_BEFORE_SUMS, ROWS_MAX, Summed, aggregate, aggregate_inputs,
    aggregate_inputs_root,
};
pub use draw::{Bucket, Buckets, DrawError, SIZE_MIN, buckets};
pub use partial::{PartialError, mean, mean_inputs, partial};
pub use roll::{Called, Committed, Lost, Receipt, Roll, Strike, call};
pub use share::{BLIND_LANES, DATA_LANES, Parcel, Place, Secret, ShareError, Split, split, width};
pub use tally::{Inability, Standing, Statement, Verdict, judge, standing, sum};

/// Shares of an update, and members beside a bucket.
pub const SHARES: usize = 3;

/// Returns the two members, by their places in a bucket, that hold a share.
///
/// ```
/// assert_eq!([0, 1, 2].map(round::sums::holders), [[1, 2], [2, 0], [0, 1]]);
/// ```
#[must_use]
pub const fn holders(share: usize) -> [usize; 2] {
    [(share + 1) % SHARES, (share + 2) % SHARES]
}

/// Returns what a trainer commits to instead of its update's root: the list root of its three share
/// roots.
#[must_use]
pub fn commitment(roots: &[Hash; SHARES]) -> Hash {
    opening::list_root(roots)
}

fn tag(text: &str) -> Hash {
    Hash::of(&[text.as_bytes()])
}

/// A number as the word that Solidity makes of it.
fn word(number: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&number.to_be_bytes());
    word
}

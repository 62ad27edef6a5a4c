//! Who of a bucket is summed: called once, before any partial sum is made.
//!
//! Each member reports which shares it was given, by the root that the trainer signed over. A
//! trainer is on the roll if each of its three shares is, as committed, with a member that is
//! present: a holder that lacks one asks the other holder, which has the same right to it, so that
//! no single member can leave a trainer out. A trainer that signed another root than it committed
//! to is struck and not on the roll.
//!
//! The roll is fixed once: two sums over trainers that differ in one differ by its update. So a
//! member states partial sums for one roll a round, the one that is written down for all to see;
//! what it signs names it ([`Roll::hash`]), so a second statement shows whose it is.
//!
//! Invariants: whoever is on the roll has every share where it can be summed; a report without the
//! trainer's signature strikes nobody. Absent: signatures (checked by the shell before a receipt
//! gets here), and who writes the roll down.

use tensor::Hash;

use super::{Bucket, SHARES, holders};

/// A trainer's commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Registry index.
    pub node: u32,
    /// Tensor roots of its three shares.
    pub roots: [Hash; SHARES],
}

/// A share that a member was given, under the trainer's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Registry index of the trainer.
    pub node: u32,
    /// Which share.
    pub share: usize,
    /// Tensor root of what was given.
    pub root: Hash,
}

/// A trainer that signed a share other than the one it committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// What it signed.
    pub receipt: Receipt,
    /// Root of that share in its commitment.
    pub committed: Hash,
}

/// Why a bucket gives no row this round; nobody's guilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// One member has only two of three shares.
    #[error("{present} of {SHARES} members are present; two are needed for every share")]
    Members {
        /// Members that reported.
        present: usize,
    },
    /// A sum of so few would say too much of each.
    #[error("{left} trainers are left, fewer than {least}: their sum stays secret")]
    Trainers {
        /// Trainers with all shares in place.
        left: usize,
        /// The fewest that are summed.
        least: usize,
    },
    /// No holder of a share gave its partial sum.
    #[error("nobody gave the sum of share {share}")]
    Share {
        /// Which share.
        share: usize,
    },
}

/// Which trainers are summed, and which members sum them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roll {
    /// The trainers, ascending.
    pub trainers: Vec<Committed>,
    /// Whether each member is present.
    pub present: [bool; SHARES],
}

/// What calling a roll found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The roll, or why the bucket is lost.
    pub roll: Result<Roll, Lost>,
    /// Trainers caught, whether or not the bucket is lost: one strike each.
    pub strikes: Vec<Strike>,
}

impl Receipt {
    /// Returns what the trainer signs with a share: keccak-256 of the words
    /// `tag, draw, node, share, root`, with the hash of [`super::Buckets`] as the draw.
    #[must_use]
    pub fn digest(&self, draw: Hash) -> Hash {
        let [node, share] = [self.node.into(), self.share as u64].map(super::word);
        Hash::of(&[&super::tag("assay/sums/share/v1").0, &draw.0, &node, &share, &self.root.0])
    }
}

impl Roll {
    /// Returns the hash by which partial sums name the roll: keccak-256 of the words
    /// `tag, draw, bucket, number of trainers`, then of each `node, commitment`.
    #[must_use]
    pub fn hash(&self, draw: Hash, bucket: u32) -> Hash {
        let mut bytes = Vec::from(super::tag("assay/sums/roll/v1").0);
        bytes.extend(draw.0);
        bytes.extend(super::word(bucket.into()));
        bytes.extend(super::word(self.trainers.len() as u64));
        for Committed { node, roots } in &self.trainers {
            bytes.extend(super::word(u64::from(*node)));
            bytes.extend(super::commitment(roots).0);
        }
        Hash::of(&[&bytes])
    }

    /// Returns the shares that only one present member holds, with that member: nobody checks their
    /// sums but the court, if asked.
    #[must_use]
    pub fn single_held(&self) -> Vec<(usize, usize)> {
        let single = |share| match holders(share).map(|member| self.present[member]) {
            [true, false] => Some((share, holders(share)[0])),
            [false, true] => Some((share, holders(share)[1])),
            _ => None,
        };
        (0..SHARES).filter_map(single).collect()
    }
}

/// Calls the roll of a bucket from the trainers' commitments and the receipts of each member that
/// reported. Bytes of strangers are ignored: commitments of others, receipts of a share that the
/// member does not hold, and all but the first commitment of a node.
#[must_use]
pub fn call(
    bucket: &Bucket,
    committed: &[Committed],
    reports: [Option<&[Receipt]>; SHARES],
    least: usize,
) -> Called {
    let present = reports.map(|report| report.is_some());
    let mut strikes = Vec::new();
    let mut trainers = Vec::new();
    for node in &bucket.trainers {
        let Some(own) = committed.iter().find(|own| own.node == *node) else { continue };
        match seen(own, &reports) {
            Seen::Struck(strike) => strikes.push(strike),
            Seen::Whole => trainers.push(*own),
            Seen::Parts => {}
        }
    }
    let count = present.iter().filter(|present| **present).count();
    let left = trainers.len();
    let least = least.max(super::SIZE_MIN);
    let roll = if count < 2 {
        Err(Lost::Members { present: count })
    } else if left < least {
        Err(Lost::Trainers { left, least })
    } else {
        Ok(Roll { trainers, present })
    };
    Called { roll, strikes }
}

enum Seen {
    Whole,
    Parts,
    Struck(Strike),
}

fn seen(own: &Committed, reports: &[Option<&[Receipt]>; SHARES]) -> Seen {
    let mut held = [false; SHARES];
    for (share, held) in held.iter_mut().enumerate() {
        for receipts in holders(share).iter().filter_map(|member| reports[*member]) {
            let given = receipts.iter().filter(|r| (r.node, r.share) == (own.node, share));
            for receipt in given {
                let committed = own.roots[share];
                if receipt.root != committed {
                    return Seen::Struck(Strike { receipt: *receipt, committed });
                }
                *held = true;
            }
        }
    }
    if held == [true; SHARES] { Seen::Whole } else { Seen::Parts }
}

//! Fees by epochs: the mirror of `Revenue`.
//!
//! An epoch fixes the cumulative pay by which its fees are split before the first of them, so
//! rounds settled later share in later epochs only.

use std::collections::BTreeMap;

use court::{Opening, Place, Verdict, opening};
use tensor::{Dtype, Hash, tree};

use super::{Call, Event, Refusal, State, tensor_root};
use crate::ledger::{self, amount};

/// Bytes of an element, f64.
const ELEMENT: usize = 8;
/// Bytes of a chunk.
const CHUNK: usize = ELEMENT * tree::CHUNK_ELEMENTS;

/// One epoch of a job's revenue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Root of the cumulative tensor by which it is split.
    pub root: Hash,
    /// Sum of its elements in gwei of the token.
    pub total_gwei: u128,
    /// Wei paid in.
    pub revenue_wei: u128,
    /// Wei paid out.
    pub paid_wei: u128,
    /// Wei paid out, by registry index.
    pub shares_wei: BTreeMap<u32, u128>,
}

impl Call<'_> {
    pub(super) fn fix(&mut self, cumulative: &[u8]) -> Result<Event, Refusal> {
        let (job, root) = (self.job, self.facts.rewards_root);
        let last = self.known.epochs.last();
        if root == Hash::ZERO || last.is_some_and(|epoch| epoch.root == root) {
            return Err(Refusal::NothingNew { job, root });
        }
        let length = u32_index(self.known.terms.cumulative_length) * ELEMENT;
        let whole = cumulative.len() == length;
        let got = if whole { tensor_root(cumulative, CHUNK) } else { Hash::ZERO };
        if got != root {
            return Err(Refusal::OtherTensor { expected: root, got });
        }
        let total_gwei = sum(cumulative)?;
        if total_gwei == 0 {
            return Err(Refusal::NobodyEarned { job });
        }
        let unused = self.known.epochs.last().is_some_and(|epoch| epoch.revenue_wei == 0);
        if unused {
            self.known.epochs.pop();
        }
        let epoch = self.known.epochs.len();
        self.known.epochs.push(Epoch {
            root,
            total_gwei,
            revenue_wei: 0,
            paid_wei: 0,
            shares_wei: BTreeMap::new(),
        });
        Ok(Event::EpochFixed { epoch, total_gwei })
    }

    pub(super) fn pay(&mut self, amount_wei: u128) -> Result<Event, Refusal> {
        let job = self.job;
        if self.known.due(self.now, self.facts) != State::Deployed {
            return Err(Refusal::NotDeployed { job });
        }
        let count = self.known.epochs.len();
        let last = self.known.epochs.last_mut().ok_or(Refusal::UnknownEpoch { job, epoch: 0 })?;
        last.revenue_wei += amount_wei;
        Ok(Event::FeePaid { epoch: count - 1, amount_wei })
    }

    pub(super) fn claim_share(
        &mut self,
        (epoch, node): (usize, u32),
        shown: &Opening,
    ) -> Result<Event, Refusal> {
        let (job, length) = (self.job, self.known.terms.cumulative_length);
        let split = self.known.epochs.get_mut(epoch).ok_or(Refusal::UnknownEpoch { job, epoch })?;
        let earned_gwei = opened(split.root, (node, length), shown)?;
        let cumulative_wei = share(earned_gwei, split.revenue_wei, split.total_gwei);
        let before_wei = split.shares_wei.get(&node).copied().unwrap_or_default();
        let amount_wei = cumulative_wei.saturating_sub(before_wei);
        if amount_wei == 0 {
            return Err(Refusal::NothingDue { node });
        }
        if node >= self.facts.nodes {
            return Err(Refusal::InvalidReceiver { node });
        }
        split.shares_wei.insert(node, cumulative_wei);
        split.paid_wei += amount_wei;
        Ok(Event::SharePaid { epoch, node, amount_wei, cumulative_wei })
    }
}

fn u32_index(number: u32) -> usize {
    usize::try_from(number).expect("a usize holds a u32")
}

/// What the node earned as the epoch was fixed, in gwei.
fn opened(expected: Hash, (node, length): (u32, u32), shown: &Opening) -> Result<u64, Refusal> {
    if node >= length {
        return Err(Refusal::OutOfRange { node });
    }
    let index = u32_index(node);
    // The contract does not look at what follows the last element, so neither does this.
    let count = u32_index(length).next_multiple_of(tree::CHUNK_ELEMENTS);
    let place = Place::of_element(Dtype::F64, count, index);
    let verdict = opening::verify(expected, place, shown);
    if let Verdict::Invalid(fault) = verdict.expect("the element was checked to exist") {
        return Err(Refusal::ProofMismatch { expected, fault });
    }
    element(&shown.chunk, index % tree::CHUNK_ELEMENTS)
}

fn element(bytes: &[u8], index: usize) -> Result<u64, Refusal> {
    let at = ELEMENT * index;
    let bytes = bytes[at..at + ELEMENT].try_into().expect("eight bytes are there");
    amount(f64::from_le_bytes(bytes)).map_err(|refusal| match refusal {
        ledger::Refusal::NotAnAmount { bits } => Refusal::NotAnAmount { bits },
        other => unreachable!("an amount meets no {other}"),
    })
}

/// Sum of the elements, each an integer below 2^64.
fn sum(bytes: &[u8]) -> Result<u128, Refusal> {
    let elements = bytes.len() / ELEMENT;
    (0..elements).map(|index| Ok(u128::from(element(bytes, index)?))).sum()
}

/// Returns `earned × revenue / total`, rounded down, for `earned` at most `total` below 2^76.
///
/// The product has up to 192 bits, so it is divided as it is made, 32 bits of the revenue at a
/// time: remainder and product are below 2^109 then.
pub(super) fn share(earned: u64, revenue: u128, total: u128) -> u128 {
    let (mut quotient, mut rest) = (0_u128, 0_u128);
    for limb in (0..4).rev() {
        let digit = (revenue >> (32 * limb)) & 0xffff_ffff;
        let part = (rest << 32) + u128::from(earned) * digit;
        quotient = (quotient << 32) + part / total;
        rest = part % total;
    }
    quotient
}

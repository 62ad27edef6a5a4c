//! Cumulative pay: the mirror of `Rewards`.
//!
//! Invariant: what a node was paid is never above its element of a tensor that a round settled.

use court::{Address, Opening, Place, Verdict, opening};
use tensor::{Dtype, tree};

use super::{Event, Ledger, Refusal};
use crate::chain::WEI_PER_GWEI;

impl Ledger {
    pub(super) fn fund(&mut self, from: Address, amount_wei: u128) -> Result<Vec<Event>, Refusal> {
        self.check_balance(from, amount_wei)?;
        self.take(from, amount_wei);
        self.rewards_wei += amount_wei;
        self.funded_wei += amount_wei;
        Ok(vec![Event::Funded { amount_wei }])
    }

    pub(super) fn claim_reward(
        &mut self,
        node: u32,
        shown: &Opening,
    ) -> Result<Vec<Event>, Refusal> {
        if node >= self.config.cumulative_length {
            return Err(Refusal::OutOfRange { node });
        }
        let index = usize::try_from(node).expect("a usize holds a u32");
        let count = usize::try_from(self.config.cumulative_length).expect("likewise");
        // The contract does not look at what follows the last element, so neither does this.
        let count = count.next_multiple_of(tree::CHUNK_ELEMENTS);
        let place = Place::of_element(Dtype::F64, count, index);
        let expected = self.rewards_root;
        let verdict = opening::verify(expected, place, shown);
        if let Verdict::Invalid(fault) = verdict.expect("the element was checked to exist") {
            return Err(Refusal::ProofMismatch { expected, fault });
        }
        let at = 8 * (index % tree::CHUNK_ELEMENTS);
        let bytes = shown.chunk[at..at + 8].try_into().expect("the chunk's length was checked");
        let cumulative_wei = u128::from(amount(f64::from_le_bytes(bytes))?) * WEI_PER_GWEI;
        let amount_wei = cumulative_wei.saturating_sub(self.paid_wei(node));
        if amount_wei == 0 {
            return Err(Refusal::NothingDue { node });
        }
        // The registry answers with the zero address for an index that nobody has, and the token
        // refuses to pay it.
        let payee = self.node(node).map(|node| node.payee);
        let payee = payee.ok_or(Refusal::InvalidReceiver { account: Address::default() })?;
        if self.rewards_wei < amount_wei {
            return Err(Refusal::InsufficientBalance {
                account: self.config.domain.rounds,
                got_wei: self.rewards_wei,
                needed_wei: amount_wei,
            });
        }
        self.rewards_wei -= amount_wei;
        self.paid_wei.insert(node, cumulative_wei);
        self.give(payee, amount_wei);
        Ok(vec![Event::Paid { node, amount_wei, cumulative_wei }])
    }
}

/// Returns the integer a double stands for, if it is one from 0 to 2^64 - 1; -0 is none.
pub(crate) fn amount(value: f64) -> Result<u64, Refusal> {
    const MANTISSA_BITS: u32 = 52;
    const BIAS: u64 = 1023;
    let bits = value.to_bits();
    let refusal = Refusal::NotAnAmount { bits };
    if bits == 0 {
        return Ok(0);
    }
    let exponent = (bits >> MANTISSA_BITS).checked_sub(BIAS).filter(|scale| *scale < 64);
    let scale = exponent.ok_or(refusal)?;
    let mantissa = u128::from(bits & ((1 << MANTISSA_BITS) - 1) | 1 << MANTISSA_BITS);
    let shifted = mantissa << scale;
    if shifted % (1 << MANTISSA_BITS) != 0 {
        return Err(refusal);
    }
    u64::try_from(shifted >> MANTISSA_BITS).map_err(|_| refusal)
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn only_integers_are_amounts() {
        let two_64 = 18_446_744_073_709_551_616.0;
        assert_eq!(amount(0.0), Ok(0));
        assert_eq!(amount(1.0), Ok(1));
        assert_eq!(amount(12_345_678_901.0), Ok(12_345_678_901));
        assert_eq!(amount(two_64 / 2.0), Ok(1 << 63));
        for bad in [-0.0, -1.0, 0.5, 1.5, two_64, f64::INFINITY, f64::NAN, f64::MIN_POSITIVE] {
            assert!(amount(bad).is_err(), "{bad}");
        }
    }
}

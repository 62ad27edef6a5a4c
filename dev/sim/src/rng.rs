//! The one source of chance: a seed and how often it was asked.
//!
//! SplitMix64. Probabilities are integer ratios, so that no rounding decides what happens.
//! Absent: distributions. A bound and a ratio are all a simulation here needs.

use tensor::Hash;

/// A stream of numbers that its seed fixes.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Returns the stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from `low` to `high`, both included.
    ///
    /// # Panics
    ///
    /// If `high` is below `low`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "{low}..={high}");
        low + self.bits() % (high - low + 1)
    }

    /// Returns an index below `count`.
    ///
    /// # Panics
    ///
    /// If `count` is zero.
    pub fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.between(0, count as u64 - 1)).expect("below a usize")
    }

    /// Returns whether an event of probability `ratio.0 / ratio.1` happens.
    pub fn chance(&mut self, ratio: (u64, u64)) -> bool {
        self.bits() % ratio.1 < ratio.0
    }

    /// Returns 32 bytes.
    pub fn hash(&mut self) -> Hash {
        let words = [self.bits(), self.bits(), self.bits(), self.bits()];
        let mut bytes = [0; 32];
        for (slot, word) in bytes.chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        Hash(bytes)
    }
}

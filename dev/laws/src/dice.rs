//! Choices from a seed: the same seed makes the same choices on every machine.
//!
//! *Invariant: integers only, drawn from the tensor crate's Philox.* Absent: state anyone shares.

use tensor::random::philox;

/// A stream of choices.
#[derive(Clone, Debug)]
pub struct Dice {
    key: [u32; 2],
    block: u32,
    words: Vec<u32>,
}

impl Dice {
    /// Returns the stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Dice {
        let bytes = seed.to_le_bytes();
        let half = |from: usize| [bytes[from], bytes[from + 1], bytes[from + 2], bytes[from + 3]];
        let key = [u32::from_le_bytes(half(0)), u32::from_le_bytes(half(4))];
        Dice { key, block: 0, words: Vec::new() }
    }

    /// Returns 32 random bits.
    pub fn word(&mut self) -> u32 {
        if self.words.is_empty() {
            self.words = philox([self.block, 0, 0, 0], self.key).to_vec();
            self.block = self.block.wrapping_add(1);
        }
        self.words.pop().expect("a block of four words was just drawn")
    }

    /// Returns 64 random bits.
    pub fn long(&mut self) -> u64 {
        u64::from(self.word()) << 32 | u64::from(self.word())
    }

    /// Returns a number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a usize has at most 64 bits");
        usize::try_from(self.long() % end).expect("it is below a usize")
    }

    /// Returns whether one chance in `of` came up.
    pub fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// Returns one of some choices.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

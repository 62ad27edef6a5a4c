//! The vectors that keccak runs on: one word of each of several states.
//!
//! *Invariant: every method does to each lane what the plain word's does.* A vector is only made in
//! code that a [`crate::Level`] entered after it asked the CPU; see the safety notes.
//! Absent: the other instruction sets that have such vectors.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Lanes of the widest vector.
pub(crate) const LANES_MAX: usize = 8;

/// One word of each of [`Lanes::COUNT`] states.
///
/// Every method is inlined into a function that was compiled for the vector's instructions.
pub(crate) trait Lanes: Copy {
    const COUNT: usize;

    /// The word of each lane. It goes from register to register: a vector that is read where its
    /// words were just written, one by one, has to wait for them.
    fn from_lanes(word: impl Fn(usize) -> u64) -> Self;
    fn splat(word: u64) -> Self;
    /// The lanes, and zeros beyond the last.
    fn to_words(self) -> [u64; LANES_MAX];
    fn xor(self, b: Self) -> Self;
    fn left(self, by: u32) -> Self;
    fn right(self, by: u32) -> Self;
    fn rotate(self, by: u32) -> Self;

    /// `self ^ b ^ c`.
    #[inline(always)]
    fn xor3(self, b: Self, c: Self) -> Self {
        self.xor(b).xor(c)
    }

    /// `self ^ (!b & c)`, the step that is not linear.
    fn chi(self, b: Self, c: Self) -> Self;
}

impl Lanes for u64 {
    const COUNT: usize = 1;

    #[inline(always)]
    fn from_lanes(word: impl Fn(usize) -> u64) -> Self {
        word(0)
    }

    #[inline(always)]
    fn splat(word: u64) -> Self {
        word
    }

    #[inline(always)]
    fn to_words(self) -> [u64; LANES_MAX] {
        [self, 0, 0, 0, 0, 0, 0, 0]
    }

    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        self ^ b
    }

    #[inline(always)]
    fn left(self, by: u32) -> Self {
        self << by
    }

    #[inline(always)]
    fn right(self, by: u32) -> Self {
        self >> by
    }

    #[inline(always)]
    fn rotate(self, by: u32) -> Self {
        self.rotate_left(by)
    }

    #[inline(always)]
    fn chi(self, b: Self, c: Self) -> Self {
        self ^ (!b & c)
    }
}

/// Four lanes: AVX2.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Four(__m256i);

// SAFETY, of every block: `commit` names this type only in tasks at a level that has AVX2.
#[cfg(target_arch = "x86_64")]
#[expect(clippy::undocumented_unsafe_blocks, reason = "one promise covers them all, just above")]
impl Lanes for Four {
    const COUNT: usize = 4;

    #[inline(always)]
    fn from_lanes(word: impl Fn(usize) -> u64) -> Self {
        let [a, b, c, d] = std::array::from_fn(|lane| word(lane).cast_signed());
        Four(unsafe { _mm256_setr_epi64x(a, b, c, d) })
    }

    #[inline(always)]
    fn splat(word: u64) -> Self {
        Four(unsafe { _mm256_set1_epi64x(word.cast_signed()) })
    }

    #[inline(always)]
    fn to_words(self) -> [u64; LANES_MAX] {
        let mut words = [0; LANES_MAX];
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), self.0) };
        words
    }

    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        Four(unsafe { _mm256_xor_si256(self.0, b.0) })
    }

    #[inline(always)]
    fn left(self, by: u32) -> Self {
        Four(unsafe { _mm256_sll_epi64(self.0, _mm_cvtsi32_si128(by.cast_signed())) })
    }

    #[inline(always)]
    fn right(self, by: u32) -> Self {
        Four(unsafe { _mm256_srl_epi64(self.0, _mm_cvtsi32_si128(by.cast_signed())) })
    }

    #[inline(always)]
    fn rotate(self, by: u32) -> Self {
        self.left(by).xor(self.right(64 - by))
    }

    #[inline(always)]
    fn chi(self, b: Self, c: Self) -> Self {
        self.xor(Four(unsafe { _mm256_andnot_si256(b.0, c.0) }))
    }
}

/// Eight lanes: AVX-512.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Eight(__m512i);

// SAFETY, of every block: `commit` names this type only in tasks at a level that has AVX-512.
#[cfg(target_arch = "x86_64")]
#[expect(clippy::undocumented_unsafe_blocks, reason = "one promise covers them all, just above")]
impl Lanes for Eight {
    const COUNT: usize = 8;

    #[inline(always)]
    fn from_lanes(word: impl Fn(usize) -> u64) -> Self {
        let [a, b, c, d, e, f, g, h] = std::array::from_fn(|lane| word(lane).cast_signed());
        Eight(unsafe { _mm512_setr_epi64(a, b, c, d, e, f, g, h) })
    }

    #[inline(always)]
    fn splat(word: u64) -> Self {
        Eight(unsafe { _mm512_set1_epi64(word.cast_signed()) })
    }

    #[inline(always)]
    fn to_words(self) -> [u64; LANES_MAX] {
        let mut words = [0; LANES_MAX];
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), self.0) };
        words
    }

    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        Eight(unsafe { _mm512_xor_si512(self.0, b.0) })
    }

    #[inline(always)]
    fn left(self, by: u32) -> Self {
        Eight(unsafe { _mm512_sll_epi64(self.0, _mm_cvtsi32_si128(by.cast_signed())) })
    }

    #[inline(always)]
    fn right(self, by: u32) -> Self {
        Eight(unsafe { _mm512_srl_epi64(self.0, _mm_cvtsi32_si128(by.cast_signed())) })
    }

    #[inline(always)]
    fn rotate(self, by: u32) -> Self {
        Eight(unsafe { _mm512_rolv_epi64(self.0, _mm512_set1_epi64(i64::from(by))) })
    }

    #[inline(always)]
    fn xor3(self, b: Self, c: Self) -> Self {
        Eight(unsafe { _mm512_ternarylogic_epi64::<0x96>(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn chi(self, b: Self, c: Self) -> Self {
        Eight(unsafe { _mm512_ternarylogic_epi64::<0xd2>(self.0, b.0, c.0) })
    }
}

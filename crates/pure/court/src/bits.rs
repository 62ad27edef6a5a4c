//! Elements as bits in a u64, which is how a record carries them.
//!
//! Invariant: the upper bits of a 32-bit element are zero. Absent: arithmetic; that is
//! `tensor::scalar`.

use tensor::{Dtype, scalar::Scalar, tree::CHUNK_ELEMENTS};

/// An element type that can be made of the bits of a record and back.
pub(crate) trait Bits: Scalar {
    /// Returns the element with these bits; a 32-bit element takes the lower half.
    fn from_bits64(bits: u64) -> Self;
    /// Returns the bits.
    fn bits64(self) -> u64;
}

impl Bits for f32 {
    fn from_bits64(bits: u64) -> f32 {
        f32::from_bits(low(bits))
    }

    fn bits64(self) -> u64 {
        u64::from(self.to_bits())
    }
}

impl Bits for f64 {
    fn from_bits64(bits: u64) -> f64 {
        f64::from_bits(bits)
    }

    fn bits64(self) -> u64 {
        self.to_bits()
    }
}

impl Bits for i32 {
    fn from_bits64(bits: u64) -> i32 {
        low(bits).cast_signed()
    }

    fn bits64(self) -> u64 {
        u64::from(self.cast_unsigned())
    }
}

fn low(bits: u64) -> u32 {
    u32::try_from(bits & 0xffff_ffff).expect("32 bits are left")
}

/// Returns the bytes of a chunk of this dtype.
pub(crate) fn chunk_size(dtype: Dtype) -> usize {
    CHUNK_ELEMENTS * dtype.size()
}

/// Returns the bits of the element at `place` of a chunk, `None` if the chunk has no such place.
pub(crate) fn element(dtype: Dtype, chunk: &[u8], place: u64) -> Option<u64> {
    let size = dtype.size();
    let at = usize::try_from(place).ok()?.checked_mul(size)?;
    let bytes = chunk.get(at..at.checked_add(size)?)?;
    let mut word = [0; 8];
    word[..size].copy_from_slice(bytes);
    Some(u64::from_le_bytes(word))
}

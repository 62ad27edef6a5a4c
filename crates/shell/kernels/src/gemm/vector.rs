//! Vectors of AVX-512 for the register block.
//!
//! The block is twenty-four vectors there, which is more than the compiler keeps together when it
//! sees them as arrays of elements; so they are named here.
//!
//! *Invariant: every method does to each lane what [`Element`]'s does.* A vector is only made in
//! code that a [`crate::Level`] entered after it asked the CPU.
//! Absent: other levels, whose blocks the compiler vectorises.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::element::Element;

/// An element type that matrix products are made of, with its vector.
pub(crate) trait Factor: Element {
    /// The elements of one register, where the widest level has one.
    type Vector: Copy;
    const LANES: usize;

    /// # Safety
    ///
    /// As many elements as there are lanes must lie there.
    unsafe fn load(from: *const Self) -> Self::Vector;

    /// # Safety
    ///
    /// As many elements as there are lanes must lie there, and nobody else may look at them.
    unsafe fn store(vector: Self::Vector, to: *mut Self);

    /// Asks for the line at an address, which need not be anybody's.
    #[inline(always)]
    fn prefetch(at: *const Self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: every CPU of the target has the instruction, and it never faults.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(at.cast());
        }
    }

    fn splat(self) -> Self::Vector;
    /// `a * b + c` as [`Element::fused`] has it.
    fn fused_all(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The one NaN for any NaN.
    fn clean_all(vector: Self::Vector) -> Self::Vector;
}

/// Without AVX-512 no code uses the vector: it is an element alone.
#[cfg(not(target_arch = "x86_64"))]
impl<T: Element> Factor for T {
    type Vector = T;
    const LANES: usize = 1;

    unsafe fn load(from: *const Self) -> T {
        // SAFETY: the caller's promise.
        unsafe { *from }
    }

    unsafe fn store(vector: T, to: *mut Self) {
        // SAFETY: the caller's promise.
        unsafe { *to = vector };
    }

    fn splat(self) -> T {
        self
    }

    fn fused_all(a: T, b: T, c: T) -> T {
        a.fused(b, c)
    }

    fn clean_all(vector: T) -> T {
        vector.clean()
    }
}

// SAFETY, of every block: these are called in tasks at the level that has AVX-512 alone, and
// whoever hands in a pointer promises what lies there.
#[cfg(target_arch = "x86_64")]
#[expect(clippy::undocumented_unsafe_blocks, reason = "one promise covers them all, just above")]
impl Factor for f32 {
    type Vector = __m512;
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const Self) -> __m512 {
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(vector: __m512, to: *mut Self) {
        unsafe { _mm512_storeu_ps(to, vector) }
    }

    #[inline(always)]
    fn splat(self) -> __m512 {
        unsafe { _mm512_set1_ps(self) }
    }

    #[inline(always)]
    fn fused_all(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn clean_all(vector: __m512) -> __m512 {
        let one = f32::from_bits(0x7fc0_0000).splat();
        unsafe {
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(vector, vector);
            _mm512_mask_blend_ps(nan, vector, one)
        }
    }
}

// SAFETY, of every block: as above.
#[cfg(target_arch = "x86_64")]
#[expect(clippy::undocumented_unsafe_blocks, reason = "one promise covers them all, further above")]
impl Factor for f64 {
    type Vector = __m512d;
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn load(from: *const Self) -> __m512d {
        unsafe { _mm512_loadu_pd(from) }
    }

    #[inline(always)]
    unsafe fn store(vector: __m512d, to: *mut Self) {
        unsafe { _mm512_storeu_pd(to, vector) }
    }

    #[inline(always)]
    fn splat(self) -> __m512d {
        unsafe { _mm512_set1_pd(self) }
    }

    #[inline(always)]
    fn fused_all(a: __m512d, b: __m512d, c: __m512d) -> __m512d {
        unsafe { _mm512_fmadd_pd(a, b, c) }
    }

    #[inline(always)]
    fn clean_all(vector: __m512d) -> __m512d {
        let one = f64::from_bits(0x7ff8_0000_0000_0000).splat();
        unsafe {
            let nan = _mm512_cmp_pd_mask::<_CMP_UNORD_Q>(vector, vector);
            _mm512_mask_blend_pd(nan, vector, one)
        }
    }
}

// SAFETY, of every block: as above.
#[cfg(target_arch = "x86_64")]
#[expect(clippy::undocumented_unsafe_blocks, reason = "one promise covers them all, further above")]
impl Factor for i32 {
    type Vector = __m512i;
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const Self) -> __m512i {
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(vector: __m512i, to: *mut Self) {
        unsafe { _mm512_storeu_si512(to.cast(), vector) }
    }

    #[inline(always)]
    fn splat(self) -> __m512i {
        unsafe { _mm512_set1_epi32(self) }
    }

    #[inline(always)]
    fn fused_all(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
        unsafe { _mm512_add_epi32(_mm512_mullo_epi32(a, b), c) }
    }

    #[inline(always)]
    fn clean_all(vector: __m512i) -> __m512i {
        vector
    }
}

/// Turns a square of 8 x 8: element `j` of row `i` becomes element `i` of row `j`; rows are as far
/// apart as said on each side.
#[inline(always)]
pub(super) fn turn<const BYTES: usize>(from: (&[f64], usize), to: (&mut [f64], usize)) {
    const SIDE: usize = 8;
    let ((from, apart), (to, stride)) = (from, to);
    assert!(7 * apart + SIDE <= from.len() && 7 * stride + SIDE <= to.len(), "a whole square");
    #[cfg(target_arch = "x86_64")]
    if BYTES == 128 {
        // SAFETY: the width says that the level has AVX-512, and the square lies in both.
        unsafe { turn_wide(from.as_ptr(), apart, to.as_mut_ptr(), stride) };
        return;
    }
    for i in 0..SIDE {
        for j in 0..SIDE {
            to[j * stride + i] = from[i * apart + j];
        }
    }
}

/// The same by pairs, then by pairs of pairs, then by halves.
///
/// # Safety
///
/// AVX-512 is there, and so are the elements of the square on both sides.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn turn_wide(from: *const f64, apart: usize, to: *mut f64, stride: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut rows = [_mm512_setzero_pd(); 8];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = _mm512_loadu_pd(from.add(i * apart));
        }
        let mut pairs = rows;
        for i in (0..8).step_by(2) {
            pairs[i] = _mm512_unpacklo_pd(rows[i], rows[i + 1]);
            pairs[i + 1] = _mm512_unpackhi_pd(rows[i], rows[i + 1]);
        }
        // Now a quarter of pairs[i] has columns of two rows; quarters of four rows come together.
        let mut fours = pairs;
        for half in [0, 4] {
            for i in 0..2 {
                let (a, b) = (pairs[half + i], pairs[half + 2 + i]);
                fours[half + i] = _mm512_shuffle_f64x2::<0b10_00_10_00>(a, b);
                fours[half + 2 + i] = _mm512_shuffle_f64x2::<0b11_01_11_01>(a, b);
            }
        }
        for i in 0..4 {
            let (a, b) = (fours[i], fours[4 + i]);
            let low = _mm512_shuffle_f64x2::<0b10_00_10_00>(a, b);
            let high = _mm512_shuffle_f64x2::<0b11_01_11_01>(a, b);
            _mm512_storeu_pd(to.add(i * stride), low);
            _mm512_storeu_pd(to.add((i + 4) * stride), high);
        }
    }
}

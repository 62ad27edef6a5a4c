//! The register block: a few rows times a few vectors of columns, along some steps of `k`.
//!
//! *Invariant: each chain takes its steps in order, and nothing else.* A chain that begins starts
//! from +0, one that goes on from the stored element; one that ends is stored canonical.
//! Absent: edges. What has fewer columns than a block is computed in a block beside the output.

use super::vector::Factor;

/// The left operand of a block: where it begins, and the distance between its rows if a row's steps
/// lie together, or between its steps if a step's rows do.
#[derive(Clone, Copy)]
pub(super) struct Left<'a, T> {
    pub(super) data: &'a [T],
    pub(super) stride: usize,
}

/// The right operand of a block: a line of its columns for each step, and the distance between two
/// lines.
#[derive(Clone, Copy)]
pub(super) struct Right<'a, T> {
    pub(super) data: &'a [T],
    pub(super) stride: usize,
    pub(super) steps: usize,
}

/// Where a block's chains are kept, and which part of them this is.
#[derive(Clone, Copy)]
pub(super) struct Chains {
    /// Distance between rows of the output.
    pub(super) row: usize,
    pub(super) begin: bool,
    pub(super) end: bool,
}

impl<T: Factor> Left<'_, T> {
    /// Fails unless all of a block's elements are there.
    #[inline(always)]
    fn check<const M: usize, const BY_ROWS: bool>(&self, steps: usize) {
        let last = if BY_ROWS {
            (M - 1) * self.stride + steps - 1
        } else {
            (steps - 1) * self.stride + M - 1
        };
        assert!(last < self.data.len(), "a block's factors are in the operand");
    }

    /// # Safety
    ///
    /// `check` must have passed for more than these rows and steps.
    #[inline(always)]
    unsafe fn at<const BY_ROWS: bool>(&self, step: usize, row: usize) -> T {
        let (far, near) = if BY_ROWS { (row, step) } else { (step, row) };
        // SAFETY: the caller's promise.
        unsafe { *self.data.get_unchecked(far * self.stride + near) }
    }
}

impl<T: Factor> Right<'_, T> {
    /// Fails unless all of a block's lines are there.
    #[inline(always)]
    fn check<const N: usize>(&self) {
        let end = (self.steps - 1) * self.stride + N;
        assert!(end <= self.data.len(), "a block's factors are in the operand");
    }

    /// # Safety
    ///
    /// `check` must have passed for lines of `N`, and there must be more steps than this.
    #[inline(always)]
    unsafe fn line<const N: usize>(&self, step: usize) -> &[T; N] {
        // SAFETY: the caller's promise.
        unsafe { &*self.data.as_ptr().add(step * self.stride).cast() }
    }
}

/// Takes the chains of `M` rows and `N` columns in `out` some steps further; the compiler picks the
/// vectors.
#[inline(always)]
pub(super) fn advance<T: Factor, const M: usize, const N: usize, const BY_ROWS: bool>(
    left: Left<'_, T>,
    right: Right<'_, T>,
    chains: Chains,
    out: &mut [T],
) {
    left.check::<M, BY_ROWS>(right.steps);
    right.check::<N>();
    let mut held = [[T::default(); N]; M];
    if !chains.begin {
        for (i, held) in held.iter_mut().enumerate() {
            *held = *out[i * chains.row..].first_chunk().expect("a whole block of output");
        }
    }
    let mut held = run::<T, M, N, BY_ROWS>(left, right, held);
    if chains.end {
        held.as_flattened_mut().iter_mut().for_each(|chain| *chain = chain.clean());
    }
    for (i, held) in held.iter().enumerate() {
        *out[i * chains.row..].first_chunk_mut().expect("a whole block of output") = *held;
    }
}

/// The block is a value of its own, so that the compiler keeps it in registers.
#[inline(always)]
fn run<T: Factor, const M: usize, const N: usize, const BY_ROWS: bool>(
    left: Left<'_, T>,
    right: Right<'_, T>,
    mut held: [[T; N]; M],
) -> [[T; N]; M] {
    for step in 0..right.steps {
        // SAFETY: `advance` has checked for as many steps.
        let right = unsafe { right.line::<N>(step) };
        for (i, line) in held.iter_mut().enumerate() {
            // SAFETY: `advance` has checked for as many rows and steps.
            let factor = unsafe { left.at::<BY_ROWS>(step, i) };
            for (chain, x) in line.iter_mut().zip(right) {
                *chain = factor.fused(*x, *chain);
            }
        }
    }
    held
}

/// Does what [`advance`] does, a line being `V` vectors of AVX-512.
#[inline(always)]
pub(super) fn advance_wide<
    T: Factor,
    const M: usize,
    const N: usize,
    const V: usize,
    const BY_ROWS: bool,
>(
    left: Left<'_, T>,
    right: Right<'_, T>,
    chains: Chains,
    out: &mut [T],
) {
    left.check::<M, BY_ROWS>(right.steps);
    right.check::<N>();
    assert!(V * T::LANES == N && (M - 1) * chains.row + N <= out.len(), "a whole block of output");
    let out = out.as_mut_ptr();
    let mut held = [[T::default().splat(); V]; M];
    if !chains.begin {
        for (i, held) in held.iter_mut().enumerate() {
            for (v, held) in held.iter_mut().enumerate() {
                // SAFETY: the line ends within the output, by the assertion.
                *held = unsafe { T::load(out.add(i * chains.row + v * T::LANES)) };
            }
        }
    }
    for step in 0..right.steps {
        // SAFETY: checked above for as many steps.
        let right = unsafe { right.line::<N>(step) };
        let mut x = [T::default().splat(); V];
        for (v, x) in x.iter_mut().enumerate() {
            // SAFETY: a line is as many vectors, by the assertion.
            *x = unsafe { T::load(right.as_ptr().add(v * T::LANES)) };
        }
        for (i, held) in held.iter_mut().enumerate() {
            // SAFETY: checked above for as many rows and steps.
            let factor = unsafe { left.at::<BY_ROWS>(step, i) }.splat();
            for (held, x) in held.iter_mut().zip(&x) {
                *held = T::fused_all(factor, *x, *held);
            }
        }
    }
    if chains.end {
        for held in held.as_flattened_mut() {
            *held = T::clean_all(*held);
        }
    }
    for (i, held) in held.iter().enumerate() {
        for (v, held) in held.iter().enumerate() {
            // SAFETY: the line ends within the output, by the assertion.
            unsafe { T::store(*held, out.add(i * chains.row + v * T::LANES)) };
        }
    }
}

//! The register block: a few rows times two vectors of columns, along packed steps.
//!
//! *Invariant: each chain takes its steps in order, and nothing else.* Absent: memory, apart from
//! the packed operands that it reads.

use super::DEPTH;
use crate::element::Element;

/// Distance of packed rows. Not a power of two, or all rows of a block would meet in one set of the
/// nearest cache.
pub(super) const STRIDE: usize = DEPTH + 16;

/// The packed left operand of a block of `M` rows.
pub(super) trait Left<T, const M: usize>: Copy {
    /// Makes it known to the compiler that there are this many steps.
    fn take(self, steps: usize) -> Self;
    fn at(&self, step: usize, row: usize) -> T;
}

/// Row by row.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a, T, const M: usize>(pub(super) &'a [[T; STRIDE]; M]);

/// Step by step.
#[derive(Clone, Copy)]
pub(super) struct Steps<'a, T, const M: usize>(pub(super) &'a [[T; M]]);

impl<T: Element, const M: usize> Left<T, M> for Rows<'_, T, M> {
    #[inline(always)]
    fn take(self, steps: usize) -> Self {
        assert!(steps <= STRIDE, "a packed row has {STRIDE} steps");
        self
    }

    #[inline(always)]
    fn at(&self, step: usize, row: usize) -> T {
        self.0[row][step]
    }
}

impl<T: Element, const M: usize> Left<T, M> for Steps<'_, T, M> {
    #[inline(always)]
    fn take(self, steps: usize) -> Self {
        Steps(&self.0[..steps])
    }

    #[inline(always)]
    fn at(&self, step: usize, row: usize) -> T {
        self.0[step][row]
    }
}

/// Continues a block of chains by the packed steps.
///
/// The block is a value of its own, so that the compiler keeps it in registers.
#[inline(always)]
pub(super) fn advance<T: Element, L: Left<T, M>, const M: usize, const N: usize>(
    left: L,
    right: &[[T; N]],
    mut chains: [[T; N]; M],
) -> [[T; N]; M] {
    let left = left.take(right.len());
    for (step, right) in right.iter().enumerate() {
        for (i, line) in chains.iter_mut().enumerate() {
            let factor = left.at(step, i);
            for (chain, x) in line.iter_mut().zip(right) {
                *chain = factor.fused(*x, *chain);
            }
        }
    }
    chains
}

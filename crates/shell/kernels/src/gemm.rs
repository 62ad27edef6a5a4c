//! Matrix products: every output element is one chain of fused multiply-adds, `k` ascending.
//!
//! The left operand is packed in blocks of [`ROWS`] rows, the right one in panels of as many
//! columns as two vectors hold; a register block of both runs along `k`. Vectorising across outputs
//! leaves each chain in its order. Where there are few columns but many rows the operands change
//! places: a product of two factors does not know which came first.
//!
//! *Invariant: a chain has exactly as many steps as `k`. Padding fills rows and columns that are
//! thrown away, never steps; a chain that is cut by cache blocking goes on from the stored
//! element.*
//! Absent: Strassen, split sums, threads.

use std::ops::Range;

use crate::element::Element;
use crate::level::{Level, Task};

/// Rows of the register block.
const ROWS: usize = 6;

/// Steps of `k` per pass, so that a packed panel stays in the nearest cache.
const DEPTH: usize = 256;

/// With fewer columns than this, rows fill the vectors instead.
const COLUMNS_FEW: usize = 8;

/// A matrix in a slice, with the distance between rows and between columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl<T> Matrix<'_, T> {
    /// Returns the matrix that lies in `size` elements from `start` on.
    pub(crate) fn from(&self, start: usize, size: usize) -> Self {
        Self { data: &self.data[start..start + size], row: self.row, column: self.column }
    }

    fn transposed(self) -> Self {
        Self { data: self.data, row: self.column, column: self.row }
    }
}

/// Extents of a product: `[m, k] · [k, n]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extents {
    pub(crate) m: usize,
    pub(crate) k: usize,
    pub(crate) n: usize,
}

/// Packed copies, kept between products.
#[derive(Debug, Default)]
pub(crate) struct Packing<T> {
    left: Vec<T>,
    right: Vec<T>,
}

/// Writes `left · right` to `out`, row-major.
pub(crate) fn multiply<T: Element>(
    level: Level,
    extents: Extents,
    operands: (Matrix<'_, T>, Matrix<'_, T>),
    out: &mut [T],
    packing: &mut Packing<T>,
) {
    let Extents { m, k, n } = extents;
    let (left, right) = operands;
    let swap = n < COLUMNS_FEW && m > n;
    let (extents, left, right, row, column) = if swap {
        (Extents { m: n, k, n: m }, right.transposed(), left.transposed(), 1, n)
    } else {
        (extents, left, right, n, 1)
    };
    level.run(Product { extents, left, right, out, row, column, packing });
}

struct Product<'a, T> {
    extents: Extents,
    left: Matrix<'a, T>,
    right: Matrix<'a, T>,
    out: &'a mut [T],
    /// Distance between rows of the output.
    row: usize,
    /// Distance between columns of the output.
    column: usize,
    packing: &'a mut Packing<T>,
}

impl<T: Element> Task for Product<'_, T> {
    #[inline(always)]
    fn run<const BYTES: usize>(mut self) {
        let depth = self.extents.k;
        for start in (0..depth).step_by(DEPTH) {
            let steps = start..depth.min(start + DEPTH);
            self.pack_left(&steps);
            match BYTES / size_of::<T>() {
                4 => self.pass::<4>(&steps),
                8 => self.pass::<8>(&steps),
                16 => self.pass::<16>(&steps),
                _ => self.pass::<32>(&steps),
            }
        }
    }
}

impl<T: Element> Product<'_, T> {
    /// Copies some steps of the left operand, [`ROWS`] rows together, step by step.
    #[inline(always)]
    fn pack_left(&mut self, steps: &Range<usize>) {
        let Matrix { data, row, column } = self.left;
        let packed = &mut self.packing.left;
        packed.clear();
        for first in (0..self.extents.m).step_by(ROWS) {
            let last = self.extents.m.min(first + ROWS);
            for step in steps.clone() {
                packed.extend((first..last).map(|i| data[i * row + step * column]));
            }
        }
    }

    /// Copies some steps of `N` columns of the right operand, zero beyond the last column.
    #[inline(always)]
    fn pack_right<const N: usize>(&mut self, first: usize, steps: &Range<usize>) {
        let Matrix { data, row, column } = self.right;
        let width = N.min(self.extents.n - first);
        let packed = &mut self.packing.right;
        packed.clear();
        packed.resize(steps.len() * N, T::default());
        for (step, line) in steps.clone().zip(packed.chunks_exact_mut(N)) {
            let from = step * row + first * column;
            if column == 1 {
                line[..width].copy_from_slice(&data[from..from + width]);
            } else {
                for (j, slot) in line[..width].iter_mut().enumerate() {
                    *slot = data[from + j * column];
                }
            }
        }
    }

    #[inline(always)]
    fn pass<const N: usize>(&mut self, steps: &Range<usize>) {
        let m = self.extents.m;
        for first in (0..self.extents.n).step_by(N) {
            self.pack_right::<N>(first, steps);
            for top in (0..m).step_by(ROWS) {
                match m - top {
                    1 => self.block::<1, N>(top, first, steps),
                    2 => self.block::<2, N>(top, first, steps),
                    3 => self.block::<3, N>(top, first, steps),
                    4 => self.block::<4, N>(top, first, steps),
                    5 => self.block::<5, N>(top, first, steps),
                    _ => self.block::<ROWS, N>(top, first, steps),
                }
            }
        }
    }

    /// Continues the chains of `M` rows and `N` columns by some steps of `k`.
    #[inline(always)]
    fn block<const M: usize, const N: usize>(
        &mut self,
        top: usize,
        first: usize,
        steps: &Range<usize>,
    ) {
        let width = N.min(self.extents.n - first);
        let mut chains = [[T::default(); N]; M];
        if steps.start > 0 {
            for (i, line) in chains.iter_mut().enumerate() {
                for (j, chain) in line[..width].iter_mut().enumerate() {
                    *chain = self.out[(top + i) * self.row + (first + j) * self.column];
                }
            }
        }
        let from = top * steps.len();
        let (left, _) = self.packing.left[from..from + M * steps.len()].as_chunks::<M>();
        let (right, _) = self.packing.right.as_chunks::<N>();
        let chains = advance(left, right, chains);
        let last = steps.end == self.extents.k;
        for (i, line) in chains.iter().enumerate() {
            for (j, chain) in line[..width].iter().enumerate() {
                let at = (top + i) * self.row + (first + j) * self.column;
                self.out[at] = if last { chain.clean() } else { *chain };
            }
        }
    }
}

/// Continues a block of chains by the packed steps.
///
/// The block is a value of its own, so that the compiler keeps it in registers.
#[inline(always)]
fn advance<T: Element, const M: usize, const N: usize>(
    left: &[[T; M]],
    right: &[[T; N]],
    mut chains: [[T; N]; M],
) -> [[T; N]; M] {
    for (left, right) in left.iter().zip(right) {
        for i in 0..M {
            for j in 0..N {
                chains[i][j] = left[i].fused(right[j], chains[i][j]);
            }
        }
    }
    chains
}

#[cfg(test)]
mod tests {
    use super::{Extents, Matrix, Packing, multiply};
    use crate::element::Element;
    use crate::level::Level;

    /// Extents on both sides of every edge: rows of a block, columns at each level, steps of a
    /// pass.
    const EXTENTS: [(usize, usize, usize); 9] = [
        (1, 1, 1),
        (6, 256, 32),
        (7, 257, 33),
        (5, 600, 7),
        (13, 255, 8),
        (1, 300, 65),
        (100, 40, 1),
        (40, 513, 3),
        (12, 2, 64),
    ];

    fn naive<T: Element>(extents: Extents, left: Matrix<'_, T>, right: Matrix<'_, T>) -> Vec<T> {
        let Extents { m, k, n } = extents;
        let a = |i: usize, s: usize| left.data[i * left.row + s * left.column];
        let b = |s: usize, j: usize| right.data[s * right.row + j * right.column];
        let chain = |i: usize, j: usize| {
            (0..k).fold(T::default(), |c, s| a(i, s).fused(b(s, j), c)).clean()
        };
        (0..m * n).map(|at| chain(at / n, at % n)).collect()
    }

    /// Multiplies plain and transposed operands at every level; all must equal the three loops.
    fn check<T: Element>(number: impl Fn(usize) -> T, bits: impl Fn(T) -> u64) {
        for (m, k, n) in EXTENTS {
            let extents = Extents { m, k, n };
            let left: Vec<T> = (0..m * k).map(&number).collect();
            let right: Vec<T> = (0..k * n).map(|i| number(i + 7)).collect();
            for (turn_left, turn_right) in [(false, false), (true, false), (false, true)] {
                let (row, column) = if turn_left { (1, m) } else { (k, 1) };
                let a = Matrix { data: &left, row, column };
                let (row, column) = if turn_right { (1, k) } else { (n, 1) };
                let b = Matrix { data: &right, row, column };
                let expected = naive(extents, a, b);
                for level in Level::available() {
                    let mut out = vec![T::default(); m * n];
                    multiply(level, extents, (a, b), &mut out, &mut Packing::default());
                    let same = out.iter().zip(&expected).all(|(x, y)| bits(*x) == bits(*y));
                    assert!(same, "{m} {k} {n} {turn_left} {turn_right} {level}");
                }
            }
        }
    }

    /// Numbers of many magnitudes and both signs, from a multiplicative hash.
    fn word(i: usize) -> u32 {
        u32::try_from(i).expect("few elements").wrapping_mul(0x9e37_79b9).rotate_left(7)
    }

    #[test]
    fn f32_equals_three_loops() {
        let number = |i| f32::from_bits(word(i) & 0x83ff_ffff | 0x3c00_0000);
        check(number, |x| u64::from(x.to_bits()));
    }

    #[test]
    fn f64_equals_three_loops() {
        let number = |i| f64::from(word(i).cast_signed()) / 1e7;
        check(number, f64::to_bits);
    }

    #[test]
    fn i32_equals_three_loops() {
        check(|i| word(i).cast_signed(), |x| u64::from(x.cast_unsigned()));
    }
}

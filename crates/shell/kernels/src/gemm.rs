//! Matrix products: every output element is one chain of fused multiply-adds, `k` ascending.
//!
//! A register block of some rows and two vectors of columns runs along `k` ([`block`]). Both
//! operands are copied first, so that a block reads lines that lie together: the right one in
//! panels of as many columns as two vectors hold, the left one row by row, or step by step where it
//! is a transpose. Vectorising across outputs leaves each chain in its order. Where there are few
//! columns but many rows the operands change places: a product of two factors does not know which
//! came first.
//!
//! *Invariant: a chain has exactly as many steps as `k`. Padding fills columns that are thrown
//! away, never steps; a chain that is cut by cache blocking goes on from the stored element.*
//! Absent: Strassen, split sums.

mod block;

use std::ops::Range;

use crate::element::Element;
use crate::level::{Level, Task};
use crate::threads::{self, Threads};
use block::{Rows, STRIDE, Steps, advance};

/// Rows of a block at most: twelve vectors of chains are more than a step's latency asks for and
/// fewer than there are registers.
const BLOCK: usize = 6;

/// Steps of `k` per pass, so that a packed panel stays in the nearest cache.
const DEPTH: usize = 256;

/// Rows per pass, so that their packed steps stay in the next cache.
const ROWS: usize = 512;

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

    /// Returns the rows from `top` on.
    fn below(self, top: usize) -> Self {
        Self { data: &self.data[top * self.row..], row: self.row, column: self.column }
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

/// Products of equal extents, one after the other in memory.
#[derive(Debug)]
pub(crate) struct Products<'a, T> {
    pub(crate) level: Level,
    pub(crate) extents: Extents,
    pub(crate) left: Matrix<'a, T>,
    pub(crate) right: Matrix<'a, T>,
}

impl<T: Element> Products<'_, T> {
    /// Writes all products to `out`, row-major, rows cut between threads.
    pub(crate) fn run(&self, threads: Threads, out: &mut [T], packings: &mut Vec<Packing<T>>) {
        let Extents { k, n, .. } = self.extents;
        let rows = threads.part(out.len() / n, k * n, BLOCK);
        let firsts = (0..).step_by(rows);
        let parts = firsts.zip(out.chunks_mut(rows * n)).collect();
        threads::each(parts, packings, |(first, out), packing| self.part(first, out, packing));
    }

    /// Writes the rows of all products from `row` on that `out` has place for.
    fn part(&self, mut row: usize, mut out: &mut [T], packing: &mut Packing<T>) {
        let Extents { m, k, n } = self.extents;
        while !out.is_empty() {
            let (product, top) = (row / m, row % m);
            let rows = (m - top).min(out.len() / n);
            let (now, later) = out.split_at_mut(rows * n);
            let left = self.left.from(product * m * k, m * k).below(top);
            let right = self.right.from(product * k * n, k * n);
            multiply(self.level, Extents { m: rows, k, n }, (left, right), now, packing);
            row += rows;
            out = later;
        }
    }
}

/// Writes `left · right` to `out`, row-major.
fn multiply<T: Element>(
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

/// What one pass computes: some rows of the left operand, by some steps.
struct Pass {
    rows: Range<usize>,
    steps: Range<usize>,
}

impl<T: Element> Task for Product<'_, T> {
    #[inline(always)]
    fn run<const BYTES: usize>(mut self) {
        let Extents { m, k, .. } = self.extents;
        for step in (0..k).step_by(DEPTH) {
            for row in (0..m).step_by(ROWS) {
                let pass = Pass { rows: row..m.min(row + ROWS), steps: step..k.min(step + DEPTH) };
                match BYTES / size_of::<T>() {
                    4 => self.pass::<4>(&pass),
                    8 => self.pass::<8>(&pass),
                    16 => self.pass::<16>(&pass),
                    _ => self.pass::<32>(&pass),
                }
            }
        }
    }
}

impl<T: Element> Product<'_, T> {
    #[inline(always)]
    fn pass<const N: usize>(&mut self, pass: &Pass) {
        let by_rows = self.left.column == 1;
        if by_rows {
            self.pack_rows(pass);
        } else {
            self.pack_steps(pass);
        }
        for first in (0..self.extents.n).step_by(N) {
            self.pack_right::<N>(first, &pass.steps);
            let mut top = pass.rows.start;
            while top < pass.rows.end {
                top += match (by_rows, blocked(pass.rows.end - top)) {
                    (true, 4) => self.rows::<4, N>((top, first), pass),
                    (true, 2) => self.rows::<2, N>((top, first), pass),
                    (true, 1) => self.rows::<1, N>((top, first), pass),
                    (true, _) => self.rows::<BLOCK, N>((top, first), pass),
                    (false, 4) => self.steps::<4, N>((top, first), pass),
                    (false, 2) => self.steps::<2, N>((top, first), pass),
                    (false, 1) => self.steps::<1, N>((top, first), pass),
                    (false, _) => self.steps::<BLOCK, N>((top, first), pass),
                };
            }
        }
    }

    /// Copies rows of the left operand, [`STRIDE`] elements apart.
    #[inline(always)]
    fn pack_rows(&mut self, pass: &Pass) {
        let (steps, packed) = (pass.steps.len(), &mut self.packing.left);
        provide(packed, pass.rows.len() * STRIDE);
        for (i, line) in pass.rows.clone().zip(packed.chunks_exact_mut(STRIDE)) {
            let from = i * self.left.row + pass.steps.start;
            line[..steps].copy_from_slice(&self.left.data[from..from + steps]);
        }
    }

    /// Copies the left operand step by step, the rows of a block together.
    #[inline(always)]
    fn pack_steps(&mut self, pass: &Pass) {
        let Matrix { data, row, column } = self.left;
        let (steps, packed) = (pass.steps.len(), &mut self.packing.left);
        provide(packed, pass.rows.len() * steps);
        let mut top = pass.rows.start;
        while top < pass.rows.end {
            let rows = blocked(pass.rows.end - top);
            let block = &mut packed[(top - pass.rows.start) * steps..][..rows * steps];
            for (step, line) in pass.steps.clone().zip(block.chunks_exact_mut(rows)) {
                let from = step * column + top * row;
                if row == 1 {
                    copy_short(line, &data[from..from + rows]);
                } else {
                    for (i, slot) in line.iter_mut().enumerate() {
                        *slot = data[from + i * row];
                    }
                }
            }
            top += rows;
        }
    }

    /// Copies some steps of `N` columns of the right operand; the rest of a panel is stale.
    #[inline(always)]
    fn pack_right<const N: usize>(&mut self, first: usize, steps: &Range<usize>) {
        let Matrix { data, row, column } = self.right;
        let width = N.min(self.extents.n - first);
        let packed = &mut self.packing.right;
        provide(packed, DEPTH * N);
        let (lines, _) = packed.as_chunks_mut::<N>();
        if column == 1 {
            for (step, line) in steps.clone().zip(lines) {
                let from = step * row + first;
                match data[from..].first_chunk::<N>() {
                    Some(whole) if width == N => *line = *whole,
                    _ => copy_short(&mut line[..width], &data[from..from + width]),
                }
            }
            return;
        }
        for j in 0..width {
            let from = &data[(first + j) * column..];
            let column = from[steps.start * row..].iter().step_by(row);
            for (line, x) in lines[..steps.len()].iter_mut().zip(column) {
                line[j] = *x;
            }
        }
    }

    /// Continues the chains of `M` packed rows and `N` columns; says how many rows that are.
    #[inline(always)]
    fn rows<const M: usize, const N: usize>(&mut self, at: (usize, usize), pass: &Pass) -> usize {
        let chains = self.chains::<M, N>(at, pass);
        let (rows, _) = self.packing.left.as_chunks::<STRIDE>();
        let rows = rows[at.0 - pass.rows.start..].first_chunk().expect("a block of packed rows");
        let (right, _) = self.packing.right.as_chunks::<N>();
        let chains = advance(Rows(rows), &right[..pass.steps.len()], chains);
        self.store(at, pass, &chains);
        M
    }

    /// Does the same for rows that were packed step by step.
    #[inline(always)]
    fn steps<const M: usize, const N: usize>(&mut self, at: (usize, usize), pass: &Pass) -> usize {
        let chains = self.chains::<M, N>(at, pass);
        let from = (at.0 - pass.rows.start) * pass.steps.len();
        let (steps, _) = self.packing.left[from..].as_chunks::<M>();
        let (right, _) = self.packing.right.as_chunks::<N>();
        let chains = advance(Steps(steps), &right[..pass.steps.len()], chains);
        self.store(at, pass, &chains);
        M
    }

    /// Returns the chains of a block as they stand before a pass.
    #[inline(always)]
    fn chains<const M: usize, const N: usize>(
        &self,
        (top, first): (usize, usize),
        pass: &Pass,
    ) -> [[T; N]; M] {
        let mut chains = [[T::default(); N]; M];
        if pass.steps.start == 0 {
            return chains;
        }
        let width = N.min(self.extents.n - first);
        for (i, line) in chains.iter_mut().enumerate() {
            let out = &self.out[(top + i) * self.row + first * self.column..];
            if self.column > 1 {
                for (chain, x) in line[..width].iter_mut().zip(out.iter().step_by(self.column)) {
                    *chain = *x;
                }
            } else if let Some(whole) = out.first_chunk::<N>().filter(|_| width == N) {
                *line = *whole;
            } else {
                copy_short(&mut line[..width], &out[..width]);
            }
        }
        chains
    }

    /// Stores the chains of a block, canonical if they are at their end.
    #[inline(always)]
    fn store<const M: usize, const N: usize>(
        &mut self,
        (top, first): (usize, usize),
        pass: &Pass,
        chains: &[[T; N]; M],
    ) {
        let width = N.min(self.extents.n - first);
        let last = pass.steps.end == self.extents.k;
        for (i, line) in chains.iter().enumerate() {
            let mut line = *line;
            if last {
                line.iter_mut().for_each(|chain| *chain = chain.clean());
            }
            let out = &mut self.out[(top + i) * self.row + first * self.column..];
            if self.column > 1 {
                for (out, chain) in out.iter_mut().step_by(self.column).zip(&line[..width]) {
                    *out = *chain;
                }
            } else if let Some(whole) = out.first_chunk_mut::<N>().filter(|_| width == N) {
                *whole = line;
            } else {
                copy_short(&mut out[..width], &line[..width]);
            }
        }
    }
}

/// Rows of the next block when some are left: a few sizes, as each is code of its own.
#[inline(always)]
fn blocked(left: usize) -> usize {
    match left {
        1 => 1,
        2 | 3 => 2,
        4 | 5 => 4,
        _ => BLOCK,
    }
}

/// Makes a buffer long enough; what it holds does not matter.
fn provide<T: Element>(packed: &mut Vec<T>, size: usize) {
    if packed.len() < size {
        packed.resize(size, T::default());
    }
}

/// Copies a few elements without a call.
#[inline(always)]
fn copy_short<T: Copy>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::{Extents, Matrix, Products};
    use crate::element::Element;
    use crate::level::Level;
    use crate::threads::Threads;

    /// Extents on both sides of every edge: rows of a block and of a pass, columns at each level,
    /// steps of a pass.
    const EXTENTS: [(usize, usize, usize); 12] = [
        (1, 1, 1),
        (6, 256, 32),
        (7, 257, 33),
        (5, 600, 7),
        (13, 255, 8),
        (1, 300, 65),
        (100, 40, 1),
        (40, 513, 3),
        (12, 2, 64),
        (14, 33, 16),
        (515, 257, 9),
        (530, 258, 3),
    ];

    /// Products in a row that are checked together.
    const COUNT: usize = 2;

    fn naive<T: Element>(products: &Products<'_, T>) -> Vec<T> {
        let Products { extents: Extents { m, k, n }, left, right, .. } = products;
        let mut out = Vec::new();
        for product in 0..COUNT {
            let left = left.from(product * m * k, m * k);
            let right = right.from(product * k * n, k * n);
            let a = |i: usize, s: usize| left.data[i * left.row + s * left.column];
            let b = |s: usize, j: usize| right.data[s * right.row + j * right.column];
            let chain = |i: usize, j: usize| {
                (0..*k).fold(T::default(), |c, s| a(i, s).fused(b(s, j), c)).clean()
            };
            out.extend((0..m * n).map(|at| chain(at / n, at % n)));
        }
        out
    }

    /// Multiplies plain and transposed operands at every level, whole and cut between threads; all
    /// must equal the three loops.
    fn check<T: Element>(number: impl Fn(usize) -> T, bits: impl Fn(T) -> u64) {
        for (m, k, n) in EXTENTS {
            let left: Vec<T> = (0..COUNT * m * k).map(&number).collect();
            let right: Vec<T> = (0..COUNT * k * n).map(|i| number(i + 7)).collect();
            for (turn_left, turn_right) in [(false, false), (true, false), (false, true)] {
                let (row, column) = if turn_left { (1, m) } else { (k, 1) };
                let left = Matrix { data: &left, row, column };
                let (row, column) = if turn_right { (1, k) } else { (n, 1) };
                let right = Matrix { data: &right, row, column };
                let (extents, level) = (Extents { m, k, n }, Level::PORTABLE);
                let mut products = Products { level, extents, left, right };
                let expected = naive(&products);
                for (level, count) in Level::available().into_iter().zip([3, 1, 2]) {
                    products.level = level;
                    let mut out = vec![T::default(); COUNT * m * n];
                    products.run(Threads { count, work_min: 1 }, &mut out, &mut Vec::new());
                    let same = out.iter().zip(&expected).all(|(x, y)| bits(*x) == bits(*y));
                    assert!(same, "{m} {k} {n} {turn_left} {turn_right} {level} {count}");
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

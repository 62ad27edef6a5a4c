//! Matrix products: every output element is one chain of fused multiply-adds, `k` ascending.
//!
//! A register block of a few rows and a few vectors of columns runs along `k` ([`block`]). The
//! right operand is copied first, in panels as wide as a block, so that a block reads lines that
//! lie together. Blocks follow one another along a row: the panels come from the second cache,
//! which is fast enough, while what is left and what is written stays in few pages. A copy that
//! one block of rows alone would read is not made. Vectorising across outputs leaves each chain in
//! its order. Where there are few columns but many rows the operands change places: a product of
//! two factors does not know which came first.
//!
//! *Invariant: a chain has exactly as many steps as `k`. Padding fills columns that are thrown
//! away, never steps; a chain that is cut by cache blocking goes on from the stored element.*
//! Absent: Strassen, split sums.

mod block;
mod rows;
mod vector;

use std::ops::Range;

use crate::buffer::{LINE, before_line};
use crate::level::{Level, Task};
use crate::threads::{self, Threads};
use block::{Chains, Left, Right, advance, advance_wide};
pub(crate) use rows::{Row, Rows, Strips};
pub(crate) use vector::Factor;

/// Rows of a block at most. Twelve vectors of chains, or twenty-four with AVX-512, are more than a
/// step's latency asks for and fewer than there are registers.
const BLOCK: usize = 6;

/// Steps of `k` per pass.
const DEPTH: usize = 256;

/// Bytes of as many columns of the right operand as there are in a pass, so that their packed steps
/// stay in the next cache.
const BREADTH: usize = 4_096;

/// Steps of a panel that are copied before the next column's: the lines they go to stay in the
/// nearest cache meanwhile.
const STEPS_NEAR: usize = 32;

/// With as many columns, steps of the left operand that lie apart are read often enough to be worth
/// a copy.
const COLUMNS_MANY: usize = 512;

/// Lines this far apart, in bytes, meet in one set of the nearest cache and lie in two pages.
const PAGE: usize = 4_096;

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

    /// Returns the columns from `first` on.
    fn after(self, first: usize) -> Self {
        Self { data: &self.data[first * self.column..], row: self.row, column: self.column }
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

impl<T: Factor> Products<'_, T> {
    /// Writes all products to `out`, row-major, rows cut between threads.
    pub(crate) fn run(&self, threads: Threads, out: &mut [T], packings: &mut Vec<Packing<T>>) {
        let Extents { k, n, .. } = self.extents;
        if out.len() == n {
            return self.row(threads, out, packings);
        }
        let rows = threads.part(out.len() / n, k * n, BLOCK);
        let firsts = (0..).step_by(rows);
        let parts = firsts.zip(out.chunks_mut(rows * n)).collect();
        threads::each(parts, packings, |(first, out), packing| self.part(first, out, packing));
    }

    /// Writes the only row of the only product, columns cut between threads.
    fn row(&self, threads: Threads, out: &mut [T], packings: &mut Vec<Packing<T>>) {
        let Extents { m, k, n } = self.extents;
        let columns = threads.part(n, k, BREADTH / size_of::<T>());
        let firsts = (0..).step_by(columns);
        let parts = firsts.zip(out.chunks_mut(columns)).collect();
        threads::each(parts, packings, |(first, out): (usize, &mut [T]), packing| {
            let extents = Extents { m, k, n: out.len() };
            multiply(self.level, extents, (self.left, self.right.after(first)), out, packing);
        });
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
fn multiply<T: Factor>(
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

/// What one pass computes: all rows, by some steps and some columns.
struct Pass {
    steps: Range<usize>,
    columns: Range<usize>,
    /// Where the panels of full width end, of which the last may lack columns; one that is narrower
    /// takes the rest.
    body: usize,
    /// Where the panels end that are read where they lie.
    lying: usize,
}

impl<T: Factor> Task for Product<'_, T> {
    #[inline(always)]
    fn run<const BYTES: usize>(mut self) {
        let Extents { k, n, .. } = self.extents;
        for columns in cut(0..n, BREADTH / size_of::<T>()) {
            for steps in cut(0..k, DEPTH) {
                let body = columns.end;
                let (columns, lying) = (columns.clone(), columns.start);
                let pass = Pass { steps, columns, body, lying };
                match (BYTES, BYTES / size_of::<T>()) {
                    (128, 16) => self.pass::<8, 16, 32, 4>(pass),
                    (128, _) => self.pass::<16, 32, 64, 4>(pass),
                    (_, 4) => self.pass::<4, 4, 4, 0>(pass),
                    (_, 8) => self.pass::<8, 8, 8, 0>(pass),
                    _ => self.pass::<16, 16, 16, 0>(pass),
                }
            }
        }
    }
}

/// Cuts a range into pieces of some length, the last one shorter.
#[inline(always)]
fn cut(range: Range<usize>, length: usize) -> impl Iterator<Item = Range<usize>> {
    range.clone().step_by(length).map(move |start| start..range.end.min(start + length))
}

impl<T: Factor> Product<'_, T> {
    /// Copies panels of `FOUR` columns and takes all chains through them. With AVX-512 these are
    /// `V` vectors, and the last panel has two or one if that is enough.
    #[inline(always)]
    fn pass<const ONE: usize, const TWO: usize, const FOUR: usize, const V: usize>(
        &mut self,
        mut pass: Pass,
    ) {
        let Range { start, end } = pass.columns;
        provide(&mut self.packing.right, pass.steps.len() * (end - start + FOUR) + LINE);
        let rest = (end - start) % FOUR;
        if V > 0 && rest <= TWO {
            pass.body = end - rest;
        }
        if self.right.column == 1 && self.extents.m <= BLOCK {
            pass.lying = pass.body - (pass.body - start) % FOUR;
        }
        self.pack_right::<FOUR>(pass.lying..pass.body, &pass);
        if V > 0 && pass.body < end {
            if rest > ONE {
                self.pack_right::<TWO>(pass.body..end, &pass);
            } else {
                self.pack_right::<ONE>(pass.body..end, &pass);
            }
        }
        let (by_rows, m) = (self.left.column == 1, self.extents.m);
        let mut top = 0;
        while top < m {
            top += match (by_rows, m - top) {
                (true, 1) => self.rows::<1, ONE, TWO, FOUR, V, true>(top, &pass),
                (true, 2 | 3) => self.rows::<2, ONE, TWO, FOUR, V, true>(top, &pass),
                (true, 4 | 5) => self.rows::<4, ONE, TWO, FOUR, V, true>(top, &pass),
                (true, _) => self.rows::<BLOCK, ONE, TWO, FOUR, V, true>(top, &pass),
                (false, 1) => self.rows::<1, ONE, TWO, FOUR, V, false>(top, &pass),
                (false, 2 | 3) => self.rows::<2, ONE, TWO, FOUR, V, false>(top, &pass),
                (false, 4 | 5) => self.rows::<4, ONE, TWO, FOUR, V, false>(top, &pass),
                (false, _) => self.rows::<BLOCK, ONE, TWO, FOUR, V, false>(top, &pass),
            };
        }
    }

    /// Takes the chains of some rows through a pass; says how many rows.
    #[inline(always)]
    fn rows<
        const M: usize,
        const ONE: usize,
        const TWO: usize,
        const FOUR: usize,
        const V: usize,
        const BY_ROWS: bool,
    >(
        &mut self,
        top: usize,
        pass: &Pass,
    ) -> usize {
        let packed = !BY_ROWS && self.pack_left::<M>(top, &pass.steps);
        let Range { start, end } = pass.columns;
        for first in (start..pass.body).step_by(FOUR) {
            self.block::<M, FOUR, V, BY_ROWS>((top, first), packed, pass);
        }
        if V > 0 && pass.body < end {
            if end - pass.body > ONE {
                self.block::<M, TWO, 2, BY_ROWS>((top, pass.body), packed, pass);
            } else {
                self.block::<M, ONE, 1, BY_ROWS>((top, pass.body), packed, pass);
            }
        }
        M
    }

    /// Copies some steps of `M` rows of the left operand, whose steps lie apart, if they are read
    /// often or meet in one set of the nearest cache; says whether it did.
    #[inline(always)]
    fn pack_left<const M: usize>(&mut self, top: usize, steps: &Range<usize>) -> bool {
        let Matrix { data, column, .. } = self.left;
        if self.extents.n < COLUMNS_MANY && !(column * size_of::<T>()).is_multiple_of(PAGE) {
            return false;
        }
        provide(&mut self.packing.left, DEPTH * M);
        let (lines, _) = self.packing.left.as_chunks_mut::<M>();
        for (step, line) in steps.clone().zip(lines) {
            let from = data[step * column + top..].first_chunk();
            *line = *from.expect("a step has these rows");
        }
        true
    }

    /// Copies some columns of a pass of the right operand in panels of `N`; what the last one lacks
    /// is stale.
    #[inline(always)]
    fn pack_right<const N: usize>(&mut self, columns: Range<usize>, pass: &Pass) {
        let Matrix { data, row, column } = self.right;
        let count = pass.steps.len();
        let place = (columns.start - pass.columns.start) * count;
        let (lines, _) = aligned(&mut self.packing.right)[place..].as_chunks_mut::<N>();
        if column == 1 {
            for (i, step) in pass.steps.clone().enumerate() {
                let from = &data[step * row + columns.start..step * row + columns.end];
                let (whole, rest) = from.as_chunks::<N>();
                for (panel, from) in whole.iter().enumerate() {
                    lines[panel * count + i] = *from;
                }
                if !rest.is_empty() {
                    copy_short(&mut lines[whole.len() * count + i], rest);
                }
            }
            return;
        }
        for start in (0..count).step_by(STEPS_NEAR) {
            let size = STEPS_NEAR.min(count - start);
            for (j, first) in columns.clone().enumerate() {
                let from = &data[first * column + (pass.steps.start + start) * row..];
                let lines = &mut lines[j / N * count + start..][..size];
                for (line, x) in lines.iter_mut().zip(from.iter().step_by(row)) {
                    line[j % N] = *x;
                }
            }
        }
    }

    /// Takes the chains of a block through a pass.
    #[inline(always)]
    fn block<const M: usize, const N: usize, const V: usize, const BY_ROWS: bool>(
        &mut self,
        (top, first): (usize, usize),
        packed: bool,
        pass: &Pass,
    ) {
        let count = pass.steps.len();
        let place = (first - pass.columns.start) * count;
        let right = if first < pass.lying {
            let Matrix { data, row, .. } = self.right;
            let from = pass.steps.start * row + first;
            Right { data: &data[from..], stride: row, steps: count }
        } else {
            Right { data: &aligned(&mut self.packing.right)[place..], stride: N, steps: count }
        };
        let Matrix { data, row, column } = self.left;
        let left = if packed {
            Left { data: &self.packing.left, stride: M }
        } else {
            let from = top * row + pass.steps.start * column;
            Left { data: &data[from..], stride: if BY_ROWS { row } else { column } }
        };
        let (begin, end) = (pass.steps.start == 0, pass.steps.end == self.extents.k);
        let width = N.min(self.extents.n - first);
        let out = &mut self.out[top * self.row + first * self.column..];
        if self.column == 1 && width == N {
            let chains = Chains { row: self.row, begin, end };
            if V > 0 {
                advance_wide::<T, M, N, V, BY_ROWS>(left, right, chains, out);
            } else {
                advance::<T, M, N, BY_ROWS>(left, right, chains, out);
            }
            return;
        }
        let mut beside = [[T::default(); N]; M];
        if !begin {
            for (i, line) in beside.iter_mut().enumerate() {
                let out = out[i * self.row..].iter().step_by(self.column);
                line[..width].iter_mut().zip(out).for_each(|(chain, out)| *chain = *out);
            }
        }
        let chains = Chains { row: N, begin, end };
        if V > 0 {
            advance_wide::<T, M, N, V, BY_ROWS>(left, right, chains, beside.as_flattened_mut());
        } else {
            advance::<T, M, N, BY_ROWS>(left, right, chains, beside.as_flattened_mut());
        }
        for (i, line) in beside.iter().enumerate() {
            let out = out[i * self.row..].iter_mut().step_by(self.column);
            out.zip(&line[..width]).for_each(|(out, chain)| *out = *chain);
        }
    }
}

/// Makes a buffer long enough; what it holds does not matter.
fn provide<T: Factor>(packed: &mut Vec<T>, size: usize) {
    if packed.len() < size {
        packed.resize(size, T::default());
    }
}

/// Returns what of a buffer begins with a line of the cache; `provide` has left a line for that.
#[inline(always)]
fn aligned<T: Factor>(packed: &mut [T]) -> &mut [T] {
    let before = before_line(packed);
    &mut packed[before..]
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
    use super::{Extents, Factor, Matrix, Products};
    use crate::level::Level;
    use crate::threads::Threads;

    /// Extents on both sides of every edge: rows of a block and of a pass, columns at each level,
    /// steps of a pass, what is worth a copy.
    const EXTENTS: [(usize, usize, usize); 20] = [
        (1, 1, 1),
        (6, 256, 32),
        (7, 257, 33),
        (5, 600, 7),
        (13, 255, 8),
        (1, 300, 65),
        (1, 27, 1_700),
        (2, 31, 600),
        (6, 300, 70),
        (100, 40, 1),
        (40, 513, 3),
        (12, 2, 64),
        (14, 33, 16),
        (515, 257, 9),
        (530, 258, 3),
        (7, 130, 512),
        (9, 1_024, 17),
        (1_024, 3, 9),
        (8, 257, 1_090),
        (3, 40, 1_041),
    ];

    /// Products in a row that are checked together.
    const COUNT: usize = 2;

    fn naive<T: Factor>(products: &Products<'_, T>) -> Vec<T> {
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
    fn check<T: Factor>(number: impl Fn(usize) -> T, bits: impl Fn(T) -> u64) {
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
                    let mut one = vec![T::default(); m * n];
                    products.run(Threads { count, work_min: 1 }, &mut one, &mut Vec::new());
                    let same = one.iter().zip(&expected).all(|(x, y)| bits(*x) == bits(*y));
                    assert!(same, "alone: {m} {k} {n} {turn_left} {turn_right} {level} {count}");
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

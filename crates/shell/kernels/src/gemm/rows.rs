//! Products of a few long rows that lie apart: with one another, weights times them, or each with
//! itself less some vector.
//!
//! A strip of all rows is clamped and widened at a time and goes through the whole product before
//! the next one; it never leaves the near caches. Among themselves the rows are turned first, so
//! that a step has all rows side by side; the chains go on from strip to strip, and of two equal
//! ones, as of a with b and b with a, one is computed.
//!
//! *Invariant: each chain takes all its steps in order.* Absent: any use of the sums being exact,
//! which they are where rows are short enough: bits must not depend on how long they are.

use super::block::{Chains, Left, Right, advance, advance_wide};
use super::vector::turn;
use super::{BLOCK, Extents, Factor, Matrix, Packing, Product, provide};
use crate::buffer::View;
use crate::element::Element;
use crate::level::{Level, Task};
use crate::reduce::{LANES, folded};
use crate::threads::{self, Threads};

/// Columns of a strip.
const STRIP: usize = 256;

/// Elements of a vector of f64 at the widest level; turned rows are filled up to as many.
const SIDE: usize = 8;

/// A row that lies in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) data: View<'a>,
    /// What an i32 row is clamped to.
    pub(crate) bounds: (i32, i32),
}

/// Scratch memory of a thread.
#[derive(Debug, Default)]
pub(crate) struct Strips {
    /// A strip of each row.
    flat: Vec<f64>,
    /// The same turned, a line of rows for each step.
    turned: Vec<f64>,
    /// Chains, or a strip of the result.
    made: Vec<f64>,
    packing: Packing<f64>,
}

/// Rows of equal length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) level: Level,
    pub(crate) rows: &'a [Row<'a>],
    pub(crate) length: usize,
}

impl Rows<'_> {
    /// Writes the inner products of the rows, row-major; blocks of them cut between threads.
    pub(crate) fn squared(&self, threads: Threads, out: &mut [f64], strips: &mut Vec<Strips>) {
        let count = self.rows.len();
        let most = threads.part(count, self.length * count, BLOCK);
        let tops = (0..).step_by(most);
        let parts: Vec<_> = tops.zip(out.chunks_mut(most * count)).collect();
        threads::each(parts, strips, |(top, out), strips| {
            self.level.run(Squared { rows: *self, top, out, strips });
        });
        // A block has its own columns and those to the right.
        for row in 0..count {
            for column in 0..row / SIDE * SIDE {
                out[row * count + column] = out[column * count + row];
            }
        }
    }

    /// Writes weights times the rows, row-major; columns cut between threads.
    pub(crate) fn weighted(
        &self,
        weights: Matrix<'_, f64>,
        threads: Threads,
        out: &mut [f64],
        strips: &mut Vec<Strips>,
    ) {
        let (count, length) = (self.rows.len(), self.length);
        let lines = out.len() / length;
        let most = threads.part(length, lines * count, STRIP);
        let mut rest: Vec<&mut [f64]> = out.chunks_exact_mut(length).collect();
        let mut parts = Vec::new();
        for first in (0..length).step_by(most) {
            let size = most.min(length - first);
            let (now, later) = rest.into_iter().map(|line| line.split_at_mut(size)).unzip();
            parts.push((first, now));
            rest = later;
        }
        threads::each(parts, strips, |(first, lines): (usize, Vec<&mut [f64]>), strips| {
            self.level.run(Weighted { rows: *self, weights, first, lines, strips });
        });
    }

    /// Writes the sum of the squares of each row less a vector; rows cut between threads.
    pub(crate) fn apart(
        &self,
        less: Row<'_>,
        threads: Threads,
        out: &mut [f64],
        strips: &mut Vec<Strips>,
    ) {
        let most = threads.part(out.len(), self.length, 1);
        let parts: Vec<_> = self.rows.chunks(most).zip(out.chunks_mut(most)).collect();
        threads::each(parts, strips, |(rows, out), strips| {
            let rows = Rows { rows, ..*self };
            self.level.run(Apart { rows, less, out, strips });
        });
    }

    /// Clamps and widens some columns of every row; asks for the same of the next strip.
    #[inline(always)]
    fn widen(&self, first: usize, size: usize, flat: &mut [f64]) {
        for (row, line) in self.rows.iter().zip(flat.chunks_exact_mut(STRIP)) {
            row.ask(first + size);
            row.widen(first, &mut line[..size]);
        }
    }
}

impl Row<'_> {
    #[inline(always)]
    fn widen(&self, first: usize, line: &mut [f64]) {
        let last = first + line.len();
        match self.data {
            View::I32(all) => {
                let (low, high) = self.bounds;
                for (out, x) in line.iter_mut().zip(&all[first..last]) {
                    *out = f64::from(x.greater(low).lesser(high));
                }
            }
            View::F32(all) => {
                for (out, x) in line.iter_mut().zip(&all[first..last]) {
                    *out = f64::from(*x);
                }
            }
            View::F64(all) => line.copy_from_slice(&all[first..last]),
        }
    }

    /// Asks memory for the strip from a column on.
    #[inline(always)]
    fn ask(&self, first: usize) {
        match self.data {
            View::I32(all) => ask(all, first),
            View::F32(all) => ask(all, first),
            View::F64(all) => ask(all, first),
        }
    }
}

#[inline(always)]
fn ask<T: Factor>(all: &[T], first: usize) {
    let some = &all[first.min(all.len())..(first + STRIP).min(all.len())];
    some.iter().step_by(crate::buffer::LINE / size_of::<T>()).for_each(|x| T::prefetch(x));
}

/// Some rows of the inner products, from the block of `top` on.
struct Squared<'a, 'r> {
    rows: Rows<'r>,
    top: usize,
    out: &'a mut [f64],
    strips: &'a mut Strips,
}

impl Task for Squared<'_, '_> {
    #[inline(always)]
    fn run<const BYTES: usize>(self) {
        let Squared { rows, top, out, strips } = self;
        let (count, length) = (rows.rows.len(), rows.length);
        let wide = count.next_multiple_of(SIDE);
        let lines = out.len() / count;
        let Strips { flat, turned, made, .. } = strips;
        provide(flat, wide * STRIP);
        provide(turned, wide * STRIP + crate::buffer::LINE);
        provide(made, (lines + BLOCK) * wide);
        let turned = super::aligned(turned);
        for first in (0..length).step_by(STRIP) {
            let size = STRIP.min(length - first);
            rows.widen(first, size, flat);
            turn_all::<BYTES>(flat, turned, (wide, size));
            let ends = (first == 0, first + size == length);
            let mut done = 0;
            while done < lines {
                let from = (top + done) / SIDE * SIDE;
                let strip = (&turned[..], wide, size);
                let place = (top + done, from);
                let made = &mut made[done * wide..];
                done += match lines - done {
                    1 => block::<1, BYTES>(strip, place, ends, made),
                    2 | 3 => block::<2, BYTES>(strip, place, ends, made),
                    4 | 5 => block::<4, BYTES>(strip, place, ends, made),
                    _ => block::<BLOCK, BYTES>(strip, place, ends, made),
                };
            }
        }
        for (out, made) in out.chunks_exact_mut(count).zip(made.chunks_exact(wide)) {
            out.copy_from_slice(&made[..count]);
        }
    }
}

/// Takes the chains of `M` rows, from a column on, through a strip; says how many rows.
#[inline(always)]
fn block<const M: usize, const BYTES: usize>(
    (turned, wide, steps): (&[f64], usize, usize),
    (top, from): (usize, usize),
    (begin, end): (bool, bool),
    made: &mut [f64],
) -> usize {
    let chains = Chains { row: wide, begin, end };
    let left = Left { data: &turned[top..], stride: wide };
    let mut first = from;
    while first < wide {
        let right = Right { data: &turned[first..], stride: wide, steps };
        let out = &mut made[first..];
        if BYTES < 128 {
            advance::<f64, M, SIDE, false>(left, right, chains, out);
            first += SIDE;
            continue;
        }
        first += match (wide - first) / SIDE {
            1 => {
                advance_wide::<f64, M, 8, 1, false>(left, right, chains, out);
                8
            }
            2 => {
                advance_wide::<f64, M, 16, 2, false>(left, right, chains, out);
                16
            }
            3 => {
                advance_wide::<f64, M, 24, 3, false>(left, right, chains, out);
                24
            }
            _ => {
                advance_wide::<f64, M, 32, 4, false>(left, right, chains, out);
                32
            }
        };
    }
    M
}

/// Turns a strip: a line of `wide` rows for each of `size` steps, and for the few that make up a
/// whole square.
#[inline(always)]
fn turn_all<const BYTES: usize>(flat: &[f64], turned: &mut [f64], (wide, size): (usize, usize)) {
    for row in (0..wide).step_by(SIDE) {
        for step in (0..size).step_by(SIDE) {
            let from = &flat[row * STRIP + step..];
            turn::<BYTES>((from, STRIP), (&mut turned[step * wide + row..], wide));
        }
    }
}

/// Weights times some columns of the rows.
struct Weighted<'a, 'r> {
    rows: Rows<'r>,
    weights: Matrix<'r, f64>,
    first: usize,
    lines: Vec<&'a mut [f64]>,
    strips: &'a mut Strips,
}

impl Task for Weighted<'_, '_> {
    #[inline(always)]
    fn run<const BYTES: usize>(self) {
        let Weighted { rows, weights, first, mut lines, strips } = self;
        let (count, m) = (rows.rows.len(), lines.len());
        let Strips { flat, made, packing, .. } = strips;
        provide(flat, count * STRIP);
        provide(made, m * STRIP);
        let length = lines.first().map_or(0, |line| line.len());
        for start in (0..length).step_by(STRIP) {
            let size = STRIP.min(length - start);
            rows.widen(first + start, size, flat);
            let product = Product {
                extents: Extents { m, k: count, n: size },
                left: weights,
                right: Matrix { data: &flat[..], row: STRIP, column: 1 },
                out: &mut made[..],
                row: STRIP,
                column: 1,
                packing: &mut *packing,
            };
            product.run::<BYTES>();
            for (line, made) in lines.iter_mut().zip(made.chunks_exact(STRIP)) {
                line[start..start + size].copy_from_slice(&made[..size]);
            }
        }
    }
}

/// Sums of squares of rows less a vector.
struct Apart<'a, 'r> {
    rows: Rows<'r>,
    less: Row<'r>,
    out: &'a mut [f64],
    strips: &'a mut Strips,
}

impl Task for Apart<'_, '_> {
    #[inline(always)]
    fn run<const BYTES: usize>(self) {
        let Apart { rows, less, out, strips } = self;
        let Strips { flat, made, .. } = strips;
        provide(flat, 2 * STRIP);
        provide(made, rows.rows.len() * LANES);
        made.fill(0.0);
        let (less_line, line) = flat.split_at_mut(STRIP);
        for first in (0..rows.length).step_by(STRIP) {
            let size = STRIP.min(rows.length - first);
            less.ask(first + size);
            less.widen(first, &mut less_line[..size]);
            for (row, lanes) in rows.rows.iter().zip(made.as_chunks_mut().0) {
                row.ask(first + size);
                row.widen(first, &mut line[..size]);
                add_squares(&line[..size], &less_line[..size], lanes);
            }
        }
        for (out, lanes) in out.iter_mut().zip(made.as_chunks_mut().0) {
            *out = folded(lanes);
        }
    }
}

/// Adds the squares of differences to lanes, element `l` of each block to lane `l`.
#[inline(always)]
fn add_squares(row: &[f64], less: &[f64], kept: &mut [f64; LANES]) {
    let mut lanes = *kept;
    let (blocks, rest) = row.as_chunks::<LANES>();
    let (others, other_rest) = less.as_chunks::<LANES>();
    for (block, other) in blocks.iter().zip(others) {
        for ((lane, x), y) in lanes.iter_mut().zip(block).zip(other) {
            let apart = x - y;
            *lane += apart * apart;
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(rest).zip(other_rest) {
        let apart = x - y;
        *lane += apart * apart;
    }
    *kept = lanes;
}

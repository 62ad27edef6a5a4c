//! Reductions along an axis, many outputs side by side.
//!
//! A tensor around an axis is `[before, along, after]`. A sum has 32 lanes per output, which the
//! reference fills element by element; here up to [`WIDE`] neighbouring outputs are summed at once,
//! and when `after` is 1 the lanes themselves are what lies side by side.
//!
//! *Invariant: lane `l` adds elements `l`, `l + 32`, … ascending from +0, then lanes fold 16, 8, 4,
//! 2, 1; empty lanes take part.* Absent: any other tree, compensated sums.

use crate::element::Element;
use crate::level::Task;
use crate::movement::Around;

/// Lanes of a sum.
pub(crate) const LANES: usize = 32;

/// Neighbouring outputs that are summed at once: few, or a cache line or more of each row.
const NARROW: usize = 16;
const WIDE: usize = 64;

/// Sums along the middle axis of `[before, along, after]`.
#[derive(Debug)]
pub(crate) struct Sum<'a, T> {
    pub(crate) from: &'a [T],
    pub(crate) along: usize,
    pub(crate) after: usize,
    pub(crate) out: &'a mut [T],
}

impl<T: Element> Task for Sum<'_, T> {
    #[inline(always)]
    fn run<const BYTES: usize>(self) {
        let Sum { from, along, after, out } = self;
        if after == 1 {
            for (row, out) in from.chunks_exact(along).zip(out) {
                *out = sum_row(row);
            }
            return;
        }
        for (plane, out) in from.chunks_exact(along * after).zip(out.chunks_exact_mut(after)) {
            if after < WIDE {
                sum_plane::<T, NARROW>(plane, after, out);
            } else {
                sum_plane::<T, WIDE>(plane, after, out);
            }
        }
    }
}

#[inline(always)]
fn sum_row<T: Element>(row: &[T]) -> T {
    let mut lanes = [T::default(); LANES];
    let blocks = row.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        for (lane, x) in lanes.iter_mut().zip(block) {
            *lane = lane.plus(*x);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = lane.plus(*x);
    }
    folded(&mut lanes)
}

/// Folds the lanes of one output, the upper half onto the lower.
#[inline(always)]
pub(crate) fn folded<T: Element>(lanes: &mut [T; LANES]) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            lanes[l] = lanes[l].plus(lanes[l + width]);
        }
        width /= 2;
    }
    lanes[0].clean()
}

#[inline(always)]
fn sum_plane<T: Element, const WIDTH: usize>(plane: &[T], after: usize, out: &mut [T]) {
    for (first, out) in (0..after).step_by(WIDTH).zip(out.chunks_mut(WIDTH)) {
        sum_columns::<T, WIDTH>(plane, after, first, out);
    }
}

/// Sums `out.len()` neighbouring columns of a plane, the first of them at `first`.
#[inline(always)]
fn sum_columns<T: Element, const WIDTH: usize>(
    plane: &[T],
    after: usize,
    first: usize,
    out: &mut [T],
) {
    let mut lanes = [[T::default(); WIDTH]; LANES];
    for block in plane.chunks(LANES * after) {
        for (lanes, row) in lanes.iter_mut().zip(block.chunks_exact(after)) {
            if let Some(row) = row[first..].first_chunk::<WIDTH>() {
                for (lane, x) in lanes.iter_mut().zip(row) {
                    *lane = lane.plus(*x);
                }
            } else {
                for (lane, x) in lanes.iter_mut().zip(&row[first..]) {
                    *lane = lane.plus(*x);
                }
            }
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            let upper = lanes[l + width];
            for (lane, x) in lanes[l].iter_mut().zip(upper) {
                *lane = lane.plus(x);
            }
        }
        width /= 2;
    }
    for (out, lane) in out.iter_mut().zip(lanes[0]) {
        *out = lane.clean();
    }
}

/// Finds the greatest along the middle axis of `[before, along, after]`.
///
/// Its order does not show: the greatest is the same in any, and a NaN is the one NaN.
#[derive(Debug)]
pub(crate) struct Greatest<'a, T> {
    pub(crate) from: &'a [T],
    pub(crate) along: usize,
    pub(crate) after: usize,
    pub(crate) out: &'a mut [T],
}

impl<T: Element> Task for Greatest<'_, T> {
    #[inline(always)]
    fn run<const BYTES: usize>(self) {
        let Greatest { from, along, after, out } = self;
        if after == 1 {
            for (row, out) in from.chunks_exact(along).zip(out) {
                *out = greatest_of_row(row);
            }
            return;
        }
        for (plane, out) in from.chunks_exact(along * after).zip(out.chunks_exact_mut(after)) {
            for (out, x) in out.iter_mut().zip(plane) {
                *out = x.clean();
            }
            for row in plane.chunks_exact(after).skip(1) {
                for (out, x) in out.iter_mut().zip(row) {
                    *out = out.greater(*x);
                }
            }
        }
    }
}

#[inline(always)]
fn greatest_of_row<T: Element>(row: &[T]) -> T {
    let mut lanes = [row[0].clean(); LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for (lane, x) in lanes.iter_mut().zip(block) {
            *lane = lane.greater(*x);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = lane.greater(*x);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            lanes[l] = lanes[l].greater(lanes[l + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Walks each output's elements in ascending order and hands the winner's value and index to `put`.
pub(crate) fn extreme<T: Element>(
    from: &[T],
    along: usize,
    after: usize,
    mut put: impl FnMut(usize, T, usize),
) {
    for (before, plane) in from.chunks_exact(along * after).enumerate() {
        for column in 0..after {
            let (mut best, mut index) = (plane[column], 0);
            for i in 1..along {
                let x = plane[i * after + column];
                if x.above(best) {
                    (best, index) = (x, i);
                }
            }
            put(before * after + column, best, index);
        }
    }
}

/// Adds rows of `updates` at their index into zeros, in ascending position; outside is dropped.
pub(crate) fn scatter_add<T: Element>(
    updates: &[T],
    indices: &[i32],
    around: Around,
    out: &mut [T],
) {
    let Around { extent, after } = around;
    out.fill(T::default());
    let planes = updates.chunks_exact(indices.len() * after);
    for (plane, out) in planes.zip(out.chunks_exact_mut(extent * after)) {
        for (index, row) in indices.iter().zip(plane.chunks_exact(after)) {
            let Some(index) = usize::try_from(*index).ok().filter(|index| *index < extent) else {
                continue;
            };
            for (out, x) in out[index * after..][..after].iter_mut().zip(row) {
                *out = out.plus(*x);
            }
        }
    }
    out.iter_mut().for_each(|out| *out = out.clean());
}

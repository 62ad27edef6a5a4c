//! Movement: results whose elements are copies of operands' elements, or +0.
//!
//! Every movement is a walk over the rows of its result that keeps each row's source; axes that
//! walk as one are joined first, so that the runs which lie together in memory are copied whole. A
//! matrix is turned in squares.
//!
//! *Invariant: bits are copied, NaN payloads included.* Absent: reshapes, which move nothing.

use tensor::Shape;

/// Walks the rows of some extents in row-major order and keeps each row's place in memory.
struct Walk<'a> {
    axes: &'a [Axis],
    index: Vec<usize>,
    /// Where the row lies.
    at: usize,
}

/// An extent with the distance between neighbours along it.
#[derive(Clone, Copy)]
struct Axis {
    extent: usize,
    stride: usize,
}

impl<'a> Walk<'a> {
    fn new(axes: &'a [Axis], at: usize) -> Self {
        Self { axes, index: vec![0; axes.len()], at }
    }

    fn advance(&mut self) {
        for (index, axis) in self.index.iter_mut().zip(self.axes).rev() {
            *index += 1;
            self.at += axis.stride;
            if *index < axis.extent {
                return;
            }
            self.at -= axis.extent * axis.stride;
            *index = 0;
        }
    }
}

/// Returns the axes without those of extent 1, and with neighbours joined that walk as one.
fn joined(extents: &[usize], strides: &[usize]) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::with_capacity(extents.len());
    for (&extent, &stride) in extents.iter().zip(strides).filter(|(extent, _)| **extent > 1) {
        match axes.last_mut() {
            Some(last) if last.stride == extent * stride => {
                *last = Axis { extent: last.extent * extent, stride };
            }
            _ => axes.push(Axis { extent, stride }),
        }
    }
    axes
}

/// Fills `out`, of these extents, with `from[offset + Σ index × stride]`.
pub(crate) fn strided<T: Copy>(
    from: &[T],
    offset: usize,
    extents: &[usize],
    strides: &[usize],
    out: &mut [T],
) {
    let axes = joined(extents, strides);
    let Some((last, outer)) = axes.split_last() else {
        out[0] = from[offset];
        return;
    };
    if let Some((across, outer)) = outer.split_last()
        && across.stride == 1
        && last.stride > 1
    {
        let mut planes = Walk::new(outer, offset);
        for plane in out.chunks_exact_mut(across.extent * last.extent) {
            turned(&from[planes.at..], last, plane);
            planes.advance();
        }
        return;
    }
    let mut rows = Walk::new(outer, offset);
    for row in out.chunks_exact_mut(last.extent) {
        let from = &from[rows.at..];
        match last.stride {
            0 => row.fill(from[0]),
            1 => row.copy_from_slice(&from[..last.extent]),
            _ => {
                for (out, x) in row.iter_mut().zip(from.iter().step_by(last.stride)) {
                    *out = *x;
                }
            }
        }
        rows.advance();
    }
}

/// Side of the squares in which a matrix is turned: their lines on both sides are in the nearest
/// cache together.
const SQUARE: usize = 16;

/// Transposes a matrix: `last` walks its rows, the result's columns.
fn turned<T: Copy>(from: &[T], last: &Axis, out: &mut [T]) {
    let width = last.extent;
    for left in (0..width).step_by(SQUARE) {
        let columns = left..width.min(left + SQUARE);
        for (top, rows) in out.chunks_mut(width * SQUARE).enumerate() {
            for column in columns.clone() {
                let from = &from[column * last.stride + top * SQUARE..];
                for (row, x) in rows.chunks_exact_mut(width).zip(from) {
                    row[column] = *x;
                }
            }
        }
    }
}

/// Axis `i` of the result is axis `perm[i]` of the operand.
pub(crate) fn transpose<T: Copy>(from: &[T], shape: &Shape, perm: &[usize], out: &mut [T]) {
    let (dims, strides) = (shape.dims(), shape.strides());
    let extents: Vec<usize> = perm.iter().map(|axis| dims[*axis]).collect();
    let strides: Vec<usize> = perm.iter().map(|axis| strides[*axis]).collect();
    strided(from, 0, &extents, &strides, out);
}

/// Repeats along axes of extent 1 and along new leading axes.
pub(crate) fn broadcast<T: Copy>(from: &[T], shape: &Shape, to: &Shape, out: &mut [T]) {
    let new = to.rank() - shape.rank();
    let mut strides = vec![0; to.rank()];
    for (axis, (extent, stride)) in shape.dims().iter().zip(shape.strides()).enumerate() {
        strides[new + axis] = if *extent == 1 { 0 } else { stride };
    }
    strided(from, 0, to.dims(), &strides, out);
}

/// The box of `to`'s extents from `start` on.
pub(crate) fn slice<T: Copy>(
    from: &[T],
    shape: &Shape,
    start: &[usize],
    to: &Shape,
    out: &mut [T],
) {
    let strides = shape.strides();
    let offset = start.iter().zip(&strides).map(|(i, s)| i * s).sum();
    strided(from, offset, to.dims(), &strides, out);
}

/// The operand with `lo` elements of +0 before it, by axis, and the rest of `to` after.
pub(crate) fn pad<T: Copy + Default>(
    from: &[T],
    shape: &Shape,
    lo: &[usize],
    to: &Shape,
    out: &mut [T],
) {
    out.fill(T::default());
    let strides = to.strides();
    let start = lo.iter().zip(&strides).map(|(lo, stride)| lo * stride).sum();
    let axes = joined(shape.dims(), &strides);
    // The last axis of both has stride 1, unless its extent is 1.
    let (run, outer) = match axes.split_last() {
        Some((last, outer)) if last.stride == 1 => (last.extent, outer),
        _ => (1, axes.as_slice()),
    };
    let mut rows = Walk::new(outer, start);
    for row in from.chunks_exact(run) {
        out[rows.at..rows.at + run].copy_from_slice(row);
        rows.advance();
    }
}

/// Copies an operand of a concatenation to its place: `extent` of `along` from `start` on.
pub(crate) fn concat<T: Copy>(
    from: &[T],
    extent: usize,
    start: usize,
    (along, after): (usize, usize),
    out: &mut [T],
) {
    let rows = out.chunks_exact_mut(along * after).zip(from.chunks_exact(extent * after));
    for (out, from) in rows {
        out[start * after..][..from.len()].copy_from_slice(from);
    }
}

/// The view of a tensor around an indexed axis: `[before, extent, after]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around {
    pub(crate) extent: usize,
    pub(crate) after: usize,
}

/// Rows of `from` by index; an index outside gives +0.
pub(crate) fn gather<T: Copy + Default>(
    from: &[T],
    indices: &[i32],
    around: Around,
    out: &mut [T],
) {
    let Around { extent, after } = around;
    let planes = from.chunks_exact(extent * after);
    for (plane, out) in planes.zip(out.chunks_exact_mut(indices.len() * after)) {
        for (index, row) in indices.iter().zip(out.chunks_exact_mut(after)) {
            match usize::try_from(*index).ok().filter(|index| *index < extent) {
                Some(index) => row.copy_from_slice(&plane[index * after..][..after]),
                None => row.fill(T::default()),
            }
        }
    }
}

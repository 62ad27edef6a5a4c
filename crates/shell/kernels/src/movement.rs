//! Movement: results whose elements are copies of operands' elements, or +0.
//!
//! Every movement is a walk over the rows of its result, with the source of each row computed from
//! the row's index; the innermost runs that lie together in memory are copied as one.
//!
//! *Invariant: bits are copied, NaN payloads included.* Absent: reshapes, which move nothing.

use tensor::Shape;

/// Walks the multi-indices of some extents in row-major order.
struct Odometer<'a> {
    extents: &'a [usize],
    index: Vec<usize>,
}

impl<'a> Odometer<'a> {
    fn new(extents: &'a [usize]) -> Self {
        Self { extents, index: vec![0; extents.len()] }
    }

    fn advance(&mut self) {
        for (index, extent) in self.index.iter_mut().zip(self.extents).rev() {
            *index += 1;
            if *index < *extent {
                return;
            }
            *index = 0;
        }
    }
}

/// Fills `out`, of these extents, with `from[offset + Σ index × stride]`.
pub(crate) fn strided<T: Copy>(
    from: &[T],
    offset: usize,
    extents: &[usize],
    strides: &[usize],
    out: &mut [T],
) {
    let Some((last, outer)) = extents.split_last() else {
        out[0] = from[offset];
        return;
    };
    let stride = strides[outer.len()];
    let mut rows = Odometer::new(outer);
    for row in out.chunks_exact_mut(*last) {
        let start = offset + rows.index.iter().zip(strides).map(|(i, s)| i * s).sum::<usize>();
        match stride {
            0 => row.fill(from[start]),
            1 => row.copy_from_slice(&from[start..start + last]),
            _ => {
                for (out, x) in row.iter_mut().zip(from[start..].iter().step_by(stride)) {
                    *out = *x;
                }
            }
        }
        rows.advance();
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
    let Some((last, outer)) = shape.dims().split_last() else {
        out[0] = from[0];
        return;
    };
    let strides = to.strides();
    let mut rows = Odometer::new(outer);
    for row in from.chunks_exact(*last) {
        let place = rows.index.iter().chain([&0]).zip(lo).zip(&strides);
        let start = place.map(|((i, lo), s)| (i + lo) * s).sum::<usize>();
        out[start..start + last].copy_from_slice(row);
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

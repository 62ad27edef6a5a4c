//! Movement ops: every element of the result is a copy of one element, bits and all, or +0.
//!
//! Each op is reduced to the list of flat indices its elements come from; one loop then copies,
//! whatever the dtype.

use crate::{Op, Shape, Tensor, scalar::Scalar, tensor::Data};

/// Applies a movement op of one moved operand; `shape` is the result's.
pub(super) fn copy(op: &Op, xs: &[&Tensor], shape: &Shape) -> Data {
    let from = xs[0].shape();
    match op {
        Op::Reshape { .. } => xs[0].data.clone(),
        Op::Transpose { perm, .. } => {
            let strides = from.strides();
            let moved: Vec<usize> = perm.iter().map(|axis| strides[*axis]).collect();
            pull(xs[0], sources(shape, |index| Some(dot(index, &moved))))
        }
        Op::Broadcast { .. } => {
            let new = shape.rank() - from.rank();
            let mut strides = vec![0; new];
            let fixed = from.dims().iter().zip(from.strides());
            strides.extend(fixed.map(|(extent, stride)| if *extent == 1 { 0 } else { stride }));
            pull(xs[0], sources(shape, |index| Some(dot(index, &strides))))
        }
        Op::Slice { start, .. } => {
            let strides = from.strides();
            let first = dot(start, &strides);
            pull(xs[0], sources(shape, |index| Some(first + dot(index, &strides))))
        }
        Op::Pad { lo, .. } => {
            let strides = from.strides();
            let inside = |index: &[usize]| {
                let mut flat = 0;
                for (axis, &extent) in from.dims().iter().enumerate() {
                    let position = index[axis].checked_sub(lo[axis]).filter(|p| *p < extent)?;
                    flat += position * strides[axis];
                }
                Some(flat)
            };
            pull(xs[0], sources(shape, inside))
        }
        Op::Gather { axis, .. } => pull(xs[0], gather(from, xs[1], *axis)),
        other => unreachable!("{} copies nothing", other.name()),
    }
}

/// Joins the operands along `axis`.
pub(super) fn concat(xs: &[&Tensor], axis: usize) -> Data {
    fn join<'a, T: Copy>(
        xs: &[&'a Tensor],
        axis: usize,
        get: fn(&'a Tensor) -> Option<&'a [T]>,
    ) -> Vec<T> {
        let before = xs[0].shape().around(axis).0;
        let mut joined = Vec::new();
        for block in 0..before {
            for x in xs {
                let elements = get(x).expect("operands have one dtype");
                let size = elements.len() / before;
                joined.extend_from_slice(&elements[block * size..(block + 1) * size]);
            }
        }
        joined
    }
    match &xs[0].data {
        Data::F32(_) => Data::F32(join(xs, axis, Tensor::as_f32)),
        Data::F64(_) => Data::F64(join(xs, axis, Tensor::as_f64)),
        Data::I32(_) => Data::I32(join(xs, axis, Tensor::as_i32)),
    }
}

fn gather(from: &Shape, indices: &Tensor, axis: usize) -> Vec<Option<usize>> {
    let indices = indices.as_i32().expect("indices are i32");
    let (before, along, after) = from.around(axis);
    let mut sources = Vec::with_capacity(before * indices.len() * after);
    for block in 0..before {
        for index in indices {
            let position = usize::try_from(*index).ok().filter(|p| *p < along);
            let row = position.map(|p| (block * along + p) * after);
            sources.extend((0..after).map(|n| row.map(|row| row + n)));
        }
    }
    sources
}

fn dot(index: &[usize], strides: &[usize]) -> usize {
    index.iter().zip(strides).map(|(i, s)| i * s).sum()
}

/// Returns `source` of every index of `shape`, in row-major order.
fn sources(shape: &Shape, source: impl Fn(&[usize]) -> Option<usize>) -> Vec<Option<usize>> {
    let mut index = vec![0; shape.rank()];
    let mut list = Vec::with_capacity(shape.count());
    for _ in 0..shape.count() {
        list.push(source(&index));
        for axis in (0..shape.rank()).rev() {
            index[axis] += 1;
            if index[axis] < shape.dims()[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    list
}

fn pull(x: &Tensor, sources: Vec<Option<usize>>) -> Data {
    fn each<T: Scalar>(x: &[T], sources: Vec<Option<usize>>) -> Vec<T> {
        sources.into_iter().map(|source| source.map_or(T::ZERO, |flat| x[flat])).collect()
    }
    match &x.data {
        Data::F32(x) => Data::F32(each(x, sources)),
        Data::F64(x) => Data::F64(each(x, sources)),
        Data::I32(x) => Data::I32(each(x, sources)),
    }
}

//! Typed storage: what a step reads, and what it writes.
//!
//! *Invariant: a buffer has the dtype its slot was planned with, so a typed access never fails.*
//! Absent: untyped bytes and casts between them.

use tensor::{Dtype, Shape, Tensor};

use crate::gemm::Factor;
use crate::plan::Slot;

/// Bytes of a line of the cache.
pub(crate) const LINE: usize = 64;

/// Returns how many elements come before the first line of the cache, fewer than it has bytes: a
/// vector that lies across two lines costs two.
#[inline(always)]
pub(crate) fn before_line<T>(elements: &[T]) -> usize {
    elements.as_ptr().align_offset(LINE).min(LINE)
}

/// Elements that a step reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
    I32(&'a [i32]),
}

/// Elements that a step writes; kept from one run to the next.
#[derive(Debug)]
pub(crate) enum Buffer {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I32(Vec<i32>),
}

/// The part of a buffer that one thread writes.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    F32(&'a mut [f32]),
    F64(&'a mut [f64]),
    I32(&'a mut [i32]),
}

/// An element type with its views and parts of buffers.
pub(crate) trait Typed: Factor {
    fn slice(view: View<'_>) -> &[Self];
    fn part<'p, 'a>(part: &'p mut Part<'a>) -> &'p mut &'a mut [Self];
}

const TYPED: &str = "the plan gave every slot and operand its node's dtype";

impl Typed for f32 {
    fn slice(view: View<'_>) -> &[Self] {
        if let View::F32(slice) = view { slice } else { panic!("{TYPED}") }
    }

    fn part<'p, 'a>(part: &'p mut Part<'a>) -> &'p mut &'a mut [Self] {
        if let Part::F32(slice) = part { slice } else { panic!("{TYPED}") }
    }
}

impl Typed for f64 {
    fn slice(view: View<'_>) -> &[Self] {
        if let View::F64(slice) = view { slice } else { panic!("{TYPED}") }
    }

    fn part<'p, 'a>(part: &'p mut Part<'a>) -> &'p mut &'a mut [Self] {
        if let Part::F64(slice) = part { slice } else { panic!("{TYPED}") }
    }
}

impl Typed for i32 {
    fn slice(view: View<'_>) -> &[Self] {
        if let View::I32(slice) = view { slice } else { panic!("{TYPED}") }
    }

    fn part<'p, 'a>(part: &'p mut Part<'a>) -> &'p mut &'a mut [Self] {
        if let Part::I32(slice) = part { slice } else { panic!("{TYPED}") }
    }
}

impl<'a> View<'a> {
    pub(crate) fn of(tensor: &'a Tensor) -> Self {
        let typed = tensor.as_f32().map(View::F32);
        let typed = typed.or_else(|| tensor.as_f64().map(View::F64));
        typed.or_else(|| tensor.as_i32().map(View::I32)).expect("a tensor has one of three dtypes")
    }

    /// Returns some elements from a place on.
    pub(crate) fn part(self, start: usize, count: usize) -> Self {
        match self {
            View::F32(slice) => View::F32(&slice[start..][..count]),
            View::F64(slice) => View::F64(&slice[start..][..count]),
            View::I32(slice) => View::I32(&slice[start..][..count]),
        }
    }

    /// Returns the tensor of this shape with the first elements.
    pub(crate) fn to_tensor(self, shape: &Shape) -> Tensor {
        let (dims, count) = (shape.dims(), shape.count());
        let tensor = match self {
            View::F32(slice) => Tensor::f32(dims, slice[..count].to_vec()),
            View::F64(slice) => Tensor::f64(dims, slice[..count].to_vec()),
            View::I32(slice) => Tensor::i32(dims, slice[..count].to_vec()),
        };
        tensor.expect("the plan's views have as many elements as their shape")
    }
}

impl Buffer {
    pub(crate) fn new(slot: Slot) -> Self {
        match slot.dtype {
            Dtype::F32 => Buffer::F32(vec![0.0; slot.count]),
            Dtype::F64 => Buffer::F64(vec![0.0; slot.count]),
            Dtype::I32 => Buffer::I32(vec![0; slot.count]),
        }
    }

    /// Returns the tensor of this shape that has all elements.
    pub(crate) fn into_tensor(self, shape: &Shape) -> Tensor {
        let tensor = match self {
            Buffer::F32(vec) => Tensor::f32(shape.dims(), vec),
            Buffer::F64(vec) => Tensor::f64(shape.dims(), vec),
            Buffer::I32(vec) => Tensor::i32(shape.dims(), vec),
        };
        tensor.expect("a slot that leaves has as many elements as its output")
    }

    /// Returns all elements; the plan says how many of them are a node's.
    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Buffer::F32(vec) => View::F32(vec),
            Buffer::F64(vec) => View::F64(vec),
            Buffer::I32(vec) => View::I32(vec),
        }
    }
}

impl Buffer {
    /// Returns the first elements, to be written.
    pub(crate) fn part(&mut self, count: usize) -> Part<'_> {
        match self {
            Buffer::F32(vec) => Part::F32(&mut vec[..count]),
            Buffer::F64(vec) => Part::F64(&mut vec[..count]),
            Buffer::I32(vec) => Part::I32(&mut vec[..count]),
        }
    }
}

impl Part<'_> {
    /// Returns a part's first elements and the rest.
    pub(crate) fn split(self, at: usize) -> (Self, Self) {
        match self {
            Part::F32(slice) => {
                let (a, b) = slice.split_at_mut(at);
                (Part::F32(a), Part::F32(b))
            }
            Part::F64(slice) => {
                let (a, b) = slice.split_at_mut(at);
                (Part::F64(a), Part::F64(b))
            }
            Part::I32(slice) => {
                let (a, b) = slice.split_at_mut(at);
                (Part::I32(a), Part::I32(b))
            }
        }
    }
}

impl Default for Buffer {
    /// What stands in a slot while a step writes to its buffer.
    fn default() -> Self {
        Buffer::I32(Vec::new())
    }
}

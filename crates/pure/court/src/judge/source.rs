//! Where an element of a movement op is copied from.
//!
//! Invariant: the place returned is inside the operand, for every op that `check_op` took.
//! Absent: gather, whose source depends on a value.

use tensor::{Op, Shape};

use super::{CheckError, Opened};

/// Returns the flat index in the only operand from which an element is copied; `None` is +0.
pub(super) fn of(opened: &Opened, element: u64) -> Result<Option<u64>, CheckError> {
    let from = opened.shape_of(0)?;
    let index = unravel(&opened.shape, element);
    let strides: Vec<u64> = from.strides().into_iter().map(|stride| stride as u64).collect();
    Ok(match &opened.op {
        Op::Reshape { .. } => Some(element),
        Op::Transpose { perm, .. } => {
            Some(index.iter().zip(perm).map(|(i, axis)| i * strides[*axis]).sum())
        }
        Op::Broadcast { .. } => {
            let new = opened.shape.rank() - from.rank();
            let axes = index[new..].iter().zip(from.dims()).zip(&strides);
            Some(axes.map(|((i, extent), stride)| if *extent == 1 { 0 } else { i * stride }).sum())
        }
        Op::Slice { start, .. } => {
            let axes = index.iter().zip(start).zip(&strides);
            Some(axes.map(|((i, start), stride)| (i + *start as u64) * stride).sum())
        }
        Op::Pad { lo, .. } => {
            let mut flat = Some(0);
            for (axis, i) in index.iter().enumerate() {
                let inside = i.checked_sub(lo[axis] as u64);
                let inside = inside.filter(|position| *position < from.dims()[axis] as u64);
                flat = flat.zip(inside).map(|(flat, position)| flat + position * strides[axis]);
            }
            flat
        }
        _ => return Err(CheckError::IllFormed),
    })
}

/// Returns which operand of a concat an element is of, and its flat index there.
pub(super) fn joined(
    shape: &Shape,
    axis: usize,
    extents: &[usize],
    element: u64,
) -> Result<(usize, u64), CheckError> {
    let (_, along, after) = shape.around(axis);
    let (along, after) = (along as u64, after as u64);
    let mut position = element / after % along;
    for (operand, extent) in extents.iter().enumerate() {
        let extent = *extent as u64;
        if position < extent {
            let block = element / after / along;
            return Ok((operand, (block * extent + position) * after + element % after));
        }
        position -= extent;
    }
    Err(CheckError::IllFormed)
}

fn unravel(shape: &Shape, element: u64) -> Vec<u64> {
    let mut rest = element;
    let mut index = vec![0; shape.rank()];
    for (place, extent) in index.iter_mut().zip(shape.dims()).rev() {
        *place = rest % *extent as u64;
        rest /= *extent as u64;
    }
    index
}

//! Well-formedness: for every op, how its operands must agree and what type comes out.
//!
//! One table, used by the builder, by the decoder and, as [`check_op`], by who was shown single
//! ops, so that no Program exists which did not pass it. Errors carry what was expected and what
//! was there; the caller adds the op's name and place. Absent: values. Nothing here looks at an
//! element.

use crate::{CONCAT_MAX, Dtype, Op, Shape, ShapeError};

/// The type of a node: what it is, element by element and axis by axis.
pub(crate) type Type = (Dtype, Shape);

/// What is wrong with an op's operands or payload.
///
/// ```
/// use tensor::{Builder, BuildError, Dtype, OpError};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::I32, &[2])?;
/// let error = b.exp(x).unwrap_err();
/// assert_eq!(error.to_string(), "exp: needs a float, got i32");
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// An operand's dtype is none of those the op takes.
    #[error("needs {expected}, got {got}")]
    Dtype {
        /// The dtypes the op takes, in words.
        expected: &'static str,
        /// The operand's.
        got: Dtype,
    },
    /// Two operands that must have one dtype do not.
    #[error("operands have dtypes {expected} and {got}")]
    DtypeMismatch {
        /// The first operand's.
        expected: Dtype,
        /// The other's.
        got: Dtype,
    },
    /// An operand's shape is not what the op needs here.
    #[error("needs shape {expected}, got {got}")]
    Shape {
        /// What was needed.
        expected: Shape,
        /// What was given.
        got: Shape,
    },
    /// Two shapes that cannot be combined by this op.
    #[error("shapes {left} and {right} do not fit")]
    Unfit {
        /// The first shape.
        left: Shape,
        /// The second.
        right: Shape,
    },
    /// A list with one entry an axis has another length.
    #[error("needs {expected} entries, one an axis, got {got}")]
    Rank {
        /// The operand's rank.
        expected: usize,
        /// The length of the list.
        got: usize,
    },
    /// An axis that the operand does not have.
    #[error("axis {axis} of a tensor of rank {rank}")]
    Axis {
        /// The axis.
        axis: usize,
        /// The operand's rank.
        rank: usize,
    },
    /// A list that should be a permutation of the axes and is not.
    #[error("{got:?} is not a permutation of the axes")]
    Permutation {
        /// The list.
        got: Vec<usize>,
    },
    /// Bounds of a slice that are empty or outside.
    #[error("slice {start}..{end} of axis {axis} with extent {extent}")]
    Bounds {
        /// The axis.
        axis: usize,
        /// First index.
        start: usize,
        /// Index after the last.
        end: usize,
        /// Extent of the operand's axis.
        extent: usize,
    },
    /// A payload number outside its range.
    #[error("{name} is out of range")]
    Payload {
        /// Which number.
        name: &'static str,
    },
    /// Another number of operands than the op takes.
    #[error("takes {expected} operands, got {got}")]
    Missing {
        /// How many the op takes.
        expected: usize,
        /// How many there are.
        got: usize,
    },
    /// The number of operands `concat` was given.
    #[error("takes 1 to {CONCAT_MAX} operands, got {got}")]
    Operands {
        /// How many there were.
        got: usize,
    },
    /// The result would break a limit on shapes.
    #[error(transparent)]
    Limit(#[from] ShapeError),
}

/// Returns the type of `op`'s result for operands of these types, in order.
///
/// # Errors
///
/// [`OpError`] if the op does not take such operands, or not as many.
///
/// ```
/// use tensor::{Dtype, Op, Shape, check_op};
///
/// let x = (Dtype::I32, Shape::SCALAR);
/// assert_eq!(check_op(&Op::Add(0, 1), &[x, x]), Ok(x));
/// assert!(check_op(&Op::Exp(0), &[x]).is_err());
/// assert!(check_op(&Op::Add(0, 1), &[x]).is_err());
/// ```
pub fn check_op(op: &Op, operands: &[Type]) -> Result<Type, OpError> {
    let (expected, got) = (op.operands().len(), operands.len());
    if expected == got { infer(op, operands) } else { Err(OpError::Missing { expected, got }) }
}

/// Returns the type of `op`'s result, given the types of its operands, as many as it takes.
#[expect(clippy::too_many_lines, reason = "one arm per op")]
pub(crate) fn infer(op: &Op, operands: &[Type]) -> Result<Type, OpError> {
    let first = || operands[0];
    match op {
        Op::Input { dtype, shape, .. } => Ok((*dtype, *shape)),
        Op::Constant(value) => Ok((value.dtype(), *value.shape())),
        Op::Iota { shape, axis } => {
            axis_of(shape, *axis)?;
            Ok((Dtype::I32, *shape))
        }
        Op::RandomBits { shape, .. } => {
            let key = Shape::new(&[2]).expect("two elements are within limits");
            of_dtype(first(), Dtype::I32)?;
            same_shape(key, first().1)?;
            Ok((Dtype::I32, *shape))
        }
        Op::Add(..) | Op::Sub(..) | Op::Mul(..) | Op::Min(..) | Op::Max(..) => alike(operands),
        Op::Neg(_) | Op::Abs(_) => Ok(first()),
        Op::Lt(..) | Op::Le(..) | Op::Eq(..) => Ok((Dtype::I32, alike(operands)?.1)),
        Op::Select(..) => {
            of_dtype(first(), Dtype::I32)?;
            let (dtype, shape) = alike(&operands[1..])?;
            same_shape(shape, first().1)?;
            Ok((dtype, shape))
        }
        Op::Convert { dtype, .. } => Ok((*dtype, first().1)),
        Op::Div(..) | Op::Fma(..) => float(alike(operands)?),
        Op::Sqrt(_)
        | Op::Floor(_)
        | Op::Exp(_)
        | Op::Log(_)
        | Op::Tanh(_)
        | Op::Erf(_)
        | Op::Erfc(_) => float(first()),
        Op::And(..) | Op::Or(..) | Op::Xor(..) | Op::Shl(..) | Op::Shr(..) | Op::Sar(..) => {
            of_dtype(first(), Dtype::I32)?;
            alike(operands)
        }
        Op::Requantise { m, s, lo, hi, .. } => {
            in_range("m", *m >= 0)?;
            in_range("s", *s <= 62)?;
            in_range("hi", lo <= hi)?;
            of_dtype(first(), Dtype::I32)
        }
        Op::Reshape { shape, .. } => {
            let (dtype, from) = first();
            if from.count() != shape.count() {
                return Err(OpError::Unfit { left: from, right: *shape });
            }
            Ok((dtype, *shape))
        }
        Op::Transpose { perm, .. } => transpose(first(), perm),
        Op::Broadcast { shape, .. } => broadcast(first(), shape),
        Op::Slice { start, end, .. } => slice(first(), start, end),
        Op::Concat { axis, extents, .. } => concat(operands, *axis, extents),
        Op::Pad { lo, hi, .. } => pad(first(), lo, hi),
        Op::Gather { axis, .. } => {
            let (dtype, shape) = first();
            of_dtype(operands[1], Dtype::I32)?;
            axis_of(&shape, *axis)?;
            Ok((dtype, gathered(&shape, &operands[1].1, *axis)?))
        }
        Op::ScatterAdd { axis, extent, .. } => scatter_add(operands, *axis, *extent),
        Op::Matmul(..) => matmul(operands),
        Op::Sum { axis, .. } | Op::MaxAxis { axis, .. } => {
            axis_of(&first().1, *axis)?;
            Ok((first().0, first().1.without(*axis)))
        }
        Op::Argmax { axis, .. } => {
            axis_of(&first().1, *axis)?;
            Ok((Dtype::I32, first().1.without(*axis)))
        }
    }
}

fn alike(operands: &[Type]) -> Result<Type, OpError> {
    let (dtype, shape) = operands[0];
    for other in &operands[1..] {
        same_dtype(dtype, other.0)?;
        same_shape(shape, other.1)?;
    }
    Ok((dtype, shape))
}

fn same_dtype(expected: Dtype, got: Dtype) -> Result<(), OpError> {
    if expected == got { Ok(()) } else { Err(OpError::DtypeMismatch { expected, got }) }
}

fn same_shape(expected: Shape, got: Shape) -> Result<(), OpError> {
    if expected == got { Ok(()) } else { Err(OpError::Shape { expected, got }) }
}

fn of_dtype(operand: Type, dtype: Dtype) -> Result<Type, OpError> {
    let expected = match dtype {
        Dtype::F32 => "f32",
        Dtype::F64 => "f64",
        Dtype::I32 => "i32",
    };
    if operand.0 == dtype { Ok(operand) } else { Err(OpError::Dtype { expected, got: operand.0 }) }
}

fn float(operand: Type) -> Result<Type, OpError> {
    if operand.0.is_float() {
        Ok(operand)
    } else {
        Err(OpError::Dtype { expected: "a float", got: operand.0 })
    }
}

fn in_range(name: &'static str, holds: bool) -> Result<(), OpError> {
    if holds { Ok(()) } else { Err(OpError::Payload { name }) }
}

fn axis_of(shape: &Shape, axis: usize) -> Result<usize, OpError> {
    let rank = shape.rank();
    if axis < rank { Ok(axis) } else { Err(OpError::Axis { axis, rank }) }
}

fn one_an_axis(shape: &Shape, list: &[usize]) -> Result<(), OpError> {
    let (expected, got) = (shape.rank(), list.len());
    if expected == got { Ok(()) } else { Err(OpError::Rank { expected, got }) }
}

fn transpose((dtype, shape): Type, perm: &[usize]) -> Result<Type, OpError> {
    one_an_axis(&shape, perm)?;
    let complete = (0..shape.rank()).all(|axis| perm.contains(&axis));
    if !complete {
        return Err(OpError::Permutation { got: perm.to_vec() });
    }
    let dims: Vec<usize> = perm.iter().map(|&axis| shape.dims()[axis]).collect();
    Ok((dtype, Shape::new(&dims)?))
}

fn broadcast((dtype, from): Type, to: &Shape) -> Result<Type, OpError> {
    let unfit = OpError::Unfit { left: from, right: *to };
    let Some(new) = to.rank().checked_sub(from.rank()) else { return Err(unfit) };
    let fits = from.dims().iter().zip(&to.dims()[new..]).all(|(f, t)| *f == *t || *f == 1);
    if fits { Ok((dtype, *to)) } else { Err(unfit) }
}

fn slice((dtype, shape): Type, start: &[usize], end: &[usize]) -> Result<Type, OpError> {
    one_an_axis(&shape, start)?;
    one_an_axis(&shape, end)?;
    let mut dims = Vec::with_capacity(shape.rank());
    for (axis, &extent) in shape.dims().iter().enumerate() {
        let (start, end) = (start[axis], end[axis]);
        if start >= end || end > extent {
            return Err(OpError::Bounds { axis, start, end, extent });
        }
        dims.push(end - start);
    }
    Ok((dtype, Shape::new(&dims)?))
}

fn concat(operands: &[Type], axis: usize, extents: &[usize]) -> Result<Type, OpError> {
    if operands.is_empty() || operands.len() > CONCAT_MAX {
        return Err(OpError::Operands { got: operands.len() });
    }
    let (dtype, shape) = operands[0];
    axis_of(&shape, axis)?;
    let mut extent = 0;
    for (other_dtype, other) in operands {
        same_dtype(dtype, *other_dtype)?;
        if other.rank() != shape.rank() {
            return Err(OpError::Unfit { left: shape, right: *other });
        }
        same_shape(shape.with(axis, other.dims()[axis])?, *other)?;
        extent += other.dims()[axis];
    }
    let stated = operands.iter().map(|(_, other)| other.dims()[axis]).eq(extents.iter().copied());
    in_range("extents", stated)?;
    Ok((dtype, shape.with(axis, extent)?))
}

fn pad((dtype, shape): Type, lo: &[usize], hi: &[usize]) -> Result<Type, OpError> {
    one_an_axis(&shape, lo)?;
    one_an_axis(&shape, hi)?;
    let padded = |axis: usize| {
        let extent = shape.dims()[axis].checked_add(lo[axis])?;
        extent.checked_add(hi[axis])
    };
    let dims: Option<Vec<usize>> = (0..shape.rank()).map(padded).collect();
    Ok((dtype, Shape::new(&dims.ok_or(ShapeError::Count)?)?))
}

/// Returns `shape` with the axes of `indices` in the place of `axis`.
fn gathered(shape: &Shape, indices: &Shape, axis: usize) -> Result<Shape, OpError> {
    let dims = shape.dims();
    Ok(Shape::new(&[&dims[..axis], indices.dims(), &dims[axis + 1..]].concat())?)
}

fn scatter_add(operands: &[Type], axis: usize, extent: usize) -> Result<Type, OpError> {
    let ((dtype, updates), indices) = (operands[0], operands[1].1);
    of_dtype(operands[1], Dtype::I32)?;
    let rank = (updates.rank() + 1)
        .checked_sub(indices.rank())
        .ok_or(OpError::Unfit { left: updates, right: indices })?;
    if axis >= rank {
        return Err(OpError::Axis { axis, rank });
    }
    let after = axis + indices.rank();
    let dims = updates.dims();
    let shape = Shape::new(&[&dims[..axis], &[extent], &dims[after..]].concat())?;
    same_shape(gathered(&shape, &indices, axis)?, updates)?;
    Ok((dtype, shape))
}

fn matmul(operands: &[Type]) -> Result<Type, OpError> {
    let ((dtype, a), (other, b)) = (operands[0], operands[1]);
    same_dtype(dtype, other)?;
    let unfit = OpError::Unfit { left: a, right: b };
    let rank = a.rank();
    if rank < 2 || b.rank() != rank {
        return Err(unfit);
    }
    let (ad, bd) = (a.dims(), b.dims());
    if ad[..rank - 2] != bd[..rank - 2] || ad[rank - 1] != bd[rank - 2] {
        return Err(unfit);
    }
    Ok((dtype, a.with(rank - 1, bd[rank - 1])?))
}

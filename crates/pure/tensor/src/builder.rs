//! Writes a Program one op at a time.
//!
//! Every method appends one op, named as in `docs/numerics.md`, and returns a handle to its result;
//! an error names the op and says what was expected and what was there. [`Builder::finish`] keeps
//! what the outputs need, and all inputs.
//!
//! Invariant: what is in the builder is well formed at any time; a failed call changes nothing.
//! Absent: implicit broadcasting and conversion, so that a listing says everything that happens.

use std::sync::Arc;

use crate::{
    Dtype, Node, OPS_MAX, Op, OpError, Program, Shape, Tensor,
    program::{self, ProgramError},
};

/// A handle to a result in the [`Builder`] that returned it; meaningless in another one.
///
/// ```
/// use tensor::{Builder, Dtype};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::F32, &[2])?;
/// let copy = x;
/// assert_eq!(x, copy);
/// # Ok::<(), tensor::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(pub(crate) usize);

/// Why an op was not appended, or a Program not finished.
///
/// ```
/// use tensor::{Builder, Dtype};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::F32, &[2])?;
/// let y = b.input(Dtype::F32, &[3])?;
/// assert_eq!(b.add(x, y).unwrap_err().to_string(), "add: needs shape [2], got [3]");
/// # Ok::<(), tensor::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The operands or the payload do not fit the op.
    #[error("{op}: {reason}")]
    Op {
        /// The op's name.
        op: &'static str,
        /// What does not fit.
        reason: Box<OpError>,
    },
    /// A handle that no method of this builder returned.
    #[error("{op}: value {index} is not of this builder")]
    Value {
        /// The op that was given the handle.
        op: &'static str,
        /// The handle's index.
        index: usize,
    },
    /// The Program would have more than [`OPS_MAX`] ops.
    #[error("more than {OPS_MAX} ops")]
    Count,
    /// A Program without outputs.
    #[error("a Program has at least one output and at most {OPS_MAX}")]
    Outputs,
    /// The gradient of something that is not a float scalar.
    #[error("gradient: the loss must be a float scalar, got {dtype}{shape}")]
    Loss {
        /// The loss's dtype.
        dtype: Dtype,
        /// The loss's shape.
        shape: Shape,
    },
}

impl From<ProgramError> for BuildError {
    fn from(error: ProgramError) -> BuildError {
        match error {
            ProgramError::Op { name, reason } => BuildError::Op { op: name, reason },
            ProgramError::Operand { name, operand, .. } => {
                BuildError::Value { op: name, index: operand }
            }
            ProgramError::Output { operand, .. } => {
                BuildError::Value { op: "finish", index: operand }
            }
            ProgramError::Count => BuildError::Count,
            ProgramError::Outputs => BuildError::Outputs,
            ProgramError::Inputs => unreachable!("a builder numbers its inputs in order"),
        }
    }
}

/// Builds a [`Program`].
///
/// ```
/// use tensor::{Builder, Dtype, Tensor, eval};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::F32, &[2, 2])?;
/// let half = b.scalar_f32(0.5)?;
/// let half = b.broadcast(half, &[2, 2])?;
/// let y = b.mul(x, half)?;
/// let program = b.finish(&[y])?;
/// let x = Tensor::f32(&[2, 2], vec![1.0, 2.0, 3.0, 4.0])?;
/// assert_eq!(eval(&program, &[x])?[0].as_f32(), Some(&[0.5, 1.0, 1.5, 2.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    pub(crate) nodes: Vec<Node>,
    inputs: usize,
}

pub(crate) type Built = Result<Value, BuildError>;

impl Builder {
    /// Returns an empty builder.
    ///
    /// ```
    /// assert!(tensor::Builder::new().finish(&[]).is_err());
    /// ```
    #[must_use]
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Appends any op; the methods below are this with a name.
    pub(crate) fn push(&mut self, op: Op) -> Built {
        Ok(Value(program::push(&mut self.nodes, op)?))
    }

    fn shape(op: &'static str, dims: &[usize]) -> Result<Shape, BuildError> {
        Shape::new(dims)
            .map_err(|error| BuildError::Op { op, reason: Box::new(OpError::Limit(error)) })
    }

    /// Returns the shape of a value.
    ///
    /// # Panics
    ///
    /// If the value is of another builder and this one has none at its index.
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// let x = b.input(tensor::Dtype::I32, &[4])?;
    /// assert_eq!(b.shape_of(x).dims(), [4]);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn shape_of(&self, value: Value) -> &Shape {
        &self.nodes[value.0].shape
    }

    /// Returns the dtype of a value.
    ///
    /// # Panics
    ///
    /// As [`Builder::shape_of`].
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// let x = b.input(tensor::Dtype::I32, &[4])?;
    /// assert_eq!(b.dtype_of(x), tensor::Dtype::I32);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn dtype_of(&self, value: Value) -> Dtype {
        self.nodes[value.0].dtype
    }

    /// Declares the next input.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`] if the extents break a limit.
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// assert!(b.input(tensor::Dtype::F32, &[0]).is_err());
    /// ```
    pub fn input(&mut self, dtype: Dtype, dims: &[usize]) -> Built {
        let shape = Builder::shape("input", dims)?;
        let value = self.push(Op::Input { index: self.inputs, dtype, shape })?;
        self.inputs += 1;
        Ok(value)
    }

    /// Appends a tensor that is part of the Program.
    ///
    /// # Errors
    ///
    /// [`BuildError::Count`] if the Program is full.
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// let one = b.constant(tensor::Tensor::i32(&[], vec![1])?)?;
    /// # assert_eq!(b.shape_of(one).rank(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn constant(&mut self, value: Tensor) -> Built {
        self.push(Op::Constant(Arc::new(value)))
    }

    /// Appends an f32 scalar constant.
    ///
    /// # Errors
    ///
    /// As [`Builder::constant`].
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// assert!(b.scalar_f32(0.5).is_ok());
    /// ```
    pub fn scalar_f32(&mut self, value: f32) -> Built {
        self.constant(Tensor::f32(&[], vec![value]).expect("a scalar has one element"))
    }

    /// Appends an f64 scalar constant.
    ///
    /// # Errors
    ///
    /// As [`Builder::constant`].
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// assert!(b.scalar_f64(0.5).is_ok());
    /// ```
    pub fn scalar_f64(&mut self, value: f64) -> Built {
        self.constant(Tensor::f64(&[], vec![value]).expect("a scalar has one element"))
    }

    /// Appends an i32 scalar constant.
    ///
    /// # Errors
    ///
    /// As [`Builder::constant`].
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// assert!(b.scalar_i32(-1).is_ok());
    /// ```
    pub fn scalar_i32(&mut self, value: i32) -> Built {
        self.constant(Tensor::i32(&[], vec![value]).expect("a scalar has one element"))
    }

    /// Appends a tensor of `dtype` and `dims` whose every element is `value`: a scalar constant
    /// and, unless `dims` is empty, a broadcast. For i32 the value is converted as by `convert`.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the extents break a limit or the Program is full.
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// let ones = b.full(tensor::Dtype::F32, &[2, 2], 1.0)?;
    /// assert_eq!(b.shape_of(ones).count(), 4);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    pub fn full(&mut self, dtype: Dtype, dims: &[usize], value: f64) -> Built {
        let scalar = match dtype {
            Dtype::F32 => self.scalar_f32(crate::scalar::f64_to_f32(value))?,
            Dtype::F64 => self.scalar_f64(value)?,
            Dtype::I32 => self.scalar_i32(crate::scalar::f64_to_i32(value))?,
        };
        if dims.is_empty() { Ok(scalar) } else { self.broadcast(scalar, dims) }
    }

    /// Finishes the Program with these outputs: keeps all inputs and the ops that outputs need,
    /// in their order.
    ///
    /// # Errors
    ///
    /// [`BuildError::Outputs`] without outputs, [`BuildError::Value`] for a foreign handle.
    ///
    /// ```
    /// let mut b = tensor::Builder::new();
    /// let x = b.input(tensor::Dtype::F32, &[])?;
    /// b.neg(x)?;
    /// let y = b.exp(x)?;
    /// assert_eq!(b.finish(&[y])?.nodes().len(), 2);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    pub fn finish(self, outputs: &[Value]) -> Result<Program, BuildError> {
        let count = self.nodes.len();
        if let Some(value) = outputs.iter().find(|value| value.0 >= count) {
            return Err(BuildError::Value { op: "finish", index: value.0 });
        }
        let mut needed = vec![false; count];
        outputs.iter().for_each(|value| needed[value.0] = true);
        for (index, node) in self.nodes.iter().enumerate().rev() {
            needed[index] |= matches!(node.op, Op::Input { .. });
            if needed[index] {
                node.op.operands().iter().for_each(|operand| needed[*operand] = true);
            }
        }
        let mut place = vec![0; count];
        let mut nodes = Vec::new();
        for (index, mut node) in self.nodes.into_iter().enumerate() {
            if needed[index] {
                place[index] = nodes.len();
                node.op.operands_mut().into_iter().for_each(|operand| *operand = place[*operand]);
                nodes.push(node);
            }
        }
        Ok(Program::new(nodes, outputs.iter().map(|value| place[value.0]).collect())?)
    }
}

mod elementwise;
mod integer;
mod structure;

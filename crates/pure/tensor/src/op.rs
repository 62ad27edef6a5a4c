//! The op set: the whole vocabulary of a Program.
//!
//! Operands are indices of earlier nodes; everything static (axes, bounds, shapes) is payload.
//! Groups: sources, elementwise (all dtypes, float, i32), movement, contraction, reduction.
//! What each op means to the last bit is in `docs/numerics.md` and in [`eval`](crate::eval); which
//! dtypes and shapes it takes is in `check.rs`; its derivative is in `gradient.rs`.
//!
//! Invariant: one op, one code; a change of meaning is a new code.
//! Absent: control flow, composite ops (softmax, convolution, sorting are composed of these).

use std::sync::Arc;

use crate::{Dtype, Shape, Tensor};

/// The most operands `concat` takes.
///
/// ```
/// assert_eq!(tensor::CONCAT_MAX, 256);
/// ```
pub const CONCAT_MAX: usize = 256;

/// One operation; operands are indices of earlier nodes.
///
/// ```
/// use tensor::Op;
///
/// let op = Op::Fma(0, 1, 2);
/// assert_eq!((op.name(), op.operands()), ("fma", vec![0, 1, 2]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    // Sources.
    /// The Program's input with this index.
    Input {
        /// Position in the list of inputs.
        index: usize,
        /// Dtype of the input.
        dtype: Dtype,
        /// Shape of the input.
        shape: Shape,
    },
    /// A tensor that is part of the Program; its bits are copied.
    Constant(Arc<Tensor>),
    /// The i32 position along `axis`.
    Iota {
        /// Shape of the result.
        shape: Shape,
        /// The axis that is counted.
        axis: usize,
    },
    /// Philox 4x32-10 words under a key; see [`random`](crate::random).
    RandomBits {
        /// An `i32[2]` operand.
        key: usize,
        /// The third counter word: one Program draws many streams from one key.
        stream: u32,
        /// Shape of the result.
        shape: Shape,
    },

    // Elementwise over every dtype; i32 wraps.
    /// `a + b`.
    Add(usize, usize),
    /// `a - b`.
    Sub(usize, usize),
    /// `a * b`.
    Mul(usize, usize),
    /// `-a`.
    Neg(usize),
    /// `|a|`.
    Abs(usize),
    /// The lesser; NaN if either is NaN, -0 below +0.
    Min(usize, usize),
    /// The greater; NaN if either is NaN, -0 below +0.
    Max(usize, usize),
    /// 1 where `a < b`, else 0, as i32.
    Lt(usize, usize),
    /// 1 where `a <= b`, else 0, as i32.
    Le(usize, usize),
    /// 1 where `a == b`, else 0, as i32.
    Eq(usize, usize),
    /// Where the first (i32) is not 0 the second, else the third; copies bits.
    Select(usize, usize, usize),
    /// The value in another dtype.
    Convert {
        /// Operand.
        x: usize,
        /// Dtype of the result.
        dtype: Dtype,
    },

    // Elementwise over floats.
    /// `a / b`.
    Div(usize, usize),
    /// `a * b + c`, rounded once.
    Fma(usize, usize, usize),
    /// The square root, correctly rounded.
    Sqrt(usize),
    /// The greatest integer not above.
    Floor(usize),
    /// e to the power.
    Exp(usize),
    /// The natural logarithm.
    Log(usize),
    /// The hyperbolic tangent.
    Tanh(usize),
    /// The error function.
    Erf(usize),
    /// One minus the error function, accurate in the tail.
    Erfc(usize),

    // Elementwise over i32.
    /// Bitwise and.
    And(usize, usize),
    /// Bitwise or.
    Or(usize, usize),
    /// Bitwise exclusive or.
    Xor(usize, usize),
    /// Shift left; the count is taken mod 32.
    Shl(usize, usize),
    /// Logical shift right; the count is taken mod 32.
    Shr(usize, usize),
    /// Arithmetic shift right; the count is taken mod 32.
    Sar(usize, usize),
    /// `clamp(round(x * m / 2^s), lo, hi)`, halves away from zero.
    Requantise {
        /// Operand.
        x: usize,
        /// Multiplier, not negative.
        m: i32,
        /// Shift, at most 62.
        s: u32,
        /// Least result.
        lo: i32,
        /// Greatest result, not below `lo`.
        hi: i32,
    },

    // Movement: copies bits, fills with +0.
    /// The same elements in the same order under another shape.
    Reshape {
        /// Operand.
        x: usize,
        /// Shape of the result.
        shape: Shape,
    },
    /// Axis `i` of the result is axis `perm[i]` of the operand.
    Transpose {
        /// Operand.
        x: usize,
        /// A permutation of the axes.
        perm: Vec<usize>,
    },
    /// Repeats along axes of extent 1 and along new leading axes.
    Broadcast {
        /// Operand.
        x: usize,
        /// Shape of the result.
        shape: Shape,
    },
    /// The box from `start` up to but not including `end`.
    Slice {
        /// Operand.
        x: usize,
        /// First index, by axis.
        start: Vec<usize>,
        /// Index after the last, by axis.
        end: Vec<usize>,
    },
    /// The operands one after the other along `axis`.
    Concat {
        /// Operands, in order.
        xs: Vec<usize>,
        /// The axis along which they are joined.
        axis: usize,
        /// The extent of each operand along the axis, so that who judges an element finds its
        /// operand without opening all of them.
        extents: Vec<usize>,
    },
    /// The operand with `lo` elements of +0 before it and `hi` after, by axis.
    Pad {
        /// Operand.
        x: usize,
        /// Elements before, by axis.
        lo: Vec<usize>,
        /// Elements after, by axis.
        hi: Vec<usize>,
    },
    /// Rows of `x` by index: the axes of `indices` take the place of `axis`.
    Gather {
        /// Operand.
        x: usize,
        /// i32 positions along `axis`; outside gives +0.
        indices: usize,
        /// The axis that is indexed.
        axis: usize,
    },
    /// The adjoint of [`Op::Gather`]: adds rows of `updates` at their index into zeros.
    ScatterAdd {
        /// What is added; shaped as the result of the gather.
        updates: usize,
        /// i32 positions along `axis` of the result; outside is dropped.
        indices: usize,
        /// The axis that is indexed.
        axis: usize,
        /// Extent of `axis` in the result.
        extent: usize,
    },

    // Contraction and reduction.
    /// `[.., m, k] · [.., k, n] → [.., m, n]`, one chain of fma an element, `k` ascending.
    Matmul(usize, usize),
    /// The sum along an axis by 32 lanes; drops the axis.
    Sum {
        /// Operand.
        x: usize,
        /// The axis that is summed.
        axis: usize,
    },
    /// The greatest along an axis in the order of `max`; drops the axis.
    MaxAxis {
        /// Operand.
        x: usize,
        /// The axis that is reduced.
        axis: usize,
    },
    /// The lowest index of the greatest along an axis, as i32; drops the axis.
    Argmax {
        /// Operand.
        x: usize,
        /// The axis that is reduced.
        axis: usize,
    },
}

/// How the elements of a result depend on the elements of the operands.
///
/// ```
/// use tensor::{Family, Op};
///
/// assert_eq!(Op::Exp(0).family(), Family::Elementwise);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// No operand but, for random bits, a key.
    Source,
    /// Element i depends on element i of each operand, all of one shape.
    Elementwise,
    /// Every element is a copy of one element, or +0.
    Movement,
    /// Every element is a chain over many: matmul, scatter_add.
    Contraction,
    /// One axis is folded: sum, max, argmax.
    Reduction,
}

impl Op {
    /// Returns the name, which is also the [`Builder`](crate::Builder)'s method.
    ///
    /// ```
    /// assert_eq!(tensor::Op::Sub(0, 1).name(), "sub");
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Op::Input { .. } => "input",
            Op::Constant(_) => "constant",
            Op::Iota { .. } => "iota",
            Op::RandomBits { .. } => "random_bits",
            Op::Add(..) => "add",
            Op::Sub(..) => "sub",
            Op::Mul(..) => "mul",
            Op::Neg(_) => "neg",
            Op::Abs(_) => "abs",
            Op::Min(..) => "min",
            Op::Max(..) => "max",
            Op::Lt(..) => "lt",
            Op::Le(..) => "le",
            Op::Eq(..) => "eq",
            Op::Select(..) => "select",
            Op::Convert { .. } => "convert",
            Op::Div(..) => "div",
            Op::Fma(..) => "fma",
            Op::Sqrt(_) => "sqrt",
            Op::Floor(_) => "floor",
            Op::Exp(_) => "exp",
            Op::Log(_) => "log",
            Op::Tanh(_) => "tanh",
            Op::Erf(_) => "erf",
            Op::Erfc(_) => "erfc",
            Op::And(..) => "and",
            Op::Or(..) => "or",
            Op::Xor(..) => "xor",
            Op::Shl(..) => "shl",
            Op::Shr(..) => "shr",
            Op::Sar(..) => "sar",
            Op::Requantise { .. } => "requantise",
            Op::Reshape { .. } => "reshape",
            Op::Transpose { .. } => "transpose",
            Op::Broadcast { .. } => "broadcast",
            Op::Slice { .. } => "slice",
            Op::Concat { .. } => "concat",
            Op::Pad { .. } => "pad",
            Op::Gather { .. } => "gather",
            Op::ScatterAdd { .. } => "scatter_add",
            Op::Matmul(..) => "matmul",
            Op::Sum { .. } => "sum",
            Op::MaxAxis { .. } => "max_axis",
            Op::Argmax { .. } => "argmax",
        }
    }

    /// Returns the byte that stands for the op in its encoding.
    ///
    /// ```
    /// assert_eq!(tensor::Op::Add(0, 1).code(), 0x10);
    /// ```
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Op::Input { .. } => 0x01,
            Op::Constant(_) => 0x02,
            Op::Iota { .. } => 0x03,
            Op::RandomBits { .. } => 0x04,
            Op::Add(..) => 0x10,
            Op::Sub(..) => 0x11,
            Op::Mul(..) => 0x12,
            Op::Neg(_) => 0x13,
            Op::Abs(_) => 0x14,
            Op::Min(..) => 0x15,
            Op::Max(..) => 0x16,
            Op::Lt(..) => 0x17,
            Op::Le(..) => 0x18,
            Op::Eq(..) => 0x19,
            Op::Select(..) => 0x1a,
            Op::Convert { .. } => 0x1b,
            Op::Div(..) => 0x20,
            Op::Fma(..) => 0x21,
            Op::Sqrt(_) => 0x22,
            Op::Floor(_) => 0x23,
            Op::Exp(_) => 0x24,
            Op::Log(_) => 0x25,
            Op::Tanh(_) => 0x26,
            Op::Erf(_) => 0x27,
            Op::Erfc(_) => 0x28,
            Op::And(..) => 0x30,
            Op::Or(..) => 0x31,
            Op::Xor(..) => 0x32,
            Op::Shl(..) => 0x33,
            Op::Shr(..) => 0x34,
            Op::Sar(..) => 0x35,
            Op::Requantise { .. } => 0x36,
            Op::Reshape { .. } => 0x40,
            Op::Transpose { .. } => 0x41,
            Op::Broadcast { .. } => 0x42,
            Op::Slice { .. } => 0x43,
            Op::Concat { .. } => 0x44,
            Op::Pad { .. } => 0x45,
            Op::Gather { .. } => 0x46,
            Op::ScatterAdd { .. } => 0x47,
            Op::Matmul(..) => 0x50,
            Op::Sum { .. } => 0x51,
            Op::MaxAxis { .. } => 0x52,
            Op::Argmax { .. } => 0x53,
        }
    }

    /// Returns the name of the op that a byte stands for, as in an event of a contract.
    ///
    /// ```
    /// use tensor::Op;
    ///
    /// assert_eq!(Op::name_of(Op::Exp(0).code()), Some("exp"));
    /// assert_eq!(Op::name_of(0xff), None);
    /// ```
    #[must_use]
    pub const fn name_of(code: u8) -> Option<&'static str> {
        Some(match code {
            0x01 => "input",
            0x02 => "constant",
            0x03 => "iota",
            0x04 => "random_bits",
            0x10 => "add",
            0x11 => "sub",
            0x12 => "mul",
            0x13 => "neg",
            0x14 => "abs",
            0x15 => "min",
            0x16 => "max",
            0x17 => "lt",
            0x18 => "le",
            0x19 => "eq",
            0x1a => "select",
            0x1b => "convert",
            0x20 => "div",
            0x21 => "fma",
            0x22 => "sqrt",
            0x23 => "floor",
            0x24 => "exp",
            0x25 => "log",
            0x26 => "tanh",
            0x27 => "erf",
            0x28 => "erfc",
            0x30 => "and",
            0x31 => "or",
            0x32 => "xor",
            0x33 => "shl",
            0x34 => "shr",
            0x35 => "sar",
            0x36 => "requantise",
            0x40 => "reshape",
            0x41 => "transpose",
            0x42 => "broadcast",
            0x43 => "slice",
            0x44 => "concat",
            0x45 => "pad",
            0x46 => "gather",
            0x47 => "scatter_add",
            0x50 => "matmul",
            0x51 => "sum",
            0x52 => "max_axis",
            0x53 => "argmax",
            _ => return None,
        })
    }

    /// Returns the operands in order; one node may stand in several places.
    ///
    /// ```
    /// assert_eq!(tensor::Op::Mul(4, 4).operands(), [4, 4]);
    /// ```
    #[must_use]
    pub fn operands(&self) -> Vec<usize> {
        match self {
            Op::Input { .. } | Op::Constant(_) | Op::Iota { .. } => vec![],
            Op::RandomBits { key, .. } => vec![*key],
            Op::Add(a, b)
            | Op::Sub(a, b)
            | Op::Mul(a, b)
            | Op::Min(a, b)
            | Op::Max(a, b)
            | Op::Lt(a, b)
            | Op::Le(a, b)
            | Op::Eq(a, b)
            | Op::Div(a, b)
            | Op::And(a, b)
            | Op::Or(a, b)
            | Op::Xor(a, b)
            | Op::Shl(a, b)
            | Op::Shr(a, b)
            | Op::Sar(a, b)
            | Op::Matmul(a, b) => vec![*a, *b],
            Op::Select(a, b, c) | Op::Fma(a, b, c) => vec![*a, *b, *c],
            Op::Neg(x)
            | Op::Abs(x)
            | Op::Sqrt(x)
            | Op::Floor(x)
            | Op::Exp(x)
            | Op::Log(x)
            | Op::Tanh(x)
            | Op::Erf(x)
            | Op::Erfc(x)
            | Op::Convert { x, .. }
            | Op::Requantise { x, .. }
            | Op::Reshape { x, .. }
            | Op::Transpose { x, .. }
            | Op::Broadcast { x, .. }
            | Op::Slice { x, .. }
            | Op::Pad { x, .. }
            | Op::Sum { x, .. }
            | Op::MaxAxis { x, .. }
            | Op::Argmax { x, .. } => vec![*x],
            Op::Concat { xs, .. } => xs.clone(),
            Op::Gather { x, indices, .. } => vec![*x, *indices],
            Op::ScatterAdd { updates, indices, .. } => vec![*updates, *indices],
        }
    }

    /// Returns mutable references to the operands, in the order of [`operands`](Op::operands).
    pub(crate) fn operands_mut(&mut self) -> Vec<&mut usize> {
        match self {
            Op::Input { .. } | Op::Constant(_) | Op::Iota { .. } => vec![],
            Op::RandomBits { key, .. } => vec![key],
            Op::Add(a, b)
            | Op::Sub(a, b)
            | Op::Mul(a, b)
            | Op::Min(a, b)
            | Op::Max(a, b)
            | Op::Lt(a, b)
            | Op::Le(a, b)
            | Op::Eq(a, b)
            | Op::Div(a, b)
            | Op::And(a, b)
            | Op::Or(a, b)
            | Op::Xor(a, b)
            | Op::Shl(a, b)
            | Op::Shr(a, b)
            | Op::Sar(a, b)
            | Op::Matmul(a, b) => vec![a, b],
            Op::Select(a, b, c) | Op::Fma(a, b, c) => vec![a, b, c],
            Op::Neg(x)
            | Op::Abs(x)
            | Op::Sqrt(x)
            | Op::Floor(x)
            | Op::Exp(x)
            | Op::Log(x)
            | Op::Tanh(x)
            | Op::Erf(x)
            | Op::Erfc(x)
            | Op::Convert { x, .. }
            | Op::Requantise { x, .. }
            | Op::Reshape { x, .. }
            | Op::Transpose { x, .. }
            | Op::Broadcast { x, .. }
            | Op::Slice { x, .. }
            | Op::Pad { x, .. }
            | Op::Sum { x, .. }
            | Op::MaxAxis { x, .. }
            | Op::Argmax { x, .. } => vec![x],
            Op::Concat { xs, .. } => xs.iter_mut().collect(),
            Op::Gather { x, indices, .. } => vec![x, indices],
            Op::ScatterAdd { updates, indices, .. } => vec![updates, indices],
        }
    }

    /// Returns the family, by which interpreters and kernels dispatch.
    ///
    /// ```
    /// use tensor::{Family, Op};
    ///
    /// assert_eq!(Op::Matmul(0, 1).family(), Family::Contraction);
    /// ```
    #[must_use]
    pub const fn family(&self) -> Family {
        match self.code() >> 4 {
            0x0 => Family::Source,
            0x1..=0x3 => Family::Elementwise,
            0x4 if !matches!(self, Op::ScatterAdd { .. }) => Family::Movement,
            _ if matches!(self, Op::Sum { .. } | Op::MaxAxis { .. } | Op::Argmax { .. }) => {
                Family::Reduction
            }
            _ => Family::Contraction,
        }
    }
}

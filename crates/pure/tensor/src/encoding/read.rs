//! From bytes to Programs, trusting nothing.

use std::sync::Arc;

use crate::{
    Dtype, Hash, Node, OPS_MAX, Op, Program, Shape, ShapeError, Tensor,
    program::{self, ProgramError},
};

use super::MAGIC;

/// The longest encoding that is decoded: 64 MiB.
///
/// ```
/// assert_eq!(tensor::ENCODING_SIZE_MAX, 1 << 26);
/// ```
pub const ENCODING_SIZE_MAX: usize = 1 << 26;

/// Why bytes are not the encoding of a Program.
///
/// ```
/// use tensor::{DecodeError, Program};
///
/// assert_eq!(Program::decode(b"no"), Err(DecodeError::Short { offset: 0 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More than [`ENCODING_SIZE_MAX`] bytes.
    #[error("{got} bytes are over {ENCODING_SIZE_MAX}")]
    Size {
        /// How many there are.
        got: usize,
    },
    /// The bytes end too early.
    #[error("ends within the field at byte {offset}")]
    Short {
        /// Where the unfinished field begins.
        offset: usize,
    },
    /// Bytes are left after the last field.
    #[error("{got} bytes follow the end")]
    Trailing {
        /// How many are left.
        got: usize,
    },
    /// The first bytes are not those of an encoded Program of this version.
    #[error("is no encoded Program of this version")]
    Magic,
    /// A number of ops or operands over its limit.
    #[error("{name} count {got} is over its limit")]
    Count {
        /// What is counted.
        name: &'static str,
        /// The number.
        got: usize,
    },
    /// No op, or no dtype, has this code.
    #[error("op {index}: no {name} has code {got:#04x}")]
    Code {
        /// The op's index.
        index: usize,
        /// What was looked for.
        name: &'static str,
        /// The code.
        got: u8,
    },
    /// Another number of operands than the op takes.
    #[error("op {index}: takes {expected} operands, got {got}")]
    Operands {
        /// The op's index.
        index: usize,
        /// How many the op takes.
        expected: usize,
        /// How many there are.
        got: usize,
    },
    /// Extents that make no shape.
    #[error("op {index}: {reason}")]
    Shape {
        /// The op's index.
        index: usize,
        /// What is wrong.
        reason: ShapeError,
    },
    /// The stated type of a result is not the one that follows from the operands.
    #[error("op {index}: states another type than its result has")]
    Type {
        /// The op's index.
        index: usize,
    },
    /// A constant's elements do not hash to the stated root.
    #[error("op {index}: the constant's elements do not have the stated root")]
    Root {
        /// The op's index.
        index: usize,
    },
    /// The ops are not well formed.
    #[error("{reason}")]
    Malformed {
        /// What is wrong, in words.
        reason: String,
    },
}

impl From<ProgramError> for DecodeError {
    fn from(error: ProgramError) -> DecodeError {
        DecodeError::Malformed { reason: error.to_string() }
    }
}

impl Program {
    /// Returns the Program whose [`encode`](Program::encode) is `bytes`.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for anything else; never panics. The work is bounded by the number of bytes,
    /// but a short Program may declare large results: who evaluates a stranger's Program looks at
    /// its shapes first.
    ///
    /// ```
    /// assert!(tensor::Program::decode(&[0; 100]).is_err());
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Program, DecodeError> {
        if bytes.len() > ENCODING_SIZE_MAX {
            return Err(DecodeError::Size { got: bytes.len() });
        }
        let mut reader = Reader { bytes, offset: 0 };
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(DecodeError::Magic);
        }
        let count = reader.count("op", OPS_MAX)?;
        let outputs = reader.list("output", OPS_MAX)?;
        let mut stated = Vec::new();
        for index in 0..count {
            stated.push(reader.op(index)?);
        }
        let mut nodes = Vec::new();
        for (index, stated) in stated.into_iter().enumerate() {
            let op = match stated.op {
                StatedOp::Whole(op) => op,
                StatedOp::Constant(root) => Op::Constant(Arc::new(reader.constant(
                    index,
                    &(stated.dtype, stated.shape),
                    root,
                )?)),
            };
            program::push(&mut nodes, op)?;
            let Node { dtype, shape, .. } = nodes[index];
            if (dtype, shape) != (stated.dtype, stated.shape) {
                return Err(DecodeError::Type { index });
            }
        }
        match bytes.len() - reader.offset {
            0 => Ok(Program::new(nodes, outputs)?),
            got => Err(DecodeError::Trailing { got }),
        }
    }
}

/// An op as its encoding states it, before anything was checked against its operands.
///
/// This is what somebody sees who was shown one op of a Program, and not the Program.
///
/// ```
/// use tensor::{Builder, Dtype, Op, Stated, StatedOp};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::F32, &[3])?;
/// let y = b.exp(x)?;
/// let program = b.finish(&[y])?;
/// let stated = Stated::decode(&program.nodes()[1].encode())?;
/// assert_eq!(stated.op, StatedOp::Whole(Op::Exp(0)));
/// assert_eq!((stated.dtype, stated.shape.dims()), (Dtype::F32, &[3][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// Dtype of the result.
    pub dtype: Dtype,
    /// Shape of the result.
    pub shape: Shape,
    /// The op.
    pub op: StatedOp,
}

/// What one op's encoding says that the op is: everything, but for the elements of a constant.
///
/// ```
/// use tensor::{Builder, Stated, StatedOp, Tensor};
///
/// let mut b = Builder::new();
/// let one = b.scalar_f32(1.0)?;
/// let program = b.finish(&[one])?;
/// let root = Tensor::f32(&[], vec![1.0])?.root();
/// assert_eq!(Stated::decode(&program.nodes()[0].encode())?.op, StatedOp::Constant(root));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum StatedOp {
    /// The whole op; its operands are indices of earlier ops.
    Whole(Op),
    /// A constant whose elements have this root.
    Constant(Hash),
}

impl Stated {
    /// Returns the op whose [`encode`](crate::Node::encode) is `bytes`.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for anything else; never panics.
    ///
    /// ```
    /// assert!(tensor::Stated::decode(&[0x10, 0, 0]).is_err());
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Stated, DecodeError> {
        let mut reader = Reader { bytes, offset: 0 };
        let stated = reader.op(0)?;
        match bytes.len() - reader.offset {
            0 => Ok(stated),
            got => Err(DecodeError::Trailing { got }),
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, size: usize) -> Result<&'a [u8], DecodeError> {
        let short = DecodeError::Short { offset: self.offset };
        let end = self.offset.checked_add(size).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(short)?;
        let field = &self.bytes[self.offset..end];
        self.offset = end;
        Ok(field)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        Ok(self.take(N)?.try_into().expect("take gives as many bytes as asked for"))
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    fn number(&mut self) -> Result<usize, DecodeError> {
        let number = u32::from_le_bytes(self.array()?);
        Ok(usize::try_from(number).expect("usize has at least 32 bits"))
    }

    fn int(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn count(&mut self, name: &'static str, max: usize) -> Result<usize, DecodeError> {
        let got = self.number()?;
        if got > max { Err(DecodeError::Count { name, got }) } else { Ok(got) }
    }

    fn numbers(&mut self, count: usize) -> Result<Vec<usize>, DecodeError> {
        (0..count).map(|_| self.number()).collect()
    }

    fn list(&mut self, name: &'static str, max: usize) -> Result<Vec<usize>, DecodeError> {
        let count = self.count(name, max)?;
        self.numbers(count)
    }

    fn constant(
        &mut self,
        index: usize,
        (dtype, shape): &(Dtype, Shape),
        root: Hash,
    ) -> Result<Tensor, DecodeError> {
        let bytes = self.take(shape.count() * dtype.size())?;
        let value = Tensor::from_bytes(*dtype, shape, bytes)
            .map_err(|reason| DecodeError::Shape { index, reason })?;
        if value.root() == root { Ok(value) } else { Err(DecodeError::Root { index }) }
    }

    fn op(&mut self, index: usize) -> Result<Stated, DecodeError> {
        let code = self.byte()?;
        let dtype = self.byte()?;
        let dtype = Dtype::from_code(dtype).ok_or(DecodeError::Code {
            index,
            name: "dtype",
            got: dtype,
        })?;
        let rank = usize::from(self.byte()?);
        if rank > crate::RANK_MAX {
            return Err(DecodeError::Shape { index, reason: ShapeError::Rank { got: rank } });
        }
        let shape = Shape::new(&self.numbers(rank)?)
            .map_err(|reason| DecodeError::Shape { index, reason })?;
        let operands = self.list("operand", crate::CONCAT_MAX)?;
        let expected = arity(code, operands.len()).ok_or(DecodeError::Code {
            index,
            name: "op",
            got: code,
        })?;
        if expected != operands.len() {
            return Err(DecodeError::Operands { index, expected, got: operands.len() });
        }
        Ok(Stated { dtype, shape, op: self.payload(code, operands, (dtype, shape))? })
    }

    /// Reads the payload of an op whose code is known and whose operands are as many as it takes.
    fn payload(
        &mut self,
        code: u8,
        xs: Vec<usize>,
        (dtype, shape): (Dtype, Shape),
    ) -> Result<StatedOp, DecodeError> {
        let rank = shape.rank();
        Ok(StatedOp::Whole(match code {
            0x01 => Op::Input { index: self.number()?, dtype, shape },
            0x02 => return Ok(StatedOp::Constant(Hash(self.array()?))),
            0x03 => Op::Iota { shape, axis: self.number()? },
            0x04 => Op::RandomBits { key: xs[0], stream: u32::from_le_bytes(self.array()?), shape },
            0x10 => Op::Add(xs[0], xs[1]),
            0x11 => Op::Sub(xs[0], xs[1]),
            0x12 => Op::Mul(xs[0], xs[1]),
            0x13 => Op::Neg(xs[0]),
            0x14 => Op::Abs(xs[0]),
            0x15 => Op::Min(xs[0], xs[1]),
            0x16 => Op::Max(xs[0], xs[1]),
            0x17 => Op::Lt(xs[0], xs[1]),
            0x18 => Op::Le(xs[0], xs[1]),
            0x19 => Op::Eq(xs[0], xs[1]),
            0x1a => Op::Select(xs[0], xs[1], xs[2]),
            0x1b => Op::Convert { x: xs[0], dtype },
            0x20 => Op::Div(xs[0], xs[1]),
            0x21 => Op::Fma(xs[0], xs[1], xs[2]),
            0x22 => Op::Sqrt(xs[0]),
            0x23 => Op::Floor(xs[0]),
            0x24 => Op::Exp(xs[0]),
            0x25 => Op::Log(xs[0]),
            0x26 => Op::Tanh(xs[0]),
            0x27 => Op::Erf(xs[0]),
            0x28 => Op::Erfc(xs[0]),
            0x30 => Op::And(xs[0], xs[1]),
            0x31 => Op::Or(xs[0], xs[1]),
            0x32 => Op::Xor(xs[0], xs[1]),
            0x33 => Op::Shl(xs[0], xs[1]),
            0x34 => Op::Shr(xs[0], xs[1]),
            0x35 => Op::Sar(xs[0], xs[1]),
            0x36 => Op::Requantise {
                x: xs[0],
                m: self.int()?,
                s: u32::from_le_bytes(self.array()?),
                lo: self.int()?,
                hi: self.int()?,
            },
            0x40 => Op::Reshape { x: xs[0], shape },
            0x41 => Op::Transpose { x: xs[0], perm: self.numbers(rank)? },
            0x42 => Op::Broadcast { x: xs[0], shape },
            0x43 => Op::Slice { x: xs[0], start: self.numbers(rank)?, end: self.numbers(rank)? },
            0x44 => {
                let axis = self.number()?;
                let extents = self.numbers(xs.len())?;
                Op::Concat { xs, axis, extents }
            }
            0x45 => Op::Pad { x: xs[0], lo: self.numbers(rank)?, hi: self.numbers(rank)? },
            0x46 => Op::Gather { x: xs[0], indices: xs[1], axis: self.number()? },
            0x47 => Op::ScatterAdd {
                updates: xs[0],
                indices: xs[1],
                axis: self.number()?,
                extent: self.number()?,
            },
            0x50 => Op::Matmul(xs[0], xs[1]),
            0x51 => Op::Sum { x: xs[0], axis: self.number()? },
            0x52 => Op::MaxAxis { x: xs[0], axis: self.number()? },
            0x53 => Op::Argmax { x: xs[0], axis: self.number()? },
            _ => unreachable!("arity knows every code that reaches this"),
        }))
    }
}

/// Returns how many operands the op with this code takes, `None` if no op has it.
fn arity(code: u8, got: usize) -> Option<usize> {
    match code {
        0x01..=0x03 => Some(0),
        0x04 | 0x13 | 0x14 | 0x1b | 0x22..=0x28 | 0x36 | 0x40..=0x43 | 0x45 | 0x51..=0x53 => {
            Some(1)
        }
        0x10..=0x12 | 0x15..=0x19 | 0x20 | 0x30..=0x35 | 0x46 | 0x47 | 0x50 => Some(2),
        0x1a | 0x21 => Some(3),
        0x44 => Some(got),
        _ => None,
    }
}

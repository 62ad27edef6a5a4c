//! The judge: one scalar step of one op, executed from what the parties show.
//!
//! It sees a [`Brief`] (the op's encoding, those of its operands, the agreed roots of their
//! tensors) and openings under those roots, in the order of docs/court.md, and says what the bits
//! must be. Arithmetic is the reference interpreter's, on one element.
//!
//! Invariant: never panics, whatever the bytes. What cannot be judged (a wrong hash, a missing
//! opening, an ill-formed op) is a [`CheckError`], never a value; so a party cannot win by
//! confusing the judge. Absent: who wins. The caller compares the bits.

use tensor::{
    Dtype, Family, Hash, Node, Op, Shape, Stated, StatedOp, Tensor, check_op, eval_node, random,
};

use crate::bits::{self, Bits};
use crate::record::Brief;

mod chain;
mod openings;
mod source;
#[cfg(test)]
mod tests;

pub use chain::{Step, chain_end, step};
pub use openings::Openings;

/// Why nothing was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Bytes or siblings do not lead to what they must; `got` is zero where there are too few or
    /// too many siblings.
    #[error("leads to {got}, not to {expected}")]
    Mismatch {
        /// The hash of the commitment.
        expected: Hash,
        /// The hash of what was shown.
        got: Hash,
    },
    /// There is no such element, step or index.
    #[error("there is no place {place} among {count}")]
    NoSuchPlace {
        /// The place asked for.
        place: u64,
        /// How many there are.
        count: u64,
    },
    /// Another number of operands, openings, children or bytes than is needed.
    #[error("needs {expected}, got {got}")]
    OpeningCount {
        /// How many are needed.
        expected: u64,
        /// How many there are.
        got: u64,
    },
    /// The brief is of no op of a Program: no registered Program leads here.
    #[error("the brief is of no well-formed op")]
    IllFormed,
}

/// An op as it was opened: its own type, and those of its operands.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Dtype of the result.
    pub dtype: Dtype,
    /// Shape of the result.
    pub shape: Shape,
    /// The op.
    pub op: Op,
    operands: Vec<(Dtype, Shape)>,
    roots: Vec<Hash>,
}

impl Opened {
    /// Reads a brief.
    ///
    /// # Errors
    ///
    /// [`CheckError::IllFormed`] if it is not the brief of an op that is executed: any but input
    /// and constant, with operands that it takes and a root for each.
    pub fn read(brief: &Brief) -> Result<Opened, CheckError> {
        let stated = decode(&brief.op)?;
        let StatedOp::Whole(op) = stated.op else { return Err(CheckError::IllFormed) };
        if matches!(op, Op::Input { .. }) || brief.roots.len() != brief.operands.len() {
            return Err(CheckError::IllFormed);
        }
        let mut operands = Vec::with_capacity(brief.operands.len());
        for encoding in &brief.operands {
            let operand = decode(encoding)?;
            operands.push((operand.dtype, operand.shape));
        }
        let checked = match &op {
            Op::Concat { axis, extents, xs } => {
                operands = joined((stated.dtype, stated.shape), *axis, extents)?;
                brief.roots.is_empty() && xs.len() == extents.len()
            }
            _ => true,
        };
        let result = check_op(&op, &operands).map_err(|_| CheckError::IllFormed)?;
        if !checked || result != (stated.dtype, stated.shape) {
            return Err(CheckError::IllFormed);
        }
        let roots = brief.roots.clone();
        Ok(Opened { dtype: stated.dtype, shape: stated.shape, op, operands, roots })
    }

    /// Returns the number of elements of the op's tensor.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.shape.count() as u64
    }

    /// Returns how many entries the chain of each element has, `None` for an op without chains.
    #[must_use]
    pub fn chain_len(&self) -> Option<u64> {
        let extent = |operand: usize, axis: usize| self.operands[operand].1.dims()[axis] as u64;
        match &self.op {
            Op::Matmul(..) => Some(extent(0, self.operands[0].1.rank() - 1)),
            Op::Sum { axis, .. } | Op::MaxAxis { axis, .. } | Op::Argmax { axis, .. } => {
                Some(extent(0, *axis))
            }
            Op::ScatterAdd { .. } => Some(self.operands[1].1.count() as u64),
            _ => None,
        }
    }
}

fn decode(encoding: &[u8]) -> Result<Stated, CheckError> {
    Stated::decode(encoding).map_err(|_| CheckError::IllFormed)
}

/// The operands that a concat's own encoding speaks of.
fn joined(
    (dtype, shape): (Dtype, Shape),
    axis: usize,
    extents: &[usize],
) -> Result<Vec<(Dtype, Shape)>, CheckError> {
    let operand = |extent: &usize| {
        let mut dims = shape.dims().to_vec();
        *dims.get_mut(axis)? = *extent;
        Some((dtype, Shape::new(&dims).ok()?))
    };
    extents.iter().map(operand).collect::<Option<_>>().ok_or(CheckError::IllFormed)
}

/// A value that a judgement needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// An element of an operand.
    Operand {
        /// Which operand.
        place: usize,
        /// The flat index in its tensor.
        element: u64,
    },
    /// An element of an operand of concat, whose root is not in the brief.
    Joined {
        /// Which operand.
        place: usize,
        /// The flat index in its tensor.
        element: u64,
    },
    /// An entry of the chain in another chunk than the step's.
    State {
        /// Which entry.
        entry: u64,
    },
}

/// Where the judge reads: openings that are checked, or an execution that openings are made of.
pub trait Source {
    /// Says how many openings there must be.
    ///
    /// # Errors
    ///
    /// [`CheckError::OpeningCount`] if there are more or fewer.
    fn count(&self, expected: u64) -> Result<(), CheckError>;

    /// Returns the bits of what is needed, which opening `at` shows.
    ///
    /// # Errors
    ///
    /// [`CheckError`] if that opening does not show it.
    fn read(&mut self, at: usize, need: Need) -> Result<u64, CheckError>;
}

/// Returns the bits of an element of an op without chains.
///
/// # Errors
///
/// [`CheckError`] if the source does not show what docs/court.md names for this element.
pub fn element(opened: &Opened, element: u64, from: &mut dyn Source) -> Result<u64, CheckError> {
    if element >= opened.count() {
        return Err(CheckError::NoSuchPlace { place: element, count: opened.count() });
    }
    match &opened.op {
        Op::Iota { shape, axis } => {
            from.count(0)?;
            let (_, along, after) = shape.around(*axis);
            Ok(element / after as u64 % along as u64)
        }
        Op::RandomBits { stream, .. } => {
            from.count(1)?;
            let mut word = |element| from.read(0, Need::Operand { place: 0, element });
            let key = [word(0)?, word(1)?].map(<i32 as Bits>::from_bits64);
            Ok(random::word(key, *stream, element).bits64())
        }
        Op::Gather { axis, .. } => gather(opened, *axis, element, from),
        Op::Concat { axis, extents, .. } => {
            from.count(1)?;
            let (place, element) = source::joined(&opened.shape, *axis, extents, element)?;
            from.read(0, Need::Joined { place, element })
        }
        op if op.family() == Family::Movement => match source::of(opened, element)? {
            None => from.count(0).map(|()| 0),
            Some(element) => {
                from.count(1)?;
                from.read(0, Need::Operand { place: 0, element })
            }
        },
        op if op.family() == Family::Elementwise => elementwise(opened, element, from),
        _ => Err(CheckError::IllFormed),
    }
}

fn gather(
    opened: &Opened,
    axis: usize,
    element: u64,
    from: &mut dyn Source,
) -> Result<u64, CheckError> {
    let (_, along, after) = opened.shape_of(0)?.around(axis);
    let (along, after) = (along as u64, after as u64);
    let indices = opened.shape_of(1)?.count() as u64;
    let place = Need::Operand { place: 1, element: element / after % indices };
    match position(from.read(0, place)?, along) {
        None => from.count(1).map(|()| 0),
        Some(position) => {
            from.count(2)?;
            let block = element / after / indices;
            let element = (block * along + position) * after + element % after;
            from.read(1, Need::Operand { place: 0, element })
        }
    }
}

/// Returns the position that the bits of an i32 index name along an axis, if it is inside.
fn position(bits: u64, along: u64) -> Option<u64> {
    let index = <i32 as Bits>::from_bits64(bits);
    u64::try_from(index).ok().filter(|position| *position < along)
}

/// Evaluates the op on one element of each operand, as the interpreter would on tensors of one.
fn elementwise(opened: &Opened, element: u64, from: &mut dyn Source) -> Result<u64, CheckError> {
    from.count(opened.operands.len() as u64)?;
    let mut scalars = Vec::with_capacity(opened.operands.len());
    for (place, (dtype, _)) in opened.operands.iter().enumerate() {
        let word = from.read(place, Need::Operand { place, element })?.to_le_bytes();
        let scalar = Tensor::from_bytes(*dtype, &Shape::SCALAR, &word[..dtype.size()]);
        scalars.push(scalar.map_err(|_| CheckError::IllFormed)?);
    }
    let node = Node { op: opened.op.clone(), dtype: opened.dtype, shape: Shape::SCALAR };
    let result = eval_node(&node, &scalars.iter().collect::<Vec<_>>(), &[]);
    bits::element(opened.dtype, &result.to_bytes(), 0).ok_or(CheckError::IllFormed)
}

impl Opened {
    fn shape_of(&self, operand: usize) -> Result<Shape, CheckError> {
        self.operands.get(operand).map(|(_, shape)| *shape).ok_or(CheckError::IllFormed)
    }
}

/// Checks that a way up ended where it must.
pub(crate) fn agree(expected: Hash, got: Option<Hash>) -> Result<(), CheckError> {
    let got = got.unwrap_or(Hash::ZERO);
    if got == expected { Ok(()) } else { Err(CheckError::Mismatch { expected, got }) }
}

//! Showing one chunk of a tensor, or of an output of a claim, to somebody who holds only a root.
//!
//! The verifier knows the geometry (dtype and element count come from the Program) and the root; an
//! opening brings the chunk and the hashes beside its way up. So there is no malformed tree, only a
//! wrong length, a wrong padding or a wrong hash at a known place.
//!
//! Invariant: [`verify`] says [`Verdict::Valid`] only for the chunk that was committed to, and
//! never panics on bytes a stranger sent. *They lied* is a [`Verdict`], *this cannot be asked* is a
//! [`CheckError`]; the two never share a type.
//!
//! Deliberately absent: openings of many chunks at once, and of single elements (a chunk is what a
//! contract hashes anyway).

use tensor::{Dtype, Hash, Tensor, tree};

#[cfg(test)]
mod tests;

/// One chunk and its way up to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The chunk's bytes, its tail zero where the tensor ends.
    pub chunk: Vec<u8>,
    /// The hashes beside the way from the leaf up, as [`tree::siblings`] orders them.
    pub siblings: Vec<Hash>,
}

/// One chunk of one output of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputOpening {
    /// The tensor roots of all outputs, in order.
    pub roots: Vec<Hash>,
    /// The chunk inside the output that is looked at.
    pub opening: Opening,
}

/// Where a chunk stands, as the verifier knows it from the Program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The tensor's dtype.
    pub dtype: Dtype,
    /// How many elements the tensor has.
    pub count: usize,
    /// Which of its chunks is opened; element `i` stands in chunk `i / 32`.
    pub chunk: usize,
}

/// What checking an opening found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The chunk is the one committed to.
    Valid,
    /// It is not, for this reason.
    Invalid(Fault),
}

/// How an opening fails; each is a fact about the bytes that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The chunk has another number of bytes.
    #[error("a chunk has {expected} bytes, not {got}")]
    ChunkLength {
        /// Bytes of 32 elements.
        expected: usize,
        /// Bytes sent.
        got: usize,
    },
    /// The way up has another number of hashes beside it.
    #[error("the way up has {expected} hashes beside it, not {got}")]
    SiblingCount {
        /// As many as follow from the element count.
        expected: usize,
        /// Hashes sent.
        got: usize,
    },
    /// A byte after the tensor's last element is not zero.
    #[error("byte {byte} lies after the last element and is not zero")]
    Padding {
        /// Its place in the chunk.
        byte: usize,
    },
    /// The hashes do not lead from the chunk to the root.
    #[error("the way up does not lead to {expected}")]
    Root {
        /// The root of the commitment.
        expected: Hash,
    },
    /// The list of output roots has another length.
    #[error("the claim has {expected} outputs, not {got}")]
    OutputCount {
        /// Outputs of the Program.
        expected: usize,
        /// Roots sent.
        got: usize,
    },
    /// The list of output roots is not the one claimed.
    #[error("the output roots make {got}, not {expected}")]
    Outputs {
        /// The claim's outputs root.
        expected: Hash,
        /// The list root of what was sent.
        got: Hash,
    },
}

/// Why a question cannot be answered: a mistake of whoever asks, not of whoever answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The tensor has no such chunk.
    #[error("there is no chunk {chunk} among {count}")]
    NoSuchChunk {
        /// The chunk asked for.
        chunk: usize,
        /// How many there are.
        count: usize,
    },
    /// The Program has no such output.
    #[error("there is no output {output} among {count}")]
    NoSuchOutput {
        /// The output asked for.
        output: usize,
        /// How many there are.
        count: usize,
    },
}

impl Place {
    /// Returns the place of the chunk in which `element` of a tensor stands.
    #[must_use]
    pub fn of_element(dtype: Dtype, count: usize, element: usize) -> Self {
        Self { dtype, count, chunk: element / tree::CHUNK_ELEMENTS }
    }

    fn chunk_count(&self) -> usize {
        self.count.div_ceil(tree::CHUNK_ELEMENTS)
    }

    fn chunk_size(&self) -> usize {
        self.dtype.size() * tree::CHUNK_ELEMENTS
    }

    /// Bytes of the chunk that hold elements; what follows is padding.
    fn filled(&self) -> usize {
        let before = self.chunk * tree::CHUNK_ELEMENTS;
        self.dtype.size() * self.count.saturating_sub(before).min(tree::CHUNK_ELEMENTS)
    }

    fn check(&self) -> Result<(), CheckError> {
        let (chunk, count) = (self.chunk, self.chunk_count());
        if chunk < count { Ok(()) } else { Err(CheckError::NoSuchChunk { chunk, count }) }
    }
}

/// Returns the root over a list of roots, as used for the inputs and the outputs of a Program.
///
/// A list of one is its element; the lowest level of the tree is the roots themselves.
#[must_use]
pub fn list_root(roots: &[Hash]) -> Hash {
    tree::root(roots)
}

/// Returns the tensor roots of a list of tensors, in order.
#[must_use]
pub fn roots(tensors: &[Tensor]) -> Vec<Hash> {
    tensors.iter().map(Tensor::root).collect()
}

/// Opens one chunk of a tensor.
///
/// ```
/// use court::{Place, Verdict, opening};
/// use tensor::{Dtype, Tensor};
///
/// let pay = Tensor::f64(&[40], vec![1.5; 40])?;
/// let shown = opening::open(&pay, 1)?;
/// let place = Place::of_element(Dtype::F64, 40, 33);
/// assert_eq!(opening::verify(pay.root(), place, &shown)?, Verdict::Valid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`CheckError::NoSuchChunk`] if the tensor has fewer chunks.
pub fn open(tensor: &Tensor, chunk: usize) -> Result<Opening, CheckError> {
    let place = Place { dtype: tensor.dtype(), count: tensor.shape().count(), chunk };
    place.check()?;
    let (size, from) = (place.chunk_size(), chunk * place.chunk_size());
    let mut bytes = tensor.to_bytes()[from..from + place.filled()].to_vec();
    bytes.resize(size, 0);
    Ok(Opening { chunk: bytes, siblings: tree::siblings(&tensor.chunk_leaves(), chunk) })
}

/// Opens one chunk of one output of a claim.
///
/// # Errors
///
/// [`CheckError`] if there is no such output or chunk.
pub fn open_output(
    outputs: &[Tensor],
    output: usize,
    chunk: usize,
) -> Result<OutputOpening, CheckError> {
    let count = outputs.len();
    let tensor = outputs.get(output).ok_or(CheckError::NoSuchOutput { output, count })?;
    Ok(OutputOpening { roots: roots(outputs), opening: open(tensor, chunk)? })
}

/// Checks that an opening shows the chunk at `place` of the tensor with this root.
///
/// # Errors
///
/// [`CheckError::NoSuchChunk`] if the place does not exist, whatever was sent.
pub fn verify(root: Hash, place: Place, opening: &Opening) -> Result<Verdict, CheckError> {
    place.check()?;
    Ok(match fault(root, place, opening) {
        Some(fault) => Verdict::Invalid(fault),
        None => Verdict::Valid,
    })
}

/// Checks that an opening shows the chunk at `place` of output `output.0` of the `output.1` outputs
/// of a claim with this outputs root.
///
/// # Errors
///
/// [`CheckError`] if the output or the place does not exist, whatever was sent.
pub fn verify_output(
    outputs_root: Hash,
    output: (usize, usize),
    place: Place,
    shown: &OutputOpening,
) -> Result<Verdict, CheckError> {
    let (output, expected) = output;
    if output >= expected {
        return Err(CheckError::NoSuchOutput { output, count: expected });
    }
    place.check()?;
    let got = shown.roots.len();
    if got != expected {
        return Ok(Verdict::Invalid(Fault::OutputCount { expected, got }));
    }
    let got = list_root(&shown.roots);
    if got != outputs_root {
        return Ok(Verdict::Invalid(Fault::Outputs { expected: outputs_root, got }));
    }
    verify(shown.roots[output], place, &shown.opening)
}

fn fault(root: Hash, place: Place, opening: &Opening) -> Option<Fault> {
    let (expected, got) = (place.chunk_size(), opening.chunk.len());
    if got != expected {
        return Some(Fault::ChunkLength { expected, got });
    }
    let at = (place.chunk as u64, place.chunk_count() as u64);
    let (expected, got) = (tree::way_len(at), opening.siblings.len());
    if got != expected {
        return Some(Fault::SiblingCount { expected, got });
    }
    let tail = &opening.chunk[place.filled()..];
    if let Some(after) = tail.iter().position(|byte| *byte != 0) {
        return Some(Fault::Padding { byte: place.filled() + after });
    }
    let reached = tree::climb(tree::leaf(&opening.chunk), at, &opening.siblings);
    (reached != Some(root)).then_some(Fault::Root { expected: root })
}

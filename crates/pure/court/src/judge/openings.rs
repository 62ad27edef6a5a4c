//! Openings as a source for the judge: nothing is read that does not hash to an agreed root.
//!
//! Invariant: an opening of the wrong length, place or root is an error, whatever it would show.
//! Absent: bytes after the last element, which nobody reads here.

use tensor::{Dtype, Hash, Op, tree};

use super::{CheckError, Need, Opened, Source, agree};
use crate::bits;
use crate::record::{CHUNK, Shown};

/// What a move brings, and the roots it must lead to.
#[derive(Clone, Copy, Debug)]
pub struct Openings<'a> {
    /// The disputed op.
    pub opened: &'a Opened,
    /// Root of the op roots, and how many there are: an operand of concat is found under it.
    pub trace: (Hash, u64),
    /// Root of the chain's states.
    pub chain: Hash,
    /// The openings, in the order of docs/court.md.
    pub shown: &'a [Shown],
}

impl Source for Openings<'_> {
    fn count(&self, expected: u64) -> Result<(), CheckError> {
        let got = self.shown.len() as u64;
        if got == expected { Ok(()) } else { Err(CheckError::OpeningCount { expected, got }) }
    }

    fn read(&mut self, at: usize, need: Need) -> Result<u64, CheckError> {
        let (dtype, place) = match need {
            Need::Operand { place, element } => {
                let (dtype, shape) =
                    self.opened.operands.get(place).ok_or(CheckError::IllFormed)?;
                let root = *self.opened.roots.get(place).ok_or(CheckError::IllFormed)?;
                self.chunk(at, *dtype, (element, shape.count() as u64), root)?;
                (*dtype, element)
            }
            Need::Joined { place, element } => (self.joined(at, (place, element))?, element),
            Need::State { entry } => {
                let entries = self.opened.chain_len().ok_or(CheckError::IllFormed)?;
                self.chunk(at, self.opened.dtype, (entry, entries), self.chain)?;
                (self.opened.dtype, entry)
            }
        };
        let chunk = &self.get(at)?.chunk;
        bits::element(dtype, chunk, place % CHUNK).ok_or(CheckError::IllFormed)
    }
}

impl<'a> Openings<'a> {
    fn get(&self, at: usize) -> Result<&'a Shown, CheckError> {
        let (expected, got) = (at as u64 + 1, self.shown.len() as u64);
        self.shown.get(at).ok_or(CheckError::OpeningCount { expected, got })
    }

    /// Returns opening `at`, if it is as long as a chunk of this dtype.
    fn sized(&self, at: usize, dtype: Dtype) -> Result<&'a Shown, CheckError> {
        let shown = self.get(at)?;
        let (expected, got) = (bits::chunk_size(dtype) as u64, shown.chunk.len() as u64);
        if got == expected { Ok(shown) } else { Err(CheckError::OpeningCount { expected, got }) }
    }

    /// Returns the chunk of opening `at`, if it is where `element` of so many stands under a root.
    pub(super) fn chunk(
        &self,
        at: usize,
        dtype: Dtype,
        (element, count): (u64, u64),
        root: Hash,
    ) -> Result<&'a [u8], CheckError> {
        let shown = self.sized(at, dtype)?;
        let place = (element / CHUNK, count.div_ceil(CHUNK));
        agree(root, tree::climb(tree::leaf(&shown.chunk), place, &shown.siblings))?;
        Ok(&shown.chunk)
    }

    /// Returns the chunk of opening `at` as [`Openings::chunk`] does, and all children of the root,
    /// which the opening brings.
    pub(super) fn crown(
        &self,
        at: usize,
        dtype: Dtype,
        (element, count): (u64, u64),
        root: Hash,
    ) -> Result<(&'a [u8], Vec<Hash>), CheckError> {
        let shown = self.sized(at, dtype)?;
        let place = (element / CHUNK, count.div_ceil(CHUNK));
        let crown = tree::crown(tree::leaf(&shown.chunk), place, &shown.siblings);
        agree(root, crown.as_ref().map(|crown| crown.0))?;
        Ok((&shown.chunk, crown.map(|crown| crown.1).unwrap_or_default()))
    }

    /// Checks an opening that leads through the operand's tensor on to the trace.
    fn joined(&self, at: usize, (place, element): (usize, u64)) -> Result<Dtype, CheckError> {
        let Op::Concat { xs, .. } = &self.opened.op else { return Err(CheckError::IllFormed) };
        let (dtype, shape) = self.opened.operands.get(place).ok_or(CheckError::IllFormed)?;
        let operand = *xs.get(place).ok_or(CheckError::IllFormed)? as u64;
        let shown = self.sized(at, *dtype)?;
        let chunk = (element / CHUNK, (shape.count() as u64).div_ceil(CHUNK));
        let got = tree::climb_on(tree::leaf(&shown.chunk), chunk, &shown.siblings)
            .and_then(|(root, rest)| tree::climb(root, (operand, self.trace.1), rest));
        agree(self.trace.0, got)?;
        Ok(*dtype)
    }
}

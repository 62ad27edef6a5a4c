//! What an element or a step is computed from, opened for the judge.
//!
//! The judge runs on one's own execution and what it reads is written down, so the openings are
//! those it will read. Chunks are one's own: everything that is opened is agreed.
//!
//! Invariant: the judge takes exactly these openings. Absent: a second list of what each op needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use tensor::{Hash, Op, tree};

use super::{Advocate, Revealed};
use crate::bits;
use crate::judge::{self, CheckError, Need, Opened, Source, Step};
use crate::record::{CHUNK, Dispute, Shown};
use crate::trace::{Evidence, Sheet};

impl Advocate<'_> {
    /// The openings from which an element of an op without chains is computed; none for one with,
    /// or after the last element.
    pub(super) fn element_openings(&mut self, element: u64) -> Option<Vec<Shown>> {
        let opened = Opened::read(&self.brief()?).ok()?;
        if opened.chain_len().is_some() || element >= opened.count() {
            return Some(Vec::new());
        }
        let mut collector = self.collector(&opened)?;
        judge::element(&opened, element, &mut collector).ok()?;
        Some(collector.found.into_values().collect())
    }

    /// The openings from which a step of the disputed element's chain is computed.
    pub(super) fn step_openings(&mut self, step: u64) -> Option<Vec<Shown>> {
        let opened = Opened::read(&self.brief()?).ok()?;
        if opened.chain_len().is_none_or(|steps| step >= steps) {
            return Some(Vec::new());
        }
        let (chunk, element) = (self.own_chunk()?, self.record.element);
        let mut collector = self.collector(&opened)?;
        judge::step(&opened, Step { element, step, chunk: &chunk }, &mut collector).ok()?;
        Some(collector.found.into_values().collect())
    }

    fn collector<'a>(&'a mut self, opened: &'a Opened) -> Option<Collector<'a>> {
        let (record, revealed) = (self.record, self.revealed);
        let operands = opened.op.operands();
        Some(Collector {
            record,
            revealed,
            opened,
            operands,
            evidence: &mut *self.evidence,
            found: BTreeMap::new(),
        })
    }
}

/// One's own execution as a source for the judge; what is read is kept as an opening.
struct Collector<'a> {
    record: &'a Dispute,
    revealed: &'a Revealed,
    opened: &'a Opened,
    operands: Vec<usize>,
    evidence: &'a mut dyn Evidence,
    found: BTreeMap<usize, Shown>,
}

impl Source for Collector<'_> {
    fn count(&self, _: u64) -> Result<(), CheckError> {
        Ok(())
    }

    fn read(&mut self, at: usize, need: Need) -> Result<u64, CheckError> {
        let (shown, dtype, element) = self.show(need).ok_or(CheckError::IllFormed)?;
        let bits = bits::element(dtype, &shown.chunk, element % CHUNK);
        self.found.insert(at, shown);
        bits.ok_or(CheckError::IllFormed)
    }
}

impl Collector<'_> {
    fn show(&mut self, need: Need) -> Option<(Shown, tensor::Dtype, u64)> {
        let iteration = self.record.iteration;
        let op = usize::try_from(self.record.op).ok()?;
        match need {
            Need::Operand { place, element } | Need::Joined { place, element } => {
                let operand = *self.operands.get(place)?;
                let dtype = self.evidence.program().nodes().get(operand)?.dtype;
                let sheet = self.evidence.tensor(iteration, operand);
                let mut siblings = tree::siblings(&sheet.leaves, chunk_of(&sheet, element)?);
                if matches!(self.opened.op, Op::Concat { .. }) {
                    let roots = self.evidence.roots(iteration);
                    siblings.extend(self.revealed.siblings(self.record.trace, &roots, operand)?);
                }
                let chunk = sheet.chunk(element / CHUNK).to_vec();
                Some((Shown { chunk, siblings }, dtype, element))
            }
            Need::State { entry } => {
                let sheet = self.evidence.chain(iteration, op, self.record.element)?;
                let chunk = chunk_of(&sheet, entry)?;
                let root: Hash = self.record.chain;
                let siblings = self.revealed.siblings(root, &sheet.leaves, chunk)?;
                let chunk = sheet.chunk(entry / CHUNK).to_vec();
                Some((Shown { chunk, siblings }, self.opened.dtype, entry))
            }
        }
    }
}

/// Returns the chunk in which an element stands.
fn chunk_of(sheet: &Arc<Sheet>, element: u64) -> Option<usize> {
    usize::try_from(element / CHUNK).ok().filter(|chunk| *chunk < sheet.leaves.len())
}

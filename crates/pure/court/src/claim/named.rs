//! The moves that can decide a dispute: an op is named, an element is named, a step is executed.
//!
//! Invariant: what is compared with the asserter's word was computed here, or opened under a root
//! that both sides hold. Absent: arithmetic; that is `judge`.

use tensor::{Hash, Op, Stated, StatedOp, tree};

use super::moves::{Led, Play};
use super::{Event, Refusal, enter};
use crate::bits;
use crate::judge::{self, CheckError, Opened, Openings, Step, agree};
use crate::record::{Brief, CHUNK, Shown, ShownOp, Side, Stage, Turn};

impl Play<'_> {
    pub(super) fn name_op(&mut self, child: (&[Hash], u64), op: &[ShownOp]) -> Led {
        let (node, index) = self.named(child)?;
        let first = op.first().ok_or(CheckError::OpeningCount { expected: 1, got: 0 })?;
        self.op_opens(first, index)?;
        let stated = decode(&first.encoding)?;
        self.record.op = u32::try_from(index).map_err(|_| CheckError::IllFormed)?;
        match &stated.op {
            StatedOp::Constant(root) => {
                count(op, 1)?;
                Ok(Some(self.compare(0x02, node, *root)))
            }
            StatedOp::Whole(Op::Input { index, .. }) => {
                count(op, 2)?;
                self.input_opens(&op[1], *index as u64)?;
                Ok(Some(self.compare(0x01, node, op[1].root)))
            }
            StatedOp::Whole(Op::Concat { .. }) => {
                count(op, 1)?;
                self.enter_op(node, &first.encoding, &[])
            }
            StatedOp::Whole(whole) => {
                let places = whole.operands();
                count(op, 1 + places.len())?;
                for (operand, place) in op[1..].iter().zip(&places) {
                    self.op_opens(operand, *place as u64)?;
                    let at = (*place as u64, u64::from(self.record.op_count));
                    let got = tree::climb(operand.root, at, &operand.root_siblings);
                    agree(self.record.trace, got)?;
                }
                self.enter_op(node, &first.encoding, &op[1..])
            }
        }
    }

    /// Checks that an encoding is that of op `index` of the Program.
    fn op_opens(&self, op: &ShownOp, index: u64) -> Result<(), Refusal> {
        let place = (index, u64::from(self.record.op_count));
        let got = tree::climb(tree::op_leaf(&op.encoding), place, &op.siblings);
        Ok(agree(self.record.ops_root, got)?)
    }

    /// Checks that a root is that of input `index` of the disputed iteration.
    fn input_opens(&self, shown: &ShownOp, index: u64) -> Result<(), Refusal> {
        let record = &self.record;
        let carried = record.iteration > 0 && index < u64::from(record.output_count);
        let (list, count) = if carried {
            (record.before, record.output_count)
        } else {
            (self.claim.inputs_root, record.input_count)
        };
        let got = tree::climb(shown.root, (index, u64::from(count)), &shown.root_siblings);
        Ok(agree(list, got)?)
    }

    fn compare(&mut self, code: u8, asserted: Hash, correct: Hash) -> Side {
        let (dispute, op) = (self.dispute, self.record.op);
        self.events.push(Event::Compared { dispute, op, code, asserted, correct });
        loser(asserted == correct)
    }

    /// Goes on to the op's tensor.
    fn enter_op(&mut self, node: Hash, encoding: &[u8], operands: &[ShownOp]) -> Led {
        let brief = Brief {
            op: encoding.to_vec(),
            operands: operands.iter().map(|operand| operand.encoding.clone()).collect(),
            roots: operands.iter().map(|operand| operand.root).collect(),
        };
        let opened = Opened::read(&brief)?;
        self.record.brief = brief.hash();
        enter(&mut self.record, Stage::Tensor, node, opened.count().div_ceil(CHUNK));
        Ok(None)
    }

    /// Judges an element of the op's tensor, or goes on to its chain. After the last element the
    /// bits must be zero.
    pub(super) fn judge_element(
        &mut self,
        opened: &Opened,
        (element, value): (u64, u64),
        openings: &[Shown],
    ) -> Led {
        (self.record.element, self.record.value) = (element, value);
        let chain = opened.chain_len();
        if element >= opened.count() || chain.is_some() {
            count(openings, 0)?;
        }
        if element >= opened.count() {
            return Ok(Some(self.judged(opened, (element, 0), (value, 0))));
        }
        if chain.is_some() {
            (self.record.stage, self.record.turn) = (Stage::Chain, Turn::Root);
            return Ok(None);
        }
        let correct = judge::element(opened, element, &mut self.source(opened, openings))?;
        Ok(Some(self.judged(opened, (element, 0), (value, correct))))
    }

    /// Judges a step of the element's chain. After the last step the bits must be zero.
    pub(super) fn judge_step(
        &mut self,
        opened: &Opened,
        (step, value): (u64, u64),
        chunk: &[u8],
        openings: &[Shown],
    ) -> Led {
        let element = self.record.element;
        let correct = if opened.chain_len().is_some_and(|steps| step >= steps) {
            count(openings, 0)?;
            0
        } else {
            judge::step(opened, Step { element, step, chunk }, &mut self.source(opened, openings))?
        };
        Ok(Some(self.judged(opened, (element, step), (value, correct))))
    }

    fn source<'a>(&self, opened: &'a Opened, shown: &'a [Shown]) -> Openings<'a> {
        let trace = (self.record.trace, u64::from(self.record.op_count));
        Openings { opened, trace, chain: self.record.chain, shown }
    }

    /// Convicts a chunk of a wrong length, whose hash the asserter put into a tree all the same.
    pub(super) fn misshapen(&mut self, opened: &Opened, size: u64, openings: &[Shown]) -> Led {
        count(openings, 0)?;
        let element = self.record.element;
        let expected = bits::chunk_size(opened.dtype) as u64;
        Ok(Some(self.judged(opened, (element, 0), (size, expected))))
    }

    fn judged(
        &mut self,
        opened: &Opened,
        (element, step): (u64, u64),
        (asserted, correct): (u64, u64),
    ) -> Side {
        let (dispute, op, code) = (self.dispute, self.record.op, opened.op.code());
        let judged = Event::Judged { dispute, op, code, element, step, asserted, correct };
        self.events.push(judged);
        loser(asserted == correct)
    }
}

/// The side that has lost, by whether the asserter's word is right.
const fn loser(right: bool) -> Side {
    if right { Side::Challenger } else { Side::Asserter }
}

fn count<T>(list: &[T], expected: usize) -> Result<(), CheckError> {
    let (expected, got) = (expected as u64, list.len() as u64);
    if expected == got { Ok(()) } else { Err(CheckError::OpeningCount { expected, got }) }
}

fn decode(encoding: &[u8]) -> Result<Stated, CheckError> {
    Stated::decode(encoding).map_err(|_| CheckError::IllFormed)
}

//! The moves of a dispute: whose turn it is, what a move must show, where the walk goes next.
//!
//! Invariant: a record changes only when every check has passed, and every move takes the walk one
//! level down or one stage on; so a dispute ends. Absent: what the two moves that can decide a
//! dispute open; that is `named`.

use tensor::{Hash, tree};

use super::{Call, Claim, Court, Event, Gas, Move, Outcome, Refusal, enter};
use crate::bits;
use crate::header::Header;
use crate::judge::{self, CheckError, Opened, agree};
use crate::record::{Brief, CHUNK, Dispute, GROUP, Shown, Side, Stage, Turn};

/// A move under way: the dispute it belongs to and what is known of it.
pub(super) struct Play<'a> {
    pub(super) dispute: u64,
    pub(super) claim: &'a Claim,
    /// The record, which becomes the next one.
    pub(super) record: Dispute,
    pub(super) events: Vec<Event>,
}

/// What a move led to: the side that has lost, if the dispute is decided.
pub(super) type Led = Result<Option<Side>, Refusal>;

impl Court {
    pub(super) fn play(
        &mut self,
        call: Call,
        (dispute, record): (u64, &Dispute),
        made: Move,
    ) -> Outcome {
        self.disputed(dispute, record)?;
        let (stage, turn) = (record.stage, record.turn);
        if !is_due(&made, record) {
            return Err(Refusal::WrongMove { stage, turn });
        }
        let side = record.mover();
        let mover = self.account(record, side)?;
        if call.caller != mover {
            return Err(Refusal::NotYourTurn { mover });
        }
        let (left, used) = record.clock(call.block);
        if used > left {
            return Err(Refusal::ClockRanOut { left, used });
        }
        let claim = self.claim(record.claim)?;
        let mut play = Play { dispute, claim, record: record.clone(), events: Vec::new() };
        let gas = gas(&made);
        let lost = play.make(made)?;
        let Play { mut record, mut events, .. } = play;
        record.moves += 1;
        record.since = call.block;
        match side {
            Side::Asserter => record.asserter_blocks = left - used,
            Side::Challenger => record.challenger_blocks = left - used,
        }
        if let Some(loser) = lost {
            events.extend(self.decide(call.block, dispute, (loser, false)));
            return Ok(events);
        }
        let advanced = self.advance(call, &mut record, (side, gas));
        events.push(Event::Moved { dispute, mover, record: Box::new(record.clone()) });
        events.extend(advanced);
        self.disputes.insert(dispute, record);
        Ok(events)
    }
}

/// Returns whether this is the kind of move that the record waits for.
fn is_due(made: &Move, record: &Dispute) -> bool {
    let (stage, turn) = (record.stage, record.turn);
    let walked_by_leaves = matches!(stage, Stage::Tensor | Stage::Chain);
    let lowest = turn == Turn::Child && record.height <= 1 && !walked_by_leaves;
    match made {
        Move::PostStates { .. } => (stage, turn) == (Stage::Iterations, Turn::Root),
        Move::PostTrace { .. } => (stage, turn) == (Stage::Trace, Turn::Root),
        Move::PostChain { .. } => (stage, turn) == (Stage::Chain, Turn::Root),
        Move::Reveal { .. } => turn == Turn::Children,
        Move::RevealChunk { .. } => turn == Turn::Chunk,
        Move::NameChild { .. } => turn == Turn::Child && !lowest,
        Move::NameIteration { .. } => lowest && stage == Stage::Iterations,
        Move::NameOutput { .. } => lowest && stage == Stage::Outputs,
        Move::NameOp { .. } => lowest && stage == Stage::Trace,
        Move::NameElement { .. } => turn == Turn::Element,
    }
}

const fn gas(made: &Move) -> u128 {
    match made {
        Move::PostStates { .. } => Gas::POST_STATES,
        Move::PostTrace { .. } => Gas::POST_TRACE,
        Move::PostChain { .. } => Gas::POST_CHAIN,
        Move::Reveal { .. } => Gas::REVEAL,
        Move::RevealChunk { .. } => Gas::REVEAL_CHUNK,
        Move::NameChild { .. } => Gas::NAME_CHILD,
        Move::NameIteration { .. } => Gas::NAME_ITERATION,
        Move::NameOutput { .. } => Gas::NAME_OUTPUT,
        Move::NameOp { .. } => Gas::NAME_OP,
        Move::NameElement { .. } => Gas::NAME_ELEMENT,
    }
}

impl Play<'_> {
    fn make(&mut self, made: Move) -> Led {
        match made {
            Move::PostStates { root, siblings } => {
                let last = u64::from(self.claim.iterations) - 1;
                self.post_list(root, last, &siblings)?;
                Ok(None)
            }
            Move::PostTrace { root, siblings } => {
                self.post_list(root, u64::from(self.record.op), &siblings)?;
                Ok(None)
            }
            Move::PostChain { brief, root, last } => self.post_chain(&brief, root, &last),
            Move::Reveal { children } => {
                self.children(&children)?;
                self.record.turn = Turn::Child;
                self.reveal(self.record.node, children);
                Ok(None)
            }
            Move::RevealChunk { chunk } => {
                agree(self.record.node, Some(tree::leaf(&chunk)))?;
                self.record.turn = Turn::Element;
                self.reveal_chunk(chunk);
                Ok(None)
            }
            Move::NameChild { children, child } => self.name_child(&children, child),
            Move::NameIteration { children, child, before, siblings } => {
                self.name_iteration((&children, child), before, &siblings)
            }
            Move::NameOutput { children, child, header } => {
                self.name_output((&children, child), &header)
            }
            Move::NameOp { children, child, op } => self.name_op((&children, child), &op),
            Move::NameElement { chunk, place, brief, openings } => {
                self.name_element((&chunk, place), &brief, &openings)
            }
        }
    }

    fn reveal(&mut self, node: Hash, children: Vec<Hash>) {
        self.events.push(Event::Revealed { dispute: self.dispute, node, children });
    }

    fn reveal_chunk(&mut self, chunk: Vec<u8>) {
        let (dispute, node) = (self.dispute, self.record.node);
        self.events.push(Event::RevealedChunk { dispute, node, chunk });
    }

    /// Posts the root of a list in which the node stands at `index`; the nodes below the root are
    /// stated with it.
    fn post_list(&mut self, root: Hash, index: u64, siblings: &[Hash]) -> Result<(), Refusal> {
        let (node, place) = (self.record.node, (index, self.record.leaves));
        let crown = tree::crown(node, place, siblings);
        agree(root, crown.as_ref().map(|crown| crown.0))?;
        let (stage, leaves) = (self.record.stage, self.record.leaves);
        enter(&mut self.record, stage, root, leaves);
        self.record.trace = root;
        self.record.turn = Turn::Child;
        if let Some((_, children)) = crown.filter(|crown| !crown.1.is_empty()) {
            self.reveal(root, children);
        }
        Ok(())
    }

    fn post_chain(&mut self, brief: &Brief, root: Hash, last: &[Shown]) -> Led {
        agree(self.record.brief, Some(brief.hash()))?;
        let opened = Opened::read(brief)?;
        let (got, children) = judge::chain_end(&opened, root, last)?;
        let expected = self.record.value;
        if expected != got {
            return Err(Refusal::ChainEnd { expected, got });
        }
        let leaves = opened.chain_len().unwrap_or(1).div_ceil(CHUNK);
        enter(&mut self.record, Stage::Chain, root, leaves);
        self.record.chain = root;
        let end = last.first().ok_or(CheckError::IllFormed)?;
        if self.record.height == 0 {
            self.record.turn = Turn::Element;
            self.reveal_chunk(end.chunk.clone());
        } else {
            self.record.turn = Turn::Child;
            self.reveal(root, children);
        }
        Ok(None)
    }

    /// Checks that these are the children of the node.
    fn children(&self, children: &[Hash]) -> Result<(), Refusal> {
        let (expected, got) = (self.record.child_count(), children.len() as u64);
        if expected != got {
            return Err(Refusal::OpeningCount { expected, got });
        }
        Ok(agree(self.record.node, Some(tree::node(children)))?)
    }

    /// Returns the hash that is named, and its place among the nodes of its height.
    pub(super) fn named(&self, (children, child): (&[Hash], u64)) -> Result<(Hash, u64), Refusal> {
        let present = if self.record.height == 0 { 0 } else { self.record.child_count() };
        let (expected, got) = (present, children.len() as u64);
        if expected != got {
            return Err(Refusal::OpeningCount { expected, got });
        }
        if child >= present.max(1) {
            return Err(Refusal::NoSuchPlace { place: child, count: present.max(1) });
        }
        if present == 0 {
            return Ok((self.record.node, 0));
        }
        self.children(children)?;
        let at = usize::try_from(child).expect("a node has at most sixteen children");
        Ok((children[at], self.record.index * GROUP + child))
    }

    fn name_child(&mut self, children: &[Hash], child: u64) -> Led {
        let (node, index) = self.named((children, child))?;
        let record = &mut self.record;
        (record.node, record.index) = (node, index);
        record.height -= 1;
        record.turn = if record.height == 0 { Turn::Chunk } else { Turn::Children };
        Ok(None)
    }

    fn name_iteration(&mut self, child: (&[Hash], u64), before: Hash, siblings: &[Hash]) -> Led {
        let (state, iteration) = self.named(child)?;
        if let Some(earlier) = iteration.checked_sub(1) {
            let place = (earlier, self.record.leaves);
            agree(self.record.trace, tree::climb(before, place, siblings))?;
            self.record.before = before;
        }
        self.record.iteration = u32::try_from(iteration).map_err(|_| CheckError::IllFormed)?;
        self.record.trace = Hash::ZERO;
        let leaves = u64::from(self.record.output_count);
        enter(&mut self.record, Stage::Outputs, state, leaves);
        Ok(None)
    }

    fn name_output(&mut self, child: (&[Hash], u64), header: &[u8]) -> Led {
        let (root, output) = self.named(child)?;
        agree(self.claim.program, Some(Header::program(header)))?;
        let op = Header::read(header).and_then(|header| header.output(output));
        self.record.op = op.ok_or(CheckError::IllFormed)?;
        let leaves = u64::from(self.record.op_count);
        enter(&mut self.record, Stage::Trace, root, leaves);
        self.record.turn = Turn::Root;
        Ok(None)
    }

    fn name_element(
        &mut self,
        (chunk, place): (&[u8], u64),
        brief: &Brief,
        openings: &[Shown],
    ) -> Led {
        agree(self.record.brief, Some(brief.hash()))?;
        let opened = Opened::read(brief)?;
        agree(self.record.node, Some(tree::leaf(chunk)))?;
        if place >= CHUNK {
            return Err(Refusal::NoSuchPlace { place, count: CHUNK });
        }
        let at = self.record.index * CHUNK + place;
        if chunk.len() != bits::chunk_size(opened.dtype) {
            return self.misshapen(&opened, chunk.len() as u64, openings);
        }
        let value = bits::element(opened.dtype, chunk, place).ok_or(CheckError::IllFormed)?;
        match self.record.stage {
            Stage::Chain => self.judge_step(&opened, (at, value), chunk, openings),
            _ => self.judge_element(&opened, (at, value), openings),
        }
    }
}

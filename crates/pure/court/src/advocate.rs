//! Makes the moves of one side of a dispute.
//!
//! Level-triggered: the next move follows from the record as it stands, from what has been revealed
//! in this dispute, and from one's own execution. A node that restarts in the middle reads the
//! first two from the chain again and goes on.
//!
//! Invariant: an honest side's moves are never refused, and it never loses (docs/court.md §5).
//! Absent: when to move, what it costs, and whether to challenge at all.

use std::collections::BTreeMap;

use tensor::{Hash, Op, tree};

use crate::bits;
use crate::claim::{Event, Move};
use crate::judge::Opened;
use crate::record::{Brief, CHUNK, Dispute, GROUP, Shown, ShownOp, Side, Stage, Turn};
use crate::trace::{Evidence, Sheet};

mod openings;

/// All that the asserter has revealed in a dispute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revealed {
    nodes: BTreeMap<Hash, Vec<Hash>>,
    chunks: BTreeMap<Hash, Vec<u8>>,
}

impl Revealed {
    /// Takes in an event of the dispute; order does not matter, nor repetition.
    pub fn see(&mut self, event: &Event) {
        match event {
            Event::Revealed { node, children, .. } => {
                self.nodes.insert(*node, children.clone());
            }
            Event::RevealedChunk { node, chunk, .. } => {
                self.chunks.insert(*node, chunk.clone());
            }
            _ => {}
        }
    }

    /// Returns the siblings of leaf `index` under a root of the asserter's: what was revealed on
    /// the way, and one's own nodes below, where both sides agree.
    fn siblings(&self, root: Hash, own: &[Hash], index: usize) -> Option<Vec<Hash>> {
        let levels = levels(own);
        let mut node = root;
        let mut ways = Vec::new();
        for height in (0..levels.len() - 1).rev() {
            let place = index >> (4 * height);
            let first = place / tree::ARITY * tree::ARITY;
            let group = levels[height].get(first..)?;
            let group = &group[..group.len().min(tree::ARITY)];
            let children = self.nodes.get(&node).map_or(group, Vec::as_slice);
            let at = place - first;
            node = *children.get(at)?;
            ways.push(tree::beside(children, at));
        }
        Some(ways.into_iter().rev().flatten().collect())
    }
}

/// The levels of a tree, the lowest first.
fn levels(level0: &[Hash]) -> Vec<Vec<Hash>> {
    let mut levels = vec![level0.to_vec()];
    while let Some(level) = levels.last().filter(|level| level.len() > 1) {
        levels.push(level.chunks(tree::ARITY).map(tree::node).collect());
    }
    levels
}

/// Returns the move that is due, for the side whose turn it is, as this evidence has it; `None`
/// where the evidence has nothing to say against what the other side did.
///
/// Of a side whose evidence is right, `None` never comes: docs/court.md §5.
#[must_use]
pub fn next_move(
    record: &Dispute,
    revealed: &Revealed,
    evidence: &mut dyn Evidence,
) -> Option<Move> {
    let mut advocate = Advocate { record, revealed, evidence };
    match record.mover() {
        Side::Asserter => advocate.answer(),
        Side::Challenger => advocate.accuse(),
    }
}

/// Returns the move that names this child of the node, or this place of the chunk, whether it is
/// wrong or not; `None` if it is the asserter's turn, or there is no such place.
///
/// [`next_move`] names the first that differs; a challenger that names another is no worse off
/// than one that lies.
#[must_use]
pub fn name(
    record: &Dispute,
    revealed: &Revealed,
    evidence: &mut dyn Evidence,
    place: u64,
) -> Option<Move> {
    let mut advocate = Advocate { record, revealed, evidence };
    match record.turn {
        Turn::Child => advocate.name_child(place),
        Turn::Element => advocate.name_element(place),
        Turn::Root | Turn::Children | Turn::Chunk => None,
    }
}

struct Advocate<'a> {
    record: &'a Dispute,
    revealed: &'a Revealed,
    evidence: &'a mut dyn Evidence,
}

impl Advocate<'_> {
    /// The leaves of the stage's tree, as this side has them.
    fn leaves(&mut self) -> Option<Vec<Hash>> {
        let (iteration, op) = (self.record.iteration, self.op());
        Some(match self.record.stage {
            Stage::Iterations => self.evidence.states(),
            Stage::Outputs => self.outputs_of(iteration),
            Stage::Trace => self.evidence.roots(iteration),
            Stage::Tensor => self.evidence.tensor(iteration, op).leaves.clone(),
            Stage::Chain => self.evidence.chain(iteration, op, self.record.element)?.leaves.clone(),
        })
    }

    fn op(&self) -> usize {
        usize::try_from(self.record.op).expect("a usize has at least 32 bits")
    }

    /// The roots of the outputs of an iteration: the state after it.
    fn outputs_of(&mut self, iteration: u32) -> Vec<Hash> {
        let roots = self.evidence.roots(iteration);
        let outputs = self.evidence.program().outputs();
        outputs.iter().filter_map(|op| roots.get(*op).copied()).collect()
    }

    /// The children of the record's node, as this side has them.
    fn own_children(&mut self) -> Option<Vec<Hash>> {
        let levels = levels(&self.leaves()?);
        let below = usize::try_from(self.record.height).ok()?.checked_sub(1)?;
        let first = usize::try_from(self.record.index.checked_mul(GROUP)?).ok()?;
        let rest = levels.get(below)?.get(first..)?;
        Some(rest[..rest.len().min(tree::ARITY)].to_vec())
    }

    /// The chunk that the record's node is the leaf of, as this side has it.
    fn own_chunk(&mut self) -> Option<Vec<u8>> {
        let (iteration, op) = (self.record.iteration, self.op());
        let sheet = match self.record.stage {
            Stage::Chain => self.evidence.chain(iteration, op, self.record.element)?,
            _ => self.evidence.tensor(iteration, op),
        };
        Some(sheet.chunk(self.record.index).to_vec())
    }

    /// The move of the asserter.
    fn answer(&mut self) -> Option<Move> {
        match (self.record.turn, self.record.stage) {
            (Turn::Children, _) => Some(Move::Reveal { children: self.own_children()? }),
            (Turn::Chunk, _) => Some(Move::RevealChunk { chunk: self.own_chunk()? }),
            (_, Stage::Chain) => self.post_chain(),
            (_, stage) => {
                let leaves = self.leaves()?;
                let (root, last) = (tree::root(&leaves), leaves.len().checked_sub(1)?);
                if stage == Stage::Iterations {
                    let siblings = tree::crown_siblings(&leaves, last);
                    return Some(Move::PostStates { root, siblings });
                }
                let siblings = tree::crown_siblings(&leaves, self.op().min(last));
                Some(Move::PostTrace { root, siblings })
            }
        }
    }

    fn post_chain(&mut self) -> Option<Move> {
        let (iteration, op, element) = (self.record.iteration, self.op(), self.record.element);
        let sheet = self.evidence.chain(iteration, op, element)?;
        let last = sheet.leaves.len().checked_sub(1)?;
        let end = sheet.chunk(last as u64).to_vec();
        let mut shown =
            vec![Shown { chunk: end, siblings: tree::crown_siblings(&sheet.leaves, last) }];
        let brief = self.brief()?;
        let opened = Opened::read(&brief).ok()?;
        let part = !opened.chain_len()?.is_multiple_of(CHUNK);
        if matches!(opened.op, Op::Sum { .. }) && last > 0 && part {
            shown.push(self.shown(&sheet, last - 1));
        }
        let root = tree::root(&sheet.leaves);
        Some(Move::PostChain { brief, root, last: shown })
    }

    /// A chunk of one's own with its way up one's own tree.
    fn shown(&self, sheet: &Sheet, chunk: usize) -> Shown {
        let siblings = tree::siblings(&sheet.leaves, chunk);
        Shown { chunk: sheet.chunk(chunk as u64).to_vec(), siblings }
    }

    fn brief(&mut self) -> Option<Brief> {
        let roots = self.evidence.roots(self.record.iteration);
        let nodes = self.evidence.program().nodes();
        let node = nodes.get(self.op())?;
        let mut brief = Brief { op: node.encode(), ..Brief::default() };
        if !matches!(node.op, Op::Concat { .. }) {
            for operand in node.op.operands() {
                brief.operands.push(nodes.get(operand)?.encode());
                brief.roots.push(*roots.get(operand)?);
            }
        }
        Some(brief)
    }

    /// The move of the challenger.
    fn accuse(&mut self) -> Option<Move> {
        if self.record.turn == Turn::Element {
            let place = self.wrong_element()?;
            return self.name_element(place);
        }
        let child = if self.record.height == 0 { 0 } else { self.wrong_child()? };
        self.name_child(child)
    }

    /// The first child of the node that differs from one's own.
    fn wrong_child(&mut self) -> Option<u64> {
        let own = self.own_children()?;
        let children = self.revealed.nodes.get(&self.record.node)?;
        let differs = children.iter().zip(&own).position(|(theirs, own)| theirs != own)?;
        Some(differs as u64)
    }

    /// The first place of the chunk that differs from one's own.
    fn wrong_element(&mut self) -> Option<u64> {
        let own = self.own_chunk()?;
        let dtype = self.evidence.program().nodes().get(self.op())?.dtype;
        let chunk = self.revealed.chunks.get(&self.record.node)?;
        if chunk.len() != own.len() {
            return Some(0);
        }
        let bits = |chunk, place| bits::element(dtype, chunk, place);
        (0..CHUNK).find(|place| bits(chunk, *place) != bits(&own, *place))
    }

    fn name_child(&mut self, child: u64) -> Option<Move> {
        let children = if self.record.height == 0 {
            Vec::new()
        } else {
            self.revealed.nodes.get(&self.record.node)?.clone()
        };
        let index = self.record.index * GROUP + child;
        let lowest = self.record.height <= 1;
        match self.record.stage {
            Stage::Iterations if lowest => self.name_iteration(children, child, index),
            Stage::Outputs if lowest => {
                let header = self.evidence.program().header();
                Some(Move::NameOutput { children, child, header })
            }
            Stage::Trace if lowest => {
                let op = self.shown_op(usize::try_from(index).ok()?)?;
                Some(Move::NameOp { children, child, op })
            }
            _ => Some(Move::NameChild { children, child }),
        }
    }

    fn name_iteration(&mut self, children: Vec<Hash>, child: u64, index: u64) -> Option<Move> {
        let states = self.evidence.states();
        let Some(earlier) = index.checked_sub(1) else {
            let (before, siblings) = (Hash::ZERO, Vec::new());
            return Some(Move::NameIteration { children, child, before, siblings });
        };
        let earlier = usize::try_from(earlier).ok()?;
        let before = *states.get(earlier)?;
        let siblings = self.revealed.siblings(self.record.trace, &states, earlier)?;
        Some(Move::NameIteration { children, child, before, siblings })
    }

    /// The op and what `nameOp` brings with it.
    fn shown_op(&mut self, index: usize) -> Option<Vec<ShownOp>> {
        let iteration = self.record.iteration;
        let roots = self.evidence.roots(iteration);
        let given = self.evidence.inputs(0);
        let is_input = self.evidence.program().nodes().get(index)?.op.code() == 0x01;
        let state = match iteration.checked_sub(1).filter(|_| is_input) {
            Some(earlier) => self.outputs_of(earlier),
            None => Vec::new(),
        };
        let program = self.evidence.program();
        let leaves = program.op_leaves();
        let op = |place: usize| {
            let siblings = tree::siblings(&leaves, place);
            let encoding = program.nodes()[place].encode();
            ShownOp { encoding, siblings, ..ShownOp::default() }
        };
        let mut shown = vec![op(index)];
        match &program.nodes().get(index)?.op {
            Op::Concat { .. } => {}
            Op::Input { index, .. } => {
                // The outputs of the iteration before are the first inputs, in a list of their own.
                let carried = iteration > 0 && *index < program.outputs().len();
                let list = if carried { &state } else { &given };
                let (root, root_siblings) = (*list.get(*index)?, tree::siblings(list, *index));
                shown.push(ShownOp { root, root_siblings, ..ShownOp::default() });
            }
            whole => {
                for operand in whole.operands() {
                    let mut shown_operand = op(operand);
                    shown_operand.root = *roots.get(operand)?;
                    shown_operand.root_siblings =
                        self.revealed.siblings(self.record.trace, &roots, operand)?;
                    shown.push(shown_operand);
                }
            }
        }
        Some(shown)
    }

    fn name_element(&mut self, place: u64) -> Option<Move> {
        let chunk = self.revealed.chunks.get(&self.record.node)?.clone();
        let (brief, own) = (self.brief()?, self.own_chunk()?);
        let at = self.record.index * CHUNK + place;
        let openings = match self.record.stage {
            // Of a chunk of another length nothing is computed.
            _ if chunk.len() != own.len() => Vec::new(),
            Stage::Chain => self.step_openings(at)?,
            _ => self.element_openings(at)?,
        };
        Some(Move::NameElement { chunk, place, brief, openings })
    }
}

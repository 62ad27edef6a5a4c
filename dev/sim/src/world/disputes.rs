//! Each node's part in the disputes it is in, by the advocate; and what anybody may do in others'.
//!
//! A node looks at the records as they are, makes the move that is due, and says it again if two
//! blocks later the record is the same. It keeps nothing for it but the inputs on its disk.
//!
//! Absent: judgement of who should win. The court decides, [`crate::Checkers`] watch.

use std::collections::btree_map::Entry;
use std::sync::Arc;

use court::advocate::next_move;
use court::trace::{Executor, Reference, Witness};
use court::{Dispute, Event, Input, Side};
use round::ledger;
use tensor::Hash;

use super::{RETRY, World};
use crate::behaviour::Behaviour;
use crate::work::{AGGREGATED, Bent};
use crate::worth;

impl World {
    /// Takes what a dispute revealed into the chain's log.
    pub(super) fn log(&mut self, event: &Event) {
        if let Event::Revealed { dispute, .. } | Event::RevealedChunk { dispute, .. } = event {
            self.revealed.entry(*dispute).or_default().see(event);
        }
    }

    /// Does what is due in every dispute, as far as it is this node's to do.
    pub(super) fn litigate(&mut self, to: usize) {
        let node = &self.nodes[to];
        if node.machine.is_none() || node.behaviour == Behaviour::Bluff {
            return;
        }
        let disputes = self.ledger.court().disputes();
        let waits = |dispute: &u64, record: &Dispute| {
            let last = node.moved.get(dispute);
            last.is_some_and(|(moves, block)| {
                *moves == record.moves && self.block < block + RETRY.tx_blocks
            })
        };
        let mine = disputes.filter(|(dispute, record)| {
            self.concerns(to, *dispute, record) && !waits(dispute, record)
        });
        let mine: Vec<(u64, Dispute)> = mine.map(|(id, record)| (id, record.clone())).collect();
        for (dispute, record) in mine {
            let moves = record.moves;
            if let Some(input) = self.due(to, dispute, record) {
                self.nodes[to].moved.insert(dispute, (moves, self.block));
                self.submit(to, ledger::Input::Court(input));
            }
        }
    }

    /// Whether a node is a side of a dispute, or an honest one whose turn it is to look after it: a
    /// thousand need not all say that a clock has run out.
    fn concerns(&self, to: usize, dispute: u64, record: &Dispute) -> bool {
        let node = &self.nodes[to];
        let turn = (dispute + self.block) % self.nodes.len() as u64;
        record.challenger == node.key
            || self.ledger.claim(record.claim).is_some_and(|claim| claim.asserter == node.key)
            || node.behaviour == Behaviour::Honest && turn == to as u64
    }

    /// What is due in a dispute: a move of this node's, or what anybody may call.
    fn due(&mut self, to: usize, dispute: u64, record: Dispute) -> Option<Input> {
        let claim = self.ledger.claim(record.claim)?;
        if claim.state.has_fallen() {
            return Some(Input::Close { dispute, record: Box::new(record) });
        }
        let (left, used) = record.clock(self.block);
        if used > left {
            return Some(Input::Timeout { dispute, record: Box::new(record) });
        }
        let mover = match record.mover() {
            Side::Asserter => claim.asserter,
            Side::Challenger => record.challenger,
        };
        if mover != self.nodes[to].key {
            return None;
        }
        let inputs_root = claim.inputs_root;
        let witness = self.testify(to, inputs_root)?;
        let witness = self.witnesses.get_mut(&witness)?;
        let revealed = self.revealed.entry(dispute).or_default();
        let made = next_move(&record, revealed, witness)?;
        Some(Input::Move { dispute, record: Box::new(record), made })
    }

    /// Executes the case on the disk, if it is the one in question and nobody has who computes as
    /// this node does; returns by what the execution is found.
    fn testify(&mut self, to: usize, inputs_root: Hash) -> Option<(Hash, Option<u32>)> {
        let (node, programs) = (&self.nodes[to], &self.computer.programs);
        let models = self.options.scores.as_ref().map_or(0, |scores| scores.models);
        let round = node.disk.case.as_ref().filter(|case| case.inputs_root == inputs_root);
        let score = node.disk.scored.as_ref().filter(|scored| scored.inputs_root == inputs_root);
        let (program, inputs, output, bends) = match (round, score) {
            (Some(case), _) => {
                (programs.of(case.rows()), &case.inputs, AGGREGATED, node.behaviour.bends())
            }
            (None, Some(scored)) => {
                let program = programs.score(scored.rows(models));
                (program, &scored.inputs, worth::CUMULATIVE, node.behaviour.bends_scores())
            }
            (None, None) => return None,
        };
        let bent = if bends { Some(self.members.index(to)?) } else { None };
        let place = (inputs_root, bent);
        if let Entry::Vacant(place) = self.witnesses.entry(place) {
            let executor: Box<dyn Executor> = match bent {
                Some(node) => Box::new(Bent { node, output }),
                None => Box::new(Reference),
            };
            let witness = Witness::new(Arc::clone(program), inputs.clone(), 1, executor);
            place.insert(witness.ok()?);
        }
        Some(place)
    }
}

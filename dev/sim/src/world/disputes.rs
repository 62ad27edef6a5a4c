//! Each node's part in the disputes it is in, by the advocate; and what anybody may do in others'.
//!
//! A node looks at the records as they are, makes the move that is due, and says it again if two
//! blocks later the record is the same. It keeps nothing for it but the inputs on its disk.
//!
//! Absent: judgement of who should win. The court decides, [`crate::Checkers`] watch.

use court::advocate::next_move;
use court::trace::{Executor, Reference, Witness};
use court::{Dispute, Event, Input, Side};
use round::ledger;

use super::{RETRY, World};
use crate::options::Behaviour;
use crate::work::Bent;

impl World {
    /// Takes what a dispute revealed into the chain's log.
    pub(super) fn log(&mut self, event: &Event) {
        if let Event::Revealed { dispute, .. } | Event::RevealedChunk { dispute, .. } = event {
            self.revealed.entry(*dispute).or_default().see(event);
        }
    }

    /// Does what is due in every dispute, as far as it is this node's to do.
    pub(super) fn litigate(&mut self, to: usize) {
        if self.nodes[to].machine.is_none() || self.nodes[to].behaviour == Behaviour::Bluff {
            return;
        }
        let disputes: Vec<(u64, Dispute)> =
            self.ledger.court().disputes().map(|(id, record)| (id, record.clone())).collect();
        for (dispute, record) in disputes {
            let last = self.nodes[to].moved.get(&dispute).copied();
            let waits =
                |(moves, block)| moves == record.moves && self.block < block + RETRY.tx_blocks;
            if last.is_some_and(waits) {
                continue;
            }
            let moves = record.moves;
            if let Some(input) = self.due(to, dispute, record) {
                self.nodes[to].moved.insert(dispute, (moves, self.block));
                self.submit(to, ledger::Input::Court(input));
            }
        }
    }

    /// What is due in a dispute: a move of this node's, or what anybody may call.
    fn due(&mut self, to: usize, dispute: u64, record: Dispute) -> Option<Input> {
        let claim = self.ledger.claim(record.claim)?;
        let (key, behaviour) = (self.nodes[to].key, self.nodes[to].behaviour);
        let mover = match record.mover() {
            Side::Asserter => claim.asserter,
            Side::Challenger => record.challenger,
        };
        let own = [claim.asserter, record.challenger].contains(&key);
        let concerned = own || behaviour == Behaviour::Honest;
        if claim.state.has_fallen() {
            let close = Input::Close { dispute, record: Box::new(record) };
            return concerned.then_some(close);
        }
        let (left, used) = record.clock(self.block);
        if used > left {
            let timeout = Input::Timeout { dispute, record: Box::new(record) };
            return concerned.then_some(timeout);
        }
        if mover != key {
            return None;
        }
        let inputs_root = claim.inputs_root;
        self.testify(to, inputs_root);
        let (of, witness) = self.nodes[to].witness.as_mut()?;
        let revealed = self.revealed.entry(dispute).or_default();
        let made = next_move(&record, revealed, witness).filter(|_| *of == inputs_root)?;
        Some(Input::Move { dispute, record: Box::new(record), made })
    }

    /// Executes the case on the disk, if it is the one in question.
    fn testify(&mut self, to: usize, inputs_root: tensor::Hash) {
        let node = &mut self.nodes[to];
        if node.witness.as_ref().is_some_and(|(of, _)| *of == inputs_root) {
            return;
        }
        node.witness = None;
        let Some(case) = node.disk.case.as_ref().filter(|case| case.inputs_root == inputs_root)
        else {
            return;
        };
        let executor: Box<dyn Executor> = if node.behaviour.bends() {
            Box::new(Bent { node: u32::try_from(to).expect("few nodes") })
        } else {
            Box::new(Reference)
        };
        let program = self.programs.of(case.rows).clone();
        let witness = Witness::new(program, case.inputs.clone(), 1, executor);
        node.witness = witness.ok().map(|witness| (inputs_root, witness));
    }
}

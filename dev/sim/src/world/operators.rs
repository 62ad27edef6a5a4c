//! What the people behind nodes do: join late, leave, wait until a stake is free, join again.
//!
//! An honest operator withdraws only once nothing more can come to the old registry index: it has
//! no seat in the round that runs, and was paid what it is owed. One that hits and runs leaves as
//! soon as it has committed, and asks for its stake from then on.
//!
//! Absent: reasons. When who comes and goes is drawn before the first tick.

use round::chain::WEI_PER_TOKEN;
use round::{Phase, View, ledger};
use tensor::Hash;

use super::{World, payee};
use crate::behaviour::Behaviour;

impl World {
    /// Does what a node's operator has to do, now and then.
    pub(super) fn tend(&mut self, to: usize, view: &View) {
        /// Not every look; a call that was lost is made again.
        const EVERY: u64 = 4;
        if self.options.stays(to) || !(self.block + to as u64).is_multiple_of(EVERY) {
            return;
        }
        let runs = self.nodes[to].behaviour == Behaviour::HitAndRun;
        let Some(index) = view.own else {
            if self.block >= self.options.joins[to] && !runs {
                let stake = u128::from(self.options.stakes[to]);
                let amount_wei = stake * WEI_PER_TOKEN;
                self.submit(to, ledger::Input::Join { payee: payee(to), amount_wei });
            }
            return;
        };
        let unbond_block = self.ledger.node(index).map_or(0, |node| node.unbond_block);
        let seat = view.round.seat(index).filter(|_| view.round.phase != Phase::Idle);
        if unbond_block == 0 {
            let due = self.options.leaves[to].is_some_and(|block| self.block >= block);
            if due || runs && seat.is_some_and(|seat| seat.commitment != Hash::ZERO) {
                self.submit(to, ledger::Input::Leave);
            }
        } else if runs || self.block >= unbond_block && seat.is_none() && self.is_paid(to, index) {
            // Who comes back stays.
            self.options.leaves[to] = None;
            self.submit(to, ledger::Input::Withdraw);
        }
    }

    /// Whether a node knows what it is owed, and has it.
    fn is_paid(&self, to: usize, index: u32) -> bool {
        let root = self.ledger.rewards_root();
        let known = root == Hash::ZERO || self.nodes[to].disk.tensors.contains_key(&root);
        known && self.due_gwei(to, root) == 0 && self.members.index(to) == Some(index)
    }
}

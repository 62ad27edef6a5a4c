//! Who takes part, and with what stake: the mirror of `Registry`.
//!
//! Absent: peers and endpoints, which change nothing that the other contracts see.

use court::Address;

use super::{Event, Ledger, Refusal};
use crate::chain::Block;

/// A node's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Sends its transactions.
    pub key: Address,
    /// Receives its pay and, at the end, its stake.
    pub payee: Address,
    /// Wei of the token.
    pub stake_wei: u128,
    /// Block from which it can withdraw; 0 while it has not left.
    pub unbond_block: Block,
}

impl Ledger {
    pub(super) fn join(
        &mut self,
        key: Address,
        payee: Address,
        amount_wei: u128,
    ) -> Result<Vec<Event>, Refusal> {
        if payee == Address::default() {
            return Err(Refusal::ZeroPayee);
        }
        let minimum_wei = self.config.minimum_stake_wei;
        if amount_wei < minimum_wei {
            return Err(Refusal::StakeTooSmall { got_wei: amount_wei, minimum_wei });
        }
        if self.keys.contains_key(&key) {
            return Err(Refusal::AlreadyJoined { key });
        }
        self.check_balance(key, amount_wei)?;
        let mut events = self.draw();
        let index = u32::try_from(self.nodes.len()).expect("2^32 stakes cannot be paid for");
        self.nodes.push(Node { key, payee, stake_wei: amount_wei, unbond_block: 0 });
        self.keys.insert(key, index);
        self.take(key, amount_wei);
        events.push(Event::Joined { index, key });
        Ok(events)
    }

    pub(super) fn add_stake(
        &mut self,
        key: Address,
        amount_wei: u128,
    ) -> Result<Vec<Event>, Refusal> {
        let index = self.index_of(key)?;
        if self.node_mut(index).unbond_block != 0 {
            return Err(Refusal::AlreadyLeaving { index });
        }
        self.check_balance(key, amount_wei)?;
        let mut events = self.draw();
        self.take(key, amount_wei);
        let node = self.node_mut(index);
        node.stake_wei += amount_wei;
        let stake_wei = node.stake_wei;
        events.push(Event::StakeAdded { index, stake_wei });
        Ok(events)
    }

    pub(super) fn leave(&mut self, key: Address) -> Result<Vec<Event>, Refusal> {
        let index = self.index_of(key)?;
        let unbond_block = self.now.saturating_add(self.config.unbond_blocks);
        if self.node_mut(index).unbond_block != 0 {
            return Err(Refusal::AlreadyLeaving { index });
        }
        let mut events = self.draw();
        self.node_mut(index).unbond_block = unbond_block;
        events.push(Event::Leaving { index, unbond_block });
        Ok(events)
    }

    pub(super) fn withdraw(&mut self, key: Address) -> Result<Vec<Event>, Refusal> {
        let index = self.index_of(key)?;
        let now = self.now;
        let node = self.node_mut(index);
        let Node { payee, stake_wei: amount_wei, unbond_block, .. } = *node;
        if unbond_block == 0 || now < unbond_block {
            return Err(Refusal::NotYetUnbonded { unbond_block });
        }
        node.stake_wei = 0;
        self.keys.remove(&key);
        self.give(payee, amount_wei);
        Ok(vec![Event::Withdrawn { index, amount_wei }])
    }

    pub(super) fn penalise(&mut self, index: u32, amount_wei: u128) -> Event {
        let node = self.node_mut(index);
        let burnt_wei = amount_wei.min(node.stake_wei);
        node.stake_wei -= burnt_wei;
        self.burnt_wei += burnt_wei;
        Event::Penalised { index, burnt_wei }
    }

    /// What of a node's stake nobody can withdraw up to `block`, in wei.
    pub(super) fn held_until(&self, index: u32, block: Block) -> u128 {
        let held = |node: &&Node| node.unbond_block == 0 || node.unbond_block > block;
        self.node(index).filter(held).map_or(0, |node| node.stake_wei)
    }

    pub(super) fn is_active(&self, index: u32) -> bool {
        let minimum_wei = self.config.minimum_stake_wei;
        self.node(index).is_some_and(|node| node.unbond_block == 0 && node.stake_wei >= minimum_wei)
    }

    /// How many nodes take seats, those included that no round has a place for.
    pub(super) fn active_count(&self) -> u32 {
        let count = u32::try_from(self.nodes.len()).expect("indices are u32");
        let active = (0..count).filter(|index| self.is_active(*index)).count();
        u32::try_from(active).expect("no more than there are nodes")
    }

    /// Registry indices of the active nodes that can be seated, ascending.
    pub(super) fn actives(&self) -> Vec<u32> {
        let count = u32::try_from(self.nodes.len()).expect("indices are u32");
        let count = count.min(self.config.cumulative_length);
        (0..count).filter(|index| self.is_active(*index)).collect()
    }

    /// By registry index, of those that can be seated: the stake of an active node, else 0.
    pub(super) fn weights(&self) -> Vec<u128> {
        let places = usize::try_from(self.config.cumulative_length).expect("a usize holds a u32");
        let nodes = (0_u32..).zip(&self.nodes).take(places);
        nodes.map(|(index, n)| if self.is_active(index) { n.stake_wei } else { 0 }).collect()
    }

    fn index_of(&self, key: Address) -> Result<u32, Refusal> {
        self.keys.get(&key).copied().ok_or(Refusal::NotJoined { key })
    }

    fn node_mut(&mut self, index: u32) -> &mut Node {
        let at = usize::try_from(index).expect("a usize holds a u32");
        self.nodes.get_mut(at).expect("indices are given by joining and never taken back")
    }
}

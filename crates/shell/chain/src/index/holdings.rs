//! Who holds the stake, who was paid, who aggregated, by epoch of rounds: what concentration is
//! measured on.
//!
//! [`Holdings`] folds the events of `Registry`, `Rounds` and `Rewards`; a
//! [`History`](super::History) carries one along, and a node that keeps no history lets one follow
//! the chain by itself.
//!
//! *Stake* is that of nodes that are not leaving, as the epoch's last round opened. *Pay* is what
//! was claimed while the epoch's rounds were the last to have settled: what is due and not yet
//! claimed is in nobody's figure, and somebody who claims late is counted late. *Aggregation* is
//! the number of settled rounds whose result was a node's. Nodes with stake that got none of a
//! thing count with nothing.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::{Filter, Log},
    sol_types::SolEventInterface,
};
use round::{chain::WEI_PER_GWEI, concentration::Concentration};
use serde::{Deserialize, Serialize};

use super::fetch;
use crate::{
    Client, ClientError,
    contracts::{
        registry::Registry::RegistryEvents, rewards::Rewards::RewardsEvents,
        rounds::Rounds::RoundsEvents,
    },
};

/// Rounds of an epoch. The first begins with round 1.
pub const EPOCH_ROUNDS: u64 = 32;
/// Blocks asked about in one request.
const PAGE: u64 = 2_000;

/// What is held, by epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdings {
    /// First block that is not folded yet; used only by [`Holdings::update`].
    next_block: u64,
    head: Option<(u64, B256)>,
    /// Stake in wei of each node that is not leaving.
    stakes: BTreeMap<u32, U256>,
    /// Who posted each claim about the running round.
    posted: BTreeMap<U256, u32>,
    /// The last round that settled.
    settled: u64,
    /// Epochs by number, from 0.
    epochs: BTreeMap<u64, Amounts>,
}

/// What is held in one epoch, by node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Amounts {
    last_round: u64,
    stake: BTreeMap<u32, U256>,
    pay: BTreeMap<u32, U256>,
    aggregated: BTreeMap<u32, u64>,
}

/// Concentration over a stretch of rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Its first round.
    pub first: u64,
    /// Its last round so far.
    pub last: u64,
    /// Of stake; none while nobody has any.
    pub stake: Option<Concentration>,
    /// Of pay claimed.
    pub pay: Option<Concentration>,
    /// Of rounds aggregated.
    pub aggregation: Option<Concentration>,
}

impl Holdings {
    /// Folds what the chain has beyond the last block folded; where the chain replaced that block,
    /// all is read again.
    ///
    /// # Errors
    ///
    /// The client's; what was folded is then as far as the last whole page.
    pub async fn update(&mut self, client: &Client) -> Result<(), ClientError> {
        let last = client.block_number().await?;
        if fetch::replaced(self.head, client).await? {
            *self = Holdings::default();
        }
        let known = client.deployment();
        self.next_block = self.next_block.max(known.block);
        while self.next_block <= last {
            let to = last.min(self.next_block.saturating_add(PAGE - 1));
            let head = client.block(to.into()).await?;
            let contracts = vec![known.registry, known.rounds, known.rewards];
            let filter = Filter::new().address(contracts).from_block(self.next_block).to_block(to);
            for log in client.logs(filter).await? {
                self.event(&log, (known.registry, known.rounds, known.rewards));
            }
            self.head = head.map(|head| (to, head.header.hash));
            self.next_block = to + 1;
        }
        Ok(())
    }

    /// Folds one event of the registry, the rounds or the rewards; others change nothing.
    pub(crate) fn event(&mut self, log: &Log, at: (Address, Address, Address)) {
        let (address, inner) = (log.address(), &log.inner);
        if address == at.0 {
            RegistryEvents::decode_log(inner).map(|log| self.registry(log.data)).ok();
        } else if address == at.1 {
            RoundsEvents::decode_log(inner).map(|log| self.round(log.data)).ok();
        } else if address == at.2 {
            RewardsEvents::decode_log(inner).map(|log| self.reward(log.data)).ok();
        }
    }

    fn registry(&mut self, event: RegistryEvents) {
        match event {
            RegistryEvents::Joined(e) => {
                self.stakes.insert(e.index, e.stake);
            }
            RegistryEvents::StakeAdded(e) => self.restake(e.index, e.stake),
            RegistryEvents::Penalised(e) => self.restake(e.index, e.stake),
            RegistryEvents::Leaving(e) => {
                self.stakes.remove(&e.index);
            }
            _ => {}
        }
    }

    /// A node that is leaving is not in the list, and its stake moves nothing.
    fn restake(&mut self, node: u32, stake: U256) {
        if let Some(known) = self.stakes.get_mut(&node) {
            *known = stake;
        }
    }

    fn round(&mut self, event: RoundsEvents) {
        match event {
            RoundsEvents::Opened(e) => {
                let stake = self.stakes.clone();
                let epoch = self.epoch(e.round);
                (epoch.last_round, epoch.stake) = (e.round, stake);
                self.posted.clear();
            }
            RoundsEvents::ResultPosted(e) => {
                self.posted.insert(e.claim, e.aggregator);
            }
            RoundsEvents::Settled(e) => {
                self.settled = e.round;
                if let Some(node) = self.posted.get(&e.claim).copied() {
                    *self.epoch(e.round).aggregated.entry(node).or_default() += 1;
                }
            }
            _ => {}
        }
    }

    fn reward(&mut self, event: RewardsEvents) {
        if let RewardsEvents::Paid(e) = event {
            let settled = self.settled;
            let paid = self.epoch(settled).pay.entry(e.node).or_default();
            *paid = paid.saturating_add(e.amount);
        }
    }

    fn epoch(&mut self, round: u64) -> &mut Amounts {
        self.epochs.entry(round.saturating_sub(1) / EPOCH_ROUNDS).or_default()
    }

    /// Returns every epoch, ascending; the last one may be running.
    #[must_use]
    pub fn epochs(&self) -> Vec<Epoch> {
        let epoch = |(number, amounts): (&u64, &Amounts)| {
            amounts.measure(number.saturating_mul(EPOCH_ROUNDS) + 1)
        };
        self.epochs.iter().map(epoch).collect()
    }

    /// Returns the same over all rounds so far, with the stake as the last round opened; nothing
    /// before the first round.
    #[must_use]
    pub fn all(&self) -> Option<Epoch> {
        let (_, last) = self.epochs.last_key_value()?;
        let mut all = Amounts { pay: BTreeMap::new(), aggregated: BTreeMap::new(), ..last.clone() };
        for amounts in self.epochs.values() {
            for (node, paid) in &amounts.pay {
                let sum = all.pay.entry(*node).or_default();
                *sum = sum.saturating_add(*paid);
            }
            for (node, count) in &amounts.aggregated {
                *all.aggregated.entry(*node).or_default() += count;
            }
        }
        Some(all.measure(1))
    }
}

impl Amounts {
    fn measure(&self, first: u64) -> Epoch {
        let gwei = |wei: &U256| u64::try_from(*wei / U256::from(WEI_PER_GWEI)).unwrap_or(u64::MAX);
        Epoch {
            first,
            last: self.last_round.max(first),
            stake: Concentration::of(&self.stake.values().map(gwei).collect::<Vec<u64>>()),
            pay: self.among_staked(&self.pay, gwei),
            aggregation: self.among_staked(&self.aggregated, |count| *count),
        }
    }

    /// Measures what some nodes got, among all that have stake or got some.
    fn among_staked<T>(
        &self,
        got: &BTreeMap<u32, T>,
        amount: impl Fn(&T) -> u64,
    ) -> Option<Concentration> {
        let others = self.stake.keys().filter(|node| !got.contains_key(node)).map(|_| 0);
        Concentration::of(&got.values().map(amount).chain(others).collect::<Vec<u64>>())
    }
}

#[cfg(test)]
mod tests;

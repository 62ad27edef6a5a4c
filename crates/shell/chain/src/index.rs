//! The chain's past, folded from its logs into what people ask about.
//!
//! A [`History`] starts empty and follows the chain by [`History::update`]: rounds, claims, nodes,
//! pay, reports, margins and accounts come from the contracts' events alone, so any node of the
//! same chain gives the same history; blocks and decoded transactions come along for the eye. It is
//! plain data and may be saved and continued.
//!
//! Invariant: an update folds whole pages or nothing, so that a lost connection leaves a history
//! that is old and never one that is half new. A chain that replaced a block already folded is read
//! again from the deployment on.
//!
//! Deliberately absent: events of other contracts, token transfers, and anything that is not on the
//! chain.

mod court;
mod fetch;
mod fold;
mod holdings;
mod house;
mod record;

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

pub use self::holdings::{EPOCH_ROUNDS, Epoch, Holdings};
pub use self::record::{
    Account, AccountPoint, Applied, At, Block, Claim, Compared, Decided, Dispute, Event, Gate,
    Ground, House, Judged, Move, Node, Payment, Report, Reveal, Rewards, Round, Score, Seat,
    Settlement, Tx, Void,
};
use crate::{Client, ClientError, Deployment};

/// Empty blocks that are remembered behind the head.
pub const EMPTY_BLOCKS_KEPT: u64 = 1_000;

/// Which blocks and transactions a history takes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detail {
    /// Every block and every transaction: for a chain of one's own. Blocks that were empty of this
    /// project's events and older than [`EMPTY_BLOCKS_KEPT`] at the first update are left out.
    Everything,
    /// Blocks with this project's events and the transactions that touched it: for a public chain.
    Events,
}

/// What happened on one deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The contracts it is about.
    pub deployment: Deployment,
    /// What it takes along.
    pub detail: Detail,
    /// First block that is not folded yet.
    pub next_block: u64,
    /// The last block folded: number, hash and timestamp in Unix seconds.
    pub head: Option<(u64, B256, u64)>,
    /// Nodes by registry index.
    pub nodes: BTreeMap<u32, Node>,
    /// Rounds by number.
    pub rounds: BTreeMap<u64, Round>,
    /// Claims by id.
    pub claims: BTreeMap<u64, Claim>,
    /// Disputes by id.
    pub disputes: BTreeMap<u64, Dispute>,
    /// The pot and what left it.
    pub rewards: Rewards,
    /// What rows were worth, by round, where they are paid by that.
    pub scores: BTreeMap<u64, Score>,
    /// Who holds, earns and aggregates how much, by epoch.
    #[serde(default)]
    pub holdings: Holdings,
    /// Reports in the order they were posted.
    pub reports: Vec<Report>,
    /// What the claims behind them rest on, by claim.
    pub grounds: BTreeMap<u64, Ground>,
    /// What holds for each market, and how it came to.
    pub gates: BTreeMap<B256, Gate>,
    /// The clearing house as a whole.
    pub house: House,
    /// Accounts of the clearing house.
    pub accounts: BTreeMap<Address, Account>,
    /// Blocks by number.
    pub blocks: BTreeMap<u64, Block>,
    /// Transactions in the order the chain has them.
    pub transactions: Vec<Tx>,
}

impl History {
    /// Starts a history of a deployment.
    pub fn new(deployment: Deployment, detail: Detail) -> Self {
        Self {
            next_block: deployment.block,
            deployment,
            detail,
            head: None,
            nodes: BTreeMap::new(),
            rounds: BTreeMap::new(),
            claims: BTreeMap::new(),
            disputes: BTreeMap::new(),
            rewards: Rewards::default(),
            scores: BTreeMap::new(),
            holdings: Holdings::default(),
            reports: Vec::new(),
            grounds: BTreeMap::new(),
            gates: BTreeMap::new(),
            house: House::default(),
            accounts: BTreeMap::new(),
            blocks: BTreeMap::new(),
            transactions: Vec::new(),
        }
    }

    /// Folds what the chain has beyond the head and returns whether there was anything.
    ///
    /// # Errors
    ///
    /// The client's; the history is then as far as its last whole page.
    pub async fn update(&mut self, client: &Client) -> Result<bool, ClientError> {
        let last = client.block_number().await?;
        let head = self.head.map(|(number, hash, _)| (number, hash));
        let replaced = fetch::replaced(head, client).await?;
        if replaced {
            *self = Self::new(self.deployment.clone(), self.detail);
        }
        if self.house.terms_market.is_none() {
            let terms = client.terms().await?;
            self.house.terms_market = Some(terms.market);
            self.house.settles_at = terms.settlesAt;
        }
        let mut moved = replaced;
        while self.next_block <= last {
            let page = fetch::page(self, client, last).await?;
            self.fold(page);
            moved = true;
        }
        Ok(moved)
    }

    /// Returns the running round, or the last one.
    pub fn last_round(&self) -> Option<&Round> {
        self.rounds.last_key_value().map(|(_, round)| round)
    }

    /// Returns what a node was paid so far in wei of the token.
    pub fn paid(&self, node: u32) -> U256 {
        let payments = self.rewards.payments.iter().filter(|payment| payment.node == node);
        payments.map(|payment| payment.amount).fold(U256::ZERO, U256::saturating_add)
    }
}

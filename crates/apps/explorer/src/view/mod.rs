//! The whole picture that the pages are drawn from: one plain value, replaced as a whole.
//!
//! Whoever runs the explorer folds the chain's logs into a [`View`] and sends it through a watch
//! channel; every page is a function of one `View` and of nothing else, so two readers of one block
//! see the same page.
//! Invariant: lists are in the order they grew (rounds, reports and blocks ascending), and what is
//! not known yet is `None`, never a zero that looks like a fact.
//! Deliberately absent: how it is gathered, any clock but the market's, and anything that is not
//! public on the chain or said by the process itself.

mod amount;
mod bytes;
mod concentration;
mod court;
mod house;
mod jobs;
mod ledger;
mod scalar;
mod training;

pub use amount::{AmountError, Wad};
pub use bytes::{Address, BytesError, Hash};
pub use concentration::{Concentration, Epoch, Spread};
pub use court::{
    At, Compared, Contender, Decided, Dispute, DisputeState, Judged, Move, Side, Stage, Turn,
};
pub use house::{House, Instrument, Portfolio};
pub use jobs::{FeeEpoch, Job, OpenJob, OpenRun};
pub use ledger::{
    Account, AccountPoint, Block, Event, Field, Oracle, Panel, Party, Record, Report, Reporter, Tx,
    TxStatus,
};
pub use scalar::{BitsError, Dtype, Scalar};
pub use training::{
    Claim, ClaimState, Loss, Model, Node, Parameter, Phase, PhaseTime, Reveal, Round, Seat,
    Verdict, Worth,
};

use serde::{Deserialize, Serialize};

/// Everything the pages show, as of one block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The network as of now.
    pub network: Network,
    /// Rounds, ascending by number; the last one may be running.
    pub rounds: Vec<Round>,
    /// Disputes over claims, ascending by number.
    pub disputes: Vec<Dispute>,
    /// Registered nodes, ascending by registry index.
    pub nodes: Vec<Node>,
    /// How unevenly stake, pay and aggregation are held.
    #[serde(default)]
    pub concentration: Concentration,
    /// The model under training.
    pub model: Model,
    /// What the risk oracle was told.
    pub oracle: Oracle,
    /// Options and perpetuals, once a grid counts.
    #[serde(default)]
    pub house: Option<House>,
    /// Jobs beside the network's own model, ascending by number.
    #[serde(default)]
    pub jobs: Vec<Job>,
    /// Open jobs, ascending by number.
    #[serde(default)]
    pub open_jobs: Vec<OpenJob>,
    /// Margin accounts worth watching.
    pub accounts: Vec<Account>,
    /// Blocks, ascending by number; the oldest may have been dropped.
    pub blocks: Vec<Block>,
    /// Transactions of those blocks, in the order of the chain.
    pub txs: Vec<Tx>,
}

/// Where the network stands, and what it is a network of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// The market whose data is replayed, such as `WTI spot`.
    pub market: String,
    /// Where the data comes from, one clause; empty if there is nothing to say.
    pub source: String,
    /// The market's own clock, Unix seconds; `None` before the first round.
    pub market_time: Option<i64>,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// What kind of chain it is, such as `local chain`.
    pub chain: String,
    /// Latest block.
    pub block: u64,
    /// The running round, or the last one.
    pub round: Option<u64>,
    /// Phase of that round.
    pub phase: Option<Phase>,
    /// Last block of the running phase, if it has a deadline.
    pub deadline: Option<u64>,
    /// Symbol of the token that stakes and pay are counted in.
    pub token: String,
    /// Contracts of the deployment by name.
    pub contracts: Vec<Party>,
}

impl View {
    /// Returns the round of this number, if there is one.
    #[must_use]
    pub fn round(&self, number: u64) -> Option<&Round> {
        self.rounds.iter().find(|round| round.number == number)
    }

    /// Returns the node at this registry index.
    #[must_use]
    pub fn node(&self, index: u32) -> Option<&Node> {
        self.nodes.iter().find(|node| node.index == index)
    }

    /// Returns the dispute of this number, if there is one.
    #[must_use]
    pub fn dispute(&self, id: u64) -> Option<&Dispute> {
        self.disputes.iter().find(|dispute| dispute.id == id)
    }

    /// Returns the account at this address.
    #[must_use]
    pub fn account(&self, address: Address) -> Option<&Account> {
        self.accounts.iter().find(|account| account.address == address)
    }

    /// Returns the block of this number, if it is still kept.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<&Block> {
        self.blocks
            .binary_search_by_key(&number, |block| block.number)
            .ok()
            .map(|i| &self.blocks[i])
    }

    /// Returns the transaction with this hash, if its block is still kept.
    #[must_use]
    pub fn tx(&self, hash: Hash) -> Option<&Tx> {
        self.txs.iter().rev().find(|tx| tx.hash == hash)
    }

    /// Returns the last round whose aggregation has been judged: settled, not merely opened.
    #[must_use]
    pub fn last_settled(&self) -> Option<&Round> {
        self.rounds.iter().rev().find(|round| round.phase == Phase::Settled)
    }

    /// Returns what this node did, newest round first.
    pub fn seats_of(&self, index: u32) -> impl Iterator<Item = (&Round, &Seat)> {
        self.rounds.iter().rev().filter_map(move |round| {
            round.seats.iter().find(|seat| seat.node == index).map(|seat| (round, seat))
        })
    }
}

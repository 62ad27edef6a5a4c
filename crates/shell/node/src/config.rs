//! What a node is told when it is made, as `config.json` in its directory.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tensor::Hash;

use crate::lie::Lie;

/// A node's configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    /// Name for logs and pages, such as `node-2`.
    pub name: String,
    /// Address of the chain's JSON-RPC.
    pub rpc: String,
    /// The contracts.
    pub deployment: chain::Deployment,
    /// Kind of model, `har` or `mlp`; the job's hashes must agree.
    pub model: String,
    /// Whole tokens to stake.
    pub stake_tokens: u64,
    /// Where the transport listens, `127.0.0.1:0` for any port of this machine.
    pub bind: std::net::SocketAddr,
    /// Where peers reach that, where it is another address.
    pub public: Option<String>,
    /// Who receives pay and, at the end, the stake; the key itself if nobody else.
    pub payee: Option<alloy::primitives::Address>,
    /// The node's own training data, in its own directory.
    pub slice: Slice,
    /// What the node's updates may tell of its data; everything, where nothing is said.
    pub privacy: Option<crate::Privacy>,
    /// Midnights of the market's days, Unix seconds: round r runs on day r, day 0 is the genesis
    /// day.
    pub calendar: Vec<u64>,
    /// Whether the chain's clock is the market's, so that a round waits for its day.
    pub data_clock: bool,
    /// Name of the market reported on; its keccak is the market's id.
    pub market: String,
    /// Whose reports the gate reads.
    pub provider: alloy::primitives::Address,
    /// What this node lies about, for show.
    pub lie: Option<Lie>,
    /// The first round in which it takes its turn as aggregator unasked; before it, for show, only
    /// after a claim has fallen.
    pub first_turn: u64,
    /// How many of a thousand claims that it relies on it checks and, where they are wrong,
    /// challenges.
    pub check_permille: u16,
    /// Set on the node that publishes reports: where the market's public data comes from.
    pub publish: Option<Source>,
    /// Set on nodes that report prices to the feed: where they read them.
    pub prices: Option<Source>,
    /// Set on nodes of a private job, whose `deployment` is one.
    pub private: Option<crate::Private>,
    /// Whether it is a provider beside the one whose reports the gate reads.
    pub provides: bool,
}

/// Training data in the node's tensor store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slice {
    /// What it is, for people.
    pub name: String,
    /// Root of the features, f32[rows, features].
    pub x: Hash,
    /// Root of the targets, f32[rows].
    pub y: Hash,
    /// Rows that are data; the rest is padding.
    pub rows: usize,
}

/// Where market data comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The bundled WTI spot series.
    Wti,
    /// Folders of bars, one a venue.
    Folders(Vec<PathBuf>),
}

impl Config {
    /// Returns the market's id.
    pub fn market(&self) -> alloy::primitives::B256 {
        crate::market_id(&self.market)
    }
}

impl Source {
    /// Reads the data and divides it.
    ///
    /// # Errors
    ///
    /// [`crate::NodeError::Feed`] names the file and row; [`crate::NodeError::Plan`] says what is
    /// too short.
    pub fn plan(&self) -> Result<market::Plan, crate::NodeError> {
        match self {
            Source::Wti => Ok(market::Plan::wti(&feeds::wti()?)?),
            Source::Folders(folders) => Ok(market::Plan::new(&feeds::open(folders)?)?),
        }
    }
}

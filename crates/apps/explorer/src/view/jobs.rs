//! Jobs: which models are trained for whose budget, how far each has come, and who shares its fees.

use super::{Party, Wad};
use serde::{Deserialize, Serialize};

/// One job, as of one block. Amounts are tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub number: u64,
    /// `draft`, `open`, `training`, `validated`, `deployed` or `retired`.
    pub state: String,
    /// What the next state waits for, in words.
    pub waits: String,
    /// Who created it.
    pub sponsor: Party,
    /// What a node must bring, as the sponsor says it.
    pub requirement: String,
    /// What no round was paid from yet.
    pub escrow: Wad,
    /// What was paid into its rewards.
    pub released: Wad,
    /// Pay of one round.
    pub pay: Wad,
    /// Rounds settled.
    pub settled: u64,
    /// Nodes in its registry.
    pub nodes: u32,
    /// From this block on it may be retired by notice.
    pub retire_block: Option<u64>,
    /// Its contracts.
    pub contracts: Vec<Party>,
    /// Its revenue, by epoch.
    pub epochs: Vec<FeeEpoch>,
}

/// Fees that are split by one root of pay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeeEpoch {
    /// Paid in.
    pub revenue: Wad,
    /// Paid out.
    pub paid: Wad,
    /// Pay by which it is split, of all nodes together.
    pub total: Wad,
}

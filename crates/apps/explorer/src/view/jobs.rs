//! Jobs: which models are trained for whose budget, how far each has come, and who shares its fees.

use super::{Hash, Party, Wad};
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

/// One open job: public data, and whole runs that are claimed. Amounts are tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenJob {
    /// Its number among open jobs.
    pub number: u64,
    /// Who created it.
    pub sponsor: Party,
    /// What the model is and where the data are, as the sponsor says it.
    pub description: String,
    /// The step Program.
    pub program: Hash,
    /// How often a run executes it.
    pub iterations: u32,
    /// Pay of a run.
    pub pay: Wad,
    /// What a trainer puts in.
    pub deposit: Wad,
    /// What no run has reserved.
    pub escrow: Wad,
    /// What runs that are not over have reserved.
    pub reserved: Wad,
    /// Last block in which anybody can enrol.
    pub end_block: u64,
    /// Roots of the first state, then of the data.
    pub inputs: Vec<Hash>,
    /// Its runs, in the order of enrolment.
    pub runs: Vec<OpenRun>,
}

/// One run of an open job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenRun {
    /// Its number within the job.
    pub number: u64,
    /// Who enrolled.
    pub trainer: Party,
    /// `enrolled`, `claimed`, `paid` or `dropped`.
    pub state: String,
    /// Its claim in the court.
    pub claim: Option<u64>,
    /// Where that stands: `open`, `disputed`, `final`, `struck` or `void`; empty without a claim.
    pub claim_state: String,
    /// The loss that the claim says.
    pub loss: Option<f32>,
    /// Whether its model is the job's.
    pub is_model: bool,
}

//! What the chain says: the configuration of a job, its running round, and what a node sees of
//! them.
//!
//! [`Config`] and [`Round`] mirror the structs of the contract interfaces field by field; a
//! [`View`] is one consistent look at one block. [`crate::Ledger`] produces them in simulation, the
//! chain's client on a real chain.
//!
//! Deliberately absent: behaviour. Amounts in wei are `u128`: the token's supply is below 2^128.

use court::{Address, Claim, Terms};
use tensor::Hash;

/// A block number.
pub type Block = u64;

/// Wei in one gwei of the token.
pub const WEI_PER_GWEI: u128 = 1_000_000_000;

/// Wei in one token.
pub const WEI_PER_TOKEN: u128 = 1_000_000_000_000_000_000;

/// The most seats of a round: members, stakes and accepted flags are one chunk each.
pub const SEATS_MAX: u32 = 32;

/// What makes a signature or a commitment worthless elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The chain.
    pub chain_id: u64,
    /// The contract `Rounds` on it.
    pub rounds: Address,
    /// The job, one for each `Rounds`.
    pub job: Hash,
}

/// Everything fixed when a job is deployed: `IRounds.Config`, and what it relies on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Chain, contract and job.
    pub domain: Domain,
    /// Fewest nodes taking seats that a round opens for.
    pub nodes: u32,
    /// Fewest seats that commit, and fewest that reveal, to make a round.
    pub quorum: u32,
    /// Seats of a round, at most [`SEATS_MAX`].
    pub capacity: u32,
    /// Elements of the cumulative tensor; a node whose index is not below it is never seated.
    pub cumulative_length: u32,
    /// Blocks after the opening one in which a seat can commit.
    pub commit_blocks: Block,
    /// Blocks after the one that closed the commits in which a seat can reveal.
    pub reveal_blocks: Block,
    /// Blocks each aggregator has before it is the next one's turn.
    pub aggregate_blocks: Block,
    /// Pay of one round in gwei of the token.
    pub budget_gwei: u64,
    /// Stake in wei burnt for each seat of a commitment without a reveal.
    pub unrevealed_penalty_wei: u128,
    /// Number of coordinates of an update.
    pub update_length: u32,
    /// Tensor root of the initial params.
    pub initial_model: Hash,
    /// Tensor root of `cumulative_length` zeros in f64.
    pub initial_cumulative: Hash,
    /// Program hash for quorum, quorum + 1, … capacity rows.
    pub aggregate_programs: Vec<Hash>,
    /// Bond, window and clocks of a claim.
    pub terms: Terms,
    /// Least stake that joins and that takes a seat.
    pub minimum_stake_wei: u128,
    /// Blocks between leaving and withdrawing.
    pub unbond_blocks: Block,
    /// Pay by score; without it every accepted row earns the same.
    pub scores: Option<ScoreTerms>,
}

/// What is fixed where pay is by score: `IScores.Terms`, beside what they share with [`Config`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoreTerms {
    /// The contract `Scores`.
    pub contract: Address,
    /// Score Program for quorum, quorum + 1, … capacity rows.
    pub programs: Vec<Hash>,
    /// How many models before the round's own the Program takes.
    pub models: u32,
    /// Bytes of a window, f64.
    pub window_bytes: usize,
    /// Rounds that settle after one before its window is asked for.
    pub lag: u32,
    /// Blocks in which windows are taken, from that settlement on.
    pub window_blocks: Block,
    /// Blocks each node has to post the claim before it is the next one's turn.
    pub turn_blocks: Block,
    /// Pay of one round at most, in gwei of the token.
    pub budget_gwei: u64,
}

/// Where a round stands; the numbers are those of `IRounds.Phase`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// No round runs.
    #[default]
    Idle = 0,
    /// Seats commit.
    Commit = 1,
    /// Seats that committed reveal.
    Reveal = 2,
    /// The elected aggregator posts, the others check.
    Aggregate = 3,
}

/// The seats of one node: each is a row of the aggregation, with the same update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seat {
    /// Registry index.
    pub index: u32,
    /// How many seats it drew.
    pub rows: u32,
    /// Stake when the seats were drawn.
    pub stake_wei: u128,
    /// Zero until committed.
    pub commitment: Hash,
    /// Zero until revealed, as are `blob` and `salt`.
    pub update_root: Hash,
    /// BLAKE3 of the update's bytes, as the revealer stated it.
    pub blob: Hash,
    /// What the commitment was salted with.
    pub salt: Hash,
    /// Whether the update is in.
    pub revealed: bool,
}

/// The running round, or the last one, with the phase as of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// 1 for the first round; 0 before it.
    pub number: u64,
    /// Where it stands; a deadline that has passed counts as closed.
    pub phase: Phase,
    /// The block that opened it.
    pub open_block: Block,
    /// 0 until closed; the deadline itself when that closed them.
    pub commits_closed_block: Block,
    /// 0 until closed; the deadline itself when that closed them.
    pub reveals_closed_block: Block,
    /// Claims of this round that fell.
    pub attempt: u32,
    /// The claim that waits for its window, or for its disputes; 0 for none.
    pub claim: u64,
    /// Zero until the block that elects is there.
    pub elect_seed: Hash,
    /// Params the round starts from; once settled, those it led to.
    pub model_root: Hash,
    /// Cumulative pay, likewise.
    pub cumulative_root: Hash,
    /// Ascending by registry index; empty until the block that draws them is there.
    pub seats: Vec<Seat>,
}

impl Round {
    /// Returns the seat of a registry index.
    #[must_use]
    pub fn seat(&self, index: u32) -> Option<&Seat> {
        self.place(index).and_then(|place| self.seats.get(place))
    }

    /// Returns where among the seats a registry index stands.
    #[must_use]
    pub fn place(&self, index: u32) -> Option<usize> {
        self.seats.binary_search_by_key(&index, |seat| seat.index).ok()
    }

    /// Returns the seats that are in the aggregation, ascending.
    pub fn members(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| seat.revealed)
    }

    /// Returns the rows of the aggregation, ascending: each member as often as it has seats.
    pub fn rows(&self) -> impl Iterator<Item = &Seat> {
        self.members().flat_map(|seat| (0..seat.rows).map(move |_| seat))
    }
}

/// What one node sees of the chain at one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// `IRounds.current()`.
    pub round: Round,
    /// [`crate::digest::train_seed`] of the running round, once its opening block has a hash.
    pub train_seed: Option<Hash>,
    /// `ICourt.claim(round.claim)`, if the round has a claim.
    pub claim: Option<Claim>,
    /// Whether this node is the challenger of a dispute about it that is not decided.
    pub challenged: bool,
    /// Whose turn it is to post the result, if anybody's.
    pub aggregator: Option<u32>,
    /// The node's own registry index, if it has joined.
    pub own: Option<u32>,
    /// Registry indices of all active nodes, ascending.
    pub actives: Vec<u32>,
    /// Whether `open` would succeed; a shell that wants rounds to wait says no.
    pub openable: bool,
    /// Root that `Rewards` pays by, zero before the first.
    pub rewards_root: Hash,
    /// What the posted cumulative tensor owes the node beyond what it was paid.
    pub due_gwei: u64,
}

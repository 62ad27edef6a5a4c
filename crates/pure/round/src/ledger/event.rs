//! What a call did, as the contracts log it.
//!
//! Absent: parameters that no reader of the ledger needs and its state shows anyway.

use court::Address;
use tensor::Hash;

use crate::chain::{Block, Phase};

/// One log entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A node joined the registry.
    Joined {
        /// Its registry index.
        index: u32,
        /// Its hot key.
        key: Address,
    },
    /// A node's stake grew.
    StakeAdded {
        /// Registry index.
        index: u32,
        /// Wei after it.
        stake_wei: u128,
    },
    /// A node is leaving.
    Leaving {
        /// Registry index.
        index: u32,
        /// First block in which it can withdraw.
        unbond_block: Block,
    },
    /// A node's stake was paid out.
    Withdrawn {
        /// Registry index.
        index: u32,
        /// Wei.
        amount_wei: u128,
    },
    /// A part of a node's stake was burnt.
    Penalised {
        /// Registry index.
        index: u32,
        /// Wei burnt.
        burnt_wei: u128,
    },
    /// Pay was deposited.
    Funded {
        /// Wei.
        amount_wei: u128,
    },
    /// A round opened.
    Opened {
        /// Its number.
        round: u64,
    },
    /// The seats of a round were drawn.
    Seated {
        /// The round.
        round: u64,
        /// Registry index, ascending, and number of seats.
        nodes: Vec<(u32, u32)>,
    },
    /// A seat committed.
    Committed {
        /// The round.
        round: u64,
        /// Registry index.
        node: u32,
        /// The commitment.
        commitment: Hash,
    },
    /// No more commitments.
    CommitsClosed {
        /// The round.
        round: u64,
        /// In which block.
        block: Block,
        /// How many seats have committed.
        committed: u32,
    },
    /// A seat revealed.
    Revealed {
        /// The round.
        round: u64,
        /// Registry index.
        node: u32,
        /// Tensor root of its update.
        update_root: Hash,
        /// The update's bytes when revealed with data, else empty.
        data: Vec<u8>,
    },
    /// No more reveals.
    RevealsClosed {
        /// The round.
        round: u64,
        /// In which block.
        block: Block,
        /// How many seats have revealed.
        revealed: u32,
    },
    /// A round ended without a result.
    Voided {
        /// The round.
        round: u64,
        /// The phase that missed its quorum.
        phase: Phase,
    },
    /// A result was claimed.
    ResultPosted {
        /// The round.
        round: u64,
        /// The claim.
        claim: u64,
        /// Registry index of the aggregator.
        aggregator: u32,
        /// List root of the Program's inputs, derived by the contract.
        inputs_root: Hash,
        /// List root of its outputs, the aggregator's word.
        outputs_root: Hash,
    },
    /// A claim of the round was convicted, and the next aggregator has its turn.
    ResultStruck {
        /// The round.
        round: u64,
        /// The claim.
        claim: u64,
        /// Claims of this round that fell so far.
        attempt: u32,
    },
    /// A round ended with a result.
    Settled {
        /// The round.
        round: u64,
        /// The claim it rests on.
        claim: u64,
        /// Tensor root of the new params.
        model_root: Hash,
        /// Tensor root of the new cumulative pay.
        cumulative_root: Hash,
        /// Registry index of each node that revealed, and whether its update was accepted.
        members: Vec<(u32, bool)>,
    },
    /// A node was paid.
    Paid {
        /// Registry index.
        node: u32,
        /// Wei paid now.
        amount_wei: u128,
        /// Wei paid so far.
        cumulative_wei: u128,
    },
    /// A round's windows are taken from now on.
    WindowOpened {
        /// The round.
        round: u64,
        /// The last block in which they are.
        last_block: Block,
    },
    /// A node said what the market did.
    WindowPosted {
        /// The round.
        round: u64,
        /// Registry index.
        node: u32,
        /// Tensor root of the window.
        root: Hash,
    },
    /// A score was claimed.
    ScorePosted {
        /// The round.
        round: u64,
        /// The claim.
        claim: u64,
        /// Registry index of who posted it.
        node: u32,
        /// What it may pay.
        budget_gwei: u64,
    },
    /// A claim of a score was convicted, and the next node has its turn.
    ScoreStruck {
        /// The round.
        round: u64,
        /// The claim.
        claim: u64,
        /// Claims of this score that fell so far.
        attempt: u32,
    },
    /// A round was paid by its score.
    Scored {
        /// The round.
        round: u64,
        /// The claim it rests on.
        claim: u64,
        /// Tensor root of the new cumulative pay.
        cumulative_root: Hash,
        /// Registry index of each node that had rows, and what it loses.
        burnt_gwei: Vec<(u32, u128)>,
    },
    /// Something happened in the court.
    Court(court::Event),
}

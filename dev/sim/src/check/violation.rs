//! Which property a run broke: one variant each, with what was expected and what was found.
//!
//! Absent: properties of the healed network, which are a matter of time ([`crate::Failure`]).

use court::Address;
use tensor::Hash;

/// Which property a run broke, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Tokens appeared or vanished.
    #[error("{expected} wei were minted, {got} are there")]
    Supply {
        /// Minted.
        expected: u128,
        /// Found.
        got: u128,
    },
    /// An account holds something else than what happened to it explains.
    #[error("{account} has {got_wei} wei, the events explain {expected_wei}")]
    Balance {
        /// Whose.
        account: Address,
        /// By the events.
        expected_wei: u128,
        /// By the ledger.
        got_wei: u128,
    },
    /// A stake is something else than what happened to it explains.
    #[error("the stake of index {index} is {got_wei} wei, the events explain {expected_wei}")]
    Stake {
        /// Registry index.
        index: u32,
        /// By the events.
        expected_wei: u128,
        /// By the ledger.
        got_wei: u128,
    },
    /// Something else was burnt than the events say.
    #[error("{got_wei} wei are burnt, the events explain {expected_wei}")]
    Burnt {
        /// By the events.
        expected_wei: u128,
        /// By the ledger.
        got_wei: u128,
    },
    /// Somebody gained from a slash beyond the bounded bounty, or without being a side.
    #[error("{account} got {got_wei} wei out of others' bonds")]
    Windfall {
        /// Who.
        account: Address,
        /// How much.
        got_wei: u128,
    },
    /// An honest node ended poorer than it began, by more than the penalties it earned.
    #[error("node {node} lost {lost_wei} wei")]
    Loss {
        /// Who.
        node: usize,
        /// How much.
        lost_wei: u128,
    },
    /// A stake was paid out before it may be.
    #[error("index {index} took its stake before block {unbond_block}")]
    Early {
        /// Registry index.
        index: u32,
        /// First block in which it may.
        unbond_block: u64,
    },
    /// A claim became final while it could be challenged.
    #[error("claim {claim} is final, though it can be challenged until block {deadline}")]
    Window {
        /// The claim.
        claim: u64,
        /// Last block in which it can be challenged.
        deadline: u64,
    },
    /// Somebody made a move that was another's to make.
    #[error("{by} made a move of dispute {dispute} that was not its to make")]
    Stranger {
        /// The dispute.
        dispute: u64,
        /// Who.
        by: Address,
    },
    /// A reveal was accepted whose certificate is too light.
    #[error("index {node} revealed in round {round} with {got_wei} wei of {total_wei} behind it")]
    Certificate {
        /// Registry index.
        node: u32,
        /// When.
        round: u64,
        /// Stake of the holders.
        got_wei: u128,
        /// Stake of all seats.
        total_wei: u128,
    },
    /// Two nodes revealed one commitment.
    #[error("index {node} revealed what {other} committed to in round {round}")]
    Copied {
        /// Registry index.
        node: u32,
        /// When.
        round: u64,
        /// Whose commitment it is.
        other: u32,
    },
    /// A round ended twice, or out of turn.
    #[error("round {round} ended after round {last}")]
    Twice {
        /// The round.
        round: u64,
        /// The last one that had ended.
        last: u64,
    },
    /// What a node is owed by all rounds together became less.
    #[error("index {index} was owed {before} gwei before round {round}, then {after}")]
    Owed {
        /// Registry index.
        index: u32,
        /// The round.
        round: u64,
        /// Gwei before.
        before: u64,
        /// Gwei after.
        after: u64,
    },
    /// An honest node sent two commitments for one round.
    #[error("node {node} committed to {first} and to {second} in round {round}")]
    DoubleCommitment {
        /// Who.
        node: u32,
        /// When.
        round: u64,
        /// What first.
        first: Hash,
        /// What then.
        second: Hash,
    },
    /// A settled result is not what the Program gives.
    #[error("round {round} settled on {got}, the Program gives {expected}")]
    Result {
        /// The round.
        round: u64,
        /// List root of the true outputs.
        expected: Hash,
        /// What was settled, or zero when another root of it differs.
        got: Hash,
    },
    /// A round was scored twice, or out of turn.
    #[error("round {round} was scored after round {last}")]
    Scored {
        /// The round.
        round: u64,
        /// The last one that had been scored.
        last: u64,
    },
    /// A score is of other inputs than the log tells of, or not what the Program gives for them.
    #[error("round {round} was scored by {got}, not by {expected}")]
    Score {
        /// The round.
        round: u64,
        /// List root of the Program's inputs, or of its outputs.
        expected: Hash,
        /// As claimed.
        got: Hash,
    },
    /// A score was claimed by a node whose turn it was not.
    #[error("index {node} claimed the score of round {round}, it was {expected}'s turn")]
    Turn {
        /// The round.
        round: u64,
        /// Registry index.
        node: u32,
        /// Whose turn it was.
        expected: u32,
    },
    /// A score burnt something else than it says, or more than a twentieth of a stake.
    #[error("round {round} burnt {got_gwei} gwei of index {index}, its score says {expected_gwei}")]
    Burn {
        /// Registry index.
        index: u32,
        /// The round.
        round: u64,
        /// By the score, within the limit.
        expected_gwei: u128,
        /// By the ledger.
        got_gwei: u128,
    },
    /// The pay of a round exceeds its budget.
    #[error("round {round} paid {got_gwei} gwei of {budget_gwei}")]
    Budget {
        /// The round.
        round: u64,
        /// Sum of the shares.
        got_gwei: u64,
        /// What there was.
        budget_gwei: u64,
    },
    /// A node was paid something else than it is owed.
    #[error("node {node} was paid {got_wei} wei in all, is owed {owed_wei}")]
    Pay {
        /// Who.
        node: u32,
        /// Paid.
        got_wei: u128,
        /// Owed by all settled rounds.
        owed_wei: u128,
    },
    /// An honest node was penalised though its reveal was in time.
    #[error("node {node} was penalised in round {round}")]
    Penalty {
        /// Who.
        node: u32,
        /// When.
        round: u64,
    },
    /// An honest node lost a dispute.
    #[error("node {node} lost dispute {dispute}, by its clock: {by_clock}")]
    Dispute {
        /// Who.
        node: usize,
        /// Which.
        dispute: u64,
        /// How.
        by_clock: bool,
    },
    /// A claim is held by other wei than the bonds of those who are in it.
    #[error("the court holds {got_wei} wei, its bonds come to {expected_wei}")]
    Bonds {
        /// By the claims and disputes.
        expected_wei: u128,
        /// By the court's own count.
        got_wei: u128,
    },
    /// An honest row was rejected, or a poisoned one accepted.
    #[error("row of node {node} in round {round}: accepted is {accepted}")]
    Judgement {
        /// Whose.
        node: u32,
        /// When.
        round: u64,
        /// What was said of it.
        accepted: bool,
    },
}

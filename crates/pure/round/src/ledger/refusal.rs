//! Why a call does nothing: the contracts' errors, by their names.

use court::Address;
use tensor::Hash;

use crate::chain::{Block, Phase};

/// A field of the configuration that cannot be, as the contract's `BadConfig` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `capacity`.
    Capacity,
    /// `nodes`.
    Nodes,
    /// `quorum`.
    Quorum,
    /// `aggregatePrograms`.
    AggregatePrograms,
    /// `cumulativeLength`.
    CumulativeLength,
    /// `commitBlocks`.
    CommitBlocks,
    /// `revealBlocks`.
    RevealBlocks,
    /// `aggregateBlocks`.
    AggregateBlocks,
    /// `updateLength`.
    UpdateLength,
    /// `budgetGwei`.
    BudgetGwei,
    /// `unbondBlocks`.
    UnbondBlocks,
}

/// Why a call does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what the fields are")]
pub enum Refusal {
    #[error("the field {0:?} of the configuration cannot be")]
    BadConfig(Field),
    #[error("{account} has {got_wei} wei of the token, not {needed_wei}")]
    InsufficientBalance { account: Address, got_wei: u128, needed_wei: u128 },
    #[error("{account} cannot receive the token")]
    InvalidReceiver { account: Address },
    #[error(transparent)]
    Court(#[from] court::Refusal),
    #[error("only a consumer of the court posts a claim")]
    OnlyConsumer,

    #[error("a stake of {got_wei} wei is below the minimum of {minimum_wei}")]
    StakeTooSmall { got_wei: u128, minimum_wei: u128 },
    #[error("{key} has joined already")]
    AlreadyJoined { key: Address },
    #[error("{key} is no node's key")]
    NotJoined { key: Address },
    #[error("node {index} is leaving")]
    AlreadyLeaving { index: u32 },
    #[error("the stake is bound until block {unbond_block} (0: the node has not left)")]
    NotYetUnbonded { unbond_block: Block },
    #[error("the payee is the zero address")]
    ZeroPayee,

    #[error("this belongs to phase {expected:?}, now is {got:?}")]
    WrongPhase { expected: Phase, got: Phase },
    #[error("the round is {expected}, not {got}")]
    WrongRound { expected: u64, got: u64 },
    #[error("{got} nodes take seats, a round needs {needed}")]
    NodesMissing { got: u32, needed: u32 },
    #[error("rewards were funded with {got_wei} wei, the next round needs {needed_wei}")]
    Unfunded { got_wei: u128, needed_wei: u128 },
    #[error("{key} has no seat in this round")]
    NotSeated { key: Address },
    #[error("node {node} has committed already")]
    AlreadyCommitted { node: u32 },
    #[error("node {node} commits to nothing")]
    ZeroCommitment { node: u32 },
    #[error("node {node} did not commit")]
    NotCommitted { node: u32 },
    #[error("node {node} has revealed already")]
    AlreadyRevealed { node: u32 },
    #[error("the commitment is {expected}, update and salt make {got}")]
    CommitmentMismatch { expected: Hash, got: Hash },
    #[error("signature {signature} is not of another seat, or out of order")]
    BadCertificate { signature: usize },
    #[error("the signers hold {got_wei} wei, a certificate needs {needed_wei}")]
    CertificateTooLight { got_wei: u128, needed_wei: u128 },
    #[error("the update has {got} bytes, not {expected}")]
    UpdateLength { got: usize, expected: usize },
    #[error("block {block} draws or elects, and is to come")]
    SeedPending { block: Block },
    #[error("it is node {expected}'s turn, not node {got}'s")]
    NotAggregator { expected: u32, got: u32 },
    #[error("claim {claim} waits for its window")]
    ClaimPending { claim: u64 },
    #[error("claim {claim} is not final (0: there is none)")]
    ClaimNotFinal { claim: u64 },
    #[error("{got} output roots, not {expected}")]
    OutputCount { got: usize, expected: usize },
    #[error("the claim says {expected}, the output roots make {got}")]
    OutputsMismatch { expected: Hash, got: Hash },
    #[error("a chunk of output 1 has {expected} bytes, not {got}")]
    ChunkLength { got: usize, expected: usize },
    #[error("output 1 is {expected}, the chunk is {got}")]
    AcceptedMismatch { expected: Hash, got: Hash },

    #[error("the terms of scores cannot have this {field}")]
    BadTerms { field: &'static str },
    #[error("round {round} was not settled, or is scored")]
    NotWaiting { round: u64 },
    #[error("no window of round {round} is taken yet, or any more")]
    WindowShut { round: u64 },
    #[error("windows of round {round} can still be posted")]
    ScoreWindowOpen { round: u64 },
    #[error("{key} had no rows in this round, or is no node's key")]
    NoRows { key: Address },
    #[error("node {node} has posted its window")]
    AlreadyPosted { node: u32 },
    #[error("the window has {got} bytes, not {expected}")]
    WindowLength { got: usize, expected: usize },
    #[error("round {next} is scored next, not {round}")]
    NotNext { next: u64, round: u64 },
    #[error("there is no root of nothing")]
    EmptyTree,
    #[error("the round settled by {expected}, the roots make {got}")]
    BasisMismatch { expected: Hash, got: Hash },
    #[error("the score is of inputs {expected}, not {got}")]
    GroundMismatch { expected: Hash, got: Hash },
    #[error("it is node {expected}'s turn to post the score, not node {got}'s")]
    NotYourTurn { expected: u32, got: u32 },
    #[error("the output is {expected}, the chunk is {got}")]
    ChunkMismatch { expected: Hash, got: Hash },

    #[error("the opening does not lead to {expected}: {fault}")]
    ProofMismatch { expected: Hash, fault: court::Fault },
    #[error("node {node} was paid all of it")]
    NothingDue { node: u32 },
    #[error("{bits:#018x} is no integer from 0 to 2^64 - 1")]
    NotAnAmount { bits: u64 },
    #[error("the cumulative tensor has no element {node}")]
    OutOfRange { node: u32 },
}

//! Why a call does nothing: the contract's errors, by their names.

use tensor::Hash;

use super::Phase;

/// Why a call does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what the fields are")]
pub enum Refusal {
    #[error("the round is {current}, not {got}")]
    WrongRound { current: u64, got: u64 },
    #[error("the round is in phase {got:?}, not {expected:?}")]
    WrongPhase { expected: Phase, got: Phase },
    #[error("{funded_wei} wei were paid in, {needed_wei} are needed")]
    Unfunded { funded_wei: u128, needed_wei: u128 },
    #[error("{active} nodes take seats, {needed} are needed")]
    NodesMissing { active: u32, needed: u32 },
    #[error("the caller has no seat")]
    NotSeated,
    #[error("node {node} has done that already")]
    AlreadyDone { node: u32 },
    #[error("a root is zero")]
    ZeroRoot,
    #[error("a sum has {expected} bytes, not {got}")]
    SumLength { got: usize, expected: usize },
    #[error("there is no bucket {bucket}")]
    NoBucket { bucket: usize },
    #[error("the caller is not member {member} of bucket {bucket}")]
    NotMember { bucket: usize, member: usize },
    #[error("{got:#x} has nodes that are not among the trainers {trainers:#x}")]
    NotTrainers { trainers: u32, got: u32 },
    #[error("bucket {bucket} has no row")]
    NoRoll { bucket: usize },
    #[error("member {member} of bucket {bucket} did not report")]
    NotReported { bucket: usize, member: usize },
    #[error("the sum of share {share} of bucket {bucket} waits for no defence")]
    NotDisputed { bucket: usize, share: usize },
    #[error("it is the turn of node {expected}, not of {got}")]
    NotAggregator { expected: u32, got: u32 },
    #[error("claim {claim} is pending")]
    ClaimPending { claim: u64 },
    #[error("claim {claim} is not final")]
    ClaimNotFinal { claim: u64 },
    #[error("a result has {expected} outputs, not {got}")]
    OutputCount { got: usize, expected: usize },
    #[error("the claim's outputs are {expected}, not {got}")]
    OutputsMismatch { expected: Hash, got: Hash },
    #[error("a chunk has {expected} bytes, not {got}")]
    ChunkLength { got: usize, expected: usize },
    #[error("output 1 is {expected}, not {got}")]
    AcceptedMismatch { expected: Hash, got: Hash },
}

//! Why a call does nothing: the contracts' errors, by their names.

use court::Address;
use tensor::Hash;

use super::State;
use crate::chain::Block;

/// Why a call does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what the fields are")]
pub enum Refusal {
    #[error("nobody created job {job}")]
    UnknownJob { job: usize },
    #[error("the field {field} of the terms cannot be")]
    BadTerms { field: &'static str },
    #[error("this belongs to a job that is {expected:?}, job {job} is {got:?}")]
    WrongState { job: usize, expected: State, got: State },
    #[error("job {job} is {state:?}, and the evidence for more is not there")]
    NotDue { job: usize, state: State },
    #[error("job {job} is retired or due to be ({retired}), or not yet retired")]
    Retirement { job: usize, retired: bool },
    #[error("the next round of job {job} is paid for")]
    NothingToRelease { job: usize },
    #[error("the next round of job {job} is paid for from block {block} on")]
    TooEarly { job: usize, block: Block },
    #[error("the escrow of job {job} holds {got_wei} wei, the round costs {needed_wei}")]
    EscrowSpent { job: usize, got_wei: u128, needed_wei: u128 },
    #[error("only the sponsor of job {job} may")]
    OnlySponsor { job: usize },
    #[error("that was done already for job {job}")]
    AlreadyDone { job: usize },
    #[error("job {job} has {got} settled rounds, the holdout is revealed after {needed}")]
    TooFewRounds { job: usize, got: u64, needed: u64 },
    #[error("the terms commit to {expected}, tensors and salt make {got}")]
    OtherHoldout { expected: Hash, got: Hash },
    #[error("a list of no tensors has no root")]
    EmptyTree,
    #[error("the holdout of job {job} was not revealed")]
    NoHoldout { job: usize },
    #[error("a loss of {loss:#x} is not below {baseline:#x}, or one is no finite loss")]
    NotBetter { loss: u64, baseline: u64 },
    #[error("claim {claim} waits for its window, or is disputed")]
    ClaimPending { claim: u64 },
    #[error("the gate reads {got}, the job's oracle is {expected}")]
    OtherOracle { expected: Address, got: Address },

    #[error("the last epoch of job {job} is split by {root} already (zero: nothing was settled)")]
    NothingNew { job: usize, root: Hash },
    #[error("the tensor makes {got} (zero: its length is another), pay's root is {expected}")]
    OtherTensor { expected: Hash, got: Hash },
    #[error("nobody earned anything in job {job} yet")]
    NobodyEarned { job: usize },
    #[error("job {job} is not deployed")]
    NotDeployed { job: usize },
    #[error("job {job} has no epoch {epoch}")]
    UnknownEpoch { job: usize, epoch: usize },
    #[error("the opening does not lead to {expected}: {fault}")]
    ProofMismatch { expected: Hash, fault: court::Fault },
    #[error("node {node} was paid all of it")]
    NothingDue { node: u32 },
    #[error("the cumulative tensor has no element {node}")]
    OutOfRange { node: u32 },
    #[error("{bits:#018x} is no integer from 0 to 2^64 - 1")]
    NotAnAmount { bits: u64 },
    #[error("nobody has registry index {node}, so nobody can receive its share")]
    InvalidReceiver { node: u32 },
}

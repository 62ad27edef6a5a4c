//! Why a call does nothing: the contract's errors, by their names.

use tensor::Hash;

use super::State;
use crate::chain::Block;

/// Why a call does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what the fields are")]
pub enum Refusal {
    #[error("nobody created open job {job}")]
    UnknownJob { job: usize },
    #[error("nobody enrolled run {run} of open job {job}")]
    UnknownRun { job: usize, run: usize },
    #[error("the field {field} of the terms cannot be")]
    BadTerms { field: &'static str },
    #[error("the header is that of {got}, not of {program}")]
    NotTheHeader { program: Hash, got: Hash },
    #[error("the header ends within what it must hold")]
    Malformed,
    #[error("open job {job} ended with block {end_block}")]
    Ended { job: usize, end_block: Block },
    #[error("open job {job} ends with block {end_block}")]
    NotEnded { job: usize, end_block: Block },
    #[error("the escrow of open job {job} holds {got_wei} wei, a run costs {needed_wei}")]
    EscrowSpent { job: usize, got_wei: u128, needed_wei: u128 },
    #[error("claims about {program} are not taken: not registered, or its window is open")]
    NotReady { program: Hash },
    #[error("run {run} of open job {job} was enrolled in block {enrol_block}, which has no hash")]
    SeedPending { job: usize, run: usize, enrol_block: Block },
    #[error("that was done already for run {run} of open job {job}")]
    AlreadyDone { job: usize, run: usize },
    #[error("run {run} of open job {job} has no seed yet")]
    NotDrawn { job: usize, run: usize },
    #[error("only who enrolled run {run} of open job {job} may")]
    OnlyTrainer { job: usize, run: usize },
    #[error("run {run} of open job {job} was to be claimed up to block {deadline}")]
    TooLate { job: usize, run: usize, deadline: Block },
    #[error("the state has {expected} tensors beside its loss, not {got}")]
    OutputCount { expected: usize, got: usize },
    #[error("run {run} of open job {job} is {state:?}, and cannot be ended now")]
    NotDue { job: usize, run: usize, state: State },
}

//! Why a court does nothing.
//!
//! Invariant: the names and fields are those of the contract's errors, with two differences: the
//! hashes of records are left out, and `IllFormed` is added for bytes that no registered Program
//! has. Absent: texts with more than the fields.

use tensor::Hash;

use super::State;
use crate::Address;
use crate::judge::CheckError;
use crate::record::{Stage, Turn};

/// Why a call changes nothing; the names are the contract's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No claim has this number.
    #[error("there is no claim {id}")]
    UnknownClaim {
        /// The number given.
        id: u64,
    },
    /// The claim is not in a state in which the call makes sense.
    #[error("claim {id} is {state:?}")]
    NotOpen {
        /// The claim.
        id: u64,
        /// Where it stands.
        state: State,
    },
    /// The claim can still be challenged.
    #[error("claim {id} can be challenged until block {deadline}")]
    WindowOpen {
        /// The claim.
        id: u64,
        /// Its deadline.
        deadline: u64,
    },
    /// The claim can no longer be challenged.
    #[error("claim {id} could be challenged until block {deadline}")]
    WindowClosed {
        /// The claim.
        id: u64,
        /// Its deadline.
        deadline: u64,
    },
    /// The challenger states what the claim states.
    #[error("the challenge to claim {id} states the same outputs")]
    SameOutputs {
        /// The claim.
        id: u64,
    },
    /// An asserter cannot challenge its own claim.
    #[error("claim {id} is the caller's own")]
    OwnClaim {
        /// The claim.
        id: u64,
    },
    /// The Program is not registered, or its window is open.
    #[error("{program} is not registered")]
    NotRegistered {
        /// Hash of the Program.
        program: Hash,
    },
    /// A parent that has fallen, is unknown or already 8 deep; or more than 8 parents.
    #[error("claim {parent} cannot be a parent")]
    BadParent {
        /// The first parent that is at fault, or how many there are.
        parent: u64,
    },
    /// No iterations.
    #[error("{iterations} iterations of this Program cannot be claimed")]
    BadIterations {
        /// How many.
        iterations: u32,
    },
    /// A parent is not final.
    #[error("the parent {parent} is not final")]
    ParentOpen {
        /// The parent.
        parent: u64,
    },
    /// The claim named has not fallen, or is no parent.
    #[error("no parent {parent} has fallen")]
    ParentStands {
        /// The claim named.
        parent: u64,
    },
    /// The record stated is not the dispute's, or there is no such dispute.
    #[error("the record stated is not that of dispute {dispute}")]
    NotTheRecord {
        /// The dispute.
        dispute: u64,
    },
    /// The caller is not the side to move.
    #[error("it is the turn of {mover}")]
    NotYourTurn {
        /// Whose turn it is.
        mover: Address,
    },
    /// The move made is not the one that is due.
    #[error("the move due is {turn:?} of {stage:?}")]
    WrongMove {
        /// The tree that is walked.
        stage: Stage,
        /// The move that is due.
        turn: Turn,
    },
    /// The mover's clock ran out.
    #[error("{used} blocks were used and {left} were left")]
    ClockRanOut {
        /// Blocks that were left.
        left: u64,
        /// Blocks since the turn began.
        used: u64,
    },
    /// The clock of the side to move runs.
    #[error("{used} blocks were used of {left}")]
    ClockRuns {
        /// Blocks that are left.
        left: u64,
        /// Blocks since the turn began.
        used: u64,
    },
    /// Bytes do not hash to what they must; `got` is zero for too few or too many siblings.
    #[error("leads to {got}, not to {expected}")]
    Mismatch {
        /// The hash of the commitment.
        expected: Hash,
        /// The hash of what was shown.
        got: Hash,
    },
    /// The node has no such child, the chunk no such place, the tensor no such index.
    #[error("there is no place {place} among {count}")]
    NoSuchPlace {
        /// The place asked for.
        place: u64,
        /// How many there are.
        count: u64,
    },
    /// The posted chain does not end in the element that is disputed.
    #[error("the chain ends in {got:#x}, not in {expected:#x}")]
    ChainEnd {
        /// The element's bits.
        expected: u64,
        /// What the chain ends in.
        got: u64,
    },
    /// Another number of operands, openings, children or bytes than is needed.
    #[error("needs {expected}, got {got}")]
    OpeningCount {
        /// How many are needed.
        expected: u64,
        /// How many there are.
        got: u64,
    },
    /// Bytes that no registered Program has.
    #[error("no registered Program has these bytes")]
    IllFormed,
}

impl From<CheckError> for Refusal {
    fn from(error: CheckError) -> Refusal {
        match error {
            CheckError::Mismatch { expected, got } => Refusal::Mismatch { expected, got },
            CheckError::NoSuchPlace { place, count } => Refusal::NoSuchPlace { place, count },
            CheckError::OpeningCount { expected, got } => Refusal::OpeningCount { expected, got },
            CheckError::IllFormed => Refusal::IllFormed,
        }
    }
}

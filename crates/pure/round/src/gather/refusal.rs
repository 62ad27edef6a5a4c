//! Why a call does nothing: the contracts' errors, by their names.

use court::Address;
use tensor::Hash;

use super::Stage;

/// Why a call does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what the fields are")]
pub enum Refusal {
    #[error("this belongs to stage {expected:?}, now is {got:?}")]
    WrongStage { expected: Stage, got: Stage },
    #[error("{sender} was not drawn to gather")]
    NotGatherer { sender: Address },
    #[error("node {node} posted a list of that kind already")]
    AlreadyPosted { node: u32 },
    #[error("a list of {entries} entries has not {rows} rows")]
    BadCount { entries: u32, rows: u32 },
    #[error("signature {signature} is no holder's, or out of order")]
    BadCertificate { signature: usize },
    #[error("the signers have {got} lots, a certificate needs {needed}")]
    CertificateTooLight { got: usize, needed: usize },
    #[error("nobody posted list {id}")]
    UnknownList { id: usize },
    #[error("list {id} was struck")]
    AlreadyStruck { id: usize },
    #[error("what is shown of list {id} holds")]
    Holds { id: usize },
    #[error("the root is {expected}, what is shown leads to {got}")]
    Mismatch { expected: Hash, got: Hash },
    #[error("what is shown is not about {index}")]
    NotConcerned { index: u64 },
    #[error("{key} has no seat in this round")]
    NotSeated { key: Address },
    #[error("the neighbours shown do not leave out node {node}")]
    NotLeftOut { node: u32 },
    #[error("node {node} forced an entry of that kind already")]
    AlreadyForced { node: u32 },
    #[error("node {node} commits to nothing")]
    ZeroCommitment { node: u32 },
    #[error("the commitment is {expected}, update and salt make {got}")]
    CommitmentMismatch { expected: Hash, got: Hash },
    #[error("the update has {got} bytes, not {expected}")]
    UpdateLength { got: usize, expected: usize },
    #[error("the bond of list {id} is gone")]
    NothingToRelease { id: usize },

    #[error("reveals of round {round} are not over")]
    TooEarly { round: u64 },
    #[error("the inputs of round {round} are fixed")]
    AlreadySealed { round: u64 },
    #[error("nobody revealed in round {round}")]
    NothingToSeal { round: u64 },

    #[error("a tree of {leaves} leaves has no leaf {index}")]
    LeafOutOfRange { index: u64, leaves: u64 },
    #[error("{got} siblings, not {expected}")]
    SiblingCount { got: usize, expected: usize },
    #[error("a chunk has {expected} bytes, not {got}")]
    ChunkLength { got: usize, expected: usize },
}

//! Why a node does not run, or stops, each in one sentence.

use thiserror::Error;

/// What ends a node.
#[derive(Debug, Error)]
pub enum NodeError {
    /// The chain refused or does not answer.
    #[error(transparent)]
    Chain(#[from] chain::ClientError),
    /// The node's directory cannot be used.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The key cannot be opened.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeyError),
    /// A tensor is not there or cannot be kept.
    #[error(transparent)]
    Tensor(#[from] crate::tensors::TensorStoreError),
    /// A blob cannot be kept.
    #[error(transparent)]
    Blob(#[from] net::blobs::BlobError),
    /// The transport cannot listen.
    #[error(transparent)]
    Bind(#[from] net::BindError),
    /// What other nodes have could not be fetched.
    #[error(transparent)]
    Fetch(#[from] net::swarm::FetchError),
    /// Market data cannot be read.
    #[error(transparent)]
    Feed(#[from] feeds::FeedError),
    /// Market data is too short or inconsistent.
    #[error(transparent)]
    Plan(#[from] market::PlanError),
    /// Training went wrong.
    #[error(transparent)]
    Train(#[from] learn::TrainError),
    /// A Program was given the wrong inputs.
    #[error(transparent)]
    Eval(#[from] tensor::EvalError),
    /// A Program cannot be built.
    #[error("a program of the job cannot be built: {reason}")]
    Program {
        /// What the builder said.
        reason: String,
    },
    /// A record of what this node promised cannot be read.
    #[error("a record in this node's database is damaged: {0}")]
    Record(#[from] round::machine::DecodeError),
    /// The files with what was aggregated cannot be used.
    #[error("the journal of rounds in this node's directory cannot be used: {0}")]
    Journal(#[from] std::io::Error),
    /// Something of a round is not here, or not yet.
    #[error("{what}")]
    Absent {
        /// What, as a sentence.
        what: String,
    },
    /// What its updates have told is not known.
    #[error("{} cannot be used: {reason}; without it nothing more is trained", path.display())]
    Ledger {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        reason: String,
    },
    /// The next update would tell too much.
    #[error(
        "the privacy budget of {budget} is spent: one more update after {releases} would make it \
         {epsilon:.3}; leave, or make a new node with other data"
    )]
    Spent {
        /// With the next update.
        epsilon: f64,
        /// Greatest allowed.
        budget: f64,
        /// Updates so far.
        releases: u64,
    },
    /// The training data in the node's directory is not a dataset.
    #[error("the training data {name} in this node's directory is damaged")]
    Slice {
        /// Name of the slice.
        name: String,
    },
    /// The chain's job is not the one this node is configured for.
    #[error("the job on the chain is not this node's: {what} differs; is --model the same?")]
    OtherJob {
        /// What differs.
        what: &'static str,
    },
    /// `config.json` is missing or not one.
    #[error("{path} is not a node's configuration: {reason}")]
    Config {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl NodeError {
    /// Says what is not here.
    pub(crate) fn absent(what: impl std::fmt::Display) -> NodeError {
        NodeError::Absent { what: what.to_string() }
    }

    /// Whether the disk is at fault, so that going on could leave something out that was promised.
    pub(crate) fn is_disk(&self) -> bool {
        use crate::tensors::TensorStoreError::Disk;
        match self {
            NodeError::Store(_) | NodeError::Journal(_) | NodeError::Blob(_) => true,
            NodeError::Tensor(error) => matches!(error, Disk { .. }),
            NodeError::Fetch(error) => matches!(error, net::swarm::FetchError::Disk(_)),
            _ => false,
        }
    }

    /// Wraps whatever says why a Program cannot be built.
    pub(crate) fn program(error: impl std::fmt::Display) -> NodeError {
        NodeError::Program { reason: error.to_string() }
    }
}

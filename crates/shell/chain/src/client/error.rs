//! What can go wrong between a node and its chain, each in one sentence.

use alloy::{
    primitives::{Address, B256, Bytes},
    transports::{RpcError, TransportError, TransportErrorKind},
};
use thiserror::Error;

use crate::abi::{self, Named};

/// Why a request to the chain gave no result.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address of the chain is not one.
    #[error("`{url}` is not the address of a chain: {detail}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Nobody answers there.
    #[error("no chain answers at {url}: {detail}")]
    Down {
        /// Where it was expected.
        url: String,
        /// What the transport said.
        detail: String,
    },
    /// Another chain answers there.
    #[error("{url} is chain {got}, but the contracts are on chain {expected}")]
    OtherChain {
        /// Where it was expected.
        url: String,
        /// Id of the deployment's chain.
        expected: u64,
        /// Id found.
        got: u64,
    },
    /// The chain does not have the contract.
    #[error("the chain at {url} has no contract {name} at {address}")]
    NoContract {
        /// Which contract.
        name: &'static str,
        /// Where it should be.
        address: Address,
        /// The chain.
        url: String,
    },
    /// The contract refused the call.
    #[error("{call} reverted: {revert}")]
    Reverted {
        /// Signature of the call.
        call: String,
        /// The contract's error.
        revert: Revert,
    },
    /// The node refused the request.
    #[error("the chain refused {method}: {message} (code {code})")]
    Refused {
        /// Which method.
        method: String,
        /// JSON-RPC error code.
        code: i64,
        /// What it said.
        message: String,
    },
    /// The answer is not what the method returns.
    #[error("the answer to {method} makes no sense: {detail}")]
    Answer {
        /// Which method.
        method: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// No block took the transaction.
    #[error("transaction {hash} is in no block of {url} yet")]
    Unmined {
        /// The transaction.
        hash: B256,
        /// The chain.
        url: String,
    },
}

/// A contract's reason to refuse a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revert {
    /// The error by name with its fields, where it is one of this project's contracts'.
    pub error: Option<Named>,
    /// The data of the revert.
    pub data: Bytes,
}

impl std::fmt::Display for Revert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.error {
            Some(error) => write!(f, "{error}"),
            None if self.data.is_empty() => write!(f, "no reason given"),
            None => write!(f, "unknown error {}", self.data),
        }
    }
}

impl ClientError {
    /// Returns the name of the contract's error where the call was refused by one.
    pub fn reverted_with(&self) -> Option<&str> {
        let Self::Reverted { revert, .. } = self else { return None };
        revert.error.as_ref().map(|error| error.name.as_str())
    }

    /// Returns whether trying again later can help: nobody answers, or no block came.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Down { .. } | Self::Unmined { .. })
    }

    /// Whether the node has this very transaction already.
    pub(crate) fn is_known(&self) -> bool {
        self.is_refused("already known")
    }

    /// Whether a transaction is in a block that has this one's nonce.
    pub(crate) fn is_nonce_used(&self) -> bool {
        self.is_refused("nonce too low")
    }

    /// Whether a node refused with these words, which all of them share.
    fn is_refused(&self, words: &str) -> bool {
        matches!(self, Self::Refused { message, .. } if message.contains(words))
    }

    /// Says which call it was that reverted.
    pub(crate) fn during(self, signature: &str) -> Self {
        match self {
            Self::Reverted { revert, .. } => Self::Reverted { call: signature.to_owned(), revert },
            other => other,
        }
    }

    pub(crate) fn from_transport(url: &str, method: &'static str, error: TransportError) -> Self {
        match error {
            RpcError::ErrorResp(payload) => match payload.as_revert_data() {
                Some(data) => {
                    let revert = Revert { error: abi::error(&data), data };
                    Self::Reverted { call: method.to_owned(), revert }
                }
                None if payload.code == 3 => {
                    let revert = Revert { error: None, data: Bytes::new() };
                    Self::Reverted { call: method.to_owned(), revert }
                }
                None => Self::Refused {
                    method: method.to_owned(),
                    code: payload.code,
                    message: payload.message.into_owned(),
                },
            },
            RpcError::DeserError { err, .. } => Self::Answer { method, detail: err.to_string() },
            RpcError::NullResp => Self::Answer { method, detail: "it is null".to_owned() },
            RpcError::Transport(TransportErrorKind::HttpError(error)) => {
                Self::Down { url: url.to_owned(), detail: format!("HTTP status {}", error.status) }
            }
            other => Self::Down { url: url.to_owned(), detail: innermost(&other) },
        }
    }
}

/// Returns the last cause, which says the most in the fewest words.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

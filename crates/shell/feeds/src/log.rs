//! What a venue said, as it came: a log whose lines are chained by hashes and signed.
//!
//! `NAME.log` holds one message a line, `local_ts_ns raw_json`: when it arrived by this machine's
//! clock in nanoseconds, a blank, and the venue's bytes. Other programs read it as it is. Line
//! breaks in a message, which JSON allows between its parts, become blanks.
//!
//! `NAME.log.seals` holds a [`Seal`] a line, in JSON. The chain begins at zero; each line moves it
//! to `keccak256(head, keccak256(line))`, without the line's end; a seal is the head after so many
//! lines, signed by the recorder's key as EIP-712 typed data. So one line is proved by it and the
//! hashes of its neighbours up to a seal, in a contract too.
//!
//! *Invariant: what is sealed is on the disk before its seal is.* A crash costs the lines after
//! the last seal at most, and only a line that was cut off in the middle is taken away again. A log
//! has one writer at a time. Absent: keys; whoever records brings one.

mod read;
mod write;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, Signature, keccak256};
use alloy::sol_types::{Eip712Domain, SolStruct, eip712_domain};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use read::{Verified, verify};
pub use write::LogWriter;

/// The end of a log's name.
pub const LOG_ENDING: &str = ".log";
/// Lines between two seals, at most.
pub const SEAL_LINES: u64 = 1_000;

mod typed {
    #![allow(missing_docs, reason = "generated from the declaration below")]
    alloy::sol! {
        /// What is signed: the first `lines` lines of a log take `bytes` bytes and hash to `head`.
        struct FeedLog {
            string venue;
            string market;
            uint64 lines;
            uint64 bytes;
            bytes32 head;
        }
    }
}

/// A signed statement about the beginning of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The venue.
    pub venue: String,
    /// The market.
    pub market: String,
    /// How many lines.
    pub lines: u64,
    /// How many bytes these lines take, with their ends.
    pub bytes: u64,
    /// The chain's head after them.
    pub head: B256,
    /// Who signed.
    pub signer: Address,
    /// The EIP-712 signature, 65 bytes.
    pub signature: alloy::primitives::Bytes,
}

impl Seal {
    /// Returns the hash that is signed.
    #[must_use]
    pub fn signing_hash(&self) -> B256 {
        let statement = typed::FeedLog {
            venue: self.venue.clone(),
            market: self.market.clone(),
            lines: self.lines,
            bytes: self.bytes,
            head: self.head,
        };
        statement.eip712_signing_hash(&domain())
    }

    /// Whether the signature is the signer's.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        let Ok(signature) = Signature::from_raw(&self.signature) else { return false };
        // There are other ways to write the same signature; one is enough.
        signature.as_bytes()[..] == self.signature[..]
            && signature
                .recover_address_from_prehash(&self.signing_hash())
                .is_ok_and(|signer| signer == self.signer)
    }
}

fn domain() -> Eip712Domain {
    eip712_domain! { name: "Assay feed log", version: "1", }
}

/// Moves the chain over one line, given without its end.
#[must_use]
pub fn link(head: B256, line: &[u8]) -> B256 {
    keccak256([head, keccak256(line)].concat())
}

/// Returns where the seals of a log are.
#[must_use]
pub fn seals_path(log: &Path) -> PathBuf {
    let mut path = log.as_os_str().to_owned();
    path.push(".seals");
    path.into()
}

/// Why a log cannot be written or believed.
#[derive(Debug, Error)]
pub enum LogError {
    /// The disk said no.
    #[error("{}: {reason}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// A line of the seals is no seal.
    #[error("{} line {line} is no seal: {reason}", path.display())]
    NoSeal {
        /// The file of seals.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A seal is not signed by whom it names.
    #[error("{} line {line}: the signature is not {signer}'s", path.display())]
    Forged {
        /// The file of seals.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// Whom it names.
        signer: Address,
    },
    /// The lines are not those that were signed.
    #[error("{}: lines {from} to {to} are not those that {signer} signed", path.display())]
    Changed {
        /// The log.
        path: PathBuf,
        /// The first line after the last good seal.
        from: u64,
        /// The last line of the seal that fails.
        to: u64,
        /// Who signed.
        signer: Address,
    },
    /// The log is shorter than what was signed.
    #[error("{} has {have} whole lines; {sealed} were signed", path.display())]
    Short {
        /// The log.
        path: PathBuf,
        /// Its lines.
        have: u64,
        /// The lines of the last seal.
        sealed: u64,
    },
    /// Another process is writing it.
    #[error("{} is being recorded by another process", path.display())]
    Busy {
        /// The log.
        path: PathBuf,
    },
    /// Somebody else's log, or another market's.
    #[error("{} was begun for {found} by {signer}; record into another file", path.display())]
    Foreign {
        /// The log.
        path: PathBuf,
        /// Venue and market of its seals.
        found: String,
        /// Who signed them.
        signer: Address,
    },
}

/// Names the file in what the disk said.
fn disk(path: &Path) -> impl Fn(std::io::Error) -> LogError + '_ {
    |error| LogError::Disk { path: path.to_owned(), reason: error.to_string() }
}

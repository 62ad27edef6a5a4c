//! One hour of one market: her margins and ours, as they are logged.

use std::path::Path;

use alloy::primitives::{Address, B256};
use feeds::log::{LogError, Verified, verify};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ours::Margins;
use crate::source::Reading;

/// One hour of one market.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Unix seconds at which the hour begins.
    pub hour_s: i64,
    /// The market, as she calls it.
    pub market: String,
    /// What her contract said.
    pub hers: Hers,
    /// What we say.
    pub ours: Margins,
}

/// What her contract said, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hers {
    /// The chain.
    pub chain_id: u64,
    /// The contract.
    pub contract: Address,
    /// Number of the block.
    pub block: u64,
    /// Its hash.
    pub block_hash: B256,
    /// Initial margin, a share of the position's value.
    pub initial: f64,
    /// Maintenance margin.
    pub maintenance: f64,
}

impl Hers {
    /// Returns a reading with where it was taken.
    #[must_use]
    pub fn new((chain_id, contract): (u64, Address), reading: &Reading) -> Hers {
        Hers {
            chain_id,
            contract,
            block: reading.block,
            block_hash: reading.block_hash,
            initial: reading.initial,
            maintenance: reading.maintenance,
        }
    }
}

/// Why a log of records cannot be read.
#[derive(Debug, Error)]
pub enum LogReadError {
    /// It is not what was signed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The disk said no.
    #[error("{path} cannot be read: {reason}")]
    Disk {
        /// The file.
        path: String,
        /// What it said.
        reason: String,
    },
    /// A line is no record.
    #[error("{path} line {line} is no record: {reason}")]
    Line {
        /// The file.
        path: String,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Checks a log's signatures and returns its records in order, those that are signed.
///
/// # Errors
///
/// [`LogReadError`]; a log that is not there is empty.
pub fn read(path: &Path) -> Result<(Vec<Record>, Verified), LogReadError> {
    let verified = verify(path)?;
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            let (path, reason) = (path.display().to_string(), error.to_string());
            return Err(LogReadError::Disk { path, reason });
        }
    };
    let sealed = usize::try_from(verified.sealed).unwrap_or(usize::MAX);
    let lines = text.split(|byte| *byte == b'\n').take(sealed).enumerate();
    let record = |(index, line): (usize, &[u8])| {
        let refuse = |reason: String| LogReadError::Line {
            path: path.display().to_string(),
            line: index + 1,
            reason,
        };
        let blank = line.iter().position(|byte| *byte == b' ');
        let from = blank.ok_or_else(|| refuse("it has no time".to_owned()))? + 1;
        serde_json::from_slice(&line[from..]).map_err(|error| refuse(error.to_string()))
    };
    Ok((lines.map(record).collect::<Result<_, _>>()?, verified))
}

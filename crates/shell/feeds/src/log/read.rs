//! Reading a log again and comparing it with its seals.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::Path;

use alloy::primitives::{Address, B256};

use super::{LogError, Seal, disk, link, seals_path};

/// A log that agrees with its seals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whole lines.
    pub lines: u64,
    /// Bytes of the whole lines.
    pub bytes: u64,
    /// The chain's head after them.
    pub head: B256,
    /// How many of the lines are under a seal.
    pub sealed: u64,
    /// Who signed, and for which venue and market; `None` where nothing is sealed.
    pub signer: Option<(Address, String, String)>,
    /// Bytes after the last whole line: what a crash cut off.
    pub torn: u64,
}

/// Reads a log and its seals, and compares them.
///
/// # Errors
///
/// [`LogError`] names the seal that is none or forged, or the lines between two seals of which at
/// least one is not what was signed. A log without seals is not an error: nothing is sealed.
pub fn verify(log: &Path) -> Result<Verified, LogError> {
    let seals = seals(log)?;
    let mut seals = seals.iter().peekable();
    let mut verified =
        Verified { lines: 0, bytes: 0, head: B256::ZERO, sealed: 0, signer: None, torn: 0 };
    let mut file = BufReader::new(File::open(log).map_err(disk(log))?);
    let mut line = Vec::new();
    loop {
        while let Some(seal) = seals.next_if(|seal| seal.lines <= verified.lines) {
            check(log, seal, &mut verified)?;
        }
        line.clear();
        let size = file.read_until(b'\n', &mut line).map_err(disk(log))? as u64;
        let Some((b'\n', text)) = line.split_last() else {
            verified.torn = size;
            break;
        };
        verified.head = link(verified.head, text);
        verified.lines += 1;
        verified.bytes += size;
    }
    match seals.next() {
        None => Ok(verified),
        Some(seal) => {
            Err(LogError::Short { path: log.to_owned(), have: verified.lines, sealed: seal.lines })
        }
    }
}

fn check(log: &Path, seal: &Seal, verified: &mut Verified) -> Result<(), LogError> {
    let who = (seal.signer, seal.venue.clone(), seal.market.clone());
    let one_hand = verified.signer.as_ref().is_none_or(|before| *before == who);
    let (lines, bytes, head) = (verified.lines, verified.bytes, verified.head);
    if !one_hand || (seal.lines, seal.bytes, seal.head) != (lines, bytes, head) {
        return Err(LogError::Changed {
            path: log.to_owned(),
            from: verified.sealed + 1,
            to: seal.lines,
            signer: seal.signer,
        });
    }
    verified.sealed = seal.lines;
    verified.signer = Some(who);
    Ok(())
}

/// Reads the seals, each well formed and signed. A last one that a crash cut off does not count.
pub(super) fn seals(log: &Path) -> Result<Vec<Seal>, LogError> {
    let path = seals_path(log);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(disk(&path)(error)),
    };
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut seals = Vec::new();
    for (at, line) in text[..whole].split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let seal: Seal = serde_json::from_slice(line).map_err(|error| LogError::NoSeal {
            path: path.clone(),
            line: at + 1,
            reason: error.to_string(),
        })?;
        if !seal.is_signed() {
            return Err(LogError::Forged { path, line: at + 1, signer: seal.signer });
        }
        seals.push(seal);
    }
    Ok(seals)
}

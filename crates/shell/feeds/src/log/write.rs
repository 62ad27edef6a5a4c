//! Writing a log, and going on with one after a crash.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;

use super::read::{Verified, seals, verify};
use super::{LogError, SEAL_LINES, Seal, disk, link, seals_path};

/// Appends messages to a log and seals them.
#[derive(Debug)]
pub struct LogWriter {
    path: PathBuf,
    file: BufWriter<File>,
    seals: File,
    venue: String,
    market: String,
    signer: PrivateKeySigner,
    lines: u64,
    bytes: u64,
    sealed: u64,
    head: B256,
    line: Vec<u8>,
}

impl LogWriter {
    /// Opens a log for appending; makes it, and its folder, where there is none.
    ///
    /// # Errors
    ///
    /// [`LogError`] where the disk says no, where another process writes it, where what is there
    /// does not agree with its seals, or was signed by somebody else or for another market.
    pub fn open(
        path: &Path,
        (venue, market): (&str, &str),
        signer: PrivateKeySigner,
    ) -> Result<Self, LogError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(disk(folder))?;
        }
        let file = OpenOptions::new().append(true).create(true).open(path).map_err(disk(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LogError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(disk(path)(error)),
        }
        let Verified { lines, bytes, head, sealed, signer: before, torn } = verify(path)?;
        if let Some((address, v, m)) = before
            && (address != signer.address() || v != venue || m != market)
        {
            let found = format!("{m} at {v}");
            return Err(LogError::Foreign { path: path.to_owned(), found, signer: address });
        }
        if torn > 0 {
            tracing::warn!(path = %path.display(), torn, "a line was cut off and is taken away");
            file.set_len(bytes).map_err(disk(path))?;
        }
        let seals = open_seals(path)?;
        // The names of new files are to outlive a crash as their contents do.
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
            && cfg!(unix)
        {
            File::open(folder).and_then(|f| f.sync_all()).map_err(disk(folder))?;
        }
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            seals,
            venue: venue.to_owned(),
            market: market.to_owned(),
            signer,
            lines,
            bytes,
            sealed,
            head,
            line: Vec::new(),
        })
    }

    /// Appends one message; every [`SEAL_LINES`] lines there is a seal.
    ///
    /// # Errors
    ///
    /// [`LogError::Disk`].
    pub fn append(&mut self, local_ns: u64, raw: &[u8]) -> Result<(), LogError> {
        self.line.clear();
        let raw = raw.trim_ascii();
        write!(self.line, "{local_ns} ").map_err(disk(&self.path))?;
        let breaks = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
        self.line.extend(raw.iter().map(breaks));
        self.head = link(self.head, &self.line);
        self.line.push(b'\n');
        self.file.write_all(&self.line).map_err(disk(&self.path))?;
        self.lines += 1;
        self.bytes += self.line.len() as u64;
        if self.lines - self.sealed >= SEAL_LINES { self.seal() } else { Ok(()) }
    }

    /// Brings everything to the disk and seals it, unless it is sealed already.
    ///
    /// # Errors
    ///
    /// [`LogError::Disk`].
    pub fn seal(&mut self) -> Result<(), LogError> {
        if self.sealed == self.lines {
            return Ok(());
        }
        self.file.flush().map_err(disk(&self.path))?;
        self.file.get_ref().sync_data().map_err(disk(&self.path))?;
        let mut seal = Seal {
            venue: self.venue.clone(),
            market: self.market.clone(),
            lines: self.lines,
            bytes: self.bytes,
            head: self.head,
            signer: self.signer.address(),
            signature: alloy::primitives::Bytes::new(),
        };
        let path = seals_path(&self.path);
        let signature = self.signer.sign_hash_sync(&seal.signing_hash());
        let signature = signature
            .map_err(|error| LogError::Disk { path: path.clone(), reason: error.to_string() })?;
        seal.signature = signature.as_bytes().to_vec().into();
        let mut text = serde_json::to_vec(&seal).expect("a seal is plain data");
        text.push(b'\n');
        self.seals.write_all(&text).map_err(disk(&path))?;
        self.seals.sync_data().map_err(disk(&path))?;
        self.sealed = self.lines;
        Ok(())
    }

    /// How many lines the log has.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// How many bytes the log has.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Opens the seals for appending; one that a crash cut off is taken away.
fn open_seals(log: &Path) -> Result<File, LogError> {
    let path = seals_path(log);
    let file = OpenOptions::new().append(true).create(true).open(&path).map_err(disk(&path))?;
    let text = std::fs::read(&path).map_err(disk(&path))?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        file.set_len(whole as u64).map_err(disk(&path))?;
    }
    debug_assert!(seals(log).is_ok(), "verified when the log was opened");
    Ok(file)
}

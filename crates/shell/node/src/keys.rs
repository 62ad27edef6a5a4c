//! A node's two secrets: the chain key in a Web3 v3 keystore, the peer key in a file of its own.
//!
//! The chain key moves stake and is encrypted under a password (scrypt, AES-128-CTR; any Ethereum
//! wallet opens the file). The peer key only names the node to its peers, so it lies open, readable
//! by its owner alone.
//!
//! Invariant: a key file is written once and never replaced; a key that cannot be read is an error
//! and never a reason to make another. Absent: asking for passwords, which is the app's business,
//! and keeping them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use alloy::signers::local::PrivateKeySigner;
use thiserror::Error;

mod keystore;

/// How much work it is to try a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Some milliseconds and 4 MB: for tests and play money.
    Light,
    /// About a second and 256 MB, as wallets do it: for anything of value.
    Standard,
}

/// Why a key cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The password does not open the keystore.
    #[error("wrong password for {}", path.display())]
    WrongPassword {
        /// The keystore.
        path: PathBuf,
    },
    /// The file is no keystore, or one this program does not take.
    #[error("{} is not a keystore this program can open: {reason}", path.display())]
    NotKeystore {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file holds no peer key.
    #[error("{} does not hold a peer key: 64 hexadecimal digits were expected", path.display())]
    NotPeerKey {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the peer key.
    #[error("{} can be read by others; run: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Both keys of a node.
#[derive(Clone)]
pub struct Keys {
    /// Signs transactions and attestations.
    pub chain: PrivateKeySigner,
    /// The secret of the ed25519 key that the transport proves to peers.
    pub peer: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("chain", &self.chain.address()).finish_non_exhaustive()
    }
}

impl Keys {
    /// Opens the keys in `dir` (`chain.json` and `peer.key`), making those that are missing.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if a key is there and cannot be used, or a new one cannot be written.
    pub fn open(dir: &Path, password: &str, cost: Cost) -> Result<Keys, KeyError> {
        fs::create_dir_all(dir).map_err(io_error("create", dir))?;
        let chain = dir.join("chain.json");
        if !exists(&chain)? {
            create_keystore(&chain, password, cost)?;
        }
        Ok(Keys { chain: open_keystore(&chain, password)?, peer: peer_key(&dir.join("peer.key"))? })
    }
}

/// Makes a new chain key and writes it to `path`, encrypted under `password`.
///
/// # Errors
///
/// [`KeyError::Io`] if it cannot be written; a file that is there already is left alone.
pub fn create_keystore(
    path: &Path,
    password: &str,
    cost: Cost,
) -> Result<PrivateKeySigner, KeyError> {
    let signer = PrivateKeySigner::random();
    let text = keystore::encrypt(&signer.to_bytes(), signer.address(), password, cost);
    write_secret(path, text.as_bytes())?;
    Ok(signer)
}

/// Opens a Web3 v3 keystore.
///
/// # Errors
///
/// [`KeyError::WrongPassword`]; [`KeyError::NotKeystore`] for a file that is damaged, of another
/// kind, or whose cost no wallet would ask for; [`KeyError::Io`] if it cannot be read.
pub fn open_keystore(path: &Path, password: &str) -> Result<PrivateKeySigner, KeyError> {
    let text = fs::read_to_string(path).map_err(io_error("read", path))?;
    let not = |reason: String| KeyError::NotKeystore { path: path.to_owned(), reason };
    keystore::check(&text).map_err(&not)?;
    let secret = keystore::decrypt(path, password).map_err(|error| match error {
        keystore::DecryptError::Password => KeyError::WrongPassword { path: path.to_owned() },
        keystore::DecryptError::Other(reason) => not(reason),
    })?;
    Ok(secret)
}

/// Checks a keystore's text as [`open_keystore`] does before it tries a password.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn check_keystore(text: &str) -> Result<(), String> {
    keystore::check(text)
}

/// Returns the peer key in `path`, making one if there is none.
///
/// # Errors
///
/// [`KeyError::NotPeerKey`], [`KeyError::Exposed`] or [`KeyError::Io`].
pub fn peer_key(path: &Path) -> Result<[u8; 32], KeyError> {
    if !exists(path)? {
        let secret: [u8; 32] = rand::random();
        write_secret(path, format!("{}\n", hex::encode(secret)).as_bytes())?;
    }
    if exposed(path).map_err(io_error("read", path))? {
        return Err(KeyError::Exposed { path: path.to_owned() });
    }
    let text = fs::read_to_string(path).map_err(io_error("read", path))?;
    let mut secret = [0; 32];
    hex::decode_to_slice(text.trim(), &mut secret)
        .map_err(|_| KeyError::NotPeerKey { path: path.to_owned() })?;
    Ok(secret)
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    move |source| KeyError::Io { action, path: path.to_owned(), source }
}

fn exists(path: &Path) -> Result<bool, KeyError> {
    path.try_exists().map_err(io_error("look for", path))
}

#[cfg(unix)]
fn exposed(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn exposed(path: &Path) -> io::Result<bool> {
    fs::metadata(path).map(|_| false)
}

/// Writes a file that only its owner can read, whole or not at all, and never over another.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = (|| {
        let mut file = owner_only().open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // A link, unlike a rename, does not replace a key that somebody made meanwhile.
        fs::hard_link(&beside, path)?;
        match path.parent() {
            Some(dir) if cfg!(unix) && !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
            _ => Ok(()),
        }
    })();
    let _ = fs::remove_file(&beside);
    written.map_err(io_error("write", path))
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests;

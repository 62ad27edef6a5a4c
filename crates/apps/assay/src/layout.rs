//! The directory in which `up` keeps everything, and the lock that makes it one process's own.
//!
//! ```text
//! DIR/up.json          choices of the first start; a later start must agree
//! DIR/lock             held while a process works here
//! DIR/deployment.json  addresses of the contracts
//! DIR/network.json     what strangers need to join
//! DIR/keys/            deployer, gate owner and the two sample accounts
//! DIR/chain/           the embedded chain
//! DIR/node-N/          one node: config, keys, its own data, records, blobs
//! ```
//!
//! Files are replaced whole (written beside, synced, renamed), so a crash leaves the old one or the
//! new one.

use std::{
    fs::{File, TryLockError},
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Serialize, de::DeserializeOwned};

/// Version of the directory's format; a directory of a newer one is refused.
pub(crate) const FORMAT: u32 = 1;

/// Paths inside a directory of `up`.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Returns the layout of a directory, which need not exist yet.
    pub(crate) fn new(root: &Path) -> Layout {
        Layout { root: root.to_path_buf() }
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Choices of the first start.
    pub(crate) fn settings(&self) -> PathBuf {
        self.root.join("up.json")
    }

    /// Addresses of the contracts.
    pub(crate) fn deployment(&self) -> PathBuf {
        self.root.join("deployment.json")
    }

    /// What strangers need to know of the network.
    pub(crate) fn network(&self) -> PathBuf {
        self.root.join("network.json")
    }

    /// Directory of the embedded chain.
    pub(crate) fn chain(&self) -> PathBuf {
        self.root.join("chain")
    }

    /// File in which the chain process writes its address once it listens.
    pub(crate) fn chain_url(&self) -> PathBuf {
        self.chain().join("url")
    }

    /// Keystores that belong to `up` itself.
    pub(crate) fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Directory of one node.
    pub(crate) fn node(&self, index: usize) -> PathBuf {
        self.root.join(format!("node-{index}"))
    }

    /// Takes the directory for this process, creating it if need be.
    ///
    /// # Errors
    ///
    /// One sentence when the directory cannot be made or another process holds it.
    pub(crate) fn lock(&self) -> anyhow::Result<File> {
        std::fs::create_dir_all(&self.root)
            .with_context(|| format!("cannot create {}", self.root.display()))?;
        let path = self.root.join("lock");
        let file = File::options()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "another assay works in {}; stop it, or choose another directory with --dir",
                self.root.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }
}

/// Writes a file whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    replace_with(path, bytes, File::options().write(true).create(true).truncate(true))
}

/// Writes a file whole or not at all, readable by its owner alone.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    replace_with(path, bytes, &options)
}

fn replace_with(path: &Path, bytes: &[u8], options: &std::fs::OpenOptions) -> anyhow::Result<()> {
    let dir = path.parent().context("a file to replace has a parent directory")?;
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let beside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = options.open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        File::open(dir)?.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a value as JSON, whole or not at all.
pub(crate) fn replace_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value).context("a value that cannot be JSON")?;
    bytes.push(b'\n');
    replace(path, &bytes)
}

/// Reads a JSON file, or `None` when there is none.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .with_context(|| format!("{} is not what assay wrote there", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_owner_at_a_time() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let layout = Layout::new(dir.path());
        let held = layout.lock().expect("the first owner");
        let error = layout.lock().expect_err("a second owner").to_string();
        assert!(error.contains("another assay works in"), "{error}");
        drop(held);
        layout.lock().expect("the next owner");
    }

    #[test]
    fn replaced_files_are_whole() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("deep/value.json");
        replace_json(&path, &[1, 2, 3]).expect("written");
        assert_eq!(read_json::<Vec<i32>>(&path).expect("read"), Some(vec![1, 2, 3]));
        assert_eq!(read_json::<Vec<i32>>(&dir.path().join("none")).expect("absent"), None);
        std::fs::write(&path, b"{").expect("spoilt");
        let error = read_json::<Vec<i32>>(&path).expect_err("spoilt").to_string();
        assert!(error.contains("is not what assay wrote there"), "{error}");
    }
}

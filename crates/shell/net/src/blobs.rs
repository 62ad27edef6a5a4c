//! A folder of blobs, each under the BLAKE3 hash of its bytes.
//!
//! A blob is the file `blobs/xx/HASH` where `xx` are the first two digits of `HASH`. It is written
//! beside its place, synced, renamed, and its folder synced, so a name that exists is a whole file
//! even after a crash.
//!
//! Invariant: [`Store::get`] returns bytes that hash to the name they were asked by, or none. What
//! is on the disk is verified on every read; a cut or altered file is reported and never returned.
//!
//! Absent: an index (the folder is it), quotas, and any lock. Two processes may share a folder:
//! both write the same bytes under the same name.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use thiserror::Error;

use crate::{Hash32, limits::BLOB_SIZE_MAX};

/// Numbers this process's unfinished files, so that two writers never share one.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

/// Why a blob could not be kept or read.
#[derive(Debug, Error)]
pub enum BlobError {
    /// The file system said no: a full disk, missing rights, a missing folder.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there and its bytes are not those it is named after.
    #[error("the blob file {} is damaged: its bytes do not hash to its name", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// More bytes than a blob may have.
    #[error("a blob of {size} bytes, at most {size_max} are allowed")]
    TooLarge {
        /// How many there are.
        size: usize,
        /// How many there may be.
        size_max: usize,
    },
}

/// Returns the name of a blob: the BLAKE3 hash of its bytes.
pub fn hash(bytes: &[u8]) -> Hash32 {
    *blake3::hash(bytes).as_bytes()
}

/// Blobs on disk, below one folder. Cloning it opens nothing anew.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens the blobs below `dir`, in its folder `blobs`, and creates that if need be.
    ///
    /// # Errors
    ///
    /// [`BlobError::Io`] if the folder cannot be made.
    pub fn open(dir: &Path) -> Result<Store, BlobError> {
        let root = dir.join("blobs");
        let unfinished = root.join("unfinished");
        fs::create_dir_all(&unfinished).map_err(io("create", &unfinished))?;
        Ok(Store { root })
    }

    /// Keeps `bytes` and returns their hash. What is there already, undamaged, is not written
    /// again.
    ///
    /// When this returns, the blob survives a crash.
    ///
    /// # Errors
    ///
    /// [`BlobError::TooLarge`] above [`BLOB_SIZE_MAX`]; [`BlobError::Io`] if it cannot be written,
    /// and then nothing is left behind.
    pub fn put(&self, bytes: &[u8]) -> Result<Hash32, BlobError> {
        if bytes.len() > BLOB_SIZE_MAX {
            return Err(BlobError::TooLarge { size: bytes.len(), size_max: BLOB_SIZE_MAX });
        }
        let hash = hash(bytes);
        if matches!(self.get(&hash), Ok(Some(_))) {
            return Ok(hash);
        }
        let path = self.path(&hash);
        let folder = path.parent().expect("a blob lies in a folder named after its first digits");
        fs::create_dir_all(folder).map_err(io("create", folder))?;
        let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
        let unfinished =
            self.root.join("unfinished").join(format!("{}-{number}", std::process::id()));
        let written = write_synced(&unfinished, bytes)
            .map_err(io("write", &unfinished))
            .and_then(|()| fs::rename(&unfinished, &path).map_err(io("rename", &path)));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written?;
        sync_folder(folder).map_err(io("sync", folder))?;
        sync_folder(&self.root).map_err(io("sync", &self.root))?;
        Ok(hash)
    }

    /// Returns the blob, or nothing if it is not here.
    ///
    /// # Errors
    ///
    /// [`BlobError::Corrupt`] if the file was cut or altered; [`BlobError::Io`] if it cannot be
    /// read.
    pub fn get(&self, hash: &Hash32) -> Result<Option<Vec<u8>>, BlobError> {
        let path = self.path(hash);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io("open", &path)(error)),
        };
        let mut bytes = Vec::new();
        // One byte more than a blob may have shows that the file is none.
        file.take(BLOB_SIZE_MAX as u64 + 1).read_to_end(&mut bytes).map_err(io("read", &path))?;
        if self::hash(&bytes) != *hash {
            return Err(BlobError::Corrupt { path });
        }
        Ok(Some(bytes))
    }

    /// Returns whether a file of that name is here, without reading it.
    pub fn has(&self, hash: &Hash32) -> bool {
        self.path(hash).is_file()
    }

    /// Forgets the blob; one that is not here is forgotten already.
    ///
    /// # Errors
    ///
    /// [`BlobError::Io`] if the file is there and cannot be removed.
    pub fn remove(&self, hash: &Hash32) -> Result<(), BlobError> {
        let path = self.path(hash);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(io("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Returns the hashes of the blobs that are here, ascending, unverified.
    ///
    /// # Errors
    ///
    /// [`BlobError::Io`] if a folder cannot be listed.
    pub fn list(&self) -> Result<Vec<Hash32>, BlobError> {
        let mut found = Vec::new();
        for folder in entries(&self.root)? {
            if !folder.is_dir() {
                continue;
            }
            for file in entries(&folder)? {
                let mut hash = [0; 32];
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                if hex::decode_to_slice(name.as_bytes(), &mut hash).is_ok() {
                    found.push(hash);
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Removes what an earlier process left unfinished when it was killed.
    ///
    /// Only whoever owns the folder may call it, before anybody writes.
    ///
    /// # Errors
    ///
    /// [`BlobError::Io`] if a file cannot be removed.
    pub fn sweep(&self) -> Result<(), BlobError> {
        for path in entries(&self.root.join("unfinished"))? {
            fs::remove_file(&path).map_err(io("remove", &path))?;
        }
        Ok(())
    }

    /// Returns where the blob is kept.
    pub fn path(&self, hash: &Hash32) -> PathBuf {
        let name = hex::encode(hash);
        self.root.join(&name[..2]).join(&name)
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    move |source| BlobError::Io { action, path: path.to_owned(), source }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, BlobError> {
    let listing = fs::read_dir(folder).map_err(io("list", folder))?;
    listing.map(|entry| entry.map(|entry| entry.path()).map_err(io("list", folder))).collect()
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename durable. Where folders cannot be opened as files, the rename alone must do.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("the system has a place for temporary files");
        let store = Store::open(dir.path()).expect("a fresh folder can be used");
        (dir, store)
    }

    #[test]
    fn what_is_put_is_got_and_listed() {
        let (dir, store) = store();
        let first = store.put(b"first").expect("there is room");
        let second = store.put(b"second").expect("there is room");
        assert_eq!(store.put(b"first").expect("there is room"), first);
        assert_eq!(store.get(&first).expect("readable"), Some(b"first".to_vec()));
        let mut expected = vec![first, second];
        expected.sort_unstable();
        assert_eq!(store.list().expect("listable"), expected);
        let again = Store::open(dir.path()).expect("a used folder can be opened again");
        assert_eq!(again.get(&second).expect("readable"), Some(b"second".to_vec()));
        again.remove(&second).expect("removable");
        again.remove(&second).expect("removing twice is removing");
        assert!(!store.has(&second));
        assert_eq!(store.get(&second).expect("absence is no error"), None);
    }

    #[test]
    fn the_empty_blob_is_a_blob() {
        let (_dir, store) = store();
        let hash = store.put(b"").expect("there is room");
        assert_eq!(store.get(&hash).expect("readable"), Some(Vec::new()));
    }

    #[test]
    fn a_blob_above_the_limit_is_not_kept() {
        let (_dir, store) = store();
        let bytes = vec![0; BLOB_SIZE_MAX + 1];
        assert!(matches!(store.put(&bytes), Err(BlobError::TooLarge { .. })));
        assert_eq!(store.list().expect("listable"), Vec::<Hash32>::new());
    }

    #[test]
    fn a_damaged_file_is_repaired_by_putting_it_again() {
        let (_dir, store) = store();
        let hash = store.put(b"whole").expect("there is room");
        fs::write(store.path(&hash), b"whol").expect("writable");
        assert!(matches!(store.get(&hash), Err(BlobError::Corrupt { .. })));
        store.put(b"whole").expect("there is room");
        assert_eq!(store.get(&hash).expect("readable"), Some(b"whole".to_vec()));
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let (_dir, store) = store();
        let hash = hash(b"bytes");
        let folder = store.path(&hash).parent().expect("a folder").to_owned();
        fs::write(&folder, b"in the way").expect("writable");
        assert!(matches!(store.put(b"bytes"), Err(BlobError::Io { .. })));
        let unfinished = entries(&store.root.join("unfinished")).expect("listable");
        assert_eq!(unfinished, Vec::<PathBuf>::new());
    }

    #[test]
    fn sweeping_removes_only_the_unfinished() {
        let (_dir, store) = store();
        let hash = store.put(b"kept").expect("there is room");
        let left = store.root.join("unfinished").join("1-1");
        fs::write(&left, b"ke").expect("writable");
        assert_eq!(store.list().expect("listable"), vec![hash]);
        store.sweep().expect("sweepable");
        assert!(!left.exists());
        assert!(store.has(&hash));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Whatever happens to a file, reading it gives the blob or an error, never other bytes.
        #[test]
        fn damage_is_never_returned(
            bytes in proptest::collection::vec(any::<u8>(), 1..200),
            cut in 0usize..400,
            flip in any::<u8>(),
        ) {
            let (_dir, store) = store();
            let hash = store.put(&bytes).expect("there is room");
            let mut damaged = bytes.clone();
            damaged.truncate(cut);
            if let Some(last) = damaged.last_mut() {
                *last ^= flip;
            }
            fs::write(store.path(&hash), &damaged).expect("writable");
            match store.get(&hash) {
                Ok(got) => prop_assert_eq!(got, Some(bytes)),
                Err(BlobError::Corrupt { .. }) => prop_assert_ne!(damaged, bytes),
                Err(other) => prop_assert!(false, "unexpected: {}", other),
            }
        }
    }
}

//! What a node must not forget, in one database in its directory.
//!
//! Two things: the records of the round's machine, in the order they were made, and small values by
//! name. Both are opaque bytes; what they mean is the caller's business.
//!
//! Invariant: what a call has stored when it returns is there after a crash, whole, and what it had
//! not is either whole or absent. One process at a time has the directory.
//!
//! Deliberately absent: blobs and tensors, which are files under their hashes; secrets, which are
//! in [`crate::keys`]; transactions, since the chain says what is still to be sent, but for a
//! challenge ([`crate::challenges`]); and migration, until there is a second format.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use thiserror::Error;

/// The format this program writes and the newest it can read.
pub const FORMAT_VERSION: u32 = 1;

/// How much of the database is kept in memory, in bytes: a node is a small process.
const CACHE_SIZE: usize = 4 * 1024 * 1024;

const FORMAT: TableDefinition<'_, (), u32> = TableDefinition::new("format");
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Why a node's directory cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("the directory {} is in use by another process{}", dir.display(), by(*pid))]
    Busy {
        /// The directory.
        dir: PathBuf,
        /// The process, where it could be told.
        pid: Option<u32>,
    },
    /// A newer program wrote it.
    #[error(
        "the directory {} has format {found}, written by a newer version of this program; \
         this one reads up to {known}",
        dir.display()
    )]
    Newer {
        /// The directory.
        dir: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format this program reads.
        known: u32,
    },
    /// The database is none, or is damaged beyond what a crash can do.
    #[error("the database {} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The file system said no: a full disk, missing rights.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn by(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

/// A node's database, held until it is dropped.
#[derive(Debug)]
pub struct Store {
    database: Database,
    path: PathBuf,
    /// Locked while this lives; the system unlocks it when the process ends, however it ends.
    _lock: Option<File>,
}

impl Store {
    /// Opens the database in `dir`, creating both if need be.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`], [`StoreError::Newer`], [`StoreError::Damaged`] or [`StoreError::Io`],
    /// each with the directory or file in it. Nothing is changed then.
    pub fn open(dir: &Path) -> Result<Store, StoreError> {
        fs::create_dir_all(dir).map_err(io_error("create", dir))?;
        let lock = lock(dir)?;
        let path = dir.join("node.redb");
        if !path.try_exists().map_err(io_error("look for", &path))? {
            create(dir, &path)?;
        }
        Store::prepare(database(&path)?, dir, path, Some(lock))
    }

    /// Makes the tables of a new database, and refuses a newer format before touching an old one.
    fn prepare(
        database: Database,
        dir: &Path,
        path: PathBuf,
        lock: Option<File>,
    ) -> Result<Store, StoreError> {
        let store = Store { database, path, _lock: lock };
        let found = store.read(|read| match read.open_table(FORMAT) {
            Ok(table) => Ok(table.get(())?.map(|found| found.value())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        })?;
        match found {
            Some(FORMAT_VERSION) => {}
            Some(found) if found > FORMAT_VERSION => {
                let (dir, known) = (dir.to_owned(), FORMAT_VERSION);
                return Err(StoreError::Newer { dir, found, known });
            }
            Some(found) => {
                let reason = format!("there never was a format {found}");
                return Err(StoreError::Damaged { path: store.path.clone(), reason });
            }
            None => store.write(|write| {
                write.open_table(RECORDS)?;
                write.open_table(META)?;
                write.open_table(FORMAT)?.insert((), FORMAT_VERSION)?;
                Ok(())
            })?,
        }
        Ok(store)
    }

    /// Keeps one record after all others. It is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be written, and then it is not there.
    pub fn append(&self, record: &[u8]) -> Result<(), StoreError> {
        self.write(|write| append(write, record))
    }

    /// Keeps one record after all others and a value under a name: both or neither.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if they cannot be written, and then neither is.
    pub fn append_with(&self, record: &[u8], name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.write(|write| {
            append(write, record)?;
            write.open_table(META)?.insert(name, value)?;
            Ok(())
        })
    }

    /// Returns all records, in the order they were appended.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database cannot be read.
    pub fn records(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read(|read| {
            let records = read.open_table(RECORDS)?;
            records.iter()?.map(|entry| Ok(entry?.1.value().to_vec())).collect()
        })
    }

    /// Forgets the records that `keep` does not want, all at once.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database cannot be written; then none is forgotten.
    pub fn retain_records(&self, keep: impl Fn(&[u8]) -> bool) -> Result<(), StoreError> {
        self.write(|write| Ok(write.open_table(RECORDS)?.retain(|_, record| keep(record))?))
    }

    /// Returns the value of that name, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database cannot be read.
    pub fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|read| Ok(read.open_table(META)?.get(name)?.map(|value| value.value().to_vec())))
    }

    /// Keeps a value under a name, in place of what was there.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot be written; then what was there is still.
    pub fn set_meta(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.write(|write| {
            write.open_table(META)?.insert(name, value)?;
            Ok(())
        })
    }

    /// Runs `work` in one transaction that is on the disk when this returns, or never was.
    fn write<T>(
        &self,
        work: impl FnOnce(&redb::WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let run = || {
            let write = self.database.begin_write()?;
            let result = work(&write)?;
            write.commit()?;
            Ok(result)
        };
        run().map_err(|error| failed(&self.path, error))
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let run = || work(&self.database.begin_read()?);
        run().map_err(|error| failed(&self.path, error))
    }
}

fn append(write: &redb::WriteTransaction, record: &[u8]) -> Result<(), redb::Error> {
    let mut records = write.open_table(RECORDS)?;
    let next = match records.last()? {
        Some((last, _)) => last.value() + 1,
        None => 0,
    };
    records.insert(next, record)?;
    Ok(())
}

fn failed(path: &Path, error: redb::Error) -> StoreError {
    let path = path.to_owned();
    match error {
        redb::Error::Io(source) if source.kind() == io::ErrorKind::InvalidData => {
            StoreError::Damaged { path, reason: source.to_string() }
        }
        redb::Error::Io(source) => StoreError::Io { action: "use", path, source },
        redb::Error::PreviousIo => {
            let source = io::Error::other("an earlier write failed");
            StoreError::Io { action: "use", path, source }
        }
        other => StoreError::Damaged { path, reason: other.to_string() },
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}

fn database(path: &Path) -> Result<Database, StoreError> {
    redb::Builder::new()
        .set_cache_size(CACHE_SIZE)
        .create(path)
        .map_err(|error| failed(path, redb::Error::from(error)))
}

/// Makes a database under another name first: a process killed over it leaves half a file, which
/// could not be told from a damaged one.
fn create(dir: &Path, path: &Path) -> Result<(), StoreError> {
    let beside = dir.join("node.redb.new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(io_error("remove", &beside)(error));
        }
        _ => {}
    }
    drop(Store::prepare(database(&beside)?, dir, beside.clone(), None)?);
    fs::rename(&beside, path).map_err(io_error("rename", &beside))?;
    if cfg!(unix) {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_error("sync", dir))?;
    }
    Ok(())
}

/// Takes the directory for this process and writes its id where the next one can read it.
fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(io_error("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(StoreError::Busy { dir: dir.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(io_error("write", &path))?;
    Ok(file)
}

#[cfg(test)]
mod tests;

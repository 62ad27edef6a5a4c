//! The embedded chain on disk: one redb file in which every block and its state changes are one
//! commit.
//!
//! Invariant: after a process dies at any instant the file holds some prefix of the blocks it had
//! told anybody about, whole, with the state exactly after the last of them, and every block whose
//! receipt was served is in that prefix. A transaction that was not mined yet is the only thing
//! that can be lost.
//!
//! Deliberately absent: pruning, old states, and any read in the path of execution (the state is in
//! memory).

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use alloy::{
    consensus::Header,
    primitives::{Address, B256, U256},
    rlp::{Decodable, Encodable},
};
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, Table, TableDefinition,
    WriteTransaction,
};
use thiserror::Error;

use super::{
    record::{Block, Mined},
    world::{AccountDiff, Diff, Plain, World},
};

/// Version of the layout below; a file with a larger one was written by a newer program.
pub(crate) const FORMAT: u64 = 1;

/// The file, once it is whole.
const FILE: &str = "chain.redb";
const FILE_IN_THE_MAKING: &str = "chain.redb.new";

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const ACCOUNTS: TableDefinition<'_, [u8; 20], &[u8]> = TableDefinition::new("accounts");
const STORAGE: TableDefinition<'_, [u8; 52], [u8; 32]> = TableDefinition::new("storage");
const CODES: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("codes");
const HEADERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("headers");
const NUMBERS: TableDefinition<'_, [u8; 32], u64> = TableDefinition::new("numbers");
/// Bodies of the blocks that have transactions; a range scan skips all others.
const BODIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("bodies");
const TRANSACTIONS: TableDefinition<'_, [u8; 32], (u64, u32)> =
    TableDefinition::new("transactions");

/// Why the chain's file cannot be opened, read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has the directory.
    #[error("{} is in use by another process", dir.display())]
    InUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// A newer program wrote it.
    #[error(
        "{} was written by a newer version of this program (format {got}, this one reads up to \
         {known})",
        dir.display()
    )]
    Newer {
        /// The data directory.
        dir: PathBuf,
        /// Format found.
        got: u64,
        /// Newest format this program reads.
        known: u64,
    },
    /// It belongs to another chain.
    #[error("{} holds chain {got}, not chain {expected}", dir.display())]
    OtherChain {
        /// The data directory.
        dir: PathBuf,
        /// Chain id found.
        got: u64,
        /// Chain id asked for.
        expected: u64,
    },
    /// No room is left on the disk.
    #[error("the disk that holds {} is full; nothing that was mined is lost", dir.display())]
    Full {
        /// The data directory.
        dir: PathBuf,
    },
    /// The operating system refused a file operation.
    #[error("cannot use {}: {source}", dir.display())]
    Io {
        /// The data directory.
        dir: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The file's content makes no sense.
    #[error("the chain's file in {} is damaged: {detail}", dir.display())]
    Damaged {
        /// The data directory.
        dir: PathBuf,
        /// What was found.
        detail: String,
    },
}

/// The open file, locked for this process.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    database: Option<Database>,
    /// Held for as long as the store lives; nothing while the file is made.
    _lock: Option<File>,
}

/// What a store contains when it is opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) world: World,
    /// The last block, or nothing in a fresh directory.
    pub(crate) head: Option<Header>,
    /// The port it was last served on.
    pub(crate) port: Option<u16>,
}

impl Store {
    /// Opens or creates the chain in `dir` and loads its state.
    pub(crate) fn open(dir: &Path, chain_id: u64) -> Result<Opened, StoreError> {
        let lock = lock(dir)?;
        let io = |source| StoreError::Io { dir: dir.to_owned(), source };
        if !dir.join(FILE).try_exists().map_err(io)? {
            Self::create(dir, chain_id)?;
        }
        let database = open_database(dir, FILE)?;
        let store = Self { dir: dir.to_owned(), database: Some(database), _lock: Some(lock) };
        store.prepare(chain_id)?;
        let (world, head) = store.state()?;
        let port = store.meta("port")?.and_then(|port| u16::try_from(port).ok());
        Ok(Opened { store, world, head, port })
    }

    /// Makes the file under another name first: a process killed over it leaves half a file, which
    /// could not be told from a damaged one.
    fn create(dir: &Path, chain_id: u64) -> Result<(), StoreError> {
        let io = |source| StoreError::Io { dir: dir.to_owned(), source };
        let beside = dir.join(FILE_IN_THE_MAKING);
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let database = open_database(dir, FILE_IN_THE_MAKING)?;
        let store = Self { dir: dir.to_owned(), database: Some(database), _lock: None };
        store.prepare(chain_id)?;
        drop(store);
        File::open(&beside).and_then(|file| file.sync_all()).map_err(io)?;
        fs::rename(&beside, dir.join(FILE)).map_err(io)?;
        if cfg!(unix) {
            File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)?;
        }
        Ok(())
    }

    /// Opens the file again after a failed write, which leaves the open one unusable.
    pub(crate) fn reopen(&mut self) -> Result<(), StoreError> {
        self.database = None;
        self.database = Some(open_database(&self.dir, FILE)?);
        Ok(())
    }

    /// Puts the file on another backend.
    #[cfg(test)]
    pub(crate) fn replace_backend(&mut self, backend: impl redb::StorageBackend) {
        self.database = None;
        let database = redb::Builder::new().create_with_backend(backend);
        self.database = Some(database.expect("the backend works when it is put in"));
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.database
            .as_ref()
            .ok_or_else(|| self.damaged("a write failed and it is not open again"))
    }

    fn damaged(&self, detail: impl ToString) -> StoreError {
        StoreError::Damaged { dir: self.dir.clone(), detail: detail.to_string() }
    }

    fn prepare(&self, chain_id: u64) -> Result<(), StoreError> {
        let format = self.write(|write| {
            let mut meta = write.open_table(META)?;
            let found = meta.get("format")?.map(|value| value.value());
            if found.is_some_and(|format| format > FORMAT) {
                return Ok(found);
            }
            if found.is_none() {
                meta.insert("format", FORMAT)?;
                meta.insert("chain", chain_id)?;
            }
            write.open_table(ACCOUNTS)?;
            write.open_table(STORAGE)?;
            write.open_table(CODES)?;
            write.open_table(HEADERS)?;
            write.open_table(NUMBERS)?;
            write.open_table(BODIES)?;
            write.open_table(TRANSACTIONS)?;
            Ok(found)
        })?;
        if let Some(got) = format.filter(|format| *format > FORMAT) {
            return Err(StoreError::Newer { dir: self.dir.clone(), got, known: FORMAT });
        }
        let got = self.meta("chain")?.unwrap_or_default();
        if got != chain_id {
            return Err(StoreError::OtherChain { dir: self.dir.clone(), got, expected: chain_id });
        }
        Ok(())
    }

    fn meta(&self, key: &str) -> Result<Option<u64>, StoreError> {
        self.read(|read| Ok(read.open_table(META)?.get(key)?.map(|value| value.value())))
    }

    pub(crate) fn set_port(&self, port: u16) -> Result<(), StoreError> {
        self.write(|write| {
            write.open_table(META)?.insert("port", u64::from(port))?;
            Ok(())
        })
    }

    /// Loads the state and the last block.
    pub(crate) fn state(&self) -> Result<(World, Option<Header>), StoreError> {
        let diff = self.read(|read| {
            let mut diff = Diff::default();
            for row in read.open_table(CODES)?.iter()? {
                let (hash, code) = row?;
                diff.codes.insert(hash.value().into(), code.value().to_vec().into());
            }
            for row in read.open_table(ACCOUNTS)?.iter()? {
                let (address, plain) = row?;
                let plain: Option<Plain> = postcard::from_bytes(plain.value()).ok();
                let change = AccountDiff { plain, ..AccountDiff::default() };
                diff.accounts.insert(Address::from(address.value()), change);
            }
            for row in read.open_table(STORAGE)?.iter()? {
                let (key, value) = row?;
                let (address, slot) = split_slot_key(&key.value());
                let change = diff.accounts.entry(address).or_default();
                change.storage.insert(slot, U256::from_be_bytes(value.value()));
            }
            Ok(diff)
        })?;
        if diff.accounts.values().any(|change| change.plain.is_none()) {
            return Err(self.damaged("an account cannot be decoded"));
        }
        let mut world = World::default();
        world.apply(diff);
        let last = self
            .read(|read| Ok(read.open_table(HEADERS)?.last()?.map(|(number, _)| number.value())))?;
        let mut head = None;
        if let Some(last) = last {
            let first = last.saturating_sub(super::world::HASHES_KEPT - 1);
            for number in first..=last {
                let header =
                    self.header(number)?.ok_or_else(|| self.damaged("a block is missing"))?;
                world.remember(number, header.hash_slow());
                head = Some(header);
            }
        }
        Ok((world, head))
    }

    /// Writes a block and its state changes, all or nothing, and returns once they are durable.
    pub(crate) fn commit(&self, block: &Block, diff: &Diff) -> Result<(), StoreError> {
        self.write(|write| {
            write_state(write, diff)?;
            let number = block.header.number;
            let mut header = Vec::new();
            block.header.encode(&mut header);
            write.open_table(HEADERS)?.insert(number, header.as_slice())?;
            write.open_table(NUMBERS)?.insert(block.hash.0, number)?;
            if block.body.is_empty() {
                return Ok(());
            }
            let body = postcard::to_stdvec(&block.body).expect("a body has no unserialisable part");
            write.open_table(BODIES)?.insert(number, body.as_slice())?;
            let mut transactions = write.open_table(TRANSACTIONS)?;
            for (index, mined) in (0u32..).zip(&block.body) {
                transactions.insert(mined.hash.0, (number, index))?;
            }
            Ok(())
        })
    }

    fn header(&self, number: u64) -> Result<Option<Header>, StoreError> {
        let bytes = self.read(|read| {
            Ok(read.open_table(HEADERS)?.get(number)?.map(|bytes| bytes.value().to_vec()))
        })?;
        let Some(bytes) = bytes else { return Ok(None) };
        Header::decode(&mut bytes.as_slice())
            .map(Some)
            .map_err(|error| self.damaged(format!("block {number}: {error}")))
    }

    pub(crate) fn block(&self, number: u64) -> Result<Option<Block>, StoreError> {
        let Some(header) = self.header(number)? else { return Ok(None) };
        let bytes = self.read(|read| {
            Ok(read.open_table(BODIES)?.get(number)?.map(|bytes| bytes.value().to_vec()))
        })?;
        let body = match bytes {
            Some(bytes) => self.body(number, &bytes)?,
            None => Vec::new(),
        };
        Ok(Some(Block { hash: header.hash_slow(), header, body }))
    }

    fn body(&self, number: u64, bytes: &[u8]) -> Result<Vec<Mined>, StoreError> {
        postcard::from_bytes(bytes)
            .map_err(|error| self.damaged(format!("block {number}: {error}")))
    }

    pub(crate) fn number_of(&self, hash: B256) -> Result<Option<u64>, StoreError> {
        self.read(|read| Ok(read.open_table(NUMBERS)?.get(hash.0)?.map(|number| number.value())))
    }

    /// Returns where a mined transaction stands: block and index.
    pub(crate) fn place_of(&self, hash: B256) -> Result<Option<(u64, usize)>, StoreError> {
        let place = self.read(|read| {
            Ok(read.open_table(TRANSACTIONS)?.get(hash.0)?.map(|place| place.value()))
        })?;
        Ok(place.map(|(number, index)| (number, index as usize)))
    }

    /// Returns the numbers in `from..=to` of the blocks that have transactions.
    pub(crate) fn busy(&self, from: u64, to: u64) -> Result<Vec<u64>, StoreError> {
        self.read(|read| {
            let bodies = read.open_table(BODIES)?;
            let mut numbers = Vec::new();
            if from <= to {
                for row in bodies.range(from..=to)? {
                    numbers.push(row?.0.value());
                }
            }
            Ok(numbers)
        })
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let database = self.database()?;
        let run = || work(&database.begin_read()?);
        run().map_err(|error| sentence(&self.dir, error))
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let database = self.database()?;
        let run = || {
            let write = database.begin_write()?;
            let value = work(&write)?;
            write.commit()?;
            Ok(value)
        };
        run().map_err(|error| sentence(&self.dir, error))
    }
}

fn write_state(write: &WriteTransaction, diff: &Diff) -> Result<(), redb::Error> {
    let mut codes = write.open_table(CODES)?;
    for (hash, code) in &diff.codes {
        codes.insert(hash.0, code.as_ref())?;
    }
    let mut accounts = write.open_table(ACCOUNTS)?;
    let mut storage = write.open_table(STORAGE)?;
    for (address, change) in &diff.accounts {
        if change.wiped || change.plain.is_none() {
            wipe(&mut storage, *address)?;
        }
        match &change.plain {
            None => {
                accounts.remove(address.into_array())?;
            }
            Some(plain) => {
                let bytes = postcard::to_stdvec(plain).expect("an account is plain numbers");
                accounts.insert(address.into_array(), bytes.as_slice())?;
            }
        }
        for (slot, value) in &change.storage {
            let key = slot_key(*address, *slot);
            if value.is_zero() {
                storage.remove(key)?;
            } else {
                storage.insert(key, value.to_be_bytes::<32>())?;
            }
        }
    }
    Ok(())
}

fn wipe(storage: &mut Table<'_, [u8; 52], [u8; 32]>, address: Address) -> Result<(), redb::Error> {
    let range = slot_key(address, U256::ZERO)..=slot_key(address, U256::MAX);
    storage.retain_in(range, |_, _| false)?;
    Ok(())
}

fn slot_key(address: Address, slot: U256) -> [u8; 52] {
    let mut key = [0; 52];
    key[..20].copy_from_slice(address.as_slice());
    key[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

fn split_slot_key(key: &[u8; 52]) -> (Address, U256) {
    (Address::from_slice(&key[..20]), U256::from_be_slice(&key[20..]))
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let io = |source| StoreError::Io { dir: dir.to_owned(), source };
    fs::create_dir_all(dir).map_err(io)?;
    let path = dir.join("lock");
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

fn open_database(dir: &Path, name: &str) -> Result<Database, StoreError> {
    Database::create(dir.join(name)).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { dir: dir.to_owned() },
        other => sentence(dir, other.into()),
    })
}

fn sentence(dir: &Path, error: redb::Error) -> StoreError {
    let dir = dir.to_owned();
    match error {
        redb::Error::Io(source) if source.kind() == io::ErrorKind::StorageFull => {
            StoreError::Full { dir }
        }
        redb::Error::Io(source) if source.kind() != io::ErrorKind::InvalidData => {
            StoreError::Io { dir, source }
        }
        other => StoreError::Damaged { dir, detail: other.to_string() },
    }
}

#[cfg(test)]
pub(crate) mod tests_support {
    use super::*;

    /// Rewrites the format version of a closed file.
    pub(crate) fn set_format(dir: &Path, format: u64) {
        let database = open_database(dir, FILE).expect("the file is closed");
        let write = database.begin_write().expect("a transaction");
        let mut meta = write.open_table(META).expect("the table");
        meta.insert("format", format).expect("a write");
        drop(meta);
        write.commit().expect("a commit");
    }
}

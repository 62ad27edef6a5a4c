//! The store in order, in use by another, and after a crash at every point.

use std::sync::{Arc, Mutex};

use redb::{Database, StorageBackend};

use super::*;

fn fresh() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("the system has a place for temporary files");
    let store = Store::open(dir.path()).expect("a fresh directory can be used");
    (dir, store)
}

#[test]
fn records_and_values_survive_reopening() {
    let (dir, store) = fresh();
    for record in [b"one".as_slice(), b"", b"three"] {
        store.append(record).expect("there is room");
    }
    store.set_meta("residual", b"old").expect("there is room");
    store.set_meta("residual", b"new").expect("there is room");
    drop(store);
    let store = Store::open(dir.path()).expect("the directory is free again");
    let records = store.records().expect("readable");
    assert_eq!(records, [b"one".to_vec(), Vec::new(), b"three".to_vec()]);
    assert_eq!(store.meta("residual").expect("readable"), Some(b"new".to_vec()));
    assert_eq!(store.meta("nothing").expect("readable"), None);
}

#[test]
fn forgotten_records_leave_the_others_in_order() {
    let (_dir, store) = fresh();
    for byte in 0..10u8 {
        store.append(&[byte]).expect("there is room");
    }
    store.retain_records(|record| record[0] % 3 == 0).expect("writable");
    store.append(&[10]).expect("there is room");
    let records = store.records().expect("readable").concat();
    assert_eq!(records, [0, 3, 6, 9, 10]);
}

#[test]
fn a_second_opening_names_the_process() {
    let (dir, store) = fresh();
    let error = Store::open(dir.path()).expect_err("the directory is taken");
    let pid = std::process::id();
    let expected =
        format!("the directory {} is in use by another process (pid {pid})", dir.path().display());
    assert_eq!(error.to_string(), expected);
    drop(store);
    Store::open(dir.path()).expect("the directory is free again");
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let (dir, store) = fresh();
    store.append(b"kept").expect("there is room");
    store
        .write(|write| {
            write.open_table(FORMAT)?.insert((), FORMAT_VERSION + 1)?;
            Ok(())
        })
        .expect("writable");
    drop(store);
    let error = Store::open(dir.path()).expect_err("the format is newer");
    let StoreError::Newer { found, known, .. } = error else { panic!("{error}") };
    assert_eq!((found, known), (FORMAT_VERSION + 1, FORMAT_VERSION));
}

#[test]
fn a_file_that_is_no_database_is_damaged() {
    let dir = tempfile::tempdir().expect("the system has a place for temporary files");
    fs::write(dir.path().join("node.redb"), [7; 5000]).expect("writable");
    let error = Store::open(dir.path()).expect_err("the file is rubbish");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_process_killed_over_its_first_start_starts_again() {
    let dir = tempfile::tempdir().expect("the system has a place for temporary files");
    fs::write(dir.path().join("node.redb.new"), [0; 100]).expect("writable");
    let store = Store::open(dir.path()).expect("half a database is made anew");
    store.append(b"record").expect("there is room");
    assert!(!dir.path().join("node.redb.new").exists());
}

/// A disk that keeps what was written apart from what was synced, and dies after so many calls.
#[derive(Clone, Debug)]
struct Disk(Arc<Mutex<Platters>>);

#[derive(Debug, Default)]
struct Platters {
    live: Vec<u8>,
    synced: Vec<u8>,
    calls_left: usize,
}

impl Disk {
    fn holding(bytes: Vec<u8>, calls_left: usize) -> Disk {
        Disk(Arc::new(Mutex::new(Platters { live: bytes.clone(), synced: bytes, calls_left })))
    }

    fn change(&self, change: impl FnOnce(&mut Platters)) -> io::Result<()> {
        let mut platters = self.0.lock().expect("no test thread panics with the disk in hand");
        let left = platters.calls_left.checked_sub(1);
        platters.calls_left = left.ok_or_else(|| io::Error::other("the power is out"))?;
        change(&mut platters);
        Ok(())
    }

    /// What a machine finds after the power is back, if nothing unsynced made it.
    fn survived(&self) -> Vec<u8> {
        self.0.lock().expect("no test thread panics with the disk in hand").synced.clone()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().expect("whole").live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).expect("the disk is small");
        let platters = self.0.lock().expect("whole");
        let bytes = platters.live.get(at..at + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).expect("the disk is small");
        self.change(|platters| platters.live.resize(len, 0))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|platters| platters.synced = platters.live.clone())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).expect("the disk is small");
        self.change(|platters| platters.live[at..at + data.len()].copy_from_slice(data))
    }
}

fn open_on(disk: &Disk) -> Result<Store, StoreError> {
    let path = PathBuf::from("disk");
    let database = Database::builder()
        .create_with_backend(disk.clone())
        .map_err(|error| failed(&path, redb::Error::from(error)))?;
    Store::prepare(database, Path::new("dir"), path, None)
}

/// Appends records, each with their number as a value, until the power goes out; returns the
/// records that were acknowledged.
fn work(disk: &Disk) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let Ok(store) = open_on(disk) else { return records };
    for turn in 0u64.. {
        let record = vec![u8::try_from(turn % 251).expect("below 251"); 700];
        if store.append_with(&record, "count", &(turn + 1).to_le_bytes()).is_err() {
            break;
        }
        records.push(record);
    }
    records
}

/// The power goes out after every number of disk operations; nothing acknowledged is ever lost,
/// what is there beyond it is the one call that was under way, and no call is there by half.
#[test]
fn whatever_was_acknowledged_survives_a_crash_at_any_point() {
    let mut acknowledged = 0;
    let formatted = Disk::holding(Vec::new(), usize::MAX);
    drop(open_on(&formatted).expect("an empty disk can be used"));
    for calls in (0..120).chain([200, 333]) {
        let disk = Disk::holding(formatted.survived(), calls);
        let records = work(&disk);
        let after = Disk::holding(disk.survived(), usize::MAX);
        let store = open_on(&after).expect("what a crash leaves can be opened");
        let found = store.records().expect("readable");
        assert!(found.starts_with(&records), "an acknowledged record is gone after {calls} calls");
        assert!(found.len() <= records.len() + 1);
        let count = store.meta("count").expect("readable");
        let count = count.map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")));
        assert_eq!(count.unwrap_or(0), found.len() as u64, "half a call after {calls} calls");
        acknowledged += records.len();
    }
    assert!(acknowledged > 100, "the disk died too early to show anything");
}

/// A write that fails is one clear sentence, and what was there before is there still.
#[test]
fn a_full_disk_loses_nothing() {
    let disk = Disk::holding(Vec::new(), usize::MAX);
    let store = open_on(&disk).expect("an empty disk can be used");
    store.append(b"before").expect("there is room");
    disk.0.lock().expect("whole").calls_left = 0;
    let error = store.append(b"after").expect_err("the disk takes nothing");
    assert!(error.to_string().starts_with("cannot use disk: "), "{error}");
    drop(store);
    let after = Disk::holding(disk.survived(), usize::MAX);
    let store = open_on(&after).expect("what is left can be opened");
    assert_eq!(store.records().expect("readable"), [b"before".to_vec()]);
}

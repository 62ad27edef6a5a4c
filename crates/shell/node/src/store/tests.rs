//! The store in order, in use by another, and after a crash at every point.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

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

#[test]
fn one_intent_has_one_transaction() {
    let (dir, store) = fresh();
    store.promise("round 1 commit", 4, b"first").expect("there is room");
    store.promise("round 1 commit", 4, b"first").expect("the same bytes");
    let other = store.promise("round 1 commit", 4, b"second");
    assert!(matches!(other, Err(StoreError::Promised { .. })));
    store.promise("round 1 reveal", 5, b"reveal").expect("another intent");
    assert_eq!(store.next_nonce(2).expect("readable"), 6);
    assert_eq!(store.next_nonce(9).expect("readable"), 9);
    store.deliver("round 1 reveal", Delivery::Sent).expect("promised");
    store.deliver("round 1 commit", Delivery::Mined { block: 7 }).expect("promised");
    drop(store);
    let store = Store::open(dir.path()).expect("the directory is free again");
    let waiting = store.undelivered().expect("readable");
    let expected = Outgoing {
        intent: "round 1 reveal".to_owned(),
        nonce: 5,
        raw: b"reveal".to_vec(),
        delivery: Delivery::Sent,
    };
    assert_eq!(waiting, [expected]);
    let mined = store.promised("round 1 commit").expect("readable").expect("promised");
    assert_eq!((mined.delivery, mined.raw), (Delivery::Mined { block: 7 }, b"first".to_vec()));
    store.retract("round 1 commit").expect("promised");
    store.promise("round 1 commit", 8, b"second").expect("the first is forgotten");
    let unknown = store.deliver("round 2 commit", Delivery::Sent);
    assert!(matches!(unknown, Err(StoreError::NotPromised { .. })));
    assert!(matches!(store.retract("round 2 commit"), Err(StoreError::NotPromised { .. })));
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

/// Appends, promises and sets values until the power goes out; returns what was acknowledged.
fn work(disk: &Disk) -> (Vec<Vec<u8>>, BTreeMap<String, u64>) {
    let (mut records, mut values) = (Vec::new(), BTreeMap::new());
    let Ok(store) = open_on(disk) else { return (records, values) };
    for turn in 0u64.. {
        let record = vec![u8::try_from(turn % 251).expect("below 251"); 700];
        if store.append(&record).is_err() {
            break;
        }
        records.push(record);
        let intent = format!("turn {}", turn / 2);
        match store.promise(&intent, turn, &turn.to_le_bytes()) {
            Ok(()) => drop(values.insert(intent, turn)),
            Err(StoreError::Promised { .. }) => {}
            Err(_) => break,
        }
    }
    (records, values)
}

/// The power goes out after every number of disk operations; nothing acknowledged is ever lost, and
/// what is there beyond it is the one call that was under way.
#[test]
fn whatever_was_acknowledged_survives_a_crash_at_any_point() {
    let mut acknowledged = 0;
    let formatted = Disk::holding(Vec::new(), usize::MAX);
    drop(open_on(&formatted).expect("an empty disk can be used"));
    for calls in (0..120).chain([200, 333]) {
        let disk = Disk::holding(formatted.survived(), calls);
        let (records, values) = work(&disk);
        let after = Disk::holding(disk.survived(), usize::MAX);
        let store = open_on(&after).expect("what a crash leaves can be opened");
        let found = store.records().expect("readable");
        assert!(found.starts_with(&records), "an acknowledged record is gone after {calls} calls");
        assert!(found.len() <= records.len() + 1);
        for (intent, turn) in &values {
            let kept = store.promised(intent).expect("readable").expect("acknowledged");
            assert_eq!(kept.raw, turn.to_le_bytes());
        }
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

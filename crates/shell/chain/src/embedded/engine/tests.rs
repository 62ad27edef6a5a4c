//! A disk that fills up at any write of a block: the block is there or it is not, and the chain
//! goes on.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::Encodable2718,
    network::TxSignerSync,
    primitives::TxKind,
    signers::local::PrivateKeySigner,
};
use redb::{StorageBackend, backends::FileBackend};

use super::{super::store, *};

const CHAIN_ID: u64 = 5;

/// A file that takes `left` more writes.
#[derive(Debug)]
struct FillingDisk {
    file: FileBackend,
    left: Arc<AtomicI64>,
}

impl FillingDisk {
    fn open(dir: &Path, left: Arc<AtomicI64>) -> Self {
        let file: io::Result<File> =
            OpenOptions::new().read(true).write(true).open(dir.join("chain.redb"));
        let file = FileBackend::new(file.expect("the store made it")).expect("it is free");
        Self { file, left }
    }

    fn spend(&self) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Ok(());
        }
        Err(io::Error::from(io::ErrorKind::StorageFull))
    }
}

impl StorageBackend for FillingDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.spend()?;
        self.file.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.spend()?;
        self.file.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

fn signer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("it is a key")
}

fn transfer(engine: &mut Engine, nonce: u64) {
    let mut tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(Address::repeat_byte(9)),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    let signature = signer().sign_transaction_sync(&mut tx).expect("it signs");
    let raw = TxEnvelope::from(tx.into_signed(signature)).encoded_2718();
    let waiting = Waiting::decode(&raw.into(), &engine.limits()).expect("it decodes");
    engine.submit(waiting).expect("it is taken");
}

fn engine(dir: &Path) -> Engine {
    let opened = Store::open(dir, CHAIN_ID).expect("the directory is free");
    let funded = [(signer().address(), U256::from(10).pow(U256::from(20)))];
    Engine::start(opened, CHAIN_ID, 1, &funded).expect("it starts")
}

#[test]
fn a_disk_that_fills_up_loses_nothing() {
    let mut failures = 0;
    for writes in 0.. {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut engine = engine(dir.path());
        transfer(&mut engine, 0);
        engine.mine().expect("the disk has room");
        let left = Arc::new(AtomicI64::new(i64::MAX));
        engine.store.replace_backend(FillingDisk::open(dir.path(), left.clone()));
        let before = (engine.head.number, engine.head_hash);

        left.store(writes, Ordering::Relaxed);
        transfer(&mut engine, 1);
        let mined = engine.mine();
        left.store(i64::MAX, Ordering::Relaxed);
        let done = mined.is_ok();
        if let Err(error) = mined {
            assert!(matches!(error, StoreError::Full { .. }), "{error}");
            assert_eq!((engine.head.number, engine.head_hash), before);
            assert!(engine.fault.is_some());
            engine.mine().expect("there is room again");
            assert!(engine.fault.is_none());
            failures += 1;
        }
        assert_eq!(engine.world.plain(Address::repeat_byte(9)).balance, U256::from(2));
        assert_eq!(engine.world.plain(signer().address()).nonce, 2);
        assert!(engine.pool.is_empty());
        let head = (engine.head.number, engine.head_hash);
        drop(engine);
        let again = self::engine(dir.path());
        assert_eq!((again.head.number, again.head_hash), head);
        assert_eq!(again.world.plain(Address::repeat_byte(9)).balance, U256::from(2));
        if done {
            break;
        }
    }
    assert!(failures > 3, "a commit is several writes, {failures} failed");
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let head = engine(dir.path()).head_hash;
    store::tests_support::set_format(dir.path(), 99);
    let error = Store::open(dir.path(), CHAIN_ID).expect_err("it is newer");
    assert!(matches!(error, StoreError::Newer { got: 99, .. }), "{error}");
    assert!(error.to_string().contains("newer version of this program"), "{error}");
    store::tests_support::set_format(dir.path(), store::FORMAT);
    assert_eq!(engine(dir.path()).head_hash, head);
}

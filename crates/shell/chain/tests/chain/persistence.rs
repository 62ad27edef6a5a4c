//! What survives: a process that dies, a file that is cut, a directory that is taken.
//!
//! A killed process leaves its files as they were at some instant, so a copy of the directory of a
//! running chain stands for it.

use std::{fs, path::Path};

use alloy::{eips::BlockNumberOrTag, primitives::B256};
use chain::{
    Client,
    embedded::{Config, Server, StartError, StoreError},
};

use crate::fixture::{CHAIN_ID, config, connect, deployed, ether, key, setup, start};

async fn hashes(client: &Client) -> Vec<B256> {
    let last = client.block_number().await.expect("an answer");
    let mut hashes = Vec::new();
    for number in 0..=last {
        let block = client.block(BlockNumberOrTag::Number(number)).await.expect("an answer");
        let header = block.expect("the block").header;
        assert_eq!(header.hash, header.inner.hash_slow());
        if let Some(parent) = hashes.last() {
            assert_eq!(header.inner.parent_hash, *parent);
        }
        hashes.push(header.hash);
    }
    hashes
}

fn copy(from: &Path, to: &Path) {
    fs::copy(from.join("chain.redb"), to.join("chain.redb")).expect("a copy");
}

#[tokio::test]
async fn a_restart_continues_with_the_same_blocks_state_and_port() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = start(dir.path()).await;
    let url = server.url();
    let (client, deployment) = deployed(&url).await;
    client.pay(key(9).address(), ether(3)).await.expect("the transfer is mined");
    let before = hashes(&client).await;
    server.stop().await;

    let server = start(dir.path()).await;
    assert_eq!(server.url(), url);
    let client = connect(&server, 0).await.with(deployment);
    assert_eq!(hashes(&client).await, before);
    assert_eq!(client.balance(key(9).address()).await.expect("an answer"), ether(3));
    assert_eq!(client.round_config().await.expect("a view"), setup().rounds);
    client.pay(key(9).address(), ether(4)).await.expect("the chain goes on");
    assert_eq!(client.balance(key(9).address()).await.expect("an answer"), ether(7));
    assert!(hashes(&client).await.starts_with(&before));
    server.stop().await;
}

#[tokio::test]
async fn killed_at_any_block_every_mined_transaction_is_there() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = start(dir.path()).await;
    let client = connect(&server, 0).await;
    let to = key(9).address();
    let mut images = Vec::new();
    for sent in 1..=5 {
        client.pay(to, ether(1)).await.expect("the transfer is mined");
        let image = tempfile::tempdir().expect("a temporary directory");
        copy(dir.path(), image.path());
        images.push((image, sent, hashes(&client).await));
    }
    for (image, sent, before) in images {
        let server = start(image.path()).await;
        let client = connect(&server, 0).await;
        assert_eq!(client.balance(to).await.expect("an answer"), ether(sent));
        assert_eq!(hashes(&client).await, before);
        client.pay(to, ether(1)).await.expect("the chain goes on");
        server.stop().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn killed_while_the_file_is_made_it_is_made_again() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    start(dir.path()).await.stop().await;
    let made = fs::read(dir.path().join("chain.redb")).expect("the file");
    for cut in [0, 9, 320, made.len() / 2] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let beside = dir.path().join("chain.redb.new");
        fs::write(&beside, &made[..cut]).expect("a file");
        start(dir.path()).await.stop().await;
        assert!(!beside.exists(), "{cut} bytes");
    }

    // Nothing stands under the name that is read while it is made under the other.
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir(dir.path().join("chain.redb.new")).expect("something in the way");
    let refused = Server::start(config(dir.path())).await.expect_err("it cannot be made");
    assert!(matches!(refused, StartError::Store(StoreError::Io { .. })), "{refused}");
    assert!(!dir.path().join("chain.redb").exists());
}

#[tokio::test]
async fn a_damaged_file_is_a_prefix_or_a_sentence() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = start(dir.path()).await;
    let client = connect(&server, 0).await;
    for _ in 0..8 {
        client.pay(key(9).address(), ether(1)).await.expect("the transfer is mined");
    }
    let whole = hashes(&client).await;
    server.stop().await;

    let bytes = fs::read(dir.path().join("chain.redb")).expect("the file");
    for cut in [0, 1, 64, 320, 4_096, bytes.len() / 2, bytes.len() - 4_096, bytes.len() - 1] {
        let mut image = bytes[..cut].to_vec();
        refused_or_prefix(&image, &whole).await;
        image.resize(bytes.len(), 0xa5);
        refused_or_prefix(&image, &whole).await;
    }
}

async fn refused_or_prefix(image: &[u8], whole: &[B256]) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::write(dir.path().join("chain.redb"), image).expect("a file");
    match Server::start(config(dir.path())).await {
        Ok(server) => {
            let client = connect(&server, 0).await;
            let kept = hashes(&client).await;
            assert!(whole.starts_with(&kept), "{} bytes", image.len());
            server.stop().await;
        }
        Err(error) => assert!(matches!(error, StartError::Store(_)), "{error}"),
    }
}

#[tokio::test]
async fn one_directory_serves_one_process_and_one_chain() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = start(dir.path()).await;
    let second = Server::start(config(dir.path())).await.expect_err("it is in use");
    assert!(matches!(second, StartError::Store(StoreError::InUse { .. })), "{second}");
    let url = server.url();
    let port = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let taken = Config { port, ..config(elsewhere.path()) };
    let taken = Server::start(taken).await.expect_err("the port is taken");
    assert_eq!(taken.to_string(), format!("port {port} is in use by another program"));
    server.stop().await;

    let other = Config { chain_id: CHAIN_ID + 1, ..config(dir.path()) };
    let refused = Server::start(other).await.expect_err("it is another chain's");
    assert!(
        matches!(
            refused,
            StartError::Store(StoreError::OtherChain { got: CHAIN_ID, expected, .. })
                if expected == CHAIN_ID + 1
        ),
        "{refused}"
    );
    let blocked = dir.path().join("a file");
    fs::write(&blocked, "in the way").expect("a file");
    let refused = Server::start(config(&blocked)).await.expect_err("it is no directory");
    assert!(matches!(refused, StartError::Store(StoreError::Io { .. })), "{refused}");
}

//! What survives: a process that dies, a file that is cut, a directory that is taken.

use chain::embedded::{Server, StartError, StoreError};

use crate::fixture::{self, CHAIN_ID, config, connect, ether, key, start};
use alloy::eips::BlockNumberOrTag;

#[tokio::test]
async fn a_restart_continues_with_the_same_blocks_state_and_port() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = start(dir.path()).await;
    let url = server.url();
    let client = connect(&server, 0).await;
    let mined = client.pay(key(9).address(), ether(3)).await.expect("the transfer is mined");
    let tag = BlockNumberOrTag::Number(mined.block);
    let before = client.block(tag).await.expect("an answer").expect("the block");
    server.stop().await;

    let server = start(dir.path()).await;
    assert_eq!(server.url(), url);
    let client = connect(&server, 0).await;
    let after = client.block(tag).await.expect("an answer").expect("the block");
    assert_eq!(after.header.hash, before.header.hash);
    assert_eq!(after.header.hash, after.header.inner.hash_slow());
    assert_eq!(client.balance(key(9).address()).await.expect("an answer"), ether(3));
    client.pay(key(9).address(), ether(4)).await.expect("the chain goes on");
    assert_eq!(client.balance(key(9).address()).await.expect("an answer"), ether(7));
    server.stop().await;
}

#[tokio::test]
async fn one_directory_serves_one_process_and_one_chain() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = start(dir.path()).await;
    let second = Server::start(config(dir.path())).await.expect_err("it is in use");
    assert!(matches!(second, StartError::Store(StoreError::InUse { .. })), "{second}");
    server.stop().await;

    let other = fixture::config(dir.path());
    let other = chain::embedded::Config { chain_id: CHAIN_ID + 1, ..other };
    let refused = Server::start(other).await.expect_err("it is another chain's");
    assert!(
        matches!(
            refused,
            StartError::Store(StoreError::OtherChain { got: CHAIN_ID, expected, .. })
                if expected == CHAIN_ID + 1
        ),
        "{refused}"
    );
}

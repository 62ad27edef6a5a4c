//! The JSON-RPC surface of the embedded chain.

use alloy::primitives::U256;
use chain::ClientError;

use crate::fixture::{GENESIS, connect, ether, key, start};

#[tokio::test]
async fn the_clock_is_the_callers() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = start(dir.path()).await;
    let client = connect(&server, 0).await;
    let day = GENESIS + 86_400;
    client.set_next_time(day).await.expect("the clock moves forward");
    client.mine().await.expect("a block");
    let block = client.block(Default::default()).await.expect("an answer").expect("a block");
    assert!(block.header.timestamp >= day && block.header.timestamp < day + 1_000);
    let error = client.set_next_time(GENESIS).await.expect_err("the clock never moves back");
    assert!(matches!(error, ClientError::Refused { code: -32_602, .. }), "{error}");
    server.stop().await;
}

#[tokio::test]
async fn funds_nonces_and_strangers() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = start(dir.path()).await;
    let poor = connect(&server, 99).await;
    let error = poor.pay(key(1).address(), U256::from(1)).await.expect_err("it has nothing");
    assert!(matches!(error, ClientError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("funds"), "{error}");

    // Sends of one key at the same time get nonces one after another.
    let rich = connect(&server, 1).await;
    let before = rich.next_nonce().await.expect("an answer");
    let to = key(50).address();
    let (a, b, c) =
        tokio::join!(rich.pay(to, ether(1)), rich.pay(to, ether(2)), rich.pay(to, ether(3)),);
    for mined in [a, b, c] {
        assert_eq!(mined.expect("each is mined").gas_used, 21_000);
    }
    assert_eq!(rich.balance(to).await.expect("an answer"), ether(6));
    assert_eq!(rich.next_nonce().await.expect("an answer"), before + 3);
    server.stop().await;
}

//! Prices of several reporters, and the accounts a gate of several providers asks about, on the
//! embedded chain.

use alloy::primitives::{Bytes, U256, keccak256};
use chain::{
    Client, ClientError,
    client::{Message, SlotReport},
    contracts::{court::Court, feed::PriceFeed},
};

use crate::fixture::{ACCOUNTS, Chain, GENESIS, deployed, ether, key, setup};

const DAY: u64 = 86_400;

fn report(slot: u64, price: u128) -> SlotReport {
    let market = setup().terms.market;
    let messages_root = keccak256([0; 97]);
    SlotReport {
        market,
        slot,
        price,
        low: price,
        high: price,
        messagesRoot: messages_root,
        messages: 1,
    }
}

async fn reporters(owner: &Client) -> Vec<Client> {
    let mut all = Vec::new();
    for n in 0..3 {
        let client = owner.with_signer(key(n));
        if n > 0 {
            owner.transfer(client.address(), ether(100)).await.expect("tokens");
        }
        client.approve_all().await.expect("approvals");
        client.stake_prices(ether(5)).await.expect("a stake");
        all.push(client);
    }
    all
}

#[tokio::test]
async fn a_slot_closes_at_the_median_of_what_was_signed() {
    let chain = Chain::embedded().await;
    let (owner, deployment) = deployed(&chain.url()).await;
    let market = setup().terms.market;
    let all = reporters(&owner).await;
    let slot = GENESIS / DAY;
    let price = 50_000_000_000_000_000_000_u128;
    for (client, off) in all.iter().zip([0, 1_000, u128::from(u64::MAX)]) {
        let made = report(slot, price + off);
        let digest = PriceFeed::digestOfCall { made: made.clone() };
        let digest = owner.view(deployment.feed, digest).await.expect("a digest");
        assert_eq!(digest, client.slot_digest(&made), "the contract's digest is this crate's");
        client.report_slots(vec![made]).await.expect("a report");
    }
    assert!(!owner.close_slot(market).await.expect("a look"), "it still takes reports");
    owner.set_next_time(GENESIS + 3 * DAY).await.expect("a later day");
    owner.mine().await.expect("a block");
    assert!(owner.close_slot(market).await.expect("it closes"));
    let (got, at, _) = owner.feed_price(market).await.expect("a price");
    assert_eq!((got, at), (U256::from(price + 1_000), slot));
    let stranger = owner.with_signer(key(5));
    let refused = stranger.report_slots(vec![report(slot + 3, price)]).await;
    let name = refused.as_ref().err().and_then(ClientError::reverted_with);
    assert_eq!(name, Some("NotAReporter"));
}

#[tokio::test]
async fn accounts_that_are_written_down_can_be_had_again() {
    let chain = Chain::embedded().await;
    let (owner, deployment) = deployed(&chain.url()).await;
    assert_eq!(owner.accounts().await.expect("a look"), None);
    let accounts = Bytes::from(vec![7; 16 * ACCOUNTS as usize]);
    owner.write_accounts(accounts.clone()).await.expect("they fit");
    assert_eq!(owner.accounts().await.expect("a look"), Some(accounts));
    let state = owner.panel_state(setup().terms.market).await.expect("the gate");
    assert_eq!(state.since, 0, "no rise waits");
    assert_eq!(owner.panel_providers().await.expect("two").len(), 2);
    let consumer = Court::isConsumerCall(deployment.panel);
    assert!(
        owner.view(deployment.court, consumer).await.expect("a look"),
        "the court takes claims"
    );
    let message = Message { venue: keccak256("venue"), price: 5, time: 7 };
    let leaf = PriceFeed::messageLeafCall { message };
    owner.view(deployment.feed, leaf).await.expect("a leaf");
}

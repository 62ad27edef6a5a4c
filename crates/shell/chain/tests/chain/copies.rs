//! Many seeds played side by side, each on a copy of one chain with its contracts.

use std::collections::BTreeSet;

use chain::{Client, deploy::Setup};
use tokio::task::JoinSet;

use crate::{
    fixture::{deployed_with, key},
    ledger::quiet,
};

/// What a play has seen, by name, and how many calls it made.
pub(crate) type Seen = (BTreeSet<String>, u32);

/// Plays so many seeds on copies of one deployment, and returns what all of them saw together.
pub(crate) async fn play<F>(
    setup: &Setup,
    seeds: u64,
    one: impl Fn(Client, u64) -> F + Clone + Send + 'static,
) -> Seen
where
    F: Future<Output = Seen> + Send,
{
    let image = tempfile::tempdir().expect("a temporary directory");
    let server = quiet(&image).await;
    let (_, deployment) = deployed_with(&server.url(), setup).await;
    server.stop().await;
    let mut running = JoinSet::new();
    for seed in 0..seeds {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = "chain.redb";
        std::fs::copy(image.path().join(file), dir.path().join(file)).expect("a copy");
        let (deployment, one) = (deployment.clone(), one.clone());
        running.spawn(async move {
            let server = quiet(&dir).await;
            let owner = Client::connect(&server.url(), key(0)).await.expect("the chain answers");
            let seen = one(owner.with(deployment), seed).await;
            server.stop().await;
            seen
        });
    }
    let (mut seen, mut calls) = (BTreeSet::new(), 0);
    let mut failed = Vec::new();
    while let Some(played) = running.join_next().await {
        match played {
            Ok((names, count)) => {
                seen.extend(names);
                calls += count;
            }
            Err(error) => failed.push(error.to_string()),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    (seen, calls)
}

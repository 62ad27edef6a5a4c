//! The pure mirror of open jobs against the contract: the same calls in the same blocks, compared
//! after each, on several jobs at once, some of whose claims are convicted.

use alloy::primitives::{B256, Bytes, U256};
use chain::{
    Client,
    deploy::{HouseSetup, PanelSetup, Setup},
};
use tensor::{Builder, Dtype, Program};
use tokio::task::JoinSet;

use self::deal::Dealer;
use crate::{
    fixture::{deployed_with, ether, key, setup},
    ledger::quiet,
};

mod deal;
mod twin;

const SEEDS: u64 = 4;
const MOVES: u32 = 220;
const JOBS: usize = 3;
const CLOCK_BLOCKS: u64 = 4;

/// A step that takes a state of two tensors, one of data, and a seed.
fn step_program() -> Program {
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[3]).expect("a type");
    let loss = b.input(Dtype::F32, &[1]).expect("a type");
    let data = b.input(Dtype::F32, &[2, 3]).expect("a type");
    let seed = b.input(Dtype::I32, &[2]).expect("a type");
    let sum = b.sum(data, 0).expect("an axis");
    let noise = b.random_bits(seed, 0, &[3]).expect("a key");
    let noise = b.convert(noise, Dtype::F32).expect("a dtype");
    let moved = b.add(params, sum).expect("alike");
    let moved = b.add(moved, noise).expect("alike");
    let loss = b.abs(loss).expect("a float");
    b.finish(&[moved, loss]).expect("outputs")
}

fn small() -> Setup {
    let own = (B256::from(step_program().hash().0), Bytes::from(step_program().encode()));
    Setup {
        programs: setup().programs.into_iter().chain([own]).collect(),
        clock_blocks: CLOCK_BLOCKS,
        bond: ether(4),
        panel: PanelSetup { pot: U256::ZERO, ..setup().panel },
        house: HouseSetup { pot: U256::ZERO, ..setup().house },
        ..setup()
    }
}

/// Every call that can succeed, and every error that a call can meet: each has a block of its own,
/// so no seed is ever pending.
const NAMES: [&str; 23] = [
    "AlreadyDone",
    "BadTerms",
    "Claim",
    "Create",
    "Draw",
    "Ended",
    "Enrol",
    "EscrowSpent",
    "Fund",
    "Malformed",
    "NotDrawn",
    "NotDue",
    "NotEnded",
    "NotReady",
    "NotTheHeader",
    "OnlyTrainer",
    "OutputCount",
    "Reclaim",
    "Settle",
    "Struck",
    "TooLate",
    "UnknownJob",
    "UnknownRun",
];

#[tokio::test(flavor = "multi_thread")]
async fn contract_and_mirror_agree_on_every_call() {
    let image = tempfile::tempdir().expect("a temporary directory");
    let server = quiet(&image).await;
    let (_, deployment) = deployed_with(&server.url(), &small()).await;
    server.stop().await;
    let mut running = JoinSet::new();
    for seed in 0..SEEDS {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = "chain.redb";
        std::fs::copy(image.path().join(file), dir.path().join(file)).expect("a copy");
        let deployment = deployment.clone();
        running.spawn(async move {
            let server = quiet(&dir).await;
            let owner = Client::connect(&server.url(), key(0)).await.expect("the chain answers");
            let mut dealer = Dealer::new(owner.with(deployment), seed).await;
            for _ in 0..MOVES {
                dealer.step().await;
            }
            dealer.corners().await;
            server.stop().await;
            dealer.twin.seen
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut failed = Vec::new();
    while let Some(played) = running.join_next().await {
        match played {
            Ok(names) => seen.extend(names),
            Err(error) => failed.push(error.to_string()),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    let missed: Vec<_> = NAMES.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missed.is_empty(), "never met: {missed:?} among {seen:?}");
}

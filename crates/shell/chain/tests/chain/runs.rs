//! The pure mirror of open jobs against the contract: the same calls in the same blocks, compared
//! after each, on several jobs at once, some of whose claims are convicted.

use alloy::primitives::{B256, Bytes, U256};
use chain::deploy::{HouseSetup, PanelSetup, Setup};
use tensor::{Builder, Dtype, Program};

use self::deal::Dealer;
use crate::{
    copies,
    fixture::{ether, setup},
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
    let one = |owner, seed| async move {
        let mut dealer = Dealer::new(owner, seed).await;
        for _ in 0..MOVES {
            dealer.step().await;
        }
        dealer.corners().await;
        (dealer.twin.seen, dealer.twin.calls)
    };
    let (seen, calls) = copies::play(&small(), SEEDS, one).await;
    assert!(calls > 400, "{calls} calls");
    let missed: Vec<_> = NAMES.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missed.is_empty(), "never met: {missed:?} among {seen:?}");
}

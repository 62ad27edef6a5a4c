//! The pure mirror of jobs and revenue against the contracts: the same calls in the same blocks,
//! compared after each, on several jobs at once whose rounds are played on their own contracts.

use alloy::primitives::{B256, Bytes, U256};
use chain::{
    client::JobState,
    contracts::rounds::IRounds,
    deploy::{HouseSetup, PanelSetup, Setup},
};
use round::jobs::State;

use self::{
    deal::{Dealer, holdout_bytes},
    twin::pay_wei,
};
use crate::{
    copies,
    fixture::{
        advance, deployed_with, ether, program, scores, setup, tensor_root, validation_program,
    },
    ledger::quiet,
};

mod deal;
mod twin;

const SEEDS: u64 = 18;
const MOVES: u32 = 150;
const JOBS: usize = 3;
const LENGTH: u32 = 40;
const BUDGET_GWEI: u64 = 1_000_000_000;
const SALT: B256 = B256::repeat_byte(7);
const CLOCK_BLOCKS: u64 = 4;
/// Nodes of each job, by their keys; key 0 sponsors, key 3 challenges.
const NODES: [u8; 2] = [1, 2];

fn small() -> Setup {
    let rounds = IRounds::Config {
        nodes: 2,
        quorum: 2,
        capacity: 4,
        cumulativeLength: LENGTH,
        commitBlocks: 30,
        revealBlocks: 30,
        aggregateBlocks: 60,
        budgetGwei: BUDGET_GWEI,
        initialCumulative: tensor_root(&[0; 512], 256),
        aggregatePrograms: (2..=4).map(program).collect(),
        ..setup().rounds
    };
    let own = [2].map(program).into_iter().chain([validation_program()]);
    Setup {
        programs: setup().programs.into_iter().chain(own.map(|own| (own, Bytes::new()))).collect(),
        report_programs: vec![B256::ZERO; 4],
        clock_blocks: CLOCK_BLOCKS,
        bond: ether(4),
        scores: scores(&rounds),
        rounds,
        panel: PanelSetup { pot: U256::ZERO, ..setup().panel },
        house: HouseSetup { pot: U256::ZERO, ..setup().house },
        ..setup()
    }
}

/// Every call that can succeed, and every error that a call can meet.
const NAMES: [&str; 42] = [
    "Advance",
    "AlreadyDone",
    "AttachOracle",
    "BadTerms",
    "ChunkLength",
    "Claim",
    "ClaimPending",
    "ClaimValidation",
    "Create",
    "Deploy",
    "ERC20InvalidReceiver",
    "EmptyTree",
    "EscrowSpent",
    "Fix",
    "Fund",
    "GiveNotice",
    "NoHoldout",
    "NobodyEarned",
    "NotAnAmount",
    "NotBetter",
    "NotDeployed",
    "NotDue",
    "NothingDue",
    "NothingNew",
    "NothingToRelease",
    "OnlySponsor",
    "OtherHoldout",
    "OtherOracle",
    "OtherTensor",
    "OutOfRange",
    "Pay",
    "ProofMismatch",
    "Reclaim",
    "Release",
    "Retirement",
    "RevealHoldout",
    "SiblingCount",
    "Struck",
    "TooEarly",
    "TooFewRounds",
    "UnknownEpoch",
    "UnknownJob",
];

#[tokio::test(flavor = "multi_thread")]
async fn contracts_and_mirror_agree_on_every_call() {
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

/// Two jobs train beside the network's own, each with its own nodes, and one is split among them.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_from_draft_to_revenue() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = quiet(&dir).await;
    let (owner, _) = deployed_with(&server.url(), &small()).await;
    let mut dealer = Dealer::new(owner.clone(), 1).await;
    while dealer.twin.jobs.count() < 2 {
        dealer.create().await;
    }
    let job = U256::from(1);
    assert_eq!(owner.job_requirement(job).await.expect("logs"), "daily bars");
    owner.fund_job(job, U256::from(4 * pay_wei(BUDGET_GWEI))).await.expect("an allowance");
    owner.advance_job(job).await.expect("it is funded");
    advance(&owner, 10).await;
    for _ in 0..2 {
        owner.release_job(job).await.expect("the interval passed");
        dealer.played(1).await;
    }
    owner.advance_job(job).await.expect("a round was opened");
    let holdout = vec![(holdout_bytes().into(), true)];
    owner.reveal_holdout(job, holdout, SALT).await.expect("two rounds are settled");
    owner.claim_validation(job, 0.5, 0.75).await.expect("a bond");
    advance(&owner, 4).await;
    owner.advance_job(job).await.expect("the window passed");
    assert_eq!(owner.job_due(job).await.expect("a view"), Some(JobState::Validated));
    assert_eq!(owner.job(U256::ZERO).await.expect("a view").state, State::Draft as u8);
    server.stop().await;
}

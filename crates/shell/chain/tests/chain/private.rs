//! The pure mirror of a private job's rounds against the contract: the same calls in the same
//! blocks, compared after each, with members that are gone, lie and are convicted.

use alloy::primitives::{B256, Bytes, U256, keccak256};
use chain::{
    Client,
    contracts::private::IPrivateRounds,
    deploy::{CourtTerms, PrivateSetup, deploy_private},
};

use self::deal::Dealer;
use crate::{
    fixture::{connect, ether, key, tensor_root},
    ledger::quiet,
};

mod deal;
mod twin;

const SEEDS: u64 = 2;
const ROUNDS: u32 = 9;
/// Nodes; one with twice the stake of the others, so with two of the seats.
const NODES: u8 = 9;
const CAPACITY: u32 = 10;
const SIZE: u32 = 3;
const QUORUM: u32 = 2;
const CLOCK_BLOCKS: u64 = 4;
const BLOCKS: u64 = 30;
const WIDTH: u32 = 32;
const CUMULATIVE: u32 = 32;

/// The header of a made-up Program: so many ops, each an output.
fn header(outputs: u32, name: &str) -> Vec<u8> {
    let numbers = [outputs, outputs].into_iter().chain(0..outputs).chain([0]);
    let mut header: Vec<u8> = numbers.flat_map(u32::to_le_bytes).collect();
    header.extend(keccak256(name));
    header
}

fn partial(trainers: u32) -> Vec<u8> {
    header(1, &format!("partial {trainers}"))
}

fn aggregate(rows: u32) -> Vec<u8> {
    header(4, &format!("aggregate {rows}"))
}

fn program(header: &[u8]) -> B256 {
    keccak256([&[3], header].concat())
}

fn setup() -> PrivateSetup {
    let partials: Vec<B256> =
        (3..=3 * SIZE / 2).map(|trainers| program(&partial(trainers))).collect();
    let aggregates: Vec<B256> =
        (QUORUM..=CAPACITY / SIZE).map(|rows| program(&aggregate(rows))).collect();
    let all = partials.iter().chain(&aggregates);
    PrivateSetup {
        court: CourtTerms {
            supply: ether(1_000_000),
            bond: ether(4),
            window_blocks: 3,
            clock_blocks: CLOCK_BLOCKS,
            gas_price_cap: U256::from(100_000_000_000_u64),
            consumers: Vec::new(),
        },
        minimum_stake: ether(100),
        unbond_blocks: 100_000,
        programs: all.map(|program| (*program, Bytes::new())).collect(),
        fund: ether(100),
        rounds: IPrivateRounds::Config {
            job: keccak256("private"),
            nodes: 2 * SIZE,
            capacity: CAPACITY,
            size: SIZE,
            quorum: QUORUM,
            cumulativeLength: CUMULATIVE,
            commitBlocks: BLOCKS,
            reportBlocks: BLOCKS,
            sumBlocks: BLOCKS,
            judgeBlocks: BLOCKS,
            aggregateBlocks: 20,
            width: WIDTH,
            budgetGwei: 1_000_000_000,
            gonePenalty: ether(1),
            liePenalty: ether(2),
            initialModel: tensor_root(&[0; 16], 128),
            initialCumulative: tensor_root(&[0; 256], 256),
            partialPrograms: partials,
            aggregatePrograms: aggregates,
        },
    }
}

async fn join(owner: &Client, who: u8) {
    let client = owner.with_signer(key(who));
    if who > 0 {
        owner.pay(client.address(), ether(10)).await.expect("gas");
        owner.transfer(client.address(), ether(2_000)).await.expect("tokens");
    }
    client.approve_all().await.expect("approvals");
    let stake = ether(if who == 1 { 1_000 } else { 500 });
    client.join(client.address(), B256::ZERO, "", stake).await.expect("joined");
}

async fn play(seed: u64) -> twin::Seen {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = quiet(&dir).await;
    let owner = connect(&server, 0).await;
    let at = deploy_private(&owner, &setup()).await.expect("deployed");
    let owner = owner.with(at);
    for who in 0..NODES {
        join(&owner, who).await;
    }
    // One more key, which never joins, may call, too.
    owner.pay(key(NODES).address(), ether(10)).await.expect("gas");
    let mut dealer = Dealer::new(owner, seed).await;
    for number in 0..ROUNDS {
        dealer.round(number).await;
    }
    server.stop().await;
    dealer.twin.seen
}

/// Every call that can succeed, every event, and every error that a call can meet.
const NAMES: [&str; 43] = [
    "AcceptedMismatch",
    "Advance",
    "AlreadyDone",
    "Bucketed",
    "Called",
    "ChunkLength",
    "ClaimNotFinal",
    "ClaimPending",
    "Commit",
    "Committed",
    "Defend",
    "Defended",
    "Draw",
    "Gone",
    "Lied",
    "Lost",
    "NoBucket",
    "NoRoll",
    "NotAggregator",
    "NotDisputed",
    "NotMember",
    "NotReported",
    "NotSeated",
    "NotTrainers",
    "Open",
    "Opened",
    "OutputCount",
    "OutputsMismatch",
    "PostResult",
    "Report",
    "Reported",
    "ResultFell",
    "ResultPosted",
    "Seated",
    "Settle",
    "Settled",
    "State",
    "Stated",
    "SumLength",
    "Voided",
    "WrongPhase",
    "WrongRound",
    "ZeroRoot",
];

#[tokio::test(flavor = "multi_thread")]
async fn contract_and_mirror_agree_on_every_call() {
    let mut seen = twin::Seen::new();
    let mut playing = tokio::task::JoinSet::new();
    for seed in 0..SEEDS {
        playing.spawn(play(seed));
    }
    while let Some(played) = playing.join_next().await {
        seen.extend(played.expect("both agree"));
    }
    let missed: Vec<_> = NAMES.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missed.is_empty(), "never met: {missed:?} among {seen:?}");
}

//! The pure ledger against the contracts: the same calls in the same blocks, compared after each.
//!
//! Each seed plays a made-up sequence on real contracts in an embedded chain of its own, all of
//! them copies of one on which the contracts were just deployed.
//!
//! Deliberately absent: allowances, endpoints and announcements, which the ledger does not have.

use std::{collections::BTreeSet, sync::Arc};

use alloy::{
    primitives::{B256, Bytes, U256, keccak256},
    sol_types::{SolConstructor, SolValue},
};
use chain::{
    Client, ClientError, Deployment,
    contracts::rounds::{IRounds, Rounds},
    deploy::{HouseSetup, PanelSetup, Setup},
    embedded::{self, Server},
};
use round::{Ledger, digest, ledger::Input};
use tensor::Hash;
use tokio::task::JoinSet;

use self::{
    deal::{Dealer, Move, Secret},
    twin::{KEYS, Twin, hash, ledger_config, word},
};
use crate::fixture::{
    config, deployed_with, ether, header, key, program, registrations, scores, setup, tensor_root,
};

mod deal;
pub(crate) mod random;
pub(crate) mod told;
pub(crate) mod twin;

const SEEDS: u64 = 60;
const MOVES: u32 = 170;
const SCORED_SEEDS: u64 = 24;
const SCORED_MOVES: u32 = 260;
/// Longer than any round can last, by one block.
const UNBOND_BLOCKS: u64 = 28 + 2 * CLOCK_BLOCKS;
/// Blocks of each side of a dispute.
const CLOCK_BLOCKS: u64 = 4;

/// The directory of a chain with contracts that nobody has used.
struct Image {
    dir: tempfile::TempDir,
    setup: Setup,
    deployment: Deployment,
}

impl Image {
    async fn new(rounds: IRounds::Config, unbond_blocks: u64) -> Self {
        Self::of(rounds, unbond_blocks, false).await
    }

    async fn of(rounds: IRounds::Config, unbond_blocks: u64, scored: bool) -> Self {
        let terms = scores(&rounds);
        let mut programs = registrations(&rounds);
        programs.extend(terms.programs.iter().map(|program| (*program, Bytes::new())));
        let setup = Setup {
            minimum_stake: ether(2),
            unbond_blocks,
            bond: ether(4),
            window_blocks: 3,
            clock_blocks: CLOCK_BLOCKS,
            programs,
            scores: terms,
            scored,
            report_programs: rounds
                .aggregatePrograms
                .iter()
                .chain([&B256::ZERO])
                .map(|_| B256::ZERO)
                .collect(),
            fund: ether(1),
            rounds,
            // The twin has no feeds: what is in their pots would be missing in the sum of all
            // accounts.
            panel: PanelSetup { pot: U256::ZERO, ..setup().panel },
            house: HouseSetup { pot: U256::ZERO, ..setup().house },
            ..setup()
        };
        let dir = tempfile::tempdir().expect("a temporary directory");
        let server = quiet(&dir).await;
        let (owner, deployment) = deployed_with(&server.url(), &setup).await;
        for n in 1..KEYS {
            let client = owner.with_signer(key(n));
            let tokens = if n + 1 == KEYS { 5 } else { 40 };
            owner.transfer(client.address(), ether(tokens)).await.expect("tokens");
            client.approve_all().await.expect("approvals");
        }
        owner.approve_all().await.expect("approvals");
        server.stop().await;
        Self { dir, setup, deployment }
    }

    /// A chain of its own, and the ledger beside it.
    async fn twin(&self) -> (Twin, Server, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::copy(self.dir.path().join("chain.redb"), dir.path().join("chain.redb"))
            .expect("a copy");
        let server = quiet(&dir).await;
        (Twin::new(&server, &self.setup, &self.deployment).await, server, dir)
    }
}

/// A chain that makes no block unless asked.
pub(crate) async fn quiet(dir: &tempfile::TempDir) -> Server {
    let config = embedded::Config { block_ms_max: 3_600_000, ..config(dir.path()) };
    Server::start(config).await.expect("the directory is free")
}

/// `capacity` seats of which `quorum` make a round, and as many nodes; pay for `cumulative` nodes.
fn job(quorum: u32, capacity: u32, cumulative: u32) -> IRounds::Config {
    let length = 256 * cumulative.div_ceil(32) as usize;
    IRounds::Config {
        nodes: quorum,
        quorum,
        capacity,
        cumulativeLength: cumulative,
        commitBlocks: 6,
        revealBlocks: 6,
        aggregateBlocks: 3,
        unrevealedPenalty: ether(1),
        updateLength: 40,
        initialCumulative: tensor_root(&vec![0; length], 256),
        aggregatePrograms: (quorum..=capacity).map(program).collect(),
        ..setup().rounds
    }
}

/// Every call that can succeed, every error that a call or `aggregator` can meet, and the events
/// that no call is named after.
const NAMES: [&str; 64] = [
    "AcceptedMismatch",
    "AddStake",
    "AlreadyCommitted",
    "AlreadyJoined",
    "AlreadyLeaving",
    "AlreadyRevealed",
    "BadCertificate",
    "CertificateTooLight",
    "Challenge",
    "ChunkLength",
    "Claim",
    "ClaimNotFinal",
    "ClaimPending",
    "ClockRuns",
    "Commit",
    "CommitmentMismatch",
    "Decided",
    "Draw",
    "ERC20InsufficientBalance",
    "ERC20InvalidReceiver",
    "Finalise",
    "Fund",
    "Join",
    "Leave",
    "NodesMissing",
    "NotAggregator",
    "NotAnAmount",
    "NotCommitted",
    "NotJoined",
    "NotOpen",
    "NotSeated",
    "NotTheRecord",
    "NotYetUnbonded",
    "NothingDue",
    "Open",
    "OutOfRange",
    "OutputCount",
    "OutputsMismatch",
    "OwnClaim",
    "SiblingCount",
    "Penalised",
    "Poke",
    "PostResult",
    "ProofMismatch",
    "ResultStruck",
    "Reveal",
    "RevealWithData",
    "SameOutputs",
    "Seated",
    "SeedPending",
    "Settle",
    "StakeTooSmall",
    "Timeout",
    "Unfunded",
    "UnknownClaim",
    "UpdateLength",
    "Voided",
    "WindowClosed",
    "WindowOpen",
    "Withdraw",
    "WrongPhase",
    "WrongRound",
    "ZeroCommitment",
    "ZeroPayee",
];

/// What scores add.
const SCORED_NAMES: [&str; 27] = [
    "AlreadyPosted",
    "BasisMismatch",
    "ChunkLength",
    "ChunkMismatch",
    "Claim",
    "ClaimNotFinal",
    "ClaimPending",
    "EmptyTree",
    "GroundMismatch",
    "NoRows",
    "NotAnAmount",
    "NotNext",
    "NotWaiting",
    "NotYourTurn",
    "OutputCount",
    "OutputsMismatch",
    "Penalised",
    "PostScore",
    "PostWindow",
    "ScoreStruck",
    "Scored",
    "SettleScore",
    "Unfunded",
    "WindowLength",
    "WindowOpen",
    "WindowOpened",
    "WindowShut",
];

/// Plays a seed and returns what it saw, with the number of calls.
async fn play(image: &Image, seed: u64, moves: u32) -> (BTreeSet<String>, u32) {
    let (mut twin, server, _dir) = image.twin().await;
    let mut dealer = Dealer::new(seed, &twin.ledger);
    for _ in 0..moves {
        match dealer.next(&twin.ledger, twin.head) {
            Move::Mine(blocks) => twin.mine(blocks).await,
            Move::Call(who, input, signatures) => twin.call(who, input, signatures).await,
        }
    }
    let Twin { seen, calls, .. } = twin;
    server.stop().await;
    (seen, calls)
}

/// Plays so many seeds of so many moves on these contracts in turn, and returns what was seen.
async fn play_all(images: &[Arc<Image>], (seeds, moves): (u64, u32)) -> (BTreeSet<String>, u32) {
    let mut running = JoinSet::new();
    for (seed, image) in (0..seeds).zip(images.iter().cycle()) {
        let image = image.clone();
        running.spawn(async move { play(&image, seed, moves).await });
    }
    let (mut seen, mut calls) = (BTreeSet::new(), 0);
    while let Some(played) = running.join_next().await {
        let (names, count) = played.unwrap_or_else(|error| panic!("{error}"));
        seen.extend(names);
        calls += count;
    }
    (seen, calls)
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_and_ledger_agree_on_every_call() {
    let jobs = [job(1, 4, 40), job(2, 4, 40), job(3, 3, 6)];
    let mut images = Vec::new();
    for job in jobs {
        images.push(Arc::new(Image::new(job, UNBOND_BLOCKS).await));
    }
    let (seen, calls) = play_all(&images, (SEEDS, MOVES)).await;
    assert!(calls > 2_000, "{calls} calls");
    let missed: Vec<_> = NAMES.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missed.is_empty(), "never met: {missed:?} among {seen:?}");
}

/// The same where rows are paid by score: rounds that open in any case, and rounds that wait for
/// the pay of all that are not scored.
#[tokio::test(flavor = "multi_thread")]
async fn contracts_and_ledger_agree_on_scores() {
    let free = IRounds::Config { budgetGwei: 0, ..job(1, 4, 40) };
    let mut images = Vec::new();
    for job in [free, job(2, 4, 40)] {
        images.push(Arc::new(Image::of(job, UNBOND_BLOCKS, true).await));
    }
    let (seen, calls) = play_all(&images, (SCORED_SEEDS, SCORED_MOVES)).await;
    assert!(calls > 1_000, "{calls} calls");
    let missed: Vec<_> = SCORED_NAMES.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missed.is_empty(), "never met: {missed:?} among {seen:?}");
}

/// Two nodes join, a round opens, and both commit.
async fn committed(twin: &mut Twin) {
    for who in 1..=2 {
        let payee = twin.account(who);
        let join = Input::Join { payee, amount_wei: 2_000_000_000_000_000_000 };
        twin.call(who, join, Bytes::new()).await;
    }
    twin.call(0, Input::Open, Bytes::new()).await;
    for (who, node) in [(1, 0), (2, 1)] {
        let commitment = Secret::new(&twin.ledger, 1, node).commitment(&twin.ledger);
        twin.call(who, Input::Commit { round: 1, commitment }, Bytes::new()).await;
    }
}

async fn reveal(twin: &mut Twin, who: u8, node: u32) {
    let Secret { update, salt, blob, .. } = Secret::new(&twin.ledger, 1, node);
    let reveal = Input::RevealWithData { round: 1, salt, blob, update };
    twin.call(who, reveal, Bytes::new()).await;
}

/// The block that elects leaves the reach of `blockhash` while a round waits for its reveals.
#[tokio::test(flavor = "multi_thread")]
async fn the_electing_block_may_be_out_of_reach() {
    let long = IRounds::Config { revealBlocks: 1_000, ..job(2, 4, 40) };
    let image = Image::new(long, 1_000 + UNBOND_BLOCKS).await;
    let (mut twin, server, _dir) = image.twin().await;
    committed(&mut twin).await;
    reveal(&mut twin, 1, 0).await;
    let closed = twin.ledger.round(twin.head).commits_closed_block;
    assert_eq!(twin.ledger.round(twin.head).elect_seed, Hash::ZERO);
    let mut seeds = BTreeSet::new();
    for edge in [closed + 1 + 256, closed + 1 + 512] {
        twin.mine(edge - 4 - twin.head).await;
        for _ in 0..8 {
            twin.mine(1).await;
            seeds.insert(twin.ledger.round(twin.head).elect_seed);
        }
    }
    assert_eq!(seeds.len(), 3, "each reach has its own seed");
    server.stop().await;
}

/// Two challengers of one claim: the first conviction, here by the clock, closes the other dispute.
#[tokio::test(flavor = "multi_thread")]
async fn a_conviction_closes_the_other_disputes() {
    let image = Image::new(job(2, 4, 40), UNBOND_BLOCKS).await;
    let (mut twin, server, _dir) = image.twin().await;
    committed(&mut twin).await;
    reveal(&mut twin, 1, 0).await;
    reveal(&mut twin, 2, 1).await;
    twin.mine(2).await;
    let elected = twin.ledger.aggregator(twin.head + 1).expect("the seed is known");
    let who = u8::try_from(elected).expect("one of two") + 1;
    let post = Input::PostResult { round: 1, outputs_root: Hash([9; 32]) };
    twin.call(who, post, Bytes::new()).await;
    for challenger in [0, 3] {
        let (outputs_root, header) = (Hash([3; 32]), header(4));
        let challenge = court::Input::Challenge { id: 1, outputs_root, header };
        twin.call(challenger, Input::Court(challenge), Bytes::new()).await;
    }
    let record = |twin: &Twin, id| {
        let record = twin.ledger.court().dispute(id).expect("it has not ended");
        Box::new(record.clone())
    };
    let early = court::Input::Close { dispute: 2, record: record(&twin, 2) };
    twin.call(4, Input::Court(early.clone()), Bytes::new()).await;
    twin.mine(CLOCK_BLOCKS + 1).await;
    let timeout = court::Input::Timeout { dispute: 1, record: record(&twin, 1) };
    twin.call(4, Input::Court(timeout), Bytes::new()).await;
    twin.call(4, Input::Court(early), Bytes::new()).await;
    for name in ["Timeout", "Decided", "NotOpen", "Close", "Closed"] {
        assert!(twin.seen.contains(name), "{name} among {:?}", twin.seen);
    }
    assert_eq!(twin.ledger.bonds_wei(), 0, "every bond is back, or burnt");
    server.stop().await;
}

/// What `digest` computes is what the contract computes; the golden values there are from here.
#[tokio::test]
async fn digests_are_the_contracts() {
    let image = Image::new(job(2, 4, 40), UNBOND_BLOCKS).await;
    let (mut twin, server, _dir) = image.twin().await;
    committed(&mut twin).await;
    reveal(&mut twin, 1, 0).await;
    reveal(&mut twin, 2, 1).await;
    let (client, config) = (twin.client(0).clone(), twin.ledger.config().clone());
    let (domain, at) = (config.domain, client.deployment());
    let (root, salt) = (Hash([0x11; 32]), Hash([0x22; 32]));
    let shown = client.commitment_of(3, 7, word(root), word(salt)).await.expect("a view");
    assert_eq!(hash(shown), digest::commitment(&domain, (3, 7), root, salt));
    let shown = client.availability_digest(3, 7, word(root), word(salt)).await.expect("a view");
    assert_eq!(hash(shown), digest::availability(&domain, (3, 7), root, salt));

    let shown = client.view(at.rounds, Rounds::saltsCall {}).await.expect("a view");
    let salts = (0..2).map(|node| (node, Secret::new(&twin.ledger, 1, node).salt));
    let folded =
        salts.fold(Hash::ZERO, |so_far, (node, salt)| digest::fold_salts(so_far, node, salt));
    assert_eq!(hash(shown), folded);

    let round = client.round().await.expect("a view");
    let block = |number: u64| client.block(number.into());
    let elects = block(round.commitsClosedBlock + 1).await.expect("an answer").expect("a block");
    let elects = hash(elects.header.hash);
    assert_eq!(hash(round.electSeed), digest::elect_seed(domain.job, 1, elects, Hash::ZERO));

    // The contract leaves this one to readers; what it is made of is in the event.
    let opened = block(round.openBlock).await.expect("an answer").expect("a block").header.hash;
    let tag = keccak256("assay/seed/train/v1");
    let job = word(domain.job);
    let encoded = (tag, job, U256::from(1), U256::ZERO, opened, B256::ZERO).abi_encode();
    let seed = twin.ledger.view(twin.head, domain.rounds).train_seed;
    assert_eq!(seed, Some(hash(keccak256(encoded))));
    server.stop().await;
}

/// The contract and the ledger name the same field of a configuration that cannot be.
#[tokio::test]
async fn both_refuse_the_same_configurations() {
    type Change = fn(&mut IRounds::Config);
    let changes: [(&str, Change); 12] = [
        ("capacity", |c| c.capacity = 0),
        ("capacity", |c| c.capacity = 33),
        ("nodes", |c| c.nodes = 0),
        ("quorum", |c| c.quorum = 0),
        ("quorum", |c| c.quorum = 5),
        ("aggregatePrograms", |c| c.quorum = 3),
        ("commitBlocks", |c| c.commitBlocks = 0),
        ("revealBlocks", |c| c.revealBlocks = 0),
        ("aggregateBlocks", |c| c.aggregateBlocks = 0),
        ("updateLength", |c| c.updateLength = 0),
        ("budgetGwei", |c| c.budgetGwei = (1 << 46) + 1),
        // All is sound then, but this court serves another contract.
        ("court", |c| c.budgetGwei = 1 << 46),
    ];
    let image = Image::new(job(2, 4, 40), UNBOND_BLOCKS).await;
    let server = quiet(&image.dir).await;
    let client = Client::connect(&server.url(), key(0)).await.expect("the chain answers");
    let at = &image.deployment;
    for (field, change) in changes {
        let mut setup = image.setup.clone();
        change(&mut setup.rounds);
        let call = Rounds::constructorCall {
            registry_: at.registry,
            court_: at.court,
            rewards_: at.rewards,
            config_: setup.rounds.clone(),
        };
        let code = [Rounds::BYTECODE.as_ref(), &call.abi_encode()].concat().into();
        let refused = client.submit(None, code, U256::ZERO).await.expect_err("it cannot be");
        let ClientError::Reverted { revert, .. } = refused else { panic!("{field}: {refused}") };
        let error = revert.error.expect("one of the contracts' errors");
        assert_eq!((error.name.as_str(), error.fields[0].value.as_str()), ("BadConfig", field));
        let own = match Ledger::new(ledger_config(&setup, at), &[]) {
            Ok(_) => "court".to_owned(),
            Err(refusal) => format!("{refusal:?}"),
        };
        let named = own.trim_start_matches("BadConfig(").trim_end_matches(')');
        assert!(named.eq_ignore_ascii_case(field), "{field}: {own}");
    }
    server.stop().await;
}

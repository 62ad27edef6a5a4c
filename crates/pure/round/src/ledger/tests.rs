//! Whole rounds by hand, every refusal, and conservation over arbitrary calls.

use court::header::Header;
use court::{Address, Terms, opening};
use proptest::prelude::*;
use tensor::{Hash, Tensor, tree};

use super::{Event, Input, Ledger, Refusal};
use crate::chain::{Block, Config, Domain, Phase, WEI_PER_GWEI, WEI_PER_TOKEN};
use crate::{aggregate, digest};

const CLIENT: Address = Address([0xcc; 20]);
const CUMULATIVE_LENGTH: usize = 40;
const PENALTY_WEI: u128 = WEI_PER_TOKEN / 2;

pub(super) fn key(node: u32) -> Address {
    Address([u8::try_from(node + 1).expect("few nodes"); 20])
}

fn payee(node: u32) -> Address {
    Address([u8::try_from(node + 101).expect("few nodes"); 20])
}

pub(super) fn config() -> Config {
    let zeros = Tensor::f64(&[CUMULATIVE_LENGTH], vec![0.0; CUMULATIVE_LENGTH]).expect("one axis");
    Config {
        domain: Domain { chain_id: 7, rounds: Address([0xdd; 20]), job: Hash([1; 32]) },
        nodes: 2,
        quorum: 3,
        capacity: 6,
        cumulative_length: 40,
        commit_blocks: 5,
        reveal_blocks: 6,
        aggregate_blocks: 3,
        budget_gwei: 1000,
        unrevealed_penalty_wei: PENALTY_WEI,
        update_length: 2,
        initial_model: Hash([2; 32]),
        initial_cumulative: zeros.root(),
        aggregate_programs: (3..=6).map(|rows| Header::program(&header(rows))).collect(),
        terms: Terms { bond_wei: 10, window_blocks: 4, clock_blocks: 3, gas_price_wei_max: 0 },
        minimum_stake_wei: WEI_PER_TOKEN,
        unbond_blocks: 100,
        scores: None,
    }
}

/// The header of a Program of one op and four outputs, which nobody runs.
fn header(rows: u8) -> Vec<u8> {
    let mut header: Vec<u8> = [1_u32, 4, 0, 0, 0, 0, 4 + u32::from(rows)]
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    header.extend([rows; 32]);
    header
}

fn challenge(id: u64, outputs_root: Hash) -> Input {
    Input::Court(court::Input::Challenge { id, outputs_root, header: header(6) })
}

/// Ends a dispute against whoever's turn it is.
fn timeout(ledger: &Ledger, dispute: u64) -> Input {
    let record = ledger.court().dispute(dispute).expect("it has not ended").clone();
    Input::Court(court::Input::Timeout { dispute, record: Box::new(record) })
}

/// Three nodes with one, two and three tokens, and so as many of the six seats, a funded job, and
/// the hash of every block.
fn joined() -> Ledger {
    joined_with(config())
}

pub(super) fn joined_with(config: Config) -> Ledger {
    let mut balances = vec![(CLIENT, 10_000 * WEI_PER_GWEI)];
    balances.extend((0..3).map(|node| (key(node), 4 * WEI_PER_TOKEN)));
    let mut ledger = Ledger::new(config, &balances).expect("the configuration is sound");
    let fund = Input::Fund { amount_wei: 10_000 * WEI_PER_GWEI };
    ledger.handle(1, CLIENT, fund).expect("it has the balance");
    for node in 0..3 {
        let amount_wei = u128::from(node + 1) * WEI_PER_TOKEN;
        let join = Input::Join { payee: payee(node), amount_wei };
        ledger.handle(1, key(node), join).expect("it has the balance");
    }
    for block in 1..200_u8 {
        ledger.observe(u64::from(block), Hash([block; 32]));
    }
    ledger
}

fn update(node: u32) -> Vec<u8> {
    [node, 10 + node].iter().flat_map(|q| q.to_le_bytes()).collect()
}

fn salt(node: u32) -> Hash {
    Hash([u8::try_from(40 + node).expect("few nodes"); 32])
}

pub(super) fn commit(round: u64, node: u32) -> Input {
    let root = aggregate::bytes_root(&update(node));
    let domain = config().domain;
    Input::Commit {
        round,
        commitment: digest::commitment(&domain, (round, node), root, salt(node)),
    }
}

pub(super) fn reveal(round: u64, node: u32, signers: &[u32]) -> Input {
    let update_root = aggregate::bytes_root(&update(node));
    let signers = signers.iter().copied().map(Some).collect();
    Input::Reveal { round, update_root, salt: salt(node), blob: Hash([9; 32]), signers }
}

pub(super) fn with_data(round: u64, node: u32) -> Input {
    let blob = Hash::ZERO;
    Input::RevealWithData { round, salt: salt(node), blob, update: update(node) }
}

/// Runs the calls, each in its block; all must succeed.
pub(super) fn play(ledger: &mut Ledger, calls: Vec<(Block, u32, Input)>) -> Vec<Event> {
    let mut events = Vec::new();
    for (now, node, input) in calls {
        let what = format!("{input:?}");
        let done = ledger.handle(now, key(node), input);
        events.extend(done.unwrap_or_else(|refusal| panic!("{what}: {refusal}")));
    }
    events
}

/// A round in which all three revealed, in block 13.
fn revealed() -> Ledger {
    let mut ledger = joined();
    let mut calls = vec![(10, 0, Input::Open)];
    calls.extend((0..3).map(|node| (11, node, commit(1, node))));
    calls.extend([
        (12, 0, reveal(1, 0, &[1, 2])),
        (12, 1, reveal(1, 1, &[2])),
        (13, 2, with_data(1, 2)),
    ]);
    play(&mut ledger, calls);
    ledger
}

/// The node whose row is so many after the elected one, of the rows 0 1 1 2 2 2.
fn at_turn(ledger: &Ledger, turn: u64) -> u32 {
    [0, 1, 1, 2, 2, 2][digest::elected_row(ledger.round(13).elect_seed, turn, 6)]
}

/// Outputs with this cumulative pay, and the chunk of output 1: rows 0 and 3 are accepted, the
/// first ones of nodes 0 and 2.
fn outputs(pay: &[f64]) -> (Vec<Hash>, Tensor, Vec<u8>) {
    let mut paid = pay.to_vec();
    paid.resize(CUMULATIVE_LENGTH, 0.0);
    let paid = Tensor::f64(&[CUMULATIVE_LENGTH], paid).expect("one axis");
    let mut chunk = vec![0; 128];
    (chunk[0], chunk[12]) = (1, 1);
    (vec![Hash([5; 32]), tree::leaf(&chunk), Hash([6; 32]), paid.root()], paid, chunk)
}

#[test]
fn a_round_from_open_to_pay() {
    let mut ledger = revealed();
    let total = ledger.total_wei();
    let round = ledger.round(13);
    assert_eq!((round.phase, round.reveals_closed_block), (Phase::Aggregate, 13));
    let elected = ledger.aggregator(13).expect("block 12 has a hash");
    let (roots, paid, chunk) = outputs(&[100.0, 0.0, 300.0]);
    let outputs_root = opening::list_root(&roots);
    let post = Input::PostResult { round: 1, outputs_root };
    let events = play(&mut ledger, vec![(14, elected, post)]);
    let inputs_root = ledger.inputs_root();
    let posted =
        Event::ResultPosted { round: 1, claim: 1, aggregator: elected, inputs_root, outputs_root };
    assert_eq!(events.last(), Some(&posted));

    let settle = Input::Settle { round: 1, output_roots: roots, accepted_chunk: chunk };
    let early = ledger.handle(18, key(0), settle.clone());
    assert_eq!(early, Err(Refusal::ClaimNotFinal { claim: 1 }));
    let events = play(&mut ledger, vec![(19, 0, settle)]);
    let members = vec![(0, true), (1, false), (2, true)];
    assert!(events.iter().any(|event| matches!(
        event, Event::Settled { round: 1, members: got, .. } if *got == members
    )));
    assert_eq!(ledger.rewards_root(), paid.root());
    assert_eq!(ledger.round(19).model_root, Hash([5; 32]));

    let shown = opening::open(&paid, 0).expect("the first chunk");
    let claim = |node| Input::Claim { node, opening: shown.clone() };
    play(&mut ledger, vec![(20, 1, claim(2))]);
    assert_eq!(ledger.balance_wei(payee(2)), 300 * WEI_PER_GWEI);
    let again = ledger.handle(20, key(1), claim(2));
    assert_eq!(again, Err(Refusal::NothingDue { node: 2 }));
    let wrong_chunk = ledger.handle(20, key(1), claim(33));
    assert!(matches!(wrong_chunk, Err(Refusal::ProofMismatch { .. })));
    assert_eq!(ledger.handle(20, key(1), claim(40)), Err(Refusal::OutOfRange { node: 40 }));
    assert_eq!(ledger.total_wei(), total);
}

#[test]
fn pay_goes_to_nodes_only_whatever_follows_the_last_element() {
    let mut ledger = revealed();
    // A chunk may hold more than elements: no Program states that, but an aggregator may.
    let mut bytes = vec![0; 512];
    bytes[24..32].copy_from_slice(&5.0_f64.to_le_bytes());
    bytes[8 * 39..8 * 40].copy_from_slice(&5.0_f64.to_le_bytes());
    bytes[511] = 1;
    let leaves: Vec<Hash> = bytes.chunks(256).map(tree::leaf).collect();
    let (mut roots, _, accepted_chunk) = outputs(&[]);
    roots[3] = tree::root(&leaves);
    let elected = ledger.aggregator(13).expect("block 12 has a hash");
    let post = Input::PostResult { round: 1, outputs_root: opening::list_root(&roots) };
    let settle = Input::Settle { round: 1, output_roots: roots, accepted_chunk };
    play(&mut ledger, vec![(14, elected, post), (19, 0, settle)]);
    for (node, chunk) in [(3, 0), (39, 1)] {
        let bytes = bytes[256 * chunk..256 * (chunk + 1)].to_vec();
        let shown = opening::Opening { chunk: bytes, siblings: tree::siblings(&leaves, chunk) };
        let refused = ledger.handle(20, key(0), Input::Claim { node, opening: shown });
        assert_eq!(refused, Err(Refusal::InvalidReceiver { account: Address::default() }));
    }
}

#[test]
fn a_round_opens_for_those_whom_its_predecessor_left_in() {
    let mut ledger = joined();
    ledger.config.unrevealed_penalty_wei = WEI_PER_TOKEN / 4;
    let calls = vec![(10, 0, Input::Leave), (10, 1, Input::Open), (11, 1, commit(1, 1))];
    play(&mut ledger, calls);
    play(&mut ledger, vec![(11, 2, commit(1, 2))]);
    assert!(!ledger.view(17, key(0)).openable, "its reveals are not over");
    assert!(ledger.view(18, key(0)).openable, "the penalties leave both above the minimum");
    ledger.config.minimum_stake_wei = 2 * WEI_PER_TOKEN;
    assert!(!ledger.view(18, key(0)).openable, "node 1 will fall below it");
    let refused = ledger.handle(18, key(0), Input::Open);
    assert_eq!(refused, Err(Refusal::NodesMissing { got: 1, needed: 2 }));
}

#[test]
fn a_view_of_the_last_block_reaches_as_far_as_a_call_in_it() {
    let mut ledger = joined();
    (ledger.config.reveal_blocks, ledger.config.unbond_blocks) = (1000, 2000);
    let mut calls = vec![(10, 0, Input::Open)];
    calls.extend((0..3).map(|node| (11, node, commit(1, node))));
    play(&mut ledger, calls);
    for block in 200..=268_u64 {
        ledger.observe(block, Hash::of(&[&block.to_be_bytes()]));
    }
    let seed = |hash| digest::elect_seed(ledger.config.domain.job, 1, hash, Hash::ZERO);
    let first = seed(Hash([12; 32]));
    assert_eq!(ledger.round(268).elect_seed, first);
    ledger.observe(269, Hash::ZERO);
    let moved_on = Hash::of(&[&268_u64.to_be_bytes()]);
    let seed = digest::elect_seed(ledger.config.domain.job, 1, moved_on, Hash::ZERO);
    assert_eq!(ledger.round(269).elect_seed, seed);
}

#[test]
fn a_struck_claim_passes_the_turn_to_who_convicted_it() {
    let mut ledger = revealed();
    let (total, first) = (ledger.total_wei(), ledger.aggregator(14).expect("elected"));
    let (roots, _, chunk) = outputs(&[]);
    let outputs_root = opening::list_root(&roots);
    let wrong = Input::PostResult { round: 1, outputs_root: Hash([66; 32]) };
    let other = (first + 2) % 3;
    play(&mut ledger, vec![(14, first, wrong), (15, other, challenge(1, outputs_root))]);
    assert!(ledger.view(15, key(other)).challenged && !ledger.view(15, key(first)).challenged);
    // While a dispute runs the claim stands, even after its deadline, and nobody's turn comes.
    let post = Input::PostResult { round: 1, outputs_root };
    let refused = ledger.handle(18, key(other), post.clone());
    assert_eq!(refused, Err(Refusal::ClaimPending { claim: 1 }));
    let settle = Input::Settle { round: 1, output_roots: roots, accepted_chunk: chunk };
    let refused = ledger.handle(19, key(0), settle.clone());
    assert_eq!(refused, Err(Refusal::ClaimNotFinal { claim: 1 }));
    let clock = timeout(&ledger, 1);
    let events = play(&mut ledger, vec![(19, first, clock)]);
    assert!(events.contains(&Event::Court(court::Event::Burnt { amount_wei: 5 })));
    assert_eq!((ledger.burnt_wei(), ledger.total_wei()), (5, total));
    assert_eq!((ledger.round(19).attempt, ledger.round(19).claim), (1, 0));
    // The convictor has the first turn from the block on in which the claim fell, then the others
    // in their order, from the seat after the elected one.
    let at = |block| ledger.aggregator(block).expect("elected");
    assert_eq!([at(19), at(21)], [other; 2]);
    assert_eq!([at(22), at(25), at(28), at(31)], [1, 2, 3, 4].map(|turn| at_turn(&ledger, turn)));
    let refused = ledger.handle(20, key(first), post.clone());
    assert_eq!(refused, Err(Refusal::NotAggregator { expected: other, got: first }));
    let events = play(&mut ledger, vec![(20, other, post)]);
    let struck = Event::ResultStruck { round: 1, claim: 1, attempt: 1 };
    assert!(events.contains(&struck));
    play(&mut ledger, vec![(25, 0, settle)]);
    assert_eq!((ledger.total_wei(), ledger.bonds_wei()), (total, 0));
}

#[test]
fn a_claim_whose_dispute_was_won_settles_after_its_deadline() {
    let mut ledger = revealed();
    let first = ledger.aggregator(14).expect("elected");
    let (roots, _, chunk) = outputs(&[]);
    let post = Input::PostResult { round: 1, outputs_root: opening::list_root(&roots) };
    let other = (first + 1) % 3;
    play(&mut ledger, vec![(14, first, post), (18, other, challenge(1, Hash([9; 32])))]);
    // The asserter answers; then the challenger is silent.
    let record = ledger.court().dispute(1).expect("it has not ended").clone();
    let made = court::Move::Reveal { children: roots.clone() };
    let answer = court::Input::Move { dispute: 1, record: Box::new(record), made };
    play(&mut ledger, vec![(20, first, Input::Court(answer))]);
    let clock = timeout(&ledger, 1);
    play(&mut ledger, vec![(24, first, clock)]);
    assert_eq!(ledger.round(24).attempt, 0);
    let settle = Input::Settle { round: 1, output_roots: roots, accepted_chunk: chunk };
    play(&mut ledger, vec![(24, 0, settle)]);
    assert_eq!((ledger.settled_count(), ledger.bonds_wei()), (1, 0));
}

#[test]
fn only_the_round_posts_claims() {
    let mut ledger = revealed();
    let post = court::Input::Post {
        program: config().aggregate_programs[1],
        inputs_root: Hash::ZERO,
        outputs_root: Hash::ZERO,
        asserter: key(1),
        iterations: 1,
        parents: vec![],
    };
    let refused = ledger.handle(14, key(0), Input::Court(post));
    assert_eq!(refused, Err(Refusal::OnlyConsumer));
}

#[test]
fn a_turn_that_is_not_used_passes() {
    let ledger = revealed();
    let at = |block| ledger.aggregator(block).expect("elected");
    let turns = [at(13), at(16), at(19), at(22), at(25), at(28), at(31)];
    assert_eq!(at(15), turns[0]);
    assert_eq!(turns, [0, 1, 2, 3, 4, 5, 6].map(|turn| at_turn(&ledger, turn)));
    let mut rows = turns[..6].to_vec();
    rows.sort_unstable();
    assert_eq!(rows, [0, 1, 1, 2, 2, 2]);
}

#[test]
fn deadlines_close_phases_without_a_call() {
    let mut ledger = joined();
    let calls = vec![(10, 0, Input::Open), (11, 0, commit(1, 0)), (12, 1, commit(1, 1))];
    play(&mut ledger, calls);
    assert_eq!(ledger.round(15).phase, Phase::Commit);
    let round = ledger.round(16);
    assert_eq!((round.phase, round.commits_closed_block), (Phase::Reveal, 15));
    assert_eq!(ledger.round(21).phase, Phase::Reveal);
    assert_eq!(ledger.round(22).phase, Phase::Idle, "nobody revealed");

    let total = ledger.total_wei();
    let events = play(&mut ledger, vec![(22, 2, Input::Open)]);
    let burnt: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Penalised { index, burnt_wei } => Some((*index, *burnt_wei)),
            _ => None,
        })
        .collect();
    assert_eq!(burnt, [(0, PENALTY_WEI), (1, 2 * PENALTY_WEI)], "by seats");
    assert_eq!((ledger.burnt_wei(), ledger.total_wei()), (3 * PENALTY_WEI, total));
    assert!(ledger.round(22).seats.is_empty(), "the opening block has no hash yet");
    let seats: Vec<u32> = ledger.round(23).seats.iter().map(|seat| seat.index).collect();
    assert_eq!(seats, [1, 2], "node 0 fell below the minimum stake");
}

#[test]
fn seats_are_drawn_before_a_stake_moves() {
    let mut ledger = joined();
    play(&mut ledger, vec![(10, 0, Input::Open)]);
    let early = ledger.handle(10, key(0), commit(1, 0));
    assert_eq!(early, Err(Refusal::SeedPending { block: 10 }));
    let nodes = vec![(0, 1), (1, 2), (2, 3)];
    let seated = Event::Seated { round: 1, nodes };
    for mover in [Input::AddStake { amount_wei: WEI_PER_TOKEN }, Input::Leave, Input::Draw] {
        let mut ledger = ledger.clone();
        let seen = ledger.round(11).seats;
        let events = play(&mut ledger, vec![(11, 0, mover)]);
        assert_eq!(events[0], seated);
        assert_eq!(ledger.round(11).seats, seen);
        assert!(play(&mut ledger, vec![(11, 0, Input::Draw)]).is_empty(), "once");
        play(&mut ledger, vec![(12, 0, commit(1, 0))]);
    }
    let refused = ledger.handle(11, CLIENT, commit(1, 0));
    assert_eq!(refused, Err(Refusal::NotSeated { key: CLIENT }));
    let mut same_block = ledger.clone();
    play(&mut same_block, vec![(10, 2, Input::Leave)]);
    let seats = same_block.round(11).seats;
    let seats: Vec<_> = seats.iter().map(|seat| (seat.index, seat.rows)).collect();
    assert_eq!(seats, [(0, 2), (1, 4)], "enrolment closes with the opening block");
}

#[test]
fn too_few_commitments_cost_nobody_anything() {
    let mut ledger = joined();
    play(&mut ledger, vec![(10, 0, Input::Open), (11, 0, commit(1, 0))]);
    let events = play(&mut ledger, vec![(16, 1, Input::Open)]);
    assert!(events.contains(&Event::Voided { round: 1, phase: Phase::Commit }));
    assert_eq!((ledger.burnt_wei(), ledger.round(16).number), (0, 2));
}

#[test]
fn a_failed_open_changes_nothing_even_when_it_would_penalise() {
    let mut config = config();
    config.unrevealed_penalty_wei = 3 * WEI_PER_TOKEN;
    let balances = [(key(0), 2 * WEI_PER_TOKEN), (key(1), 2 * WEI_PER_TOKEN), (CLIENT, 1 << 60)];
    let mut ledger = Ledger::new(config, &balances).expect("the configuration is sound");
    for node in 0..2 {
        let join = Input::Join { payee: payee(node), amount_wei: WEI_PER_TOKEN };
        ledger.handle(1, key(node), join).expect("it has the balance");
    }
    ledger.handle(1, CLIENT, Input::Fund { amount_wei: 1 << 60 }).expect("it has the balance");
    play(&mut ledger, vec![(2, 0, Input::Open), (3, 0, commit(1, 0)), (3, 1, commit(1, 1))]);
    let before = ledger.clone();
    let refused = ledger.handle(10, key(0), Input::Open);
    assert_eq!(refused, Err(Refusal::NodesMissing { got: 0, needed: 2 }));
    assert_eq!(ledger, before);
    assert_eq!(play(&mut ledger, vec![(10, 0, Input::Poke)]).len(), 4);
    assert_eq!(ledger.burnt_wei(), 2 * WEI_PER_TOKEN);
}

#[test]
fn certificates_need_two_thirds_of_others_in_order() {
    let mut ledger = joined();
    let mut calls = vec![(10, 0, Input::Open)];
    calls.extend((0..3).map(|node| (11, node, commit(1, node))));
    play(&mut ledger, calls);
    let wei = |tokens: u128| tokens * WEI_PER_TOKEN;
    let light =
        |tokens| Refusal::CertificateTooLight { got_wei: wei(tokens), needed_wei: wei(4) + 1 };
    let cases = [
        (0, vec![], light(1)),
        (0, vec![1], light(3)),
        (0, vec![2], light(4)),
        (0, vec![2, 1], Refusal::BadCertificate { signature: 1 }),
        (0, vec![1, 1], Refusal::BadCertificate { signature: 1 }),
        (0, vec![0, 1, 2], Refusal::BadCertificate { signature: 0 }),
        (0, vec![1, 7], Refusal::BadCertificate { signature: 1 }),
    ];
    for (node, signers, expected) in cases {
        let refused = ledger.handle(12, key(node), reveal(1, node, &signers));
        assert_eq!(refused, Err(expected), "{signers:?}");
    }
    let stranger = Input::Reveal {
        round: 1,
        update_root: aggregate::bytes_root(&update(0)),
        salt: salt(0),
        blob: Hash::ZERO,
        signers: vec![None],
    };
    let refused = ledger.handle(12, key(0), stranger);
    assert_eq!(refused, Err(Refusal::BadCertificate { signature: 0 }));
    play(&mut ledger, vec![(12, 2, reveal(1, 2, &[1]))]);
}

#[test]
fn calls_out_of_place_are_refused() {
    let mut ledger = joined();
    let wrong = |expected, got| Refusal::WrongPhase { expected, got };
    let post = || Input::PostResult { round: 1, outputs_root: Hash([8; 32]) };
    let idle = ledger.handle(10, key(0), commit(0, 0));
    assert_eq!(idle, Err(wrong(Phase::Commit, Phase::Idle)));
    play(&mut ledger, vec![(10, 0, Input::Open), (11, 0, commit(1, 0))]);
    let zero = Input::Commit { round: 1, commitment: Hash::ZERO };
    let cases = [
        (key(0), Input::Open, wrong(Phase::Idle, Phase::Commit)),
        (key(0), commit(1, 0), Refusal::AlreadyCommitted { node: 0 }),
        (key(1), commit(2, 1), Refusal::WrongRound { expected: 1, got: 2 }),
        (key(1), zero, Refusal::ZeroCommitment { node: 1 }),
        (CLIENT, commit(1, 1), Refusal::NotSeated { key: CLIENT }),
        (key(0), with_data(1, 0), wrong(Phase::Reveal, Phase::Commit)),
        (key(0), post(), wrong(Phase::Aggregate, Phase::Commit)),
        (key(0), Input::Join { payee: payee(0), amount_wei: WEI_PER_TOKEN }, {
            Refusal::AlreadyJoined { key: key(0) }
        }),
        (CLIENT, Input::Leave, Refusal::NotJoined { key: CLIENT }),
        (key(0), Input::Withdraw, Refusal::NotYetUnbonded { unbond_block: 0 }),
    ];
    for (caller, input, expected) in cases {
        let before = ledger.clone();
        assert_eq!(ledger.handle(11, caller, input), Err(expected));
        assert_eq!(ledger, before);
    }
    play(&mut ledger, vec![(12, 1, commit(1, 1))]);
    let short =
        Input::RevealWithData { round: 1, salt: salt(0), blob: Hash::ZERO, update: vec![0] };
    let cases = [
        (2, with_data(1, 2), Refusal::NotCommitted { node: 2 }),
        (0, short, Refusal::UpdateLength { got: 1, expected: 8 }),
    ];
    for (node, input, expected) in cases {
        assert_eq!(ledger.handle(16, key(node), input), Err(expected));
    }
    let mut other = with_data(1, 0);
    if let Input::RevealWithData { update, .. } = &mut other {
        update[0] ^= 1;
    }
    let mismatch = ledger.handle(16, key(0), other);
    assert!(matches!(mismatch, Err(Refusal::CommitmentMismatch { .. })));
}

#[test]
fn the_electing_block_must_have_passed() {
    let mut ledger = joined();
    let mut calls = vec![(10, 0, Input::Open)];
    calls.extend((0..3).map(|node| (11, node, commit(1, node))));
    calls.extend((0..3).map(|node| (11, node, with_data(1, node))));
    play(&mut ledger, calls);
    assert_eq!(ledger.round(11).phase, Phase::Aggregate);
    let pending = Err(Refusal::SeedPending { block: 12 });
    assert_eq!((ledger.aggregator(11), ledger.aggregator(12)), (pending, pending));
    assert!(ledger.aggregator(13).is_ok());
}

#[test]
fn a_node_leaves_with_its_stake() {
    let mut ledger = joined();
    play(&mut ledger, vec![(10, 2, Input::Leave)]);
    let early = ledger.handle(109, key(2), Input::Withdraw);
    assert_eq!(early, Err(Refusal::NotYetUnbonded { unbond_block: 110 }));
    let add = ledger.handle(109, key(2), Input::AddStake { amount_wei: 1 });
    assert_eq!(add, Err(Refusal::AlreadyLeaving { index: 2 }));
    play(&mut ledger, vec![(110, 2, Input::Withdraw)]);
    assert_eq!(ledger.balance_wei(payee(2)), 3 * WEI_PER_TOKEN);
    let join = Input::Join { payee: payee(2), amount_wei: WEI_PER_TOKEN };
    play(&mut ledger, vec![(111, 2, join)]);
    assert_eq!(ledger.view(111, key(2)).own, Some(3), "indices are never reused");
}

#[test]
fn rounds_open_only_when_funded() {
    let mut ledger = Ledger::new(config(), &[(CLIENT, 1000 * WEI_PER_GWEI)]).expect("sound");
    let needed_wei = 1000 * WEI_PER_GWEI;
    let refused = ledger.handle(1, CLIENT, Input::Open);
    assert_eq!(refused, Err(Refusal::Unfunded { got_wei: 0, needed_wei }));
    ledger.handle(1, CLIENT, Input::Fund { amount_wei: needed_wei }).expect("it has the balance");
    let refused = ledger.handle(1, CLIENT, Input::Open);
    assert_eq!(refused, Err(Refusal::NodesMissing { got: 0, needed: 2 }));
}

fn any_call() -> impl Strategy<Value = (u64, u32, Input)> {
    let round = 0_u64..4;
    let roots = outputs(&[100.0, 200.0, 300.0]);
    let root = opening::list_root(&roots.0);
    let paid = roots.1.clone();
    let input = prop_oneof![
        3 => Just(Input::Open),
        6 => (round.clone(), 0_u32..3).prop_map(|(round, node)| commit(round, node)),
        4 => (round.clone(), 0_u32..3).prop_map(|(round, node)| with_data(round, node)),
        2 => (round.clone(), 0_u32..3).prop_map(|(round, node)| reveal(round, node, &[0, 1, 2])),
        6 => round.clone().prop_map(move |round| Input::PostResult { round, outputs_root: root }),
        1 => (1_u64..5, any::<bool>()).prop_map(move |(claim, same)| {
            challenge(claim, if same { root } else { Hash([3; 32]) })
        }),
        1 => (1_u64..5).prop_map(|id| Input::Court(court::Input::Finalise { id })),
        4 => round.prop_map(move |round| Input::Settle {
            round,
            output_roots: roots.0.clone(),
            accepted_chunk: roots.2.clone(),
        }),
        1 => Just(Input::Poke),
        1 => Just(Input::Draw),
        1 => Just(Input::Leave),
        1 => (0..WEI_PER_TOKEN).prop_map(|amount_wei| Input::AddStake { amount_wei }),
        2 => (0_u32..3).prop_map(move |node| Input::Claim {
            node,
            opening: opening::open(&paid, 0).expect("the first chunk"),
        }),
    ];
    (0_u64..3, 0_u32..3, input)
}

proptest! {
    #[test]
    fn tokens_are_conserved_and_refusals_change_nothing(
        calls in prop::collection::vec(any_call(), 1..120),
    ) {
        let mut ledger = joined();
        let total = ledger.total_wei();
        let mut now = 2;
        for (blocks, node, input) in calls {
            now += blocks;
            // Disputes end by their clocks here; what moves do is the court's to test.
            let open = ledger.court().disputes().next().map(|(dispute, _)| dispute);
            let input = match open {
                Some(dispute) if input == Input::Poke => timeout(&ledger, dispute),
                _ => input,
            };
            let before = ledger.clone();
            if ledger.handle(now, key(node), input).is_err() {
                prop_assert_eq!(&ledger, &before);
            }
            prop_assert_eq!(ledger.total_wei(), total);
            prop_assert!(ledger.settled_count() <= ledger.round(now).number);
        }
    }
}

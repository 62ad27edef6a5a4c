//! What a node asks for, look by look, and after every crash point.

use court::{Address, Claim, State, Terms};
use tensor::Hash;

use super::{Input, Machine, Member, Output, Reason, Record, Retry, Signature, Tx};
use crate::chain::{Block, Config, Domain, Phase, Round, Seat, View, WEI_PER_TOKEN};
use crate::{aggregate, digest};

const KEY: Address = Address([1; 20]);
const RETRY: Retry = Retry { tx_blocks: 3, offer_blocks: 2, fetch_blocks: 2 };
const SALT: Hash = Hash([77; 32]);

fn config() -> Config {
    Config {
        domain: Domain { chain_id: 7, rounds: Address([0xdd; 20]), job: Hash([1; 32]) },
        nodes: 2,
        quorum: 2,
        capacity: 4,
        cumulative_length: 40,
        commit_blocks: 5,
        reveal_blocks: 8,
        aggregate_blocks: 3,
        budget_gwei: 1000,
        unrevealed_penalty_wei: 1,
        update_length: 2,
        initial_model: Hash([2; 32]),
        initial_cumulative: Hash([3; 32]),
        aggregate_programs: vec![Hash([12; 32]); 3],
        terms: Terms { bond_wei: 10, window_blocks: 6, clock_blocks: 9, gas_price_wei_max: 0 },
        minimum_stake_wei: WEI_PER_TOKEN,
        unbond_blocks: 100,
        scores: None,
    }
}

fn machine() -> Machine {
    Machine::restore(config(), RETRY, KEY, [])
}

fn bytes(node: u32) -> Vec<u8> {
    [node, node + 1].iter().flat_map(|q| q.to_le_bytes()).collect()
}

fn root(node: u32) -> Hash {
    aggregate::bytes_root(&bytes(node))
}

fn blob(node: u32) -> Hash {
    Hash(*blake3::hash(&bytes(node)).as_bytes())
}

fn commitment(node: u32) -> Hash {
    digest::commitment(&config().domain, (4, node), root(node), SALT)
}

/// Round 4 with nodes 2, 5 (the one under test) and 9, which has two seats, opened in block 100.
fn view(phase: Phase) -> View {
    let late = matches!(phase, Phase::Reveal | Phase::Aggregate);
    let closed = phase == Phase::Aggregate;
    let seat = |index| Seat {
        index,
        rows: if index == 9 { 2 } else { 1 },
        stake_wei: 10 * WEI_PER_TOKEN,
        commitment: if late { commitment(index) } else { Hash::ZERO },
        update_root: if closed { root(index) } else { Hash::ZERO },
        blob: if closed { blob(index) } else { Hash::ZERO },
        salt: if closed { SALT } else { Hash::ZERO },
        revealed: closed,
    };
    View {
        round: Round {
            number: 4,
            phase,
            open_block: 100,
            commits_closed_block: if late { 105 } else { 0 },
            reveals_closed_block: if closed { 110 } else { 0 },
            attempt: 0,
            claim: 0,
            elect_seed: Hash::ZERO,
            model_root: Hash([2; 32]),
            cumulative_root: Hash([3; 32]),
            seats: [2, 5, 9].map(seat).to_vec(),
        },
        train_seed: Some(Hash([6; 32])),
        claim: None,
        challenged: false,
        aggregator: closed.then_some(2),
        own: Some(5),
        actives: vec![2, 5, 9],
        openable: phase == Phase::Idle,
        rewards_root: Hash([3; 32]),
        due_gwei: 0,
    }
}

fn look(machine: &mut Machine, now: Block, view: View) -> Vec<Output> {
    let mut outputs = machine.handle(now, Input::Chain(Box::new(view)));
    outputs.retain(|output| {
        !matches!(output, Output::Finished { .. } | Output::Persist(Record::Finished { .. }))
    });
    outputs
}

fn trained(update: Vec<i32>, salt: Hash) -> Input {
    Input::Trained { round: 4, update, salt }
}

fn committed_record() -> Record {
    Record::Committed { round: 4, update_root: root(5), blob: blob(5), salt: SALT }
}

/// A machine that stands by its update in round 4.
fn committed() -> Machine {
    Machine::restore(config(), RETRY, KEY, [committed_record()])
}

#[test]
fn it_trains_once_and_stands_by_the_first_update() {
    let mut machine = machine();
    let mut early = view(Phase::Commit);
    early.train_seed = None;
    assert_eq!(look(&mut machine, 100, early), []);
    let train = Output::Train { round: 4, seed: Hash([6; 32]), model_root: Hash([2; 32]) };
    assert_eq!(look(&mut machine, 101, view(Phase::Commit)), [train]);
    assert_eq!(look(&mut machine, 102, view(Phase::Commit)), []);

    let outputs = machine.handle(102, trained(vec![5, 6], SALT));
    let commit = Output::Send(Tx::Commit { round: 4, commitment: commitment(5) });
    let keep = Output::Keep { round: 4, blob: blob(5), bytes: bytes(5) };
    assert_eq!(outputs, [keep, Output::Persist(committed_record()), commit.clone()]);
    assert_eq!(machine.handle(102, trained(vec![7, 7], Hash([1; 32]))), []);

    assert_eq!(look(&mut machine, 104, view(Phase::Commit)), []);
    assert_eq!(look(&mut machine, 105, view(Phase::Commit)), [commit], "asked again");
}

#[test]
fn every_crash_point_leaves_one_commitment() {
    let mut whole = machine();
    look(&mut whole, 101, view(Phase::Commit));
    let outputs = whole.handle(102, trained(vec![5, 6], SALT));
    for done in 0..=outputs.len() {
        let durable = outputs[..done].iter().filter_map(|output| match output {
            Output::Persist(record) => Some(*record),
            _ => None,
        });
        let mut machine = Machine::restore(config(), RETRY, KEY, durable);
        let first = look(&mut machine, 103, view(Phase::Commit));
        let again = machine.handle(103, trained(vec![8, 9], Hash([1; 32])));
        let sent: Vec<&Output> =
            first.iter().chain(&again).filter(|o| matches!(o, Output::Send(_))).collect();
        let same = Output::Send(Tx::Commit { round: 4, commitment: commitment(5) });
        match done {
            0 | 1 => assert!(sent.len() == 1 && *sent[0] != same, "nothing had left the node"),
            _ => assert_eq!(sent, [&same]),
        }
    }
}

#[test]
fn a_certificate_reveals_and_half_the_window_falls_back_to_data() {
    let mut machine = committed();
    let offer = |to: &[u32]| Output::Offer {
        to: to.to_vec(),
        round: 4,
        update_root: root(5),
        blob: blob(5),
    };
    assert_eq!(look(&mut machine, 106, view(Phase::Reveal)), [offer(&[2, 9])]);
    let sign = |node| Input::Signature { round: 4, node, signature: Signature([8; 65]) };
    assert_eq!(machine.handle(106, sign(9)), [], "two thirds are not more than two thirds");
    let outputs = machine.handle(107, sign(2));
    let signatures = vec![(2, Signature([8; 65])), (9, Signature([8; 65]))];
    let (update_root, blob) = (root(5), blob(5));
    let reveal = Tx::Reveal { round: 4, update_root, salt: SALT, blob, signatures };
    assert_eq!(outputs, [Output::Send(reveal)]);

    let mut alone = committed();
    look(&mut alone, 106, view(Phase::Reveal));
    assert_eq!(look(&mut alone, 108, view(Phase::Reveal)), [offer(&[2, 9])]);
    let with_data = Output::Send(Tx::RevealWithData { round: 4, salt: SALT, blob });
    assert_eq!(look(&mut alone, 109, view(Phase::Reveal)), [with_data]);
}

#[test]
fn a_commitment_that_is_not_its_own_is_not_revealed() {
    let mut machine = committed();
    let mut foreign = view(Phase::Reveal);
    foreign.round.seats[1].commitment = Hash([4; 32]);
    assert_eq!(look(&mut machine, 112, foreign), []);
    let mut blank = self::machine();
    assert_eq!(look(&mut blank, 112, view(Phase::Reveal)), []);
}

#[test]
fn offers_are_checked_kept_and_signed_once() {
    let mut machine = committed();
    let offer =
        |node, update_root, blob, bytes| Input::Offer { round: 4, node, update_root, blob, bytes };
    let refuse = |to, reason| Output::Refuse { to, reason };
    let good = || offer(9, root(9), blob(9), bytes(9));
    let not_now = machine.handle(105, good());
    assert_eq!(not_now, [refuse(9, Reason::NotNow { round: 4 })]);
    look(&mut machine, 106, view(Phase::Reveal));
    let cases = [
        (offer(5, root(5), blob(5), bytes(5)), 5, Reason::NothingToReveal { node: 5 }),
        (offer(3, root(3), blob(3), bytes(3)), 3, Reason::NothingToReveal { node: 3 }),
        (offer(9, root(9), blob(9), vec![0; 7]), 9, Reason::Length { expected: 8, got: 7 }),
        (offer(9, root(9), blob(9), bytes(2)), 9, Reason::Mismatch),
        (offer(9, root(2), blob(9), bytes(9)), 9, Reason::Mismatch),
        (offer(9, root(9), blob(2), bytes(9)), 9, Reason::Mismatch),
    ];
    for (input, to, reason) in cases {
        assert_eq!(machine.handle(106, input), [refuse(to, reason)]);
    }
    let attest = Output::Attest { to: 9, round: 4, update_root: root(9), blob: blob(9) };
    let keep = Output::Keep { round: 4, blob: blob(9), bytes: bytes(9) };
    assert_eq!(machine.handle(106, good()), [keep, attest.clone()]);
    assert_eq!(machine.handle(106, good()), [attest], "the answer was lost");
    let other = machine.handle(106, offer(9, root(2), blob(2), bytes(2)));
    assert_eq!(other, [refuse(9, Reason::Another { node: 9 })]);
}

fn computed(first: u8) -> Input {
    let output_roots = [first, 21, 22, 23].map(|byte| Hash([byte; 32]));
    Input::Computed { round: 4, output_roots, accepted_chunk: vec![1; 128] }
}

fn outputs_root(first: u8) -> Hash {
    court::opening::list_root(&[first, 21, 22, 23].map(|byte| Hash([byte; 32])))
}

/// A machine that has everything and has computed.
fn ready(view: &View) -> Machine {
    let mut machine = committed();
    let fetches = look(&mut machine, 111, view.clone());
    let fetch = |node| Output::Fetch { round: 4, node, update_root: root(node), blob: blob(node) };
    assert_eq!(fetches, [fetch(2), fetch(9)]);
    let wrong = Input::Fetched { round: 4, node: 2, bytes: bytes(9) };
    assert_eq!(machine.handle(111, wrong), []);
    machine.handle(111, Input::Fetched { round: 4, node: 2, bytes: bytes(2) });
    let outputs = machine.handle(111, Input::Fetched { round: 4, node: 9, bytes: bytes(9) });
    let member = |index| Member { index, update_root: root(index), blob: blob(index) };
    let aggregate = Output::Aggregate {
        round: 4,
        model_root: Hash([2; 32]),
        cumulative_root: Hash([3; 32]),
        members: [2, 5, 9, 9].map(member).to_vec(),
    };
    assert_eq!(outputs.last(), Some(&aggregate));
    machine
}

fn claimed(asserter: Address, first: u8) -> View {
    let mut view = view(Phase::Aggregate);
    view.round.claim = 3;
    view.claim = Some(Claim {
        program: Hash([12; 32]),
        inputs_root: Hash::ZERO,
        outputs_root: outputs_root(first),
        asserter,
        consumer: config().domain.rounds,
        bond_wei: 10,
        deadline: 120,
        iterations: 1,
        depth: 0,
        disputes: 0,
        state: State::Open,
        parents: vec![],
        convictor: None,
        fell_block: 0,
        drawn_wei: 0,
        owed_wei: 0,
        reserve_wei: 0,
    });
    view
}

#[test]
fn the_aggregator_posts_when_it_has_computed() {
    let mut elected = view(Phase::Aggregate);
    elected.aggregator = Some(5);
    let mut machine = ready(&elected);
    let post = Output::Send(Tx::PostResult { round: 4, outputs_root: outputs_root(20) });
    assert_eq!(machine.handle(112, computed(20)), std::slice::from_ref(&post));
    assert_eq!(look(&mut machine, 113, elected.clone()), []);
    let again = look(&mut machine, 115, elected.clone());
    assert_eq!(again, std::slice::from_ref(&post), "asked again");
    let mut struck = elected;
    struck.round.attempt = 1;
    assert_eq!(look(&mut machine, 116, struck), [post], "a new attempt is a new purpose");
    let mut other = ready(&view(Phase::Aggregate));
    assert_eq!(other.handle(112, computed(20)), []);
}

#[test]
fn a_differing_claim_is_challenged_in_its_window_and_never_settled() {
    let liar = claimed(Address([9; 20]), 99);
    let mut machine = ready(&view(Phase::Aggregate));
    machine.handle(112, computed(20));
    let challenge = Tx::Challenge { claim: 3, outputs_root: outputs_root(20) };
    let sent: Vec<Block> = (114..130)
        .filter(|now| {
            look(&mut machine, *now, liar.clone()).contains(&Output::Send(challenge.clone()))
        })
        .collect();
    assert_eq!(sent, [116, 119], "after its turn, again after three blocks, not after block 120");
    let mut own = ready(&view(Phase::Aggregate));
    own.handle(112, computed(20));
    assert_eq!(look(&mut own, 116, claimed(KEY, 99)), [], "the court would refuse it");
}

#[test]
fn a_claim_that_others_dispute_is_challenged_once_in_ones_own_name() {
    let mut liar = claimed(Address([9; 20]), 99);
    if let Some(claim) = &mut liar.claim {
        (claim.state, claim.disputes) = (State::Disputed, 1);
    }
    let mut machine = ready(&view(Phase::Aggregate));
    machine.handle(112, computed(20));
    let challenge = Output::Send(Tx::Challenge { claim: 3, outputs_root: outputs_root(20) });
    assert_eq!(look(&mut machine, 116, liar.clone()), [challenge]);
    liar.challenged = true;
    assert_eq!(look(&mut machine, 119, liar), [], "its own dispute is there");
}

#[test]
fn without_a_seat_it_challenges_only_what_few_seats_dispute() {
    let disputed = |disputes| {
        let mut liar = claimed(Address([9; 20]), 99);
        liar.own = Some(7);
        if let Some(claim) = &mut liar.claim {
            (claim.state, claim.disputes) = (State::Disputed, disputes);
        }
        liar
    };
    let challenge = Output::Send(Tx::Challenge { claim: 3, outputs_root: outputs_root(20) });
    for (disputes, expected) in [(0, true), (1, true), (2, false)] {
        let mut machine = ready(&view(Phase::Aggregate));
        machine.handle(112, computed(20));
        let sent = look(&mut machine, 117, disputed(disputes)).contains(&challenge);
        assert_eq!(sent, expected, "{disputes} disputes, four seats");
    }
}

#[test]
fn a_disputed_claim_is_not_settled_until_its_disputes_are_won() {
    let mut agreed = claimed(Address([9; 20]), 20);
    let mut machine = ready(&view(Phase::Aggregate));
    machine.handle(112, computed(20));
    if let Some(claim) = &mut agreed.claim {
        (claim.state, claim.disputes) = (State::Disputed, 1);
    }
    assert_eq!(look(&mut machine, 140, agreed.clone()), []);
    if let Some(claim) = &mut agreed.claim {
        (claim.state, claim.disputes) = (State::Open, 0);
    }
    let settled = look(&mut machine, 141, agreed);
    assert!(matches!(settled[..], [Output::Send(Tx::Settle { round: 4, .. })]));
}

#[test]
fn an_agreed_claim_is_settled_after_its_window_in_turn() {
    let agreed = claimed(Address([9; 20]), 20);
    let mut machine = ready(&view(Phase::Aggregate));
    machine.handle(112, computed(20));
    let first = (114..130).find(|now| {
        let outputs = look(&mut machine, *now, agreed.clone());
        outputs.iter().any(|output| matches!(output, Output::Send(Tx::Settle { round: 4, .. })))
    });
    // Claim 3 starts the turns at seat 0; this node has seat 1 and stands behind the asserter too.
    assert_eq!(first, Some(123));
    let mut asserter = ready(&view(Phase::Aggregate));
    asserter.handle(112, computed(20));
    assert_eq!(look(&mut asserter, 120, claimed(KEY, 20)), []);
    assert_eq!(look(&mut asserter, 121, claimed(KEY, 20)).len(), 1);
}

#[test]
fn rounds_are_opened_in_turn_and_pay_is_claimed() {
    let mut machine = machine();
    let mut idle = view(Phase::Idle);
    idle.due_gwei = 5;
    let claim = Tx::ClaimReward { node: 5, cumulative_root: Hash([3; 32]) };
    // Round 4 of three actives starts with place 1, this node.
    let opened = look(&mut machine, 200, idle.clone());
    assert_eq!(opened, [Output::Send(Tx::Open), Output::Send(claim)]);
    idle.round.number = 5;
    idle.due_gwei = 0;
    assert_eq!(look(&mut machine, 210, idle.clone()), []);
    assert_eq!(look(&mut machine, 211, idle.clone()), []);
    assert_eq!(look(&mut machine, 212, idle.clone()), [Output::Send(Tx::Open)]);
    idle.openable = false;
    assert_eq!(look(&mut machine, 220, idle), []);
}

#[test]
fn ended_rounds_are_said_once() {
    let mut machine = machine();
    let finished =
        |round| [Output::Persist(Record::Finished { round }), Output::Finished { round }];
    let see = |machine: &mut Machine, view| machine.handle(100, Input::Chain(Box::new(view)));
    assert_eq!(see(&mut machine, view(Phase::Commit))[..2], finished(3));
    assert_eq!(see(&mut machine, view(Phase::Reveal)), []);
    assert_eq!(see(&mut machine, view(Phase::Idle))[..2], finished(4));
    assert_eq!(machine.finished(), 4);
    let records = [Record::Finished { round: 4 }, committed_record()];
    let mut again = Machine::restore(config(), RETRY, KEY, records);
    let outputs = see(&mut again, view(Phase::Idle));
    assert!(!outputs.iter().any(|output| matches!(output, Output::Finished { .. })));
}

#[test]
#[should_panic(expected = "an update of 3 for 2")]
fn an_update_of_another_length_is_a_wrong_setup() {
    let mut machine = machine();
    machine.handle(1, trained(vec![1, 2, 3], SALT));
}

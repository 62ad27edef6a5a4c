//! Transitions, refusals in the order in which they are checked, and that no wei appears or
//! vanishes. Whole disputes are in `tests/suite`.

use std::sync::Arc;

use proptest::prelude::*;
use tensor::{Builder, Dtype, Hash, Program, Tensor};

use super::{Call, Court, Event, Input, Move, Refusal, State, Terms};
use crate::advocate::{Revealed, next_move};
use crate::record::{Dispute, Side, Stage, Turn};
use crate::trace::{Executor, Reference, Witness};
use crate::{Address, bond_floor_wei};

const CONSUMER: Address = Address([1; 20]);
const ASSERTER: Address = Address([2; 20]);
const CHALLENGER: Address = Address([3; 20]);
const BOND_WEI: u128 = 7_000_001;
const TERMS: Terms =
    Terms { bond_wei: BOND_WEI, window_blocks: 5, clock_blocks: 8, gas_price_wei_max: 3 };

fn root(byte: u8) -> Hash {
    Hash([byte; 32])
}

/// `sum(x * x)` over 70 elements, which has every stage of a walk but iterations.
fn program() -> Arc<Program> {
    let mut b = Builder::new();
    let x = b.input(Dtype::F32, &[70]).expect("an input");
    let y = b.mul(x, x).expect("alike");
    let sum = b.sum(y, 0).expect("one axis");
    Arc::new(b.finish(&[sum, x]).expect("outputs"))
}

/// An executor that is wrong in one op, or in none.
struct Wrong(Option<usize>);

impl Executor for Wrong {
    fn execute(&self, p: &Program, op: usize, operands: &[&Tensor], inputs: &[Tensor]) -> Tensor {
        let right = Reference.execute(p, op, operands, inputs);
        if self.0 != Some(op) {
            return right;
        }
        let mut bytes = right.to_bytes();
        bytes[3] ^= 0x40;
        Tensor::from_bytes(right.dtype(), right.shape(), &bytes).expect("as many bytes")
    }
}

fn witness(wrong: Option<usize>) -> Witness {
    let x = (0..70u8).map(f32::from).collect();
    let inputs = vec![Tensor::f32(&[70], x).expect("seventy")];
    Witness::new(program(), inputs, 1, Box::new(Wrong(wrong))).expect("they fit")
}

fn call(block: u64, caller: Address) -> Call {
    Call { block, caller, gas_price_wei: 2 }
}

fn post(outputs_root: Hash, parents: &[u64]) -> Input {
    Input::Post {
        program: program().hash(),
        inputs_root: witness(None).inputs_root(),
        outputs_root,
        asserter: ASSERTER,
        iterations: 1,
        parents: parents.to_vec(),
    }
}

fn challenge(id: u64, outputs_root: Hash) -> Input {
    Input::Challenge { id, outputs_root, header: program().header() }
}

fn empty() -> Court {
    let mut court = Court::new(TERMS);
    court.admit(program().hash());
    court
}

/// A court with one claim, posted in block 10 with deadline 15.
fn posted() -> Court {
    let mut court = empty();
    let events = court.handle(call(10, CONSUMER), post(root(7), &[])).expect("admitted");
    let taken = Event::BondTaken { from: ASSERTER, amount_wei: BOND_WEI };
    assert_eq!(events, [taken, Event::Claimed { id: 1 }]);
    court
}

fn refused(court: &Court, call: Call, input: Input) -> Refusal {
    let mut after = court.clone();
    let refusal = after.handle(call, input).expect_err("it is refused");
    assert_eq!(after, *court, "a refusal changes nothing");
    refusal
}

fn record(court: &Court, dispute: u64) -> Box<Dispute> {
    Box::new(court.dispute(dispute).expect("it has not ended").clone())
}

#[test]
fn an_unchallenged_claim_becomes_final_after_its_deadline() {
    let mut court = posted();
    let finalise = || Input::Finalise { id: 1 };
    let open = Refusal::WindowOpen { id: 1, deadline: 15 };
    assert_eq!(refused(&court, call(15, ASSERTER), finalise()), open);
    let events = court.handle(call(16, CHALLENGER), finalise()).expect("the window has passed");
    let returned = Event::Returned { to: ASSERTER, amount_wei: BOND_WEI };
    assert_eq!(events, [returned, Event::Finalised { id: 1 }]);
    let late = refused(&court, call(17, CHALLENGER), challenge(1, root(8)));
    assert_eq!(late, Refusal::NotOpen { id: 1, state: State::Final });
    assert_eq!(court.held_wei(), 0);
}

#[test]
fn what_cannot_be_claimed_is_refused() {
    let mut court = posted();
    let altered = |iterations, parents: &[u64], program| {
        let mut input = post(root(7), parents);
        if let Input::Post { iterations: k, program: p, .. } = &mut input {
            (*k, *p) = (iterations, program);
        }
        input
    };
    let (own, at) = (program().hash(), call(11, CONSUMER));
    let unknown = Refusal::NotRegistered { program: root(9) };
    assert_eq!(refused(&court, at, altered(0, &[9], root(9))), unknown);
    let none = Refusal::BadIterations { iterations: 0 };
    assert_eq!(refused(&court, at, altered(0, &[9], own)), none);
    for parent in [0, 2] {
        let input = altered(1, &[1, parent], own);
        assert_eq!(refused(&court, at, input), Refusal::BadParent { parent });
    }
    let nine = [1, 1, 1, 1, 1, 1, 1, 1, 1];
    assert_eq!(refused(&court, at, altered(1, &nine, own)), Refusal::BadParent { parent: 9 });
    for deep in 1..=8u8 {
        court.handle(at, post(root(7), &[u64::from(deep)])).expect("at most 8 deep");
        assert_eq!(court.claim(u64::from(deep) + 1).map(|claim| claim.depth), Ok(deep));
    }
    assert_eq!(refused(&court, at, post(root(7), &[9])), Refusal::BadParent { parent: 9 });
    court.handle(call(16, CONSUMER), Input::Finalise { id: 1 }).expect("its window has passed");
    let early = refused(&court, call(17, CONSUMER), Input::Finalise { id: 3 });
    assert_eq!(early, Refusal::ParentOpen { parent: 2 });
    court.handle(call(17, CONSUMER), post(root(7), &[1])).expect("a parent may be final");
    assert_eq!(court.claim(10).map(|claim| claim.depth), Ok(0));
}

#[test]
fn challenges_that_are_none_are_refused() {
    let court = posted();
    let cases = [
        (11, CHALLENGER, challenge(0, root(8)), Refusal::UnknownClaim { id: 0 }),
        (11, CHALLENGER, challenge(2, root(8)), Refusal::UnknownClaim { id: 2 }),
        (11, CHALLENGER, challenge(1, root(7)), Refusal::SameOutputs { id: 1 }),
        (11, ASSERTER, challenge(1, root(8)), Refusal::OwnClaim { id: 1 }),
        (16, CHALLENGER, challenge(1, root(8)), Refusal::WindowClosed { id: 1, deadline: 15 }),
    ];
    for (now, caller, input, expected) in cases {
        assert_eq!(refused(&court, call(now, caller), input), expected);
    }
    let mut header = program().header();
    header[0] ^= 1;
    let other = Input::Challenge { id: 1, outputs_root: root(8), header: header.clone() };
    let (expected, got) = (program().hash(), Hash::of(&[&[3], &header]));
    let mismatch = Refusal::Mismatch { expected, got };
    assert_eq!(refused(&court, call(11, CHALLENGER), other), mismatch);
}

#[test]
fn a_move_is_checked_in_one_order() {
    let mut court = posted();
    court.handle(call(12, CHALLENGER), challenge(1, root(8))).expect("it can be challenged");
    let stated = record(&court, 1);
    assert_eq!((stated.stage, stated.turn, stated.moves), (Stage::Outputs, Turn::Children, 1));
    let play = |record: &Dispute, made: Move| Input::Move {
        dispute: 1,
        record: Box::new(record.clone()),
        made,
    };
    let (chunk, reveal) = (Move::RevealChunk { chunk: vec![] }, |count: u8| Move::Reveal {
        children: (0..count).map(root).collect(),
    });
    let mut stale = stated.clone();
    stale.moves += 1;
    let unknown = Refusal::NotTheRecord { dispute: 1 };
    // Each case has every later fault as well.
    assert_eq!(refused(&court, call(99, CONSUMER), play(&stale, chunk.clone())), unknown);
    let (stage, turn) = (Stage::Outputs, Turn::Children);
    let wrong = Refusal::WrongMove { stage, turn };
    assert_eq!(refused(&court, call(99, CONSUMER), play(&stated, chunk.clone())), wrong);
    let turn = Refusal::NotYourTurn { mover: ASSERTER };
    assert_eq!(refused(&court, call(99, CONSUMER), play(&stated, reveal(3))), turn);
    let late = Refusal::ClockRanOut { left: 8, used: 87 };
    assert_eq!(refused(&court, call(99, ASSERTER), play(&stated, reveal(3))), late);
    let count = Refusal::OpeningCount { expected: 2, got: 3 };
    assert_eq!(refused(&court, call(20, ASSERTER), play(&stated, reveal(3))), count);
    let leads = refused(&court, call(20, ASSERTER), play(&stated, reveal(2)));
    assert!(matches!(leads, Refusal::Mismatch { expected, .. } if expected == root(7)));
    // A fallen claim comes before the turn.
    let timeout = |record: &Dispute| Input::Timeout { dispute: 1, record: record.clone().into() };
    let runs = Refusal::ClockRuns { left: 8, used: 8 };
    assert_eq!(refused(&court, call(20, CONSUMER), timeout(&stated)), runs);
    court.handle(call(13, CONSUMER), challenge(1, root(9))).expect("side by side");
    court.handle(call(21, CONSUMER), timeout(&stated)).expect("the clock ran out");
    assert_eq!(court.claim(1).map(|claim| claim.state), Ok(State::Struck));
    assert_eq!(refused(&court, call(22, CONSUMER), timeout(&stated)), unknown);
    let (other, fell) = (record(&court, 2), Refusal::NotOpen { id: 1, state: State::Struck });
    let input = Input::Move { dispute: 2, record: other.clone(), made: chunk };
    assert_eq!(refused(&court, call(99, CONSUMER), input), fell);
    let input = Input::Timeout { dispute: 2, record: other };
    assert_eq!(refused(&court, call(22, CONSUMER), input), fell);
}

/// Plays dispute `dispute` with these witnesses until it is decided or somebody has no move.
fn play(court: &mut Court, dispute: u64, sides: (&mut Witness, &mut Witness)) -> Vec<Event> {
    let mut revealed = Revealed::default();
    let mut all = Vec::new();
    while let Some(record) = court.dispute(dispute).cloned() {
        let (evidence, by) = match record.mover() {
            Side::Asserter => (&mut *sides.0, ASSERTER),
            Side::Challenger => (&mut *sides.1, record.challenger),
        };
        let Some(made) = next_move(&record, &revealed, evidence) else { break };
        let input = Input::Move { dispute, record: Box::new(record), made };
        let Ok(events) = court.handle(call(13, by), input) else { break };
        events.iter().for_each(|event| revealed.see(event));
        all.extend(events);
    }
    all
}

#[test]
fn a_conviction_pays_the_winner_and_what_is_owed_and_burns_half() {
    let (mut wrong, mut right) = (witness(Some(1)), witness(None));
    let mut court = empty();
    court.handle(call(10, CONSUMER), post(wrong.outputs_root(), &[])).expect("admitted");
    court.handle(call(11, CONSUMER), post(root(6), &[1])).expect("built on the first");
    for challenger in [CHALLENGER, CONSUMER] {
        let input = challenge(1, right.outputs_root());
        court.handle(call(12, challenger), input).expect("it can be challenged");
    }
    // The other dispute goes as far as two moves of each side, which both cost the other.
    let mut revealed = Revealed::default();
    for _ in 0..4 {
        let stated = record(&court, 2);
        let (by, evidence) = match stated.mover() {
            Side::Asserter => (ASSERTER, &mut wrong),
            Side::Challenger => (CONSUMER, &mut right),
        };
        let made = next_move(&stated, &revealed, evidence).expect("they differ");
        let input = Input::Move { dispute: 2, record: stated, made };
        let events = court.handle(call(13, by), input).expect("it is due");
        events.iter().for_each(|event| revealed.see(event));
    }
    let other = record(&court, 2);
    assert_eq!((other.asserter_gas, other.challenger_gas), (470_000, 830_000));
    let events = play(&mut court, 1, (&mut wrong, &mut right));
    let advanced = |to| {
        let of = |event: &Event| match event {
            Event::Advanced { to: payee, amount_wei } if *payee == to => *amount_wei,
            _ => 0,
        };
        events.iter().map(of).sum::<u128>()
    };
    // Two wei for each gas, as far as a quarter of the bond goes, over both disputes.
    let (gas, drawn) = (advanced(ASSERTER), 830_000 + advanced(CHALLENGER));
    assert_eq!((gas, drawn), (850_000, BOND_WEI / 4));
    let [.., Event::Burnt { amount_wei: burnt }, Event::Returned { to, amount_wei }, decided] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    let bounty_wei = BOND_WEI / 2 - drawn - gas - other.asserter_gas;
    assert_eq!((*burnt, *to), (BOND_WEI - BOND_WEI / 2, CHALLENGER));
    assert_eq!(*amount_wei, BOND_WEI + bounty_wei);
    let (asserter_lost, by_clock, burnt_wei) = (true, false, *burnt);
    let expected =
        Event::Decided { id: 1, dispute: 1, asserter_lost, by_clock, bounty_wei, burnt_wei };
    assert_eq!(*decided, expected);
    let convictor = court.claim(1).expect("posted").convictor.expect("it was convicted");
    assert_eq!((convictor.challenger, convictor.outputs_root), (CHALLENGER, right.outputs_root()));
    assert_eq!(court.claim(1).map(|claim| claim.fell_block), Ok(13));
    let close = Input::Close { dispute: 2, record: other };
    let closed = court.handle(call(14, ASSERTER), close).expect("its claim fell");
    assert_eq!(closed[0], Event::Returned { to: CONSUMER, amount_wei: BOND_WEI });
    let stands = refused(&court, call(14, ASSERTER), Input::Void { id: 2, parent: 2 });
    assert_eq!(stands, Refusal::ParentStands { parent: 2 });
    let voided = court.handle(call(14, ASSERTER), Input::Void { id: 2, parent: 1 });
    assert_eq!(voided.expect("its parent fell")[1], Event::Voided { id: 2, parent: 1 });
    assert_eq!(court.held_wei(), 0);
}

#[test]
fn a_failed_challenge_makes_the_asserter_whole() {
    let (mut right, mut wrong) = (witness(None), witness(Some(1)));
    let mut court = empty();
    court.handle(call(10, CONSUMER), post(right.outputs_root(), &[])).expect("admitted");
    let input = challenge(1, wrong.outputs_root());
    court.handle(call(12, CHALLENGER), input).expect("it can be challenged");
    let events = play(&mut court, 1, (&mut right, &mut wrong));
    assert!(events.iter().any(|event| matches!(event, Event::Judged { op: 1, code: 0x12, .. })));
    assert!(matches!(events.last(), Some(Event::Decided { asserter_lost: false, .. })));
    let claim = court.claim(1).expect("posted").clone();
    assert_eq!((claim.state, claim.deadline, claim.drawn_wei), (State::Open, 15, 0));
    assert_eq!(court.held_wei(), BOND_WEI);
    court.handle(call(16, CHALLENGER), Input::Finalise { id: 1 }).expect("nothing is open");
    assert_eq!(court.held_wei(), 0);
}

#[test]
fn the_floor_of_a_bond_pays_for_the_deepest_walk() {
    assert_eq!(bond_floor_wei(3), 3 * 4 * 3_740_000);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever is called, what was taken is held, returned, advanced or burnt.
    #[test]
    fn no_wei_appears_or_vanishes(
        calls in prop::collection::vec((0_u8..12, 0_u64..5, 0_u8..3, 0_u64..4), 0..120),
    ) {
        let mut witnesses = [witness(None), witness(Some(1)), witness(Some(2))];
        let mut court = empty();
        let mut revealed: Vec<Revealed> = vec![Revealed::default(); 200];
        let (mut now, mut taken, mut given) = (0, 0_u128, 0_u128);
        for (kind, id, who, blocks) in calls {
            now += blocks / 3;
            let evidence = &mut witnesses[usize::from(who)];
            let known = court.dispute(id).cloned();
            let input = match (kind, known) {
                (0, _) => post(evidence.outputs_root(), if id > 2 { &[1] } else { &[] }),
                (1 | 2, _) => challenge(id, evidence.outputs_root()),
                (3, _) => Input::Finalise { id },
                (4, _) => Input::Void { id, parent: 1 },
                (5, Some(record)) => Input::Close { dispute: id, record: Box::new(record) },
                (6, Some(record)) => {
                    now += 8;
                    Input::Timeout { dispute: id, record: Box::new(record) }
                }
                (_, Some(record)) => {
                    let at = usize::try_from(id).expect("small");
                    let Some(made) = next_move(&record, &revealed[at], evidence) else { continue };
                    Input::Move { dispute: id, record: Box::new(record), made }
                }
                _ => continue,
            };
            let caller = match &input {
                Input::Move { record, .. } if record.mover() == Side::Asserter => ASSERTER,
                Input::Move { record, .. } => record.challenger,
                _ => [CONSUMER, ASSERTER, CHALLENGER][usize::from(who)],
            };
            let before = court.clone();
            let result = court.handle(call(now, caller), input);
            if result.is_err() {
                prop_assert_eq!(&court, &before);
            }
            for event in result.unwrap_or_default() {
                match &event {
                    Event::BondTaken { amount_wei, .. } => taken += amount_wei,
                    Event::Returned { amount_wei, .. }
                    | Event::Advanced { amount_wei, .. }
                    | Event::Burnt { amount_wei } => given += amount_wei,
                    Event::Revealed { dispute, .. } | Event::RevealedChunk { dispute, .. } => {
                        let at = usize::try_from(*dispute).expect("small");
                        revealed[at].see(&event);
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(court.held_wei(), taken - given);
            prop_assert_eq!(court.held_wei(), owed(&court));
        }
    }
}

/// What is held by who it is held for: bonds of claims that stand, of disputes that have not ended,
/// and what is kept for the latter.
fn owed(court: &Court) -> u128 {
    let mut owed = 0;
    for id in 1..=court.count() {
        let claim = court.claim(id).expect("numbers are given in order");
        owed += match claim.state {
            State::Open | State::Disputed => claim.bond_wei - claim.drawn_wei,
            State::Struck => claim.reserve_wei,
            State::Final | State::Void => 0,
        };
    }
    owed + court.disputes().map(|(_, record)| BOND_WEI - record.asserter_gas).sum::<u128>()
}

//! Sides that stop, crash, name what they please, attack in crowds, or fight each other.

use court::advocate::{Revealed, name};
use court::trace::Witness;
use court::{Address, Dispute, Event, Input, Move, Side, State};
use laws::dice::Dice;
use laws::samples::{self, Sample};
use tensor::{Dtype, Hash};

use crate::duel::{ASSERTER, CHALLENGER, Hall, Honest, Liar, Party, TERMS, honest, witness};
use crate::every_op::Flip;

/// Makes so many moves, then none.
struct Silent<P> {
    party: P,
    left: u32,
}

impl<P: Party> Party for Silent<P> {
    fn make(&mut self, record: &Dispute, revealed: &Revealed) -> Option<Move> {
        self.left = self.left.checked_sub(1)?;
        self.party.make(record, revealed)
    }
}

/// A sample, a lie in its matmul, and both roots: the walk has every stage of one iteration.
fn matmul() -> (Sample, Flip) {
    let sample = samples::of_dtype(21, Dtype::I32);
    let of = |code| sample.program.nodes().iter().position(|node| node.op.code() == code);
    let op = of(0x50).expect("every op is there");
    (sample, Flip { op, element: 3 })
}

fn sides(sample: &Sample, flip: Flip) -> (Witness, Witness) {
    let Sample { program, inputs } = sample;
    (honest(program, inputs, 1), witness(program, inputs, 1, flip))
}

#[test]
fn whoever_falls_silent_after_any_move_loses_by_the_clock() {
    let (sample, flip) = matmul();
    let program = &sample.program;
    let play = |right_asserts: bool, left: u32| {
        let (right, wrong) = sides(&sample, flip);
        let (good, bad) = (right.outputs_root(), wrong.outputs_root());
        let (claimed, stated) = if right_asserts { (good, bad) } else { (bad, good) };
        let mut hall = Hall::new(program, right.inputs_root(), claimed, 1);
        let dispute = hall.challenge(program, stated, CHALLENGER);
        let mut silent = Silent { party: Honest(right), left };
        if right_asserts {
            hall.play(dispute, &mut silent, &mut Liar(wrong))
        } else {
            hall.play(dispute, &mut Liar(wrong), &mut silent)
        }
    };
    for (right_asserts, side) in [(true, Side::Asserter), (false, Side::Challenger)] {
        let whole = play(right_asserts, u32::MAX);
        assert_ne!(whole.loser, side, "who is right and speaks wins");
        let needed = if right_asserts { whole.moves.0 } else { whole.moves.1 - 1 };
        assert!(needed > 3, "the walk has {needed} moves of this side");
        for after in 0..needed {
            let end = play(right_asserts, after);
            assert_eq!((end.loser, end.by_clock), (side, true), "silent after {after}");
        }
        assert_eq!(play(right_asserts, needed), whole);
    }
}

/// Knows nothing but the Program and its inputs before every move.
struct Restarted<'a>(&'a Sample, usize);

impl Party for Restarted<'_> {
    fn make(&mut self, record: &Dispute, revealed: &Revealed) -> Option<Move> {
        let Sample { program, inputs } = self.0;
        let executor = Box::new(court::trace::Reference);
        let witness = Witness::within(program.clone(), inputs.clone(), 1, (executor, self.1));
        Honest(witness.expect("they fit")).make(record, revealed)
    }

    fn is_honest(&self) -> bool {
        true
    }
}

#[test]
fn a_side_that_restarts_before_every_move_goes_on_from_the_chain() {
    let (sample, flip) = matmul();
    let program = &sample.program;
    for room in [0, 1_000, usize::MAX] {
        let (right, wrong) = sides(&sample, flip);
        let roots = (right.outputs_root(), wrong.outputs_root());
        let mut hall = Hall::new(program, right.inputs_root(), roots.1, 1);
        let dispute = hall.challenge(program, roots.0, CHALLENGER);
        let end = hall.play(dispute, &mut Liar(wrong), &mut Restarted(&sample, room));
        assert_eq!(end.loser, Side::Asserter);
        let (right, wrong) = sides(&sample, flip);
        let mut hall = Hall::new(program, right.inputs_root(), roots.0, 1);
        let dispute = hall.challenge(program, roots.1, CHALLENGER);
        let end = hall.play(dispute, &mut Restarted(&sample, room), &mut Liar(wrong));
        assert_eq!(end.loser, Side::Challenger);
    }
}

/// A challenger that holds the right execution and names whatever it likes, with right openings.
struct Whim {
    witness: Witness,
    dice: Dice,
}

impl Party for Whim {
    fn make(&mut self, record: &Dispute, revealed: &Revealed) -> Option<Move> {
        let places = match record.turn {
            court::Turn::Element => 32,
            _ if record.height == 0 => 1,
            _ => usize::try_from(record.child_count()).ok()?,
        };
        let place = self.dice.below(places) as u64;
        name(record, revealed, &mut self.witness, place)
    }

    /// Its moves are well formed, so that it is the judge who refutes them.
    fn is_honest(&self) -> bool {
        true
    }
}

#[test]
fn a_right_claim_survives_whatever_a_challenger_names() {
    let mut judged = std::collections::BTreeSet::new();
    for dtype in [Dtype::F32, Dtype::F64, Dtype::I32] {
        let sample = samples::of_dtype(31, dtype);
        let program = &sample.program;
        for seed in 0..150 {
            let [asserter, own] = [(); 2].map(|()| honest(program, &sample.inputs, 1));
            let mut hall = Hall::new(program, own.inputs_root(), own.outputs_root(), 1);
            let dispute = hall.challenge(program, Hash([1; 32]), CHALLENGER);
            let mut whim = Whim { witness: own, dice: Dice::new(seed) };
            let end = hall.play(dispute, &mut Honest(asserter), &mut whim);
            assert_eq!((end.loser, end.by_clock), (Side::Challenger, false), "seed {seed}");
            judged.insert(end.moves.0);
        }
    }
    assert!(judged.len() > 3, "walks of several lengths: {judged:?}");
}

#[test]
fn two_liars_cost_each_other_and_the_honest_challenger_still_convicts() {
    let (sample, flip) = matmul();
    let program = &sample.program;
    let other = Flip { op: flip.op - 1, element: 2 };
    let (right, wrong) = sides(&sample, flip);
    let (_, second) = sides(&sample, other);
    let (good, bad, worse) = (right.outputs_root(), wrong.outputs_root(), second.outputs_root());
    let mut hall = Hall::new(program, right.inputs_root(), bad, 1);
    let friend = Address([4; 20]);
    let ours = hall.challenge(program, worse, friend);
    // The friend loses on purpose: it is silent at once.
    let (honest_side, liar) = sides(&sample, flip);
    let mut silent = Silent { party: Liar(second), left: 0 };
    let end = hall.play(ours, &mut Liar(liar), &mut silent);
    assert_eq!((end.loser, end.by_clock), (Side::Challenger, true));
    assert_eq!(hall.state(), State::Open);
    // The window is what it was: somebody else still challenges in it, and is heard.
    let theirs = hall.challenge(program, good, CHALLENGER);
    let end = hall.play(theirs, &mut Liar(wrong), &mut Honest(honest_side));
    assert_eq!(end.loser, Side::Asserter);
    assert_eq!(hall.state(), State::Struck);

    // Both liars fight to the end in a claim of their own; somebody loses, nothing is lost.
    let (first, second) = (sides(&sample, flip).1, sides(&sample, other).1);
    let mut hall = Hall::new(program, right.inputs_root(), bad, 1);
    let dispute = hall.challenge(program, worse, friend);
    hall.play(dispute, &mut Liar(first), &mut Liar(second));
    let theirs = if hall.state() == State::Struck {
        None
    } else {
        let dispute = hall.challenge(program, good, CHALLENGER);
        let liar = sides(&sample, flip).1;
        Some(hall.play(dispute, &mut Liar(liar), &mut Honest(right)).loser)
    };
    assert!(theirs.is_none_or(|loser| loser == Side::Asserter));
    assert_eq!((hall.state(), hall.court.held_wei()), (State::Struck, 0));
}

#[test]
fn a_hundred_attacks_delay_a_right_claim_by_one_pair_of_clocks() {
    let (sample, flip) = matmul();
    let program = &sample.program;
    let (mut right, wrong) = sides(&sample, flip);
    let (good, bad) = (right.outputs_root(), wrong.outputs_root());
    let mut hall = Hall::new(program, right.inputs_root(), good, 1);
    hall.block = hall.court.claim(hall.claim).expect("posted").deadline;
    let start = hall.block;
    let attackers: Vec<Address> = (0..100).map(|i| Address([100 + i; 20])).collect();
    for attacker in &attackers {
        hall.challenge(program, bad, *attacker);
    }
    let mut wrong = wrong;
    let mut revealed: Vec<Revealed> = vec![Revealed::default(); 101];
    let (mut earned, mut advanced) = (0, 0);
    while hall.state() == State::Disputed {
        hall.block += 1;
        let open: Vec<(u64, Dispute)> =
            hall.court.disputes().map(|(id, record)| (id, record.clone())).collect();
        for (dispute, record) in open {
            let at = usize::try_from(dispute).expect("small");
            let (evidence, by) = match record.mover() {
                Side::Asserter => (&mut right, ASSERTER),
                Side::Challenger => (&mut wrong, record.challenger),
            };
            let made = court::advocate::next_move(&record, &revealed[at], evidence);
            let (left, used) = record.clock(hall.block);
            let events = match made.map(|made| hall.make(dispute, made, by)) {
                Some(Ok(events)) => events,
                _ if used > left => {
                    let record = Box::new(record);
                    hall.call(ASSERTER, Input::Timeout { dispute, record }).expect("it ran out")
                }
                _ => Vec::new(),
            };
            for event in &events {
                revealed[at].see(event);
                match event {
                    Event::Decided { asserter_lost, .. } => assert!(!asserter_lost),
                    Event::Returned { to: ASSERTER, amount_wei } => earned += amount_wei,
                    Event::Advanced { to: ASSERTER, amount_wei } => advanced += amount_wei,
                    _ => {}
                }
            }
        }
    }
    assert!(hall.block - start <= 2 * TERMS.clock_blocks + 1, "took {}", hall.block - start);
    assert!(earned > 100 * TERMS.bond_wei / 5, "each attack pays: {earned}, gas {advanced}");
    let finalise = Input::Finalise { id: hall.claim };
    let events = hall.call(CHALLENGER, finalise).expect("every dispute was won");
    assert_eq!(events[0], Event::Returned { to: ASSERTER, amount_wei: TERMS.bond_wei });
    assert_eq!(hall.court.held_wei(), 0);
}

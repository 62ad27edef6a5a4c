//! Moves that belong elsewhere: to another dispute, another Program, another time.

use court::advocate::{Revealed, next_move};
use court::{Event, Input, Move, Refusal, Side, Stage, Turn};
use laws::samples;
use tensor::Dtype;

use crate::duel::{ASSERTER, CHALLENGER, CONSUMER, Hall, honest, witness};
use crate::every_op::Flip;

/// Returns every move of a dispute with the record it was made on.
fn game(seed: u64) -> (Hall, Vec<(Side, Move)>) {
    let sample = samples::of_dtype(seed, Dtype::I32);
    let program = &sample.program;
    let at = program.nodes().iter().position(|node| node.op.code() == 0x12).expect("mul");
    let flip = Flip { op: at, element: 35 };
    let mut right = honest(program, &sample.inputs, 1);
    let mut wrong = witness(program, &sample.inputs, 1, flip);
    let mut hall = Hall::new(program, right.inputs_root(), wrong.outputs_root(), 1);
    let dispute = hall.challenge(program, right.outputs_root(), CHALLENGER);
    let fresh = hall.clone();
    let (mut moves, mut revealed) = (Vec::new(), Revealed::default());
    while let Some(record) = hall.record(dispute) {
        let side = record.mover();
        let (evidence, by) = match side {
            Side::Asserter => (&mut wrong, ASSERTER),
            Side::Challenger => (&mut right, CHALLENGER),
        };
        let made = next_move(&record, &revealed, evidence).expect("there is a difference");
        moves.push((side, made.clone()));
        let events = hall.make(dispute, made, by).expect("it is due");
        events.iter().for_each(|event| revealed.see(event));
    }
    (fresh, moves)
}

#[test]
fn moves_of_another_dispute_are_refused_one_by_one() {
    let ((mut hall, own), (_, other)) = (game(41), game(42));
    for ((side, made), (_, replayed)) in own.into_iter().zip(other) {
        let by = if side == Side::Asserter { ASSERTER } else { CHALLENGER };
        assert_ne!(made, replayed);
        let fits = !matches!((&made, &replayed), (Move::NameOutput { .. }, _));
        let refusal = hall.make(1, replayed, by);
        if fits {
            let hashes = matches!(refusal, Err(Refusal::Mismatch { .. }));
            let other_shape =
                matches!(refusal, Err(Refusal::WrongMove { .. } | Refusal::OpeningCount { .. }));
            assert!(hashes || other_shape, "{refusal:?}");
        }
        assert!(refusal.is_err());
        hall.make(1, made, by).expect("its own move is taken");
    }
    assert_eq!(hall.court.dispute(1), None);
}

#[test]
fn a_move_on_an_older_record_is_refused() {
    let (mut hall, moves) = game(43);
    let first = hall.record(1).expect("it has not ended");
    for (side, made) in moves {
        let by = if side == Side::Asserter { ASSERTER } else { CHALLENGER };
        hall.make(1, made.clone(), by).expect("it is due");
        let record = Box::new(first.clone());
        let again = hall.call(by, Input::Move { dispute: 1, record, made });
        assert_eq!(again, Err(Refusal::NotTheRecord { dispute: 1 }));
    }
}

#[test]
fn only_the_side_to_move_moves() {
    let (mut hall, moves) = game(44);
    for (side, made) in moves {
        let (by, others) = match side {
            Side::Asserter => (ASSERTER, [CHALLENGER, CONSUMER]),
            Side::Challenger => (CHALLENGER, [ASSERTER, CONSUMER]),
        };
        for other in others {
            let refusal = hall.make(1, made.clone(), other);
            assert_eq!(refusal, Err(Refusal::NotYourTurn { mover: by }));
        }
        hall.make(1, made, by).expect("it is due");
    }
}

#[test]
fn the_ops_of_another_program_are_no_ops_of_this_one() {
    let (mut hall, moves) = game(45);
    let other = samples::of_dtype(45, Dtype::F32).program;
    let mut named = 0;
    for (side, made) in moves {
        let by = if side == Side::Asserter { ASSERTER } else { CHALLENGER };
        let mut forged = made.clone();
        match &mut forged {
            Move::NameOutput { header, .. } => *header = other.header(),
            Move::NameOp { op, .. } => op[0].encoding = other.nodes()[5].encode(),
            Move::NameElement { brief, .. } => brief.op = other.nodes()[5].encode(),
            _ => {}
        }
        if forged != made {
            named += 1;
            let refusal = hall.make(1, forged, by);
            assert!(matches!(refusal, Err(Refusal::Mismatch { .. })), "{refusal:?}");
        }
        hall.make(1, made, by).expect("it is due");
    }
    assert_eq!(named, 3);
}

#[test]
fn the_events_of_a_dispute_say_everything_that_was_revealed() {
    let (mut hall, moves) = game(46);
    let mut judged = None;
    for (side, made) in moves {
        let by = if side == Side::Asserter { ASSERTER } else { CHALLENGER };
        let node = hall.record(1).expect("it has not ended").node;
        let events = hall.make(1, made.clone(), by).expect("it is due");
        let moved = |event: &Event| match event {
            Event::Moved { mover, record, .. } => Some((*mover, record.since, record.moves)),
            _ => None,
        };
        let after = hall.record(1).map(|record| (by, hall.block, record.moves));
        assert_eq!(events.iter().find_map(moved), after, "all but the deciding move are logged");
        let revealed = |event: &Event| match (event, &made) {
            (Event::Revealed { node: of, children, .. }, Move::Reveal { children: shown }) => {
                (*of, children) == (node, shown)
            }
            (Event::RevealedChunk { node: of, chunk, .. }, Move::RevealChunk { chunk: shown }) => {
                (*of, chunk) == (node, shown)
            }
            (Event::Revealed { node: of, .. }, Move::PostTrace { root, .. }) => of == root,
            _ => false,
        };
        let reveals =
            matches!(made, Move::Reveal { .. } | Move::RevealChunk { .. } | Move::PostTrace { .. });
        assert_eq!(events.iter().any(revealed), reveals);
        let verdict = |event: &Event| match *event {
            Event::Judged { code, element, step, asserted, correct, .. } => {
                Some((code, element, step, asserted ^ correct))
            }
            _ => None,
        };
        judged = judged.or(events.iter().find_map(verdict));
        if let Some(record) = hall.record(1) {
            let tensor = record.stage == Stage::Tensor && record.turn == Turn::Element;
            assert!(!tensor || record.op > 0);
        }
    }
    assert_eq!(judged, Some((0x12, 35, 0, 1)));
}

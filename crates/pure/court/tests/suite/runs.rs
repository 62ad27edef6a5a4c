//! Claims over several iterations, and claims built on claims.

use std::sync::Arc;

use court::trace::Executor;
use court::{Event, Input, Refusal, Side, State};
use tensor::{Builder, Dtype, Program, Tensor, eval_node};

use crate::duel::{ASSERTER, CHALLENGER, CONSUMER, Hall, Honest, Liar, TERMS, honest, witness};
use crate::every_op::flipped;

/// `x, n, rate → x - rate * x * x, n + 1`: the rate is an input that stays.
fn descent() -> (Arc<Program>, Vec<Tensor>) {
    let mut b = Builder::new();
    let mut build = || {
        let x = b.input(Dtype::F32, &[70])?;
        let n = b.input(Dtype::I32, &[])?;
        let rate = b.input(Dtype::F32, &[70])?;
        let square = b.mul(x, x)?;
        let step = b.mul(rate, square)?;
        let next = b.sub(x, step)?;
        let one = b.scalar_i32(1)?;
        Ok::<_, tensor::BuildError>([next, b.add(n, one)?])
    };
    let outputs = build().expect("these ops fit each other");
    let program = b.finish(&outputs).expect("an output");
    let ramp = |scale: f32| {
        let list = (1..=70u8).map(|i| f32::from(i) / scale).collect();
        Tensor::f32(&[70], list).expect("seventy")
    };
    let count = Tensor::i32(&[], vec![0]).expect("a scalar");
    (Arc::new(program), vec![ramp(70.0), count, ramp(700.0)])
}

/// Is wrong in one op of the iteration whose counter says so.
struct WrongIn {
    iteration: i32,
    op: usize,
}

impl Executor for WrongIn {
    fn execute(&self, p: &Program, op: usize, operands: &[&Tensor], inputs: &[Tensor]) -> Tensor {
        let right = eval_node(&p.nodes()[op], operands, inputs);
        let now = inputs[1].as_i32().map(|n| n[0]) == Some(self.iteration);
        if now && op == self.op { flipped(&right, 0) } else { right }
    }
}

#[test]
fn a_wrong_iteration_is_found_and_convicted() {
    let (program, inputs) = descent();
    for k in [2_u32, 3, 16, 17, 40] {
        for iteration in [0, 1, k / 2, k - 1] {
            for op in 0..program.nodes().len() {
                let iteration = i32::try_from(iteration).expect("small");
                let lie = || WrongIn { iteration, op };
                let (right, wrong) =
                    (honest(&program, &inputs, k), witness(&program, &inputs, k, lie()));
                let roots = (right.outputs_root(), wrong.outputs_root());
                if roots.0 == roots.1 {
                    continue;
                }
                let mut hall = Hall::new(&program, right.inputs_root(), roots.1, k);
                let dispute = hall.challenge(&program, roots.0, CHALLENGER);
                let end = hall.play(dispute, &mut Liar(wrong), &mut Honest(right));
                let at = format!("op {op} in iteration {iteration} of {k}");
                assert_eq!((end.loser, end.by_clock), (Side::Asserter, false), "{at}");

                let (right, wrong) =
                    (honest(&program, &inputs, k), witness(&program, &inputs, k, lie()));
                let mut hall = Hall::new(&program, right.inputs_root(), roots.0, k);
                let dispute = hall.challenge(&program, roots.1, CHALLENGER);
                let end = hall.play(dispute, &mut Honest(right), &mut Liar(wrong));
                assert_eq!(end.loser, Side::Challenger, "{at}");
            }
        }
    }
}

/// Is wrong in one op of every iteration but the first.
struct WrongLater {
    first: Tensor,
    op: usize,
}

impl Executor for WrongLater {
    fn execute(&self, p: &Program, op: usize, operands: &[&Tensor], inputs: &[Tensor]) -> Tensor {
        let right = eval_node(&p.nodes()[op], operands, inputs);
        if inputs[0] != self.first && op == self.op { flipped(&right, 0) } else { right }
    }
}

#[test]
fn a_state_may_hold_more_than_the_next_iteration_takes() {
    let mut b = Builder::new();
    let mut build = || {
        let x = b.input(Dtype::I32, &[40])?;
        let twice = b.add(x, x)?;
        Ok::<_, tensor::BuildError>([twice, b.neg(x)?])
    };
    let outputs = build().expect("these ops fit each other");
    let program = Arc::new(b.finish(&outputs).expect("outputs"));
    let first = Tensor::i32(&[40], (1..=40).collect()).expect("forty");
    let inputs = [first.clone()];
    for op in 0..3 {
        let lie = WrongLater { first: first.clone(), op };
        let (right, wrong) = (honest(&program, &inputs, 3), witness(&program, &inputs, 3, lie));
        let mut hall = Hall::new(&program, right.inputs_root(), wrong.outputs_root(), 3);
        let dispute = hall.challenge(&program, right.outputs_root(), CHALLENGER);
        let end = hall.play(dispute, &mut Liar(wrong), &mut Honest(right));
        assert_eq!((end.loser, end.by_clock), (Side::Asserter, false), "op {op}");
    }
}

#[test]
fn a_claim_on_a_parent_that_falls_is_void_without_fault() {
    let (program, inputs) = descent();
    let lie = || WrongIn { iteration: 0, op: 5 };
    let (right, wrong) = (honest(&program, &inputs, 1), witness(&program, &inputs, 1, lie()));
    let (good, bad) = (right.outputs_root(), wrong.outputs_root());
    let mut hall = Hall::new(&program, right.inputs_root(), bad, 1);
    let (parent, roots) = (hall.claim, (right.inputs_root(), good));
    let child = hall.post(&program, roots, 1, &[parent]);
    let grandchild = hall.post(&program, roots, 1, &[child]);
    // Somebody disputes the child, which is right.
    hall.claim = child;
    let on_child = hall.challenge(&program, bad, CONSUMER);
    hall.claim = parent;
    let dispute = hall.challenge(&program, good, CHALLENGER);
    let end = hall.play(dispute, &mut Liar(wrong), &mut Honest(right));
    assert_eq!(end.loser, Side::Asserter);
    assert_eq!(hall.state(), State::Struck);

    let stands = hall.call(CONSUMER, Input::Void { id: grandchild, parent: child });
    assert_eq!(stands, Err(Refusal::ParentStands { parent: child }));
    let bond = TERMS.bond_wei;
    for (id, parent) in [(child, parent), (grandchild, child)] {
        let events = hall.call(CONSUMER, Input::Void { id, parent }).expect("its parent fell");
        assert_eq!(events[0], Event::Returned { to: ASSERTER, amount_wei: bond });
        assert_eq!(hall.court.claim(id).map(|claim| claim.state), Ok(State::Void));
    }
    let record = Box::new(hall.record(on_child).expect("it has not ended"));
    let events = hall.call(CONSUMER, Input::Close { dispute: on_child, record }).expect("fell");
    assert_eq!(events[0], Event::Returned { to: CONSUMER, amount_wei: bond });
    assert_eq!(hall.court.held_wei(), 0);
}

//! How one element of a result came about: the scalar step that a judge would look at.
//!
//! Which element a movement op copies is found by moving numbers in place of the elements, with the
//! very op; a chain is the one that a dispute would lay out.
//!
//! *Invariant: what is shown ends in the element that the interpreter gave, or this panics.*
//! Absent: openings and proofs (the crate `court`).

use serde::Serialize;
use tensor::{BuildError, Builder, Family, Node, Op, Tensor, Value, eval};

use super::{chain::chain, shown};

/// Steps of a chain that are printed from its start and from its end; `--json` has all.
const STEPS_SHOWN: usize = 4;

/// One element and what it was made of.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    element: usize,
    value: String,
    bits: String,
    /// What was read, in the order of the operands, and for a chain in the order of its steps.
    operands: Vec<Read>,
    /// The state of a chain after each of its steps; empty where there is no chain.
    states: Vec<State>,
    /// What the op does with it, in words.
    rule: &'static str,
}

/// An element that was read.
#[derive(Debug, Serialize)]
struct Read {
    /// Which operand, counted from 0.
    operand: usize,
    element: usize,
    value: String,
    bits: String,
}

/// A chain after one of its steps.
#[derive(Debug, Serialize)]
struct State {
    step: usize,
    value: String,
    bits: String,
}

/// Returns how `element` of `result` was computed from `operands`.
pub(crate) fn step(node: &Node, operands: &[&Tensor], result: &Tensor, element: usize) -> Step {
    let op = &node.op;
    let (reads, states, rule) = match op.family() {
        Family::Source => (vec![], vec![], "a source: nothing is read but a key or the Program"),
        Family::Elementwise => {
            let reads = (0..operands.len()).map(|operand| (operand, element)).collect();
            (reads, vec![], "one scalar operation on these, in this order")
        }
        Family::Movement => match source(op, operands, element) {
            Some(read) => (vec![read], vec![], "a copy of this element"),
            None => (vec![], vec![], "nothing is copied here: +0"),
        },
        Family::Contraction | Family::Reduction => {
            let (reads, states, rule) = chain(node, operands, result, element);
            let state = |step| {
                let (value, bits) = shown(&states, step);
                State { step, value, bits }
            };
            (reads, (0..states.shape().count()).map(state).collect(), rule)
        }
    };
    let read = |(operand, element): (usize, usize)| {
        let (value, bits) = shown(operands[operand], element);
        Read { operand, element, value, bits }
    };
    let (value, bits) = shown(result, element);
    let operands = reads.into_iter().map(read).collect();
    Step { element, value, bits, operands, states, rule }
}

/// Prints a step.
pub(crate) fn tell(step: &Step) {
    println!("  element {} = {} ({}): {}", step.element, step.value, step.bits, step.rule);
    let skipped = |index: usize, count: usize| {
        count > 2 * STEPS_SHOWN && (STEPS_SHOWN..count - STEPS_SHOWN).contains(&index)
    };
    for (index, read) in step.operands.iter().enumerate() {
        if skipped(index, step.operands.len()) {
            continue;
        }
        let Read { operand, element, value, bits } = read;
        println!("    operand {operand}, element {element} = {value} ({bits})");
    }
    for (index, State { step: after, value, bits }) in step.states.iter().enumerate() {
        if !skipped(index, step.states.len()) {
            println!("    after step {after}: {value} ({bits})");
        }
    }
    if step.operands.len() > 2 * STEPS_SHOWN || step.states.len() > 2 * STEPS_SHOWN {
        println!("    … the steps between are left out; --json prints all");
    }
}

/// Returns the operand and the element that a movement op copies to `element`.
fn source(op: &Op, operands: &[&Tensor], element: usize) -> Option<(usize, usize)> {
    // Each element becomes its own number from 1 on, counted through all operands; 0 is padding.
    // A result has at most 2^31 - 1 elements, so the numbers are i32.
    let moved = if matches!(op, Op::Gather { .. }) { 1 } else { operands.len() };
    let mut numbers = 1i32..=i32::MAX;
    let number = |(index, operand): (usize, &&Tensor)| {
        let elements = numbers.by_ref().take(operand.shape().count());
        if index < moved {
            Tensor::i32(operand.shape().dims(), elements.collect()).expect("the operand's shape")
        } else {
            (*operand).clone()
        }
    };
    let numbered: Vec<Tensor> = operands.iter().enumerate().map(number).collect();
    let mut b = Builder::new();
    let built = moving(&mut b, op, &numbered).expect("the op took operands of these shapes");
    let program = b.finish(&[built]).expect("it has an output");
    let outputs = eval(&program, &numbered).expect("they are its inputs");
    let number = outputs[0].as_i32().expect("numbers are i32")[element];
    let mut place = usize::try_from(number).expect("numbers are positive").checked_sub(1)?;
    for (index, operand) in operands.iter().enumerate() {
        let count = operand.shape().count();
        if place < count {
            return Some((index, place));
        }
        place -= count;
    }
    unreachable!("every number stands for an element")
}

/// Appends a movement op over inputs of these types.
fn moving(b: &mut Builder, op: &Op, numbered: &[Tensor]) -> Result<Value, BuildError> {
    let inputs: Result<Vec<Value>, _> =
        numbered.iter().map(|x| b.input(x.dtype(), x.shape().dims())).collect();
    let inputs = inputs?;
    match op {
        Op::Reshape { shape, .. } => b.reshape(inputs[0], shape.dims()),
        Op::Transpose { perm, .. } => b.transpose(inputs[0], perm),
        Op::Broadcast { shape, .. } => b.broadcast(inputs[0], shape.dims()),
        Op::Slice { start, end, .. } => b.slice(inputs[0], start, end),
        Op::Concat { axis, .. } => b.concat(&inputs, *axis),
        Op::Pad { lo, hi, .. } => b.pad(inputs[0], lo, hi),
        Op::Gather { axis, .. } => b.gather(inputs[0], inputs[1], *axis),
        other => unreachable!("{} moves nothing", other.name()),
    }
}

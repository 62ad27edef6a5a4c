//! The chain of one element: matmul, scatter_add, sum, max_axis and argmax.
//!
//! The states are those that a dispute lays out (`court::trace::chain_states`); here they get the
//! elements that were read and a rule in words.
//!
//! *Invariant: the last state is the element that the interpreter gave (of `sum`, the fold of the
//! last state of each lane), or this panics.*

use court::trace::chain_states;
use tensor::{Builder, Dtype, Node, Op, Tensor, eval};

use super::shown;

/// Lanes of a sum.
const LANES: usize = 32;

/// What was read as (operand, element), the states, and the rule in words.
type Chain = (Vec<(usize, usize)>, Tensor, &'static str);

/// Returns the chain of one element of a contraction or a reduction.
pub(super) fn chain(node: &Node, operands: &[&Tensor], result: &Tensor, element: usize) -> Chain {
    let (reads, rule) = match &node.op {
        Op::Matmul(..) => (matmul_reads(operands, element), "c = fma(a, b, c) from +0, in order"),
        Op::ScatterAdd { axis, .. } => (
            scatter_reads(operands, result.shape().around(*axis), element),
            "the updates whose index is here, added in order from +0",
        ),
        Op::Sum { axis, .. } => {
            (axis_reads(operands[0], *axis, element), "step e adds to lane e mod 32; lanes fold")
        }
        Op::MaxAxis { axis, .. } => {
            (axis_reads(operands[0], *axis, element), "the greatest so far, in the order of max")
        }
        Op::Argmax { axis, .. } => {
            (axis_reads(operands[0], *axis, element), "the index of the greatest so far")
        }
        other => unreachable!("{} is no chain", other.name()),
    };
    let states = chain_states(node, operands, element).expect("the ops above have chains");
    let end = match &node.op {
        Op::Sum { .. } => shown(&folded(&states), 0),
        _ => shown(&states, states.shape().count() - 1),
    };
    assert_eq!(end, shown(result, element), "a chain ends in its element");
    (reads, states, rule)
}

/// Returns what the last state of each lane of a sum folds to: the sum of these, lane by lane.
fn folded(states: &Tensor) -> Tensor {
    let count = states.shape().count();
    let last = |lane: usize| lane + (count - 1 - lane) / LANES * LANES;
    let places = (0..count.min(LANES)).map(|lane| i32::try_from(last(lane)).expect("below 2^31"));
    let places = Tensor::i32(&[count.min(LANES)], places.collect()).expect("a lane at least");
    let mut b = Builder::new();
    let sum = (|| {
        let from = b.input(states.dtype(), states.shape().dims())?;
        let at = b.input(Dtype::I32, places.shape().dims())?;
        let lanes = b.gather(from, at, 0)?;
        b.sum(lanes, 0)
    })();
    let program = sum.and_then(|sum| b.finish(&[sum])).expect("these shapes fit");
    eval(&program, &[states.clone(), places]).expect("they are its inputs").remove(0)
}

fn matmul_reads(operands: &[&Tensor], element: usize) -> Vec<(usize, usize)> {
    let (a, b) = (operands[0].shape().dims(), operands[1].shape().dims());
    let (rows, steps, columns) = (a[a.len() - 2], a[a.len() - 1], b[b.len() - 1]);
    let (row, column) = (element / columns, element % columns);
    let batch = row / rows;
    let step = |k| [(0, row * steps + k), (1, (batch * steps + k) * columns + column)];
    (0..steps).flat_map(step).collect()
}

fn axis_reads(x: &Tensor, axis: usize, element: usize) -> Vec<(usize, usize)> {
    let (_, along, after) = x.shape().around(axis);
    let first = element / after * along * after + element % after;
    (0..along).map(|place| (0, first + place * after)).collect()
}

/// The index of each update that comes to this element, and the update.
fn scatter_reads(
    operands: &[&Tensor],
    (_, extent, after): (usize, usize, usize),
    element: usize,
) -> Vec<(usize, usize)> {
    let indices = operands[1].as_i32().expect("indices are i32");
    let (outer, place, inner) =
        (element / (extent * after), element / after % extent, element % after);
    let here = |index: &i32| usize::try_from(*index) == Ok(place);
    let updates = (0..indices.len()).filter(|update| here(&indices[*update]));
    let reads = |update| [(1, update), (0, (outer * indices.len() + update) * after + inner)];
    updates.flat_map(reads).collect()
}

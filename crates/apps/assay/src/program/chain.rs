//! The states of a chain: matmul, scatter_add, sum, max_axis and argmax, one element of a result.
//!
//! The states are those that a dispute lays out (docs/protocol.md): after each step the
//! accumulator, for `sum` the lane of that step, for `argmax` the index so far.
//!
//! *Invariant: the last state is the element that the interpreter gave (of `sum`, the fold of the
//! last state of each lane), or this panics.*

use tensor::{Op, Tensor, scalar::Scalar};

use super::shown;

/// Lanes of a sum.
const LANES: usize = 32;

/// What was read as (operand, element), the states, and the rule in words.
type Chain = (Vec<(usize, usize)>, Tensor, &'static str);

/// Returns the chain of one element of a contraction or a reduction.
pub(super) fn chain(op: &Op, operands: &[&Tensor], result: &Tensor, element: usize) -> Chain {
    let (reads, rule) = match op {
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
    let x = operands[0];
    let (states, last) = match (x.as_f32(), x.as_f64(), x.as_i32()) {
        (Some(x), _, _) => {
            let y = operands.get(1).and_then(|y| y.as_f32());
            states(op, (x, y), &reads, |v| Tensor::f32(&[v.len()], v))
        }
        (_, Some(x), _) => {
            let y = operands.get(1).and_then(|y| y.as_f64());
            states(op, (x, y), &reads, |v| Tensor::f64(&[v.len()], v))
        }
        (_, _, Some(x)) => {
            let y = operands.get(1).and_then(|y| y.as_i32());
            states(op, (x, y), &reads, |v| Tensor::i32(&[v.len()], v))
        }
        _ => unreachable!("a tensor has one of three dtypes"),
    };
    assert_eq!(shown(&last, 0), shown(result, element), "a chain ends in its element");
    (reads, states, rule)
}

/// Returns the states and the last of them as tensors.
fn states<T: Scalar>(
    op: &Op,
    (x, y): (&[T], Option<&[T]>),
    reads: &[(usize, usize)],
    tensor: impl Fn(Vec<T>) -> Result<Tensor, tensor::ShapeError>,
) -> (Tensor, Tensor) {
    let of = |operand| reads.iter().filter(move |read| read.0 == operand).map(|read| read.1);
    let firsts: Vec<T> = of(0).map(|element| x[element]).collect();
    let vector = |values| tensor(values).expect("a chain has a step, and fewer than 2^31");
    if let Op::Argmax { .. } = op {
        let found = indices(&firsts);
        let last = found[found.len() - 1];
        let whole = |v: Vec<i32>| Tensor::i32(&[v.len()], v).expect("as above");
        return (whole(found), whole(vec![last]));
    }
    let states: Vec<T> = match op {
        Op::Matmul(..) => {
            let y = y.expect("a matmul has two operands of one dtype");
            running(firsts.iter().zip(of(1)), T::ZERO, |c, (a, at)| a.op_fma(y[at], c))
        }
        Op::ScatterAdd { .. } => running(firsts.iter(), T::ZERO, |c, x| c.op_add(*x)),
        Op::Sum { .. } => lanes(&firsts),
        _ => running(firsts[1..].iter(), firsts[0].canonical(), |best, x| best.op_max(*x)),
    };
    // The greatest begins as the first element, which is a state of its own.
    let states = match op {
        Op::MaxAxis { .. } => [&[firsts[0].canonical()], &states[..]].concat(),
        _ => states,
    };
    let last = match op {
        Op::Sum { .. } => fold(&states),
        _ => states.last().copied().unwrap_or(T::ZERO),
    };
    let states = if states.is_empty() { vec![T::ZERO] } else { states };
    (vector(states), vector(vec![last]))
}

/// Returns the accumulator after each item.
fn running<T: Scalar, I: Iterator>(items: I, start: T, step: impl Fn(T, I::Item) -> T) -> Vec<T> {
    let mut state = start;
    let mut next = |item| {
        state = step(state, item);
        state
    };
    items.map(&mut next).collect()
}

/// Returns, for each element of a sum, its lane after it was added.
fn lanes<T: Scalar>(elements: &[T]) -> Vec<T> {
    let mut states: Vec<T> = Vec::new();
    for (place, element) in elements.iter().enumerate() {
        let before = place.checked_sub(LANES).map_or(T::ZERO, |before| states[before]);
        states.push(before.op_add(*element));
    }
    states
}

/// Folds the last state of every lane, a missing lane being +0.
fn fold<T: Scalar>(states: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    for (place, state) in states.iter().enumerate() {
        lanes[place % LANES] = *state;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = lanes[lane].op_add(lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Returns the index of the greatest after each element.
fn indices<T: Scalar>(elements: &[T]) -> Vec<i32> {
    let mut best = 0;
    let mut next = |place: usize| {
        best = if elements[place].comes_after(elements[best]) { place } else { best };
        i32::try_from(best).expect("fewer than 2^31 elements")
    };
    (0..elements.len()).map(&mut next).collect()
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

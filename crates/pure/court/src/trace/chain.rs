//! The chain of one element, written out: a tensor with one entry a step.
//!
//! Invariant: its end (for sum, its lanes folded) is the element that the op's tensor has.
//! Absent: the chains of all elements at once, which would be as large as the work itself.

use tensor::{Dtype, Node, Op, Tensor, scalar::Scalar};

/// Lanes of a sum.
const LANES: usize = 32;

/// Returns the states of the chain of element `element` of an op, `None` for an op without chains.
///
/// # Panics
///
/// If the operands are not the op's, or it has no such element.
///
/// ```
/// use court::trace::chain_states;
/// use tensor::{Builder, Dtype, Tensor};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::I32, &[2, 3])?;
/// let y = b.max_axis(x, 1)?;
/// let program = b.finish(&[y])?;
/// let x = Tensor::i32(&[2, 3], vec![1, 3, 2, 6, 5, 4])?;
/// let states = chain_states(&program.nodes()[1], &[&x], 0);
/// assert_eq!(states, Some(Tensor::i32(&[3], vec![1, 3, 3])?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn chain_states(node: &Node, operands: &[&Tensor], element: usize) -> Option<Tensor> {
    match &node.op {
        Op::Matmul(..) | Op::Sum { .. } | Op::MaxAxis { .. } | Op::ScatterAdd { .. } => {
            Some(match node.dtype {
                Dtype::F32 => {
                    let list = states(node, &views(operands, Tensor::as_f32), operands, element);
                    Tensor::f32(&[list.len()], list)
                }
                Dtype::F64 => {
                    let list = states(node, &views(operands, Tensor::as_f64), operands, element);
                    Tensor::f64(&[list.len()], list)
                }
                Dtype::I32 => {
                    let list = states(node, &views(operands, Tensor::as_i32), operands, element);
                    Tensor::i32(&[list.len()], list)
                }
            })
        }
        Op::Argmax { axis, .. } => {
            let x = operands[0];
            let list = match x.dtype() {
                Dtype::F32 => {
                    leaders(&fibre(views(operands, Tensor::as_f32)[0], x, *axis, element))
                }
                Dtype::F64 => {
                    leaders(&fibre(views(operands, Tensor::as_f64)[0], x, *axis, element))
                }
                Dtype::I32 => {
                    leaders(&fibre(views(operands, Tensor::as_i32)[0], x, *axis, element))
                }
            };
            Some(Tensor::i32(&[list.len()], list))
        }
        _ => return None,
    }
    .map(|tensor| tensor.expect("a chain has at least one entry and fewer than 2^31"))
}

/// The elements of every operand of this dtype; the indices of a scatter may be of another.
fn views<'a, T>(operands: &[&'a Tensor], get: fn(&'a Tensor) -> Option<&'a [T]>) -> Vec<&'a [T]> {
    operands.iter().map(|x| get(x).unwrap_or_default()).collect()
}

fn states<T: Scalar>(node: &Node, xs: &[&[T]], operands: &[&Tensor], element: usize) -> Vec<T> {
    match &node.op {
        Op::Matmul(..) => matmul((xs[0], operands[0]), (xs[1], operands[1]), element),
        Op::Sum { axis, .. } => {
            let mut lanes = [T::ZERO; LANES];
            let fibre = fibre(xs[0], operands[0], *axis, element);
            let add = |(index, x): (usize, &T)| {
                lanes[index % LANES] = lanes[index % LANES].op_add(*x);
                lanes[index % LANES]
            };
            fibre.iter().enumerate().map(add).collect()
        }
        Op::MaxAxis { axis, .. } => {
            let mut greatest = None;
            let next = |x: &T| *greatest.insert(greatest.unwrap_or(*x).op_max(*x));
            fibre(xs[0], operands[0], *axis, element).iter().map(next).collect()
        }
        Op::ScatterAdd { axis, extent, .. } => scatter(xs[0], operands, (*axis, *extent), element),
        other => unreachable!("{} has no chain of its own dtype", other.name()),
    }
}

/// The elements along `axis` that give `element` of the reduced tensor.
fn fibre<T: Copy>(x: &[T], of: &Tensor, axis: usize, element: usize) -> Vec<T> {
    let (_, extent, after) = of.shape().around(axis);
    let first = element / after * extent * after + element % after;
    (0..extent).map(|step| x[first + step * after]).collect()
}

fn matmul<T: Scalar>(
    (a, a_of): (&[T], &Tensor),
    (b, b_of): (&[T], &Tensor),
    element: usize,
) -> Vec<T> {
    let (ad, bd) = (a_of.shape().dims(), b_of.shape().dims());
    let (m, k, n) = (ad[ad.len() - 2], ad[ad.len() - 1], bd[bd.len() - 1]);
    let (row, column) = (element / n, element % n);
    let mut state = T::ZERO;
    let step = |step: usize| {
        state = a[row * k + step].op_fma(b[(row / m * k + step) * n + column], state);
        state
    };
    (0..k).map(step).collect()
}

fn scatter<T: Scalar>(
    updates: &[T],
    operands: &[&Tensor],
    (axis, extent): (usize, usize),
    element: usize,
) -> Vec<T> {
    let indices = operands[1].as_i32().expect("indices are i32");
    let blocks: usize = operands[0].shape().dims()[..axis].iter().product();
    let after = updates.len() / (blocks * indices.len());
    let (block, position) = (element / after / extent, element / after % extent);
    let mut state = T::ZERO;
    let step = |(place, index): (usize, &i32)| {
        if usize::try_from(*index).is_ok_and(|index| index == position) {
            state =
                state.op_add(updates[(block * indices.len() + place) * after + element % after]);
        }
        state
    };
    indices.iter().enumerate().map(step).collect()
}

/// The index of the greatest so far, after every element.
fn leaders<T: Scalar>(fibre: &[T]) -> Vec<i32> {
    let mut best = 0;
    let next = |(index, x): (usize, &T)| {
        if x.comes_after(fibre[best]) {
            best = index;
        }
        i32::try_from(best).expect("shapes have fewer than 2^31 elements")
    };
    fibre.iter().enumerate().map(next).collect()
}

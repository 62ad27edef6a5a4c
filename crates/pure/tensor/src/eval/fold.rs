//! Chains: ops whose every element depends on many, in an order that is part of the meaning.

use crate::{Shape, Tensor, eval::to_i32, scalar::Scalar, tensor::Data};

/// Lanes of a sum.
const LANES: usize = 32;

/// Runs `$f` on the elements of a tensor, whatever its dtype, and wraps them again.
macro_rules! by_dtype {
    ($x:expr, $v:ident => $f:expr) => {
        match &$x.data {
            Data::F32($v) => Data::F32($f),
            Data::F64($v) => Data::F64($f),
            Data::I32($v) => Data::I32($f),
        }
    };
}

/// Batched matmul: `c = +0; for k ascending { c = fma(a[i, k], b[k, j], c) }`.
///
/// The loops run i, k, j: each element's chain still has k ascending.
pub(super) fn matmul(a: &Tensor, b: &Tensor) -> Data {
    let (rank, ad, bd) = (a.shape().rank(), a.shape().dims(), b.shape().dims());
    let (m, k, n) = (ad[rank - 2], ad[rank - 1], bd[rank - 1]);
    match (&a.data, &b.data) {
        (Data::F32(a), Data::F32(b)) => Data::F32(chains(a, b, (m, k, n))),
        (Data::F64(a), Data::F64(b)) => Data::F64(chains(a, b, (m, k, n))),
        (Data::I32(a), Data::I32(b)) => Data::I32(chains(a, b, (m, k, n))),
        _ => unreachable!("operands of one dtype were checked when the Program was built"),
    }
}

fn chains<T: Scalar>(a: &[T], b: &[T], (m, k, n): (usize, usize, usize)) -> Vec<T> {
    let batch = a.len() / (m * k);
    let mut c = vec![T::ZERO; batch * m * n];
    for (row, c) in c.chunks_exact_mut(n).enumerate() {
        let b = &b[row / m * k * n..][..k * n];
        let a = &a[row * k..][..k];
        for (a, b) in a.iter().zip(b.chunks_exact(n)) {
            for (c, b) in c.iter_mut().zip(b) {
                *c = a.op_fma(*b, *c);
            }
        }
    }
    c
}

/// The sum along `axis` by 32 lanes, folded pairwise.
pub(super) fn sum(x: &Tensor, axis: usize) -> Data {
    let around = x.shape().around(axis);
    by_dtype!(x, v => along(v, around, lanes))
}

fn lanes<T: Scalar>(elements: impl Iterator<Item = T>) -> T {
    let mut lanes = [T::ZERO; LANES];
    for (index, element) in elements.enumerate() {
        lanes[index % LANES] = lanes[index % LANES].op_add(element);
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = lanes[lane].op_add(lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// The greatest along `axis` in the order of `max`, one NaN.
pub(super) fn max(x: &Tensor, axis: usize) -> Data {
    let around = x.shape().around(axis);
    by_dtype!(x, v => along(v, around, |elements| greatest(elements).1.canonical()))
}

/// The lowest index of the greatest along `axis`.
pub(super) fn argmax(x: &Tensor, axis: usize) -> Vec<i32> {
    let around = x.shape().around(axis);
    match &x.data {
        Data::F32(v) => along(v, around, |elements| to_i32(greatest(elements).0)),
        Data::F64(v) => along(v, around, |elements| to_i32(greatest(elements).0)),
        Data::I32(v) => along(v, around, |elements| to_i32(greatest(elements).0)),
    }
}

fn greatest<T: Scalar>(elements: impl Iterator<Item = T>) -> (usize, T) {
    elements
        .enumerate()
        .reduce(|best, next| if next.1.comes_after(best.1) { next } else { best })
        .expect("extents are at least 1")
}

/// Folds the elements along an axis, for every position before and after it.
fn along<'a, T: Scalar, U>(
    x: &'a [T],
    (before, extent, after): (usize, usize, usize),
    fold: impl Fn(Strided<'a, T>) -> U,
) -> Vec<U> {
    let mut folded = Vec::with_capacity(before * after);
    for block in 0..before {
        for n in 0..after {
            let first = &x[block * extent * after + n..(block + 1) * extent * after];
            folded.push(fold(first.iter().step_by(after).copied()));
        }
    }
    folded
}

/// The elements along an axis.
type Strided<'a, T> = std::iter::Copied<std::iter::StepBy<std::slice::Iter<'a, T>>>;

/// Zeros with `extent` along `axis`, to which updates are added in ascending position.
pub(super) fn scatter_add(updates: &Tensor, indices: &Tensor, axis: usize, extent: usize) -> Data {
    let indices_count = indices.shape().count();
    let before: usize = updates.shape().dims()[..axis].iter().product();
    let after = updates.shape().count() / (before * indices_count);
    let view = Shape::new(&[before, extent, after]).expect("the result's shape was checked");
    let indices = indices.as_i32().expect("indices are i32");
    by_dtype!(updates, v => scatter(v, indices, &view))
}

fn scatter<T: Scalar>(updates: &[T], indices: &[i32], view: &Shape) -> Vec<T> {
    let (before, extent, after) = view.around(1);
    let mut sums = vec![T::ZERO; view.count()];
    for block in 0..before {
        for (place, index) in indices.iter().enumerate() {
            let Some(position) = usize::try_from(*index).ok().filter(|p| *p < extent) else {
                continue;
            };
            let target = &mut sums[(block * extent + position) * after..][..after];
            let source = &updates[(block * indices.len() + place) * after..][..after];
            for (sum, update) in target.iter_mut().zip(source) {
                *sum = sum.op_add(*update);
            }
        }
    }
    sums
}

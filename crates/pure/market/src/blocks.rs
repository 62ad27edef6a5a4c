//! Pieces that several of this crate's Programs are made of.

use tensor::{BuildError, Builder, Dtype, Value};

/// Holds each element within bounds; NaN becomes the upper one.
pub(crate) fn held(b: &mut Builder, x: Value, (lo, hi): (f64, f64)) -> Result<Value, BuildError> {
    let dims = b.shape_of(x).dims().to_vec();
    let (lo, hi) = (b.full(Dtype::F64, &dims, lo)?, b.full(Dtype::F64, &dims, hi)?);
    let is_number = b.eq(x, x)?;
    let x = b.select(is_number, x, hi)?;
    let x = b.min(x, hi)?;
    b.max(x, lo)
}

/// The mean of a vector, f64\[1\].
pub(crate) fn mean(b: &mut Builder, x: Value) -> Result<Value, BuildError> {
    let extent = b.shape_of(x).dims()[0];
    let sum = b.sum(x, 0)?;
    let sum = b.reshape(sum, &[1])?;
    let share = reciprocal(b, extent)?;
    b.mul(sum, share)
}

/// 1 / n, rounded to nearest, f64\[1\].
pub(crate) fn reciprocal(b: &mut Builder, n: usize) -> Result<Value, BuildError> {
    b.full(Dtype::F64, &[1], 1.0 / crate::maths::count(n))
}

/// `x` times a constant, element by element.
pub(crate) fn times(b: &mut Builder, x: Value, factor: f64) -> Result<Value, BuildError> {
    let dims = b.shape_of(x).dims().to_vec();
    let factor = b.full(Dtype::F64, &dims, factor)?;
    b.mul(x, factor)
}

/// `x` plus a constant, element by element.
pub(crate) fn plus(b: &mut Builder, x: Value, term: f64) -> Result<Value, BuildError> {
    let dims = b.shape_of(x).dims().to_vec();
    let term = b.full(Dtype::F64, &dims, term)?;
    b.add(x, term)
}

/// Elements `from..to` of a vector.
pub(crate) fn part(
    b: &mut Builder,
    x: Value,
    (from, to): (usize, usize),
) -> Result<Value, BuildError> {
    b.slice(x, &[from], &[to])
}

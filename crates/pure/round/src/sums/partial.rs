//! The two Programs of a bucket: a share's sum, and the bucket's mean.
//!
//! A holder's partial sum is the output of [`partial`] on the survivors' shares of one index, in
//! ascending order of node; the claim's inputs root is the list root of the roots they committed
//! to. i32 addition is mod 2^32 (docs/numerics.md), so the order of adding is free and the result
//! exact. To judge one coordinate, the court executes one addition on one chunk of each operand:
//! shares of one index and sums of such.
//!
//! *Bounds.* Honest updates are within ±2^24 ([`super::split`] refuses others), so the sum of a
//! bucket, at most 32 of them, is within ±2^29 and does not wrap. A liar's update may be anything
//! mod 2^32, and with it the sum: for each update of a liar there is exactly one sum, so wrapping
//! gives it nothing that a wild value would not. Rules clamp what they are given to ±2^24.
//!
//! *Rounding.* The mean is ⌊sum / count + 1/2⌋: both are exact in f64, the quotient is within half
//! a bit, and a quotient that is no multiple of 1/2 is at least 1/64 away from one, so what comes
//! out is the exact mean rounded to nearest, halves up.

use tensor::{BuildError, Builder, Dtype, Program, ShapeError, Tensor, Value, tree};

use super::{DATA_LANES, SHARES, width};
use crate::{chain::SEATS_MAX, parts::Built};

/// Why there is no Program of partial sums for these sizes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartialError {
    /// Fewer than two trainers, or more than a round has seats.
    #[error("a partial sum is over 2 to {SEATS_MAX} trainers, not {got}")]
    Trainers {
        /// Trainers asked for.
        got: usize,
    },
    /// The tensors would break a limit of Programs.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Returns the Program of a partial sum: `n` shares of `d` coordinates in, each i32\[width\], their
/// sum mod 2^32 out.
///
/// ```
/// use round::sums::{partial, width};
/// use tensor::{Tensor, eval};
///
/// let share = |value| Tensor::i32(&[width(2)], vec![value; width(2)]);
/// let sum = eval(&partial(2, 2)?, &[share(i32::MAX)?, share(2)?])?;
/// assert_eq!(sum, [share(i32::MIN + 1)?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`PartialError`] if no Program has these sizes.
pub fn partial(n: usize, d: usize) -> Result<Program, PartialError> {
    if !(2..=SEATS_MAX as usize).contains(&n) {
        return Err(PartialError::Trainers { got: n });
    }
    let mut b = Builder::new();
    let mut shares = Vec::with_capacity(n);
    for _ in 0..n {
        shares.push(b.input(Dtype::I32, &[width(d)])?);
    }
    let mut sum = shares[0];
    for share in &shares[1..] {
        sum = b.add(sum, *share)?;
    }
    Ok(b.finish(&[sum])?)
}

/// Returns the Program of a bucket's row: three partial sums i32\[width\] and the number of
/// survivors f64\[1\] in, the mean update i32\[d\] out, in units of an update.
///
/// ```
/// use round::sums::{mean, mean_inputs, width};
/// use tensor::{Tensor, eval};
///
/// let sum = |value| Tensor::i32(&[width(1)], vec![value; width(1)]);
/// let row = eval(&mean(1)?, &mean_inputs([sum(i32::MAX)?, sum(i32::MAX)?, sum(-5)?], 3)?)?;
/// assert_eq!(row[0].as_i32(), Some(&[-2][..]), "-7 mod 2^32 over three");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`BuildError`] if no Program has this size.
pub fn mean(d: usize) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let sums = parts(&mut b, d)?;
    let count = b.input(Dtype::F64, &[1])?;
    let mean = row(&mut b, sums, count, d)?;
    b.finish(&[mean])
}

/// Appends the inputs of one bucket: its three partial sums.
pub(super) fn parts(b: &mut Builder, d: usize) -> Result<[Value; SHARES], BuildError> {
    let width = [width(d)];
    Ok([b.input(Dtype::I32, &width)?, b.input(Dtype::I32, &width)?, b.input(Dtype::I32, &width)?])
}

/// Appends the mean of a bucket: `count` f64\[1\] of updates i32\[d\] that three partial sums are
/// of.
pub(super) fn row(b: &mut Builder, sums: [Value; SHARES], count: Value, d: usize) -> Built {
    let two = b.add(sums[0], sums[1])?;
    let sum = b.add(two, sums[2])?;
    let chunks = width(d) / tree::CHUNK_ELEMENTS;
    let sum = b.reshape(sum, &[chunks, tree::CHUNK_ELEMENTS])?;
    let sum = b.slice(sum, &[0, 0], &[chunks, DATA_LANES])?;
    let sum = b.reshape(sum, &[chunks * DATA_LANES])?;
    let sum = b.slice(sum, &[0], &[d])?;
    let sum = b.convert(sum, Dtype::F64)?;
    let count = b.broadcast(count, &[d])?;
    let mean = b.div(sum, count)?;
    let half = b.full(Dtype::F64, &[d], 0.5)?;
    let mean = b.add(mean, half)?;
    let mean = b.floor(mean)?;
    b.convert(mean, Dtype::I32)
}

/// Returns the inputs of [`mean`].
///
/// # Errors
///
/// [`ShapeError`] never for a count of trainers; it is what making a tensor may answer.
pub fn mean_inputs(sums: [Tensor; SHARES], count: u32) -> Result<Vec<Tensor>, ShapeError> {
    let mut inputs = Vec::from(sums);
    inputs.push(Tensor::f64(&[1], vec![f64::from(count)])?);
    Ok(inputs)
}

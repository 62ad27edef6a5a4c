//! Scores of a private job, where what is seen of a round is one sum a bucket: each node's effect
//! on the scores of its buckets, over the last rounds.
//!
//! Buckets are drawn anew each round, and a bucket's score is taken to be the mean of what its rows
//! are worth: `y = Σ (rows of node i in the bucket / rows of the bucket) × effect i + error`.
//! Effects are the least squares solution over all buckets of the last [`Sizes::rounds`] rounds
//! (Gauss and Markov: unbiased, and of least variance among linear estimates where errors are
//! alike), with [`RIDGE`] added to the diagonal, without which a node that was not seen would leave
//! the system singular. The inverse is computed by Gauss and Jordan's method without pivoting,
//! which is stable for what is symmetric and positive definite.
//!
//! *Error* of an effect: `√(σ² (XᵀX + λI)⁻¹ᵢᵢ)`, σ² the residual sum of squares over the number of
//! buckets less the number of nodes seen. It is large for a node that was hardly seen.
//!
//! Pay is that of an open job, with the effect as the score and the node's whole stake. Bucket
//! scores are held within what pays the largest share, so one bucket's bad luck is bounded in every
//! round that remembers it.
//!
//! Invariants: the history that comes out is the one that went in, a round later; an effect is a
//! number whatever the scores.
//!
//! Deliberately absent: what buckets are and how they are scored ([`super::score`], with bucket
//! means as rows); originality of a node's own update, which nobody sees.

use tensor::{BuildError, Builder, Dtype, Program, Value};

use super::pay::{self, SHARE_MAX};
use crate::parts::{Built, fill, float};

/// Added to the diagonal of the normal equations: 2^-7, a tenth of what one round of a bucket of
/// three rows puts there.
pub const RIDGE: f64 = 0.007_812_5;
/// The most nodes of a private job.
pub const NODES_MAX: usize = 128;

/// What is fixed when a private job is deployed.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Registry indices below this can have seats, at most [`NODES_MAX`].
    pub nodes: usize,
    /// Rounds that are looked back on; the design has 64.
    pub rounds: usize,
    /// Rows of a round.
    pub rows: usize,
    /// Buckets of a round.
    pub buckets: usize,
    /// Share of the stake paid for a score of 1, above 0.
    pub rate: f64,
}

/// Why there is no Program of effects.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EffectError {
    /// No nodes, or too many.
    #[error("a private job has 1 to {NODES_MAX} nodes, not {got}")]
    Nodes {
        /// Nodes asked for.
        got: usize,
    },
    /// A rate that is no usable number.
    #[error("the rate must be finite and above 0")]
    Rate,
    /// The tensors would break a limit of Programs.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Returns the Program of a private job's effects, with t rounds, n rows, B buckets, N nodes.
///
/// Inputs: the history of bucket scores f64\[t, B\], of each row's bucket i32\[t, n\] and of its
/// node's registry index i32\[t, n\], oldest first, -1 for no row; of this round the bucket scores
/// f64\[B\], buckets i32\[n\] and nodes i32\[n\]; cumulative pay f64\[N\], budget f64\[1\] in
/// gwei, stakes f64\[N\] in gwei, 0 for who has no seat.
///
/// Outputs: effect f64\[N\], its standard error f64\[N\], cumulative pay f64\[N\], burn and pay
/// f64\[N\] in whole gwei, and the three histories with this round in.
///
/// # Errors
///
/// [`EffectError`] if no Program has these sizes.
///
/// ```
/// use round::score::{Sizes, effects};
///
/// let program = effects(&Sizes { nodes: 25, rounds: 64, rows: 25, buckets: 8, rate: 1.0 })?;
/// assert_eq!((program.inputs().len(), program.outputs().len()), (9, 8));
/// # Ok::<(), round::score::EffectError>(())
/// ```
pub fn effects(sizes: &Sizes) -> Result<Program, EffectError> {
    let Sizes { nodes, rounds, rows, buckets, rate } = *sizes;
    if !(1..=NODES_MAX).contains(&nodes) {
        return Err(EffectError::Nodes { got: nodes });
    }
    if !(rate.is_finite() && rate > 0.0) {
        return Err(EffectError::Rate);
    }
    let mut b = Builder::new();
    let past = [
        b.input(Dtype::F64, &[rounds, buckets])?,
        b.input(Dtype::I32, &[rounds, rows])?,
        b.input(Dtype::I32, &[rounds, rows])?,
    ];
    let new = [
        b.input(Dtype::F64, &[buckets])?,
        b.input(Dtype::I32, &[rows])?,
        b.input(Dtype::I32, &[rows])?,
    ];
    let cumulative = b.input(Dtype::F64, &[nodes])?;
    let budget = b.input(Dtype::F64, &[1])?;
    let stakes = b.input(Dtype::F64, &[nodes])?;

    let most = SHARE_MAX / rate;
    let scores = number(&mut b, new[0])?;
    let scores = pay::held(&mut b, scores, (-most, most))?;
    let scores = shifted(&mut b, past[0], scores)?;
    let drawn = shifted(&mut b, past[1], new[1])?;
    let owners = shifted(&mut b, past[2], new[2])?;

    let design = design(&mut b, (drawn, owners), (buckets, nodes))?;
    let fit = fit(&mut b, &design, scores)?;
    let paid = pay::pay(&mut b, (fit.effect, rate), stakes, budget)?;
    let cumulative = b.add(cumulative, paid.pay)?;
    let outputs = [fit.effect, fit.error, cumulative, paid.burn, paid.pay, scores, drawn, owners];
    Ok(b.finish(&outputs)?)
}

/// A history without its first row and with a last one.
fn shifted(b: &mut Builder, past: Value, new: Value) -> Built {
    let (rounds, width) = (b.shape_of(past).dims()[0], b.shape_of(past).dims()[1]);
    let new = b.reshape(new, &[1, width])?;
    if rounds == 1 {
        return Ok(new);
    }
    let kept = b.slice(past, &[1, 0], &[rounds, width])?;
    b.concat(&[kept, new], 0)
}

/// The values, 0 for what is no number.
fn number(b: &mut Builder, x: Value) -> Built {
    let number = b.eq(x, x)?;
    let zero = fill(b, x, 0.0)?;
    b.select(number, x, zero)
}

/// What each bucket is made of.
struct Design {
    /// Each node's share of a bucket's rows, f64\[t B, N\].
    shares: Value,
    /// 1 for a bucket that has rows, f64\[t B\].
    filled: Value,
}

fn design(
    b: &mut Builder,
    (drawn, owners): (Value, Value),
    (buckets, nodes): (usize, usize),
) -> Result<Design, BuildError> {
    let (t, n) = (b.shape_of(drawn).dims()[0], b.shape_of(drawn).dims()[1]);
    let bucket = b.reshape(drawn, &[t, 1, n])?;
    let bucket = b.broadcast(bucket, &[t, buckets, n])?;
    let place = b.iota(&[t, buckets, n], 1)?;
    let within = b.eq(bucket, place)?;
    let within = b.convert(within, Dtype::F64)?;
    let owner = b.reshape(owners, &[t, n, 1])?;
    let owner = b.broadcast(owner, &[t, n, nodes])?;
    let place = b.iota(&[t, n, nodes], 2)?;
    let whose = b.eq(owner, place)?;
    let whose = b.convert(whose, Dtype::F64)?;
    let counts = b.matmul(within, whose)?;
    let counts = b.reshape(counts, &[t * buckets, nodes])?;
    let all = b.sum(counts, 1)?;
    let one = fill(b, all, 1.0)?;
    let filled = b.min(all, one)?;
    let all = b.max(all, one)?;
    let all = b.reshape(all, &[t * buckets, 1])?;
    let all = b.broadcast(all, &[t * buckets, nodes])?;
    Ok(Design { shares: b.div(counts, all)?, filled })
}

/// Effects and their standard errors, f64\[N\] each.
struct Fit {
    effect: Value,
    error: Value,
}

fn fit(b: &mut Builder, design: &Design, scores: Value) -> Result<Fit, BuildError> {
    let (count, nodes) = {
        let dims = b.shape_of(design.shares).dims();
        (dims[0], dims[1])
    };
    let scores = b.reshape(scores, &[count])?;
    let zero = fill(b, scores, 0.0)?;
    let empty = b.eq(design.filled, zero)?;
    let scores = b.select(empty, zero, scores)?;
    let scores = number(b, scores)?;
    let scores = b.reshape(scores, &[count, 1])?;
    let across = b.transpose(design.shares, &[1, 0])?;
    let normal = b.matmul(across, design.shares)?;
    let seen = diagonal(b, normal)?;
    let ridge = b.full(Dtype::F64, &[nodes, nodes], RIDGE)?;
    let on = on_diagonal(b, nodes)?;
    let zeros = fill(b, ridge, 0.0)?;
    let ridge = b.select(on, ridge, zeros)?;
    let normal = b.add(normal, ridge)?;
    let inverse = inverse(b, normal)?;
    let moment = b.matmul(across, scores)?;
    let effect = b.matmul(inverse, moment)?;

    let fitted = b.matmul(design.shares, effect)?;
    let residual = b.sub(scores, fitted)?;
    let square = b.mul(residual, residual)?;
    let square = b.sum(square, 0)?;
    let none = fill(b, seen, 0.0)?;
    let seen = b.lt(none, seen)?;
    let seen = b.convert(seen, Dtype::F64)?;
    let seen = total(b, seen)?;
    let all = total(b, design.filled)?;
    let free = b.sub(all, seen)?;
    let one = fill(b, free, 1.0)?;
    let free = b.max(free, one)?;
    let variance = b.div(square, free)?;
    let variance = b.broadcast(variance, &[nodes])?;
    let own = diagonal(b, inverse)?;
    let variance = b.mul(variance, own)?;
    let error = b.sqrt(variance)?;
    Ok(Fit { effect: b.reshape(effect, &[nodes])?, error })
}

/// The inverse of a symmetric positive definite matrix, one row and column at a time.
fn inverse(b: &mut Builder, matrix: Value) -> Built {
    let extent = b.shape_of(matrix).dims()[0];
    let square = [extent, extent];
    let (down, across) = (b.iota(&square, 0)?, b.iota(&square, 1)?);
    let mut left = matrix;
    for k in 0..extent {
        let at = b.full(Dtype::I32, &square, float(k))?;
        let (in_row, in_column) = (b.eq(down, at)?, b.eq(across, at)?);
        let unit = b.convert(in_row, Dtype::F64)?;
        let column = b.slice(left, &[0, k], &[extent, k + 1])?;
        let pivot = b.slice(column, &[k, 0], &[k + 1, 1])?;
        let pivot = b.broadcast(pivot, &[1, extent])?;
        left = b.select(in_column, unit, left)?;
        let row = b.slice(left, &[k, 0], &[k + 1, extent])?;
        let row = b.div(row, pivot)?;
        let taken = b.matmul(column, row)?;
        let rest = b.sub(left, taken)?;
        let row = b.broadcast(row, &square)?;
        left = b.select(in_row, row, rest)?;
    }
    Ok(left)
}

fn on_diagonal(b: &mut Builder, extent: usize) -> Built {
    let (down, across) = (b.iota(&[extent, extent], 0)?, b.iota(&[extent, extent], 1)?);
    b.eq(down, across)
}

fn diagonal(b: &mut Builder, matrix: Value) -> Built {
    let extent = b.shape_of(matrix).dims()[0];
    let on = on_diagonal(b, extent)?;
    let zeros = fill(b, matrix, 0.0)?;
    let kept = b.select(on, matrix, zeros)?;
    b.sum(kept, 1)
}

/// The sum of a vector, f64\[1\].
fn total(b: &mut Builder, x: Value) -> Built {
    let sum = b.sum(x, 0)?;
    b.reshape(sum, &[1])
}

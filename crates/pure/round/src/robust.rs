//! Robust aggregation rules as Programs: a recipe of pre-steps and one rule, for `n` rows.
//!
//! A Program here takes, in this order, the previous aggregate f32[d] (only centred clipping reads
//! it), the order of the rows i32[n] (only bucketing reads it), and the rows i32[d] in ascending
//! order of node id; it gives the aggregate f32[d], in units of the rows, rounded once. Every
//! recipe has the same inputs, so that a claim looks alike whatever the job chose.
//!
//! Rows are clamped to ±[`crate::aggregate::UPDATE_MAX`]. All rules but the two that sort
//! coordinates, and all pre-steps, answer with weighted sums of rows whose weights depend on inner
//! products alone. So they work on the matrix of inner products ([`span`]), n x n numbers in f64,
//! and rows are read twice whatever the recipe: once for that matrix and once for the sum. An inner
//! product is one chain over the coordinates, exact as long as it stays below 2^53. One step of
//! centred clipping without a pre-step needs no product of two rows, and takes none: each row's
//! distance from the previous aggregate is summed, and rows are read twice as well.
//!
//! Where the papers let ties be broken at will, the first row wins: the lower node id, whatever
//! order rows arrived in. So as many are taken as the papers say, and not more of the liars where
//! all of them send one row.
//!
//! *Invariant: the same recipe and sizes build the same Program, hash for hash; no i32 op of it can
//! wrap.* Absent: pay, rejection of rows and the recipe that rounds have
//! ([`mod@crate::aggregate`]).

use tensor::{BuildError, Builder, Dtype, Program, ShapeError, Tensor, Value};

use crate::chain::SEATS_MAX;
use crate::parts::Built;

mod judge;
mod rules;
mod span;
#[cfg(test)]
mod tests;

pub use judge::REJECTION_FACTOR;
pub(crate) use judge::judge;

/// Inputs of the Program before the rows.
pub const INPUTS_BEFORE_ROWS: usize = 2;

/// What is done to the rows before the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Replaces each row that is far from the coordinate median ([`judge()`]) by the mean of the
    /// others; before anything else, since only rows have coordinates here.
    Reject,
    /// Replaces the rows by the means of buckets of `size` rows each, drawn by the order that is
    /// an input; the last bucket may have fewer. Karimireddy, He and Jaggi 2022 (Byzantine-robust
    /// learning on heterogeneous datasets via bucketing), algorithm 1.
    Bucketing {
        /// Rows in a bucket.
        size: usize,
    },
    /// Replaces each row by the mean of the `n - f` rows nearest to it, itself among them. Allouah
    /// and others 2023 (Fixing by mixing), algorithm 2.
    Neighbours,
    /// Shortens the `⌊2 f (n - f) / n⌋` longest rows to the length of the next one. Allouah and
    /// others 2024 (adaptive robust clipping, arXiv 2405.14432), algorithm 2.
    Clip,
}

/// How the rows become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// The mean. One row moves it anywhere; here to be measured against.
    Mean,
    /// The median of each coordinate, the mean of the middle two where `n` is even. Yin and others
    /// 2018 (Byzantine-robust distributed learning), definition 1.
    Median,
    /// The mean of each coordinate without its `f` least and `f` greatest values. Yin and others
    /// 2018, definition 2.
    TrimmedMean,
    /// The row with the least sum of squared distances to the `n - f - 1` others that are nearest.
    /// Blanchard and others 2017 (Machine learning with adversaries), section 4, which has one
    /// neighbour fewer; this many are in Allouah and others 2023, section 8.1.3, whose bound holds
    /// for all `f < n / 2`.
    Krum,
    /// The mean of the `n - f` rows with the least such sums. Blanchard and others 2017, section 6.
    MultiKrum,
    /// The point with the least sum of distances to the rows, by so many steps of Weiszfeld from 0:
    /// means with weights `1 / max(smoothing, distance)`. Pillutla, Kakade and Harchaoui 2022
    /// (Robust aggregation for federated learning), algorithm 2.
    GeometricMedian {
        /// Steps, at least 1.
        steps: usize,
        /// Distances below this count as this, in units of the rows; above 0.
        smoothing: f64,
    },
    /// From the previous aggregate, so many steps by the mean of the rows' differences, each
    /// shortened to `radius`. Karimireddy, He and Jaggi 2021 (Learning from history), equation 5.
    CentredClipping {
        /// Steps, at least 1.
        steps: usize,
        /// The longest difference that counts in full, in units of the rows; above 0.
        radius: f64,
    },
}

/// Pre-steps in their order, one rule, and for how many liars.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Pre-steps, first to last.
    pub mixes: Vec<Mix>,
    /// The rule.
    pub rule: Rule,
    /// Liars that pre-steps and rule are to stand, below half the rows that the rule sees.
    pub liars: usize,
}

/// Why there is no Program for a recipe and these sizes.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecipeError {
    /// No rows, or more than a round has seats.
    #[error("an aggregation has 1 to {SEATS_MAX} rows, not {got}")]
    Rows {
        /// Rows asked for.
        got: usize,
    },
    /// Liars are not fewer than half the rows that a step sees.
    #[error("{liars} liars among {rows} rows: more than half must be honest")]
    Liars {
        /// Liars to stand.
        liars: usize,
        /// Rows that the step sees.
        rows: usize,
    },
    /// A rejection that is not the first pre-step.
    #[error("rows are rejected before anything else is done to them")]
    Order,
    /// A count of steps or a size of buckets that is 0.
    #[error("a rule has at least one step and a bucket at least one row")]
    Steps,
    /// A length that is not above 0 and finite.
    #[error("a smoothing or radius is above 0 and finite, not {got}")]
    Length {
        /// The length.
        got: f64,
    },
    /// The tensors would break a limit of Programs.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Returns the Program of a recipe for `n` rows of `d` coordinates.
///
/// ```
/// use round::robust::{Mix, Recipe, Rule, inputs, program};
/// use tensor::{Tensor, eval};
///
/// let recipe = Recipe { mixes: vec![Mix::Neighbours], rule: Rule::TrimmedMean, liars: 1 };
/// let program = program(&recipe, 4, 2)?;
/// let row = |row: [i32; 2]| Tensor::i32(&[2], row.to_vec());
/// let rows = [row([10, 0])?, row([12, 2])?, row([14, 4])?, row([9000, -9000])?];
/// let outputs = eval(&program, &inputs(Tensor::f32(&[2], vec![0.0; 2])?, None, &rows)?)?;
/// assert_eq!(outputs[0].as_f32(), Some(&[12.0, 2.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`RecipeError`] if the recipe makes no sense for `n` rows or no Program has these sizes.
pub fn program(recipe: &Recipe, n: usize, d: usize) -> Result<Program, RecipeError> {
    if !(1..=SEATS_MAX as usize).contains(&n) {
        return Err(RecipeError::Rows { got: n });
    }
    check(recipe, n)?;
    let mut b = Builder::new();
    let previous = b.input(Dtype::F32, &[d])?;
    let order = b.input(Dtype::I32, &[n])?;
    let mut rows = Vec::with_capacity(n);
    for _ in 0..n {
        rows.push(b.input(Dtype::I32, &[d])?);
    }
    let beside = Beside { previous: Some(previous), order: Some(order), accepted: None };
    let aggregate = combine(&mut b, recipe, &rows, beside)?;
    let aggregate = b.convert(aggregate, Dtype::F32)?;
    Ok(b.finish(&[aggregate])?)
}

/// What a recipe reads beside the rows, and what is already known of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beside {
    /// The previous aggregate, f32\[d\], which centred clipping reads.
    pub(crate) previous: Option<Value>,
    /// The order i32\[n\], which bucketing reads.
    pub(crate) order: Option<Value>,
    /// Which rows [`judge()`] accepted, i32\[n\]; judged here where it is not known.
    pub(crate) accepted: Option<Value>,
}

/// What a recipe that [`check`] passed makes of rows i32\[d\], f64\[d\] in their units.
pub(crate) fn combine(b: &mut Builder, recipe: &Recipe, rows: &[Value], beside: Beside) -> Built {
    const WANTED: &str = "whoever has a recipe that reads it gives it";
    let previous = || beside.previous.expect(WANTED);
    let plain = recipe.mixes.is_empty();
    match recipe.rule {
        Rule::Mean if plain => rules::trimmed(b, rows, 0),
        Rule::Median if plain => rules::median(b, rows),
        Rule::TrimmedMean if plain => rules::trimmed(b, rows, recipe.liars),
        Rule::CentredClipping { steps: 1, radius } if plain => {
            rules::clipped_once(b, rows, previous(), radius)
        }
        _ => {
            let wanted = matches!(recipe.rule, Rule::CentredClipping { .. });
            let mut span = span::Span::new(b, rows, wanted.then(previous))?;
            for mix in &recipe.mixes {
                let (weights, count) = match *mix {
                    Mix::Reject => {
                        let accepted = match beside.accepted {
                            Some(known) => known,
                            None => judge(b, rows)?.0,
                        };
                        (span.without_rejected(b, accepted)?, span.count)
                    }
                    Mix::Bucketing { size } => {
                        span.bucketing(b, size, beside.order.expect(WANTED))?
                    }
                    Mix::Neighbours => (span.neighbours(b, recipe.liars)?, span.count),
                    Mix::Clip => (span.clip(b, recipe.liars)?, span.count),
                };
                span.mix(b, weights, count)?;
            }
            rules::by_span(b, recipe, &span)
        }
    }
}

/// Returns the Program's inputs; without an order the rows are taken as they come.
///
/// # Errors
///
/// [`ShapeError`] if there are no rows.
pub fn inputs(
    previous: Tensor,
    order: Option<&[i32]>,
    rows: &[Tensor],
) -> Result<Vec<Tensor>, ShapeError> {
    let straight = || (0..).take(rows.len()).collect();
    let order = order.map_or_else(straight, <[i32]>::to_vec);
    let mut inputs = vec![previous, Tensor::i32(&[rows.len()], order)?];
    inputs.extend(rows.iter().cloned());
    Ok(inputs)
}

/// Checks what the builder could not say well.
fn check(recipe: &Recipe, n: usize) -> Result<(), RecipeError> {
    let Recipe { mixes, rule, liars } = recipe;
    let mut rows = n;
    let enough = |rows: usize| {
        if 2 * liars < rows { Ok(()) } else { Err(RecipeError::Liars { liars: *liars, rows }) }
    };
    enough(rows)?;
    if mixes.iter().skip(1).any(|mix| *mix == Mix::Reject) {
        return Err(RecipeError::Order);
    }
    for mix in mixes {
        if let Mix::Bucketing { size } = mix {
            rows = if *size == 0 { return Err(RecipeError::Steps) } else { rows.div_ceil(*size) };
        }
        enough(rows)?;
    }
    match *rule {
        Rule::GeometricMedian { steps: 0, .. } | Rule::CentredClipping { steps: 0, .. } => {
            Err(RecipeError::Steps)
        }
        Rule::GeometricMedian { smoothing: got, .. }
        | Rule::CentredClipping { radius: got, .. }
            if !(got > 0.0 && got.is_finite()) =>
        {
            Err(RecipeError::Length { got })
        }
        _ => Ok(()),
    }
}

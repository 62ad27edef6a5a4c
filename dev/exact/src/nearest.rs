//! The f32 nearest to a function's value, by Ziv's strategy: an estimate, and a proof in doubt.
//!
//! The estimate is taken to be right to 2^-42 of itself, a thousand times more than the error that
//! msun's authors state for any of these functions (a test holds it against the series). Where all
//! of that interval rounds to one f32, that is the answer; else, once in about 2^17 arguments, the
//! series says.
//!
//! *Invariant: no answer depends on the op that is judged.* Absent: a case that is left open.

use crate::{Function, series};

/// How far the estimate is trusted, relative to itself.
const TRUST: f64 = 1.0 / 4_398_046_511_104.0;

/// Below this, tanh x lies between x - x^3/3 and x, which differ by less than half a unit of the
/// last place of x: 2^-13.
const TANH_IS_X: f32 = 1.0 / 8192.0;

/// How an answer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The range of the argument, or the estimate.
    Estimate,
    /// The series.
    Series,
}

/// Returns the f32 nearest to the function's value, ties to even; NaN is the one NaN.
///
/// ```
/// use exact::{Function, nearest::nearest};
///
/// assert_eq!(nearest(Function::Exp, 1.0), std::f32::consts::E);
/// assert_eq!(nearest(Function::Log, -0.0), f32::NEG_INFINITY);
/// assert_eq!(nearest(Function::Log, -1.0).to_bits(), 0x7fc0_0000);
/// ```
///
/// # Panics
///
/// If 412 bits beyond a tie do not decide, which would disprove a theorem (Lindemann and
/// Weierstrass: no value but the trivial ones is rational).
#[must_use]
pub fn nearest(function: Function, x: f32) -> f32 {
    decide(function, x).0
}

/// Returns the nearest f32 and how it was found.
///
/// # Panics
///
/// As [`nearest`].
#[must_use]
pub fn decide(function: Function, x: f32) -> (f32, By) {
    if function == Function::Tanh && x.abs() < TANH_IS_X {
        return (x, By::Estimate);
    }
    let estimate = function.estimate(x);
    if estimate.is_nan() {
        return (f32::from_bits(0x7fc0_0000), By::Estimate);
    }
    let low = single(estimate * (1.0 - TRUST));
    let high = single(estimate * (1.0 + TRUST));
    if low.to_bits() == high.to_bits() {
        return (low, By::Estimate);
    }
    let value = series::value(function, x);
    let decided = value.round();
    (decided.unwrap_or_else(|| panic!("{function} of {x:e} is a tie")), By::Series)
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is what it is for")]
fn single(x: f64) -> f32 {
    x as f32
}

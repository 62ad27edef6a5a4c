//! exp, log, tanh, erf and erfc as fixed sequences of add, multiply, fma, divide and bit casts.
//!
//! `docs/numerics.md` numbers the steps and derives the polynomials, whose coefficients stand in
//! `table.rs`. The f32 functions run in f64 and round once at the end. Conditions choose between
//! values that are all computed, and everything is inlined always, so that a kernel may vectorise
//! the same lines: what is called instead keeps the instructions of the portable level.
//!
//! Invariant: no step is a function of the platform's library; NaN in gives the one NaN.
//! Absent: tables by argument, and any step whose result a compiler may choose.

use super::{Scalar, f64_to_f32, table};

const LOG2_E: f64 = f64::from_bits(table::LOG2_E);
const LN2: f64 = f64::from_bits(table::LN2);
const LN2_REST: f64 = f64::from_bits(table::LN2_REST);
const LN2_HEAD: f64 = f64::from_bits(table::LN2_HEAD);
const LN2_TAIL: f64 = f64::from_bits(table::LN2_TAIL);
const SHIFTER: f64 = f64::from_bits(table::SHIFTER);

/// Where tanh changes from its polynomial to exp.
const TANH_SPLIT: f64 = 0.5625;
/// The centre of the variable in which the tail of erfc is a polynomial.
const TAIL_CENTRE: f64 = 3.5;
/// Beyond this erfc is below half the least f64.
const TAIL_END: f64 = 28.0;

/// Returns `c[0] + c[1] x + c[2] x^2 + …` by fma, the highest power first.
#[inline(always)]
fn polynomial<const N: usize>(coefficients: &[u64; N], x: f64) -> f64 {
    let highest = f64::from_bits(coefficients[N - 1]);
    let lower = coefficients[..N - 1].iter().rev();
    lower.fold(highest, |sum, c| sum.mul_add(x, f64::from_bits(*c)))
}

/// Splits `x` into the integer nearest to `x / ln 2` and the rest after taking off as many `LN2`.
#[inline(always)]
fn reduce(x: f64) -> (f64, f64) {
    let k = x.mul_add(LOG2_E, SHIFTER) - SHIFTER;
    (k, (-k).mul_add(LN2, x))
}

/// Returns `y * 2^k` for an integer |k| <= 2044: the first product is exact, the second rounds.
#[inline(always)]
fn scale(y: f64, k: f64) -> f64 {
    let biased = (k + 2046.0 + SHIFTER).to_bits().wrapping_sub(table::SHIFTER);
    let first = biased >> 1;
    y * f64::from_bits(first << 52) * f64::from_bits((biased - first) << 52)
}

/// Splits a positive normal `x` into `m * 2^k` with m about sqrt(1/2)..sqrt(2); returns (k, m).
#[inline(always)]
fn split(x: f64) -> (f64, f64) {
    let offset = x.to_bits().wrapping_sub(table::ROOT_HALF);
    let exponent = offset.wrapping_add(1024 << 52) >> 52;
    // The bits of 2^52 with an integer in the mantissa are 2^52 plus that integer.
    let k = f64::from_bits(exponent | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1024.0);
    (k, f64::from_bits((offset & table::MANTISSA) + table::ROOT_HALF))
}

/// Sets what log is outside the positive finite numbers.
#[inline(always)]
fn log_edges(x: f64, y: f64) -> f64 {
    let y = if x == f64::INFINITY { x } else { y };
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    if x >= 0.0 { y } else { f64::NAN.canonical() }
}

/// The functions with f64 results.
pub(super) mod double {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn exp(x: f64) -> f64 {
        let low = if x < -750.0 { -750.0 } else { x };
        let clamped = if low > 750.0 { 750.0 } else { low };
        let (k, head) = reduce(clamped);
        let r = (-k).mul_add(LN2_REST, head);
        let y = polynomial(&table::EXP, r).mul_add(r, 1.0);
        if x.is_nan() { x.canonical() } else { scale(y, k) }
    }

    #[inline(always)]
    pub(in super::super) fn log(x: f64) -> f64 {
        let subnormal = x < f64::MIN_POSITIVE;
        let normal = if subnormal { x * 18_014_398_509_481_984.0 } else { x };
        let (k, m) = split(normal);
        let k = if subnormal { k - 54.0 } else { k };
        let f = m - 1.0;
        let s = f / (m + 1.0);
        let z = s * s;
        let rest = polynomial(&table::LOG, z) * z;
        let half = 0.5 * f * f;
        let low = k.mul_add(LN2_TAIL, s * (half + rest));
        let y = k.mul_add(LN2_HEAD, f - (half - low));
        log_edges(x, y)
    }

    #[inline(always)]
    pub(in super::super) fn tanh(x: f64) -> f64 {
        let t = x.abs();
        let z = t * t;
        let near = (t * z).mul_add(polynomial(&table::TANH, z), t);
        let far = 1.0 - 2.0 / (exp(t + t) + 1.0);
        let y = if t < TANH_SPLIT { near } else { far };
        y.copysign(x).canonical()
    }

    /// erf where |x| < 1.
    #[inline(always)]
    fn near(x: f64) -> f64 {
        x.mul_add(polynomial(&table::ERF, x * x), x)
    }

    /// erfc where t >= 0.5: `e^-(t^2) * P(q) / (1 + 2 t)`, the square kept in two parts.
    #[inline(always)]
    fn tail(t: f64) -> f64 {
        let t = if t > TAIL_END { TAIL_END } else { t };
        let square = t * t;
        let rest = t.mul_add(t, -square);
        let (k, head) = reduce(-square);
        let r = (-k).mul_add(LN2_REST, head);
        let y = polynomial(&table::EXP, r).mul_add(r, 1.0);
        let q = (t - TAIL_CENTRE) / (t + TAIL_CENTRE);
        let u = polynomial(&table::ERFCX, q) / t.mul_add(2.0, 1.0);
        scale(y * (-rest).mul_add(u, u), k)
    }

    #[inline(always)]
    pub(in super::super) fn erf(x: f64) -> f64 {
        let t = x.abs();
        let y = if t < 1.0 { near(t) } else { 1.0 - tail(t) };
        y.copysign(x).canonical()
    }

    #[inline(always)]
    pub(in super::super) fn erfc(x: f64) -> f64 {
        let t = x.abs();
        let beyond = tail(t);
        let far = if x < 0.0 { 2.0 - beyond } else { beyond };
        let y = if t < 0.5 { 1.0 - near(x) } else { far };
        y.canonical()
    }
}

/// The functions with f32 results: shorter polynomials, f64 steps, one rounding to f32.
pub(super) mod single {
    use super::*;

    /// e to the power in f64, good to 2^-33, for the argument of any f32.
    #[inline(always)]
    fn exp_wide(x: f64) -> f64 {
        let low = if x < -150.0 { -150.0 } else { x };
        let clamped = if low > 150.0 { 150.0 } else { low };
        let (k, r) = reduce(clamped);
        let y = polynomial(&table::EXP_SHORT, r).mul_add(r, 1.0);
        scale(y, k)
    }

    #[inline(always)]
    pub(in super::super) fn exp(x: f32) -> f32 {
        let y = f64_to_f32(exp_wide(f64::from(x)));
        if x.is_nan() { x.canonical() } else { y }
    }

    #[inline(always)]
    pub(in super::super) fn log(x: f32) -> f32 {
        let x = f64::from(x);
        let (k, m) = split(x);
        let s = (m - 1.0) / (m + 1.0);
        let z = s * s;
        let p = polynomial(&table::LOG_SHORT, z).mul_add(z, 2.0);
        f64_to_f32(log_edges(x, k.mul_add(LN2, s * p)))
    }

    #[inline(always)]
    pub(in super::super) fn tanh(x: f32) -> f32 {
        let t = f64::from(x.abs());
        let z = t * t;
        let near = (t * z).mul_add(polynomial(&table::TANH_SHORT, z), t);
        let far = 1.0 - 2.0 / (exp_wide(t + t) + 1.0);
        let y = if t < TANH_SPLIT { near } else { far };
        let y = f64_to_f32(y).copysign(x);
        if x.is_nan() { x.canonical() } else { y }
    }

    #[inline(always)]
    pub(in super::super) fn erf(x: f32) -> f32 {
        f64_to_f32(double::erf(f64::from(x)))
    }

    #[inline(always)]
    pub(in super::super) fn erfc(x: f32) -> f32 {
        f64_to_f32(double::erfc(f64::from(x)))
    }
}

#[cfg(test)]
mod tests;

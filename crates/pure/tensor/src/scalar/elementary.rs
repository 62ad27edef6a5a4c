//! exp, log, tanh, erf and erfc as fixed sequences of add, multiply, fma, divide and bit casts.
//!
//! `docs/numerics.md` numbers the steps and derives the coefficients, which stand in `table.rs`.
//! The f32 functions run in f64 and round once at the end.
//!
//! Invariant: no step is a function of the platform's library; NaN in gives the one NaN.

pub(super) mod double {
    use super::super::{Scalar, table};

    pub(in super::super) fn exp(x: f64) -> f64 {
        if x.is_nan() {
            return x.canonical();
        }
        let x = x.op_max(-750.0).op_min(750.0);
        let shifted = x.mul_add(table::LOG2_E, table::SHIFTER);
        let k = shifted - table::SHIFTER;
        let r = k.mul_add(-table::LN2_LO, k.mul_add(-table::LN2_HI, x));
        let mut p = 0.0f64;
        for c in table::EXP.iter().rev() {
            p = p.mul_add(r, *c);
        }
        let y = p.mul_add(r, 1.0);
        scale(y, super::super::f64_to_i32(k))
    }

    /// Multiplies by 2^k in two steps, of which only the second can round.
    fn scale(y: f64, k: i32) -> f64 {
        let half = k >> 1;
        y * power(half) * power(k - half)
    }

    fn power(k: i32) -> f64 {
        f64::from_bits(u64::from((k + 1023).cast_unsigned()) << 52)
    }

    pub(in super::super) fn log(x: f64) -> f64 {
        if x.is_nan() || x < 0.0 {
            return f64::NAN.canonical();
        }
        if x == 0.0 {
            return f64::NEG_INFINITY;
        }
        if x == f64::INFINITY {
            return x;
        }
        let (x, bias) = if x < f64::MIN_POSITIVE { (x * power(54), 54) } else { (x, 0) };
        let offset = x.to_bits().wrapping_sub(table::SQRT_HALF_BITS);
        let k = i32::try_from(offset.cast_signed() >> 52).expect("an exponent is small") - bias;
        let m = f64::from_bits((offset & table::MANTISSA) + table::SQRT_HALF_BITS);
        let f = m - 1.0;
        let s = f / (m + 1.0);
        let z = s * s;
        let mut p = 0.0f64;
        for c in table::LOG.iter().rev() {
            p = p.mul_add(z, *c);
        }
        let p = p * z;
        let half = 0.5 * f * f;
        let k = f64::from(k);
        let low = k.mul_add(table::LOG_LN2_LO, s * (half + p));
        k.mul_add(table::LOG_LN2_HI, f - (half - low))
    }

    pub(in super::super) fn tanh(x: f64) -> f64 {
        let t = x.abs();
        let y = if t < 1e-9 { t } else { 1.0 - 2.0 / (exp(t + t) + 1.0) };
        y.copysign(x).canonical()
    }

    pub(in super::super) fn erf(x: f64) -> f64 {
        (1.0 - erfc(x)).canonical()
    }

    pub(in super::super) fn erfc(x: f64) -> f64 {
        let t = 1.0 / (1.0 + 0.5 * x.abs());
        let y = t * exp(-x * x - 1.26551223);
        if x < 0.0 { 2.0 - y } else { y }
    }
}

pub(super) mod single {
    use super::{super::f64_to_f32, double};

    pub(in super::super) fn exp(x: f32) -> f32 {
        f64_to_f32(double::exp(f64::from(x)))
    }

    pub(in super::super) fn log(x: f32) -> f32 {
        f64_to_f32(double::log(f64::from(x)))
    }

    pub(in super::super) fn tanh(x: f32) -> f32 {
        f64_to_f32(double::tanh(f64::from(x)))
    }

    pub(in super::super) fn erf(x: f32) -> f32 {
        f64_to_f32(double::erf(f64::from(x)))
    }

    pub(in super::super) fn erfc(x: f32) -> f32 {
        f64_to_f32(double::erfc(f64::from(x)))
    }
}

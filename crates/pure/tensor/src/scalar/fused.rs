//! The fused multiply-add of f32, by f64 arithmetic.
//!
//! The product of two f32 has at most 48 significant bits and an exponent well inside f64, so it is
//! exact in f64. The sum with `c` is then rounded to odd (towards the neighbour whose last bit is
//! set, when inexact) in 53 bits; rounding that to 24 bits gives the correctly rounded result,
//! since 53 >= 2 + 24 (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008),
//! subnormal results included. Absent: the platform's `fmaf`; f64 uses `f64::mul_add`, which
//! IEEE 754 defines.

/// Returns `a * b + c`, rounded once.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "rounds to nearest even, as intended")]
pub(super) fn f32(a: f32, b: f32, c: f32) -> f32 {
    let product = f64::from(a) * f64::from(b);
    let addend = f64::from(c);
    let sum = product + addend;
    // The exact error of the sum (Knuth's two-sum; no overflow is possible at these magnitudes).
    let back = sum - product;
    let error = (product - (sum - back)) + (addend - back);
    let bits = sum.to_bits();
    let inexact_and_even = error != 0.0 && bits & 1 == 0 && sum.is_finite();
    if !inexact_and_even {
        return sum as f32;
    }
    // Away from zero when the error has the sign of the sum, else towards it; an inexact sum is
    // never zero, so neither leaves the sign's range.
    let away = (error > 0.0) == (sum > 0.0);
    f64::from_bits(if away { bits + 1 } else { bits - 1 }) as f32
}

#[cfg(test)]
mod tests {
    use super::f32 as fused;
    use crate::random::philox;

    /// Operands whose exponents are close enough for halfway cases and cancellation to occur.
    fn operand(word: u32, spread: u32) -> f32 {
        let exponent = 127 - spread / 2 + (word >> 23) % spread.max(1);
        f32::from_bits(word & 0x8007_ffff & !0x7 | exponent << 23)
    }

    #[test]
    fn agrees_with_the_ieee_operation_on_any_bits() {
        for block in 0..200_000u32 {
            let [a, b, c, _] = philox([block, 0, 0, 0], [1, 2]).map(f32::from_bits);
            let (got, expected) = (fused(a, b, c), a.mul_add(b, c));
            let equal = got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan();
            assert!(equal, "{a:e} * {b:e} + {c:e}: {got:e}, not {expected:e}");
        }
    }

    #[test]
    fn agrees_where_terms_cancel_or_meet_halfway() {
        for block in 0..200_000u32 {
            let [a, b, c, s] = philox([block, 1, 0, 0], [1, 2]);
            let spread = 1 + s % 60;
            let (a, b, c) = (operand(a, spread), operand(b, spread), operand(c, 2 * spread));
            assert_eq!(fused(a, b, c).to_bits(), a.mul_add(b, c).to_bits(), "{a:e} {b:e} {c:e}");
            let nearly = -(a * b);
            let expected = a.mul_add(b, nearly);
            assert_eq!(fused(a, b, nearly).to_bits(), expected.to_bits(), "{a:e} {b:e}");
        }
    }

    #[test]
    fn rounds_subnormal_results_once() {
        let tiny = f32::from_bits(1);
        assert_eq!(fused(0.5, tiny, 0.0), 0.0);
        assert_eq!(fused(0.5, tiny, tiny), f32::from_bits(2));
        assert_eq!(fused(0.75, tiny, 0.0), tiny);
        assert_eq!(fused(-0.0, 1.0, -0.0).to_bits(), (-0.0f32).to_bits());
        assert_eq!(fused(-1.0, 1.0, 1.0).to_bits(), 0);
    }
}

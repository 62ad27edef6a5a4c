//! The fused multiply-add of f32, by f64 arithmetic.
//!
//! The product of two f32 has at most 48 significant bits and an exponent well inside f64, so it is
//! exact in f64. The sum with `c` is then rounded to odd (towards the neighbour whose last bit is
//! set, when inexact) in 53 bits; rounding that to 24 bits gives the correctly rounded result,
//! since 53 >= 2 + 24 (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008),
//! subnormal results included. Absent: the platform's `fmaf`. f64 uses `f64::mul_add`, which IEEE
//! 754 defines; the tests hold it to an integer implementation, so that a platform that gets it
//! wrong is found before it disagrees with everybody.

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
mod tests;

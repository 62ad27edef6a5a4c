//! Conversions between dtypes, shifts, and `requantise`: what an i32 can be made of and into.
//!
//! Invariant: total; nothing here can fail or trap. Conversions from f32 to f64 and from i32 to
//! f64 are exact and written `f64::from` where they are used.

use super::Scalar;

/// Returns the nearest f32, ties to even; NaN is the one NaN.
///
/// ```
/// assert_eq!(tensor::scalar::f64_to_f32(1e300), f32::INFINITY);
/// ```
#[must_use]
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "rounds to nearest even, as defined")]
pub fn f64_to_f32(x: f64) -> f32 {
    (x as f32).canonical()
}

/// Returns the nearest f32, ties to even.
///
/// ```
/// assert_eq!(tensor::scalar::i32_to_f32(16_777_217), 16_777_216.0);
/// ```
#[must_use]
#[inline]
pub fn i32_to_f32(x: i32) -> f32 {
    f64_to_f32(f64::from(x))
}

/// Returns `x` toward zero, saturating; NaN gives 0.
///
/// ```
/// assert_eq!(tensor::scalar::f32_to_i32(-1.9), -1);
/// ```
#[must_use]
#[inline]
pub fn f32_to_i32(x: f32) -> i32 {
    f64_to_i32(f64::from(x))
}

/// Returns `x` toward zero, saturating; NaN gives 0.
///
/// ```
/// assert_eq!(tensor::scalar::f64_to_i32(1e10), i32::MAX);
/// assert_eq!(tensor::scalar::f64_to_i32(f64::NAN), 0);
/// ```
#[must_use]
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "Rust's cast is the conversion defined here")]
pub fn f64_to_i32(x: f64) -> i32 {
    x as i32
}

/// Returns `a` shifted left by `b` mod 32.
///
/// ```
/// assert_eq!(tensor::scalar::shift_left(1, 33), 2);
/// ```
#[must_use]
#[inline]
pub fn shift_left(a: i32, b: i32) -> i32 {
    a.wrapping_shl(b.cast_unsigned())
}

/// Returns `a` shifted right by `b` mod 32, filling with zeros.
///
/// ```
/// assert_eq!(tensor::scalar::shift_right_logical(-1, 31), 1);
/// ```
#[must_use]
#[inline]
pub fn shift_right_logical(a: i32, b: i32) -> i32 {
    a.cast_unsigned().wrapping_shr(b.cast_unsigned()).cast_signed()
}

/// Returns `a` shifted right by `b` mod 32, filling with the sign.
///
/// ```
/// assert_eq!(tensor::scalar::shift_right_arithmetic(-8, 1), -4);
/// ```
#[must_use]
#[inline]
pub fn shift_right_arithmetic(a: i32, b: i32) -> i32 {
    a.wrapping_shr(b.cast_unsigned())
}

/// Returns `x * m / 2^s` with `(m, s) = scale`, halves away from zero, clamped to `range`.
///
/// `m` must not be negative and `s` at most 62, as well-formed Programs guarantee.
///
/// ```
/// use tensor::scalar::requantise;
///
/// assert_eq!(requantise(-1, (1, 1), (-9, 9)), -1);
/// assert_eq!(requantise(i32::MIN, (i32::MAX, 0), (-9, 9)), -9);
/// ```
#[must_use]
#[inline]
pub fn requantise(x: i32, scale: (i32, u32), range: (i32, i32)) -> i32 {
    let (m, s) = scale;
    let product = i64::from(x) * i64::from(m);
    let half = if s > 0 { 1u64 << (s - 1) } else { 0 };
    // |product| <= 2^62 and half <= 2^61, so the sum fits i64 and u64 alike.
    let magnitude = ((product.unsigned_abs() + half) >> s).cast_signed();
    let rounded = if product < 0 { -magnitude } else { magnitude };
    let clamped = rounded.clamp(i64::from(range.0), i64::from(range.1));
    i32::try_from(clamped).expect("a clamp to i32 bounds is an i32")
}

//! The functions by their Taylor series in 512-bit fixed point, rounded to f32 with a proof.
//!
//! A number is an integer times 2^-512. An argument is `m * 2^e` with |m| < 2^24, so a step of a
//! series multiplies by a small integer, shifts, and divides by a small integer; each step cuts off
//! less than two units. A unit lost early is multiplied by what the later steps multiply by, in all
//! by at most e^|x| for exp and e^(x^2) for erf: below 2^151 where the result is not settled by the
//! range alone. With fewer than 2^10 steps the absolute error is below
//! 2^(11 + 151 - 512), and the least result is about 2^-150, so the relative error is below 2^-200;
//! [`Value::round`] allows for 2^-100.
//!
//! *Invariant: a result that is returned is the nearest; a tie or a doubt is `None`.*
//! Absent: arguments that are not finite, or so large that the result is 0, 1, 2 or infinite.

use std::sync::OnceLock;

use num_bigint::BigUint;

use crate::Function;

/// Bits after the point.
const POINT: u64 = 512;

/// Bits of a result that are surely right.
const SURE: u64 = 100;

/// A finite real number: sign, and magnitude in units of 2^-512, right to 2^-100 of itself.
#[derive(Clone, Debug)]
pub struct Value {
    negative: bool,
    magnitude: BigUint,
}

/// A float without its sign: `m * 2^exponent`.
#[derive(Clone, Copy)]
struct Magnitude {
    m: u64,
    exponent: i64,
}

/// Returns the function's value at a finite argument where the series is defined: |x| below 105 for
/// exp, 11 for the others but log, which takes what is above zero.
///
/// # Panics
///
/// If the argument lies outside, where the result is known without a series.
#[must_use]
pub fn value(function: Function, x: f32) -> Value {
    let bound = if function == Function::Exp { 105.0 } else { 11.0 };
    let inside = if function == Function::Log { x > 0.0 } else { x.abs() < bound };
    assert!(inside && x.is_finite(), "the series of {function} is not for {x:e}");
    let t = magnitude(x);
    match function {
        Function::Exp => {
            let (even, odd) = exponential(t);
            let magnitude = if x < 0.0 { even - odd } else { even + odd };
            Value { negative: false, magnitude }
        }
        Function::Log => log(t),
        Function::Tanh => {
            // tanh t = (e^2t - 1) / (e^2t + 1); the 1 is left out of the sum, not taken off it.
            let (even, odd) = exponential(Magnitude { m: 2 * t.m, ..t });
            let above_one = even + odd - one();
            let magnitude = (&above_one << POINT) / (&above_one + (one() << 1u8));
            Value { negative: x < 0.0, magnitude }
        }
        Function::Erf => Value { negative: x < 0.0, magnitude: erf(t) },
        Function::Erfc if x < 0.0 => Value { negative: false, magnitude: one() + erf(t) },
        Function::Erfc => Value { negative: false, magnitude: one() - erf(t) },
    }
}

fn one() -> BigUint {
    BigUint::from(1u8) << POINT
}

fn magnitude(x: f32) -> Magnitude {
    let bits = x.to_bits() & 0x7fff_ffff;
    let (biased, fraction) = (bits >> 23, u64::from(bits & 0x007f_ffff));
    match biased {
        0 => Magnitude { m: fraction, exponent: -149 },
        _ => Magnitude { m: fraction | 0x0080_0000, exponent: i64::from(biased) - 150 },
    }
}

/// Returns `value * 2^places`, cut off below the last unit.
fn shifted(value: BigUint, places: i64) -> BigUint {
    let by = places.unsigned_abs();
    if places < 0 { value >> by } else { value << by }
}

/// Returns the even and the odd terms of `sum t^n / n!`.
fn exponential(t: Magnitude) -> (BigUint, BigUint) {
    let mut sums = [one(), BigUint::ZERO];
    let mut term = one();
    for n in 1usize.. {
        term = shifted(term * t.m, t.exponent) / n;
        if term == BigUint::ZERO {
            break;
        }
        sums[n % 2] += &term;
    }
    let [even, odd] = sums;
    (even, odd)
}

/// Returns `2 atanh(numerator / denominator)` for a quotient of at most one third.
fn twice_atanh(numerator: u64, denominator: u64) -> BigUint {
    let mut term = (one() << 1u8) * numerator / denominator;
    let (square, divisor) = (numerator * numerator, denominator * denominator);
    let mut sum = BigUint::ZERO;
    for n in 0u64.. {
        if term == BigUint::ZERO {
            break;
        }
        sum += &term / (2 * n + 1);
        term = term * square / divisor;
    }
    sum
}

fn ln2() -> &'static BigUint {
    static LN2: OnceLock<BigUint> = OnceLock::new();
    LN2.get_or_init(|| twice_atanh(1, 3))
}

/// Returns the logarithm: x = m * 2^k with m about sqrt(1/2)..sqrt(2), and log m by atanh.
fn log(t: Magnitude) -> Value {
    let lead = 63 - t.m.leading_zeros();
    let mantissa = t.m << (23 - lead);
    // Above 2^23 * sqrt(2) the mantissa is taken for one below 1, and the exponent is one higher.
    let above = mantissa > 11_863_283;
    let unit = if above { 1 << 24 } else { 1 << 23 };
    let k = t.exponent + i64::from(lead) + i64::from(above);
    let (whole, whole_negative) = (ln2() * k.unsigned_abs(), k < 0);
    let part = twice_atanh(mantissa.abs_diff(unit), mantissa + unit);
    let part_negative = mantissa < unit;
    match (whole_negative, part_negative) {
        (a, b) if a == b => Value { negative: a, magnitude: whole + part },
        (negative, _) if whole >= part => Value { negative, magnitude: whole - part },
        (_, negative) => Value { negative, magnitude: part - whole },
    }
}

/// Returns `2 / sqrt(pi)`, with pi by Machin's formula.
fn two_over_root_pi() -> &'static BigUint {
    static FACTOR: OnceLock<BigUint> = OnceLock::new();
    FACTOR.get_or_init(|| {
        let pi = arctangent(16, 5) - arctangent(4, 239);
        // sqrt(4 / pi) in units: the root of 4 * 2^(3 * 512) / (pi * 2^512).
        ((BigUint::from(4u8) << (3 * POINT)) / pi).sqrt()
    })
}

/// Returns `factor * atan(1 / n)`.
fn arctangent(factor: u64, n: u64) -> BigUint {
    let mut term = one() * factor / n;
    let mut sums = [BigUint::ZERO, BigUint::ZERO];
    for k in 0usize.. {
        if term == BigUint::ZERO {
            break;
        }
        sums[k % 2] += &term / (2 * k + 1);
        term /= n * n;
    }
    let [plus, minus] = sums;
    plus - minus
}

/// Returns erf of a magnitude: `2/sqrt(pi) * sum (-1)^n t^(2n+1) / (n! (2n+1))`.
fn erf(t: Magnitude) -> BigUint {
    let mut term = shifted(one() * t.m, t.exponent);
    let square = t.m * t.m;
    let mut sums = [BigUint::ZERO, BigUint::ZERO];
    for n in 0usize.. {
        if term == BigUint::ZERO {
            break;
        }
        sums[n % 2] += &term / (2 * n + 1);
        term = shifted(term * square, 2 * t.exponent) / (n + 1);
    }
    let [plus, minus] = sums;
    ((plus - minus) * two_over_root_pi()) >> POINT
}

fn distance(a: &BigUint, b: &BigUint) -> BigUint {
    if a > b { a - b } else { b - a }
}

impl Value {
    /// Returns the nearest f32, or `None` if the error of the series leaves it open.
    #[must_use]
    pub fn round(&self) -> Option<f32> {
        let cut = self.unit_place();
        let (whole, rest) = (&self.magnitude >> cut, &self.magnitude % (BigUint::from(1u8) << cut));
        let half = BigUint::from(1u8) << (cut - 1);
        let doubt = (&self.magnitude >> SURE) + 1u8;
        if distance(&rest, &half) <= doubt {
            return None;
        }
        let up = rest > half;
        let whole = u32::try_from(whole).expect("24 bits are left") + u32::from(up);
        Some(self.signed(whole, cut))
    }

    /// Returns |got - value| in units of the last place that an f32 near the value has, to 2^-24 of
    /// one; infinite from 256 on, for another sign, and for what is not finite.
    #[must_use]
    pub fn error(&self, got: f32) -> f64 {
        if !got.is_finite() || (got != 0.0 && got.is_sign_negative() != self.negative) {
            return f64::INFINITY;
        }
        let t = magnitude(got);
        let got = shifted(one() * t.m, t.exponent);
        let scaled = (distance(&got, &self.magnitude) << 24u8) >> self.unit_place();
        let scaled = u32::try_from(scaled);
        scaled.map_or(f64::INFINITY, |scaled| f64::from(scaled) / f64::from(1u32 << 24))
    }

    /// Returns |got - value| as a part of the value, to 2^-60; infinite for another sign.
    ///
    /// # Panics
    ///
    /// If `got` is not a normal f64, or is not near the value.
    #[must_use]
    pub fn relative_error(&self, got: f64) -> f64 {
        assert!(got.is_normal(), "{got:e} is not near a value that a series has");
        if got.is_sign_negative() != self.negative {
            return f64::INFINITY;
        }
        let bits = got.abs().to_bits();
        let fraction = bits & 0x000f_ffff_ffff_ffff | 0x0010_0000_0000_0000;
        let exponent = i64::try_from(bits >> 52).expect("eleven bits") - 1075;
        let got = shifted(one() * fraction, exponent);
        let parts = (distance(&got, &self.magnitude) << 60u8) / &self.magnitude;
        let parts = u32::try_from(parts).map_or(f64::INFINITY, f64::from);
        parts / f64::from(1u32 << 30) / f64::from(1u32 << 30)
    }

    /// Returns how many of the magnitude's bits lie below the last place of an f32.
    fn unit_place(&self) -> u64 {
        self.magnitude.bits().saturating_sub(24).max(POINT - 149)
    }

    /// Returns `whole * 2^(cut - 512)` with the sign; infinite from 2^128 on.
    fn signed(&self, whole: u32, cut: u64) -> f32 {
        let exponent = i32::try_from(cut).expect("some hundreds") - 512;
        // 2^exponent is a normal f64, the product exact, and so is its f32 unless it is too large.
        let power = f64::from_bits(u64::try_from(exponent + 1023).expect("it is normal") << 52);
        let value = f64::from(whole) * power;
        #[expect(clippy::cast_possible_truncation, reason = "exact, or infinite as it must be")]
        let single = value as f32;
        if self.negative { -single } else { single }
    }
}

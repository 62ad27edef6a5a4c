//! The fused multiply-adds against each other: f32 by f64 with the platform's, the platform's f64
//! with integers.

use super::f32 as fused;
use crate::random::philox;

/// Bit of the leading one of aligned operands.
const LEADING: u32 = 124;

/// Bit of the leading one of an aligned sum: that of two aligned operands at most.
const LEADING_OF_SUM: u32 = LEADING + 1;

/// A finite number other than zero: `±mantissa * 2^exponent`.
#[derive(Clone, Copy)]
struct Parts {
    negative: bool,
    mantissa: u128,
    exponent: i32,
}

impl Parts {
    fn of(x: f64) -> Parts {
        let field = i32::try_from(x.to_bits() >> 52 & 0x7ff).expect("eleven bits");
        let fraction = u128::from(x.to_bits() & 0x000f_ffff_ffff_ffff);
        let hidden = u128::from(field != 0) << 52;
        let exponent = if field == 0 { -1074 } else { field - 1075 };
        Parts { negative: x.is_sign_negative(), mantissa: fraction | hidden, exponent }
    }

    /// Shifts the leading one left to bit `leading`.
    fn aligned(self, leading: u32) -> Parts {
        let shift = self.mantissa.leading_zeros() - (127 - leading);
        let exponent = self.exponent - shift.cast_signed();
        Parts { mantissa: self.mantissa << shift, exponent, ..self }
    }

    /// Shifts right to an exponent not below its own; what falls off sticks to the last bit.
    fn lowered_to(self, exponent: i32) -> u128 {
        let shift = (exponent - self.exponent).cast_unsigned();
        if shift > LEADING {
            return u128::from(self.mantissa != 0);
        }
        let lost = self.mantissa & ((1 << shift) - 1) != 0;
        self.mantissa >> shift | u128::from(lost)
    }

    /// Rounds to nearest even, subnormals included.
    fn round(self) -> f64 {
        if self.mantissa == 0 {
            return 0.0;
        }
        // Aligned, the leading one stands high above the 53 bits that are kept.
        let Parts { negative, mantissa, exponent } = self.aligned(LEADING_OF_SUM);
        let last = (exponent + LEADING_OF_SUM.cast_signed() - 52).max(-1074);
        let shift = (last - exponent).cast_unsigned();
        // What falls off, against half of the last bit that is kept, decides the rounding.
        let kept = if shift > 126 { 0 } else { mantissa >> shift };
        let below = mantissa - if shift > 126 { 0 } else { kept << shift };
        let half = if shift > 127 { u128::MAX } else { 1u128 << shift >> 1 };
        let up = below > half || below == half && kept & 1 == 1;
        let kept = u64::try_from(kept + u128::from(up)).expect("at most 2^53");
        let field = u64::try_from(last + 1074).expect("last is at least -1074");
        // A mantissa that reaches 2^53, or 2^52 from below, carries into the exponent by itself.
        let bits = (field << 52) + kept;
        let magnitude = f64::from_bits(bits.min(f64::INFINITY.to_bits()));
        if negative { -magnitude } else { magnitude }
    }
}

/// Returns a * b + c rounded once, for finite operands with a product other than zero.
fn by_integers(a: f64, b: f64, c: f64) -> f64 {
    let (a, b, c) = (Parts::of(a), Parts::of(b), Parts::of(c));
    let product = Parts {
        negative: a.negative != b.negative,
        mantissa: a.mantissa * b.mantissa,
        exponent: a.exponent + b.exponent,
    }
    .aligned(LEADING);
    if c.mantissa == 0 {
        return product.round();
    }
    let c = c.aligned(LEADING);
    let exponent = product.exponent.max(c.exponent);
    let (x, y) = (product.lowered_to(exponent), c.lowered_to(exponent));
    let (mantissa, negative) = if product.negative == c.negative {
        (x + y, c.negative)
    } else if x >= y {
        (x - y, product.negative && x != y)
    } else {
        (y - x, c.negative)
    };
    Parts { negative, mantissa, exponent }.round()
}

/// A double whose exponent is within `spread` of 1, with few bits set so that ties occur.
fn double(high: u32, low: u32, spread: u64) -> f64 {
    let word = u64::from(high) << 32 | u64::from(low);
    let sparse = if low & 1 == 0 { word & 0xfff0_0000_ffff_0000 } else { word };
    let exponent = 1023 - spread / 2 + (word >> 52 & 0x7ff) % spread;
    f64::from_bits(sparse & 0x800f_ffff_ffff_ffff | exponent << 52)
}

#[test]
fn the_platform_fuses_f64_correctly() {
    for block in 0..100_000u32 {
        let [p, q, r, s] = philox([block, 2, 0, 0], [1, 2]);
        let [t, u, ..] = philox([block, 3, 0, 0], [1, 2]);
        let spread = 1 + u64::from(s % 130);
        let (a, b, c) = (double(p, q, spread), double(q, r, spread), double(t, u, 2 * spread));
        for c in [c, -(a * b), 0.0] {
            assert_eq!(
                a.mul_add(b, c).to_bits(),
                by_integers(a, b, c).to_bits(),
                "{a:e} {b:e} {c:e}"
            );
        }
        // The same around the smallest and the greatest numbers.
        let [small, large] = [f64::from_bits(510 << 52), f64::from_bits(1534 << 52)];
        for scale in [small, large] {
            let (a, b, c) = (a * scale, b * scale, c * scale * scale);
            if c.is_finite() && c != 0.0 {
                let (got, expected) = (a.mul_add(b, c), by_integers(a, b, c));
                assert_eq!(got.to_bits(), expected.to_bits(), "{a:e} {b:e} {c:e}");
            }
        }
    }
}

#[test]
fn the_integers_agree_with_cases_worked_by_hand() {
    let tiny = f64::from_bits(1);
    assert_eq!(by_integers(0.5, tiny, 0.0).to_bits(), 0);
    assert_eq!(by_integers(0.75, tiny, 0.0), tiny);
    assert_eq!(by_integers(0.5, -tiny, 0.0).to_bits(), (-0.0f64).to_bits());
    assert_eq!(by_integers(1.0, 1.0, -1.0).to_bits(), 0);
    assert_eq!(by_integers(f64::MAX, 2.0, 1.0), f64::INFINITY);
    assert_eq!(by_integers(f64::MAX, 2.0, -f64::MAX), f64::MAX);
    let x = 1.0 + f64::EPSILON;
    assert_eq!(by_integers(x, x, -(1.0 + 2.0 * f64::EPSILON)), f64::EPSILON * f64::EPSILON);
}

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

//! What one element of an op is: the scalar functions behind every interpreter and kernel.
//!
//! Methods are called `op_*` so that an inherent method of `f32` or `f64` (whose `min`, `max` and
//! `exp` mean something else) can never be picked by mistake.
//!
//! Invariant: every float that is computed here is canonical: if it is a NaN, it is the one NaN.
//! Rounding is to nearest, ties to even; subnormals are kept.
//! Absent: the platform's mathematics library, apart from `mul_add` and `sqrt`, which IEEE 754
//! defines exactly.

mod convert;
mod elementary;
mod fused;
mod table;

pub use convert::{
    f32_to_i32, f64_to_f32, f64_to_i32, i32_to_f32, requantise, shift_left, shift_right_arithmetic,
    shift_right_logical,
};

use std::cmp::Ordering;

/// Elements of any dtype.
///
/// ```
/// use tensor::scalar::Scalar;
///
/// assert_eq!(i32::MAX.op_add(1), i32::MIN);
/// assert_eq!(0.0f32.op_min(-0.0).to_bits(), (-0.0f32).to_bits());
/// assert!(f64::NAN.op_max(1.0).is_nan());
/// ```
pub trait Scalar: Copy + PartialOrd + std::fmt::Debug + Send + Sync + 'static {
    /// +0, or 0.
    const ZERO: Self;
    /// Returns the value with NaN replaced by the one NaN.
    #[must_use]
    fn canonical(self) -> Self;
    /// Returns the sum; i32 wraps.
    #[must_use]
    fn op_add(self, other: Self) -> Self;
    /// Returns the difference; i32 wraps.
    #[must_use]
    fn op_sub(self, other: Self) -> Self;
    /// Returns the product; i32 wraps.
    #[must_use]
    fn op_mul(self, other: Self) -> Self;
    /// Returns `self * b + c`, one rounding for floats; i32 wraps. One step of a matmul's chain.
    #[must_use]
    fn op_fma(self, b: Self, c: Self) -> Self;
    /// Returns the negative; -2^31 stays.
    #[must_use]
    fn op_neg(self) -> Self;
    /// Returns the magnitude; -2^31 stays.
    #[must_use]
    fn op_abs(self) -> Self;
    /// Returns whether `self` comes strictly after `other` in the order of `max`:
    /// -0 before +0, everything before NaN, one NaN not after another.
    #[must_use]
    fn comes_after(self, other: Self) -> bool;
    /// Returns the lesser; NaN if either is, -0 before +0.
    #[must_use]
    fn op_min(self, other: Self) -> Self;
    /// Returns the greater; NaN if either is, -0 before +0.
    #[must_use]
    fn op_max(self, other: Self) -> Self {
        if other.comes_after(self) { other.canonical() } else { self.canonical() }
    }
}

/// Elements of a float dtype.
///
/// ```
/// use tensor::scalar::Float;
///
/// assert_eq!((-0.5f32).op_floor(), -1.0);
/// assert_eq!(0.0f64.op_exp(), 1.0);
/// assert_eq!(f32::NEG_INFINITY.op_exp().to_bits(), 0);
/// ```
pub trait Float: Scalar {
    /// Returns the quotient.
    #[must_use]
    fn op_div(self, other: Self) -> Self;
    /// Returns the square root.
    #[must_use]
    fn op_sqrt(self) -> Self;
    /// Returns the greatest integer not above.
    #[must_use]
    fn op_floor(self) -> Self;
    /// Returns e to the power; see `docs/numerics.md`.
    #[must_use]
    fn op_exp(self) -> Self;
    /// Returns the natural logarithm; see `docs/numerics.md`.
    #[must_use]
    fn op_log(self) -> Self;
    /// Returns the hyperbolic tangent; see `docs/numerics.md`.
    #[must_use]
    fn op_tanh(self) -> Self;
    /// Returns the error function; see `docs/numerics.md`.
    #[must_use]
    fn op_erf(self) -> Self;
    /// Returns one minus the error function; see `docs/numerics.md`.
    #[must_use]
    fn op_erfc(self) -> Self;
}

impl Scalar for i32 {
    const ZERO: i32 = 0;

    #[inline]
    fn canonical(self) -> i32 {
        self
    }

    #[inline]
    fn op_add(self, other: i32) -> i32 {
        self.wrapping_add(other)
    }

    #[inline]
    fn op_sub(self, other: i32) -> i32 {
        self.wrapping_sub(other)
    }

    #[inline]
    fn op_mul(self, other: i32) -> i32 {
        self.wrapping_mul(other)
    }

    #[inline]
    fn op_fma(self, b: i32, c: i32) -> i32 {
        self.wrapping_mul(b).wrapping_add(c)
    }

    #[inline]
    fn op_neg(self) -> i32 {
        self.wrapping_neg()
    }

    #[inline]
    fn op_abs(self) -> i32 {
        self.wrapping_abs()
    }

    #[inline]
    fn comes_after(self, other: i32) -> bool {
        self > other
    }

    #[inline]
    fn op_min(self, other: i32) -> i32 {
        if self > other { other } else { self }
    }
}

/// The two float types share every line but their widths and their fused multiply-add.
macro_rules! float {
    ($float:ident, $fma:path, $functions:path) => {
        impl Scalar for $float {
            const ZERO: $float = 0.0;

            #[inline]
            fn canonical(self) -> $float {
                // On the bits: the compiler takes the payload of a computed NaN for unspecified,
                // and folds a choice between floats away (it does behind a square root).
                let bits = self.to_bits();
                let nan = bits << 1 > $float::INFINITY.to_bits() << 1;
                $float::from_bits(if nan { NAN.$float.to_bits() } else { bits })
            }

            #[inline]
            fn op_add(self, other: $float) -> $float {
                (self + other).canonical()
            }

            #[inline]
            fn op_sub(self, other: $float) -> $float {
                (self - other).canonical()
            }

            #[inline]
            fn op_mul(self, other: $float) -> $float {
                (self * other).canonical()
            }

            #[inline]
            fn op_fma(self, b: $float, c: $float) -> $float {
                $fma(self, b, c).canonical()
            }

            #[inline]
            fn op_neg(self) -> $float {
                (-self).canonical()
            }

            #[inline]
            fn op_abs(self) -> $float {
                self.abs().canonical()
            }

            #[inline]
            fn comes_after(self, other: $float) -> bool {
                match self.partial_cmp(&other) {
                    Some(Ordering::Greater) => true,
                    Some(Ordering::Less) => false,
                    Some(Ordering::Equal) => other.is_sign_negative() && self.is_sign_positive(),
                    None => self.is_nan() && !other.is_nan(),
                }
            }

            #[inline]
            fn op_min(self, other: $float) -> $float {
                let other_wins = other.is_nan() || (!self.is_nan() && self.comes_after(other));
                if other_wins { other.canonical() } else { self.canonical() }
            }
        }

        impl Float for $float {
            #[inline]
            fn op_div(self, other: $float) -> $float {
                (self / other).canonical()
            }

            #[inline]
            fn op_sqrt(self) -> $float {
                self.sqrt().canonical()
            }

            #[inline]
            fn op_floor(self) -> $float {
                self.floor().canonical()
            }

            #[inline(always)]
            fn op_exp(self) -> $float {
                use $functions as functions;
                functions::exp(self)
            }

            #[inline(always)]
            fn op_log(self) -> $float {
                use $functions as functions;
                functions::log(self)
            }

            #[inline(always)]
            fn op_tanh(self) -> $float {
                use $functions as functions;
                functions::tanh(self)
            }

            #[inline(always)]
            fn op_erf(self) -> $float {
                use $functions as functions;
                functions::erf(self)
            }

            #[inline(always)]
            fn op_erfc(self) -> $float {
                use $functions as functions;
                functions::erfc(self)
            }
        }
    };
}

/// The one NaN of each float type: quiet, positive, no payload.
struct OneNan {
    f32: f32,
    f64: f64,
}

const NAN: OneNan =
    OneNan { f32: f32::from_bits(0x7fc0_0000), f64: f64::from_bits(0x7ff8_0000_0000_0000) };

float!(f32, fused::f32, elementary::single);
float!(f64, f64::mul_add, elementary::double);

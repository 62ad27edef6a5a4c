//! The three element types as kernels see them.
//!
//! The methods say what `tensor::scalar` says, in a form that vectorises: no branches, every method
//! inlined into the loop that uses it, so that the loop's instruction set is used.
//!
//! *Invariant: every method is exact, so compiling it for another instruction set changes nothing.*
//! Absent: the elementary functions, which are long enough to be called where they are defined.

use tensor::scalar::{Float, Scalar};

/// An element type: arithmetic without branches.
///
/// Arithmetic gives a NaN of any payload unless it says otherwise; whoever stores a result cleans
/// it. `lesser` and `greater` give the one NaN.
pub(crate) trait Element: Scalar + Default {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn fused(self, b: Self, c: Self) -> Self;
    fn negative(self) -> Self;
    fn magnitude(self) -> Self;
    /// The one NaN for any NaN.
    fn clean(self) -> Self;
    /// Whether `self` comes before `other` in the order of `max`; neither is NaN.
    fn below(self, other: Self) -> bool;
    fn is_nan_element(self) -> bool;

    /// The lesser: NaN if either is, -0 below +0.
    fn lesser(self, other: Self) -> Self;
    /// The greater: NaN if either is, -0 below +0.
    fn greater(self, other: Self) -> Self;

    /// Whether `self` replaces `best` in a maximum: the first NaN wins, -0 is below +0.
    #[inline(always)]
    fn above(self, best: Self) -> bool {
        let (nan, done) = (self.is_nan_element(), best.is_nan_element());
        !done & (nan | best.below(self))
    }
}

/// Division, roots and rounding: floats only.
pub(crate) trait FloatElement: Element + Float {
    fn over(self, other: Self) -> Self;
    fn root(self) -> Self;
    fn rounded_down(self) -> Self;
}

impl Element for i32 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }

    #[inline(always)]
    fn fused(self, b: Self, c: Self) -> Self {
        self.wrapping_mul(b).wrapping_add(c)
    }

    #[inline(always)]
    fn negative(self) -> Self {
        self.wrapping_neg()
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.wrapping_abs()
    }

    #[inline(always)]
    fn clean(self) -> Self {
        self
    }

    #[inline(always)]
    fn lesser(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    #[inline(always)]
    fn below(self, other: Self) -> bool {
        self < other
    }

    #[inline(always)]
    fn is_nan_element(self) -> bool {
        false
    }
}

impl Element for f32 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self * other
    }

    #[inline(always)]
    fn fused(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }

    #[inline(always)]
    fn negative(self) -> Self {
        -self
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.abs()
    }

    #[inline(always)]
    fn clean(self) -> Self {
        // On the bits: a choice between floats may be folded away behind a square root.
        let bits = self.to_bits();
        let nan = bits << 1 > f32::INFINITY.to_bits() << 1;
        f32::from_bits(if nan { 0x7fc0_0000 } else { bits })
    }

    #[inline(always)]
    fn lesser(self, other: Self) -> Self {
        // Equal numbers differ in the sign of a zero at most.
        let (a, b) = (self.to_bits(), other.to_bits());
        let bits =
            if self == other { a | b } else { (if self < other { self } else { other }).to_bits() };
        f32::from_bits(if self.is_nan() | other.is_nan() { 0x7fc0_0000 } else { bits })
    }

    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        let (a, b) = (self.to_bits(), other.to_bits());
        let bits =
            if self == other { a & b } else { (if self > other { self } else { other }).to_bits() };
        f32::from_bits(if self.is_nan() | other.is_nan() { 0x7fc0_0000 } else { bits })
    }

    #[inline(always)]
    fn below(self, other: Self) -> bool {
        // Sign and magnitude become two's complement, so integers order as numbers do.
        let ordered = |x: f32| {
            let bits = x.to_bits().cast_signed();
            bits ^ ((bits >> 31) & i32::MAX)
        };
        ordered(self) < ordered(other)
    }

    #[inline(always)]
    fn is_nan_element(self) -> bool {
        self.is_nan()
    }
}

impl FloatElement for f32 {
    #[inline(always)]
    fn over(self, other: Self) -> Self {
        self / other
    }

    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn rounded_down(self) -> Self {
        self.floor()
    }
}

impl Element for f64 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self * other
    }

    #[inline(always)]
    fn fused(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }

    #[inline(always)]
    fn negative(self) -> Self {
        -self
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.abs()
    }

    #[inline(always)]
    fn clean(self) -> Self {
        // On the bits: a choice between floats may be folded away behind a square root.
        let bits = self.to_bits();
        let nan = bits << 1 > f64::INFINITY.to_bits() << 1;
        f64::from_bits(if nan { 0x7ff8_0000_0000_0000 } else { bits })
    }

    #[inline(always)]
    fn lesser(self, other: Self) -> Self {
        // Equal numbers differ in the sign of a zero at most.
        let (a, b) = (self.to_bits(), other.to_bits());
        let bits =
            if self == other { a | b } else { (if self < other { self } else { other }).to_bits() };
        f64::from_bits(if self.is_nan() | other.is_nan() { 0x7ff8_0000_0000_0000 } else { bits })
    }

    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        let (a, b) = (self.to_bits(), other.to_bits());
        let bits =
            if self == other { a & b } else { (if self > other { self } else { other }).to_bits() };
        f64::from_bits(if self.is_nan() | other.is_nan() { 0x7ff8_0000_0000_0000 } else { bits })
    }

    #[inline(always)]
    fn below(self, other: Self) -> bool {
        // Sign and magnitude become two's complement, so integers order as numbers do.
        let ordered = |x: f64| {
            let bits = x.to_bits().cast_signed();
            bits ^ ((bits >> 63) & i64::MAX)
        };
        ordered(self) < ordered(other)
    }

    #[inline(always)]
    fn is_nan_element(self) -> bool {
        self.is_nan()
    }
}

impl FloatElement for f64 {
    #[inline(always)]
    fn over(self, other: Self) -> Self {
        self / other
    }

    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn rounded_down(self) -> Self {
        self.floor()
    }
}

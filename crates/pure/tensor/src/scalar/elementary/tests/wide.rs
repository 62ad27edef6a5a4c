//! Double-double arithmetic (about 100 bits) and the elementary functions in it, by series that
//! share nothing with the sequences under test.

/// The unevaluated sum `hi + lo`, |lo| at most half an ulp of hi.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide {
    pub(super) hi: f64,
    pub(super) lo: f64,
}

const LN2: Wide =
    Wide { hi: f64::from_bits(0x3fe6_2e42_fefa_39ef), lo: f64::from_bits(0x3c7a_bc9e_3b39_803f) };
const PI: Wide =
    Wide { hi: f64::from_bits(0x4009_21fb_5444_2d18), lo: f64::from_bits(0x3ca1_a626_3314_5c07) };

impl Wide {
    pub(super) fn of(x: f64) -> Wide {
        Wide { hi: x, lo: 0.0 }
    }

    fn sum(a: f64, b: f64) -> Wide {
        let hi = a + b;
        let back = hi - a;
        Wide { hi, lo: (a - (hi - back)) + (b - back) }
    }

    fn product(a: f64, b: f64) -> Wide {
        let hi = a * b;
        Wide { hi, lo: a.mul_add(b, -hi) }
    }

    pub(super) fn add(self, other: Wide) -> Wide {
        let (high, low) = (Wide::sum(self.hi, other.hi), Wide::sum(self.lo, other.lo));
        let first = Wide::sum(high.hi, high.lo + low.hi);
        Wide::sum(first.hi, first.lo + low.lo)
    }

    pub(super) fn neg(self) -> Wide {
        Wide { hi: -self.hi, lo: -self.lo }
    }

    pub(super) fn mul(self, other: Wide) -> Wide {
        let p = Wide::product(self.hi, other.hi);
        let cross = self.hi.mul_add(other.lo, self.lo * other.hi);
        Wide::sum(p.hi, p.lo + cross)
    }

    pub(super) fn div(self, other: Wide) -> Wide {
        let first = self.hi / other.hi;
        let rest = self.add(other.mul(Wide::of(-first)));
        let second = rest.hi / other.hi;
        let rest = rest.add(other.mul(Wide::of(-second)));
        Wide::of(first).add(Wide::of(second)).add(Wide::of(rest.hi / other.hi))
    }

    fn sqrt(self) -> Wide {
        let root = Wide::of(self.hi.sqrt());
        let correction = self.add(root.mul(root).neg()).div(root.add(root));
        root.add(correction)
    }

    /// e^self as (mantissa, k): the value is `mantissa * 2^k`.
    pub(super) fn exp(self) -> (Wide, f64) {
        let k = (self.hi / LN2.hi).round();
        let r = self.add(LN2.mul(Wide::of(-k)));
        let mut sum = Wide::of(1.0);
        for n in (1..=28u8).rev() {
            sum = Wide::of(1.0).add(sum.mul(r).div(Wide::of(f64::from(n))));
        }
        (sum, k)
    }

    /// The logarithm, by one step of third order from an approximation.
    pub(super) fn log(x: f64, near: f64) -> Wide {
        let (e, k) = Wide::of(near).exp();
        let half = (k / 2.0).floor();
        let x = Wide::of(x * power(-half) * power(half - k));
        let step = x.add(e.neg()).div(x.add(e));
        Wide::of(near).add(step.add(step))
    }

    pub(super) fn tanh(x: f64) -> Wide {
        let wide = Wide::of(x);
        let square = wide.mul(wide);
        if x.abs() < 1e-6 {
            return wide.add(wide.mul(square).div(Wide::of(-3.0)));
        }
        let (mantissa, k) = Wide::of(2.0 * x).exp();
        let e = mantissa.mul(Wide::of(power(k)));
        e.add(Wide::of(-1.0)).div(e.add(Wide::of(1.0)))
    }

    /// erf by `2/sqrt(pi) e^-(x^2) sum 2^n x^(2n+1) / (2n+1)!!`, |x| up to 3.
    pub(super) fn erf(x: f64) -> Wide {
        let wide = Wide::of(x);
        let square = wide.mul(wide);
        let (mut term, mut sum, mut odd) = (wide, wide, 1.0);
        while term.hi.abs() > sum.hi.abs() * 1e-34 {
            odd += 2.0;
            term = term.mul(square).mul(Wide::of(2.0)).div(Wide::of(odd));
            sum = sum.add(term);
        }
        let (mantissa, k) = square.neg().exp();
        let bell = mantissa.mul(Wide::of(power(k)));
        sum.mul(bell).mul(Wide::of(2.0)).div(PI.sqrt())
    }

    /// erfc as (mantissa, k), by the continued fraction from 2.5 on.
    pub(super) fn erfc(x: f64) -> (Wide, f64) {
        if x < 2.5 {
            return (Wide::of(1.0).add(Wide::erf(x).neg()), 0.0);
        }
        let wide = Wide::of(x);
        let mut fraction = wide;
        for n in (1..=160u8).rev() {
            fraction = wide.add(Wide::of(f64::from(n) / 2.0).div(fraction));
        }
        let (mantissa, k) = wide.mul(wide).neg().exp();
        (mantissa.div(fraction).div(PI.sqrt()), k)
    }
}

/// Returns 2^k for an integer |k| below 1023.
pub(super) fn power(k: f64) -> f64 {
    let biased = crate::scalar::f64_to_i32(k) + 1023;
    f64::from_bits(u64::from(biased.cast_unsigned()) << 52)
}

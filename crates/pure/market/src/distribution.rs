//! The normal, Student-t, chi-squared and gamma laws, from the elementary functions of Programs.
//!
//! Accurate to about 1e-12 relative in the ranges that tests and intervals use: the tests compare
//! with SciPy. Ordinary series and continued fractions (Abramowitz and Stegun, chapters 6 and 26;
//! the continued fractions by Lentz's method). Absent: speed, and arguments beyond what a test of
//! a few million observations needs.

use tensor::scalar::Float;

/// ln(2 pi) / 2.
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;
/// ln(pi).
const LN_PI: f64 = 1.144_729_885_849_400_2;
/// Terms after which a series or a continued fraction has long converged.
const TERMS_MAX: u32 = 10_000;
/// Where a series or a continued fraction stops.
const ENOUGH: f64 = 1e-16;

/// Returns the density of the standard normal law.
///
/// ```
/// assert!((market::distribution::normal_density(0.0) - 0.398_942_280_401_432_7).abs() < 1e-15);
/// ```
#[must_use]
pub fn normal_density(x: f64) -> f64 {
    (-0.5 * x * x - HALF_LN_TAU).op_exp()
}

/// Returns the probability that a standard normal is at most `x`; relative accuracy in the lower
/// tail too.
///
/// ```
/// let p = market::distribution::normal_cdf(-6.0);
/// assert!((p / 9.865_876_450_376_98e-10 - 1.0).abs() < 1e-13);
/// ```
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * (-x * std::f64::consts::FRAC_1_SQRT_2).op_erfc()
}

/// Returns the `p`-quantile of the standard normal law; infinite at 0 and 1, NaN outside.
///
/// ```
/// let z = market::distribution::normal_quantile(0.995);
/// assert!((z - 2.575_829_303_548_901).abs() < 1e-12);
/// ```
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    quantile_below(p, normal_cdf, normal_density)
}

/// Returns the density of Student's t with `freedom` degrees.
///
/// ```
/// let density = market::distribution::student_density(0.0, 1.0);
/// assert!((density - 0.318_309_886_183_790_7).abs() < 1e-14);
/// ```
#[must_use]
pub fn student_density(x: f64, freedom: f64) -> f64 {
    let ln_norm = ln_gamma(0.5 * (freedom + 1.0))
        - ln_gamma(0.5 * freedom)
        - 0.5 * (freedom.op_log() + LN_PI);
    (ln_norm - 0.5 * (freedom + 1.0) * (1.0 + x * x / freedom).op_log()).op_exp()
}

/// Returns the probability that Student's t with `freedom` degrees is at most `x`.
///
/// ```
/// let p = market::distribution::student_cdf(-2.0, 5.0);
/// assert!((p - 0.050_969_739_414_929_14).abs() < 1e-13);
/// ```
#[must_use]
pub fn student_cdf(x: f64, freedom: f64) -> f64 {
    // Near the middle 1 - freedom / (freedom + x^2) would lose x; in the tail 1 - p would lose p.
    let (square, sum) = (x * x, freedom + x * x);
    let below = if square < 1.0 {
        0.5 - 0.5 * beta_regularised(square / sum, 0.5, 0.5 * freedom)
    } else {
        0.5 * beta_regularised(freedom / sum, 0.5 * freedom, 0.5)
    };
    if x > 0.0 { 1.0 - below } else { below }
}

/// Returns the `p`-quantile of Student's t with `freedom` degrees; infinite at 0 and 1, NaN
/// outside.
///
/// ```
/// let t = market::distribution::student_quantile(0.95, 10.0);
/// assert!((t - 1.812_461_122_811_676).abs() < 1e-11);
/// ```
#[must_use]
pub fn student_quantile(p: f64, freedom: f64) -> f64 {
    if p > 0.5 {
        return -student_quantile(1.0 - p, freedom);
    }
    quantile_below(p, |x| student_cdf(x, freedom), |x| student_density(x, freedom))
}

/// Returns the probability that a chi-squared with `freedom` degrees exceeds `x`.
///
/// ```
/// let p = market::distribution::chi_squared_tail(3.841_458_820_694_124, 1.0);
/// assert!((p - 0.05).abs() < 1e-13);
/// ```
#[must_use]
pub fn chi_squared_tail(x: f64, freedom: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let (a, x) = (0.5 * freedom, 0.5 * x);
    let ln_front = a * x.op_log() - x - ln_gamma(a);
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        for _ in 0..TERMS_MAX {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * ENOUGH {
                break;
            }
        }
        return 1.0 - sum * ln_front.op_exp();
    }
    // Gamma(a, x) e^x x^-a = 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)).
    let partial = |n: u32| {
        let i = f64::from(n);
        (-i * (i - a), x + 2.0 * i + 1.0 - a)
    };
    ln_front.op_exp() / continued(x + 1.0 - a, partial)
}

/// Returns ln of the gamma function, for positive `x`.
///
/// ```
/// assert!((market::distribution::ln_gamma(5.0) - 24.0_f64.ln()).abs() < 1e-14);
/// ```
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    // Stirling's series from 12 upwards; below it, the recurrence takes it there.
    let (mut shift, mut x) = (1.0, x);
    while x < 12.0 {
        shift *= x;
        x += 1.0;
    }
    let z = 1.0 / (x * x);
    let series = 1.0 / 12.0
        - z * (1.0 / 360.0
            - z * (1.0 / 1260.0 - z * (1.0 / 1680.0 - z * (1.0 / 1188.0 - z * 691.0 / 360_360.0))));
    (x - 0.5) * x.op_log() - x + HALF_LN_TAU + series / x - shift.op_log()
}

/// The regularised incomplete beta function I_x(a, b).
fn beta_regularised(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x >= 1.0 { 1.0 } else { 0.0 };
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_regularised(1.0 - x, b, a);
    }
    let ln_front =
        ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.op_log() + b * (1.0 - x).op_log();
    let partial = |n: u32| {
        let m = f64::from(n / 2);
        let d = if n.is_multiple_of(2) {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        (d, 1.0)
    };
    ln_front.op_exp() / (a * continued(1.0, partial))
}

/// `b0 + a1 / (b1 + a2 / (b2 + ...))` by Lentz's method, with `partial(n) = (an, bn)`.
fn continued(b0: f64, partial: impl Fn(u32) -> (f64, f64)) -> f64 {
    const TINY: f64 = 1e-300;
    let apart = |x: f64| if x.abs() < TINY { TINY } else { x };
    let (mut f, mut c, mut d) = (apart(b0), apart(b0), 0.0);
    for n in 1..TERMS_MAX {
        let (a, b) = partial(n);
        d = 1.0 / apart(b + a * d);
        c = apart(b + a / c);
        f *= c * d;
        if (c * d - 1.0).abs() < ENOUGH {
            break;
        }
    }
    f
}

/// The quantile of a law symmetric about 0, for p up to 1/2: bisection, then Newton's steps.
fn quantile_below(p: f64, cdf: impl Fn(f64) -> f64, density: impl Fn(f64) -> f64) -> f64 {
    if p.is_nan() || p < 0.0 {
        return f64::NAN;
    }
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    let (mut low, mut high) = (-1.0, 0.0);
    while cdf(low) > p {
        high = low;
        low *= 2.0;
    }
    for _ in 0..20 {
        let middle = 0.5 * (low + high);
        if cdf(middle) > p { high = middle } else { low = middle }
    }
    let mut x = 0.5 * (low + high);
    for _ in 0..4 {
        let slope = density(x);
        if slope > 0.0 {
            x -= (cdf(x) - p) / slope;
        }
    }
    x
}

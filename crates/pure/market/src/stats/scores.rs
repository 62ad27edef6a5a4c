//! Proper scores of a forecast law, a quantile, an interval. Lower is better.

use crate::distribution::{ln_gamma, normal_cdf, normal_density, student_cdf, student_density};
use crate::maths::{count, exp};

/// 1 / sqrt(pi).
const INVERSE_ROOT_PI: f64 = 0.564_189_583_547_756_3;

/// Returns the continuous ranked probability score of a normal law (Gneiting and Raftery 2007).
///
/// ```
/// let crps = market::stats::crps_normal(0.0, (0.0, 1.0));
/// assert!((crps - 0.233_694_977_255_109).abs() < 1e-14);
/// ```
#[must_use]
pub fn crps_normal(outcome: f64, (mean, deviation): (f64, f64)) -> f64 {
    let z = (outcome - mean) / deviation;
    deviation * (z * (2.0 * normal_cdf(z) - 1.0) + 2.0 * normal_density(z) - INVERSE_ROOT_PI)
}

/// Returns the continuous ranked probability score of a Student-t with location, scale and more
/// than one degree of freedom (Jordan, Krüger and Lerch 2019).
///
/// ```
/// use market::stats::{crps_normal, crps_student};
/// let (t, normal) = (crps_student(0.7, (0.0, 1.0), 1e7), crps_normal(0.7, (0.0, 1.0)));
/// assert!((t - normal).abs() < 1e-6);
/// ```
#[must_use]
pub fn crps_student(outcome: f64, (location, scale): (f64, f64), freedom: f64) -> f64 {
    let z = (outcome - location) / scale;
    let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let ratio = exp(ln_beta(0.5, freedom - 0.5) - 2.0 * ln_beta(0.5, 0.5 * freedom));
    let spread =
        2.0 * student_density(z, freedom) * (freedom + z * z) - 2.0 * freedom.sqrt() * ratio;
    scale * (z * (2.0 * student_cdf(z, freedom) - 1.0) + spread / (freedom - 1.0))
}

/// Returns the continuous ranked probability score of the law that a sample stands for: the mean
/// distance to the outcome less half the mean distance of two draws. 0 for no sample.
///
/// ```
/// assert_eq!(market::stats::crps_sample(3.0, &[3.0]), 0.0);
/// assert_eq!(market::stats::crps_sample(1.0, &[0.0, 2.0]), 0.5);
/// ```
#[must_use]
pub fn crps_sample(outcome: f64, sample: &[f64]) -> f64 {
    let n = count(sample.len().max(1));
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let distance: f64 = sorted.iter().map(|x| (x - outcome).abs()).sum();
    // Each x is the larger of i + 1 and the smaller of n - i pairs with itself and the others.
    let weighted = sorted.iter().enumerate().map(|(i, x)| x * (2.0 * count(i) + 1.0 - n));
    distance / n - weighted.sum::<f64>() / (n * n)
}

/// Returns the pinball loss of a `level`-quantile forecast.
///
/// ```
/// assert_eq!(market::stats::pinball(3.0, 1.0, 0.75), 1.5);
/// assert_eq!(market::stats::pinball(0.0, 1.0, 0.75), 0.25);
/// ```
#[must_use]
pub fn pinball(outcome: f64, quantile: f64, level: f64) -> f64 {
    let above = outcome - quantile;
    if above > 0.0 { level * above } else { (level - 1.0) * above }
}

/// Returns the interval score of a central interval that is to hold the outcome with
/// `probability` (Gneiting and Raftery 2007): its width, plus `2 / (1 - probability)` times what
/// the outcome lies outside.
///
/// ```
/// assert_eq!(market::stats::interval_score(5.0, (1.0, 4.0), 0.5), 3.0 + 4.0);
/// ```
#[must_use]
pub fn interval_score(outcome: f64, (lower, upper): (f64, f64), probability: f64) -> f64 {
    let below = if outcome < lower { lower - outcome } else { 0.0 };
    let above = if outcome > upper { outcome - upper } else { 0.0 };
    upper - lower + 2.0 / (1.0 - probability) * (below + above)
}

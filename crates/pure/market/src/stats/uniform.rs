//! Are probability integral transforms uniform, as they are if the forecast law is right?

use super::Evidence;
use crate::maths::{count, exp};

/// Tests whether numbers in 0..1 are uniform (Kolmogorov and Smirnov, two-sided, with the limiting
/// law, good from some fifty numbers on).
///
/// ```
/// use market::stats::uniformity;
/// let even: Vec<f64> = (0..200).map(|i| (f64::from(i) + 0.5) / 200.0).collect();
/// assert!(uniformity(&even).p > 0.999);
/// assert!(uniformity(&even.iter().map(|x| x * x).collect::<Vec<_>>()).p < 1e-6);
/// ```
#[must_use]
pub fn uniformity(transforms: &[f64]) -> Evidence {
    let mut sorted = transforms.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = count(sorted.len());
    let mut distance = 0.0;
    for (i, x) in sorted.iter().enumerate() {
        for gap in [count(i + 1) / n - x, x - count(i) / n] {
            if gap > distance {
                distance = gap;
            }
        }
    }
    Evidence { statistic: distance, p: kolmogorov_tail(n.sqrt() * distance) }
}

/// The probability that Kolmogorov's limiting statistic exceeds `t`.
fn kolmogorov_tail(t: f64) -> f64 {
    if t < 0.2 {
        return 1.0; // to 1e-12
    }
    let term = |k: u32| {
        let k2 = f64::from(k) * f64::from(k);
        let size = exp(-2.0 * k2 * t * t);
        if k.is_multiple_of(2) { -size } else { size }
    };
    2.0 * (1..=30).map(term).sum::<f64>()
}

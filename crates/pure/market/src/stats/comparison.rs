//! Is one forecast better than another?

use super::Evidence;
use crate::distribution::normal_cdf;
use crate::maths::{count, mean};

/// Tests whether losses `a` and `b` have the same mean (Diebold and Mariano 1995), with Newey and
/// West's (1987) variance over `lags` lags.
///
/// The statistic is negative where `a` is better; `p` is two-sided and normal. Without two
/// observations or any difference the statistic is 0.
///
/// ```
/// use market::stats::diebold_mariano;
/// let a: Vec<f64> = (0..100).map(|i| f64::from(i % 5)).collect();
/// let b: Vec<f64> = a.iter().enumerate().map(|(i, x)| x + 1.0 + (i % 3) as f64).collect();
/// assert!(diebold_mariano(&a, &b, 7).statistic < -10.0);
/// assert_eq!(diebold_mariano(&a, &a, 7).p, 1.0);
/// ```
#[must_use]
pub fn diebold_mariano(a: &[f64], b: &[f64], lags: usize) -> Evidence {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let n = differences.len();
    let centre = mean(&differences);
    let covariance = |lag: usize| {
        let pairs = differences.iter().zip(differences.iter().skip(lag));
        pairs.map(|(x, y)| (x - centre) * (y - centre)).sum::<f64>() / count(n)
    };
    let mut variance = covariance(0);
    for lag in 1..=lags.min(n.saturating_sub(1)) {
        let weight = 1.0 - count(lag) / count(lags + 1);
        variance += 2.0 * weight * covariance(lag);
    }
    let none = n < 2 || variance <= 0.0;
    let statistic = if none { 0.0 } else { centre / (variance / count(n)).sqrt() };
    Evidence { statistic, p: 2.0 * normal_cdf(-statistic.abs()) }
}

/// Returns p-values corrected for how many there are (Holm 1979), in the order given.
///
/// ```
/// let corrected = market::stats::holm(&[0.01, 0.04, 0.03]);
/// assert_eq!(corrected, [0.03, 0.06, 0.06]);
/// ```
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut corrected = vec![0.0; p.len()];
    let mut least = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        let scaled = p[index] * count(p.len() - rank);
        if scaled > least {
            least = scaled;
        }
        corrected[index] = if least > 1.0 { 1.0 } else { least };
    }
    corrected
}

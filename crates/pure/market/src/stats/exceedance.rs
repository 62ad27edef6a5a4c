//! Do losses exceed a quantile as often as they should, and at no particular time?

use super::Evidence;
use crate::distribution::chi_squared_tail;
use crate::maths::{count, log};

/// Lagged exceedances among the regressors of the dynamic quantile test.
const LAGS: usize = 4;

/// Tests whether the share of exceedances is `share` (Kupiec 1995, proportion of failures).
///
/// The statistic is a likelihood ratio, chi-squared with one degree of freedom.
///
/// ```
/// use market::stats::kupiec;
/// let as_promised: Vec<bool> = (0..1_000).map(|i| i % 100 == 0).collect();
/// assert!(kupiec(&as_promised, 0.01).p > 0.99);
/// assert!(kupiec(&as_promised, 0.02).p < 0.02);
/// ```
#[must_use]
pub fn kupiec(exceeded: &[bool], share: f64) -> Evidence {
    let hits = count(exceeded.iter().filter(|hit| **hit).count());
    let n = count(exceeded.len());
    let observed = if n > 0.0 { hits / n } else { share };
    let ratio = 2.0 * (bernoulli(n - hits, hits, observed) - bernoulli(n - hits, hits, share));
    chi_squared(ratio, 1.0)
}

/// Tests whether an exceedance is as likely after an exceedance as after none (Christoffersen
/// 1998, independence against a Markov chain of first order).
///
/// Chi-squared with one degree of freedom; without any exceedance the statistic is 0.
///
/// ```
/// use market::stats::christoffersen_independence;
/// let apart: Vec<bool> = (0..1_000).map(|i| i % 100 == 0).collect();
/// let together: Vec<bool> = (0..1_000).map(|i| i % 500 < 5).collect();
/// assert!(christoffersen_independence(&apart).p > 0.5);
/// assert!(christoffersen_independence(&together).p < 1e-6);
/// ```
#[must_use]
pub fn christoffersen_independence(exceeded: &[bool]) -> Evidence {
    let mut counts = [[0.0; 2]; 2];
    for pair in exceeded.windows(2) {
        counts[usize::from(pair[0])][usize::from(pair[1])] += 1.0;
    }
    let [[n00, n01], [n10, n11]] = counts;
    let share = |hits: f64, misses: f64| {
        if hits + misses > 0.0 { hits / (hits + misses) } else { 0.0 }
    };
    let apart = bernoulli(n00, n01, share(n01, n00)) + bernoulli(n10, n11, share(n11, n10));
    let one = bernoulli(n00 + n10, n01 + n11, share(n01 + n11, n00 + n10));
    chi_squared(2.0 * (apart - one), 1.0)
}

/// Tests both at once: [`kupiec`]'s and [`christoffersen_independence`]'s statistics added,
/// chi-squared with two degrees of freedom (Christoffersen 1998, conditional coverage).
///
/// ```
/// use market::stats::{christoffersen_coverage, kupiec};
/// let hits: Vec<bool> = (0..1_000).map(|i| i % 100 == 0).collect();
/// assert!(christoffersen_coverage(&hits, 0.01).statistic >= kupiec(&hits, 0.01).statistic);
/// ```
#[must_use]
pub fn christoffersen_coverage(exceeded: &[bool], share: f64) -> Evidence {
    let independence = christoffersen_independence(exceeded).statistic;
    chi_squared(kupiec(exceeded, share).statistic + independence, 2.0)
}

/// Tests whether exceedances can be foreseen from a constant, the last four of them, and the
/// quantile forecast itself (Engle and Manganelli 2004, out of sample).
///
/// The statistic `h' X (X' X)^-1 X' h / (a (1 - a))`, with `h` the exceedances less `a = share`, is
/// chi-squared with six degrees of freedom; five if the forecasts are all the same.
///
/// ```
/// use market::stats::dynamic_quantile;
/// let forecasts: Vec<f64> = (0..2_000).map(|i| 1.0 + f64::from(i % 7)).collect();
/// let foreseen: Vec<bool> = (0..2_000).map(|i| i % 14 == 0).collect();
/// assert!(dynamic_quantile(&foreseen, &forecasts, 1.0 / 14.0).p < 1e-6);
/// ```
///
/// # Panics
///
/// If there are not as many forecasts as hours.
#[must_use]
pub fn dynamic_quantile(exceeded: &[bool], forecasts: &[f64], share: f64) -> Evidence {
    assert_eq!(exceeded.len(), forecasts.len(), "a forecast for each hour");
    let hits: Vec<f64> =
        exceeded.iter().map(|hit| if *hit { 1.0 - share } else { -share }).collect();
    const WIDTH: usize = LAGS + 2;
    // Forecasts enter relative to their mean, so that the matrix is well scaled.
    let scale = forecasts.iter().sum::<f64>() / count(forecasts.len().max(1));
    let mut matrix = [[0.0; WIDTH + 1]; WIDTH];
    for t in LAGS..hits.len() {
        let mut x = [1.0; WIDTH + 1];
        x[1..=LAGS].copy_from_slice(&hits[t - LAGS..t]);
        x[LAGS + 1] = forecasts[t] / scale - 1.0;
        x[WIDTH] = hits[t];
        for (row, left) in matrix.iter_mut().zip(x) {
            for (cell, right) in row.iter_mut().zip(x) {
                *cell += left * right;
            }
        }
    }
    let (explained, rank) = explained(&mut matrix);
    chi_squared(explained / (share * (1.0 - share)), count(rank))
}

/// `b' A^-1 b` of `[A | b]`, A symmetric and not negative, and the rank of A: elimination row by
/// row, where a row that depends on those before it is passed over.
fn explained<const N: usize, const M: usize>(matrix: &mut [[f64; M]; N]) -> (f64, usize) {
    let (mut sum, mut rank) = (0.0, 0);
    let sizes: Vec<f64> = (0..N).map(|k| matrix[k][k]).collect();
    for k in 0..N {
        let pivot = matrix[k];
        if pivot[k] <= 1e-9 * sizes[k] {
            continue;
        }
        sum += pivot[N] * pivot[N] / pivot[k];
        rank += 1;
        for row in matrix.iter_mut().skip(k + 1) {
            let factor = row[k] / pivot[k];
            for (cell, above) in row.iter_mut().zip(pivot) {
                *cell -= factor * above;
            }
        }
    }
    (sum, rank)
}

/// The log likelihood of these misses and hits where a hit has probability `share`.
fn bernoulli(misses: f64, hits: f64, share: f64) -> f64 {
    let part = |n: f64, p: f64| if n > 0.0 { n * log(p) } else { 0.0 };
    part(misses, 1.0 - share) + part(hits, share)
}

fn chi_squared(statistic: f64, freedom: f64) -> Evidence {
    // A ratio of likelihoods may come out a rounding below zero.
    let statistic = if statistic > 0.0 { statistic } else { 0.0 };
    Evidence { statistic, p: chi_squared_tail(statistic, freedom) }
}

//! How good a variance forecast was: QLIKE, and whether a difference is more than luck.
//!
//! QLIKE (Patton 2011) ranks forecasts of a variance as the true variance would, though only a
//! proxy is seen: `y / f - ln(y / f) - 1`, or `ln f + y / f` where `y` may be zero (the same up to
//! a term without `f`). Lower is better. Diebold and Mariano (1995) test a difference of mean
//! losses, with Newey and West's (1987) variance over [`LAGS`] lags.

use crate::maths::{ln, mean};
use crate::{Evaluation, Proxy};

/// Lags of the Newey-West variance, in days.
pub const LAGS: usize = 7;

/// Returns the loss of each day.
///
/// ```
/// use market::{Proxy, score::qlike};
/// let losses = qlike(Proxy::Range, &[1.0, 2.0], &[1.0, 1.0]);
/// assert_eq!(losses[0], 0.0);
/// assert!((losses[1] - (2.0 - 2.0_f64.ln() - 1.0)).abs() < 1e-12);
/// ```
///
/// # Panics
///
/// If there are not as many forecasts as proxies.
#[must_use]
pub fn qlike(proxy: Proxy, outcomes: &[f64], forecasts: &[f64]) -> Vec<f64> {
    assert_eq!(outcomes.len(), forecasts.len(), "a forecast for each outcome");
    let ratios: Vec<f64> = outcomes.iter().zip(forecasts).map(|(y, f)| y / f).collect();
    if proxy.can_be_zero() {
        return ln(forecasts).iter().zip(&ratios).map(|(ln_f, ratio)| ln_f + ratio).collect();
    }
    ln(&ratios).iter().zip(&ratios).map(|(ln_ratio, ratio)| ratio - ln_ratio - 1.0).collect()
}

/// Returns the Diebold-Mariano t of losses `a` against `b`: negative where `a` is better, beyond
/// -2 where that is hardly luck. 0 for fewer than two days or no difference.
///
/// ```
/// use market::score::diebold_mariano;
/// let a: Vec<f64> = (0..100).map(|i| f64::from(i % 5)).collect();
/// let b: Vec<f64> = a.iter().enumerate().map(|(i, x)| x + 1.0 + (i % 3) as f64).collect();
/// assert!(diebold_mariano(&a, &b) < -10.0);
/// assert_eq!(diebold_mariano(&a, &a), 0.0);
/// ```
#[must_use]
pub fn diebold_mariano(a: &[f64], b: &[f64]) -> f64 {
    crate::stats::diebold_mariano(a, b, LAGS).statistic
}

/// A model's loss on an evaluation, beside the two baselines everybody knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Days.
    pub days: usize,
    /// Mean loss of the model.
    pub model: f64,
    /// Mean loss of the random walk: tomorrow like today.
    pub walk: f64,
    /// Mean loss of the exponential average with decay 0.94.
    pub ewma: f64,
    /// Diebold-Mariano t of the model against the random walk.
    pub t_walk: f64,
    /// Diebold-Mariano t of the model against the exponential average.
    pub t_ewma: f64,
}

/// Returns the report on forecasts of the evaluation's days.
///
/// # Panics
///
/// If there are not as many forecasts as days.
#[must_use]
pub fn report(evaluation: &Evaluation, forecasts: &[f64]) -> Report {
    let days = &evaluation.days;
    let outcomes: Vec<f64> = days.iter().map(|day| day.proxy).collect();
    let of = |forecasts: &[f64]| qlike(evaluation.proxy, &outcomes, forecasts);
    let model = of(forecasts);
    let walk = of(&days.iter().map(|day| day.walk).collect::<Vec<_>>());
    let ewma = of(&days.iter().map(|day| day.ewma).collect::<Vec<_>>());
    Report {
        days: days.len(),
        model: mean(&model),
        walk: mean(&walk),
        ewma: mean(&ewma),
        t_walk: diebold_mariano(&model, &walk),
        t_ewma: diebold_mariano(&model, &ewma),
    }
}

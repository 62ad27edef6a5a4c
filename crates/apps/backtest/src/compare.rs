//! Two systems of margins on the same hours: who was exceeded when the other was not.
//!
//! Whether the difference may be luck is asked of days, not hours, since bad hours come together:
//! if neither is better, a day on which only one was exceeded is either's with equal chance
//! (McNemar 1947, exact). *Invariant: symmetric but for the sign.*

use serde::Serialize;

use crate::measures::{Measures, exceeds};
use crate::track::Hour;

/// Ours beside the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Our mean initial margin over hers, less one: below zero where ours is cheaper.
    pub cost: f64,
    /// Our bad debt a unit of positions over hers, less one; none where hers left none.
    pub bad_debt: Option<f64>,
    /// Days with an hour that exceeded her maintenance margin and none that exceeded ours.
    pub days_only_theirs: usize,
    /// Days with an hour that exceeded our maintenance margin and none that exceeded hers.
    pub days_only_ours: usize,
    /// Days that exceeded both.
    pub days_both: usize,
    /// The chance of days at least as one-sided if neither were better.
    pub p: f64,
}

/// Compares maintenance margins (ours, hers) and what was measured of either.
pub(crate) fn compare(
    hours: &[Hour],
    margins: (&[f64], &[f64]),
    (ours, theirs): (&Measures, &Measures),
) -> Comparison {
    let (mut only_ours, mut only_theirs, mut both) = (0, 0, 0);
    let day = |hour: &Hour| hour.prices.open_s.div_euclid(86_400);
    let mut start = 0;
    for of_day in hours.chunk_by(|a, b| day(a) == day(b)) {
        let any = |margins: &[f64]| {
            of_day.iter().zip(&margins[start..]).any(|(hour, margin)| exceeds(hour, *margin))
        };
        match (any(margins.0), any(margins.1)) {
            (true, true) => both += 1,
            (true, false) => only_ours += 1,
            (false, true) => only_theirs += 1,
            (false, false) => {}
        }
        start += of_day.len();
    }
    let debt = theirs.bad_debt_share;
    Comparison {
        cost: ours.mean_initial / theirs.mean_initial - 1.0,
        bad_debt: if debt > 0.0 { Some(ours.bad_debt_share / debt - 1.0) } else { None },
        days_only_theirs: only_theirs,
        days_only_ours: only_ours,
        days_both: both,
        p: sign_test(only_ours, only_theirs),
    }
}

/// Returns the chance that a fair coin, thrown `a + b` times, falls at least as unevenly.
fn sign_test(a: usize, b: usize) -> f64 {
    let (n, few) = (a + b, a.min(b));
    let mut ln_term = -(n as f64) * 2_f64.ln();
    let mut tail = 0.0;
    for k in 0..=few {
        tail += ln_term.exp();
        ln_term += ((n - k) as f64 / (k + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_test_is_the_binomial() {
        assert_eq!(sign_test(0, 0), 1.0);
        assert!((sign_test(0, 5) - 2.0 / 32.0).abs() < 1e-12);
        assert!((sign_test(2, 8) - 2.0 * 56.0 / 1_024.0).abs() < 1e-12);
        assert!((sign_test(8, 2) - sign_test(2, 8)).abs() < 1e-15);
        assert_eq!(sign_test(50, 50), 1.0);
    }
}

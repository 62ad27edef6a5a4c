//! Are losses beyond the quantile as large as the shortfall says?

use tensor::random::word;

use super::Evidence;
use crate::maths::{count, log};

/// Draws of a Monte Carlo p-value.
const DRAWS: u32 = 2_000;
/// 2^-32.
const WORD: f64 = 1.0 / 4_294_967_296.0;

/// What the two tests of Acerbi and Székely say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShortfallTest {
    /// Z1: of the size of losses beyond the quantile alone, given how many there were.
    pub size: Evidence,
    /// Z2: of their size and number together.
    pub both: Evidence,
}

/// Tests the expected shortfall (Acerbi and Székely 2014, Z1 and Z2). Negative statistics mean
/// that risk was underestimated; `p` is one-sided, against that.
///
/// With losses `l`, quantiles `q`, shortfalls `e`, share `a`, N exceedances in T hours: `Z1 = 1 -
/// sum(l / e; l > q) / N` and `Z2 = 1 - sum(l / e; l > q) / (T a)`; Z1 of no exceedance is 0. The
/// p-values come from 2,000 histories drawn by Philox from `seed` under what was forecast: each
/// hour exceeds with probability `a`, and then loses `q + (e - q) x`, with x drawn from `excesses`,
/// numbers of mean one that say how losses spread beyond a quantile; from the exponential law if
/// there are none.
///
/// ```
/// use market::stats::acerbi_szekely;
/// let losses: Vec<f64> = (0..1_000).map(|i| if i % 100 == 0 { 4.0 } else { 0.0 }).collect();
/// let test = |e: f64| acerbi_szekely(&losses, &[2.0; 1_000], &[e; 1_000], 0.01, (&[], 7));
/// assert!(test(4.0).size.statistic.abs() < 1e-12 && test(4.0).both.p > 0.3);
/// assert!(test(2.5).size.statistic < -0.5 && test(2.5).size.p < 0.01);
/// ```
///
/// # Panics
///
/// If there are not as many quantiles and shortfalls as losses.
#[must_use]
pub fn acerbi_szekely(
    losses: &[f64],
    quantiles: &[f64],
    shortfalls: &[f64],
    share: f64,
    (excesses, seed): (&[f64], u32),
) -> ShortfallTest {
    assert!(losses.len() == quantiles.len() && losses.len() == shortfalls.len());
    let expected = count(losses.len()) * share;
    let (mut sum, mut hits) = (0.0, 0.0);
    for ((loss, quantile), shortfall) in losses.iter().zip(quantiles).zip(shortfalls) {
        if loss > quantile {
            sum += loss / shortfall;
            hits += 1.0;
        }
    }
    let statistics = |sum: f64, hits: f64| {
        (if hits > 0.0 { 1.0 - sum / hits } else { 0.0 }, 1.0 - sum / expected)
    };
    let (size, both) = statistics(sum, hits);
    let ratios: Vec<f64> = quantiles.iter().zip(shortfalls).map(|(q, e)| q / e).collect();
    let (mut smaller_size, mut smaller_both) = (0.0, 0.0);
    for draw in 0..DRAWS {
        let (sum, hits) = history(&ratios, share, excesses, (seed, draw));
        let (drawn_size, drawn_both) = statistics(sum, hits);
        smaller_size += if drawn_size <= size { 1.0 } else { 0.0 };
        smaller_both += if drawn_both <= both { 1.0 } else { 0.0 };
    }
    let evidence = |statistic: f64, smaller: f64| Evidence {
        statistic,
        p: (smaller + 1.0) / (f64::from(DRAWS) + 1.0),
    };
    ShortfallTest { size: evidence(size, smaller_size), both: evidence(both, smaller_both) }
}

/// The sum of losses over shortfalls, and the exceedances, of one history drawn.
fn history(ratios: &[f64], share: f64, excesses: &[f64], key: (u32, u32)) -> (f64, f64) {
    let key = [key.0.cast_signed(), key.1.cast_signed()];
    let uniform = |stream: u32, element: u64| {
        (f64::from(word(key, stream, element).cast_unsigned()) + 0.5) * WORD
    };
    let (mut sum, mut hits) = (0.0, 0.0);
    // Gaps between exceedances are geometric, so that a history costs what its exceedances do.
    let (mut at, mut element) = (0.0, 0);
    loop {
        let gap = (log(uniform(0, element)) / log(1.0 - share)).floor();
        at += gap;
        let Some(ratio) = place(at).and_then(|place| ratios.get(place)) else {
            return (sum, hits);
        };
        let v = uniform(1, element);
        let picked = place(v * count(excesses.len())).and_then(|i| excesses.get(i)).copied();
        let excess = picked.unwrap_or_else(|| -log(v));
        sum += ratio + (1.0 - ratio) * excess;
        hits += 1.0;
        at += 1.0;
        element += 1;
    }
}

/// A position as an index, if it is one that a list may have.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounds are checked")]
fn place(position: f64) -> Option<usize> {
    (0.0..4_294_967_296.0).contains(&position).then_some(position as usize)
}

//! How good the forecasts under the margins were: quantile of hours, interval and law of days.

use market::stats::{
    acerbi_szekely, christoffersen_coverage, dynamic_quantile, kupiec, pinball, uniformity,
};
use serde::Serialize;

use crate::engine;
use crate::measures::{Exceedances, WorstQuarter, exceedances, mean, worst_quarter};
use crate::track::{Day, Hour, Sides};

/// Boxes of the histogram of probabilities.
const BOXES: usize = 10;
/// Losses that are to exceed the quantile, a share of hours.
const BEYOND: f64 = 0.005;
/// Seed of the histories that the test of expected shortfall is judged by.
const SEED: u32 = 1;
/// Days that are to fall into their interval.
const COVERED: f64 = 0.9;

/// How good the forecasts were.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// How a day's realised variance was measured.
    pub proxy: String,
    /// Share of hours that are to lose more than the quantile, each side.
    pub quantile_target: f64,
    /// Hours that did.
    pub quantile: Exceedances,
    /// The 90 days with most of them, on the worse side; none in a shorter window.
    pub quantile_worst: Option<WorstQuarter>,
    /// Tests and scores of long positions.
    pub long: Side,
    /// Tests and scores of short positions.
    pub short: Side,
    /// The mean loss beyond the quantile over the mean forecast of it, long and short together;
    /// none without exceedances.
    pub shortfall_ratio: Option<f64>,
    /// Days.
    pub days: usize,
    /// Those before the split of the daily models.
    pub days_before_split: usize,
    /// Share of days that are to fall into the interval.
    pub interval_target: f64,
    /// Share of days whose realised variance did.
    pub interval_covered: f64,
    /// The same of the tenth of days with the largest forecasts.
    pub interval_covered_high: f64,
    /// Mean QLIKE of the days' variance: `y / f - ln(y / f) - 1`; lower is better.
    pub qlike: f64,
    /// Mean continuous ranked probability score of the law of the logarithm of the day's variance;
    /// lower is better.
    pub crps: f64,
    /// The chance of a histogram at least as uneven if the law is right and days are independent
    /// (Kolmogorov and Smirnov).
    pub pit_p: f64,
    /// Days by the probability the law gave to a variance no larger, in tenths; even if it is
    /// right.
    pub pit: [usize; BOXES],
}

/// Tests and scores of one side's quantile and shortfall. A p is the chance of what came, or worse,
/// if the forecasts are right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Side {
    /// The mean quantile.
    pub mean: f64,
    /// Mean pinball loss; lower is better.
    pub pinball: f64,
    /// Kupiec's p: is the share of exceedances right?
    pub kupiec_p: f64,
    /// Christoffersen's p: is the share right, and do exceedances not follow one another?
    pub christoffersen_p: f64,
    /// The p of the dynamic quantile test: can exceedances be foretold?
    pub dynamic_quantile_p: f64,
    /// Acerbi and Székely's p of the size of losses beyond the quantile (Z1).
    pub shortfall_p: f64,
}

fn side(hours: &[Hour], of: fn(&Sides) -> f64) -> Side {
    let take = |from: fn(&Hour) -> Sides| hours.iter().map(|h| of(&from(h))).collect::<Vec<_>>();
    let (losses, quantiles) = (take(Hour::loss), take(|hour| hour.quantile));
    let shortfalls = take(|hour| hour.shortfall);
    let exceeded: Vec<bool> = losses.iter().zip(&quantiles).map(|(l, q)| l > q).collect();
    let scores = losses.iter().zip(&quantiles).map(|(l, q)| pinball(*l, *q, 1.0 - BEYOND));
    let shortfall = acerbi_szekely(&losses, &quantiles, &shortfalls, BEYOND, (&[], SEED));
    Side {
        mean: mean(&quantiles),
        pinball: mean(&scores.collect::<Vec<_>>()),
        kupiec_p: kupiec(&exceeded, BEYOND).p,
        christoffersen_p: christoffersen_coverage(&exceeded, BEYOND).p,
        dynamic_quantile_p: dynamic_quantile(&exceeded, &quantiles, BEYOND).p,
        shortfall_p: shortfall.size.p,
    }
}

/// Measures forecasts.
pub(crate) fn forecast(hours: &[Hour], days: &[Day], proxy: &str) -> Forecast {
    let quantile = |t: usize| hours[t].quantile;
    let split = engine::about().daily_split;
    let pits: Vec<f64> = days.iter().map(|day| day.pit).collect();
    let mut sorted: Vec<&Day> = days.iter().collect();
    sorted.sort_by(|a, b| b.forecast.total_cmp(&a.forecast));
    let high = &sorted[..sorted.len().div_ceil(10)];
    let mut pit = [0; BOXES];
    days.iter().for_each(|day| pit[tenth(day.pit)] += 1);
    let losses: Vec<f64> = days.iter().map(qlike).collect();
    Forecast {
        proxy: proxy.to_owned(),
        quantile_target: BEYOND,
        quantile: exceedances(hours, Hour::loss, quantile),
        quantile_worst: worst_quarter(hours, quantile),
        long: side(hours, |sides| sides.long),
        short: side(hours, |sides| sides.short),
        shortfall_ratio: shortfall_ratio(hours),
        days: days.len(),
        days_before_split: days.iter().filter(|day| day.date < split).count(),
        interval_target: COVERED,
        interval_covered: covered(&sorted),
        interval_covered_high: covered(high),
        qlike: mean(&losses),
        crps: mean(&days.iter().map(|day| day.crps).collect::<Vec<_>>()),
        pit_p: uniformity(&pits).p,
        pit,
    }
}

fn covered(days: &[&Day]) -> f64 {
    let inside = |day: &&&Day| (day.interval[0]..=day.interval[1]).contains(&day.realised.ln());
    days.iter().filter(inside).count() as f64 / days.len().max(1) as f64
}

fn qlike(day: &Day) -> f64 {
    let ratio = day.realised / day.forecast;
    ratio - ratio.ln() - 1.0
}

fn shortfall_ratio(hours: &[Hour]) -> Option<f64> {
    let (mut lost, mut forecast) = (0.0, 0.0);
    for hour in hours {
        let loss = hour.loss();
        let sides = [
            (loss.long, hour.quantile.long, hour.shortfall.long),
            (loss.short, hour.quantile.short, hour.shortfall.short),
        ];
        for (loss, _, shortfall) in sides.into_iter().filter(|(loss, limit, _)| loss > limit) {
            lost += loss;
            forecast += shortfall;
        }
    }
    if forecast > 0.0 { Some(lost / forecast) } else { None }
}

/// Returns the box of the histogram that a probability falls into.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a tenth of 0 to 1")]
pub(crate) fn tenth(probability: f64) -> usize {
    ((probability * BOXES as f64) as usize).min(BOXES - 1)
}

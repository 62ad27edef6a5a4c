//! How one system of margins did over a window: cover, cost, worst times, steadiness.
//!
//! An hour *exceeds* a margin on a side if the loss from its first to its last price is larger
//! than the margin that held when it began. *Invariant: every number is of the given hours alone.*

use serde::Serialize;

use crate::accounts::{Margins, Outcome};
use crate::track::{Hour, Sides};

/// Hours of ninety days.
const QUARTER_H: usize = 90 * 24;

/// How often losses exceeded something, each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Exceedances {
    /// Hours in which a long position lost more.
    pub long: usize,
    /// Hours in which a short position lost more.
    pub short: usize,
    /// Hours in which either did.
    pub either: usize,
    /// Those of long positions as a share of all hours.
    pub long_share: f64,
    /// Those of short positions as a share of all hours.
    pub short_share: f64,
}

/// The day on which losses exceeded maintenance margin by most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WorstDay {
    /// Unix seconds at which the day begins, UTC.
    pub day_s: i64,
    /// The sum over its hours of what the worse side lost beyond maintenance margin, a share of
    /// the position's value.
    pub beyond: f64,
    /// Its hours with such a loss.
    pub hours: usize,
}

/// The 90 days with most hours that exceeded, on the worse side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WorstQuarter {
    /// Unix seconds at which they begin, UTC.
    pub from_s: i64,
    /// Share of their hours.
    pub share: f64,
}

/// What is measured of one system of margins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measures {
    /// Mean initial margin: what a position costs in collateral.
    pub mean_initial: f64,
    /// Mean maintenance margin.
    pub mean_maintenance: f64,
    /// Losses above initial margin.
    pub initial: Exceedances,
    /// Losses above maintenance margin.
    pub maintenance: Exceedances,
    /// Losses above maintenance margin at the hour's worst price.
    pub maintenance_at_worst: Exceedances,
    /// The day on which losses exceeded maintenance margin by most; none if none did.
    pub worst_day: Option<WorstDay>,
    /// The 90 days with most hours above maintenance margin; none in a shorter window.
    pub worst_quarter: Option<WorstQuarter>,
    /// Largest maintenance margin over the median one.
    pub peak_to_median: f64,
    /// Largest rise of maintenance margin from one hour to the next, as a share of it.
    pub largest_step: f64,
    /// What became of the accounts.
    pub accounts: Outcome,
    /// Bad debt as a share of the positions' value when they opened.
    pub bad_debt_share: f64,
}

/// Measures one system of margins; `accounts` is what became of them under it.
#[must_use]
pub fn measure(hours: &[Hour], margins: &Margins, accounts: Outcome) -> Measures {
    let (initial, maintenance) = (&margins.initial, &margins.maintenance);
    let notional = accounts.notional_cents as f64;
    Measures {
        mean_initial: mean(initial),
        mean_maintenance: mean(maintenance),
        initial: exceedances(hours, Hour::loss, |t| both(initial[t])),
        maintenance: exceedances(hours, Hour::loss, |t| both(maintenance[t])),
        maintenance_at_worst: exceedances(hours, Hour::worst, |t| both(maintenance[t])),
        worst_day: worst_day(hours, maintenance),
        worst_quarter: worst_quarter(hours, |t| both(maintenance[t])),
        peak_to_median: peak_to_median(maintenance),
        largest_step: largest_step(maintenance),
        bad_debt_share: if notional > 0.0 {
            accounts.bad_debt_cents as f64 / notional
        } else {
            0.0
        },
        accounts,
    }
}

fn both(margin: f64) -> Sides {
    Sides { long: margin, short: margin }
}

/// Counts the hours in which a loss was larger than a limit.
pub(crate) fn exceedances(
    hours: &[Hour],
    loss: impl Fn(&Hour) -> Sides,
    limit: impl Fn(usize) -> Sides,
) -> Exceedances {
    let count = |is_beyond: &dyn Fn(&Sides, &Sides) -> bool| {
        let hours = hours.iter().enumerate();
        hours.filter(|(t, hour)| is_beyond(&loss(hour), &limit(*t))).count()
    };
    let long = count(&|loss, limit| loss.long > limit.long);
    let short = count(&|loss, limit| loss.short > limit.short);
    let either = count(&|loss, limit| loss.long > limit.long || loss.short > limit.short);
    let share = |n: usize| n as f64 / hours.len().max(1) as f64;
    Exceedances { long, short, either, long_share: share(long), short_share: share(short) }
}

/// Returns whether an hour exceeded a margin on either side.
pub(crate) fn exceeds(hour: &Hour, margin: f64) -> bool {
    let loss = hour.loss();
    loss.long > margin || loss.short > margin
}

fn worst_day(hours: &[Hour], maintenance: &[f64]) -> Option<WorstDay> {
    let day_s = |hour: &Hour| hour.prices.open_s.div_euclid(86_400) * 86_400;
    let mut worst: Option<WorstDay> = None;
    let mut start = 0;
    for day in hours.chunk_by(|a, b| day_s(a) == day_s(b)) {
        let beyond = |(hour, margin): (&Hour, &f64)| {
            let loss = hour.loss();
            loss.long.max(loss.short) - margin
        };
        let beyond = day.iter().zip(&maintenance[start..]).map(beyond).filter(|x| *x > 0.0);
        let (hours, beyond) = beyond.fold((0, 0.0), |(n, sum), x| (n + 1, sum + x));
        if hours > 0 && worst.is_none_or(|w| beyond > w.beyond) {
            worst = Some(WorstDay { day_s: day_s(&day[0]), beyond, hours });
        }
        start += day.len();
    }
    worst
}

/// Returns the 90 days with the largest share of hours whose loss was larger than a limit, on the
/// worse side.
pub(crate) fn worst_quarter(
    hours: &[Hour],
    limit: impl Fn(usize) -> Sides,
) -> Option<WorstQuarter> {
    let beyond: Vec<[usize; 2]> = hours
        .iter()
        .enumerate()
        .map(|(t, hour)| {
            let (loss, limit) = (hour.loss(), limit(t));
            [usize::from(loss.long > limit.long), usize::from(loss.short > limit.short)]
        })
        .collect();
    if beyond.len() < QUARTER_H {
        return None;
    }
    let mut count = [0, 0];
    let mut worst = (0, 0);
    for (end, sides) in beyond.iter().enumerate() {
        for side in 0..2 {
            count[side] += sides[side];
            if end >= QUARTER_H {
                count[side] -= beyond[end - QUARTER_H][side];
            }
            if end + 1 >= QUARTER_H && count[side] > worst.0 {
                worst = (count[side], end + 1 - QUARTER_H);
            }
        }
    }
    let share = worst.0 as f64 / QUARTER_H as f64;
    Some(WorstQuarter { from_s: hours[worst.1].prices.open_s, share })
}

fn peak_to_median(margins: &[f64]) -> f64 {
    let mut sorted = margins.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(median), Some(peak)) => peak / median,
        _ => 0.0,
    }
}

fn largest_step(margins: &[f64]) -> f64 {
    margins.windows(2).map(|pair| pair[1] / pair[0] - 1.0).fold(0.0, f64::max)
}

/// Returns the mean, 0 for no numbers.
pub(crate) fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Prices;

    /// Hours of these returns, from 100 on, with a range of 1 % around.
    fn hours(returns: &[f64]) -> Vec<Hour> {
        let mut before: f64 = 100.0;
        let of = |(t, change): (i64, &f64)| {
            let close: f64 = before * (1.0 + change);
            let (high, low) = (before.max(close) * 1.01, before.min(close) * 0.99);
            let prices = Prices { open_s: 3_600 * t, before, high, low, close };
            before = close;
            let (quantile, shortfall) = Default::default();
            let (initial, maintenance) = (0.1, 0.05);
            Hour { prices, volatility: [0.0; 3], quantile, shortfall, u: 0.0, initial, maintenance }
        };
        (0..).zip(returns).map(of).collect()
    }

    #[test]
    fn what_is_measured_by_hand() {
        let mut returns = vec![0.0; 48];
        (returns[3], returns[30], returns[31]) = (-0.06, 0.12, -0.055);
        let hours = hours(&returns);
        let mut margins = Margins { initial: vec![0.1; 48], maintenance: vec![0.05; 48] };
        margins.maintenance[31] = 0.0625;
        let measures = measure(&hours, &margins, Outcome::default());
        let (initial, maintenance) = (measures.initial, measures.maintenance);
        assert_eq!((initial.long, initial.short), (0, 1));
        assert_eq!((maintenance.long, maintenance.short), (1, 1));
        assert_eq!(measures.maintenance_at_worst.long, 2, "5.5 % and 1 % below");
        let worst = measures.worst_day.expect("there is one");
        assert_eq!((worst.day_s, worst.hours), (86_400, 1));
        assert!((worst.beyond - 0.07).abs() < 1e-12);
        assert!((measures.largest_step - 0.25).abs() < 1e-12);
        assert!((measures.peak_to_median - 1.25).abs() < 1e-12);
        assert_eq!(measures.worst_quarter, None, "two days are no ninety");
    }

    #[test]
    fn the_worst_ninety_days_are_found() {
        let mut returns = vec![0.0; QUARTER_H + 500];
        (returns[10], returns[600], returns[QUARTER_H + 400]) = (0.2, 0.2, 0.2);
        let worst = worst_quarter(&hours(&returns), |_| both(0.1)).expect("long enough");
        assert_eq!(worst.share, 2.0 / QUARTER_H as f64);
        assert!(exceeds(&hours(&returns)[10], 0.1) && !exceeds(&hours(&returns)[11], 0.1));
    }
}

//! The engine whose margins are back-tested: fills a [`Track`] from a market's bars.
//!
//! A day's variance is forecast by the log-HAR regression with leverage terms of docs/model.md,
//! refitted by least squares each [`REFIT_DAYS`] days on all days before. An hour's scale is the
//! mean of that day's variance, per hour, and of an exponential average of the hours' squared
//! returns; its tail is the share of past losses over their scale. Margin is the shortfall of the
//! worse side, loaded by the width of the day's interval; initial rises at once and falls by at
//! most a twentieth an hour, maintenance follows two thirds of it by at most a quarter an hour.
//!
//! *Invariant: bars from time t on change nothing but outcomes before t, and at t itself.*

use market::{Date, Observation, Proxy, Row, Series};

use crate::data::{HOUR_S, Prices, hours};
use crate::error::Error;
use crate::track::{Day, Hour, Sides, Track};

/// Days learnt from before the first forecast, those before the first row included.
pub(crate) const WARM_UP_DAYS: usize = market::WARM_UP + 100;
/// Maintenance margin as a share of the initial one.
pub(crate) const MAINTENANCE_SHARE: f64 = 2.0 / 3.0;
/// Days from one fit to the next.
const REFIT_DAYS: usize = 30;
/// Terms of the regression: a constant and the features.
const TERMS: usize = market::FEATURES.len() + 1;
/// Share of hours whose loss may exceed the quantile, each side.
const BEYOND: f64 = 0.005;
/// Weight of the last hour in the average of squared returns.
const RECENT: f64 = 0.06;
/// The quantile and the shortfall before enough hours were seen, in scales.
const PRIOR: (f64, f64) = (3.2, 4.3);
/// Hours seen from which the tail is their own.
const TAIL_HOURS: usize = 1_000;
/// How much a day's interval that is twice as wide as it is high raises the margin.
const KAPPA: f64 = 0.25;

/// What the report says of the engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) chosen: &'static str,
    /// The first day that no choice saw.
    pub(crate) split: Date,
}

/// Returns what the report says of the engine.
pub(crate) fn about() -> About {
    About {
        name: "log-HAR with leverage for the day, exponential average for the hour, tail of past \
               losses over their scale",
        chosen: "The constants are round numbers from docs/model.md and the literature; none was \
                 searched for on the days of this report.",
        split: Date::from_ymd(2024, 1, 1).unwrap_or(Date::from_number(0)),
    }
}

/// Returns what the engine would have published for each hour of a series.
///
/// # Errors
///
/// [`Error::Short`] or [`Error::Daily`].
pub(crate) fn track(series: &Series, floor: f64) -> Result<Track, Error> {
    let (proxy, observations) = market::daily(series)?;
    let days = days(&observations, proxy);
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Err(Error::Short {
            market: series.name(),
            days: observations.len(),
            needed: WARM_UP_DAYS + 1,
            warm_up: WARM_UP_DAYS,
        });
    };
    let (from_s, to_s) = (first.date.unix(), last.date.next().unix());
    let all: Vec<Prices> = hours(series).into_iter().filter(|h| h.open_s < to_s).collect();
    let hours = follow(&all, &days, from_s, floor);
    Ok(Track { hours, days })
}

/// Forecasts each day after the warm-up.
fn days(observations: &[Observation], proxy: Proxy) -> Vec<Day> {
    let rows = market::rows(observations, proxy);
    let first = WARM_UP_DAYS - market::WARM_UP;
    let target = |row: &Row| ((row.proxy + proxy.floor()) / row.anchor).ln();
    let mut fit = Fit { weights: [0.0; TERMS], residuals: Vec::new() };
    let mut days = Vec::new();
    for t in first..rows.len() {
        if (t - first).is_multiple_of(REFIT_DAYS) {
            fit = Fit::of(&rows[..t], target);
        }
        let row = &rows[t];
        let level = row.anchor.ln();
        let s = fit.value(row);
        let residual = target(row) - s;
        let below = fit.residuals.partition_point(|r| *r <= residual);
        days.push(Day {
            date: row.date,
            forecast: (level + s).exp() * fit.mean_of_exp(),
            interval: [level + s + fit.quantile(0.05), level + s + fit.quantile(0.95)],
            realised: row.proxy,
            pit: below as f64 / fit.residuals.len().max(1) as f64,
        });
    }
    days
}

/// A least-squares fit with what it left over, ascending.
struct Fit {
    weights: [f64; TERMS],
    residuals: Vec<f64>,
}

impl Fit {
    fn of(rows: &[Row], target: impl Fn(&Row) -> f64) -> Fit {
        let mut moments = [[0.0; TERMS + 1]; TERMS];
        for row in rows {
            let (x, y) = (terms(row), target(row));
            for i in 0..TERMS {
                for j in 0..TERMS {
                    moments[i][j] += x[i] * x[j];
                }
                moments[i][TERMS] += x[i] * y;
            }
        }
        let mut fit = Fit { weights: solve(moments), residuals: Vec::new() };
        fit.residuals = rows.iter().map(|row| target(row) - fit.value(row)).collect();
        fit.residuals.sort_by(f64::total_cmp);
        fit
    }

    fn value(&self, row: &Row) -> f64 {
        self.weights.iter().zip(terms(row)).map(|(w, x)| w * x).sum()
    }

    fn quantile(&self, share: f64) -> f64 {
        at(&self.residuals, share)
    }

    fn mean_of_exp(&self) -> f64 {
        let count = self.residuals.len().max(1) as f64;
        self.residuals.iter().map(|r| r.exp()).sum::<f64>() / count
    }
}

fn terms(row: &Row) -> [f64; TERMS] {
    let [day, week, level, fall, fall_week] = row.features;
    [1.0, day, week, level, fall, fall_week]
}

/// Solves a system by elimination with pivots; a term that never varies gets weight 0.
fn solve(mut m: [[f64; TERMS + 1]; TERMS]) -> [f64; TERMS] {
    for column in 0..TERMS {
        let size = |row: &usize| m[*row][column].abs();
        let pivot = (column..TERMS).max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or(column);
        m.swap(column, pivot);
        if m[column][column].abs() < 1e-9 {
            m[column] = [0.0; TERMS + 1];
            m[column][column] = 1.0;
        }
        for row in 0..TERMS {
            if row != column {
                let factor = m[row][column] / m[column][column];
                let taken = m[column];
                m[row].iter_mut().zip(taken).for_each(|(x, y)| *x -= factor * y);
            }
        }
    }
    std::array::from_fn(|i| m[i][TERMS] / m[i][i])
}

/// Goes through the hours; those before `from_s` only teach the scale.
fn follow(all: &[Prices], days: &[Day], from_s: i64, floor: f64) -> Vec<Hour> {
    let mut average = all.first().map_or(1e-5, |h| (h.close / h.before - 1.0).powi(2)).max(1e-8);
    let mut tails = [Tail::default(), Tail::default()];
    let (mut initial, mut maintenance) = (floor, floor * MAINTENANCE_SHARE);
    let mut hours = Vec::new();
    for prices in all {
        let change = prices.close / prices.before - 1.0;
        let number = (prices.open_s - from_s).div_euclid(24 * HOUR_S);
        if let Some(day) = usize::try_from(number).ok().and_then(|number| days.get(number)) {
            let scale = (0.5 * day.forecast / 24.0 + 0.5 * average).sqrt();
            let half = 0.25 * (day.interval[1] - day.interval[0]);
            let side = |i: usize| (scale * tails[i].quantile(), scale * tails[i].shortfall());
            let ((long, long_beyond), (short, short_beyond)) = (side(0), side(1));
            let asked = long_beyond.max(short_beyond) * (1.0 + KAPPA * half / (1.0 + half));
            initial = asked.max(initial * 0.95).clamp(floor, 1.0);
            maintenance = (initial * MAINTENANCE_SHARE).min(maintenance * 1.25);
            hours.push(Hour {
                prices: *prices,
                volatility: [scale * (-half).exp(), scale, scale * half.exp()],
                quantile: Sides { long, short },
                shortfall: Sides { long: long_beyond, short: short_beyond },
                initial,
                maintenance,
            });
            tails[0].see(-change / scale);
            tails[1].see(change / scale);
        }
        average += RECENT * (change * change - average);
    }
    hours
}

/// Past losses of one side, each over the scale forecast for its hour, ascending.
#[derive(Default)]
struct Tail(Vec<f64>);

impl Tail {
    fn see(&mut self, loss: f64) {
        let place = self.0.partition_point(|seen| *seen < loss);
        self.0.insert(place, loss);
    }

    fn quantile(&self) -> f64 {
        if self.0.len() < TAIL_HOURS { PRIOR.0 } else { at(&self.0, 1.0 - BEYOND) }
    }

    fn shortfall(&self) -> f64 {
        if self.0.len() < TAIL_HOURS {
            return PRIOR.1;
        }
        let beyond = &self.0[index(&self.0, 1.0 - BEYOND)..];
        beyond.iter().sum::<f64>() / beyond.len() as f64
    }
}

fn at(sorted: &[f64], share: f64) -> f64 {
    sorted.get(index(sorted, share)).copied().unwrap_or(0.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the list")]
fn index(sorted: &[f64], share: f64) -> usize {
    ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1))
}

#[cfg(test)]
mod tests;

//! The features of the log-HAR model with leverage, and the scale its forecast is anchored to.
//!
//! HAR: Corsi (2009), "A simple approximate long-memory model of realized volatility"; leverage
//! terms as in Corsi and Renò (2012). Averages run over 1, 5 and 22 observations. All is taken
//! relative to the *anchor*, the 22-day average of the proxy: the model forecasts
//! `ln(variance / anchor)`, so a model of zeros already is a 22-day average, markets of any level
//! look alike, and no public scale has to be agreed on.
//!
//! *Invariant: the row of day t is made of observations before t.* The proxy's floor is added to
//! each average before its logarithm, so that zeros pass.

use crate::maths::{count, ln};
use crate::{Date, Observation, Proxy};

/// Names of the features, in order.
///
/// With `m1`, `m5`, `m22` the averages of the proxy plus its floor, and `n1`, `n5` the averages of
/// the negative part of the return: `ln(m1 / m22)`, `ln(m5 / m22)`, `ln(m22)`, `n1 / sqrt(m22)`
/// and `n5 / sqrt(m22)`.
pub const FEATURES: [&str; 5] = ["day", "week", "level", "fall", "fall_week"];

/// Observations before the first row.
pub const WARM_UP: usize = 22;
const WEEK: usize = 5;

/// What is known when a day begins, and what the day then brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The day that is forecast.
    pub date: Date,
    /// The features, raw, in the order of [`FEATURES`].
    pub features: [f64; FEATURES.len()],
    /// The daily variance the forecast is relative to; positive.
    pub anchor: f64,
    /// The last price before the day.
    pub price: f64,
    /// The proxy of the last observation before the day.
    pub last: f64,
    /// The outcome: the day's proxy.
    pub proxy: f64,
    /// The outcome: the day's log return.
    pub ret: f64,
}

/// Returns a row for each observation after the first [`WARM_UP`].
///
/// ```
/// use market::{Date, Observation, Proxy, rows};
/// let calm = |n| Observation { date: Date::from_number(n), close: 1.0, ret: 0.0, variance: 1e-4 };
/// let rows = rows(&(0..30).map(calm).collect::<Vec<_>>(), Proxy::Squared);
/// assert_eq!(rows.len(), 8);
/// assert_eq!(rows[0].date, Date::from_number(22));
/// assert_eq!(rows[0].features[0], 0.0);
/// ```
#[must_use]
pub fn rows(observations: &[Observation], proxy: Proxy) -> Vec<Row> {
    let floor = proxy.floor();
    let targets = observations.iter().enumerate().skip(WARM_UP);
    let average = |t: usize, days: usize, of: fn(&Observation) -> f64| {
        observations[t - days..t].iter().map(of).sum::<f64>() / count(days)
    };
    let variance: fn(&Observation) -> f64 = |o| o.variance;
    let fall: fn(&Observation) -> f64 = |o| if o.ret < 0.0 { o.ret } else { 0.0 };
    let mut arguments = Vec::with_capacity(3 * observations.len());
    for (t, _) in targets.clone() {
        let month = average(t, WARM_UP, variance) + floor;
        arguments.push((average(t, 1, variance) + floor) / month);
        arguments.push((average(t, WEEK, variance) + floor) / month);
        arguments.push(month);
    }
    let logs = ln(&arguments);
    targets
        .zip(arguments.chunks(3).zip(logs.chunks(3)))
        .map(|((t, observation), (arguments, logs))| {
            let anchor = arguments[2];
            let deviation = anchor.sqrt();
            let fall_day = average(t, 1, fall) / deviation;
            let fall_week = average(t, WEEK, fall) / deviation;
            Row {
                date: observation.date,
                features: [logs[0], logs[1], logs[2], fall_day, fall_week],
                anchor,
                price: observations[t - 1].close,
                last: observations[t - 1].variance,
                proxy: observation.variance,
                ret: observation.ret,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observations() -> Vec<Observation> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        };
        (0..60)
            .map(|number| Observation {
                date: Date::from_number(number),
                close: 50.0 + next(),
                ret: next() - 0.5,
                variance: next() * 1e-3,
            })
            .collect()
    }

    #[test]
    fn the_future_changes_nothing_before_it() {
        let before = observations();
        for t in WARM_UP..before.len() {
            let mut after = before.clone();
            for o in &mut after[t..] {
                *o = Observation { close: 9.0, ret: -3.0, variance: 7.0, ..*o };
            }
            for proxy in [Proxy::Squared, Proxy::Range] {
                let (was, is) = (rows(&before, proxy), rows(&after, proxy));
                let known = t - WARM_UP;
                assert_eq!(was[..known], is[..known], "rows whose outcome lies before {t}");
                assert_eq!(was[known].features, is[known].features, "features of day {t} itself");
                assert_eq!(was[known].anchor, is[known].anchor);
                assert_eq!(was[known].price, is[known].price);
                if t + 1 < before.len() {
                    assert_ne!(was[known + 1].features, is[known + 1].features);
                }
            }
        }
    }

    #[test]
    fn features_are_what_their_names_say() {
        let observations = observations();
        let rows = rows(&observations, Proxy::Range);
        let row = &rows[10];
        let past = &observations[..WARM_UP + 10];
        let m22 = past[10..].iter().map(|o| o.variance).sum::<f64>() / 22.0 + 1e-8;
        let m1 = past[31].variance + 1e-8;
        assert!((row.features[0] - ln(&[m1 / m22])[0]).abs() < 1e-12);
        assert!((row.features[2] - ln(&[m22])[0]).abs() < 1e-12);
        let fall =
            past[27..].iter().map(|o| if o.ret < 0.0 { o.ret } else { 0.0 }).sum::<f64>() / 5.0;
        assert!((row.features[4] - fall / m22.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_market_that_never_moves_has_finite_features() {
        let still =
            |n| Observation { date: Date::from_number(n), close: 1.0, ret: 0.0, variance: 0.0 };
        for row in rows(&(0..40).map(still).collect::<Vec<_>>(), Proxy::Squared) {
            assert!(row.features.iter().all(|f| f.is_finite()) && row.anchor > 0.0);
        }
    }
}

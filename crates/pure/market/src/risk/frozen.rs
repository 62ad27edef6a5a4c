//! What was chosen, on which days, and out of how many.
//!
//! Every number here was chosen on days before the split of its horizon, [`HOURLY_SPLIT`] and
//! [`DAILY_SPLIT`], on the perpetuals of BTC, ETH and SOL at Binance. After the split nothing
//! moves but coefficients, which are refitted on an expanding window.

use super::{Config, Measure, Model, Refit, TailConfig, Worker};
use crate::Prior;

/// The first day that no choice of the hourly models saw.
pub const HOURLY_SPLIT: &str = "2024-01-01";
/// The first day that no choice of the daily models saw.
pub const DAILY_SPLIT: &str = "2024-07-01";
/// Configurations tried before the choice: of the hourly scale, the tail and margin, and the daily
/// model.
pub const TRIED: [(&str, u32); 3] = [("hourly scale", 17), ("tail and margin", 0), ("daily", 22)];

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
                worker("core", (21, 1.0), 0..21),
                worker("har", (21, 1.0), 0..7),
                worker("fast", (21, 1.0), [0, 1, 2, 5, 7, 8]),
                worker("season", (21, 1.0), [0, 4].into_iter().chain(9..21)),
            ],
            refit: Refit { first: 45 * 24, every: 24 },
        };
        let day = Model {
            measure: Measure::Range,
            workers: vec![worker("core", (11, 1.0), [0, 1, 2, 3, 4, 5, 6, 8, 9, 10])],
            refit: Refit { first: 100, every: 1 },
        };
        let tail = TailConfig {
            workers: hour.workers.len(),
            share_beyond: 0.005,
            rate: 0.1,
            quantile: 3.2,
            excess: 0.35,
            excess_weight: 20.0,
            spread_unit: 0.5,
            distance_unit: 0.05,
            age_unit_h: 2.0,
            kappa: 0.25,
            buffer: 0.0,
            usual_rate: 1.0 / 2_160.0,
            floor: 0.02,
            cap: 1.0,
            down: 0.95,
            up: 1.25,
            share: 2.0 / 3.0,
        };
        Config { hour, day, tail }
    }
}

/// A worker that uses these of `width` columns with this prior precision.
fn worker(
    name: &'static str,
    (width, precision): (usize, f64),
    columns: impl IntoIterator<Item = usize>,
) -> Worker {
    let mut all = vec![0.0; width];
    for column in columns {
        all[column] = if column == 0 { LOOSE } else { precision };
    }
    Worker { name, prior: Prior { precision: all, shape: 1.0, scale: 0.5 } }
}

//! The constants of the engine in each replay.
//!
//! *Invariant: none was chosen on a day from the window on.* Those of March 2020 are what
//! [`choose`](super::choose) found on the hours before; its example prints them.

use market::Date;
use market::risk::{Config, TailConfig};

use super::Crash;

/// Returns the configuration of a replay, whose coefficients are fitted to days before it.
pub(super) fn config(crash: &Crash, floor: f64) -> Config {
    let mut config = match crash.name {
        "mar-2020" => before_march_2020(),
        _ => Config::frozen(),
    };
    config.tail.floor = floor;
    let before_s = crash.fitted.parse::<Date>().expect("a day").next().unix();
    config.hour.refit.before_s = before_s;
    config.day.refit.before_s = before_s;
    config
}

/// What was chosen on hours of 2017-08 to 2020-02, out of 66 configurations. The rest is what the
/// tail begins with, or units: it was not tried.
pub(super) fn before_march_2020() -> Config {
    let mut config = Config::frozen();
    super::choose::shrink(&mut config, 1_000.0);
    config.tail = TailConfig {
        elasticity: 0.8,
        rate: 0.05,
        bump: 0.0,
        ceiling: 3.0,
        up: 1.06,
        buffer: 0.2,
        kappa: 0.2,
        down: 0.95,
        ..config.tail
    };
    config
}

//! The risk engine: how much a market may move, how sure that is, and what margin it asks for.
//!
//! [`track`] goes through a market's bars an hour at a time, as a publisher would, and returns for
//! every hour what was known when it began ([`HourReport`]) and what it then brought; and the same
//! for every day ([`DayReport`]). Volatility comes from log-HAR regressions that are refitted on
//! an expanding window ([`expand`]), the tail and the margin from [`tail_step`]. Every published
//! number is the output of a Program: [`accumulate`](crate::accumulate), [`fit`](crate::fit),
//! [`predict`](crate::predict), [`interval_step`] and [`tail_step`].
//!
//! A market with little history of its own begins with what others taught ([`lived`]).
//!
//! Three numbers are never mixed: (a) the quantile of the loss over an hour, long and short side
//! apart; (b) the expected shortfall beyond it; (c) the margin, which is more than either by
//! design.
//!
//! *Invariant: changing bars from time t on changes no report of an hour or a day before t, and of
//! the one that begins at t only what it brought.*
//!
//! Absent: choices. They are in [`Config::frozen`], made before the split and not since.

mod expand;
mod frozen;
mod interval;
mod mixture;
mod outlook;
mod peers;
mod pooled;
mod samples;
mod tail;
mod track;
mod window;
mod young;

pub use expand::{Pool, Predictive, Refit, Sample, expand};
pub use frozen::{ADMITTED, DAILY_SPLIT, HOURLY_SPLIT, TRIED, TRIED_FOR_MIXTURE};
pub use interval::{IntervalConfig, interval_step};
pub(crate) use interval::{LOG_VARIANCE, SCALE};
pub use mixture::{
    Base, CHANNELS, Executor, Lesson, Mixed, MixedDay, MixtureError, NetworkConfig, NetworkError,
    PAST, TwoPiece, foresee, lessons, mixed, mixed_days, mixed_names, weights_start, weights_step,
};
pub use outlook::{Outlook, margins, outlook};
pub use peers::fhs_ewma;
pub use samples::{DAY_FEATURES, HOUR_FEATURES, Measure, day_samples, hour_samples};
pub(crate) use tail::{LOG_VOLATILITY, doubted, ln_scale, loaded};
pub use tail::{TailConfig, tail_step};
pub use track::{DayReport, HourReport, RiskError, Sides, Track, ahead, track, track_with_holes};
pub(crate) use window::{Days, Replayed, WINDOW, replayed};
pub use young::{YOUNG_HOURS, lived, next};

use crate::Prior;

/// A volatility model: a regression on some of the features.
#[derive(Clone, Debug, PartialEq)]
pub struct Worker {
    /// What it is called in reports.
    pub name: &'static str,
    /// Its prior; a precision of 0 leaves a feature out.
    pub prior: Prior,
}

/// The volatility models of a horizon; the first makes the forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What averages are taken of.
    pub measure: Measure,
    /// The models; all but the first count only by how far they are from it.
    pub workers: Vec<Worker>,
    /// When they are fitted.
    pub refit: Refit,
    /// What they know of other markets before they see this one.
    pub pool: Option<Pool>,
    /// The interval around the first one's forecast.
    pub interval: IntervalConfig,
    /// The shape of the law around it.
    pub shape: TwoPiece,
}

/// Everything that is chosen; [`Config::frozen`] is what ships, [`Config::young`] for a new market.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The volatility of the coming hour.
    pub hour: Model,
    /// The volatility of the coming day.
    pub day: Model,
    /// Tail and margin.
    pub tail: TailConfig,
    /// Days of a market's own history with which, all else certain, `u` is one half; 0 where only
    /// what `tail` names counts.
    pub youth_days: f64,
}

#[cfg(test)]
mod tests;

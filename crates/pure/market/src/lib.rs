//! What a market looks like to the network: bars, daily variance, features, forecasts, a report.
//!
//! [`Series`] of bars go in; [`Plan`] turns them into what each trainer learns from and what the
//! publisher is judged on. The forecast and what is reported of it are Programs ([`forecast`],
//! [`report`]), so that two nodes with the same model publish the same bits; [`score`] says how
//! good the forecast was, against a random walk and an exponential average; [`window`] is the loss
//! that a round's rows are paid by.
//!
//! [`risk`] is the engine of a market whose margins are set by what it may lose: volatility with an
//! interval, the tail of an hour, shortfall, margin; [`stats`] says how good any of it is.
//! [`option`] prices options and [`scenario`] margins portfolios of them, both as Programs;
//! [`surface`] fits SVI slices to a chain and certifies them.
//!
//! *Invariant: what is known of a day or an hour is known when it begins.*
//!
//! Absent: reading files (that is `feeds`) and every
//! platform transcendental: logarithms are Programs too, so features are equal on every machine.

mod bars;
mod bayes;
mod blocks;
mod consequence;
mod daily;
mod date;
pub mod distribution;
mod elements;
mod evidence;
mod features;
mod forecast;
mod hourly;
mod maths;
pub mod option;
mod plan;
mod report;
pub mod risk;
pub mod scenario;
pub mod score;
pub mod stats;
pub mod surface;
mod wad;
pub mod window;

pub use bars::{Bar, Series};
pub use bayes::{Prior, accumulate, fit, predict};
pub use consequence::{Standing, consequence, consequence_inputs};
pub use daily::{DailyError, Observation, Proxy, daily};
pub use date::{Date, DateError};
pub use evidence::Trial;
pub use features::{FEATURES, Row, WARM_UP, rows};
pub use forecast::{forecast, forecast_inputs};
pub use hourly::{Hole, Hour, HourlyError, hourly, hourly_with_holes};
pub use plan::{Day, Evaluation, Plan, PlanError, Slice, Standard};
pub use report::{REPORT_DAYS, REPORT_DAYS_MIN, Recent, Trained, report, report_inputs};
pub use wad::{Wad, WadError};

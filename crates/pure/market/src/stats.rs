//! How good forecasts are, and whether a difference is more than luck.
//!
//! - *Exceedances* of a quantile: [`kupiec`], [`christoffersen_independence`],
//!   [`christoffersen_coverage`], [`dynamic_quantile`];
//! - *Shortfall* beyond it: [`acerbi_szekely`];
//! - *Scores*, lower is better: [`crps_normal`], [`crps_student`], [`crps_sample`], [`pinball`],
//!   [`interval_score`], beside QLIKE in [`score`](crate::score);
//! - *Calibration* of a law: [`uniformity`] of its probability integral transforms;
//! - *Comparison*: [`diebold_mariano`] with Newey and West's variance, [`holm`] over several.
//!
//! Each is checked against SciPy, statsmodels or scoringrules on the cases of
//! `vectors/stats_v1.json`. Absent: anything a margin depends on; these are not Programs.

mod comparison;
mod exceedance;
mod scores;
mod shortfall;
mod uniform;

pub use comparison::{diebold_mariano, holm};
pub use exceedance::{
    christoffersen_coverage, christoffersen_independence, dynamic_quantile, kupiec,
};
pub use scores::{crps_normal, crps_sample, crps_student, interval_score, pinball};
pub use shortfall::{ShortfallTest, acerbi_szekely};
pub use uniform::uniformity;

/// What a test says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// The statistic.
    pub statistic: f64,
    /// The probability of a statistic at least as extreme if what is tested holds.
    pub p: f64,
}

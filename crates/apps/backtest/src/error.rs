//! What can stop a back-test, each as one sentence that says what to do.

use market::{DailyError, Date};
use thiserror::Error;

use crate::params::ParamsError;

/// Why there is no report.
#[derive(Debug, Error)]
pub enum Error {
    /// The protocol's table cannot be used.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// The bars cannot be used.
    #[error(transparent)]
    Feed(#[from] feeds::FeedError),
    /// Intraday bars leave a hole.
    #[error(transparent)]
    Daily(#[from] DailyError),
    /// The engine cannot use the bars.
    #[error(transparent)]
    Risk(#[from] market::risk::RiskError),
    /// The mixture cannot be made.
    #[error(transparent)]
    Mixture(#[from] market::risk::MixtureError),
    /// The contracts refused what a replay asked of them, or do not add up.
    #[error(
        "the replay and the contracts disagree: {0}; replay with `--contracts 0` to leave them out"
    )]
    Contracts(String),
    /// A part of the simulated network refused its inputs.
    #[error("the attack could not be simulated: {0}")]
    Attack(String),
    /// No days to attack on.
    #[error(
        "the data have {got} days after the split and the attack takes {needed}; give longer \
         series or fewer --rounds"
    )]
    FewDays {
        /// Days there are.
        got: usize,
        /// Days it takes.
        needed: usize,
    },
    /// No bars an hour can be made of.
    #[error(
        "there are no bars of an hour or less in the data; give folders of parquet or CSV bars \
         whose interval divides an hour"
    )]
    NoMarkets,
    /// No option chains of an asset.
    #[error("{path} holds no {asset}; see its assets with `assay surface --data {path}`")]
    NoChains {
        /// The file.
        path: String,
        /// What was asked for.
        asset: String,
    },
    /// No bars of a crash.
    #[error(
        "no market of the data has bars for {asked}, which replaying {crash} takes; give folders \
         whose bars begin some 400 days before"
    )]
    NoCrash {
        /// The crash.
        crash: &'static str,
        /// The days.
        asked: String,
    },
    /// No option chains of a crash.
    #[error(
        "{} holds no option chains from {from} to {to}, which replaying {crash} takes; give the \
         folder of their parquet files", folders.join(", ")
    )]
    NoCrashChains {
        /// The crash.
        crash: &'static str,
        /// What was looked through.
        folders: Vec<String>,
        /// The first day that is needed.
        from: String,
        /// The last day.
        to: &'static str,
    },
    /// A chain without an index.
    #[error("the chain of {asset} at Unix time {time_s} has no index_price")]
    NoIndex {
        /// The asset.
        asset: String,
        /// When it was taken.
        time_s: i64,
    },
    /// A chain from which no volatility can be read.
    #[error(
        "the chain of {asset} at Unix time {time_s} gives no surface from a day to a month away"
    )]
    NoSurface {
        /// The asset.
        asset: String,
        /// When it was taken.
        time_s: i64,
    },
    /// A Program cannot be built.
    #[error("a Program cannot be built: {0}")]
    Program(#[from] tensor::BuildError),
    /// There is nothing for a Program to work on.
    #[error("there is nothing to compute on: {0}")]
    Shape(#[from] tensor::ShapeError),
    /// A market that the data does not have.
    #[error(
        "there are no bars of {market:?}; the data has {there}; use one of these names, or add \
         the market's file to the folder"
    )]
    Unknown {
        /// The name that was asked for.
        market: String,
        /// The names there are.
        there: String,
    },
    /// A name that stands for more than one series.
    #[error("{market:?} may be {there}; write which one")]
    Ambiguous {
        /// The name that was asked for.
        market: String,
        /// What it may be.
        there: String,
    },
    /// A market that was asked for and is not in the table.
    #[error("the table has no rows of {market}; it has {there}")]
    Unlisted {
        /// The name that was asked for.
        market: String,
        /// The markets of the table.
        there: String,
    },
    /// A market asked for twice, under two names.
    #[error("{first:?} and {second:?} are both {series}; keep one of them")]
    Twice {
        /// The first name.
        first: String,
        /// The second name.
        second: String,
        /// The series both stand for.
        series: String,
    },
    /// The page cannot be written.
    #[error("the page cannot be written: {0}")]
    Page(#[from] askama::Error),
    /// Dates that the data or the table do not cover.
    #[error("{market} can be back-tested from {first} to {last} ({reason}), not {asked}")]
    Window {
        /// The series.
        market: String,
        /// The first day that can be.
        first: Date,
        /// The last day that can be.
        last: Date,
        /// Why it is those.
        reason: String,
        /// What was asked for.
        asked: String,
    },
    /// Too few bars to learn from and to be judged on.
    #[error(
        "{market} has {days} days; at least {needed} are needed, of which the first {warm_up} are \
         learnt from before the first forecast"
    )]
    Short {
        /// The series.
        market: String,
        /// Complete days there are.
        days: usize,
        /// Days needed.
        needed: usize,
        /// Of these, days before the first forecast.
        warm_up: usize,
    },
}

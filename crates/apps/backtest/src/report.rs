//! The report as data: what `--json` prints, and the only source of the page's numbers.
//!
//! Shares are of a position's value unless their name says otherwise; money is in hundredths of
//! the quote unit; times are Unix seconds, UTC. *Invariant: nothing here is rounded.*

use serde::Serialize;

use crate::accounts::RECIPE;
use crate::case::{Case, System};
use crate::chains::Surface;
use crate::changes::{Change, changes};
use crate::compare::{Comparison, compare};
use crate::engine;
use crate::forecast::{Forecast, forecast};
use crate::measures::{Measures, mean, measure};
use crate::words;

/// A back-test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Version of this form.
    pub format: u32,
    /// The command that makes it again.
    pub command: String,
    /// The protocol's table, if there was one.
    pub params: Option<String>,
    /// Series of the data that were not used, each with the reason.
    pub left_out: Vec<String>,
    /// What was back-tested.
    pub engine: Engine,
    /// How accounts were made.
    pub accounts: Accounts,
    /// What came out, in a sentence a market.
    pub verdict: Vec<String>,
    /// The markets, in the order of the table.
    pub markets: Vec<Market>,
    /// The last surfaces of the option chains.
    pub surfaces: Vec<Surface>,
}

/// What was back-tested, and what it had seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Engine {
    /// What it is made of.
    pub name: String,
    /// How its constants were chosen.
    pub chosen: String,
    /// The first day that no choice of the hourly models saw, `YYYY-MM-DD`.
    pub split: String,
    /// The first day that no choice of the daily models saw.
    pub daily_split: String,
}

/// How accounts were made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accounts {
    /// Accounts a market.
    pub count: usize,
    /// What decides all of them.
    pub seed: u64,
    /// The rules.
    pub recipe: String,
}

/// One market.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Market {
    /// Venue and symbol of the bars.
    pub series: String,
    /// As the protocol's table calls it, or else as the bars do.
    pub name: String,
    /// Minutes of a bar.
    pub bar_minutes: i64,
    /// First day of the data.
    pub data_from: String,
    /// First day of the window.
    pub from: String,
    /// Last day of the window and of the data that were used.
    pub to: String,
    /// Hours of the window.
    pub hours: usize,
    /// Those before the split.
    pub hours_before_split: usize,
    /// Those in which the market was new, so that ours rested on what other markets taught.
    pub young_hours: usize,
    /// The least initial margin ours may propose; the least one where the table changes it.
    pub floor: f64,
    /// What came out, in sentences.
    pub verdict: Vec<String>,
    /// Our margins.
    pub ours: Measures,
    /// The protocol's margins.
    pub theirs: Option<Measures>,
    /// The protocol's margins times one factor, so that both cost the same.
    pub theirs_at_our_cost: Option<Measures>,
    /// Our margins divided by that factor, so that they cost what the protocol's do.
    pub ours_at_their_cost: Option<Measures>,
    /// That factor.
    pub cost_factor: Option<f64>,
    /// The two side by side.
    pub comparison: Option<Comparison>,
    /// How good the forecasts under our margins were.
    pub forecast: Forecast,
    /// What each worker counted in the forecasts of days, if networks were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<Workers>,
    /// What would have changed and when.
    pub changes: Vec<Change>,
}

/// The workers of the mixture that forecasts days.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Workers {
    /// What they are called.
    pub names: Vec<&'static str>,
    /// Their mean weights.
    pub mean: Vec<f64>,
    /// Their weights by day; each day's sum to 1.
    pub days: Vec<Weights>,
}

/// What each worker counted on a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Weights {
    /// The day, `YYYY-MM-DD`.
    pub date: String,
    /// One weight a worker.
    pub weights: Vec<f64>,
}

impl Workers {
    fn of(case: &Case) -> Option<Workers> {
        let names = market::risk::mixed_names();
        let of = |k: usize| case.weights.iter().map(|(_, w)| w[k]).collect::<Vec<_>>();
        let day = |(date, weights): &(market::Date, Vec<f64>)| Weights {
            date: date.to_string(),
            weights: weights.clone(),
        };
        (!case.weights.is_empty()).then(|| Workers {
            mean: (0..names.len()).map(|k| mean(&of(k))).collect(),
            names,
            days: case.weights.iter().map(day).collect(),
        })
    }
}

/// What a report says about itself.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) command: String,
    pub(crate) params: Option<String>,
    pub(crate) left_out: Vec<String>,
    pub(crate) count: usize,
    pub(crate) seed: u64,
}

impl Report {
    pub(crate) fn of(header: Header, cases: &[Case], surfaces: Vec<Surface>) -> Report {
        let about = engine::about();
        let markets: Vec<Market> = cases.iter().map(market).collect();
        Report {
            format: 1,
            command: header.command,
            params: header.params,
            left_out: header.left_out,
            engine: Engine {
                name: about.name.to_owned(),
                chosen: about.chosen,
                split: about.split.to_string(),
                daily_split: about.daily_split.to_string(),
            },
            accounts: Accounts {
                count: header.count,
                seed: header.seed,
                recipe: RECIPE.to_owned(),
            },
            verdict: markets.iter().map(words::headline).collect(),
            markets,
            surfaces,
        }
    }
}

fn market(case: &Case) -> Market {
    let measured = |system: &System| measure(&case.hours, &system.margins, system.outcome.clone());
    let split_s = engine::about().split.unix();
    let theirs = case.theirs.as_ref().map(measured);
    let (ours, scaled) = (measured(&case.ours), case.scaled.as_ref());
    let comparison = case.theirs.as_ref().zip(theirs.as_ref()).map(|(system, theirs)| {
        let margins = (&case.ours.margins.maintenance[..], &system.margins.maintenance[..]);
        compare(&case.hours, margins, (&ours, theirs))
    });
    let their_initial = case.theirs.as_ref().map(|system| &system.margins.initial[..]);
    let mut market = Market {
        series: case.name.clone(),
        name: case.alias.clone().unwrap_or_else(|| case.name.clone()),
        bar_minutes: case.interval_s / 60,
        data_from: case.data.0.to_string(),
        from: case.window.0.to_string(),
        to: case.window.1.to_string(),
        hours: case.hours.len(),
        hours_before_split: case.hours.iter().filter(|h| h.prices.open_s < split_s).count(),
        young_hours: case.hours.iter().filter(|h| h.prices.open_s < case.grown_s).count(),
        floor: case.floor,
        verdict: Vec::new(),
        ours,
        theirs,
        theirs_at_our_cost: scaled.map(|scaled| measured(&scaled.theirs)),
        ours_at_their_cost: scaled.map(|scaled| measured(&scaled.ours)),
        cost_factor: scaled.map(|scaled| scaled.factor),
        comparison,
        forecast: forecast(&case.hours, &case.days, &case.proxy),
        workers: Workers::of(case),
        changes: changes(&case.hours, &case.ours.margins.initial, their_initial),
    };
    market.verdict = words::verdict(&market);
    market
}

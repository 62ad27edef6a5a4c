//! A back-test: a protocol's own margins and ours side by side on its market, as one page.
//!
//! [`run`] reads bars and, if there is one, a protocol's [`Table`] of margins; lets the engine go
//! through the bars an hour at a time; gives the same seeded accounts to every system of margins;
//! and returns the numbers ([`Report`]) and the page made of them. docs/backtest.md says what each
//! number means.
//!
//! *Invariant: what is said of an hour was known when it began, and the page shows no number that
//! the report does not hold.* Absent: advice; the page says what was counted and how.

mod accounts;
pub mod attack;
mod case;
mod chains;
mod changes;
mod clearing;
mod compare;
mod data;
mod engine;
mod error;
mod forecast;
mod html;
mod measures;
mod mixture;
mod options;
mod params;
mod replay;
mod report;
mod track;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;

use market::{Date, Series};

pub use accounts::{Account, Margins, Outcome, draw, simulate};
pub use chains::{Expiry, Fit, MOST, Parameters, Proof, Surface, surfaces, surfaces_page};
pub use changes::{Change, changes};
pub use clearing::{Beside, Liquidation, OnChain, Taken};
pub use compare::Comparison;
pub use data::{Prices, choose, find, floor, hours};
pub use error::Error;
pub use forecast::Forecast;
pub use measures::{Exceedances, Measures, WorstDay, WorstQuarter, measure};
pub use params::{EXAMPLE, ParamsError, Row, Table, time, when};
pub use replay::{
    CRASHES, Crash, NoPrice, ReplayMarket, ReplayReport, ReplayRequest, Replayed, Side, choose,
    replay,
};
pub use report::{Accounts, Engine, Market, Report, Weights, Workers};
pub use track::{Day, Hour, Sides, Track};

use case::{Case, Theirs, Wish};
use report::Header;

/// What to back-test.
#[derive(Clone, Debug)]
pub struct Request {
    /// Folders or files of bars, as [`feeds::open`] takes them.
    pub data: Vec<PathBuf>,
    /// Files of option chains, whose last surfaces are shown beside.
    pub chains: Vec<PathBuf>,
    /// The protocol's table; without one every market is reported on by itself.
    pub params: Option<Table>,
    /// The markets to report on; none means all of the table, or else of the data.
    pub markets: Vec<String>,
    /// The first day; none means the first that data and table cover, from the split on.
    pub from: Option<Date>,
    /// The last day; none means the last complete one of the data.
    pub to: Option<Date>,
    /// Accounts a market.
    pub accounts: usize,
    /// What decides the accounts.
    pub seed: u64,
    /// Whether days are forecast by the mixture of regression and networks, which trains them.
    pub networks: bool,
    /// The command that makes the report again, for the page.
    pub command: String,
}

/// A finished back-test.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The numbers.
    pub report: Report,
    /// The page made of them.
    pub html: String,
}

/// What is being done, for a bar of progress: the market, and how far of how much.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// What is being worked on.
    pub doing: &'a str,
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub of: usize,
}

/// Back-tests, telling `progress` before each step.
///
/// # Errors
///
/// [`Error`] says in one sentence what is wrong and what to do.
pub fn run(request: &Request, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Finished, Error> {
    progress(Progress { doing: "reading bars", done: 0, of: 1 });
    let (series, left_out) = data::choose(feeds::open(&request.data)?);
    if series.is_empty() {
        return Err(Error::NoMarkets);
    }
    let chosen = chosen(request, &series)?;
    let wish =
        Wish { from: request.from, to: request.to, accounts: request.accounts, seed: request.seed };
    let mut cases = Vec::new();
    for (i, (series, theirs)) in chosen.iter().enumerate() {
        progress(Progress { doing: &series.name(), done: i, of: chosen.len() });
        cases.push(Case::of((*series).clone(), *theirs, &wish)?);
    }
    if request.networks {
        let doing = "training the networks, some minutes";
        progress(Progress { doing, done: chosen.len(), of: chosen.len() });
        let series: Vec<&Series> = chosen.iter().map(|(series, _)| *series).collect();
        mixture::mix(&mut cases, &series)?;
    }
    let mut fitted = Vec::new();
    for path in &request.chains {
        fitted.extend(surfaces(path, (None, false), progress)?);
    }
    progress(Progress { doing: "writing", done: chosen.len(), of: chosen.len() });
    let header = Header {
        command: request.command.clone(),
        params: request.params.as_ref().map(|table| table.path.display().to_string()),
        left_out,
        count: request.accounts,
        seed: request.seed,
    };
    let report = Report::of(header, &cases, fitted);
    let html = html::page(&report, &cases)?;
    Ok(Finished { report, html })
}

/// Returns the series to report on, each with its rows of the table.
fn chosen<'a>(
    request: &'a Request,
    series: &'a [Series],
) -> Result<Vec<(&'a Series, Option<Theirs<'a>>)>, Error> {
    let mut chosen: Vec<(&Series, Option<Theirs<'_>>)> = Vec::new();
    let mut named = BTreeMap::<String, &str>::new();
    let mut add = |market: &'a str, rows: Option<&'a [params::Row]>| {
        let found = data::find(series, market)?;
        if let Some(first) = named.insert(found.name(), market) {
            let (first, second) = (first.to_owned(), market.to_owned());
            return Err(Error::Twice { first, second, series: found.name() });
        }
        chosen.push((found, rows.map(|rows| Theirs { market, rows })));
        Ok(())
    };
    match &request.params {
        Some(table) => {
            let wanted = |market: &str| {
                let same = |name: &String| name.eq_ignore_ascii_case(market);
                request.markets.is_empty() || request.markets.iter().any(same)
            };
            for (market, rows) in table.markets.iter().filter(|(market, _)| wanted(market)) {
                add(market, Some(rows))?;
            }
        }
        None => {
            for market in &request.markets {
                add(market, None)?;
            }
        }
    }
    if chosen.is_empty() && request.params.is_none() {
        return Ok(series.iter().map(|series| (series, None)).collect());
    }
    if chosen.is_empty() {
        let there = request.params.iter().flat_map(|table| &table.markets);
        let there = there.map(|(market, _)| market.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Error::Unlisted { market: request.markets.join(", "), there });
    }
    Ok(chosen)
}

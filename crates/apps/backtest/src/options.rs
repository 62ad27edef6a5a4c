//! February 2026: portfolios of real options through a crash, chain by chain.
//!
//! There are no bars of those days here, only option chains: daily from the end of 2025, some six
//! hours apart in the crash. Margins are those of [`market::scenario`] on surfaces of
//! [`market::surface`]; the systems differ by how wide their grid is. Two of them cost what ours
//! did on the days before, the published static table what it costs.
//!
//! *Invariant: no capture from the window on decides a margin before it, or a system's scale.*
//! Absent: whatever happens between two captures.

mod captures;
mod portfolios;
mod walk;
mod widths;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use market::Date;
use market::surface::Chain;

use crate::accounts::{Exit, Margins, Outcome};
use crate::clearing::{self, Beside, Chains, OnChain};
use crate::data::{self, Prices};
use crate::error::Error;
use crate::measures::mean;
use crate::replay::{
    Form, Played, ReplayMarket, ReplayReport, ReplayRequest, Replayed, Side, page,
};
use crate::track::{Hour, Sides};
use captures::captures;
use portfolios::{Arrays, LEGS, Wishes, draw, program};
use walk::Market;
use widths::widths;

pub(crate) use captures::Capture;
pub(crate) use portfolios::{Instrument, leg};
pub(crate) use walk::{Account, key};
pub(crate) use widths::Asked;

/// Days before the window over which costs are made equal.
const COST_DAYS: i32 = 20;
/// Days before those that averages are warmed up on, at least.
const WARM_DAYS: i32 = 10;
/// Portfolios a capture that a cost is the mean of.
const COST_PORTFOLIOS: u64 = 100;
/// Costs that differ by less than this share are equal.
const EQUAL: f64 = 1e-9;
/// Steps to the factor that makes a cost equal, at most.
const STEPS_MAX: usize = 30;

/// Replays a crash on option chains, telling `progress` each step before it begins.
///
/// # Errors
///
/// [`Error`] says in one sentence what is wrong and what to do.
pub(crate) fn replay(
    request: &ReplayRequest,
    progress: &mut dyn FnMut(&str),
) -> Result<Replayed, Error> {
    let crash = request.crash;
    let by_asset = read(request)?;
    let wanted = |asset: &str| {
        let same = |name: &String| data::base(name).eq_ignore_ascii_case(asset);
        request.markets.is_empty() || request.markets.iter().any(same)
    };
    let mut played = Vec::new();
    for (asset, chains) in by_asset.iter().filter(|(asset, _)| wanted(asset)) {
        progress(&format!("{asset}: surfaces of {} chains", chains.len()));
        let captures = captures(chains)?;
        progress(&format!("{asset}: accounts"));
        played.push(play(request, asset, &captures)?);
    }
    if played.is_empty() {
        let there = by_asset.keys().cloned().collect::<Vec<_>>().join(", ");
        return Err(Error::Unknown { market: request.markets.join(", "), there });
    }
    let report = ReplayReport {
        crash: crash.name,
        title: crash.title,
        window: [crash.from, crash.to],
        command: request.command.clone(),
        seen: crash.seen,
        notes: notes(request, &played),
        accounts: format!(
            "{} accounts an asset from seed {}. {}",
            request.accounts,
            request.seed,
            portfolios::RECIPE
        ),
        costs: words::COSTS,
        markets: played.iter().map(|played| played.market.clone()).collect(),
    };
    let html = page::page(&report, &played)?;
    Ok(Replayed { report, html })
}

/// What the replay rests on.
fn notes(request: &ReplayRequest, played: &[Played]) -> Vec<String> {
    let mut notes = words::notes();
    let sides = played.iter().flat_map(|played| &played.market.sides);
    let ran = sides.filter_map(|side| side.contracts.as_ref()).map(|out| out.accounts);
    notes.push(match (request.contracts, ran.max()) {
        (0, _) | (_, None) => "No contract runs in this replay.".to_owned(),
        (_, Some(most)) => clearing::notes(most, Form::Captures),
    });
    notes
}

fn day(text: &str) -> Date {
    text.parse().expect("days are written as days")
}

/// The chains of the folders up to the end of the window, by asset, one a moment.
fn read(request: &ReplayRequest) -> Result<BTreeMap<String, Vec<Chain>>, Error> {
    let crash = &request.crash;
    let mut found: BTreeMap<String, BTreeMap<i64, Chain>> = BTreeMap::new();
    for path in &request.data {
        for file in files(path)? {
            for chain in feeds::chains(&file)? {
                if chain.time_s < day(crash.to).next().unix() {
                    found.entry(chain.asset.clone()).or_default().insert(chain.time_s, chain);
                }
            }
        }
    }
    let learnt = Date::from_number(day(crash.from).number() - COST_DAYS - WARM_DAYS);
    let covers = |chains: &BTreeMap<i64, Chain>| {
        let first = chains.keys().next().is_some_and(|first| *first < learnt.unix());
        let last = chains.keys().next_back().is_some_and(|last| *last >= day(crash.to).unix());
        first && last
    };
    found.retain(|_, chains| covers(chains));
    if found.is_empty() {
        let folders = request.data.iter().map(|path| path.display().to_string()).collect();
        let from = learnt.to_string();
        return Err(Error::NoCrashChains { crash: crash.name, folders, from, to: crash.to });
    }
    let chains =
        |(asset, chains): (String, BTreeMap<i64, Chain>)| (asset, chains.into_values().collect());
    Ok(found.into_iter().map(chains).collect())
}

/// A file, or the parquet files of a folder in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |error: std::io::Error| feeds::FeedError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|end| end == "parquet") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// One system's margins, capture by capture.
struct System {
    name: &'static str,
    asked: Vec<Asked>,
    /// Mean initial margin a unit of gross notional, before the window and in it.
    cost: [f64; 2],
}

pub(crate) fn play(
    request: &ReplayRequest,
    asset: &str,
    captures: &[Capture],
) -> Result<Played, Error> {
    let crash = &request.crash;
    let from = captures.partition_point(|capture| capture.time_s < day(crash.from).unix());
    let costs_s = Date::from_number(day(crash.from).number() - COST_DAYS).unix();
    let costs = captures.partition_point(|capture| capture.time_s < costs_s);
    let outlive_s = day(crash.to).next().unix();
    let systems = systems(request, asset, captures, (costs, from))?;
    let window = &captures[from..];
    // Nobody begins at the last capture.
    let begin = &window[..window.len() - 1];
    let count = request.accounts as u64;
    let wishes: Vec<Wishes> =
        (0..count).filter_map(|i| draw(request.seed, i, outlive_s, begin)).collect();
    let (market, accounts) = Market::of(window, &wishes)?;
    let bars = bars(captures, from);
    let (mut sides, mut unquoted) = (Vec::new(), Vec::new());
    for system in &systems {
        let (outcome, missing) = market.walk(&accounts, &system.asked[from..], Exit::Later)?;
        unquoted.push(missing);
        let mut side = side(request, system, (window, from), outcome);
        let count = clearing::fitting(&accounts, request.contracts);
        let chains = Chains { crash, captures: window, accounts: &accounts[..count] };
        side.contracts = on_contracts(&market, chains, &system.asked[from..])?;
        sides.push(side);
    }
    let within = |capture: &&Capture| (crash.begins_s..crash.ends_s).contains(&capture.time_s);
    let inside = || window.iter().filter(within).map(|capture| capture.index);
    let before = window.iter().rev().find(|capture| capture.time_s < crash.begins_s);
    let carried = window.iter().flat_map(|c| c.expiries.values()).filter(|l| l.carried).count();
    let mut replayed = ReplayMarket {
        series: format!("deribit {asset} options"),
        bar_minutes: 360,
        fitted: day(crash.fitted).to_string(),
        holes: Vec::new(),
        prices: [
            before.map_or(f64::NAN, |capture| capture.index),
            inside().fold(f64::MAX, f64::min),
            inside().fold(f64::MIN, f64::max),
        ],
        sides,
        verdict: Vec::new(),
    };
    replayed.verdict = words::verdict(&replayed, window, (carried, unquoted[0]));
    replayed.verdict.extend(clearing::verdict(&replayed.sides, Form::Captures));
    let margins = systems.iter().map(|system| Margins {
        initial: system.asked[from..].iter().map(|asked| asked.initial.half).collect(),
        maintenance: system.asked[from..].iter().map(linear).collect(),
    });
    let margins = margins.collect();
    Ok(Played { market: replayed, bars, margins, shown: 0, form: Form::Captures })
}

/// The first accounts on the contracts, under one system; nothing where none are asked for.
fn on_contracts(
    market: &Market<'_>,
    chains: Chains<'_>,
    asked: &[Asked],
) -> Result<Option<OnChain>, Error> {
    if chains.accounts.is_empty() {
        return Ok(None);
    }
    let unpaced = |asked: &Asked| Asked { maintenance: asked.initial, ..*asked };
    let unpaced: Vec<Asked> = asked.iter().map(unpaced).collect();
    let out = clearing::run_chains(chains, asked, |liquidated| {
        let walk = |asked, exit| Ok::<_, Error>(market.walk(chains.accounts, asked, exit)?.0);
        let all = [
            walk(asked, Exit::Later)?,
            walk(&unpaced, Exit::Later)?,
            walk(&unpaced, Exit::AtOnce)?,
        ];
        Ok(all.map(|outcome| Beside::of(&outcome, liquidated)))
    })?;
    Ok(Some(out))
}

/// Maintenance margin of a linear position.
fn linear(asked: &Asked) -> f64 {
    asked.share * asked.maintenance.half
}

/// Ours; the published table; the same and historical simulation at our cost before the window.
fn systems(
    request: &ReplayRequest,
    asset: &str,
    captures: &[Capture],
    (costs, from): (usize, usize),
) -> Result<Vec<System>, Error> {
    let followed = widths(asset, captures, data::floor(asset))?;
    let (ours, fhs): (Vec<Asked>, Vec<Asked>) = followed.into_iter().unzip();
    let portfolios = Portfolios::of(request, captures, costs)?;
    let cost = |asked: &[Asked]| -> Result<[f64; 2], Error> {
        let all = portfolios.costs(&asked[costs..])?;
        let (before, within) = all.split_at(from - costs);
        Ok([mean(before), mean(within)])
    };
    let target = cost(&ours)?[0];
    let equal = |asked: &[Asked]| -> Result<Vec<Asked>, Error> {
        let factor = factor(target, |factor| {
            let tried: Vec<Asked> =
                asked[costs..from].iter().map(|asked| asked.times(factor)).collect();
            Ok(mean(&portfolios.costs(&tried)?))
        })?;
        Ok(asked.iter().map(|asked| asked.times(factor)).collect())
    };
    let share = ours[0].share;
    let table = vec![Asked::fixed(0.5); captures.len()];
    let scaled = equal(&vec![Asked::fixed(share); captures.len()])?;
    let fhs = equal(&fhs)?;
    let mut systems = Vec::new();
    for (name, asked) in [("ours", ours), ("table", table), ("static", scaled), ("fhs", fhs)] {
        systems.push(System { name, cost: cost(&asked)?, asked });
    }
    Ok(systems)
}

/// Returns the factor at which a cost is the one wanted: the secant's way in logarithms, in which
/// costs are nearly straight.
fn factor(wanted: f64, cost: impl Fn(f64) -> Result<f64, Error>) -> Result<f64, Error> {
    let (mut ln, mut slope) = (0.0_f64, 1.0_f64);
    let mut last: Option<(f64, f64)> = None;
    for _ in 0..STEPS_MAX {
        let miss = (cost(ln.exp())? / wanted).ln();
        if miss.abs() < EQUAL {
            break;
        }
        if let Some((at, missed)) = last {
            slope = ((miss - missed) / (ln - at)).clamp(0.25, 4.0);
        }
        last = Some((ln, miss));
        ln -= miss / slope;
    }
    Ok(ln.exp())
}

/// Portfolios by the accounts' recipe at each capture, of gross notional one: what a cost is the
/// mean of.
struct Portfolios {
    program: tensor::Program,
    /// Those of each capture.
    drawn: Vec<Drawn>,
}

/// The portfolios of a capture.
struct Drawn {
    /// The legs of all, padded to one number.
    legs: Vec<market::scenario::Leg>,
    /// Places and units of each portfolio.
    positions: Vec<Vec<(usize, f64)>>,
    spot: f64,
}

impl Portfolios {
    fn of(request: &ReplayRequest, captures: &[Capture], first: usize) -> Result<Self, Error> {
        let legs_max = usize::try_from(COST_PORTFOLIOS).unwrap_or(1) * LEGS;
        let mut drawn = Vec::new();
        for (t, capture) in captures.iter().enumerate().skip(first) {
            let (mut legs, mut positions) = (Vec::new(), Vec::new());
            for i in 0..COST_PORTFOLIOS {
                // Other numbers than any account's.
                let number = u64::MAX / 256 - (t as u64) * COST_PORTFOLIOS - i;
                let one = std::slice::from_ref(capture);
                let outlive_s = capture.time_s + 5 * 86_400;
                let Some(wishes) = draw(request.seed, number, outlive_s, one) else { continue };
                let place = |(what, units): &(portfolios::Instrument, f64)| {
                    legs.push(leg(what, capture)?);
                    Some((legs.len() - 1, *units))
                };
                positions.push(wishes.legs.iter().filter_map(place).collect());
            }
            let future = market::scenario::Leg::perpetual(1.0, capture.index);
            legs.resize(legs_max, future);
            drawn.push(Drawn { legs, positions, spot: capture.index });
        }
        Ok(Portfolios { program: program(legs_max)?, drawn })
    }

    /// Returns the mean initial margin at each capture from the first on.
    fn costs(&self, asked: &[Asked]) -> Result<Vec<f64>, Error> {
        let one = |(drawn, asked): (&Drawn, &Asked)| {
            let arrays = Arrays::of(&self.program, &drawn.legs, asked.initial)?;
            let margin = |positions: &Vec<_>| arrays.margin(positions, drawn.spot);
            Ok(mean(&drawn.positions.iter().map(margin).collect::<Vec<_>>()))
        };
        self.drawn.iter().zip(asked).map(one).collect()
    }
}

fn side(
    request: &ReplayRequest,
    system: &System,
    (window, from): (&[Capture], usize),
    outcome: Outcome,
) -> Side {
    let crash = &request.crash;
    let inside = |t: &usize| (crash.begins_s..crash.ends_s).contains(&window[*t].time_s);
    let asked = &system.asked[from..];
    let pair = |asked: &Asked| [asked.initial.half, linear(asked)];
    let before = (0..window.len()).rev().find(|t| window[*t].time_s < crash.begins_s);
    let within: Vec<[f64; 2]> =
        (0..window.len()).filter(|t| inside(t)).map(|t| pair(&asked[t])).collect();
    let most = |i: usize| within.iter().map(|pair| pair[i]).fold(0.0, f64::max);
    let steps = asked.windows(2).map(|two| linear(&two[1]) / linear(&two[0]));
    let notional = outcome.notional_cents.max(1) as f64;
    Side {
        name: system.name,
        mean_before: system.cost[0],
        mean_window: system.cost[1],
        before: before.map_or([f64::NAN; 2], |t| pair(&asked[t])),
        during: [most(0), most(1)],
        after: asked.last().map_or([f64::NAN; 2], pair),
        largest_step: steps.fold(1.0, f64::max),
        liquidated_in_crash: outcome.liquidations.iter().filter(|t| inside(t)).count(),
        bad_debt_a_million: 1e6 * outcome.bad_debt_cents as f64 / notional,
        outcome,
        contracts: None,
    }
}

/// The captures of the window as the page draws bars.
fn bars(captures: &[Capture], from: usize) -> Vec<Hour> {
    let bar = |t: usize| {
        let (open_s, close) = (captures[t].time_s, captures[t].index);
        let before = captures[t.saturating_sub(1)].index;
        let (high, low) = (before.max(close), before.min(close));
        Hour {
            prices: Prices { open_s, before, high, low, close },
            volatility: [0.0; 3],
            quantile: Sides::default(),
            shortfall: Sides::default(),
            u: 0.0,
            initial: 0.0,
            maintenance: 0.0,
        }
    };
    (from..captures.len()).map(bar).collect()
}

#[cfg(test)]
mod tests;

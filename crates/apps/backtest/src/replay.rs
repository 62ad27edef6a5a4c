//! A real crash, replayed on the finest bars there are: our margins, a static one and one from
//! filtered historical simulation, on the same seeded accounts.
//!
//! The other two cost what ours did: each is scaled so that its mean initial margin over the year
//! before the window is ours over that year, which was known when the window began. Margins are set
//! on the hour; accounts are looked at on every bar.
//!
//! *Invariant: nothing from the window on decides a margin before it, or the other two's scale.*
//! Absent: contracts; money here follows the same rules as in a back-test.

use std::path::PathBuf;

use feeds::Part;
use market::risk::{Config, RiskError, fhs_ewma};
use market::{Date, Series};
use serde::Serialize;

use crate::accounts::{self, Account, Margins, Outcome};
use crate::clearing::{self, Course, OnChain};
use crate::data::{self, HOUR_S, Prices};
use crate::engine::{self, Lived};
use crate::error::Error;
use crate::measures::mean;
use crate::options;
use crate::track::Hour;

pub mod choose;
mod chosen;
mod crash;
pub(crate) mod page;
mod words;

pub use crash::{CRASHES, Crash};

/// Days before the crash on which accounts may have begun.
const OPEN_DAYS: i32 = 30;
/// Days before the window over which costs are made equal.
const COST_DAYS: i32 = 365;
/// The share of hours that the historical simulation's quantile leaves.
const LEVEL: f64 = 0.995;

/// What to replay.
#[derive(Clone, Debug)]
pub struct ReplayRequest {
    /// The crash.
    pub crash: Crash,
    /// Folders or files of bars, as [`feeds::open`] takes them.
    pub data: Vec<PathBuf>,
    /// The markets; none means all whose bars cover the window.
    pub markets: Vec<String>,
    /// Accounts a market.
    pub accounts: usize,
    /// How many of them, the first, go on the contracts of each system too; 0 leaves them out.
    pub contracts: usize,
    /// What decides them.
    pub seed: u64,
    /// The command that makes it again.
    pub command: String,
}

/// What a system of margins did. Margins are shares of a position's value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// `ours`, `static`, `fhs`, or `table` for the published one.
    pub name: &'static str,
    /// Mean initial margin over the year before the window: the same for all.
    pub mean_before: f64,
    /// Mean initial margin over the window and the days on which accounts began.
    pub mean_window: f64,
    /// Initial and maintenance margin of the last hour before the crash.
    pub before: [f64; 2],
    /// The largest of each within the crash.
    pub during: [f64; 2],
    /// Of the last hour of the window.
    pub after: [f64; 2],
    /// The largest factor of maintenance margin from one hour to the next.
    pub largest_step: f64,
    /// What became of the accounts.
    pub outcome: Outcome,
    /// Accounts liquidated within the crash.
    pub liquidated_in_crash: usize,
    /// Bad debt for each million of positions opened.
    pub bad_debt_a_million: f64,
    /// What the first of the same accounts did on the contracts.
    pub contracts: Option<OnChain>,
}

/// Hours on end that brought no price.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoPrice {
    /// When the first of them begins, Unix seconds.
    pub open_s: i64,
    /// How many there are.
    pub hours: usize,
    /// Whether the source filled them with its last price, without a trade.
    pub flat: bool,
}

/// One market's replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplayMarket {
    /// Venue and symbol.
    pub series: String,
    /// Minutes of a bar that accounts are looked at on.
    pub bar_minutes: i64,
    /// The last day whose hours our coefficients were fitted to.
    pub fitted: String,
    /// Hours on end that brought no price, up to the end of the window.
    pub holes: Vec<NoPrice>,
    /// Price before the crash, and the lowest and highest within it.
    pub prices: [f64; 3],
    /// The systems, ours first.
    pub sides: Vec<Side>,
    /// What came out, in sentences.
    pub verdict: Vec<String>,
}

/// A replay as data; the page shows no other number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplayReport {
    /// The crash's name.
    pub crash: &'static str,
    /// What happened.
    pub title: &'static str,
    /// First and last day of the window.
    pub window: [&'static str; 2],
    /// The command that makes it again.
    pub command: String,
    /// What the engine's choices had seen.
    pub seen: &'static str,
    /// What it rests on besides.
    pub notes: Vec<String>,
    /// How accounts were made.
    pub accounts: String,
    /// How the others were scaled.
    pub costs: &'static str,
    /// The markets.
    pub markets: Vec<ReplayMarket>,
}

impl NoPrice {
    fn of(hole: &market::Hole) -> NoPrice {
        NoPrice { open_s: hole.open_s, hours: hole.hours, flat: hole.flat }
    }
}

/// A finished replay.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The numbers.
    pub report: ReplayReport,
    /// The page made of them.
    pub html: String,
}

/// One market with what its plots need.
pub(crate) struct Played {
    pub(crate) market: ReplayMarket,
    /// Bars of the accounts' window, as hours of the engine that holds then.
    pub(crate) bars: Vec<Hour>,
    pub(crate) margins: Vec<Margins>,
    /// First bar of the window that is shown.
    pub(crate) shown: usize,
    pub(crate) form: Form,
}

/// What accounts are looked at on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Bars.
    Bars,
    /// Option chains.
    Captures,
}

/// Replays a crash, telling `progress` each market before it begins.
///
/// # Errors
///
/// [`Error`] says in one sentence what is wrong and what to do.
pub fn replay(request: &ReplayRequest, progress: &mut dyn FnMut(&str)) -> Result<Replayed, Error> {
    let crash = request.crash;
    if crash.chains {
        return options::replay(request, progress);
    }
    let hole_s = HOUR_S * i64::try_from(crash.holes_h).unwrap_or(0);
    // Nothing after the window is so much as in memory.
    let part = Part { before_s: day(crash.to).next().unix(), hole_s };
    let all = feeds::open_part(&request.data, part)?;
    let (chosen, _) = data::choose(all.clone());
    let names: Vec<String> = if request.markets.is_empty() {
        let covers = |series: &&Series| covers(series, &crash);
        chosen.iter().filter(covers).map(Series::name).collect()
    } else {
        request.markets.clone()
    };
    if names.is_empty() {
        let asked = format!("{} to {}", crash.from, crash.to);
        return Err(Error::NoCrash { crash: crash.name, asked });
    }
    let mut played = Vec::new();
    for name in &names {
        progress(name);
        let hourly = data::find(&chosen, name)?;
        played.push(play(request, (hourly, &finest(&all, hourly, &crash)), progress)?);
    }
    let report = ReplayReport {
        crash: crash.name,
        title: crash.title,
        window: [crash.from, crash.to],
        command: request.command.clone(),
        seen: crash.seen,
        notes: notes(request, &played),
        accounts: format!(
            "{} accounts a market from seed {}. {}",
            request.accounts,
            request.seed,
            accounts::RECIPE
        ),
        costs: "The static margin and that of filtered historical simulation are scaled so that \
                their mean initial margin over the 365 days before the window is ours; maintenance \
                is the same share of initial for all where ours is not paced.",
        markets: played.iter().map(|played| played.market.clone()).collect(),
    };
    let html = page::page(&report, &played)?;
    Ok(Replayed { report, html })
}

fn day(text: &str) -> Date {
    text.parse().expect("days are written as days")
}

fn covers(series: &Series, crash: &Crash) -> bool {
    let (Some(first), Some(last)) = (series.bars.first(), series.bars.last()) else { return false };
    let learnt = day(crash.from).number() - COST_DAYS - OPEN_DAYS;
    first.open_s <= Date::from_number(learnt).unix()
        && last.open_s + series.interval_s >= day(crash.to).next().unix()
}

/// Returns the finest series of the same market that covers the accounts' window.
fn finest(all: &[Series], hourly: &Series, crash: &Crash) -> Series {
    let from = Date::from_number(day(crash.from).number() - OPEN_DAYS).unix();
    let to = day(crash.to).next().unix();
    let fits = |series: &&Series| {
        let ends = |last: &market::Bar| last.open_s + series.interval_s >= to;
        (&series.venue, &series.symbol) == (&hourly.venue, &hourly.symbol)
            && HOUR_S % series.interval_s.max(1) == 0
            && series.bars.first().is_some_and(|first| first.open_s < from)
            && series.bars.last().is_some_and(ends)
    };
    let found = all.iter().filter(fits).min_by_key(|series| series.interval_s);
    found.unwrap_or(hourly).clone()
}

/// One system's margins by hour, from the year before the window on.
struct System {
    name: &'static str,
    initial: Vec<f64>,
    maintenance: Vec<f64>,
}

fn play(
    request: &ReplayRequest,
    (hourly, fine): (&Series, &Series),
    progress: &mut dyn FnMut(&str),
) -> Result<Played, Error> {
    let crash = &request.crash;
    let config = chosen::config(crash, data::floor(&hourly.symbol));
    let Lived { track, holes, fitted } = engine::live(hourly, &config, crash.holes_h)?;
    let hours = track.hours;
    let opens_s = Date::from_number(day(crash.from).number() - OPEN_DAYS).unix();
    let costs_s = Date::from_number(day(crash.from).number() - COST_DAYS).unix();
    let year: Vec<Hour> = hours.into_iter().filter(|h| h.prices.open_s >= costs_s).collect();
    let hole_s = HOUR_S * i64::try_from(crash.holes_h).unwrap_or(0);
    if year.first().is_none_or(|hour| hour.prices.open_s > costs_s + hole_s) {
        let asked = format!("{} to {}, and a year before", crash.from, crash.to);
        return Err(Error::NoCrash { crash: crash.name, asked });
    }
    let systems = systems(hourly, &year, (crash, &config))?;
    let (bars, places) = bars(fine, &year, opens_s);
    let spread = |values: &[f64]| places.iter().map(|place| values[*place]).collect();
    let margins: Vec<Margins> = systems
        .iter()
        .map(|system| Margins {
            initial: spread(&system.initial),
            maintenance: spread(&system.maintenance),
        })
        .collect();
    let bars_an_hour = usize::try_from(HOUR_S / fine.interval_s.max(1)).unwrap_or(1);
    let accounts = draw(request, (bars.len(), bars_an_hour));
    let before_s = day(crash.from).unix();
    let mut sides: Vec<Side> = systems
        .iter()
        .zip(&margins)
        .map(|(system, margins)| {
            side(system, (&year, before_s), (crash, &bars, margins), &accounts)
        })
        .collect();
    let count = request.contracts.min(accounts.len());
    let course = Course {
        crash,
        bars: &bars,
        interval_s: fine.interval_s,
        accounts: &accounts[..count],
        share: config.tail.share,
    };
    on_contracts(&course, (&mut sides, &margins), (&hourly.name(), progress))?;
    let mut market = ReplayMarket {
        series: hourly.name(),
        bar_minutes: fine.interval_s / 60,
        fitted: fitted.to_string(),
        holes: holes.iter().map(NoPrice::of).collect(),
        prices: prices(&bars, crash),
        sides,
        verdict: Vec::new(),
    };
    market.verdict = words::verdict(&market);
    market.verdict.extend(clearing::verdict(&market.sides, Form::Bars));
    let shown = bars.partition_point(|bar| bar.prices.open_s < before_s);
    Ok(Played { market, bars, margins, shown, form: Form::Bars })
}

/// Runs each system's accounts on the contracts, unless none are asked for or bars are too fine.
fn on_contracts(
    course: &Course<'_>,
    (sides, margins): (&mut [Side], &[Margins]),
    (market, progress): (&str, &mut dyn FnMut(&str)),
) -> Result<(), Error> {
    if !course.can_run() {
        return Ok(());
    }
    progress(&format!("{market}, on the contracts"));
    let outs: Vec<Result<OnChain, Error>> = std::thread::scope(|scope| {
        let run = |margins| scope.spawn(move || clearing::run(*course, margins));
        let running: Vec<_> = margins.iter().map(run).collect();
        let out =
            |run: std::thread::ScopedJoinHandle<'_, _>| run.join().expect("it ran to its end");
        running.into_iter().map(out).collect()
    });
    for (side, out) in sides.iter_mut().zip(outs) {
        side.contracts = Some(out?);
    }
    Ok(())
}

/// What a replay on bars rests on besides.
fn notes(request: &ReplayRequest, played: &[Played]) -> Vec<String> {
    let holes = Some(request.crash.holes_h).filter(|h| *h > 0).map(words::holes);
    let ran = |played: &&Played| played.market.sides.iter().any(|side| side.contracts.is_some());
    let accounts = request.contracts.min(request.accounts);
    let contracts = match played.iter().filter(ran).count() {
        0 => "No contract runs in this replay.".to_owned(),
        some if some == played.len() => clearing::notes(accounts, Form::Bars),
        _ => format!(
            "{} Markets whose bars are shorter than five minutes are not on them.",
            clearing::notes(accounts, Form::Bars)
        ),
    };
    holes.into_iter().chain([contracts]).collect()
}

/// Ours, the static one and that of historical simulation, at one cost.
fn systems(
    series: &Series,
    year: &[Hour],
    (crash, config): (&Crash, &Config),
) -> Result<Vec<System>, Error> {
    let before = year.partition_point(|hour| hour.prices.open_s < day(crash.from).unix());
    let share = config.tail.share;
    let ours = System {
        name: "ours",
        initial: year.iter().map(|hour| hour.initial).collect(),
        maintenance: year.iter().map(|hour| hour.maintenance).collect(),
    };
    let cost = mean(&ours.initial[..before]);
    let fixed = vec![cost; year.len()];
    let (hours, _) = market::hourly_with_holes(series, crash.holes_h).map_err(RiskError::from)?;
    let sides = [1.0, -1.0].map(|sign| fhs_ewma(&hours, sign, LEVEL));
    let place = |hour: &Hour| hours.partition_point(|h| h.open_s < hour.prices.open_s);
    let worse: Vec<f64> = year.iter().map(place).map(|t| sides[0][t].max(sides[1][t])).collect();
    let factor = cost / mean(&worse[..before]);
    let scaled: Vec<f64> = worse.iter().map(|quantile| (quantile * factor).min(1.0)).collect();
    let of = |initial: Vec<f64>, name| System {
        name,
        maintenance: initial.iter().map(|margin| margin * share).collect(),
        initial,
    };
    Ok(vec![ours, of(fixed, "static"), of(scaled, "fhs")])
}

/// The bars of the accounts' window, each with the place of its hour.
fn bars(fine: &Series, year: &[Hour], opens_s: i64) -> (Vec<Hour>, Vec<usize>) {
    let mut before = None;
    let (mut bars, mut places) = (Vec::new(), Vec::new());
    for bar in &fine.bars {
        let hour_s = bar.open_s.div_euclid(HOUR_S) * HOUR_S;
        let place = year.binary_search_by_key(&hour_s, |hour| hour.prices.open_s);
        if let (Ok(place), Some(before), true) = (place, before, bar.open_s >= opens_s) {
            let (open_s, high, low, close) = (bar.open_s, bar.high, bar.low, bar.close);
            bars.push(Hour { prices: Prices { open_s, before, high, low, close }, ..year[place] });
            places.push(place);
        }
        before = Some(bar.close);
    }
    (bars, places)
}

/// The accounts of a back-test, on bars instead of hours.
fn draw(request: &ReplayRequest, (bars, an_hour): (usize, usize)) -> Vec<Account> {
    let hours = bars / an_hour.max(1);
    let finer = |account: Account| Account {
        from: account.from * an_hour,
        hours: account.hours * an_hour,
        ..account
    };
    accounts::draw(request.accounts, hours, request.seed).into_iter().map(finer).collect()
}

fn side(
    system: &System,
    (year, before_s): (&[Hour], i64),
    (crash, bars, margins): (&Crash, &[Hour], &Margins),
    accounts: &[Account],
) -> Side {
    let outcome = accounts::simulate(accounts, bars, margins);
    let place = |open_s: i64| year.partition_point(|hour| hour.prices.open_s < open_s);
    let (begins, ends) = (place(crash.begins_s), place(crash.ends_s));
    let at = |t: usize| [system.initial[t], system.maintenance[t]];
    let most = |values: &[f64]| values[begins..ends].iter().copied().fold(0.0, f64::max);
    let steps = system.maintenance[place(before_s)..].windows(2).map(|pair| pair[1] / pair[0]);
    let inside = |t: &usize| (crash.begins_s..crash.ends_s).contains(&bars[*t].prices.open_s);
    let notional = outcome.notional_cents.max(1) as f64;
    Side {
        name: system.name,
        mean_before: mean(&system.initial[..place(before_s)]),
        mean_window: mean(&margins.initial),
        before: at(begins - 1),
        during: [most(&system.initial), most(&system.maintenance)],
        after: at(year.len() - 1),
        largest_step: steps.fold(1.0, f64::max),
        liquidated_in_crash: outcome.liquidations.iter().filter(|t| inside(t)).count(),
        bad_debt_a_million: 1e6 * outcome.bad_debt_cents as f64 / notional,
        outcome,
        contracts: None,
    }
}

fn prices(bars: &[Hour], crash: &Crash) -> [f64; 3] {
    let inside = |bar: &&Hour| (crash.begins_s..crash.ends_s).contains(&bar.prices.open_s);
    let bars: Vec<&Hour> = bars.iter().filter(inside).collect();
    let low = bars.iter().map(|bar| bar.prices.low).fold(f64::MAX, f64::min);
    let high = bars.iter().map(|bar| bar.prices.high).fold(f64::MIN, f64::max);
    [bars.first().map_or(f64::NAN, |bar| bar.prices.before), low, high]
}

#[cfg(test)]
mod tests;

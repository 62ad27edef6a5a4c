//! One market's window with every system of margins that is compared on it.
//!
//! *Invariant: all systems see the same hours and the same accounts.*

use market::{Date, Series};

use crate::accounts::{self, Account, Margins, Outcome};
use crate::data;
use crate::engine;
use crate::error::Error;
use crate::measures::mean;
use crate::params::Row;
use crate::track::{Day, Hour, Track};

/// A protocol's rows for a market, as she calls it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theirs<'a> {
    pub(crate) market: &'a str,
    pub(crate) rows: &'a [Row],
}

/// A system of margins and what became of the accounts under it.
#[derive(Clone, Debug)]
pub(crate) struct System {
    pub(crate) margins: Margins,
    pub(crate) outcome: Outcome,
}

/// Both systems, each times one factor so that its mean initial margin is the other's.
#[derive(Clone, Debug)]
pub(crate) struct Scaled {
    pub(crate) theirs: System,
    pub(crate) ours: System,
    /// What hers are multiplied by; ours are divided by it.
    pub(crate) factor: f64,
}

/// One market's window.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Venue and symbol.
    pub(crate) name: String,
    /// As the table calls it.
    pub(crate) alias: Option<String>,
    pub(crate) interval_s: i64,
    /// First and last day of the data that were used.
    pub(crate) data: (Date, Date),
    /// How the realised variance of a day was measured.
    pub(crate) proxy: String,
    /// First and last day of the window.
    pub(crate) window: (Date, Date),
    /// The first hour, Unix seconds, that is forecast from the market's own history alone.
    pub(crate) grown_s: i64,
    /// The least and the last floor.
    pub(crate) floor: f64,
    pub(crate) hours: Vec<Hour>,
    pub(crate) days: Vec<Day>,
    /// What each worker counted in the forecast of a day, where the mixture made it.
    pub(crate) weights: Vec<(Date, Vec<f64>)>,
    pub(crate) ours: System,
    pub(crate) theirs: Option<System>,
    /// Both at the other's cost.
    pub(crate) scaled: Option<Scaled>,
}

/// What is asked of every market.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    pub(crate) accounts: usize,
    pub(crate) seed: u64,
}

impl Case {
    /// Runs the engine and the accounts over one market.
    pub(crate) fn of(
        mut series: Series,
        theirs: Option<Theirs<'_>>,
        wish: &Wish,
    ) -> Result<Case, Error> {
        let (from, to) = window(&series, theirs, wish)?;
        // Nothing after the window is so much as in memory.
        series.bars.retain(|bar| bar.open_s < to.next().unix());
        let default = data::floor(&series.symbol);
        let floor = least_floor(theirs, default);
        let Track { hours, days } = engine::track(&series, floor)?;
        let hours: Vec<Hour> =
            hours.into_iter().filter(|h| h.prices.open_s >= from.unix()).collect();
        let days: Vec<Day> = days.into_iter().filter(|day| day.date >= from).collect();
        let accounts = accounts::draw(wish.accounts, hours.len(), wish.seed);
        let system = |margins: Margins| System::of(&accounts, &hours, margins);
        let ours = system(ours(&hours, theirs, default));
        let theirs_system = theirs.map(|theirs| system(table(&hours, theirs.rows)));
        let scaled = theirs_system.as_ref().map(|theirs| {
            let factor = mean(&ours.margins.initial) / mean(&theirs.margins.initial);
            Scaled {
                theirs: system(times(&theirs.margins, factor)),
                ours: system(times(&ours.margins, 1.0 / factor)),
                factor,
            }
        });
        let (proxy, _) = market::daily(&series)?;
        let first = series.bars.first().map_or(from, market::Bar::date);
        Ok(Case {
            name: series.name(),
            alias: theirs.map(|theirs| theirs.market.to_owned()),
            interval_s: series.interval_s,
            data: (first, to),
            proxy: proxy.to_string(),
            window: (from, to),
            grown_s: engine::grown_s(&series),
            floor,
            hours,
            days,
            weights: Vec::new(),
            ours,
            theirs: theirs_system,
            scaled,
        })
    }
}

impl System {
    fn of(accounts: &[Account], hours: &[Hour], margins: Margins) -> System {
        let outcome = accounts::simulate(accounts, hours, &margins);
        System { margins, outcome }
    }
}

/// Returns the first and the last day of the window: what was asked for, or else what data and
/// table both cover, from the split on where they reach so far.
fn window(series: &Series, theirs: Option<Theirs<'_>>, wish: &Wish) -> Result<(Date, Date), Error> {
    let last = data::last_day(series).unwrap_or(Date::from_number(0));
    let (days, warm_up) = (data::days(series), engine::WARM_UP_DAYS);
    let number = i32::try_from(warm_up).unwrap_or(i32::MAX);
    if days <= number {
        return Err(Error::Short {
            market: series.name(),
            days: usize::try_from(days).unwrap_or(0),
            needed: warm_up + 1,
            warm_up,
        });
    }
    let learnt = Date::from_number(last.number() - days + 1 + number);
    let table = theirs.and_then(|theirs| theirs.rows.first()).and_then(whole_day);
    let first = table.map_or(learnt, |date| date.max(learnt));
    let split = engine::about().split;
    let to = wish.to.unwrap_or(last);
    let default = if to >= split { first.max(split) } else { first };
    let from = wish.from.unwrap_or(default);
    if from >= first && to <= last && from <= to {
        return Ok((from, to));
    }
    let reason = match table {
        Some(date) if date > learnt => format!("the table begins on {date}"),
        _ => format!("the first {warm_up} days of the data are learnt from"),
    };
    let asked = format!("from {from} to {to}");
    Err(Error::Window { market: series.name(), first, last, reason, asked })
}

/// Returns the first day on all of which a row holds.
fn whole_day(row: &Row) -> Option<Date> {
    let day = Date::of_unix(row.from_s)?;
    Some(if day.unix() == row.from_s { day } else { day.next() })
}

fn least_floor(theirs: Option<Theirs<'_>>, default: f64) -> f64 {
    let rows = theirs.map_or(&[][..], |theirs| theirs.rows);
    rows.iter().map(|row| row.floor.unwrap_or(default)).reduce(f64::min).unwrap_or(default)
}

/// Returns the row that holds at the beginning of each hour; the first row's before it.
fn in_force<'a>(hours: &[Hour], rows: &'a [Row]) -> Vec<&'a Row> {
    let number = |open_s: i64| rows.partition_point(|row| row.from_s <= open_s).max(1) - 1;
    hours.iter().map(|hour| &rows[number(hour.prices.open_s)]).collect()
}

/// Returns a table's margins hour by hour.
fn table(hours: &[Hour], rows: &[Row]) -> Margins {
    let rows = in_force(hours, rows);
    Margins {
        initial: rows.iter().map(|row| row.initial).collect(),
        maintenance: rows.iter().map(|row| row.maintenance).collect(),
    }
}

/// Returns our margins hour by hour, never under the floor that holds.
fn ours(hours: &[Hour], theirs: Option<Theirs<'_>>, default: f64) -> Margins {
    let floors: Vec<f64> = match theirs {
        Some(theirs) => {
            let rows = in_force(hours, theirs.rows);
            rows.iter().map(|row| row.floor.unwrap_or(default)).collect()
        }
        None => vec![default; hours.len()],
    };
    let at_least = |of: fn(&Hour) -> f64, share: f64| {
        hours.iter().zip(&floors).map(|(hour, floor)| of(hour).max(floor * share)).collect()
    };
    Margins {
        initial: at_least(|hour| hour.initial, 1.0),
        maintenance: at_least(|hour| hour.maintenance, engine::maintenance_share()),
    }
}

/// Returns margins times a number, at most the whole position.
fn times(margins: &Margins, factor: f64) -> Margins {
    let scaled = |values: &[f64]| values.iter().map(|value| (value * factor).min(1.0)).collect();
    Margins { initial: scaled(&margins.initial), maintenance: scaled(&margins.maintenance) }
}

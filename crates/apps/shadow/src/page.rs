//! The page of what was logged: a back-test whose table is what her contract said, hour by hour.

use std::collections::BTreeMap;
use std::path::PathBuf;

use backtest::{Finished, Request, Row, Table};
use market::Date;
use serde::Serialize;
use thiserror::Error;

use crate::HOUR_S;
use crate::ours::{Margins, Ours, OursError};
use crate::record::Record;

/// Accounts a market.
const ACCOUNTS: usize = 20_000;

/// How what was published compares with what the bars of today give.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recomputed {
    /// Hours that come out the same, to the last bit.
    pub same: usize,
    /// Hours that come out differently: a venue revised its bars, or we said what we did not
    /// compute.
    pub different: Vec<String>,
    /// Hours that were published from bars that were not up to date, or that the bars lack now.
    pub not_compared: usize,
    /// Hours between the first and the last that nothing was logged for.
    pub missing: usize,
}

/// A page, and what it says of itself.
#[derive(Debug)]
pub struct Page {
    /// The back-test.
    pub finished: Finished,
    /// By market.
    pub recomputed: BTreeMap<String, Recomputed>,
}

/// Why there is no page.
#[derive(Debug, Error)]
pub enum PageError {
    /// Nothing was logged in the window.
    #[error("nothing is logged for {from} to {to}; the log begins at {first} and ends at {last}")]
    Nothing {
        /// The first day.
        from: Date,
        /// The last day.
        to: Date,
        /// The first hour that is logged.
        first: String,
        /// The last.
        last: String,
    },
    /// The log is empty.
    #[error("nothing is logged yet")]
    Empty,
    /// The bars.
    #[error(transparent)]
    Ours(#[from] OursError),
    /// The back-test.
    #[error(transparent)]
    Backtest(#[from] backtest::Error),
}

/// Returns the page of some days of a log, both included.
///
/// # Errors
///
/// [`PageError`].
pub fn weekly(
    records: &[Record],
    (log, data): (&str, &[PathBuf]),
    (from, to): (Date, Date),
) -> Result<Page, PageError> {
    let (first, last) = match records {
        [first, .., last] => (first.hour_s, last.hour_s),
        [only] => (only.hour_s, only.hour_s),
        [] => return Err(PageError::Empty),
    };
    // What held when the first day began was read in an hour before it, if at all.
    let inside = |record: &&Record| record.hour_s < to.next().unix();
    let rows: Vec<&Record> = records.iter().filter(inside).collect();
    if !rows.iter().any(|record| record.hour_s >= from.unix()) {
        let (first, last) = (backtest::when(first), backtest::when(last));
        return Err(PageError::Nothing { from, to, first, last });
    }
    let table = table(log, &rows);
    let ours = Ours::open(data)?;
    let mut recomputed = BTreeMap::new();
    for (market, _) in &table.markets {
        let of = |record: &&&Record| record.market == *market && record.hour_s >= from.unix();
        let logged: Vec<&Record> = rows.iter().filter(of).copied().collect();
        recomputed.insert(market.clone(), compare(&logged, &ours.track(market)?));
    }
    let request = Request {
        chains: Vec::new(),
        data: data.to_vec(),
        params: Some(table),
        markets: Vec::new(),
        from: Some(from),
        to: Some(to),
        accounts: ACCOUNTS,
        seed: 1,
        networks: false,
        command: format!("assay shadow --page (signed log {log})"),
    };
    let finished = backtest::run(&request, &mut |_| {})?;
    Ok(Page { finished, recomputed })
}

/// Returns what her contract said as a table of margins; a row where something changed.
fn table(log: &str, records: &[&Record]) -> Table {
    let mut markets: Vec<(String, Vec<Row>)> = Vec::new();
    for (line, record) in (1..).zip(records) {
        let place = markets.iter().position(|(market, _)| *market == record.market);
        let place = place.unwrap_or_else(|| {
            markets.push((record.market.clone(), Vec::new()));
            markets.len() - 1
        });
        let rows = &mut markets[place].1;
        let (initial, maintenance) = (record.hers.initial, record.hers.maintenance);
        let same = |row: &Row| (row.initial, row.maintenance) == (initial, maintenance);
        if rows.last().is_some_and(same) {
            continue;
        }
        let (market, from_s) = (record.market.clone(), record.hour_s);
        let floor = Some(record.ours.floor.min(initial));
        rows.push(Row { line, market, from_s, initial, maintenance, floor });
    }
    Table { path: PathBuf::from(log), markets }
}

/// Compares what was published with what the bars give now.
fn compare(logged: &[&Record], track: &[(i64, Margins)]) -> Recomputed {
    let mut found = Recomputed::default();
    for record in logged {
        let place = track.binary_search_by_key(&record.hour_s, |(hour_s, _)| *hour_s);
        match place {
            Ok(place) if record.ours.age_h == 0 => {
                if same(&record.ours, &track[place].1) {
                    found.same += 1;
                } else {
                    found.different.push(backtest::when(record.hour_s));
                }
            }
            _ => found.not_compared += 1,
        }
    }
    let hours = match logged {
        [first, .., last] => (last.hour_s - first.hour_s) / HOUR_S + 1,
        _ => 1,
    };
    found.missing = usize::try_from(hours).unwrap_or(0).saturating_sub(logged.len());
    found
}

/// Whether two reports are the same to the last bit.
fn same(a: &Margins, b: &Margins) -> bool {
    let bits = |margins: &Margins| {
        let mut all = vec![margins.price, margins.u, margins.initial, margins.maintenance];
        all.extend(margins.volatility.iter().chain(&margins.quantile).chain(&margins.shortfall));
        all.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    bits(a) == bits(b)
}

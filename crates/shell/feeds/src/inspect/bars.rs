//! A file of bars.

use std::path::Path;

use market::Date;

use super::{Content, Findings, Problem, Report};
use crate::check::{Numbered, Row, interval, misplaced};
use crate::error::{FeedError, RowError};
use crate::{folder, time};

/// Seconds in a day.
const DAY_S: i64 = 86_400;

pub(super) fn inspect(path: &Path, now_s: i64) -> Result<Report, FeedError> {
    let (mut rows, _) = folder::rows(path)?;
    let count = rows.len() as u64;
    let mut findings = Findings::default();
    let mut bars: Vec<Numbered> = Vec::new();
    let opens = |row: Option<&Row>| row.and_then(|(_, bar)| bar.as_ref().ok().map(|b| b.open_s));
    if opens(rows.first()) > opens(rows.last()) {
        rows.reverse();
    }
    for (row, bar) in rows {
        match bar {
            Err(problem) => findings.add(row as u64, problem),
            Ok(bar) => match alone(&bar, now_s) {
                Some(problem) => findings.add(row as u64, problem),
                None => bars.push((row, bar)),
            },
        }
    }
    let interval_s = interval(&bars).unwrap_or(DAY_S);
    for (row, problem) in together(&bars, interval_s) {
        findings.add(row as u64, problem);
    }
    findings.kept.sort_by_key(|finding| finding.row);
    Ok(Report {
        path: path.to_owned(),
        content: Content::Bars { interval_s },
        rows: count,
        findings: findings.kept,
        more: findings.more,
    })
}

/// What is wrong with a bar by itself.
fn alone(bar: &market::Bar, now_s: i64) -> Option<Problem> {
    let market::Bar { open_s, open, high, low, close, volume } = *bar;
    let time = || time::display(open_s);
    let problem = if Date::of_unix(open_s).is_none() {
        let (column, text) = ("time".to_owned(), open_s.to_string());
        RowError::Cell { column, text, wanted: "a time" }
    } else if !bar.is_possible() {
        RowError::Impossible { open, high, low, close, volume }
    } else if open_s > now_s {
        RowError::Future { time: time() }
    } else {
        return None;
    };
    Some(problem.into())
}

/// What is wrong with bars among each other; one that is off the clock is that and nothing else.
fn together(bars: &[Numbered], interval_s: i64) -> Vec<(usize, RowError)> {
    let mut found = Vec::new();
    let mut before: Option<i64> = None;
    for (row, bar) in bars {
        if interval_s < DAY_S && bar.open_s.rem_euclid(interval_s) != 0 {
            let time = time::display(bar.open_s);
            found.push((*row, RowError::OffGrid { time, interval_s }));
            continue;
        }
        let wrong = before.and_then(|before| misplaced(before, bar.open_s, interval_s));
        found.extend(wrong.map(|problem| (*row, problem)));
        before = before.max(Some(bar.open_s));
    }
    found
}

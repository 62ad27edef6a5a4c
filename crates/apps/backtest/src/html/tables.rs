//! The tables of a market: each row names a number of the report for each system of margins.

use serde_json::Value;

use super::text::{Form, number};
use crate::report::Market;

/// A row: what it is, what it means, and a cell a system.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) label: &'static str,
    pub(crate) note: &'static str,
    /// HTML, in the order of the columns.
    pub(crate) cells: Vec<Cell>,
}

/// A cell.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) html: String,
    /// Whether it is the better of yours and ours.
    pub(crate) best: bool,
}

/// A swing of our margin, as HTML.
#[derive(Clone, Debug)]
pub(crate) struct Swing {
    pub(crate) rose: bool,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) ours: String,
    pub(crate) theirs: String,
    pub(crate) worst: String,
}

/// Systems by their names in the report, with their headings.
const SYSTEMS: [(&str, &str); 4] = [
    ("theirs", "Yours"),
    ("ours", "Ours"),
    ("theirs_at_our_cost", "Yours, at our cost"),
    ("ours_at_their_cost", "Ours, at your cost"),
];

/// Returns the headings of the systems that a market has.
pub(crate) fn columns(market: &Market) -> Vec<&'static str> {
    systems(market).into_iter().map(|(_, heading)| heading).collect()
}

fn systems(market: &Market) -> Vec<(&'static str, &'static str)> {
    if market.theirs.is_some() { SYSTEMS.to_vec() } else { vec![SYSTEMS[1]] }
}

/// What a row shows: label, meaning, place within a system, form, and whether less is better.
type Spec = (&'static str, &'static str, &'static str, Form, bool);

/// Returns the headline numbers, yours and ours.
pub(crate) fn cards(report: &Value, base: &str, market: &Market) -> Vec<Row> {
    let specs: [Spec; 4] = [
        (
            "Mean initial margin",
            "the cost: collateral that a position ties up",
            "mean_initial",
            Form::Percent(2),
            true,
        ),
        (
            "Beyond maintenance",
            "hours in which a long or a short position lost more than that margin",
            "maintenance/either",
            Form::Count,
            true,
        ),
        (
            "Bad debt a million",
            "quote units for each million of positions opened",
            "bad_debt_share",
            Form::Million,
            true,
        ),
        (
            "Accounts liquidated",
            "of the same accounts under both",
            "accounts/liquidated",
            Form::Count,
            true,
        ),
    ];
    rows(report, base, market, &specs)
}

/// Returns all that is measured of each system.
pub(crate) fn measures(report: &Value, base: &str, market: &Market) -> Vec<Row> {
    use Form::{Count, Day, Million, Money, Percent, Times};
    let specs: [Spec; 27] = [
        ("Mean initial margin", "cost", "mean_initial", Percent(2), true),
        ("Mean maintenance margin", "", "mean_maintenance", Percent(2), false),
        ("Hours beyond initial, long", "", "initial/long", Count, true),
        ("", "share of hours", "initial/long_share", Percent(3), true),
        ("Hours beyond initial, short", "", "initial/short", Count, true),
        ("", "share of hours", "initial/short_share", Percent(3), true),
        ("Hours beyond maintenance, long", "", "maintenance/long", Count, true),
        ("", "share of hours", "maintenance/long_share", Percent(3), true),
        ("Hours beyond maintenance, short", "", "maintenance/short", Count, true),
        ("", "share of hours", "maintenance/short_share", Percent(3), true),
        ("… at the worst price, long", "within the hour", "maintenance_at_worst/long", Count, true),
        ("… at the worst price, short", "", "maintenance_at_worst/short", Count, true),
        ("Worst day", "most lost beyond maintenance", "worst_day/day_s", Day, false),
        ("", "lost beyond it, sum of its hours", "worst_day/beyond", Percent(2), true),
        ("Worst 90 days, first day", "", "worst_quarter/from_s", Day, false),
        ("", "share of their hours beyond maintenance", "worst_quarter/share", Percent(2), true),
        ("Peak over median", "of maintenance; 1 never moves", "peak_to_median", Times, true),
        ("Largest rise in an hour", "of maintenance", "largest_step", Percent(1), true),
        ("Accounts", "the same ones", "accounts/accounts", Count, false),
        ("… that got less leverage than wished", "", "accounts/capped", Count, false),
        ("… liquidated", "", "accounts/liquidated", Count, true),
        (
            "… of these in vain",
            "would have ended with money if left alone",
            "accounts/liquidated_in_vain",
            Count,
            true,
        ),
        ("… that ended below zero", "", "accounts/bankrupt", Count, true),
        ("", "hours in which they did", "accounts/bankrupt_hours", Count, true),
        ("Positions opened", "quote units", "accounts/notional_cents", Money, false),
        ("Bad debt", "quote units", "accounts/bad_debt_cents", Money, true),
        ("Bad debt a million", "of positions opened", "bad_debt_share", Million, true),
    ];
    rows(report, base, market, &specs)
}

fn rows(report: &Value, base: &str, market: &Market, specs: &[Spec]) -> Vec<Row> {
    let systems = systems(market);
    let row = |(label, note, at, form, less): &Spec| {
        let place = |system: &str| format!("{base}/{system}/{at}");
        let value = |system: &str| report.pointer(&place(system)).and_then(Value::as_f64);
        let best = |system: &str, other: &str| {
            *less && matches!((value(system), value(other)), (Some(a), Some(b)) if a < b)
        };
        let cell = |(system, _): &(&str, &str)| Cell {
            html: number(report, &place(system), *form),
            best: match *system {
                "ours" => best("ours", "theirs"),
                "theirs" => best("theirs", "ours"),
                _ => false,
            },
        };
        Row { label, note, cells: systems.iter().map(cell).collect() }
    };
    specs.iter().map(row).collect()
}

/// A row of the forecasts' table: label, meaning, place, form, and the place of what is due.
type Due = (&'static str, &'static str, &'static str, Form, Option<&'static str>);

/// Returns what is measured of the forecasts: what came beside what is due.
pub(crate) fn quality(report: &Value, base: &str) -> Vec<Row> {
    use Form::{Chance, Count, Day, Decimal, Percent, Times};
    const SHARE: Option<&str> = Some("quantile_target");
    const HELD: Option<&str> = Some("interval_target");
    const COVERED: &str = "interval_covered";
    const HIGH: &str = "interval_covered_high";
    const SPLIT: &str = "of them before the split of the daily models";
    let rows: [Due; 26] = [
        ("Losses beyond the quantile, long", "hours", "quantile/long", Count, None),
        ("", "share of hours", "quantile/long_share", Percent(3), SHARE),
        ("", "right share? Kupiec, p", "long/kupiec_p", Chance, None),
        ("", "and apart? Christoffersen, p", "long/christoffersen_p", Chance, None),
        ("", "not foretold? dynamic quantile, p", "long/dynamic_quantile_p", Chance, None),
        ("", "as large as forecast? Acerbi-Székely Z1, p", "long/shortfall_p", Chance, None),
        ("", "mean quantile", "long/mean", Percent(2), None),
        ("", "pinball loss", "long/pinball", Percent(4), None),
        ("Losses beyond the quantile, short", "hours", "quantile/short", Count, None),
        ("", "share of hours", "quantile/short_share", Percent(3), SHARE),
        ("", "right share? Kupiec, p", "short/kupiec_p", Chance, None),
        ("", "and apart? Christoffersen, p", "short/christoffersen_p", Chance, None),
        ("", "not foretold? dynamic quantile, p", "short/dynamic_quantile_p", Chance, None),
        ("", "as large as forecast? Acerbi-Székely Z1, p", "short/shortfall_p", Chance, None),
        ("", "mean quantile", "short/mean", Percent(2), None),
        ("", "pinball loss", "short/pinball", Percent(4), None),
        ("Worst 90 days, first day", "", "quantile_worst/from_s", Day, None),
        ("", "share of their hours, worse side", "quantile_worst/share", Percent(2), SHARE),
        ("Losses beyond the quantile over their forecast", "", "shortfall_ratio", Times, None),
        ("Days", "", "days", Count, None),
        ("", SPLIT, "days_before_split", Count, None),
        ("Days within their 90 % interval", "", COVERED, Percent(1), HELD),
        ("", "of the tenth with the highest forecasts", HIGH, Percent(1), HELD),
        ("Law of the day even? Kolmogorov-Smirnov, p", "", "pit_p", Chance, None),
        ("QLIKE of the day's variance", "lower is better", "qlike", Decimal(4), None),
        ("CRPS of its logarithm", "lower is better", "crps", Decimal(4), None),
    ];
    let row = |(label, note, at, form, due): Due| {
        let cell = |at: &str| Cell {
            html: number(report, &format!("{base}/forecast/{at}"), form),
            best: false,
        };
        let due = due.map_or(Cell { html: String::new(), best: false }, cell);
        Row { label, note, cells: vec![cell(at), due] }
    };
    rows.into_iter().map(row).collect()
}

/// Returns the swings of our margin, the latest first.
pub(crate) fn swings(report: &Value, base: &str, market: &Market) -> Vec<Swing> {
    let swing = |(i, change): (usize, &crate::changes::Change)| {
        let at = |field: &str, form| number(report, &format!("{base}/changes/{i}/{field}"), form);
        let share = |field: &str| at(field, Form::Percent(2));
        let theirs = match (change.theirs_from, change.theirs_to) {
            (Some(from), Some(to)) if from == to => format!("stayed at {}", share("theirs_to")),
            (Some(_), Some(_)) => format!("{} → {}", share("theirs_from"), share("theirs_to")),
            _ => String::new(),
        };
        let side = if change.worst_is_long { "long" } else { "short" };
        Swing {
            rose: change.ours_to > change.ours_from,
            from: at("from_s", Form::Hour),
            to: at("to_s", Form::Hour),
            ours: format!("{} → {}", share("ours_from"), share("ours_to")),
            theirs,
            worst: format!(
                "{} {side} at {}, ours then {}",
                share("worst_loss"),
                at("worst_s", Form::Hour),
                share("worst_ours")
            ),
        }
    };
    market.changes.iter().enumerate().map(swing).rev().collect()
}

//! What came out, in words; every word follows from a number of the report by a rule that is here.
//!
//! *Invariant: nothing is claimed that was not counted.* A difference that may be luck is called
//! that; where ours is worse it says so in the same place and size.

use market::risk::HOURLY_SPLIT;

use explorer::format::{count, decimal, plural};

use crate::accounts::Outcome;
use crate::measures::Measures;
use crate::report::Market;

/// Above this chance a difference counts as luck.
const LUCK: f64 = 0.05;
/// Costs closer than this are called equal.
const SAME: f64 = 0.02;
/// With bankruptcies in fewer hours than this under one of them, bad debt says little.
const FEW: usize = 20;

/// Returns one sentence on a market.
pub(crate) fn headline(market: &Market) -> String {
    let name = &market.name;
    let (Some(theirs), Some(comparison)) = (&market.theirs, &market.comparison) else {
        let (ours, quantile) = (&market.ours, &market.forecast.quantile);
        return format!(
            "{name}: hourly losses exceeded the published maintenance margin in {}, at a mean \
             initial margin of {}; the 99.5 % quantile was exceeded in {} (long) and {} (short) \
             of hours, 0.50 % being due.",
            plural(exceeded(ours) as u64, "hour"),
            percent(ours.mean_initial, 2),
            percent(quantile.long_share, 2),
            percent(quantile.short_share, 2),
        );
    };
    let cost = match comparison.cost {
        cost if cost < -SAME => format!("cost {} less collateral", percent(-cost, 0)),
        cost if cost > SAME => format!("cost {} more collateral", percent(cost, 0)),
        _ => "cost the same collateral".to_owned(),
    };
    let (ours, theirs) = (market.ours.bad_debt_share, theirs.bad_debt_share);
    let debt = match comparison.bad_debt {
        _ if ours == 0.0 && theirs == 0.0 => "no bad debt under either".to_owned(),
        None => "bad debt where yours left none".to_owned(),
        Some(change) if change < 0.0 => format!("{} less bad debt", percent(-change, 0)),
        Some(change) if change > 0.0 => format!("{} more bad debt", percent(change, 0)),
        Some(_) => "the same bad debt".to_owned(),
    };
    // "And" joins two advantages or two drawbacks, "but" one of each.
    let (dearer, worse) = (comparison.cost > SAME, ours > theirs);
    let joint = if dearer == worse { "and" } else { "but" };
    let equal = at_equal_cost(market);
    format!("{name}: our margins would have {cost} than yours {joint} left {debt}{equal}.")
}

/// Returns the clause on ours scaled to the cost of hers; empty where that says nothing new.
fn at_equal_cost(market: &Market) -> String {
    let (Some(theirs), Some(scaled)) = (&market.theirs, &market.ours_at_their_cost) else {
        return String::new();
    };
    if theirs.bad_debt_share == 0.0 || market.cost_factor.is_none_or(|f| (f - 1.0).abs() < SAME) {
        return String::new();
    }
    let change = scaled.bad_debt_share / theirs.bad_debt_share - 1.0;
    let word = if change < 0.0 { "less" } else { "more" };
    format!(
        "; raised or lowered to your cost, ours would have left {} {word}",
        percent(change.abs(), 0)
    )
}

/// Returns the sentences on a market, headline apart.
pub(crate) fn verdict(market: &Market) -> Vec<String> {
    let mut sentences = compared(market);
    if market.young_hours > 0 {
        sentences.push(format!(
            "In the first {} of the window this market was new: our margins there rest on what \
             BTC, ETH and SOL taught before {HOURLY_SPLIT} and on its own first days, and are \
             loaded for that.",
            plural(market.young_hours as u64, "hour"),
        ));
    }
    sentences
}

/// Returns the sentences on a market with a table.
fn compared(market: &Market) -> Vec<String> {
    let (Some(theirs), Some(comparison)) = (&market.theirs, &market.comparison) else {
        return Vec::new();
    };
    let ours = &market.ours;
    let mut sentences = vec![
        format!(
            "Hourly losses exceeded your maintenance margin in {} and ours in {}; initial margin, \
             yours in {} and ours in {}.",
            plural(exceeded(theirs) as u64, "hour"),
            count(exceeded(ours) as u64),
            count(theirs.initial.either as u64),
            count(ours.initial.either as u64),
        ),
        format!(
            "The same {} accounts left bad debt of {} for each million of positions under yours \
             and {} under ours; {} and {} of them were liquidated.",
            count(ours.accounts.accounts as u64),
            decimal(theirs.bad_debt_share * 1e6, 1),
            decimal(ours.bad_debt_share * 1e6, 1),
            count(theirs.accounts.liquidated as u64),
            count(ours.accounts.liquidated as u64),
        ),
    ];
    let scaled = market.theirs_at_our_cost.as_ref().zip(market.ours_at_their_cost.as_ref());
    if let (Some((yours, ours)), Some(factor)) = (scaled, market.cost_factor) {
        sentences.push(format!(
            "At equal cost: yours times {} costs what ours does, and would have been exceeded in \
             {} and left {} a million; ours times {} costs what yours does, and would have been \
             exceeded in {} and left {}.",
            decimal(factor, 2),
            plural(exceeded(yours) as u64, "hour"),
            decimal(yours.bad_debt_share * 1e6, 1),
            decimal(1.0 / factor, 2),
            plural(exceeded(ours) as u64, "hour"),
            decimal(ours.bad_debt_share * 1e6, 1),
        ));
    }
    let (a, b) = (comparison.days_only_theirs as u64, comparison.days_only_ours as u64);
    let luck = if comparison.p > LUCK { "may be luck" } else { "is hardly luck" };
    sentences.push(format!(
        "Only yours was exceeded on {}, only ours on {}; so uneven a split {luck} (p {}).",
        plural(a, "day"),
        count(b),
        chance(comparison.p),
    ));
    sentences.push(debt_from(&theirs.accounts, &ours.accounts));
    sentences
}

/// Says how many accounts and hours bad debt comes from, and what that is worth.
fn debt_from(theirs: &Outcome, ours: &Outcome) -> String {
    let of = |one: &Outcome| {
        let (accounts, hours) = (one.bankrupt as u64, one.bankrupt_hours as u64);
        format!("{} in {}", plural(accounts, "account"), plural(hours, "hour"))
    };
    let few = theirs.bankrupt_hours.min(ours.bankrupt_hours) < FEW;
    let caution = if few { "; so few bad hours say little about the next ones" } else { "" };
    format!("Bad debt comes from {} under yours and {} under ours{caution}.", of(theirs), of(ours))
}

fn exceeded(measures: &Measures) -> usize {
    measures.maintenance.either
}

fn chance(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("= {}", decimal(p, 3)) }
}

/// Returns a share in per cent.
pub(crate) fn percent(share: f64, places: usize) -> String {
    format!("{} %", decimal(100.0 * share, places))
}

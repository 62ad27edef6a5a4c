//! What came out, in sentences.

use super::{ReplayMarket, Side};
use crate::words::percent;

/// Returns what came out on a market, also where it speaks against us.
pub(super) fn verdict(market: &ReplayMarket) -> Vec<String> {
    let [before, low, _] = market.prices;
    let mut lines = vec![format!(
        "{}: the price fell from {before:.0} to {low:.0}, by {}.",
        market.series,
        percent(1.0 - low / before, 1)
    )];
    let Some((ours, others)) = market.sides.split_first() else { return lines };
    lines.push(format!(
        "Our initial margin was {} before the crash, at most {} in it and {} at the end; \
         maintenance {}, {} and {}.",
        percent(ours.before[0], 2),
        percent(ours.during[0], 2),
        percent(ours.after[0], 2),
        percent(ours.before[1], 2),
        percent(ours.during[1], 2),
        percent(ours.after[1], 2),
    ));
    for other in others {
        lines.push(beside(ours, other));
    }
    lines.extend(others.first().map(|fixed| asked(ours, fixed)));
    lines.push(format!(
        "Our coefficients are fitted to hours up to the end of {}{}.",
        market.fitted,
        match market.holes.iter().map(|hole| hole.hours).sum::<usize>() {
            0 => String::new(),
            hours => format!(
                "; {hours} hours brought no price, in {} holes listed below",
                market.holes.len()
            ),
        }
    ));
    lines
}

/// Whether what is asked of a replay came out.
fn asked(ours: &Side, fixed: &Side) -> String {
    let debts = (ours.bad_debt_a_million, fixed.bad_debt_a_million);
    let cheaper = ours.mean_window <= fixed.mean_window * 1.000_001;
    let answer = match debts {
        (_, 0.0) => "the static margin left none, so nothing is asked",
        (0.0, _) if cheaper => "met",
        (0.0, _) => "missed: no bad debt, but ours cost more",
        _ if cheaper => "missed: ours left some too, at no higher cost",
        _ => "missed: ours left some too, and cost more",
    };
    format!(
        "Asked was no bad debt where the static margin leaves some, at no higher average margin \
         while accounts are open: {answer}."
    )
}

fn beside(ours: &Side, other: &Side) -> String {
    let name = if other.name == "static" { "a static margin" } else { "FHS-EWMA" };
    let (a, b) = (ours.bad_debt_a_million, other.bad_debt_a_million);
    let places = |debt: f64| if debt < 10.0 { 2 } else { 0 };
    let write = |debt: f64| format!("{debt:.*}", places(debt));
    let dearer = ours.mean_window > other.mean_window * 1.000_001;
    let debt = if a == 0.0 && b == 0.0 {
        "no account ended below zero under either".to_owned()
    } else if a == 0.0 {
        format!("ours left no bad debt where it left {} a million", write(b))
    } else {
        let word = if a < b {
            "less"
        } else if a > b {
            "more"
        } else {
            "the same"
        };
        format!("ours left {} a million of bad debt, {word}: it left {}", write(a), write(b))
    };
    let cost = format!(
        "over the days on which accounts were open ours cost {} on average and it {}{}",
        percent(ours.mean_window, 2),
        percent(other.mean_window, 2),
        if dearer { ", so ours was dearer there" } else { "" }
    );
    format!(
        "Beside {name} of the same cost in the year before: {debt}; ours liquidated {} accounts \
         within the crash, it {}; {cost}.",
        ours.liquidated_in_crash, other.liquidated_in_crash
    )
}

/// Returns how hours without a price were lived through.
pub(super) fn holes(limit_h: usize) -> String {
    format!(
        "Hours without a price are named, never filled: an hour of which bars are missing, or in \
         which nothing was traded and no price moved (the source filled an outage with its last \
         price). Such an hour has no outcome: nothing is fitted to it, features stay those of the \
         last prices, the age of the data loads u, margins are paced on, and accounts are not \
         looked at. The hour after it is held to the whole move since. Holes longer than \
         {limit_h} hours are refused."
    )
}

//! What came out of portfolios through a crash, and what it rests on, in sentences.

use super::captures::Capture;
use crate::replay::{ReplayMarket, Side};
use crate::words::percent;

/// How the systems were made to cost the same.
pub(super) const COSTS: &str = "The static grid and that of historical simulation are once more \
    multiplied by a factor each, so that the mean initial margin of 100 portfolios a capture (the \
    accounts' recipe, other draws) over the 20 days before the window is ours. The published table \
    stands beside them as it is: 16 % of the price, volatility +40 % and -22 %, maintenance one \
    half of initial. The others' maintenance is two thirds of initial where ours is not paced. \
    Costs are shares of gross notional; margins before, within and after are those of a future.";

/// What the replay rests on.
pub(super) fn notes() -> Vec<String> {
    [
        "There are no bars after 2025-12-31 here. So the engine runs on what the chains have: \
         index prices, daily from 2025-12-30 and some six hours apart in the crash, and \
         volatility at the money of the nearest expiry a day or more away, which is the forecast \
         as it stands. Its tail keeps the constants that were chosen for hours, a step a capture, \
         paces six times an hour's; losses over other spans are brought to six hours by the \
         tail's own law. No regression is run, so nothing is known of the distance from what was \
         learnt; u comes from realised moves above implied ones.",
        "What steps of six hours mean: nobody is looked at, and no margin moves, between two \
         captures; an account below maintenance is closed some six hours later, at quotes that \
         nobody could have acted on before. Liquidations come late and bad debt is larger than \
         with an hourly report, under every system. Lows between captures are not seen, so it is \
         smaller too. Neither error is known; systems are compared, amounts are not forecasts.",
        "Options mark at Black-76 on a certified slice of their own expiry's future; expiries that \
         end within the window are not held by anybody. A side that nobody quotes is taken as far \
         from the mark as the other side. Futures are at the index: the chains have no \
         perpetual.",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Returns what came out for an asset, also where it speaks against us.
pub(super) fn verdict(
    market: &ReplayMarket,
    window: &[Capture],
    (carried, unquoted): (usize, usize),
) -> Vec<String> {
    let [before, low, _] = market.prices;
    let near = |capture: Option<&Capture>| {
        capture.and_then(Capture::near).map_or_else(String::new, |v| percent(v, 0))
    };
    let level = |capture: &Capture| capture.near().unwrap_or(0.0);
    let wildest = window.iter().max_by(|a, b| level(a).total_cmp(&level(b)));
    let mut lines = vec![format!(
        "{}: the index fell from {before:.0} to {low:.0}, by {}; the nearest volatility at the \
         money rose from {} to at most {}.",
        market.series,
        percent(1.0 - low / before, 1),
        near(window.first()),
        near(wildest),
    )];
    let Some((ours, others)) = market.sides.split_first() else { return lines };
    lines.push(format!(
        "Our initial margin of a future was {} before the crash, at most {} in it and {} at the \
         end; maintenance {}, {} and {}.",
        percent(ours.before[0], 2),
        percent(ours.during[0], 2),
        percent(ours.after[0], 2),
        percent(ours.before[1], 2),
        percent(ours.during[1], 2),
        percent(ours.after[1], 2),
    ));
    lines.extend(others.iter().map(|other| beside(ours, other)));
    lines.push(asked(ours, others));
    lines.push(format!(
        "Made of {} captures; {carried} of their slices are those of the capture before; \
         {unquoted} legs that ours liquidated had no quote on their side. Nothing was chosen or \
         scaled on a day after {}.",
        window.len(),
        market.fitted
    ));
    lines
}

fn called(side: &Side) -> &'static str {
    match side.name {
        "table" => "the static table as published",
        "static" => "the static grid at our cost",
        _ => "FHS-EWMA at our cost",
    }
}

fn beside(ours: &Side, other: &Side) -> String {
    let (a, b) = (ours.bad_debt_a_million, other.bad_debt_a_million);
    let write = |debt: f64| format!("{debt:.*}", if debt < 10.0 { 2 } else { 0 });
    let debt = if a == 0.0 && b == 0.0 {
        "no account ended below zero under either".to_owned()
    } else {
        format!("ours left {} a million of bad debt, it {}", write(a), write(b))
    };
    format!(
        "Beside {}: {debt}; ours liquidated {} accounts and capped {}, it {} and {}; on portfolios \
         of the window ours asked for {} of notional on average, it for {} (before it {} and {}).",
        called(other),
        ours.outcome.liquidated,
        ours.outcome.capped,
        other.outcome.liquidated,
        other.outcome.capped,
        percent(ours.mean_window, 2),
        percent(other.mean_window, 2),
        percent(ours.mean_before, 2),
        percent(other.mean_before, 2),
    )
}

/// Whether what is asked of a replay came out.
fn asked(ours: &Side, others: &[Side]) -> String {
    let answer = |other: &Side| {
        let cheaper = ours.mean_window <= other.mean_window * 1.000_001;
        let said = match (ours.bad_debt_a_million, other.bad_debt_a_million) {
            (0.0, 0.0) => "neither left any",
            (_, 0.0) => "it left none and ours did",
            (0.0, _) if cheaper => "met",
            (0.0, _) => "missed: no bad debt, but ours asked for more",
            _ if cheaper => "missed: ours left some too, at no higher margin",
            _ => "missed: ours left some too, and asked for more",
        };
        format!("beside {}: {said}", called(other))
    };
    let fixed = others.iter().filter(|other| other.name != "fhs");
    let answers: Vec<String> = fixed.map(answer).collect();
    format!(
        "Asked was no bad debt where a static margin leaves some, at no higher average margin; {}.",
        answers.join("; ")
    )
}

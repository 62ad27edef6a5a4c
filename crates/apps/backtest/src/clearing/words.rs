//! What the contracts said, in sentences and rows.

use explorer::format::{decimal, plural};

use super::terms::{PENALTY, WINDOW_BLOCKS};
use super::{OnChain, Taken};
use crate::replay::{Form, Side};
use crate::words::percent;

/// Returns what came out on the contracts, also where it is not what was simulated.
pub(crate) fn verdict(sides: &[Side], form: Form) -> Vec<String> {
    let mut lines: Vec<String> = sides
        .iter()
        .filter_map(|side| {
            Some(format!("On the contracts, {}: {}", name(side), told(side.contracts.as_ref()?)))
        })
        .collect();
    lines.extend(sides.iter().find_map(|side| Some(beside(side.contracts.as_ref()?, form))));
    let worst = sides.iter().filter_map(|side| Some((name(side), side.contracts.as_ref()?)));
    let worst = worst.max_by(|a, b| a.1.shortfall.total_cmp(&b.1.shortfall));
    lines.extend(worst.map(|(name, worst)| deleveraged(name, worst, form)));
    lines
}

fn name(side: &Side) -> &'static str {
    match side.name {
        "ours" => "ours",
        "table" => "the published table",
        "static" => "the static margin",
        _ => "FHS-EWMA",
    }
}

fn told(out: &OnChain) -> String {
    let pair = |[initial, maintenance]: [f64; 2]| {
        format!("{} / {}", percent(initial, 2), percent(maintenance, 2))
    };
    format!(
        "initial / maintenance margin {} before, {} at most within, {} at the end; of the first {} \
         {} were liquidated in {}, {} of them within the crash; bad debt {}, of which the \
         insurance paid {} and winners were short of {}.",
        pair(out.before),
        pair(out.during),
        pair(out.after),
        plural(out.accounts as u64, "account"),
        out.liquidated,
        plural(out.liquidations.len() as u64, "bid"),
        out.liquidated_in_crash,
        decimal(out.bad_debt, 0),
        decimal(out.insurance[0], 0),
        decimal(out.shortfall, 0),
    )
}

/// How far the contracts are from what is simulated off chain, and why.
fn beside(out: &OnChain, form: Form) -> String {
    let reason = match form {
        Form::Bars => {
            "off chain an account is looked at at a bar's worst price and closed at its last one; \
             the contracts close at once, at the mark, and no more than brings an account back to \
             initial margin, after each of three prices of a bar, and charge a penalty"
        }
        Form::Captures => {
            "off chain an account is closed some six hours later, at the next capture's quotes, on \
             the worse side; the contracts close at once, at the capture's marks, and no more than \
             brings an account back to initial margin, and charge a penalty"
        }
    };
    let [own, unpaced, at_once] = out.off_chain;
    let [compared, differ] = out.compared;
    let one = |one: super::Beside| {
        let (liquidated, both) = (one.liquidated, one.both);
        format!("{liquidated} liquidated, {both} of them on the contracts too, bad debt {}", {
            decimal(one.bad_debt, 0)
        })
    };
    format!(
        "Ours off chain, the same accounts: {}. With the contracts' maintenance margin, which is \
         one share of initial and not paced: {}. Closed at once besides: {}. Why they differ: \
         {reason}. Equity and margins of an account were compared {} with the keeper's integers, \
         and differed {}.",
        one(own),
        one(unpaced),
        one(at_once),
        plural(compared as u64, "time"),
        if differ == 0 { "never, not by a wei".to_owned() } else { plural(differ as u64, "time") },
    )
}

fn deleveraged(name: &str, out: &OnChain, form: Form) -> String {
    if out.shortfall <= 0.0 {
        return "No system left a shortfall on the contracts, so nobody was deleveraged."
            .to_owned();
    }
    let haircut = format!(
        "Deleveraging, {name}: of a shortfall of {} winners gave up {} by the one haircut when \
         they took their profits ({}, the largest share {}), penalties of later liquidations paid \
         back {} and {} was left; the excess over the shortfall is {}.",
        decimal(out.shortfall, 0),
        decimal(out.haircut.taken, 0),
        plural(out.haircut.winners as u64, "winner"),
        percent(out.haircut.most, 2),
        decimal(out.repaid[0], 0),
        decimal(out.repaid[1], 0),
        decimal(out.haircut.excess, 0),
    );
    if form == Form::Captures {
        return haircut;
    }
    let [at_bankruptcy, before] = &out.queue;
    let queue = |queue: &Taken| {
        format!(
            "{} from {}, {} more than the shortfall",
            decimal(queue.taken, 0),
            plural(queue.winners as u64, "winner"),
            decimal(queue.excess, 0)
        )
    };
    format!(
        "{haircut} At bankruptcy prices a queue by profit and leverage would have taken {}; at the \
         price before, {}. The first in it would have given up to {} and {} of their profit, and \
         positions of {} would have been closed, which from then to their owners' own ends {}.",
        queue(at_bankruptcy),
        queue(before),
        percent(at_bankruptcy.most, 0),
        percent(before.most, 0),
        decimal(before.closed, 0),
        if before.forgone >= 0.0 {
            format!("would have won another {}", decimal(before.forgone, 0))
        } else {
            format!("would have lost {}", decimal(-before.forgone, 0))
        },
    )
}

/// Returns how the contracts were run.
pub(crate) fn notes(accounts: usize, form: Form) -> String {
    let share = f64::from(PENALTY) / 1e6;
    let (hour, prices) = match form {
        Form::Bars => (
            "hour",
            "Each bar is three prices of a feed with one reporter: a bar that rose is told as \
             lowest, highest, last, one that fell as highest, lowest, last. Every account trades \
             by signed orders, at the mark, with one account that stands for the rest of the \
             market",
        ),
        Form::Captures => (
            "capture",
            "Its index is the price of a feed with one reporter; forwards and volatilities are \
             the surface's. A market has 256 rows, so that accounts are as many as hold no more \
             instruments. Every account trades by signed orders, at the marks, with one that \
             stands against it alone",
        ),
    };
    format!(
        "On the contracts: for each system the first {accounts} accounts of each market, in an \
         EVM in memory, without a network. Margins of each {hour} are the width of a scenario \
         grid, posted at its beginning, claimed in a court whose window is {WINDOW_BLOCKS} blocks \
         of 12 seconds, and used when the claim is final. {prices}; that one bids at once, without \
         a discount, for whatever is under maintenance margin. The house asks for one share of \
         initial margin as maintenance and does not pace it. {} of the initial margin of what goes \
         over is a penalty to the insurance, which begins empty. Nobody \
         counts others' profits before one is taken, as anybody may: who takes first bears more. \
         No fees; no funding, as every trade is at the mark.",
        percent(share, 0)
    )
}

/// Returns the rows of the page's table, none where no contract ran.
pub(crate) fn rows(sides: &[Side], form: Form) -> Vec<(&'static str, Vec<String>)> {
    if sides.iter().all(|side| side.contracts.is_none()) {
        return Vec::new();
    }
    let row = |name, of: &dyn Fn(&OnChain) -> String| {
        let cell = |side: &Side| side.contracts.as_ref().map_or_else(String::new, of);
        (name, sides.iter().map(cell).collect())
    };
    let pair = |[initial, maintenance]: [f64; 2]| {
        format!("{} / {}", percent(initial, 2), percent(maintenance, 2))
    };
    let money = |x: f64| decimal(x, 0);
    let queue = |taken: &Taken| format!("{} / {}", money(taken.taken), money(taken.excess));
    let mut rows = vec![
        row("on the contracts: accounts", &|out| out.accounts.to_string()),
        row("initial / maintenance before", &|out| pair(out.before)),
        row("the largest within the crash", &|out| pair(out.during)),
        row("at the end", &|out| pair(out.after)),
        row("liquidated", &|out| out.liquidated.to_string()),
        row("within the crash", &|out| out.liquidated_in_crash.to_string()),
        row("off chain: liquidated", &|out| out.off_chain[0].liquidated.to_string()),
        row("off chain, maintenance not paced", &|out| out.off_chain[1].liquidated.to_string()),
        row("bad debt", &|out| money(out.bad_debt)),
        row("off chain: bad debt", &|out| money(out.off_chain[0].bad_debt)),
        row("off chain, maintenance not paced", &|out| money(out.off_chain[1].bad_debt)),
        row("off chain, closed at once", &|out| money(out.off_chain[2].bad_debt)),
        row("paid by the insurance", &|out| money(out.insurance[0])),
        row("shortfall", &|out| money(out.shortfall)),
        row("given up by winners / beyond the shortfall", &|out| queue(&out.haircut)),
    ];
    if form == Form::Captures {
        return rows;
    }
    rows.extend([
        row("a queue at bankruptcy prices", &|out| queue(&out.queue[0])),
        row("a queue at the price before", &|out| queue(&out.queue[1])),
        row("largest share of a profit: haircut, queues", &|out| {
            let [a, b] = &out.queue;
            let all = [out.haircut.most, a.most, b.most].map(|most| percent(most, 1));
            all.join(" / ")
        }),
    ]);
    rows
}

//! Prints the figures of docs/model.md: losses by round, and distances of honest and lying nodes.
//!
//! `cargo run --release -p feeds --example federate -- [har|mlp] [margins] [FOLDER ...]`;
//! without folders on the bundled WTI series, with the word `margins` no distances.

#![expect(clippy::print_stdout, reason = "a program for a person at a terminal")]

#[path = "../../tests/federated/dry_run.rs"]
mod dry_run;
#[path = "../../tests/federated/margins.rs"]
mod margins;

use std::path::PathBuf;

use dry_run::{Federation, Poison, Settled};
use learn::{Kind, Schedule};
use margins::{Judged, Published, judged, published};
use market::{Evaluation, Plan};

/// Rounds of each run.
const ROUNDS: u64 = 30;
/// Seeds of the honest runs.
const SEEDS: u32 = 50;
/// Seeds of each lie.
const LYING_SEEDS: u32 = 5;
/// Nodes, as `up` starts them.
const NODES: usize = 4;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).peekable();
    let kind =
        arguments.next_if(|a| a.parse::<Kind>().is_ok()).map_or(Ok(Kind::Har), |a| a.parse())?;
    let margins_alone = arguments.next_if(|a| a == "margins").is_some();
    let folders: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let plan = if folders.is_empty() {
        Plan::wti(&feeds::wti()?)?
    } else {
        Plan::new(&feeds::open(&folders)?)?
    };
    for slice in &plan.slices {
        let ((from, to), days) = (slice.span, slice.train.count());
        println!("slice {}: {from} to {to}, {days} days, {}", slice.name, slice.proxy);
    }
    for left_out in &plan.left_out {
        println!("left out {left_out}");
    }
    let federation = Federation::new(kind, Schedule::STANDARD, &plan.slices[..NODES]);
    quality(&federation, &plan);
    if margins_alone {
        return Ok(());
    }
    honest(&federation);
    lying(&federation);
    Ok(())
}

/// Losses by round beside the baselines, and margins before and after the split.
fn quality(federation: &Federation, plan: &Plan) {
    println!("\n{NODES} nodes, QLIKE after a number of rounds (seed 0)");
    let settled = federation.run(ROUNDS, 0, None);
    for evaluation in &plan.evaluations {
        for (round, settled) in settled.iter().enumerate() {
            if ![0, 2, 9, 19, 29].contains(&round) {
                continue;
            }
            let r = federation.report(&settled.params, evaluation);
            println!(
                "{} {} days, round {:2}: model {:.4} walk {:.4} (t {:.1}) ewma {:.4} (t {:.1})",
                evaluation.market,
                r.days,
                round + 1,
                r.model,
                r.walk,
                r.t_walk,
                r.ewma,
                r.t_ewma
            );
        }
        margin(federation, &settled[settled.len() - 1], evaluation);
    }
}

/// The published margin before and after the split, beside the formula before it.
fn margin(federation: &Federation, settled: &Settled, evaluation: &Evaluation) {
    let name = &evaluation.market;
    for (side, days) in ["before", "after"].iter().zip(published(federation, settled, evaluation)) {
        let published = judged(&days, |one| one.margin[2]);
        // What others would have let through had they cost as much.
        let before = published.mean / judged(&days, |one| one.before[2]).mean;
        let shortfall = published.mean / judged(&days, |one| one.margin[0]).mean;
        let rows = [
            ("before: 3.4 sigma", judged(&days, |one| one.before[0])),
            ("before: its upper bound", judged(&days, |one| one.before[2])),
            ("before: that at the mean of (c)", judged(&days, |one| before * one.before[2])),
            ("(a) quantile", judged(&days, |one| one.margin[1])),
            ("(b) shortfall", judged(&days, |one| one.margin[0])),
            ("(b) at the mean of (c)", judged(&days, |one| shortfall * one.margin[0])),
            ("(c) margin", published),
        ];
        for (what, Judged { days, beyond, mean, peak }) in rows {
            let mean = 100.0 * mean;
            println!(
                "{name} {side} the split, {what}: exceeded on {beyond} of {days} days, \
                 mean {mean:.2} %, peak over median {peak:.1}"
            );
        }
        let within =
            |one: &&Published| (one.volatility[1]..=one.volatility[2]).contains(&one.realised);
        let held = days.iter().filter(within).count();
        println!(
            "{name} {side} the split: volatility within its interval on {held} of {} days",
            days.len()
        );
    }
}

/// How far honest nodes lie from the median, with nobody lying.
fn honest(federation: &Federation) {
    println!("\ndistance over the median distance, {SEEDS} seeds x {ROUNDS} rounds");
    let (mut worst, mut rejected) = ([0.0_f64; NODES], 0);
    for seed in 0..SEEDS {
        for round in federation.run(ROUNDS, seed, None) {
            rejected += round.accepted.iter().filter(|a| **a == 0).count();
            for (worst, distance) in worst.iter_mut().zip(&round.distance) {
                if *distance > *worst {
                    *worst = *distance;
                }
            }
        }
    }
    let updates = u64::from(SEEDS) * ROUNDS * 4;
    println!("honest: largest by node {worst:.2?}, rejected {rejected} of {updates}");
}

/// How far one lying node lies, by what it multiplies its update with.
fn lying(federation: &Federation) {
    for (factor, node) in
        [-10, 10, 4, -4, 0].into_iter().flat_map(|f| (0..NODES).map(move |n| (f, n)))
    {
        let (mut least, mut caught, mut lost) = (f64::INFINITY, 0, 0);
        for seed in 0..LYING_SEEDS {
            for round in federation.run(ROUNDS, seed, Some(Poison { node, factor })) {
                if round.distance[node] < least {
                    least = round.distance[node];
                }
                caught += usize::from(round.accepted[node] == 0);
                lost += (0..NODES).filter(|n| *n != node && round.accepted[*n] == 0).count();
            }
        }
        let updates = u64::from(LYING_SEEDS) * ROUNDS;
        println!(
            "x{factor} by node {node}: least distance {least:.2}, \
             rejected {caught} of {updates}, honest rejected {lost}"
        );
    }
}

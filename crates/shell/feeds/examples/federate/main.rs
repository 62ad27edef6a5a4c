//! Prints the figures of docs/model.md: losses by round, and distances of honest and lying nodes.
//!
//! `cargo run --release -p feeds --example federate -- [har|mlp] [FOLDER ...]`; without folders on
//! the bundled WTI series.

#![expect(clippy::print_stdout, reason = "a program for a person at a terminal")]

#[path = "../../tests/federated/dry_run.rs"]
mod dry_run;

use std::path::PathBuf;

use dry_run::{Federation, Poison};
use learn::{Kind, Schedule};
use market::{Day, Plan};

/// Rounds of each run.
const ROUNDS: u64 = 30;
/// Seeds of the honest runs.
const SEEDS: u32 = 50;
/// Seeds of each lie.
const LYING_SEEDS: u32 = 5;
/// What the margin multiplies the deviation with.
const QUANTILE: f64 = market::MarginConfig::STANDARD.quantile;
/// Nodes, as `up` starts them.
const NODES: usize = 4;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).peekable();
    let kind =
        arguments.next_if(|a| a.parse::<Kind>().is_ok()).map_or(Ok(Kind::Har), |a| a.parse())?;
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
    honest(&federation);
    lying(&federation);
    Ok(())
}

/// Losses by round beside the baselines, and standardised returns before and after the split.
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
        let params = &settled[settled.len() - 1].params;
        let mut sizes = standardised(federation, params, &evaluation.lead);
        sizes.sort_by(f64::total_cmp);
        let point = sizes[sizes.len() * 99 / 100];
        let after = standardised(federation, params, &evaluation.days);
        let beyond = after.iter().filter(|size| **size > QUANTILE).count();
        println!(
            "{} 99 % of |return| / sigma before the split: {point:.2}; \
             beyond {QUANTILE} after it: {beyond} of {}",
            evaluation.market,
            after.len()
        );
    }
}

/// Sizes of returns over the forecast deviation.
fn standardised(federation: &Federation, params: &tensor::Tensor, days: &[Day]) -> Vec<f64> {
    let forecasts = federation.forecasts(params, days);
    days.iter().zip(forecasts).map(|(day, f)| day.ret.abs() / f.sqrt()).collect()
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

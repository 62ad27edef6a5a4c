//! Runs seeds of the simulator and says what happened.
//!
//! `sim --seed N` shows one seed with its options; otherwise `--seeds K` of them run on all cores.
//! A failure costs one line with the command that shows it again, and the exit status.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]

use std::fmt;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Instant;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use sim::{Failure, Report, Setting, Size};

/// Run seeded simulations of a network of nodes and their chain.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask sim")]
struct Arguments {
    /// Show this one seed, with its options
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// How many seeds to run otherwise
    #[arg(long, value_name = "K", default_value_t = 200)]
    seeds: u64,
    /// The first of them
    #[arg(long, value_name = "N", default_value_t = 0)]
    from: u64,
    /// Nodes, at least 4; `any` lets the seed decide
    #[arg(long, value_name = "N", default_value_t = Count(Some(25)))]
    nodes: Count,
    /// Rounds that end before a run does; `any` lets the seed decide
    #[arg(long, value_name = "R", default_value_t = Count(Some(20)))]
    rounds: Count,
    /// How rounds are paid: what rows were worth, every accepted row alike, or as the seed decides
    #[arg(long, value_enum, default_value_t = Pay::Any)]
    pay: Pay,
    /// Print every effect of the one seed, a line each
    #[arg(long, requires = "seed", conflicts_with = "json")]
    trace: bool,
    /// Print a line of JSON a seed
    #[arg(long)]
    json: bool,
}

/// How rounds are paid.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Pay {
    Any,
    Flat,
    Scores,
}

impl Pay {
    const fn scores(self) -> Option<bool> {
        match self {
            Pay::Any => None,
            Pay::Flat => Some(false),
            Pay::Scores => Some(true),
        }
    }

    /// The argument, where it is not what it would be without.
    const fn argument(self) -> &'static str {
        match self {
            Pay::Any => "",
            Pay::Flat => " --pay flat",
            Pay::Scores => " --pay scores",
        }
    }
}

/// A number, or the seed's own choice.
#[derive(Clone, Copy, Debug)]
struct Count(Option<u32>);

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "any" => Ok(Self(None)),
            _ => match text.parse() {
                Ok(count) if count > 0 => Ok(Self(Some(count))),
                _ => Err("give a number above zero, or `any`".into()),
            },
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(count) => count.fmt(f),
            None => f.write_str("any"),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.nodes.0.is_some_and(|nodes| nodes < 4) {
        eprintln!("a network has at least 4 nodes; give --nodes 4 or more");
        return ExitCode::FAILURE;
    }
    let size = Size {
        nodes: arguments.nodes.0,
        rounds: arguments.rounds.0.map(u64::from),
        scores: arguments.pay.scores(),
    };
    let failed = match arguments.seed {
        Some(seed) => one(seed, size, &arguments),
        None => many(size, &arguments),
    };
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs one seed in the open; returns whether it failed.
fn one(seed: u64, size: Size, arguments: &Arguments) -> bool {
    if !arguments.json {
        println!("seed {seed}: {:#?}", Setting::draw(seed, size).options);
    }
    let started = Instant::now();
    let result = if arguments.trace {
        sim::trace(seed, size, &mut |line| println!("{line}"))
    } else {
        let bar = spinner(format!("seed {seed}, twice"));
        let result = sim::check_at_once(seed, size);
        bar.finish_and_clear();
        result
    };
    match &result {
        Ok(report) if arguments.json => print_json(report, started),
        Ok(report) => println!("{report:#?}\n{:.1} s", started.elapsed().as_secs_f64()),
        Err(failure) => complain(failure, seed, arguments),
    }
    result.is_err()
}

/// Runs many seeds; returns whether any failed.
fn many(size: Size, arguments: &Arguments) -> bool {
    let started = Instant::now();
    let bar = ProgressBar::new(arguments.seeds);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {eta} left");
    bar.set_style(style.expect("the template is a constant"));
    let (mut reports, mut failed) = (Vec::new(), 0_u64);
    let seeds = arguments.from..arguments.from.saturating_add(arguments.seeds);
    sim::sweep::sweep(seeds, size, &mut |result| {
        bar.inc(1);
        match result {
            Ok(report) => {
                if arguments.json {
                    print_json(&report, started);
                }
                reports.push(report);
            }
            Err(failure) => {
                failed += 1;
                bar.suspend(|| complain(&failure, failure.seed(), arguments));
            }
        }
    });
    bar.finish_and_clear();
    if !arguments.json {
        println!("{}", summary(&reports, failed, started));
    }
    failed > 0
}

fn summary(reports: &[Report], failed: u64, started: Instant) -> String {
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    format!(
        "{} seeds, {failed} failed, {} blocks: {} rounds settled, {} void, {} scored; {} claims \
         struck, {} of them of scores, {} disputes judged, {} by a clock; {} penalties, {} rows \
         rejected, {} nodes joined late or again, {} stakes withdrawn; {:.1} s",
        reports.len() as u64 + failed,
        sum(|r| r.blocks),
        sum(|r| r.settled),
        sum(|r| r.voided),
        sum(|r| r.scored),
        sum(|r| r.struck),
        sum(|r| r.scores_struck),
        sum(|r| r.judged),
        sum(|r| r.timeouts),
        sum(|r| r.penalties),
        sum(|r| r.rejected),
        sum(|r| r.joined),
        sum(|r| r.withdrawn),
        started.elapsed().as_secs_f64(),
    )
}

fn print_json(report: &Report, started: Instant) {
    let mut line = json!(report);
    line["seconds_since_start"] = started.elapsed().as_secs_f64().into();
    println!("{line}");
}

/// One line for a failure, and one that shows it again.
fn complain(failure: &Failure, seed: u64, arguments: &Arguments) {
    let (nodes, rounds) = (arguments.nodes, arguments.rounds);
    let pay = arguments.pay.argument();
    let again = format!("cargo xtask sim --seed {seed} --nodes {nodes} --rounds {rounds}{pay}");
    if arguments.json {
        println!("{}", json!({"seed": seed, "failed": failure.to_string(), "again": again}));
    } else {
        eprintln!("{failure}\n  again: {again} --trace");
    }
}

fn spinner(message: String) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(message);
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}

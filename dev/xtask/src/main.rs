//! `cargo xtask`: the one entry point to everything that is checked, generated or measured.
//!
//! `ci` is what continuous integration runs and nothing else; it works on a bare machine with Rust,
//! a C compiler, Node.js and git, and sets up by itself whatever the tests need beyond that.
//! Every step prints a heading and its time, and a failure says what to do about it.
//!
//! *Invariant: a check lives here or in a test, never in a workflow file.*
//! Absent: knowledge of how a contract is compiled (contracts/package.json) or of what a page must
//! show (dev/browser); network use other than by cargo, npm, apt and pip.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for a terminal")]

mod attacks;
mod browser;
mod contracts;
mod fuzz;
mod hosts;
mod npm;
mod options;
mod peers;
mod risk;
mod rust;
mod sim;
mod spread;
mod steps;
mod tally;
mod testfloat;
mod wrap;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::steps::Steps;

/// Check, generate and measure this project.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run everything a change must pass: format, clippy, tidy, then all tests
    Ci,
    /// Run all tests, or one part of them; set up whatever they need
    Test {
        /// The only part to run
        part: Option<Part>,
    },
    /// Check sizes, floors, links and words
    Tidy,
    /// Wrap comments that are longer than a line
    Wrap,
    /// Compile the contracts and write the artifacts that cargo embeds
    Contracts {
        /// Change nothing; fail where a fresh compilation gives another artifact
        #[arg(long)]
        check: bool,
    },
    /// Regenerate the golden vectors
    Vectors {
        /// Change nothing; fail where a fresh generation gives another file
        #[arg(long)]
        check: bool,
    },
    /// Compare exp, log, tanh, erf and erfc of f32 with the nearest result on all 2^32 arguments
    Exhaustive {
        /// The only functions to sweep
        functions: Vec<String>,
        /// Sweep only every N-th block of arguments, and record nothing
        #[arg(long, value_name = "N")]
        every: Option<u32>,
    },
    /// Feed changed bytes to every decoder that strangers reach, a minute each
    Fuzz {
        /// The only target to run
        target: Option<String>,
        /// How long each target runs
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u32,
    },
    /// Measure the kernels against the reference interpreter or other engines, or a whole dispute
    Bench {
        /// Measure only what has this word in its name
        filter: Option<String>,
        /// Beside other engines: gemm and matrixmultiply, and PyTorch, burn and candle
        #[arg(long)]
        peers: bool,
        /// A whole dispute over a training step of 2^32 operations, on an embedded chain
        #[arg(long, conflicts_with = "peers")]
        dispute: bool,
        /// Print a line of JSON a row
        #[arg(long, requires = "peers")]
        json: bool,
    },
    /// Print the risk engine's figures beside other models', each with its bar
    Risk {
        /// The folder of the series BTCUSDT_perp_30m.parquet and ETHUSDT_perp_30m.parquet
        #[arg(default_value = "../shared/data/binance")]
        folder: PathBuf,
        /// Show the days on which the choices were made instead of those after
        #[arg(long)]
        before_split: bool,
        /// Print a line of JSON a row
        #[arg(long)]
        json: bool,
    },
    /// Fight aggregation rules and attacks, or time the rules, beside byzfl's
    ///
    /// `table` has every rule against every attack, `speed` the times, `read` prints tables again;
    /// `cargo xtask attacks table --help` has the rest.
    #[command(disable_help_flag = true)]
    Attacks {
        /// What the bench is told: table, speed or read, and their options
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        words: Vec<String>,
    },
    /// Simulate networks of nodes and their chain, each from one seed
    ///
    /// Without words 200 seeds of 25 nodes and 20 rounds; `--seed N` shows one again, `--trace`
    /// with all that happened in it; `cargo xtask sim --help` has the rest.
    #[command(disable_help_flag = true)]
    Sim {
        /// What the simulator is told
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Run nodes with bad links between them, and cut some off in the middle of a round
    Hosts {
        /// How many, 5 to 16
        #[arg(default_value_t = 16)]
        nodes: usize,
    },
    /// Bring one blob to many peers while datagrams are lost and providers are killed
    Spread {
        /// Length of the blob
        #[arg(long, default_value_t = 100)]
        megabytes: u32,
        /// How many fetch it
        #[arg(long, default_value_t = 32)]
        peers: u32,
    },
    /// Print the figures of prices, implied volatilities, surfaces and portfolio margin
    Options {
        /// The folder of the option chains
        #[arg(default_value = "../shared/data/deribit")]
        folder: PathBuf,
        /// Print a line of JSON a row
        #[arg(long)]
        json: bool,
    },
}

/// A part of the tests.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    /// Forge's tests, and whether the artifacts are reproducible
    Contracts,
    /// Every Rust test and doctest
    Rust,
    /// The explorer in a headless browser
    Browser,
}

fn main() -> ExitCode {
    let task = Arguments::parse().command;
    let mut steps = Steps::new(root());
    let result = match task {
        Task::Ci => ci(&mut steps),
        Task::Test { part } => test(&mut steps, part),
        Task::Tidy => rust::tidy(&mut steps),
        Task::Wrap => wrap::files(steps.root()),
        Task::Contracts { check: false } => contracts::write(&mut steps),
        Task::Contracts { check: true } => contracts::check(&mut steps),
        Task::Vectors { check } => rust::vectors(&mut steps, check),
        Task::Exhaustive { functions, every } => rust::exhaustive(&steps, &functions, every),
        Task::Fuzz { target, seconds } => fuzz::run(&mut steps, target.as_deref(), seconds),
        Task::Bench { filter, dispute: true, .. } => rust::dispute(&mut steps, filter.as_deref()),
        Task::Bench { filter, peers: true, json, .. } => {
            peers::bench(&mut steps, filter.as_deref(), json)
        }
        Task::Bench { filter, .. } => rust::bench(&mut steps, filter.as_deref()),
        Task::Risk { folder, before_split, json } => {
            risk::bench(&mut steps, &folder, (before_split, json))
        }
        Task::Attacks { words } => attacks::bench(&mut steps, &words),
        Task::Sim { words } => sim::run(&words),
        Task::Hosts { nodes } => hosts::run(&steps, nodes),
        Task::Spread { megabytes, peers } => spread::run(&steps, megabytes, peers),
        Task::Options { folder, json } => options::bench(&mut steps, &folder, json),
    };
    if let Err(error) = result {
        eprintln!("\nfailed: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn ci(steps: &mut Steps) -> anyhow::Result<()> {
    rust::format(steps)?;
    rust::clippy(steps)?;
    rust::tidy(steps)?;
    test(steps, None)
}

/// Runs every suite even where an earlier one failed, and ends with one line for all of them.
fn test(steps: &mut Steps, part: Option<Part>) -> anyhow::Result<()> {
    npm::require()?;
    if matches!(part, None | Some(Part::Contracts)) {
        steps.keep_going(contracts::test);
        steps.keep_going(contracts::check);
    }
    if matches!(part, None | Some(Part::Rust)) {
        steps.keep_going(rust::test);
    }
    if matches!(part, None | Some(Part::Browser)) {
        steps.keep_going(browser::test);
    }
    steps.finish()
}

/// Returns the project's root: two floors above this crate, where cargo says that it is.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR");
    let mut path = here.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    path.pop();
    path.pop();
    path
}

//! Assay on the command line: run the whole network on one machine, replay what it computed.
//!
//! `up` supervises; `chain` and `node` are the processes it starts (this same binary, hidden);
//! `replay` recomputes a settled round; `program` looks at one Program; `backtest` puts a
//! protocol's own margins beside ours, `shadow` her live ones, and `propose` writes the bundle that
//! would set ours; `attack-cost` says what moving ours would cost; `data` fetches, records and
//! checks market data; `surface` fits and certifies an option chain, `option` prices one. Sentences
//! for people, `--json` for machines; every failure is one sentence and a non-zero exit.
//!
//! Deliberately absent: anything a library could show. The parts are in the crates below; this one
//! wires and prints.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the program that talks to people"
)]

mod attack_cost;
mod backtest;
mod chain_process;
mod data;
mod explain;
mod house;
mod job;
mod layout;
mod money;
mod networks;
mod operate;
mod option;
mod privacy;
mod program;
mod propose;
mod reader;
mod replay;
mod replay_market;
mod shadow;
mod statement;
mod surface;
mod up;
mod whatif;

use clap::{Parser, Subcommand};

/// A network that trains risk models without sharing data, recomputes every result to the last bit,
/// and lets contracts set a market's margins with it.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole network on this machine: a chain, four nodes and the explorer.
    Up(up::Args),
    /// Recompute a settled round from the stored updates and compare it with the chain.
    Replay(replay::Args),
    /// Show what is asked of accounts with options and perpetuals, and by which scenario.
    House(house::Args),
    /// Create, pay, move on and look at further models beside the network's own.
    Job(job::Args),
    /// Say what noisy updates tell about a node's data, at most.
    Privacy(privacy::Args),
    /// Look at a Program, run it, or follow one number of it.
    Program(program::Args),
    /// Back-test margins on your own data: yours and ours side by side, as one page.
    Backtest(backtest::Args),
    /// Replay a real crash under our margins and others', on the same accounts, as one page.
    ReplayMarket(replay_market::Args),
    /// Watch your own live margins with ours beside them: an hourly signed log and a weekly page.
    Shadow(shadow::Args),
    /// Write a bundle for your Safe or timelock that sets our margins, inside your limits.
    Propose(propose::Args),
    /// Say what a margin is made of.
    Explain(explain::Args),
    /// Say who becomes liquidatable when the price jumps, under your margins and ours.
    Whatif(whatif::Args),
    /// Say what it would cost to move the published margin, and what could be gained by it.
    AttackCost(attack_cost::Args),
    /// State an account's margin with all that it came from, or compute a statement again.
    Statement(statement::Args),
    /// Fetch, record and check market data.
    Data(data::Args),
    /// Fit the volatility surface of an option chain, with a certificate against arbitrage.
    Surface(surface::Args),
    /// Price one option, or find the volatility that a price implies.
    Option(option::Args),
    /// The embedded chain (started by `up`).
    #[command(hide = true)]
    Chain(chain_process::Args),
    /// Run a node of your own in a network, and see how it stands.
    Node(operate::Args),
}

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    log_to_stderr(&cli.command);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Up(args) => up::run(args).await,
            Command::Replay(args) => replay::run(args).await,
            Command::House(args) => house::run(args).await,
            Command::Job(args) => job::run(args).await,
            Command::Privacy(args) => privacy::run(&args),
            Command::Program(args) => program::run(args),
            Command::Backtest(args) => backtest::run(&args),
            Command::ReplayMarket(args) => replay_market::run(&args),
            Command::Shadow(args) => shadow::run(args).await,
            Command::Propose(args) => propose::run(args).await,
            Command::Explain(args) => explain::run(&args),
            Command::Whatif(args) => whatif::run(&args),
            Command::AttackCost(args) => attack_cost::run(&args),
            Command::Statement(args) => statement::run(&args),
            Command::Data(args) => data::run(args).await,
            Command::Surface(args) => surface::run(&args),
            Command::Option(args) => option::run(&args),
            Command::Chain(args) => chain_process::run(args).await,
            Command::Node(args) => operate::run(args).await,
        }
    });
    // Work that was given to threads may still run; nothing waits for it (every process is
    // crash-only).
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// Processes that `up` starts log what they do to their file; the others only what a person should
/// see.
fn log_to_stderr(command: &Command) {
    let default = match command {
        Command::Chain(_) | Command::Node(_) => "info",
        _ => "error",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("ASSAY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}

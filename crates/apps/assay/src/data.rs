//! `assay data`: bars and raw messages of venues, fetched, recorded and looked at.
//!
//! `fetch` pages through a venue's history into one parquet file, `record` listens and keeps a
//! signed log, `check` names everything that is wrong with a file, with its row, `features` makes
//! minutes of a log.
//!
//! Deliberately absent: formats, limits and rules, which are `feeds`'.

mod check;
mod features;
mod fetch;
mod record;

pub(crate) use fetch::bring;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

/// What to do with market data.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch a market's bars into a parquet file; goes on where it was cut off.
    Fetch(fetch::Args),
    /// Listen to markets and keep what they say in a signed log, until Ctrl-C.
    Record(record::Args),
    /// Name everything that is wrong with a file of bars or a log: gaps, duplicates, impossible
    /// bars, clock skew. Ends with 1 where there is anything.
    Check(check::Args),
    /// Say what a log holds of each minute: order flow, depth, funding, basis, open interest,
    /// liquidations.
    Features(features::Args),
}

/// Does one of them.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Fetch(args) => fetch::run(args).await,
        Command::Record(args) => record::run(args).await,
        Command::Check(args) => check::run(&args),
        Command::Features(args) => features::run(&args),
    }
}

/// Returns the Unix time in seconds.
pub(crate) fn now_s() -> i64 {
    i64::try_from(feeds::live::now_ns() / 1_000_000_000).unwrap_or(i64::MAX)
}

/// Returns a name that a file may have.
fn file_name(symbol: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "-.@".contains(c) { c } else { '_' };
    symbol.trim_start_matches('.').chars().map(keep).collect()
}

/// Returns where a market's bars are kept.
fn bars_path(out: &std::path::Path, venue: feeds::Venue, symbol: &str, interval: &str) -> PathBuf {
    out.join(venue.name()).join(format!("{}_{interval}.parquet", file_name(symbol)))
}

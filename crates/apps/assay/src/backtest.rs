//! `assay backtest`: a protocol's own margins and ours side by side, or ours alone, as one page.
//!
//! Deliberately absent: arithmetic and drawing, which are the `backtest` crate's; this asks and
//! tells.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use backtest::{Finished, Progress, Request, Table};
use indicatif::{ProgressBar, ProgressStyle};
use market::Date;

/// Accounts a market, unless another number is asked for.
const ACCOUNTS: usize = 20_000;

/// What to back-test, and where the page goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Your own margins: a CSV of market, date, initial, maintenance, floor.
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
    /// A folder of bars, parquet or CSV, of an hour or less; repeat it for more venues.
    #[arg(long, value_name = "DIR", required_unless_present = "example_params")]
    data: Vec<PathBuf>,
    /// A parquet file of option chains: the last surfaces are shown, fitted and certified.
    #[arg(long, value_name = "FILE")]
    chains: Vec<PathBuf>,
    /// The first day, YYYY-MM-DD [default: the first that table and data cover, from 2024 on].
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// The last day [default: the last complete one of the data].
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// A market to report on, such as BTC; repeat it [default: all of the table or the data].
    #[arg(long, value_name = "NAME")]
    market: Vec<String>,
    /// Simulated accounts a market.
    #[arg(long, default_value_t = ACCOUNTS, value_name = "N")]
    accounts: usize,
    /// What decides the accounts.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Forecast days by the regression and a network together, and show what each counts; training
    /// takes some minutes. Margins stay the same.
    #[arg(long)]
    networks: bool,
    /// Where the page goes.
    #[arg(long, default_value = "backtest.html", value_name = "FILE")]
    out: PathBuf,
    /// Print the numbers as one JSON object as well.
    #[arg(long)]
    json: bool,
    /// Print a table of margins to begin with, and do nothing else.
    #[arg(long, conflicts_with_all = ["params", "data"])]
    example_params: bool,
}

/// Back-tests and writes the page.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.example_params {
        print!("{}", backtest::EXAMPLE);
        return Ok(ExitCode::SUCCESS);
    }
    let params = args.params.as_deref().map(Table::read).transpose()?;
    let request = Request {
        data: args.data.clone(),
        chains: args.chains.clone(),
        params,
        markets: args.market.clone(),
        from: args.from,
        to: args.to,
        accounts: args.accounts,
        seed: args.seed,
        networks: args.networks,
        command: command(args),
    };
    let bar = ProgressBar::new(1);
    bar.set_style(ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} %, {elapsed}")?);
    let result = backtest::run(&request, &mut |progress: Progress<'_>| {
        bar.set_length(progress.of.max(1) as u64);
        bar.set_position(progress.done as u64);
        bar.set_message(progress.doing.to_owned());
    });
    bar.finish_and_clear();
    let Finished { report, html } = result?;
    std::fs::write(&args.out, html)
        .with_context(|| format!("{} cannot be written", args.out.display()))?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        for line in &report.verdict {
            println!("{line}");
        }
        println!("report    {}", args.out.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the command that makes the same report again.
fn command(args: &Args) -> String {
    let mut words = vec!["assay backtest".to_owned()];
    let mut add = |name: &str, value: String| words.push(format!("--{name} {}", quoted(&value)));
    let text = |path: &Path| path.display().to_string();
    args.params.iter().for_each(|path| add("params", text(path)));
    args.data.iter().for_each(|path| add("data", text(path)));
    args.chains.iter().for_each(|path| add("chains", text(path)));
    args.from.iter().for_each(|date| add("from", date.to_string()));
    args.to.iter().for_each(|date| add("to", date.to_string()));
    args.market.iter().for_each(|name| add("market", name.clone()));
    if args.accounts != ACCOUNTS {
        add("accounts", args.accounts.to_string());
    }
    add("seed", args.seed.to_string());
    if args.networks {
        words.push("--networks".to_owned());
    }
    words.join(" ")
}

/// Quotes a word for a shell if it needs to be.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

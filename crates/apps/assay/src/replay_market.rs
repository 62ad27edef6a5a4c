//! `assay replay-market`: a real crash, under our margins, static ones and historical simulation.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use backtest::{CRASHES, Crash, ReplayRequest, Replayed};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

/// What to replay, and where the page goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The crash: oct-2025, mar-2020 or feb-2026 [default: list them].
    #[arg(long, value_name = "NAME", value_parser = crash, requires = "data")]
    scenario: Option<Crash>,
    /// A folder of bars, an hour or finer (feb-2026: of option chains); repeat it for more.
    #[arg(long, value_name = "DIR", requires = "scenario")]
    data: Vec<PathBuf>,
    /// A market, such as BTC; repeat it [default: all whose bars cover the crash].
    #[arg(long, value_name = "NAME")]
    market: Vec<String>,
    /// Simulated accounts a market.
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    accounts: usize,
    /// How many of them go on the contracts of each system too; 0 leaves the contracts out.
    #[arg(long, default_value_t = 2_000, value_name = "N")]
    contracts: usize,
    /// What decides the accounts.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Where the page goes.
    #[arg(long, default_value = "replay.html", value_name = "FILE")]
    out: PathBuf,
    /// Print the numbers as one JSON object as well.
    #[arg(long)]
    json: bool,
}

fn crash(name: &str) -> Result<Crash, String> {
    let found = CRASHES.into_iter().find(|crash| crash.name == name);
    let names: Vec<&str> = CRASHES.iter().map(|crash| crash.name).collect();
    found.ok_or_else(|| format!("there is no such crash; there are {}", names.join(", ")))
}

/// Writes the command that makes the same page again.
fn command(args: &Args, crash: &Crash) -> String {
    let mut words = format!("assay replay-market --scenario {}", crash.name);
    let data = args.data.iter().map(|path| ("data", path.display().to_string()));
    let markets = args.market.iter().map(|name| ("market", name.clone()));
    for (name, value) in data.chain(markets) {
        words.push_str(&format!(" --{name} {}", crate::backtest::quoted(&value)));
    }
    let Args { accounts, contracts, seed, .. } = args;
    format!("{words} --accounts {accounts} --contracts {contracts} --seed {seed}")
}

/// Says which crashes there are.
fn list(json: bool) {
    for crash in CRASHES {
        let Crash { name, title, from, to, .. } = crash;
        if json {
            println!("{}", json!({ "name": name, "title": title, "from": from, "to": to }));
        } else {
            println!("{name}  {title}, {from} to {to}");
        }
    }
    if !json {
        println!("assay replay-market --scenario {} --data DIR", CRASHES[0].name);
    }
}

/// Replays and writes the page; without a scenario lists them.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(crash) = args.scenario else {
        list(args.json);
        return Ok(ExitCode::SUCCESS);
    };
    let request = ReplayRequest {
        crash,
        data: args.data.clone(),
        markets: args.market.clone(),
        accounts: args.accounts,
        contracts: args.contracts,
        seed: args.seed,
        command: command(args, &crash),
    };
    let spinner = ProgressBar::new_spinner();
    spinner.set_style(ProgressStyle::with_template("{spinner} {msg}, {elapsed}")?);
    spinner.set_message("reading data");
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    let result = backtest::replay(&request, &mut |name| spinner.set_message(name.to_owned()));
    spinner.finish_and_clear();
    let Replayed { report, html } = result?;
    std::fs::write(&args.out, html)
        .with_context(|| format!("{} cannot be written", args.out.display()))?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        for line in report.markets.iter().flat_map(|market| &market.verdict) {
            println!("{line}");
        }
        println!("report    {}", args.out.display());
    }
    Ok(ExitCode::SUCCESS)
}

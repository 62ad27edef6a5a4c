//! `assay whatif`: who becomes liquidatable when the price jumps, under your margins and ours.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use shadow::{Effect, Ours, Position, effect};

use crate::propose::{share, signed};
use crate::shadow::hour;

/// Jumps that are looked at where none is named.
const SHOCKS: [f64; 6] = [-0.2, -0.1, -0.05, 0.05, 0.1, 0.2];

/// What to suppose.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Your accounts: a CSV of account, market, notional, equity.
    #[arg(long, value_name = "FILE", required_unless_present = "example_accounts")]
    accounts: Option<PathBuf>,
    /// A folder of bars, from which our margins come; repeat it for more venues.
    #[arg(long, value_name = "DIR", required_unless_present = "example_accounts")]
    data: Vec<PathBuf>,
    /// Your own margins: the CSV that `backtest` takes; the rows that hold now are used.
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
    /// A jump of the price, such as -10%; repeat it [default: 5, 10 and 20 % both ways].
    #[arg(long, value_name = "SHARE", value_parser = signed, allow_hyphen_values = true)]
    shock: Vec<f64>,
    /// A maintenance margin to try instead of ours, such as 3%.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    maintenance: Option<f64>,
    /// The hour, such as 2024-06-08T05:00Z [default: the one after the last whole hour of bars].
    #[arg(long, value_name = "HOUR", value_parser = hour)]
    at: Option<i64>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Print a file of accounts to begin with, and do nothing else.
    #[arg(long, conflicts_with_all = ["accounts", "data"])]
    example_accounts: bool,
}

/// One market under one system of margins.
struct System {
    name: &'static str,
    maintenance: f64,
}

/// Supposes.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(file) = args.accounts.as_deref().filter(|_| !args.example_accounts) else {
        print!("{}", shadow::EXAMPLE_ACCOUNTS);
        return Ok(ExitCode::SUCCESS);
    };
    let positions = shadow::accounts(file)?;
    anyhow::ensure!(!positions.is_empty(), "{} has no accounts", file.display());
    let params = args.params.as_deref().map(backtest::Table::read).transpose()?;
    let ours = Ours::open(&args.data)?;
    let shocks = if args.shock.is_empty() { &SHOCKS[..] } else { &args.shock };
    let mut names: Vec<&str> = positions.iter().map(|p| p.market.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut markets = Vec::new();
    for name in names {
        let hour_s = args.at.map_or_else(|| ours.end_s(name), Ok)?;
        let of: Vec<Position> = positions.iter().filter(|p| p.market == name).cloned().collect();
        let mut systems = Vec::new();
        if let Some(row) = params.as_ref().and_then(|table| held(table, name, hour_s)) {
            systems.push(System { name: "yours", maintenance: row.maintenance });
        }
        systems.push(match args.maintenance {
            Some(maintenance) => System { name: "tried", maintenance },
            None => System { name: "ours", maintenance: ours.at(name, hour_s)?.maintenance },
        });
        markets.push(market(args.json, (name, hour_s), &of, (&systems, shocks)));
    }
    if args.json {
        println!("{}", json!({ "markets": markets }));
    }
    Ok(ExitCode::SUCCESS)
}

/// The row of a market that holds in an hour.
fn held<'a>(table: &'a backtest::Table, name: &str, hour_s: i64) -> Option<&'a backtest::Row> {
    let same = |(market, _): &&(String, Vec<backtest::Row>)| market.eq_ignore_ascii_case(name);
    let (_, rows) = table.markets.iter().find(same)?;
    rows.iter().rev().find(|row| row.from_s <= hour_s)
}

/// Looks at a market, and prints it for people.
fn market(
    quiet: bool,
    (name, hour_s): (&str, i64),
    positions: &[Position],
    (systems, shocks): (&[System], &[f64]),
) -> Value {
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    if !quiet {
        println!("{name}, {} accounts, the hour from {}", positions.len(), backtest::when(hour_s));
        println!(
            "{:>9} {:<6} {:>12} {:>9} {:>14} {:>16} {:>11} {:>14}",
            "shock",
            "",
            "maintenance",
            "before",
            "liquidatable",
            "of notional",
            "below zero",
            "bad debt"
        );
    }
    let mut rows = Vec::new();
    for shock in shocks {
        for System { name, maintenance } in systems {
            let found = effect(positions, *shock, *maintenance);
            if !quiet {
                let Effect { before, liquidatable, notional, below_zero, bad_debt, .. } = &found;
                println!(
                    "{:>9} {name:<6} {:>12} {before:>9} {liquidatable:>14} {notional:>16.0} \
                     {below_zero:>11} {bad_debt:>14.0}",
                    percent(*shock),
                    percent(*maintenance)
                );
            }
            rows.push(json!({
                "shock": shock,
                "margins": name,
                "maintenance": maintenance,
                "effect": found,
            }));
        }
    }
    json!({ "market": name, "hour_s": hour_s, "accounts": positions.len(), "effects": rows })
}

//! `assay explain margin`: why our margin of an hour is what it is; `assay explain round`: why a
//! node was paid what it was paid.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use shadow::{HOUR_S, Margins, Ours, Part, explain};

use crate::shadow::hour;

mod round;

/// Hours back that an explanation compares with: a day and a week.
const BACK: [i64; 2] = [24, 168];
/// Characters of the longest bar.
const BAR: f64 = 30.0;

/// What to explain.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What a margin is made of, and what moved since yesterday and since last week.
    Margin(Margin),
    /// What the rows of a round were worth, and what each was paid or lost for it.
    Round(round::Args),
}

/// Which margin.
#[derive(Debug, clap::Args)]
struct Margin {
    /// The market, as `backtest` finds it.
    market: String,
    /// A folder of bars; repeat it for more venues.
    #[arg(long, required = true, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// The hour, such as 2024-06-08T05:00Z [default: the one after the last whole hour of bars].
    #[arg(long, value_name = "HOUR", value_parser = hour)]
    at: Option<i64>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Explains.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let args = match &args.command {
        Command::Margin(args) => args,
        Command::Round(args) => return round::run(args),
    };
    let ours = Ours::open(&args.data)?;
    let hour_s = args.at.map_or_else(|| ours.end_s(&args.market), Ok)?;
    let margins = ours.at(&args.market, hour_s)?;
    let parts = explain(&margins);
    // Where bars begin later, there is nothing to compare with.
    let earlier: Vec<(i64, Margins)> = BACK
        .iter()
        .filter_map(|back| Some((*back, ours.at(&args.market, hour_s - back * HOUR_S).ok()?)))
        .collect();
    if args.json {
        let earlier: Vec<_> = earlier
            .iter()
            .map(|(hours, then)| json!({ "hours": hours, "margins": then, "parts": explain(then) }))
            .collect();
        println!(
            "{}",
            json!({ "hour_s": hour_s, "margins": margins, "parts": parts, "earlier": earlier })
        );
    } else {
        print(hour_s, &margins, &parts, &earlier);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(hour_s: i64, margins: &Margins, parts: &[Part], earlier: &[(i64, Margins)]) {
    let percent = |share: f64| format!("{:.3} %", share * 100.0);
    println!(
        "{}, the hour from {}: initial {}, maintenance {}",
        margins.series,
        backtest::when(hour_s),
        percent(margins.initial),
        percent(margins.maintenance)
    );
    let then = |hours: i64| if hours == 24 { "a day ago" } else { "a week ago" };
    let heads: Vec<String> =
        earlier.iter().map(|(back, _)| format!("{:>12}", then(*back))).collect();
    println!("\n{:<20} {:>10} {:>7} {}", "driver", "adds", "share", heads.join(" "));
    let before: Vec<Vec<Part>> = earlier.iter().map(|(_, then)| explain(then)).collect();
    for (i, part) in parts.iter().enumerate() {
        let share = part.adds / margins.initial;
        let columns: Vec<String> =
            before.iter().map(|parts| format!("{:>12}", percent(parts[i].adds))).collect();
        println!(
            "{:<20} {:>10} {:>6.1}% {} {}",
            part.driver,
            percent(part.adds),
            share * 100.0,
            columns.join(" "),
            bar(share)
        );
    }
    let sums: Vec<String> =
        earlier.iter().map(|(_, then)| format!("{:>12}", percent(then.initial))).collect();
    println!(
        "{:<20} {:>10} {:>7} {}\n",
        "initial margin",
        percent(margins.initial),
        "100.0%",
        sums.join(" ")
    );
    for part in parts.iter().filter(|part| part.adds.abs() > 5e-7) {
        println!("{}: {}", part.driver, part.because);
    }
    println!("liquidity: not in the model; neither depth nor open interest moves this margin");
}

/// A share as a bar; what takes away is drawn with another mark.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few characters")]
fn bar(share: f64) -> String {
    let length = (share.abs().min(1.0) * BAR).round() as usize;
    (if share < 0.0 { "-" } else { "#" }).repeat(length)
}

//! `assay data features`: what a log says of each minute.

use std::path::PathBuf;
use std::process::ExitCode;

use feeds::Venue;
use feeds::features::{Minute, minutes};

/// Which log to read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A log of raw messages, plain or gzipped.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Another venue's log of the same market: its middle is put beside.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Whose messages the log holds, where neither its seals nor its messages tell.
    #[arg(long)]
    venue: Option<Venue>,
    /// The only market to show.
    #[arg(long, value_name = "NAME")]
    symbol: Option<String>,
    /// Print a line of JSON a minute instead of CSV.
    #[arg(long)]
    json: bool,
}

/// Reads and prints a row a minute.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (_, mut found) = minutes(&args.file, args.venue)?;
    if let Some(symbol) = &args.symbol {
        found.retain(|minute| minute.symbol.eq_ignore_ascii_case(symbol));
        anyhow::ensure!(!found.is_empty(), "{} says nothing of {symbol}", args.file.display());
    }
    let other = args.against.as_ref().map(|path| minutes(path, None)).transpose()?;
    let other = other.map(|(_, minutes)| minutes).unwrap_or_default();
    if !args.json {
        println!(
            "symbol,minute,mid,spread,flow_1,flow_5,bids,asks,taken,funding,basis,open_interest,\
             liquidated_long,liquidated_short,apart"
        );
    }
    for minute in &found {
        let apart = apart(minute, &other);
        if args.json {
            let mut value = serde_json::to_value(minute)?;
            value["apart"] = apart.into();
            println!("{value}");
        } else {
            println!("{}", row(minute, apart)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// By what share the middle is above the other venue's at the end of the same minute.
fn apart(minute: &Minute, other: &[Minute]) -> Option<f64> {
    let there = other.iter().find(|there| there.open_ms == minute.open_ms)?;
    Some(minute.mid? / there.mid? - 1.0)
}

fn row(minute: &Minute, apart: Option<f64>) -> anyhow::Result<String> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let numbers = [
        minute.mid,
        minute.spread,
        minute.flow_1,
        minute.flow_5,
        minute.bids,
        minute.asks,
        Some(minute.taken),
        minute.funding,
        minute.basis,
        minute.open_interest,
        Some(minute.liquidated_long),
        Some(minute.liquidated_short),
        apart,
    ];
    let time = jiff::Timestamp::from_millisecond(minute.open_ms)?;
    Ok(format!("{},{time},{}", minute.symbol, numbers.map(number).join(",")))
}

//! `assay data check`: what is wrong with a file.

use std::path::PathBuf;
use std::process::ExitCode;

use feeds::Venue;
use feeds::inspect::{Content, Report, inspect};
use serde_json::{Value, json};

/// Findings that are printed unless all are asked for.
const SHOWN: usize = 20;

/// Which file to look at.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Bars (parquet, Feather, CSV, CSV.gz) or a log of raw messages, plain or gzipped.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Whose messages a log holds, where neither its seals nor its messages tell.
    #[arg(long)]
    venue: Option<Venue>,
    /// Print every finding, not the first 20.
    #[arg(long)]
    all: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Looks, prints, and ends with 1 where anything is wrong.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let report = inspect(&args.file, args.venue, super::now_s())?;
    if args.json {
        println!("{}", object(&report));
    } else {
        print(&report, if args.all { usize::MAX } else { SHOWN });
    }
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the findings and what the file is.
pub(super) fn print(report: &Report, shown: usize) {
    for finding in report.findings.iter().take(shown) {
        println!("row {}: {}", finding.row, finding.problem);
    }
    let total = report.findings.len() as u64 + report.more;
    let hidden = total - report.findings.len().min(shown) as u64;
    if hidden > 0 {
        println!("and {hidden} more (--all, --json)");
    }
    let path = report.path.display();
    let rows = report.rows;
    let verdict = match total {
        0 => "nothing is wrong".to_owned(),
        1 => "one finding".to_owned(),
        count => format!("{count} findings"),
    };
    match &report.content {
        Content::Bars { interval_s } => {
            println!("{path}: {rows} bars, one every {interval_s} s: {verdict}");
        }
        Content::Log { venue, messages, sealed, latency_ms } => {
            let signed = sealed.as_ref().map_or_else(
                || "not signed".to_owned(),
                |(lines, signer)| format!("{lines} lines signed by {signer}"),
            );
            let latency =
                latency_ms.map_or_else(String::new, |ms| format!(", {ms} ms from venue to here"));
            println!(
                "{path}: {rows} lines of {venue}, {messages} messages{latency}, {signed}: {verdict}"
            );
        }
    }
}

/// Returns the report for machines.
pub(super) fn object(report: &Report) -> Value {
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "row": finding.row,
                "kind": finding.problem.kind(),
                "text": finding.problem.to_string(),
            })
        })
        .collect();
    let content = match &report.content {
        Content::Bars { interval_s } => json!({ "kind": "bars", "interval_s": interval_s }),
        Content::Log { venue, messages, sealed, latency_ms } => json!({
            "kind": "log",
            "venue": venue.name(),
            "messages": messages,
            "latency_ms": latency_ms,
            "sealed": sealed.as_ref().map(|(lines, signer)| json!({
                "lines": lines, "signer": signer,
            })),
        }),
    };
    json!({
        "file": report.path.display().to_string(),
        "content": content,
        "rows": report.rows,
        "findings": findings,
        "more": report.more,
    })
}

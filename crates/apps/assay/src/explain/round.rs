//! Why a node was paid what it was paid for a round: what the score Program said of its rows.
//!
//! Read from a node's files. Tensors are found by their roots, which are those of the round's score
//! on the chain; whoever has the round's updates and the posted windows computes the same.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use node::{
    TensorStore,
    scores::{Shelf, Verdict},
};
use round::score::Explanation;
use serde_json::json;

/// Which round.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Number of the round.
    round: u64,
    /// Only this node, by registry index.
    node: Option<u32>,
    /// The directory of `up`, or of a node.
    #[arg(long, default_value = ".assay")]
    dir: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Explains.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (verdict, store) = find(args)?;
    let rows = verdict.explain(&store)?;
    let asked = |row: &&Explanation| args.node.is_none_or(|node| row.member == node);
    let rows: Vec<&Explanation> = rows.iter().filter(asked).collect();
    if let Some(node) = args.node.filter(|_| rows.is_empty()) {
        anyhow::bail!("node {node} has no row in round {}", args.round);
    }
    if args.json {
        println!("{}", as_json(&verdict, &rows));
    } else {
        print(&verdict, &rows);
    }
    Ok(ExitCode::SUCCESS)
}

/// The round's score in the first directory that has it.
fn find(args: &Args) -> anyhow::Result<(Verdict, TensorStore)> {
    let mut dirs = vec![args.dir.clone()];
    let entries = std::fs::read_dir(&args.dir)
        .with_context(|| format!("{} cannot be read", args.dir.display()))?;
    dirs.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    dirs.sort();
    let mut shelves = dirs.iter().filter(|dir| dir.join("scores").is_dir());
    let found = shelves.find_map(|dir| Some((Shelf::open(dir).ok()?.get(args.round)?, dir)));
    let (verdict, dir) = found.with_context(|| {
        format!(
            "no node in {} has a score of round {}: rows are scored {} rounds after theirs, where \
             they are paid by worth (assay up --attack)",
            args.dir.display(),
            args.round,
            node::SCORED_DAYS
        )
    })?;
    Ok((verdict, TensorStore::open(&dir.join("tensors"))?))
}

fn as_json(verdict: &Verdict, rows: &[&Explanation]) -> serde_json::Value {
    let row = |row: &&Explanation| {
        json!({
            "node": row.member, "score": row.score, "by_order": row.by_order,
            "standard_error": row.standard_error, "length": row.length,
            "original_share": row.original_share, "pay_gwei": row.pay_gwei,
            "burn_gwei": row.burn_gwei,
        })
    };
    json!({
        "round": verdict.round, "claim": verdict.claim, "budget_gwei": verdict.budget_gwei,
        "inputs_root": verdict.inputs_root.to_string(),
        "outputs_root": verdict.outputs_root().to_string(),
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn print(verdict: &Verdict, rows: &[&Explanation]) {
    println!(
        "round {}, claim {}, budget {} tokens: what each row took off the model's loss on the \
         {} days that followed, as though all rows were like it",
        verdict.round,
        verdict.claim,
        verdict.budget_gwei / 1_000_000_000,
        node::SCORED_DAYS
    );
    for row in rows {
        println!("{row}");
    }
    println!("outputs root {}", verdict.outputs_root());
}

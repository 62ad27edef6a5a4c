//! What rows were worth, once the chain has settled it: read from a node's files, checked against
//! the chain's roots.

use std::path::PathBuf;

use anyhow::Context as _;
use chain::index::Score;
use node::{TensorStore, hash, scores::Shelf};

use super::summary::{Pay, Round};

/// Reads what each node of a round was paid and lost for what its rows were worth.
///
/// # Errors
///
/// If no node kept the score that the chain settled.
pub(super) fn pay(dirs: &[PathBuf], round: u64, settled: &Score) -> anyhow::Result<Vec<Pay>> {
    let root = hash(settled.cumulative_root);
    let kept = dirs.iter().find_map(|dir| {
        let verdict = Shelf::open(dir).ok()?.get(round)?;
        let store = TensorStore::open(&dir.join("tensors")).ok()?;
        (verdict.output_roots.get(1) == Some(&root)).then_some((verdict, store))
    });
    let (verdict, store) = kept.with_context(|| format!("no node kept the score of {round}"))?;
    let rows = verdict.explain(&store)?;
    let of = |node: u32| {
        let own = rows.iter().filter(move |row| row.member == node);
        let (paid, burnt, score, count) = own.fold((0.0, 0.0, 0.0, 0.0), |sum, row| {
            (sum.0 + row.pay_gwei, sum.1 + row.burn_gwei, sum.2 + row.score, sum.3 + 1.0)
        });
        Pay {
            node,
            tokens: format!("{}", paid / 1e9),
            burnt: Some(format!("{}", burnt / 1e9)),
            score: Some(score / count),
        }
    };
    Ok(settled.burnt.iter().map(|(node, _)| of(*node)).collect())
}

/// Says it in a line.
pub(super) fn line(round: &Round) -> String {
    let one = |pay: &Pay| {
        let tokens = |text: &str| text.parse::<f64>().unwrap_or_default();
        let burnt = pay.burnt.as_deref().map_or(0.0, tokens);
        format!("{} {:+.3}", pay.node, tokens(&pay.tokens) - burnt)
    };
    let all: Vec<String> = round.pay.iter().map(one).collect();
    format!(
        "score     round {} on the week that followed, tokens by node: {} \u{b7} why: assay \
         explain round {}",
        round.index,
        all.join(", "),
        round.index
    )
}

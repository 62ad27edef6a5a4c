//! A whole dispute over a training step of about 2^32 scalar operations, played on the pure court
//! and on the embedded chain, by `cargo xtask bench --dispute [WORD]`.
//!
//! One side lies about one element of one op, the other is right; each op is disputed with the
//! honest side as challenger and as asserter. On the chain the honest side is a process of its own
//! with a key of its own, so that its peak memory is one node's, and every figure of gas is a
//! receipt's. The liar, the chain and the pure court are this process.
//!
//! *Invariant: the honest side wins, on both, in as many moves; otherwise there is nothing to
//! report.* Absent: pass or fail of a bar. Bars are printed beside what was measured.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench reports to the terminal")]

mod honest;
mod liar;
mod play;
mod scene;
mod work;

use std::time::Instant;

use anyhow::ensure;
use court::trace::Evidence as _;
use tokio::runtime::Runtime;

use crate::{
    honest::{Process, Report},
    liar::Bent,
    play::Tally,
    scene::Scene,
    work::{Target, Work},
};

/// The bars of the design.
const GAS_MAX: u64 = 4_000_000;
const MOVES_MAX: usize = 16;
const PEAK_MIB_MAX: u64 = 1_024;

/// One dispute as it went.
struct Row {
    target: Target,
    honest_asserts: bool,
    liar: Tally,
    honest: Report,
}

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    if let [flag, name] = &words[..]
        && flag == honest::FLAG
    {
        return runtime.block_on(honest::run(name));
    }
    // Cargo adds flags of its own.
    let filter = words.into_iter().find(|word| !word.starts_with('-')).unwrap_or_default();
    for name in work::NAMES {
        let work = Work::new(name)?;
        let wanted = |target: &Target| format!("{name} {}", target.name).contains(&filter);
        let targets: Vec<Target> = work.targets().into_iter().filter(wanted).collect();
        if !targets.is_empty() {
            println!("{work}\n");
            let tree = work.tree_speed()?;
            print(&disputes(&work, targets, &runtime)?, tree);
        }
    }
    Ok(())
}

/// Plays every dispute about a work.
fn disputes(work: &Work, targets: Vec<Target>, runtime: &Runtime) -> anyhow::Result<Vec<Row>> {
    let began = Instant::now();
    let mut right = work.witness(node::Kernels)?;
    eprintln!("the right execution is traced after {:.1} s", began.elapsed().as_secs_f64());
    let dir = tempfile::tempdir()?;
    let scene = runtime.block_on(Scene::open(dir.path(), work))?;
    let mut rows = Vec::new();
    for target in targets {
        let mut liar = Bent::new(work, target)?;
        ensure!(liar.outputs_root() != right.outputs_root(), "a lie about {target} does not show");
        for honest_asserts in [false, true] {
            let pure = play::pure(work, honest_asserts, &mut right, &mut liar)?;
            eprintln!("{target}: {pure} on the pure court");
            let row = on_chain((&scene, work.name), target, honest_asserts, &mut liar);
            let row = runtime.block_on(row)?;
            ensure!(row.moves() == (pure.asserter, pure.challenger), "the chain went another way");
            eprintln!("{target}: as many on the chain, {} gas", row.gas());
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Plays one dispute against an honest process.
async fn on_chain(
    (scene, work): (&Scene, &str),
    target: Target,
    honest_asserts: bool,
    liar: &mut Bent,
) -> anyhow::Result<Row> {
    let mut process = Process::start(work)?;
    let first = process.first()?;
    let (claim, asserter) = if honest_asserts {
        (first.outputs_root, &scene.honest)
    } else {
        (liar.outputs_root(), &scene.liar)
    };
    let claim = scene.post(first.inputs_root, claim, asserter.address()).await?;
    let header = liar.program().header();
    let mut tally = Tally::default();
    if honest_asserts {
        let root = liar.outputs_root();
        tally.challenge(scene.liar.challenge(claim, node::word(root), header).await?.gas_used);
        process.go_on(scene, None)?;
    } else {
        process.go_on(scene, Some(claim))?;
        scene.wait_for_dispute(claim).await?;
    }
    let dispute = scene.liar.dispute_count().await?;
    play::on_chain(&scene.liar, dispute, !honest_asserts, liar, &mut tally).await?;
    let honest = process.report()?;
    let lost = scene.asserter_lost(claim).await?;
    ensure!(lost != honest_asserts, "the honest side lost");
    Ok(Row { target, honest_asserts, liar: tally, honest })
}

impl Row {
    /// Moves of the asserter and of the challenger, with its challenge.
    fn moves(&self) -> (usize, usize) {
        let (honest, liar) = (self.honest.tally.moves.len(), self.liar.moves.len());
        if self.honest_asserts { (honest, liar) } else { (liar, honest) }
    }

    /// Gas of the asserter and of the challenger.
    fn sides(&self) -> (u64, u64) {
        let (honest, liar) = (self.honest.tally.gas(), self.liar.gas());
        if self.honest_asserts { (honest, liar) } else { (liar, honest) }
    }

    fn gas(&self) -> u64 {
        self.sides().0 + self.sides().1
    }
}

fn print(rows: &[Row], tree: f64) {
    println!(
        "| disputed | honest | moves of asserter, challenger | gas of asserter, challenger | \
         gas in all | first difference, CPU | of it executing, hashing | later moves: ops executed \
         again | slowest, all | peak memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        let (moves, gas, honest) = (row.moves(), row.sides(), &row.honest);
        println!(
            "| {} | {} | {}, {} | {}, {} | {} | {:.1} s, {:.1} s | {:.1}, {:.1} s | {} | \
             {:.2}, {:.2} s | {} MiB |",
            row.target,
            if row.honest_asserts { "asserter" } else { "challenger" },
            moves.0,
            moves.1,
            gas.0,
            gas.1,
            row.gas(),
            honest.first.seconds,
            honest.first.cpu_seconds,
            honest.first.execute_seconds,
            honest.first.hash_seconds,
            honest.again,
            honest.tally.slowest(),
            honest.tally.seconds(),
            honest.peak_mib,
        );
    }
    let most = |of: fn(&Row) -> u64| rows.iter().map(of).max().unwrap_or_default();
    let moves = rows.iter().map(|row| row.moves().0.max(row.moves().1)).max().unwrap_or_default();
    println!("\nmost gas in all: {} (bar {GAS_MAX})", most(Row::gas));
    println!("most moves of a side: {moves} (bar {MOVES_MAX})");
    let peak = most(|row| row.honest.peak_mib);
    println!("peak memory of the honest side: {peak} MiB (bar {PEAK_MIB_MAX})");
    let hashing = |row: &Row| row.honest.first.hashed_bytes as f64 / row.honest.first.hash_seconds;
    let speed = rows.iter().map(hashing).max_by(f64::total_cmp).unwrap_or(0.0) / 1e9;
    println!("hashing: {speed:.2} GB/s at best; the tree by itself {:.2} GB/s", tree / 1e9);
    let Some(dearest) = rows.iter().max_by_key(|row| row.gas()) else { return };
    println!("the dearest dispute, move by move, the honest side and then the liar:");
    for tally in [&dearest.honest.tally, &dearest.liar] {
        let moves = tally.moves.iter();
        let moves: Vec<_> = moves.map(|made| format!("{} {}", made.kind, made.gas)).collect();
        println!("- {}", moves.join(", "));
    }
    println!();
}

//! Our kernels beside other engines: `cargo xtask bench --peers`.
//!
//! Each contest is one piece of work and several engines that do it. They take turns on one machine
//! in one process, so that whatever else the machine does falls on all of them; a ratio is taken
//! within each turn, and the median of the ratios counts. PyTorch runs in a child that is told to
//! work when its turn comes.
//!
//! *Invariant: every contestant does the same work: same sizes, same threads, forward, backward and
//! Adam of the same network.*
//! Absent: pass or fail. A bar is shown beside each ratio, and no test depends on it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench reports to the terminal")]

mod chain;
mod clock;
mod contest;
mod ours;
mod products;
mod with_burn;
mod with_candle;
mod with_torch;
mod work;

use std::path::PathBuf;

use anyhow::{Context, bail};

use contest::{Contest, Report};
use with_torch::Torch;

/// What the command line says.
struct Arguments {
    /// How many threads every engine gets.
    threads: usize,
    /// The Python that has PyTorch; without it that peer is left out.
    python: Option<PathBuf>,
    /// Machines read the report.
    json: bool,
    /// Only contests with this word in their name.
    filter: String,
}

fn main() -> anyhow::Result<()> {
    let arguments = arguments()?;
    // Pools read these once, when they start; xtask sets them for the whole process.
    for variable in ["RAYON_NUM_THREADS", "MATMUL_NUM_THREADS"] {
        let set = std::env::var(variable).unwrap_or_default();
        if set != arguments.threads.to_string() {
            bail!("{variable} must be {}: use `cargo xtask bench --peers`", arguments.threads);
        }
    }
    let torch = match &arguments.python {
        Some(python) => Some(Torch::start(python, arguments.threads)?),
        None => {
            eprintln!("torch is left out: no Python was named that has it");
            None
        }
    };
    let mut report = Report::new(arguments.json, arguments.threads);
    let wanted = |name: &str| name.contains(&arguments.filter);
    let names = products::NAMES.iter().chain(&[chain::NAME]).copied();
    let names: Vec<&str> = names.chain(work::WORKS.iter().map(|work| work.name)).collect();
    for name in names.into_iter().filter(|name| wanted(name)) {
        let contest = contest(name, arguments.threads, torch.as_ref())
            .with_context(|| format!("{name} cannot be set up"))?;
        report.add(&contest.run(|done, all| eprint!("\r{name}: turn {done} of {all} "))?);
    }
    report.print();
    Ok(())
}

/// Returns a contest by its name.
fn contest<'a>(
    name: &str,
    threads: usize,
    torch: Option<&'a Torch>,
) -> anyhow::Result<Contest<'a>> {
    if let Some(work) = work::WORKS.iter().find(|work| work.name == name) {
        return work.contest(threads, torch);
    }
    if name == chain::NAME { chain::contest(threads) } else { products::contest(name, threads) }
}

fn arguments() -> anyhow::Result<Arguments> {
    let mut arguments = Arguments { threads: 1, python: None, json: false, filter: String::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--threads" => {
                let count = words.next().context("--threads takes a number")?;
                arguments.threads = count.parse().context("--threads takes a number")?;
            }
            "--python" => {
                arguments.python = Some(words.next().context("--python takes a path")?.into());
            }
            "--json" => arguments.json = true,
            _ => arguments.filter = word,
        }
    }
    Ok(arguments)
}

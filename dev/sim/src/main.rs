//! Runs seeds of the simulator and says what happened.
//!
//! `sim --seed N` shows one seed with its options; `sim --seeds N` runs that many from `--from` on.
//! A failure ends the program with the seed that shows it again.

#![expect(clippy::print_stdout, reason = "a command line program")]

use anyhow::Result;
use clap::Parser;
use sim::World;

/// Run seeded simulations of a network of nodes and their chain.
#[derive(Debug, Parser)]
struct Arguments {
    /// Show this one seed, with its options.
    #[arg(long)]
    seed: Option<u64>,
    /// How many seeds to run otherwise.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.seed {
        println!("seed {seed}: {:#?}", World::new(seed).options);
        println!("{:#?}", sim::check(seed)?);
        return Ok(());
    }
    let (mut blocks, mut settled) = (0, 0);
    for seed in arguments.from..arguments.from + arguments.seeds {
        let report = sim::check(seed)?;
        (blocks, settled) = (blocks + report.blocks, settled + report.settled);
    }
    println!("{} seeds, {blocks} blocks, {settled} rounds settled", arguments.seeds);
    Ok(())
}

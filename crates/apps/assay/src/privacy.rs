//! `assay privacy`: what noisy updates say about a node's data, at most.

use std::process::ExitCode;

use anyhow::ensure;
use learn::Mechanism;
use serde::Serialize;

/// Rounds of the table, as far as those asked for.
const STEPS: [u64; 13] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/// Which mechanism, how often.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Deviation of the noise over what one node's data can change, such as 4.
    #[arg(long, value_name = "MULTIPLE")]
    noise: f64,
    /// Share of the data in one release: 1 where an update is of all of them.
    #[arg(long, default_value_t = 1.0, value_name = "SHARE")]
    rate: f64,
    /// Releases, one a round.
    #[arg(long, default_value_t = 365)]
    rounds: u64,
    /// Probability outside the bound.
    #[arg(long, default_value_t = 1e-6)]
    delta: f64,
    /// Say after how many rounds this much is spent.
    #[arg(long, value_name = "EPSILON")]
    budget: Option<f64>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What came out.
#[derive(Debug, Serialize)]
struct Told {
    noise: f64,
    rate: f64,
    delta: f64,
    rounds: u64,
    epsilon: f64,
    /// Rounds that the budget lasts.
    lasts: Option<u64>,
    /// Epsilon by rounds.
    table: Vec<(u64, f64)>,
}

/// Prints it.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    ensure!(args.noise > 0.0, "--noise is a positive number");
    ensure!(args.rate > 0.0 && args.rate <= 1.0, "--rate is above 0 and at most 1");
    ensure!(args.delta > 0.0 && args.delta < 1.0, "--delta is between 0 and 1");
    ensure!(args.rounds > 0, "--rounds is at least 1");
    let mechanism = Mechanism { noise: args.noise, rate: args.rate };
    let steps = STEPS.into_iter().take_while(|rounds| *rounds < args.rounds);
    let table =
        steps.chain([args.rounds]).map(|rounds| (rounds, mechanism.epsilon(rounds, args.delta)));
    let told = Told {
        noise: args.noise,
        rate: args.rate,
        delta: args.delta,
        rounds: args.rounds,
        epsilon: mechanism.epsilon(args.rounds, args.delta),
        lasts: args.budget.map(|budget| mechanism.releases(budget, args.delta)),
        table: table.collect(),
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&told)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{:>8}  {:>10}", "rounds", "epsilon");
    for (rounds, epsilon) in &told.table {
        println!("{rounds:>8}  {epsilon:>10.4}");
    }
    if let (Some(budget), Some(lasts)) = (args.budget, told.lasts) {
        println!("epsilon {budget} lasts {lasts} rounds");
    }
    println!(
        "With probability 1 - {:e}, nobody who sees all of them can tell from them whether the \
         data were there by odds of more than e^epsilon.",
        args.delta
    );
    Ok(ExitCode::SUCCESS)
}

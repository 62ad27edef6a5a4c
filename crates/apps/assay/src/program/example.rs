//! `assay program example`: the Programs that a network runs, written to a file.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::ValueEnum;
use learn::{Kind, Model};
use node::Job;
use tensor::Program;

/// Which Program, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which Program of a network.
    name: Name,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// The Programs that a network runs.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Name {
    /// A training step of the log-linear model: draw a batch, take the gradient, move by Adam.
    StepHar,
    /// A training step of the perceptron.
    StepMlp,
    /// The aggregation of three updates of the log-linear model.
    Aggregate,
    /// The forecast of five days with the log-linear model.
    Forecast,
    /// An hour of the risk engine: tail, shortfall, uncertainty and margin.
    Margin,
    /// The report after a round of three updates of the log-linear model: margin and volatility.
    Report,
}

/// Rows of the aggregation example, the fewest that make a round.
const ROWS: usize = 3;

/// Days of the forecast example.
const DAYS: usize = 5;

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let program = build(args.name)?;
    std::fs::write(&args.out, program.encode())
        .with_context(|| format!("{} cannot be written", args.out.display()))?;
    println!("{} is program {}", args.out.display(), program.hash());
    Ok(ExitCode::SUCCESS)
}

fn build(name: Name) -> anyhow::Result<Program> {
    Ok(match name {
        Name::StepHar => Job::new(Kind::Har)?.trainer().program().clone(),
        Name::StepMlp => Job::new(Kind::Mlp)?.trainer().program().clone(),
        Name::Aggregate => Job::new(Kind::Har)?.aggregate(ROWS)?,
        Name::Forecast => market::forecast(&Model::new(Kind::Har, &market::FEATURES), DAYS)?,
        Name::Report => Job::new(Kind::Har)?.report(ROWS)?.as_ref().clone(),
        Name::Margin => market::risk::tail_step(&market::risk::Config::frozen().tail)?,
    })
}

//! `assay statement`: an account's margin with all that it came from, for anybody to compute again.
//!
//! *Invariant: what a statement says is what the portfolio margin Program returns for the inputs in
//! it; `--verify` reads nothing else.*

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use market::scenario::{Grid, Kind, Leg, Width, account, account_inputs};
use serde::{Deserialize, Serialize};
use tensor::Tensor;

use crate::propose::share;

/// Legs to begin with.
const EXAMPLE_LEGS: &str = "\
# One row a position. Units are negative when short; volatility is a year's, days are to expiry.
# Of a perpetual only the mark price (as forward) is read.
kind,position,forward,strike,volatility,days
perpetual,-1.5,64000,,,
call,2,64300,70000,55%,24
put,-1,64300,55000,61%,24
";
const DAYS_A_YEAR: f64 = 365.0;
/// Outputs of the Program: initial, maintenance, scan, least; the changes; the worst scenario.
const OUTPUTS: usize = 3;

/// Whose margin, or which statement.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The positions: a CSV of kind, position, forward, strike, volatility, days.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["verify", "example_legs"])]
    legs: Option<PathBuf>,
    /// The index price.
    #[arg(long, value_name = "PRICE", required_unless_present_any = ["verify", "example_legs"])]
    spot: Option<f64>,
    /// The largest ordinary move of the price: our margin of the horizon, or the static 16 %.
    #[arg(long, default_value = "16%", value_parser = share, value_name = "SHARE")]
    half: f64,
    /// The rise of a 30-day volatility.
    #[arg(long, default_value = "40%", value_parser = share, value_name = "SHARE")]
    up: f64,
    /// Its fall.
    #[arg(long, default_value = "22%", value_parser = share, value_name = "SHARE")]
    down: f64,
    /// What is charged for funding and fees in any case.
    #[arg(long, default_value_t = 0.0, value_name = "AMOUNT")]
    provision: f64,
    /// Write the statement to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Compute a statement again, and say whether it holds.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["legs", "spot", "out"])]
    verify: Option<PathBuf>,
    /// Print the statement as JSON.
    #[arg(long)]
    json: bool,
    /// Print a file of legs to begin with, and do nothing else.
    #[arg(long)]
    example_legs: bool,
}

/// A margin with all that it came from. Bytes are those of elements, little-endian, in hex.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    /// Positions, which decide the Program with the published grid.
    legs: usize,
    /// The Program's hash.
    program: String,
    /// The Program's inputs, in order.
    inputs: Vec<String>,
    /// Root of their list, as a claim in the court has it.
    inputs_root: String,
    /// Root of the outputs.
    outputs_root: String,
    /// What is asked for when the position is opened.
    initial: f64,
    /// What must be there to keep it.
    maintenance: f64,
    /// The worst loss of any scenario.
    scan: f64,
    /// The least margin by delta.
    least: f64,
    /// The scenario of the worst loss, from 0.
    worst: usize,
    /// By how much each scenario changes the account's value, weighted.
    changes: Vec<f64>,
}

/// States or verifies.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.example_legs {
        print!("{EXAMPLE_LEGS}");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(path) = &args.verify {
        return verify(path, args.json);
    }
    let (Some(path), Some(spot)) = (&args.legs, args.spot) else { bail!("--legs and --spot") };
    let legs = legs(path)?;
    let width = Width { half: args.half, up: args.up, down: args.down };
    let inputs = account_inputs(&legs, width, (spot, args.provision))?;
    let statement = state(legs.len(), &inputs)?;
    ensure!(
        statement.initial.is_finite(),
        "the margin is no number: check the signs of forwards, strikes, volatilities and --spot"
    );
    if let Some(out) = &args.out {
        std::fs::write(out, serde_json::to_vec_pretty(&statement)?)
            .with_context(|| format!("{} cannot be written", out.display()))?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&statement)?);
    } else {
        print(&statement, width);
        args.out.iter().for_each(|out| println!("statement         {}", out.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the Program and writes down what went in and came out.
fn state(legs: usize, inputs: &[Tensor]) -> anyhow::Result<Statement> {
    let program = account(legs, &Grid::published())?;
    let outputs = kernels::eval(&program, inputs)?;
    let [margin, changes, worst] = &outputs[..] else { bail!("not {OUTPUTS} outputs") };
    let margin = margin.as_f64().context("margins are f64")?;
    let [initial, maintenance, scan, least] = margin[..] else { bail!("not four margins") };
    let worst = worst.as_i32().context("a scenario is i32")?[0];
    let root =
        |tensors: &[Tensor]| court::opening::list_root(&court::opening::roots(tensors)).to_string();
    Ok(Statement {
        legs,
        program: program.hash().to_string(),
        inputs: inputs.iter().map(|input| hex(&input.to_bytes())).collect(),
        inputs_root: root(inputs),
        outputs_root: root(&outputs),
        initial,
        maintenance,
        scan,
        least,
        worst: usize::try_from(worst)?,
        changes: changes.as_f64().context("changes are f64")?.to_vec(),
    })
}

fn verify(path: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let name = path.display();
    let text = std::fs::read(path).with_context(|| format!("{name} cannot be read"))?;
    let stated: Statement =
        serde_json::from_slice(&text).with_context(|| format!("{name} is no statement"))?;
    ensure!((1..=4_096).contains(&stated.legs), "{name}: {} legs are no account", stated.legs);
    let program = account(stated.legs, &Grid::published())?;
    let declared = program.inputs();
    ensure!(declared.len() == stated.inputs.len(), "{name}: not {} inputs", declared.len());
    let mut inputs = Vec::with_capacity(declared.len());
    for (i, ((dtype, shape), text)) in declared.iter().zip(&stated.inputs).enumerate() {
        let bytes = alloy::primitives::hex::decode(text);
        let bytes = bytes.with_context(|| format!("{name}: input {i} is not hex"))?;
        let tensor = Tensor::from_bytes(*dtype, shape, &bytes);
        inputs.push(tensor.with_context(|| format!("{name}: input {i}"))?);
    }
    let found = state(stated.legs, &inputs)?;
    let holds = serde_json::to_value(&found)? == serde_json::to_value(&stated)?;
    if json {
        println!("{}", serde_json::json!({ "holds": holds, "computed": found }));
    } else if holds {
        println!("it holds: initial {}, maintenance {}", found.initial, found.maintenance);
    } else {
        println!(
            "it does not hold: computed again the initial margin is {} (it says {}), maintenance \
             {} (it says {}), outputs {} (it says {})",
            found.initial,
            stated.initial,
            found.maintenance,
            stated.maintenance,
            found.outputs_root,
            stated.outputs_root
        );
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn hex(bytes: &[u8]) -> String {
    alloy::primitives::hex::encode(bytes)
}

fn print(statement: &Statement, width: Width) {
    let scenario = Grid::published().scenarios[statement.worst];
    let (price, volatility, weight) = scenario.at(width);
    println!("initial margin    {:.2}", statement.initial);
    println!("maintenance       {:.2}", statement.maintenance);
    println!("worst scenario    {:.2} loss, weighted {weight:.3}:", statement.scan);
    println!(
        "                  price {:+.1} %, 30-day volatility {:+.1} %",
        price * 100.0,
        volatility * 100.0
    );
    println!("least by delta    {:.2}", statement.least);
    println!("program           {}", statement.program);
    println!("inputs            {}", statement.inputs_root);
    println!("outputs           {}", statement.outputs_root);
}

/// Reads legs from a CSV.
fn legs(path: &Path) -> anyhow::Result<Vec<Leg>> {
    let name = path.display();
    let text = std::fs::read(path).with_context(|| format!("{name} cannot be read"))?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_slice());
    let header = reader.headers().with_context(|| format!("{name} has no header"))?.clone();
    let mut legs = Vec::new();
    for row in reader.records() {
        let row = row.with_context(|| format!("{name}"))?;
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |column: &str| -> anyhow::Result<&str> {
            let place = header.iter().position(|head| head.eq_ignore_ascii_case(column));
            let place = place.with_context(|| {
                format!("{name} has no column {column:?}; `--example-legs` prints a file")
            })?;
            Ok(row.get(place).unwrap_or_default())
        };
        let number = |column: &str| -> anyhow::Result<f64> {
            let text = cell(column)?;
            let (digits, unit) =
                text.strip_suffix('%').map_or((text, 1.0), |digits| (digits.trim(), 100.0));
            let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
            number.map(|number| number / unit).with_context(|| {
                format!("{name} row {line}, column {column}: {text:?} is not a number")
            })
        };
        let (position, forward) = (number("position")?, number("forward")?);
        let kind = match cell("kind")? {
            "perpetual" => {
                legs.push(Leg::perpetual(position, forward));
                continue;
            }
            "call" => Kind::Call,
            "put" => Kind::Put,
            other => bail!("{name} row {line}: {other:?} is no kind; call, put or perpetual"),
        };
        let (strike, volatility) = (number("strike")?, number("volatility")?);
        let years = number("days")? / DAYS_A_YEAR;
        legs.push(Leg { kind, position, forward, strike, volatility, years });
    }
    ensure!(!legs.is_empty(), "{name} has no positions");
    Ok(legs)
}

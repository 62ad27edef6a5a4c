//! `assay program run` and `hash`: results, and what names them.
//!
//! *Invariant: what is printed of an output is the kernels' result; `--check` compares every bit
//! with the reference interpreter and fails where they differ.*

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use court::opening;
use indicatif::ProgressBar;
use kernels::Runner;
use serde::Serialize;
use tensor::{Hash, Program, Tensor};

use super::{Of, bar, first_values, inputs::Given, npy, shown, type_name};

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    given: Given,
    /// Run the reference interpreter too, and fail where a bit differs.
    #[arg(long)]
    check: bool,
    /// Write each output to DIR/N.npy.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// What to name.
#[derive(Debug, clap::Args)]
pub(crate) struct HashArgs {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    given: Given,
}

#[derive(Debug, Serialize)]
struct Named {
    program: Hash,
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs_root: Option<Hash>,
}

#[derive(Debug, Serialize)]
struct Outcome {
    program: Hash,
    inputs_root: Hash,
    outputs_root: Hash,
    outputs: Vec<Output>,
    /// Whether the reference interpreter gave the same bits; absent if it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    equal: Option<bool>,
    /// The first difference, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<String>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Output {
    r#type: String,
    root: Hash,
    first: String,
}

pub(crate) fn hash(args: &HashArgs) -> anyhow::Result<ExitCode> {
    let program = args.of.program()?;
    let inputs_root =
        if args.given.any() { Some(list_root(&args.given.tensors(&program)?)) } else { None };
    let named = Named { program: program.hash(), inputs_root };
    if args.of.json {
        println!("{}", serde_json::to_string_pretty(&named)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", named.program);
    if let Some(root) = named.inputs_root {
        println!("inputs {root}");
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let program = args.of.program()?;
    let inputs = args.given.tensors(&program)?;
    let mut runner = Runner::new(&program);
    let spinner = ProgressBar::new_spinner().with_message("running");
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    let started = std::time::Instant::now();
    let outputs = runner.run(&inputs)?;
    let seconds = started.elapsed().as_secs_f64();
    spinner.finish_and_clear();
    let difference = if args.check { difference(&program, &inputs, &outputs)? } else { None };
    if let Some(dir) = &args.out {
        write(dir, &outputs)?;
    }
    let equal = args.check.then_some(difference.is_none());
    let shown = |output: &Tensor| Output {
        r#type: type_name(output.dtype(), output.shape()),
        root: output.root(),
        first: first_values(output),
    };
    let outcome = Outcome {
        program: program.hash(),
        inputs_root: list_root(&inputs),
        outputs_root: list_root(&outputs),
        outputs: outputs.iter().map(shown).collect(),
        equal,
        difference,
        seconds,
    };
    if args.of.json {
        println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else {
        tell(&outcome);
    }
    Ok(if equal == Some(false) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Returns the root of a list of tensors: of a claim's inputs, or of its outputs.
pub(crate) fn list_root(tensors: &[Tensor]) -> Hash {
    opening::list_root(&opening::roots(tensors))
}

/// Evaluates with the reference interpreter and names the first element that differs.
fn difference(
    program: &Program,
    inputs: &[Tensor],
    outputs: &[Tensor],
) -> anyhow::Result<Option<String>> {
    let operations = (0..program.nodes().len()).map(|op| program.operations(op)).sum();
    let bar = bar("the reference interpreter", operations)?;
    let wanted = tensor::eval_each(program, inputs, |op, _, _| bar.inc(program.operations(op)))?;
    bar.finish_and_clear();
    for (index, (got, wanted)) in outputs.iter().zip(&wanted).enumerate() {
        if got == wanted {
            continue;
        }
        let elements = 0..wanted.shape().count();
        let differs = |element: &usize| shown(got, *element).1 != shown(wanted, *element).1;
        let element = elements.clone().find(differs).context("equal elements, unequal tensors")?;
        let (got, wanted) = (shown(got, element), shown(wanted, element));
        return Ok(Some(format!(
            "output {index}, element {element}: kernels {} ({}), reference {} ({})",
            got.0, got.1, wanted.0, wanted.1
        )));
    }
    Ok(None)
}

fn write(dir: &std::path::Path, outputs: &[Tensor]) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    for (index, output) in outputs.iter().enumerate() {
        let path = dir.join(format!("{index}.npy"));
        std::fs::write(&path, npy::write(output)).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn tell(outcome: &Outcome) {
    println!("program {}", outcome.program);
    println!("inputs  {}", outcome.inputs_root);
    println!("outputs {}", outcome.outputs_root);
    for (index, Output { r#type, root, first }) in outcome.outputs.iter().enumerate() {
        println!("{index}: {} {root} {first}", r#type);
    }
    match (outcome.equal, &outcome.difference) {
        (Some(true), _) => println!("the reference interpreter gives the same bits"),
        (_, Some(difference)) => println!("NOT EQUAL: {difference}"),
        _ => {}
    }
}

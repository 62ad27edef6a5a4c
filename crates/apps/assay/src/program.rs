//! `assay program`: look at a Program, run it, name it, and follow one scalar of it.
//!
//! FILE is an encoded Program or its listing (`show --full` writes one). `show` lists it, `hash`
//! names it, `run` evaluates it with the kernels, `trace` commits to the whole execution the way a
//! dispute does, and `example` writes one of the Programs that a network runs, to begin with.
//!
//! Deliberately absent: other formats (there is one place for them, [`file`]), and arithmetic of
//! its own; every value comes from the kernels or from the reference interpreter.

mod chain;
mod element;
mod example;
pub(crate) mod file;
mod inputs;
pub(crate) mod npy;
mod run;
mod show;
mod trace;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

/// What to do with a Program.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List a Program, one line an op; such a listing is a FILE too, if it is `--full`.
    Show(show::Args),
    /// Print the hash that names a Program, and the root of inputs where they are given.
    Hash(run::HashArgs),
    /// Run a Program on inputs and print its outputs and their roots.
    Run(run::Args),
    /// Commit to every op's result, as a dispute would, or look at one op or one element.
    Trace(trace::Args),
    /// Write one of the Programs that a network runs, encoded.
    Example(example::Args),
}

/// The Program, and how results are printed.
#[derive(Debug, clap::Args)]
struct Of {
    /// An encoded Program, a listing that `show --full` wrote, or an ONNX model.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The number of an ONNX model's extent that has only a name, such as `batch=32`; repeat it.
    #[arg(long, value_name = "NAME=N", value_parser = extent)]
    extent: Vec<(String, usize)>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Of {
    fn program(&self) -> anyhow::Result<tensor::Program> {
        file::read(&self.file, self.extent.iter().cloned().collect())
    }
}

fn extent(word: &str) -> Result<(String, usize), String> {
    let (name, number) = word.split_once('=').unwrap_or_default();
    let number = number.parse().map_err(|_| "it reads NAME=N, such as batch=32".to_owned())?;
    Ok((name.to_owned(), number))
}

/// Does one of them.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Show(args) => show::run(&args),
        Command::Hash(args) => run::hash(&args),
        Command::Run(args) => run::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Example(args) => example::run(&args),
    }
}

/// Returns a bar that shows itself on a terminal, counts scalar operations, and goes away.
fn bar(what: &'static str, operations: u64) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(operations.max(1));
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {percent:>3} %, {eta} left")?;
    bar.set_style(style);
    bar.set_prefix(what);
    Ok(bar)
}

/// Writes a type as listings do: `f32[2,3]`.
pub(crate) fn type_name(dtype: tensor::Dtype, shape: &tensor::Shape) -> String {
    let extents: Vec<String> = shape.dims().iter().map(ToString::to_string).collect();
    format!("{dtype}[{}]", extents.join(","))
}

/// Returns one element of a tensor as it is printed, and its bits.
fn shown(tensor: &tensor::Tensor, element: usize) -> (String, String) {
    match (tensor.as_f32(), tensor.as_f64(), tensor.as_i32()) {
        (Some(v), _, _) => (format!("{:?}", v[element]), format!("0x{:08x}", v[element].to_bits())),
        (_, Some(v), _) => {
            (format!("{:?}", v[element]), format!("0x{:016x}", v[element].to_bits()))
        }
        (_, _, Some(v)) => (v[element].to_string(), format!("0x{:08x}", v[element])),
        _ => unreachable!("a tensor has one of three dtypes"),
    }
}

/// Returns the first values of a tensor in brackets.
fn first_values(tensor: &tensor::Tensor) -> String {
    const SHOWN: usize = 8;
    let count = tensor.shape().count();
    let mut words: Vec<String> =
        (0..count.min(SHOWN)).map(|element| shown(tensor, element).0).collect();
    if count > SHOWN {
        words.push("…".to_owned());
    }
    format!("[{}]", words.join(", "))
}

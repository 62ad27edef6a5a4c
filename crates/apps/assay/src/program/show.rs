//! `assay program show`: the listing, and what a Program costs.

use std::{collections::BTreeMap, process::ExitCode};

use serde::Serialize;
use tensor::{Op, Program};

use super::{Of, type_name};

/// What to list.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    of: Of,
    /// Write every value of every constant, so that the listing is a Program too.
    #[arg(long)]
    full: bool,
    /// Print counts instead of the ops: ops by name, scalar operations, bytes.
    #[arg(long)]
    stats: bool,
}

/// What a Program costs, known before it runs.
#[derive(Debug, Serialize)]
struct Stats {
    program: tensor::Hash,
    ops: usize,
    by_name: BTreeMap<&'static str, usize>,
    scalar_operations: u64,
    encoding_bytes: usize,
    constant_bytes: usize,
    /// All results together; an execution holds only those still needed.
    tensor_bytes: usize,
    largest: Largest,
}

#[derive(Debug, Serialize)]
struct Largest {
    op: usize,
    r#type: String,
    bytes: usize,
}

#[derive(Debug, Serialize)]
struct Listing {
    program: tensor::Hash,
    inputs: Vec<String>,
    outputs: Vec<usize>,
    listing: Vec<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let program = args.of.program()?;
    let text = if args.full { format!("{program:#}") } else { program.to_string() };
    match (args.stats, args.of.json) {
        (true, true) => println!("{}", serde_json::to_string_pretty(&Stats::new(&program))?),
        (true, false) => tell(&Stats::new(&program)),
        (false, false) => print!("{text}"),
        (false, true) => {
            let inputs = program.inputs().iter().map(|(dtype, shape)| type_name(*dtype, shape));
            let listing = Listing {
                program: program.hash(),
                inputs: inputs.collect(),
                outputs: program.outputs().to_vec(),
                // The first three lines are the fields above.
                listing: text.lines().skip(3).map(str::to_owned).collect(),
            };
            println!("{}", serde_json::to_string_pretty(&listing)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Stats {
    fn new(program: &Program) -> Stats {
        let mut by_name = BTreeMap::new();
        let (mut constant_bytes, mut tensor_bytes) = (0, 0);
        let mut largest = Largest { op: 0, r#type: String::new(), bytes: 0 };
        for (op, node) in program.nodes().iter().enumerate() {
            *by_name.entry(node.op.name()).or_default() += 1;
            let bytes = node.shape.count() * node.dtype.size();
            tensor_bytes += bytes;
            if matches!(node.op, Op::Constant(_)) {
                constant_bytes += bytes;
            }
            if bytes > largest.bytes {
                largest = Largest { op, r#type: type_name(node.dtype, &node.shape), bytes };
            }
        }
        Stats {
            program: program.hash(),
            ops: program.nodes().len(),
            by_name,
            scalar_operations: (0..program.nodes().len()).map(|op| program.operations(op)).sum(),
            encoding_bytes: program.encode().len(),
            constant_bytes,
            tensor_bytes,
            largest,
        }
    }
}

fn tell(stats: &Stats) {
    println!("program {}", stats.program);
    println!("{} ops, {} scalar operations", stats.ops, stats.scalar_operations);
    println!(
        "{} bytes encoded, {} of them constants; {} bytes of results",
        stats.encoding_bytes, stats.constant_bytes, stats.tensor_bytes
    );
    let Largest { op, r#type, bytes } = &stats.largest;
    println!("the largest result is %{op} {} with {bytes} bytes", r#type);
    for (name, count) in &stats.by_name {
        println!("{count:7} {name}");
    }
}

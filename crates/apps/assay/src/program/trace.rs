//! `assay program trace`: a commitment to everything that was computed.
//!
//! One root an op, in program order, and the trace root over them (docs/protocol.md, section 1):
//! what a dispute walks down. The reference interpreter computes it, an op at a time, so that no
//! more is held than evaluation needs.
//!
//! *Invariant: an output's root in the trace is its root among the outputs.*
//! Absent: files of whole traces (every tensor can be computed again from the inputs).

use std::process::ExitCode;

use anyhow::ensure;
use court::opening;
use serde::Serialize;
use tensor::{Hash, Program, Tensor, tree};

use super::{
    Of, bar,
    element::{self, Step},
    first_values,
    inputs::Given,
    run::list_root,
    type_name,
};

/// Chunks that are printed; `--json` has all.
const CHUNKS_SHOWN: usize = 16;

/// What to trace.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    given: Given,
    /// Show one op: its operands' roots and the chunks of its result.
    #[arg(long, value_name = "N")]
    op: Option<usize>,
    /// Show how one element of that op's result was computed.
    #[arg(long, value_name = "E", requires = "op")]
    element: Option<usize>,
}

/// The whole execution.
#[derive(Debug, Serialize)]
struct Trace {
    program: Hash,
    inputs_root: Hash,
    outputs_root: Hash,
    trace_root: Hash,
    /// The root of every op's result, in program order.
    roots: Vec<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<Op>,
}

/// One op of it.
#[derive(Debug, Serialize)]
struct Op {
    index: usize,
    name: &'static str,
    r#type: String,
    root: Hash,
    first: String,
    operands: Vec<Operand>,
    /// The leaves of the result's tree.
    chunks: Vec<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<Step>,
}

#[derive(Debug, Serialize)]
struct Operand {
    op: usize,
    r#type: String,
    root: Hash,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let program = args.of.program()?;
    let count = program.nodes().len();
    if let Some(index) = args.op {
        ensure!(index < count, "there is no op %{index}: the Program has {count}, from %0 on");
        let elements = program.nodes()[index].shape.count();
        if let Some(element) = args.element {
            ensure!(element < elements, "%{index} has {elements} elements, from 0 on");
        }
    }
    let inputs = args.given.tensors(&program)?;
    let trace = trace(&program, &inputs, args)?;
    if args.of.json {
        println!("{}", serde_json::to_string_pretty(&trace)?);
    } else {
        tell(&program, &trace);
    }
    Ok(ExitCode::SUCCESS)
}

fn trace(program: &Program, inputs: &[Tensor], args: &Args) -> anyhow::Result<Trace> {
    let operations = (0..program.nodes().len()).map(|op| program.operations(op)).sum();
    let bar = bar("tracing", operations)?;
    let (mut roots, mut op) = (Vec::new(), None);
    let outputs = tensor::eval_each(program, inputs, |index, operands, result| {
        roots.push(result.root());
        if args.op == Some(index) {
            let mut found = one_op(program, index, &roots, result);
            let node = &program.nodes()[index];
            found.element = args.element.map(|at| element::step(node, operands, result, at));
            op = Some(found);
        }
        bar.inc(program.operations(index));
    })?;
    bar.finish_and_clear();
    Ok(Trace {
        program: program.hash(),
        inputs_root: list_root(inputs),
        outputs_root: list_root(&outputs),
        trace_root: opening::list_root(&roots),
        roots,
        op,
    })
}

fn one_op(program: &Program, index: usize, roots: &[Hash], result: &Tensor) -> Op {
    let node = &program.nodes()[index];
    let operand = |op: usize| {
        let node = &program.nodes()[op];
        Operand { op, r#type: type_name(node.dtype, &node.shape), root: roots[op] }
    };
    Op {
        index,
        name: node.op.name(),
        r#type: type_name(node.dtype, &node.shape),
        root: roots[index],
        first: first_values(result),
        operands: node.op.operands().into_iter().map(operand).collect(),
        chunks: result.chunk_leaves(),
        element: None,
    }
}

fn tell(program: &Program, trace: &Trace) {
    println!("program {}", trace.program);
    println!("inputs  {}", trace.inputs_root);
    println!("outputs {}", trace.outputs_root);
    println!("trace   {} over {} ops", trace.trace_root, trace.roots.len());
    let Some(op) = &trace.op else {
        for (index, (node, root)) in program.nodes().iter().zip(&trace.roots).enumerate() {
            let r#type = type_name(node.dtype, &node.shape);
            println!("%{index} {root} {} {}", r#type, node.op.name());
        }
        return;
    };
    println!("%{} {} {} {} {}", op.index, op.root, op.r#type, op.name, op.first);
    for operand in &op.operands {
        println!("  of %{} {} {}", operand.op, operand.root, operand.r#type);
    }
    for (chunk, leaf) in op.chunks.iter().take(CHUNKS_SHOWN).enumerate() {
        println!("  chunk {chunk}, from element {} {leaf}", chunk * tree::CHUNK_ELEMENTS);
    }
    if op.chunks.len() > CHUNKS_SHOWN {
        println!("  … of {} chunks; --json prints all", op.chunks.len());
    }
    if let Some(step) = &op.element {
        element::tell(step);
    }
}

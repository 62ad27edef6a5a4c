//! A run: the step Program, repeated, with a bar; and one that goes wrong on purpose.

use std::sync::Arc;

use court::trace::{Evidence as _, Executor, KEPT_BYTES_MAX, Witness};
use indicatif::{ProgressBar, ProgressStyle};
use kernels::Runner;
use node::{Bent, Kernels};
use tensor::{Hash, Op, Program, Tensor};

use super::loss;

/// Runs the Program `iterations` times and returns the state at the end.
pub(super) fn train(
    program: &Program,
    mut inputs: Vec<Tensor>,
    iterations: u32,
) -> anyhow::Result<Vec<Tensor>> {
    let bar = ProgressBar::new(u64::from(iterations));
    let style = "training {wide_bar} {pos}/{len}, {eta} left, loss {msg}";
    bar.set_style(ProgressStyle::with_template(style)?);
    let mut runner = Runner::new(program);
    let count = program.outputs().len();
    for _ in 0..iterations {
        let outputs = runner.run(&inputs)?;
        for (input, output) in inputs.iter_mut().zip(outputs) {
            *input = output;
        }
        bar.set_message(format!("{:.5}", loss(&inputs[..count])));
        bar.inc(1);
    }
    bar.finish_and_clear();
    inputs.truncate(count);
    Ok(inputs)
}

/// Runs it so that every tree of the execution can be shown: what a dispute needs.
pub(super) fn witness(
    (program, inputs): (Arc<Program>, Vec<Tensor>),
    iterations: u32,
    lies: bool,
) -> anyhow::Result<Witness> {
    let executor: Box<dyn Executor> = match lies.then(|| lie(&program)).flatten() {
        Some(op) => Box::new(Bent { op, bend: flipped }),
        None => Box::new(Kernels),
    };
    Ok(Witness::within(program, inputs, iterations, (executor, KEPT_BYTES_MAX))?)
}

/// Returns the roots and the loss that a witness' execution ends with.
pub(super) fn ending(witness: &mut Witness, iterations: u32) -> (Vec<Hash>, f32) {
    let outputs = witness.program().outputs().to_vec();
    let roots = witness.roots(iterations - 1);
    let last = *outputs.last().expect("a Program has an output");
    let loss = witness.tensor(iterations - 1, last);
    let bits = loss.bytes.first_chunk::<4>().map_or(f32::NAN.to_bits(), |b| u32::from_le_bytes(*b));
    let roots = outputs.iter().take(outputs.len() - 1).map(|op| roots[*op]).collect();
    (roots, f32::from_bits(bits))
}

/// The op that a liar bends: the last of the model's that is no chain, whose states a liar would
/// have to bend as well.
fn lie(program: &Program) -> Option<usize> {
    let chained = |op: &Op| {
        let contracts = matches!(op, Op::Matmul(..) | Op::ScatterAdd { .. } | Op::Sum { .. });
        contracts || matches!(op, Op::MaxAxis { .. } | Op::Argmax { .. } | Op::Input { .. })
    };
    let model = *program.outputs().first()?;
    (!chained(&program.nodes()[model].op)).then_some(model)
}

/// Flips the lowest bit of the first element.
fn flipped(tensor: Tensor) -> Tensor {
    let mut bytes = tensor.to_bytes();
    if let Some(byte) = bytes.first_mut() {
        *byte ^= 1;
    }
    Tensor::from_bytes(tensor.dtype(), tensor.shape(), &bytes).expect("as many bytes as before")
}

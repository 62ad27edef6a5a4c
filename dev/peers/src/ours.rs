//! Our side of a training step: one Program, whose outputs are the next step's inputs.

use anyhow::Context;
use kernels::{Runner, Threads};
use learn::Training;
use tensor::{Dtype, Tensor, random};

use crate::contest::Engine;

/// Rate of every optimiser.
pub(crate) const RATE: f32 = 1e-3;

/// Returns numbers between -1 and 1, the same for every engine.
pub(crate) fn numbers(stream: u32, dims: &[usize]) -> Tensor {
    let count: usize = dims.iter().product();
    let blocks = (0..u32::try_from(count.div_ceil(4)).expect("fewer than 2^32 elements"))
        .flat_map(|block| random::philox([block, 0, stream, 0], [7, 0]));
    #[expect(clippy::cast_precision_loss, reason = "random numbers may be rounded")]
    let small = blocks.map(|word| word.cast_signed() as f32 / 2_147_483_648.0);
    Tensor::f32(dims, small.take(count).collect()).expect("as many elements as the extents say")
}

/// Returns the features and targets of a training; targets are variances.
pub(crate) fn batch(training: &Training) -> anyhow::Result<(Tensor, Tensor)> {
    let x = numbers(3, &training.network.input(training.batch));
    let y = numbers(4, &[training.batch]);
    let y = y.as_f32().context("numbers are f32")?.iter().map(|y| y * y).collect();
    Ok((x, Tensor::f32(&[training.batch], y)?))
}

/// Returns the engine that takes steps of a training.
pub(crate) fn engine(training: &Training, threads: usize) -> anyhow::Result<Box<dyn Engine>> {
    let threads = Threads { count: threads, ..Threads::available() };
    let mut runner = Runner::new(&training.step()?).with_threads(threads);
    let mut moving = vec![training.initial([1, 2])?];
    moving.extend(training.state()?);
    let (x, y) = batch(training)?;
    let still = [x, y, Tensor::f32(&[1], vec![RATE])?];
    debug_assert_eq!(training.dtype, Dtype::F32);
    Ok(Box::new(move || {
        let inputs: Vec<&Tensor> = moving.iter().chain(&still).collect();
        let mut outputs = runner.run(&inputs)?;
        outputs.pop().context("a step ends with its loss")?;
        moving = outputs;
        Ok(())
    }))
}

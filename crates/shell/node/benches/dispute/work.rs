//! What is disputed: one step of a training, and the ops that are lied about.

use std::{fmt, sync::Arc, time::Instant};

use anyhow::Context as _;
use court::trace::{Executor, KEPT_BYTES_MAX, Witness};
use learn::{Activation, Encoder, Loss, Mlp, Network, Norm, Optimiser, Training};
use tensor::{Dtype, Op, Program, Tensor, random};

/// What a node keeps for one dispute of four.
const ROOM: usize = KEPT_BYTES_MAX / 4;

/// A training step with its inputs.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) program: Arc<Program>,
    inputs: Vec<Tensor>,
}

/// An element of an op, of which there will be two opinions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) op: usize,
    pub(crate) element: usize,
    /// Steps of the element's chain, 0 for an op without chains.
    pub(crate) steps: usize,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (op {}", self.name, self.op)?;
        if self.steps > 0 {
            write!(f, ", a chain of {} steps", self.steps)?;
        }
        write!(f, ")")
    }
}

/// The two steps: many ops of middling size, and few ops with long chains.
pub(crate) const NAMES: [&str; 2] = ["encoder", "perceptron"];

fn training(name: &str) -> Training {
    let (network, batch) = if name == "encoder" {
        let encoder = Encoder {
            features: 8,
            tokens: 64,
            width: 128,
            heads: 8,
            layers: 4,
            feed_forward: 512,
            activation: Activation::Gelu,
            norm: Norm::Pre,
        };
        (Network::Encoder(encoder), 26)
    } else {
        let hidden = vec![512, 512];
        (Network::Mlp(Mlp { features: 64, hidden, activation: Activation::Tanh }), 5_120)
    };
    Training { network, loss: Loss::Gaussian, optimiser: Optimiser::ADAM, batch, dtype: Dtype::F32 }
}

/// Numbers in -1 to 1, exact in f32, by Philox.
fn numbers(stream: u32, dims: &[usize]) -> anyhow::Result<Tensor> {
    let count = dims.iter().product::<usize>() as u64;
    let number = |element| {
        let top = random::word([3, 5], stream, element) >> 16;
        f32::from(i16::try_from(top).unwrap_or(0)) / 32_768.0
    };
    Ok(Tensor::f32(dims, (0..count).map(number).collect())?)
}

impl Work {
    pub(crate) fn new(name: &str) -> anyhow::Result<Work> {
        let name = NAMES.into_iter().find(|known| *known == name).context("no such work")?;
        let training = training(name);
        let program = Arc::new(training.step()?);
        let mut inputs = vec![training.initial([1, 2])?];
        inputs.extend(training.state()?);
        inputs.push(numbers(1, &training.network.input(training.batch))?);
        inputs.push(numbers(2, &[training.batch])?);
        inputs.push(Tensor::f32(&[1], vec![0.001])?);
        Ok(Work { name, program, inputs })
    }

    pub(crate) fn witness(&self, executor: impl Executor + 'static) -> anyhow::Result<Witness> {
        let how = (Box::new(executor) as Box<_>, ROOM);
        Ok(Witness::within(Arc::clone(&self.program), self.inputs.clone(), 1, how)?)
    }

    /// The product with the longest chain, the last multiply-add on the largest tensor, and the
    /// longest sum; of equals the last, which has most of the execution before it.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let nodes = self.program.nodes();
        let last_dim = |x: usize| nodes[x].shape.dims().last().copied().unwrap_or(1);
        let steps = |op: &Op| match op {
            Op::Matmul(a, _) => last_dim(*a),
            Op::Sum { x, axis } => nodes[*x].shape.dims()[*axis],
            _ => 0,
        };
        let largest = |name, wanted: fn(&Op) -> bool| {
            let of_kind = nodes.iter().enumerate().filter(|(_, node)| wanted(&node.op));
            let size = |node: &tensor::Node| (steps(&node.op), node.shape.count());
            let (op, node) = of_kind.max_by_key(|(_, node)| size(node))?;
            Some(Target { name, op, element: node.shape.count() / 2, steps: steps(&node.op) })
        };
        [
            largest("matmul", |op| matches!(op, Op::Matmul(..))),
            largest("fma", |op| matches!(op, Op::Fma(..))),
            largest("sum", |op| matches!(op, Op::Sum { .. })),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Bytes a second of the tree by itself, over the largest tensor; the best of a few times.
    pub(crate) fn tree_speed(&self) -> anyhow::Result<f64> {
        let largest = self.program.nodes().iter().max_by_key(|node| node.shape.count());
        let tensor = numbers(3, largest.context("a Program has ops")?.shape.dims())?;
        let bytes = tensor.to_bytes().len() as f64;
        let speed = |_| {
            let began = Instant::now();
            std::hint::black_box(kernels::commit::tensor_root(&tensor));
            bytes / began.elapsed().as_secs_f64()
        };
        Ok((0..10).map(speed).max_by(f64::total_cmp).unwrap_or(0.0))
    }

    pub(crate) fn operations(&self) -> u64 {
        (0..self.program.nodes().len()).map(|op| self.program.operations(op)).sum()
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.program.nodes();
        let bytes = |node: &tensor::Node| node.shape.count() * node.dtype.size();
        let largest = nodes.iter().map(bytes).max().unwrap_or_default();
        let all: usize = nodes.iter().map(bytes).sum();
        let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        write!(
            f,
            "a training step of the {}: {} ops, {} outputs, {} scalar operations (2^{:.2}), \
             {:.0} MiB of tensors, the largest {:.0} MiB; {} bytes of encoding",
            self.name,
            nodes.len(),
            self.program.outputs().len(),
            self.operations(),
            (self.operations() as f64).log2(),
            mib(all),
            mib(largest),
            self.program.encode().len(),
        )
    }
}

/// The peak resident memory of this process in MiB, as the system counts it.
pub(crate) fn peak_mib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("needs Linux's /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).context("no VmHWM there")?;
    Ok(kib.parse::<u64>()?.div_ceil(1_024))
}

/// The time this process has spent on cores so far, all threads together.
pub(crate) fn cpu_seconds() -> anyhow::Result<f64> {
    /// Ticks a second, as Linux tells programs on every machine.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").context("needs Linux's /proc")?;
    let fields = stat.rsplit(") ").next().context("no fields there")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    Ok(ticks.sum::<Result<u64, _>>()? as f64 / TICKS)
}

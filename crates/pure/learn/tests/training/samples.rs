//! Small trainings of every kind, and inputs for them.

use learn::{Activation, Encoder, Gru, Loss, Mlp, Network, Norm, Optimiser, Training};
use tensor::{Dtype, Tensor};

/// One small network of each kind and option, with its name.
pub(crate) fn networks() -> Vec<(&'static str, Network)> {
    let mlp = |activation| Network::Mlp(Mlp { features: 3, hidden: vec![5, 4], activation });
    let encoder = |activation, norm| {
        let (features, tokens, width, feed_forward) = (3, 4, 4, 5);
        let (heads, layers) = (2, 2);
        Network::Encoder(Encoder {
            features,
            tokens,
            width,
            heads,
            layers,
            feed_forward,
            activation,
            norm,
        })
    };
    vec![
        ("mlp tanh", mlp(Activation::Tanh)),
        ("mlp relu", mlp(Activation::Relu)),
        ("mlp gelu", mlp(Activation::Gelu)),
        ("gru", Network::Gru(Gru { features: 3, hidden: 4, steps: 5 })),
        ("encoder pre", encoder(Activation::Gelu, Norm::Pre)),
        ("encoder post", encoder(Activation::Relu, Norm::Post)),
    ]
}

/// Every loss, with its name.
pub(crate) fn losses() -> Vec<(&'static str, Loss)> {
    vec![
        ("gaussian", Loss::Gaussian),
        ("qlike", Loss::Qlike),
        ("pinball", Loss::Pinball(vec![0.05, 0.5, 0.9])),
        ("cross-entropy", Loss::CrossEntropy { classes: 3 }),
    ]
}

/// A training of six rows.
pub(crate) fn training(network: Network, loss: Loss, dtype: Dtype) -> Training {
    Training { network, loss, optimiser: Optimiser::ADAM, batch: 6, dtype }
}

/// Numbers in -1..1 that depend on the seed and the stream alone.
fn noise(seed: i32, stream: u32, count: usize) -> Vec<f64> {
    let word = |element| tensor::random::word([seed, 0], stream, element);
    (0..count as u64).map(|element| f64::from(word(element)) / 2_147_483_648.0).collect()
}

/// Floats of a dtype.
pub(crate) fn floats(dtype: Dtype, dims: &[usize], values: &[f64]) -> Tensor {
    let tensor = match dtype {
        Dtype::F64 => Tensor::f64(dims, values.to_vec()),
        _ => Tensor::f32(dims, values.iter().map(|x| tensor::scalar::f64_to_f32(*x)).collect()),
    };
    tensor.expect("as many as the extents say")
}

/// Parameters away from the start, so that gains are not 1 and biases not 0.
pub(crate) fn params(training: &Training, seed: i32) -> Vec<f64> {
    let count = training.count().expect("a valid training");
    let start = training.initial([seed, 1]).expect("a valid training");
    let start: Vec<f64> = match training.dtype {
        Dtype::F64 => start.as_f64().expect("f64").to_vec(),
        _ => start.as_f32().expect("f32").iter().map(|x| f64::from(*x)).collect(),
    };
    start.iter().zip(noise(seed, 2, count)).map(|(start, noise)| start + 0.2 * noise).collect()
}

/// A batch: features, and targets of the loss's kind.
pub(crate) fn batch(training: &Training, seed: i32) -> [Tensor; 2] {
    let dims = training.network.input(training.batch);
    let x = floats(training.dtype, &dims, &noise(seed, 3, dims.iter().product()));
    let drawn = noise(seed, 4, training.batch);
    let y = match training.loss {
        Loss::CrossEntropy { classes } => {
            let class = |x: &f64| tensor::scalar::f64_to_i32((x + 1.0) / 2.0 * classes as f64);
            Tensor::i32(&[training.batch], drawn.iter().map(class).collect()).expect("a vector")
        }
        Loss::Qlike => {
            let positive: Vec<f64> = drawn.iter().map(|x| x.abs() * 2.0).collect();
            floats(training.dtype, &[training.batch], &positive)
        }
        Loss::Gaussian | Loss::Pinball(_) => floats(training.dtype, &[training.batch], &drawn),
    };
    [x, y]
}

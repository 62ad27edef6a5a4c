//! Training steps in candle, on the CPU, made of its own layers where they can be differentiated.
//!
//! Its fused softmax and layer norm have no gradient, so those of separate ops stand in for them.

use anyhow::{Context, ensure};
use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::rnn::{GRU, GRUConfig, RNN, gru};
use candle_nn::{AdamW, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, linear, ops};
use learn::{Encoder, Network, Training};

use crate::contest::Entrant;
use crate::ours::{self, RATE};

/// Returns the engine for a training.
pub(crate) fn engine(training: &Training) -> anyhow::Result<Entrant<'static>> {
    let name = "candle 0.11";
    let variables = VarMap::new();
    let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    let model = Model::new(&training.network, &builder)?;
    let parameters: usize = variables.all_vars().iter().map(|x| x.elem_count()).sum();
    ensure!(parameters == training.count()?, "{name} has another network: {parameters}");
    let adam = ParamsAdamW { lr: f64::from(RATE), weight_decay: 0.0, ..ParamsAdamW::default() };
    let mut optimiser = AdamW::new(variables.all_vars(), adam)?;
    let (x, y) = ours::batch(training)?;
    let data = |tensor: &tensor::Tensor| {
        let elements = tensor.as_f32().context("batches are f32")?.to_vec();
        Ok::<_, anyhow::Error>(Tensor::from_vec(elements, tensor.shape().dims(), &Device::Cpu)?)
    };
    let (x, y) = (data(&x)?, data(&y)?);
    let step = move || {
        let s = model.forward(&x)?.squeeze(1)?.clamp(-10f32, 10f32)?;
        let loss = (&s + (&y * s.neg()?.exp()?)?)?.mean_all()?;
        optimiser.backward_step(&loss)?;
        Ok(())
    };
    Ok((name.to_owned(), Box::new(step)))
}

/// Either network of the contest.
enum Model {
    Mlp(Vec<Linear>),
    Gru(GRU, Linear),
    Encoder(Box<Attention>),
}

struct Attention {
    embedding: Linear,
    positions: Tensor,
    layers: Vec<Layer>,
    norm: Norm,
    head: Linear,
}

struct Layer {
    heads: usize,
    attention: Linear,
    output: Linear,
    norms: [Norm; 2],
    up: Linear,
    down: Linear,
}

struct Norm {
    gain: Tensor,
    bias: Tensor,
}

impl Model {
    fn new(network: &Network, builder: &VarBuilder<'_>) -> Result<Model> {
        Ok(match network {
            Network::Mlp(x) => {
                let widths: Vec<usize> =
                    [x.features].iter().chain(&x.hidden).chain(&[1]).copied().collect();
                let pairs = widths.windows(2).enumerate();
                let layer = |(i, pair): (usize, &[usize])| linear(pair[0], pair[1], builder.pp(i));
                Model::Mlp(pairs.map(layer).collect::<Result<_>>()?)
            }
            Network::Gru(x) => Model::Gru(
                gru(x.features, x.hidden, GRUConfig::default(), builder.pp("gru"))?,
                linear(x.hidden, 1, builder.pp("head"))?,
            ),
            Network::Encoder(x) => Model::Encoder(Box::new(Attention::new(x, builder)?)),
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Model::Mlp(layers) => {
                let (last, hidden) = layers.split_last().expect("a head is always there");
                let through = |x: Tensor, layer: &Linear| layer.forward(&x)?.tanh();
                last.forward(&hidden.iter().try_fold(x.clone(), through)?)
            }
            Model::Gru(gru, head) => {
                let states = gru.seq(x)?;
                head.forward(states.last().expect("a sequence has steps").h())
            }
            Model::Encoder(model) => model.forward(x),
        }
    }
}

impl Attention {
    fn new(x: &Encoder, builder: &VarBuilder<'_>) -> Result<Attention> {
        let layer = |i| Layer::new(x, &builder.pp(format!("layer {i}")));
        Ok(Attention {
            embedding: linear(x.features, x.width, builder.pp("embedding"))?,
            positions: builder.get_with_hints(
                (x.tokens, x.width),
                "positions",
                candle_nn::init::DEFAULT_KAIMING_UNIFORM,
            )?,
            layers: (0..x.layers).map(layer).collect::<Result<_>>()?,
            norm: Norm::new(x.width, &builder.pp("norm"))?,
            head: linear(x.width, 1, builder.pp("head"))?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let h = self.embedding.forward(x)?.broadcast_add(&self.positions)?;
        let h = self.layers.iter().try_fold(h, |h, layer| layer.forward(&h))?;
        self.head.forward(&self.norm.forward(&h)?.mean(1)?)
    }
}

impl Layer {
    fn new(x: &Encoder, builder: &VarBuilder<'_>) -> Result<Layer> {
        Ok(Layer {
            heads: x.heads,
            attention: linear(x.width, 3 * x.width, builder.pp("attention"))?,
            output: linear(x.width, x.width, builder.pp("output"))?,
            norms: [
                Norm::new(x.width, &builder.pp("norm 1"))?,
                Norm::new(x.width, &builder.pp("norm 2"))?,
            ],
            up: linear(x.width, x.feed_forward, builder.pp("up"))?,
            down: linear(x.feed_forward, x.width, builder.pp("down"))?,
        })
    }

    fn forward(&self, h: &Tensor) -> Result<Tensor> {
        let h = (h + self.attend(&self.norms[0].forward(h)?)?)?;
        let inner = self.up.forward(&self.norms[1].forward(&h)?)?.gelu_erf()?;
        h + self.down.forward(&inner)?
    }

    fn attend(&self, h: &Tensor) -> Result<Tensor> {
        let (rows, tokens, width) = h.dims3()?;
        let size = width / self.heads;
        let all = self.attention.forward(h)?.reshape((rows, tokens, 3, self.heads, size))?;
        let third = |i| all.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let (q, k, v) = (third(0)?, third(1)?, third(2)?);
        #[expect(clippy::cast_precision_loss, reason = "extents are small")]
        let q = (q * (1.0 / (size as f64).sqrt()))?;
        let weights = ops::softmax(&q.matmul(&k.t()?)?, D::Minus1)?;
        let mixed = weights.matmul(&v)?.transpose(1, 2)?.reshape((rows, tokens, width))?;
        self.output.forward(&mixed)
    }
}

impl Norm {
    fn new(width: usize, builder: &VarBuilder<'_>) -> Result<Norm> {
        Ok(Norm {
            gain: builder.get_with_hints(width, "gain", candle_nn::init::ONE)?,
            bias: builder.get_with_hints(width, "bias", candle_nn::init::ZERO)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::layer_norm_slow(x, &self.gain, &self.bias, 1e-5)
    }
}

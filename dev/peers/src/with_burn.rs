//! Training steps in burn, made of its own modules and its own Adam.

use anyhow::{Context, ensure};
use burn::module::{Initializer, Module, Param};
use burn::nn::gru::{Gru, GruConfig};
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use learn::{Encoder, Network, Training};

use crate::contest::Entrant;
use crate::ours::{self, RATE};

/// Returns burn's engines for a training, one for each of its backends on the CPU.
pub(crate) fn engines(training: &Training) -> anyhow::Result<[Entrant<'static>; 2]> {
    #[expect(deprecated, reason = "it is the backend that the bar names")]
    let ndarray = Device::ndarray();
    Ok([
        engine("burn 0.22, ndarray", training, ndarray.autodiff())?,
        engine("burn 0.22, flex", training, Device::flex().autodiff())?,
    ])
}

/// Either network of the contest.
#[derive(Module, Debug)]
enum Model {
    Mlp(Mlp),
    Gru(Recurrent),
    Encoder(Attention),
}

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

#[derive(Module, Debug)]
struct Recurrent {
    gru: Gru,
    head: Linear,
}

#[derive(Module, Debug)]
struct Attention {
    embedding: Linear,
    positions: Param<Tensor<2>>,
    layers: TransformerEncoder,
    norm: LayerNorm,
    head: Linear,
}

fn engine(name: &str, training: &Training, device: Device) -> anyhow::Result<Entrant<'static>> {
    let mut model = Some(Model::new(&training.network, &device));
    let parameters = model.as_ref().map_or(0, Module::num_params);
    ensure!(parameters == training.count()?, "{name} has another network: {parameters}");
    let (x, y) = ours::batch(training)?;
    let data = |tensor: &tensor::Tensor| {
        let elements = tensor.as_f32().context("batches are f32")?.to_vec();
        Ok::<_, anyhow::Error>(TensorData::new(elements, tensor.shape().dims().to_vec()))
    };
    let (x, y) = (data(&x)?, Tensor::<1>::from_data(data(&y)?, &device));
    let mut optimiser: ModuleOptimizer = AdamConfig::new().with_epsilon(1e-8).init();
    let step = move || {
        let before = model.take().context("a step leaves a model")?;
        let output = before.forward(&x, &device);
        let s = output.squeeze_dim::<1>(1).clamp(-10.0, 10.0);
        let loss = (s.clone() + y.clone() * s.neg().exp()).mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &before);
        model = Some(optimiser.step(f64::from(RATE), before, gradients));
        Ok(())
    };
    Ok((name.to_owned(), Box::new(step)))
}

impl Model {
    fn new(network: &Network, device: &Device) -> Model {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        match network {
            Network::Mlp(x) => {
                let widths: Vec<usize> =
                    [x.features].iter().chain(&x.hidden).chain(&[1]).copied().collect();
                let layers = widths.windows(2).map(|pair| linear(pair[0], pair[1])).collect();
                Model::Mlp(Mlp { layers })
            }
            Network::Gru(x) => Model::Gru(Recurrent {
                gru: GruConfig::new(x.features, x.hidden, true).init(device),
                head: linear(x.hidden, 1),
            }),
            Network::Encoder(x) => Model::Encoder(Attention::new(x, device)),
        }
    }

    fn forward(&self, x: &TensorData, device: &Device) -> Tensor<2> {
        match self {
            Model::Mlp(model) => {
                let (last, hidden) = model.layers.split_last().expect("a head is always there");
                let x = Tensor::from_data(x.clone(), device);
                last.forward(hidden.iter().fold(x, |x, layer| layer.forward(x).tanh()))
            }
            Model::Gru(model) => {
                let states = model.gru.forward(Tensor::<3>::from_data(x.clone(), device), None);
                let [rows, steps, hidden] = states.dims();
                let last = states.slice([0..rows, steps - 1..steps, 0..hidden]);
                model.head.forward(last.squeeze_dim::<2>(1))
            }
            Model::Encoder(model) => model.forward(Tensor::<3>::from_data(x.clone(), device)),
        }
    }
}

impl Attention {
    fn new(x: &Encoder, device: &Device) -> Attention {
        let layers = TransformerEncoderConfig::new(x.width, x.feed_forward, x.heads, x.layers)
            .with_dropout(0.0)
            .with_norm_first(true);
        let uniform = Initializer::Uniform { min: 0.0, max: 0.1 };
        Attention {
            embedding: LinearConfig::new(x.features, x.width).init(device),
            positions: uniform.init([x.tokens, x.width], device),
            layers: layers.init(device),
            norm: LayerNormConfig::new(x.width).init(device),
            head: LinearConfig::new(x.width, 1).init(device),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let h = self.embedding.forward(x) + self.positions.val().unsqueeze::<3>();
        let h = self.layers.forward(TransformerEncoderInput::new(h));
        self.head.forward(self.norm.forward(h).mean_dim(1).squeeze_dim::<2>(1))
    }
}

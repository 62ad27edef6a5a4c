//! The training steps that are compared: one entry each.
//!
//! Every engine takes a whole step: forward, the loss `s + y exp(-s)` of a log variance s, backward
//! and Adam. To add a step, add an entry; a network of a new kind also needs its like in each of
//! the files `with_*`.

use learn::{Activation, Encoder, Gru, Loss, Mlp, Network, Norm, Optimiser, Training};
use tensor::Dtype;

use crate::contest::Contest;
use crate::ours;
use crate::with_torch::Torch;
use crate::{with_burn, with_candle};

/// A training step.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// Least ratio of the best peer's time to ours.
    bar: f64,
    batch: usize,
    network: fn() -> Network,
}

/// All of them.
pub(crate) const WORKS: [Work; 3] = [
    Work { name: "step of an MLP 32-64-64-1, batch 256", bar: 2.0, batch: 256, network: mlp },
    Work { name: "step of a GRU 32-32, 64 steps, batch 32", bar: 1.0, batch: 32, network: gru },
    Work {
        name: "step of a transformer, width 64, 4 heads, 2 layers, 64 tokens, batch 8",
        bar: 1.0,
        batch: 8,
        network: encoder,
    },
];

fn mlp() -> Network {
    Network::Mlp(Mlp { features: 32, hidden: vec![64, 64], activation: Activation::Tanh })
}

fn gru() -> Network {
    Network::Gru(Gru { features: 32, hidden: 32, steps: 64 })
}

fn encoder() -> Network {
    Network::Encoder(Encoder {
        features: 8,
        tokens: 64,
        width: 64,
        heads: 4,
        layers: 2,
        feed_forward: 128,
        activation: Activation::Gelu,
        norm: Norm::Pre,
    })
}

impl Work {
    /// Sets up every engine.
    pub(crate) fn contest<'a>(
        &self,
        threads: usize,
        torch: Option<&'a Torch>,
    ) -> anyhow::Result<Contest<'a>> {
        let training = Training {
            network: (self.network)(),
            loss: Loss::Qlike,
            optimiser: Optimiser::ADAM,
            batch: self.batch,
            dtype: Dtype::F32,
        };
        let mut peers = Vec::from(with_burn::engines(&training)?);
        peers.push(with_candle::engine(&training)?);
        if let Some(torch) = torch {
            peers.push((torch.name(), torch.engine(&training)?));
        }
        let ours = ours::engine(&training, threads)?;
        Ok(Contest { name: self.name.to_owned(), threads, bar: self.bar, ours, peers })
    }
}

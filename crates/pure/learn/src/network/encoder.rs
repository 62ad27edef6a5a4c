//! The transformer encoder.

use tensor::{Builder, Value};

use super::{Activation, Parameter, Start, Weights};
use crate::layers::{self, Built};

/// A transformer encoder over a sequence; the mean over its tokens goes to the linear head.
///
/// From x \[rows, tokens, features\] (Vaswani et al., 2017): `h = x E + e + positions`, positions
/// learnt; then in each layer attention of `heads` heads, `softmax(q kᵀ / sqrt(width / heads)) v`,
/// without a mask, and the feed-forward `f(h W1 + b1) W2 + b2`, each beside a residual. [`Norm`]
/// says where the layer norms stand.
///
/// Parameters of a layer: q, k and v as one matrix \[width, 3 width\] with its bias, the output
/// matrix and bias, gain and bias of the first norm, both matrices and biases of the feed-forward,
/// gain and bias of the second norm.
///
/// ```
/// use learn::{Activation, Encoder, Network, Norm};
/// let encoder = Encoder {
///     features: 8, tokens: 64, width: 64, heads: 4, layers: 2, feed_forward: 128,
///     activation: Activation::Gelu, norm: Norm::Pre,
/// };
/// assert_eq!(Network::Encoder(encoder).input(2), [2, 64, 8]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoder {
    /// Numbers a token.
    pub features: usize,
    /// Tokens of a sequence.
    pub tokens: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Heads; they divide the width.
    pub heads: usize,
    /// Layers.
    pub layers: usize,
    /// Hidden units of each feed-forward.
    pub feed_forward: usize,
    /// The nonlinearity of the feed-forward.
    pub activation: Activation,
    /// Where the norms stand.
    pub norm: Norm,
}

/// Where an encoder's layer norms stand.
///
/// ```
/// assert_ne!(learn::Norm::Pre, learn::Norm::Post);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Before attention and feed-forward, `h + f(norm h)`, and once more at the end
    /// (Xiong et al., 2020): trains without a warm-up.
    Pre,
    /// After each sum, `norm(h + f(h))`: as first published.
    Post,
}

impl Encoder {
    pub(super) fn parameters(&self) -> (Vec<Parameter>, usize) {
        let width = self.width;
        let norm = |name: &str| {
            [
                Parameter::vector(&format!("{name} gain"), width, Start::One),
                Parameter::vector(&format!("{name} bias"), width, Start::Zero),
            ]
        };
        let mut parameters = Parameter::affine("embedding", [self.features, width]).to_vec();
        parameters.push(Parameter::matrix("positions", [self.tokens, width]));
        for layer in 0..self.layers {
            let name = |part: &str| format!("layer {layer} {part}");
            parameters.extend(Parameter::affine(&name("attention"), [width, 3 * width]));
            parameters.extend(Parameter::affine(&name("output"), [width, width]));
            parameters.extend(norm(&name("norm 1")));
            parameters.extend(Parameter::affine(&name("up"), [width, self.feed_forward]));
            parameters.extend(Parameter::affine(&name("down"), [self.feed_forward, width]));
            parameters.extend(norm(&name("norm 2")));
        }
        if self.norm == Norm::Pre {
            parameters.extend(norm("norm"));
        }
        (parameters, width)
    }

    pub(super) fn forward(&self, b: &mut Builder, weights: &mut Weights<'_>, x: Value) -> Built {
        let rows = b.shape_of(x).dims()[0];
        let mut h = self.embed(b, weights, x)?;
        for _ in 0..self.layers {
            h = self.layer(b, weights, h)?;
        }
        if self.norm == Norm::Pre {
            let [gain, bias] = weights.take();
            h = layers::layer_norm(b, h, gain, bias)?;
        }
        let h = b.reshape(h, &[rows, self.tokens, self.width])?;
        let h = b.sum(h, 1)?;
        layers::scale(b, h, 1.0 / layers::float(self.tokens))
    }

    /// \[rows, tokens, features\] to \[rows * tokens, width\], which all that follows works on.
    fn embed(&self, b: &mut Builder, weights: &mut Weights<'_>, x: Value) -> Built {
        let [w, bias, positions] = weights.take();
        let rows = b.shape_of(x).dims()[0];
        let x = b.reshape(x, &[rows * self.tokens, self.features])?;
        let h = layers::linear(b, x, w, bias)?;
        let positions = b.broadcast(positions, &[rows, self.tokens, self.width])?;
        let positions = b.reshape(positions, &[rows * self.tokens, self.width])?;
        b.add(h, positions)
    }

    fn layer(&self, b: &mut Builder, weights: &mut Weights<'_>, h: Value) -> Built {
        let attention: [Value; 4] = weights.take();
        let norm_1: [Value; 2] = weights.take();
        let feed_forward: [Value; 4] = weights.take();
        let norm_2: [Value; 2] = weights.take();
        let around = |b: &mut Builder, h, [gain, bias]: [Value; 2], inside: &Inside<'_>| {
            if self.norm == Norm::Pre {
                let inner = layers::layer_norm(b, h, gain, bias)?;
                let inner = inside(b, inner)?;
                return b.add(h, inner);
            }
            let inner = inside(b, h)?;
            let sum = b.add(h, inner)?;
            layers::layer_norm(b, sum, gain, bias)
        };
        let h = around(b, h, norm_1, &|b, h| self.attend(b, h, attention))?;
        around(b, h, norm_2, &|b, h| {
            let [w1, b1, w2, b2] = feed_forward;
            let up = layers::linear(b, h, w1, b1)?;
            let up = self.activation.append(b, up)?;
            layers::linear(b, up, w2, b2)
        })
    }

    fn attend(&self, b: &mut Builder, h: Value, [w, bias, out, out_bias]: [Value; 4]) -> Built {
        let (count, width) = (b.shape_of(h).dims()[0], self.width);
        let (rows, size) = (count / self.tokens, width / self.heads);
        // One third of the columns, by head: [rows, heads, tokens, size], or the last two turned.
        let third = |b: &mut Builder, third: usize, perm: &[usize]| {
            let (from, to) = (third * width, (third + 1) * width);
            let w = b.slice(w, &[0, from], &[width, to])?;
            let bias = b.slice(bias, &[from], &[to])?;
            let x = layers::linear(b, h, w, bias)?;
            let x = b.reshape(x, &[rows, self.tokens, self.heads, size])?;
            b.transpose(x, perm)
        };
        let q = third(b, 0, &[0, 2, 1, 3])?;
        let k = third(b, 1, &[0, 2, 3, 1])?;
        let v = third(b, 2, &[0, 2, 1, 3])?;
        let q = layers::scale(b, q, 1.0 / layers::float(size).sqrt())?;
        let scores = b.matmul(q, k)?;
        let weights = layers::softmax(b, scores)?;
        let mixed = b.matmul(weights, v)?;
        let mixed = b.transpose(mixed, &[0, 2, 1, 3])?;
        let mixed = b.reshape(mixed, &[count, width])?;
        layers::linear(b, mixed, out, out_bias)
    }
}

/// What stands inside a residual.
type Inside<'a> = dyn Fn(&mut Builder, Value) -> Built + 'a;

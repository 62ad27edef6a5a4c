//! The gated recurrent unit, unrolled.

use tensor::{BuildError, Builder, Value};

use super::{Parameter, Start, Weights};
use crate::layers::{self, Built};

/// A gated recurrent unit over a sequence, whose last state goes to the linear head.
///
/// From x \[rows, steps, features\], h = 0, at each step (Cho et al., 2014, in the variant that
/// applies the reset gate after the matrix product, which is the usual one in libraries):
///
/// ```text
/// r = sigmoid(x Wr + h Ur + br + cr)
/// z = sigmoid(x Wz + h Uz + bz + cz)
/// n = tanh(x Wn + bn + r * (h Un + cn))
/// h = n + z * (h - n)
/// ```
///
/// Parameters are W \[features, 3 hidden\] and U \[hidden, 3 hidden\], in columns r, z, n, then b
/// and c.
///
/// ```
/// let gru = learn::Gru { features: 32, hidden: 64, steps: 64 };
/// assert_eq!(learn::Network::Gru(gru).parameters(1)[0].dims, [32, 192]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gru {
    /// Numbers a step.
    pub features: usize,
    /// Size of the state.
    pub hidden: usize,
    /// Steps of a sequence.
    pub steps: usize,
}

/// The weights as a step reads them: gates r and z side by side, n for itself. Taken apart before
/// the first step, so that the pads of a slice's gradient are paid once and not at every step.
struct Gates {
    x_gates: Value,
    h_gates: Value,
    gates_bias: Value,
    x_new: Value,
    h_new: Value,
    x_bias: Value,
    h_bias: Value,
}

impl Gru {
    pub(super) fn parameters(&self) -> (Vec<Parameter>, usize) {
        let columns = 3 * self.hidden;
        let parameters = vec![
            Parameter::matrix("input weight", [self.features, columns]),
            Parameter::matrix("state weight", [self.hidden, columns]),
            Parameter::vector("input bias", columns, Start::Zero),
            Parameter::vector("state bias", columns, Start::Zero),
        ];
        (parameters, self.hidden)
    }

    pub(super) fn forward(&self, b: &mut Builder, weights: &mut Weights<'_>, x: Value) -> Built {
        let rows = b.shape_of(x).dims()[0];
        let gates = self.gates(b, weights, rows)?;
        let mut h = b.full(b.dtype_of(x), &[rows, self.hidden], 0.0)?;
        for step in 0..self.steps {
            let now = b.slice(x, &[0, step, 0], &[rows, step + 1, self.features])?;
            let now = b.reshape(now, &[rows, self.features])?;
            h = self.step(b, &gates, now, h)?;
        }
        Ok(h)
    }

    fn gates(
        &self,
        b: &mut Builder,
        weights: &mut Weights<'_>,
        rows: usize,
    ) -> Result<Gates, BuildError> {
        let [w, u, x_bias, h_bias] = weights.take();
        let (features, hidden) = (self.features, self.hidden);
        let (gates, all) = (2 * hidden, 3 * hidden);
        let biases = b.add(x_bias, h_bias)?;
        let biases = b.slice(biases, &[0], &[gates])?;
        let x_bias = b.slice(x_bias, &[gates], &[all])?;
        let h_bias = b.slice(h_bias, &[gates], &[all])?;
        Ok(Gates {
            x_gates: b.slice(w, &[0, 0], &[features, gates])?,
            h_gates: b.slice(u, &[0, 0], &[hidden, gates])?,
            gates_bias: b.broadcast(biases, &[rows, gates])?,
            x_new: b.slice(w, &[0, gates], &[features, all])?,
            h_new: b.slice(u, &[0, gates], &[hidden, all])?,
            x_bias: b.broadcast(x_bias, &[rows, hidden])?,
            h_bias: b.broadcast(h_bias, &[rows, hidden])?,
        })
    }

    fn step(&self, b: &mut Builder, gates: &Gates, x: Value, h: Value) -> Built {
        let (rows, hidden) = (b.shape_of(x).dims()[0], self.hidden);
        let from_x = b.matmul(x, gates.x_gates)?;
        let from_h = b.matmul(h, gates.h_gates)?;
        let sum = b.add(from_x, from_h)?;
        let sum = b.add(sum, gates.gates_bias)?;
        let open = layers::sigmoid(b, sum)?;
        let reset = b.slice(open, &[0, 0], &[rows, hidden])?;
        let update = b.slice(open, &[0, hidden], &[rows, 2 * hidden])?;
        let from_h = b.matmul(h, gates.h_new)?;
        let from_h = b.add(from_h, gates.h_bias)?;
        let from_x = b.matmul(x, gates.x_new)?;
        let from_x = b.add(from_x, gates.x_bias)?;
        let new = b.fma(reset, from_h, from_x)?;
        let new = b.tanh(new)?;
        let back = b.sub(h, new)?;
        b.fma(update, back, new)
    }
}

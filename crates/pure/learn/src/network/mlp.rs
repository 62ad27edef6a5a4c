//! The multilayer perceptron.

use tensor::{Builder, Value};

use super::{Activation, Parameter, Weights};
use crate::layers::{self, Built};

/// A multilayer perceptron: `h' = f(h W + b)` for each hidden layer, then the linear head.
///
/// From x \[rows, features\]. Without a hidden layer it is linear regression (Rumelhart, Hinton and
/// Williams, 1986, is where its training by gradients comes from).
///
/// ```
/// use learn::{Activation, Mlp, Network};
/// let mlp = Mlp { features: 32, hidden: vec![64, 64], activation: Activation::Relu };
/// assert_eq!(Network::Mlp(mlp).parameters(1).len(), 6);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mlp {
    /// Numbers a row.
    pub features: usize,
    /// Units of each hidden layer.
    pub hidden: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Activation,
}

impl Mlp {
    pub(super) fn parameters(&self) -> (Vec<Parameter>, usize) {
        let (mut parameters, mut width) = (Vec::new(), self.features);
        for (layer, units) in self.hidden.iter().enumerate() {
            parameters.extend(Parameter::affine(&format!("layer {layer}"), [width, *units]));
            width = *units;
        }
        (parameters, width)
    }

    pub(super) fn forward(&self, b: &mut Builder, weights: &mut Weights<'_>, x: Value) -> Built {
        let mut h = x;
        for _ in &self.hidden {
            let [w, bias] = weights.take();
            h = layers::linear(b, h, w, bias)?;
            h = self.activation.append(b, h)?;
        }
        Ok(h)
    }
}

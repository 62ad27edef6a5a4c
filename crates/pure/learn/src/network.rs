//! Networks: what maps a batch to the numbers a loss reads, and how their parameters lie in a row.
//!
//! A [`Network`] is a configuration. Its parameters are one vector, matrices row-major as \[in,
//! out\], in the order of [`Network::parameters`]; its forward pass takes them apart once and reads
//! them in that order. The last parameters are always the head, whose width the loss decides.

mod encoder;
mod gru;
mod mlp;

use tensor::{BuildError, Builder, Dtype, ShapeError, Tensor, Value};

use crate::layers::{self, Built};

pub use encoder::{Encoder, Norm};
pub use gru::Gru;
pub use mlp::Mlp;

/// An architecture with its sizes.
///
/// ```
/// use learn::{Activation, Mlp, Network};
/// let mlp = Mlp { features: 3, hidden: vec![4], activation: Activation::Tanh };
/// let names: Vec<_> = Network::Mlp(mlp).parameters(1).into_iter().map(|p| p.name).collect();
/// assert_eq!(names, ["layer 0 weight", "layer 0 bias", "head weight", "head bias"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// A multilayer perceptron over one row of features.
    Mlp(Mlp),
    /// A gated recurrent unit over a sequence.
    Gru(Gru),
    /// A transformer encoder over a sequence.
    Encoder(Encoder),
}

/// The nonlinearity between linear layers.
///
/// ```
/// assert_ne!(learn::Activation::Relu, learn::Activation::Gelu);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `tanh(x)`.
    Tanh,
    /// `max(x, 0)`, with slope 0 at 0.
    Relu,
    /// `x (1 + erf(x / sqrt 2)) / 2`.
    Gelu,
}

impl Activation {
    pub(crate) fn append(self, b: &mut Builder, x: Value) -> Built {
        match self {
            Activation::Tanh => b.tanh(x),
            Activation::Relu => layers::relu(b, x),
            Activation::Gelu => layers::gelu(b, x),
        }
    }
}

/// A tensor of parameters within the vector.
///
/// ```
/// # use learn::{Activation, Mlp, Network};
/// let mlp = Network::Mlp(Mlp { features: 3, hidden: vec![], activation: Activation::Relu });
/// assert_eq!(mlp.parameters(2)[0].dims, [3, 2]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// What it is, unique within its network.
    pub name: String,
    /// Its extents; a matrix is \[in, out\].
    pub dims: Vec<usize>,
    /// What it starts from.
    pub start: Start,
}

/// What a parameter starts from.
///
/// ```
/// assert_ne!(learn::Start::Zero, learn::Start::One);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// Zeros: biases.
    Zero,
    /// Ones: the gains of a norm.
    One,
    /// Uniform within plus and minus this bound.
    Uniform(f64),
}

impl Parameter {
    /// A matrix, uniform within 1 / sqrt(in).
    fn matrix(name: &str, [rows, columns]: [usize; 2]) -> Parameter {
        let start = Start::Uniform(1.0 / layers::float(rows).sqrt());
        Parameter { name: name.to_owned(), dims: vec![rows, columns], start }
    }

    fn vector(name: &str, extent: usize, start: Start) -> Parameter {
        Parameter { name: name.to_owned(), dims: vec![extent], start }
    }

    /// A matrix and the bias that goes with it.
    fn affine(name: &str, [rows, columns]: [usize; 2]) -> [Parameter; 2] {
        [
            Parameter::matrix(&format!("{name} weight"), [rows, columns]),
            Parameter::vector(&format!("{name} bias"), columns, Start::Zero),
        ]
    }

    fn count(&self) -> usize {
        self.dims.iter().product()
    }
}

impl Network {
    /// Returns the parameters in their order in the vector, for a head of `outputs` numbers.
    ///
    /// ```
    /// # use learn::{Gru, Network};
    /// let gru = Network::Gru(Gru { features: 2, hidden: 3, steps: 5 });
    /// assert_eq!(gru.parameters(1).len(), 6);
    /// ```
    #[must_use]
    pub fn parameters(&self, outputs: usize) -> Vec<Parameter> {
        let (mut parameters, width) = match self {
            Network::Mlp(mlp) => mlp.parameters(),
            Network::Gru(gru) => gru.parameters(),
            Network::Encoder(encoder) => encoder.parameters(),
        };
        parameters.extend(Parameter::affine("head", [width, outputs]));
        parameters
    }

    /// Returns the extents of a batch of `rows`: \[rows, features\], or \[rows, steps, features\].
    ///
    /// ```
    /// # use learn::{Gru, Network};
    /// let gru = Network::Gru(Gru { features: 2, hidden: 3, steps: 5 });
    /// assert_eq!(gru.input(7), [7, 5, 2]);
    /// ```
    #[must_use]
    pub fn input(&self, rows: usize) -> Vec<usize> {
        match self {
            Network::Mlp(mlp) => vec![rows, mlp.features],
            Network::Gru(gru) => vec![rows, gru.steps, gru.features],
            Network::Encoder(encoder) => vec![rows, encoder.tokens, encoder.features],
        }
    }

    /// Appends the forward pass: a batch to \[rows, outputs\].
    pub(crate) fn forward(&self, b: &mut Builder, weights: &[Value], x: Value) -> Built {
        let mut weights = Weights(weights.iter());
        let top = match self {
            Network::Mlp(mlp) => mlp.forward(b, &mut weights, x)?,
            Network::Gru(gru) => gru.forward(b, &mut weights, x)?,
            Network::Encoder(encoder) => encoder.forward(b, &mut weights, x)?,
        };
        let [w, bias] = weights.take();
        layers::linear(b, top, w, bias)
    }

    /// What is wrong with the sizes, if anything is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let extents = match self {
            Network::Mlp(mlp) => [&mlp.hidden[..], &[mlp.features]].concat(),
            Network::Gru(gru) => vec![gru.features, gru.hidden, gru.steps],
            Network::Encoder(e) => {
                vec![e.features, e.tokens, e.width, e.heads, e.layers, e.feed_forward]
            }
        };
        if extents.contains(&0) {
            return Some("every extent of a network is at least 1");
        }
        // So that no product of two overflows, whatever the platform; shapes are checked later.
        if extents.iter().any(|extent| *extent > EXTENT_MAX) {
            return Some("an extent of a network is at most 32,768");
        }
        match self {
            Network::Encoder(e) if !e.width.is_multiple_of(e.heads) => {
                Some("the number of heads must divide the width")
            }
            _ => None,
        }
    }
}

/// The largest extent of a network: a parameter then has at most 2^30 elements.
const EXTENT_MAX: usize = 1 << 15;

/// The parameters' tensors in their order, as a forward pass reads them.
pub(crate) struct Weights<'a>(std::slice::Iter<'a, Value>);

impl Weights<'_> {
    /// The next few. A network lists what it takes, so there are as many.
    fn take<const N: usize>(&mut self) -> [Value; N] {
        [(); N].map(|()| *self.0.next().expect("a network lists what its forward pass takes"))
    }
}

/// Takes the vector apart.
pub(crate) fn split(
    b: &mut Builder,
    params: Value,
    layout: &[Parameter],
) -> Result<Vec<Value>, BuildError> {
    let mut start = 0;
    let mut part = |parameter: &Parameter| {
        let end = start + parameter.count();
        let flat = b.slice(params, &[start], &[end])?;
        start = end;
        b.reshape(flat, &parameter.dims)
    };
    layout.iter().map(&mut part).collect()
}

/// Puts tensors in the vector's order together again.
pub(crate) fn join(b: &mut Builder, parts: &[Value]) -> Built {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        let count = b.shape_of(*part).count();
        flat.push(b.reshape(*part, &[count])?);
    }
    while flat.len() > 1 {
        let groups: Vec<Vec<Value>> = flat.chunks(tensor::CONCAT_MAX).map(<[_]>::to_vec).collect();
        flat = groups.iter().map(|group| b.concat(group, 0)).collect::<Result<_, _>>()?;
    }
    Ok(flat[0])
}

/// The vector's start: what each parameter says, uniform numbers by Philox under `key`, stream 0.
pub(crate) fn initial(
    layout: &[Parameter],
    dtype: Dtype,
    key: [i32; 2],
) -> Result<Tensor, ShapeError> {
    let starts = layout.iter().flat_map(|p| std::iter::repeat_n(p.start, p.count()));
    let element = |(element, start)| match start {
        Start::Zero => 0.0,
        Start::One => 1.0,
        Start::Uniform(bound) => {
            bound * f64::from(tensor::random::word(key, 0, element)) / 2_147_483_648.0
        }
    };
    let values: Vec<f64> = (0_u64..).zip(starts).map(element).collect();
    let dims = [values.len()];
    if dtype == Dtype::F64 {
        return Tensor::f64(&dims, values);
    }
    Tensor::f32(&dims, values.into_iter().map(tensor::scalar::f64_to_f32).collect())
}

//! The two models: a linear one (log-HAR with leverage) and a small multilayer perceptron.
//!
//! Both map standardised features to `s = ln(variance / anchor)`, so that `s = 0`, which both
//! start from, is a forecast already: the anchor. All parameters are one f32 vector, as that is
//! what rounds commit to and aggregate. `s` is held within +-10, as the losses
//! hold any log variance.

use std::fmt;
use std::str::FromStr;

use tensor::{BuildError, Builder, Tensor, Value};
use thiserror::Error;

use crate::loss::held;

/// Hidden units of the perceptron.
const HIDDEN: usize = 16;

/// Which model.
///
/// ```
/// assert_eq!("mlp".parse(), Ok(learn::Kind::Mlp));
/// assert_eq!(learn::Kind::Har.to_string(), "har");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `s = x w + b`: the log-HAR model when `x` are its features.
    Har,
    /// `s = tanh(x W1 + b1) w2 + b2`, 16 hidden units.
    Mlp,
}

/// A name that is no model's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name:?} is no model; there are har and mlp")]
pub struct ParseKindError {
    /// What was read.
    pub name: String,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Har => "har",
            Kind::Mlp => "mlp",
        })
    }
}

impl FromStr for Kind {
    type Err = ParseKindError;

    fn from_str(name: &str) -> Result<Kind, ParseKindError> {
        match name {
            "har" => Ok(Kind::Har),
            "mlp" => Ok(Kind::Mlp),
            _ => Err(ParseKindError { name: name.to_owned() }),
        }
    }
}

/// A model over named features.
///
/// ```
/// use learn::{Kind, Model};
/// let har = Model::new(Kind::Har, &["day", "week"]);
/// assert_eq!(har.names(), ["day", "week", "bias"]);
/// assert_eq!(har.initial().as_f32(), Some(&[0.0; 3][..]));
/// assert_eq!(Model::new("mlp".parse()?, &["day", "week"]).count(), 2 * 16 + 16 + 16 + 1);
/// # Ok::<(), learn::ParseKindError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    kind: Kind,
    features: Vec<String>,
}

impl Model {
    /// Returns the model of this kind over these features, in this order.
    ///
    /// # Panics
    ///
    /// If there is no feature.
    #[must_use]
    pub fn new(kind: Kind, features: &[&str]) -> Model {
        assert!(!features.is_empty(), "a model needs at least one feature");
        Model { kind, features: features.iter().map(|&name| name.to_owned()).collect() }
    }

    /// Returns which model this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the number of features.
    #[must_use]
    pub fn width(&self) -> usize {
        self.features.len()
    }

    /// Returns the number of parameters.
    #[must_use]
    pub fn count(&self) -> usize {
        match self.kind {
            Kind::Har => self.width() + 1,
            Kind::Mlp => self.width() * HIDDEN + HIDDEN + HIDDEN + 1,
        }
    }

    /// Returns the parameters' names, in their order in the vector.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.count());
        match self.kind {
            Kind::Har => names.extend(self.features.iter().cloned()),
            Kind::Mlp => {
                for feature in &self.features {
                    names.extend((0..HIDDEN).map(|unit| format!("{feature} to h{unit}")));
                }
                names.extend((0..HIDDEN).map(|unit| format!("h{unit} bias")));
                names.extend((0..HIDDEN).map(|unit| format!("h{unit} out")));
            }
        }
        names.push("bias".to_owned());
        names
    }

    /// Returns the parameters every job starts from; the forecast they give is the anchor.
    ///
    /// Zeros, except for the perceptron's first layer, which is uniform within
    /// +-1/4 by a fixed sequence (Philox with key 0, stream 0): equal units would stay equal.
    #[must_use]
    pub fn initial(&self) -> Tensor {
        let mut values = vec![0.0_f32; self.count()];
        if self.kind == Kind::Mlp {
            for (element, value) in (0_u64..).zip(&mut values[..self.width() * HIDDEN]) {
                let word = tensor::random::word([0, 0], 0, element);
                // The top 16 bits: an integer of at most 2^15 in size, exact in f32.
                *value = f32::from(i16::try_from(word >> 16).unwrap_or(0)) / 131_072.0;
            }
        }
        Tensor::f32(&[self.count()], values).expect("a model has at least two parameters")
    }

    /// Appends the forward pass: parameters f32\[d\] and features f32\[n, p\] to `s` f32\[n\].
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the operands have other shapes.
    pub fn forward(&self, b: &mut Builder, params: Value, x: Value) -> Result<Value, BuildError> {
        let rows = b.shape_of(x).dims()[0];
        let width = self.width();
        let s = match self.kind {
            Kind::Har => {
                let w = part(b, params, 0, &[width, 1])?;
                affine(b, x, w, (params, width))?
            }
            Kind::Mlp => {
                let (biases, out) = (width * HIDDEN, width * HIDDEN + HIDDEN);
                let w1 = part(b, params, 0, &[width, HIDDEN])?;
                let hidden = b.matmul(x, w1)?;
                let b1 = part(b, params, biases, &[1, HIDDEN])?;
                let b1 = b.broadcast(b1, &[rows, HIDDEN])?;
                let hidden = b.add(hidden, b1)?;
                let hidden = b.tanh(hidden)?;
                let w2 = part(b, params, out, &[HIDDEN, 1])?;
                affine(b, hidden, w2, (params, out + HIDDEN))?
            }
        };
        held(b, s)
    }
}

/// The parameters from `start` on, in this shape.
fn part(b: &mut Builder, params: Value, start: usize, dims: &[usize]) -> Result<Value, BuildError> {
    let flat = b.slice(params, &[start], &[start + dims.iter().product::<usize>()])?;
    b.reshape(flat, dims)
}

/// `x w` plus one parameter as bias: f32\[n, k\] and f32\[k, 1\] to f32\[n\].
fn affine(
    b: &mut Builder,
    x: Value,
    w: Value,
    (params, bias): (Value, usize),
) -> Result<Value, BuildError> {
    let rows = b.shape_of(x).dims()[0];
    let y = b.matmul(x, w)?;
    let y = b.reshape(y, &[rows])?;
    let bias = part(b, params, bias, &[1])?;
    let bias = b.broadcast(bias, &[rows])?;
    b.add(y, bias)
}

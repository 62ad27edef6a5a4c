//! Any training as Programs: a network, a loss, an optimiser, a batch and a dtype.
//!
//! One configuration, and everything that is run with it: the step, its loss and gradient alone,
//! the forecast. All take the parameters as one vector.

use tensor::{BuildError, Builder, Dtype, Program, Shape, ShapeError, Tensor, Value};
use thiserror::Error;

use crate::layers::Built;
use crate::network::{self, Parameter};
use crate::{Loss, Network, Optimiser};

/// What is trained, on what, and how.
///
/// ```
/// use learn::{Activation, Loss, Mlp, Network, Optimiser, Training};
/// use tensor::{Dtype, Tensor};
/// let training = Training {
///     network: Network::Mlp(Mlp { features: 1, hidden: vec![], activation: Activation::Tanh }),
///     loss: Loss::Qlike,
///     optimiser: Optimiser::SGD,
///     batch: 2,
///     dtype: Dtype::F64,
/// };
/// let step = training.step()?;
/// let mut inputs = vec![Tensor::f64(&[2], vec![0.0, 0.0])?];
/// inputs.extend(training.state()?);
/// inputs.push(Tensor::f64(&[2, 1], vec![1.0, -1.0])?);
/// inputs.push(Tensor::f64(&[2], vec![2.0, 0.5])?);
/// inputs.push(Tensor::f64(&[1], vec![0.5])?);
/// let outputs = tensor::eval(&step, &inputs)?;
/// assert_eq!(outputs[0].as_f64(), Some(&[0.375, 0.125][..])); // weight and bias
/// assert_eq!(outputs[2].as_f64(), Some(&[1.25][..])); // the loss before the step
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// The architecture.
    pub network: Network,
    /// What is minimised; it decides the width of the head.
    pub loss: Loss,
    /// How parameters move.
    pub optimiser: Optimiser,
    /// Rows a step.
    pub batch: usize,
    /// f32 or f64.
    pub dtype: Dtype,
}

/// Why a configuration is no Program.
///
/// ```
/// use learn::{Activation, Loss, Mlp, Network, Optimiser, Training};
/// let training = Training {
///     network: Network::Mlp(Mlp { features: 0, hidden: vec![], activation: Activation::Tanh }),
///     loss: Loss::Qlike,
///     optimiser: Optimiser::SGD,
///     batch: 2,
///     dtype: tensor::Dtype::F64,
/// };
/// let error = training.step().unwrap_err();
/// assert_eq!(error.to_string(), "every extent of a network is at least 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A size, level or rate outside its bounds.
    #[error("{0}")]
    Fault(&'static str),
    /// The vector of parameters breaks a limit of tensors.
    #[error("the parameters are no tensor: {0}")]
    Shape(#[from] ShapeError),
    /// The Program breaks a limit.
    #[error("the training is no Program: {0}")]
    Build(#[from] BuildError),
}

/// The inputs that every Program of a training shares, and the parameters taken apart.
struct Inputs {
    weights: Vec<Value>,
    x: Value,
    y: Value,
}

impl Training {
    /// Returns the parameters in their order in the vector.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Fault`] if a size, level or rate is outside its bounds.
    pub fn parameters(&self) -> Result<Vec<Parameter>, ConfigError> {
        let fault = match (self.batch, self.dtype) {
            (0, _) => Some("a batch has at least 1 row"),
            (_, Dtype::I32) => Some("a network is f32 or f64"),
            _ => None,
        };
        let fault = fault.or(self.network.fault()).or(self.loss.fault());
        match fault.or(self.optimiser.fault()) {
            Some(fault) => Err(ConfigError::Fault(fault)),
            None => Ok(self.network.parameters(self.loss.outputs())),
        }
    }

    /// Returns the number of parameters.
    ///
    /// # Errors
    ///
    /// As [`Training::parameters`].
    pub fn count(&self) -> Result<usize, ConfigError> {
        Ok(self.parameters()?.iter().map(|p| p.dims.iter().product::<usize>()).sum())
    }

    /// Returns parameters to start from: each as it says, the uniform ones by Philox under `key`.
    ///
    /// # Errors
    ///
    /// As [`Training::parameters`].
    ///
    /// ```
    /// # use learn::{Gru, Loss, Network, Optimiser, Training};
    /// # let training = Training {
    /// #     network: Network::Gru(Gru { features: 2, hidden: 3, steps: 4 }), loss: Loss::Gaussian,
    /// #     optimiser: Optimiser::ADAM, batch: 5, dtype: tensor::Dtype::F32,
    /// # };
    /// assert_eq!(training.initial([1, 0])?, training.initial([1, 0])?);
    /// assert_ne!(training.initial([1, 0])?, training.initial([2, 0])?);
    /// # Ok::<(), learn::ConfigError>(())
    /// ```
    pub fn initial(&self, key: [i32; 2]) -> Result<Tensor, ConfigError> {
        let parameters = self.parameters()?;
        // Before anything of that size is made.
        Shape::new(&[self.count()?])?;
        Ok(network::initial(&parameters, self.dtype, key)?)
    }

    /// Returns the optimiser's state before the first step.
    ///
    /// # Errors
    ///
    /// As [`Training::parameters`].
    pub fn state(&self) -> Result<Vec<Tensor>, ConfigError> {
        Ok(self.optimiser.state(self.dtype, self.count()?)?)
    }

    /// Returns the whole step: `(params, state.., x, y, rate) -> (params', state'.., loss)`.
    ///
    /// `params` \[count\], `state` as [`Optimiser`] lists it, `x` as [`Network::input`] says, `y`
    /// \[batch\] of [`Loss::target`], `rate` \[1\]; `loss` \[1\] is the batch's mean before the
    /// step. Outputs but the last have the types of the first inputs: feed them back.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a number is outside its bounds, or the Program would break a limit.
    pub fn step(&self) -> Result<Program, ConfigError> {
        let mut b = Builder::new();
        let count = self.count()?;
        let params = b.input(self.dtype, &[count])?;
        let mut state = Vec::new();
        for (dtype, count) in self.optimiser.kinds(self.dtype, count) {
            state.push(b.input(dtype, &[count])?);
        }
        let inputs = self.inputs(&mut b, params)?;
        let rate = b.input(self.dtype, &[1])?;
        let (loss, gradient) = self.descent(&mut b, &inputs)?;
        let mut outputs = self.optimiser.append(&mut b, (params, &state), gradient, rate)?;
        outputs.push(b.reshape(loss, &[1])?);
        Ok(b.finish(&outputs)?)
    }

    /// Returns `(params, x, y) -> (loss, gradient)`, shaped \[1\] and \[count\].
    ///
    /// # Errors
    ///
    /// As [`Training::step`].
    pub fn gradient(&self) -> Result<Program, ConfigError> {
        let mut b = Builder::new();
        let params = b.input(self.dtype, &[self.count()?])?;
        let inputs = self.inputs(&mut b, params)?;
        let (loss, gradient) = self.descent(&mut b, &inputs)?;
        let loss = b.reshape(loss, &[1])?;
        Ok(b.finish(&[loss, gradient])?)
    }

    /// Returns `(params, x, y) -> loss`, shaped \[1\].
    ///
    /// # Errors
    ///
    /// As [`Training::step`].
    pub fn evaluate(&self) -> Result<Program, ConfigError> {
        let mut b = Builder::new();
        let params = b.input(self.dtype, &[self.count()?])?;
        let inputs = self.inputs(&mut b, params)?;
        let loss = self.loss_of(&mut b, &inputs)?;
        let loss = b.reshape(loss, &[1])?;
        Ok(b.finish(&[loss])?)
    }

    /// Returns `(params, x) -> outputs`, shaped \[rows, outputs\], for any number of rows.
    ///
    /// # Errors
    ///
    /// As [`Training::step`].
    pub fn predict(&self, rows: usize) -> Result<Program, ConfigError> {
        let mut b = Builder::new();
        let layout = self.parameters()?;
        let params = b.input(self.dtype, &[self.count()?])?;
        let x = b.input(self.dtype, &self.network.input(rows))?;
        let weights = network::split(&mut b, params, &layout)?;
        let outputs = self.network.forward(&mut b, &weights, x)?;
        Ok(b.finish(&[outputs])?)
    }

    fn inputs(&self, b: &mut Builder, params: Value) -> Result<Inputs, ConfigError> {
        let x = b.input(self.dtype, &self.network.input(self.batch))?;
        let y = b.input(self.loss.target(self.dtype), &[self.batch])?;
        let weights = network::split(b, params, &self.parameters()?)?;
        Ok(Inputs { weights, x, y })
    }

    fn loss_of(&self, b: &mut Builder, inputs: &Inputs) -> Built {
        let outputs = self.network.forward(b, &inputs.weights, inputs.x)?;
        self.loss.mean(b, outputs, inputs.y)
    }

    /// The loss, and its gradient as one vector. Derived by tensor and joined once: through the
    /// slices, every parameter's gradient would be padded to the whole vector and added.
    fn descent(&self, b: &mut Builder, inputs: &Inputs) -> Result<(Value, Value), BuildError> {
        let loss = self.loss_of(b, inputs)?;
        let gradients = b.gradient(loss, &inputs.weights)?;
        Ok((loss, network::join(b, &gradients)?))
    }
}

//! Optimisers: how a gradient moves parameters, and the state they keep between steps.

use tensor::scalar::Float;
use tensor::{BuildError, Builder, Dtype, ShapeError, Tensor, Value};

/// An optimiser with its constants; the learning rate is an input of every step.
///
/// ```
/// use learn::Optimiser;
/// let state = Optimiser::ADAM.state(tensor::Dtype::F32, 5)?;
/// assert_eq!(state.len(), 3); // both moments, and the number of steps taken
/// # Ok::<(), tensor::ShapeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimiser {
    /// `u = momentum u + gradient; params -= rate u` (Polyak, 1964). State: u, like the
    /// parameters.
    Sgd {
        /// What is kept of the last move; 0 is plain gradient descent.
        momentum: f64,
    },
    /// Kingma and Ba (2015), algorithm 1. State: both moments, like the parameters, and the number
    /// of steps taken, i32\[1\], by which the bias of the moments is corrected, in f64.
    Adam {
        /// Decay of the first moment.
        beta_1: f64,
        /// Decay of the second moment.
        beta_2: f64,
        /// What keeps the division finite.
        epsilon: f64,
    },
}

impl Optimiser {
    /// Gradient descent with the usual momentum.
    pub const SGD: Optimiser = Optimiser::Sgd { momentum: 0.9 };
    /// Adam with the paper's constants.
    pub const ADAM: Optimiser = Optimiser::Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };

    /// Returns the state before the first step, for so many parameters.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] for no parameters, or too many for one tensor.
    ///
    /// ```
    /// # use learn::Optimiser;
    /// assert!(Optimiser::SGD.state(tensor::Dtype::F64, 0).is_err());
    /// ```
    pub fn state(&self, dtype: Dtype, count: usize) -> Result<Vec<Tensor>, ShapeError> {
        let kinds = self.kinds(dtype, count);
        kinds.into_iter().map(|(dtype, count)| Tensor::zeros(dtype, &[count])).collect()
    }

    /// Dtype and extent of each tensor of the state.
    pub(crate) fn kinds(&self, dtype: Dtype, count: usize) -> Vec<(Dtype, usize)> {
        match self {
            Optimiser::Sgd { .. } => vec![(dtype, count)],
            Optimiser::Adam { .. } => vec![(dtype, count), (dtype, count), (Dtype::I32, 1)],
        }
    }

    /// Appends one step: parameters and state after it.
    pub(crate) fn append(
        &self,
        b: &mut Builder,
        (params, state): (Value, &[Value]),
        gradient: Value,
        rate: Value,
    ) -> Result<Vec<Value>, BuildError> {
        match (self, state) {
            (Optimiser::Sgd { momentum }, [u]) => {
                let dims = b.shape_of(params).dims().to_vec();
                let momentum = b.full(b.dtype_of(params), &dims, *momentum)?;
                let u = b.fma(momentum, *u, gradient)?;
                let rate = b.broadcast(rate, &dims)?;
                let rate = b.neg(rate)?;
                Ok(vec![b.fma(rate, u, params)?, u])
            }
            (Optimiser::Adam { beta_1, beta_2, epsilon }, [m, v, step]) => {
                let with_log = |beta: f64| (beta, beta.op_log());
                let (beta_1, beta_2) = (with_log(*beta_1), with_log(*beta_2));
                let adam = Adam { beta_1, beta_2, epsilon: *epsilon };
                let count = ((*step, Dtype::F64), rate);
                let (params, m, v) = adam.append(b, (params, *m, *v), gradient, count)?;
                let one = b.full(Dtype::I32, &[1], 1.0)?;
                Ok(vec![params, m, v, b.add(*step, one)?])
            }
            _ => unreachable!("a step declares the state that `kinds` lists"),
        }
    }

    /// What is wrong with the constants, if anything is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let share = |x: &f64| (0.0..1.0).contains(x);
        match self {
            Optimiser::Sgd { momentum } if !share(momentum) => {
                Some("a momentum is at least 0 and below 1")
            }
            Optimiser::Adam { beta_1, beta_2, .. } if !share(beta_1) || !share(beta_2) => {
                Some("Adam's decay rates are at least 0 and below 1")
            }
            Optimiser::Adam { epsilon, .. } if !(*epsilon > 0.0 && *epsilon <= 1.0) => {
                Some("Adam's epsilon is above 0 and at most 1")
            }
            _ => None,
        }
    }
}

/// Adam's constants; each decay rate stands with its natural logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Adam {
    /// Decay of the first moment.
    beta_1: (f64, f64),
    /// Decay of the second moment.
    beta_2: (f64, f64),
    /// What keeps the division finite.
    epsilon: f64,
}

impl Adam {
    /// The rates of the paper: 0.9, 0.999 and 1e-8.
    pub(crate) const STANDARD: Adam = Adam {
        beta_1: (0.9, -0.105_360_515_657_826_28),
        beta_2: (0.999, -0.001_000_500_333_583_533_5),
        epsilon: 1e-8,
    };

    /// Appends one step: Kingma and Ba (2015), algorithm 1.
    ///
    /// `step` i32\[1\] counts from 0, and the bias is corrected in the dtype beside it; `rate` is
    /// \[1\]. Returns parameters and moments after the step.
    pub(crate) fn append(
        &self,
        b: &mut Builder,
        (params, m, v): (Value, Value, Value),
        gradient: Value,
        ((step, counting), rate): ((Value, Dtype), Value),
    ) -> Result<(Value, Value, Value), BuildError> {
        let (dtype, dims) = (b.dtype_of(params), b.shape_of(params).dims().to_vec());
        let m = decay(b, m, gradient, self.beta_1.0)?;
        let square = b.mul(gradient, gradient)?;
        let v = decay(b, v, square, self.beta_2.0)?;
        let step = b.convert(step, counting)?;
        let one = b.full(counting, &[1], 1.0)?;
        let t = b.add(step, one)?;
        let m_hat = unbias(b, m, t, self.beta_1.1)?;
        let v_hat = unbias(b, v, t, self.beta_2.1)?;
        let root = b.sqrt(v_hat)?;
        let epsilon = b.full(dtype, &dims, self.epsilon)?;
        let root = b.add(root, epsilon)?;
        let direction = b.div(m_hat, root)?;
        let rate = b.broadcast(rate, &dims)?;
        let direction = b.mul(direction, rate)?;
        Ok((b.sub(params, direction)?, m, v))
    }
}

/// `old * beta + new * (1 - beta)`.
fn decay(b: &mut Builder, old: Value, new: Value, beta: f64) -> Result<Value, BuildError> {
    let (dtype, dims) = (b.dtype_of(old), b.shape_of(old).dims().to_vec());
    let keep = b.full(dtype, &dims, beta)?;
    let take = b.full(dtype, &dims, 1.0 - beta)?;
    let new = b.mul(new, take)?;
    b.fma(old, keep, new)
}

/// `moment / (1 - beta^t)`, t \[1\] of the dtype the weight is computed in.
fn unbias(b: &mut Builder, moment: Value, t: Value, ln_beta: f64) -> Result<Value, BuildError> {
    let (dtype, dims) = (b.dtype_of(moment), b.shape_of(moment).dims().to_vec());
    let counting = b.dtype_of(t);
    let ln_beta = b.full(counting, &[1], ln_beta)?;
    let power = b.mul(t, ln_beta)?;
    let power = b.exp(power)?;
    let one = b.full(counting, &[1], 1.0)?;
    let mut weight = b.sub(one, power)?;
    if counting != dtype {
        weight = b.convert(weight, dtype)?;
    }
    let weight = b.broadcast(weight, &dims)?;
    b.div(moment, weight)
}

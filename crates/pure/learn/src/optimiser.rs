//! Optimisers: how a gradient moves parameters, and the state they keep between steps.

use tensor::{BuildError, Builder, Dtype, Value};

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

//! What networks are made of: a few ops each, differentiable, of either float dtype.
//!
//! All that has rows works on \[rows, width\]; the caller reshapes. Absent: broadcasting by itself.

use tensor::{BuildError, Builder, Value};

/// What appending an op gives.
pub(crate) type Built = Result<Value, BuildError>;

/// What keeps a layer norm's division finite.
const NORM_EPSILON: f64 = 1e-5;
/// 1 / sqrt(2).
const ROOT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// A number as an f64: extents are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "extents are below 2^31")]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}

/// A tensor like this one with every element `value`.
pub(crate) fn full_like(b: &mut Builder, x: Value, value: f64) -> Built {
    let (dtype, dims) = (b.dtype_of(x), b.shape_of(x).dims().to_vec());
    b.full(dtype, &dims, value)
}

/// `x * factor`.
pub(crate) fn scale(b: &mut Builder, x: Value, factor: f64) -> Built {
    let factor = full_like(b, x, factor)?;
    b.mul(x, factor)
}

/// `x w + bias`: \[n, k\], \[k, m\] and \[m\] to \[n, m\].
pub(crate) fn linear(b: &mut Builder, x: Value, w: Value, bias: Value) -> Built {
    let y = b.matmul(x, w)?;
    let dims = b.shape_of(y).dims().to_vec();
    let bias = b.broadcast(bias, &dims)?;
    b.add(y, bias)
}

/// `1 / (1 + exp(-x))`, as `(1 + tanh(x / 2)) / 2`, which neither overflows nor has a NaN slope.
pub(crate) fn sigmoid(b: &mut Builder, x: Value) -> Built {
    let half = full_like(b, x, 0.5)?;
    let t = b.mul(x, half)?;
    let t = b.tanh(t)?;
    b.fma(t, half, half)
}

/// `max(x, 0)`, with slope 0 at 0.
pub(crate) fn relu(b: &mut Builder, x: Value) -> Built {
    let zero = full_like(b, x, 0.0)?;
    b.max(x, zero)
}

/// `x (1 + erf(x / sqrt 2)) / 2` (Hendrycks and Gimpel, 2016): the exact form, not the tanh one.
pub(crate) fn gelu(b: &mut Builder, x: Value) -> Built {
    let t = scale(b, x, ROOT_HALF)?;
    let t = b.erf(t)?;
    let half = full_like(b, x, 0.5)?;
    let t = b.fma(t, half, half)?;
    b.mul(x, t)
}

/// Repeats `y`, which lacks the last axis of `x`, along it.
pub(crate) fn spread(b: &mut Builder, y: Value, x: Value) -> Built {
    let dims = b.shape_of(x).dims().to_vec();
    let mut column = dims.clone();
    column[dims.len() - 1] = 1;
    let y = b.reshape(y, &column)?;
    b.broadcast(y, &dims)
}

/// The sum along the last axis, which is dropped.
pub(crate) fn sum_last(b: &mut Builder, x: Value) -> Built {
    let axis = b.shape_of(x).rank() - 1;
    b.sum(x, axis)
}

/// The mean along the last axis, which is dropped.
fn mean_last(b: &mut Builder, x: Value) -> Built {
    let count = b.shape_of(x).dims().last().copied().unwrap_or(1);
    let sum = sum_last(b, x)?;
    scale(b, sum, 1.0 / float(count))
}

/// What is taken off before `exp` along the last axis, and `x` without it.
///
/// The floor of the greatest keeps every exponent at most 1, as the greatest itself would, and has
/// no slope: shifting changes neither a softmax nor its gradient, so none needs to be computed.
fn shifted(b: &mut Builder, x: Value) -> Result<(Value, Value), BuildError> {
    let axis = b.shape_of(x).rank() - 1;
    let greatest = b.max_axis(x, axis)?;
    let shift = b.floor(greatest)?;
    let all = spread(b, shift, x)?;
    Ok((shift, b.sub(x, all)?))
}

/// `exp(x) / sum exp(x)` along the last axis.
pub(crate) fn softmax(b: &mut Builder, x: Value) -> Built {
    let (_, x) = shifted(b, x)?;
    let e = b.exp(x)?;
    let sum = sum_last(b, e)?;
    let sum = spread(b, sum, e)?;
    b.div(e, sum)
}

/// `log sum exp(x)` along the last axis, which is dropped.
pub(crate) fn log_sum_exp(b: &mut Builder, x: Value) -> Built {
    let (shift, x) = shifted(b, x)?;
    let e = b.exp(x)?;
    let sum = sum_last(b, e)?;
    let log = b.log(sum)?;
    b.add(log, shift)
}

/// `gain (x - mean) / sqrt(variance + 1e-5) + bias` along the last axis (Ba, Kiros and Hinton,
/// 2016); the variance is the biased one.
pub(crate) fn layer_norm(b: &mut Builder, x: Value, gain: Value, bias: Value) -> Built {
    let dims = b.shape_of(x).dims().to_vec();
    let mean = mean_last(b, x)?;
    let mean = spread(b, mean, x)?;
    let x = b.sub(x, mean)?;
    let square = b.mul(x, x)?;
    let variance = mean_last(b, square)?;
    let epsilon = full_like(b, variance, NORM_EPSILON)?;
    let variance = b.add(variance, epsilon)?;
    let deviation = b.sqrt(variance)?;
    let deviation = spread(b, deviation, x)?;
    let x = b.div(x, deviation)?;
    let gain = b.broadcast(gain, &dims)?;
    let bias = b.broadcast(bias, &dims)?;
    b.fma(x, gain, bias)
}

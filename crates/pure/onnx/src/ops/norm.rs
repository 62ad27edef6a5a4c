//! Operators that set elements in relation to others: softmax and the norms.

use tensor::Value;

use crate::Fault;
use crate::known::Kind;
use crate::scope::{Outcome, Scope, float, one};

/// Since this version a softmax is along one axis; before, along all from that axis on.
const SOFTMAX_AXIS: i64 = 13;

/// The last axis put together by an op, and repeated again.
fn along(
    s: &mut Scope<'_>,
    x: Value,
    op: fn(&mut tensor::Builder, Value, usize) -> Result<Value, tensor::BuildError>,
) -> Result<Value, Fault> {
    let mut dims = s.b.shape_of(x).dims().to_vec();
    let last = dims.len() - 1;
    let y = op(s.b, x, last)?;
    let whole = std::mem::replace(&mut dims[last], 1);
    let y = s.b.reshape(y, &dims)?;
    dims[last] = whole;
    s.widen(y, &dims)
}

/// The operand with the axis of its node last, as \[.., extent\], and what undoes that.
fn axis_last(s: &mut Scope<'_>) -> Result<(Value, Option<Vec<usize>>), Fault> {
    let dims = s.dims(0)?;
    let old = s.node.opset < SOFTMAX_AXIS;
    let axis = Scope::axis(s.node.int("axis", if old { 1 } else { -1 })?, dims.len())?;
    let x = s.value(0)?;
    if old {
        let (rows, columns) = (dims[..axis].iter().product(), dims[axis..].iter().product());
        return Ok((s.shaped(x, &[rows, columns])?, None));
    }
    if axis + 1 == dims.len() {
        return Ok((x, None));
    }
    // Exchanging two axes is undone by exchanging them again.
    let mut perm: Vec<usize> = (0..dims.len()).collect();
    perm.swap(axis, dims.len() - 1);
    Ok((s.b.transpose(x, &perm)?, Some(perm)))
}

fn back(s: &mut Scope<'_>, y: Value, perm: Option<Vec<usize>>) -> Result<Value, Fault> {
    match perm {
        Some(perm) => Ok(s.b.transpose(y, &perm)?),
        None => {
            let dims = s.dims(0)?;
            s.shaped(y, &dims)
        }
    }
}

/// `exp(x) / sum exp(x)`, less the greatest first.
pub(super) fn softmax(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let (x, perm) = axis_last(s)?;
    let greatest = along(s, x, tensor::Builder::max_axis)?;
    let x = s.b.sub(x, greatest)?;
    let e = s.b.exp(x)?;
    let sum = along(s, e, tensor::Builder::sum)?;
    let y = s.b.div(e, sum)?;
    one(back(s, y, perm)?, kind)
}

/// `x - log sum exp(x)`, less the greatest first.
pub(super) fn log_softmax(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let (x, perm) = axis_last(s)?;
    let greatest = along(s, x, tensor::Builder::max_axis)?;
    let x = s.b.sub(x, greatest)?;
    let e = s.b.exp(x)?;
    let sum = along(s, e, tensor::Builder::sum)?;
    let log = s.b.log(sum)?;
    let y = s.b.sub(x, log)?;
    one(back(s, y, perm)?, kind)
}

/// `(x - mean) / sqrt(variance + epsilon)` over the axes from `axis` on, times a gain, plus a bias.
pub(super) fn layer(s: &mut Scope<'_>) -> Outcome {
    let (kind, dims) = (s.float_kind(0)?, s.dims(0)?);
    let axis = Scope::axis(s.node.int("axis", -1)?, dims.len())?;
    let epsilon = s.node.float("epsilon", f64::from(1e-5_f32))?;
    let (rows, columns) = (dims[..axis].iter().product(), dims[axis..].iter().product());
    let x = s.value(0)?;
    let x = s.shaped(x, &[rows, columns])?;
    let count = s.like(x, float(columns))?;
    let mean = along(s, x, tensor::Builder::sum)?;
    let mean = s.b.div(mean, count)?;
    let x = s.b.sub(x, mean)?;
    let square = s.b.mul(x, x)?;
    let variance = along(s, square, tensor::Builder::sum)?;
    let variance = s.b.div(variance, count)?;
    let y = over_deviation(s, x, variance, epsilon)?;
    let y = s.shaped(y, &dims)?;
    gained(s, y, (1, 2), kind)
}

/// By the stored mean and variance of each channel, axis 1.
pub(super) fn batch(s: &mut Scope<'_>) -> Outcome {
    let (kind, dims) = (s.float_kind(0)?, s.dims(0)?);
    if s.node.flag("training_mode", false)? || dims.len() < 2 {
        return Err(Fault::Unsupported { what: "training mode, or an operand without channels" });
    }
    let epsilon = s.node.float("epsilon", f64::from(1e-5_f32))?;
    let mut column = vec![1; dims.len() - 1];
    column[0] = dims[1];
    let mut parts = [0; 5].map(|_| None);
    for (index, part) in parts.iter_mut().enumerate() {
        let value = s.value(index)?;
        let value = if index == 0 { value } else { s.shaped(value, &column)? };
        *part = Some(s.widen(value, &dims)?);
    }
    let [Some(x), Some(gain), Some(bias), Some(mean), Some(variance)] = parts else {
        return Err(Fault::Missing { index: 4 });
    };
    let x = s.b.sub(x, mean)?;
    let y = over_deviation(s, x, variance, epsilon)?;
    one(s.b.fma(y, gain, bias)?, kind)
}

/// `x / sqrt(variance + epsilon)`.
fn over_deviation(
    s: &mut Scope<'_>,
    x: Value,
    variance: Value,
    epsilon: f64,
) -> Result<Value, Fault> {
    let epsilon = s.like(variance, epsilon)?;
    let variance = s.b.add(variance, epsilon)?;
    let deviation = s.b.sqrt(variance)?;
    Ok(s.b.div(x, deviation)?)
}

/// `y gain + bias`, the bias where there is one.
fn gained(s: &mut Scope<'_>, y: Value, (gain, bias): (usize, usize), kind: Kind) -> Outcome {
    let dims = s.b.shape_of(y).dims().to_vec();
    let gain = s.value(gain)?;
    let gain = s.widen(gain, &dims)?;
    if !s.has(bias) {
        return one(s.b.mul(y, gain)?, kind);
    }
    let bias = s.value(bias)?;
    let bias = s.widen(bias, &dims)?;
    one(s.b.fma(y, gain, bias)?, kind)
}

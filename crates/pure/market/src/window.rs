//! The window that a round is scored on: days that came after it was trained, and a model's loss on
//! them, as ops to write into a score Program.
//!
//! The loss is QLIKE (Patton 2011, Volatility forecast comparison using imperfect volatility
//! proxies), a proper scoring rule for a variance of which only a proxy is seen: `ln h + y / h` up
//! to a term without the model, h = anchor × e^s.
//!
//! *Invariant: a number whatever the params; days without an anchor count for nothing.* Absent:
//! who says what the outcomes were (docs/protocol.md).

use learn::Model;
use tensor::{BuildError, Builder, Dtype, Value};

use crate::blocks::held;

/// The largest outcome that counts, in anchors.
const RATIO_MAX: f64 = 1e6;

/// Returns what a window of `days` days is made of: features f32\[w, p\], anchors f64\[w\] (0 for a
/// day that the market does not have), outcomes f64\[w, 2\] (variance and log return of each day).
///
/// ```
/// use learn::{Kind, Model};
/// let model = Model::new(Kind::Har, &market::FEATURES);
/// assert_eq!(market::window::tensors(&model, 32)[2].1, [32, 2]);
/// ```
#[must_use]
pub fn tensors(model: &Model, days: usize) -> [(Dtype, Vec<usize>); 3] {
    [(Dtype::F32, vec![days, model.width()]), (Dtype::F64, vec![days]), (Dtype::F64, vec![days, 2])]
}

/// Appends the mean of `s + (y / anchor) e^-s` over the days with an anchor, f64\[1\]; 0 without
/// any. s is the model's output in f64, within ±10, 10 where it is no number.
///
/// # Errors
///
/// [`BuildError`] if params or window are of another model.
///
/// ```
/// use learn::{Kind, Model};
/// use market::window;
/// use tensor::{Builder, Dtype, Tensor};
///
/// let model = Model::new(Kind::Har, &["day"]);
/// let mut b = Builder::new();
/// let params = b.input(Dtype::F32, &[2])?;
/// let mut days = Vec::new();
/// for (dtype, dims) in window::tensors(&model, 2) {
///     days.push(b.input(dtype, &dims)?);
/// }
/// let loss = window::loss(&mut b, &model, params, [days[0], days[1], days[2]])?;
/// let program = b.finish(&[loss])?;
/// let inputs = [
///     model.initial(),
///     Tensor::f32(&[2, 1], vec![0.5, 0.5])?,
///     Tensor::f64(&[2], vec![1e-4, 0.0])?,
///     Tensor::f64(&[2, 2], vec![3e-4, 0.0, 7.0, 0.0])?,
/// ];
/// // The forecast is the anchor, and the second day has none.
/// let loss = tensor::eval(&program, &inputs)?[0].as_f64().map(|loss| loss[0]);
/// assert!((loss.unwrap_or(0.0) - 3.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn loss(
    b: &mut Builder,
    model: &Model,
    params: Value,
    [features, anchors, outcomes]: [Value; 3],
) -> Result<Value, BuildError> {
    let days = b.shape_of(anchors).count();
    let s = model.forward(b, params, features)?;
    let s = b.convert(s, Dtype::F64)?;
    let s = held(b, s, (-10.0, 10.0))?;
    let zero = b.full(Dtype::F64, &[days], 0.0)?;
    let counted = b.lt(zero, anchors)?;
    let variance = b.slice(outcomes, &[0, 0], &[days, 1])?;
    let variance = b.reshape(variance, &[days])?;
    let ratio = b.div(variance, anchors)?;
    let ratio = held(b, ratio, (0.0, RATIO_MAX))?;
    let back = b.neg(s)?;
    let factor = b.exp(back)?;
    let losses = b.fma(ratio, factor, s)?;
    let losses = b.select(counted, losses, zero)?;
    let sum = total(b, losses)?;
    let count = b.convert(counted, Dtype::F64)?;
    let count = total(b, count)?;
    let one = b.full(Dtype::F64, &[1], 1.0)?;
    let count = b.max(count, one)?;
    b.div(sum, count)
}

/// The sum of a vector, f64\[1\].
fn total(b: &mut Builder, x: Value) -> Result<Value, BuildError> {
    let sum = b.sum(x, 0)?;
    b.reshape(sum, &[1])
}

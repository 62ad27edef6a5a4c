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
use tensor::{BuildError, Builder, Dtype, Tensor, Value};

use crate::Day;
use crate::blocks::held;

/// The largest outcome that counts, in anchors.
const RATIO_MAX: f64 = 1e6;

/// Columns of a window after the features: the anchor (0 for a day that the market does not have)
/// and the day's variance.
pub const OUTCOMES: usize = 2;

/// Returns the extents of a window of so many days: f64\[w, p + 2\], a row a day, the features
/// first.
///
/// ```
/// use learn::{Kind, Model};
/// let model = Model::new(Kind::Har, &market::FEATURES);
/// assert_eq!(market::window::extents(&model, 32), [32, 7]);
/// ```
#[must_use]
pub fn extents(model: &Model, days: usize) -> [usize; 2] {
    [days, model.width() + OUTCOMES]
}

/// Returns a window of days, oldest first: the last `days` of them, zeros in front where there are
/// fewer.
///
/// # Panics
///
/// If a day has not as many features as the model takes.
#[must_use]
pub fn window(model: &Model, days: usize, brought: &[Day]) -> Tensor {
    let [_, columns] = extents(model, days);
    let brought = &brought[brought.len().saturating_sub(days)..];
    let mut elements = vec![0.0; (days - brought.len()) * columns];
    for day in brought {
        assert_eq!(day.features.len() + OUTCOMES, columns, "features of another model");
        elements.extend(day.features.iter().copied().map(f64::from));
        elements.extend([day.anchor, day.proxy]);
    }
    Tensor::f64(&[days, columns], elements).expect("a row a day")
}

/// Appends the mean of `s + (y / anchor) e^-s` over the days with an anchor, f64\[1\]; 0 without
/// any. s is the model's output in f64, within ±10, 10 where it is no number; features are rounded
/// to f32 first, as the model is trained on.
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
/// let days = b.input(Dtype::F64, &window::extents(&model, 2))?;
/// let loss = window::loss(&mut b, &model, params, days)?;
/// let program = b.finish(&[loss])?;
/// // The forecast is the anchor, and the second day has none.
/// let days = Tensor::f64(&[2, 3], vec![0.5, 1e-4, 3e-4, 0.5, 0.0, 7.0])?;
/// let loss = tensor::eval(&program, &[model.initial(), days])?[0].as_f64().map(|loss| loss[0]);
/// assert!((loss.unwrap_or(0.0) - 3.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn loss(
    b: &mut Builder,
    model: &Model,
    params: Value,
    window: Value,
) -> Result<Value, BuildError> {
    let days = b.shape_of(window).dims()[0];
    let p = model.width();
    let column = |b: &mut Builder, at: usize| -> Result<Value, BuildError> {
        let column = b.slice(window, &[0, at], &[days, at + 1])?;
        b.reshape(column, &[days])
    };
    let (anchors, variance) = (column(b, p)?, column(b, p + 1)?);
    let features = b.slice(window, &[0, 0], &[days, p])?;
    let features = b.convert(features, Dtype::F32)?;
    let s = model.forward(b, params, features)?;
    let s = b.convert(s, Dtype::F64)?;
    let s = held(b, s, (-10.0, 10.0))?;
    let zero = b.full(Dtype::F64, &[days], 0.0)?;
    let counted = b.lt(zero, anchors)?;
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

//! Losses: what is minimised, one number a row, and what it reads from a network's head.
//!
//! A log variance is held within +-[`LOG_MAX`], beyond any market when targets are scaled to about
//! 1: `exp` never overflows, and a head that is lost out there no longer moves by it.

use tensor::scalar::f64_to_f32;
use tensor::{BuildError, Builder, Dtype, Tensor, Value};

use crate::layers::{self, Built};

/// The largest size of a log variance: e^10 times the scale of the targets.
const LOG_MAX: f64 = 10.0;

/// A loss, and with it the width of the head and the kind of target.
///
/// ```
/// use learn::Loss;
/// assert_eq!(Loss::Gaussian.outputs(), 2);
/// assert_eq!(Loss::Pinball(vec![0.05, 0.5, 0.95]).outputs(), 3);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Loss {
    /// `(s + (y - mean)² exp(-s)) / 2` from outputs mean and log variance s (Nix and Weigend,
    /// 1994): the negative log-likelihood of a normal law, without its constant.
    Gaussian,
    /// `s + y exp(-s)` from one output, the log variance s, for a target y that is a variance:
    /// the QLIKE loss (Patton, 2011) up to a constant. Its minimum is the mean of y; y may be 0.
    Qlike,
    /// The mean over quantile levels t of `max(t e, (t - 1) e)`, `e = y - output` (Koenker and
    /// Bassett, 1978), from one output a level. Levels lie within 0 and 1.
    Pinball(Vec<f64>),
    /// `log sum exp(outputs) - outputs[y]` from one output a class, for a target i32 that names
    /// one. A target that is no class counts as an output of 0.
    CrossEntropy {
        /// The number of classes, at least 2.
        classes: usize,
    },
}

impl Loss {
    /// Returns how many numbers a row it reads from the head.
    ///
    /// ```
    /// assert_eq!(learn::Loss::CrossEntropy { classes: 4 }.outputs(), 4);
    /// ```
    #[must_use]
    pub const fn outputs(&self) -> usize {
        match self {
            Loss::Gaussian => 2,
            Loss::Qlike => 1,
            Loss::Pinball(levels) => levels.len(),
            Loss::CrossEntropy { classes } => *classes,
        }
    }

    /// Returns the dtype of its targets for a network of this dtype.
    ///
    /// ```
    /// # use tensor::Dtype;
    /// assert_eq!(learn::Loss::Qlike.target(Dtype::F64), Dtype::F64);
    /// assert_eq!(learn::Loss::CrossEntropy { classes: 2 }.target(Dtype::F64), Dtype::I32);
    /// ```
    #[must_use]
    pub const fn target(&self, dtype: Dtype) -> Dtype {
        match self {
            Loss::CrossEntropy { .. } => Dtype::I32,
            Loss::Gaussian | Loss::Qlike | Loss::Pinball(_) => dtype,
        }
    }

    /// Appends the mean loss, a scalar, of outputs \[rows, width\] against targets \[rows\].
    pub(crate) fn mean(&self, b: &mut Builder, outputs: Value, y: Value) -> Built {
        let rows = b.shape_of(outputs).dims()[0];
        let losses = match self {
            Loss::Gaussian => gaussian(b, outputs, y)?,
            Loss::Qlike => {
                let s = column(b, outputs, 0)?;
                let s = held(b, s)?;
                qlike(b, s, y)?
            }
            Loss::Pinball(levels) => pinball(b, outputs, (y, levels))?,
            Loss::CrossEntropy { .. } => cross_entropy(b, outputs, y)?,
        };
        let sum = b.sum(losses, 0)?;
        layers::scale(b, sum, 1.0 / layers::float(rows))
    }

    /// What is wrong with the numbers, if anything is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let inside = |level: &f64| 0.0 < *level && *level < 1.0;
        match self {
            Loss::Pinball(levels) if levels.is_empty() || !levels.iter().all(inside) => {
                Some("a pinball loss has at least one level, each within 0 and 1")
            }
            Loss::CrossEntropy { classes: 0 | 1 } => Some("a cross-entropy has at least 2 classes"),
            _ => None,
        }
    }
}

/// Appends `s + y exp(-s)` for \[rows\] each.
pub(crate) fn qlike(b: &mut Builder, s: Value, y: Value) -> Result<Value, BuildError> {
    let minus = b.neg(s)?;
    let inverse = b.exp(minus)?;
    b.fma(y, inverse, s)
}

/// A log variance within its bounds.
pub(crate) fn held(b: &mut Builder, s: Value) -> Built {
    let hi = layers::full_like(b, s, LOG_MAX)?;
    let lo = layers::full_like(b, s, -LOG_MAX)?;
    let s = b.min(s, hi)?;
    b.max(s, lo)
}

fn gaussian(b: &mut Builder, outputs: Value, y: Value) -> Built {
    let mean = column(b, outputs, 0)?;
    let s = column(b, outputs, 1)?;
    let s = held(b, s)?;
    let error = b.sub(y, mean)?;
    let square = b.mul(error, error)?;
    let twice = qlike(b, s, square)?;
    layers::scale(b, twice, 0.5)
}

fn pinball(b: &mut Builder, outputs: Value, (y, levels): (Value, &[f64])) -> Built {
    let (dtype, dims) = (b.dtype_of(outputs), b.shape_of(outputs).dims().to_vec());
    let y = layers::spread(b, y, outputs)?;
    let error = b.sub(y, outputs)?;
    let level = match dtype {
        Dtype::F64 => Tensor::f64(&[levels.len()], levels.to_vec()),
        _ => Tensor::f32(&[levels.len()], levels.iter().map(|l| f64_to_f32(*l)).collect()),
    };
    let level = b.constant(level.expect("a training without levels is refused before"))?;
    let level = b.broadcast(level, &dims)?;
    let under = b.mul(level, error)?;
    let over = b.sub(under, error)?;
    let loss = b.max(under, over)?;
    let sum = layers::sum_last(b, loss)?;
    layers::scale(b, sum, 1.0 / layers::float(levels.len()))
}

fn cross_entropy(b: &mut Builder, outputs: Value, y: Value) -> Built {
    let dims = b.shape_of(outputs).dims().to_vec();
    let all = layers::log_sum_exp(b, outputs)?;
    let class = b.iota(&dims, 1)?;
    let named = layers::spread(b, y, outputs)?;
    let named = b.eq(class, named)?;
    let zero = layers::full_like(b, outputs, 0.0)?;
    let chosen = b.select(named, outputs, zero)?;
    let chosen = layers::sum_last(b, chosen)?;
    b.sub(all, chosen)
}

/// One column of \[rows, width\], as \[rows\].
fn column(b: &mut Builder, x: Value, column: usize) -> Built {
    let rows = b.shape_of(x).dims()[0];
    let x = b.slice(x, &[0, column], &[rows, column + 1])?;
    b.reshape(x, &[rows])
}

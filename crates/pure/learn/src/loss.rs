//! Losses: what is minimised, one number a row.

use tensor::{BuildError, Builder, Value};

/// Appends `s + y exp(-s)`: Gaussian quasi-likelihood on the log variance `s`.
///
/// Up to a constant this is the QLIKE loss (Patton, 2011). Its minimum is the mean of `y`, not its
/// median, and `y` may be 0.
pub(crate) fn qlike(b: &mut Builder, s: Value, y: Value) -> Result<Value, BuildError> {
    let minus = b.neg(s)?;
    let inverse = b.exp(minus)?;
    b.fma(y, inverse, s)
}

//! What the Programs of this crate are put together from.
//!
//! Absent: choices. Each appends the same ops wherever it is used.

use tensor::{BuildError, Builder, Value};

use crate::aggregate::UPDATE_MAX;

/// A value of a Program in the making.
pub(crate) type Built = Result<Value, BuildError>;

/// A tensor like another one, every element `value`.
pub(crate) fn fill(b: &mut Builder, like: Value, value: f64) -> Built {
    let (dtype, shape) = (b.dtype_of(like), *b.shape_of(like));
    b.full(dtype, shape.dims(), value)
}

/// Clamps an i32 tensor of updates to ±[`UPDATE_MAX`].
pub(crate) fn clamp(b: &mut Builder, updates: Value) -> Built {
    let bound = f64::from(UPDATE_MAX);
    let (low, high) = (fill(b, updates, -bound)?, fill(b, updates, bound)?);
    let updates = b.max(updates, low)?;
    b.min(updates, high)
}

/// A count of at most 2^32 as a float.
pub(crate) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("rows, orders and rounds are few"))
}

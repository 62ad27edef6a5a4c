//! Operators that put an axis together.

use tensor::Value;

use crate::Fault;
use crate::known::Kind;
use crate::scope::{Outcome, Scope, float, one};

/// The axes that are named, or all; none only where the node says that naming none means none.
fn named(s: &Scope<'_>, rank: usize) -> Result<Vec<usize>, Fault> {
    let axes = s.ints_either(1, "axes")?.unwrap_or_default();
    if !axes.is_empty() {
        return Scope::axes(&axes, rank);
    }
    let none = s.node.flag("noop_with_empty_axes", false)?;
    Ok(if none { Vec::new() } else { (0..rank).collect() })
}

/// What is left of the extents: those of named axes are 1, or gone.
fn left(s: &Scope<'_>, dims: &[usize], axes: &[usize]) -> Result<Vec<usize>, Fault> {
    let keep = s.node.flag("keepdims", true)?;
    let at = dims.iter().enumerate().filter_map(|(axis, extent)| match axes.contains(&axis) {
        true => keep.then_some(1),
        false => Some(*extent),
    });
    Ok(at.collect())
}

/// One op an axis, the last axis first.
fn reduce(
    s: &mut Scope<'_>,
    op: fn(&mut tensor::Builder, Value, usize) -> Result<Value, tensor::BuildError>,
) -> Result<(Value, usize), Fault> {
    let dims = s.dims(0)?;
    let axes = named(s, dims.len())?;
    let left = left(s, &dims, &axes)?;
    let mut x = s.value(0)?;
    for axis in axes.iter().rev() {
        x = op(s.b, x, *axis)?;
    }
    let count = axes.iter().map(|axis| dims[*axis]).product();
    Ok((s.shaped(x, &left)?, count))
}

/// The sum.
pub(super) fn sum(s: &mut Scope<'_>) -> Outcome {
    let kind = s.kind(0)?;
    one(reduce(s, tensor::Builder::sum)?.0, kind)
}

/// The mean.
pub(super) fn mean(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let (sum, count) = reduce(s, tensor::Builder::sum)?;
    let count = s.like(sum, float(count))?;
    one(s.b.div(sum, count)?, kind)
}

/// The greatest.
pub(super) fn max(s: &mut Scope<'_>) -> Outcome {
    let kind = s.kind(0)?;
    one(reduce(s, tensor::Builder::max_axis)?.0, kind)
}

/// The least.
pub(super) fn min(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let least = reduce(s, |b, x, axis| {
        let x = b.neg(x)?;
        let x = b.max_axis(x, axis)?;
        b.neg(x)
    })?;
    one(least.0, kind)
}

/// The first place of the greatest along one axis.
pub(super) fn argmax(s: &mut Scope<'_>) -> Outcome {
    if s.node.flag("select_last_index", false)? {
        return Err(Fault::Unsupported { what: "select_last_index" });
    }
    let dims = s.dims(0)?;
    let axis = Scope::axis(s.node.int("axis", 0)?, dims.len())?;
    let left = left(s, &dims, &[axis])?;
    let x = s.value(0)?;
    let place = s.b.argmax(x, axis)?;
    one(s.shaped(place, &left)?, Kind::I64)
}

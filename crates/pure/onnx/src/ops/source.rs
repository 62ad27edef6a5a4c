//! Operators that make tensors: constants, and what is said about extents.

use crate::Fault;
use crate::known::{Data, Kind, Known};
use crate::scope::{Outcome, Scope, Term, one};

/// A constant of the file.
pub(super) fn constant(s: &mut Scope<'_>) -> Outcome {
    let single = |kind, data| Known { kind, dims: vec![], data };
    let known = if let Some(known) = s.node.tensor("value")? {
        known
    } else if s.node.has("value_float") {
        let value = tensor::scalar::f64_to_f32(s.node.float("value_float", 0.0)?);
        single(Kind::F32, Data::F32(vec![value]))
    } else if s.node.has("value_int") {
        single(Kind::I64, Data::Whole(vec![s.node.int("value_int", 0)?]))
    } else if let Some(values) = s.node.ints("value_ints")? {
        Known::whole(values.to_vec())
    } else if let Some(values) = s.node.floats("value_floats")? {
        Known { kind: Kind::F32, dims: vec![values.len()], data: Data::F32(values.to_vec()) }
    } else {
        return Err(Fault::Attribute { name: "value", expected: "a tensor or numbers" });
    };
    Ok(vec![Term::Known(known.into())])
}

/// The extents of the operand, or some of them.
pub(super) fn shape(s: &mut Scope<'_>) -> Outcome {
    let dims = s.dims(0)?;
    let rank = i64::try_from(dims.len()).unwrap_or(i64::MAX);
    let at = |axis: i64| {
        let axis = if axis < 0 { axis.saturating_add(rank) } else { axis };
        usize::try_from(axis.clamp(0, rank)).unwrap_or(0)
    };
    let (start, end) = (at(s.node.int("start", 0)?), at(s.node.int("end", rank)?));
    let kept = dims.get(start..end.max(start)).unwrap_or_default();
    let extents = kept.iter().map(|extent| i64::try_from(*extent).unwrap_or(i64::MAX));
    Ok(vec![Term::Known(Known::whole(extents.collect()).into())])
}

/// The number of elements.
pub(super) fn size(s: &mut Scope<'_>) -> Outcome {
    let count = s.dims(0)?.into_iter().fold(1_usize, usize::saturating_mul);
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let known = Known { kind: Kind::I64, dims: vec![], data: Data::Whole(vec![count]) };
    Ok(vec![Term::Known(known.into())])
}

/// A tensor of these extents with every element the same, 0 by default.
pub(super) fn constant_of_shape(s: &mut Scope<'_>) -> Outcome {
    let dims = super::layout::extents(s.ints(0)?)?;
    let zero = || Known { kind: Kind::F32, dims: vec![1], data: Data::F32(vec![0.0]) };
    let value = s.node.tensor("value")?.unwrap_or_else(zero);
    if value.count() != 1 {
        return Err(Fault::Attribute { name: "value", expected: "one element" });
    }
    if dims.contains(&0) {
        let data = match value.data {
            Data::F32(_) => Data::F32(vec![]),
            Data::F64(_) => Data::F64(vec![]),
            Data::Whole(_) => Data::Whole(vec![]),
        };
        return Ok(vec![Term::Known(Known { kind: value.kind, dims, data }.into())]);
    }
    let kind = value.kind;
    let scalar = s.b.constant(Known { dims: vec![], ..value }.to_tensor()?)?;
    one(s.widen(scalar, &dims)?, kind)
}

/// Integers from `start` to before `limit` by `delta`.
pub(super) fn range(s: &mut Scope<'_>) -> Outcome {
    let kind = s.same_kind(0)?;
    let number = |index| match s.ints(index)? {
        [number] => Ok(*number),
        _ => Err(Fault::Kind { expected: "single numbers" }),
    };
    let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
    if delta == 0 {
        return Err(Fault::Kind { expected: "a step other than 0" });
    }
    let span = i128::from(limit) - i128::from(start);
    let delta = i128::from(delta);
    let count = (span / delta + i128::from(span % delta != 0 && (span < 0) == (delta < 0))).max(0);
    let what = "too many elements would be computed while reading";
    let elements = usize::try_from(count).map_err(|_| Fault::Limit { what })?;
    s.must_charge(elements)?;
    let at = |place: i128| i64::try_from(i128::from(start) + place * delta).unwrap_or(i64::MAX);
    let values: Vec<i64> = (0..count).map(at).collect();
    Ok(vec![Term::Known(Known { kind, ..Known::whole(values) }.into())])
}

//! Operators that change extents and order, and no element.

use crate::Fault;
use crate::known::{Data, Known};
use crate::scope::{Outcome, Scope, Term, common, one};

/// Extents as given by integers, each at least 0.
pub(super) fn extents(values: &[i64]) -> Result<Vec<usize>, Fault> {
    let extents = values.iter().map(|extent| usize::try_from(*extent));
    let what = "an extent is negative";
    extents.collect::<Result<_, _>>().map_err(|_| Fault::Extents { what, dims: vec![] })
}

fn count(dims: &[usize]) -> Option<usize> {
    dims.iter().try_fold(1_usize, |count, extent| count.checked_mul(*extent))
}

/// The operand with other extents, which have as many elements.
fn reshaped(s: &mut Scope<'_>, dims: &[usize]) -> Outcome {
    let kind = s.kind(0)?;
    if dims.len() > tensor::RANK_MAX {
        return Err(Fault::Limit { what: "a tensor has at most 6 axes" });
    }
    if let Term::Known(known) = &s.operand(0)?.term
        && known.count() == 0
        && count(dims) == Some(0)
    {
        let empty = Known { kind, dims: dims.to_vec(), data: Data::Whole(vec![]) };
        let empty =
            if kind.is_float() { Known { data: known.data.clone(), ..empty } } else { empty };
        return Ok(vec![Term::Known(empty.into())]);
    }
    let x = s.value(0)?;
    one(s.shaped(x, dims)?, kind)
}

/// Other extents; 0 copies one unless `allowzero`, -1 stands for what is left.
pub(super) fn reshape(s: &mut Scope<'_>) -> Outcome {
    let (from, wanted) = (s.dims(0)?, s.ints(1)?.to_vec());
    let keep = !s.node.flag("allowzero", false)?;
    let mut dims = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (at, extent) in wanted.iter().enumerate() {
        let what = "the new extents do not fit";
        let fault = || Fault::Extents { what, dims: from.clone() };
        dims.push(match extent {
            0 if keep => *from.get(at).ok_or_else(fault)?,
            -1 if open.is_none() => {
                open = Some(at);
                1
            }
            extent => usize::try_from(*extent).map_err(|_| fault())?,
        });
    }
    if let Some(open) = open {
        let (all, rest) = (count(&from).unwrap_or(0), count(&dims).unwrap_or(0));
        dims[open] = all.checked_div(rest).unwrap_or(0);
    }
    reshaped(s, &dims)
}

/// A matrix: the axes before `axis` together, and the others.
pub(super) fn flatten(s: &mut Scope<'_>) -> Outcome {
    let dims = s.dims(0)?;
    let axis = s.node.int("axis", 1)?;
    let at_end = usize::try_from(axis) == Ok(dims.len());
    let axis = if at_end { dims.len() } else { Scope::axis(axis, dims.len())? };
    let (rows, columns) = (count(&dims[..axis]), count(&dims[axis..]));
    reshaped(s, &[rows.unwrap_or(0), columns.unwrap_or(0)])
}

/// Drops axes of extent 1: those named, or all.
pub(super) fn squeeze(s: &mut Scope<'_>) -> Outcome {
    let dims = s.dims(0)?;
    let axes = match s.ints_either(1, "axes")? {
        Some(axes) => Scope::axes(&axes, dims.len())?,
        None => (0..dims.len()).filter(|axis| dims[*axis] == 1).collect(),
    };
    if axes.iter().any(|axis| dims[*axis] != 1) {
        return Err(Fault::Extents { what: "an axis that is dropped must have extent 1", dims });
    }
    let kept = (0..dims.len()).filter(|axis| !axes.contains(axis));
    let kept: Vec<usize> = kept.map(|axis| dims[axis]).collect();
    reshaped(s, &kept)
}

/// Inserts axes of extent 1, named by their places in the result.
pub(super) fn unsqueeze(s: &mut Scope<'_>) -> Outcome {
    let mut dims = s.dims(0)?;
    let axes = s.ints_either(1, "axes")?.ok_or(Fault::Missing { index: 1 })?;
    for axis in Scope::axes(&axes, dims.len() + axes.len())? {
        dims.insert(axis, 1);
    }
    reshaped(s, &dims)
}

/// Axes in another order, by default the reverse.
pub(super) fn transpose(s: &mut Scope<'_>) -> Outcome {
    let (kind, rank) = (s.kind(0)?, s.dims(0)?.len());
    let perm: Vec<usize> = match s.node.ints("perm")? {
        Some(perm) => perm.iter().map(|axis| Scope::axis(*axis, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    let x = s.value(0)?;
    if perm.iter().copied().eq(0..rank) {
        return one(x, kind);
    }
    one(s.b.transpose(x, &perm)?, kind)
}

/// Repeats along axes of extent 1.
pub(super) fn expand(s: &mut Scope<'_>) -> Outcome {
    let kind = s.kind(0)?;
    let dims = common(&[s.dims(0)?, extents(s.ints(1)?)?])?;
    let x = s.value(0)?;
    one(s.widen(x, &dims)?, kind)
}

/// One after the other along `axis`; operands that are known and empty are left out.
pub(super) fn concat(s: &mut Scope<'_>) -> Outcome {
    let kind = s.same_kind(0)?;
    let axis = s.node.int("axis", 0)?;
    let rank = s.dims(0)?.len();
    let axis = Scope::axis(axis, rank)?;
    let mut parts = Vec::with_capacity(s.operands.len());
    for index in 0..s.operands.len() {
        let is_empty = s.dims(index)?.contains(&0);
        if !is_empty {
            parts.push(s.value(index)?);
        }
    }
    while parts.len() > 1 {
        let mut joined = Vec::with_capacity(parts.len() / tensor::CONCAT_MAX + 1);
        for group in parts.chunks(tensor::CONCAT_MAX) {
            joined.push(if let [part] = group { *part } else { s.b.concat(group, axis)? });
        }
        parts = joined;
    }
    match parts.first() {
        Some(part) => one(*part, kind),
        None => Ok(vec![s.operand(0)?.term.clone()]),
    }
}

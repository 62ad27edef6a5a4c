//! Operators that take some of the elements.

use tensor::{Tensor, Value};

use crate::Fault;
use crate::known::{Data, Kind, Known};
use crate::scope::{Outcome, Scope, Term, one};

/// What is taken along one axis.
struct Range {
    start: i64,
    step: i64,
    count: i64,
}

impl Range {
    /// By numpy's rules: from the end if negative, and cut at the ends.
    fn new((start, end, step): (i64, i64, i64), extent: usize) -> Result<Range, Fault> {
        if extent == 0 {
            return Ok(Range { start: 0, step, count: 0 });
        }
        let extent = i64::try_from(extent).unwrap_or(i64::MAX);
        let from_end = |at: i64| if at < 0 { at.saturating_add(extent) } else { at };
        let (low, high) = if step > 0 { (0, extent) } else { (-1, extent - 1) };
        let start = from_end(start).clamp(low.max(0), high);
        let end = from_end(end).clamp(low, high);
        let count = match step {
            0 => return Err(Fault::Attribute { name: "steps", expected: "other than 0" }),
            1.. => end.saturating_sub(start).saturating_add(step - 1) / step,
            _ => {
                start.saturating_sub(end).saturating_sub(step.saturating_add(1))
                    / step.saturating_neg()
            }
        };
        Ok(Range { start, step, count: count.max(0) })
    }
}

/// Elements from `start` to `end` in steps, by axis; older versions name them in attributes.
pub(super) fn slice(s: &mut Scope<'_>) -> Outcome {
    let (kind, mut dims) = (s.kind(0)?, s.dims(0)?);
    let starts = s.ints_either(1, "starts")?.ok_or(Fault::Missing { index: 1 })?;
    let ends = s.ints_either(2, "ends")?.ok_or(Fault::Missing { index: 2 })?;
    let every = || (0_i64..).take(starts.len()).collect();
    let axes: Vec<i64> = s.ints_either(3, "axes")?.unwrap_or_else(every);
    let steps = if s.has(4) { s.ints(4)?.to_vec() } else { vec![1; starts.len()] };
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        let what = "starts, ends, axes and steps differ in number";
        return Err(Fault::Extents { what, dims });
    }
    let mut ranges = Vec::with_capacity(axes.len());
    for (at, axis) in axes.iter().enumerate() {
        let axis = Scope::axis(*axis, dims.len())?;
        ranges.push((axis, Range::new((starts[at], ends[at], steps[at]), dims[axis])?));
    }
    if ranges.iter().any(|(_, range)| range.count == 0) {
        return empty(s, &ranges);
    }
    let mut x = s.value(0)?;
    for (axis, range) in ranges {
        x = along(s, x, axis, &range)?;
        dims[axis] = s.b.shape_of(x).dims()[axis];
    }
    one(x, kind)
}

/// A slice of nothing, which only a known operand can have: a shape cut to no axes.
fn empty(s: &mut Scope<'_>, ranges: &[(usize, Range)]) -> Outcome {
    let known = s.known(0).map_err(|_| Fault::Extents { what: "nothing is left", dims: vec![] })?;
    let mut dims = known.dims.clone();
    for (axis, range) in ranges {
        dims[*axis] = usize::try_from(range.count).unwrap_or(0);
    }
    let data = match known.data {
        Data::F32(_) => Data::F32(vec![]),
        Data::F64(_) => Data::F64(vec![]),
        Data::Whole(_) => Data::Whole(vec![]),
    };
    Ok(vec![Term::Known(Known { kind: known.kind, dims, data }.into())])
}

/// One axis of a slice; a step other than 1 is a gather.
fn along(s: &mut Scope<'_>, x: Value, axis: usize, range: &Range) -> Result<Value, Fault> {
    let dims = s.b.shape_of(x).dims().to_vec();
    let (start, count) = (as_extent(range.start)?, as_extent(range.count)?);
    if range.step == 1 {
        if count == dims[axis] {
            return Ok(x);
        }
        return cut(s, x, axis, (start, start + count));
    }
    s.must_charge(count)?;
    let at = |place: i64| i32::try_from(range.start + place * range.step);
    let places = (0..range.count).map(at).collect::<Result<Vec<i32>, _>>();
    let what = "an axis is longer than 2^31 - 1";
    let places = places.map_err(|_| Fault::Limit { what })?;
    let places = Tensor::i32(&[count], places).map_err(|_| Fault::Limit { what })?;
    let places = s.b.constant(places)?;
    Ok(s.b.gather(x, places, axis)?)
}

fn as_extent(value: i64) -> Result<usize, Fault> {
    usize::try_from(value).map_err(|_| Fault::Limit { what: "an extent is negative" })
}

/// From `start` up to `end` along one axis.
pub(super) fn cut(
    s: &mut Scope<'_>,
    x: Value,
    axis: usize,
    (start, end): (usize, usize),
) -> Result<Value, Fault> {
    let mut ends = s.b.shape_of(x).dims().to_vec();
    let mut starts = vec![0; ends.len()];
    (starts[axis], ends[axis]) = (start, end);
    Ok(s.b.slice(x, &starts, &ends)?)
}

/// Parts along `axis`: of the sizes named, or as equal as can be.
pub(super) fn split(s: &mut Scope<'_>) -> Outcome {
    let (kind, dims) = (s.kind(0)?, s.dims(0)?);
    let axis = Scope::axis(s.node.int("axis", 0)?, dims.len())?;
    let parts = match s.ints_either(1, "split")? {
        Some(sizes) => super::layout::extents(&sizes)?,
        None => {
            let count = s.node.outputs.len().max(1);
            let size = dims[axis].div_ceil(count);
            let at = |part: usize| size.min(dims[axis].saturating_sub(part * size));
            (0..count).map(at).collect()
        }
    };
    let total = parts.iter().try_fold(0_usize, |total, part| total.checked_add(*part));
    if total != Some(dims[axis]) || parts.contains(&0) {
        return Err(Fault::Extents { what: "the parts do not add up to the axis", dims });
    }
    let x = s.value(0)?;
    let mut start = 0;
    let mut terms = Vec::with_capacity(parts.len());
    for part in parts {
        let end = start + part;
        let value = if part == dims[axis] { x } else { cut(s, x, axis, (start, end))? };
        terms.push(Term::Computed(value, kind));
        start = end;
    }
    Ok(terms)
}

/// Elements by their place along `axis`, from the end if negative.
pub(super) fn gather(s: &mut Scope<'_>) -> Outcome {
    let (kind, dims) = (s.kind(0)?, s.dims(0)?);
    if !matches!(s.kind(1)?, Kind::I32 | Kind::I64) {
        return Err(Fault::Kind { expected: "integers in the second operand" });
    }
    let axis = Scope::axis(s.node.int("axis", 0)?, dims.len())?;
    let (x, places) = (s.value(0)?, s.value(1)?);
    // A single place is a slice, which costs less and is what shapes are taken apart with.
    if let Ok([place]) = s.ints(1) {
        let at = Scope::axis(*place, dims[axis])?;
        let one_there = cut(s, x, axis, (at, at + 1))?;
        let inner = s.dims(1)?;
        let shape = [&dims[..axis], &inner[..], &dims[axis + 1..]].concat();
        return one(s.shaped(one_there, &shape)?, kind);
    }
    let zero = s.like(places, 0.0)?;
    let extent = s.like(places, crate::scope::float(dims[axis]))?;
    let negative = s.b.lt(places, zero)?;
    let wrapped = s.b.add(places, extent)?;
    let places = s.b.select(negative, wrapped, places)?;
    one(s.b.gather(x, places, axis)?, kind)
}

//! Operators of two or more operands that broadcast against each other.

use std::ops::RangeInclusive;

use tensor::{BuildError, Builder, Dtype, Value};

use crate::Fault;
use crate::known::{Data, Kind};
use crate::scope::{Outcome, Scope, common, one};

/// The largest power that is written as products.
const POWER_MAX: u32 = 16;

/// Operands `a` and `b` in their common extents.
fn pair(s: &mut Scope<'_>, a: usize, b: usize) -> Result<(Value, Value), Fault> {
    let dims = common(&[s.dims(a)?, s.dims(b)?])?;
    let (a, b) = (s.value(a)?, s.value(b)?);
    Ok((s.widen(a, &dims)?, s.widen(b, &dims)?))
}

/// An op of two values.
type Op = fn(&mut Builder, Value, Value) -> Result<Value, BuildError>;

/// Two operands, or any number from one up.
const TWO: RangeInclusive<usize> = 2..=2;
const ANY: RangeInclusive<usize> = 1..=usize::MAX;

/// All operands folded by one op, first to last.
fn fold(s: &mut Scope<'_>, op: Op, count: &RangeInclusive<usize>) -> Outcome {
    let kind = s.same_kind(0)?;
    if !count.contains(&s.operands.len()) {
        return Err(Fault::Unsupported { what: "this number of operands" });
    }
    let shapes = (0..s.operands.len()).map(|at| s.dims(at)).collect::<Result<Vec<_>, _>>()?;
    let dims = common(&shapes)?;
    let first = s.value(0)?;
    let mut total = s.widen(first, &dims)?;
    for at in 1..shapes.len() {
        let next = s.value(at)?;
        let next = s.widen(next, &dims)?;
        total = op(s.b, total, next)?;
    }
    one(total, kind)
}

/// The sum.
pub(super) fn add(s: &mut Scope<'_>) -> Outcome {
    fold(s, Builder::add, &TWO)
}

/// The sum of any number.
pub(super) fn sum(s: &mut Scope<'_>) -> Outcome {
    fold(s, Builder::add, &ANY)
}

/// The difference.
pub(super) fn sub(s: &mut Scope<'_>) -> Outcome {
    fold(s, Builder::sub, &TWO)
}

/// The product.
pub(super) fn mul(s: &mut Scope<'_>) -> Outcome {
    fold(s, Builder::mul, &TWO)
}

/// The least of any number.
pub(super) fn min(s: &mut Scope<'_>) -> Outcome {
    fold(s, Builder::min, &ANY)
}

/// The greatest of any number.
pub(super) fn max(s: &mut Scope<'_>) -> Outcome {
    fold(s, Builder::max, &ANY)
}

/// The quotient; of integers, toward zero.
pub(super) fn div(s: &mut Scope<'_>) -> Outcome {
    let kind = s.same_kind(0)?;
    let (x, y) = pair(s, 0, 1)?;
    if kind.is_float() {
        return one(s.b.div(x, y)?, kind);
    }
    // A quotient of two i32 is at least 2^-31 of its size away from an integer it is not, so the
    // rounding of f64 does not reach one, and conversion cuts toward zero.
    let quotient = quotient(s, x, y)?;
    one(s.b.convert(quotient, Dtype::I32)?, kind)
}

/// The quotient of integers in f64.
fn quotient(s: &mut Scope<'_>, x: Value, y: Value) -> Result<Value, Fault> {
    let x = s.b.convert(x, Dtype::F64)?;
    let y = s.b.convert(y, Dtype::F64)?;
    Ok(s.b.div(x, y)?)
}

/// The remainder of integers, with the divisor's sign, or the dividend's where `fmod` says so.
pub(super) fn modulo(s: &mut Scope<'_>) -> Outcome {
    let kind = s.same_kind(0)?;
    if kind.is_float() {
        return Err(Fault::Unsupported { what: "the remainder of floats" });
    }
    let (x, y) = pair(s, 0, 1)?;
    let mut quotient = quotient(s, x, y)?;
    if !s.node.flag("fmod", false)? {
        quotient = s.b.floor(quotient)?;
    }
    let quotient = s.b.convert(quotient, Dtype::I32)?;
    let whole = s.b.mul(quotient, y)?;
    one(s.b.sub(x, whole)?, kind)
}

/// The power. A whole exponent that is known is a product; any other is `exp(y log x)` in f64,
/// which is right where ONNX defines it: for a base that is not negative.
pub(super) fn pow(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let exponent = s.known(1).ok().and_then(|known| match &known.data {
        Data::F32(x) => x.first().filter(|y| x.iter().all(|x| x == *y)).map(|x| f64::from(*x)),
        Data::F64(x) => x.first().filter(|y| x.iter().all(|x| x == *y)).copied(),
        Data::Whole(x) => {
            let same = x.first().filter(|y| x.iter().all(|x| x == *y));
            same.and_then(|x| i32::try_from(*x).ok()).map(f64::from)
        }
    });
    let dims = common(&[s.dims(0)?, s.dims(1)?])?;
    let base = s.value(0)?;
    let base = s.widen(base, &dims)?;
    match exponent {
        Some(0.5) => return one(s.b.sqrt(base)?, kind),
        Some(y) => {
            let power = tensor::scalar::f64_to_i32(y);
            if f64::from(power) == y && power.unsigned_abs() <= POWER_MAX {
                return one(product(s, base, power)?, kind);
            }
        }
        None => {}
    }
    if s.known(1).is_err() {
        return Err(Fault::Computed { index: 1 });
    }
    let exponent = s.value(1)?;
    let exponent = s.b.convert(exponent, Dtype::F64)?;
    let exponent = s.widen(exponent, &dims)?;
    let base = s.b.convert(base, Dtype::F64)?;
    let log = s.b.log(base)?;
    let scaled = s.b.mul(log, exponent)?;
    let power = s.b.exp(scaled)?;
    one(s.b.convert(power, kind.dtype())?, kind)
}

/// `base^power` by repeated products; a negative power is one over it.
fn product(s: &mut Scope<'_>, base: Value, power: i32) -> Result<Value, Fault> {
    let ones = s.like(base, 1.0)?;
    let mut total = if power == 0 { ones } else { base };
    for _ in 1..power.unsigned_abs() {
        total = s.b.mul(total, base)?;
    }
    if power < 0 {
        total = s.b.div(ones, total)?;
    }
    Ok(total)
}

/// `min(max(x, lo), hi)`; older versions name the bounds in attributes.
pub(super) fn clip(s: &mut Scope<'_>) -> Outcome {
    let (kind, dims) = (s.kind(0)?, s.dims(0)?);
    let mut x = s.value(0)?;
    for (index, name) in [(1, "min"), (2, "max")] {
        let bound = if s.has(index) {
            if s.kind(index)? != kind {
                return Err(Fault::Kind { expected: "of one kind in all operands" });
            }
            let bound = s.value(index)?;
            s.widen(bound, &dims)?
        } else if s.node.has(name) {
            let bound = s.node.float(name, 0.0)?;
            s.full(kind, &dims, bound)?
        } else {
            continue;
        };
        x = if index == 1 { s.b.max(x, bound)? } else { s.b.min(x, bound)? };
    }
    one(x, kind)
}

/// A comparison, 0 or 1.
fn compare(s: &mut Scope<'_>, swap: bool, op: Op) -> Outcome {
    s.same_kind(0)?;
    let (x, y) = pair(s, 0, 1)?;
    one(if swap { op(s.b, y, x)? } else { op(s.b, x, y)? }, Kind::Bool)
}

/// `x == y`.
pub(super) fn equal(s: &mut Scope<'_>) -> Outcome {
    compare(s, false, Builder::eq)
}

/// `x < y`.
pub(super) fn less(s: &mut Scope<'_>) -> Outcome {
    compare(s, false, Builder::lt)
}

/// `x <= y`.
pub(super) fn less_or_equal(s: &mut Scope<'_>) -> Outcome {
    compare(s, false, Builder::le)
}

/// `x > y`.
pub(super) fn greater(s: &mut Scope<'_>) -> Outcome {
    compare(s, true, Builder::lt)
}

/// `x >= y`.
pub(super) fn greater_or_equal(s: &mut Scope<'_>) -> Outcome {
    compare(s, true, Builder::le)
}

/// A connective of two booleans.
fn logic(s: &mut Scope<'_>, op: Op) -> Outcome {
    if s.same_kind(0)? != Kind::Bool {
        return Err(Fault::Kind { expected: "bool" });
    }
    let (x, y) = pair(s, 0, 1)?;
    one(op(s.b, x, y)?, Kind::Bool)
}

/// Both.
pub(super) fn and(s: &mut Scope<'_>) -> Outcome {
    logic(s, Builder::and)
}

/// Either.
pub(super) fn or(s: &mut Scope<'_>) -> Outcome {
    logic(s, Builder::or)
}

/// One and not the other.
pub(super) fn xor(s: &mut Scope<'_>) -> Outcome {
    logic(s, Builder::xor)
}

/// `Where`: the second operand where the first holds, else the third.
pub(super) fn choose(s: &mut Scope<'_>) -> Outcome {
    if s.kind(0)? != Kind::Bool {
        return Err(Fault::Kind { expected: "bool in the first operand" });
    }
    let kind = s.same_kind(1)?;
    let dims = common(&[s.dims(0)?, s.dims(1)?, s.dims(2)?])?;
    let mut wide = [0, 1, 2].map(|at| s.value(at));
    for value in &mut wide {
        *value = value.clone().and_then(|value| s.widen(value, &dims));
    }
    let [condition, x, y] = wide;
    one(s.b.select(condition?, x?, y?)?, kind)
}

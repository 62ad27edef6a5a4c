//! Operators of one operand, element by element.

use tensor::{BuildError, Builder, Value};

use crate::Fault;
use crate::known::Kind;
use crate::scope::{Outcome, Scope, one};

/// sqrt(2 / pi).
const GELU_SLOPE: f64 = 0.797_884_560_802_865_4;
/// The cubic term of the tanh form of GELU.
const GELU_CUBE: f64 = 0.044_715;

/// One op of the Program that has the operator's meaning.
fn plain(s: &mut Scope<'_>, op: fn(&mut Builder, Value) -> Result<Value, BuildError>) -> Outcome {
    let kind = s.kind(0)?;
    let x = s.value(0)?;
    one(op(s.b, x)?, kind)
}

/// `|x|`.
pub(super) fn abs(s: &mut Scope<'_>) -> Outcome {
    plain(s, Builder::abs)
}

/// `-x`.
pub(super) fn neg(s: &mut Scope<'_>) -> Outcome {
    plain(s, Builder::neg)
}

/// e to the power.
pub(super) fn exp(s: &mut Scope<'_>) -> Outcome {
    plain(s, Builder::exp)
}

/// The natural logarithm.
pub(super) fn log(s: &mut Scope<'_>) -> Outcome {
    plain(s, Builder::log)
}

/// The square root.
pub(super) fn sqrt(s: &mut Scope<'_>) -> Outcome {
    plain(s, Builder::sqrt)
}

/// The hyperbolic tangent.
pub(super) fn tanh(s: &mut Scope<'_>) -> Outcome {
    plain(s, Builder::tanh)
}

/// The error function.
pub(super) fn erf(s: &mut Scope<'_>) -> Outcome {
    plain(s, Builder::erf)
}

/// The greatest integer not above.
pub(super) fn floor(s: &mut Scope<'_>) -> Outcome {
    plain(s, Builder::floor)
}

/// The least integer not below.
pub(super) fn ceil(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let x = s.value(0)?;
    let x = s.b.neg(x)?;
    let x = s.b.floor(x)?;
    one(s.b.neg(x)?, kind)
}

/// The operand itself; of `Dropout`, which does nothing in inference, too.
pub(super) fn identity(s: &mut Scope<'_>) -> Outcome {
    Ok(vec![s.operand(0)?.term.clone()])
}

/// `1 / x`.
pub(super) fn reciprocal(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let x = s.value(0)?;
    let ones = s.like(x, 1.0)?;
    one(s.b.div(ones, x)?, kind)
}

/// `max(x, 0)`.
pub(super) fn relu(s: &mut Scope<'_>) -> Outcome {
    let kind = s.kind(0)?;
    let x = s.value(0)?;
    let zero = s.like(x, 0.0)?;
    one(s.b.max(x, zero)?, kind)
}

/// `1 / (1 + exp(-x))`.
pub(super) fn logistic(s: &mut Scope<'_>, x: Value) -> Result<Value, Fault> {
    let ones = s.like(x, 1.0)?;
    let e = s.b.neg(x)?;
    let e = s.b.exp(e)?;
    let e = s.b.add(ones, e)?;
    Ok(s.b.div(ones, e)?)
}

/// `1 / (1 + exp(-x))`.
pub(super) fn sigmoid(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let x = s.value(0)?;
    one(logistic(s, x)?, kind)
}

/// `max(0, min(1, alpha x + beta))`.
pub(super) fn hard_sigmoid(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    // The defaults are float32 in the standard.
    let alpha = s.node.float("alpha", f64::from(0.2_f32))?;
    let beta = s.node.float("beta", 0.5)?;
    let x = s.value(0)?;
    let (alpha, beta) = (s.like(x, alpha)?, s.like(x, beta)?);
    let (zero, ones) = (s.like(x, 0.0)?, s.like(x, 1.0)?);
    let y = s.b.fma(alpha, x, beta)?;
    let y = s.b.min(y, ones)?;
    one(s.b.max(y, zero)?, kind)
}

/// x where it is positive, else `alpha x`.
pub(super) fn leaky_relu(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let alpha = s.node.float("alpha", f64::from(0.01_f32))?;
    let x = s.value(0)?;
    let (alpha, zero) = (s.like(x, alpha)?, s.like(x, 0.0)?);
    let small = s.b.mul(x, alpha)?;
    let negative = s.b.lt(x, zero)?;
    one(s.b.select(negative, small, x)?, kind)
}

/// x where it is positive, else `alpha (exp(x) - 1)`.
pub(super) fn elu(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let alpha = s.node.float("alpha", 1.0)?;
    let x = s.value(0)?;
    let (alpha, zero, ones) = (s.like(x, alpha)?, s.like(x, 0.0)?, s.like(x, 1.0)?);
    let below = s.b.exp(x)?;
    let below = s.b.sub(below, ones)?;
    let below = s.b.mul(alpha, below)?;
    let negative = s.b.lt(x, zero)?;
    one(s.b.select(negative, below, x)?, kind)
}

/// `log(1 + exp(x))`, as `max(x, 0) + log(1 + exp(-|x|))`.
pub(super) fn softplus(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let x = s.value(0)?;
    let (zero, ones) = (s.like(x, 0.0)?, s.like(x, 1.0)?);
    let above = s.b.max(x, zero)?;
    let rest = s.b.abs(x)?;
    let rest = s.b.neg(rest)?;
    let rest = s.b.exp(rest)?;
    let rest = s.b.add(ones, rest)?;
    let rest = s.b.log(rest)?;
    one(s.b.add(above, rest)?, kind)
}

/// `x (1 + erf(x / sqrt 2)) / 2`, or the tanh form that `approximate` asks for.
pub(super) fn gelu(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    let x = s.value(0)?;
    let half = s.like(x, 0.5)?;
    let inner = match s.node.text("approximate", "none")? {
        "none" => {
            let root = s.like(x, std::f64::consts::FRAC_1_SQRT_2)?;
            let inner = s.b.mul(x, root)?;
            s.b.erf(inner)?
        }
        "tanh" => {
            let (slope, cube) = (s.like(x, GELU_SLOPE)?, s.like(x, GELU_CUBE)?);
            let square = s.b.mul(x, x)?;
            let third = s.b.mul(square, x)?;
            let inner = s.b.fma(cube, third, x)?;
            let inner = s.b.mul(slope, inner)?;
            s.b.tanh(inner)?
        }
        _ => return Err(Fault::Attribute { name: "approximate", expected: "none or tanh" }),
    };
    let share = s.b.fma(inner, half, half)?;
    one(s.b.mul(x, share)?, kind)
}

/// -1, 0 or 1.
pub(super) fn sign(s: &mut Scope<'_>) -> Outcome {
    let kind = s.kind(0)?;
    let x = s.value(0)?;
    let zero = s.like(x, 0.0)?;
    let above = s.b.lt(zero, x)?;
    let below = s.b.lt(x, zero)?;
    let sign = s.b.sub(above, below)?;
    one(s.b.convert(sign, kind.dtype())?, kind)
}

/// Not, of a boolean.
pub(super) fn not(s: &mut Scope<'_>) -> Outcome {
    if s.kind(0)? != Kind::Bool {
        return Err(Fault::Kind { expected: "bool" });
    }
    let x = s.value(0)?;
    let zero = s.like(x, 0.0)?;
    one(s.b.eq(x, zero)?, Kind::Bool)
}

/// Another kind; to bool, whether it is not 0.
pub(super) fn cast(s: &mut Scope<'_>) -> Outcome {
    let (from, to) = (s.kind(0)?, Kind::read(s.node.int("to", 0)?)?);
    if from == to {
        return identity(s);
    }
    let x = s.value(0)?;
    if to == Kind::Bool {
        let zero = s.like(x, 0.0)?;
        let is_zero = s.b.eq(x, zero)?;
        let zero = s.like(is_zero, 0.0)?;
        return one(s.b.eq(is_zero, zero)?, to);
    }
    if from.dtype() == to.dtype() {
        return one(x, to);
    }
    one(s.b.convert(x, to.dtype())?, to)
}

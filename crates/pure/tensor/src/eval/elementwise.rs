//! Elementwise ops: element i of the result from element i of each operand.

use crate::{
    Dtype, Op, Tensor,
    scalar::{self, Float, Scalar},
    tensor::Data,
};

/// Applies an elementwise op, by the dtype of its first operand that is not a condition.
pub(super) fn apply(op: &Op, xs: &[&Tensor]) -> Data {
    match op {
        Op::Convert { dtype, .. } => convert(xs[0], *dtype),
        Op::Select(..) => select(xs),
        Op::Lt(..) | Op::Le(..) | Op::Eq(..) => Data::I32(match (&xs[0].data, &xs[1].data) {
            (Data::F32(a), Data::F32(b)) => compare(op, a, b),
            (Data::F64(a), Data::F64(b)) => compare(op, a, b),
            (Data::I32(a), Data::I32(b)) => compare(op, a, b),
            _ => unequal(),
        }),
        _ => match &xs[0].data {
            Data::F32(_) => Data::F32(float(op, &slices(xs, Tensor::as_f32))),
            Data::F64(_) => Data::F64(float(op, &slices(xs, Tensor::as_f64))),
            Data::I32(_) => Data::I32(int(op, &slices(xs, Tensor::as_i32))),
        },
    }
}

fn unequal() -> ! {
    unreachable!("operands of one dtype were checked when the Program was built")
}

fn slices<'a, T>(xs: &[&'a Tensor], get: fn(&'a Tensor) -> Option<&'a [T]>) -> Vec<&'a [T]> {
    xs.iter().map(|x| get(x).unwrap_or_else(|| unequal())).collect()
}

fn one<T: Scalar>(xs: &[&[T]], f: fn(T) -> T) -> Vec<T> {
    xs[0].iter().map(|a| f(*a)).collect()
}

fn two<T: Scalar>(xs: &[&[T]], f: fn(T, T) -> T) -> Vec<T> {
    xs[0].iter().zip(xs[1]).map(|(a, b)| f(*a, *b)).collect()
}

/// The ops that every dtype has.
fn shared<T: Scalar>(op: &Op, xs: &[&[T]]) -> Vec<T> {
    match op {
        Op::Add(..) => two(xs, T::op_add),
        Op::Sub(..) => two(xs, T::op_sub),
        Op::Mul(..) => two(xs, T::op_mul),
        Op::Min(..) => two(xs, T::op_min),
        Op::Max(..) => two(xs, T::op_max),
        Op::Neg(_) => one(xs, T::op_neg),
        Op::Abs(_) => one(xs, T::op_abs),
        other => unreachable!("{} is no elementwise op of this dtype", other.name()),
    }
}

fn float<T: Float>(op: &Op, xs: &[&[T]]) -> Vec<T> {
    match op {
        Op::Div(..) => two(xs, T::op_div),
        Op::Fma(..) => {
            let pairs = xs[0].iter().zip(xs[1]).zip(xs[2]);
            pairs.map(|((a, b), c)| a.op_fma(*b, *c)).collect()
        }
        Op::Sqrt(_) => one(xs, T::op_sqrt),
        Op::Floor(_) => one(xs, T::op_floor),
        Op::Exp(_) => one(xs, T::op_exp),
        Op::Log(_) => one(xs, T::op_log),
        Op::Tanh(_) => one(xs, T::op_tanh),
        Op::Erf(_) => one(xs, T::op_erf),
        Op::Erfc(_) => one(xs, T::op_erfc),
        op => shared(op, xs),
    }
}

fn int(op: &Op, xs: &[&[i32]]) -> Vec<i32> {
    match op {
        Op::And(..) => two(xs, |a, b| a & b),
        Op::Or(..) => two(xs, |a, b| a | b),
        Op::Xor(..) => two(xs, |a, b| a ^ b),
        Op::Shl(..) => two(xs, scalar::shift_left),
        Op::Shr(..) => two(xs, scalar::shift_right_logical),
        Op::Sar(..) => two(xs, scalar::shift_right_arithmetic),
        Op::Requantise { m, s, lo, hi, .. } => {
            xs[0].iter().map(|x| scalar::requantise(*x, (*m, *s), (*lo, *hi))).collect()
        }
        op => shared(op, xs),
    }
}

fn compare<T: Scalar>(op: &Op, a: &[T], b: &[T]) -> Vec<i32> {
    let holds = |(a, b): (&T, &T)| match op {
        Op::Lt(..) => a < b,
        Op::Le(..) => a <= b,
        _ => a == b,
    };
    a.iter().zip(b).map(|pair| i32::from(holds(pair))).collect()
}

fn select(xs: &[&Tensor]) -> Data {
    fn pick<T: Copy>(condition: &[i32], a: &[T], b: &[T]) -> Vec<T> {
        let triples = condition.iter().zip(a).zip(b);
        triples.map(|((c, a), b)| if *c != 0 { *a } else { *b }).collect()
    }
    let condition = xs[0].as_i32().unwrap_or_else(|| unequal());
    match (&xs[1].data, &xs[2].data) {
        (Data::F32(a), Data::F32(b)) => Data::F32(pick(condition, a, b)),
        (Data::F64(a), Data::F64(b)) => Data::F64(pick(condition, a, b)),
        (Data::I32(a), Data::I32(b)) => Data::I32(pick(condition, a, b)),
        _ => unequal(),
    }
}

fn convert(x: &Tensor, dtype: Dtype) -> Data {
    fn each<T: Copy, U>(x: &[T], f: impl Fn(T) -> U) -> Vec<U> {
        x.iter().map(|x| f(*x)).collect()
    }
    match (&x.data, dtype) {
        (Data::F32(x), Dtype::F32) => Data::F32(each(x, f32::canonical)),
        (Data::F64(x), Dtype::F32) => Data::F32(each(x, scalar::f64_to_f32)),
        (Data::I32(x), Dtype::F32) => Data::F32(each(x, scalar::i32_to_f32)),
        (Data::F32(x), Dtype::F64) => Data::F64(each(x, |x| f64::from(x).canonical())),
        (Data::F64(x), Dtype::F64) => Data::F64(each(x, f64::canonical)),
        (Data::I32(x), Dtype::F64) => Data::F64(each(x, f64::from)),
        (Data::F32(x), Dtype::I32) => Data::I32(each(x, scalar::f32_to_i32)),
        (Data::F64(x), Dtype::I32) => Data::I32(each(x, scalar::f64_to_i32)),
        (Data::I32(x), Dtype::I32) => Data::I32(x.clone()),
    }
}

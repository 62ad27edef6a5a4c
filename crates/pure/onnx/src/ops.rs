//! The operators that are supported, and where each is written.
//!
//! An operator is a function that reads its node through a [`Scope`] and appends ops. Cheap ones
//! take work in proportion to their operands and results, and are computed while reading where
//! all they use is known.

mod arithmetic;
mod layout;
mod linear;
mod norm;
mod pick;
mod recurrent;
mod reduce;
mod source;
mod unary;

use crate::scope::{Outcome, Scope};

/// How an operator is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator {
    pub(crate) write: Write,
    /// Whether it may be computed while reading.
    pub(crate) cheap: bool,
}

type Write = fn(&mut Scope<'_>) -> Outcome;

/// Finds an operator of ONNX's own domain by its name.
pub(crate) fn find(name: &str) -> Option<Operator> {
    let at = TABLE.binary_search_by_key(&name, |(name, ..)| *name).ok()?;
    let (_, write, cheap) = TABLE[at];
    Some(Operator { write, cheap })
}

const CHEAP: bool = true;
const DEAR: bool = false;

/// All of them by name, sorted.
pub(crate) const TABLE: &[(&str, Write, bool)] = &[
    ("Abs", unary::abs, CHEAP),
    ("Add", arithmetic::add, CHEAP),
    ("And", arithmetic::and, CHEAP),
    ("ArgMax", reduce::argmax, CHEAP),
    ("BatchNormalization", norm::batch, DEAR),
    ("Cast", unary::cast, CHEAP),
    ("Ceil", unary::ceil, CHEAP),
    ("Clip", arithmetic::clip, CHEAP),
    ("Concat", layout::concat, CHEAP),
    ("Constant", source::constant, CHEAP),
    ("ConstantOfShape", source::constant_of_shape, CHEAP),
    ("Div", arithmetic::div, CHEAP),
    ("Dropout", unary::identity, CHEAP),
    ("Elu", unary::elu, CHEAP),
    ("Equal", arithmetic::equal, CHEAP),
    ("Erf", unary::erf, CHEAP),
    ("Exp", unary::exp, CHEAP),
    ("Expand", layout::expand, CHEAP),
    ("Flatten", layout::flatten, CHEAP),
    ("Floor", unary::floor, CHEAP),
    ("GRU", recurrent::gru, DEAR),
    ("Gather", pick::gather, CHEAP),
    ("Gelu", unary::gelu, CHEAP),
    ("Gemm", linear::gemm, DEAR),
    ("Greater", arithmetic::greater, CHEAP),
    ("GreaterOrEqual", arithmetic::greater_or_equal, CHEAP),
    ("HardSigmoid", unary::hard_sigmoid, CHEAP),
    ("Identity", unary::identity, CHEAP),
    ("LayerNormalization", norm::layer, DEAR),
    ("LeakyRelu", unary::leaky_relu, CHEAP),
    ("Less", arithmetic::less, CHEAP),
    ("LessOrEqual", arithmetic::less_or_equal, CHEAP),
    ("Log", unary::log, CHEAP),
    ("LogSoftmax", norm::log_softmax, DEAR),
    ("MatMul", linear::matmul, DEAR),
    ("Max", arithmetic::max, CHEAP),
    ("Min", arithmetic::min, CHEAP),
    ("Mod", arithmetic::modulo, CHEAP),
    ("Mul", arithmetic::mul, CHEAP),
    ("Neg", unary::neg, CHEAP),
    ("Not", unary::not, CHEAP),
    ("Or", arithmetic::or, CHEAP),
    ("Pow", arithmetic::pow, CHEAP),
    ("Range", source::range, CHEAP),
    ("Reciprocal", unary::reciprocal, CHEAP),
    ("ReduceMax", reduce::max, CHEAP),
    ("ReduceMean", reduce::mean, CHEAP),
    ("ReduceMin", reduce::min, CHEAP),
    ("ReduceSum", reduce::sum, CHEAP),
    ("Relu", unary::relu, CHEAP),
    ("Reshape", layout::reshape, CHEAP),
    ("Shape", source::shape, CHEAP),
    ("Sigmoid", unary::sigmoid, CHEAP),
    ("Sign", unary::sign, CHEAP),
    ("Size", source::size, CHEAP),
    ("Slice", pick::slice, CHEAP),
    ("Softmax", norm::softmax, DEAR),
    ("Softplus", unary::softplus, CHEAP),
    ("Split", pick::split, CHEAP),
    ("Sqrt", unary::sqrt, CHEAP),
    ("Squeeze", layout::squeeze, CHEAP),
    ("Sub", arithmetic::sub, CHEAP),
    ("Sum", arithmetic::sum, CHEAP),
    ("Tanh", unary::tanh, CHEAP),
    ("Transpose", layout::transpose, CHEAP),
    ("Unsqueeze", layout::unsqueeze, CHEAP),
    ("Where", arithmetic::choose, CHEAP),
    ("Xor", arithmetic::xor, CHEAP),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_operator_is_found() {
        assert!(TABLE.is_sorted_by_key(|(name, ..)| *name));
        assert!(TABLE.iter().all(|(name, ..)| find(name).is_some()));
        assert!(find("Loop").is_none());
    }
}

//! The laws themselves; [`evaluator!`](crate::evaluator) makes a test of each.
//!
//! *Invariant: what a law expects is computed here, from the words of docs/numerics.md, with scalar
//! loops and wide integers.* Absent: laws of the elementary functions, which are defined by their
//! sequence of steps and pinned by golden vectors.

mod chains;
mod elements;
mod whole;

pub use chains::{
    matmul_is_one_chain, random_bits_are_philox, scatter_adds_in_order, sum_has_32_lanes,
    the_first_nan_is_the_greatest,
};
pub use elements::{
    arithmetic_gives_one_nan, comparisons_follow_ieee, conversions_saturate, copies_keep_bits,
    integers_wrap, minimum_and_maximum_order_zeros, outside_is_zero, requantise_rounds_halves_away,
};
pub use whole::{
    being_observed_changes_nothing, equals_the_reference, golden_vectors_hold,
    wrong_inputs_are_refused,
};

use tensor::{BuildError, Builder, Tensor, Value};

use crate::Eval;

/// Builds a Program over inputs of the given tensors' types and runs it on them.
fn run(
    eval: Eval,
    inputs: &[Tensor],
    build: impl FnOnce(&mut Builder, &[Value]) -> Result<Vec<Value>, BuildError>,
) -> Vec<Tensor> {
    let mut b = Builder::new();
    let declare = || -> Result<_, BuildError> {
        let types = inputs.iter().map(|x| (x.dtype(), x.shape().dims()));
        let values: Vec<Value> =
            types.map(|(dtype, dims)| b.input(dtype, dims)).collect::<Result<_, _>>()?;
        build(&mut b, &values)
    };
    let outputs = declare().expect("a law's ops fit each other");
    let program = b.finish(&outputs).expect("a law's Program has outputs");
    eval(&program, inputs).expect("a law's inputs are those its Program declares")
}

fn f32s(elements: &[f32]) -> Tensor {
    Tensor::f32(&[elements.len()], elements.to_vec()).expect("one axis, as long as the list")
}

fn f64s(elements: &[f64]) -> Tensor {
    Tensor::f64(&[elements.len()], elements.to_vec()).expect("one axis, as long as the list")
}

fn i32s(elements: &[i32]) -> Tensor {
    Tensor::i32(&[elements.len()], elements.to_vec()).expect("one axis, as long as the list")
}

/// The one NaN of f32.
const NAN32: u32 = 0x7fc0_0000;

/// The one NaN of f64.
const NAN64: u64 = 0x7ff8_0000_0000_0000;

//! Programs over lists of contracts, run on the reference interpreter.

use market::option::{Contract, greeks, greeks_inputs};
use tensor::Tensor;

/// Returns the first output's elements, and those of every other output.
pub(crate) fn run(program: &tensor::Program, inputs: &[Tensor]) -> Vec<Vec<f64>> {
    let outputs = tensor::eval(program, inputs).expect("the inputs fit");
    outputs.iter().map(|x| x.as_f64().expect("outputs are f64").to_vec()).collect()
}

/// Returns price, delta, gamma, vega and theta of each contract.
pub(crate) fn all(contracts: &[Contract]) -> Vec<Vec<f64>> {
    let program = greeks(contracts.len()).expect("a valid Program");
    run(&program, &greeks_inputs(contracts).expect("there are contracts"))
}

pub(crate) fn prices(contracts: &[Contract]) -> Vec<f64> {
    all(contracts).swap_remove(0)
}

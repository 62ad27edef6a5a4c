//! The same numbers as PyTorch, on the cases of `vectors/torch_v1.json`.
//!
//! Bits cannot be equal: PyTorch adds in other orders and has other elementary functions. So the
//! comparison is in f64, where what rounding does is far below what a mistake would.

use learn::{Optimiser, Training};
use serde_json::Value;
use tensor::{Dtype, Shape, Tensor};

use crate::samples::{floats, losses, networks, training};

const CASES: &str = include_str!("../../../../../vectors/torch_v1.json");

/// A few dozen roundings of 1e-16 each, on numbers of about 1.
const NEAR: f64 = 1e-14;
/// Adam divides by the size of the gradient and by no less than 1e-8. A key's bias has no slope,
/// so what is divided there is 1e-17 of rounding: 1e-9 of a step of 0.01.
const NEAR_ADAM: f64 = 1e-11;
/// The same in f32, whose roundings are of 6e-8.
const NEAR_F32: f64 = 1e-6;

fn cases() -> Value {
    serde_json::from_str(CASES).expect("the vectors are JSON")
}

fn tensor(value: &Value) -> Tensor {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let extents = value["shape"].as_array().expect("a list").iter();
    let dims: Vec<usize> =
        extents.map(|n| n.as_u64().and_then(|n| n.try_into().ok()).expect("small")).collect();
    let digits = text(&value["bytes"]);
    let digits = digits.trim_start_matches("0x");
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex digits");
    let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
    let dtype = if text(&value["dtype"]) == "i32" { Dtype::I32 } else { Dtype::F64 };
    let shape = Shape::new(&dims).expect("valid extents");
    Tensor::from_bytes(dtype, &shape, &bytes).expect("as many bytes")
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    match tensor.as_f32() {
        Some(x) => x.iter().map(|x| f64::from(*x)).collect(),
        None => tensor.as_f64().expect("floats").to_vec(),
    }
}

/// The training that a case names, and its inputs in this dtype.
fn read(case: &Value, dtype: Dtype) -> (Training, [Tensor; 3]) {
    let find = |key: &str| case[key].as_str().expect("a name").to_owned();
    let network = networks().into_iter().find(|(name, _)| *name == find("network"));
    let loss = losses().into_iter().find(|(name, _)| *name == find("loss"));
    let (network, loss) = (network.expect("in samples").1, loss.expect("in samples").1);
    let input = |key: &str| {
        let tensor = tensor(&case[key]);
        match tensor.dtype() {
            Dtype::I32 => tensor,
            _ => floats(dtype, tensor.shape().dims(), &numbers(&tensor)),
        }
    };
    (training(network, loss, dtype), [input("params"), input("x"), input("y")])
}

/// Parameters after the steps that the file names.
fn descend(file: &Value, training: &Training, [params, x, y]: &[Tensor; 3]) -> Vec<f64> {
    let program = training.step().expect("valid");
    let rate = floats(training.dtype, &[1], &[file["rate"].as_f64().expect("a number")]);
    let mut carried = vec![params.clone()];
    carried.extend(training.state().expect("valid"));
    for _ in 0..file["steps"].as_u64().expect("a number") {
        let inputs = [&carried[..], &[x.clone(), y.clone(), rate.clone()]].concat();
        carried = tensor::eval(&program, &inputs).expect("a step takes what it gave");
        carried.pop();
    }
    numbers(&carried[0])
}

/// Fails at the first pair that differs by more than `near`, for the elements that `of` names.
fn close(what: &str, found: &[f64], expected: &Value, near: f64, of: impl Fn(usize) -> bool) {
    let expected = numbers(&tensor(expected));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, expected)) in found.iter().zip(&expected).enumerate().filter(|(at, _)| of(*at))
    {
        let off = (found - expected).abs();
        assert!(off <= near, "{what}, element {at}: {found}, PyTorch {expected}: {off:e} apart");
    }
}

#[test]
fn every_training_is_that_of_pytorch() {
    let file = cases();
    let cases = file["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), networks().len() * losses().len());
    for case in cases {
        let what = |part: &str| format!("{}, {}, {part}", case["network"], case["loss"]);
        let (training, inputs) = read(case, Dtype::F64);
        let gradient = training.gradient().expect("valid");
        let outputs = tensor::eval(&gradient, &inputs).expect("fits");
        close(&what("value"), &numbers(&outputs[0]), &case["value"], NEAR, |_| true);
        close(&what("gradient"), &numbers(&outputs[1]), &case["gradient"], NEAR, |_| true);
        let sgd = Training { optimiser: Optimiser::SGD, ..training.clone() };
        close(&what("sgd"), &descend(&file, &sgd, &inputs), &case["sgd"], NEAR, |_| true);
        let adam = Training { optimiser: Optimiser::ADAM, ..training };
        close(&what("adam"), &descend(&file, &adam, &inputs), &case["adam"], NEAR_ADAM, |_| true);
    }
}

#[test]
fn in_f32_too_within_its_rounding() {
    let file = cases();
    for case in file["cases"].as_array().expect("a list") {
        let what = |part: &str| format!("f32, {}, {}, {part}", case["network"], case["loss"]);
        let (training, inputs) = read(case, Dtype::F32);
        let gradient = training.gradient().expect("valid");
        let outputs = tensor::eval(&gradient, &inputs).expect("fits");
        close(&what("value"), &numbers(&outputs[0]), &case["value"], NEAR_F32, |_| true);
        close(&what("gradient"), &numbers(&outputs[1]), &case["gradient"], NEAR_F32, |_| true);
        let sgd = Training { optimiser: Optimiser::SGD, ..training.clone() };
        close(&what("sgd"), &descend(&file, &sgd, &inputs), &case["sgd"], NEAR_F32, |_| true);
        // Adam moves by the sign of a gradient that is no more than rounding; those are left out,
        // and of the others the error is at most divided by 1e-3 and multiplied by the rate, 1e-2.
        let slopes = numbers(&tensor(&case["gradient"]));
        let adam = Training { optimiser: Optimiser::ADAM, ..training };
        let found = descend(&file, &adam, &inputs);
        close(&what("adam"), &found, &case["adam"], NEAR_F32, |at| slopes[at].abs() > 1e-3);
    }
}

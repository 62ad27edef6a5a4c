//! The committed files: models, and the tensors that go with them.

use onnx::{ImportOptions, Imported};
use serde_json::Value;
use tensor::{Dtype, Shape, Tensor};

macro_rules! models {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../data/", $name, ".onnx")))),*]
    };
}

/// The models that both exporters wrote, with their bytes.
pub(crate) const MODELS: [(&str, &[u8]); 12] = models![
    "mlp_trace",
    "mlp_dynamo",
    "gru_trace",
    "gru_dynamo",
    "gru_stack_trace",
    "gru_stack_dynamo",
    "encoder_pre_trace",
    "encoder_pre_dynamo",
    "encoder_post_trace",
    "encoder_post_dynamo",
    "mixed_trace",
    "mixed_dynamo",
];

/// A model whose number of rows is open.
pub(crate) const OPEN: &[u8] = include_bytes!("../data/mlp_open.onnx");

/// Reads a committed JSON file's cases.
pub(crate) fn cases(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).expect("the file is JSON");
    file["cases"].as_array().expect("a list").clone()
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().expect("a string").trim_start_matches("0x");
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// The tensors of a list.
pub(crate) fn tensors(value: &Value) -> Vec<Tensor> {
    let tensor = |value: &Value| {
        let dtype =
            Dtype::ALL.into_iter().find(|d| Some(&d.to_string()[..]) == value["dtype"].as_str());
        let extents = value["shape"].as_array().expect("a list").iter();
        let dims: Vec<usize> =
            extents.map(|n| n.as_u64().and_then(|n| n.try_into().ok()).expect("small")).collect();
        let shape = Shape::new(&dims).expect("valid extents");
        Tensor::from_bytes(dtype.expect("a dtype"), &shape, &bytes(&value["bytes"])).expect("fits")
    };
    value.as_array().expect("a list").iter().map(tensor).collect()
}

pub(crate) fn import(name: &str, bytes: &[u8]) -> Imported {
    onnx::import(bytes, &ImportOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Fails where a number differs from the expected one by more than `near` of its size, or of 1.
pub(crate) fn close(name: &str, found: &[Tensor], expected: &[Tensor], near: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.shape().dims(), expected.shape().dims(), "{name}");
        assert_eq!(found.dtype(), expected.dtype(), "{name}");
        for (found, expected) in numbers(found).into_iter().zip(numbers(expected)) {
            let size = if expected.abs() > 1.0 { expected.abs() } else { 1.0 };
            let fits = (found - expected).abs() <= near * size;
            assert!(fits, "{name}: {found} where {expected} is expected");
        }
    }
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    match (tensor.as_f32(), tensor.as_f64()) {
        (Some(x), _) => x.iter().map(|x| f64::from(*x)).collect(),
        (_, Some(x)) => x.to_vec(),
        _ => tensor.as_i32().unwrap_or_default().iter().map(|x| f64::from(*x)).collect(),
    }
}

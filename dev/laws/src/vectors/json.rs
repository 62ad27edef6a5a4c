//! How tensors, bytes and hashes stand in the vectors' JSON.
//!
//! *Invariant: one spelling for each value, so that files compare as text.* Absent: numbers for
//! anything whose bits matter.

use serde_json::{Value, json};
use tensor::{Dtype, Hash, Shape, Tensor};

/// Returns a file's text: one field of an object a line, one element of its lists a line.
pub(super) fn text(value: &Value) -> String {
    let mut out = String::from("{\n");
    let fields = value.as_object().expect("a file is an object");
    for (index, (name, value)) in fields.iter().enumerate() {
        let end = if index + 1 < fields.len() { ",\n" } else { "\n" };
        match value {
            Value::Array(cases) if !cases.is_empty() => {
                let lines: Vec<String> = cases.iter().map(|case| format!("    {case}")).collect();
                out.push_str(&format!("  \"{name}\": [\n{}\n  ]{end}", lines.join(",\n")));
            }
            value => out.push_str(&format!("  \"{name}\": {value}{end}")),
        }
    }
    out.push_str("}\n");
    out
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

pub(super) fn bytes(value: &Value) -> Vec<u8> {
    let digits = text_of(value).trim_start_matches("0x");
    assert!(digits.len().is_multiple_of(2), "hex digits come in pairs");
    let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("vectors hold hex");
    (0..digits.len()).step_by(2).map(pair).collect()
}

pub(super) fn hash(value: &Value) -> Hash {
    text_of(value).parse().expect("vectors hold 32-byte hashes")
}

pub(super) fn tensor(tensor: &Tensor) -> Value {
    json!({
        "dtype": tensor.dtype().to_string(),
        "shape": tensor.shape().dims(),
        "bytes": hex(&tensor.to_bytes()),
    })
}

pub(super) fn to_tensor(value: &Value) -> Tensor {
    let named = |dtype: &&Dtype| dtype.to_string() == text_of(&value["dtype"]);
    let dtype = Dtype::ALL.iter().find(named).expect("vectors name dtypes of the tensor crate");
    let extent = |extent: &Value| {
        usize::try_from(extent.as_u64().expect("extents are whole")).expect("extents are small")
    };
    let dims: Vec<usize> = list(&value["shape"]).iter().map(extent).collect();
    let shape = Shape::new(&dims).expect("vectors hold valid shapes");
    Tensor::from_bytes(*dtype, &shape, &bytes(&value["bytes"])).expect("bytes fit the shape")
}

pub(super) fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected a string, got {value}"))
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("expected a list, got {value}"))
}

//! Single nodes against ONNX's reference evaluator: every operator, and its attributes.

use std::collections::BTreeSet;

use crate::files::{bytes, cases, close, import, tensors};

const NODES: &str = include_str!("../data/nodes.json");

/// One operator's roundings in f32; an exponential multiplies them by up to 8.
const NEAR: f64 = 1e-6;

#[test]
fn every_node_gives_what_the_reference_evaluator_gives() {
    for case in cases(NODES) {
        let name = case["name"].as_str().expect("a name");
        let model = import(name, &bytes(&case["model"]));
        let inputs = tensors(&case["inputs"]);
        let found = tensor::eval(&model.program, &inputs).expect("the node's own inputs");
        close(name, &found, &tensors(&case["outputs"]), NEAR);
        assert_eq!(kernels::eval(&model.program, &inputs).expect("fits"), found, "{name}");
    }
}

#[test]
fn every_operator_has_a_case() {
    let cases = cases(NODES);
    let names = cases.iter().filter_map(|case| case["name"].as_str()?.split(' ').next());
    let tested: BTreeSet<&str> = names.collect();
    let supported: BTreeSet<&str> = onnx::operators().collect();
    assert_eq!(tested, supported);
}

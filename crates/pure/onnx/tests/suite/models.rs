//! What PyTorch exported, run here, against what PyTorch computes.

use onnx::{ImportOptions, Kind};
use tensor::{Dtype, Tensor};

use crate::files::{MODELS, OPEN, cases, close, import, tensors};

const EXPECTED: &str = include_str!("../data/expected.json");

/// Results of about 1, after some hundred roundings of 6e-8 each in another order.
const NEAR: f64 = 2e-6;

/// Inputs and outputs of a model, by the part of its name that names no exporter.
fn expected(name: &str) -> [Vec<Tensor>; 2] {
    let base = name.rsplit_once('_').map_or(name, |(base, _)| base);
    let case = cases(EXPECTED).into_iter().find(|case| case["model"] == base);
    let case = case.expect("every model has a case");
    [tensors(&case["inputs"]), tensors(&case["outputs"])]
}

#[test]
fn every_model_gives_what_pytorch_gives() {
    for (name, bytes) in MODELS {
        let model = import(name, bytes);
        let [inputs, outputs] = expected(name);
        let found = tensor::eval(&model.program, &inputs).expect("the model's own inputs");
        close(name, &found, &outputs, NEAR);
    }
}

#[test]
fn kernels_give_the_same_bits_at_every_level() {
    for (name, bytes) in MODELS {
        let model = import(name, bytes);
        let [inputs, _] = expected(name);
        let reference = tensor::eval(&model.program, &inputs).expect("fits");
        for level in kernels::Level::available() {
            let found = kernels::Runner::with_level(&model.program, level).run(&inputs);
            assert_eq!(found.expect("fits"), reference, "{name}, {level}");
        }
    }
}

#[test]
fn importing_is_a_function_of_the_file() {
    for (name, bytes) in MODELS {
        let (first, again) = (import(name, bytes), import(name, bytes));
        assert_eq!(first.program.hash(), again.program.hash(), "{name}");
        let decoded = tensor::Program::decode(&first.program.encode()).expect("a Program");
        assert_eq!(decoded.hash(), first.program.hash(), "{name}");
    }
}

#[test]
fn ports_are_those_of_the_model() {
    let (name, bytes) = MODELS[10];
    let model = import(name, bytes);
    let ports: Vec<_> = model.inputs.iter().map(|p| (&p.name[..], p.kind, &p.dims[..])).collect();
    assert_eq!(ports, [("x", Kind::F32, &[4, 6][..]), ("named", Kind::I64, &[4][..])]);
    assert_eq!(model.inputs[1].dtype(), Dtype::I32);
    let outputs: Vec<_> = model.outputs.iter().map(|p| (p.kind, &p.dims[..])).collect();
    let expected =
        [(Kind::F32, &[4, 10][..]), (Kind::F32, &[4]), (Kind::F32, &[9]), (Kind::I64, &[4])];
    assert_eq!(outputs, expected);
    let declared = model.program.inputs();
    assert!(declared.iter().zip(&model.inputs).all(|(d, p)| d.1.dims() == p.dims));
}

#[test]
fn an_extent_with_a_name_takes_the_number_it_is_given() {
    let error = onnx::import(OPEN, &ImportOptions::default()).expect_err("batch is open");
    assert!(error.to_string().contains("\"batch\""), "{error}");
    let mut options = ImportOptions::default();
    options.extents.insert("batch".to_owned(), 1);
    let model = onnx::import(OPEN, &options).expect("all is known");
    let [inputs, outputs] = expected("mlp_open");
    let row = |t: &Tensor, n: usize| Tensor::f32(&[1, n], t.as_f32().expect("f32")[..n].to_vec());
    let found = tensor::eval(&model.program, &[row(&inputs[0], 8).expect("a row")]).expect("fits");
    close("mlp_open", &found, &[row(&outputs[0], 2).expect("a row")], NEAR);
}

#[test]
fn shapes_are_computed_while_reading() {
    // The older exporter writes out how a shape is computed; none of that is left.
    for pair in MODELS.chunks(2) {
        let [trace, dynamo] = [0, 1].map(|at| import(pair[at].0, pair[at].1).program.nodes().len());
        assert!(trace.abs_diff(dynamo) * 10 < dynamo, "{}: {trace} and {dynamo} ops", pair[0].0);
    }
}

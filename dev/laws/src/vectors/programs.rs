//! Whole Programs: their encoding, their hash, and what they give.
//!
//! Random cases at fixed seeds, and one that trains: forward, backward and update in one Program.

use serde_json::{Value, json};
use tensor::{BuildError, Builder, Dtype, Program, Tensor};

use super::json::{bytes, hash, hex, list, tensor, text_of, to_tensor};
use crate::Eval;
use crate::cases::Case;
use crate::dice::Dice;
use crate::special;

const SEEDS: [u64; 6] = [1, 2, 3, 5, 8, 13];

/// Returns the file; Programs and inputs that are committed stay, whatever would be drawn today.
pub(super) fn generate(committed: Option<&Value>) -> Value {
    let cases: Vec<Value> = match committed {
        Some(file) => list(&file["cases"]).iter().map(again).collect(),
        None => {
            let random = |seed| entry(&format!("random {seed}"), Case::random(seed, 12));
            let first = entry("one step of gradient descent", training());
            std::iter::once(first).chain(SEEDS.map(random)).collect()
        }
    };
    json!({
        "about": "docs/numerics.md, Identity: encodings and hashes of Programs, and their results",
        "version": 1,
        "cases": cases,
        "trainings": super::trainings::generate(),
    })
}

/// Evaluates a committed case again.
fn again(case: &Value) -> Value {
    let program = Program::decode(&bytes(&case["program"]));
    let program = program.unwrap_or_else(|error| panic!("{}: {error}", case["name"]));
    let inputs = list(&case["inputs"]).iter().map(to_tensor).collect();
    entry(text_of(&case["name"]), Case { program, inputs })
}

fn entry(name: &str, case: Case) -> Value {
    let results = tensor::eval(&case.program, &case.inputs).expect("a case's inputs fit");
    json!({
        "name": name,
        "program": hex(&case.program.encode()),
        "hash": case.program.hash().to_string(),
        "inputs": case.inputs.iter().map(tensor).collect::<Vec<_>>(),
        "outputs": results.iter().map(tensor).collect::<Vec<_>>(),
    })
}

/// `loss = mean((tanh(x · w) - y)²)`, and `w` after one step against its gradient.
fn training() -> Case {
    let mut dice = Dice::new(0x7274);
    let build = || -> Result<Program, BuildError> {
        let mut b = Builder::new();
        let x = b.input(Dtype::F32, &[8, 5])?;
        let w = b.input(Dtype::F32, &[5, 1])?;
        let y = b.input(Dtype::F32, &[8, 1])?;
        let z = b.matmul(x, w)?;
        let z = b.tanh(z)?;
        let e = b.sub(z, y)?;
        let e = b.mul(e, e)?;
        let e = b.sum(e, 0)?;
        let e = b.sum(e, 0)?;
        let n = b.scalar_f32(0.125)?;
        let loss = b.mul(e, n)?;
        let gradient = b.gradient(loss, &[w])?[0];
        let rate = b.full(Dtype::F32, &[5, 1], -0.1)?;
        let next = b.fma(rate, gradient, w)?;
        b.finish(&[next, loss])
    };
    let program = build().expect("these ops fit each other");
    let mut input = |dims: &[usize]| {
        let bits = special::tensor(&mut dice, Dtype::I32, dims);
        let elements = bits.as_i32().expect("it is i32").iter().map(|x| f64::from(x % 512) / 256.0);
        let elements = elements.map(tensor::scalar::f64_to_f32).collect();
        Tensor::f32(dims, elements).expect("one element for each")
    };
    let inputs = vec![input(&[8, 5]), input(&[5, 1]), input(&[8, 1])];
    Case { program, inputs }
}

pub(super) fn check(file: &Value, eval: Eval) {
    for case in list(&file["cases"]) {
        let name = text_of(&case["name"]);
        let program = Program::decode(&bytes(&case["program"]));
        let program = program.unwrap_or_else(|error| panic!("{name}: {error}"));
        let inputs: Vec<Tensor> = list(&case["inputs"]).iter().map(to_tensor).collect();
        let results = eval(&program, &inputs).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected: Vec<Tensor> = list(&case["outputs"]).iter().map(to_tensor).collect();
        assert_eq!(results, expected, "{name}");
    }
}

pub(super) fn check_hashes(file: &Value) {
    for case in list(&file["cases"]) {
        let name = text_of(&case["name"]);
        let encoding = bytes(&case["program"]);
        let program = Program::decode(&encoding).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(program.hash(), hash(&case["hash"]), "{name}: hash");
        assert_eq!(program.encode(), encoding, "{name}: encoding");
    }
}

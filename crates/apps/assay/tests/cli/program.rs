//! `assay program`: what it prints of a Program is what the libraries say of it.

use std::path::{Path, PathBuf};

use court::opening;
use serde_json::Value;
use tensor::{Builder, Dtype, Hash, Program, Tensor, eval};

use crate::harness::{Ended, directory, run, text};

/// `(a f32[2,40], b f32[40,2], n i32[3]) -> (a b, the sum of its first axis, rows of b by n)`.
fn sample() -> Program {
    let mut b = Builder::new();
    let x = b.input(Dtype::F32, &[2, 40]).expect("a type");
    let y = b.input(Dtype::F32, &[40, 2]).expect("a type");
    let n = b.input(Dtype::I32, &[3]).expect("a type");
    let product = b.matmul(x, y).expect("they fit");
    let scale = b.constant(Tensor::f32(&[2, 2], vec![0.5, 2.0, -1.0, 0.1]).expect("four"));
    let scaled = b.mul(product, scale.expect("a constant")).expect("they fit");
    let summed = b.sum(scaled, 0).expect("it has the axis");
    let rows = b.gather(y, n, 0).expect("they fit");
    b.finish(&[scaled, summed, rows]).expect("it has outputs")
}

/// Writes the sample's encoding and returns its path.
fn file(root: &Path, program: &Program) -> PathBuf {
    let path = root.join("sample.assayp");
    std::fs::write(&path, program.encode()).expect("written");
    path
}

fn program(root: &Path, command: &str, file: &Path, more: &[&str]) -> Ended {
    run(root, &[&["program", command, text(file)], more].concat())
}

fn hash_of(json: &Value, field: &str) -> Hash {
    json[field].as_str().expect("a field with a hash").parse().expect("a hash")
}

#[test]
fn a_listing_is_a_program_too() {
    let root = directory();
    let root = root.path();
    let sample = sample();
    let encoded = file(root, &sample);
    let full = program(root, "show", &encoded, &["--full"]);
    assert_eq!(full.stdout, format!("{sample:#}"));
    let short = program(root, "show", &encoded, &[]);
    assert_eq!(short.stdout, sample.to_string());
    let listing = root.join("sample.txt");
    std::fs::write(&listing, &full.stdout).expect("written");
    for file in [&encoded, &listing] {
        let named = program(root, "hash", file, &["--json"]).json();
        assert_eq!(hash_of(&named, "program"), sample.hash());
    }
    std::fs::write(&listing, &short.stdout).expect("written");
    let error = program(root, "hash", &listing, &[]);
    assert!(error.error().contains("write it with --full"), "{}", error.error());
}

#[test]
fn stats_are_counted_before_anything_runs() {
    let root = directory();
    let file = file(root.path(), &sample());
    let stats = program(root.path(), "show", &file, &["--stats", "--json"]).json();
    // 2 x 40 x 2 of the matmul, 4 of the mul, 4 + 31 x 2 of the sum.
    assert_eq!(stats["scalar_operations"], 160 + 4 + 66);
    assert_eq!((&stats["ops"], &stats["by_name"]["matmul"]), (&8.into(), &1.into()));
    assert_eq!(stats["largest"]["type"], "f32[2,40]");
}

#[test]
fn run_gives_what_the_library_gives_however_inputs_are_written() {
    let root = directory();
    let root = root.path();
    let sample = sample();
    let file = file(root, &sample);
    let x: Vec<f32> = (0..80u8).map(|i| f32::from(i) * 0.37 - 11.0).collect();
    let y: Vec<f32> = (0..80u8).map(|i| 3.0 - f32::from(i) * 0.11).collect();
    let inputs = [
        Tensor::f32(&[2, 40], x.clone()).expect("eighty"),
        Tensor::f32(&[40, 2], y).expect("eighty"),
        Tensor::i32(&[3], vec![7, -1, 39]).expect("three"),
    ];
    let csv: Vec<String> = x.iter().map(|x| format!("{x:?}")).collect();
    std::fs::write(root.join("x.csv"), csv.join(",\n")).expect("written");
    std::fs::write(root.join("y.bin"), inputs[1].to_bytes()).expect("written");
    let (x, y) = (root.join("x.csv"), root.join("y.bin"));
    let (x, y) = (format!("0={}", text(&x)), format!("1={}", text(&y)));
    let out = root.join("out");
    let given = ["--input", &x, "--input", &y, "--input", "2=[7,-1,0x27]"];
    let more = [&given[..], &["--check", "--json", "--out", text(&out)]].concat();
    let json = program(root, "run", &file, &more).json();
    let wanted = eval(&sample, &inputs).expect("they are its inputs");
    let root_of = |tensors| opening::list_root(&opening::roots(tensors));
    assert_eq!(hash_of(&json, "inputs_root"), root_of(&inputs));
    assert_eq!(hash_of(&json, "outputs_root"), root_of(&wanted));
    assert_eq!(json["equal"], true);
    // What was written is read again as an input: the first output is a matrix of the second's.
    let again = format!("0={}", text(&out.join("2.npy")));
    let mut b = Builder::new();
    let z = b.input(Dtype::F32, &[3, 2]).expect("a type");
    let identity = b.finish(&[z]).expect("an output");
    let file = self::file(root, &identity);
    let json = program(root, "run", &file, &["--input", &again, "--json"]).json();
    assert_eq!(hash_of(&json, "outputs_root"), wanted[2].root());
}

#[test]
fn a_trace_commits_to_every_op() {
    let root = directory();
    let root = root.path();
    let sample = sample();
    let file = file(root, &sample);
    let seed = ["--seed", "7", "--json"];
    let trace = program(root, "trace", &file, &seed).json();
    let roots: Vec<Hash> = trace["roots"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|root| root.as_str().expect("a hash").parse().expect("a hash"))
        .collect();
    assert_eq!(roots.len(), sample.nodes().len());
    assert_eq!(hash_of(&trace, "trace_root"), opening::list_root(&roots));
    let outputs: Vec<Hash> = sample.outputs().iter().map(|output| roots[*output]).collect();
    assert_eq!(hash_of(&trace, "outputs_root"), opening::list_root(&outputs));
    let run = program(root, "run", &file, &seed).json();
    assert_eq!(run["outputs_root"], trace["outputs_root"]);
}

#[test]
fn one_element_is_followed_to_what_it_was_made_of() {
    let root = directory();
    let root = root.path();
    let file = file(root, &sample());
    let step = |op: &str, element: &str| {
        let given = ["--seed", "7", "--input", "2=[39,0,5]"];
        let more = [&given[..], &["--op", op, "--element", element, "--json"]].concat();
        program(root, "trace", &file, &more).json()["op"].take()
    };
    // The matmul: forty steps, of which the last is the element.
    let matmul = step("3", "2");
    let (element, states) = (&matmul["element"], &matmul["element"]["states"]);
    assert_eq!(states.as_array().map(Vec::len), Some(40));
    assert_eq!(states[39]["bits"], element["bits"]);
    let reads = &element["operands"];
    assert_eq!((&reads[0]["element"], &reads[1]["element"]), (&40.into(), &0.into()));
    assert_eq!((&reads[79]["operand"], &reads[79]["element"]), (&1.into(), &78.into()));
    // The mul reads the same place of both; the gather copies from the row that its index names.
    assert_eq!(step("5", "3")["element"]["operands"][1]["value"], "0.1");
    let gather = step("7", "1");
    let copied = &gather["element"]["operands"][0];
    assert_eq!(copied["bits"], gather["element"]["bits"]);
    let summed = step("6", "0");
    assert_eq!(summed["element"]["states"].as_array().map(Vec::len), Some(2));
    assert_eq!(summed["operands"][0]["op"], 5);
}

#[test]
fn every_example_can_be_shown_run_and_checked() {
    let root = directory();
    let root = root.path();
    for name in ["step-har", "step-mlp", "aggregate", "forecast", "margin", "report"] {
        let path = root.join(name);
        let written = run(root, &["program", "example", name, "--out", text(&path)]);
        assert!(written.status.success(), "{}", written.stderr);
        let json = program(root, "run", &path, &["--seed", "1", "--check", "--json"]).json();
        assert_eq!(json["equal"], true, "{name}");
        let program = Program::decode(&std::fs::read(&path).expect("written")).expect("encoded");
        assert_eq!(hash_of(&json, "program"), program.hash());
    }
}

#[test]
fn a_model_of_another_framework_is_a_program_too() {
    let root = directory();
    let root = root.path();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pure/onnx/tests/data");
    let json =
        program(root, "run", &models.join("gru_trace.onnx"), &["--seed", "1", "--check", "--json"]);
    assert_eq!(json.json()["equal"], true);
    let open = models.join("mlp_open.onnx");
    let named = program(root, "hash", &open, &[]);
    assert!(named.error().contains("--extent NAME=N"), "{}", named.error());
    let of = |batch| program(root, "hash", &open, &["--extent", batch, "--json"]).json();
    assert_ne!(hash_of(&of("batch=2"), "program"), hash_of(&of("batch=3"), "program"));
    let wrong = program(root, "hash", &open, &["--extent", "batch"]);
    assert!(wrong.stderr.contains("it reads NAME=N"), "{}", wrong.stderr);
}

#[test]
fn what_cannot_be_read_is_said_with_what_to_do() {
    let root = directory();
    let root = root.path();
    let file = file(root, &sample());
    let says = |command: &str, file: &Path, more: &[&str], what: &str| {
        let ended = program(root, command, file, more);
        assert!(ended.error().contains(what), "{more:?}: {}", ended.error());
    };
    let other = root.join("other.onnx");
    std::fs::write(&other, b"\x08\x07").expect("written");
    says("show", &other, &[], "other.onnx");
    std::fs::write(root.join("noise"), b"noise").expect("written");
    says("show", &root.join("noise"), &[], "is no Program; FILE is an encoded Program");
    says("show", &root.join("nowhere"), &[], "nowhere");
    std::fs::write(root.join("cut"), &sample().encode()[..40]).expect("written");
    says("show", &root.join("cut"), &[], "ends within the field");
    says("run", &file, &[], "input 0 (f32[2,40]) is missing; give --input 0=FILE, or --seed N");
    says("run", &file, &["--input", "9=[1]"], "there is no input 9: the Program has 3");
    says("run", &file, &["--input", "2=[1,2]"], "it needs 3 numbers, got 2");
    says("run", &file, &["--input", "2=[1,2,x]"], "\"x\" is no number of this dtype");
    says("run", &file, &["--input", "2=[1,2,1.5]"], "\"1.5\" is no number of this dtype");
    says("run", &file, &["--input", "2=gone.npy"], "gone.npy cannot be read");
    says("run", &file, &["--input", "[1,2]"], "is to read INDEX=VALUE");
    says("trace", &file, &["--seed", "1", "--op", "8"], "there is no op %8: the Program has 8");
    let element = ["--seed", "1", "--op", "3", "--element", "4"];
    says("trace", &file, &element, "%3 has 4 elements");
}

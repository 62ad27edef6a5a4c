//! Every op on every special value.
//!
//! A case is one Program with many outputs over shared operands, so that operands are stored once.
//!
//! *Invariant: every op code of the closed enum is in some case; a test counts them.*

use serde_json::{Value, json};
use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value as Node, random};

use super::json::{bytes, hex, list, tensor, text_of, to_tensor};
use crate::Eval;
use crate::dice::Dice;
use crate::special;

/// Few values for ops of three operands, whose cube is stored.
const TRIPLES: [usize; 8] = [1, 2, 5, 14, 16, 18, 22, 7];

pub(super) fn generate() -> Value {
    let mut dice = Dice::new(0x73_706f);
    let mut cases = Vec::new();
    for dtype in Dtype::ALL {
        let values = specials(dtype);
        let (a, b) = (pairs(&values, false), pairs(&values, true));
        cases.push(case(&format!("binary {dtype}"), vec![a, b], binary));
        cases.push(case(&format!("unary {dtype}"), vec![values], unary));
        let floats = [0, 1, 2].map(|place| triples(&specials(dtype), place)).to_vec();
        if dtype.is_float() {
            cases.push(case(&format!("ternary {dtype}"), floats, ternary));
        }
        let small = special::tensor(&mut dice, dtype, &[2, 3, 4]);
        let indices = Tensor::i32(&[5], vec![2, -1, 0, 3, 2]).expect("five indices");
        cases.push(case(&format!("movement {dtype}"), vec![small, indices], movement));
        let (a, b) = (matrix(&mut dice, dtype, &[3, 37]), matrix(&mut dice, dtype, &[37, 5]));
        cases.push(case(&format!("folds {dtype}"), vec![a, b], folds));
    }
    let key = Tensor::i32(&[2], vec![-1, 7]).expect("a key has two words");
    cases.push(case("sources", vec![key], sources));
    json!({
        "about": "docs/numerics.md: results of every op, bit for bit; bytes are little-endian",
        "version": 1,
        "cases": cases,
    })
}

/// Known answers of Random123 for Philox 4x32-10, and words of a stream.
pub(super) fn philox() -> Value {
    let answers = [
        ([0; 4], [0; 2]),
        ([u32::MAX; 4], [u32::MAX; 2]),
        ([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
    ];
    let words = |words: &[u32]| words.iter().map(|w| format!("0x{w:08x}")).collect::<Vec<_>>();
    let answer = |(counter, key): ([u32; 4], [u32; 2])| {
        json!({
            "counter": words(&counter),
            "key": words(&key),
            "words": words(&random::philox(counter, key)),
        })
    };
    let stream = |(key, stream): ([i32; 2], u32)| {
        let drawn: Vec<u32> =
            (0..9).map(|e| random::word(key, stream, e).cast_unsigned()).collect();
        json!({ "key": key, "stream": stream, "words": words(&drawn) })
    };
    let streams = [([0, 0], 0), ([-1, 7], u32::MAX), ([i32::MIN, i32::MAX], 5)];
    json!({
        "about": "Philox 4x32-10: Random123's known answers, then the first words of streams",
        "version": 1,
        "answers": answers.map(answer),
        "streams": streams.map(stream),
    })
}

fn specials(dtype: Dtype) -> Tensor {
    let made = match dtype {
        Dtype::F32 => Tensor::f32(&[special::F32.len()], special::F32.to_vec()),
        Dtype::F64 => Tensor::f64(&[special::F64.len()], special::F64.to_vec()),
        Dtype::I32 => Tensor::i32(&[special::I32.len()], special::I32.to_vec()),
    };
    made.expect("as many elements as the extent says")
}

/// Returns the elements of `from` at these places.
fn pick(from: &Tensor, places: &[usize]) -> Tensor {
    let (size, all) = (from.dtype().size(), from.to_bytes());
    let bytes: Vec<u8> =
        places.iter().flat_map(|place| all[place * size..][..size].to_vec()).collect();
    let shape = tensor::Shape::new(&[places.len()]).expect("few elements");
    Tensor::from_bytes(from.dtype(), &shape, &bytes).expect("whole elements were copied")
}

/// The first (or second) of all pairs of elements.
fn pairs(from: &Tensor, second: bool) -> Tensor {
    let count = from.shape().count();
    let places: Vec<usize> =
        (0..count * count).map(|i| if second { i % count } else { i / count }).collect();
    pick(from, &places)
}

/// The first, second or third of all triples of a few elements.
fn triples(from: &Tensor, place: u32) -> Tensor {
    let count = TRIPLES.len();
    let step = count.pow(2 - place);
    let few = from.shape().count();
    let places: Vec<usize> = (0..count.pow(3)).map(|i| TRIPLES[i / step % count] % few).collect();
    pick(from, &places)
}

/// A matrix whose NaNs and infinities do not drown every chain: small numbers but for one row.
fn matrix(dice: &mut Dice, dtype: Dtype, dims: &[usize]) -> Tensor {
    let mut b = Builder::new();
    let mut build = |b: &mut Builder| -> Result<Node, BuildError> {
        let words = special::tensor(dice, Dtype::I32, dims);
        let mask = b.full(Dtype::I32, dims, 4095.0)?;
        let words = b.constant(words)?;
        let small = b.and(words, mask)?;
        let noise = b.iota(dims, dims.len() - 1)?;
        let sum = b.add(small, noise)?;
        let x = b.convert(sum, dtype)?;
        if !dtype.is_float() {
            return Ok(x);
        }
        let three = b.full(dtype, dims, -3.0)?;
        b.div(x, three)
    };
    let value = build(&mut b).expect("these ops fit each other");
    let program = b.finish(&[value]).expect("there is an output");
    tensor::eval(&program, &[]).expect("there are no inputs").remove(0)
}

/// The outputs of a case, each with its name.
type Outputs = Vec<(&'static str, Node)>;

fn case(
    name: &str,
    inputs: Vec<Tensor>,
    build: fn(&mut Builder, &[Node]) -> Result<Outputs, BuildError>,
) -> Value {
    let mut b = Builder::new();
    let values: Vec<Node> = inputs
        .iter()
        .map(|x| b.input(x.dtype(), x.shape().dims()).expect("the shape is a tensor's"))
        .collect();
    let outputs = build(&mut b, &values).unwrap_or_else(|error| panic!("{name}: {error}"));
    let nodes: Vec<Node> = outputs.iter().map(|(_, node)| *node).collect();
    let program = b.finish(&nodes).expect("there are outputs");
    let results = tensor::eval(&program, &inputs).expect("the inputs are those declared");
    let named = outputs.iter().zip(&results).map(|((name, _), result)| {
        let mut value = tensor(result);
        value["op"] = json!(name);
        value
    });
    json!({
        "name": name,
        "program": hex(&program.encode()),
        "inputs": inputs.iter().map(tensor).collect::<Vec<_>>(),
        "outputs": named.collect::<Vec<_>>(),
    })
}

fn binary(b: &mut Builder, x: &[Node]) -> Result<Outputs, BuildError> {
    let (l, r) = (x[0], x[1]);
    let mut outputs = vec![
        ("add", b.add(l, r)?),
        ("sub", b.sub(l, r)?),
        ("mul", b.mul(l, r)?),
        ("min", b.min(l, r)?),
        ("max", b.max(l, r)?),
        ("lt", b.lt(l, r)?),
        ("le", b.le(l, r)?),
        ("eq", b.eq(l, r)?),
    ];
    let condition = b.lt(l, r)?;
    outputs.push(("select", b.select(condition, l, r)?));
    if b.dtype_of(l).is_float() {
        outputs.push(("div", b.div(l, r)?));
        return Ok(outputs);
    }
    outputs.extend([
        ("and", b.and(l, r)?),
        ("or", b.or(l, r)?),
        ("xor", b.xor(l, r)?),
        ("shl", b.shl(l, r)?),
        ("shr", b.shr(l, r)?),
        ("sar", b.sar(l, r)?),
    ]);
    Ok(outputs)
}

fn unary(b: &mut Builder, x: &[Node]) -> Result<Outputs, BuildError> {
    let x = x[0];
    let mut outputs = vec![
        ("neg", b.neg(x)?),
        ("abs", b.abs(x)?),
        ("convert f32", b.convert(x, Dtype::F32)?),
        ("convert f64", b.convert(x, Dtype::F64)?),
        ("convert i32", b.convert(x, Dtype::I32)?),
    ];
    if b.dtype_of(x).is_float() {
        outputs.extend([
            ("sqrt", b.sqrt(x)?),
            ("floor", b.floor(x)?),
            ("exp", b.exp(x)?),
            ("log", b.log(x)?),
            ("tanh", b.tanh(x)?),
            ("erf", b.erf(x)?),
            ("erfc", b.erfc(x)?),
        ]);
        return Ok(outputs);
    }
    for (m, s) in [(0, 0), (1, 0), (3, 1), (1, 31), (i32::MAX, 31), (i32::MAX, 62), (5, 3)] {
        outputs.push(("requantise", b.requantise(x, (m, s), (-1_000, 1_000_000))?));
    }
    Ok(outputs)
}

fn ternary(b: &mut Builder, x: &[Node]) -> Result<Outputs, BuildError> {
    Ok(vec![("fma", b.fma(x[0], x[1], x[2])?)])
}

fn movement(b: &mut Builder, x: &[Node]) -> Result<Outputs, BuildError> {
    let (x, indices) = (x[0], x[1]);
    let thin = b.slice(x, &[0, 1, 0], &[2, 2, 4])?;
    let gathered = b.gather(x, indices, 1)?;
    Ok(vec![
        ("reshape", b.reshape(x, &[4, 6])?),
        ("transpose", b.transpose(x, &[2, 0, 1])?),
        ("broadcast", b.broadcast(thin, &[2, 2, 3, 4])?),
        ("slice", b.slice(x, &[1, 0, 1], &[2, 3, 3])?),
        ("concat", b.concat(&[x, thin, x], 1)?),
        ("pad", b.pad(x, &[1, 0, 2], &[0, 2, 1])?),
        ("gather", gathered),
        ("scatter_add", b.scatter_add(gathered, indices, 1, 4)?),
    ])
}

fn folds(b: &mut Builder, x: &[Node]) -> Result<Outputs, BuildError> {
    let (l, r) = (x[0], x[1]);
    let (left, right) = (b.reshape(l, &[3, 1, 37])?, b.transpose(l, &[1, 0])?);
    let right = b.reshape(right, &[1, 37, 3])?;
    let right = b.broadcast(right, &[3, 37, 3])?;
    Ok(vec![
        ("matmul", b.matmul(l, r)?),
        ("matmul", b.matmul(left, right)?),
        ("sum", b.sum(l, 1)?),
        ("sum", b.sum(l, 0)?),
        ("sum", b.sum(r, 0)?),
        ("max_axis", b.max_axis(l, 1)?),
        ("max_axis", b.max_axis(r, 0)?),
        ("argmax", b.argmax(l, 1)?),
        ("argmax", b.argmax(r, 0)?),
    ])
}

fn sources(b: &mut Builder, x: &[Node]) -> Result<Outputs, BuildError> {
    let constant = Tensor::f32(&[2], vec![f32::from_bits(0xffc0_0001), -0.0]);
    Ok(vec![
        ("iota", b.iota(&[3, 4], 0)?),
        ("iota", b.iota(&[3, 4], 1)?),
        ("random_bits", b.random_bits(x[0], 5, &[3, 3])?),
        ("constant", b.constant(constant.expect("two elements"))?),
        ("input", x[0]),
    ])
}

pub(super) fn check(file: &Value, eval: Eval) {
    for case in list(&file["cases"]) {
        let name = text_of(&case["name"]);
        let program = Program::decode(&bytes(&case["program"]));
        let program = program.unwrap_or_else(|error| panic!("{name}: {error}"));
        let inputs: Vec<Tensor> = list(&case["inputs"]).iter().map(to_tensor).collect();
        let results = eval(&program, &inputs).unwrap_or_else(|error| panic!("{name}: {error}"));
        let outputs = list(&case["outputs"]);
        assert_eq!(results.len(), outputs.len(), "{name}: outputs");
        for (result, output) in results.iter().zip(outputs) {
            assert_eq!(*result, to_tensor(output), "{name}: {}", output["op"]);
        }
    }
}

pub(super) fn check_philox(file: &Value, eval: Eval) {
    let word = |value: &Value| {
        u32::from_str_radix(text_of(value).trim_start_matches("0x"), 16).expect("a word of hex")
    };
    let words = |value: &Value| list(value).iter().map(word).collect::<Vec<u32>>();
    for answer in list(&file["answers"]) {
        let counter = words(&answer["counter"]).try_into().expect("four words");
        let key = words(&answer["key"]).try_into().expect("two words");
        assert_eq!(random::philox(counter, key).to_vec(), words(&answer["words"]), "{answer}");
    }
    for case in list(&file["streams"]) {
        let half = |value: &Value| {
            i32::try_from(value.as_i64().expect("a number")).expect("a key's halves are i32")
        };
        let key: Vec<i32> = list(&case["key"]).iter().map(half).collect();
        let stream = u32::try_from(case["stream"].as_u64().expect("a number")).expect("32 bits");
        let expected: Vec<i32> = words(&case["words"]).into_iter().map(u32::cast_signed).collect();
        let mut b = Builder::new();
        let input = b.input(Dtype::I32, &[2]).expect("two elements");
        let bits = b.random_bits(input, stream, &[expected.len()]).expect("few elements");
        let program = b.finish(&[bits]).expect("there is an output");
        let key = Tensor::i32(&[2], key).expect("a key has two halves");
        let results = eval(&program, &[key]).expect("the input is the one declared");
        assert_eq!(results[0].as_i32(), Some(expected.as_slice()), "{case}");
    }
}

/// Returns the op codes that the cases of a file use.
#[cfg(test)]
fn codes(file: &Value) -> std::collections::BTreeSet<u8> {
    let program = |case: &Value| {
        Program::decode(&bytes(&case["program"])).expect("it was encoded a moment ago")
    };
    let of = |program: Program| program.nodes().iter().map(|node| node.op.code()).collect();
    list(&file["cases"]).iter().map(program).flat_map(|p| -> Vec<u8> { of(p) }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_op_is_covered() {
        // Four sources, twelve elementwise ops of all dtypes, nine of floats, seven of i32, eight
        // that move or scatter, four that contract or reduce.
        assert_eq!(super::codes(&super::generate()).len(), 4 + 12 + 9 + 7 + 8 + 4);
    }
}

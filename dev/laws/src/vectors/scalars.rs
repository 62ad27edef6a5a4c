//! One scalar step of every elementwise op, for implementations that have no tensors.
//!
//! A case is one line: lists of operands as flat bytes, and for each of its ops the results. The
//! judge's libraries in Solidity read the file, and so does every evaluator of Programs.
//!
//! *Invariant: every elementwise op code is in some case, with every pair of special values where
//! it takes two operands; a test counts the codes.*
//! Absent: anything that has a shape (`ops_v1.json` has it).

use serde_json::{Value, json};
use tensor::{Builder, Dtype, Program, Shape, Tensor, Value as Node, scalar};

use super::json::{bytes, hex, list, text_of};
use crate::Eval;
use crate::dice::Dice;
use crate::special;

/// Halfway cases, neighbours of powers of two, and numbers whose products and sums lie about the
/// limits of the normal and the subnormal range.
const MORE_F32: [u32; 14] = [
    0x3f80_0001,
    0xbf7f_ffff,
    0x3fff_ffff,
    0x3380_0000,
    0xb380_0001,
    0x4b80_0000,
    0x4b00_0001,
    0x7f00_0000,
    0xfeff_ffff,
    0x0080_0001,
    0x0040_0000,
    0x8000_0003,
    0x2000_0000,
    0xa07f_ffff,
];

/// The same for f64.
const MORE_F64: [u64; 14] = [
    0x3ff0_0000_0000_0001,
    0xbfef_ffff_ffff_ffff,
    0x3fff_ffff_ffff_ffff,
    0x3ca0_0000_0000_0000,
    0xbca0_0000_0000_0001,
    0x4340_0000_0000_0000,
    0x4330_0000_0000_0001,
    0x7fe0_0000_0000_0000,
    0xffdf_ffff_ffff_ffff,
    0x0010_0000_0000_0001,
    0x0008_0000_0000_0000,
    0x8000_0000_0000_0003,
    0x2000_0000_0000_0000,
    0xa00f_ffff_ffff_ffff,
];

/// Random operands beside the special ones.
const RANDOM: usize = 256;
/// Of all triples, one in so many: coprime to the number of values, so that all take part.
const THIN: usize = 47;

const BINARY: [&str; 8] = ["add", "sub", "mul", "min", "max", "lt", "le", "eq"];
const CONVERSIONS: [&str; 3] = ["convert f32", "convert f64", "convert i32"];
const FUNCTIONS: [&str; 7] = ["sqrt", "floor", "exp", "log", "tanh", "erf", "erfc"];
const INTEGER: [&str; 6] = ["and", "or", "xor", "shl", "shr", "sar"];

pub(super) fn generate() -> Value {
    let mut dice = Dice::new(0x7363_616c_6172);
    let mut cases = Vec::new();
    for dtype in Dtype::ALL {
        let values = values(dtype);
        let mut binary = BINARY.to_vec();
        let mut unary = vec!["neg", "abs"];
        unary.extend(CONVERSIONS);
        if dtype.is_float() {
            binary.push("div");
            unary.extend(FUNCTIONS);
        } else {
            binary.extend(INTEGER);
        }
        let [a, b] = lists(&values, &mut dice, dtype, 1);
        cases.push(case("pairs", &[(dtype, a), (dtype, b)], &binary));
        let [a] = lists(&values, &mut dice, dtype, 1);
        cases.push(case("values", &[(dtype, a)], &unary));
        let [a, b, c] = lists(&values, &mut dice, dtype, THIN);
        if dtype.is_float() {
            let operands = [(dtype, a), (dtype, b.clone()), (dtype, c)];
            cases.push(case("triples", &operands, &["fma"]));
        }
        let conditions = b.chunks_exact(dtype.size()).enumerate();
        let conditions = conditions.flat_map(|(i, _)| [0, 1, -1, i32::MIN][i % 4].to_le_bytes());
        let operands = [(Dtype::I32, conditions.collect()), (dtype, b.clone()), (dtype, b)];
        cases.push(case("choices", &operands, &["select"]));
    }
    cases.push(requantise(&mut dice));
    json!({
        "about": "docs/numerics.md: one scalar step of every elementwise op; bytes are \
                  little-endian; dtypes are 0 f32, 1 f64, 2 i32",
        "version": 1,
        "cases": cases,
    })
}

/// The special values of a dtype as the bits of their elements.
fn values(dtype: Dtype) -> Vec<u64> {
    match dtype {
        Dtype::F32 => {
            let special = special::F32.iter().map(|x| x.to_bits());
            special.chain(MORE_F32).map(u64::from).collect()
        }
        Dtype::F64 => special::F64.iter().map(|x| x.to_bits()).chain(MORE_F64).collect(),
        Dtype::I32 => special::I32.iter().map(|x| u64::from(x.cast_unsigned())).collect(),
    }
}

/// Returns `N` lists whose elements at one place are a tuple of values: all tuples, or one in
/// `thin`, then random ones. Half of those have exponents near each other.
fn lists<const N: usize>(
    values: &[u64],
    dice: &mut Dice,
    dtype: Dtype,
    thin: usize,
) -> [Vec<u8>; N] {
    let mut lists = [const { Vec::new() }; N];
    let mut push = |tuple: [u64; N]| {
        for (list, bits) in lists.iter_mut().zip(tuple) {
            list.extend_from_slice(&bits.to_le_bytes()[..dtype.size()]);
        }
    };
    let all = values.len().pow(u32::try_from(N).expect("at most three operands"));
    for index in (0..all).step_by(thin) {
        let mut rest = index;
        push([(); N].map(|()| {
            let value = values[rest % values.len()];
            rest /= values.len();
            value
        }));
    }
    for index in 0..RANDOM {
        let any = [(); N].map(|()| dice.long());
        push(if index % 2 == 0 || !dtype.is_float() { any } else { any.map(|x| near(dtype, x)) });
    }
    lists
}

/// Moves a float's exponent to within a few of that of 1.
fn near(dtype: Dtype, bits: u64) -> u64 {
    match dtype {
        Dtype::F32 => bits & 0x81ff_ffff | 0x3e00_0000,
        _ => bits & 0x803f_ffff_ffff_ffff | 0x3fc0_0000_0000_0000,
    }
}

fn case(name: &str, operands: &[(Dtype, Vec<u8>)], ops: &[&str]) -> Value {
    let outputs: Vec<(u8, Tensor)> = ops.iter().map(|op| run(tensor::eval, op, operands)).collect();
    let codes: Vec<u8> = outputs.iter().map(|(code, _)| *code).collect();
    let dtypes: Vec<u8> = outputs.iter().map(|(_, result)| result.dtype().code()).collect();
    json!({
        "name": format!("{name} {}", operands[operands.len() - 1].0),
        "operands": operands.iter().map(|(_, bytes)| hex(bytes)).collect::<Vec<_>>(),
        "operand_dtypes": hex(&operands.iter().map(|(dtype, _)| dtype.code()).collect::<Vec<_>>()),
        "ops": ops,
        "codes": hex(&codes),
        "result_dtypes": hex(&dtypes),
        "results": outputs.iter().map(|(_, x)| hex(&x.to_bytes())).collect::<Vec<_>>(),
    })
}

/// Runs one op on flat operands; returns its code and the result.
fn run(eval: Eval, op: &str, operands: &[(Dtype, Vec<u8>)]) -> (u8, Tensor) {
    let inputs: Vec<Tensor> = operands.iter().map(|(dtype, bytes)| flat(*dtype, bytes)).collect();
    let program = program(op, &inputs);
    let result = eval(&program, &inputs).expect("the inputs are those declared").remove(0);
    let node = program.nodes().last().expect("a Program has ops");
    (node.op.code(), result)
}

fn flat(dtype: Dtype, bytes: &[u8]) -> Tensor {
    let shape = Shape::new(&[bytes.len() / dtype.size()]).expect("few elements, at least one");
    Tensor::from_bytes(dtype, &shape, bytes).expect("whole elements")
}

fn program(op: &str, inputs: &[Tensor]) -> Program {
    let mut b = Builder::new();
    let declare = |x: &Tensor| b.input(x.dtype(), x.shape().dims()).expect("a tensor's shape");
    let x: Vec<Node> = inputs.iter().map(declare).collect();
    let built = match op {
        "add" => b.add(x[0], x[1]),
        "sub" => b.sub(x[0], x[1]),
        "mul" => b.mul(x[0], x[1]),
        "neg" => b.neg(x[0]),
        "abs" => b.abs(x[0]),
        "min" => b.min(x[0], x[1]),
        "max" => b.max(x[0], x[1]),
        "lt" => b.lt(x[0], x[1]),
        "le" => b.le(x[0], x[1]),
        "eq" => b.eq(x[0], x[1]),
        "select" => b.select(x[0], x[1], x[2]),
        "convert f32" => b.convert(x[0], Dtype::F32),
        "convert f64" => b.convert(x[0], Dtype::F64),
        "convert i32" => b.convert(x[0], Dtype::I32),
        "div" => b.div(x[0], x[1]),
        "fma" => b.fma(x[0], x[1], x[2]),
        "sqrt" => b.sqrt(x[0]),
        "floor" => b.floor(x[0]),
        "exp" => b.exp(x[0]),
        "log" => b.log(x[0]),
        "tanh" => b.tanh(x[0]),
        "erf" => b.erf(x[0]),
        "erfc" => b.erfc(x[0]),
        "and" => b.and(x[0], x[1]),
        "or" => b.or(x[0], x[1]),
        "xor" => b.xor(x[0], x[1]),
        "shl" => b.shl(x[0], x[1]),
        "shr" => b.shr(x[0], x[1]),
        "sar" => b.sar(x[0], x[1]),
        other => panic!("the vectors name no elementwise op {other}"),
    };
    let output = built.unwrap_or_else(|error| panic!("{op}: {error}"));
    b.finish(&[output]).expect("there is an output")
}

/// Rows of `x, m, s, lo, hi` with the result of requantise.
fn requantise(dice: &mut Dice) -> Value {
    let rows: Vec<[i32; 5]> = (0..4 * special::I32.len() + RANDOM)
        .map(|index| {
            let x = special::I32.get(index / 4).copied();
            let x = x.unwrap_or_else(|| dice.word().cast_signed());
            let any = (dice.word() & 0x7fff_ffff).cast_signed();
            let m = *dice.pick(&[0, 1, 3, i32::MAX, any]);
            let s = i32::try_from(dice.below(63)).expect("below 63");
            let bounds = [dice.word(), dice.word()].map(u32::cast_signed);
            let wide = [i32::MIN, i32::MAX];
            let [lo, hi] = if dice.one_in(3) { bounds } else { wide };
            [x, m, s, lo.min(hi), hi.max(lo)]
        })
        .collect();
    let results = rows.iter().flat_map(|[x, m, s, lo, hi]| {
        scalar::requantise(*x, (*m, s.cast_unsigned()), (*lo, *hi)).to_le_bytes()
    });
    let column =
        |at: usize| hex(&rows.iter().flat_map(|r| r[at].to_le_bytes()).collect::<Vec<_>>());
    let columns: Vec<String> = (0..5).map(column).collect();
    json!({
        "name": "requantise: x, m, s, lo, hi",
        "operands": columns,
        "operand_dtypes": hex(&[Dtype::I32.code(); 5]),
        "ops": ["requantise"],
        "codes": "0x36",
        "result_dtypes": hex(&[Dtype::I32.code()]),
        "results": [hex(&results.collect::<Vec<_>>())],
    })
}

/// Checks an evaluator of Programs against every case.
pub(super) fn check(file: &Value, eval: Eval) {
    for case in list(&file["cases"]) {
        let name = text_of(&case["name"]);
        let dtypes = bytes(&case["operand_dtypes"]).into_iter();
        let dtypes = dtypes.map(|code| Dtype::from_code(code).expect("a dtype's code"));
        let operands: Vec<_> = dtypes.zip(list(&case["operands"]).iter().map(bytes)).collect();
        let codes = bytes(&case["codes"]);
        for (at, (op, expected)) in
            list(&case["ops"]).iter().zip(list(&case["results"])).enumerate()
        {
            let op = text_of(op);
            if op == "requantise" {
                check_requantise(&operands, &bytes(expected), eval);
                continue;
            }
            let (code, result) = run(eval, op, &operands);
            assert_eq!(code, codes[at], "{name}: {op}");
            assert_eq!(hex(&result.to_bytes()), text_of(expected), "{name}: {op}");
        }
    }
}

fn check_requantise(operands: &[(Dtype, Vec<u8>)], expected: &[u8], eval: Eval) {
    let element = |bytes: &[u8], row: usize| {
        i32::from_le_bytes(bytes[4 * row..][..4].try_into().expect("four bytes"))
    };
    for row in 0..expected.len() / 4 {
        let [x, m, s, lo, hi] = [0, 1, 2, 3, 4].map(|at: usize| element(&operands[at].1, row));
        let mut b = Builder::new();
        let input = b.input(Dtype::I32, &[1]).expect("one element");
        let output = b.requantise(input, (m, s.cast_unsigned()), (lo, hi));
        let program = b.finish(&[output.expect("the rows keep the bounds")]).expect("an output");
        let x = Tensor::i32(&[1], vec![x]).expect("one element");
        let result = eval(&program, &[x]).expect("the input is the one declared").remove(0);
        assert_eq!(result.as_i32(), Some(&[element(expected, row)][..]), "{m} {s} {lo} {hi}");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_elementwise_op_is_covered() {
        let file = generate();
        let codes: BTreeSet<u8> =
            list(&file["cases"]).iter().flat_map(|case| bytes(&case["codes"])).collect();
        let expected = (0x10..=0x1b).chain(0x20..=0x28).chain(0x30..=0x36);
        assert_eq!(codes, expected.collect());
    }
}

//! Berkeley TestFloat's level 1 for every operation it has in common with the ops.
//!
//! `testfloat_gen` prints operands and results, one case a line. All of them are compared with the
//! reference, and with Solidity as many as a run has time for: where there are more, one in so
//! many. A NaN is a NaN, since the formats leave its bits open and the ops have only one.
//!
//! Where the program is not installed (`testfloat` in Debian), the test says so and passes:
//! `patterns` in `cases.rs` covers the same ground without it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::machine::Machine;
use super::ops::{self, Op};
use super::{BATCH, variable};

/// Cases of one operation that go through the EVM, unless `ASSAY_CASES` names another number.
const CASES: u64 = 50_000;
/// The flag of an operation that has no result, such as an integer beyond 32 bits.
const INVALID: u64 = 0x10;

/// One line: operands, the result's bits, flags.
struct Line {
    operands: [u64; 3],
    result: u64,
    flags: u64,
}

#[test]
fn level_1_agrees() {
    let basic = [
        ops::F32_ADD,
        ops::F32_MUL,
        ops::F32_DIV,
        ops::F32_SQRT,
        ops::F32_FMA,
        ops::F64_ADD,
        ops::F64_MUL,
        ops::F64_DIV,
        ops::F64_SQRT,
        ops::F64_FMA,
        ops::F64_TO_F32,
    ];
    let mut machine = Machine::new();
    for op in basic.into_iter().chain(ops::OTHERS) {
        let Some(count) = run(op, |_, _| ()) else {
            eprintln!("SKIPPED: TestFloat: testfloat_gen is not installed");
            return;
        };
        let step = count.div_ceil(variable("ASSAY_CASES", CASES)) | 1;
        let mut batch = Vec::with_capacity(BATCH);
        run(op, |index, line| {
            check(op, &line, op.reference(line.operands), "reference");
            if index % step == 0 {
                batch.push(line);
            }
            if batch.len() == BATCH {
                solidity(&mut machine, op, &mut batch);
            }
        });
        solidity(&mut machine, op, &mut batch);
        eprintln!("TestFloat {}: {count} cases, one in {step} through the EVM", op.testfloat[0]);
    }
}

fn solidity(machine: &mut Machine, op: Op, batch: &mut Vec<Line>) {
    let operands: Vec<[u64; 3]> = batch.iter().map(|line| line.operands).collect();
    let results = machine.compute([op.code, op.dtype, op.result], &operands);
    for (line, got) in batch.drain(..).zip(results) {
        check(op, &line, got, "Solidity");
    }
}

fn check(op: Op, line: &Line, got: u64, who: &str) {
    // For a result that does not exist the ops saturate, and the formats leave open what is given.
    if op.result == 2 && op.code == 0x1b && line.flags & INVALID != 0 {
        return;
    }
    let expected = match op.result {
        0 if line.result & 0x7fff_ffff > 0x7f80_0000 => 0x7fc0_0000,
        1 if line.result & u64::MAX >> 1 > 0x7ff << 52 => 0x7ff8 << 48,
        _ => line.result,
    };
    assert_eq!(got, expected, "{who}: {} of {:x?}", op.testfloat[0], line.operands);
}

/// Hands every case of an operation to `take`; returns how many there were, or nothing where the
/// program is not installed.
fn run(op: Op, mut take: impl FnMut(u64, Line)) -> Option<u64> {
    let program = std::env::var_os("ASSAY_TESTFLOAT").unwrap_or_else(|| "testfloat_gen".into());
    let [function, rounding] = op.testfloat;
    let mut child: Child = Command::new(program)
        .args(["-level", "1", rounding, function])
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let output = BufReader::new(child.stdout.take().expect("stdout was piped just above"));
    let mut count = 0;
    for line in output.lines() {
        let line = line.expect("testfloat_gen writes text");
        let words: Vec<u64> = line.split(' ').map(hex).collect();
        let [operands @ .., result, flags] = &words[..] else { panic!("{function}: {line}") };
        assert_eq!(operands.len(), op.operands, "{function}: {line}");
        let mut padded = [0; 3];
        padded[..operands.len()].copy_from_slice(operands);
        take(count, Line { operands: padded, result: *result, flags: *flags });
        count += 1;
    }
    let status = child.wait().expect("it was started above");
    assert!(status.success() && count > 0, "testfloat_gen {function}: {status}");
    Some(count)
}

fn hex(word: &str) -> u64 {
    u64::from_str_radix(word, 16).unwrap_or_else(|error| panic!("{word}: {error}"))
}

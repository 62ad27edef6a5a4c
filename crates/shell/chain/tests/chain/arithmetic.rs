//! The judge's arithmetic against this machine's: the compiled libraries run millions of cases, the
//! hardware and the reference interpreter say what is right.
//!
//! Half of the cases are any bits; the other half is built so that terms cancel, mantissas lie
//! halfway, and results fall about the limits of the normal and the subnormal range. Where
//! Berkeley TestFloat is installed, its level 1 is run through all three as well.
//!
//! `ASSAY_SEED` chooses the cases and `ASSAY_CASES` how many of each f32 operation; both are
//! printed, and a failure names its operands.

#![expect(
    clippy::print_stderr,
    reason = "seeds and what was skipped are for whoever reads the log"
)]

mod cases;
mod machine;
mod ops;
mod testfloat;

use laws::dice::Dice;

use self::cases::Format;
use self::machine::Machine;
use self::ops::Op;

/// Cases of each f32 operation in a run that names no number.
const CASES: u64 = 200_000;
const SEED: u64 = 0x6173_7361_7932;
/// Cases that go into one call.
const BATCH: usize = 4_096;

fn variable(name: &str, otherwise: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return otherwise };
    text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}"))
}

/// Runs cases of one operation through hardware, reference and Solidity.
fn agrees(op: Op, share: u64) {
    let (seed, count) = (variable("ASSAY_SEED", SEED), variable("ASSAY_CASES", CASES) / share);
    eprintln!("{}: ASSAY_SEED={seed}, {count} cases", op.name);
    // Each operation has its own stream, whichever tests run beside it.
    let mut dice = Dice::new(seed ^ u64::from(op.code) << 48 ^ u64::from(op.dtype) << 56);
    let mut machine = Machine::new();
    let mut operands = Vec::with_capacity(BATCH);
    for index in 0..count {
        operands.push(if index % 2 == 0 {
            [dice.long(), dice.long(), dice.long()].map(|x| x & op.format().mask())
        } else {
            cases::built(&mut dice, op)
        });
        if operands.len() == BATCH || index + 1 == count {
            compare(&mut machine, op, &operands);
            operands.clear();
        }
    }
}

/// Runs every pair, and a thinned list of triples, of boundary exponents with telling mantissas.
fn agrees_on_patterns(op: Op) {
    let mut machine = Machine::new();
    for batch in cases::patterns(op).chunks(BATCH) {
        compare(&mut machine, op, batch);
    }
}

/// Fails at the first case on which hardware, reference and Solidity are not of one bit.
fn compare(machine: &mut Machine, op: Op, operands: &[[u64; 3]]) {
    let results = machine.compute([op.code, op.dtype, op.result], operands);
    assert_eq!(results.len(), operands.len(), "{}", op.name);
    for (case, got) in operands.iter().zip(results) {
        let [hardware, reference] = [op.hardware(*case), op.reference(*case)];
        assert_eq!(reference, hardware, "{} of {case:x?}: reference, hardware", op.name);
        assert_eq!(got, reference, "{} of {case:x?}: Solidity, reference", op.name);
    }
}

macro_rules! operations {
    ($($test:ident: $op:expr, $share:expr;)*) => {
        $(
            mod $test {
                #[test]
                fn agrees_with_the_hardware() {
                    super::agrees($op, $share);
                }

                #[test]
                fn agrees_on_patterns() {
                    super::agrees_on_patterns($op);
                }
            }
        )*
    };
}

operations! {
    f32_add: super::ops::F32_ADD, 1;
    f32_mul: super::ops::F32_MUL, 1;
    f32_div: super::ops::F32_DIV, 1;
    f32_sqrt: super::ops::F32_SQRT, 1;
    f32_fma: super::ops::F32_FMA, 1;
    f64_add: super::ops::F64_ADD, 4;
    f64_mul: super::ops::F64_MUL, 4;
    f64_div: super::ops::F64_DIV, 4;
    f64_sqrt: super::ops::F64_SQRT, 4;
    f64_fma: super::ops::F64_FMA, 4;
    f64_to_f32: super::ops::F64_TO_F32, 4;
}

/// The elementary functions have no hardware: the reference is their definition.
#[test]
fn elementary_functions_are_the_reference() {
    let (seed, count) = (variable("ASSAY_SEED", SEED), variable("ASSAY_CASES", CASES) / 100);
    eprintln!("elementary functions: ASSAY_SEED={seed}, {count} cases each");
    let mut machine = Machine::new();
    for op in ops::ELEMENTARY {
        let mut dice = Dice::new(seed ^ u64::from(op.code) << 48 ^ u64::from(op.dtype) << 56);
        let operands: Vec<[u64; 3]> = (0..count)
            .map(|index| match index % 4 {
                0 => [dice.long() & op.format().mask(), 0, 0],
                1 => [cases::built(&mut dice, op)[0], 0, 0],
                _ => [cases::ordinary(&mut dice, op), 0, 0],
            })
            .collect();
        compare(&mut machine, op, &operands);
    }
}

#[test]
fn a_format_knows_its_limits() {
    let (single, double) = (Format::SINGLE, Format::DOUBLE);
    assert_eq!(single.mask(), u64::from(u32::MAX));
    assert_eq!(double.mask(), u64::MAX);
    assert_eq!(single.bias(), 127);
    assert_eq!(double.bias(), 1023);
}

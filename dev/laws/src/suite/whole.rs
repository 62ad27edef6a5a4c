//! Laws of whole Programs: observation, refusal, agreement.

use proptest::prelude::{any, proptest};
use proptest::test_runner::Config;
use tensor::{Builder, Dtype, EvalError, Tensor};

use super::{f32s, i32s};
use crate::Eval;
use crate::cases::Case;

/// Random Programs a law looks at.
const CASES: u32 = 1_000;

/// The most ops of a random Program.
const OPS_MAX: usize = 40;

/// Golden vectors hold.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn golden_vectors_hold(eval: Eval) {
    crate::vectors::check(eval);
}

/// A node's value is the same whether it is an output or not, and in a second run.
///
/// Catches what fusion and reused buffers can break: an interpreter that keeps everything, because
/// everything is an output, must agree with one that keeps as little as it can.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn being_observed_changes_nothing(eval: Eval) {
    proptest!(Config::with_cases(CASES / 4), |(seed in any::<u64>(), size in 1..OPS_MAX)| {
        let case = Case::random(seed, size);
        let few = eval(&case.program, &case.inputs).expect("a case's inputs fit");
        let observed = Case::observed(seed, size);
        let all = eval(&observed.program, &observed.inputs).expect("a case's inputs fit");
        assert_eq!(few, all[..few.len()], "{}", case.program);
    });
}

/// Wrong inputs are refused, each for its reason.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn wrong_inputs_are_refused(eval: Eval) {
    let mut b = Builder::new();
    let x = b.input(Dtype::F32, &[2]).expect("two elements");
    let program = b.finish(&[x]).expect("there is an output");
    let good = f32s(&[1.0, 2.0]);
    assert_eq!(eval(&program, &[]), Err(EvalError::Count { expected: 1, got: 0 }));
    let two = [good.clone(), good.clone()];
    assert_eq!(eval(&program, &two), Err(EvalError::Count { expected: 1, got: 2 }));
    let dtype = EvalError::Dtype { index: 0, expected: Dtype::F32, got: Dtype::I32 };
    assert_eq!(eval(&program, &[i32s(&[1, 2])]), Err(dtype));
    let long = f32s(&[1.0; 3]);
    let shape = EvalError::Shape { index: 0, expected: *good.shape(), got: *long.shape() };
    assert_eq!(eval(&program, &[long]), Err(shape));
    let square = Tensor::f32(&[1, 2], vec![1.0, 2.0]).expect("two elements");
    assert!(eval(&program, &[square]).is_err(), "as many elements in another shape");
    assert_eq!(eval(&program, std::slice::from_ref(&good)), Ok(vec![good]));
}

/// A twin gives the reference's bits on random Programs.
///
/// # Panics
///
/// If the twin differs; the Program is printed.
pub fn equals_the_reference(twin: Eval) {
    proptest!(Config::with_cases(CASES), |(seed in any::<u64>(), size in 1..OPS_MAX)| {
        let case = Case::random(seed, size);
        let expected = tensor::eval(&case.program, &case.inputs).expect("a case's inputs fit");
        let got = twin(&case.program, &case.inputs).expect("a case's inputs fit");
        for (index, (got, expected)) in got.iter().zip(&expected).enumerate() {
            let same = got == expected;
            assert!(same, "output {index}: {got:?} not {expected:?} of\n{}", case.program);
        }
    });
}

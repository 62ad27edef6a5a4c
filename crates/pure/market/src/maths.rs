//! The few functions the pure floor may not take from the platform, by way of a Program.
//!
//! `f64::ln` differs in the last bit from one platform's library to the next, and a feature that
//! differs in a bit makes another update. The Program's logarithm does not differ.

use tensor::scalar::Float;
use tensor::{Builder, Dtype, Tensor};

/// Returns the natural logarithm of each number: the op `log` of docs/numerics.md.
pub(crate) fn ln(numbers: &[f64]) -> Vec<f64> {
    if numbers.is_empty() {
        return Vec::new();
    }
    let run = || -> Option<Vec<f64>> {
        let mut b = Builder::new();
        let x = b.input(Dtype::F64, &[numbers.len()]).ok()?;
        let y = b.log(x).ok()?;
        let program = b.finish(&[y]).ok()?;
        let input = Tensor::f64(&[numbers.len()], numbers.to_vec()).ok()?;
        let outputs = tensor::eval(&program, &[input]).ok()?;
        Some(outputs.first()?.as_f64()?.to_vec())
    };
    run().expect("one log over a vector of at most 2^31 - 1 elements is a valid Program")
}

/// Returns the natural logarithm: the op `log` of docs/numerics.md, one number at a time.
pub(crate) fn log(x: f64) -> f64 {
    x.op_log()
}

/// Returns e to the power: the op `exp` of docs/numerics.md.
pub(crate) fn exp(x: f64) -> f64 {
    x.op_exp()
}

/// Returns the mean, 0 for no numbers.
pub(crate) fn mean(numbers: &[f64]) -> f64 {
    if numbers.is_empty() { 0.0 } else { numbers.iter().sum::<f64>() / count(numbers.len()) }
}

/// Returns a count as f64; exact, since no list here comes near 2^53 elements.
pub(crate) fn count(n: usize) -> f64 {
    n as f64
}

/// Rounds to f32, to nearest, ties to even.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose")]
pub(crate) fn narrow(x: f64) -> f32 {
    x as f32
}

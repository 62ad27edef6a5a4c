//! The fast twin of tensor's reference interpreter: same Programs, same bits, less time.
//!
//! A Program is planned once ([`Runner::new`]) and run many times: elementwise ops are fused into
//! groups that stay in cache, matmuls are blocked and vectorised across outputs, buffers are shared
//! by liveness and reused. Instructions beyond the target's baseline are found at run time
//! ([`Level`]). [`commit`] is the same for the hashes that name a tensor.
//!
//! *Invariant: for every Program and every input the outputs equal [`tensor::eval`]'s to the last
//! bit, on every CPU, at every level, on any number of threads.* The suite in `laws`, random
//! Programs and the golden vectors check it; a difference is a bug here, never there.
//!
//! Deliberately absent: steps side by side ([`Threads`] share one step after the other), intrinsics
//! but in keccak and the widest matrix product, approximate modes, any rewriting of arithmetic.

mod buffer;
pub mod commit;
mod element;
mod elementwise;
mod fused;
mod gemm;
mod keccak;
mod level;
mod movement;
mod plan;
mod reduce;
mod runner;
mod single;
mod threads;

pub use level::Level;
pub use runner::Runner;
pub use single::single;
pub use threads::Threads;

use tensor::{EvalError, Program, Tensor};

/// Returns the outputs of `program` for `inputs`: [`tensor::eval`], faster.
///
/// Plans the Program anew on every call; a loop should keep a [`Runner`].
///
/// # Errors
///
/// [`EvalError`] if the inputs are not those that the Program declares.
///
/// ```
/// use tensor::{Builder, Dtype, Tensor};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::F64, &[2, 2])?;
/// let y = b.matmul(x, x)?;
/// let program = b.finish(&[y])?;
/// let inputs = [Tensor::f64(&[2, 2], vec![1.0, 1.0, 0.0, 1.0])?];
/// assert_eq!(kernels::eval(&program, &inputs)?, tensor::eval(&program, &inputs)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn eval(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
    Runner::new(program).run(inputs)
}

//! One op by itself, as a dispute asks for it: its operands are at hand, its result is wanted
//! whole.
//!
//! *Invariant: the result is what a run of the whole Program gives for that op, to the last bit.*
//! Absent: fusing, and memory kept between calls; what is computed is handed out, not copied.

use tensor::{Op, Program, Tensor};

use crate::Runner;

/// Returns the tensor of op `index` of a Program for its operands, in order; `inputs` are the
/// Program's. [`tensor::eval_node`], faster.
///
/// # Panics
///
/// If there is no such op, or operands or inputs are not of the types that the Program says; or as
/// [`Runner::run`].
///
/// ```
/// use tensor::{Builder, Dtype, Tensor};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::F32, &[2])?;
/// let y = b.mul(x, x)?;
/// let program = b.finish(&[y])?;
/// let x = Tensor::f32(&[2], vec![2.0, 3.0])?;
/// let squares = kernels::single(&program, 1, &[&x, &x], &[x.clone()]);
/// assert_eq!(squares.as_f32(), Some(&[4.0, 9.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn single(program: &Program, index: usize, operands: &[&Tensor], inputs: &[Tensor]) -> Tensor {
    let op = &program.nodes()[index].op;
    match op {
        Op::Input { index, .. } => inputs[*index].clone(),
        Op::Constant(tensor) => tensor.as_ref().clone(),
        _ => {
            let places = op.operands();
            let first = |at: &usize| !places[..*at].contains(&places[*at]);
            let sources: Vec<&Tensor> =
                (0..places.len()).filter(first).map(|at| operands[at]).collect();
            let outputs = Runner::new(&program.single(index)).run(&sources);
            outputs.expect("the operands are as the Program says").swap_remove(0)
        }
    }
}

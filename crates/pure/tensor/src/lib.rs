//! Tensor programs whose result is defined to the last bit.
//!
//! A [`Program`] is a straight-line list of tensor operations in single-assignment form over three
//! dtypes (`f32`, `f64`, `i32`). It has no branches, no I/O, no state: the same Program on the same
//! inputs gives the same bits on every machine, so a result is identified by its hash, and a wrong
//! result is provably wrong. [`eval`] is the living definition of what each [`Op`] means;
//! `docs/numerics.md` says the same in words and is what a second implementation is written from.
//!
//! Invariant: every [`Program`] that exists is well formed (operands earlier, dtypes and shapes
//! agree, limits kept), whether it came from a [`Builder`] or from [`Program::decode`].
//! Evaluation is total: it fails only for inputs that are not what the Program declares.
//!
//! Deliberately absent: dynamic shapes, control flow, implicit broadcasting, speed (the crate
//! `kernels` is the fast twin), and any function of the platform's mathematics library.
//!
//! # Example
//!
//! One step of gradient descent on a squared error, as a Program:
//!
//! ```
//! use tensor::{Builder, Dtype, Tensor, eval};
//!
//! let mut b = Builder::new();
//! let w = b.input(Dtype::F32, &[1])?;
//! let x = b.input(Dtype::F32, &[1])?;
//! let y = b.mul(w, x)?;
//! let loss = b.mul(y, y)?;
//! let loss = b.sum(loss, 0)?;
//! let gradient = b.gradient(loss, &[w])?[0];
//! let program = b.finish(&[loss, gradient])?;
//!
//! let inputs = [Tensor::f32(&[1], vec![3.0])?, Tensor::f32(&[1], vec![2.0])?];
//! let outputs = eval(&program, &inputs)?;
//! assert_eq!(outputs[0].as_f32(), Some(&[36.0][..]));
//! assert_eq!(outputs[1].as_f32(), Some(&[24.0][..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod check;
mod dtype;
mod encoding;
mod eval;
mod gradient;
mod hash;
mod op;
mod program;
pub mod random;
pub mod scalar;
mod shape;
mod tensor;
mod text;
pub mod tree;
mod work;

pub use builder::{BuildError, Builder, Value};
pub use check::{OpError, check_op};
pub use dtype::Dtype;
pub use encoding::{DecodeError, ENCODING_SIZE_MAX, Stated, StatedOp};
pub use eval::{EvalError, eval, eval_each, eval_node};
pub use hash::{Hash, ParseHashError};
pub use op::{CONCAT_MAX, Family, Op};
pub use program::{InputType, Node, OPS_MAX, Program};
pub use shape::{COUNT_MAX, RANK_MAX, Shape, ShapeError};
pub use tensor::Tensor;
pub use text::TextError;

//! The reference interpreter: the living definition of every op, in plain loops.
//!
//! Every other implementation (the fast kernels, the referee's contract) must give the same bits.
//! A node's tensor is dropped after its last use. Invariant: total; once the inputs have the
//! declared types there is nothing that can fail.
//! Absent: blocking, threads, SIMD, fusion. Orders of summation are those of `docs/numerics.md`.

mod elementwise;
mod fold;
mod movement;

use crate::{Dtype, Node, Op, Program, Shape, Tensor, random, tensor::Data};

/// Why a Program was not evaluated: the inputs are not those it declares.
///
/// ```
/// use tensor::{Builder, Dtype, EvalError, eval};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::F32, &[])?;
/// let program = b.finish(&[x])?;
/// assert_eq!(eval(&program, &[]), Err(EvalError::Count { expected: 1, got: 0 }));
/// # Ok::<(), tensor::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// Another number of inputs.
    #[error("the Program takes {expected} inputs, got {got}")]
    Count {
        /// Declared inputs.
        expected: usize,
        /// Given inputs.
        got: usize,
    },
    /// An input of another dtype.
    #[error("input {index} is {expected}, got {got}")]
    Dtype {
        /// Which input.
        index: usize,
        /// Its declared dtype.
        expected: Dtype,
        /// The given one.
        got: Dtype,
    },
    /// An input of another shape.
    #[error("input {index} has shape {expected}, got {got}")]
    Shape {
        /// Which input.
        index: usize,
        /// Its declared shape.
        expected: Shape,
        /// The given one.
        got: Shape,
    },
}

impl Program {
    /// Checks that `inputs` are those the Program declares, in number, dtype and shape.
    ///
    /// # Errors
    ///
    /// [`EvalError`] naming the first that is not.
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// let x = b.input(tensor::Dtype::F32, &[1])?;
    /// let program = b.finish(&[x])?;
    /// assert!(program.check_inputs(&[tensor::Tensor::i32(&[1], vec![0])?]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_inputs(&self, inputs: &[Tensor]) -> Result<(), EvalError> {
        let (expected, got) = (self.inputs().len(), inputs.len());
        if expected != got {
            return Err(EvalError::Count { expected, got });
        }
        for (index, (&(dtype, shape), input)) in self.inputs().iter().zip(inputs).enumerate() {
            if input.dtype() != dtype {
                return Err(EvalError::Dtype { index, expected: dtype, got: input.dtype() });
            }
            if *input.shape() != shape {
                return Err(EvalError::Shape { index, expected: shape, got: *input.shape() });
            }
        }
        Ok(())
    }
}

/// Returns the outputs of `program` for `inputs`, in order.
///
/// # Errors
///
/// [`EvalError`] if the inputs are not those the Program declares; nothing else can fail.
///
/// ```
/// use tensor::{Builder, Dtype, Tensor, eval};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::I32, &[2])?;
/// let y = b.sum(x, 0)?;
/// let program = b.finish(&[y])?;
/// let outputs = eval(&program, &[Tensor::i32(&[2], vec![i32::MAX, 1])?])?;
/// assert_eq!(outputs, [Tensor::i32(&[], vec![i32::MIN])?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn eval(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
    eval_each(program, inputs, |_, _, _| {})
}

/// Evaluates as [`eval`] and shows every op's index, operands and result when it is computed.
///
/// The whole execution passes by, and no more of it is held at a time than evaluation needs.
///
/// # Errors
///
/// As [`eval`], before anything is shown.
///
/// ```
/// use tensor::{Builder, Dtype, Tensor, eval_each};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::I32, &[])?;
/// let y = b.add(x, x)?;
/// let program = b.finish(&[y])?;
/// let mut seen = Vec::new();
/// eval_each(&program, &[Tensor::i32(&[], vec![3])?], |index, operands, result| {
///     seen.push((index, operands.len(), result.as_i32().map(|x| x[0])));
/// })?;
/// assert_eq!(seen, [(0, 0, Some(3)), (1, 2, Some(6))]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn eval_each(
    program: &Program,
    inputs: &[Tensor],
    mut show: impl FnMut(usize, &[&Tensor], &Tensor),
) -> Result<Vec<Tensor>, EvalError> {
    program.check_inputs(inputs)?;
    let nodes = program.nodes();
    let mut last_use = vec![0; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        node.op.operands().iter().for_each(|operand| last_use[*operand] = index);
    }
    program.outputs().iter().for_each(|output| last_use[*output] = nodes.len());
    let mut values: Vec<Option<Tensor>> = vec![None; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        let operands = node.op.operands();
        let get = |place: &usize| values[*place].as_ref().expect("a value lives to its last use");
        let taken: Vec<&Tensor> = operands.iter().map(get).collect();
        let value = apply(node, &taken, inputs);
        show(index, &taken, &value);
        for operand in operands {
            if last_use[operand] == index {
                values[operand] = None;
            }
        }
        values[index] = Some(value);
    }
    let output = |place: &usize| values[*place].clone().expect("outputs live to the end");
    Ok(program.outputs().iter().map(output).collect())
}

/// Returns the result of one op of a Program for its operands, in order.
///
/// Who holds the operands need not run the Program: so a part of an execution can be looked at.
///
/// # Panics
///
/// If the operands do not have the types that [`check_op`](crate::check_op) takes, or the inputs
/// not those the Program declares.
///
/// ```
/// use tensor::{Builder, Dtype, Tensor, eval_node};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::I32, &[1])?;
/// let y = b.neg(x)?;
/// let program = b.finish(&[y])?;
/// let x = Tensor::i32(&[1], vec![5])?;
/// assert_eq!(eval_node(&program.nodes()[1], &[&x], &[]), Tensor::i32(&[1], vec![-5])?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn eval_node(node: &Node, operands: &[&Tensor], inputs: &[Tensor]) -> Tensor {
    apply(node, operands, inputs)
}

fn apply(node: &Node, xs: &[&Tensor], inputs: &[Tensor]) -> Tensor {
    let data = match &node.op {
        Op::Input { index, .. } => return inputs[*index].clone(),
        Op::Constant(value) => return value.as_ref().clone(),
        Op::Iota { shape, axis } => Data::I32(iota(shape, *axis)),
        Op::RandomBits { stream, shape, .. } => Data::I32(random_bits(xs[0], *stream, shape)),
        Op::Matmul(..) => fold::matmul(xs[0], xs[1]),
        Op::Sum { axis, .. } => fold::sum(xs[0], *axis),
        Op::MaxAxis { axis, .. } => fold::max(xs[0], *axis),
        Op::Argmax { axis, .. } => Data::I32(fold::argmax(xs[0], *axis)),
        Op::ScatterAdd { axis, extent, .. } => fold::scatter_add(xs[0], xs[1], *axis, *extent),
        Op::Concat { axis, .. } => movement::concat(xs, *axis),
        op if op.family() == crate::Family::Movement => movement::copy(op, xs, &node.shape),
        op => elementwise::apply(op, xs),
    };
    Tensor::new(node.shape, data).expect("an op gives as many elements as its shape counts")
}

fn iota(shape: &Shape, axis: usize) -> Vec<i32> {
    let (_, along, after) = shape.around(axis);
    let position = |flat: usize| flat / after % along;
    (0..shape.count()).map(|flat| to_i32(position(flat))).collect()
}

fn random_bits(key: &Tensor, stream: u32, shape: &Shape) -> Vec<i32> {
    let words = key.as_i32().expect("the key of random_bits is i32[2]");
    let key = [words[0], words[1]];
    (0u64..).take(shape.count()).map(|element| random::word(key, stream, element)).collect()
}

/// Converts a flat index or a position, which a shape keeps below 2^31.
fn to_i32(index: usize) -> i32 {
    i32::try_from(index).expect("shapes have fewer than 2^31 elements")
}

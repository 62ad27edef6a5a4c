//! A finished Program: typed nodes, inputs, outputs, and its identity.
//!
//! Invariant: nodes are well formed, operands point to earlier nodes, input `i` of the list is
//! declared by exactly one node, those nodes come in the order of the list, there is an output.
//! A Program is immutable; its hash names it forever. Absent: names, comments, devices.

use crate::{Dtype, Hash, Op, OpError, Shape, check};

/// The most ops a Program has.
///
/// ```
/// assert_eq!(tensor::OPS_MAX, 65_536);
/// ```
pub const OPS_MAX: usize = 65_536;

/// An op with the type of its result.
///
/// ```
/// use tensor::{Builder, Dtype};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::F32, &[3])?;
/// let y = b.exp(x)?;
/// let program = b.finish(&[y])?;
/// let node = &program.nodes()[1];
/// assert_eq!((node.op.name(), node.dtype, node.shape.dims()), ("exp", Dtype::F32, &[3][..]));
/// # Ok::<(), tensor::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The operation.
    pub op: Op,
    /// Dtype of the result.
    pub dtype: Dtype,
    /// Shape of the result.
    pub shape: Shape,
}

/// The declared type of an input: dtype and shape.
///
/// ```
/// use tensor::{Dtype, InputType, Shape};
///
/// let scalar: InputType = (Dtype::F64, Shape::SCALAR);
/// assert_eq!(scalar.1.count(), 1);
/// ```
pub type InputType = (Dtype, Shape);

/// A straight-line list of tensor operations with exactly defined results.
///
/// Comes from [`Builder::finish`](crate::Builder::finish), from [`Program::decode`], or from text:
/// it displays as a readable listing, one line an op, and parses back from it (with `{:#}`, which
/// leaves out no value of a constant).
///
/// ```
/// use tensor::{Builder, Dtype, Program};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::F32, &[2])?;
/// let y = b.add(x, x)?;
/// let program = b.finish(&[y])?;
/// assert_eq!(Program::decode(&program.encode())?, program);
/// assert!(program.to_string().ends_with("%0 f32[2] = input 0\n%1 f32[2] = add %0 %0\n"));
/// assert_eq!(program.to_string().parse::<Program>()?, program);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    nodes: Vec<Node>,
    inputs: Vec<InputType>,
    outputs: Vec<usize>,
}

/// Why a list of ops is no Program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("{name}: {reason}")]
    Op { name: &'static str, reason: Box<OpError> },
    #[error("op {index} ({name}) has operand {operand}, which is not earlier")]
    Operand { index: usize, name: &'static str, operand: usize },
    #[error("more than {OPS_MAX} ops")]
    Count,
    #[error("inputs are not declared once each and in order")]
    Inputs,
    #[error("output {operand} of {count} ops")]
    Output { operand: usize, count: usize },
    #[error("a Program has at least one output and at most {OPS_MAX}")]
    Outputs,
}

/// Appends `op` to `nodes` if it is well formed there.
pub(crate) fn push(nodes: &mut Vec<Node>, op: Op) -> Result<usize, ProgramError> {
    let index = nodes.len();
    if index >= OPS_MAX {
        return Err(ProgramError::Count);
    }
    let mut types = Vec::new();
    for operand in op.operands() {
        let node =
            nodes.get(operand).ok_or(ProgramError::Operand { index, name: op.name(), operand })?;
        types.push((node.dtype, node.shape));
    }
    let (dtype, shape) = check::infer(&op, &types)
        .map_err(|reason| ProgramError::Op { name: op.name(), reason: Box::new(reason) })?;
    nodes.push(Node { op, dtype, shape });
    Ok(index)
}

impl Program {
    /// Returns the Program of nodes that each passed [`push`], or why there is none.
    pub(crate) fn new(nodes: Vec<Node>, outputs: Vec<usize>) -> Result<Program, ProgramError> {
        let count = nodes.len();
        if outputs.is_empty() || outputs.len() > OPS_MAX {
            return Err(ProgramError::Outputs);
        }
        if let Some(&operand) = outputs.iter().find(|output| **output >= count) {
            return Err(ProgramError::Output { operand, count });
        }
        let mut inputs = Vec::new();
        for node in &nodes {
            if let Op::Input { index, dtype, shape } = &node.op {
                if *index != inputs.len() {
                    return Err(ProgramError::Inputs);
                }
                inputs.push((*dtype, *shape));
            }
        }
        Ok(Program { nodes, inputs, outputs })
    }

    /// Returns the ops in order, each with its type.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype};
    /// let mut b = Builder::new();
    /// let x = b.input(Dtype::F32, &[])?;
    /// assert_eq!(b.finish(&[x])?.nodes().len(), 1);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns the declared inputs in order.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Shape};
    /// let mut b = Builder::new();
    /// let x = b.input(Dtype::F32, &[])?;
    /// assert_eq!(b.finish(&[x])?.inputs(), [(Dtype::F32, Shape::SCALAR)]);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn inputs(&self) -> &[InputType] {
        &self.inputs
    }

    /// Returns the node index of each output in order; a node may stand there more than once.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype};
    /// let mut b = Builder::new();
    /// let x = b.input(Dtype::F32, &[])?;
    /// assert_eq!(b.finish(&[x, x])?.outputs(), [0, 0]);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// Returns one op as a Program of its own: its operands, each once and in order of first use,
    /// are the inputs, and its result is the output.
    ///
    /// An input op gives the Program that returns its input.
    ///
    /// # Panics
    ///
    /// If there is no such op.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype};
    /// let mut b = Builder::new();
    /// let (x, y) = (b.input(Dtype::F32, &[2])?, b.input(Dtype::F32, &[2])?);
    /// let z = b.mul(x, y)?;
    /// let z = b.fma(z, z, y)?;
    /// let single = b.finish(&[z])?.single(3);
    /// assert!(single.to_string().ends_with("%2 f32[2] = fma %0 %0 %1\n"));
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn single(&self, index: usize) -> Program {
        let mut node = self.nodes[index].clone();
        if let Op::Input { index, .. } = &mut node.op {
            *index = 0;
        }
        let mut sources: Vec<usize> = Vec::new();
        for operand in node.op.operands_mut() {
            let place = sources.iter().position(|source| source == operand);
            *operand = place.unwrap_or_else(|| {
                sources.push(*operand);
                sources.len() - 1
            });
        }
        let mut nodes = Vec::with_capacity(sources.len() + 1);
        for (index, source) in sources.into_iter().enumerate() {
            let Node { dtype, shape, .. } = self.nodes[source];
            nodes.push(Node { op: Op::Input { index, dtype, shape }, dtype, shape });
        }
        nodes.push(node);
        let output = nodes.len() - 1;
        Program::new(nodes, vec![output]).expect("an op that fitted its operands fits their types")
    }

    /// Returns the Program's name: same hash, same inputs, same bits.
    ///
    /// It commits to the op count, the outputs, the inputs and the root of the tree of op
    /// encodings, so that a contract can open one op; `docs/numerics.md`, "Identity", has the
    /// bytes.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype};
    /// let mut b = Builder::new();
    /// let x = b.input(Dtype::F32, &[])?;
    /// let program = b.finish(&[x])?;
    /// assert_eq!(program.hash(), program.clone().hash());
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(&[&[0x03], &self.header()])
    }
}

//! The execution of a Program as trees: what a party of a dispute knows.
//!
//! A [`Trace`] is one run: the root of every op's tensor, computed as the run streams by, so that
//! only live tensors are held. Tensors that fit a byte budget are kept; what a later question needs
//! and was not kept is executed again, and nothing else. A [`Witness`] is a run of k iterations,
//! with the trace of whichever of them is asked about.
//!
//! Invariant: how much is kept changes no answer. Absent: disputes. [`Evidence`] is what
//! [`crate::advocate`] asks, and who wants to lie answers it in another way.

use std::collections::BTreeMap;
use std::sync::Arc;

use tensor::{EvalError, Hash, Node, Op, Program, Tensor, eval_node, tree};

use crate::bits::chunk_size;

mod chain;
mod witness;

pub use chain::chain_states;
pub use witness::{Evidence, Witness};

/// Tensors kept after a run, in bytes: 256 MiB.
pub const KEPT_BYTES_MAX: usize = 1 << 28;

/// Executes single ops.
///
/// The results are defined to the last bit, so executors differ in speed alone.
pub trait Executor: Send {
    /// Returns the tensor of op `index` of the Program for its operands, in order.
    fn execute(
        &self,
        program: &Program,
        index: usize,
        operands: &[&Tensor],
        inputs: &[Tensor],
    ) -> Tensor;
}

/// The reference interpreter as an executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Executor for Reference {
    fn execute(
        &self,
        program: &Program,
        index: usize,
        operands: &[&Tensor],
        inputs: &[Tensor],
    ) -> Tensor {
        eval_node(&program.nodes()[index], operands, inputs)
    }
}

/// A committed tensor as chunks: the bytes, padded, and the leaf of each chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Bytes of one chunk.
    pub chunk_size: usize,
    /// The bytes of all chunks.
    pub bytes: Vec<u8>,
    /// The leaves, in order.
    pub leaves: Vec<Hash>,
}

impl Sheet {
    /// Returns a tensor's chunks.
    #[must_use]
    pub fn of(tensor: &Tensor) -> Sheet {
        let chunk_size = chunk_size(tensor.dtype());
        let mut bytes = tensor.to_bytes();
        bytes.resize(bytes.len().next_multiple_of(chunk_size), 0);
        Sheet { chunk_size, leaves: bytes.chunks(chunk_size).map(tree::leaf).collect(), bytes }
    }

    /// Returns the bytes of a chunk, empty if there is no such chunk.
    #[must_use]
    pub fn chunk(&self, index: u64) -> &[u8] {
        let chunk = usize::try_from(index).ok().and_then(|i| i.checked_mul(self.chunk_size));
        let rest = chunk.and_then(|from| self.bytes.get(from..)).unwrap_or_default();
        &rest[..rest.len().min(self.chunk_size)]
    }
}

/// One run of a Program: the root of every op's tensor.
#[derive(Clone, Debug)]
pub struct Trace {
    roots: Vec<Hash>,
    outputs: Vec<Tensor>,
    kept: BTreeMap<usize, Arc<Tensor>>,
}

impl Trace {
    /// Runs a Program and keeps at most `room` bytes of its tensors, outputs apart.
    ///
    /// # Errors
    ///
    /// [`EvalError`] if the inputs are not those the Program declares.
    ///
    /// ```
    /// use court::trace::{KEPT_BYTES_MAX, Reference, Trace};
    /// use tensor::{Builder, Dtype, Tensor};
    ///
    /// let mut b = Builder::new();
    /// let x = b.input(Dtype::I32, &[2])?;
    /// let y = b.neg(x)?;
    /// let program = b.finish(&[y])?;
    /// let x = Tensor::i32(&[2], vec![1, 2])?;
    /// let trace = Trace::new(&program, &[x.clone()], &Reference, KEPT_BYTES_MAX)?;
    /// assert_eq!(trace.roots(), [x.root(), Tensor::i32(&[2], vec![-1, -2])?.root()]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        program: &Program,
        inputs: &[Tensor],
        executor: &dyn Executor,
        room: usize,
    ) -> Result<Trace, EvalError> {
        program.check_inputs(inputs)?;
        let count = program.nodes().len();
        let mut roots = vec![Hash::ZERO; count];
        let (mut outputs, mut kept, mut free) = (BTreeMap::new(), BTreeMap::new(), room);
        run(
            program,
            inputs,
            executor,
            (&vec![true; count], &BTreeMap::new()),
            &mut |index, tensor| {
                roots[index] = tensor.root();
                let size = tensor.shape().count() * tensor.dtype().size();
                if program.outputs().contains(&index) {
                    outputs.insert(index, Arc::clone(tensor));
                } else if !copied(&program.nodes()[index]) && size <= free {
                    free -= size;
                    kept.insert(index, Arc::clone(tensor));
                }
            },
        );
        let output = |index: &usize| outputs[index].as_ref().clone();
        let outputs = program.outputs().iter().map(output).collect();
        Ok(Trace { roots, outputs, kept })
    }

    /// Returns the root of every op's tensor, in order.
    #[must_use]
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Returns the outputs, in order.
    #[must_use]
    pub fn outputs(&self) -> &[Tensor] {
        &self.outputs
    }

    /// Returns the bytes of tensors that are kept beside the outputs.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.kept.values().map(|tensor| tensor.shape().count() * tensor.dtype().size()).sum()
    }

    /// Returns the tensors of some ops, in the order asked for, executing again what was not kept.
    ///
    /// # Panics
    ///
    /// If the Program or the inputs are not those of the run, or have no such op.
    #[must_use]
    pub fn tensors(
        &self,
        program: &Program,
        inputs: &[Tensor],
        executor: &dyn Executor,
        wanted: &[usize],
    ) -> Vec<Arc<Tensor>> {
        let mut known = self.kept.clone();
        for (tensor, op) in self.outputs.iter().zip(program.outputs()) {
            if wanted.contains(op) {
                known.insert(*op, Arc::new(tensor.clone()));
            }
        }
        let mut needed = vec![false; program.nodes().len()];
        wanted.iter().for_each(|op| needed[*op] = true);
        for (index, node) in program.nodes().iter().enumerate().rev() {
            if needed[index] && !known.contains_key(&index) {
                node.op.operands().iter().for_each(|operand| needed[*operand] = true);
            }
        }
        let mut found = BTreeMap::new();
        run(program, inputs, executor, (&needed, &known), &mut |index, tensor| {
            if wanted.contains(&index) {
                found.insert(index, Arc::clone(tensor));
            }
        });
        wanted.iter().map(|op| Arc::clone(&found[op])).collect()
    }
}

/// Returns the outputs of one run, and hashes nothing.
fn outputs(program: &Program, inputs: &[Tensor], executor: &dyn Executor) -> Vec<Tensor> {
    let count = program.nodes().len();
    let mut outputs = BTreeMap::new();
    run(program, inputs, executor, (&vec![true; count], &BTreeMap::new()), &mut |index, tensor| {
        if program.outputs().contains(&index) {
            outputs.insert(index, Arc::clone(tensor));
        }
    });
    program.outputs().iter().map(|index| outputs[index].as_ref().clone()).collect()
}

/// Whether an op's tensor is a copy of what a party holds in any case.
const fn copied(node: &Node) -> bool {
    matches!(node.op, Op::Input { .. } | Op::Constant(_))
}

/// Runs the ops that are needed, in order, and shows each tensor; one is dropped after its last use
/// among them. What is known already is not executed.
fn run(
    program: &Program,
    inputs: &[Tensor],
    executor: &dyn Executor,
    (needed, known): (&[bool], &BTreeMap<usize, Arc<Tensor>>),
    see: &mut dyn FnMut(usize, &Arc<Tensor>),
) {
    let nodes = program.nodes();
    let mut last_use: Vec<usize> = (0..nodes.len()).collect();
    let executed = |index: &usize| needed[*index] && !known.contains_key(index);
    for index in (0..nodes.len()).filter(executed) {
        nodes[index].op.operands().iter().for_each(|operand| last_use[*operand] = index);
    }
    let mut live: BTreeMap<usize, Arc<Tensor>> = BTreeMap::new();
    for index in (0..nodes.len()).filter(|index| needed[*index]) {
        let operands = nodes[index].op.operands();
        let tensor = known.get(&index).cloned().unwrap_or_else(|| {
            let operands: Vec<&Tensor> = operands.iter().map(|place| &*live[place]).collect();
            Arc::new(executor.execute(program, index, &operands, inputs))
        });
        see(index, &tensor);
        for operand in operands {
            if last_use[operand] == index {
                live.remove(&operand);
            }
        }
        if last_use[index] > index {
            live.insert(index, tensor);
        }
    }
}

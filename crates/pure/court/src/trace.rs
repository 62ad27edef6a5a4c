//! The execution of a Program as trees: what a party of a dispute knows.
//!
//! A [`Trace`] is one run: the root of every op's tensor, computed as the run streams by, so that
//! only live tensors are held. Tensors that fit a byte budget are kept, the dearest to compute
//! first; what a later question needs and was not kept is executed again, and nothing else. A
//! [`Witness`] is a run of k iterations, with the trace of whichever of them is asked about.
//!
//! Invariant: neither how much is kept nor who executes changes an answer. Absent: disputes.
//! [`Evidence`] is what [`crate::advocate`] asks, and who wants to lie answers it in another way.

use std::collections::BTreeMap;
use std::sync::Arc;

use tensor::{EvalError, Hash, Node, Op, Program, Tensor, eval_node};

use crate::bits::chunk_size;

mod chain;
#[cfg(test)]
mod tests;
mod witness;

pub use chain::chain_states;
pub use witness::{Evidence, Witness};

/// Tensors kept after a run, in bytes: 256 MiB.
pub const KEPT_BYTES_MAX: usize = 1 << 28;

/// Executes single ops, and hashes what they give.
///
/// Results and hashes are defined to the last bit, so executors differ in speed alone.
pub trait Executor: Send {
    /// Returns the tensor of op `index` of the Program for its operands, in order.
    fn execute(
        &self,
        program: &Program,
        index: usize,
        operands: &[&Tensor],
        inputs: &[Tensor],
    ) -> Tensor;

    /// Returns the leaves of a tensor's tree, in order.
    fn leaves(&self, tensor: &Tensor) -> Vec<Hash> {
        tensor.chunk_leaves()
    }

    /// Returns the root of a tensor's tree.
    fn root(&self, tensor: &Tensor) -> Hash {
        tensor.root()
    }
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
        Sheet::hashed_by(&Reference, tensor)
    }

    /// Returns a tensor's chunks with the leaves that an executor gives.
    #[must_use]
    pub fn hashed_by(executor: &dyn Executor, tensor: &Tensor) -> Sheet {
        let chunk_size = chunk_size(tensor.dtype());
        let mut bytes = tensor.to_bytes();
        bytes.resize(bytes.len().next_multiple_of(chunk_size), 0);
        Sheet { chunk_size, leaves: executor.leaves(tensor), bytes }
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
    outputs: Vec<Arc<Tensor>>,
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
        let keep = dear(program, room);
        let mut roots = vec![Hash::ZERO; count];
        let (mut outputs, mut kept) = (BTreeMap::new(), BTreeMap::new());
        run(
            program,
            inputs,
            executor,
            (&vec![true; count], &BTreeMap::new()),
            &mut |index, tensor| {
                roots[index] = executor.root(tensor);
                if program.outputs().contains(&index) {
                    outputs.insert(index, Arc::clone(tensor));
                } else if keep[index] {
                    kept.insert(index, Arc::clone(tensor));
                }
            },
        );
        let outputs = program.outputs().iter().map(|index| Arc::clone(&outputs[index])).collect();
        Ok(Trace { roots, outputs, kept })
    }

    /// Returns the root of every op's tensor, in order.
    #[must_use]
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Returns the outputs, in order.
    #[must_use]
    pub fn outputs(&self) -> &[Arc<Tensor>] {
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
                known.insert(*op, Arc::clone(tensor));
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
fn outputs(program: &Program, inputs: &[Tensor], executor: &dyn Executor) -> Vec<Arc<Tensor>> {
    let count = program.nodes().len();
    let mut outputs = BTreeMap::new();
    run(program, inputs, executor, (&vec![true; count], &BTreeMap::new()), &mut |index, tensor| {
        if program.outputs().contains(&index) {
            outputs.insert(index, Arc::clone(tensor));
        }
    });
    program.outputs().iter().map(|index| Arc::clone(&outputs[index])).collect()
}

/// Which tensors to keep in `room` bytes: those that took the most scalar operations a byte, as
/// they are what it takes longest to compute again; the earlier of equals.
fn dear(program: &Program, room: usize) -> Vec<bool> {
    let size = |index: usize| {
        let node = &program.nodes()[index];
        node.shape.count() * node.dtype.size()
    };
    let candidate =
        |index: &usize| !copied(&program.nodes()[*index]) && !program.outputs().contains(index);
    let mut order: Vec<usize> = (0..program.nodes().len()).filter(candidate).collect();
    order.sort_by_key(|index| {
        let bytes = u64::try_from(size(*index)).unwrap_or(u64::MAX).max(1);
        // Whole operations are too coarse: most ops take one an element.
        std::cmp::Reverse(program.operations(*index).saturating_mul(64) / bytes)
    });
    let (mut keep, mut free) = (vec![false; program.nodes().len()], room);
    for index in order {
        if size(index) <= free {
            free -= size(index);
            keep[index] = true;
        }
    }
    keep
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

//! The kernels as the executor of a dispute: what an op gives, and its tree, at full speed.
//!
//! Invariant: every tensor, leaf and root equals the reference executor's to the last bit, so a
//! node argues the same whichever it runs on. Absent: state; a dispute asks for single ops.

use court::trace::Executor;
use tensor::{Hash, Program, Tensor};

/// Executes ops by `kernels`, on all cores, and hashes by `kernels::commit`.
///
/// ```
/// use court::trace::{KEPT_BYTES_MAX, Trace};
/// use node::Kernels;
/// use tensor::{Builder, Dtype, Tensor};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::I32, &[2])?;
/// let y = b.neg(x)?;
/// let program = b.finish(&[y])?;
/// let x = Tensor::i32(&[2], vec![1, 2])?;
/// let trace = Trace::new(&program, &[x], &Kernels, KEPT_BYTES_MAX)?;
/// assert_eq!(trace.roots()[1], Tensor::i32(&[2], vec![-1, -2])?.root());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Kernels;

impl Executor for Kernels {
    fn execute(
        &self,
        program: &Program,
        index: usize,
        operands: &[&Tensor],
        inputs: &[Tensor],
    ) -> Tensor {
        kernels::single(program, index, operands, inputs)
    }

    fn leaves(&self, tensor: &Tensor) -> Vec<Hash> {
        kernels::commit::chunk_leaves(tensor)
    }

    fn root(&self, tensor: &Tensor) -> Hash {
        kernels::commit::tensor_root(tensor)
    }
}

/// The kernels, but for what one op gives: what a node that lies for show argues with.
#[derive(Clone, Copy, Debug)]
pub struct Bent<F> {
    /// Index of the op.
    pub op: usize,
    /// What becomes of its tensor, which keeps its type.
    pub bend: F,
}

impl<F: Fn(Tensor) -> Tensor + Send> Executor for Bent<F> {
    fn execute(
        &self,
        program: &Program,
        index: usize,
        operands: &[&Tensor],
        inputs: &[Tensor],
    ) -> Tensor {
        let tensor = Kernels.execute(program, index, operands, inputs);
        if index == self.op { (self.bend)(tensor) } else { tensor }
    }

    fn leaves(&self, tensor: &Tensor) -> Vec<Hash> {
        Kernels.leaves(tensor)
    }

    fn root(&self, tensor: &Tensor) -> Hash {
        Kernels.root(tensor)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use court::trace::{Evidence as _, Executor, Reference, Witness};
    use laws::{
        dice::Dice,
        samples::{self, Sample},
        special,
    };
    use tensor::{Dtype, tree};

    use super::Kernels;

    fn witness(sample: &Sample, room: usize, executor: impl Executor + 'static) -> Witness {
        let Sample { program, inputs } = sample.clone();
        let witness = Witness::within(program, inputs, 1, (Box::new(executor), room));
        witness.expect("the sample's inputs are its Program's")
    }

    /// Compares all that a dispute can open: roots, chunks with their siblings, chains.
    fn compare(sample: &Sample, room: usize, dice: &mut Dice) {
        let mut slow = witness(sample, room, Reference);
        let mut fast = witness(sample, room, Kernels);
        assert_eq!(slow.states(), fast.states());
        assert_eq!(slow.inputs_root(), fast.inputs_root());
        assert_eq!(slow.inputs(0), fast.inputs(0));
        assert_eq!(slow.roots(0), fast.roots(0), "roots of\n{}", sample.program);
        for (op, node) in sample.program.nodes().iter().enumerate() {
            let (one, other) = (slow.tensor(0, op), fast.tensor(0, op));
            assert_eq!(one, other, "op {op} of\n{}", sample.program);
            assert_eq!(tree::root(&other.leaves), slow.roots(0)[op], "op {op}");
            let chunk = dice.below(other.leaves.len());
            let siblings = |leaves| tree::siblings(leaves, chunk);
            assert_eq!(siblings(&one.leaves), siblings(&other.leaves), "op {op}");
            let element = dice.below(node.shape.count()) as u64;
            let chains = (slow.chain(0, op, element), fast.chain(0, op, element));
            assert_eq!(chains.0, chains.1, "chain {element} of op {op} of\n{}", sample.program);
        }
    }

    #[test]
    fn every_op_gives_the_reference_executors_roots_and_openings() {
        let mut dice = Dice::new(5);
        for dtype in [Dtype::F32, Dtype::F64, Dtype::I32] {
            for room in [0, 600, usize::MAX] {
                compare(&samples::of_dtype(3, dtype), room, &mut dice);
            }
        }
    }

    #[test]
    fn random_programs_give_the_reference_executors_roots_and_openings() {
        let mut dice = Dice::new(6);
        for seed in 0..120 {
            let room = dice.below(4_096);
            compare(&samples::random(seed), room, &mut dice);
        }
    }

    /// The step that nodes run themselves, on numbers of every kind: hundreds of chunks a tensor.
    #[test]
    fn a_training_step_gives_the_reference_executors_roots_and_openings() {
        let mut dice = Dice::new(7);
        let model = learn::Model::new(learn::Kind::Mlp, &["day", "week", "fall"]);
        let program = learn::step_program(&model, learn::Schedule::STANDARD.batch);
        let program = Arc::new(program.expect("a valid step"));
        let inputs = program.inputs().iter();
        let inputs = inputs.map(|(dtype, shape)| special::tensor(&mut dice, *dtype, shape.dims()));
        let inputs = inputs.collect();
        compare(&Sample { program, inputs }, 1 << 20, &mut dice);
    }
}

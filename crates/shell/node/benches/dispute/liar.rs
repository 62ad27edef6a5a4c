//! The side that lies: one element of one op is another, and the rest follows from there.

use std::sync::Arc;

use court::trace::{Evidence, Executor, Sheet, Witness};
use node::Kernels;
use tensor::{Hash, Op, Program, Shape, Tensor};

use crate::work::{Target, Work};

/// The bit that is turned: high in the fraction, so that no rounding hides it.
const BIT: u8 = 0x40;

/// Which byte of an f32 has it.
const BYTE: usize = 2;

/// Lanes of a sum.
const LANES: usize = 32;

/// An execution with the lie, and a chain of the element that ends in it: wrong in its second half,
/// or in the last entry of every lane.
pub(crate) struct Bent {
    witness: Witness,
    target: Target,
}

#[derive(Clone, Copy, Debug)]
struct Lie(Target);

impl Executor for Lie {
    fn execute(&self, p: &Program, op: usize, operands: &[&Tensor], inputs: &[Tensor]) -> Tensor {
        let right = Kernels.execute(p, op, operands, inputs);
        if op != self.0.op {
            return right;
        }
        let mut bytes = right.to_bytes();
        bytes[self.0.element * right.dtype().size() + BYTE] ^= BIT;
        Tensor::from_bytes(right.dtype(), right.shape(), &bytes).expect("as many bytes")
    }

    fn leaves(&self, tensor: &Tensor) -> Vec<Hash> {
        Kernels.leaves(tensor)
    }

    fn root(&self, tensor: &Tensor) -> Hash {
        Kernels.root(tensor)
    }
}

impl Bent {
    pub(crate) fn new(work: &Work, target: Target) -> anyhow::Result<Bent> {
        Ok(Bent { witness: work.witness(Lie(target))?, target })
    }

    pub(crate) fn outputs_root(&self) -> Hash {
        self.witness.outputs_root()
    }
}

impl Evidence for Bent {
    fn program(&self) -> &Program {
        self.witness.program()
    }

    fn states(&mut self) -> Vec<Hash> {
        self.witness.states()
    }

    fn inputs(&mut self, iteration: u32) -> Vec<Hash> {
        self.witness.inputs(iteration)
    }

    fn roots(&mut self, iteration: u32) -> Vec<Hash> {
        self.witness.roots(iteration)
    }

    fn tensor(&mut self, iteration: u32, op: usize) -> Arc<Sheet> {
        self.witness.tensor(iteration, op)
    }

    fn chain(&mut self, iteration: u32, op: usize, element: u64) -> Option<Arc<Sheet>> {
        let right = self.witness.chain(iteration, op, element)?;
        let Target { op: of, element: at, steps, .. } = self.target;
        if (op, element) != (of, at as u64) {
            return Some(right);
        }
        let node = self.witness.program().nodes()[op].clone();
        let size = node.dtype.size();
        let mut bytes = right.bytes[..steps * size].to_vec();
        if matches!(node.op, Op::Sum { .. }) {
            // Only what the lanes come to shows: all of it in the first, and nothing in the others.
            let claimed = self.witness.tensor(iteration, op).bytes[at * size..][..size].to_vec();
            for step in steps.saturating_sub(LANES)..steps {
                let state = &mut bytes[step * size..][..size];
                state.fill(0);
                if step.is_multiple_of(LANES) {
                    state.copy_from_slice(&claimed);
                }
            }
        } else {
            for step in steps / 2..steps {
                bytes[step * size + BYTE] ^= BIT;
            }
        }
        let shape = Shape::new(&[steps]).ok()?;
        let states = Tensor::from_bytes(node.dtype, &shape, &bytes).ok()?;
        Some(Arc::new(Sheet::of(&states)))
    }
}

//! How much a Program computes, counted in scalar operations; known before it runs.
//!
//! Invariant: the count follows from types alone, as every shape is static.
//! Absent: time, which is a machine's; a weight for expensive operations (an `exp` is one, as is an
//! `add`).

use crate::{Op, Program};

impl Program {
    /// Returns how many scalar operations the op at `index` performs.
    ///
    /// One an element for elementwise ops and for `random_bits`; one a multiply-add of a matmul;
    /// one an element of the operand for reductions, and for `sum` 31 folds a result besides; one
    /// an element added by `scatter_add`. What only copies performs none.
    ///
    /// # Panics
    ///
    /// If there is no such op.
    ///
    /// ```
    /// use tensor::{Builder, Dtype};
    ///
    /// let mut b = Builder::new();
    /// let x = b.input(Dtype::F32, &[4, 8])?;
    /// let w = b.input(Dtype::F32, &[8, 2])?;
    /// let y = b.matmul(x, w)?;
    /// let z = b.sum(y, 0)?;
    /// let program = b.finish(&[z])?;
    /// assert_eq!([0, 2, 3].map(|op| program.operations(op)), [0, 4 * 8 * 2, 4 * 2 + 31 * 2]);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn operations(&self, index: usize) -> u64 {
        let node = &self.nodes()[index];
        let count = |index: usize| wide(self.nodes()[index].shape.count());
        let results = wide(node.shape.count());
        match &node.op {
            Op::RandomBits { .. } => results,
            Op::Matmul(a, _) => {
                let dims = self.nodes()[*a].shape.dims();
                results * wide(dims[dims.len() - 1])
            }
            Op::Sum { x, .. } => count(*x) + 31 * results,
            Op::MaxAxis { x, .. } | Op::Argmax { x, .. } => count(*x),
            Op::ScatterAdd { updates, .. } => count(*updates),
            op if op.family() == crate::Family::Elementwise => results,
            _ => 0,
        }
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).expect("usize has at most 64 bits")
}

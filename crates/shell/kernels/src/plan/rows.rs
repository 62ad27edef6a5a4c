//! Matrices that have no step: their rows are made where a product reads them.
//!
//! A product of a few long rows with one another, or of weights with them, reads every row once
//! from end to end, and so do the squared distances of rows from one vector. If the rows lie in
//! several tensors, and need only be clamped and widened to f64, then writing that matrix first
//! costs more than the product does. It is left out, with the ops that it alone needs.
//!
//! *Invariant: what is left out has no reader but such products, and is no output.*
//! Absent: other ops between memory and product; other dtypes.

use std::collections::BTreeMap;

use tensor::{Dtype, Op, Program};

use super::swaps_last_two;

/// Rows at most: a strip of them is to stay in the next cache.
const ROWS_MAX: usize = 64;

/// A row of such a matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The node in memory that has its elements, and where among them it begins.
    pub(crate) node: usize,
    pub(crate) start: usize,
    /// The nodes with the bounds that an i32 row is clamped to, the lower first.
    pub(crate) bounds: Option<(usize, usize)>,
}

/// A node that reads such a matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// The root of the matrix.
    pub(crate) matrix: usize,
    pub(crate) form: Form,
}

/// What it makes of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Their inner products: the matrix is the left factor and, turned, the right one.
    Squared,
    /// Weighted sums: the matrix is the right factor, weights are the left one.
    Weighted,
    /// Sums of the squares of their differences from a vector, along each row.
    Apart(Row),
}

/// What the planner finds out about all of them.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// The rows of a matrix, by its root.
    pub(crate) rows: BTreeMap<usize, Vec<Row>>,
    /// What products read such matrices, by their nodes.
    pub(crate) products: BTreeMap<usize, Product>,
    /// Nodes that have no step because of that.
    pub(crate) left_out: Vec<usize>,
}

/// Looks at a Program through its roots and readers.
pub(super) struct Search<'a> {
    program: &'a Program,
    root: &'a [usize],
    live: &'a [bool],
    /// Nodes that read a root, be it under another name, and are no other name of it.
    readers: Vec<Vec<usize>>,
    /// Whether a root is an output, be it under another name.
    leaves: Vec<bool>,
}

impl<'a> Search<'a> {
    pub(super) fn new(program: &'a Program, root: &'a [usize], live: &'a [bool]) -> Self {
        let nodes = program.nodes();
        let mut readers = vec![Vec::new(); nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            if live[index] && root[index] == index {
                for operand in node.op.operands() {
                    readers[root[operand]].push(index);
                }
            }
        }
        let mut leaves = vec![false; nodes.len()];
        program.outputs().iter().for_each(|output| leaves[root[*output]] = true);
        Search { program, root, live, readers, leaves }
    }

    /// Finds every matrix whose rows can be made where they are read.
    pub(super) fn run(self) -> Made {
        let mut made = Made::default();
        for index in 0..self.root.len() {
            let wanted = matches!(self.op(index), Op::Concat { .. } | Op::Convert { .. });
            if !wanted || !self.live[index] || self.root[index] != index || self.leaves[index] {
                continue;
            }
            let mut left_out = vec![index];
            let Some((products, count)) = self.products(index, &mut left_out) else { continue };
            let length = self.count(index) / count;
            if let Some(rows) = self.rows(index, length, &mut left_out) {
                made.products.extend(products);
                made.rows.insert(index, rows);
                made.left_out.extend(left_out);
            }
        }
        made
    }

    /// Returns the products that read a root, and how many rows it has there, if nobody else reads
    /// it.
    fn products(
        &self,
        index: usize,
        left_out: &mut Vec<usize>,
    ) -> Option<(Vec<(usize, Product)>, usize)> {
        let (mut products, mut shape) = (Vec::new(), None);
        for reader in &self.readers[index] {
            let (product, factor, form) = match self.op(*reader) {
                Op::Transpose { x, perm } if swaps_last_two(perm) => {
                    let [product] = self.readers[*reader][..] else { return None };
                    match self.op(product) {
                        Op::Matmul(a, b) if self.root[*a] == index && b == reader => {
                            (product, *x, Form::Squared)
                        }
                        _ => return None,
                    }
                }
                Op::Matmul(a, b) if self.root[*b] == index && self.root[*a] != index => {
                    (*reader, *b, Form::Weighted)
                }
                Op::Sub(a, b) if self.root[*a] == index => {
                    let (product, row) = self.apart(*reader, *b, left_out)?;
                    (product, *a, Form::Apart(row))
                }
                // The left factor of a product with its own transpose, which is met above.
                Op::Matmul(_, b) if self.is_turned(*b, index) => continue,
                _ => return None,
            };
            let dims = self.program.nodes()[factor].shape.dims();
            let [rows, _] = *dims else { return None };
            if rows > ROWS_MAX || shape.is_some_and(|shape| shape != rows) {
                return None;
            }
            shape = Some(rows);
            products.push((product, Product { matrix: index, form }));
        }
        Some((products, shape?))
    }

    /// Returns the sums along rows of the squares of a difference, and the one row that is taken
    /// from each.
    fn apart(&self, minus: usize, all: usize, left_out: &mut Vec<usize>) -> Option<(usize, Row)> {
        let all = self.root[all];
        let Op::Broadcast { x: one, .. } = self.op(all) else { return None };
        let dims = self.program.nodes()[*one].shape.dims();
        let [1, length] = *dims else { return None };
        let whole = self.program.nodes()[all].shape.dims();
        let [square, again] = self.readers[minus][..] else { return None };
        let alone = square == again && matches!(self.op(square), Op::Mul(..));
        let [sum] = self.readers[square][..] else { return None };
        let along = matches!(self.op(sum), Op::Sum { axis: 1, .. });
        let kept = [minus, square, all].iter().any(|node| self.leaves[*node]);
        let straight =
            [minus, square].iter().all(|node| self.program.nodes()[*node].shape.dims() == whole);
        let same = match self.op(sum) {
            Op::Sum { x, .. } => self.program.nodes()[*x].shape.dims() == whole,
            _ => false,
        };
        if !alone || !along || kept || !straight || !same || self.readers[all].len() != 1 {
            return None;
        }
        left_out.extend([minus, square, all]);
        let one = self.root[*one];
        let mut rows = match self.op(one) {
            Op::Convert { dtype: Dtype::F64, .. } if self.is_only_here(one) => {
                left_out.push(one);
                self.rows(one, length, left_out)?
            }
            _ => self.lying(one, length, None)?,
        };
        rows.pop().filter(|_| rows.is_empty()).map(|row| (sum, row))
    }

    fn is_turned(&self, node: usize, index: usize) -> bool {
        let turns = |x: &usize, perm: &[usize]| self.root[*x] == index && swaps_last_two(perm);
        matches!(self.op(node), Op::Transpose { x, perm } if turns(x, perm))
    }

    /// Returns the rows of an f64 node, each of so many elements.
    fn rows(&self, node: usize, length: usize, left_out: &mut Vec<usize>) -> Option<Vec<Row>> {
        match self.op(node) {
            Op::Concat { xs, axis: 0, .. } => {
                let mut rows = Vec::new();
                for x in xs {
                    let x = self.root[*x];
                    if self.is_only_here(x) && matches!(self.op(x), Op::Convert { .. }) {
                        left_out.push(x);
                        rows.extend(self.rows(x, length, left_out)?);
                    } else {
                        rows.extend(self.lying(x, length, None)?);
                    }
                }
                Some(rows)
            }
            Op::Convert { x, dtype: Dtype::F64 } => self.widened(self.root[*x], length, left_out),
            _ => None,
        }
        .filter(|_| self.program.nodes()[node].dtype == Dtype::F64)
    }

    /// Returns the rows of a node that is widened.
    fn widened(&self, node: usize, length: usize, left_out: &mut Vec<usize>) -> Option<Vec<Row>> {
        let Some((inner, bounds)) = self.clamped(node, left_out) else {
            return self.lying(node, length, None);
        };
        match self.op(inner) {
            Op::Concat { xs, axis: 0, .. } if self.is_only_here(inner) => {
                left_out.push(inner);
                let mut rows = Vec::new();
                for x in xs {
                    rows.extend(self.lying(self.root[*x], length, Some(bounds))?);
                }
                Some(rows)
            }
            _ => self.lying(inner, length, Some(bounds)),
        }
    }

    /// Returns what a node clamps, and the bounds.
    fn clamped(&self, node: usize, left_out: &mut Vec<usize>) -> Option<(usize, (usize, usize))> {
        let Op::Min(below, high) = self.op(node) else { return None };
        let below = self.root[*below];
        let Op::Max(x, low) = self.op(below) else { return None };
        let bounds = (self.scalar(*low)?, self.scalar(*high)?);
        let whole = self.is_only_here(node) && self.is_only_here(below);
        let integers = self.program.nodes()[node].dtype == Dtype::I32;
        if !whole || !integers {
            return None;
        }
        left_out.extend([node, below]);
        Some((self.root[*x], bounds))
    }

    /// Returns the node whose only element fills another.
    fn scalar(&self, node: usize) -> Option<usize> {
        match self.op(self.root[node]) {
            Op::Broadcast { x, .. } if self.count(*x) == 1 => Some(self.root[*x]),
            _ => None,
        }
    }

    /// Returns the rows of a node that is in memory.
    fn lying(
        &self,
        node: usize,
        length: usize,
        bounds: Option<(usize, usize)>,
    ) -> Option<Vec<Row>> {
        let count = self.count(node);
        let row = |start| Row { node, start, bounds };
        count.is_multiple_of(length).then(|| (0..count).step_by(length).map(row).collect())
    }

    fn is_only_here(&self, root: usize) -> bool {
        self.readers[root].len() == 1 && !self.leaves[root]
    }

    fn op(&self, node: usize) -> &Op {
        &self.program.nodes()[node].op
    }

    fn count(&self, node: usize) -> usize {
        self.program.nodes()[node].shape.count()
    }
}

//! From Programs to bytes.

use crate::{Hash, Node, Op, Program, Shape, tree};

use super::MAGIC;

impl Program {
    /// Returns the canonical encoding.
    ///
    /// ```
    /// use tensor::{Builder, Dtype, Program};
    ///
    /// let mut b = Builder::new();
    /// let x = b.input(Dtype::F64, &[2])?;
    /// let program = b.finish(&[x])?;
    /// assert_eq!(Program::decode(&program.encode())?, program);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        number(&mut out, self.nodes().len());
        numbers(&mut out, self.outputs());
        for node in self.nodes() {
            out.extend(node.encode());
        }
        for node in self.nodes() {
            if let Op::Constant(value) = &node.op {
                out.extend(value.to_bytes());
            }
        }
        out
    }

    /// Returns the leaves of the tree of op encodings, in order.
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// let x = b.input(tensor::Dtype::F32, &[])?;
    /// let program = b.finish(&[x])?;
    /// assert_eq!(program.op_leaves(), [tensor::tree::op_leaf(&program.nodes()[0].encode())]);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn op_leaves(&self) -> Vec<Hash> {
        self.nodes().iter().map(|node| tree::op_leaf(&node.encode())).collect()
    }

    /// Returns what the Program's hash is the hash of, after the first byte `0x03`.
    ///
    /// ```text
    /// op count ‖ output count ‖ output… ‖ input count ‖ (dtype u8 ‖ rank u8 ‖ extent…)… ‖ op root
    /// ```
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// let x = b.input(tensor::Dtype::F32, &[])?;
    /// let program = b.finish(&[x])?;
    /// assert_eq!(program.hash(), tensor::Hash::of(&[&[3], &program.header()]));
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn header(&self) -> Vec<u8> {
        let mut out = Vec::new();
        number(&mut out, self.nodes().len());
        numbers(&mut out, self.outputs());
        number(&mut out, self.inputs().len());
        for (dtype, input) in self.inputs() {
            out.push(dtype.code());
            shape(&mut out, input);
        }
        out.extend(tree::root(&self.op_leaves()).0);
        out
    }
}

impl Node {
    /// Returns the canonical encoding of this op, the preimage of its leaf in the Program's tree.
    ///
    /// ```
    /// # let mut b = tensor::Builder::new();
    /// let x = b.input(tensor::Dtype::I32, &[2])?;
    /// let program = b.finish(&[x])?;
    /// let op = program.nodes()[0].encode();
    /// assert_eq!(op, [1, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.op.code(), self.dtype.code()];
        shape(&mut out, &self.shape);
        numbers(&mut out, &self.op.operands());
        payload(&mut out, &self.op);
        out
    }
}

/// Writes what neither the operands nor the result's type say.
fn payload(out: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Input { index, .. } => number(out, *index),
        Op::Constant(value) => out.extend(value.root().0),
        Op::Iota { axis, .. }
        | Op::Gather { axis, .. }
        | Op::Sum { axis, .. }
        | Op::MaxAxis { axis, .. }
        | Op::Argmax { axis, .. } => number(out, *axis),
        Op::Concat { axis, extents, .. } => {
            number(out, *axis);
            extents.iter().for_each(|extent| number(out, *extent));
        }
        Op::ScatterAdd { axis, extent, .. } => {
            number(out, *axis);
            number(out, *extent);
        }
        Op::RandomBits { stream, .. } => out.extend(stream.to_le_bytes()),
        Op::Requantise { m, s, lo, hi, .. } => {
            out.extend(m.to_le_bytes());
            out.extend(s.to_le_bytes());
            out.extend(lo.to_le_bytes());
            out.extend(hi.to_le_bytes());
        }
        Op::Transpose { perm, .. } => perm.iter().for_each(|axis| number(out, *axis)),
        Op::Slice { start: first, end: second, .. } | Op::Pad { lo: first, hi: second, .. } => {
            first.iter().chain(second).for_each(|n| number(out, *n));
        }
        _ => {}
    }
}

fn number(out: &mut Vec<u8>, n: usize) {
    out.extend(u32::try_from(n).expect("a Program's numbers are below 2^32").to_le_bytes());
}

fn numbers(out: &mut Vec<u8>, list: &[usize]) {
    number(out, list.len());
    list.iter().for_each(|n| number(out, *n));
}

fn shape(out: &mut Vec<u8>, shape: &Shape) {
    out.push(u8::try_from(shape.rank()).expect("ranks are small"));
    shape.dims().iter().for_each(|extent| number(out, *extent));
}

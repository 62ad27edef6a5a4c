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
        | Op::Concat { axis, .. }
        | Op::Gather { axis, .. }
        | Op::Sum { axis, .. }
        | Op::MaxAxis { axis, .. }
        | Op::Argmax { axis, .. } => number(out, *axis),
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

/// `keccak(0x03 ‖ op count ‖ output count ‖ outputs… ‖ input count ‖ inputs… ‖ op root)`.
pub(crate) fn hash(program: &Program) -> Hash {
    let mut out = vec![0x03];
    number(&mut out, program.nodes().len());
    numbers(&mut out, program.outputs());
    number(&mut out, program.inputs().len());
    for (dtype, input) in program.inputs() {
        out.push(dtype.code());
        shape(&mut out, input);
    }
    let leaves: Vec<Hash> =
        program.nodes().iter().map(|node| tree::op_leaf(&node.encode())).collect();
    Hash::of(&[&out, &tree::root(&leaves).0])
}

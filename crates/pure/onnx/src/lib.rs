//! Reads a trained model in ONNX form into a [`Program`](tensor::Program), for inference.
//!
//! [`import`] takes a file's bytes and gives a Program whose inputs and outputs are the model's.
//! Weights are constants of the Program, so its hash names the trained model. What depends on no
//! input (shapes, above all) is computed while reading; numpy's broadcasting is written out, as a
//! Program does nothing by itself.
//!
//! *Invariant: a file gives a Program or an error that says which node, and never a panic or work
//! without bound.* Operators are composed of exact ops, so a result is the same on every machine,
//! and equal to another runtime's up to rounding.
//!
//! Absent: training, control flow, dynamic shapes, quantised operators, weights in other files.
//! Integers of 64 bits are computed in 32: a constant that does not fit is an error.

mod error;
mod graph;
mod known;
mod node;
mod ops;
mod proto;
mod scope;

use std::collections::BTreeMap;

use tensor::{Dtype, Program};

pub use error::{Fault, ImportError};
pub use known::Kind;

/// The largest file that is read, in bytes: what a Program's encoding may have.
pub const SIZE_MAX: usize = tensor::ENCODING_SIZE_MAX;
/// The oldest version of the operators that is known.
pub const OPSET_MIN: i64 = 9;
/// The newest version of the operators that is known.
pub const OPSET_MAX: i64 = 24;

/// What a file leaves open.
///
/// ```
/// let mut options = onnx::ImportOptions::default();
/// options.extents.insert("batch".to_owned(), 32);
/// assert_eq!(options.extents["batch"], 32);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Numbers for the extents that have only a name, such as `batch`.
    pub extents: BTreeMap<String, usize>,
}

/// An input or output of the model.
///
/// ```
/// let port = onnx::Port { name: "x".to_owned(), kind: onnx::Kind::I64, dims: vec![3] };
/// assert_eq!(port.dtype(), tensor::Dtype::I32);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name in the file.
    pub name: String,
    /// Its elements in the file.
    pub kind: Kind,
    /// Its extents.
    pub dims: Vec<usize>,
}

impl Port {
    /// Returns its dtype in the Program.
    #[must_use]
    pub const fn dtype(&self) -> Dtype {
        self.kind.dtype()
    }
}

/// A model as a Program.
///
/// Inputs and outputs are in the order of the Program's.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The Program, from the model's inputs to its outputs.
    pub program: Program,
    /// Its inputs.
    pub inputs: Vec<Port>,
    /// Its outputs.
    pub outputs: Vec<Port>,
}

/// Reads the bytes of an ONNX file into a Program.
///
/// # Errors
///
/// [`ImportError`] if the bytes are no model, or the model is no Program; it names the node and
/// says what to do.
///
/// ```
/// // y = relu(x), written by hand: opset 18, one node, float32[2].
/// let kind = [0x12, 10, 0x0a, 8, 8, 1, 0x12, 4, 0x0a, 2, 8, 2];
/// let port = |name| [&[0x0a, 1, name][..], &kind].concat();
/// let node = b"\x0a\x01x\x12\x01y\x22\x04Relu";
/// let field = |tag, bytes: &[u8]| [&[tag, bytes.len() as u8][..], bytes].concat();
/// let graph = [field(0x0a, node), field(0x5a, &port(b'x')), field(0x62, &port(b'y'))].concat();
/// let file = [field(0x3a, &graph), field(0x42, &[0x10, 18])].concat();
///
/// let model = onnx::import(&file, &onnx::ImportOptions::default())?;
/// assert_eq!((&model.inputs[0].name[..], &model.outputs[0].dims[..]), ("x", &[2][..]));
/// let x = tensor::Tensor::f32(&[2], vec![-1.0, 2.0])?;
/// assert_eq!(tensor::eval(&model.program, &[x])?[0].as_f32(), Some(&[0.0, 2.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn import(bytes: &[u8], options: &ImportOptions) -> Result<Imported, ImportError> {
    graph::import(bytes, options)
}

/// Returns the names of the operators that are supported, sorted.
///
/// ```
/// assert!(onnx::operators().any(|name| name == "LayerNormalization"));
/// ```
pub fn operators() -> impl Iterator<Item = &'static str> {
    ops::TABLE.iter().map(|(name, ..)| *name)
}

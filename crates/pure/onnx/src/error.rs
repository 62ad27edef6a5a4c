//! Why a file is no Program, down to the node.

use tensor::BuildError;
use thiserror::Error;

use crate::{OPSET_MAX, OPSET_MIN, SIZE_MAX};

/// Why a file was not imported.
///
/// ```
/// use onnx::{ImportError, ImportOptions, import};
/// let error = import(&[0xff], &ImportOptions::default()).unwrap_err();
/// assert!(matches!(error, ImportError::Decode(_)));
/// ```
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ImportError {
    /// The file is too large.
    #[error("the file has {size} bytes; at most {SIZE_MAX} are read")]
    Size {
        /// Its size in bytes.
        size: usize,
    },
    /// The bytes are no ONNX model.
    #[error("the file is no ONNX model: {0}")]
    Decode(#[from] prost::DecodeError),
    /// The model has no graph, or the graph no output.
    #[error("the model has no graph, or its graph has no output")]
    Empty,
    /// The operator set is too old or too new, or not named.
    #[error(
        "the model uses version {version} of the operators, and {OPSET_MIN} to {OPSET_MAX} are \
         known; export it with opset_version=18"
    )]
    Opset {
        /// The version, 0 if none is named.
        version: i64,
    },
    /// An input or output whose type is no tensor of known kind and extents.
    #[error("{name:?}: {fault}")]
    Port {
        /// The name of the input or output.
        name: String,
        /// What is wrong.
        fault: Fault,
    },
    /// A constant that cannot be read.
    #[error("the constant {name:?}: {fault}")]
    Constant {
        /// Its name.
        name: String,
        /// What is wrong.
        fault: Fault,
    },
    /// An operator that this crate does not know.
    #[error(
        "node {node:?}: the operator {operator} (version {opset}) is not supported; write the \
         model with those that are (`onnx::operators` lists them) and export it again"
    )]
    Operator {
        /// The operator, with its domain if it has one.
        operator: String,
        /// The node's name, or that of its first result.
        node: String,
        /// The version of its operator set.
        opset: i64,
    },
    /// A node that cannot be written as ops.
    #[error("node {node:?}, {operator} (version {opset}): {fault}")]
    Node {
        /// The operator.
        operator: String,
        /// The node's name, or that of its first result.
        node: String,
        /// The version of its operator set.
        opset: i64,
        /// What is wrong.
        fault: Fault,
    },
    /// The Program as a whole breaks a limit.
    #[error("the model is no Program: {0}")]
    Build(#[from] BuildError),
}

/// What is wrong with one node, constant, input or output.
///
/// ```
/// let fault = onnx::Fault::Dynamic { axis: 0, name: "batch".to_owned() };
/// assert!(fault.to_string().contains("batch"));
/// ```
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Fault {
    /// An extent has a name and no number.
    #[error(
        "the extent of axis {axis} is {name:?}, and a Program's are fixed; \
         give it a number in the import options"
    )]
    Dynamic {
        /// The axis.
        axis: usize,
        /// The extent's name, which may be empty.
        name: String,
    },
    /// The type of its elements.
    #[error("its elements must be {expected}")]
    Kind {
        /// What they may be.
        expected: &'static str,
    },
    /// A value that is used before it is made, or never made.
    #[error("nothing before it makes {name:?}")]
    Unknown {
        /// The value's name.
        name: String,
    },
    /// A name that is given twice.
    #[error("{name:?} is made twice")]
    Twice {
        /// The value's name.
        name: String,
    },
    /// An operand that is not there.
    #[error("operand {index} is missing")]
    Missing {
        /// Its place, from 0.
        index: usize,
    },
    /// An operand that decides a shape, or another fixed thing, and is computed from inputs.
    #[error("operand {index} must not depend on an input: a Program's shapes are fixed")]
    Computed {
        /// Its place, from 0.
        index: usize,
    },
    /// An attribute that is missing or has another type or value.
    #[error("the attribute {name} must be {expected}")]
    Attribute {
        /// Its name.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// Extents that do not fit.
    #[error("{what} (extents {dims:?})")]
    Extents {
        /// What does not fit.
        what: &'static str,
        /// The extents.
        dims: Vec<usize>,
    },
    /// Something that the operator may do and this crate does not.
    #[error("{what} is not supported")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// An integer that 32 bits do not hold, or too much to compute while reading.
    #[error("{what}")]
    Limit {
        /// Which limit.
        what: &'static str,
    },
    /// A message within the file that is malformed.
    #[error("its bytes are malformed: {0}")]
    Decode(#[from] prost::DecodeError),
    /// An op that does not fit.
    #[error("{0}")]
    Build(#[from] BuildError),
}

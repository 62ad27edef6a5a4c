//! A Program as text: what a person reads, and what parses back to the same Program.
//!
//! ```text
//! program 0x…                          the hash, checked where it is there
//! inputs %0:f32[2,3] %1:i32[2]         in order, checked where it is there
//! outputs %5:f32[2]
//! %0 f32[2,3] = input 0
//! %2 f32[2,3] = constant 0x… [0.5, -0.0, NaN, 1.0, …]
//! %5 f32[2] = sum %4 axis=1
//! ```
//!
//! One line an op: its index, the type of its result, its name, its operands, its payload. A
//! constant stands there by its root and its first values; with the alternate flag (`{:#}`) by all
//! its bytes, little-endian in hex after `bytes=`, and only then does a listing say everything.
//!
//! Invariant: the text is the encoding spelled out, word for field; [`Program::decode`] checks what
//! was parsed, so a listing has no rules of its own. Absent: names of values, a second syntax for
//! anything, comments that survive.

mod read;

use std::fmt;

use crate::{Op, Program, Tensor, tensor::Data};

pub use read::TextError;

/// How many values of a constant are shown.
const SHOWN: usize = 4;

/// One field of an op's payload, in the order of its encoding.
enum Field {
    /// A number that needs no name: the index of an input.
    Bare(u64),
    /// A number.
    Number(&'static str, i64),
    /// A number for every axis.
    List(&'static str, Vec<usize>),
}

/// The word of every op and the keys of its payload; `""` is a number without a key, and `[…]`
/// marks a number for every axis (of concat, for every operand). In the order of the codes.
const WORDS: [(u8, &str, &[&str]); 44] = [
    (0x01, "input", &[""]),
    (0x02, "constant", &[]),
    (0x03, "iota", &["axis"]),
    (0x04, "random_bits", &["stream"]),
    (0x10, "add", &[]),
    (0x11, "sub", &[]),
    (0x12, "mul", &[]),
    (0x13, "neg", &[]),
    (0x14, "abs", &[]),
    (0x15, "min", &[]),
    (0x16, "max", &[]),
    (0x17, "lt", &[]),
    (0x18, "le", &[]),
    (0x19, "eq", &[]),
    (0x1a, "select", &[]),
    (0x1b, "convert", &[]),
    (0x20, "div", &[]),
    (0x21, "fma", &[]),
    (0x22, "sqrt", &[]),
    (0x23, "floor", &[]),
    (0x24, "exp", &[]),
    (0x25, "log", &[]),
    (0x26, "tanh", &[]),
    (0x27, "erf", &[]),
    (0x28, "erfc", &[]),
    (0x30, "and", &[]),
    (0x31, "or", &[]),
    (0x32, "xor", &[]),
    (0x33, "shl", &[]),
    (0x34, "shr", &[]),
    (0x35, "sar", &[]),
    (0x36, "requantise", &["m", "s", "lo", "hi"]),
    (0x40, "reshape", &[]),
    (0x41, "transpose", &["perm[]"]),
    (0x42, "broadcast", &[]),
    (0x43, "slice", &["start[]", "end[]"]),
    (0x44, "concat", &["axis", "extents[]"]),
    (0x45, "pad", &["lo[]", "hi[]"]),
    (0x46, "gather", &["axis"]),
    (0x47, "scatter_add", &["axis", "extent"]),
    (0x50, "matmul", &[]),
    (0x51, "sum", &["axis"]),
    (0x52, "max_axis", &["axis"]),
    (0x53, "argmax", &["axis"]),
];

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "program {}", self.hash())?;
        let inputs = self.nodes().iter().enumerate();
        let inputs = inputs.filter(|(_, node)| matches!(node.op, Op::Input { .. }));
        write_list(f, "inputs", self, inputs.map(|(index, _)| index))?;
        write_list(f, "outputs", self, self.outputs().iter().copied())?;
        for (index, node) in self.nodes().iter().enumerate() {
            write!(f, "%{index} {}", node.dtype)?;
            write_extents(f, node.shape.dims())?;
            write!(f, " = {}", node.op.name())?;
            node.op.operands().iter().try_for_each(|operand| write!(f, " %{operand}"))?;
            match &node.op {
                Op::Constant(value) if f.alternate() => write_bytes(f, value)?,
                Op::Constant(value) => write_values(f, value)?,
                op => fields(op).iter().try_for_each(|field| write_field(f, field))?,
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn write_list(
    f: &mut fmt::Formatter<'_>,
    word: &str,
    program: &Program,
    indices: impl Iterator<Item = usize>,
) -> fmt::Result {
    f.write_str(word)?;
    for index in indices {
        let node = &program.nodes()[index];
        write!(f, " %{index}:{}", node.dtype)?;
        write_extents(f, node.shape.dims())?;
    }
    writeln!(f)
}

/// Writes numbers without spaces, so that a type or a list is one word of a line.
fn write_extents(f: &mut fmt::Formatter<'_>, extents: &[usize]) -> fmt::Result {
    f.write_str("[")?;
    for (place, extent) in extents.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(f, "{comma}{extent}")?;
    }
    f.write_str("]")
}

fn write_bytes(f: &mut fmt::Formatter<'_>, value: &Tensor) -> fmt::Result {
    f.write_str(" bytes=")?;
    value.to_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn write_values(f: &mut fmt::Formatter<'_>, value: &Tensor) -> fmt::Result {
    write!(f, " {} [", value.root())?;
    let count = value.data.len();
    for place in 0..count.min(SHOWN) {
        f.write_str(if place == 0 { "" } else { ", " })?;
        match &value.data {
            Data::F32(v) => write!(f, "{:?}", v[place])?,
            Data::F64(v) => write!(f, "{:?}", v[place])?,
            Data::I32(v) => write!(f, "{}", v[place])?,
        }
    }
    f.write_str(if count > SHOWN { ", …]" } else { "]" })
}

fn write_field(f: &mut fmt::Formatter<'_>, field: &Field) -> fmt::Result {
    match field {
        Field::Bare(number) => write!(f, " {number}"),
        Field::Number(key, number) => write!(f, " {key}={number}"),
        Field::List(key, numbers) => {
            write!(f, " {key}=")?;
            write_extents(f, numbers)
        }
    }
}

/// Returns what neither the operands nor the result's type say.
fn fields(op: &Op) -> Vec<Field> {
    let number = |key, n: usize| Field::Number(key, i64::try_from(n).expect("far below 2^63"));
    match op {
        Op::Input { index, .. } => vec![Field::Bare(u64::try_from(*index).expect("64 bits"))],
        Op::Iota { axis, .. }
        | Op::Gather { axis, .. }
        | Op::Sum { axis, .. }
        | Op::MaxAxis { axis, .. }
        | Op::Argmax { axis, .. } => vec![number("axis", *axis)],
        Op::Concat { axis, extents, .. } => {
            vec![number("axis", *axis), Field::List("extents", extents.clone())]
        }
        Op::ScatterAdd { axis, extent, .. } => {
            vec![number("axis", *axis), number("extent", *extent)]
        }
        Op::RandomBits { stream, .. } => vec![Field::Number("stream", i64::from(*stream))],
        Op::Requantise { m, s, lo, hi, .. } => vec![
            Field::Number("m", i64::from(*m)),
            Field::Number("s", i64::from(*s)),
            Field::Number("lo", i64::from(*lo)),
            Field::Number("hi", i64::from(*hi)),
        ],
        Op::Transpose { perm, .. } => vec![Field::List("perm", perm.clone())],
        Op::Slice { start, end, .. } => {
            vec![Field::List("start", start.clone()), Field::List("end", end.clone())]
        }
        Op::Pad { lo, hi, .. } => {
            vec![Field::List("lo", lo.clone()), Field::List("hi", hi.clone())]
        }
        _ => vec![],
    }
}

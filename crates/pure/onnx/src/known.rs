//! Tensors that are known while a model is read: weights, and all that shapes are computed from.
//!
//! Integers keep their 64 bits here. In a Program they have 32: a value that does not fit is an
//! error where it would enter, not before, since exporters write "to the end" as 2^63 - 1.

use tensor::{Dtype, Tensor};

use crate::Fault;
use crate::proto;

/// The kinds of elements that are read.
///
/// ```
/// assert_eq!(onnx::Kind::I64.dtype(), tensor::Dtype::I32);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// float32.
    F32,
    /// float64.
    F64,
    /// int32.
    I32,
    /// int64, which a Program computes in 32 bits.
    I64,
    /// bool, which a Program holds as 0 or 1.
    Bool,
}

impl Kind {
    /// Returns what it is in a Program.
    #[must_use]
    pub const fn dtype(self) -> Dtype {
        match self {
            Kind::F32 => Dtype::F32,
            Kind::F64 => Dtype::F64,
            Kind::I32 | Kind::I64 | Kind::Bool => Dtype::I32,
        }
    }

    /// Bytes of an element in a file.
    const fn size(self) -> usize {
        match self {
            Kind::F32 | Kind::I32 => 4,
            Kind::F64 | Kind::I64 => 8,
            Kind::Bool => 1,
        }
    }

    pub(crate) const fn is_float(self) -> bool {
        matches!(self, Kind::F32 | Kind::F64)
    }

    /// The kind by its number in `onnx.proto`.
    pub(crate) fn read(number: i64) -> Result<Kind, Fault> {
        match number {
            1 => Ok(Kind::F32),
            6 => Ok(Kind::I32),
            7 => Ok(Kind::I64),
            9 => Ok(Kind::Bool),
            11 => Ok(Kind::F64),
            _ => Err(Fault::Kind { expected: "float32, float64, int32, int64 or bool" }),
        }
    }
}

/// A tensor that is known; unlike a Program's it may be empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) kind: Kind,
    pub(crate) dims: Vec<usize>,
    pub(crate) data: Data,
}

/// Its elements, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Whole(Vec<i64>),
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Data::F32(x) => x.len(),
            Data::F64(x) => x.len(),
            Data::Whole(x) => x.len(),
        }
    }
}

impl Known {
    /// A vector of int64.
    pub(crate) fn whole(values: Vec<i64>) -> Known {
        Known { kind: Kind::I64, dims: vec![values.len()], data: Data::Whole(values) }
    }

    pub(crate) fn count(&self) -> usize {
        self.data.len()
    }

    /// The tensor as a Program holds it.
    pub(crate) fn to_tensor(&self) -> Result<Tensor, Fault> {
        let tensor = match &self.data {
            Data::F32(x) => Tensor::f32(&self.dims, x.clone()),
            Data::F64(x) => Tensor::f64(&self.dims, x.clone()),
            Data::Whole(x) => {
                let narrow = x.iter().map(|x| i32::try_from(*x));
                let what = "an integer does not fit the 32 bits that a Program computes in";
                let narrow = narrow.collect::<Result<_, _>>().map_err(|_| Fault::Limit { what })?;
                Tensor::i32(&self.dims, narrow)
            }
        };
        let what = "a Program's tensors have at most 6 axes, and none of extent 0";
        tensor.map_err(|_| Fault::Extents { what, dims: self.dims.clone() })
    }

    /// What a Program gave.
    pub(crate) fn from_tensor(kind: Kind, tensor: &Tensor) -> Known {
        let data = if let Some(x) = tensor.as_f32() {
            Data::F32(x.to_vec())
        } else if let Some(x) = tensor.as_f64() {
            Data::F64(x.to_vec())
        } else {
            let whole = tensor.as_i32().unwrap_or_default();
            Data::Whole(whole.iter().map(|x| i64::from(*x)).collect())
        };
        Known { kind, dims: tensor.shape().dims().to_vec(), data }
    }

    /// The matrices in the last two axes, turned.
    pub(crate) fn turned(&self) -> Known {
        let rank = self.dims.len();
        let (rows, columns) = (self.dims[rank - 2], self.dims[rank - 1]);
        let mut dims = self.dims.clone();
        dims.swap(rank - 2, rank - 1);
        let data = match &self.data {
            Data::F32(x) => Data::F32(turn(x, rows, columns)),
            Data::F64(x) => Data::F64(turn(x, rows, columns)),
            Data::Whole(x) => Data::Whole(turn(x, rows, columns)),
        };
        Known { kind: self.kind, dims, data }
    }

    /// A constant of a file.
    pub(crate) fn read(tensor: &proto::Tensor) -> Result<Known, Fault> {
        if tensor.data_location != 0 {
            return Err(Fault::Unsupported {
                what: "a constant in another file (export with external_data=False)",
            });
        }
        let kind = Kind::read(i64::from(tensor.data_type))?;
        if tensor.dims.len() > tensor::RANK_MAX {
            return Err(Fault::Limit { what: "a tensor has at most 6 axes" });
        }
        let extents = tensor.dims.iter().map(|extent| usize::try_from(*extent));
        let dims: Vec<usize> = extents
            .collect::<Result<_, _>>()
            .map_err(|_| Fault::Extents { what: "an extent is negative", dims: vec![] })?;
        let data =
            if tensor.raw_data.is_empty() { listed(tensor, kind) } else { raw(tensor, kind) };
        let count = dims.iter().try_fold(1_usize, |count, extent| count.checked_mul(*extent));
        let whole = tensor.raw_data.len().is_multiple_of(kind.size());
        if count != Some(data.len()) || !whole {
            return Err(Fault::Extents { what: "not as many elements as its extents say", dims });
        }
        Ok(Known { kind, dims, data })
    }
}

fn turn<T: Copy>(x: &[T], rows: usize, columns: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(x.len());
    if x.is_empty() {
        return out;
    }
    for matrix in x.chunks_exact(rows * columns) {
        for column in 0..columns {
            out.extend(matrix[column..].iter().step_by(columns));
        }
    }
    out
}

/// Elements in the list of their type.
fn listed(tensor: &proto::Tensor, kind: Kind) -> Data {
    match kind {
        Kind::F32 => Data::F32(tensor.float_data.clone()),
        Kind::F64 => Data::F64(tensor.double_data.clone()),
        Kind::I64 => Data::Whole(tensor.int64_data.clone()),
        Kind::I32 => Data::Whole(tensor.int32_data.iter().map(|x| i64::from(*x)).collect()),
        Kind::Bool => Data::Whole(tensor.int32_data.iter().map(|x| i64::from(*x != 0)).collect()),
    }
}

/// Elements as little-endian bytes.
fn raw(tensor: &proto::Tensor, kind: Kind) -> Data {
    let bytes = &tensor.raw_data;
    match kind {
        Kind::F32 => Data::F32(words(bytes, f32::from_le_bytes)),
        Kind::F64 => Data::F64(words(bytes, f64::from_le_bytes)),
        Kind::I64 => Data::Whole(words(bytes, i64::from_le_bytes)),
        Kind::I32 => Data::Whole(words(bytes, |word| i64::from(i32::from_le_bytes(word)))),
        Kind::Bool => Data::Whole(bytes.iter().map(|byte| i64::from(*byte != 0)).collect()),
    }
}

fn words<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|word| read(*word)).collect()
}

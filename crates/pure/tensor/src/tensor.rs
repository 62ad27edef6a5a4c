//! A value: a dtype, a shape and row-major elements.
//!
//! Invariant: there are exactly as many elements as the shape counts. Equality is by bits, so a
//! NaN equals itself and -0 differs from +0. Bytes are little-endian.
//! Absent: views, strides, arithmetic (that is what a [`Program`](crate::Program) is for).

use std::fmt;

use crate::{Dtype, Hash, Shape, ShapeError, tree};

/// A tensor of one dtype.
///
/// ```
/// use tensor::{Dtype, Tensor};
///
/// let x = Tensor::f32(&[2], vec![-0.0, f32::NAN])?;
/// assert_eq!(x, x.clone());
/// assert_ne!(x, Tensor::f32(&[2], vec![0.0, f32::NAN])?);
/// assert_eq!((x.dtype(), x.shape().dims()), (Dtype::F32, &[2][..]));
/// assert_eq!(x.as_i32(), None);
/// # Ok::<(), tensor::ShapeError>(())
/// ```
#[derive(Clone)]
pub struct Tensor {
    shape: Shape,
    pub(crate) data: Data,
}

/// The elements; the variant is the dtype.
#[derive(Clone)]
pub(crate) enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I32(Vec<i32>),
}

impl Data {
    pub(crate) fn len(&self) -> usize {
        match self {
            Data::F32(v) => v.len(),
            Data::F64(v) => v.len(),
            Data::I32(v) => v.len(),
        }
    }

    pub(crate) const fn dtype(&self) -> Dtype {
        match self {
            Data::F32(_) => Dtype::F32,
            Data::F64(_) => Dtype::F64,
            Data::I32(_) => Dtype::I32,
        }
    }
}

impl Tensor {
    /// Returns an f32 tensor with these extents and row-major elements.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] if the extents break a limit or the number of elements is another.
    ///
    /// ```
    /// assert!(tensor::Tensor::f32(&[3], vec![1.0]).is_err());
    /// ```
    pub fn f32(dims: &[usize], elements: Vec<f32>) -> Result<Tensor, ShapeError> {
        Tensor::new(Shape::new(dims)?, Data::F32(elements))
    }

    /// Returns an f64 tensor with these extents and row-major elements.
    ///
    /// # Errors
    ///
    /// As [`Tensor::f32`].
    ///
    /// ```
    /// assert!(tensor::Tensor::f64(&[], vec![1.0]).is_ok());
    /// ```
    pub fn f64(dims: &[usize], elements: Vec<f64>) -> Result<Tensor, ShapeError> {
        Tensor::new(Shape::new(dims)?, Data::F64(elements))
    }

    /// Returns an i32 tensor with these extents and row-major elements.
    ///
    /// # Errors
    ///
    /// As [`Tensor::f32`].
    ///
    /// ```
    /// assert!(tensor::Tensor::i32(&[2, 2], vec![1, 2, 3, 4]).is_ok());
    /// ```
    pub fn i32(dims: &[usize], elements: Vec<i32>) -> Result<Tensor, ShapeError> {
        Tensor::new(Shape::new(dims)?, Data::I32(elements))
    }

    /// Returns a tensor of +0 (or 0).
    ///
    /// # Errors
    ///
    /// [`ShapeError`] if the extents break a limit.
    ///
    /// ```
    /// use tensor::{Dtype, Tensor};
    ///
    /// assert_eq!(Tensor::zeros(Dtype::I32, &[2])?, Tensor::i32(&[2], vec![0, 0])?);
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    pub fn zeros(dtype: Dtype, dims: &[usize]) -> Result<Tensor, ShapeError> {
        let shape = Shape::new(dims)?;
        let data = match dtype {
            Dtype::F32 => Data::F32(vec![0.0; shape.count()]),
            Dtype::F64 => Data::F64(vec![0.0; shape.count()]),
            Dtype::I32 => Data::I32(vec![0; shape.count()]),
        };
        Ok(Tensor { shape, data })
    }

    pub(crate) fn new(shape: Shape, data: Data) -> Result<Tensor, ShapeError> {
        let (expected, got) = (shape.count(), data.len());
        if expected != got {
            let dtype = data.dtype();
            return Err(ShapeError::Size { dtype, shape, unit: "elements", expected, got });
        }
        Ok(Tensor { shape, data })
    }

    /// Returns the dtype.
    ///
    /// ```
    /// use tensor::{Dtype, Tensor};
    ///
    /// assert_eq!(Tensor::zeros(Dtype::F64, &[])?.dtype(), Dtype::F64);
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub const fn dtype(&self) -> Dtype {
        self.data.dtype()
    }

    /// Returns the shape.
    ///
    /// ```
    /// use tensor::{Dtype, Tensor};
    ///
    /// assert_eq!(Tensor::zeros(Dtype::F64, &[2, 2])?.shape().count(), 4);
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Returns the elements if the dtype is f32.
    ///
    /// ```
    /// assert_eq!(tensor::Tensor::f32(&[], vec![2.0])?.as_f32(), Some(&[2.0][..]));
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub fn as_f32(&self) -> Option<&[f32]> {
        if let Data::F32(v) = &self.data { Some(v) } else { None }
    }

    /// Returns the elements if the dtype is f64.
    ///
    /// ```
    /// assert_eq!(tensor::Tensor::f64(&[], vec![2.0])?.as_f64(), Some(&[2.0][..]));
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub fn as_f64(&self) -> Option<&[f64]> {
        if let Data::F64(v) = &self.data { Some(v) } else { None }
    }

    /// Returns the elements if the dtype is i32.
    ///
    /// ```
    /// assert_eq!(tensor::Tensor::i32(&[], vec![2])?.as_i32(), Some(&[2][..]));
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub fn as_i32(&self) -> Option<&[i32]> {
        if let Data::I32(v) = &self.data { Some(v) } else { None }
    }

    /// Returns the elements as little-endian bytes, row-major.
    ///
    /// ```
    /// assert_eq!(tensor::Tensor::i32(&[], vec![258])?.to_bytes(), [2, 1, 0, 0]);
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.data {
            Data::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Data::F64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Data::I32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }

    /// Returns the tensor whose [`to_bytes`](Tensor::to_bytes) are `bytes`.
    ///
    /// # Errors
    ///
    /// [`ShapeError::Size`] if there are more or fewer bytes than the shape needs.
    ///
    /// ```
    /// use tensor::{Dtype, Shape, Tensor};
    ///
    /// let x = Tensor::f64(&[2], vec![0.5, -1.0])?;
    /// assert_eq!(Tensor::from_bytes(Dtype::F64, x.shape(), &x.to_bytes())?, x);
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    pub fn from_bytes(dtype: Dtype, shape: &Shape, bytes: &[u8]) -> Result<Tensor, ShapeError> {
        let (expected, got) = (shape.count() * dtype.size(), bytes.len());
        if expected != got {
            return Err(ShapeError::Size { dtype, shape: *shape, unit: "bytes", expected, got });
        }
        let data = match dtype {
            Dtype::F32 => Data::F32(words(bytes).map(f32::from_le_bytes).collect()),
            Dtype::F64 => Data::F64(words(bytes).map(f64::from_le_bytes).collect()),
            Dtype::I32 => Data::I32(words(bytes).map(i32::from_le_bytes).collect()),
        };
        Ok(Tensor { shape: *shape, data })
    }

    /// Returns the hash of each chunk of 32 elements, the lowest level of the tensor's tree.
    ///
    /// ```
    /// use tensor::{Dtype, Tensor};
    ///
    /// assert_eq!(Tensor::zeros(Dtype::F32, &[33])?.chunk_leaves().len(), 2);
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub fn chunk_leaves(&self) -> Vec<Hash> {
        let size = tree::CHUNK_ELEMENTS * self.dtype().size();
        self.to_bytes()
            .chunks(size)
            .map(|chunk| {
                let mut padded = [0u8; tree::CHUNK_ELEMENTS * 8];
                padded[..chunk.len()].copy_from_slice(chunk);
                tree::leaf(&padded[..size])
            })
            .collect()
    }

    /// Returns the root of the tensor's tree; it commits to the bits, not to dtype or shape.
    ///
    /// ```
    /// use tensor::{Dtype, Tensor, tree};
    ///
    /// let x = Tensor::zeros(Dtype::F32, &[3])?;
    /// assert_eq!(x.root(), tree::leaf(&[0; 128]));
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub fn root(&self) -> Hash {
        tree::root(&self.chunk_leaves())
    }
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).map(|c| c.try_into().expect("chunks_exact gives chunks of N bytes"))
}

impl PartialEq for Tensor {
    fn eq(&self, other: &Tensor) -> bool {
        self.shape == other.shape
            && match (&self.data, &other.data) {
                (Data::F32(a), Data::F32(b)) => {
                    a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()))
                }
                (Data::F64(a), Data::F64(b)) => {
                    a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()))
                }
                (Data::I32(a), Data::I32(b)) => a == b,
                _ => false,
            }
    }
}

impl Eq for Tensor {}

impl fmt::Debug for Tensor {
    /// Shows dtype, shape and at most eight elements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        write!(f, "{}{} ", self.dtype(), self.shape)?;
        let mut list = f.debug_list();
        match &self.data {
            Data::F32(v) => list.entries(v.iter().take(SHOWN)),
            Data::F64(v) => list.entries(v.iter().take(SHOWN)),
            Data::I32(v) => list.entries(v.iter().take(SHOWN)),
        };
        if self.data.len() > SHOWN {
            list.entry(&format_args!("…"));
        }
        list.finish()
    }
}

//! Static extents of a tensor.
//!
//! Invariant: rank at most [`RANK_MAX`], every extent at least 1, at most [`COUNT_MAX`] elements.
//! Row-major: the last axis is contiguous. Absent: strides other than these, empty tensors.

use std::fmt;

use crate::Dtype;

/// The most axes a tensor has.
///
/// ```
/// assert!(tensor::Shape::new(&[1; tensor::RANK_MAX + 1]).is_err());
/// ```
pub const RANK_MAX: usize = 6;

/// The most elements a tensor has: 2^31 - 1, so that every flat index is an `i32`.
///
/// ```
/// assert!(tensor::Shape::new(&[tensor::COUNT_MAX]).is_ok());
/// assert!(tensor::Shape::new(&[tensor::COUNT_MAX, 2]).is_err());
/// ```
pub const COUNT_MAX: usize = 0x7fff_ffff;

/// The extents of a tensor, first axis first; rank 0 is a scalar.
///
/// ```
/// use tensor::Shape;
///
/// let shape = Shape::new(&[2, 3])?;
/// assert_eq!((shape.rank(), shape.count()), (2, 6));
/// assert_eq!(shape.to_string(), "[2, 3]");
/// assert_eq!(Shape::new(&[])?.count(), 1);
/// # Ok::<(), tensor::ShapeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// Extents beyond `rank` are zero, so that derived equality is equality of shapes.
    extents: [usize; RANK_MAX],
    rank: usize,
}

/// Why extents, or a buffer for them, make no tensor.
///
/// ```
/// use tensor::{Shape, ShapeError};
///
/// assert_eq!(Shape::new(&[2, 0]), Err(ShapeError::Extent { axis: 1, got: 0 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// More axes than [`RANK_MAX`].
    #[error("rank {got} is over {RANK_MAX}")]
    Rank {
        /// The number of axes asked for.
        got: usize,
    },
    /// An extent of zero.
    #[error("axis {axis} has extent {got}, extents are at least 1")]
    Extent {
        /// The axis.
        axis: usize,
        /// Its extent.
        got: usize,
    },
    /// More elements than [`COUNT_MAX`].
    #[error("more than {COUNT_MAX} elements")]
    Count,
    /// A buffer whose length is not what the shape needs.
    #[error("a {dtype} tensor of shape {shape} needs {expected} {unit}, got {got}")]
    Size {
        /// The dtype of the tensor.
        dtype: Dtype,
        /// The shape of the tensor.
        shape: Shape,
        /// What is counted: `elements` or `bytes`.
        unit: &'static str,
        /// How many the shape needs.
        expected: usize,
        /// How many were given.
        got: usize,
    },
}

impl Shape {
    /// The shape of a scalar: no axes, one element.
    ///
    /// ```
    /// assert_eq!(tensor::Shape::SCALAR.count(), 1);
    /// ```
    pub const SCALAR: Shape = Shape { extents: [0; RANK_MAX], rank: 0 };

    /// Returns the shape with these extents.
    ///
    /// # Errors
    ///
    /// [`ShapeError::Rank`], [`ShapeError::Extent`] or [`ShapeError::Count`] if a limit is broken.
    ///
    /// ```
    /// assert!(tensor::Shape::new(&[4, 1, 7]).is_ok());
    /// ```
    pub fn new(extents: &[usize]) -> Result<Shape, ShapeError> {
        if extents.len() > RANK_MAX {
            return Err(ShapeError::Rank { got: extents.len() });
        }
        let mut shape = Shape { extents: [0; RANK_MAX], rank: extents.len() };
        let mut count = 1usize;
        for (axis, &extent) in extents.iter().enumerate() {
            if extent == 0 {
                return Err(ShapeError::Extent { axis, got: extent });
            }
            count =
                count.checked_mul(extent).filter(|c| *c <= COUNT_MAX).ok_or(ShapeError::Count)?;
            shape.extents[axis] = extent;
        }
        Ok(shape)
    }

    /// Returns the extents, first axis first.
    ///
    /// ```
    /// assert_eq!(tensor::Shape::new(&[2, 3])?.dims(), [2, 3]);
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub fn dims(&self) -> &[usize] {
        &self.extents[..self.rank]
    }

    /// Returns the number of axes.
    ///
    /// ```
    /// assert_eq!(tensor::Shape::SCALAR.rank(), 0);
    /// ```
    #[must_use]
    pub const fn rank(&self) -> usize {
        self.rank
    }

    /// Returns the number of elements, 1 for a scalar.
    ///
    /// ```
    /// assert_eq!(tensor::Shape::new(&[5, 2])?.count(), 10);
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub fn count(&self) -> usize {
        self.dims().iter().product()
    }

    /// Returns for every axis the distance in elements between neighbours along it.
    ///
    /// ```
    /// assert_eq!(tensor::Shape::new(&[2, 3, 4])?.strides(), [12, 4, 1]);
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.rank];
        for axis in (1..self.rank).rev() {
            strides[axis - 1] = strides[axis] * self.extents[axis];
        }
        strides
    }

    /// Returns the elements before, along and after `axis`: element `(o, i, n)` of that view has
    /// flat index `(o * along + i) * after + n`.
    ///
    /// # Panics
    ///
    /// If there is no such axis.
    ///
    /// ```
    /// assert_eq!(tensor::Shape::new(&[2, 3, 4])?.around(1), (2, 3, 4));
    /// # Ok::<(), tensor::ShapeError>(())
    /// ```
    #[must_use]
    pub fn around(&self, axis: usize) -> (usize, usize, usize) {
        let dims = self.dims();
        (dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product())
    }

    /// Returns the shape without `axis`, which must exist.
    pub(crate) fn without(&self, axis: usize) -> Shape {
        let mut dims = self.dims().to_vec();
        dims.remove(axis);
        Shape::new(&dims).expect("fewer extents of a valid shape make a valid shape")
    }

    /// Returns the shape with `axis`, which must exist, having another extent.
    pub(crate) fn with(&self, axis: usize, extent: usize) -> Result<Shape, ShapeError> {
        let mut dims = self.dims().to_vec();
        dims[axis] = extent;
        Shape::new(&dims)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

//! Builder methods of movement, contraction, reduction and source ops.
//!
//! Axes are absolute, first axis 0; a method does nothing but name its op.

use super::{Builder, Built, Value};
use crate::Op;

impl Builder {
    /// Appends the same elements in row-major order under other extents.
    ///
    /// Gradient: reshaped back.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if the number of elements differs.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![1.0, 2.0])?)?;
    /// let y = b.reshape(x, &[2, 1])?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2, 1], vec![1.0, 2.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reshape(&mut self, x: Value, dims: &[usize]) -> Built {
        self.push(Op::Reshape { x: x.0, shape: Builder::shape("reshape", dims)? })
    }

    /// Appends `x` with axes permuted: axis `i` of the result is axis `perm[i]` of `x`.
    ///
    /// Gradient: transposed by the inverse permutation.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if `perm` is not a permutation of the axes.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[2, 2], vec![1, 2, 3, 4])?)?;
    /// let y = b.transpose(x, &[1, 0])?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[2, 2], vec![1, 3, 2, 4])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transpose(&mut self, x: Value, perm: &[usize]) -> Built {
        self.push(Op::Transpose { x: x.0, perm: perm.to_vec() })
    }

    /// Appends `x` repeated: shapes are aligned at the last axis, extents of 1 expand, axes may be
    /// prepended.
    ///
    /// Gradient: summed over the axes that were expanded or prepended, first axis first.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if an extent is neither 1 nor the same.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![1.0, 2.0])?)?;
    /// let y = b.broadcast(x, &[2, 2])?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2, 2], vec![1.0, 2.0, 1.0, 2.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn broadcast(&mut self, x: Value, dims: &[usize]) -> Built {
        self.push(Op::Broadcast { x: x.0, shape: Builder::shape("broadcast", dims)? })
    }

    /// Appends the box from `start` up to but not including `end`, one number an axis.
    ///
    /// Gradient: padded with +0.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if bounds are empty or outside.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[4], vec![1, 2, 3, 4])?)?;
    /// let y = b.slice(x, &[1], &[3])?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[2], vec![2, 3])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn slice(&mut self, x: Value, start: &[usize], end: &[usize]) -> Built {
        self.push(Op::Slice { x: x.0, start: start.to_vec(), end: end.to_vec() })
    }

    /// Appends the operands one after the other along `axis`; at most 256.
    ///
    /// Gradient: a slice for each.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes or the other extents differ.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[2], vec![1, 2])?)?;
    /// let y = b.concat(&[x, x], 0)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[4], vec![1, 2, 1, 2])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn concat(&mut self, xs: &[Value], axis: usize) -> Built {
        let xs: Vec<usize> = xs.iter().map(|x| x.0).collect();
        // A foreign handle, or a missing axis, is refused below like any other.
        let extent = |x: &usize| self.nodes.get(*x).and_then(|node| node.shape.dims().get(axis));
        let extents = xs.iter().filter_map(extent).copied().collect();
        self.push(Op::Concat { xs, axis, extents })
    }

    /// Appends `x` with `lo` elements of +0 before and `hi` after, one number an axis.
    ///
    /// Gradient: a slice.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if the payload does not fit the operand's shape.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[2], vec![1, 2])?)?;
    /// let y = b.pad(x, &[1], &[0])?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[3], vec![0, 1, 2])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pad(&mut self, x: Value, lo: &[usize], hi: &[usize]) -> Built {
        self.push(Op::Pad { x: x.0, lo: lo.to_vec(), hi: hi.to_vec() })
    }

    /// Appends elements of `x` by i32 position along `axis`; the axes of `indices` take the place
    /// of `axis`. A position outside gives +0.
    ///
    /// Gradient: `scatter_add`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if `indices` is not i32, there is no such axis, or
    /// the rank is over 6.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[3], vec![2, 0, 7])?)?;
    /// let y = b.gather(x, x, 0)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[3], vec![7, 2, 0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn gather(&mut self, x: Value, indices: Value, axis: usize) -> Built {
        self.push(Op::Gather { x: x.0, indices: indices.0, axis })
    }

    /// Appends zeros with `extent` along `axis` to which `updates`, shaped as a gather from it, are
    /// added at their i32 positions, in ascending position of the update; positions outside are
    /// dropped.
    ///
    /// Gradient: `gather`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if `indices` is not i32 or shapes do not fit.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[4], vec![2, 0, 2, 5])?)?;
    /// let y = b.scatter_add(x, x, 0, 3)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[3], vec![0, 0, 4])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scatter_add(
        &mut self,
        updates: Value,
        indices: Value,
        axis: usize,
        extent: usize,
    ) -> Built {
        self.push(Op::ScatterAdd { updates: updates.0, indices: indices.0, axis, extent })
    }

    /// Contracts the last axis of `a` with the one before the last of `b`; leading axes are a
    /// batch.
    ///
    /// `y[i, j]` is one chain from +0, `k` ascending: `c = fma(a[i, k], b[k, j], c)`; i32 wraps.
    /// Shapes: `[.., m, k] · [.., k, n] → [.., m, n]`. Gradient: `da = dy · bᵀ`, `db = aᵀ · dy`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes, ranks, batch or contracted extents
    /// differ, or the rank is under 2.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2, 2], vec![1.0, 2.0, 3.0, 4.0])?)?;
    /// let y = b.matmul(x, x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2, 2], vec![7.0, 10.0, 15.0, 22.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn matmul(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Matmul(a.0, b.0))
    }

    /// Appends the sum along `axis`, which is dropped.
    ///
    /// Lane `l` of 32 adds elements l, l+32, … ascending from +0; then lane l += lane l+16 for l <
    /// 16, then 8, 4, 2, 1. i32 wraps. Gradient: broadcast along the axis.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if there is no such axis.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2, 2], vec![1.0, 2.0, 3.0, 4.0])?)?;
    /// let y = b.sum(x, 1)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2], vec![3.0, 7.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sum(&mut self, x: Value, axis: usize) -> Built {
        self.push(Op::Sum { x: x.0, axis })
    }

    /// Appends the greatest along `axis`, which is dropped, in the order of `max`.
    ///
    /// Gradient: to the element that `argmax` names.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if there is no such axis.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[2, 2], vec![1, 9, 3, 4])?)?;
    /// let y = b.max_axis(x, 0)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[2], vec![3, 9])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_axis(&mut self, x: Value, axis: usize) -> Built {
        self.push(Op::MaxAxis { x: x.0, axis })
    }

    /// Appends the lowest i32 index of the greatest along `axis`, which is dropped; the first NaN
    /// wins.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if there is no such axis.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[2, 2], vec![1, 9, 3, 9])?)?;
    /// let y = b.argmax(x, 0)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[2], vec![1, 0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn argmax(&mut self, x: Value, axis: usize) -> Built {
        self.push(Op::Argmax { x: x.0, axis })
    }

    /// Appends the i32 position along `axis`.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if there is no such axis.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let y = b.iota(&[2, 3], 1)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[2, 3], vec![0, 1, 2, 0, 1, 2])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iota(&mut self, dims: &[usize], axis: usize) -> Built {
        self.push(Op::Iota { shape: Builder::shape("iota", dims)?, axis })
    }

    /// Appends i32 words of Philox 4x32-10 under the `i32[2]` `key`; see [`random`](crate::random).
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if `key` is not `i32[2]`.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[2], vec![0, 0])?)?;
    /// let y = b.random_bits(x, 0, &[1])?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[1], vec![0x6627_e8d5])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn random_bits(&mut self, key: Value, stream: u32, dims: &[usize]) -> Built {
        self.push(Op::RandomBits {
            key: key.0,
            stream,
            shape: Builder::shape("random_bits", dims)?,
        })
    }
}

//! Builder methods of the ops that only i32 has.
//!
//! Operands have equal shapes; a method does nothing but name its op.

use super::{Builder, Built, Value};
use crate::Op;

impl Builder {
    /// Appends the bitwise and, of i32.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if an operand is not i32 or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[1], vec![12])?)?;
    /// let y = b.constant(Tensor::i32(&[1], vec![10])?)?;
    /// let z = b.and(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::i32(&[1], vec![8])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn and(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::And(a.0, b.0))
    }

    /// Appends the bitwise or, of i32.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if an operand is not i32 or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[1], vec![12])?)?;
    /// let y = b.constant(Tensor::i32(&[1], vec![10])?)?;
    /// let z = b.or(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::i32(&[1], vec![14])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn or(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Or(a.0, b.0))
    }

    /// Appends the bitwise exclusive or, of i32.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if an operand is not i32 or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[1], vec![12])?)?;
    /// let y = b.constant(Tensor::i32(&[1], vec![10])?)?;
    /// let z = b.xor(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::i32(&[1], vec![6])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn xor(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Xor(a.0, b.0))
    }

    /// Appends `a` shifted left by `b` mod 32, of i32.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if an operand is not i32 or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[1], vec![3])?)?;
    /// let y = b.constant(Tensor::i32(&[1], vec![33])?)?;
    /// let z = b.shl(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::i32(&[1], vec![6])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shl(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Shl(a.0, b.0))
    }

    /// Appends `a` shifted right by `b` mod 32, filling with zeros, of i32.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if an operand is not i32 or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[1], vec![-1])?)?;
    /// let y = b.constant(Tensor::i32(&[1], vec![31])?)?;
    /// let z = b.shr(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::i32(&[1], vec![1])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shr(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Shr(a.0, b.0))
    }

    /// Appends `a` shifted right by `b` mod 32, filling with the sign, of i32.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if an operand is not i32 or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[1], vec![-8])?)?;
    /// let y = b.constant(Tensor::i32(&[1], vec![1])?)?;
    /// let z = b.sar(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::i32(&[1], vec![-4])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sar(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Sar(a.0, b.0))
    }

    /// Appends `x * m / 2^s` of i32 with `(m, s) = scale`, rounded to nearest, halves away from
    /// zero, clamped to `range`; the product is exact.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if `x` is not i32, m < 0, s > 62, or the range is
    /// empty.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[3], vec![1, -1, 100])?)?;
    /// let y = b.requantise(x, (3, 1), (-10, 7))?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[3], vec![2, -2, 7])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn requantise(&mut self, x: Value, scale: (i32, u32), range: (i32, i32)) -> Built {
        self.push(Op::Requantise { x: x.0, m: scale.0, s: scale.1, lo: range.0, hi: range.1 })
    }
}

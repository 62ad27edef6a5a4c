//! Builder methods of the elementwise ops.
//!
//! Operands have equal shapes; a method does nothing but name its op.

use super::{Builder, Built, Value};
use crate::{Dtype, Op};

impl Builder {
    /// Appends `a + b`; i32 wraps.
    ///
    /// Gradient: `da = dy`, `db = dy`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![1.5, 2.0])?)?;
    /// let y = b.constant(Tensor::f32(&[2], vec![0.25, -2.0])?)?;
    /// let z = b.add(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::f32(&[2], vec![1.75, 0.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Add(a.0, b.0))
    }

    /// Appends `a - b`; i32 wraps.
    ///
    /// Gradient: `da = dy`, `db = -dy`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![1.5, 2.0])?)?;
    /// let y = b.constant(Tensor::f32(&[2], vec![0.25, -2.0])?)?;
    /// let z = b.sub(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::f32(&[2], vec![1.25, 4.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sub(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Sub(a.0, b.0))
    }

    /// Appends `a * b`; i32 wraps.
    ///
    /// Gradient: `da = dy * b`, `db = dy * a`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[1], vec![1.5])?)?;
    /// let y = b.constant(Tensor::f32(&[1], vec![-2.0])?)?;
    /// let z = b.mul(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::f32(&[1], vec![-3.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mul(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Mul(a.0, b.0))
    }

    /// Appends `a / b` of floats, correctly rounded.
    ///
    /// Gradient: `da = dy / b`, `db = -(da * y)`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes or shapes differ, or are not float.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[1], vec![3.0])?)?;
    /// let y = b.constant(Tensor::f32(&[1], vec![-2.0])?)?;
    /// let z = b.div(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::f32(&[1], vec![-1.5])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn div(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Div(a.0, b.0))
    }

    /// Appends `a * b + c` of floats, rounded once.
    ///
    /// Gradient: `da = dy * b`, `db = dy * a`, `dc = dy`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes or shapes differ, or are not float.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[1], vec![3.0])?)?;
    /// let y = b.fma(x, x, x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[1], vec![12.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fma(&mut self, a: Value, b: Value, c: Value) -> Built {
        self.push(Op::Fma(a.0, b.0, c.0))
    }

    /// Appends `-x`; -2^31 stays itself, NaN becomes the one NaN.
    ///
    /// Gradient: `dx = -dy`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Count`](crate::BuildError::Count) if the Program is full.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![0.0, 2.0])?)?;
    /// let y = b.neg(x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2], vec![-0.0, -2.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn neg(&mut self, x: Value) -> Built {
        self.push(Op::Neg(x.0))
    }

    /// Appends `|x|`; -2^31 stays itself, NaN becomes the one NaN.
    ///
    /// Gradient: `dx = dy` where x > 0, `-dy` where x < 0, else 0.
    ///
    /// # Errors
    ///
    /// [`BuildError::Count`](crate::BuildError::Count) if the Program is full.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[3], vec![-3, 3, i32::MIN])?)?;
    /// let y = b.abs(x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[3], vec![3, 3, i32::MIN])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn abs(&mut self, x: Value) -> Built {
        self.push(Op::Abs(x.0))
    }

    /// Appends the lesser: NaN if either is NaN, and -0 < +0.
    ///
    /// Gradient: to `a` where a < b, else to `b` (so a tie goes to `b`).
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![0.0, 1.0])?)?;
    /// let y = b.constant(Tensor::f32(&[2], vec![-0.0, 2.0])?)?;
    /// let z = b.min(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::f32(&[2], vec![-0.0, 1.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn min(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Min(a.0, b.0))
    }

    /// Appends the greater: NaN if either is NaN, and -0 < +0.
    ///
    /// Gradient: to `a` where a > b, else to `b`, so that `max(x, 0)` has slope 0 at 0.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![-0.0, 1.0])?)?;
    /// let y = b.constant(Tensor::f32(&[2], vec![0.0, 2.0])?)?;
    /// let z = b.max(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::f32(&[2], vec![0.0, 2.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Max(a.0, b.0))
    }

    /// Appends the square root of floats, correctly rounded; of -0 it is -0.
    ///
    /// Gradient: `dx = (dy * 0.5) / y`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if the dtype is not float.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![9.0, -0.0])?)?;
    /// let y = b.sqrt(x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2], vec![3.0, -0.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sqrt(&mut self, x: Value) -> Built {
        self.push(Op::Sqrt(x.0))
    }

    /// Appends 1 where `a < b`, else 0, as i32; -0 equals +0, false with NaN.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[3], vec![-0.0, 1.0, f32::NAN])?)?;
    /// let y = b.constant(Tensor::f32(&[3], vec![0.0, 2.0, 1.0])?)?;
    /// let z = b.lt(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::i32(&[3], vec![0, 1, 0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lt(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Lt(a.0, b.0))
    }

    /// Appends 1 where `a <= b`, else 0, as i32; -0 equals +0, false with NaN.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[3], vec![-0.0, 1.0, f32::NAN])?)?;
    /// let y = b.constant(Tensor::f32(&[3], vec![0.0, 2.0, 1.0])?)?;
    /// let z = b.le(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::i32(&[3], vec![1, 1, 0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn le(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Le(a.0, b.0))
    }

    /// Appends 1 where `a == b`, else 0, as i32; -0 equals +0, false with NaN.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if dtypes or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[3], vec![-0.0, 1.0, f32::NAN])?)?;
    /// let y = b.constant(Tensor::f32(&[3], vec![0.0, 2.0, 1.0])?)?;
    /// let z = b.eq(x, y)?;
    /// let z = eval(&b.finish(&[z])?, &[])?;
    /// assert_eq!(z[0], Tensor::i32(&[3], vec![1, 0, 0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn eq(&mut self, a: Value, b: Value) -> Built {
        self.push(Op::Eq(a.0, b.0))
    }

    /// Appends `a` where the i32 `condition` is not 0, else `b`; copies bits.
    ///
    /// Gradient: to the operand that was taken.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if `condition` is not i32, `a` and `b` differ in
    /// dtype, or shapes differ.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::i32(&[2], vec![5, 0])?)?;
    /// let y = b.select(x, x, x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[2], vec![5, 0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn select(&mut self, condition: Value, a: Value, b: Value) -> Built {
        self.push(Op::Select(condition.0, a.0, b.0))
    }

    /// Appends `x` in another dtype: to floats rounding to nearest even, to i32 toward zero,
    /// saturating, NaN giving 0.
    ///
    /// Gradient: `dx = convert(dy)` between floats, else none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Count`](crate::BuildError::Count) if the Program is full.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[3], vec![-1.9, 3e9, f32::NAN])?)?;
    /// let y = b.convert(x, Dtype::I32)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::i32(&[3], vec![-1, i32::MAX, 0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn convert(&mut self, x: Value, dtype: Dtype) -> Built {
        self.push(Op::Convert { x: x.0, dtype })
    }

    /// Appends the greatest integer not above the float `x`; of -0 it is -0.
    ///
    /// Gradient: none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if the dtype is not float.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![-0.5, 2.9])?)?;
    /// let y = b.floor(x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2], vec![-1.0, 2.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn floor(&mut self, x: Value) -> Built {
        self.push(Op::Floor(x.0))
    }

    /// Appends e to the power `x`, by the numbered sequence of `docs/numerics.md`.
    ///
    /// Gradient: `dx = dy * y`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if the dtype is not float.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![0.0, f32::NEG_INFINITY])?)?;
    /// let y = b.exp(x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2], vec![1.0, 0.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exp(&mut self, x: Value) -> Built {
        self.push(Op::Exp(x.0))
    }

    /// Appends the natural logarithm: -inf at zero, NaN below.
    ///
    /// Gradient: `dx = dy / x`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if the dtype is not float.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![1.0, 0.0])?)?;
    /// let y = b.log(x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2], vec![0.0, f32::NEG_INFINITY])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log(&mut self, x: Value) -> Built {
        self.push(Op::Log(x.0))
    }

    /// Appends the hyperbolic tangent.
    ///
    /// Gradient: `dx = dy * fma(-y, y, 1)`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if the dtype is not float.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![-0.0, 90.0])?)?;
    /// let y = b.tanh(x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2], vec![-0.0, 1.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tanh(&mut self, x: Value) -> Built {
        self.push(Op::Tanh(x.0))
    }

    /// Appends the error function.
    ///
    /// Gradient: `dx = dy * (2/sqrt(pi) * exp(-(x * x)))`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if the dtype is not float.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![-0.0, 9.0])?)?;
    /// let y = b.erf(x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2], vec![-0.0, 1.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn erf(&mut self, x: Value) -> Built {
        self.push(Op::Erf(x.0))
    }

    /// Appends one minus the error function, with a relative error bound in the tail.
    ///
    /// Gradient: `dx = -(dy * (2/sqrt(pi) * exp(-(x * x))))`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Op`](crate::BuildError::Op) if the dtype is not float.
    ///
    /// ```
    /// # use tensor::{Builder, Dtype, Tensor, eval};
    /// # let mut b = Builder::new();
    /// let x = b.constant(Tensor::f32(&[2], vec![0.0, -9.0])?)?;
    /// let y = b.erfc(x)?;
    /// let y = eval(&b.finish(&[y])?, &[])?;
    /// assert_eq!(y[0], Tensor::f32(&[2], vec![1.0, 2.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn erfc(&mut self, x: Value) -> Built {
        self.push(Op::Erfc(x.0))
    }
}

//! Reverse-mode derivatives: the gradient of a Program is a Program.
//!
//! [`Builder::gradient`] walks from the loss back to the inputs that were asked for and appends,
//! for every op on a path between them, the ops of its derivative: one exhaustive match,
//! `Builder::pullback`. They are ordinary ops, so a training step has a hash like anything else.
//!
//! Invariant, since addition order is part of the result: the gradients that reach one value are
//! added in ascending order of use, by op and then by operand place, `((g0 + g1) + g2) + …`.
//! Kinks are decided in the table: comparisons, floor, argmax and integers have no gradient; a tie
//! of min or max goes to the second operand; abs has slope 0 at 0; max along an axis goes to the
//! element that argmax names. Absent: forward mode, tapes, second copies of the op set.

use crate::{BuildError, Builder, Op, Value, builder::Built};

/// 2/sqrt(pi), the slope of erf at 0.
const ERF_SLOPE: f64 = f64::from_bits(0x3ff2_0dd7_5042_9b6d);

/// The gradients of an op's operands, in their order; `None` where there is none.
type Pulled = Result<Vec<Option<Value>>, BuildError>;

impl Builder {
    /// Appends the derivative of the scalar `loss` with respect to each of `wrt`, in order.
    ///
    /// A value the loss does not depend on has a gradient of +0. Gradients have the dtype and shape
    /// of their value, and may be differentiated again.
    ///
    /// # Errors
    ///
    /// [`BuildError::Loss`] if the loss is not a float scalar, [`BuildError::Op`] if one of `wrt`
    /// is not float, [`BuildError::Count`] if the Program is full.
    ///
    /// ```
    /// use tensor::{Builder, Dtype, Tensor, eval};
    ///
    /// let mut b = Builder::new();
    /// let x = b.input(Dtype::F64, &[])?;
    /// let y = b.mul(x, x)?;
    /// let dx = b.gradient(y, &[x])?[0];
    /// let ddx = b.gradient(dx, &[x])?[0];
    /// let program = b.finish(&[dx, ddx])?;
    /// let outputs = eval(&program, &[Tensor::f64(&[], vec![3.0])?])?;
    /// assert_eq!(outputs[0].as_f64(), Some(&[6.0][..]));
    /// assert_eq!(outputs[1].as_f64(), Some(&[2.0][..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn gradient(&mut self, loss: Value, wrt: &[Value]) -> Result<Vec<Value>, BuildError> {
        let count = self.nodes.len();
        if let Some(value) = wrt.iter().chain([&loss]).find(|value| value.0 >= count) {
            return Err(BuildError::Value { op: "gradient", index: value.0 });
        }
        let (dtype, shape) = (self.dtype_of(loss), *self.shape_of(loss));
        if !dtype.is_float() || shape.rank() != 0 {
            return Err(BuildError::Loss { dtype, shape });
        }
        let on_path = self.reaches(wrt, loss);
        // What was pulled back to each value so far, by descending use.
        let mut pulled: Vec<Vec<Value>> = vec![Vec::new(); loss.0 + 1];
        let mut totals: Vec<Option<Value>> = vec![None; count];
        pulled[loss.0].push(self.full(dtype, &[], 1.0)?);
        for index in (0..=loss.0).rev().filter(|index| on_path[*index]) {
            let Some(total) = self.total(std::mem::take(&mut pulled[index]))? else { continue };
            totals[index] = Some(total);
            let op = self.nodes[index].op.clone();
            let operands = op.operands();
            let wanted: Vec<bool> = operands.iter().map(|operand| on_path[*operand]).collect();
            if !wanted.contains(&true) {
                continue;
            }
            let gradients = self.pullback(&op, Value(index), total, &wanted)?;
            for (operand, gradient) in operands.into_iter().zip(gradients).rev() {
                pulled[operand].extend(gradient.filter(|_| on_path[operand]));
            }
        }
        wrt.iter().map(|value| self.or_zero(*value, totals[value.0])).collect()
    }

    /// Returns for every node up to `loss` whether it depends on one of `wrt`, or is one.
    fn reaches(&self, wrt: &[Value], loss: Value) -> Vec<bool> {
        let mut reached = vec![false; loss.0 + 1];
        for index in 0..=loss.0 {
            reached[index] = wrt.contains(&Value(index))
                || self.nodes[index].op.operands().iter().any(|operand| reached[*operand]);
        }
        reached
    }

    /// Adds what was pulled back in descending order, in ascending order.
    fn total(&mut self, pulled: Vec<Value>) -> Result<Option<Value>, BuildError> {
        let mut ascending = pulled.into_iter().rev();
        let Some(mut total) = ascending.next() else { return Ok(None) };
        for gradient in ascending {
            total = self.add(total, gradient)?;
        }
        Ok(Some(total))
    }

    fn or_zero(&mut self, value: Value, gradient: Option<Value>) -> Built {
        match gradient {
            Some(gradient) => Ok(gradient),
            None if self.dtype_of(value).is_float() => self.full_like(value, 0.0),
            None => Err(BuildError::Op {
                op: "gradient",
                reason: Box::new(crate::OpError::Dtype {
                    expected: "a float",
                    got: self.dtype_of(value),
                }),
            }),
        }
    }

    fn full_like(&mut self, value: Value, element: f64) -> Built {
        let (dtype, shape) = (self.dtype_of(value), *self.shape_of(value));
        self.full(dtype, shape.dims(), element)
    }

    /// The table: the gradients of `op`'s operands given `dy`, the gradient of its result `y`.
    ///
    /// Only those in `wanted` need be there; an op without a derivative gives none.
    #[expect(clippy::too_many_lines, reason = "one arm per op")]
    fn pullback(&mut self, op: &Op, y: Value, dy: Value, wanted: &[bool]) -> Pulled {
        let one = |gradient: Built| Ok(vec![Some(gradient?)]);
        match op {
            Op::Input { .. }
            | Op::Constant(_)
            | Op::Iota { .. }
            | Op::RandomBits { .. }
            | Op::Lt(..)
            | Op::Le(..)
            | Op::Eq(..)
            | Op::Floor(_)
            | Op::And(..)
            | Op::Or(..)
            | Op::Xor(..)
            | Op::Shl(..)
            | Op::Shr(..)
            | Op::Sar(..)
            | Op::Requantise { .. }
            | Op::Argmax { .. } => Ok(vec![None; wanted.len()]),
            // Over i32 the ops below have no gradient either.
            _ if !self.dtype_of(y).is_float() => Ok(vec![None; wanted.len()]),
            Op::Add(..) => Ok(vec![Some(dy), Some(dy)]),
            Op::Sub(..) => {
                let db = self.want(wanted[1], |b| b.neg(dy))?;
                Ok(vec![Some(dy), db])
            }
            Op::Mul(a, b) => self.product(dy, (*a, *b), wanted),
            Op::Div(_, b) => {
                let da = self.div(dy, Value(*b))?;
                let db = self.want(wanted[1], |b| {
                    let product = b.mul(da, y)?;
                    b.neg(product)
                })?;
                Ok(vec![Some(da), db])
            }
            Op::Fma(a, b, _) => {
                let mut gradients = self.product(dy, (*a, *b), wanted)?;
                gradients.push(Some(dy));
                Ok(gradients)
            }
            Op::Neg(_) => one(self.neg(dy)),
            Op::Abs(x) => one(self.abs_pullback(Value(*x), dy)),
            Op::Min(a, b) => self.split(dy, (Value(*a), Value(*b)), wanted),
            Op::Max(a, b) => self.split(dy, (Value(*b), Value(*a)), wanted),
            Op::Select(condition, ..) => {
                let gradients = self.choose(Value(*condition), dy, &wanted[1..])?;
                Ok([vec![None], gradients].concat())
            }
            Op::Convert { x, .. } => {
                let dtype = self.dtype_of(Value(*x));
                if dtype.is_float() { one(self.convert(dy, dtype)) } else { Ok(vec![None]) }
            }
            Op::Sqrt(_) => {
                let half = self.full_like(y, 0.5)?;
                let scaled = self.mul(dy, half)?;
                one(self.div(scaled, y))
            }
            Op::Exp(_) => one(self.mul(dy, y)),
            Op::Log(x) => one(self.div(dy, Value(*x))),
            Op::Tanh(_) => {
                let (negative, unit) = (self.neg(y)?, self.full_like(y, 1.0)?);
                let slope = self.fma(negative, y, unit)?;
                one(self.mul(dy, slope))
            }
            Op::Erf(x) => one(self.bell(Value(*x), dy)),
            Op::Erfc(x) => {
                let positive = self.bell(Value(*x), dy)?;
                one(self.neg(positive))
            }
            Op::Reshape { x, .. } => {
                let shape = *self.shape_of(Value(*x));
                one(self.reshape(dy, shape.dims()))
            }
            Op::Transpose { perm, .. } => {
                let mut inverse = vec![0; perm.len()];
                perm.iter().enumerate().for_each(|(to, from)| inverse[*from] = to);
                one(self.transpose(dy, &inverse))
            }
            Op::Broadcast { x, .. } => one(self.unbroadcast(Value(*x), dy)),
            Op::Slice { x, start, end } => {
                let shape = *self.shape_of(Value(*x));
                let after: Vec<usize> =
                    shape.dims().iter().zip(end).map(|(extent, end)| extent - end).collect();
                one(self.pad(dy, start, &after))
            }
            Op::Concat { xs, axis, .. } => self.parts(dy, xs, *axis, wanted),
            Op::Pad { x, lo, .. } => {
                let shape = *self.shape_of(Value(*x));
                let end: Vec<usize> =
                    shape.dims().iter().zip(lo).map(|(extent, lo)| lo + extent).collect();
                one(self.slice(dy, lo, &end))
            }
            Op::Gather { x, indices, axis } => {
                let extent = self.shape_of(Value(*x)).dims()[*axis];
                let dx = self.scatter_add(dy, Value(*indices), *axis, extent)?;
                Ok(vec![Some(dx), None])
            }
            Op::ScatterAdd { indices, axis, .. } => {
                let dx = self.gather(dy, Value(*indices), *axis)?;
                Ok(vec![Some(dx), None])
            }
            Op::Matmul(a, b) => {
                let da = self.want(wanted[0], |builder| {
                    let turned = builder.turn(Value(*b))?;
                    builder.matmul(dy, turned)
                })?;
                let db = self.want(wanted[1], |builder| {
                    let turned = builder.turn(Value(*a))?;
                    builder.matmul(turned, dy)
                })?;
                Ok(vec![da, db])
            }
            Op::Sum { x, axis } => one(self.spread(Value(*x), dy, *axis)),
            Op::MaxAxis { x, axis } => one(self.max_axis_pullback(Value(*x), dy, *axis)),
        }
    }

    fn want(
        &mut self,
        wanted: bool,
        gradient: impl FnOnce(&mut Builder) -> Built,
    ) -> Result<Option<Value>, BuildError> {
        if wanted { gradient(self).map(Some) } else { Ok(None) }
    }

    /// `da = dy * b`, `db = dy * a`.
    fn product(&mut self, dy: Value, (a, b): (usize, usize), wanted: &[bool]) -> Pulled {
        let da = self.want(wanted[0], |builder| builder.mul(dy, Value(b)))?;
        let db = self.want(wanted[1], |builder| builder.mul(dy, Value(a)))?;
        Ok(vec![da, db])
    }

    /// `dy` to the first operand where `condition` is not 0, else to the second.
    fn choose(&mut self, condition: Value, dy: Value, wanted: &[bool]) -> Pulled {
        let zero = self.full_like(dy, 0.0)?;
        let da = self.want(wanted[0], |builder| builder.select(condition, dy, zero))?;
        let db = self.want(wanted[1], |builder| builder.select(condition, zero, dy))?;
        Ok(vec![da, db])
    }

    /// `dy` to the first operand where `pair.0 < pair.1`, else to the second.
    fn split(&mut self, dy: Value, pair: (Value, Value), wanted: &[bool]) -> Pulled {
        let condition = self.lt(pair.0, pair.1)?;
        self.choose(condition, dy, wanted)
    }

    fn abs_pullback(&mut self, x: Value, dy: Value) -> Built {
        let zero = self.full_like(x, 0.0)?;
        let (above, below) = (self.lt(zero, x)?, self.lt(x, zero)?);
        let negative = self.neg(dy)?;
        let nothing = self.full_like(dy, 0.0)?;
        let lower = self.select(below, negative, nothing)?;
        self.select(above, dy, lower)
    }

    /// `dy * (2/sqrt(pi) * exp(-(x * x)))`.
    fn bell(&mut self, x: Value, dy: Value) -> Built {
        let square = self.mul(x, x)?;
        let negative = self.neg(square)?;
        let exp = self.exp(negative)?;
        let factor = self.full_like(x, ERF_SLOPE)?;
        let slope = self.mul(factor, exp)?;
        self.mul(dy, slope)
    }

    /// Sums `dy` over the axes along which `x` was repeated, first axis first.
    fn unbroadcast(&mut self, x: Value, dy: Value) -> Built {
        let (from, to) = (*self.shape_of(x), *self.shape_of(dy));
        let new = to.rank() - from.rank();
        let (mut sum, mut axis) = (dy, 0);
        for (place, &extent) in to.dims().iter().enumerate() {
            let repeated = place < new || (from.dims()[place - new] == 1 && extent != 1);
            if repeated {
                sum = self.sum(sum, axis)?;
            } else {
                axis += 1;
            }
        }
        if *self.shape_of(sum) == from { Ok(sum) } else { self.reshape(sum, from.dims()) }
    }

    fn parts(&mut self, dy: Value, xs: &[usize], axis: usize, wanted: &[bool]) -> Pulled {
        let mut gradients = Vec::with_capacity(xs.len());
        let mut first = 0;
        for (x, wanted) in xs.iter().zip(wanted) {
            let shape = *self.shape_of(Value(*x));
            let mut start = vec![0; shape.rank()];
            let mut end = shape.dims().to_vec();
            start[axis] = first;
            first += end[axis];
            end[axis] = first;
            gradients.push(self.want(*wanted, |builder| builder.slice(dy, &start, &end))?);
        }
        Ok(gradients)
    }

    /// Swaps the last two axes.
    fn turn(&mut self, x: Value) -> Built {
        let rank = self.shape_of(x).rank();
        let mut perm: Vec<usize> = (0..rank).collect();
        perm.swap(rank - 2, rank - 1);
        self.transpose(x, &perm)
    }

    /// Repeats `y`, which lacks `axis`, along it, into the shape of `x`.
    fn spread(&mut self, x: Value, y: Value, axis: usize) -> Built {
        let shape = *self.shape_of(x);
        let mut dims = shape.dims().to_vec();
        dims[axis] = 1;
        let column = self.reshape(y, &dims)?;
        self.broadcast(column, shape.dims())
    }

    fn max_axis_pullback(&mut self, x: Value, dy: Value, axis: usize) -> Built {
        let shape = *self.shape_of(x);
        let best = self.argmax(x, axis)?;
        let best = self.spread(x, best, axis)?;
        let position = self.iota(shape.dims(), axis)?;
        let chosen = self.eq(position, best)?;
        let spread = self.spread(x, dy, axis)?;
        let zero = self.full_like(spread, 0.0)?;
        self.select(chosen, spread, zero)
    }
}

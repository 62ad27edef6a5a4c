//! Runs a planned Program; keeps its buffers for the next run.
//!
//! An output leaves in the buffer that it was written to; all others stay.
//!
//! *Invariant: a run depends on its inputs alone. What an earlier run left in a buffer is written
//! over before it is read.*
//! Absent: steps that are skipped because their inputs did not change.

use std::borrow::Borrow;

use tensor::{Dtype, EvalError, Op, Program, Shape, Tensor, random};

use crate::buffer::{Buffer, Typed, View};
use crate::fused::Registers;
use crate::gemm::{Extents, Matrix, Packing, Products, Row, Rows, Strips};
use crate::level::{Level, assert_ieee};
use crate::movement::{self, Around};
use crate::plan::rows::{self, Form, Product};
use crate::plan::{Place, Plan, Slot, Step};
use crate::reduce::{self, Greatest, Sum};
use crate::threads::Threads;

/// A Program made ready to run many times.
///
/// The first run and the thousandth cost the same: the plan and all memory but the outputs are made
/// when the runner is. Results equal [`tensor::eval`]'s to the last bit on every CPU.
///
/// ```
/// use kernels::Runner;
/// use tensor::{Builder, Dtype, Tensor};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::F32, &[2])?;
/// let y = b.mul(x, x)?;
/// let mut runner = Runner::new(&b.finish(&[y])?);
/// let mut value = Tensor::f32(&[2], vec![2.0, 3.0])?;
/// for _ in 0..2 {
///     value = runner.run(&[&value])?.remove(0);
/// }
/// assert_eq!(value.as_f32(), Some(&[16.0, 81.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Runner {
    program: Program,
    plan: Plan,
    how: How,
    buffers: Vec<Buffer>,
    /// Scratch memory of each thread.
    registers: Vec<Registers>,
    packings: Packings,
    strips: Vec<Strips>,
}

/// What a step's kernels may use.
#[derive(Clone, Copy, Debug)]
struct How {
    level: Level,
    threads: Threads,
}

/// Packed operands by dtype, for each thread.
#[derive(Debug, Default)]
struct Packings {
    f32: Vec<Packing<f32>>,
    f64: Vec<Packing<f64>>,
    i32: Vec<Packing<i32>>,
}

/// What a step may read: the inputs, and everything but the buffer that it writes.
#[derive(Clone, Copy)]
struct Memory<'a> {
    program: &'a Program,
    plan: &'a Plan,
    buffers: &'a [Buffer],
    inputs: &'a [&'a Tensor],
}

impl Runner {
    /// Plans a Program for the fastest level of this CPU and for all of its cores.
    #[must_use]
    pub fn new(program: &Program) -> Runner {
        Runner::with_level(program, Level::best())
    }

    /// Plans a Program for a given level; tests use it to run every path that this CPU has.
    #[must_use]
    pub fn with_level(program: &Program, level: Level) -> Runner {
        let plan = Plan::new(program);
        let buffer = |slot: &Slot| if slot.leaves { Buffer::default() } else { Buffer::new(*slot) };
        let buffers = plan.slots.iter().map(buffer).collect();
        Runner {
            program: program.clone(),
            plan,
            how: How { level, threads: Threads::available() },
            buffers,
            registers: Vec::new(),
            packings: Packings::default(),
            strips: Vec::new(),
        }
    }

    /// Returns the runner, from now on with these threads; results are the same with any.
    #[must_use]
    pub fn with_threads(mut self, threads: Threads) -> Runner {
        self.how.threads = threads;
        self
    }

    /// Returns the Program's outputs for these inputs.
    ///
    /// # Errors
    ///
    /// [`EvalError`] if there are more or fewer inputs than the Program declares, or if one has
    /// another dtype or shape.
    ///
    /// # Panics
    ///
    /// If this thread's rounding mode was changed, or subnormals are flushed to zero.
    pub fn run<T: Borrow<Tensor>>(&mut self, inputs: &[T]) -> Result<Vec<Tensor>, EvalError> {
        let inputs: Vec<&Tensor> = inputs.iter().map(Borrow::borrow).collect();
        check(&self.program, &inputs)?;
        assert_ieee();
        let inputs = &inputs;
        let Runner { program, plan, how, buffers, registers, packings, strips } = self;
        for step in &plan.steps {
            let mut out = take(step, &plan.slots, buffers);
            let memory = Memory { program, plan, buffers, inputs };
            match step {
                Step::Fused(group) => {
                    let place = |place: &Place| memory.place(*place);
                    let loads: Vec<View<'_>> = group.loads.iter().map(place).collect();
                    group.run((how.level, how.threads), &loads, &mut out, registers);
                }
                Step::Single { node, .. } => match (plan.made.products.get(node), &mut out[0]) {
                    (Some(product), Buffer::F64(out)) => {
                        memory.product_of_rows((*node, product), *how, out, strips);
                    }
                    (_, out) => memory.single(*node, *how, out, packings),
                },
            }
            put_back(step, out, buffers);
        }
        let output = |(node, takes): (&usize, &bool)| {
            let shape = &program.nodes()[*node].shape;
            match plan.places[*node] {
                Some(Place::Slot(slot)) if *takes => {
                    std::mem::take(&mut buffers[slot]).into_tensor(shape)
                }
                _ => Memory { program, plan, buffers, inputs }.view(*node).to_tensor(shape),
            }
        };
        Ok(program.outputs().iter().zip(&plan.takes).map(output).collect())
    }
}

/// Takes the buffers that a step writes, so that it can read all others meanwhile.
fn take(step: &Step, slots: &[Slot], buffers: &mut [Buffer]) -> Vec<Buffer> {
    let buffer = |slot: &usize| {
        let planned = slots[*slot];
        if planned.leaves { Buffer::new(planned) } else { std::mem::take(&mut buffers[*slot]) }
    };
    step.slots().iter().map(buffer).collect()
}

fn put_back(step: &Step, out: Vec<Buffer>, buffers: &mut [Buffer]) {
    for (slot, buffer) in step.slots().iter().zip(out) {
        buffers[*slot] = buffer;
    }
}

fn check(program: &Program, inputs: &[&Tensor]) -> Result<(), EvalError> {
    let (expected, got) = (program.inputs().len(), inputs.len());
    if expected != got {
        return Err(EvalError::Count { expected, got });
    }
    for (index, (&(dtype, shape), input)) in program.inputs().iter().zip(inputs).enumerate() {
        if input.dtype() != dtype {
            return Err(EvalError::Dtype { index, expected: dtype, got: input.dtype() });
        }
        if *input.shape() != shape {
            return Err(EvalError::Shape { index, expected: shape, got: *input.shape() });
        }
    }
    Ok(())
}

impl<'a> Memory<'a> {
    /// Returns all that lies at a place; a buffer may be longer than what it holds.
    fn place(self, place: Place) -> View<'a> {
        match place {
            Place::Input(index) => View::of(self.inputs[index]),
            Place::Constant(index) => View::of(&self.plan.constants[index]),
            Place::Slot(slot) => self.buffers[slot].view(),
        }
    }

    fn view(self, node: usize) -> View<'a> {
        self.place(self.plan.places[node].expect("what a step reads is in memory"))
    }

    /// Returns exactly the elements of a node.
    fn slice<T: Typed>(self, node: usize) -> &'a [T] {
        &T::slice(self.view(node))[..self.shape(node).count()]
    }

    fn shape(self, node: usize) -> &'a Shape {
        &self.program.nodes()[node].shape
    }

    /// Runs an op that has a step of its own.
    fn single(self, node: usize, how: How, out: &mut Buffer, packings: &mut Packings) {
        let count = self.shape(node).count();
        match out {
            Buffer::F32(out) => self.typed(node, how, &mut out[..count], &mut packings.f32),
            Buffer::F64(out) => self.typed(node, how, &mut out[..count], &mut packings.f64),
            Buffer::I32(out) => {
                let out = &mut out[..count];
                match &self.program.nodes()[node].op {
                    Op::Iota { shape, axis } => iota(shape, *axis, out),
                    Op::RandomBits { key, stream, .. } => {
                        random_bits(self.slice(*key), *stream, out)
                    }
                    Op::Argmax { x, axis } => self.argmax(*x, *axis, out),
                    _ => self.typed(node, how, out, &mut packings.i32),
                }
            }
        }
    }

    /// Runs an op whose result has the dtype of its first operand.
    fn typed<T: Typed>(self, node: usize, how: How, out: &mut [T], packings: &mut Vec<Packing<T>>) {
        let to = self.shape(node);
        match &self.program.nodes()[node].op {
            Op::Transpose { x, perm } => {
                movement::transpose(self.slice(*x), self.shape(*x), perm, out);
            }
            Op::Broadcast { x, .. } => {
                movement::broadcast(self.slice(*x), self.shape(*x), to, out);
            }
            Op::Slice { x, start, .. } => {
                movement::slice(self.slice(*x), self.shape(*x), start, to, out);
            }
            Op::Pad { x, lo, .. } => movement::pad(self.slice(*x), self.shape(*x), lo, to, out),
            Op::Concat { xs, axis, .. } => self.concat(xs, to.around(*axis), out),
            Op::Gather { x, indices, axis } => {
                let (_, extent, after) = self.shape(*x).around(*axis);
                let indices = self.slice(*indices);
                movement::gather(self.slice(*x), indices, Around { extent, after }, out);
            }
            Op::ScatterAdd { updates, indices, axis, .. } => {
                let (_, extent, after) = to.around(*axis);
                let indices = self.slice(*indices);
                reduce::scatter_add(self.slice(*updates), indices, Around { extent, after }, out);
            }
            Op::Matmul(a, b) => self.matmul((*a, *b), how, out, packings),
            Op::Sum { x, axis } => {
                let (_, along, after) = self.shape(*x).around(*axis);
                how.level.run(Sum { from: self.slice(*x), along, after, out });
            }
            Op::MaxAxis { x, axis } => {
                let (_, along, after) = self.shape(*x).around(*axis);
                how.level.run(Greatest { from: self.slice(*x), along, after, out });
            }
            op => unreachable!("{} has no step of its own", op.name()),
        }
    }

    fn argmax(self, x: usize, axis: usize, out: &mut [i32]) {
        let (_, along, after) = self.shape(x).around(axis);
        let mut put = |at: usize, index: usize| out[at] = to_i32(index);
        match self.program.nodes()[x].dtype {
            Dtype::F32 => {
                reduce::extreme(self.slice::<f32>(x), along, after, |at, _, i| put(at, i));
            }
            Dtype::F64 => {
                reduce::extreme(self.slice::<f64>(x), along, after, |at, _, i| put(at, i));
            }
            Dtype::I32 => {
                reduce::extreme(self.slice::<i32>(x), along, after, |at, _, i| put(at, i));
            }
        }
    }

    fn concat<T: Typed>(
        self,
        xs: &[usize],
        (_, along, after): (usize, usize, usize),
        out: &mut [T],
    ) {
        let mut start = 0;
        for x in xs {
            let from = self.slice::<T>(*x);
            let extent = from.len() * along / out.len();
            movement::concat(from, extent, start, (along, after), out);
            start += extent;
        }
    }

    fn matmul<T: Typed>(
        self,
        operands: (usize, usize),
        how: How,
        out: &mut [T],
        packings: &mut Vec<Packing<T>>,
    ) {
        let (a, b) = operands;
        let (left, right) = (self.shape(a).dims(), self.shape(b).dims());
        let rank = left.len();
        let extents = Extents { m: left[rank - 2], k: left[rank - 1], n: right[rank - 1] };
        let (left, right) = (self.factor(a), self.factor(b));
        Products { level: how.level, extents, left, right }.run(how.threads, out, packings);
    }

    /// Runs a product whose right factor's rows are made on the way.
    fn product_of_rows(
        self,
        (node, product): (usize, &Product),
        how: How,
        out: &mut [f64],
        strips: &mut Vec<Strips>,
    ) {
        let out = &mut out[..self.shape(node).count()];
        let made = &self.plan.made.rows[&product.matrix];
        let length = self.shape(product.matrix).count() / made.len();
        let bound = |node: usize| self.slice::<i32>(node)[0];
        let row = |row: &rows::Row| Row {
            data: self.view(row.node).part(row.start, length),
            bounds: row.bounds.map_or((i32::MIN, i32::MAX), |(a, b)| (bound(a), bound(b))),
        };
        let rows: Vec<Row<'_>> = made.iter().map(row).collect();
        let rows = Rows { level: how.level, rows: &rows, length };
        match (&product.form, &self.program.nodes()[node].op) {
            (Form::Squared, _) => rows.squared(how.threads, out, strips),
            (Form::Apart(less), _) => rows.apart(row(less), how.threads, out, strips),
            (Form::Weighted, Op::Matmul(left, _)) => {
                rows.weighted(self.factor(*left), how.threads, out, strips);
            }
            (Form::Weighted, op) => unreachable!("{} has no weights", op.name()),
        }
    }

    /// Returns an operand of a matmul, read through a transpose where the plan left that out.
    fn factor<T: Typed>(self, operand: usize) -> Matrix<'a, T> {
        let (dims, nodes) = (self.shape(operand).dims(), self.program.nodes());
        let (rows, columns) = (dims[dims.len() - 2], dims[dims.len() - 1]);
        match (&nodes[operand].op, self.plan.places[operand]) {
            (Op::Transpose { x, .. }, None) => {
                Matrix { data: self.slice(*x), row: 1, column: rows }
            }
            _ => Matrix { data: self.slice(operand), row: columns, column: 1 },
        }
    }
}

fn iota(shape: &Shape, axis: usize, out: &mut [i32]) {
    let (_, along, after) = shape.around(axis);
    for (row, out) in out.chunks_exact_mut(after).enumerate() {
        out.fill(to_i32(row % along));
    }
}

fn random_bits(key: &[i32], stream: u32, out: &mut [i32]) {
    let key = [key[0].cast_unsigned(), key[1].cast_unsigned()];
    for (block, out) in (0u64..).zip(out.chunks_mut(4)) {
        let counter = [low(block), low(block >> 32), stream, 0];
        for (out, word) in out.iter_mut().zip(random::philox(counter, key)) {
            *out = word.cast_signed();
        }
    }
}

fn low(x: u64) -> u32 {
    u32::try_from(x & 0xffff_ffff).expect("32 bits are left")
}

fn to_i32(index: usize) -> i32 {
    i32::try_from(index).expect("shapes have fewer than 2^31 elements")
}

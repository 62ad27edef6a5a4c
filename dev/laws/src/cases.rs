//! Random well-typed Programs with inputs for them.
//!
//! A case is grown op by op from a seed: an op is drawn, operands that fit are looked for or made,
//! and what does not fit is dropped, so every case is a valid Program. Extents straddle what
//! kernels care about: vector widths, lanes of a sum, blocks of a group.
//!
//! *Invariant: a seed and a size give one case, on every machine.*
//! Absent: gradients (those are Programs of the same ops).

use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value};

use crate::dice::Dice;
use crate::special;

/// A Program and inputs that fit it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The Program.
    pub program: Program,
    /// One tensor for each declared input.
    pub inputs: Vec<Tensor>,
}

/// Extents that kernels care about.
const EXTENTS: [usize; 14] = [1, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 65];

/// Long axes, tried where nothing else is large.
const LONG: [usize; 6] = [127, 257, 511, 512, 513, 1_100];

/// No result of a case has more elements.
const COUNT_MAX: usize = 4_096;

const DTYPES: [Dtype; 3] = [Dtype::F32, Dtype::F64, Dtype::I32];

impl Case {
    /// Returns the case of a seed with about `size` ops.
    ///
    /// # Panics
    ///
    /// Never: what the builder refuses is left out.
    #[must_use]
    pub fn random(seed: u64, size: usize) -> Case {
        Case::grow(seed, size, false)
    }

    /// Returns the same case with every result that was drawn as a further output.
    ///
    /// # Panics
    ///
    /// Never, as [`random`](Case::random).
    #[must_use]
    pub fn observed(seed: u64, size: usize) -> Case {
        Case::grow(seed, size, true)
    }

    fn grow(seed: u64, size: usize, observed: bool) -> Case {
        let mut growth = Growth { dice: Dice::new(seed), b: Builder::new(), pool: Vec::new() };
        let mut inputs = Vec::new();
        for _ in 0..1 + growth.dice.below(4) {
            let (dtype, dims) = (*growth.dice.pick(&DTYPES), growth.dims());
            inputs.push(special::tensor(&mut growth.dice, dtype, &dims));
            let value = growth.b.input(dtype, &dims).expect("the extents are within limits");
            growth.pool.push(value);
        }
        for _ in 0..size {
            let grown = growth.grow();
            growth.pool.extend(grown);
        }
        let Growth { mut dice, b, pool } = growth;
        let mut outputs: Vec<Value> = pool.last().copied().into_iter().collect();
        outputs.extend(pool.iter().filter(|_| dice.one_in(5)));
        if observed {
            outputs.extend(&pool);
        }
        let program = b.finish(&outputs).expect("there is an output and every value is its own");
        Case { program, inputs }
    }
}

struct Growth {
    dice: Dice,
    b: Builder,
    pool: Vec<Value>,
}

impl Growth {
    fn dims(&mut self) -> Vec<usize> {
        if self.dice.one_in(5) {
            return vec![*self.dice.pick(&LONG)];
        }
        let mut dims: Vec<usize> = Vec::new();
        for _ in 0..self.dice.below(5) {
            let extent = *self.dice.pick(&EXTENTS);
            if dims.iter().product::<usize>() * extent <= COUNT_MAX {
                dims.push(extent);
            }
        }
        dims
    }

    fn any(&mut self) -> Value {
        // Recent values more often, so that chains grow long.
        let recent = self.pool.len().min(4);
        if self.dice.one_in(2) {
            return self.pool[self.pool.len() - 1 - self.dice.below(recent)];
        }
        *self.dice.pick(&self.pool)
    }

    fn of(&mut self, dtype: Dtype) -> Option<Value> {
        let x = self.any();
        if self.b.dtype_of(x) == dtype { Some(x) } else { self.b.convert(x, dtype).ok() }
    }

    fn dims_of(&self, x: Value) -> Vec<usize> {
        self.b.shape_of(x).dims().to_vec()
    }

    /// Returns another value of the type of `x`: found, spread from a scalar, or `x` itself.
    fn like(&mut self, x: Value) -> Value {
        let (dtype, shape) = (self.b.dtype_of(x), *self.b.shape_of(x));
        if self.dice.one_in(4) {
            let dims = shape.dims();
            let scalar = special::tensor(&mut self.dice, dtype, &[]);
            let spread = self.b.constant(scalar).and_then(|s| self.b.broadcast(s, dims));
            return spread.unwrap_or(x);
        }
        let same = |v: &&Value| self.b.dtype_of(**v) == dtype && *self.b.shape_of(**v) == shape;
        let alike: Vec<Value> = self.pool.iter().filter(same).copied().collect();
        if alike.is_empty() { x } else { *self.dice.pick(&alike) }
    }

    fn axis(&mut self, x: Value) -> Option<usize> {
        let rank = self.b.shape_of(x).rank();
        if rank == 0 { None } else { Some(self.dice.below(rank)) }
    }

    fn grow(&mut self) -> Option<Value> {
        let value = match self.dice.below(10) {
            0..4 => self.elementwise(),
            4 => self.float(),
            5 => self.integer(),
            6 | 7 => self.movement(),
            8 => self.fold(),
            _ => self.source(),
        }?;
        (self.b.shape_of(value).count() <= COUNT_MAX).then_some(value)
    }

    fn elementwise(&mut self) -> Option<Value> {
        let a = self.any();
        let c = self.like(a);
        let made = match self.dice.below(11) {
            0 => self.b.add(a, c),
            1 => self.b.sub(a, c),
            2 => self.b.mul(a, c),
            3 => self.b.neg(a),
            4 => self.b.abs(a),
            5 => self.b.min(a, c),
            6 => self.b.max(a, c),
            7 => self.b.lt(a, c),
            8 => self.b.le(a, c),
            9 => self.b.eq(a, c),
            _ => {
                let condition = self.b.lt(c, a).ok()?;
                self.b.select(condition, a, c)
            }
        };
        made.ok()
    }

    fn float(&mut self) -> Option<Value> {
        let dtype = *self.dice.pick(&[Dtype::F32, Dtype::F64]);
        let a = self.of(dtype)?;
        let (b, c) = (self.like(a), self.like(a));
        let made = match self.dice.below(12) {
            0 => self.b.div(a, b),
            1 | 2 => self.b.fma(a, b, c),
            3 => self.b.sqrt(a),
            4 => self.b.floor(a),
            5 => self.b.exp(a),
            6 => self.b.log(a),
            7 => self.b.tanh(a),
            8 => self.b.erf(a),
            9 => self.b.erfc(a),
            _ => self.b.convert(a, *self.dice.pick(&DTYPES)),
        };
        made.ok()
    }

    fn integer(&mut self) -> Option<Value> {
        let a = self.of(Dtype::I32)?;
        let c = self.like(a);
        let made = match self.dice.below(8) {
            0 => self.b.and(a, c),
            1 => self.b.or(a, c),
            2 => self.b.xor(a, c),
            3 => self.b.shl(a, c),
            4 => self.b.shr(a, c),
            5 => self.b.sar(a, c),
            6 => self.b.convert(a, *self.dice.pick(&DTYPES)),
            _ => {
                let m = (self.dice.word() >> 1).cast_signed();
                let s = u32::from(self.dice.word().to_le_bytes()[0]) % 63;
                let bounds = (*self.dice.pick(&special::I32), *self.dice.pick(&special::I32));
                let range = (bounds.0.min(bounds.1), bounds.0.max(bounds.1));
                self.b.requantise(a, (m, s), range)
            }
        };
        made.ok()
    }

    fn movement(&mut self) -> Option<Value> {
        let x = self.any();
        let dims = self.dims_of(x);
        let made = match self.dice.below(8) {
            0 => {
                let flat = dims.iter().product();
                self.b.reshape(x, &[1, flat])
            }
            1 | 2 => {
                let mut perm: Vec<usize> = (0..dims.len()).collect();
                for last in (1..dims.len()).rev() {
                    perm.swap(last, self.dice.below(last + 1));
                }
                self.b.transpose(x, &perm)
            }
            3 => self.spread(x, &dims),
            4 => {
                let start: Vec<usize> = dims.iter().map(|n| self.dice.below(*n)).collect();
                let room = |(n, s): (&usize, &usize)| s + 1 + self.dice.below(n - s);
                let end: Vec<usize> = dims.iter().zip(&start).map(room).collect();
                self.b.slice(x, &start, &end)
            }
            5 => {
                let other = self.like(x);
                let axis = self.axis(x)?;
                self.b.concat(&[x, other, x], axis)
            }
            6 => {
                let lo: Vec<usize> = dims.iter().map(|_| self.dice.below(3)).collect();
                let hi: Vec<usize> = dims.iter().map(|_| self.dice.below(3)).collect();
                self.b.pad(x, &lo, &hi)
            }
            _ => {
                let indices = self.indices()?;
                let axis = self.axis(x)?;
                self.b.gather(x, indices, axis)
            }
        };
        made.ok()
    }

    /// Makes one axis 1 and repeats along it, and sometimes along a new one.
    fn spread(&mut self, x: Value, dims: &[usize]) -> Result<Value, BuildError> {
        let mut to = dims.to_vec();
        let mut thin = x;
        if !dims.is_empty() {
            let axis = self.dice.below(dims.len());
            let mut end = dims.to_vec();
            end[axis] = 1;
            thin = self.b.slice(x, &vec![0; dims.len()], &end)?;
            to[axis] = *self.dice.pick(&EXTENTS);
        }
        if self.dice.one_in(2) && to.len() < 4 {
            to.insert(0, *self.dice.pick(&EXTENTS[..6]));
        }
        if to.iter().product::<usize>() > COUNT_MAX {
            Ok(thin)
        } else {
            self.b.broadcast(thin, &to)
        }
    }

    /// Returns a short i32 vector, mostly of positions that exist.
    fn indices(&mut self) -> Option<Value> {
        let count = 1 + self.dice.below(5);
        let list = (0..count).map(|_| i32::try_from(self.dice.below(9)).map(|i| i - 1));
        let list: Vec<i32> = list.collect::<Result<_, _>>().ok()?;
        self.b.constant(Tensor::i32(&[count], list).ok()?).ok()
    }

    fn fold(&mut self) -> Option<Value> {
        let x = self.any();
        if self.dice.one_in(3) {
            return self.matmul(x);
        }
        let axis = self.axis(x)?;
        let made = match self.dice.below(5) {
            0 | 1 => self.b.sum(x, axis),
            2 => self.b.max_axis(x, axis),
            3 => self.b.argmax(x, axis),
            _ => {
                let indices = self.indices()?;
                let rows = self.b.gather(x, indices, axis).ok()?;
                self.b.scatter_add(rows, indices, axis, 1 + self.dice.below(9))
            }
        };
        made.ok()
    }

    /// Multiplies by a matrix that fits, on one side or the other, or by the own transpose.
    fn matmul(&mut self, x: Value) -> Option<Value> {
        let dims = self.dims_of(x);
        let rank = dims.len();
        if rank < 2 {
            return None;
        }
        let mut other = dims.clone();
        other[rank - 2] = dims[rank - 1];
        other[rank - 1] = *self.dice.pick(&EXTENTS);
        let mut perm: Vec<usize> = (0..rank).collect();
        perm.swap(rank - 2, rank - 1);
        let made = match self.dice.below(4) {
            0 => {
                let y = self.b.transpose(x, &perm).ok()?;
                self.b.matmul(x, y)
            }
            1 => {
                let y = self.b.transpose(x, &perm).ok()?;
                self.b.matmul(y, x)
            }
            choice => {
                let dtype = self.b.dtype_of(x);
                let y = special::tensor(&mut self.dice, dtype, &other);
                let y = self.b.constant(y).ok()?;
                if choice == 2 {
                    self.b.matmul(x, y)
                } else {
                    let (x, y) =
                        (self.b.transpose(x, &perm).ok()?, self.b.transpose(y, &perm).ok()?);
                    self.b.matmul(y, x)
                }
            }
        };
        made.ok()
    }

    fn source(&mut self) -> Option<Value> {
        let dims = self.dims();
        let made = match self.dice.below(3) {
            0 => {
                let axis = if dims.is_empty() { return None } else { self.dice.below(dims.len()) };
                self.b.iota(&dims, axis)
            }
            1 => {
                let key = Tensor::i32(&[2], vec![self.dice.word().cast_signed(), 7]).ok()?;
                let key = self.b.constant(key).ok()?;
                self.b.random_bits(key, self.dice.word(), &dims)
            }
            _ => {
                let dtype = *self.dice.pick(&DTYPES);
                let constant = special::tensor(&mut self.dice, dtype, &dims);
                self.b.constant(constant)
            }
        };
        made.ok()
    }
}

//! Programs to dispute about: every op, in shapes with several chunks where that matters, and
//! random ones.

use std::sync::Arc;

use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value};

use crate::dice::Dice;
use crate::special;

/// A Program with inputs.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The Program.
    pub program: Arc<Program>,
    /// One tensor for each declared input.
    pub inputs: Vec<Tensor>,
}

fn elementwise(b: &mut Builder, dtype: Dtype) -> Result<Vec<Value>, BuildError> {
    let dims = [3, 13];
    let (x, y, z) = (b.input(dtype, &dims)?, b.input(dtype, &dims)?, b.input(dtype, &dims)?);
    let c = b.lt(x, y)?;
    let mut all = vec![
        b.add(x, y)?,
        b.sub(x, y)?,
        b.mul(x, y)?,
        b.neg(x)?,
        b.abs(x)?,
        b.min(x, y)?,
        b.max(x, y)?,
        c,
        b.le(x, y)?,
        b.eq(x, y)?,
        b.select(c, x, z)?,
        b.convert(x, Dtype::F32)?,
        b.convert(x, Dtype::F64)?,
        b.convert(x, Dtype::I32)?,
    ];
    if dtype == Dtype::I32 {
        all.extend([
            b.and(x, y)?,
            b.or(x, y)?,
            b.xor(x, y)?,
            b.shl(x, y)?,
            b.shr(x, y)?,
            b.sar(x, y)?,
            b.requantise(x, (1_234_567_891, 29), (-1_000, 1_000))?,
        ]);
    } else {
        all.extend([
            b.div(x, y)?,
            b.fma(x, y, z)?,
            b.sqrt(x)?,
            b.floor(x)?,
            b.exp(x)?,
            b.log(x)?,
            b.tanh(x)?,
            b.erf(x)?,
            b.erfc(x)?,
        ]);
    }
    Ok(all)
}

fn structure(b: &mut Builder, dtype: Dtype) -> Result<Vec<Value>, BuildError> {
    let x = b.input(dtype, &[3, 5, 7])?;
    let y = b.input(dtype, &[3, 2, 7])?;
    let thin = b.slice(x, &[0, 2, 0], &[3, 3, 7])?;
    let key = b.constant(Tensor::i32(&[2], vec![5, -6]).expect("two"))?;
    let indices = Tensor::i32(&[2, 3], vec![4, 0, -1, 5, 2, 2]).expect("six");
    let indices = b.constant(indices)?;
    let places: Vec<i32> = (0..70).map(|i| (i * 5) % 9 - 1).collect();
    let many = b.constant(Tensor::i32(&[70], places).expect("seventy"))?;
    let long = b.input(dtype, &[2, 70, 2])?;
    let (left, right) = (b.input(dtype, &[2, 3, 67])?, b.input(dtype, &[2, 67, 2])?);
    let short = b.slice(long, &[0, 0, 0], &[2, 20, 2])?;
    let even = b.slice(long, &[0, 0, 0], &[2, 64, 2])?;
    Ok(vec![
        b.reshape(x, &[105])?,
        b.transpose(x, &[2, 0, 1])?,
        b.broadcast(thin, &[2, 3, 4, 7])?,
        thin,
        b.concat(&[y, x, y], 1)?,
        b.pad(x, &[0, 1, 2], &[1, 0, 3])?,
        b.gather(x, indices, 1)?,
        b.iota(&[5, 9], 1)?,
        b.random_bits(key, 77, &[41])?,
        b.matmul(left, right)?,
        b.sum(long, 1)?,
        b.sum(short, 1)?,
        b.sum(even, 1)?,
        b.sum(x, 0)?,
        b.max_axis(long, 1)?,
        b.argmax(long, 1)?,
        b.argmax(short, 1)?,
        b.scatter_add(long, many, 1, 8)?,
    ])
}

/// Returns a sample of every op that a dtype has.
///
/// # Panics
///
/// Never: these ops fit each other.
#[must_use]
pub fn of_dtype(seed: u64, dtype: Dtype) -> Sample {
    let build = || -> Result<Program, BuildError> {
        let mut b = Builder::new();
        let mut outputs = elementwise(&mut b, dtype)?;
        outputs.extend(structure(&mut b, dtype)?);
        b.finish(&outputs)
    };
    let program = build().expect("these ops fit each other");
    let mut dice = Dice::new(seed);
    let tensor =
        |(dtype, shape): &(Dtype, tensor::Shape)| special::tensor(&mut dice, *dtype, shape.dims());
    let inputs = program.inputs().iter().map(tensor).collect();
    Sample { program: Arc::new(program), inputs }
}

/// Returns a random Program.
#[must_use]
pub fn random(seed: u64) -> Sample {
    let case = crate::cases::Case::observed(seed, 14);
    Sample { program: Arc::new(case.program), inputs: case.inputs }
}

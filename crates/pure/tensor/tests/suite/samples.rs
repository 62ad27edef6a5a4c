//! Programs that several tests use.

use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value};

/// Builds a Program and evaluates it without inputs; the first output.
pub(crate) fn run(build: impl FnOnce(&mut Builder) -> Result<Value, BuildError>) -> Tensor {
    let mut b = Builder::new();
    let output = build(&mut b).expect("the test's Program is well formed");
    let program = b.finish(&[output]).expect("it has an output");
    tensor::eval(&program, &[]).expect("it has no inputs").remove(0)
}

pub(crate) fn f32s(elements: &[f32]) -> Tensor {
    Tensor::f32(&[elements.len()], elements.to_vec()).expect("a vector")
}

pub(crate) fn f64s(elements: &[f64]) -> Tensor {
    Tensor::f64(&[elements.len()], elements.to_vec()).expect("a vector")
}

pub(crate) fn i32s(elements: &[i32]) -> Tensor {
    Tensor::i32(&[elements.len()], elements.to_vec()).expect("a vector")
}

/// A linear model's squared error and its gradient, the smallest Program worth a hash.
pub(crate) fn linear() -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let w = b.input(Dtype::F32, &[3, 1])?;
    let x = b.input(Dtype::F32, &[4, 3])?;
    let y = b.input(Dtype::F32, &[4, 1])?;
    let forecast = b.matmul(x, w)?;
    let error = b.sub(forecast, y)?;
    let square = b.mul(error, error)?;
    let column = b.reshape(square, &[4])?;
    let loss = b.sum(column, 0)?;
    let gradient = b.gradient(loss, &[w])?[0];
    b.finish(&[loss, gradient])
}

/// Every op of the set at least once, with constants of every dtype.
pub(crate) fn every_op() -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let x = b.input(Dtype::F32, &[2, 3])?;
    let d = b.input(Dtype::F64, &[4])?;
    let n = b.input(Dtype::I32, &[2])?;
    let k = b.constant(matrix())?;
    let mut outputs = floats(&mut b, x, k)?;
    let e = b.constant(f64s(&[0.1, -0.2, 1e300, f64::INFINITY]))?;
    outputs.extend(floats(&mut b, d, e)?);
    outputs.extend(ints(&mut b, n)?);
    outputs.extend(structure(&mut b, x, n)?);
    b.finish(&outputs)
}

fn floats(b: &mut Builder, x: Value, y: Value) -> Result<Vec<Value>, BuildError> {
    let less = b.lt(x, y)?;
    let mut all = vec![
        b.add(x, y)?,
        b.sub(x, y)?,
        b.mul(x, y)?,
        b.div(x, y)?,
        b.fma(x, y, x)?,
        b.min(x, y)?,
        b.max(x, y)?,
        less,
        b.le(x, y)?,
        b.eq(x, y)?,
        b.select(less, x, y)?,
    ];
    all.extend([b.neg(x)?, b.abs(x)?, b.sqrt(x)?, b.floor(x)?, b.exp(x)?, b.log(x)?]);
    all.extend([b.tanh(x)?, b.erf(x)?, b.erfc(x)?]);
    for dtype in Dtype::ALL {
        all.push(b.convert(x, dtype)?);
    }
    Ok(all)
}

fn ints(b: &mut Builder, n: Value) -> Result<Vec<Value>, BuildError> {
    let m = b.constant(i32s(&[i32::MIN, 33]))?;
    Ok(vec![
        b.and(n, m)?,
        b.or(n, m)?,
        b.xor(n, m)?,
        b.shl(n, m)?,
        b.shr(n, m)?,
        b.sar(n, m)?,
        b.requantise(n, (3, 5), (-100, 100))?,
        b.random_bits(n, 9, &[5])?,
        b.iota(&[2, 2], 1)?,
    ])
}

fn structure(b: &mut Builder, x: Value, n: Value) -> Result<Vec<Value>, BuildError> {
    let turned = b.transpose(x, &[1, 0])?;
    let gathered = b.gather(x, n, 1)?;
    Ok(vec![
        b.reshape(x, &[6])?,
        b.broadcast(x, &[2, 2, 3])?,
        b.slice(x, &[0, 1], &[2, 3])?,
        b.concat(&[x, x], 0)?,
        b.pad(x, &[1, 0], &[0, 2])?,
        b.matmul(x, turned)?,
        b.scatter_add(gathered, n, 1, 3)?,
        b.sum(x, 0)?,
        b.max_axis(x, 1)?,
        b.argmax(x, 1)?,
    ])
}

fn matrix() -> Tensor {
    Tensor::f32(&[2, 3], vec![0.5, -0.0, f32::NAN, 1e-42, -3.0, 7.0]).expect("six elements")
}

//! Bayesian linear regression in closed form, as three Programs.
//!
//! `y = x w + e`, `e ~ N(0, s2)`, with the conjugate normal-inverse-gamma prior (Gelman et al.,
//! *Bayesian Data Analysis*, chapter 14): `w | s2 ~ N(0, s2 / precision)` per coefficient, `s2 ~
//! IG(shape, scale)`. Everything the data say is in the Gram matrix of `[x, y]`, so an expanding
//! window is a sum ([`accumulate`]); the posterior is that matrix after a sweep over the
//! coefficients ([`fit`]; Goodnight 1979, "A tutorial on the SWEEP operator"), and what a new row
//! brings is a Student-t ([`predict`]).
//!
//! *Invariant: column 0 of x is the constant 1*, so that the Gram matrix knows how many rows it
//! holds.
//!
//! Absent: pivoting. Every pivot is at least the prior's precision, which has to be positive.

use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value};

/// The prior of a regression: how far from zero coefficients are expected, and how noisy a row is.
///
/// ```
/// let prior = market::Prior { precision: vec![1e-3, 1.0], shape: 1.0, scale: 0.5 };
/// assert_eq!(prior.precision.len(), 2); // a constant and one feature
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// Prior precision of each coefficient, in rows' worth of a unit feature; positive. 0 or less
    /// is read as "this column is not used".
    pub precision: Vec<f64>,
    /// Shape of the inverse gamma; positive. Twice this many rows' worth of belief.
    pub shape: f64,
    /// Scale of the inverse gamma; positive. `scale / shape` is about the expected variance.
    pub scale: f64,
}

/// Returns the Program `(gram f64[p + 1, p + 1], x f64[n, p], y f64[n, 1]) -> gram'` that adds
/// rows: `gram + [x, y]^T [x, y]`.
///
/// # Errors
///
/// [`BuildError`] if `rows` or `width` is 0.
///
/// ```
/// use tensor::{Dtype, Tensor, eval};
/// let x = Tensor::f64(&[2, 1], vec![1.0, 1.0])?;
/// let y = Tensor::f64(&[2, 1], vec![3.0, 4.0])?;
/// let gram = eval(&market::accumulate(2, 1)?, &[Tensor::zeros(Dtype::F64, &[2, 2])?, x, y])?;
/// assert_eq!(gram[0].as_f64(), Some(&[2.0, 7.0, 7.0, 25.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn accumulate(rows: usize, width: usize) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let gram = b.input(Dtype::F64, &[width + 1, width + 1])?;
    let x = b.input(Dtype::F64, &[rows, width])?;
    let y = b.input(Dtype::F64, &[rows, 1])?;
    let z = b.concat(&[x, y], 1)?;
    let across = b.transpose(z, &[1, 0])?;
    let products = b.matmul(across, z)?;
    let sum = b.add(gram, products)?;
    b.finish(&[sum])
}

/// Returns the Program `(gram f64[p + 1, p + 1]) -> (w f64[p, 1], v f64[p, p], noise f64[2])`.
///
/// `w` is the posterior mean, `s2 v` the posterior covariance of the coefficients; `noise` is the
/// degrees of freedom `2 shape + n` and the variance `(2 scale + residual) / (2 shape + n)` of the
/// predictive. A column whose prior precision is not positive is left out: its row of `w` and
/// its row and column of `v` are zero.
///
/// # Errors
///
/// [`BuildError`] if the prior has no column, or more than the limits of a Program.
///
/// ```
/// use market::{Prior, fit};
/// use tensor::{Tensor, eval};
/// // Two rows of a constant, outcomes 3 and 4, almost no prior: the mean, and its noise.
/// let prior = Prior { precision: vec![1e-12], shape: 1e-12, scale: 1e-12 };
/// let gram = Tensor::f64(&[2, 2], vec![2.0, 7.0, 7.0, 25.0])?;
/// let out = eval(&fit(&prior)?, &[gram])?;
/// assert!((out[0].as_f64().map_or(0.0, |w| w[0]) - 3.5).abs() < 1e-9);
/// assert!((out[2].as_f64().map_or(0.0, |n| n[1]) - 0.25).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit(prior: &Prior) -> Result<Program, BuildError> {
    let width = prior.precision.len();
    let used: Vec<usize> = (0..width).filter(|i| prior.precision[*i] > 0.0).collect();
    let size = used.len();
    let mut b = Builder::new();
    let gram = b.input(Dtype::F64, &[width + 1, width + 1])?;
    let rows = b.slice(gram, &[0, 0], &[1, 1])?;

    let kept: Vec<usize> = used.iter().copied().chain([width]).collect();
    let matrix = chosen(&mut b, gram, &kept)?;
    let mut ridge = vec![0.0; (size + 1) * (size + 1)];
    for (place, column) in used.iter().enumerate() {
        ridge[place * (size + 2)] = prior.precision[*column];
    }
    let ridge = Tensor::f64(&[size + 1, size + 1], ridge).expect("as many as the matrix");
    let ridge = b.constant(ridge)?;
    let mut matrix = b.add(matrix, ridge)?;
    for pivot in 0..size {
        matrix = sweep(&mut b, matrix, pivot)?;
    }

    let w = b.slice(matrix, &[0, size], &[size, size + 1])?;
    let v = b.slice(matrix, &[0, 0], &[size, size])?;
    let residual = b.slice(matrix, &[size, size], &[size + 1, size + 1])?;
    let freedom = b.full(Dtype::F64, &[1, 1], 2.0 * prior.shape)?;
    let freedom = b.add(freedom, rows)?;
    let scale = b.full(Dtype::F64, &[1, 1], 2.0 * prior.scale)?;
    let scale = b.add(scale, residual)?;
    let variance = b.div(scale, freedom)?;
    let noise = b.concat(&[freedom, variance], 0)?;
    let noise = b.reshape(noise, &[2])?;
    let (w, v) = (spread(&mut b, w, &used, width)?, spread(&mut b, v, &used, width)?);
    let v = b.transpose(v, &[1, 0])?;
    let v = spread(&mut b, v, &used, width)?;
    b.finish(&[w, v, noise])
}

/// Returns the Program `(x f64[n, p], w f64[p, 1], v f64[p, p], noise f64[2]) -> (mean f64[n],
/// variance f64[n], distance f64[n])`.
///
/// The predictive of row x is a Student-t with `noise[0]` degrees of freedom, location `x w` and
/// squared scale `noise[1] (1 + x v x^T)`. `distance` is `x v x^T`: how far the row is from those
/// that were learnt from, in units of the noise.
///
/// # Errors
///
/// [`BuildError`] if `rows` or `width` is 0.
///
/// ```
/// use tensor::{Tensor, eval};
/// let inputs = [
///     Tensor::f64(&[1, 1], vec![1.0])?,
///     Tensor::f64(&[1, 1], vec![3.5])?,
///     Tensor::f64(&[1, 1], vec![0.5])?,
///     Tensor::f64(&[2], vec![2.0, 0.25])?,
/// ];
/// let out = eval(&market::predict(1, 1)?, &inputs)?;
/// assert_eq!(out[0].as_f64(), Some(&[3.5][..]));
/// assert_eq!(out[1].as_f64(), Some(&[0.375][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn predict(rows: usize, width: usize) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let x = b.input(Dtype::F64, &[rows, width])?;
    let w = b.input(Dtype::F64, &[width, 1])?;
    let v = b.input(Dtype::F64, &[width, width])?;
    let noise = b.input(Dtype::F64, &[2])?;
    let mean = b.matmul(x, w)?;
    let mean = b.reshape(mean, &[rows])?;
    let xv = b.matmul(x, v)?;
    let products = b.mul(xv, x)?;
    let distance = b.sum(products, 1)?;
    let noise = b.slice(noise, &[1], &[2])?;
    let noise = b.broadcast(noise, &[rows])?;
    let variance = b.fma(noise, distance, noise)?;
    b.finish(&[mean, variance, distance])
}

/// Returns `gram` with the rows and columns of these positions alone.
fn chosen(b: &mut Builder, gram: Value, kept: &[usize]) -> Result<Value, BuildError> {
    let places = kept.iter().map(|i| i32::try_from(*i).unwrap_or(i32::MAX)).collect();
    let places = b.constant(Tensor::i32(&[kept.len()], places).expect("as many as kept"))?;
    let rows = b.gather(gram, places, 0)?;
    b.gather(rows, places, 1)
}

/// Puts the rows of `x` in their places among `width` rows of zeros.
fn spread(b: &mut Builder, x: Value, used: &[usize], width: usize) -> Result<Value, BuildError> {
    if used.len() == width {
        return Ok(x);
    }
    let places = used.iter().map(|i| i32::try_from(*i).unwrap_or(i32::MAX)).collect();
    let places = b.constant(Tensor::i32(&[used.len()], places).expect("as many as used"))?;
    b.scatter_add(x, places, 0, width)
}

/// Sweeps one pivot of a symmetric matrix: `a[k, k]` becomes its inverse, row k is divided by it,
/// column k negated and divided, the rest loses `a[i, k] a[k, j] / a[k, k]`.
fn sweep(b: &mut Builder, a: Value, k: usize) -> Result<Value, BuildError> {
    let n = b.shape_of(a).dims()[0];
    let pivot = b.slice(a, &[k, k], &[k + 1, k + 1])?;
    let row = b.slice(a, &[k, 0], &[k + 1, n])?;
    let column = b.slice(a, &[0, k], &[n, k + 1])?;
    let across = b.broadcast(pivot, &[1, n])?;
    let row = b.div(row, across)?;
    let down = b.broadcast(pivot, &[n, 1])?;
    let minus = b.neg(column)?;
    let (tall, wide) = (b.broadcast(minus, &[n, n])?, b.broadcast(row, &[n, n])?);
    let rest = b.fma(tall, wide, a)?;
    let column = b.div(minus, down)?;
    let one = b.full(Dtype::F64, &[1, 1], 1.0)?;
    let corner = b.div(one, pivot)?;
    let rest = replaced(b, rest, row, (k, 0))?;
    let column = replaced(b, column, corner, (k, 0))?;
    replaced(b, rest, column, (k, 1))
}

/// Replaces row (axis 0) or column (axis 1) k of a matrix.
fn replaced(
    b: &mut Builder,
    a: Value,
    by: Value,
    (k, axis): (usize, usize),
) -> Result<Value, BuildError> {
    let dims = b.shape_of(a).dims().to_vec();
    let mut parts = Vec::new();
    let mut part = |b: &mut Builder, from: usize, to: usize| -> Result<(), BuildError> {
        if from < to {
            let (mut start, mut end) = (vec![0, 0], dims.clone());
            (start[axis], end[axis]) = (from, to);
            parts.push(b.slice(a, &start, &end)?);
        }
        Ok(())
    };
    part(b, 0, k)?;
    let before = usize::from(k > 0);
    part(b, k + 1, dims[axis])?;
    parts.insert(before, by);
    if parts.len() == 1 { Ok(by) } else { b.concat(&parts, axis) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The numbers of each output.
    fn run(program: &Program, inputs: &[Tensor]) -> Vec<Vec<f64>> {
        let outputs = tensor::eval(program, inputs).expect("inputs fit");
        outputs.iter().map(|output| output.as_f64().expect("f64").to_vec()).collect()
    }

    proptest! {
        #[test]
        fn the_posterior_solves_its_equations(
            draws in prop::collection::vec(-2.0..2.0_f64, 40),
            left_out in 1_usize..4,
        ) {
            let rows: Vec<[f64; 4]> =
                draws.chunks(4).map(|d| [1.0, d[0], d[1], d[0] * d[2] + 0.3 * d[3]]).collect();
            let outcomes: Vec<f64> = draws.chunks(4).map(|d| d[3] + d[0]).collect();
            let x = Tensor::f64(&[10, 4], rows.concat()).expect("ten rows");
            let y = Tensor::f64(&[10, 1], outcomes.clone()).expect("ten outcomes");
            let zero = Tensor::zeros(Dtype::F64, &[5, 5]).expect("small");
            let gram = tensor::eval(&accumulate(10, 4).expect("valid"), &[zero, x, y]);
            let mut precision = vec![0.5; 4];
            precision[left_out] = 0.0;
            let prior = Prior { precision: precision.clone(), shape: 2.0, scale: 3.0 };
            let out = run(&fit(&prior).expect("valid"), &gram.expect("inputs fit"));
            let (w, v, noise) = (&out[0], &out[1], &out[2]);
            prop_assert_eq!(w[left_out], 0.0);
            let product = |i: usize, j: usize| -> f64 {
                let data: f64 = rows.iter().map(|row| row[i] * row[j]).sum();
                data + if i == j { precision[i] } else { 0.0 }
            };
            let used: Vec<usize> = (0..4).filter(|i| *i != left_out).collect();
            for i in &used {
                let left: f64 = used.iter().map(|j| product(*i, *j) * w[*j]).sum();
                let right: f64 = rows.iter().zip(&outcomes).map(|(row, y)| row[*i] * y).sum();
                prop_assert!((left - right).abs() < 1e-9 * (1.0 + right.abs()));
                for k in &used {
                    let one: f64 = used.iter().map(|j| product(*i, *j) * v[4 * j + k]).sum();
                    let expected = if i == k { 1.0 } else { 0.0 };
                    prop_assert!((one - expected).abs() < 1e-9);
                }
            }
            let fitted = |row: &[f64; 4]| -> f64 { row.iter().zip(w).map(|(x, w)| x * w).sum() };
            let misses = rows.iter().zip(&outcomes).map(|(row, y)| y - fitted(row));
            let residual: f64 = misses.map(|miss| miss * miss).sum();
            let shrunk: f64 = w.iter().zip(&precision).map(|(w, p)| p * w * w).sum();
            prop_assert_eq!(noise[0], 14.0);
            prop_assert!((noise[1] - (6.0 + residual + shrunk) / 14.0).abs() < 1e-9);
        }
    }
}

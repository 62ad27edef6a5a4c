//! Products of rows that are clamped and widened on the way equal the reference, at every level, on
//! one thread and on several, whoever else reads the rows.

use kernels::{Level, Runner, Threads};
use laws::dice::Dice;
use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value};

/// Rows and their length, on both sides of a vector, a block and a strip.
const SIZES: [(usize, usize); 9] =
    [(1, 1), (2, 31), (3, 255), (7, 256), (8, 257), (9, 300), (25, 600), (33, 513), (41, 40)];

/// What is read of the rows.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Products,
    Sum,
    Sums,
    TurnedWeights,
    Apart,
    All,
}

const ASKED: [Asked; 6] =
    [Asked::Products, Asked::Sum, Asked::Sums, Asked::TurnedWeights, Asked::Apart, Asked::All];

/// What the rows are put together from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    /// Clamped i32 rows.
    Clamped,
    /// Clamped i32 rows and a row of f32.
    Both,
    /// One f32 matrix.
    Matrix,
    /// As the first, and the matrix is an output too, so it must be made.
    Seen,
    /// As the first, and so are the rows before they are widened.
    SeenBefore,
}

const FROM: [From; 5] = [From::Clamped, From::Both, From::Matrix, From::Seen, From::SeenBefore];

fn build(from: From, asked: Asked, (n, d): (usize, usize)) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let less = b.input(Dtype::F32, &[d])?;
    let weights = b.input(Dtype::F64, &[n, n])?;
    let (rows, mut outputs) = matrix(&mut b, from, less, (n, d))?;
    let all = matches!(asked, Asked::All);
    if all || matches!(asked, Asked::Products) {
        let turned = b.transpose(rows, &[1, 0])?;
        outputs.push(b.matmul(rows, turned)?);
    }
    if all || matches!(asked, Asked::Sum) {
        let one = b.slice(weights, &[0, 0], &[1, n])?;
        outputs.push(b.matmul(one, rows)?);
    }
    if all || matches!(asked, Asked::Sums) {
        outputs.push(b.matmul(weights, rows)?);
    }
    if all || matches!(asked, Asked::TurnedWeights) {
        let turned = b.transpose(weights, &[1, 0])?;
        outputs.push(b.matmul(turned, rows)?);
    }
    if all || matches!(asked, Asked::Apart) {
        let less = b.convert(less, Dtype::F64)?;
        let less = b.reshape(less, &[1, d])?;
        let less = b.broadcast(less, &[n, d])?;
        let apart = b.sub(rows, less)?;
        let squares = b.mul(apart, apart)?;
        outputs.push(b.sum(squares, 1)?);
    }
    b.finish(&outputs)
}

/// A matrix f64[n, d], and what else is an output.
fn matrix(
    b: &mut Builder,
    from: From,
    less: Value,
    (n, d): (usize, usize),
) -> Result<(Value, Vec<Value>), BuildError> {
    if from == From::Matrix {
        let all = b.input(Dtype::F32, &[n, d])?;
        return Ok((b.convert(all, Dtype::F64)?, Vec::new()));
    }
    let both = from == From::Both && n > 1;
    let mut inputs = Vec::new();
    for _ in 0..n - usize::from(both) {
        inputs.push(b.input(Dtype::I32, &[d])?);
    }
    let all = b.concat(&inputs, 0)?;
    let count = inputs.len() * d;
    let (low, high) = (b.full(Dtype::I32, &[count], -900.0)?, b.full(Dtype::I32, &[count], 800.0)?);
    let all = b.max(all, low)?;
    let clamped = b.min(all, high)?;
    let mut rows = b.convert(clamped, Dtype::F64)?;
    if both {
        let less = b.convert(less, Dtype::F64)?;
        rows = b.concat(&[rows, less], 0)?;
    }
    let rows = b.reshape(rows, &[n, d])?;
    Ok(match from {
        From::Seen => (rows, vec![rows]),
        From::SeenBefore => (rows, vec![clamped]),
        _ => (rows, Vec::new()),
    })
}

/// Inputs for a Program: some beyond the bounds, and a NaN where there are floats.
fn inputs(program: &Program) -> Result<Vec<Tensor>, tensor::ShapeError> {
    let mut dice = Dice::new(3);
    let mut tensors = Vec::new();
    for (dtype, shape) in program.inputs() {
        let numbers: Vec<i32> = (0..shape.count())
            .map(|_| i32::try_from(dice.below(2_048)).expect("small") - 1_024)
            .collect();
        let floats = || numbers.iter().map(|x| f64::from(*x) / 7.0);
        tensors.push(match dtype {
            Dtype::I32 => Tensor::i32(shape.dims(), numbers)?,
            Dtype::F64 => Tensor::f64(shape.dims(), floats().collect())?,
            Dtype::F32 => {
                let mut floats: Vec<f32> = floats().map(tensor::scalar::f64_to_f32).collect();
                if let Some(x) = floats.get_mut(300) {
                    *x = f32::NAN;
                }
                Tensor::f32(shape.dims(), floats)?
            }
        });
    }
    Ok(tensors)
}

#[test]
fn rows_made_on_the_way_equal_the_reference() -> Result<(), Box<dyn std::error::Error>> {
    for sizes in SIZES {
        for from in FROM {
            for asked in ASKED {
                let program = build(from, asked, sizes)?;
                let inputs = inputs(&program)?;
                let expected = bits(&tensor::eval(&program, &inputs)?);
                for (level, count) in Level::available().into_iter().rev().zip([1, 2, 3]) {
                    let threads = Threads { count, work_min: 1 };
                    let mut runner = Runner::with_level(&program, level).with_threads(threads);
                    for _ in 0..2 {
                        let got = bits(&runner.run(&inputs)?);
                        assert!(got == expected, "{sizes:?} {from:?} {asked:?} {level} {count}");
                    }
                }
            }
        }
    }
    Ok(())
}

/// The bits of all outputs: two NaNs would not be equal.
fn bits(outputs: &[Tensor]) -> Vec<u64> {
    let of = |tensor: &Tensor| -> Vec<u64> {
        match (tensor.as_f64(), tensor.as_i32()) {
            (Some(all), _) => all.iter().map(|x| x.to_bits()).collect(),
            (_, Some(all)) => all.iter().map(|x| u64::from(x.cast_unsigned())).collect(),
            _ => Vec::new(),
        }
    };
    outputs.iter().flat_map(of).collect()
}

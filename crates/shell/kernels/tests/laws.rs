//! The kernels obey the laws and equal the reference, at every level that this CPU has.

use kernels::{Level, Runner, Threads};
use tensor::{Builder, Dtype, EvalError, Program, Tensor};

/// The slowest level first; a CPU without the faster ones runs the last it has again.
fn at(index: usize, program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
    let levels = Level::available();
    Runner::with_level(program, levels[index.min(levels.len() - 1)]).run(inputs)
}

/// Cuts even the smallest step into this many parts, if it has as many blocks.
fn cut(count: usize, program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
    Runner::new(program).with_threads(Threads { count, work_min: 1 }).run(inputs)
}

mod portable {
    use super::*;

    fn eval(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
        at(0, program, inputs)
    }

    laws::evaluator!(eval);
    laws::twin!(eval);
}

mod fma {
    use super::*;

    fn eval(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
        at(1, program, inputs)
    }

    laws::evaluator!(eval);
    laws::twin!(eval);
}

mod wide {
    use super::*;

    fn eval(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
        at(2, program, inputs)
    }

    laws::evaluator!(eval);
    laws::twin!(eval);
}

mod one_thread {
    use super::*;

    fn eval(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
        cut(1, program, inputs)
    }

    laws::evaluator!(eval);
    laws::twin!(eval);
}

mod two_threads {
    use super::*;

    fn eval(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
        cut(2, program, inputs)
    }

    laws::evaluator!(eval);
    laws::twin!(eval);
}

mod three_threads {
    use super::*;

    fn eval(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
        cut(3, program, inputs)
    }

    laws::evaluator!(eval);
    laws::twin!(eval);
}

mod again {
    use super::*;

    /// What a runner gives the second time, after a run on other inputs.
    fn eval(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
        let mut runner = Runner::new(program);
        let zeros = inputs.iter().map(|x| Tensor::zeros(x.dtype(), x.shape().dims()));
        let zeros: Vec<Tensor> = zeros.collect::<Result<_, _>>().expect("shapes of tensors");
        let _ = runner.run(&zeros);
        runner.run(inputs)
    }

    laws::twin!(eval);
}

/// Elements enough for several blocks of a group, with a rest, so that every thread gets some.
#[test]
fn a_long_group_is_cut_between_threads() -> Result<(), Box<dyn std::error::Error>> {
    let count = 3_001;
    let mut b = Builder::new();
    let x = b.input(Dtype::F32, &[count])?;
    let half = b.full(Dtype::F32, &[count], 0.5)?;
    let y = b.fma(x, x, half)?;
    let z = b.tanh(y)?;
    let less = b.lt(z, x)?;
    let chosen = b.select(less, x, z)?;
    let program = b.finish(&[y, less, chosen])?;
    let numbers = (0..3_001u16).map(|i| f32::from(i) / 1_500.0 - 1.0).collect();
    let inputs = [Tensor::f32(&[count], numbers)?];
    let expected = tensor::eval(&program, &inputs)?;
    for level in Level::available() {
        for count in [1, 2, 3, 7] {
            let threads = Threads { count, work_min: 1 };
            let mut runner = Runner::with_level(&program, level).with_threads(threads);
            assert_eq!(runner.run(&inputs)?, expected, "{level}, {count} threads");
        }
    }
    Ok(())
}

/// A sort of three, of which no result is stored as it is: each pair of a minimum and a maximum is
/// one instruction.
#[test]
fn exchanges_equal_the_reference() -> Result<(), Box<dyn std::error::Error>> {
    const COUNT: usize = 1_001;
    let wild = [f64::NAN, 0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1.0, 1.0, -2.5, 7e9];
    // Strides that share no factor with the nine bring every pair together.
    let numbers = |stride: usize| (0..COUNT).map(move |i| wild[(i / stride + i * stride) % 9]);
    for dtype in [Dtype::F32, Dtype::F64, Dtype::I32] {
        let (mut b, mut rows, mut inputs) = (Builder::new(), Vec::new(), Vec::new());
        for stride in [1, 2, 4] {
            rows.push(b.input(dtype, &[COUNT])?);
            let all = numbers(stride);
            inputs.push(match dtype {
                Dtype::F32 => Tensor::f32(&[COUNT], all.map(tensor::scalar::f64_to_f32).collect()),
                Dtype::F64 => Tensor::f64(&[COUNT], all.collect()),
                Dtype::I32 => Tensor::i32(&[COUNT], all.map(tensor::scalar::f64_to_i32).collect()),
            }?);
        }
        for (low, high) in [(0, 1), (1, 2), (0, 1)] {
            let (x, y) = (rows[low], rows[high]);
            (rows[low], rows[high]) = (b.min(x, y)?, b.max(x, y)?);
        }
        // The same maximum twice, of which only one can be part of the exchange.
        let (x, y) = (rows[0], rows[2]);
        rows.extend([b.min(x, y)?, b.max(x, y)?, b.max(x, y)?]);
        let outputs = rows.iter().map(|row| b.neg(*row)).collect::<Result<Vec<_>, _>>()?;
        let program = b.finish(&outputs)?;
        let expected = tensor::eval(&program, &inputs)?;
        for level in Level::available() {
            let mut runner = Runner::with_level(&program, level);
            assert_eq!(runner.run(&inputs)?, expected, "{dtype:?}, {level}");
        }
    }
    Ok(())
}

/// An evaluator that runs one op after the other, each by itself.
mod op_by_op {
    use super::*;

    fn eval(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
        program.check_inputs(inputs)?;
        let mut tensors: Vec<Tensor> = Vec::new();
        for (index, node) in program.nodes().iter().enumerate() {
            let operands = node.op.operands();
            let operands: Vec<&Tensor> = operands.iter().map(|place| &tensors[*place]).collect();
            tensors.push(kernels::single(program, index, &operands, inputs));
        }
        Ok(program.outputs().iter().map(|output| tensors[*output].clone()).collect())
    }

    laws::evaluator!(eval);
    laws::twin!(eval);
}

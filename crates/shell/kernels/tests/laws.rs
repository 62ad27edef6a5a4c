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

//! The kernels obey the laws and equal the reference, at every level that this CPU has.

use kernels::{Level, Runner};
use tensor::{EvalError, Program, Tensor};

/// The slowest level first; a CPU without the faster ones runs the last it has again.
fn at(index: usize, program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, EvalError> {
    let levels = Level::available();
    Runner::with_level(program, levels[index.min(levels.len() - 1)]).run(inputs)
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

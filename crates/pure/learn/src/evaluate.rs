//! The Programs that evaluate a model without changing it.
//!
//! The loss is QLIKE on the log variance, with `y = variance / anchor`.

use tensor::{BuildError, Builder, Dtype, EvalError, Program, Tensor, Value};

use crate::loss::qlike;
use crate::{Dataset, Model, ROWS};

/// Returns the Program `(params f32[d], x f32[n, p]) -> s f32[n]`.
///
/// # Errors
///
/// [`BuildError`] if `rows` is 0 or too many for one Program.
///
/// ```
/// use learn::{Kind, Model};
/// use tensor::Tensor;
/// let model = Model::new(Kind::Har, &["day"]);
/// let params = Tensor::f32(&[2], vec![2.0, 1.0])?;
/// let x = Tensor::f32(&[3, 1], vec![0.0, 1.0, 2.0])?;
/// let s = tensor::eval(&learn::predict(&model, 3)?, &[params, x])?;
/// assert_eq!(s[0].as_f32(), Some(&[1.0, 3.0, 5.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn predict(model: &Model, rows: usize) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[model.count()])?;
    let x = b.input(Dtype::F32, &[rows, model.width()])?;
    let s = model.forward(&mut b, params, x)?;
    b.finish(&[s])
}

/// The mean loss over a whole dataset, as a Program.
///
/// ```
/// use learn::{Dataset, Evaluate, Kind, Model};
/// let model = Model::new(Kind::Har, &["day"]);
/// let data = Dataset::new(&[vec![0.0], vec![0.0]], &[1.0, 3.0])?;
/// let evaluate = Evaluate::new(&model)?;
/// let loss = evaluate.loss(&model.initial(), &data, tensor::eval)?;
/// assert_eq!(loss, 2.0); // s = 0, so the loss is the mean of y
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Evaluate {
    program: Program,
}

impl Evaluate {
    /// Builds `(params f32[d], x f32[ROWS, p], y f32[ROWS], count i32[1]) -> loss f32[1]`.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for a model too large for one Program.
    pub fn new(model: &Model) -> Result<Evaluate, BuildError> {
        let mut b = Builder::new();
        let params = b.input(Dtype::F32, &[model.count()])?;
        let x = b.input(Dtype::F32, &[ROWS, model.width()])?;
        let y = b.input(Dtype::F32, &[ROWS])?;
        let count = b.input(Dtype::I32, &[1])?;
        let mean = mean_loss(&mut b, model, params, (x, y, count))?;
        Ok(Evaluate { program: b.finish(&[mean])? })
    }

    /// Returns the Program.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// Returns the mean loss of `params` over `data`, run by `eval`.
    ///
    /// # Errors
    ///
    /// [`EvalError`] if parameters or features are of another model.
    pub fn loss(
        &self,
        params: &Tensor,
        data: &Dataset,
        eval: impl Fn(&Program, &[Tensor]) -> Result<Vec<Tensor>, EvalError>,
    ) -> Result<f32, EvalError> {
        let count = i32::try_from(data.count()).expect("a dataset has at most ROWS rows");
        let count = Tensor::i32(&[1], vec![count]).expect("one element is a valid shape");
        let inputs = [params.clone(), data.x().clone(), data.y().clone(), count];
        let outputs = eval(&self.program, &inputs)?;
        Ok(outputs.first().and_then(Tensor::as_f32).map_or(f32::NAN, |loss| loss[0]))
    }
}

/// Appends the mean loss over the first `count` of [`ROWS`] rows, f32\[1\].
pub(crate) fn mean_loss(
    b: &mut Builder,
    model: &Model,
    params: Value,
    (x, y, count): (Value, Value, Value),
) -> Result<Value, BuildError> {
    let s = model.forward(b, params, x)?;
    let losses = qlike(b, s, y)?;
    let row = b.iota(&[ROWS], 0)?;
    let end = b.broadcast(count, &[ROWS])?;
    let is_data = b.lt(row, end)?;
    let zero = b.full(Dtype::F32, &[ROWS], 0.0)?;
    let losses = b.select(is_data, losses, zero)?;
    let sum = b.sum(losses, 0)?;
    let sum = b.reshape(sum, &[1])?;
    let count = b.convert(count, Dtype::F32)?;
    b.div(sum, count)
}

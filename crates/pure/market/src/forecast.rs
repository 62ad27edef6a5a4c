//! The forecast as a Program: a model's parameters and a day's features to its log variance.

use learn::Model;
use tensor::{BuildError, Builder, Dtype, Program, ShapeError, Tensor};

use crate::Day;

/// Returns the Program `(params f32[d], features f32[n, p], anchor f64[n]) -> ln variance f64[n]`.
///
/// `ln variance = ln(anchor) + s`, with `s` the model's output, held within +-10. A model of zeros
/// forecasts the anchor. NaN in parameters or features gives NaN; the margin Program reads that as
/// the worst there is.
///
/// # Errors
///
/// [`BuildError`] if `days` is 0.
///
/// ```
/// use learn::{Kind, Model};
/// use tensor::Tensor;
/// let model = Model::new(Kind::Har, &["day"]);
/// let inputs = [
///     model.initial(),
///     Tensor::f32(&[1, 1], vec![0.7])?,
///     Tensor::f64(&[1], vec![1.0])?,
/// ];
/// let outputs = tensor::eval(&market::forecast(&model, 1)?, &inputs)?;
/// assert_eq!(outputs[0].as_f64(), Some(&[0.0][..])); // ln 1
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn forecast(model: &Model, days: usize) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[model.count()])?;
    let features = b.input(Dtype::F32, &[days, model.width()])?;
    let anchor = b.input(Dtype::F64, &[days])?;
    let s = model.forward(&mut b, params, features)?;
    let s = b.convert(s, Dtype::F64)?;
    let level = b.log(anchor)?;
    let log_variance = b.add(level, s)?;
    b.finish(&[log_variance])
}

/// Returns the inputs of [`forecast`] for these days.
///
/// # Errors
///
/// [`ShapeError`] if there is no day, or days have different numbers of features.
///
/// ```
/// use learn::{Kind, Model};
/// use market::{Date, Day, FEATURES, forecast, forecast_inputs};
/// let (date, features) = (Date::from_number(0), vec![0.0; FEATURES.len()]);
/// let (anchor, price, walk, ewma, proxy, ret) = (1e-4, 50.0, 1e-4, 1e-4, 1e-4, 0.01);
/// let day = Day { date, features, anchor, price, walk, ewma, proxy, ret };
/// let model = Model::new(Kind::Har, &FEATURES);
/// let inputs = forecast_inputs(&model.initial(), &[&day, &day])?;
/// let outputs = tensor::eval(&forecast(&model, 2)?, &inputs)?;
/// assert!((outputs[0].as_f64().map_or(0.0, |s| s[1]) - 1e-4_f64.ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn forecast_inputs(params: &Tensor, days: &[&Day]) -> Result<Vec<Tensor>, ShapeError> {
    let width = days.first().map_or(0, |day| day.features.len());
    let features: Vec<f32> = days.iter().flat_map(|day| day.features.iter().copied()).collect();
    let anchors = days.iter().map(|day| day.anchor).collect();
    Ok(vec![
        params.clone(),
        Tensor::f32(&[days.len(), width], features)?,
        Tensor::f64(&[days.len()], anchors)?,
    ])
}

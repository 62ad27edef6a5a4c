//! What a market is told after a round, as one Program: margin and volatility, from the model and
//! what anybody can read off the chain.
//!
//! The forecast of the day and of the days before it with the new model, the forecasts of the
//! accepted trainers' own models (the params before plus one trainer's update each), the errors of
//! the last days, and the margin formula over them ([`margin`](crate::margin())). A claim about
//! this Program rests on the settled round for the model and the updates, and on the provider for
//! the market's data, which is posted with it: so anybody can run it again, and dispute it.
//!
//! *Total: whatever enters, every bound is a number within floor and cap.*

use learn::Model;
use tensor::{BuildError, Builder, Dtype, Program, ShapeError, Tensor, Value};

use crate::blocks::{held, mean_square_from, reciprocal};
use crate::margin::{LOG_VARIANCE, RATIO_MAX, bounds};
use crate::{Day, MarginConfig};

/// The volatility's formula: one deviation, no floor, and a cap that no market reaches.
const VOLATILITY: MarginConfig =
    MarginConfig { quantile: 1.0, floor: 0.0, cap: 10.0, ..MarginConfig::STANDARD };

/// The market's data of a report, as tensors: the days before it, and the day itself last.
///
/// ```
/// use market::{Date, Day, MarginConfig, Recent};
/// let (date, features) = (Date::from_number(0), vec![0.0; 5]);
/// let (anchor, price, walk, ewma, proxy, ret) = (1e-4, 50.0, 1e-4, 1e-4, 1e-4, 0.01);
/// let day = Day { date, features, anchor, price, walk, ewma, proxy, ret };
/// let recent = vec![&day; MarginConfig::STANDARD.recent];
/// assert_eq!(Recent::new(&recent, &day)?.tensors().len(), 3);
/// # Ok::<(), tensor::ShapeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recent([Tensor; 3]);

impl Recent {
    /// Returns the data of a day: `features f32[w + 1, p]`, `anchors f64[w + 1]` and the outcomes
    /// of the days before, `f64[w]`.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] if there is no day before it, or days have different numbers of features.
    pub fn new(recent: &[&Day], day: &Day) -> Result<Recent, ShapeError> {
        let all = || recent.iter().copied().chain([day]);
        let features: Vec<f32> = all().flat_map(|day| day.features.iter().copied()).collect();
        let rows = recent.len() + 1;
        Ok(Recent([
            Tensor::f32(&[rows, day.features.len()], features)?,
            Tensor::f64(&[rows], all().map(|day| day.anchor).collect())?,
            Tensor::f64(&[recent.len()], recent.iter().map(|day| day.proxy).collect())?,
        ]))
    }

    /// Reads the data of a model's report from the bytes of its tensors, little-endian; `None` if
    /// there are not three or one has another length.
    ///
    /// ```
    /// use learn::{Kind, Model};
    /// let model = Model::new(Kind::Har, &market::FEATURES);
    /// assert_eq!(market::Recent::from_bytes(&model, &[vec![], vec![], vec![]]), None);
    /// ```
    #[must_use]
    pub fn from_bytes(model: &Model, bytes: &[Vec<u8>]) -> Option<Recent> {
        let shapes = Recent::shapes(model);
        if bytes.len() != shapes.len() {
            return None;
        }
        let read = |((dtype, dims), bytes): (&(Dtype, Vec<usize>), &Vec<u8>)| {
            Tensor::from_bytes(*dtype, &tensor::Shape::new(dims).ok()?, bytes).ok()
        };
        let tensors: Option<Vec<Tensor>> = shapes.iter().zip(bytes).map(read).collect();
        Some(Recent(tensors?.try_into().ok()?))
    }

    /// Returns the types and shapes of the tensors, in order.
    ///
    /// ```
    /// use learn::{Kind, Model};
    /// let shapes = market::Recent::shapes(&Model::new(Kind::Har, &market::FEATURES));
    /// assert_eq!(shapes[0].1, [65, 5]);
    /// ```
    #[must_use]
    pub fn shapes(model: &Model) -> [(Dtype, Vec<usize>); 3] {
        let recent = MarginConfig::STANDARD.recent;
        [
            (Dtype::F32, vec![recent + 1, model.width()]),
            (Dtype::F64, vec![recent + 1]),
            (Dtype::F64, vec![recent]),
        ]
    }

    /// Returns the tensors: features, anchors, outcomes.
    ///
    /// ```
    /// # use learn::{Kind, Model};
    /// # let model = Model::new(Kind::Har, &market::FEATURES);
    /// let zeros = [vec![0; 65 * 5 * 4], vec![0; 65 * 8], vec![0; 64 * 8]];
    /// let recent = market::Recent::from_bytes(&model, &zeros).expect("of these lengths");
    /// assert_eq!(recent.tensors()[2].shape().count(), 64);
    /// ```
    #[must_use]
    pub const fn tensors(&self) -> &[Tensor; 3] {
        &self.0
    }
}

/// What a settled round adds to a report: params before it f32\[d\], who was accepted i32\[rows\],
/// and the revealed updates i32\[d\].
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The params the updates are relative to.
    pub before: Tensor,
    /// 1 for each accepted row, 0 for the others.
    pub accepted: Tensor,
    /// One update a row.
    pub updates: Vec<Tensor>,
}

/// Returns the report Program for rounds with this many rows; 0 before the first round.
///
/// Inputs: `params f32[d]`, the three of [`Recent`], and for a round `before f32[d]`, `accepted
/// i32[rows]` and `update i32[d]` for each row, in units of `step`. Outputs: margin f64\[3\] and
/// standard deviation of the day's return f64\[3\], each value, lower, upper.
///
/// # Errors
///
/// [`BuildError`] if there are more rows than a Program may have inputs.
///
/// ```
/// use learn::{Kind, Model};
/// let model = Model::new(Kind::Har, &market::FEATURES);
/// assert_eq!(market::report(&model, 3, learn::step())?.outputs().len(), 2);
/// # Ok::<(), tensor::BuildError>(())
/// ```
pub fn report(model: &Model, rows: usize, step: f32) -> Result<Program, BuildError> {
    let config = MarginConfig::STANDARD;
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[model.count()])?;
    let [features, anchors, outcomes] = Recent::shapes(model);
    let features = b.input(features.0, &features.1)?;
    let anchors = b.input(anchors.0, &anchors.1)?;
    let outcomes = b.input(outcomes.0, &outcomes.1)?;

    let level = b.log(anchors)?;
    let forecasts = forecast(&mut b, model, params, (features, level))?;
    let past = b.slice(forecasts, &[0], &[config.recent])?;
    let today = b.slice(forecasts, &[config.recent], &[config.recent + 1])?;
    let last = b.slice(features, &[config.recent, 0], &[config.recent + 1, model.width()])?;
    let level = b.slice(level, &[config.recent], &[config.recent + 1])?;
    let spread = match rows {
        0 => b.full(Dtype::F64, &[1], 0.0)?,
        rows => spread(&mut b, model, (rows, step), (last, level))?,
    };

    let variance = b.exp(past)?;
    let ratios = b.div(outcomes, variance)?;
    let ratios = held(&mut b, ratios, (0.0, RATIO_MAX))?;
    let one = b.full(Dtype::F64, &[config.recent], 1.0)?;
    let error = mean_square_from(&mut b, ratios, one)?;
    let share = reciprocal(&mut b, config.recent)?;
    let uncertainty = b.fma(error, share, spread)?;
    let today = held(&mut b, today, LOG_VARIANCE)?;
    let margin = bounds(&mut b, &config, today, uncertainty)?;
    let volatility = bounds(&mut b, &VOLATILITY, today, uncertainty)?;
    b.finish(&[margin, volatility])
}

/// Returns the inputs of [`report`].
///
/// ```
/// # use learn::{Kind, Model};
/// # let model = Model::new(Kind::Har, &market::FEATURES);
/// # let zeros = [vec![0; 65 * 5 * 4], vec![0; 65 * 8], vec![0; 64 * 8]];
/// # let recent = market::Recent::from_bytes(&model, &zeros).expect("of these lengths");
/// assert_eq!(market::report_inputs(&model.initial(), &recent, None).len(), 4);
/// ```
#[must_use]
pub fn report_inputs(params: &Tensor, recent: &Recent, trained: Option<&Trained>) -> Vec<Tensor> {
    let mut inputs = vec![params.clone()];
    inputs.extend(recent.0.iter().cloned());
    if let Some(Trained { before, accepted, updates }) = trained {
        inputs.extend([before.clone(), accepted.clone()]);
        inputs.extend(updates.iter().cloned());
    }
    inputs
}

/// `ln h` of each row of features: the model's output over its level, f64\[n\].
fn forecast(
    b: &mut Builder,
    model: &Model,
    params: Value,
    (features, level): (Value, Value),
) -> Result<Value, BuildError> {
    let s = model.forward(b, params, features)?;
    let s = b.convert(s, Dtype::F64)?;
    b.add(level, s)
}

/// The variance of `ln h` over the accepted trainers' own models, f64\[1\]; zero if there is none.
fn spread(
    b: &mut Builder,
    model: &Model,
    (rows, step): (usize, f32),
    (features, level): (Value, Value),
) -> Result<Value, BuildError> {
    let before = b.input(Dtype::F32, &[model.count()])?;
    let accepted = b.input(Dtype::I32, &[rows])?;
    let scale = b.full(Dtype::F32, &[model.count()], f64::from(step))?;
    let mut members = Vec::with_capacity(rows);
    for _ in 0..rows {
        let update = b.input(Dtype::I32, &[model.count()])?;
        let update = b.convert(update, Dtype::F32)?;
        let own = b.fma(update, scale, before)?;
        members.push(forecast(b, model, own, (features, level))?);
    }
    let members = b.concat(&members, 0)?;
    let members = held(b, members, LOG_VARIANCE)?;
    let weights = b.convert(accepted, Dtype::F64)?;
    let count = total(b, weights)?;
    let one = b.full(Dtype::F64, &[1], 1.0)?;
    let count = b.max(count, one)?;
    let weighted = b.mul(members, weights)?;
    let sum = total(b, weighted)?;
    let centre = b.div(sum, count)?;
    let centre = b.broadcast(centre, &[rows])?;
    let off = b.sub(members, centre)?;
    let square = b.mul(off, off)?;
    let weighted = b.mul(square, weights)?;
    let sum = total(b, weighted)?;
    b.div(sum, count)
}

/// The sum of a vector, f64\[1\].
fn total(b: &mut Builder, x: Value) -> Result<Value, BuildError> {
    let sum = b.sum(x, 0)?;
    b.reshape(sum, &[1])
}

#[cfg(test)]
mod tests;

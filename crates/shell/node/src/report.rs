//! What the publisher reports after a round: the market's price, its volatility and the margin,
//! with bounds.
//!
//! Everything is a Program on public inputs: the forecast of the new model, the forecasts of the
//! accepted trainers' own models (params plus one trainer's update each), the errors of the last
//! days, and the margin formula over them (docs/model.md). So anybody who has the updates computes
//! the same bits, which is what `assay replay` does.
//!
//! Deliberately absent: what the contracts do with it.

use market::{Day, Evaluation, MarginConfig, Wad};
use tensor::{Hash, Tensor};

use crate::{Job, NodeError};

/// A value with its bounds, as fractions (margin, volatility) or dollars (price).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The value.
    pub value: f64,
    /// At most the value.
    pub lower: f64,
    /// At least the value.
    pub upper: f64,
}

/// One day's report.
#[derive(Clone, Debug)]
pub struct DayReport {
    /// The market's last price before the day, dollars.
    pub price: f64,
    /// Initial margin as a fraction of notional.
    pub margin: Bounds,
    /// Standard deviation of the day's return.
    pub volatility: Bounds,
    /// Hash of the margin Program.
    pub margin_program: Hash,
    /// Hash of the volatility Program: the margin formula with quantile 1 and no floor.
    pub volatility_program: Hash,
    /// List root of the forecast's and the formula's inputs.
    pub inputs_root: Hash,
}

/// Computes the report of a day.
///
/// `members` are the accepted trainers' own models.
///
/// # Errors
///
/// [`NodeError`] if there is no member or a tensor is of another model.
pub fn report(
    job: &Job,
    evaluation: &Evaluation,
    index: usize,
    params: &Tensor,
    members: &[Tensor],
) -> Result<DayReport, NodeError> {
    let no_day = || NodeError::program(format!("the evaluation has no day {index}"));
    let day = evaluation.days.get(index).ok_or_else(no_day)?;
    let recent = evaluation.recent(index, MarginConfig::STANDARD.recent);
    let log_variance = forecast(job, params, &[day])?;
    let mut own = Vec::with_capacity(members.len());
    for member in members {
        own.extend(forecast(job, member, &[day])?);
    }
    let past = forecast(job, params, &recent)?;
    let ratios = ratios(&past, &recent)?;
    let inputs =
        market::margin_inputs(log_variance[0], &own, &ratios).map_err(NodeError::program)?;
    let config =
        MarginConfig { members: members.len(), recent: recent.len(), ..MarginConfig::STANDARD };
    let (margin, margin_program) = bounds(&config, &inputs)?;
    let plain = MarginConfig { quantile: 1.0, floor: 0.0, cap: 10.0, ..config };
    let (volatility, volatility_program) = bounds(&plain, &inputs)?;
    let mut roots: Vec<Hash> = market::forecast_inputs(params, &[day])
        .map_err(NodeError::program)?
        .iter()
        .map(Tensor::root)
        .collect();
    roots.extend(inputs.iter().map(Tensor::root));
    Ok(DayReport {
        price: day.price,
        margin,
        volatility,
        margin_program,
        volatility_program,
        inputs_root: court::opening::list_root(&roots),
    })
}

/// Returns a trainer's own model: params plus its update, dequantised.
///
/// # Errors
///
/// [`NodeError::Program`] if the lengths differ.
pub fn member_model(params: &Tensor, update: &Tensor) -> Result<Tensor, NodeError> {
    let (Some(params), Some(update)) = (params.as_f32(), update.as_i32()) else {
        return Err(NodeError::program("params are f32 and updates i32"));
    };
    if params.len() != update.len() {
        return Err(NodeError::program("an update has another length than the params"));
    }
    #[expect(clippy::cast_precision_loss, reason = "an update's size is at most 2^24")]
    let moved = params.iter().zip(update).map(|(p, q)| (*q as f32).mul_add(learn::step(), *p));
    Tensor::f32(&[params.len()], moved.collect()).map_err(NodeError::program)
}

/// Returns a fraction or a price in WAD, rounded down.
///
/// # Errors
///
/// [`NodeError::Program`] if it is negative, not a number or too large.
pub fn wad(value: f64) -> Result<u128, NodeError> {
    Ok(Wad::from_f64(value).map_err(NodeError::program)?.0)
}

fn forecast(job: &Job, params: &Tensor, days: &[&Day]) -> Result<Vec<f64>, NodeError> {
    let program = market::forecast(job.model(), days.len()).map_err(NodeError::program)?;
    let inputs = market::forecast_inputs(params, days).map_err(NodeError::program)?;
    let outputs = kernels::eval(&program, &inputs)?;
    let log_variance = outputs.first().and_then(Tensor::as_f64);
    log_variance.map(<[f64]>::to_vec).ok_or_else(|| NodeError::program("a forecast is f64"))
}

fn bounds(config: &MarginConfig, inputs: &[Tensor]) -> Result<(Bounds, Hash), NodeError> {
    let program = market::margin(config).map_err(NodeError::program)?;
    let outputs = kernels::eval(&program, inputs)?;
    match outputs.first().and_then(Tensor::as_f64) {
        Some([value, lower, upper]) => {
            let bounds = Bounds { value: *value, lower: *lower, upper: *upper };
            Ok((bounds, program.hash()))
        }
        _ => Err(NodeError::program("a margin is three f64")),
    }
}

/// Outcome over forecast of past days; the exponential is a Program too, so every machine gets the
/// same.
fn ratios(log_variance: &[f64], days: &[&Day]) -> Result<Vec<f64>, NodeError> {
    let mut b = tensor::Builder::new();
    let build = |b: &mut tensor::Builder| {
        let ln_h = b.input(tensor::Dtype::F64, &[days.len()])?;
        let outcome = b.input(tensor::Dtype::F64, &[days.len()])?;
        let h = b.exp(ln_h)?;
        b.div(outcome, h)
    };
    let ratio = build(&mut b).map_err(NodeError::program)?;
    let program = b.finish(&[ratio]).map_err(NodeError::program)?;
    let outcomes: Vec<f64> = days.iter().map(|day| day.proxy).collect();
    let inputs = [
        Tensor::f64(&[days.len()], log_variance.to_vec()).map_err(NodeError::program)?,
        Tensor::f64(&[days.len()], outcomes).map_err(NodeError::program)?,
    ];
    let outputs = kernels::eval(&program, &inputs)?;
    let ratios = outputs.first().and_then(Tensor::as_f64).map(<[f64]>::to_vec);
    ratios.ok_or_else(|| NodeError::program("ratios are f64"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use learn::Kind;

    #[test]
    fn a_report_is_within_its_bounds_and_recomputes_to_the_bit() {
        let job = Job::new(Kind::Har).expect("a job");
        let plan = crate::Source::Wti.plan().expect("the bundled series");
        let params = job.initial_params();
        let members = vec![params.clone(); 3];
        let run = || report(&job, &plan.evaluations[0], 0, &params, &members).expect("a report");
        let (first, again) = (run(), run());
        for bounds in [first.margin, first.volatility] {
            assert!(bounds.lower <= bounds.value && bounds.value <= bounds.upper, "{bounds:?}");
        }
        assert!(first.price > 20.0 && first.price < 200.0, "{}", first.price);
        assert_eq!(first.margin.upper.to_bits(), again.margin.upper.to_bits());
        assert_eq!(first.inputs_root, again.inputs_root);
    }

    #[test]
    fn a_member_model_moves_by_its_update() {
        let params = Tensor::f32(&[2], vec![1.0, -2.0]).expect("shaped");
        let update = Tensor::i32(&[2], vec![1 << 20, -(1 << 19)]).expect("shaped");
        let moved = member_model(&params, &update).expect("of one length");
        assert_eq!(moved.as_f32(), Some(&[2.0, -2.5][..]));
    }
}

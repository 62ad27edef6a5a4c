//! A market's days by the mixture: the regression and the networks that were admitted.

use super::super::outlook::intervals;
use super::super::{ADMITTED, Config, DayReport, Predictive, RiskError, Sample};
use super::{Executor, Lesson, NetworkConfig, NetworkError, foresee, lessons, mixed};
use crate::maths::exp;
use crate::{Date, Hour};
use tensor::Program;
use thiserror::Error;

/// What the mixture says of a day, and what each worker counts in it, the regression first.
#[derive(Clone, Debug, PartialEq)]
pub struct MixedDay {
    /// The day's report by the mixture's law.
    pub report: DayReport,
    /// One weight a worker, in the order of [`mixed_names`].
    pub weights: Vec<f64>,
}

/// Why markets have no mixture.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MixtureError {
    /// The regression gives no forecasts.
    #[error(transparent)]
    Risk(#[from] RiskError),
    /// A network gives none.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// Returns the names of the workers of the mixture that ships, the regression first.
///
/// ```
/// assert_eq!(market::risk::mixed_names()[0], "regression");
/// ```
#[must_use]
pub fn mixed_names() -> Vec<&'static str> {
    std::iter::once("regression").chain(ADMITTED).collect()
}

/// Returns the days of markets by the mixture, from the first that the networks forecast: the
/// hundredth after the regression's first of any market. One network learns from all markets.
///
/// The interval is tracked anew from that day on.
///
/// # Errors
///
/// [`MixtureError`] if the models give no Program, or one does not run.
///
/// ```
/// use market::{Hour, risk::{Executor, mixed_days, mixed_names}};
/// let (before, close, ret, volume) = (1.0, 1.0, 0.0, 1.0);
/// let (realised, range) = (1e-6, 1e-6);
/// let hour = |i: i64| Hour { open_s: i * 3_600, before, close, ret, realised, range, volume };
/// let run = |program: &tensor::Program| -> Executor<'static> {
///     let program = program.clone();
///     Box::new(move |inputs| tensor::eval(&program, inputs))
/// };
/// let young: Vec<Hour> = (0..24 * 200).map(hour).collect(); // 222 days are needed
/// assert!(mixed_days(&[&young], &run)?[0].is_empty());
/// # Ok::<(), market::risk::MixtureError>(())
/// ```
pub fn mixed_days<'e>(
    markets: &[&[Hour]],
    prepare: &dyn Fn(&Program) -> Executor<'e>,
) -> Result<Vec<Vec<MixedDay>>, MixtureError> {
    let config = Config::frozen();
    let days = markets.iter().map(|hours| lessons(hours, &config.day));
    let days = days.collect::<Result<Vec<_>, _>>()?;
    let mut laws: Vec<Vec<Vec<Predictive>>> = vec![Vec::new(); days.len()];
    for network in NetworkConfig::frozen().iter().filter(|c| ADMITTED.contains(&c.name)) {
        let said = foresee(network, &days, prepare)?;
        laws.iter_mut().zip(said).for_each(|(laws, said)| laws.push(said));
    }
    let market = |(days, laws): (&Vec<Lesson>, &Vec<Vec<Predictive>>)| {
        let from = days.len() - laws.first().map_or(days.len(), Vec::len);
        reported(&config, &days[from..], laws)
    };
    Ok(days.iter().zip(&laws).map(market).collect::<Result<_, RiskError>>()?)
}

fn reported(
    config: &Config,
    days: &[Lesson],
    networks: &[Vec<Predictive>],
) -> Result<Vec<MixedDay>, RiskError> {
    let pair = |law: &Predictive| (law.location, law.variance.sqrt());
    let day = |(i, day): (usize, &Lesson)| {
        let others = networks.iter().map(|laws| pair(&laws[i]));
        (std::iter::once(pair(&day.core)).chain(others).collect(), day.outcome)
    };
    let shape = config.day.shape;
    let said = mixed(&days.iter().enumerate().map(day).collect::<Vec<_>>(), &shape)?;
    let known: Vec<(Sample, Vec<Predictive>)> = days
        .iter()
        .zip(&said)
        .map(|(day, said)| {
            let (x, outcome) = (Vec::new(), Some(day.outcome));
            let sample = Sample { open_s: day.open_s, x, anchor: day.anchor, outcome };
            let (location, variance) = (said.location, said.scale * said.scale);
            (sample, vec![Predictive { location, variance, ..day.core }])
        })
        .collect();
    let ends = intervals(&config.day.interval, known.iter().map(|(sample, law)| (sample, law)))?;
    let report = |i: usize| {
        let (day, (_, laws), said, (lower, upper)) = (&days[i], &known[i], &said[i], ends[i]);
        let report = DayReport {
            date: Date::of_unix(day.open_s).expect("an hour's time was checked when read"),
            law: laws[0],
            forecast: laws[0].mean(),
            lower,
            upper,
            realised: exp(day.outcome),
            shape,
            pit: shape.cdf((day.outcome - said.location) / said.scale),
        };
        MixedDay { report, weights: said.weights.clone() }
    };
    Ok((0..days.len()).map(report).collect())
}

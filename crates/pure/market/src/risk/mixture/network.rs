//! Networks as volatility workers: trained anew at a stated interval on all days before.
//!
//! A network says how far the day will be from what it is relative to ([`Base`]), and how sure it
//! is: a mean and a log variance, by `learn`'s Gaussian loss. Several members, each from its own
//! start and with its own order of rows, are averaged. What a network thinks of its own sureness is
//! corrected by how its forecasts turned out.
//!
//! Every number is a result of `learn`'s Programs, run by whatever the caller brings; starts and
//! rows are drawn by Philox from a member's seed and the number of the training.
//!
//! *Invariant: a day is forecast by parameters that saw outcomes of earlier days alone.*

use learn::{ConfigError, Loss, Network, Optimiser, Training};
use tensor::scalar::{Float, f64_to_f32};
use tensor::{Dtype, EvalError, Program, Tensor};
use thiserror::Error;

use super::super::Predictive;
use super::super::samples::DAY_S;
use super::lessons::{CHANNELS, Lesson};

/// Numbers that enter a network, and means that it gives, are held within plus and minus this.
const INPUT_MAX: f64 = 8.0;
/// Log variances that it gives are held within plus and minus this.
const LOG_MAX: f64 = 4.0;
/// Days that the belief in a network's own sureness counts as.
const SURE_DAYS: f64 = 60.0;
/// Stands for "normal" where a law has degrees of freedom.
const NORMAL: f64 = 1e9;
/// Philox's stream of the rows of a batch; the starts are stream 0.
const ROWS: u32 = 1;

/// Runs one Program on inputs.
pub type Executor<'a> = Box<dyn FnMut(&[Tensor]) -> Result<Vec<Tensor>, EvalError> + 'a>;

/// What a network's output is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The regression's forecast, in its scales: the network learns what the regression leaves.
    Core,
    /// The average of 22 days, in logarithms: the network stands alone.
    Anchor,
}

/// A network as a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkConfig {
    /// What it is called in reports.
    pub name: &'static str,
    /// The architecture: a perceptron reads [`Lesson::row`], the others as many of the last days of
    /// [`Lesson::past`] as they have steps.
    pub network: Network,
    /// What its output is relative to.
    pub base: Base,
    /// How many are trained and averaged.
    pub members: i32,
    /// Steps of a training.
    pub steps: u32,
    /// Rows of a step.
    pub batch: usize,
    /// Adam's rate at the first step; it falls linearly to 0.
    pub rate: f64,
    /// Days from the first lesson to the first forecast.
    pub first: usize,
    /// Days from one training to the next.
    pub every: usize,
}

/// Why a network gives no forecasts.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum NetworkError {
    /// The configuration is no training.
    #[error("the network is no training: {0}")]
    Config(#[from] ConfigError),
    /// A Program did not run.
    #[error("a Program of the network did not run: {0}")]
    Eval(#[from] EvalError),
    /// The network reads other numbers than a lesson has.
    #[error("the network reads {wanted} numbers of a day, a lesson has {there}")]
    Width {
        /// What it reads.
        wanted: usize,
        /// What there is.
        there: usize,
    },
}

/// Programs of a network, and what runs them.
struct Runner<'c, 'e> {
    config: &'c NetworkConfig,
    training: Training,
    step: Executor<'e>,
    predict: Executor<'e>,
}

/// Returns for each market one law for each of its lessons that begins `first` days or more after
/// the earliest lesson of all.
///
/// The markets teach one network; what one brought is known to all once its day is over.
///
/// # Errors
///
/// [`NetworkError`] if the configuration is no training, or a Program does not run.
///
/// ```
/// use learn::{Activation, Mlp, Network};
/// use market::{Hour, risk::{Base, Config, NetworkConfig, foresee, lessons}};
/// let (before, close, volume) = (1.0, 1.0, 1.0);
/// let hour = |i: i64| {
///     let ret = if i % 3 == 0 { 1e-3 } else { -1e-3 };
///     let (realised, range) = (1e-6, 1e-6 * (1 + i % 5) as f64);
///     Hour { open_s: i * 3_600, before, close, ret, realised, range, volume }
/// };
/// let hours: Vec<Hour> = (0..24 * 140).map(hour).collect();
/// let lessons = lessons(&hours, &Config::frozen().day)?;
/// let (features, activation) = (lessons[0].row.len(), Activation::Tanh);
/// let config = NetworkConfig {
///     name: "perceptron",
///     network: Network::Mlp(Mlp { features, hidden: vec![2], activation }),
///     base: Base::Core,
///     members: 1,
///     steps: 3,
///     batch: 4,
///     rate: 0.01,
///     first: 10,
///     every: 5,
/// };
/// let run = |program: &tensor::Program| -> market::risk::Executor<'static> {
///     let program = program.clone();
///     Box::new(move |inputs| tensor::eval(&program, inputs))
/// };
/// let laws = foresee(&config, &[lessons], &run)?;
/// assert_eq!(laws[0].len(), 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn foresee<'e>(
    config: &NetworkConfig,
    markets: &[Vec<Lesson>],
    prepare: &dyn Fn(&Program) -> Executor<'e>,
) -> Result<Vec<Vec<Predictive>>, NetworkError> {
    let mut laws = vec![Vec::new(); markets.len()];
    let opens = || markets.iter().flatten().map(|lesson| lesson.open_s);
    let (Some(first_s), Some(last_s)) = (opens().min(), opens().max()) else { return Ok(laws) };
    let mut runner = Runner::new(config, prepare)?;
    let days = |days: usize| i64::try_from(days.max(1)).unwrap_or(i64::MAX).saturating_mul(DAY_S);
    let mut from_s = first_s.saturating_add(days(config.first));
    let mut number = 0;
    while from_s <= last_s {
        let to_s = from_s.saturating_add(days(config.every));
        let known: Vec<&Lesson> =
            markets.iter().flatten().filter(|lesson| lesson.open_s < from_s).collect();
        let members = (0..config.members.max(1)).map(|seed| runner.train(&known, [seed, number]));
        let members = members.collect::<Result<Vec<_>, _>>()?;
        for (market, laws) in markets.iter().zip(&mut laws) {
            let ahead: Vec<&Lesson> =
                market.iter().filter(|lesson| (from_s..to_s).contains(&lesson.open_s)).collect();
            if !ahead.is_empty() {
                laws.extend(runner.foresee(&members, &ahead)?);
            }
        }
        (from_s, number) = (to_s, number + 1);
    }
    for (market, laws) in markets.iter().zip(&mut laws) {
        let forecast = &market[market.len() - laws.len()..];
        corrected(forecast, laws);
    }
    Ok(laws)
}

impl<'c, 'e> Runner<'c, 'e> {
    fn new(
        config: &'c NetworkConfig,
        prepare: &dyn Fn(&Program) -> Executor<'e>,
    ) -> Result<Runner<'c, 'e>, NetworkError> {
        let training = Training {
            network: config.network.clone(),
            loss: Loss::Gaussian,
            optimiser: Optimiser::ADAM,
            batch: config.batch,
            dtype: Dtype::F32,
        };
        let step = prepare(&training.step()?);
        let predict = prepare(&training.predict(config.every.max(1))?);
        Ok(Runner { config, training, step, predict })
    }

    /// Parameters after a training on these lessons.
    fn train(&mut self, known: &[&Lesson], key: [i32; 2]) -> Result<Tensor, NetworkError> {
        let mut carried = vec![self.training.initial(key)?];
        carried.extend(self.training.state()?);
        let steps = self.config.steps;
        for step in 0..steps {
            let rows: Vec<&Lesson> =
                drawn(key, step, (self.config.batch, known.len())).map(|i| known[i]).collect();
            let targets = rows.iter().map(|lesson| self.target(lesson)).collect();
            let left = 1.0 - f64::from(step) / f64::from(steps);
            let mut inputs = carried;
            inputs.push(self.inputs(&rows, rows.len())?);
            inputs.push(Tensor::f32(&[rows.len()], targets).expect("one a row"));
            inputs.push(Tensor::f32(&[1], vec![f64_to_f32(self.config.rate * left)]).expect("one"));
            carried = (self.step)(&inputs)?;
            carried.pop();
        }
        Ok(carried.swap_remove(0))
    }

    /// The laws of days by the average of members.
    fn foresee(
        &mut self,
        members: &[Tensor],
        ahead: &[&Lesson],
    ) -> Result<Vec<Predictive>, NetworkError> {
        let x = self.inputs(ahead, self.config.every.max(1))?;
        let mut said = vec![(0.0, 0.0, 0.0); ahead.len()];
        for params in members {
            let outputs = (self.predict)(&[params.clone(), x.clone()])?;
            let numbers = outputs[0].as_f32().expect("a forecast is f32");
            for ((mean, square, variance), pair) in said.iter_mut().zip(numbers.chunks(2)) {
                let m = held(f64::from(pair[0]), INPUT_MAX);
                *mean += m;
                *square += m * m;
                *variance += held(f64::from(pair[1]), LOG_MAX).op_exp();
            }
        }
        let share = 1.0 / crate::maths::count(members.len());
        let law = |(lesson, (mean, square, variance)): (&&Lesson, (f64, f64, f64))| {
            let mean = mean * share;
            let apart = square * share - mean * mean;
            let variance = variance * share + if apart > 0.0 { apart } else { 0.0 };
            let (location, unit) = self.relative_to(lesson);
            Predictive {
                location: location + unit * mean,
                variance: unit * unit * variance,
                freedom: NORMAL,
                distance: lesson.core.distance,
            }
        };
        Ok(ahead.iter().zip(said).map(law).collect())
    }

    /// Location and unit of what the network's output is relative to.
    fn relative_to(&self, lesson: &Lesson) -> (f64, f64) {
        match self.config.base {
            Base::Core => (lesson.core.location, lesson.core.variance.sqrt()),
            Base::Anchor => (lesson.anchor, 1.0),
        }
    }

    fn target(&self, lesson: &Lesson) -> f32 {
        let (location, unit) = self.relative_to(lesson);
        f64_to_f32(held((lesson.outcome - location) / unit, INPUT_MAX))
    }

    /// What the network reads of these lessons, rows of zeros below.
    fn inputs(&self, lessons: &[&Lesson], rows: usize) -> Result<Tensor, NetworkError> {
        let dims = self.training.network.input(rows);
        let width = dims[1..].iter().product::<usize>();
        let mut values = Vec::with_capacity(rows * width);
        for lesson in lessons {
            let (numbers, of_a_day) = match self.config.network {
                Network::Mlp(_) => (&lesson.row, lesson.row.len()),
                Network::Gru(_) | Network::Encoder(_) => (&lesson.past, CHANNELS),
            };
            let from = numbers.len().checked_sub(width).filter(|_| dims.last() == Some(&of_a_day));
            let Some(from) = from else {
                let (wanted, there) = (width, numbers.len());
                return Err(NetworkError::Width { wanted, there });
            };
            values.extend(numbers[from..].iter().map(|x| f64_to_f32(held(*x, INPUT_MAX))));
        }
        values.resize(rows * width, 0.0);
        Ok(Tensor::f32(&dims, values).expect("as many numbers as the extents say"))
    }
}

/// The rows of a step, `(batch, rows there are)`.
fn drawn(key: [i32; 2], step: u32, (batch, count): (usize, usize)) -> impl Iterator<Item = usize> {
    let from = u64::from(step) * batch as u64;
    (0..batch as u64).map(move |row| {
        let word = tensor::random::word(key, ROWS, from + row).cast_unsigned();
        // The high half of the product: even but for one part in four billion.
        let place = (u64::from(word) * count as u64) >> 32;
        usize::try_from(place).expect("less than a count of rows")
    })
}

/// Multiplies each scale by the root of `(60 + Σ z²) / (60 + n)` over the n days forecast before.
fn corrected(lessons: &[Lesson], laws: &mut [Predictive]) {
    let (mut squares, mut days) = (SURE_DAYS, SURE_DAYS);
    for (lesson, law) in lessons.iter().zip(laws) {
        let off = lesson.outcome - law.location;
        let square = off * off / law.variance;
        law.variance *= squares / days;
        squares += held(square, INPUT_MAX * INPUT_MAX);
        days += 1.0;
    }
}

/// Within plus and minus a bound; NaN is 0.
fn held(x: f64, bound: f64) -> f64 {
    if x.is_nan() { 0.0 } else { x.clamp(-bound, bound) }
}

#[cfg(test)]
mod tests;

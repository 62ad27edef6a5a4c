//! Forecasts from a regression that is refitted on an expanding window.
//!
//! *Invariant: the forecast of a sample uses outcomes of earlier samples alone.* The last outcome
//! a fit sees is that of the sample before the first one it forecasts.

use tensor::{BuildError, Dtype, Program, Tensor};

use crate::{Prior, accumulate, fit, predict};

/// What is known when an hour or a day begins, and what it then brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Unix time in seconds, UTC, at which the hour or day begins.
    pub open_s: i64,
    /// The features known then; the first is the constant 1.
    pub x: Vec<f64>,
    /// The natural logarithm of the variance that the forecast is relative to, known then.
    pub anchor: f64,
    /// The outcome: the natural logarithm of the variance of the hour or day; none where no price
    /// came.
    pub outcome: Option<f64>,
}

/// What other markets taught, for one that has little history: their samples' Gram matrix, which
/// counts as some samples of its own.
///
/// The power prior of Ibrahim and Chen (2000): the posterior is that of a regression in which each
/// of the others' samples has the weight `weight / samples`.
///
/// ```
/// use market::risk::{Pool, Sample};
/// let sample = |i: i64| Sample { open_s: i, x: vec![1.0], anchor: 0.0, outcome: Some(i as f64) };
/// let samples: Vec<Sample> = (1..=3).map(sample).collect();
/// let pool = Pool::of(&samples, 30.0)?;
/// assert_eq!(pool.mean[..2], [1.0, 2.0]); // of 1 and y; then of y^2
/// # Ok::<(), tensor::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// The mean over the samples of the products of `[x, y]` with itself, the upper triangle row by
    /// row; y is the outcome relative to its anchor.
    pub mean: Vec<f64>,
    /// Samples of its own that a market counts it as.
    pub weight: f64,
}

impl Pool {
    /// Returns what samples teach.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if samples have no features.
    ///
    /// # Panics
    ///
    /// If there are no samples, or not all have as many features.
    pub fn of(samples: &[Sample], weight: f64) -> Result<Pool, BuildError> {
        let size = samples[0].x.len() + 1;
        let sums = learnt(nothing(size - 1), samples)?;
        let sums = sums.as_f64().expect("accumulate gives f64");
        let scale = 1.0 / crate::maths::count(samples.len());
        let upper = (0..size).flat_map(|i| &sums[i * size + i..(i + 1) * size]);
        Ok(Pool { mean: upper.map(|sum| sum * scale).collect(), weight })
    }

    /// The Gram matrix that a market's own samples are added to.
    fn gram(&self, width: usize) -> Tensor {
        let size = width + 1;
        assert_eq!(self.mean.len(), size * (size + 1) / 2, "a pool is of a model's own features");
        let mut gram = vec![0.0; size * size];
        let places = (0..size).flat_map(|i| (i..size).map(move |j| (i, j)));
        for ((i, j), mean) in places.zip(&self.mean) {
            gram[i * size + j] = self.weight * mean;
            gram[j * size + i] = self.weight * mean;
        }
        Tensor::f64(&[size, size], gram).expect("a small matrix")
    }
}

/// When a regression is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refit {
    /// Samples before the first forecast.
    pub first: usize,
    /// Forecasts from one fit to the next; 0 counts as 1.
    pub every: usize,
    /// Samples that begin at this Unix time or later are not learnt from.
    pub before_s: i64,
}

/// The predictive law of a sample's log variance: a Student-t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predictive {
    /// Its location.
    pub location: f64,
    /// Its squared scale.
    pub variance: f64,
    /// Its degrees of freedom.
    pub freedom: f64,
    /// How far the sample is from those that were learnt from, as [`predict`] gives it.
    pub distance: f64,
}

impl Predictive {
    /// Returns the mean of the variance, `exp(location + variance / 2)`.
    ///
    /// A Student-t in the logarithm has no mean of its exponential; with hundreds of degrees of
    /// freedom the normal law of the same location and scale stands in for it.
    ///
    /// ```
    /// use market::risk::Predictive;
    /// let p = Predictive { location: -8.0, variance: 0.5, freedom: 300.0, distance: 0.01 };
    /// assert!((p.mean() - (-7.75_f64).exp()).abs() < 1e-15);
    /// ```
    #[must_use]
    pub fn mean(&self) -> f64 {
        use tensor::scalar::Float;
        (self.location + 0.5 * self.variance).op_exp()
    }

    /// Returns the interval that holds the log variance with this probability.
    ///
    /// ```
    /// use market::risk::Predictive;
    /// let p = Predictive { location: 0.0, variance: 4.0, freedom: 1e9, distance: 0.0 };
    /// let (lower, upper) = p.interval(0.9);
    /// assert!((upper - 2.0 * 1.644_853_6).abs() < 1e-5 && lower == -upper);
    /// ```
    #[must_use]
    pub fn interval(&self, probability: f64) -> (f64, f64) {
        let t = crate::distribution::student_quantile(0.5 + 0.5 * probability, self.freedom);
        let half = t * self.variance.sqrt();
        (self.location - half, self.location + half)
    }

    /// Returns the probability that the log variance is at most `x`.
    ///
    /// ```
    /// use market::risk::Predictive;
    /// let p = Predictive { location: -8.0, variance: 0.5, freedom: 300.0, distance: 0.01 };
    /// assert!((p.cdf(-8.0) - 0.5).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn cdf(&self, x: f64) -> f64 {
        crate::distribution::student_cdf((x - self.location) / self.variance.sqrt(), self.freedom)
    }
}

/// Returns for each sample from `refit.first` on one predictive a prior, in their order.
///
/// All priors share the data; a prior that leaves columns out (a precision of 0) is another
/// model. What a `pool` taught is known before the first sample. Every number is a result of
/// [`accumulate`], [`fit`] and [`predict`].
///
/// # Errors
///
/// [`BuildError`] if there is no prior column, or samples have no features.
///
/// ```
/// use market::{Prior, risk::{Refit, Sample, expand}};
/// let x = vec![1.0];
/// let even = |i: i64| Some((i % 2) as f64);
/// let sample = |i: i64| Sample { open_s: i, x: x.clone(), anchor: 0.0, outcome: even(i) };
/// let samples: Vec<Sample> = (0..50).map(sample).collect();
/// let prior = Prior { precision: vec![1e-6], shape: 1.0, scale: 0.25 };
/// let refit = Refit { first: 40, every: 5, before_s: i64::MAX };
/// let forecasts = expand(&samples, &[prior], refit, None)?;
/// assert_eq!(forecasts.len(), 10);
/// assert!((forecasts[0][0].location - 0.5).abs() < 1e-6);
/// # Ok::<(), tensor::BuildError>(())
/// ```
///
/// # Panics
///
/// If samples do not all have as many features as each prior has columns, and the pool.
pub fn expand(
    samples: &[Sample],
    priors: &[Prior],
    refit: Refit,
    pool: Option<&Pool>,
) -> Result<Vec<Vec<Predictive>>, BuildError> {
    Ok(expand_and_tell(samples, priors, refit, pool)?.0)
}

/// What [`expand`] returns, and when the last sample that was learnt from begins.
pub(super) fn expand_and_tell(
    samples: &[Sample],
    priors: &[Prior],
    refit: Refit,
    pool: Option<&Pool>,
) -> Result<(Vec<Vec<Predictive>>, Option<i64>), BuildError> {
    let width = samples.first().map_or(0, |sample| sample.x.len());
    let fits = priors.iter().map(fit).collect::<Result<Vec<Program>, BuildError>>()?;
    let mut gram = pool.map_or_else(|| nothing(width), |pool| pool.gram(width));
    let (mut known, mut at) = (0, refit.first);
    let (mut forecasts, mut last) = (Vec::new(), None);
    while at < samples.len() {
        let due = |sample: &&Sample| sample.open_s < refit.before_s && sample.outcome.is_some();
        let fresh: Vec<Sample> = samples[known..at].iter().filter(due).cloned().collect();
        if let Some(sample) = fresh.last() {
            last = Some(sample.open_s);
            gram = learnt(gram, &fresh)?;
        }
        known = at;
        let ahead = &samples[at..(at + refit.every.max(1)).min(samples.len())];
        let mut columns = Vec::new();
        for fit in &fits {
            let posterior = run(fit, std::slice::from_ref(&gram));
            columns.push(foreseen(ahead, &posterior)?);
        }
        let row = |i: usize| columns.iter().map(|column: &Vec<Predictive>| column[i]).collect();
        forecasts.extend((0..ahead.len()).map(row));
        at += ahead.len();
    }
    Ok((forecasts, last))
}

/// The Gram matrix of no samples.
fn nothing(width: usize) -> Tensor {
    Tensor::zeros(Dtype::F64, &[width + 1, width + 1]).expect("a small matrix")
}

/// The Gram matrix with these samples added.
fn learnt(gram: Tensor, samples: &[Sample]) -> Result<Tensor, BuildError> {
    let width = samples[0].x.len();
    let outcome = |sample: &Sample| sample.outcome.unwrap_or(sample.anchor) - sample.anchor;
    let outcomes = samples.iter().map(outcome).collect();
    let y = Tensor::f64(&[samples.len(), 1], outcomes).expect("one outcome a sample");
    let program = accumulate(samples.len(), width)?;
    let mut outputs = run(&program, &[gram, matrix(samples), y]);
    Ok(outputs.swap_remove(0))
}

/// The predictives of these samples by this posterior.
fn foreseen(samples: &[Sample], posterior: &[Tensor]) -> Result<Vec<Predictive>, BuildError> {
    let program = predict(samples.len(), samples[0].x.len())?;
    let inputs: Vec<Tensor> = [matrix(samples)].into_iter().chain(posterior.to_vec()).collect();
    let outputs = run(&program, &inputs);
    let column = |i: usize| outputs[i].as_f64().expect("predict gives f64");
    let freedom = posterior[2].as_f64().expect("fit gives f64")[0];
    let predictive = |(i, sample): (usize, &Sample)| Predictive {
        location: sample.anchor + column(0)[i],
        variance: column(1)[i],
        freedom,
        distance: column(2)[i],
    };
    Ok(samples.iter().enumerate().map(predictive).collect())
}

fn matrix(samples: &[Sample]) -> Tensor {
    let values: Vec<f64> = samples.iter().flat_map(|sample| sample.x.iter().copied()).collect();
    Tensor::f64(&[samples.len(), samples[0].x.len()], values)
        .expect("samples have as many features as the first")
}

fn run(program: &Program, inputs: &[Tensor]) -> Vec<Tensor> {
    tensor::eval(program, inputs).expect("inputs were made for the Program")
}

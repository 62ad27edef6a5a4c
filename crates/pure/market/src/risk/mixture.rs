//! Several volatility workers and one law: networks beside the regression, weighted by regret.
//!
//! Every worker states the law of the next day's log variance. [`weights_step`] says how much each
//! counts and what the mixture says, [`mixed`] goes through days with it; [`TwoPiece`] is the shape
//! that all laws share; [`foresee`] trains networks on days before the forecast.
//!
//! *Invariant: what is said of a day uses outcomes of days before it alone.*
//!
//! Absent: a say in margins. A network joins only by the rule in `frozen.rs`.

mod days;
mod lessons;
mod network;
mod two_piece;
mod weights;

use tensor::{BuildError, Tensor};

pub use days::{MixedDay, MixtureError, mixed_days, mixed_names};
pub use lessons::{CHANNELS, Lesson, PAST, lessons};
pub use network::{Base, Executor, NetworkConfig, NetworkError, foresee};
pub use two_piece::TwoPiece;
pub use weights::{weights_start, weights_step};

/// What the mixture says of a day, location and scale of its log variance, and what each worker
/// counts in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    /// One weight a worker; they sum to 1.
    pub weights: Vec<f64>,
    /// The location of the mixture's law.
    pub location: f64,
    /// Its scale.
    pub scale: f64,
}

/// Returns what the mixture of workers says of each day, from their laws (location and scale, one a
/// worker) and the outcome of each, all log variances.
///
/// # Errors
///
/// [`BuildError`] if there is no worker.
///
/// # Panics
///
/// If not every day has as many laws as the first.
///
/// ```
/// use market::risk::{TwoPiece, mixed};
/// let days = vec![(vec![(-8.0, 0.5), (-7.0, 0.5)], -7.0); 3];
/// let mixture = mixed(&days, &TwoPiece::new(1.2))?;
/// assert_eq!(mixture[0].weights, [0.5, 0.5]);
/// assert_eq!(mixture[2].location, -7.0);
/// # Ok::<(), tensor::BuildError>(())
/// ```
pub fn mixed(days: &[(Vec<(f64, f64)>, f64)], shape: &TwoPiece) -> Result<Vec<Mixed>, BuildError> {
    let Some(workers) = days.first().map(|(laws, _)| laws.len()) else { return Ok(Vec::new()) };
    let program = weights_step(workers, shape)?;
    let (mut state, mut outcome) = (weights_start(workers), 0.0);
    let mut last = matrix(&vec![(0.0, 1.0); workers]);
    let mut mixture = Vec::with_capacity(days.len());
    for (laws, next) in days {
        assert_eq!(laws.len(), workers, "every day has a law of every worker");
        let laws = matrix(laws);
        let known = Tensor::f64(&[1], vec![outcome]).expect("one number");
        let mut outputs =
            tensor::eval(&program, &[state, known, last, laws.clone()]).expect("inputs fit");
        let numbers = |i: usize| outputs[i].as_f64().expect("the step gives f64");
        let (location, scale) = (numbers(2)[0], numbers(2)[1]);
        mixture.push(Mixed { weights: numbers(1).to_vec(), location, scale });
        (state, outcome, last) = (outputs.swap_remove(0), *next, laws);
    }
    Ok(mixture)
}

fn matrix(laws: &[(f64, f64)]) -> Tensor {
    let (locations, scales) = (laws.iter().map(|law| law.0), laws.iter().map(|law| law.1));
    Tensor::f64(&[2, laws.len()], locations.chain(scales).collect()).expect("two rows")
}

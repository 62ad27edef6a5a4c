//! One node's training: its slice, the job's step, the residual that quantisation left.
//!
//! Invariant: the same params, slice, round, seed and residual give the same update, so a node that
//! lost its work in a crash before it committed does it again and ends at the same place.
//!
//! Where the node keeps its privacy, its [`Guard`] blurs what training gave.
//!
//! A node made to lie about its update ([`poison`], [`Lie::update`]) trains like the others and
//! then sends something else; it lies about nothing else.

use learn::Dataset;
use tensor::{Hash, Tensor};

use crate::{Job, Lie, NodeError, TensorStore, config::Slice, privacy::Guard};

/// What a node does with what training gave.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits<'a> {
    /// What it lies about, and the other nodes' updates of the round before.
    pub(crate) lie: Option<(Lie, &'a [Vec<i32>])>,
    /// How it keeps its privacy.
    pub(crate) guard: Option<&'a Guard>,
}

/// What training gave.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    /// The quantised update.
    pub(crate) quantised: Vec<i32>,
    /// What rounding left for the next round.
    pub(crate) residual: Vec<f32>,
    /// Mean loss of the last batch.
    pub(crate) loss: f32,
}

/// Reads the node's own training data.
///
/// # Errors
///
/// [`NodeError`] if it is not in the store or not a dataset.
pub(crate) fn dataset(store: &TensorStore, slice: &Slice) -> Result<Dataset, NodeError> {
    let (x, y) = (store.get(slice.x)?, store.get(slice.y)?);
    let spoilt = || NodeError::Slice { name: slice.name.clone() };
    let width = x.shape().dims().get(1).copied().ok_or_else(spoilt)?;
    let (x, y) = (x.as_f32().ok_or_else(spoilt)?, y.as_f32().ok_or_else(spoilt)?);
    let rows: Vec<Vec<f32>> = x.chunks(width).take(slice.rows).map(<[f32]>::to_vec).collect();
    let targets = y.get(..slice.rows).ok_or_else(spoilt)?;
    Dataset::new(&rows, targets).map_err(|_| spoilt())
}

/// Trains for one round and quantises the difference.
///
/// # Errors
///
/// [`NodeError::Train`] if training diverged; those of [`Guard::release`].
pub(crate) fn train(
    job: &Job,
    data: &Dataset,
    (params, round, seed): (&Tensor, u64, Hash),
    residual: &[f32],
    habits: Habits<'_>,
) -> Result<Update, NodeError> {
    let program = job.trainer().program();
    let mut runner = kernels::Runner::new(program);
    let place = (round.saturating_sub(1), &seed.0);
    let trained = job.trainer().train(params, data, place, |_, inputs| runner.run(inputs))?;
    let loss = trained.losses.last().copied().unwrap_or(f32::NAN);
    let poisons = matches!(habits.lie, Some((Lie::Update, _)));
    let update = if poisons { poison(&trained.update) } else { trained.update };
    let update = match habits.guard {
        Some(guard) => guard.release(&update, round)?,
        None => update,
    };
    let (quantised, residual) = learn::quantise(&update, residual, learn::SCALE);
    let quantised = match habits.lie {
        Some((lie, before)) => lie.update(quantised, before),
        None => quantised,
    };
    Ok(Update { quantised, residual, loss })
}

/// Trains for one round as an honest node without privacy does and returns the quantised update
/// and what rounding left.
///
/// # Errors
///
/// [`NodeError::Train`] if training diverged.
pub fn train_honestly(
    job: &Job,
    data: &Dataset,
    place: (&Tensor, u64, Hash),
    residual: &[f32],
) -> Result<(Vec<i32>, Vec<f32>), NodeError> {
    let update = train(job, data, place, residual, Habits::default())?;
    Ok((update.quantised, update.residual))
}

/// Turns an update round, tenfold, and pushes the bias down: whoever is short would like lower
/// margins.
fn poison(update: &[f32]) -> Vec<f32> {
    let mut poisoned: Vec<f32> = update.iter().map(|value| -10.0 * value).collect();
    if let Some(bias) = poisoned.last_mut() {
        *bias -= 1.0;
    }
    poisoned
}

#[cfg(test)]
mod tests {
    use super::*;
    use learn::Kind;

    #[test]
    fn the_same_start_gives_the_same_update_and_a_liar_another() {
        let job = Job::new(Kind::Har).expect("a job");
        let rows: Vec<Vec<f32>> = (0..200_u8)
            .map(|row| {
                (0..5_u8).map(|at| f32::from(row.wrapping_mul(31 + at)) / 128.0 - 1.0).collect()
            })
            .collect();
        let targets: Vec<f32> = (0..200_u8).map(|row| f32::from(row % 7) / 3.0).collect();
        let data = Dataset::new(&rows, &targets).expect("a dataset");
        let start = job.initial_params();
        let before = [vec![10; start.shape().count()], vec![30; start.shape().count()]];
        let run = |lie: Option<Lie>| {
            let habits = Habits { lie: lie.map(|lie| (lie, &before[..])), guard: None };
            let place = (&start, 1, Hash([7; 32]));
            train(&job, &data, place, &[], habits).expect("trained").quantised
        };
        assert_eq!(run(None), run(None));
        assert_eq!(run(Some(Lie::Copy)), before[0]);
        assert!(run(Some(Lie::Hide)).iter().all(|q| *q == 5), "20 less one and a half times 10");
        let (honest, lie) = (run(None), run(Some(Lie::Update)));
        assert!(lie.last() < honest.last(), "{honest:?} {lie:?}");
        assert!(honest.iter().zip(&lie).any(|(honest, lie)| honest.signum() == -lie.signum()));
    }
}

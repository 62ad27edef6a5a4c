//! What lying seats send: the worst for the next report of a fixed list of lies.
//!
//! Liars know all: the honest rows of the round before they commit (they could not: all commit
//! before any reveals), the rule, and the day's data. Every lie is tried on the Programs that are
//! deployed, and the one is sent after which the next report's margin is furthest the wanted way.
//!
//! A lie is the honest mean plus a length along a direction:
//!
//! - *steepest*: the gradient of the next margin in the params, by central differences, in honest
//!   median distances;
//! - *hidden*: its signs times each coordinate's deviation over the honest rows (a little is
//!   enough, Baruch, Baruch and Goldberg 2019, turned along the gradient);
//! - *level*: the bias alone, in honest median distances.
//!
//! *Invariant: a larger share of the seats tries all that the smaller ones try (some of its seats
//! then being honest), so from one state it never does worse in the round.*

use market::Trained;
use tensor::Tensor;

use super::network::{Bench, Judged, Updates};
use crate::error::Error;

/// Lengths that are tried, in units of the direction; 3 is what the rule rejects beyond.
const LENGTHS: [f64; 6] = [0.7, 1.5, 2.5, 5.0, 20.0, 100.0];
/// Half the step of the differences, in params.
const PROBE: f32 = 1.0 / 64.0;

/// Which way the margin is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Down: positions with too little behind them.
    Down,
    /// Up: positions liquidated.
    Up,
}

impl Way {
    /// Returns the sign of a push.
    pub(super) const fn sign(self) -> f64 {
        match self {
            Way::Down => -1.0,
            Way::Up => 1.0,
        }
    }
}

/// A round as the liars see it.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) params: &'a Tensor,
    /// What every seat would send if it were honest.
    pub(super) honest: &'a Updates,
    pub(super) way: Way,
    pub(super) day: usize,
    /// How many seats may lie, ascending; the last is all that the attacker has.
    pub(super) liars: &'a [usize],
}

/// Returns the round as the liars' best lie leaves it, and how many of its rows lied.
pub(super) fn worst(bench: &mut Bench<'_>, scene: &Scene<'_>) -> Result<(Judged, usize), Error> {
    let mut best = (bench.judge(scene.params, scene.honest, scene.day)?, 0);
    if scene.liars.iter().all(|liars| *liars == 0) {
        return Ok(best);
    }
    let mean = mean(scene.honest);
    for direction in directions(bench, scene, &mean)? {
        for length in LENGTHS {
            let lie = moved(&mean, &direction, length);
            for &liars in scene.liars {
                let mut rows = scene.honest.clone();
                let first = rows.len().saturating_sub(liars);
                rows[first..].fill(lie.clone());
                let judged = bench.judge(scene.params, &rows, scene.day)?;
                if scene.way.sign() * (judged.upper - best.0.upper) > 0.0 {
                    best = (judged, liars);
                }
            }
        }
    }
    Ok(best)
}

/// The three directions, in units of updates.
fn directions(
    bench: &mut Bench<'_>,
    scene: &Scene<'_>,
    mean: &[f64],
) -> Result<[Vec<f64>; 3], Error> {
    let gradient = gradient(bench, scene)?;
    let sign = scene.way.sign();
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    let distance = median_distance(scene.honest, mean);
    let steepest = gradient.iter().map(|g| sign * distance * g / norm).collect();
    let deviations = deviations(scene.honest, mean);
    let hidden = gradient.iter().zip(deviations).map(|(g, s)| sign * g.signum() * s).collect();
    let mut level = vec![0.0; mean.len()];
    if let Some(bias) = level.last_mut() {
        *bias = sign * distance;
    }
    Ok([steepest, hidden, level])
}

/// How the margin moves with each param, at what the honest rows lead to.
fn gradient(bench: &mut Bench<'_>, scene: &Scene<'_>) -> Result<Vec<f64>, Error> {
    let judged = bench.judge(scene.params, scene.honest, scene.day)?;
    let accepted = Tensor::i32(&[judged.accepted.len()], judged.accepted.clone());
    let rows = scene.honest.iter().map(|row| Tensor::i32(&[row.len()], row.clone()));
    let trained = Trained {
        before: scene.params.clone(),
        accepted: accepted.map_err(super::network::failed)?,
        updates: rows.collect::<Result<_, _>>().map_err(super::network::failed)?,
    };
    let at = judged.params.as_f32().unwrap_or(&[]).to_vec();
    let mut slope = Vec::with_capacity(at.len());
    for place in 0..at.len() {
        let mut margin = |by: f32| {
            let mut params = at.clone();
            params[place] += by;
            let params = Tensor::f32(&[params.len()], params).map_err(super::network::failed)?;
            Ok::<f64, Error>(bench.report(&params, &trained, scene.day)?.0)
        };
        slope.push((margin(PROBE)? - margin(-PROBE)?) / f64::from(2.0 * PROBE));
    }
    Ok(slope)
}

fn moved(mean: &[f64], direction: &[f64], length: f64) -> Vec<i32> {
    let most = f64::from(learn::UPDATE_MAX);
    let one = |(mean, by): (&f64, &f64)| {
        #[expect(clippy::cast_possible_truncation, reason = "held within an update's bounds")]
        let q = length.mul_add(*by, *mean).round().clamp(-most, most) as i32;
        q
    };
    mean.iter().zip(direction).map(one).collect()
}

fn mean(rows: &Updates) -> Vec<f64> {
    let mut sum = vec![0.0; rows[0].len()];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    sum.iter().map(|sum| sum / super::cost::count(rows.len())).collect()
}

/// Standard deviations of each coordinate.
fn deviations(rows: &Updates, mean: &[f64]) -> Vec<f64> {
    let of = |at: usize| {
        let squares = rows.iter().map(|row| (f64::from(row[at]) - mean[at]).powi(2));
        (squares.sum::<f64>() / super::cost::count(rows.len())).sqrt()
    };
    (0..mean.len()).map(of).collect()
}

/// The median distance of rows from their mean.
fn median_distance(rows: &Updates, mean: &[f64]) -> f64 {
    let distance = |row: &Vec<i32>| {
        let squares = row.iter().zip(mean).map(|(x, mean)| (f64::from(*x) - mean).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let mut distances: Vec<f64> = rows.iter().map(distance).collect();
    distances.sort_by(f64::total_cmp);
    distances[distances.len() / 2]
}

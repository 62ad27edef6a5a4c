//! A task to score: linear regression whose truth drifts, nodes with their own samples, rounds that
//! the real aggregation Program settles and the real score Program pays.
//!
//! One seed decides everything. Absent: transcendentals, so normals are sums of four uniforms.

use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value, eval};

use crate::aggregate::{self, UPDATE_MAX, aggregate};
use crate::score::{Config, Explanation, Round, Row, Rule, explain, inputs, score};

/// Units of an update in one of the params.
const SCALE: f32 = 4096.0;
/// Rows of the window.
const WINDOW: usize = 32;
/// What one row has at stake.
pub(super) const STAKE_GWEI: u64 = 1_000_000_000;
/// Past aggregates that are remembered.
const REMEMBERED: usize = 12;

/// What differs between the worlds that are simulated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Climate {
    /// Rows of a round.
    pub(super) rows: usize,
    /// Coordinates.
    pub(super) length: usize,
    /// Expected squared drift of the truth in a round; the noise of one sample is 1.
    pub(super) drift: f64,
    /// What a mean update is multiplied by.
    pub(super) pace: f32,
    /// Past aggregates whose span earns nothing.
    pub(super) aggregates: usize,
}

/// Uniform and normal numbers from one seed (splitmix64).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    /// Uniform over u32.
    pub(super) fn half(&mut self) -> u32 {
        u32::try_from(self.word() >> 32).expect("32 bits are left")
    }

    /// Mean 0, variance 1, within ±2 √3.
    pub(super) fn normal(&mut self) -> f64 {
        let sum = (0..4).map(|_| f64::from(self.half()) / 4_294_967_296.0).sum::<f64>();
        (sum - 2.0) * 3.0_f64.sqrt()
    }

    pub(super) fn normals(&mut self, count: usize, scale: f64) -> Vec<f64> {
        (0..count).map(|_| scale * self.normal()).collect()
    }
}

/// A job, its truth, and what has been public.
pub(super) struct World {
    pub(super) dice: Dice,
    climate: Climate,
    score: Program,
    aggregate: Program,
    truth: Vec<f64>,
    /// Params, then those before each of the last rounds.
    models: Vec<Tensor>,
    /// Past aggregates in params' units, newest first.
    pub(super) aggregates: Vec<Vec<f64>>,
}

/// What the round's score is taken on: drawn once, so that two sets of rows meet the same luck.
pub(super) struct Trial {
    /// Features and the outcome of each sample, f64\[w, d + 1\].
    window: Tensor,
    key: [i32; 2],
}

impl World {
    pub(super) fn new(climate: Climate, rule: Rule, seed: u64) -> World {
        let Climate { rows, length, pace, aggregates, .. } = climate;
        let step = pace / SCALE;
        let config = Config {
            rows,
            length,
            cumulative_length: rows,
            permutations: 2,
            aggregates,
            window: vec![WINDOW, length + 1],
            step,
            rate: 0.02,
            rule,
        };
        let mut dice = Dice::new(seed);
        World {
            score: score(&config, squares).expect("sizes are within limits"),
            aggregate: aggregate(rows, length, rows, step).expect("sizes are within limits"),
            truth: dice.normals(length, 0.5),
            models: vec![Tensor::zeros(Dtype::F32, &[length]).expect("small"); REMEMBERED + 1],
            aggregates: vec![vec![0.0; length]; REMEMBERED],
            climate,
            dice,
        }
    }

    /// The update of a node that takes one step of least squares on so many samples of its own.
    pub(super) fn train(&mut self, samples: usize) -> Vec<f64> {
        let (features, outcomes) = self.draw(samples);
        let params = floats(&self.models[0]);
        let mut update = vec![0.0; params.len()];
        for (x, y) in features.chunks(params.len()).zip(&outcomes) {
            let off = y - dot(x, &params);
            update.iter_mut().zip(x).for_each(|(u, x)| *u += off * x / count(samples));
        }
        update
    }

    /// So many samples of the truth as it is now.
    fn draw(&mut self, samples: usize) -> (Vec<f64>, Vec<f64>) {
        let d = self.climate.length;
        let features = self.dice.normals(samples * d, 1.0);
        let noise = self.dice.normals(samples, 1.0);
        let outcomes =
            features.chunks(d).zip(&noise).map(|(x, e)| dot(x, &self.truth) + e).collect();
        (features, outcomes)
    }

    /// Lets the truth drift and draws the next window.
    pub(super) fn reveal(&mut self) -> Trial {
        let d = self.climate.length;
        let scale = (self.climate.drift / count(d)).sqrt();
        let drift = self.dice.normals(d, scale);
        self.truth.iter_mut().zip(&drift).for_each(|(x, dx)| *x += dx);
        let (features, outcomes) = self.draw(WINDOW);
        let samples = features.chunks(d).zip(outcomes);
        let window = samples.flat_map(|(x, y)| x.iter().copied().chain([y])).collect();
        let window = Tensor::f64(&[WINDOW, d + 1], window).expect("of this size");
        let key = [self.dice.half().cast_signed(), self.dice.half().cast_signed()];
        Trial { window, key }
    }

    /// What these rows would be paid, and the params they would lead to.
    pub(super) fn judge(&self, updates: &[Vec<f64>], trial: &Trial) -> (Vec<Explanation>, Tensor) {
        let updates: Vec<Tensor> = updates.iter().map(|u| quantised(u)).collect();
        let zeros = Tensor::zeros(Dtype::F64, &[updates.len()]).expect("small");
        let rows: Vec<aggregate::Row> = (0..)
            .zip(&updates)
            .map(|(member, update)| aggregate::Row { member, update: update.clone() })
            .collect();
        let given = aggregate::inputs((self.models[0].clone(), zeros.clone()), 0, &rows);
        let settled = eval(&self.aggregate, &given.expect("rows")).expect("the Program's inputs");
        let accepted = settled[1].as_i32().expect("i32");

        let round = Round {
            models: self.models[..=self.climate.aggregates].to_vec(),
            key: trial.key,
            cumulative: zeros,
            budget_gwei: 1 << 40,
        };
        let row = |(member, update): (u32, &Tensor)| Row {
            member,
            stake_gwei: STAKE_GWEI,
            accepted: accepted[member as usize] == 1,
            update: update.clone(),
            window: trial.window.clone(),
        };
        let rows: Vec<Row> = (0..).zip(&updates).map(row).collect();
        let given = inputs(&round, &rows).expect("rows");
        let outputs = eval(&self.score, &given).expect("the Program's inputs");
        let members: Vec<u32> = rows.iter().map(|row| row.member).collect();
        (explain(&members, &outputs).expect("outputs of a score"), settled[0].clone())
    }

    /// The scores by formula: for a quadratic loss m times a row's Shapley value is
    /// `o (g - H O / 2)`, O the mean of the original parts, g the descent and H the curvature
    /// where all rows are the previous aggregate. With `others` the projection on the other rows'
    /// mean is taken out as well. Every row counts as accepted.
    pub(super) fn by_formula(&self, updates: &[Vec<f64>], trial: &Trial, others: bool) -> Vec<f64> {
        let exact =
            |u: &Vec<f64>| u.iter().map(|x| f64::from(whole(*x)) / f64::from(SCALE)).collect();
        let rows: Vec<Vec<f64>> = updates.iter().map(exact).collect();
        let past = self.aggregates[..self.climate.aggregates].to_vec();
        let rows = shortened(&rows);
        let part = |i: usize| {
            let rest = || rows.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, row)| row);
            let rest: Vec<Vec<f64>> = if others { rest().cloned().collect() } else { Vec::new() };
            let mut public: Vec<Vec<f64>> = past.clone();
            if others {
                public.insert(0, mean(&rest));
            }
            beside(&rows[i], &public)
        };
        let parts: Vec<Vec<f64>> = (0..rows.len()).map(part).collect();
        let pace = f64::from(self.climate.pace);
        let base = plus(&floats(&self.models[0]), &times(&past[0], pace));
        let window = trial.window.as_f64().expect("f64");
        let centre = mean(&parts);
        let mut descent = vec![0.0; base.len()];
        for sample in window.chunks(base.len() + 1) {
            let (x, y) = sample.split_at(base.len());
            let off = y[0] - dot(x, &base) - pace * dot(x, &centre) / 2.0;
            descent = plus(&descent, &times(x, pace * off / count(WINDOW)));
        }
        parts.iter().map(|part| dot(part, &descent)).collect()
    }

    /// Goes on with the params that a judgement led to.
    pub(super) fn settle(&mut self, params: Tensor) {
        let (before, after) = (floats(&self.models[0]), floats(&params));
        let pace = f64::from(self.climate.pace);
        let moved = after.iter().zip(&before).map(|(after, before)| (after - before) / pace);
        self.aggregates.insert(0, moved.collect());
        self.aggregates.truncate(REMEMBERED);
        self.models.insert(0, params);
        self.models.truncate(REMEMBERED + 1);
    }
}

/// Half the mean squared error, the window being features and an outcome, f64\[w, d + 1\].
fn squares(b: &mut Builder, params: Value, window: Value) -> Result<Value, BuildError> {
    let d = b.shape_of(params).count();
    let params = b.convert(params, Dtype::F64)?;
    let params = b.reshape(params, &[d, 1])?;
    let features = b.slice(window, &[0, 0], &[WINDOW, d])?;
    let outcomes = b.slice(window, &[0, d], &[WINDOW, d + 1])?;
    let outcomes = b.reshape(outcomes, &[WINDOW])?;
    let means = b.matmul(features, params)?;
    let means = b.reshape(means, &[WINDOW])?;
    let off = b.sub(outcomes, means)?;
    let square = b.mul(off, off)?;
    let sum = b.sum(square, 0)?;
    let share = b.scalar_f64(0.5 / count(WINDOW))?;
    b.mul(sum, share)
}

/// What a row has won less what it has lost, in gwei.
pub(super) fn net(row: &Explanation) -> f64 {
    row.pay_gwei - row.burn_gwei
}

/// A mean with its standard error, from one number at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mean {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Mean {
    pub(super) fn add(&mut self, x: f64) {
        self.count += 1.0;
        self.sum += x;
        self.squares += x * x;
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum / self.count
    }

    pub(super) fn error(&self) -> f64 {
        let spread = self.squares / self.count - self.mean() * self.mean();
        (spread / (self.count - 1.0)).sqrt()
    }

    /// The end of the 99 % interval that is nearer to minus infinity.
    pub(super) fn least(&self) -> f64 {
        self.mean() - 2.576 * self.error()
    }
}

/// Basis points of a row's stake.
pub(super) fn shown(mean: &Mean) -> String {
    let unit = 1e-4 * count(usize::try_from(STAKE_GWEI).expect("64 bits"));
    format!("{:+.3} ± {:.3}", mean.mean() / unit, mean.error() / unit)
}

pub(super) fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("small"))
}

pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// The mean of some rows.
pub(super) fn mean(rows: &[Vec<f64>]) -> Vec<f64> {
    (0..rows[0].len()).map(|c| rows.iter().map(|r| r[c]).sum::<f64>() / count(rows.len())).collect()
}

pub(super) fn times(row: &[f64], factor: f64) -> Vec<f64> {
    row.iter().map(|x| factor * x).collect()
}

pub(super) fn plus(row: &[f64], other: &[f64]) -> Vec<f64> {
    row.iter().zip(other).map(|(x, y)| x + y).collect()
}

/// Rows no longer than the median of their lengths.
fn shortened(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let lengths: Vec<f64> = rows.iter().map(|row| dot(row, row).sqrt()).collect();
    let mut sorted = lengths.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[rows.len() / 2];
    let shorten = |(row, length): (&Vec<f64>, &f64)| match *length > median {
        true => times(row, median / length),
        false => row.clone(),
    };
    rows.iter().zip(&lengths).map(shorten).collect()
}

/// What of a row lies beside the span of some others.
fn beside(row: &[f64], others: &[Vec<f64>]) -> Vec<f64> {
    let mut units: Vec<Vec<f64>> = Vec::new();
    let without = |row: &[f64], units: &[Vec<f64>]| {
        units.iter().fold(row.to_vec(), |rest, unit| {
            let along = dot(&rest, unit);
            plus(&rest, &times(unit, -along))
        })
    };
    for other in others {
        let rest = without(&without(other, &units), &units);
        let length = dot(&rest, &rest).sqrt();
        if length > 1e-9 * dot(other, other).sqrt() {
            units.push(times(&rest, 1.0 / length));
        }
    }
    without(row, &units)
}

fn floats(params: &Tensor) -> Vec<f64> {
    params.as_f32().expect("f32").iter().map(|x| f64::from(*x)).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to what counts")]
fn whole(x: f64) -> i32 {
    let most = f64::from(UPDATE_MAX);
    (x * f64::from(SCALE)).round().clamp(-most, most) as i32
}

fn quantised(update: &[f64]) -> Tensor {
    let elements = update.iter().map(|x| whole(*x)).collect();
    Tensor::i32(&[update.len()], elements).expect("one axis")
}

//! What liars send.
//!
//! Liars know everything: the honest rows of the round, the rule and its parameters; only the order
//! of bucketing is drawn after they have committed.
//!
//! *Invariant: a lie depends on the scene and its dice alone.* Absent: lies about stake or time.

use laws::dice::Dice;

use crate::fight::quantised;
use crate::{Aggregate, chance};

/// A way to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// None: liars are honest.
    Nothing,
    /// Label 9 - y in place of y.
    LabelFlip,
    /// The negative of the honest mean.
    SignFlip,
    /// Noise ten times as long as the honest mean, drawn by each liar anew.
    Noise,
    /// Zeros.
    Zero,
    /// Another honest row for each liar.
    Copy,
    /// The liar's own honest row of twenty rounds ago.
    Stale,
    /// A hundred times the liar's own honest row.
    Scaling,
    /// The honest mean and 1.5 standard deviations of each coordinate. Baruch, Baruch and Goldberg
    /// 2019 (A little is enough); the factor is byzfl's default.
    Alie,
    /// Minus twice the honest mean. Xie, Koyejo and Gupta 2020 (Fall of empires); byzfl's default.
    InnerProduct,
    /// As far from the honest mean, against the standard deviations, as the two honest rows that
    /// are farthest apart allow. Shejwalkar and Houmansadr 2021 (Manipulating the Byzantine).
    MinMax,
    /// The same where the sum of squared distances is what the honest row with the greatest allows.
    MinSum,
    /// All liars send the first honest row. Karimireddy, He and Jaggi 2022, section 3.2.
    Mimic,
    /// The worst of eight lies: against the honest mean by four lengths, and by four counts of
    /// standard deviations against its signs; each is tried on the rule that is deployed, and the
    /// one is sent after which the aggregate points least along the honest mean.
    Search,
}

/// Every attack with its name in tables.
pub const ATTACKS: [(&str, Attack); 14] = [
    ("none", Attack::Nothing),
    ("label flip", Attack::LabelFlip),
    ("sign flip", Attack::SignFlip),
    ("noise", Attack::Noise),
    ("zero", Attack::Zero),
    ("copy", Attack::Copy),
    ("stale replay", Attack::Stale),
    ("scaling", Attack::Scaling),
    ("ALIE", Attack::Alie),
    ("inner product", Attack::InnerProduct),
    ("min-max", Attack::MinMax),
    ("min-sum", Attack::MinSum),
    ("mimic", Attack::Mimic),
    ("search", Attack::Search),
];

/// What liars see.
#[derive(Debug)]
pub struct Scene<'a> {
    /// Honest rows of this round.
    pub honest: &'a [Vec<f32>],
    /// What each liar would send if it were honest.
    pub own: &'a [Vec<f32>],
    /// The same of twenty rounds ago, or of the first round.
    pub stale: &'a [Vec<f32>],
    /// Their dice of this round.
    pub dice: Dice,
}

type Row = Vec<f64>;

impl Attack {
    /// Returns a row for each liar.
    ///
    /// # Errors
    ///
    /// If the rule that is searched against cannot answer.
    pub fn lies(
        self,
        mut scene: Scene<'_>,
        rule: &mut dyn Aggregate,
    ) -> anyhow::Result<Vec<Vec<f32>>> {
        let mean = mean(scene.honest);
        let all = |row: Row| vec![single(&row); scene.own.len()];
        Ok(match self {
            Attack::Nothing | Attack::LabelFlip => scene.own.to_vec(),
            Attack::SignFlip => all(scaled(&mean, -1.0)),
            Attack::Noise => {
                let width = f64::from(u32::try_from(mean.len()).unwrap_or(u32::MAX));
                let deviation = 10.0 * (dot(&mean, &mean) / width).sqrt();
                let noise = |_: &Vec<f32>| {
                    let draw = |_: &f64| deviation * chance::normal(&mut scene.dice);
                    single(&mean.iter().map(draw).collect::<Row>())
                };
                scene.own.iter().map(noise).collect()
            }
            Attack::Zero => all(vec![0.0; mean.len()]),
            Attack::Copy => scene.honest.iter().cycle().take(scene.own.len()).cloned().collect(),
            Attack::Stale => scene.stale.to_vec(),
            Attack::Scaling => {
                let far = |row: &Vec<f32>| row.iter().map(|x| 100.0 * x).collect();
                scene.own.iter().map(far).collect()
            }
            Attack::Alie => all(along(&mean, &deviations(scene.honest, &mean), 1.5)),
            Attack::InnerProduct => all(scaled(&mean, -2.0)),
            Attack::MinMax => all(hidden(scene.honest, &mean, false)),
            Attack::MinSum => all(hidden(scene.honest, &mean, true)),
            Attack::Mimic => vec![scene.honest[0].clone(); scene.own.len()],
            Attack::Search => all(searched(&scene, &mean, rule)?),
        })
    }
}

/// The worst of eight lies for a rule.
fn searched(scene: &Scene<'_>, mean: &Row, rule: &mut dyn Aggregate) -> anyhow::Result<Row> {
    let deviations = deviations(scene.honest, mean);
    let against: Row = mean.iter().zip(&deviations).map(|(m, s)| -m.signum() * s).collect();
    let reverse = [0.2, 1.0, 3.0, 10.0].map(|factor| scaled(mean, -factor));
    let shifts = [0.3, 0.7, 1.5, 4.0].map(|factor| along(mean, &against, factor));
    let mut worst = (f64::INFINITY, mean.clone());
    let mut rows = vec![Vec::new(); scene.own.len()];
    rows.extend(scene.honest.iter().map(|row| quantised(row)));
    for lie in reverse.into_iter().chain(shifts) {
        rows[..scene.own.len()].fill(quantised(&single(&lie)));
        let aggregate = rule.attempt(&rows)?;
        let progress = mean.iter().zip(&aggregate).map(|(m, a)| m * f64::from(*a)).sum::<f64>();
        if progress < worst.0 {
            worst = (progress, lie);
        }
    }
    Ok(worst.1)
}

/// The honest mean less as many standard deviations as stay within what honest rows show: the
/// greatest squared distance between two, or the greatest sum of them from one.
fn hidden(honest: &[Vec<f32>], mean: &Row, sum: bool) -> Row {
    let deviations = scaled(&deviations(honest, mean), -1.0);
    let fold = |list: &mut dyn Iterator<Item = f64>| {
        if sum {
            list.sum()
        } else {
            list.fold(0.0, |most: f64, x| if x > most { x } else { most })
        }
    };
    let rows: Vec<Row> = honest.iter().map(|row| double(row)).collect();
    let one = |a: &Row| fold(&mut rows.iter().map(|b| squared(a, b)));
    let bound = rows.iter().map(one).fold(0.0, |most: f64, x| if x > most { x } else { most });
    // The squared distance from a row is quadratic in the factor.
    let parts: Vec<(f64, f64)> = rows
        .iter()
        .map(|row| {
            let apart: Row = mean.iter().zip(row).map(|(m, x)| m - x).collect();
            (dot(&apart, &apart), dot(&apart, &deviations))
        })
        .collect();
    let own = dot(&deviations, &deviations);
    let (mut low, mut high) = (0.0, 64.0);
    for _ in 0..30 {
        let factor = 0.5 * (low + high);
        let at = |(a, b): &(f64, f64)| a + 2.0 * factor * b + factor * factor * own;
        if fold(&mut parts.iter().map(at)) <= bound { low = factor } else { high = factor }
    }
    along(mean, &deviations, low)
}

fn mean(rows: &[Vec<f32>]) -> Row {
    let mut sum = vec![0.0; rows[0].len()];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    scaled(&sum, 1.0 / f64::from(u32::try_from(rows.len()).unwrap_or(u32::MAX)))
}

/// Standard deviations of each coordinate, with n - 1.
fn deviations(rows: &[Vec<f32>], mean: &Row) -> Row {
    let mut sum = vec![0.0; mean.len()];
    for row in rows {
        for ((sum, x), mean) in sum.iter_mut().zip(row).zip(mean) {
            let apart = f64::from(*x) - mean;
            *sum += apart * apart;
        }
    }
    let count = f64::from(u32::try_from(rows.len()).unwrap_or(u32::MAX)) - 1.0;
    sum.iter().map(|sum| (sum / count).sqrt()).collect()
}

fn scaled(row: &[f64], factor: f64) -> Row {
    row.iter().map(|x| x * factor).collect()
}

fn along(from: &[f64], direction: &[f64], factor: f64) -> Row {
    from.iter().zip(direction).map(|(x, y)| x + factor * y).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn double(row: &[f32]) -> Row {
    row.iter().map(|x| f64::from(*x)).collect()
}

fn single(row: &[f64]) -> Vec<f32> {
    row.iter().map(|x| tensor::scalar::f64_to_f32(*x)).collect()
}

//! The rules once more, plainly: differences instead of inner products, sorts instead of networks.

use super::{Mix, Recipe, Rule, distance, largest};

type Rows = Vec<Vec<f64>>;

pub(super) fn mean(rows: &[Vec<f64>]) -> Vec<f64> {
    weighted(rows, &vec![1.0; rows.len()])
}

fn weighted(rows: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let column = |k: usize| rows.iter().zip(weights).map(|(row, w)| row[k] * w).sum::<f64>();
    (0..rows[0].len()).map(|k| column(k) / total).collect()
}

fn sorted(mut list: Vec<f64>) -> Vec<f64> {
    list.sort_by(f64::total_cmp);
    list
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn mix(mix: Mix, rows: &[Vec<f64>], liars: usize) -> Rows {
    let n = rows.len();
    match mix {
        Mix::Reject => {
            let columns = (0..rows[0].len()).map(|k| sorted(rows.iter().map(|r| r[k]).collect()));
            let median: Vec<f64> = columns.map(|c| (c[(n - 1) / 2] + c[n / 2]) / 2.0).collect();
            let far: Vec<f64> = rows.iter().map(|row| distance(row, &median)).collect();
            let bound = 3.0 * sorted(far.clone())[n / 2];
            let kept: Rows = rows
                .iter()
                .zip(&far)
                .filter(|(_, x)| **x <= bound)
                .map(|(r, _)| r.clone())
                .collect();
            let middle = mean(&kept);
            let row = |(row, x): (&Vec<f64>, &f64)| if *x <= bound { row } else { &middle }.clone();
            rows.iter().zip(&far).map(row).collect()
        }
        Mix::Bucketing { size } => rows.chunks(size).map(mean).collect(),
        Mix::Neighbours => {
            let near = |row: &Vec<f64>| {
                let list: Vec<f64> = rows.iter().map(|other| squared(row, other)).collect();
                weighted(rows, &least(&list, n - liars))
            };
            rows.iter().map(near).collect()
        }
        Mix::Clip => {
            let zero = vec![0.0; rows[0].len()];
            let lengths: Vec<f64> = rows.iter().map(|row| distance(row, &zero)).collect();
            let bound = sorted(lengths.clone())[n - 2 * liars * (n - liars) / n - 1];
            let short = |(row, length): (&Vec<f64>, &f64)| {
                let factor = if *length <= bound { 1.0 } else { bound / length };
                row.iter().map(|x| x * factor).collect()
            };
            rows.iter().zip(&lengths).map(short).collect()
        }
    }
}

/// The recipe's answer where every coordinate of the previous aggregate is `previous`.
pub(super) fn aggregate(recipe: &Recipe, rows: &[Vec<f64>], previous: f64) -> Vec<f64> {
    let liars = recipe.liars;
    let mut rows = rows.to_vec();
    for step in &recipe.mixes {
        rows = mix(*step, &rows, liars);
    }
    let (n, d) = (rows.len(), rows[0].len());
    let columns = (0..d).map(|k| sorted(rows.iter().map(|row| row[k]).collect()));
    match recipe.rule {
        Rule::Mean => mean(&rows),
        Rule::Median => columns.map(|c| (c[(n - 1) / 2] + c[n / 2]) / 2.0).collect(),
        Rule::TrimmedMean => {
            let middle = |c: Vec<f64>| c[liars..n - liars].to_vec();
            columns
                .map(|c| mean(&middle(c).iter().map(|x| vec![*x]).collect::<Rows>())[0])
                .collect()
        }
        Rule::Krum => krum(&rows, liars, 1),
        Rule::MultiKrum => krum(&rows, liars, n - liars),
        Rule::GeometricMedian { steps, smoothing } => {
            let mut z = vec![0.0; d];
            for _ in 0..steps {
                let least = |x: f64| if x < smoothing { smoothing } else { x };
                let weights: Vec<f64> =
                    rows.iter().map(|row| 1.0 / least(distance(row, &z))).collect();
                z = weighted(&rows, &weights);
            }
            z
        }
        Rule::CentredClipping { steps, radius } => {
            let mut v = vec![previous; d];
            for _ in 0..steps {
                let short = |row: &Vec<f64>| {
                    let length = distance(row, &v);
                    let factor = if length <= radius { 1.0 } else { radius / length };
                    row.iter().zip(&v).map(|(x, v)| (x - v) * factor).collect()
                };
                let step = mean(&rows.iter().map(short).collect::<Rows>());
                v.iter_mut().zip(&step).for_each(|(v, step)| *v += step);
            }
            v
        }
    }
}

fn krum(rows: &[Vec<f64>], liars: usize, chosen: usize) -> Vec<f64> {
    let score = |row: &Vec<f64>| {
        let list = sorted(rows.iter().map(|other| squared(row, other)).collect());
        list[..rows.len() - liars].iter().sum::<f64>()
    };
    let scores: Vec<f64> = rows.iter().map(score).collect();
    weighted(rows, &least(&scores, chosen))
}

/// 1 for the `count` least, the first of those that tie, and 0 for the others.
fn least(list: &[f64], count: usize) -> Vec<f64> {
    let mut places: Vec<usize> = (0..list.len()).collect();
    places.sort_by(|a, b| list[*a].total_cmp(&list[*b]).then(a.cmp(b)));
    let mut taken = vec![0.0; list.len()];
    places[..count].iter().for_each(|place| taken[*place] = 1.0);
    taken
}

/// How far any lies can move a rule from the mean of the honest rows.
///
/// Pre-steps: clipping leaves no row longer than the longest honest one, and moves an honest row
/// no farther than its length; an honest row's nearest are no farther than the farthest honest one.
pub(super) fn bound((mixes, rule): (&[Mix], Rule), honest: &[Vec<f64>], liars: usize) -> f64 {
    let (count, d) = (honest.len(), honest[0].len());
    let origin = vec![0.0; d];
    let apart = honest.iter().flat_map(|a| honest.iter().map(|b| distance(a, b)));
    let mut wide = largest(apart);
    let mut shift = 0.0;
    let longest = largest(honest.iter().map(|row| distance(row, &origin)));
    for step in mixes {
        match step {
            Mix::Clip => (shift, wide) = (shift + longest, 2.0 * longest),
            Mix::Neighbours => (shift, wide) = (shift + wide, 3.0 * wide),
            Mix::Reject | Mix::Bucketing { .. } => unreachable!("these have other bounds"),
        }
    }
    let float = |x: usize| f64::from(u32::try_from(x).expect("few rows"));
    let all = float(count + liars);
    let own = match rule {
        Rule::Mean => f64::INFINITY,
        // Each coordinate stays between honest ones.
        Rule::Median | Rule::TrimmedMean => wide * float(d).sqrt() + 2.0,
        // The chosen score is at most an honest one, and an honest row is among its nearest.
        Rule::Krum | Rule::MultiKrum => wide * (1.0 + float(count).sqrt()),
        // Liars' weight times distance is at most one each; r is the distance from the honest mean.
        Rule::GeometricMedian { steps, smoothing } => {
            let mut r = longest + shift;
            for _ in 0..steps {
                let far = if wide + r > smoothing { wide + r } else { smoothing };
                r += wide + all / float(count) * far;
            }
            r
        }
        // From the previous aggregate, where every coordinate is 3.
        Rule::CentredClipping { steps, radius } => {
            float(steps) * radius + longest + distance(&vec![3.0; d], &origin)
        }
    };
    own + shift + 1.0
}

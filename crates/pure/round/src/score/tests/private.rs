//! Effects of nodes that are seen by the bucket: against an independent solution, and in a
//! simulated job with somebody who rides free.

use proptest::prelude::*;
use tensor::{Dtype, Program, Tensor, eval};

use super::task::{Climate, Dice, Mean, World, count, mean, times};
use crate::score::{EffectError, NODES_MAX, RIDGE, Rule, Sizes, effects};

/// The histories of a private job, and the Program that looks back on them.
struct Job {
    sizes: Sizes,
    program: Program,
    past: [Tensor; 3],
}

/// What a round's claim says.
struct Said {
    effect: Vec<f64>,
    error: Vec<f64>,
    burn: Vec<f64>,
    pay: Vec<f64>,
}

impl Job {
    fn new(sizes: Sizes) -> Job {
        let Sizes { rounds, rows, buckets, .. } = sizes;
        let nobody = Tensor::i32(&[rounds, rows], vec![-1; rounds * rows]).expect("of this size");
        let scores = Tensor::zeros(Dtype::F64, &[rounds, buckets]).expect("of this size");
        let program = effects(&sizes).expect("sizes are within limits");
        Job { sizes, program, past: [scores, nobody.clone(), nobody] }
    }

    fn round(&mut self, scores: &[f64], drawn: &[i32], owners: &[i32]) -> Said {
        let n = self.sizes.nodes;
        let ints = |x: &[i32]| Tensor::i32(&[x.len()], x.to_vec()).expect("one axis");
        let floats = |x: Vec<f64>| Tensor::f64(&[x.len()], x).expect("one axis");
        let mut inputs = self.past.to_vec();
        inputs.extend([floats(scores.to_vec()), ints(drawn), ints(owners)]);
        inputs.extend([floats(vec![0.0; n]), floats(vec![1e15]), floats(vec![1e9; n])]);
        let outputs = eval(&self.program, &inputs).expect("the Program's inputs");
        self.past = [outputs[5].clone(), outputs[6].clone(), outputs[7].clone()];
        let of = |index: usize| outputs[index].as_f64().expect("f64").to_vec();
        assert_eq!(of(2), of(4), "what is paid is added to what was");
        Said { effect: of(0), error: of(1), burn: of(3), pay: of(4) }
    }
}

/// A history with one more round and without the oldest.
fn older<T: Copy>(past: &[T], new: &[T]) -> Vec<T> {
    [&past[new.len()..], new].concat()
}

impl Job {
    /// Goes a round on without looking: what [`Job::round`] keeps, at no cost.
    fn remember(&mut self, scores: &[f64], drawn: &[i32], owners: &[i32]) {
        let Sizes { rounds, rows, buckets, .. } = self.sizes;
        let [kept, places, whose] = &self.past;
        let scores = older(kept.as_f64().expect("f64"), scores);
        let drawn = older(places.as_i32().expect("i32"), drawn);
        let owners = older(whose.as_i32().expect("i32"), owners);
        self.past = [
            Tensor::f64(&[rounds, buckets], scores).expect("of this size"),
            Tensor::i32(&[rounds, rows], drawn).expect("of this size"),
            Tensor::i32(&[rounds, rows], owners).expect("of this size"),
        ];
    }
}

/// Each row in one of `buckets` buckets of one size, drawn anew.
fn draw(dice: &mut Dice, rows: usize, buckets: usize) -> Vec<i32> {
    let mut keyed: Vec<(u32, usize)> = (0..rows).map(|row| (dice.half(), row)).collect();
    keyed.sort_unstable();
    let mut drawn = vec![0; rows];
    for (place, (_, row)) in keyed.iter().enumerate() {
        drawn[*row] = i32::try_from(place % buckets).expect("few buckets");
    }
    drawn
}

/// `(XᵀX + λI) effect = Xᵀy` by elimination with pivots.
fn reference(nodes: usize, observations: &[(Vec<f64>, f64)]) -> Vec<f64> {
    let mut system = vec![vec![0.0; nodes + 1]; nodes];
    for (i, line) in system.iter_mut().enumerate() {
        line[i] = RIDGE;
        for (shares, y) in observations {
            for j in 0..nodes {
                line[j] += shares[i] * shares[j];
            }
            line[nodes] += shares[i] * y;
        }
    }
    for k in 0..nodes {
        let best = (k..nodes).max_by(|i, j| system[*i][k].abs().total_cmp(&system[*j][k].abs()));
        system.swap(k, best.expect("rows are left"));
        let pivot = system[k].clone();
        for (i, line) in system.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            let factor = line[k] / pivot[k];
            assert!(factor.is_finite(), "row {i}");
            line.iter_mut().zip(&pivot).for_each(|(x, p)| *x -= factor * p);
        }
    }
    (0..nodes).map(|k| system[k][nodes] / system[k][k]).collect()
}

proptest! {
    #[test]
    fn effects_solve_the_normal_equations(
        history in prop::collection::vec(
            (prop::array::uniform2(-40.0_f64..40.0),
             prop::array::uniform5(-1_i32..2), prop::array::uniform5(-1_i32..4)), 1..7)) {
        let sizes = Sizes { nodes: 4, rounds: 6, rows: 5, buckets: 2, rate: 1e-3 };
        let mut job = Job::new(sizes);
        let mut said = None;
        let mut observations = Vec::new();
        for (scores, drawn, owners) in &history {
            said = Some(job.round(scores, drawn, owners));
            for (bucket, y) in (0_i32..).zip(scores) {
                let inside = |j: i32| drawn.iter().zip(owners)
                    .filter(|(d, o)| **d == bucket && **o == j).count();
                let counts: Vec<f64> = (0..4).map(|j| count(inside(j))).collect();
                let all: f64 = counts.iter().sum();
                if all > 0.0 {
                    observations.push((counts.iter().map(|c| c / all).collect(), *y));
                }
            }
        }
        let expected = reference(4, &observations);
        for (got, expected) in said.expect("a round").effect.iter().zip(&expected) {
            let off = (got - expected).abs();
            prop_assert!(off < 1e-7 * (1.0 + expected.abs()), "{got} {expected}");
        }
    }
}

#[test]
fn history_is_a_round_older_and_forgets_the_oldest() {
    let mut job = Job::new(Sizes { nodes: 2, rounds: 2, rows: 2, buckets: 2, rate: 1e-3 });
    job.round(&[1.0, -1.0], &[0, 1], &[0, 1]);
    job.remember(&[2.0, -2.0], &[0, 1], &[0, 1]);
    job.round(&[3.0, -3.0], &[0, 1], &[0, 1]);
    assert_eq!(job.past[0].as_f64(), Some(&[2.0, -2.0, 3.0, -3.0][..]));
    let said = job.round(&[f64::NAN, f64::INFINITY], &[0, 1], &[0, 1]);
    assert_eq!(job.past[0].as_f64(), Some(&[3.0, -3.0, 0.0, 50.0][..]), "held within what pays");
    assert!(said.effect.iter().chain(&said.error).all(|x| x.is_finite()));
    assert!(said.pay[1] > 0.0 && said.burn[1] == 0.0);
}

#[test]
fn a_node_that_was_never_seen_has_no_effect_and_a_large_error() {
    let mut dice = Dice::new(5);
    let mut job = Job::new(Sizes { nodes: 7, rounds: 20, rows: 6, buckets: 3, rate: 1e-3 });
    let mut said = None;
    for _ in 0..20 {
        let drawn = draw(&mut dice, 6, 3);
        said = Some(job.round(&dice.normals(3, 1.0), &drawn, &[0, 1, 2, 3, 4, 5]));
    }
    let said = said.expect("a round");
    assert_eq!((said.effect[6], said.pay[6], said.burn[6]), (0.0, 0.0, 0.0));
    assert!(said.error[..6].iter().all(|error| *error < said.error[6] / 3.0));
}

/// Effects that are known, errors that are normal: the interval of 1.96 standard errors holds the
/// effect about 95 times of 100, and the mean of what rides free is nothing.
#[test]
fn intervals_hold_the_effect_as_often_as_they_say() {
    let (nodes, rounds, buckets) = (12, 64, 4);
    let mut dice = Dice::new(77);
    let (mut within, mut all) = (0.0, 0.0);
    let mut free = Mean::default();
    for _ in 0..60 {
        let sizes = Sizes { nodes, rounds, rows: nodes, buckets, rate: 1e-3 };
        let mut job = Job::new(sizes);
        let mut truth = dice.normals(nodes, 2.0);
        truth[0] = 0.0;
        let owners: Vec<i32> = (0..).take(nodes).collect();
        let mut said = None;
        for round in 1..=rounds {
            let drawn = draw(&mut dice, nodes, buckets);
            let mut scores = dice.normals(buckets, 1.5);
            for (effect, bucket) in truth.iter().zip(&drawn) {
                let bucket = usize::try_from(*bucket).expect("a bucket");
                scores[bucket] += effect / count(nodes / buckets);
            }
            if round < rounds {
                job.remember(&scores, &drawn, &owners);
            } else {
                said = Some(job.round(&scores, &drawn, &owners));
            }
        }
        let said = said.expect("a round");
        for ((effect, error), truth) in said.effect.iter().zip(&said.error).zip(&truth) {
            all += 1.0;
            within += f64::from(u8::from((effect - truth).abs() <= 1.96 * error));
        }
        free.add(said.effect[0]);
    }
    let share = within / all;
    println!("held {share:.3} of {all}; rides free {:+.3} ± {:.3}", free.mean(), free.error());
    assert!((0.93..0.97).contains(&share), "{share}");
    assert!(free.mean().abs() < 2.576 * free.error());
}

/// Twelve nodes in buckets of three, one of which sends zeros: it tends to nothing, the others do
/// not. Every 64 rounds an estimate that shares no round with the one before.
#[test]
fn who_rides_free_in_buckets_tends_to_nothing() {
    let (nodes, buckets, spans) = (12, 4, 12);
    let climate = Climate { rows: buckets, length: 16, drift: 0.3, pace: 1.0, aggregates: 2 };
    let mut world = World::new(climate, Rule::Mean, 41);
    let mut job = Job::new(Sizes { nodes, rounds: 64, rows: nodes, buckets, rate: 0.02 });
    let owners: Vec<i32> = (0..).take(nodes).collect();
    let (mut honest, mut free) = (Mean::default(), Mean::default());
    for round in 1..=64 * spans {
        let mut updates: Vec<Vec<f64>> = (0..nodes).map(|_| world.train(64)).collect();
        updates[0] = times(&updates[0], 0.0);
        let drawn = draw(&mut world.dice, nodes, buckets);
        let bucket = |bucket: i32| {
            let inside = updates.iter().zip(&drawn).filter(|(_, drawn)| **drawn == bucket);
            mean(&inside.map(|(update, _)| update.clone()).collect::<Vec<_>>())
        };
        let means: Vec<Vec<f64>> = (0..4).map(bucket).collect();
        let trial = world.reveal();
        let (got, params) = world.judge(&means, &trial);
        world.settle(params);
        let scores: Vec<f64> = got.iter().map(|row| row.score).collect();
        if round % 64 != 0 {
            job.remember(&scores, &drawn, &owners);
        } else {
            let said = job.round(&scores, &drawn, &owners);
            free.add(said.effect[0]);
            honest.add(mean(&said.effect[1..].iter().map(|x| vec![*x]).collect::<Vec<_>>())[0]);
        }
    }
    let shown = |mean: &Mean| format!("{:+.4} ± {:.4}", mean.mean(), mean.error());
    println!("rides free: {}, honest {}", shown(&free), shown(&honest));
    assert!(honest.least() > 0.0);
    assert!(free.least() <= 0.0 && free.mean() < honest.mean() / 3.0);
}

#[test]
fn sizes_without_a_program_of_effects_are_refused() {
    let sizes = Sizes { nodes: 129, rounds: 64, rows: 25, buckets: 8, rate: 1.0 };
    assert_eq!(effects(&sizes).err(), Some(EffectError::Nodes { got: 129 }));
    let none = Sizes { nodes: 25, rate: f64::NAN, ..sizes.clone() };
    assert_eq!(effects(&none).err(), Some(EffectError::Rate));
    let largest = Sizes { nodes: NODES_MAX, rows: 32, buckets: 10, ..sizes };
    assert!(effects(&largest).is_ok());
}

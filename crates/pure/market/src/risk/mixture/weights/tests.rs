//! Weights keep their bound against anybody, are weights whatever enters, and know no future.

use proptest::prelude::*;

use super::*;

/// Workers and days of the properties.
const WORKERS: usize = 3;
const DAYS: usize = 150;

/// What the Program says day by day: weights, and the mixture's location and scale.
type Said = Vec<(Vec<f64>, (f64, f64))>;

/// One location and scale a worker.
type Laws = Vec<(f64, f64)>;

fn matrix(laws: &[(f64, f64)]) -> Tensor {
    let locations = laws.iter().map(|law| law.0);
    let values = locations.chain(laws.iter().map(|law| law.1)).collect();
    Tensor::f64(&[2, laws.len()], values).expect("two numbers a worker")
}

/// Runs the Program through days of laws and outcomes; the state after them is last.
fn run(shape: &TwoPiece, days: &[(Laws, f64)]) -> (Said, Tensor) {
    let workers = days[0].0.len();
    let program = weights_step(workers, shape).expect("valid");
    let (mut state, mut outcome) = (weights_start(workers), 0.0);
    let (mut last, mut said) = (matrix(&vec![(0.0, 1.0); workers]), Vec::new());
    let nothing = (vec![(0.0, 1.0); workers], 0.0);
    for (laws, next) in days.iter().chain([&nothing]) {
        let laws = matrix(laws);
        let inputs = [state, Tensor::f64(&[1], vec![outcome]).expect("one"), last, laws.clone()];
        let outputs = tensor::eval(&program, &inputs).expect("inputs fit");
        let numbers = |i: usize| outputs[i].as_f64().expect("f64").to_vec();
        said.push((numbers(1), (numbers(2)[0], numbers(2)[1])));
        (state, outcome, last) = (outputs[0].clone(), *next, laws);
    }
    said.pop();
    (said, state)
}

fn mean(laws: &[(f64, f64)], weights: &[f64]) -> (f64, f64) {
    let sum = |of: fn(&(f64, f64)) -> f64| laws.iter().zip(weights).map(|(l, w)| w * of(l)).sum();
    (sum(|law| law.0), sum(|law| law.1))
}

fn laws() -> impl Strategy<Value = Laws> {
    prop::collection::vec((-8.5..-7.5_f64, 0.3..0.8_f64), WORKERS)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_fixed_weights_are_better_by_more_than_the_bound(
        mut days in prop::collection::vec((laws(), -9.0..-7.0_f64), DAYS),
        (skew, skill) in (0.8..1.5_f64, 0.0..1.0_f64),
        others in prop::collection::vec(prop::collection::vec(0.0..1.0_f64, WORKERS), 8),
    ) {
        let shape = TwoPiece::new(skew);
        // From a first worker who knows nothing to one who knows all.
        for (laws, outcome) in &mut days {
            *outcome += skill * (laws[0].0 - *outcome);
        }
        let (said, state) = run(&shape, &days);
        let squares = &state.as_f64().expect("f64")[WORKERS..];
        let paid: f64 =
            said.iter().zip(&days).map(|((_, law), (_, outcome))| shape.crps(*outcome, *law)).sum();
        // The largest square is not in the state: 1 apart by a slope of 1, 0.5 by one under 1.
        let largest = 1.5 * 1.5;
        let total: f64 = squares.iter().map(|s| largest + crate::maths::log(1.0 + s)).sum();
        let bound = squares.iter().map(|s| ((1.0 + s) * total).sqrt()).max_by(f64::total_cmp);
        let bound = bound.expect("there are workers");
        let vertex = |k: usize| (0..WORKERS).map(|j| f64::from(u8::from(j == k))).collect();
        for weights in others.into_iter().chain((0..WORKERS).map(vertex)) {
            let sum: f64 = weights.iter().sum();
            prop_assume!(sum > 0.0);
            let weights: Vec<f64> = weights.iter().map(|w| w / sum).collect();
            let other: f64 =
                days.iter().map(|(l, outcome)| shape.crps(*outcome, mean(l, &weights))).sum();
            prop_assert!(paid - other <= bound + 1e-9, "{} - {} > {}", paid, other, bound);
        }
    }

    #[test]
    fn the_regret_of_a_worker_bounds_what_it_would_have_saved(
        days in prop::collection::vec((laws(), -9.0..-7.0_f64), DAYS),
        skew in 0.8..1.5_f64,
    ) {
        let shape = TwoPiece::new(skew);
        let (said, state) = run(&shape, &days);
        let regrets = &state.as_f64().expect("f64")[..WORKERS];
        let paid: f64 =
            said.iter().zip(&days).map(|((_, law), (_, outcome))| shape.crps(*outcome, *law)).sum();
        for (k, regret) in regrets.iter().enumerate() {
            let alone: f64 =
                days.iter().map(|(laws, outcome)| shape.crps(*outcome, laws[k])).sum();
            prop_assert!(paid - alone <= regret + 1e-9, "{} - {} > {}", paid, alone, regret);
        }
    }

    #[test]
    fn the_future_moves_no_weight_before_it(
        days in prop::collection::vec((laws(), -9.0..-7.0_f64), DAYS),
        cut in 1..DAYS,
        other in -9.0..-7.0_f64,
    ) {
        let shape = TwoPiece::new(1.2);
        let mut changed = days.clone();
        for (laws, outcome) in &mut changed[cut..] {
            *outcome = other;
            laws.reverse();
        }
        changed[cut].0.clone_from(&days[cut].0);
        let (was, is) = (run(&shape, &days).0, run(&shape, &changed).0);
        prop_assert_eq!(&was[..=cut], &is[..=cut]);
    }

    #[test]
    fn the_law_is_the_mean_of_the_laws(days in prop::collection::vec((laws(), -9.0..-5.0_f64), 8)) {
        for ((weights, law), (laws, _)) in run(&TwoPiece::new(1.2), &days).0.iter().zip(&days) {
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let expected = mean(laws, weights);
            prop_assert!((law.0 - expected.0).abs() < 1e-9 && (law.1 - expected.1).abs() < 1e-9);
        }
    }
}

#[test]
fn who_is_right_comes_to_count() {
    let noise =
        |i: u32, k: u32| f64::from((i * 7 + k).wrapping_mul(2_654_435_761) >> 16) / 65_536.0;
    let day = |i: u32| {
        let outcome = -8.0 + noise(i, 0);
        let blind = (-7.5, 0.3);
        (vec![blind, (outcome + 0.2 * noise(i, 1) - 0.1, 0.1), (-6.0, 0.3)], outcome)
    };
    let (said, _) = run(&TwoPiece::new(1.0), &(0..100).map(day).collect::<Vec<_>>());
    assert_eq!(said[0].0, vec![1.0 / 3.0; 3]);
    assert!(said[99].0[1] > 0.95, "{:?}", said[99].0);
}

#[test]
fn weights_are_weights_whatever_enters() {
    let program = weights_step(2, &TwoPiece::new(1.2)).expect("valid");
    let wild =
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 0.0, -0.0, 1e-308, 9.0];
    for a in wild {
        for b in wild {
            for c in wild {
                let both = |x, y| Tensor::f64(&[2, 2], vec![x, y, y, x]).expect("four");
                let outcome = Tensor::f64(&[1], vec![c]).expect("one");
                let inputs = [both(a, b), outcome, both(b, c), both(c, a)];
                let outputs = tensor::eval(&program, &inputs).expect("inputs fit");
                let of = |i: usize| outputs[i].as_f64().expect("f64");
                assert!((0..3).all(|i| of(i).iter().all(|x| x.is_finite())), "{a} {b} {c}");
                assert!(of(1).iter().all(|w| (0.0..=1.0).contains(w)), "{a} {b} {c}");
                assert!((of(1)[0] + of(1)[1] - 1.0).abs() < 1e-12, "{a} {b} {c}");
                assert!(of(2)[1] > 0.0, "{a} {b} {c}");
            }
        }
    }
}

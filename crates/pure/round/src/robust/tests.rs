//! Every recipe beside a plain f64 reference, under permutations, and against arbitrary liars.

use proptest::prelude::*;
use tensor::{Tensor, eval};

use super::{Mix, Recipe, RecipeError, Rule, inputs, program};
use crate::aggregate::UPDATE_MAX;

mod plain;

const RULES: [Rule; 7] = [
    Rule::Mean,
    Rule::Median,
    Rule::TrimmedMean,
    Rule::Krum,
    Rule::MultiKrum,
    Rule::GeometricMedian { steps: 3, smoothing: 0.5 },
    Rule::CentredClipping { steps: 3, radius: 40.0 },
];

/// Pre-steps alone and none.
const MIXES: [&[Mix]; 5] =
    [&[], &[Mix::Reject], &[Mix::Neighbours], &[Mix::Clip], &[Mix::Bucketing { size: 2 }]];

/// Pre-steps whose honest vectors are one a honest row.
const SAFE: [&[Mix]; 4] = [&[], &[Mix::Clip], &[Mix::Neighbours], &[Mix::Clip, Mix::Neighbours]];

fn recipe(mixes: &[Mix], rule: Rule, liars: usize) -> Recipe {
    Recipe { mixes: mixes.to_vec(), rule, liars }
}

fn run(recipe: &Recipe, order: Option<&[i32]>, rows: &[Vec<i32>]) -> Vec<f64> {
    let d = rows[0].len();
    let program = program(recipe, rows.len(), d).expect("the recipe fits the rows");
    let row = |row: &Vec<i32>| Tensor::i32(&[d], row.clone()).expect("one axis");
    let tensors: Vec<Tensor> = rows.iter().map(row).collect();
    let previous = Tensor::f32(&[d], vec![3.0; d]).expect("one axis");
    let inputs = inputs(previous, order, &tensors).expect("there are rows");
    let outputs = eval(&program, &inputs).expect("the inputs are the Program's");
    outputs[0].as_f32().expect("f32").iter().map(|x| f64::from(*x)).collect()
}

/// The answers for some rows and for the same in another order.
fn turned(recipe: &Recipe, rows: &[Vec<i32>], turn: usize) -> (Vec<f64>, Vec<f64>) {
    let mut permuted = rows.to_vec();
    permuted.rotate_left(turn % rows.len());
    permuted.swap(0, rows.len() - 1);
    (run(recipe, None, rows), run(recipe, None, &permuted))
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn floats(rows: &[Vec<i32>]) -> Vec<Vec<f64>> {
    let clamp = |x: &i32| f64::from((*x).clamp(-UPDATE_MAX, UPDATE_MAX));
    rows.iter().map(|row| row.iter().map(clamp).collect()).collect()
}

fn largest(list: impl Iterator<Item = f64>) -> f64 {
    list.fold(0.0, |most, x| if x > most { x } else { most })
}

/// Rows of few enough distinct values that ties occur, and liars below half.
fn any_rows() -> impl Strategy<Value = (Vec<Vec<i32>>, usize)> {
    let value = prop_oneof![-3..4_i32, -1000..1000_i32];
    (1..5_usize).prop_flat_map(move |d| {
        let row = prop::collection::vec(value.clone(), d);
        prop::collection::vec(row, 3..10)
            .prop_flat_map(|rows| (0..rows.len().div_ceil(2)).prop_map(move |f| (rows.clone(), f)))
    })
}

/// What a mix and a rule may differ by from a reference that rounds elsewhere.
fn slack(mixes: &[Mix], rule: Rule) -> f64 {
    let sorts = matches!(rule, Rule::Median | Rule::TrimmedMean);
    if sorts && !mixes.is_empty() { 1.01 } else { 0.01 }
}

/// Whether a rule's answer moves little when its vectors do: choosing whole vectors is not so,
/// where the pre-step's rounding decides between two that tie.
fn is_steady(mixes: &[Mix], rule: Rule) -> bool {
    mixes.is_empty() || !matches!(rule, Rule::Krum | Rule::MultiKrum)
}

#[test]
fn known_answers() {
    let rows = [vec![1, 2, 3], vec![4, 5, 6], vec![7, 8, 9]];
    assert_eq!(run(&recipe(&[], Rule::Mean, 1), None, &rows), [4.0, 5.0, 6.0]);
    assert_eq!(run(&recipe(&[], Rule::Median, 1), None, &rows), [4.0, 5.0, 6.0]);
    assert_eq!(run(&recipe(&[], Rule::TrimmedMean, 1), None, &rows), [4.0, 5.0, 6.0]);
    // Scores with one neighbour are 27 each: all three tie, and the first is taken.
    assert_eq!(run(&recipe(&[], Rule::Krum, 1), None, &rows), [1.0, 2.0, 3.0]);
    assert_eq!(run(&recipe(&[], Rule::MultiKrum, 1), None, &rows), [2.5, 3.5, 4.5]);
    // Weiszfeld from 0 with weights 1/sqrt 14, 1/sqrt 77, 1/sqrt 194.
    let median = recipe(&[], Rule::GeometricMedian { steps: 3, smoothing: 0.1 }, 1);
    let expected = [3.787_884, 4.787_884, 5.787_884];
    assert!(distance(&run(&median, None, &rows), &expected) < 1e-5);
    // Nearest to the second row are itself and, of two that tie, the first.
    let mixed = recipe(&[Mix::Neighbours], Rule::Mean, 1);
    assert_eq!(run(&mixed, None, &rows), [3.5, 4.5, 5.5]);
    // Two liars send 10. The third and fourth rows' three nearest are both and one liar, 4 each;
    // the liars' are both and 2, the last row's itself and both.
    let equal: Vec<Vec<i32>> = [10, 10, 0, 2, 30].iter().map(|x| vec![*x]).collect();
    let mixed = run(&recipe(&[Mix::Neighbours], Rule::Mean, 2), None, &equal);
    assert!(distance(&mixed, &[118.0 / 15.0]) < 1e-6);
    let buckets = recipe(&[Mix::Bucketing { size: 2 }], Rule::Mean, 0);
    let got = run(&buckets, Some(&[2, 0, 1]), &rows);
    assert_eq!(got, [4.0, 5.0, 6.0], "(7 + 1) / 2 and 4, and so on");
    let far = recipe(&[], Rule::CentredClipping { steps: 1, radius: 1e9 }, 1);
    assert_eq!(run(&far, None, &rows), [4.0, 5.0, 6.0]);
}

#[test]
fn sizes_out_of_range_are_refused() {
    let build = |mixes: &[Mix], rule, liars, n| program(&recipe(mixes, rule, liars), n, 2);
    assert_eq!(build(&[], Rule::Mean, 0, 0), Err(RecipeError::Rows { got: 0 }));
    assert_eq!(build(&[], Rule::Mean, 0, 33), Err(RecipeError::Rows { got: 33 }));
    assert_eq!(build(&[], Rule::Krum, 2, 4), Err(RecipeError::Liars { liars: 2, rows: 4 }));
    let buckets = [Mix::Bucketing { size: 2 }];
    let refused = RecipeError::Liars { liars: 2, rows: 4 };
    assert_eq!(build(&buckets, Rule::Median, 2, 8), Err(refused));
    assert_eq!(build(&[Mix::Bucketing { size: 0 }], Rule::Mean, 0, 3), Err(RecipeError::Steps));
    let late = [Mix::Clip, Mix::Reject];
    assert_eq!(build(&late, Rule::Mean, 0, 3), Err(RecipeError::Order));
    let median = Rule::GeometricMedian { steps: 0, smoothing: 1.0 };
    assert_eq!(build(&[], median, 0, 3), Err(RecipeError::Steps));
    let clipping = Rule::CentredClipping { steps: 1, radius: 0.0 };
    assert_eq!(build(&[], clipping, 0, 3), Err(RecipeError::Length { got: 0.0 }));
}

#[test]
fn extreme_rows_cannot_wrap() {
    for rule in RULES {
        for mixes in MIXES {
            let low = run(&recipe(mixes, rule, 3), None, &vec![vec![i32::MIN; 3]; 32]);
            let bound = f64::from(UPDATE_MAX);
            assert!(low.iter().all(|x| (-bound..=3.0).contains(x)), "{rule:?} {mixes:?}: {low:?}");
            let high = run(&recipe(mixes, rule, 3), None, &vec![vec![i32::MAX; 3]; 32]);
            assert!(high.iter().all(|x| (3.0..=bound).contains(x)), "{rule:?} {mixes:?}: {high:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_recipe_equals_the_plain_reference((rows, liars) in any_rows()) {
        for rule in RULES {
            for mixes in MIXES {
                let recipe = recipe(mixes, rule, liars);
                if !is_steady(mixes, rule) || program(&recipe, rows.len(), 1).is_err() {
                    continue;
                }
                let expected = plain::aggregate(&recipe, &floats(&rows), 3.0);
                let got = run(&recipe, None, &rows);
                let bound = slack(mixes, rule);
                for (got, expected) in got.iter().zip(&expected) {
                    prop_assert!((got - expected).abs() <= bound, "{recipe:?} {got} {expected}");
                }
            }
        }
    }

    #[test]
    fn permuting_rows_changes_nothing_where_none_are_picked(
        (rows, liars) in any_rows(),
        turn in 1_usize..9,
    ) {
        for rule in RULES {
            for mixes in [&[][..], &[Mix::Clip]] {
                if matches!(rule, Rule::Krum | Rule::MultiKrum) {
                    continue;
                }
                let (a, b) = turned(&recipe(mixes, rule, liars), &rows, turn);
                let exact = mixes.is_empty()
                    && matches!(rule, Rule::Mean | Rule::Median | Rule::TrimmedMean);
                prop_assert!(!exact || a == b);
                for (a, b) in a.iter().zip(&b) {
                    prop_assert!((a - b).abs() <= slack(mixes, rule), "{rule:?} {mixes:?} {a} {b}");
                }
            }
        }
    }

    #[test]
    fn permuting_rows_changes_nothing_where_none_tie(
        noise in prop::collection::vec(prop::collection::vec(-20..20_i32, 2), 3..9),
        turn in 1_usize..9,
    ) {
        // The first coordinates are so far apart, each farther than the last, that they decide.
        let far = |(place, noise): (u32, &Vec<i32>)| {
            vec![1_000 * 3_i32.pow(place), noise[0], noise[1]]
        };
        let rows: Vec<Vec<i32>> = (0..).zip(&noise).map(far).collect();
        // Two rows that are each other's nearest would tie, so three are asked for.
        let most = (rows.len() - 1) / 2;
        for liars in 0..=most.min(rows.len() - 3) {
            for rule in RULES {
                for mixes in [&[][..], &[Mix::Neighbours]] {
                    if !is_steady(mixes, rule) {
                        continue;
                    }
                    let (a, b) = turned(&recipe(mixes, rule, liars), &rows, turn);
                    for (a, b) in a.iter().zip(&b) {
                        let slack = slack(mixes, rule) + 1e-6 * a.abs();
                        prop_assert!((a - b).abs() <= slack, "{rule:?} {mixes:?} {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn buckets_follow_the_order((rows, _) in any_rows(), turn in 0_usize..9) {
        let mut places: Vec<usize> = (0..rows.len()).collect();
        places.rotate_left(turn % rows.len());
        let permuted: Vec<Vec<i32>> = places.iter().map(|place| rows[*place].clone()).collect();
        let order: Vec<i32> =
            places.iter().map(|place| i32::try_from(*place).expect("few rows")).collect();
        let recipe = recipe(&[Mix::Bucketing { size: 2 }], Rule::Median, 0);
        prop_assert_eq!(run(&recipe, Some(&order), &rows), run(&recipe, None, &permuted));
    }

    #[test]
    fn liars_move_no_robust_rule_beyond_its_bound(
        honest in prop::collection::vec(prop::collection::vec(-1000..1000_i32, 3), 4..9),
        lies in prop::collection::vec(prop::collection::vec(any::<i32>(), 3), 1..4),
    ) {
        let liars = lies.len().min(honest.len() - 1);
        let rows = [&lies[..liars], &honest[..]].concat();
        let honest = floats(&honest);
        for rule in RULES.into_iter().skip(1) {
            for mixes in SAFE {
                let got = run(&recipe(mixes, rule, liars), None, &rows);
                let moved = distance(&got, &plain::mean(&honest));
                let bound = plain::bound((mixes, rule), &honest, liars);
                prop_assert!(moved <= bound, "{rule:?} {mixes:?} moved {moved} of {bound}");
            }
        }
    }
}

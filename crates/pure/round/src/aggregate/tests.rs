//! Hand-computed cases, laws and liars.

use proptest::prelude::*;
use tensor::{Program, Tensor, eval};

use super::{
    AggregateError, BUDGET_MAX_GWEI, Row, UPDATE_MAX, aggregate, inputs, recipe, tolerated,
};
use crate::robust;

/// The Program's outputs as plain vectors.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    params: Vec<f32>,
    accepted: Vec<i32>,
    distance: Vec<f64>,
    cumulative: Vec<f64>,
}

fn row(member: u32, update: &[i32]) -> Row {
    let update = Tensor::i32(&[update.len()], update.to_vec()).expect("one axis");
    Row { member, update }
}

fn rows(updates: &[&[i32]]) -> Vec<Row> {
    (0..).zip(updates).map(|(member, update)| row(member, update)).collect()
}

fn run(program: &Program, params: &[f32], paid: &[f64], budget: u64, rows: &[Row]) -> Outcome {
    let params = Tensor::f32(&[params.len()], params.to_vec()).expect("one axis");
    let paid = Tensor::f64(&[paid.len()], paid.to_vec()).expect("one axis");
    let inputs = inputs((params, paid), budget, rows).expect("there are rows");
    let outputs = eval(program, &inputs).expect("the inputs are those of the Program");
    Outcome {
        params: outputs[0].as_f32().expect("f32").to_vec(),
        accepted: outputs[1].as_i32().expect("i32").to_vec(),
        distance: outputs[2].as_f64().expect("f64").to_vec(),
        cumulative: outputs[3].as_f64().expect("f64").to_vec(),
    }
}

fn outcome(step: f32, budget: u64, rows: &[Row]) -> Outcome {
    let d = rows[0].update.shape().count();
    let program = aggregate(rows.len(), d, 32, step).expect("sizes are within limits");
    run(&program, &vec![0.0; d], &[0.0; 32], budget, rows)
}

#[test]
fn a_single_row_is_its_own_mean_and_accepted() {
    let got = outcome(0.25, 7, &rows(&[&[8, -4]]));
    assert_eq!(got.params, [2.0, -1.0]);
    assert_eq!((got.accepted, got.distance), (vec![1], vec![0.0]));
    assert_eq!(got.cumulative[0], 7.0);
}

#[test]
fn two_rows_are_averaged() {
    let got = outcome(1.0, 9, &rows(&[&[1, 0], &[2, 8]]));
    assert_eq!(got.params, [1.5, 4.0]);
    assert_eq!(got.accepted, [1, 1]);
    assert_eq!(got.distance, [1.0, 1.0], "both stand half their difference from the median");
    assert_eq!(&got.cumulative[..3], &[4.0, 4.0, 0.0], "9 / 2 rounded down, twice");
}

#[test]
fn distances_are_from_the_coordinate_median() {
    // Sorted: 1 2 4 100 and -7 0 2 3. Median (3, 1). Distances: sqrt(4+1), sqrt(1+1), sqrt(1+4),
    // sqrt(97^2 + 8^2). The upper median is sqrt(5).
    let got = outcome(1.0, 300, &rows(&[&[1, 2], &[2, 0], &[4, 3], &[100, -7]]));
    assert_eq!(got.accepted, [1, 1, 1, 0]);
    let root = |x: f64| x.sqrt();
    let expected = [1.0, root(2.0) / root(5.0), 1.0, root(9473.0) / root(5.0)];
    assert_eq!(got.distance, expected);
    assert_eq!(&got.cumulative[..4], &[100.0, 100.0, 100.0, 0.0]);
}

#[test]
fn a_round_stands_a_third_of_its_rows() {
    let sizes = [1, 2, 3, 4, 6, 7, 10, 13, 25, 32];
    assert_eq!(sizes.map(tolerated), [0, 0, 1, 1, 1, 2, 3, 4, 8, 10]);
    // The liar is replaced by the others' mean, 20. The longest row, 30, is shortened to 20, and of
    // 10, 20, 20, 20 the geometric median is taken after each is mixed with its two nearest.
    for lie in [-1_000, 1_000, i32::MIN, i32::MAX] {
        let got = outcome(1.0, 0, &rows(&[&[10], &[20], &[lie], &[30]]));
        assert_eq!(got.accepted, [1, 1, 0, 1]);
        assert!((19.0..20.1).contains(&got.params[0]), "{lie}: {:?}", got.params);
    }
}

#[test]
fn the_distance_bound_is_inclusive() {
    // Median 0, distances 1 1 1 3 and 1 1 1 4: the upper median distance is 1.
    let at = outcome(1.0, 0, &rows(&[&[0, 1], &[0, -1], &[1, 0], &[-3, 0]]));
    // The coordinate medians are (0, 0): sorted -3 0 0 1 and -1 0 0 1.
    assert_eq!((at.accepted, at.distance[3]), (vec![1, 1, 1, 1], 3.0));
    let over = outcome(1.0, 0, &rows(&[&[0, 1], &[0, -1], &[1, 0], &[-4, 0]]));
    assert_eq!((over.accepted, over.distance[3]), (vec![1, 1, 1, 0], 4.0));
}

#[test]
fn identical_rows_are_accepted_and_nothing_else() {
    let got = outcome(1.0, 30, &rows(&[&[5, 5], &[5, 5], &[5, 6], &[5, 5]]));
    assert_eq!(got.accepted, [1, 1, 0, 1]);
    assert_eq!(got.distance, [0.0, 0.0, f64::INFINITY, 0.0]);
    assert_eq!(&got.cumulative[..4], &[10.0, 10.0, 0.0, 10.0]);
    let all = outcome(1.0, 30, &rows(&[&[5, 5], &[5, 5], &[5, 5]]));
    assert_eq!((all.accepted, all.distance), (vec![1, 1, 1], vec![0.0; 3]));
}

#[test]
fn pay_is_by_row_at_the_registry_index() {
    let rows = [row(3, &[1]), row(9, &[2]), row(9, &[2]), row(31, &[3])];
    let program = aggregate(4, 1, 32, 1.0).expect("sizes are within limits");
    let mut paid = [0.0; 32];
    (paid[3], paid[5]) = (1000.0, 5.0);
    let got = run(&program, &[0.5], &paid, 102, &rows);
    let mut expected = paid;
    (expected[3], expected[9], expected[31]) = (1025.0, 50.0, 25.0);
    assert_eq!(got.cumulative, expected, "floor(102/4), twice for whom two rows are");
}

#[test]
fn extreme_updates_cannot_wrap() {
    let extreme: Vec<Row> = (0..32).map(|i| row(i, &[i32::MIN])).collect();
    let bound = f32::from_bits(0xcb80_0000);
    assert_eq!(f64::from(bound), -f64::from(UPDATE_MAX));
    assert_eq!(outcome(1.0, 0, &extreme).params, [bound]);
    let mut mixed = extreme;
    mixed.iter_mut().skip(16).for_each(|r| *r = row(r.member, &[i32::MAX]));
    assert!(outcome(1.0, 0, &mixed).params[0].abs() < 1e-3);
}

#[test]
fn sizes_out_of_range_are_refused() {
    assert_eq!(aggregate(0, 1, 1, 1.0), Err(AggregateError::Rows { got: 0 }));
    assert_eq!(aggregate(33, 1, 1, 1.0), Err(AggregateError::Rows { got: 33 }));
    assert_eq!(aggregate(1, 1, 1, f32::NAN), Err(AggregateError::Step));
    assert!(matches!(aggregate(1, 0, 1, 1.0), Err(AggregateError::Build(_))));
}

/// Honest rows scatter around a common direction; liars do what they like.
fn scattered(m: usize, d: usize, seed: u32) -> Vec<Vec<i32>> {
    let mut state = seed;
    let mut noise = || {
        state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        i32::try_from(state >> 16 & 0x7f).expect("seven bits") - 64
    };
    (0..m).map(|_| (0..d).map(|_| 500 + noise()).collect()).collect()
}

#[test]
fn liars_are_rejected_and_move_little_at_every_size() {
    type Lie = fn(i32) -> i32;
    let lies: [Lie; 4] = [|x| -10 * x, |x| -x, |x| 100 * x, |_| i32::MAX];
    for m in 4..=12_usize {
        let liars = (m - 1) / 3;
        for lie in lies {
            let mut updates = scattered(m, 24, u32::try_from(m).expect("small"));
            for update in updates.iter_mut().take(liars) {
                update.iter_mut().for_each(|x| *x = lie(*x));
            }
            let rows: Vec<Row> = (0..).zip(&updates).map(|(i, update)| row(i, update)).collect();
            let got = outcome(1.0, 1_000_000, &rows);
            for (i, accepted) in got.accepted.iter().enumerate() {
                assert_eq!(*accepted, i32::from(i >= liars), "{m} rows, row {i}: {got:?}");
            }
            assert!(got.params.iter().all(|p| (436.0..=564.0).contains(p)), "{:?}", got.params);
            assert!(got.cumulative[..liars].iter().all(|pay| *pay == 0.0));
        }
    }
}

#[test]
fn an_order_of_rows_moves_the_model_by_rounding_alone() {
    for seed in 0..50 {
        let m = 4 + seed as usize % 9;
        let mut updates = scattered(m, 16, seed);
        let moved = |updates: &[Vec<i32>]| {
            let rows: Vec<Row> = (0..).zip(updates).map(|(i, update)| row(i, update)).collect();
            outcome(1.0, 0, &rows).params
        };
        let before = moved(&updates);
        updates.rotate_left(1 + seed as usize % (m - 1));
        for (a, b) in before.iter().zip(moved(&updates)) {
            assert!((a - b).abs() < 1e-3, "{seed}: {a} and {b}");
        }
    }
}

#[test]
fn honest_rows_of_one_spread_are_never_rejected() {
    for seed in 0..200 {
        let m = 4 + seed as usize % 9;
        let updates = scattered(m, 16, seed);
        let rows: Vec<Row> = (0..).zip(&updates).map(|(i, update)| row(i, update)).collect();
        assert!(outcome(1.0, 0, &rows).accepted.iter().all(|accepted| *accepted == 1));
    }
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let update = prop::collection::vec(prop_oneof![any::<i32>(), -50..50_i32], 5);
    prop::collection::vec(update, 1..10)
        .prop_map(|rows| (0..).zip(rows).map(|(i, update)| row(3 * i, &update)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn permuting_rows_permutes_the_judgement_only(
        given in any_rows(),
        turn in 0_usize..10,
        flip: bool,
    ) {
        let mut places: Vec<usize> = (0..given.len()).collect();
        places.rotate_left(turn % given.len());
        if flip {
            places.reverse();
        }
        let permuted: Vec<Row> = places.iter().map(|place| given[*place].clone()).collect();
        let (a, b) = (outcome(0.5, 12_345, &given), outcome(0.5, 12_345, &permuted));
        prop_assert_eq!(&a.cumulative, &b.cumulative);
        for (to, from) in places.iter().enumerate() {
            prop_assert_eq!(a.accepted[*from], b.accepted[to]);
            prop_assert_eq!(a.distance[*from].to_bits(), b.distance[to].to_bits());
        }
    }

    #[test]
    fn pay_never_exceeds_the_budget(given in any_rows(), budget in 0..=BUDGET_MAX_GWEI) {
        let got = outcome(1.0, budget, &given);
        let mut sum = 0_u64;
        for pay in &got.cumulative {
            prop_assert!(*pay >= 0.0 && pay.fract() == 0.0, "{pay}");
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            let gwei = *pay as u64;
            sum += gwei;
        }
        prop_assert!(sum <= budget, "{sum} of {budget}");
    }

    #[test]
    fn most_rows_are_always_accepted(given in any_rows()) {
        let accepted: i32 = outcome(1.0, 0, &given).accepted.iter().sum();
        let most = i32::try_from(given.len() / 2 + 1).expect("small");
        prop_assert!(accepted >= most);
    }

    #[test]
    fn the_model_moves_by_what_the_recipe_makes_of_all_rows(given in any_rows()) {
        let updates: Vec<Tensor> = given.iter().map(|row| row.update.clone()).collect();
        let d = updates[0].shape().count();
        let program = robust::program(&recipe(given.len()), given.len(), d).expect("built");
        let previous = Tensor::f32(&[d], vec![0.0; d]).expect("one axis");
        let inputs = robust::inputs(previous, None, &updates).expect("there are rows");
        let outputs = eval(&program, &inputs).expect("the inputs are those of the Program");
        prop_assert_eq!(outputs[0].as_f32(), Some(&outcome(1.0, 0, &given).params[..]));
    }

    // Shortening a row moves it towards zero.
    #[test]
    fn the_result_stays_between_the_rows_and_zero(given in any_rows()) {
        let got = outcome(1.0, 0, &given);
        for (k, param) in got.params.iter().enumerate() {
            let column = given.iter().map(|row| row.update.as_i32().expect("i32")[k]);
            let column: Vec<i32> = column.map(|x| x.clamp(-UPDATE_MAX, UPDATE_MAX)).collect();
            let low = f64::from(*column.iter().min().expect("rows").min(&0));
            let high = f64::from(*column.iter().max().expect("rows").max(&0));
            prop_assert!((low - 1.0..=high + 1.0).contains(&f64::from(*param)));
        }
    }
}

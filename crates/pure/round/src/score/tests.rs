//! Hand-computed cases, laws, and liars against the real Program.

use proptest::prelude::*;
use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value, eval};

use super::{
    Config, Explanation, Round, Row, Rule, SHARE_MAX, ScoreError, explain, inputs, key, ranks,
    score,
};

mod economy;
mod private;
mod task;

fn config(rows: usize, length: usize) -> Config {
    Config {
        rows,
        length,
        cumulative_length: 32,
        permutations: 4,
        aggregates: 1,
        window: vec![length],
        step: 1.0,
        rate: 1e-3,
        rule: Rule::Mean,
    }
}

/// Half the squared distance from the window.
fn distance(b: &mut Builder, params: Value, window: Value) -> Result<Value, BuildError> {
    let params = b.convert(params, Dtype::F64)?;
    let off = b.sub(params, window)?;
    let square = b.mul(off, off)?;
    let sum = b.sum(square, 0)?;
    let half = b.scalar_f64(0.5)?;
    b.mul(sum, half)
}

fn program(config: &Config) -> Program {
    score(config, distance).expect("sizes are within limits")
}

fn row(member: u32, update: &[i32]) -> Row {
    let update = Tensor::i32(&[update.len()], update.to_vec()).expect("one axis");
    let window = Tensor::zeros(Dtype::F64, &[1]).expect("one element");
    Row { member, stake_gwei: 1_000_000, accepted: true, update, window }
}

/// A round whose params are zeros, after rounds that moved the model by these aggregates, newest
/// first.
fn after(aggregates: &[&[i32]], budget_gwei: u64) -> Round {
    let d = aggregates[0].len();
    let mut models = vec![vec![0_i16; d]];
    for aggregate in aggregates {
        let newer = models.last().expect("one at least");
        let moved = aggregate.iter().map(|x| i16::try_from(*x).expect("small"));
        models.push(newer.iter().zip(moved).map(|(x, dx)| x - dx).collect());
    }
    let tensor = |model: &Vec<i16>| {
        Tensor::f32(&[d], model.iter().copied().map(f32::from).collect()).expect("one axis")
    };
    Round {
        models: models.iter().map(tensor).collect(),
        key: [7, -9],
        cumulative: Tensor::zeros(Dtype::F64, &[32]).expect("small"),
        budget_gwei,
    }
}

fn round(previous: &[i32], budget_gwei: u64) -> Round {
    after(&[previous], budget_gwei)
}

fn run(config: &Config, round: &Round, rows: &[Row], target: &[f64]) -> Vec<Tensor> {
    let window = Tensor::f64(&[target.len()], target.to_vec()).expect("one axis");
    let rows: Vec<Row> =
        rows.iter().map(|row| Row { window: window.clone(), ..row.clone() }).collect();
    let inputs = inputs(round, &rows).expect("there are rows");
    eval(&program(config), &inputs).expect("the inputs are the Program's")
}

fn explained(config: &Config, round: &Round, rows: &[Row], target: &[f64]) -> Vec<Explanation> {
    let members: Vec<u32> = rows.iter().map(|row| row.member).collect();
    explain(&members, &run(config, round, rows, target)).expect("outputs of a score")
}

#[test]
fn two_rows_are_worth_what_they_take_off_the_loss() {
    // Lengths 5 and 4: the median is the greater. With nobody the loss is (6² + 8²) / 2 = 50; the
    // model of row 0 alone is (1.5, 2), of row 1 alone (0, 2), of both (1.5, 4).
    let rows = [row(3, &[3, 4]), row(5, &[0, 4])];
    let got = explained(&config(2, 2), &round(&[0, 0], 1 << 40), &rows, &[6.0, 8.0]);
    let (a, b) = (50.0 - 28.125_f64, 50.0 - 36.0_f64);
    let both = 50.0 - 18.125;
    let expected = [a + both - b, b + both - a];
    for (got, expected) in got.iter().zip(expected) {
        assert!((got.score - expected).abs() < 1e-12, "{got:?}");
        assert_eq!(got.standard_error, Some(0.0), "each pair is exact for a quadratic loss");
        assert_eq!(got.original_share, 1.0);
        assert_eq!(got.pay_gwei, (1_000_000.0_f64 * (got.score * 1e-3)).floor());
    }
    assert_eq!(got.iter().map(|row| row.length).collect::<Vec<_>>(), [5.0, 4.0]);
}

#[test]
fn a_longer_row_counts_as_the_median_one() {
    let rows = [row(0, &[3, 0]), row(1, &[0, 4]), row(2, &[300, 400])];
    let got = explained(&config(3, 2), &round(&[0, 0], 1 << 40), &rows, &[0.0, 0.0]);
    assert_eq!(got.iter().map(|row| row.length).collect::<Vec<_>>(), [3.0, 4.0, 4.0]);
}

#[test]
fn what_the_last_aggregates_span_earns_nothing() {
    let sizes = Config { aggregates: 3, ..config(4, 4) };
    // The second aggregate is the first twice over: it adds no direction.
    let round = after(&[&[1, 2, 0, 0], &[2, 4, 0, 0], &[0, 1, 1, 0]], 1 << 40);
    let rows = [
        row(0, &[10, 20, 0, 0]),
        row(1, &[-3, -7, -1, 0]),
        row(2, &[0, 0, 0, 0]),
        row(3, &[5, 12, 2, 9]),
    ];
    let got = explained(&sizes, &round, &rows, &[100.0; 4]);
    for row in &got[..3] {
        assert!(row.score.abs() < 1e-9 && row.original_share < 1e-12, "{row:?}");
        assert_eq!((row.pay_gwei, row.burn_gwei), (0.0, 0.0));
    }
    assert!(got[3].score > 1.0 && got[3].pay_gwei > 0.0);
    assert!((got[3].original_share - 81.0 / 254.0).abs() < 1e-9, "{:?}", got[3]);
}

#[test]
fn a_row_that_was_not_accepted_neither_earns_nor_loses() {
    let mut rows = vec![row(0, &[3, 4]), row(1, &[0, 4]), row(2, &[-3, -4])];
    rows[2].accepted = false;
    let got = explained(&config(3, 2), &round(&[0, 0], 1 << 40), &rows, &[6.0, 8.0]);
    assert_eq!((got[2].score, got[2].pay_gwei, got[2].burn_gwei), (0.0, 0.0, 0.0));
}

#[test]
fn harm_is_burnt_at_the_rate_at_which_good_is_paid() {
    let got = |target: f64| {
        let rows = [row(0, &[3, 4])];
        explained(&config(1, 2), &round(&[0, 0], 1 << 40), &rows, &[target * 3.0, target * 4.0])
    };
    // The loss falls by 37.5 if the target is twice the row, and rises by 37.5 if it is minus one.
    assert_eq!((got(2.0)[0].pay_gwei, got(2.0)[0].burn_gwei), (37_500.0, 0.0));
    assert_eq!((got(-1.0)[0].pay_gwei, got(-1.0)[0].burn_gwei), (0.0, 37_500.0));
    let most = SHARE_MAX * 1_000_000.0;
    assert_eq!((got(90.0)[0].pay_gwei, got(-90.0)[0].burn_gwei), (most, most));
}

#[test]
fn a_budget_that_does_not_reach_shrinks_pay_and_burn_alike() {
    let rows = [row(0, &[3, 4]), row(1, &[3, 4]), row(2, &[-3, -4])];
    let whole = explained(&config(3, 2), &round(&[0, 0], 1 << 40), &rows, &[30.0, 40.0]);
    let short = explained(&config(3, 2), &round(&[0, 0], 1_000), &rows, &[30.0, 40.0]);
    let total: f64 = whole.iter().map(|row| row.pay_gwei).sum();
    for (short, whole) in short.iter().zip(&whole) {
        assert_eq!(short.pay_gwei, (whole.pay_gwei * 1_000.0 / total).floor());
        assert_eq!(short.burn_gwei, (whole.burn_gwei * 1_000.0 / total).floor());
    }
    assert!(whole[2].burn_gwei > 0.0);
}

#[test]
fn pay_is_added_to_a_node_for_each_of_its_rows() {
    let rows = [row(4, &[3, 4]), row(4, &[3, 4]), row(9, &[1, 1])];
    let mut round = round(&[0, 0], 1 << 40);
    round.cumulative = Tensor::f64(&[32], vec![10.0; 32]).expect("one axis");
    let outputs = run(&config(3, 2), &round, &rows, &[6.0, 8.0]);
    let (cumulative, pay) = (outputs[1].as_f64().expect("f64"), outputs[3].as_f64().expect("f64"));
    assert!(pay[0] > 0.0);
    assert_eq!((cumulative[4], cumulative[9]), (10.0 + pay[0] + pay[1], 10.0 + pay[2]));
    assert_eq!(cumulative[0], 10.0);
}

#[test]
fn names_change_nothing_but_who_is_paid() {
    let updates = [[3, 4], [3, 4], [-2, 7], [5, 1]];
    let of = |members: [u32; 4]| {
        let rows: Vec<Row> = members.iter().zip(&updates).map(|(n, u)| row(*n, u)).collect();
        run(&config(4, 2), &round(&[1, 1], 1 << 40), &rows, &[6.0, 8.0])
    };
    let (one, many) = (of([4, 4, 6, 9]), of([1, 2, 6, 9]));
    let paid = |outputs: &[Tensor]| outputs[1].as_f64().expect("f64").iter().sum::<f64>();
    assert_eq!(paid(&one), paid(&many));
    assert_eq!((&one[0], &one[2..]), (&many[0], &many[2..]));
}

/// Of each element the lower median: what fewer than half of the rows say is outvoted, whether it
/// is far off, no number, or missing.
#[test]
fn a_window_is_what_more_than_half_of_the_rows_say() {
    let config = config(5, 2);
    let rows: Vec<Row> = (0..5).map(|n| row(n, &[3, 4])).collect();
    let of = |windows: [[f64; 2]; 5]| {
        let window = |window: [f64; 2]| Tensor::f64(&[2], window.to_vec()).expect("one axis");
        let rows = rows.iter().zip(windows);
        let rows: Vec<Row> =
            rows.map(|(row, said)| Row { window: window(said), ..row.clone() }).collect();
        let inputs = inputs(&round(&[0, 0], 1 << 40), &rows).expect("there are rows");
        eval(&program(&config), &inputs).expect("the inputs are the Program's")
    };
    let said = [6.0, 8.0];
    let honest = of([said; 5]);
    assert!(honest[3].as_f64().is_some_and(|pay| pay[0] > 0.0));
    let lies = [[f64::NAN, 1e300], [f64::NEG_INFINITY, f64::INFINITY], [0.0, 0.0], [-9.0, 9e9]];
    for (a, b) in lies.iter().zip(lies.iter().cycle().skip(1)) {
        assert_eq!(of([said, *a, said, *b, said]), honest);
    }
    assert_ne!(of([said, lies[3], lies[3], lies[3], said]), honest);
}

#[test]
fn a_loss_that_is_no_number_costs_nobody() {
    let rows = [row(0, &[3, 4]), row(1, &[1, 2])];
    let got = explained(&config(2, 2), &round(&[0, 0], 1 << 40), &rows, &[f64::INFINITY, 0.0]);
    assert!(got.iter().all(|row| row.score == 0.0 && row.pay_gwei + row.burn_gwei == 0.0));
}

#[test]
fn sizes_without_a_program_are_refused() {
    let of = |config: Config| score(&config, distance).err();
    assert_eq!(of(config(33, 2)), Some(ScoreError::Rows { got: 33 }));
    let odd = Config { permutations: 3, ..config(2, 2) };
    assert_eq!(of(odd), Some(ScoreError::Permutations { got: 3 }));
    let none = Config { aggregates: 0, ..config(2, 2) };
    assert_eq!(of(none), Some(ScoreError::Aggregates { got: 0 }));
    assert_eq!(of(Config { rate: -1.0, ..config(2, 2) }), Some(ScoreError::Rate));
    assert_eq!(of(Config { step: 0.0, ..config(2, 2) }), Some(ScoreError::Rate));
    let vector = |_: &mut Builder, params: Value, _: Value| Ok(params);
    assert!(matches!(score(&config(2, 2), vector), Err(ScoreError::Loss { .. })));
}

#[test]
fn the_largest_job_is_within_the_limits_of_programs() {
    let largest = Config { permutations: 64, aggregates: 32, ..config(32, 8) };
    let program = program(&largest);
    assert_eq!(program.inputs().len(), 33 + 6 + 32 + 32);
    assert!(program.nodes().len() < 32_768, "{} ops", program.nodes().len());
    let trimmed = Config { rule: Rule::Trimmed, ..largest };
    assert!(score(&trimmed, distance).is_ok());
}

#[test]
fn an_explanation_reads_as_sentences() {
    let rows = [row(3, &[3, 4])];
    let got = explained(&config(1, 2), &round(&[0, 0], 1 << 40), &rows, &[6.0, 8.0]);
    assert_eq!(
        got[0].to_string(),
        "node 3: score +37.500000 ± 0.000000 over 4 orders of joining\n  length 5.0, 100.0 % of \
         its square original\n  paid 37500 gwei"
    );
    assert_eq!(explain(&[3], &[]), None);
}

#[test]
fn a_key_is_the_first_eight_bytes_of_a_seed() {
    let mut seed = tensor::Hash::ZERO;
    seed.0[..9].copy_from_slice(&[1, 0, 0, 0, 255, 255, 255, 255, 77]);
    assert_eq!(key(seed), [1, -1]);
}

proptest! {
    #[test]
    fn orders_are_permutations_in_pairs(words in prop::array::uniform2(any::<i32>()),
                                        m in 1_usize..33, pairs in 1_usize..9) {
        let orders = ranks(words, 2 * pairs, m);
        for pair in orders.chunks(2) {
            let mut sorted = pair[0].clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..m).collect::<Vec<_>>());
            prop_assert!((0..m).all(|i| pair[0][i] + pair[1][i] == m - 1));
        }
    }

    /// The Program draws the same orders: with a loss that is the number of rows that have joined,
    /// weighted by place, each row's score by order gives its rank away.
    #[test]
    fn the_program_draws_the_same_orders(words in prop::array::uniform2(any::<i32>()),
                                         m in 1_usize..9) {
        let sizes = Config { permutations: 6, window: vec![1], ..config(m, m) };
        // -(sum of params)² / 2: the n-th to join adds (2n - 1) / 2 of a row's squared part.
        let loss = |b: &mut Builder, params: Value, _: Value| {
            let params = b.convert(params, Dtype::F64)?;
            let sum = b.sum(params, 0)?;
            let square = b.mul(sum, sum)?;
            b.neg(square)
        };
        let built = score(&sizes, loss).expect("small");
        let unit = |i: usize| (0..m).map(|j| if i == j { 1024 } else { 0 }).collect::<Vec<_>>();
        let rows: Vec<Row> = (0..).zip(0..m).map(|(n, i)| row(n, &unit(i))).collect();
        let round = Round { key: words, ..round(&vec![0; m], 1 << 40) };
        let outputs = eval(&built, &inputs(&round, &rows).expect("rows")).expect("inputs");
        let by_order = outputs[4].as_f64().expect("f64");
        let expected = ranks(words, 6, m);
        let part = 1024.0 / crate::parts::float(m);
        for (order, ranks) in by_order.chunks(m).zip(&expected) {
            for (gain, rank) in order.iter().zip(ranks) {
                let step = 2.0 * crate::parts::float(*rank) + 1.0;
                let expected = crate::parts::float(m) * part * part * step;
                prop_assert!((gain / expected - 1.0).abs() < 1e-5);
            }
        }
    }

    /// Whatever rows, stakes and scores: pay stays within the budget and is whole, burn within 5 %
    /// of the stake, and nobody both earns and loses.
    #[test]
    fn money_is_bounded(
        updates in prop::collection::vec(prop::array::uniform3(-500_i32..500), 1..7),
        stakes in prop::collection::vec(any::<u64>(), 7),
        budget in 0_u64..1 << 48, rate in 1e-6_f64..1e6,
        target in prop::array::uniform3(-900.0_f64..900.0)) {
        let mut rows: Vec<Row> = (0..).zip(&updates).map(|(n, u)| row(n, u)).collect();
        for (row, stake) in rows.iter_mut().zip(&stakes) {
            row.stake_gwei = stake >> (stake % 64);
        }
        let sizes = Config { rate, ..config(rows.len(), 3) };
        let got = explained(&sizes, &round(&[1, 2, 3], budget), &rows, &target);
        let total: f64 = got.iter().map(|row| row.pay_gwei).sum();
        prop_assert!(total <= super::gwei(budget.min(crate::aggregate::BUDGET_MAX_GWEI)));
        for (got, row) in got.iter().zip(&rows) {
            prop_assert!(got.pay_gwei >= 0.0 && got.pay_gwei.fract() == 0.0);
            prop_assert!(got.burn_gwei >= 0.0 && got.burn_gwei.fract() == 0.0);
            prop_assert!(got.burn_gwei <= SHARE_MAX * super::gwei(row.stake_gwei));
            prop_assert!(got.pay_gwei == 0.0 || got.burn_gwei == 0.0);
        }
    }

    /// For a quadratic loss a set of rows earns what as many rows of their mean would: so neither
    /// splitting nor joining names changes anything. All numbers here are exact in f32.
    #[test]
    fn a_set_of_rows_earns_what_its_mean_would(
        signs in prop::collection::vec(prop::array::uniform4(any::<bool>()), 5),
        own in prop::collection::vec(prop::array::uniform4(-50_i32..50), 3),
        target in prop::array::uniform4(-900_i32..900),
        words in prop::array::uniform2(any::<i32>())) {
        // Five rows of one length, which the other three do not reach: nothing is shortened.
        let others = signs.iter().map(|row| row.map(|plus| if plus { 400 } else { -400 }));
        let others: Vec<[i32; 4]> = others.collect();
        let mean: [i32; 4] = std::array::from_fn(|c| (own[0][c] + own[1][c] + own[2][c]) / 3);
        let last: [i32; 4] = std::array::from_fn(|c| 3 * mean[c] - own[0][c] - own[1][c]);
        let total = |own: &[[i32; 4]]| {
            let rows: Vec<Row> =
                (0..).zip(others.iter().chain(own)).map(|(n, u)| row(n, u)).collect();
            let round = Round { key: words, ..round(&[0; 4], 1 << 40) };
            let got = explained(&config(8, 4), &round, &rows, &target.map(f64::from));
            got[5..].iter().map(|row| row.score).sum::<f64>()
        };
        let (split, joined) = (total(&[own[0], own[1], last]), total(&[mean; 3]));
        prop_assert!((split - joined).abs() <= 1e-6, "{} {}", split, joined);
    }
}

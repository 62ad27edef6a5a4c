//! What pays and what does not, over a thousand rounds of a simulated job with the real Programs.
//!
//! Seeds are fixed, so each test has one outcome, which docs/contribution.md quotes: mean and
//! standard error a round, in basis points of one row's stake. Comparisons are paired: both sets of
//! rows meet the same round.

use super::task::{Climate, Mean, Trial, World, mean, net, plus, shown, times};
use crate::score::Rule;

const ROUNDS: usize = 1_000;
/// Rounds in which plots are compared, each with the others in the same round.
const PAIRED: usize = 500;
/// Rounds before anything is counted.
const WARM_UP: usize = 10;
const SAMPLES: usize = 64;
const CLIMATE: Climate = Climate { rows: 8, length: 16, drift: 0.1, pace: 1.0, aggregates: 2 };

/// What a liar sends instead of training, given what is public and all rows of the last round.
type Lie = fn(&mut World, last: &[Vec<f64>]) -> Vec<f64>;

fn noise(world: &mut World, scale: f64) -> Vec<f64> {
    world.dice.normals(CLIMATE.length, scale)
}

fn zero(_: &mut World, last: &[Vec<f64>]) -> Vec<f64> {
    times(&last[0], 0.0)
}

fn loud(world: &mut World, _: &[Vec<f64>]) -> Vec<f64> {
    noise(world, 0.5)
}

fn quiet(world: &mut World, _: &[Vec<f64>]) -> Vec<f64> {
    noise(world, 0.1)
}

fn replay(world: &mut World, _: &[Vec<f64>]) -> Vec<f64> {
    world.aggregates[0].clone()
}

fn flipped(world: &mut World, _: &[Vec<f64>]) -> Vec<f64> {
    times(&world.aggregates[0], -1.0)
}

fn lengthened(world: &mut World, _: &[Vec<f64>]) -> Vec<f64> {
    let hidden = noise(world, 0.05);
    plus(&times(&world.aggregates[0], 3.0), &hidden)
}

fn copied(_: &mut World, last: &[Vec<f64>]) -> Vec<f64> {
    last[0].clone()
}

fn copied_and_hidden(world: &mut World, last: &[Vec<f64>]) -> Vec<f64> {
    let hidden = noise(world, 0.25);
    plus(&last[0], &hidden)
}

/// Net pay of the honest rows (their mean) and of the last row, which lies.
fn with_liar((climate, rule): (Climate, Rule), lie: Lie, seed: u64) -> (Mean, Mean) {
    let mut world = World::new(climate, rule, seed);
    let (mut honest, mut liar) = (Mean::default(), Mean::default());
    let mut last = vec![vec![0.0; CLIMATE.length]; CLIMATE.rows];
    for round in 0..WARM_UP + ROUNDS {
        let mut rows: Vec<Vec<f64>> = (1..CLIMATE.rows).map(|_| world.train(SAMPLES)).collect();
        rows.push(lie(&mut world, &last));
        let trial = world.reveal();
        let (got, params) = world.judge(&rows, &trial);
        world.settle(params);
        last = rows;
        if round >= WARM_UP {
            honest.add(got[..7].iter().map(net).sum::<f64>() / 7.0);
            liar.add(net(&got[7]));
        }
    }
    (honest, liar)
}

#[test]
fn what_needs_no_data_earns_at_most_nothing() {
    let lies: [(&str, Lie); 8] = [
        ("zero", zero),
        ("noise as long as a row", loud),
        ("short noise", quiet),
        ("the last aggregate", replay),
        ("the last aggregate, flipped", flipped),
        ("the last aggregate, lengthened, with noise", lengthened),
        ("another's last row", copied),
        ("another's last row, with noise", copied_and_hidden),
    ];
    for (seed, (name, lie)) in (1..).zip(lies) {
        let (honest, liar) = with_liar((CLIMATE, Rule::Mean), lie, seed);
        println!("{name}: {}, honest {}", shown(&liar), shown(&honest));
        assert!(honest.least() > 0.0, "honest rows earn beside {name}");
        assert!(liar.least() <= 0.0, "{name} earns {}", shown(&liar));
        assert!(liar.mean() < honest.mean() / 10.0, "{name} earns {}", shown(&liar));
    }
}

/// Why coalitions are not aggregated by the robust rule: absent rows are votes for the previous
/// aggregate, and noise earns by not casting one.
#[test]
fn a_robust_rule_in_the_game_would_pay_for_noise() {
    let (honest, liar) = with_liar((CLIMATE, Rule::Trimmed), quiet, 3);
    println!("short noise, trimmed: {}, honest {}", shown(&liar), shown(&honest));
    assert!(liar.least() > 0.0, "{}", shown(&liar));
}

/// The mean of the aggregates of two to twelve rounds ago, lengthened.
fn older(world: &mut World, _: &[Vec<f64>]) -> Vec<f64> {
    times(&mean(&world.aggregates[2..]), 8.0)
}

/// Where a job moves a twentieth of the way a round, all its aggregates point the same way: two of
/// them do not span what older ones say, and ten do.
#[test]
fn a_slow_job_takes_more_aggregates_out() {
    let of = |aggregates: usize, seed: u64| {
        let slow = Climate { drift: 0.003, pace: 0.05, aggregates, ..CLIMATE };
        with_liar((slow, Rule::Mean), older, seed)
    };
    let (honest, liar) = of(2, 51);
    println!("older aggregates, two out: {}, honest {}", shown(&liar), shown(&honest));
    assert!(liar.least() > 0.0, "two are too few: {}", shown(&liar));
    let (honest, liar) = of(10, 52);
    println!("older aggregates, ten out: {}, honest {}", shown(&liar), shown(&honest));
    assert!(liar.least() <= 0.0, "{}", shown(&liar));
}

/// What some rows do that one node could have sent, given what each would have sent by itself.
type Plot = fn(&mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>>;

fn apart(_: &mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>> {
    own.to_vec()
}

fn together(_: &mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>> {
    vec![mean(own); own.len()]
}

fn together_and_long(_: &mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>> {
    vec![times(&mean(own), 1.5); own.len()]
}

fn long(_: &mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>> {
    own.iter().map(|row| times(row, 1.5)).collect()
}

fn unlike(_: &mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let centre = mean(own);
    own.iter().map(|row| plus(&times(row, 1.6), &times(&centre, -0.6))).collect()
}

fn alike(_: &mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let centre = mean(own);
    own.iter().map(|row| plus(&times(row, 0.6), &times(&centre, 0.4))).collect()
}

/// The mean of all, and beside it noise that cancels.
fn spread(world: &mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let drawn: Vec<Vec<f64>> = own.iter().map(|_| noise(world, 0.15)).collect();
    let (centre, back) = (mean(own), times(&mean(&drawn), -1.0));
    drawn.iter().map(|row| plus(&centre, &plus(row, &back))).collect()
}

fn copies(_: &mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>> {
    vec![own[0].clone(); own.len()]
}

fn copies_and_noise(world: &mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>> {
    own.iter().map(|_| plus(&own[0], &noise(world, 0.15))).collect()
}

fn one_works(_: &mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..own.len()).map(|i| times(&own[0], if i == 0 { 1.0 } else { 0.0 })).collect()
}

/// One pulls against the others, so that theirs look better.
fn foil(_: &mut World, own: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut rows = own.to_vec();
    rows[0] = times(&mean(own), -2.0);
    rows
}

/// What the last `own` rows win together under each plot, the job going on with the first plot.
fn of_plots(climate: Climate, own: usize, plots: &[Plot], seed: u64) -> Vec<Vec<f64>> {
    let mut world = World::new(climate, Rule::Mean, seed);
    let others = climate.rows - own;
    let mut totals = vec![Vec::new(); plots.len()];
    for round in 0..WARM_UP + PAIRED {
        let honest: Vec<Vec<f64>> = (0..climate.rows).map(|_| world.train(SAMPLES)).collect();
        let trial: Trial = world.reveal();
        let mut first = None;
        for (plot, totals) in plots.iter().zip(&mut totals) {
            let mut rows = honest[..others].to_vec();
            rows.extend(plot(&mut world, &honest[others..]));
            let (got, params) = world.judge(&rows, &trial);
            first.get_or_insert(params);
            if round >= WARM_UP {
                totals.push(got[others..].iter().map(net).sum());
            }
        }
        world.settle(first.expect("there is a plot"));
    }
    totals
}

/// Of the difference of two series.
fn beyond(series: &[f64], base: &[f64]) -> Mean {
    let mut mean = Mean::default();
    series.iter().zip(base).for_each(|(x, y)| mean.add(x - y));
    mean
}

/// Names of a node's parts and members of a coalition can do no more than one node with all their
/// data and rows: the Program sees rows. What one node does is one row sent as often as it has
/// rows, at its own length or lengthened.
#[test]
fn no_set_of_rows_earns_more_than_one_node_with_its_data() {
    let plots: [(&str, Plot); 9] = [
        ("each its own", apart),
        ("each its own, lengthened", long),
        ("unlike on purpose", unlike),
        ("alike on purpose", alike),
        ("noise that cancels", spread),
        ("one's update from all", copies),
        ("one's update from all, with noise", copies_and_noise),
        ("one works, the others send zero", one_works),
        ("one pulls against the others", foil),
    ];
    let alone: [Plot; 2] = [together, together_and_long];
    let all: Vec<Plot> = plots.iter().map(|plot| plot.1).chain(alone).collect();
    for (seed, own) in [(21, 2), (22, 3)] {
        let totals = of_plots(CLIMATE, own, &all, seed);
        let better = [&totals[9], &totals[10]].map(|series| series.iter().sum::<f64>());
        let best = &totals[if better[0] > better[1] { 9 } else { 10 }];
        println!("{own} rows, one node: {}", shown(&beyond(best, &vec![0.0; PAIRED])));
        println!("  lengthened: {}", shown(&beyond(&totals[10], &totals[9])));
        for ((name, _), series) in plots.iter().zip(&totals) {
            let more = beyond(series, best);
            println!("  {name}: {}", shown(&more));
            assert!(more.least() <= 0.0, "{name}: {}", shown(&more));
        }
        let copied = beyond(&totals[5], &totals[0]);
        println!("  copies beyond each its own: {}", shown(&copied));
        assert!(copied.least() <= 0.0, "a copy earns what its maker could have: {copied:?}");
    }
}

/// The Program against the closed form of its game.
#[test]
fn scores_are_what_the_formula_says() {
    let mut world = World::new(CLIMATE, Rule::Mean, 31);
    for _ in 0..20 {
        let rows: Vec<Vec<f64>> = (0..CLIMATE.rows).map(|_| world.train(SAMPLES)).collect();
        let trial = world.reveal();
        let (got, params) = world.judge(&rows, &trial);
        if got.iter().all(|row| row.score != 0.0) {
            for (got, formula) in got.iter().zip(world.by_formula(&rows, &trial, false)) {
                assert!((got.score - formula).abs() < 1e-4, "{} {formula}", got.score);
            }
        }
        world.settle(params);
    }
}

/// Why a row's likeness to the others of its round is not taken out of it: two rows that are made
/// unlike on purpose earn more than two that are not, and more than one node's.
#[test]
fn taking_out_the_others_would_pay_for_splitting() {
    let mut world = World::new(CLIMATE, Rule::Mean, 32);
    let (mut more, mut less) = (Mean::default(), Mean::default());
    let mut honest = Mean::default();
    for round in 0..WARM_UP + ROUNDS {
        let rows: Vec<Vec<f64>> = (0..CLIMATE.rows).map(|_| world.train(SAMPLES)).collect();
        let trial = world.reveal();
        let mut split = rows[..6].to_vec();
        split.extend(unlike(&mut world, &rows[6..]));
        let total = |rows: &[Vec<f64>], others: bool| {
            world.by_formula(rows, &trial, others)[6..].iter().sum::<f64>()
        };
        if round >= WARM_UP {
            honest.add(total(&rows, true));
            more.add(total(&split, true) - total(&rows, true));
            less.add(total(&split, false) - total(&rows, false));
        }
        let (_, params) = world.judge(&rows, &trial);
        world.settle(params);
    }
    let score = |mean: &Mean| format!("{:+.4} ± {:.4}", mean.mean(), mean.error());
    println!("two rows, others taken out: {}", score(&honest));
    println!("  unlike on purpose: {}, ours: {}", score(&more), score(&less));
    assert!(more.least() > 0.0 && less.mean() < 0.0);
}

/// A node with one row of eight beside one with three, data in proportion to rows: what they earn
/// by row differs by less than a fifth, and the small one earns.
#[test]
fn a_small_node_earns_in_proportion_to_its_stake() {
    let mut world = World::new(CLIMATE, Rule::Mean, 33);
    let (mut small, mut large) = (Mean::default(), Mean::default());
    let mut difference = Mean::default();
    for round in 0..WARM_UP + ROUNDS {
        let mut rows: Vec<Vec<f64>> = (0..5).map(|_| world.train(SAMPLES)).collect();
        let update = world.train(3 * SAMPLES);
        rows.extend(vec![update; 3]);
        let trial = world.reveal();
        let (got, params) = world.judge(&rows, &trial);
        world.settle(params);
        if round >= WARM_UP {
            let (one, three) = (net(&got[0]), got[5..].iter().map(net).sum::<f64>() / 3.0);
            small.add(one);
            large.add(three);
            difference.add(three - one);
        }
    }
    println!("one row: {}, by row of three: {}", shown(&small), shown(&large));
    println!("  difference: {}", shown(&difference));
    assert!(small.least() > 0.0);
    assert!((large.mean() / small.mean() - 1.0).abs() < 0.2);
}

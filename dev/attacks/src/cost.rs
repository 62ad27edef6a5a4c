//! What a score costs: ops of its Program, and the time to build and to run it.
//!
//! The models and the window are those of a job: QLIKE of the log-HAR model and the perceptron on
//! made-up days. Best of some turns, on the wall.
//!
//! *Invariant: interpreter and kernels gave the same bits.* Absent: pass or fail.

use std::time::Instant;

use anyhow::ensure;
use kernels::{Runner, Threads};
use laws::dice::Dice;
use learn::{Kind, Model};
use market::{FEATURES, window};
use round::score::{Config, Round, Row, Rule, Sizes, effects, inputs, score};
use serde_json::{Value, json};
use tensor::{Dtype, Program, Tensor, eval};

use crate::{QUANTA, chance};

/// Model, rows, orders, days.
const SCORES: [(Kind, usize, usize, usize); 6] = [
    (Kind::Har, 8, 8, 1),
    (Kind::Har, 8, 16, 32),
    (Kind::Mlp, 8, 16, 32),
    (Kind::Har, 25, 16, 32),
    (Kind::Mlp, 25, 16, 32),
    (Kind::Mlp, 32, 16, 32),
];

/// Nodes, rows and buckets of private jobs that look back 64 rounds.
const EFFECTS: [(usize, usize, usize); 2] = [(25, 25, 8), (128, 32, 10)];

/// One Program's cost.
#[derive(Clone, Debug)]
pub struct Cost {
    name: String,
    ops: usize,
    build: f64,
    interpreter: f64,
    kernels: f64,
}

/// Builds and times every Program.
///
/// # Errors
///
/// If a Program cannot be built, or the kernels gave other bits than the interpreter.
pub fn run(turns: usize, mut tell: impl FnMut(&Cost)) -> anyhow::Result<()> {
    for (kind, rows, permutations, days) in SCORES {
        let model = Model::new(kind, &FEATURES);
        let name = format!("score: {kind}, {rows} rows, {permutations} orders, {days} days");
        let config = Config {
            rows,
            length: model.count(),
            cumulative_length: 1024,
            permutations,
            aggregates: 4,
            window: window::extents(&model, days).to_vec(),
            step: tensor::scalar::f64_to_f32(1.0 / QUANTA),
            rate: 1.0,
            rule: Rule::Mean,
        };
        let made = made_up(&config, &model, days)?;
        let build = || Ok(score(&config, |b, params, days| window::loss(b, &model, params, days))?);
        tell(&timed(name, turns, (&build, &made))?);
    }
    for (nodes, rows, buckets) in EFFECTS {
        let name = format!("effects: {nodes} nodes, {rows} rows, {buckets} buckets, 64 rounds");
        let sizes = Sizes { nodes, rounds: 64, rows, buckets, rate: 1.0 };
        let made = history(&sizes)?;
        tell(&timed(name, turns, (&|| Ok(effects(&sizes)?), &made))?);
    }
    Ok(())
}

type Build<'a> = &'a dyn Fn() -> anyhow::Result<Program>;

fn timed(
    name: String,
    turns: usize,
    (build, inputs): (Build<'_>, &[Tensor]),
) -> anyhow::Result<Cost> {
    let program = build()?;
    let given: Vec<&Tensor> = inputs.iter().collect();
    let mut runner =
        Runner::new(&program).with_threads(Threads { count: 1, ..Threads::available() });
    ensure!(runner.run(&given)? == eval(&program, inputs)?, "{name}: kernels give other bits");
    let build = best(turns, || build().map(drop))?;
    let interpreter =
        best(turns, || eval(&program, inputs).map(drop).map_err(anyhow::Error::from))?;
    let kernels = best(turns, || runner.run(&given).map(drop).map_err(anyhow::Error::from))?;
    Ok(Cost { name, ops: program.nodes().len(), build, interpreter, kernels })
}

fn best(turns: usize, mut turn: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..turns.max(1) {
        let start = Instant::now();
        turn()?;
        let seconds = start.elapsed().as_secs_f64();
        least = if seconds < least { seconds } else { least };
    }
    Ok(least)
}

/// Rows, aggregates and days of no market.
fn made_up(config: &Config, model: &Model, days: usize) -> anyhow::Result<Vec<Tensor>> {
    let mut dice = Dice::new(7);
    let d = config.length;
    let mut row = |scale: f64| -> Vec<i32> {
        let one = |dice: &mut Dice| (chance::uniform(dice) - 0.5) * scale;
        (0..d).map(|_| tensor::scalar::f64_to_i32(one(&mut dice))).collect()
    };
    let columns = model.width() + window::OUTCOMES;
    let mut days_of = Dice::new(8);
    let mut day = || (0..columns).map(|_| chance::uniform(&mut days_of)).collect::<Vec<f64>>();
    let days = Tensor::f64(&[days, columns], (0..days).flat_map(|_| day()).collect())?;
    let rows = (0..).take(config.rows).map(|member| {
        let update = Tensor::i32(&[d], row(1e5))?;
        Ok(Row { member, stake_gwei: 1_000_000_000, accepted: true, update, window: days.clone() })
    });
    let rows = rows.collect::<anyhow::Result<Vec<Row>>>()?;
    let mut models = vec![model.initial()];
    for _ in 0..config.aggregates {
        let params = row(1e4).into_iter().map(|x| tensor::scalar::f64_to_f32(1e-5 * f64::from(x)));
        models.push(Tensor::f32(&[d], params.collect())?);
    }
    let round = Round {
        models,
        key: [1, 2],
        cumulative: Tensor::zeros(Dtype::F64, &[config.cumulative_length])?,
        budget_gwei: 1 << 40,
    };
    Ok(inputs(&round, &rows)?)
}

fn history(sizes: &Sizes) -> anyhow::Result<Vec<Tensor>> {
    let Sizes { nodes, rounds, rows, buckets, .. } = *sizes;
    let mut dice = Dice::new(8);
    let scores: Vec<f64> =
        (0..rounds * buckets).map(|_| 0.01 * chance::uniform(&mut dice)).collect();
    let mut below = |count: usize, end: usize| -> anyhow::Result<Vec<i32>> {
        (0..count).map(|_| Ok(i32::try_from(dice.below(end))?)).collect()
    };
    Ok(vec![
        Tensor::f64(&[rounds, buckets], scores)?,
        Tensor::i32(&[rounds, rows], below(rounds * rows, buckets)?)?,
        Tensor::i32(&[rounds, rows], below(rounds * rows, nodes)?)?,
        Tensor::f64(&[buckets], vec![0.01; buckets])?,
        Tensor::i32(&[rows], below(rows, buckets)?)?,
        Tensor::i32(&[rows], below(rows, nodes)?)?,
        Tensor::zeros(Dtype::F64, &[nodes])?,
        Tensor::f64(&[1], vec![1e12])?,
        Tensor::f64(&[nodes], vec![1e9; nodes])?,
    ])
}

impl Cost {
    /// Returns a line of a table.
    #[must_use]
    pub fn line(&self) -> String {
        let Cost { name, ops, build, interpreter, kernels } = self;
        let ms = |seconds: &f64| format!("{:.1} ms", 1e3 * seconds);
        format!("| {name} | {ops} | {} | {} | {} |", ms(build), ms(interpreter), ms(kernels))
    }

    /// Returns the row as one object, times in seconds.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "program": self.name, "ops": self.ops, "build": self.build,
            "interpreter": self.interpreter, "kernels": self.kernels,
        })
    }
}

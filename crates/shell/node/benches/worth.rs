//! What rows are worth on real days: rounds as `up --attack` runs them, without a chain, each
//! scored on the week that followed by the deployed Programs.
//!
//! Run: `cargo bench -p node --bench worth`, or with `-- DIR …` on your own bars (one folder a
//! venue). Standard errors are over batches of consecutive rounds, since windows overlap.

#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use learn::{Dataset, Kind};
use node::{CAPACITY, CUMULATIVE, Job, Lie, SCORED_DAYS, Source, train_honestly};
use round::{aggregate, score};
use tensor::{Dtype, Hash, Tensor};

/// Nodes, of which the last one lies in its own way.
const NODES: usize = 8;
/// Rounds that are scored at most, and in one batch.
const ROUNDS: usize = 500;
const BATCH: usize = 20;
/// Models before a round's that its score takes.
const BEFORE: usize = 4;
/// Basis points of a row's stake that are paid for a score of 1, as deployed.
const POINTS: f64 = 100.0;

/// What the last node does.
#[derive(Clone, Copy, Debug)]
enum Way {
    Trains,
    Lies(Lie),
    Zero,
    Noise,
}

const WAYS: [(&str, Way); 5] = [
    ("trains like the others", Way::Trains),
    ("hides in the others' spread", Way::Lies(Lie::Hide)),
    ("copies from the round before", Way::Lies(Lie::Copy)),
    ("sends zeros", Way::Zero),
    ("sends noise as long as its update", Way::Noise),
];

/// A job as its rounds go on.
struct World<'a> {
    job: &'a Job,
    data: Vec<Dataset>,
    residuals: Vec<Vec<f32>>,
    /// Params, then those before each of the last rounds.
    models: Vec<Tensor>,
    last: Vec<Vec<i32>>,
}

fn main() -> anyhow::Result<()> {
    let folders: Vec<PathBuf> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).map(Into::into).collect();
    let source = if folders.is_empty() { Source::Wti } else { Source::Folders(folders) };
    let plan = source.plan()?.of_at_least(NODES);
    let job = Job::new(Kind::Har)?;
    let days = &plan.evaluations[0].days;
    let rounds = ROUNDS.min(days.len().saturating_sub(SCORED_DAYS + 1)) / BATCH * BATCH;
    ensure!(rounds >= 2 * BATCH, "{} days are too few", days.len());
    println!(
        "{}: {rounds} rounds of {NODES} nodes, scored on {SCORED_DAYS} days; basis points of a \
         row's stake a round, mean ± standard error",
        plan.evaluations[0].market
    );
    println!(
        "| the last node | it earns | the others, in the mean | the best | the worst of them |"
    );
    println!("|---|---|---|---|---|");
    for (name, way) in WAYS {
        let data = plan.slices.iter().take(NODES).map(|slice| slice.train.clone()).collect();
        let mut world = World {
            job: &job,
            data,
            residuals: vec![Vec::new(); NODES],
            models: vec![job.initial_params(); BEFORE + 1],
            last: Vec::new(),
        };
        let mut earned: Vec<Vec<f64>> = vec![Vec::new(); NODES];
        for round in 1..=rounds {
            let window =
                market::window::window(job.model(), SCORED_DAYS, &days[round..round + SCORED_DAYS]);
            for (node, worth) in earned.iter_mut().zip(world.round(round, way, &window)?) {
                node.push(POINTS * worth);
            }
        }
        let (own, others) = earned.split_last().context("there are nodes")?;
        let all: Vec<f64> = (0..rounds)
            .map(|round| others.iter().map(|one| one[round]).sum::<f64>() / count(NODES - 1))
            .collect();
        let mut each: Vec<(f64, f64)> = others.iter().map(|one| mean(one)).collect();
        each.sort_by(|one, other| one.0.total_cmp(&other.0));
        let shown = |(mean, error): (f64, f64)| format!("{mean:+.3} ± {error:.3}");
        println!(
            "| {name} | {} | {} | {} | {} |",
            shown(mean(own)),
            shown(mean(&all)),
            each.last().copied().map_or_else(String::new, shown),
            each.first().copied().map_or_else(String::new, shown),
        );
    }
    Ok(())
}

impl World<'_> {
    /// Runs a round and returns the mean score of each node's rows.
    fn round(&mut self, number: usize, way: Way, window: &Tensor) -> anyhow::Result<Vec<f64>> {
        let updates = self.updates(number, way)?;
        // Twelve seats among eight of one stake: half of them have two, in turns.
        let seats = |node: usize| 1 + usize::from((node + number).is_multiple_of(2));
        let mut rows = Vec::new();
        for (node, update) in updates.iter().enumerate() {
            let update = Tensor::i32(&[update.len()], update.clone())?;
            rows.extend((0..seats(node)).map(|_| (node, update.clone())));
        }
        ensure!(rows.len() == CAPACITY as usize, "{} rows", rows.len());
        let member = |node: usize| u32::try_from(node).expect("a few nodes");
        let given: Vec<aggregate::Row> = rows
            .iter()
            .map(|(node, update)| aggregate::Row { member: member(*node), update: update.clone() })
            .collect();
        let paid = Tensor::zeros(Dtype::F64, &[CUMULATIVE as usize])?;
        let given = aggregate::inputs((self.models[0].clone(), paid.clone()), 0, &given)?;
        let settled = kernels::eval(&self.job.aggregate(rows.len())?, &given)?;
        let accepted = settled[1].as_i32().context("who was accepted")?;

        let key = [7, i32::try_from(number)?];
        let round = score::Round {
            models: self.models.clone(),
            key,
            cumulative: paid,
            budget_gwei: 1 << 46,
        };
        let scored = |((node, update), accepted): (&(usize, Tensor), &i32)| score::Row {
            member: member(*node),
            stake_gwei: 1_000_000_000_000,
            accepted: *accepted != 0,
            update: update.clone(),
            window: window.clone(),
        };
        let scored: Vec<score::Row> = rows.iter().zip(accepted).map(scored).collect();
        let program = self.job.score(rows.len())?;
        let outputs = kernels::eval(&program, &score::inputs(&round, &scored)?)?;
        let scores = outputs[0].as_f64().context("scores")?;
        let mut worth = vec![0.0; NODES];
        for ((node, _), score) in rows.iter().zip(scores) {
            worth[*node] += score / count(seats(*node));
        }
        self.models.insert(0, settled[0].clone());
        self.models.truncate(BEFORE + 1);
        self.last = updates;
        Ok(worth)
    }

    fn updates(&mut self, number: usize, way: Way) -> anyhow::Result<Vec<Vec<i32>>> {
        let mut seed = Hash([3; 32]);
        seed.0[..8].copy_from_slice(&u64::try_from(number)?.to_le_bytes());
        let mut updates = Vec::new();
        for (data, residual) in self.data.iter().zip(&mut self.residuals) {
            let place = (&self.models[0], u64::try_from(number)?, seed);
            let (update, left) = train_honestly(self.job, data, place, residual)?;
            *residual = left;
            updates.push(update);
        }
        let own = updates.last_mut().context("there are nodes")?;
        let before = self.last.get(..NODES - 1).unwrap_or_default();
        *own = match way {
            Way::Trains => return Ok(updates),
            Way::Lies(lie) => lie.update(std::mem::take(own), before),
            Way::Zero => vec![0; own.len()],
            Way::Noise => noise(own, number),
        };
        Ok(updates)
    }
}

/// An update whose coordinates are those of another in size, and of random sign and order.
fn noise(own: &[i32], number: usize) -> Vec<i32> {
    let key = [11, i32::try_from(number).unwrap_or_default()];
    let word = |at: usize| tensor::random::word(key, 0, at as u64).cast_unsigned() as usize;
    let drawn = (0..own.len()).map(|at| {
        let size = own[word(2 * at) % own.len()];
        if word(2 * at + 1).is_multiple_of(2) { size } else { -size }
    });
    drawn.collect()
}

/// Mean and its standard error over batches.
fn mean(series: &[f64]) -> (f64, f64) {
    let batches: Vec<f64> =
        series.chunks(BATCH).map(|batch| batch.iter().sum::<f64>() / count(batch.len())).collect();
    let mean = batches.iter().sum::<f64>() / count(batches.len());
    let squares: f64 = batches.iter().map(|batch| (batch - mean) * (batch - mean)).sum();
    (mean, (squares / count(batches.len()) / count(batches.len() - 1)).sqrt())
}

fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("a few"))
}

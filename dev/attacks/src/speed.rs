//! How long a rule takes beside byzfl's, on the same rows in one run.
//!
//! Ours and the peer take turns; a ratio is taken within each turn, and its median and quartiles
//! are shown with the bar. One thread each, CPU time, which other programs of a busy machine do not
//! add to. Beside it, what two threads take, and whether their bits are the same, on the wall.
//!
//! *Invariant: the peer's clock runs while its rule does, and not while rows are copied to it.*
//! Absent: pass or fail.

use std::time::Instant;

use anyhow::{Context, ensure};
use kernels::{Runner, Threads};
use laws::dice::Dice;
use round::robust::{Mix, Recipe, Rule, inputs, program};
use serde_json::{Value, json};
use tensor::Tensor;

use crate::peer::Peer;
use crate::{QUANTA, chance};

/// Rows, coordinates and liars.
pub const SIZES: (usize, usize, usize) = (25, 1_200_000, 5);

/// Rules that are timed, each with how many times faster than the peer it should be, or 0 where
/// nothing is asked. The geometric median and centred clipping have the steps that are byzfl's
/// default.
const TIMED: [(&str, &[Mix], Rule, f64); 8] = [
    ("mean", &[], Rule::Mean, 0.0),
    ("median", &[], Rule::Median, 10.0),
    ("trimmed mean", &[], Rule::TrimmedMean, 5.0),
    ("Krum", &[], Rule::Krum, 5.0),
    ("multi-Krum", &[], Rule::MultiKrum, 5.0),
    ("geometric median", &[], Rule::GeometricMedian { steps: 3, smoothing: 0.1 * QUANTA }, 5.0),
    ("centred clipping", &[], Rule::CentredClipping { steps: 1, radius: 100.0 * QUANTA }, 5.0),
    ("NNM, mean", &[Mix::Neighbours], Rule::Mean, 10.0),
];

/// One rule's times.
#[derive(Clone, Debug)]
pub struct Row {
    name: &'static str,
    bar: f64,
    ours: Vec<f64>,
    peers: Vec<f64>,
    two: f64,
}

/// Times every rule whose name has this word in it.
///
/// # Errors
///
/// If the peer fails, or two threads gave other bits than one.
pub fn run(
    peer: &mut Peer,
    (turns, filter): (usize, &str),
    mut tell: impl FnMut(&Row),
) -> anyhow::Result<()> {
    let (n, d, liars) = SIZES;
    let rows = rows(n, d);
    for (name, mixes, rule, bar) in TIMED {
        if !name.contains(filter) {
            continue;
        }
        let recipe = Recipe { mixes: mixes.to_vec(), rule, liars };
        peer.take(&recipe, 0)?;
        let mut ours = Timed::new(&recipe, &rows)?;
        let (first, _) = ours.run(1)?;
        let mut row = Row { name, bar, ours: vec![], peers: vec![], two: f64::INFINITY };
        for _ in 0..turns {
            let (output, seconds) = ours.run(1)?;
            ensure!(output == first, "{name}: a run depends on more than its inputs");
            row.ours.push(seconds);
            row.peers.push(peer.seconds(&rows)?);
        }
        for _ in 0..turns {
            let (output, seconds) = ours.run(2)?;
            ensure!(output == first, "{name}: two threads give other bits than one");
            row.two = if seconds < row.two { seconds } else { row.two };
        }
        tell(&row);
    }
    Ok(())
}

/// Gradients of a model as a round has them: a common direction and noise of each node.
fn rows(n: usize, d: usize) -> Vec<Vec<i32>> {
    let mut dice = Dice::new(25);
    let common: Vec<f32> = (0..d).map(|_| small(&mut dice)).collect();
    let mut row = || {
        let row: Vec<f32> = common.iter().map(|x| x + small(&mut dice)).collect();
        crate::fight::quantised(&row)
    };
    (0..n).map(|_| row()).collect()
}

fn small(dice: &mut Dice) -> f32 {
    tensor::scalar::f64_to_f32(0.02 * (chance::uniform(dice) - 0.5))
}

struct Timed {
    runners: [Runner; 2],
    inputs: Vec<Tensor>,
}

impl Timed {
    fn new(recipe: &Recipe, rows: &[Vec<i32>]) -> anyhow::Result<Timed> {
        let (n, d) = (rows.len(), rows[0].len());
        let program = program(recipe, n, d)?;
        let runner =
            |count| Runner::new(&program).with_threads(Threads { count, ..Threads::available() });
        let mut tensors = Vec::with_capacity(n);
        for row in rows {
            tensors.push(Tensor::i32(&[d], row.clone())?);
        }
        let previous = Tensor::f32(&[d], vec![0.0; d])?;
        let inputs = inputs(previous, None, &tensors)?;
        Ok(Timed { runners: [runner(1), runner(2)], inputs })
    }

    /// Returns the aggregate and the seconds: of the processor on one thread, on the wall on two.
    fn run(&mut self, threads: usize) -> anyhow::Result<(Tensor, f64)> {
        let (wall, processor) = (Instant::now(), processor_seconds());
        let inputs: Vec<&Tensor> = self.inputs.iter().collect();
        let mut outputs = self.runners[threads - 1].run(&inputs)?;
        let seconds = if threads == 1 {
            processor_seconds() - processor
        } else {
            wall.elapsed().as_secs_f64()
        };
        Ok((outputs.pop().context("a recipe has one output")?, seconds))
    }
}

/// CPU time of all threads of this process.
#[expect(clippy::cast_precision_loss, reason = "a process runs for far less than 2^53 ns")]
fn processor_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn sorted(mut list: Vec<f64>) -> Vec<f64> {
    list.sort_by(f64::total_cmp);
    list
}

impl Row {
    /// Returns the ratios of the turns: theirs over ours, ascending.
    fn ratios(&self) -> Vec<f64> {
        sorted(self.peers.iter().zip(&self.ours).map(|(peer, ours)| peer / ours).collect())
    }

    /// Returns a line of a table.
    #[must_use]
    pub fn line(&self) -> String {
        let (ratios, middle) = (self.ratios(), self.ours.len() / 2);
        let ms = |list: &[f64]| 1e3 * sorted(list.to_vec())[middle];
        let bar = match self.bar {
            bar if bar <= 0.0 => "–".to_owned(),
            bar if ratios[middle] >= bar => format!("{bar}: met"),
            bar => format!("{bar}: **missed**"),
        };
        format!(
            "| {} | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} ({:.1} to {:.1}) | {bar} |",
            self.name,
            ms(&self.ours),
            1e3 * self.two,
            ms(&self.peers),
            ratios[middle],
            ratios[ratios.len() / 4],
            ratios[3 * ratios.len() / 4],
        )
    }

    /// Returns the row as one object, times in seconds.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "rule": self.name, "bar": self.bar, "ours": self.ours, "byzfl": self.peers,
            "two_threads_wall": self.two, "ratios": self.ratios(),
        })
    }
}

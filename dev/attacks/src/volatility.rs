//! The network's own task: log-HAR forecasts of variance, on days of real markets.
//!
//! The bars are daily ones of the S&P 500 (1999 to 2018, variance by the range) and of WTI (1986 to
//! 2018, by squared returns), in [`market::Plan`]'s slices. Days before the split are what nodes
//! train on, standardised as their slices are; days after it are what the model is measured on.
//! Nodes send gradients of QLIKE by `learn`'s Program; the measure is what a round's score has,
//! [`market::window::loss`]. A day's kind is the tenth of all days that its level of variance falls
//! into, so that a split by kinds gives a node calm days alone, or wild ones.
//!
//! *Invariant: no day that is measured is trained on.* Absent: the perceptron; pay; other files of
//! bars, which `feeds` reads and this crate does without.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, ensure};
use flate2::read::GzDecoder;
use kernels::{Runner, Threads};
use learn::{Activation, Kind, Loss, Mlp, Model, Network, Optimiser, Training};
use market::{Bar, Date, FEATURES, Plan, Series, window};
use tensor::{Builder, Dtype, Tensor};

use crate::data::CLASSES;
use crate::task::{BATCH, Task};

/// The place of a day's level of variance among its features.
const LEVEL: usize = 2;

/// What is read of an outcome that is turned: the log of a ratio below this is not negated further.
const RATIO_MIN: f32 = 0.01;

/// What a round's aggregate is multiplied by.
const RATE: f32 = 0.3;

/// Days of markets, on both sides of the split.
#[derive(Clone, Debug)]
pub struct Days {
    /// Features of the days before, [`FEATURES`] each.
    features: Vec<f32>,
    /// What came, over the anchor.
    ratios: Vec<f32>,
    kinds: Vec<usize>,
    /// The days after, as a score's window.
    after: Tensor,
}

/// Reads both markets from a folder.
///
/// # Errors
///
/// If a file is missing or is not what it should be.
pub fn days(folder: &Path) -> anyhow::Result<Days> {
    let series = [daily(folder, "sp500", true)?, daily(folder, "wti", false)?];
    let plan = Plan::new(&series)?;
    let (mut features, mut ratios) = (Vec::new(), Vec::new());
    for slice in &plan.slices {
        let (x, y) = (slice.train.x().as_f32(), slice.train.y().as_f32());
        let (x, y) = x.zip(y).context("datasets are f32")?;
        features.extend_from_slice(&x[..slice.train.count() * FEATURES.len()]);
        ratios.extend_from_slice(&y[..slice.train.count()]);
    }
    let after: Vec<_> = plan.evaluations.iter().flat_map(|market| &market.days).cloned().collect();
    let after = window::window(&Model::new(Kind::Har, &FEATURES), after.len(), &after);
    Ok(Days { kinds: tenths(&features), features, ratios, after })
}

/// Reads a table of days: the date, month first, then the open, high, low and close, or the close
/// alone. Days without a price are passed over.
fn daily(folder: &Path, symbol: &str, ranged: bool) -> anyhow::Result<Series> {
    let path = folder.join(format!("{symbol}.csv.gz"));
    let file = std::fs::File::open(&path)
        .with_context(|| format!("{} is missing; name the folder of daily bars", path.display()))?;
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text)?;
    let mut bars = Vec::new();
    for (row, line) in text.lines().enumerate().skip(1) {
        let bad = || format!("{}, row {row}: no day of prices", path.display());
        let (day, rest) = line.split_once(',').with_context(bad)?;
        let prices: Vec<f64> = rest.split(',').map_while(|cell| cell.parse().ok()).collect();
        let (open, high, low, close) = match prices[..] {
            [] => continue,
            [open, high, low, close, ..] if ranged => (open, high, low, close),
            [close, ..] => (close, close, close, close),
        };
        let open_s = date(day).with_context(bad)?.unix();
        bars.push(Bar { open_s, open, high, low, close, volume: 0.0 });
    }
    let (venue, symbol) = ("tradfi".to_owned(), symbol.to_owned());
    Ok(Series { venue, symbol, interval_s: 86_400, ranged, bars })
}

/// A date like 12/31/1999.
fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('/');
    let (month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Date::from_ymd(parts.next()?.parse().ok()?, month, day).ok()
}

/// Which tenth of all days each is in by its level.
fn tenths(features: &[f32]) -> Vec<usize> {
    let levels: Vec<f32> = features.iter().skip(LEVEL).step_by(FEATURES.len()).copied().collect();
    let mut order: Vec<usize> = (0..levels.len()).collect();
    order.sort_by(|a, b| levels[*a].total_cmp(&levels[*b]));
    let mut kinds = vec![0; levels.len()];
    for (place, day) in order.iter().enumerate() {
        kinds[*day] = place * CLASSES / levels.len();
    }
    kinds
}

impl Days {
    /// Returns how many days nodes train on, and how many the model is measured on.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.ratios.len(), self.after.shape().dims()[0])
    }
}

/// Days and the model that learns from them.
#[derive(Debug)]
pub struct Volatility<'a> {
    days: &'a Days,
    gradient: Runner,
    loss: Runner,
    count: usize,
    /// The loss of the model of zeros, which forecasts the average of 22 days.
    untrained: f64,
}

impl<'a> Volatility<'a> {
    /// Returns the task.
    ///
    /// # Errors
    ///
    /// If a Program cannot be built.
    pub fn new(days: &'a Days) -> anyhow::Result<Self> {
        let one = Threads { count: 1, ..Threads::available() };
        let training = Training {
            network: Network::Mlp(Mlp {
                features: FEATURES.len(),
                hidden: vec![],
                activation: Activation::Tanh,
            }),
            loss: Loss::Qlike,
            optimiser: Optimiser::SGD,
            batch: BATCH,
            dtype: Dtype::F32,
        };
        let gradient = Runner::new(&training.gradient()?).with_threads(one);
        let model = Model::new(Kind::Har, &FEATURES);
        let count = model.count();
        ensure!(count == training.count()?, "a network without hidden layers is log-HAR");
        let mut b = Builder::new();
        let params = b.input(Dtype::F32, &[count])?;
        let after = b.input(Dtype::F64, days.after.shape().dims())?;
        let loss = window::loss(&mut b, &model, params, after)?;
        let loss = Runner::new(&b.finish(&[loss])?).with_threads(one);
        let mut task = Volatility { days, gradient, loss, count, untrained: 0.0 };
        task.untrained = task.loss(&vec![0.0; count]);
        Ok(task)
    }

    /// Returns the mean QLIKE of a model on the days after the split.
    fn loss(&mut self, params: &[f32]) -> f64 {
        const FITS: &str = "the parameters are those of the model";
        let params = Tensor::f32(&[self.count], params.to_vec()).expect(FITS);
        let outputs = self.loss.run(&[&params, &self.days.after]).expect(FITS);
        outputs[0].as_f64().expect("a loss is f64")[0]
    }
}

impl Task for Volatility<'_> {
    fn count(&self) -> usize {
        self.count
    }

    fn rate(&self) -> f32 {
        RATE
    }

    fn kinds(&self) -> &[usize] {
        &self.days.kinds
    }

    fn gradients(&mut self, params: &[f32], batch: &[usize], flipped: usize) -> Vec<Vec<f32>> {
        const FITS: &str = "a batch is of the Program's size";
        let params = Tensor::f32(&[self.count], params.to_vec()).expect(FITS);
        let mut all = Vec::new();
        for (node, days) in batch.chunks(BATCH).enumerate() {
            let width = FEATURES.len();
            let row = |day: &usize| &self.days.features[day * width..][..width];
            let x = days.iter().flat_map(row).copied().collect();
            let ratio = |day: &usize| match self.days.ratios[*day] {
                ratio if node >= flipped => ratio,
                ratio if ratio < RATIO_MIN => 1.0 / RATIO_MIN,
                ratio => 1.0 / ratio,
            };
            let y = days.iter().map(ratio).collect();
            let x = Tensor::f32(&[BATCH, width], x).expect(FITS);
            let y = Tensor::f32(&[BATCH], y).expect(FITS);
            let outputs = self.gradient.run(&[&params, &x, &y]).expect(FITS);
            all.push(outputs[1].as_f32().expect("gradients are f32").to_vec());
        }
        all
    }

    /// By how much the loss is below that of the model of zeros.
    fn score(&mut self, params: &[f32]) -> f64 {
        self.untrained - self.loss(params)
    }
}

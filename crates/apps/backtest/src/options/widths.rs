//! How wide each system's grid is at each capture.
//!
//! Every width is for the six hours to come. *Ours*: the tail's Program at its frozen constants, a
//! step a capture; the forecast is the volatility at the money, a second worker the exponential
//! average of squared index returns; hourly paces and fadings count six times. A loss over another
//! span than six hours is brought to six by the tail's own law, `hours^(elasticity / 2)`. The moves
//! of volatility are as many deviations as those of the price. *FHS-EWMA*: deviations by the same
//! average, times the largest 99.5 % of standardised moves so far.
//!
//! *Invariant: a width is made of captures up to its own.*

use market::risk::{Config, TailConfig, tail_step};
use market::scenario::Width;
use tensor::Tensor;

use super::captures::Capture;
use crate::error::Error;

/// Hours from one report to the next.
pub(crate) const STEP_H: f64 = 6.0;
const YEAR_H: f64 = 8_760.0;
/// Decay of the exponential averages, a day (RiskMetrics).
const DECAY: f64 = 0.94;
/// The share of moves within the historical simulation's quantile.
const LEVEL: f64 = 0.995;

/// A system's margins at a capture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) initial: Width,
    /// The width that maintenance is a share of.
    pub(crate) maintenance: Width,
    pub(crate) share: f64,
}

impl Asked {
    /// Returns all moves times a factor.
    pub(crate) fn times(self, factor: f64) -> Asked {
        let times = |w: Width| {
            let [half, up, down] = [w.half, w.up, w.down].map(|x| x * factor);
            Width { half: half.min(0.95), up, down }
        };
        let (initial, maintenance) = (times(self.initial), times(self.maintenance));
        Asked { initial, maintenance, share: self.share }
    }

    /// The published static table, with this share of it as maintenance.
    pub(crate) fn fixed(share: f64) -> Asked {
        Asked { initial: Width::STATIC, maintenance: Width::STATIC, share }
    }
}

/// An exponential average of squares over time, a plain one in the beginning.
#[derive(Clone, Copy, Debug, Default)]
struct Average {
    rate: f64,
    seen: f64,
}

impl Average {
    /// Takes a move over so many hours.
    fn see(&mut self, moved: f64, hours: f64) {
        self.seen += 1.0;
        let weight = (1.0 - DECAY.powf(hours / 24.0)).max(1.0 / self.seen);
        self.rate += weight * (moved * moved / hours - self.rate);
    }

    /// The deviation of a move over so many hours.
    fn deviation(&self, hours: f64) -> f64 {
        (self.rate * hours).sqrt()
    }
}

/// What follows an asset from capture to capture.
#[derive(Clone, Debug, Default)]
struct Followed {
    price: Average,
    volatility: Average,
    /// Sizes of moves over their deviations.
    prices: Vec<f64>,
    volatilities: Vec<f64>,
}

impl Followed {
    fn see(&mut self, [price, volatility]: [f64; 2], hours: f64) {
        let moves = [
            (&mut self.price, &mut self.prices, price),
            (&mut self.volatility, &mut self.volatilities, volatility),
        ];
        for (average, sizes, moved) in moves {
            let deviation = average.deviation(hours);
            if deviation > 0.0 {
                sizes.push(moved.abs() / deviation);
            }
            average.see(moved, hours);
        }
    }
}

/// The frozen tail with a step of six hours.
fn tail(floor: f64) -> TailConfig {
    let tail = Config::frozen().tail;
    TailConfig {
        workers: 2,
        floor,
        fade: tail.fade.powf(STEP_H),
        usual_rate: tail.usual_rate * STEP_H,
        down: tail.down.powf(STEP_H),
        up: tail.up.powf(STEP_H),
        ..tail
    }
}

/// Returns ours and those of historical simulation at each capture.
///
/// # Errors
///
/// [`Error::NoSurface`] where a capture has no volatility at the money.
pub(crate) fn widths(
    name: &str,
    captures: &[Capture],
    floor: f64,
) -> Result<Vec<(Asked, Asked)>, Error> {
    let config = tail(floor);
    let program = tail_step(&config)?;
    let mut state = config.initial_state();
    let mut followed = Followed::default();
    let mut all = Vec::with_capacity(captures.len());
    let mut last: Option<(&Capture, f64)> = None;
    for capture in captures {
        let missing = || Error::NoSurface { asset: name.to_owned(), time_s: capture.time_s };
        let near = capture.near().ok_or_else(missing)?;
        let month = capture.month().ok_or_else(missing)?;
        let mut losses = [0.0; 2];
        if let Some((before, then)) = last {
            let hours = (capture.time_s - before.time_s) as f64 / 3_600.0;
            followed.see([(capture.index / before.index).ln(), (month / then).ln()], hours);
            let to_step = (STEP_H / hours).powf(0.5 * config.elasticity);
            let loss = (1.0 - capture.index / before.index) * to_step;
            losses = [loss, -loss];
        }
        last = Some((capture, month));
        let forecast = near * (STEP_H / YEAR_H).sqrt();
        let shown = followed.price.deviation(STEP_H);
        let workers = [forecast, if shown > 0.0 { shown } else { forecast }].map(f64::ln);
        let inputs = [state, vector(&losses), vector(&workers), vector(&[0.0, 0.0])];
        let mut outputs = tensor::eval(&program, &inputs).expect("inputs fit the Program");
        let report = outputs[1].as_f64().expect("the report is f64");
        let (initial, maintenance) = (report[7], report[8] / config.share);
        state = outputs.swap_remove(0);
        let of_month = followed.volatility.deviation(STEP_H);
        let ours = |half: f64| moves(half, of_month * half / forecast);
        let ours =
            Asked { initial: ours(initial), maintenance: ours(maintenance), share: config.share };
        let z = [&followed.prices, &followed.volatilities].map(|sizes| quantile(sizes));
        let width = moves(shown * z[0], of_month * z[1]);
        let fhs = Asked { initial: width, maintenance: width, share: config.share };
        all.push((ours, fhs));
    }
    Ok(all)
}

/// A width whose volatility moves by this logarithm, up and down.
fn moves(half: f64, ln: f64) -> Width {
    Width { half: half.min(0.95), up: ln.exp() - 1.0, down: 1.0 - (-ln).exp() }
}

/// The empirical quantile; 0 for none.
fn quantile(sizes: &[f64]) -> f64 {
    let mut sorted = sizes.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let due = LEVEL * sizes.len() as f64;
    let place = (0..sizes.len()).find(|i| (i + 1) as f64 >= due);
    place.map_or(0.0, |place| sorted[place])
}

fn vector(values: &[f64]) -> Tensor {
    Tensor::f64(&[values.len()], values.to_vec()).expect("a vector is not empty")
}

//! Constants of the engine, chosen by rule on the hours before a day.
//!
//! For replays of crashes that the people who chose [`Config::frozen`] had seen. Three steps, each
//! on all markets together: the prior's strength by QLIKE of the next hour's variance; scale and
//! quantile by the pinball loss of both sides; the margin's constants one after the other, twice
//! over, by cost among those that keep the bars of the design, or else by how little they break
//! them.
//!
//! *Invariant: nothing but the given hours decides.* Absent: choices of features, and the lists of
//! values, which are written here.

use market::Series;
use market::risk::{Config, HourReport, Outlook, TailConfig, margins, outlook};
use market::stats::pinball;

use crate::data;
use crate::error::Error;
use crate::measures::mean;

/// The share of hours within the quantile.
const LEVEL: f64 = 0.995;
/// What the prior precisions are multiplied by.
const SHRINKAGES: [f64; 5] = [0.1, 1.0, 10.0, 100.0, 1_000.0];
const ELASTICITIES: [f64; 4] = [0.7, 0.8, 0.9, 1.0];
const RATES: [f64; 3] = [0.05, 0.1, 0.2];
const BUMPS: [f64; 3] = [0.0, 0.15, 0.3];

/// A constant of the margin and the values it may have.
type Coordinate = (fn(&mut TailConfig) -> &mut f64, &'static str, &'static [f64]);

/// The margin's constants, in the order of the search.
const MARGIN: [Coordinate; 5] = [
    (|tail| &mut tail.ceiling, "ceiling", &[2.0, 3.0, 4.0, 6.0]),
    (|tail| &mut tail.up, "up", &[1.06, 1.12, 1.25]),
    (|tail| &mut tail.buffer, "buffer", &[0.0, 0.1, 0.2]),
    (|tail| &mut tail.kappa, "kappa", &[0.0, 0.2, 0.4, 0.8]),
    (|tail| &mut tail.down, "down", &[0.85, 0.95]),
];

/// What was chosen.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The prior's strength.
    pub shrinkage: f64,
    /// Tail and margin, but for the floor.
    pub tail: TailConfig,
    /// Configurations that were tried.
    pub tried: usize,
    /// Each step in a sentence.
    pub steps: Vec<String>,
}

/// Multiplies the prior precisions of the core's columns, but not the constant's.
pub fn shrink(config: &mut Config, factor: f64) {
    for precision in config.hour.workers[0].prior.precision.iter_mut().skip(1) {
        *precision *= factor;
    }
}

/// Chooses on all hours of these series, whose holes are of at most `holes_h` hours.
///
/// # Errors
///
/// [`Error`] where the engine cannot use the bars.
pub fn choose(
    series: &[Series],
    holes_h: usize,
    progress: &mut dyn FnMut(&str),
) -> Result<Chosen, Error> {
    let mut steps = Vec::new();
    let (shrinkage, outlooks) = prior(series, holes_h, &mut steps, progress)?;
    let markets: Vec<Case<'_>> = series.iter().zip(&outlooks).map(Case::of).collect();
    let mut search = Search { markets, tried: SHRINKAGES.len(), progress };
    let mut tail = Config::frozen().tail;
    search.quantile(&mut tail, &mut steps)?;
    search.margin(&mut tail, &mut steps)?;
    Ok(Chosen { shrinkage, tail, tried: search.tried, steps })
}

/// The strength of the prior by QLIKE, with the forecasts it gives.
fn prior(
    series: &[Series],
    holes_h: usize,
    steps: &mut Vec<String>,
    progress: &mut dyn FnMut(&str),
) -> Result<(f64, Vec<Outlook>), Error> {
    let mut best: Option<(f64, f64, Vec<Outlook>)> = None;
    for shrinkage in SHRINKAGES {
        progress(&format!("prior times {shrinkage}"));
        let mut config = Config::frozen();
        shrink(&mut config, shrinkage);
        let of = |series: &Series| outlook(series, &config, holes_h);
        let outlooks = series.iter().map(of).collect::<Result<Vec<_>, _>>()?;
        let losses: Vec<f64> = outlooks.iter().map(qlike).collect();
        let loss = mean(&losses);
        steps.push(format!("prior times {shrinkage}: QLIKE {loss:.5}"));
        if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
            best = Some((loss, shrinkage, outlooks));
        }
    }
    let (_, shrinkage, outlooks) = best.expect("the list is not empty");
    Ok((shrinkage, outlooks))
}

fn qlike(outlook: &Outlook) -> f64 {
    let losses = outlook.variances().map(|(f, y)| y / f - (y / f).ln() - 1.0);
    mean(&losses.collect::<Vec<_>>())
}

/// A market to choose on.
struct Case<'a> {
    outlook: &'a Outlook,
    floor: f64,
}

impl<'a> Case<'a> {
    fn of((series, outlook): (&Series, &'a Outlook)) -> Case<'a> {
        Case { outlook, floor: data::floor(&series.symbol) }
    }
}

/// How far a margin breaks the bars, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Verdict {
    broken: f64,
    cost: f64,
}

struct Search<'a> {
    markets: Vec<Case<'a>>,
    tried: usize,
    progress: &'a mut dyn FnMut(&str),
}

impl Search<'_> {
    fn run(&mut self, tail: TailConfig) -> Result<Vec<Vec<HourReport>>, Error> {
        self.tried += 1;
        (self.progress)(&format!("configuration {}", self.tried));
        let of = |case: &Case<'_>| {
            let mut config = Config::frozen();
            config.tail = TailConfig { floor: case.floor, ..tail };
            Ok(margins(case.outlook, &config, 0.0)?)
        };
        self.markets.iter().map(of).collect()
    }

    /// Elasticity, rate and raise by the pinball loss of both sides, a market's in shares of its
    /// mean loss of either sign.
    fn quantile(&mut self, tail: &mut TailConfig, steps: &mut Vec<String>) -> Result<(), Error> {
        let mut best = f64::INFINITY;
        for elasticity in ELASTICITIES {
            for rate in RATES {
                for bump in BUMPS {
                    let tried = TailConfig { elasticity, rate, bump, ..*tail };
                    let runs = self.run(tried)?;
                    let loss =
                        mean(&runs.iter().map(|hours| pinball_of(hours)).collect::<Vec<_>>());
                    if loss < best {
                        (best, *tail) = (loss, tried);
                    }
                }
            }
        }
        let TailConfig { elasticity, rate, bump, .. } = *tail;
        steps.push(format!(
            "elasticity {elasticity}, rate {rate}, bump {bump}: pinball {best:.5} of the mean move"
        ));
        Ok(())
    }

    /// The margin's constants, one after the other, twice over.
    fn margin(&mut self, tail: &mut TailConfig, steps: &mut Vec<String>) -> Result<(), Error> {
        let mut best = self.judge(*tail)?;
        for _ in 0..2 {
            for (coordinate, name, values) in MARGIN {
                for value in values {
                    let mut tried = *tail;
                    *coordinate(&mut tried) = *value;
                    if tried == *tail {
                        continue;
                    }
                    let verdict = self.judge(tried)?;
                    if verdict < best {
                        (best, *tail) = (verdict, tried);
                    }
                }
                let value = *coordinate(&mut tail.clone());
                let Verdict { broken, cost } = best;
                steps.push(format!("{name} {value}: bars broken by {broken:.4}, cost {cost:.5}"));
            }
        }
        Ok(())
    }

    fn judge(&mut self, tail: TailConfig) -> Result<Verdict, Error> {
        let runs = self.run(tail)?;
        let broken: f64 = runs.iter().map(|hours| broken(hours)).sum();
        let cost = runs.iter().map(|hours| mean_of(hours, |hour| hour.initial)).sum();
        Ok(Verdict { broken, cost })
    }
}

fn mean_of(hours: &[HourReport], of: impl Fn(&HourReport) -> f64) -> f64 {
    mean(&hours.iter().map(of).collect::<Vec<_>>())
}

fn pinball_of(hours: &[HourReport]) -> f64 {
    let loss = |hour: &HourReport| {
        pinball(hour.loss.long, hour.quantile.long, LEVEL)
            + pinball(hour.loss.short, hour.quantile.short, LEVEL)
    };
    mean_of(hours, loss) / mean_of(hours, |hour| hour.loss.long.abs())
}

/// By how much the bars of the design are broken, each as a share of itself: initial margin is
/// exceeded in at most 0.2 % of hours and maintenance in 0.5 %, the peak of maintenance is at most
/// four medians, its largest step a quarter, and initial costs at most a quarter more than the
/// unloaded shortfall.
fn broken(hours: &[HourReport]) -> f64 {
    let beyond = |of: fn(&HourReport) -> f64| {
        let beyond = |hour: &HourReport| {
            if hour.loss.long.max(hour.loss.short) > of(hour) { 1.0 } else { 0.0 }
        };
        mean_of(hours, beyond)
    };
    let mut maintenance: Vec<f64> = hours.iter().map(|hour| hour.maintenance).collect();
    let step = maintenance.windows(2).map(|pair| pair[1] / pair[0]).fold(1.0, f64::max);
    maintenance.sort_unstable_by(f64::total_cmp);
    let peak = maintenance[maintenance.len() - 1] / maintenance[maintenance.len() / 2];
    let cost = mean_of(hours, |hour| hour.initial) / mean_of(hours, |hour| hour.unloaded);
    let bars = [
        (beyond(|hour| hour.initial), 0.002),
        (beyond(|hour| hour.maintenance), 0.005),
        (peak, 4.0),
        (step - 1.0, 0.25 + 1e-9),
        (cost, 1.25),
    ];
    bars.iter().map(|(value, bar)| (value / bar - 1.0).max(0.0)).sum()
}

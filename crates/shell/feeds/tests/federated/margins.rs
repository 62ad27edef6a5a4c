//! The margin that a network of these rounds would have published for each day, beside the formula
//! that stood in its place before: a fixed multiple of the forecast deviation.
//!
//! *Invariant: a day's margin is made of what came before it.* Absent: the gate's limits and steps.

use kernels::Runner;
use market::{Day, Evaluation, REPORT_DAYS, Recent};
use tensor::Tensor;

use crate::dry_run::{Federation, Settled};

/// Days of the error term of the formula before.
const ERROR_DAYS: usize = 64;

/// A margin with its bounds: value, lower, upper.
pub(crate) type Bounds = [f64; 3];

/// What was published for a day, and what the day brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published {
    /// The margin of the report Program.
    pub(crate) margin: Bounds,
    /// Its volatility.
    pub(crate) volatility: Bounds,
    /// The margin of the formula before.
    pub(crate) before: Bounds,
    /// What the day's move cost whoever was on the wrong side, as a share of the position's value.
    pub(crate) loss: f64,
    /// The square root of the day's variance as it was measured.
    pub(crate) realised: f64,
}

/// Returns what would have been published for the last days before the split, as many as there are
/// after it, and for those, by the model and updates of a settled round.
pub(crate) fn published(
    federation: &Federation,
    settled: &Settled,
    evaluation: &Evaluation,
) -> [Vec<Published>; 2] {
    let all: Vec<&Day> = evaluation.lead.iter().chain(&evaluation.days).collect();
    let split = evaluation.lead.len();
    let from = split.saturating_sub(evaluation.days.len()).max(ERROR_DAYS);
    let program = market::report(federation.model(), settled.trained.updates.len(), learn::step());
    let mut runner = Runner::new(&program.expect("a few rows"));
    let owned: Vec<Day> = all.iter().copied().cloned().collect();
    let forecasts = federation.forecasts(&settled.params, &owned);
    let members = members(federation, settled, &owned);
    let mut of = |i: usize| {
        let recent = Recent::new(&all[i.saturating_sub(REPORT_DAYS)..i], all[i]);
        let recent = recent.expect("days of one market");
        let trained = Some(&settled.trained);
        let inputs = market::report_inputs(&settled.params, &recent, trained);
        let outputs = runner.run(&inputs).expect("inputs of the report");
        let bounds = |k: usize| -> Bounds {
            outputs[k].as_f64().expect("f64").try_into().expect("three numbers")
        };
        let past = i - ERROR_DAYS..i;
        let ratios = past.map(|j| all[j].proxy / forecasts[j]).collect::<Vec<_>>();
        let own: Vec<f64> = members.iter().map(|member| member[i]).collect();
        Published {
            margin: bounds(0),
            volatility: bounds(1),
            before: formula(forecasts[i], &own, &ratios),
            loss: (all[i].ret.exp() - 1.0).abs(),
            realised: all[i].proxy.sqrt(),
        }
    };
    let mut walk = |range: std::ops::Range<usize>| range.map(&mut of).collect();
    [walk(from.min(split)..split), walk(split..all.len())]
}

/// Each accepted trainer's own forecasts.
fn members(federation: &Federation, settled: &Settled, days: &[Day]) -> Vec<Vec<f64>> {
    let step = learn::step();
    let before = settled.trained.before.as_f32().expect("f32");
    let own = settled.accepted.iter().zip(&settled.trained.updates);
    own.filter(|(accepted, _)| **accepted == 1)
        .map(|(_, update)| {
            let update = update.as_i32().expect("i32").iter();
            #[expect(clippy::cast_precision_loss, reason = "as the Program converts")]
            let own = before.iter().zip(update).map(|(p, q)| (*q as f32).mul_add(step, *p));
            let own: Vec<f32> = own.collect();
            let own = Tensor::f32(&[own.len()], own).expect("as many as parameters");
            federation.forecasts(&own, days)
        })
        .collect()
}

/// The formula before: `clip(3.4 sigma)`, and for the bounds `exp(-+ 1.645 u / 2)` with the
/// disagreement of the trainers and the standard error of the mean ratio of outcome to forecast.
fn formula(forecast: f64, members: &[f64], ratios: &[f64]) -> Bounds {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / count(x.len().max(1));
    let around = |x: &[f64], centre: f64| {
        mean(&x.iter().map(|x| (x - centre) * (x - centre)).collect::<Vec<_>>())
    };
    let logs: Vec<f64> = members.iter().map(|f| f.ln()).collect();
    let ratios: Vec<f64> = ratios.iter().map(|ratio| ratio.clamp(0.0, 100.0)).collect();
    let error = around(&ratios, 1.0) / count(ratios.len());
    let u = (around(&logs, mean(&logs)) + error).sqrt();
    let (raw, up) = (3.4 * forecast.sqrt(), (1.645 * u / 2.0).exp());
    [raw, raw / up, raw * up].map(|margin| margin.clamp(0.02, 1.0))
}

fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

/// Margins of some days, judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    /// Days.
    #[allow(dead_code, reason = "the example prints it, the test does not")]
    pub(crate) days: usize,
    /// Days whose loss was larger.
    pub(crate) beyond: usize,
    /// The mean margin, as a share of a position's value.
    pub(crate) mean: f64,
    /// The largest over the median.
    pub(crate) peak: f64,
}

/// Judges one of the numbers that were published.
pub(crate) fn judged(published: &[Published], margin: impl Fn(&Published) -> f64) -> Judged {
    let mut margins: Vec<f64> = published.iter().map(&margin).collect();
    let beyond = published.iter().filter(|one| one.loss > margin(one)).count();
    let mean = margins.iter().sum::<f64>() / count(margins.len().max(1));
    margins.sort_by(f64::total_cmp);
    let at = |i: usize| margins.get(i).copied().unwrap_or(f64::NAN);
    let peak = at(margins.len().saturating_sub(1)) / at(margins.len() / 2);
    Judged { days: published.len(), beyond, mean, peak }
}

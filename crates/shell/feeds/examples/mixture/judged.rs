//! The scores of workers and mixtures, and the rule by which a network joins.

use std::ops::Range;

use market::Date;
use market::risk::{
    ADMITTED, Config, Lesson, NetworkConfig, Predictive, TwoPiece, interval_step, mixed,
};
use market::stats::{diebold_mariano, holm, uniformity};
use tensor::Tensor;

use crate::{Failure, Market};

/// Lags of the Newey-West variance, days.
const LAGS: usize = 7;
/// The statistic at which a network that beats the regression joins.
const BEATS: f64 = -2.0;

/// Location and scale of each day's law.
type Laws = Vec<(f64, f64)>;

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len().max(1) as f64
}

fn law(predictive: &Predictive) -> (f64, f64) {
    (predictive.location, predictive.variance.sqrt())
}

/// What a worker's or a mixture's laws are worth on some days.
struct Scores {
    qlike: Vec<f64>,
    crps: Vec<f64>,
    transforms: Vec<f64>,
    forecasts: Vec<f64>,
    /// Whether the tracked 90 % interval held the outcome.
    inside: Vec<bool>,
}

/// Whether the interval that is tracked online held each day's outcome.
fn tracked(days: &[Lesson], laws: &[(f64, f64)]) -> Vec<bool> {
    let interval = Config::frozen().day.interval;
    let program = interval_step(&interval).expect("the frozen interval is a Program");
    let vector = |v: &[f64]| Tensor::f64(&[v.len()], v.to_vec()).expect("not empty");
    let (mut state, mut last) = (interval.initial_state(), [0.0, 0.0, 1.0]);
    let mut inside = Vec::with_capacity(days.len());
    for (day, (location, scale)) in days.iter().zip(laws) {
        let inputs = [state, vector(&last), vector(&[*location, *scale])];
        let mut outputs = tensor::eval(&program, &inputs).expect("inputs fit the Program");
        let ends = outputs[1].as_f64().expect("the interval is f64");
        inside.push((ends[0]..=ends[1]).contains(&day.outcome));
        (state, last) = (outputs.swap_remove(0), [day.outcome, *location, *scale]);
    }
    inside
}

impl Scores {
    fn of(days: &[Lesson], laws: &[(f64, f64)], (shape, range): (&TwoPiece, &Range<Date>)) -> Self {
        let within = |day: &Lesson| Date::of_unix(day.open_s).is_some_and(|d| range.contains(&d));
        let mut scores = Scores {
            qlike: Vec::new(),
            crps: Vec::new(),
            transforms: Vec::new(),
            forecasts: Vec::new(),
            inside: Vec::new(),
        };
        let inside = tracked(days, laws);
        let known = days.iter().zip(laws).zip(inside);
        for ((day, (location, scale)), inside) in known.filter(|((day, _), _)| within(day)) {
            scores.inside.push(inside);
            let off = day.outcome - location - 0.5 * scale * scale;
            scores.qlike.push(off.exp() - off - 1.0);
            scores.crps.push(shape.crps(day.outcome, (*location, *scale)));
            scores.transforms.push(shape.cdf((day.outcome - location) / scale));
            scores.forecasts.push(location + 0.5 * scale * scale);
        }
        scores
    }

    /// Per cent of days inside the law's own 90 % and inside the tracked one, each of all days and
    /// of the tenth forecast highest.
    fn held(&self) -> [f64; 4] {
        let mut order: Vec<usize> = (0..self.transforms.len()).collect();
        order.sort_by(|a, b| self.forecasts[*b].total_cmp(&self.forecasts[*a]));
        let share = |order: &[usize], holds: &dyn Fn(usize) -> bool| {
            100.0 * order.iter().filter(|i| holds(**i)).count() as f64 / order.len().max(1) as f64
        };
        let law = |i: usize| (0.05..=0.95).contains(&self.transforms[i]);
        let tracked = |i: usize| self.inside[i];
        let top = &order[..order.len() / 10];
        [share(&order, &law), share(top, &law), share(&order, &tracked), share(top, &tracked)]
    }
}

/// What the mixture of the regression and some of the networks says, and the weights of each day.
fn mixture(
    market: &Market,
    networks: &[usize],
    shape: &TwoPiece,
) -> Result<(Laws, Vec<Vec<f64>>), Failure> {
    let day = |(i, day): (usize, &Lesson)| {
        let others = networks.iter().map(|network| law(&market.networks[*network][i]));
        (std::iter::once(law(&day.core)).chain(others).collect(), day.outcome)
    };
    let days: Vec<_> = market.days.iter().enumerate().map(day).collect();
    let said = mixed(&days, shape)?;
    Ok(said.into_iter().map(|day| ((day.location, day.scale), day.weights)).unzip())
}

/// The mean CRPS of a mixture over the markets.
fn crps(
    markets: &[Market],
    networks: &[usize],
    (shape, range): (&TwoPiece, &Range<Date>),
) -> Result<f64, Failure> {
    let of = |market: &Market| -> Result<f64, Failure> {
        let (laws, _) = mixture(market, networks, shape)?;
        Ok(mean(&Scores::of(&market.days, &laws, (shape, range)).crps))
    };
    Ok(mean(&markets.iter().map(of).collect::<Result<Vec<_>, _>>()?))
}

/// Decides who joins: who beats the regression with t of -2 or less over both markets' days, and
/// who lowers the mixture's CRPS, the one that lowers it most first.
pub(crate) fn admission(markets: &[Market], split: Date) -> Result<(), Failure> {
    let shape = &Config::frozen().day.shape;
    let range = &(Date::from_number(0)..split);
    let names = NetworkConfig::frozen().map(|config| config.name);
    let mut admitted: Vec<usize> = Vec::new();
    for (network, name) in names.iter().enumerate() {
        let (mut ours, mut core) = (Vec::new(), Vec::new());
        for market in markets {
            let laws: Laws = market.networks[network].iter().map(law).collect();
            let regression: Laws = market.days.iter().map(|day| law(&day.core)).collect();
            ours.push(Scores::of(&market.days, &laws, (shape, range)).qlike);
            core.push(Scores::of(&market.days, &regression, (shape, range)).qlike);
        }
        // Day by day over the markets, which move together.
        let average = |losses: &[Vec<f64>]| -> Vec<f64> {
            let days = losses.iter().map(Vec::len).min().unwrap_or(0);
            (0..days).map(|i| mean(&losses.iter().map(|l| l[i]).collect::<Vec<_>>())).collect()
        };
        let t = diebold_mariano(&average(&ours), &average(&core), LAGS).statistic;
        println!("{name}: QLIKE against the regression, t {t:.2}");
        if t <= BEATS {
            admitted.push(network);
        }
    }
    let mut least = crps(markets, &admitted, (shape, range))?;
    println!("mixture of the regression and {} networks: CRPS {least:.5}", admitted.len());
    loop {
        let mut best: Option<(f64, usize)> = None;
        for (network, name) in names.iter().enumerate().filter(|(n, _)| !admitted.contains(n)) {
            let with: Vec<usize> = admitted.iter().copied().chain([network]).collect();
            let crps = crps(markets, &with, (shape, range))?;
            println!("  with the {name}: {crps:.5}");
            if crps < best.map_or(least, |(crps, _)| crps) {
                best = Some((crps, network));
            }
        }
        let Some((crps, network)) = best else { break };
        least = crps;
        admitted.push(network);
        println!("the {} joins", names[network]);
    }
    let mut found: Vec<&str> = admitted.iter().map(|network| names[*network]).collect();
    found.sort_unstable();
    println!("admitted: {found:?}; frozen: {ADMITTED:?}");
    Ok(())
}

/// A row for each worker, the mixture of all, and the one of those admitted.
pub(crate) fn table(markets: &[Market], range: Range<Date>) -> Result<(), Failure> {
    let shape = &Config::frozen().day.shape;
    let names = NetworkConfig::frozen().map(|config| config.name);
    let everybody: Vec<usize> = (0..names.len()).collect();
    let admitted: Vec<usize> =
        everybody.iter().copied().filter(|i| ADMITTED.contains(&names[*i])).collect();
    for market in markets {
        let score = |laws: &[(f64, f64)]| Scores::of(&market.days, laws, (shape, &range));
        let regression: Laws = market.days.iter().map(|day| law(&day.core)).collect();
        let plain = score(&market.plain.iter().map(law).collect::<Laws>());
        let mut rows = vec![("regression", score(&regression))];
        for (name, laws) in names.iter().zip(&market.networks) {
            rows.push((*name, score(&laws.iter().map(law).collect::<Laws>())));
        }
        let (laws, weights) = mixture(market, &admitted, shape)?;
        rows.push(("mixture of all", score(&mixture(market, &everybody, shape)?.0)));
        rows.push(("mixture of those admitted", score(&laws)));
        let (days, peer) = (plain.qlike.len(), mean(&plain.qlike));
        println!("\n{}, {days} days; log-HAR-leverage: QLIKE {peer:.4}", market.name);
        print(&rows, &plain);
        quarters(market, &weights, &range);
    }
    Ok(())
}

fn print(rows: &[(&str, Scores)], plain: &Scores) {
    let tests = |of: fn(&Scores) -> &[f64], against: &Scores| -> Vec<(f64, f64)> {
        let test = |(_, row): &(&str, Scores)| diebold_mariano(of(row), of(against), LAGS);
        let tests: Vec<_> = rows.iter().map(test).collect();
        let corrected = holm(&tests.iter().map(|test| test.p).collect::<Vec<_>>());
        tests.iter().zip(corrected).map(|(test, p)| (test.statistic, p)).collect()
    };
    let by_plain = tests(|scores| &scores.qlike, plain);
    let by_core = tests(|scores| &scores.qlike, &rows[0].1);
    let by_crps = tests(|scores| &scores.crps, &rows[0].1);
    println!("t of Diebold and Mariano, in brackets p corrected by Holm over the rows;");
    println!("90 % of the law and of the tracked interval: of all days, of the tenth highest");
    println!(
        "{:26} {:>6} {:>14} {:>14} {:>6} {:>14} {:>11} {:>11} {:>7}",
        "",
        "QLIKE",
        "t: plain",
        "t: regression",
        "CRPS",
        "t: regression",
        "law",
        "tracked",
        "PIT p"
    );
    for (i, (name, scores)) in rows.iter().enumerate() {
        let [law, law_top, tracked, tracked_top] = scores.held();
        let t = |(t, p): (f64, f64)| format!("{t:.2} ({p:.3})");
        println!(
            "{name:26} {:6.4} {:>14} {:>14} {:6.4} {:>14} {law:5.1} {law_top:5.1} {tracked:5.1} \
             {tracked_top:5.1} {:7.3}",
            mean(&scores.qlike),
            t(by_plain[i]),
            t(by_core[i]),
            mean(&scores.crps),
            t(by_crps[i]),
            uniformity(&scores.transforms).p,
        );
    }
}

/// The mean weights of the admitted mixture by 91 days.
fn quarters(market: &Market, weights: &[Vec<f64>], range: &Range<Date>) {
    let within = |day: &Lesson| Date::of_unix(day.open_s).filter(|date| range.contains(date));
    let known: Vec<(Date, &Vec<f64>)> = market
        .days
        .iter()
        .zip(weights)
        .filter_map(|(day, weights)| within(day).map(|date| (date, weights)))
        .collect();
    println!("weights of the admitted, the regression first:");
    for days in known.chunks(91) {
        let share = |k: usize| mean(&days.iter().map(|(_, w)| w[k]).collect::<Vec<_>>());
        let shares: Vec<String> =
            (0..days[0].1.len()).map(|k| format!("{:.2}", share(k))).collect();
        println!("  from {}: {}", days[0].0, shares.join(", "));
    }
}

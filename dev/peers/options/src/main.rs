//! The crates implied-vol and volsurf on the same work as ours, by `cargo xtask options`.
//!
//! The argument is the file of points that our bench dumped: asset, time, years, log-moneyness, bid
//! and ask volatility. Rows are lines of JSON, as our bench prints them with `--json`.

use std::hint::black_box;
use std::time::Instant;

use implied_vol::{DefaultSpecialFn, ImpliedBlackVolatility, PriceBlackScholes};
use volsurf::smile::{SmileSection, SviSmile};
use volsurf::types::Strike;

/// Quotes of a run.
const COUNT: usize = 16_384;

fn row(what: &str, value: f64) {
    println!("{{\"figure\": \"{what}\", \"value\": {value}}}");
}

/// The lower quartile of at least 15 runs and half a second.
fn seconds(mut run: impl FnMut()) -> f64 {
    run();
    let (mut taken, started) = (Vec::new(), Instant::now());
    while taken.len() < 15 || started.elapsed().as_secs_f64() < 0.5 {
        let start = Instant::now();
        run();
        taken.push(start.elapsed().as_secs_f64());
    }
    taken.sort_by(f64::total_cmp);
    taken[taken.len() / 4]
}

/// The contracts of our own bench: forward, strike, volatility, years.
fn contracts() -> Vec<(f64, f64, f64, f64)> {
    let part = |i: usize, k: usize, of: usize| ((i * k) % of) as f64 / of as f64;
    let contract = |i: usize| {
        let (v, years) = (0.2 + part(i, 104_729, 997), 0.003 + part(i, 1_299_709, 499));
        let off = (0.5 + part(i, 7_919, 10_007) - 1.0) * 8.0;
        (60_000.0, 60_000.0 * (off * v * years.sqrt()).exp(), v, years)
    };
    (0..COUNT).map(contract).collect()
}

fn implied() {
    let contracts = contracts();
    let price = |&(f, k, v, t): &(f64, f64, f64, f64)| {
        let builder = PriceBlackScholes::builder().forward(f).strike(k).volatility(v).expiry(t);
        builder.is_call(k > f).build_unchecked().calculate::<DefaultSpecialFn>()
    };
    let time = seconds(|| drop(black_box(contracts.iter().map(price).collect::<Vec<f64>>())));
    row("implied-vol: prices, millions a second", COUNT as f64 / time / 1e6);
    let quotes: Vec<_> = contracts.iter().map(|c| (price(c), *c)).collect();
    let volatility = |&(p, (f, k, _, t)): &(f64, (f64, f64, f64, f64))| {
        let builder = ImpliedBlackVolatility::builder().option_price(p).forward(f).strike(k);
        let builder = builder.expiry(t).is_call(k > f).build_unchecked();
        builder.calculate::<DefaultSpecialFn>().unwrap_or(f64::NAN)
    };
    let time = seconds(|| drop(black_box(quotes.iter().map(volatility).collect::<Vec<f64>>())));
    row("implied-vol: implied volatilities, millions a second", COUNT as f64 / time / 1e6);
}

struct Point {
    k: f64,
    bid: f64,
    ask: f64,
}

/// Slices in the order of the file.
fn slices(path: &str) -> Vec<(f64, Vec<Point>)> {
    let text = std::fs::read_to_string(path).expect("the bench wrote it");
    let mut all: Vec<(String, f64, Vec<Point>)> = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |i: usize| cells[i].parse::<f64>().expect("the bench wrote a number");
        let id = cells[..3].join(",");
        if all.last().is_none_or(|last| last.0 != id) {
            all.push((id, number(2), Vec::new()));
        }
        let point = Point { k: number(3), bid: number(4), ask: number(5) };
        all.last_mut().expect("there is one").2.push(point);
    }
    all.into_iter().map(|(_, years, points)| (years, points)).collect()
}

fn surfaces(path: &str) {
    let (mut times, mut failed, mut arbitrage) = (Vec::new(), 0, 0);
    let mut fits = Vec::new();
    for (years, points) in slices(path).into_iter().filter(|(_, points)| points.len() >= 6) {
        let mids: Vec<(f64, f64)> =
            points.iter().map(|p| (p.k.exp(), 0.5 * (p.bid + p.ask))).collect();
        let start = Instant::now();
        let found = SviSmile::calibrate(1.0, years, &mids);
        times.push(start.elapsed().as_secs_f64() * 1e3);
        let Ok(smile) = found else {
            failed += 1;
            continue;
        };
        arbitrage += usize::from(!smile.is_arbitrage_free().is_ok_and(|report| report.is_free()));
        fits.push((points, smile));
    }
    times.sort_by(f64::total_cmp);
    row("volsurf: fit, milliseconds a slice, median", times[times.len() / 2]);
    row("volsurf: slices it fits", fits.len() as f64);
    row("volsurf: slices it refuses", f64::from(failed));
    row("volsurf: slices with butterfly arbitrage by its own grid", arbitrage as f64);
    for (name, within) in [("all", f64::INFINITY), ("within 3", 3.0), ("within 2", 2.0)] {
        let (mut errors, mut inside, mut all) = (Vec::new(), 0, 0);
        for (points, smile) in &fits {
            let at = |k: f64| smile.vol(Strike(k.exp())).map_or(f64::NAN, |v| v.0);
            let deviation = at(0.0) * smile.expiry().sqrt();
            let (mut sum, mut count) = (0.0, 0);
            for p in points.iter().filter(|p| p.k.abs() <= within * deviation) {
                let v = at(p.k);
                sum += (v - 0.5 * (p.bid + p.ask)).powi(2);
                inside += usize::from(p.bid <= v && v <= p.ask);
                count += 1;
            }
            all += count;
            errors.push((sum / f64::from(count as u32)).sqrt() * 100.0);
        }
        errors.sort_by(f64::total_cmp);
        row(&format!("volsurf: {name} deviations: median error, points"), errors[errors.len() / 2]);
        let share = inside as f64 / all as f64 * 100.0;
        row(&format!("volsurf: {name} deviations: per cent inside bid and ask"), share);
    }
}

fn main() {
    implied();
    if let Some(path) = std::env::args().nth(1) {
        surfaces(&path);
    }
}

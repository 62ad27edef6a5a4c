//! Pools what several markets teach for one that is new, and shows what that is worth.
//!
//! `cargo run --release -p feeds --example pool -- [--print] [--after-split] FILE ...` with files
//! of bars. Every market in turn plays the new one: at some forty days of the period its history is
//! forgotten, the others' samples of the days before the split are its pool, and what is published
//! from its eighth day to its sixtieth is compared with what the engine that knows all its history
//! publishes. `--print` prints the pool of all the files' days before the split, as source.

#![expect(clippy::print_stdout, reason = "a program for a person at a terminal")]

mod judged;
mod print;

use std::path::PathBuf;

use feeds::Series;
use market::risk::{self, Config, HourReport, Pool, Sample, day_samples, hour_samples, track};
use market::{Date, hourly};

use judged::Judged;

type Failure = Box<dyn std::error::Error>;

const DAY_S: i64 = 86_400;
/// Days of a new market's life that are judged, and days from one to the next.
const LIFE: i64 = 60;
const EVERY: i64 = 17;
/// Samples of its own that a pool is worth, as tried: days for hours, and days for days.
const WEIGHTS: [(f64, f64); 4] = [(0.0, 0.0), (15.0, 45.0), (45.0, 90.0), (365.0, 365.0)];

/// A market, and what the engine that knows all of it publishes.
struct Market {
    series: Series,
    known: Vec<HourReport>,
    /// Its samples before the split: of hours and of days.
    samples: [Vec<Sample>; 2],
}

fn main() -> Result<(), Failure> {
    let (mut print, mut after, mut files) = (false, false, Vec::new());
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--print" => print = true,
            "--after-split" => after = true,
            file => files.push(PathBuf::from(file)),
        }
    }
    if files.len() < 2 {
        return Err("name the files of bars of two markets or more".into());
    }
    let markets =
        feeds::open(&files)?.into_iter().map(Market::of).collect::<Result<Vec<_>, _>>()?;
    if print {
        let of = |i: usize| pool(markets.iter().map(|market| &market.samples[i]), 1.0);
        print::source(&of(0)?, &of(1)?);
        return Ok(());
    }
    println!("{}", Judged::HEAD);
    for weights in WEIGHTS {
        let mut all = Judged::default();
        for place in 0..markets.len() {
            life(&markets, place, (weights, after), &mut all)?;
        }
        println!("{}", all.line(&format!("{} / {} days", weights.0, weights.1)));
    }
    Ok(())
}

impl Market {
    fn of(series: Series) -> Result<Market, Failure> {
        let known = track(&series, &Config::frozen())?.hours;
        let split = |text: &str| text.parse::<Date>().map(Date::unix);
        let (hour, day) = (split(risk::HOURLY_SPLIT)?, split(risk::DAILY_SPLIT)?);
        let hours = hourly(&series)?;
        let config = Config::frozen();
        let before = |samples: Vec<Sample>, split: i64| {
            samples.into_iter().filter(|sample| sample.open_s < split).collect()
        };
        let samples = [
            before(hour_samples(&hours, config.hour.measure), hour),
            before(day_samples(&hours, config.day.measure), day),
        ];
        Ok(Market { series, known, samples })
    }
}

/// The pool of several markets' samples.
fn pool<'a>(samples: impl Iterator<Item = &'a Vec<Sample>>, weight: f64) -> Result<Pool, Failure> {
    let all: Vec<Sample> = samples.flatten().cloned().collect();
    Ok(Pool::of(&all, weight)?)
}

/// Adds the lives of one market that is new again and again.
fn life(
    markets: &[Market],
    place: usize,
    ((hours, days), after): ((f64, f64), bool),
    all: &mut Judged,
) -> Result<(), Failure> {
    let market = &markets[place];
    let others = || markets.iter().enumerate().filter(|(i, _)| *i != place).map(|(_, m)| m);
    let mut config = Config::young();
    if let Some(own) = &mut config.hour.pool {
        *own = pool(others().map(|m| &m.samples[0]), hours * 24.0)?;
    }
    if let Some(own) = &mut config.day.pool {
        *own = pool(others().map(|m| &m.samples[1]), days)?;
    }
    let split = risk::HOURLY_SPLIT.parse::<Date>()?.unix();
    let bars = &market.series.bars;
    let (first, last) = (market.known[0].open_s, bars[bars.len() - 1].open_s);
    let (from, to) = if after { (split, last) } else { (first, split) };
    let mut born = from;
    while born + LIFE * DAY_S <= to {
        let mut young = market.series.clone();
        young.bars.retain(|bar| (born..born + LIFE * DAY_S).contains(&bar.open_s));
        all.add(born, &track(&young, &config)?, &market.known);
        born += EVERY * DAY_S;
    }
    Ok(())
}

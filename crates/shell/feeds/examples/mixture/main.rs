//! Prints how good networks are beside the regression, who joins the mixture, and what it is worth.
//!
//! `cargo run --release -p feeds --example mixture -- [--after-split] [--before DATE] FILE ...`
//! with files of bars of one venue each, for example BTC and ETH. It shows the days
//! before the split, on which the rule of admission is decided; with `--after-split` those after it
//! too. `--before` reads no
//! bars from that day on and takes holes: for the older files that architectures were chosen on.

#![expect(clippy::print_stdout, reason = "a program for a person at a terminal")]

mod judged;

use std::path::PathBuf;

use feeds::Part;
use kernels::{Runner, Threads};
use market::risk::{
    Config, DAILY_SPLIT, Executor, Lesson, NetworkConfig, Predictive, TRIED_FOR_MIXTURE, foresee,
    lessons,
};
use market::{Date, hourly_with_holes};
use tensor::Program;

type Failure = Box<dyn std::error::Error>;

/// The longest hole of the older files, hours.
const HOLE_H: i64 = 300;

/// A market's days, and what every worker says of each.
pub(crate) struct Market {
    pub(crate) name: String,
    /// The days that all workers forecast.
    pub(crate) days: Vec<Lesson>,
    /// The plain log-HAR-leverage's laws of them.
    pub(crate) plain: Vec<Predictive>,
    /// Laws by network.
    pub(crate) networks: Vec<Vec<Predictive>>,
}

fn main() -> Result<(), Failure> {
    let (mut after, mut before, mut files) = (false, None, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--after-split" => after = true,
            "--before" => before = arguments.next(),
            file => files.push(PathBuf::from(file)),
        }
    }
    if files.is_empty() {
        return Err("name files of bars, as ../shared/data/binance/BTCUSDT_perp_30m.parquet".into());
    }
    let split: Date = DAILY_SPLIT.parse()?;
    let end: Date = before.as_deref().unwrap_or("2026-01-01").parse()?;
    let part =
        Part { before_s: end.unix(), hole_s: if before.is_some() { HOLE_H * 3_600 } else { 0 } };
    let markets = markets(&files, part)?;
    println!("\ndays before {DAILY_SPLIT}");
    judged::admission(&markets, split)?;
    judged::table(&markets, Date::from_number(0)..split)?;
    if after {
        println!("\ndays from {DAILY_SPLIT} on");
        judged::table(&markets, split..end)?;
    }
    let tried = TRIED_FOR_MIXTURE.map(|(what, count)| format!("{count} of {what}")).join(", ");
    println!("\nconfigurations tried, all on days before the split: {tried}");
    Ok(())
}

fn markets(files: &[PathBuf], part: Part) -> Result<Vec<Market>, Failure> {
    let (ours, peer) = (Config::frozen().day, Config::log_har().day);
    let (mut names, mut all, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    for series in feeds::open_part(files, part)? {
        let limit = usize::try_from(part.hole_s / 3_600)?;
        let (hours, _) = hourly_with_holes(&series, limit)?;
        names.push(series.symbol.trim_end_matches("USDT_perp").to_owned());
        all.push(lessons(&hours, &ours)?);
        plain.push(lessons(&hours, &peer)?);
    }
    let mut networks = vec![Vec::new(); all.len()];
    for config in NetworkConfig::frozen() {
        let began = std::time::Instant::now();
        let laws = foresee(&config, &all, &prepare)?;
        println!("{}: trained and asked in {:.0} s", config.name, began.elapsed().as_secs_f64());
        networks.iter_mut().zip(laws).for_each(|(market, laws)| market.push(laws));
    }
    let market = |(((name, days), plain), networks): (((_, Vec<Lesson>), Vec<Lesson>), _)| {
        let networks: Vec<Vec<Predictive>> = networks;
        let from = days.len() - networks[0].len();
        let plain = plain[from..].iter().map(|day| day.core).collect();
        Market { name, days: days[from..].to_vec(), plain, networks }
    };
    Ok(names.into_iter().zip(all).zip(plain).zip(networks).map(market).collect())
}

fn prepare(program: &Program) -> Executor<'static> {
    let threads = Threads { count: 1, ..Threads::available() };
    let mut runner = Runner::new(program).with_threads(threads);
    Box::new(move |inputs| runner.run(inputs))
}

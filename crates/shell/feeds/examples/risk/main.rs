//! Prints the figures of the risk engine beside others' models, each with its bar.
//!
//! `cargo xtask risk` runs it with everything beside; by itself it is `cargo run --release -p
//! feeds --example risk -- [--before-split] [--garch FILE] [--json] FILE ...` with files of bars.
//! `--before-split` shows the days on which the choices were made instead of those after.

#![expect(clippy::print_stdout, reason = "a program for a person at a terminal")]

mod daily;
mod garch;
mod hourly;
mod rows;

use std::path::PathBuf;

use feeds::Series;
use market::risk::{self, Config, Track, track};
use market::{Date, Hour};

use rows::Rows;

type Failure = Box<dyn std::error::Error>;

/// A market through our engine and through the plain models.
pub(crate) struct Market {
    /// What it is called in the tables.
    pub(crate) name: String,
    /// Its hours.
    pub(crate) hours: Vec<Hour>,
    /// Ours.
    pub(crate) ours: Track,
    /// The plain log-HAR of the same engine.
    pub(crate) plain: Track,
    /// The same without leverage terms.
    pub(crate) corsi: Track,
}

/// What is evaluated: from a first day, and up to a day that is out.
#[derive(Clone, Copy)]
pub(crate) struct Period {
    /// The first day of hours.
    pub(crate) hours_from: Date,
    /// The first day of days.
    pub(crate) days_from: Date,
    /// The first day that is out, of hours.
    pub(crate) hours_to: Date,
    /// The first day that is out, of days.
    pub(crate) days_to: Date,
}

impl Period {
    fn new(before_split: bool) -> Result<Period, Failure> {
        let (hourly, daily) = (risk::HOURLY_SPLIT.parse()?, risk::DAILY_SPLIT.parse()?);
        let end = "2026-01-01".parse()?;
        Ok(if before_split {
            let from = "2023-04-21".parse()?;
            Period {
                hours_from: from,
                days_from: "2023-06-01".parse()?,
                hours_to: hourly,
                days_to: daily,
            }
        } else {
            Period { hours_from: hourly, days_from: daily, hours_to: end, days_to: end }
        })
    }
}

fn main() -> Result<(), Failure> {
    let (mut before_split, mut json, mut garch, mut files) = (false, false, None, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--before-split" => before_split = true,
            "--json" => json = true,
            "--garch" => garch = arguments.next().map(PathBuf::from),
            file => files.push(PathBuf::from(file)),
        }
    }
    if files.is_empty() {
        return Err(
            "name the files of bars, for example ../shared/data/binance/BTCUSDT_perp_30m.parquet"
                .into(),
        );
    }
    let period = Period::new(before_split)?;
    let garch = garch.map(|path| garch::read(&path)).transpose()?.unwrap_or_default();
    let markets = feeds::open(&files)?.iter().map(market).collect::<Result<Vec<_>, Failure>>()?;
    let mut rows = Rows::new(json);
    for market in &markets {
        daily::volatility(&mut rows, market, period, garch.get(&market.name));
    }
    for market in &markets {
        hourly::quantiles(&mut rows, market, period);
    }
    for market in &markets {
        hourly::margins(&mut rows, market, period);
    }
    hourly::uncertainty(&mut rows, &markets, period);
    for market in &markets {
        daily::intervals(&mut rows, market, period);
    }
    let tried = risk::TRIED.map(|(what, count)| format!("{count} of {what}")).join(", ");
    let when = "on days before the split, the last 15 after a first look at the days after it";
    rows.note(&format!("configurations tried {when}: {tried}"));
    Ok(())
}

fn market(series: &Series) -> Result<Market, Failure> {
    Ok(Market {
        name: series.symbol.trim_end_matches("USDT_perp").to_owned(),
        hours: market::hourly(series)?,
        ours: track(series, &Config::frozen())?,
        plain: track(series, &Config::log_har())?,
        corsi: track(series, &Config::log_har_without_leverage())?,
    })
}

//! `assay data fetch`: a market's history.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use feeds::Venue;
use feeds::fetch::{Interval, Wish, fetch};
use feeds::inspect::inspect;
use feeds::live::{Endpoints, Rest, pause};
use indicatif::{ProgressBar, ProgressStyle};
use market::Date;
use serde_json::json;

use super::check;

/// Which bars to fetch.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// binance, binance-usdm, bybit, okx, deribit or hyperliquid.
    venue: Venue,
    /// The market, as the venue writes it: BTCUSDT, BTC-USDT-SWAP, BTC-PERPETUAL, BTC.
    symbol: String,
    /// The first day, UTC, such as 2024-01-01.
    #[arg(long, value_name = "DAY")]
    from: Date,
    /// The day after the last; without it, up to the last finished bar.
    #[arg(long, value_name = "DAY")]
    to: Option<Date>,
    /// How long a bar is: 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 12h or 1d.
    #[arg(long, default_value = "1h")]
    interval: Interval,
    /// Folder of venues; the bars go to DIR/VENUE/SYMBOL_INTERVAL.parquet, which `up --data
    /// DIR/VENUE` reads.
    #[arg(long, default_value = "data", value_name = "DIR")]
    out: PathBuf,
    /// Another address of the venue's REST interface.
    #[arg(long, value_name = "URL")]
    rest: Option<String>,
    /// Print one JSON object: the check of the file.
    #[arg(long)]
    json: bool,
}

/// Fetches, writes, checks.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let now_s = super::now_s();
    let to_s = args.to.map_or(now_s, |day| day.unix().min(now_s));
    let file = super::bars_path(&args.out, args.venue, &args.symbol, args.interval.name());
    let base = args.rest.unwrap_or_else(|| Endpoints::public(args.venue).rest);
    let rest = Rest::new(args.venue, &base, pause);
    let wish = Wish {
        venue: args.venue,
        symbol: args.symbol,
        interval: args.interval,
        from_s: args.from.unix(),
        to_s,
    };
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template(
        "{msg} {wide_bar} {pos} of {len} bars, {eta} left",
    )?);
    bar.set_message(format!("{} {}", wish.venue, wish.symbol));
    let fetched = fetch(&rest, &wish, &file, |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    let fetched = tokio::select! {
        fetched = fetched => fetched,
        signal = tokio::signal::ctrl_c() => {
            signal?;
            bar.finish_and_clear();
            eprintln!("stopped; the same command goes on from here");
            return Ok(ExitCode::FAILURE);
        }
    };
    bar.finish_and_clear();
    let bars = fetched.context("the bars that came are kept, and the same command goes on")?;
    let report = inspect(&file, None, now_s)?;
    if args.json {
        let mut object = check::object(&report);
        object["bars"] = json!(bars.len());
        println!("{object}");
    } else {
        check::print(&report, 20);
    }
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Days before now from which on a new file's bars are fetched: what the engine learns from.
const DAYS: i64 = 400;

/// Brings the hourly bars of a market in a folder up to `to_s`, telling nobody.
pub(crate) async fn bring(
    venue: Venue,
    symbol: &str,
    (folder, to_s): (&std::path::Path, i64),
) -> anyhow::Result<()> {
    let interval: Interval = "1h".parse().expect("an hour is an interval");
    let file = folder.join(format!("{}_1h.parquet", super::file_name(symbol)));
    let rest = Rest::new(venue, &Endpoints::public(venue).rest, pause);
    let from_s = to_s - DAYS * 86_400;
    let wish = Wish { venue, symbol: symbol.to_owned(), interval, from_s, to_s };
    let fetched = fetch(&rest, &wish, &file, |_| {}).await;
    fetched.with_context(|| format!("{venue} {symbol}: the bars that came are kept"))?;
    Ok(())
}

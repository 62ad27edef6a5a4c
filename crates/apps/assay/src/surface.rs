//! `assay surface`: the volatility surface of an option chain, fitted, certified and drawn.
//!
//! Deliberately absent: arithmetic and drawing, which are the `backtest` crate's; this asks and
//! tells.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use backtest::{Progress, Surface};
use indicatif::{ProgressBar, ProgressStyle};

use crate::backtest::quoted;

/// Which chains to fit.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A parquet file of option chains: a row a quote, prices in coin, the future beside.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The only asset to fit, such as BTC.
    #[arg(long, value_name = "NAME")]
    asset: Option<String>,
    /// Fit every chain of the file, not the last one alone.
    #[arg(long)]
    all: bool,
    /// Where the page goes.
    #[arg(long, default_value = "surface.html", value_name = "FILE")]
    out: PathBuf,
    /// Print a line of JSON a chain: parameters, certificate with its edges, quotes inside.
    #[arg(long)]
    json: bool,
}

/// Fits, prints and writes the page. Fails if an expiry with enough quotes has no slice.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let bar = ProgressBar::new(1);
    bar.set_style(ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {elapsed}")?);
    let wish = (args.asset.as_deref(), args.all);
    let found = backtest::surfaces(&args.data, wish, &mut |progress: Progress<'_>| {
        bar.set_length(progress.of as u64);
        bar.set_position(progress.done as u64);
        bar.set_message(progress.doing.to_owned());
    });
    bar.finish_and_clear();
    let surfaces = found?;
    let page = backtest::surfaces_page(&surfaces, &command(args))?;
    std::fs::write(&args.out, page)
        .with_context(|| format!("{} cannot be written", args.out.display()))?;
    for surface in &surfaces {
        if args.json {
            println!("{}", serde_json::to_string(surface)?);
        } else {
            show(surface);
        }
    }
    if !args.json {
        println!("page      {}", args.out.display());
    }
    let whole = surfaces.iter().all(Surface::whole);
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes the command that makes the same page again.
fn command(args: &Args) -> String {
    let mut command = format!("assay surface --data {}", quoted(&args.data.display().to_string()));
    if let Some(asset) = &args.asset {
        command.push_str(&format!(" --asset {}", quoted(asset)));
    }
    if args.all {
        command.push_str(" --all");
    }
    command
}

fn show(surface: &Surface) {
    let time = jiff::Timestamp::from_second(surface.time).unwrap_or_default();
    println!("{} at {time}", surface.asset);
    println!("days      vol %   quotes  inside  error  density  calendar  wing   a b rho m sigma");
    for slice in &surface.slices {
        let (days, quotes) = (slice.years * 365.0, slice.quotes);
        let Some(fit) = &slice.fit else {
            let few = quotes < market::surface::POINTS_MIN;
            let why = if few {
                "too few quotes with a bid and an ask"
            } else {
                "no slice without arbitrage"
            };
            println!("{days:<8.2}         {quotes:6}  left out: {why}");
            continue;
        };
        let (svi, proof) = (&fit.fitted, &fit.certificate);
        println!(
            "{days:<8.2} {:6.2}   {quotes:6}  {:6}  {:5.2}  {:7.4}  {:8.4}  {:4.2}   {:.6} {:.6} \
             {:.4} {:.5} {:.5}{}",
            fit.volatility(0.0, slice.years) * 100.0,
            fit.inside,
            fit.error_points,
            proof.density,
            proof.calendar,
            proof.slope,
            svi.a,
            svi.b,
            svi.rho,
            svi.m,
            svi.sigma,
            if fit.mended { "  mended" } else { "" }
        );
    }
    println!();
}

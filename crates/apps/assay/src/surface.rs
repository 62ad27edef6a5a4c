//! `assay surface`: the volatility surface of an option chain, fitted and certified.
//!
//! Deliberately absent: arithmetic, which is `market::surface`'s; this asks and tells.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use kernels::Runner;
use market::option::{implied, implied_inputs};
use market::surface::{self, Chain, Fitted, Slice};
use serde_json::{Value, json};

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
    /// Print a line of JSON a chain: parameters, certificate with its edges, quotes inside.
    #[arg(long)]
    json: bool,
}

/// Fits and prints.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut chains = feeds::chains(&args.data)?;
    if let Some(asset) = &args.asset {
        chains.retain(|chain| chain.asset.eq_ignore_ascii_case(asset));
        anyhow::ensure!(!chains.is_empty(), "{} holds no {asset}", args.data.display());
    }
    if !args.all {
        let last = chains.iter().map(|chain| chain.time_s).max();
        chains.retain(|chain| Some(chain.time_s) == last);
    }
    let bar = ProgressBar::new(chains.len() as u64);
    bar.set_style(ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {elapsed}")?);
    bar.set_message("fitting");
    let mut certified = true;
    for chain in &chains {
        let slices = slices(chain)?;
        let fitted = surface::fit_all(&slices, &[]);
        let missing = |(slice, fitted): (&Slice, &Option<Fitted>)| {
            fitted.is_none() && slice.points.len() >= surface::POINTS_MIN
        };
        certified &= !slices.iter().zip(&fitted).any(missing);
        bar.suspend(|| {
            if args.json {
                println!("{}", report(chain, &slices, &fitted));
            } else {
                show(chain, &slices, &fitted);
            }
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(if certified { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns a chain's quotes as volatilities, by expiry.
fn slices(chain: &Chain) -> anyhow::Result<Vec<Slice>> {
    let mut slices = Vec::new();
    for expiry in &chain.expiries {
        let contracts = surface::contracts(expiry);
        let mut points = Vec::new();
        if !contracts.is_empty() {
            let program = implied(contracts.len())?;
            let found = Runner::new(&program).run(&implied_inputs(&contracts)?)?;
            let found = found[0].as_f64().context("volatilities are f64")?;
            points = surface::points(&contracts, found);
        }
        slices.push(Slice { years: expiry.years, points });
    }
    Ok(slices)
}

/// Returns the root mean square error in points, and how many quotes are inside bid and ask.
fn measure(slice: &Slice, fitted: &Fitted) -> (f64, usize) {
    let (mut sum, mut inside) = (0.0, 0);
    for p in &slice.points {
        let volatility = fitted.svi.volatility(p.k, slice.years);
        sum += (volatility - p.mid()) * (volatility - p.mid());
        inside += usize::from(p.bid <= volatility && volatility <= p.ask);
    }
    ((sum / slice.points.len().max(1) as f64).sqrt() * 100.0, inside)
}

fn show(chain: &Chain, slices: &[Slice], fitted: &[Option<Fitted>]) {
    let time = jiff::Timestamp::from_second(chain.time_s).unwrap_or_default();
    println!("{} at {time}", chain.asset);
    println!("days      vol %   quotes  inside  error  density  calendar  wing   a b rho m sigma");
    for (slice, fitted) in slices.iter().zip(fitted) {
        let (days, quotes) = (slice.years * 365.0, slice.points.len());
        let Some(fitted) = fitted else {
            let why = if quotes < surface::POINTS_MIN {
                "too few quotes with a bid and an ask"
            } else {
                "no slice without arbitrage"
            };
            println!("{days:<8.2}         {quotes:6}  left out: {why}");
            continue;
        };
        let (svi, proof) = (&fitted.svi, &fitted.certificate);
        let (error, inside) = measure(slice, fitted);
        let volatility = svi.volatility(0.0, slice.years) * 100.0;
        println!(
            "{days:<8.2} {volatility:6.2}   {quotes:6}  {inside:6}  {error:5.2}  {:7.4}  {:8.4}  \
             {:4.2}   {:.6} {:.6} {:.4} {:.5} {:.5}{}",
            proof.density,
            proof.calendar,
            proof.slope,
            svi.a,
            svi.b,
            svi.rho,
            svi.m,
            svi.sigma,
            if fitted.plain { "" } else { "  mended" }
        );
    }
    println!();
}

fn report(chain: &Chain, slices: &[Slice], fitted: &[Option<Fitted>]) -> Value {
    let one = |(slice, fitted): (&Slice, &Option<Fitted>)| {
        let quotes = slice.points.len();
        let Some(fitted) = fitted else {
            return json!({ "years": slice.years, "quotes": quotes, "fitted": null });
        };
        let (svi, proof) = (&fitted.svi, &fitted.certificate);
        let (error, inside) = measure(slice, fitted);
        json!({
            "years": slice.years,
            "quotes": quotes,
            "inside": inside,
            "error_points": error,
            "mended": !fitted.plain,
            "fitted": { "a": svi.a, "b": svi.b, "rho": svi.rho, "m": svi.m, "sigma": svi.sigma },
            "certificate": {
                "density": proof.density,
                "reach": proof.reach,
                "slope": proof.slope,
                "calendar": proof.calendar,
                "wings": proof.wings,
                "edges": proof.edges,
                "calendar_edges": proof.calendar_edges,
            },
        })
    };
    let slices: Vec<Value> = slices.iter().zip(fitted).map(one).collect();
    json!({ "asset": chain.asset, "time": chain.time_s, "slices": slices })
}

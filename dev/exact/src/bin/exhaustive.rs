//! `cargo xtask exhaustive`: every argument of every elementary function of f32.
//!
//! Prints a line a function and writes `dev/exact/exhaustive.json`; fails above one unit of the
//! last place.

#![expect(clippy::print_stdout, reason = "a tool for a terminal")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use exact::{Function, record, sweep};
use indicatif::{ProgressBar, ProgressStyle};

/// What the specification allows.
const ULP_MAX: f64 = 1.0;

/// Compare the kernels with the nearest f32 on every one of the 2^32 arguments.
#[derive(Debug, Parser)]
struct Arguments {
    /// Functions to sweep: exp, log, tanh, erf, erfc; all of them if none is named
    functions: Vec<Function>,
    /// Sweep only every N-th block of 65,536 arguments; such a sweep is not recorded
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
}

fn main() -> anyhow::Result<ExitCode> {
    let Arguments { functions, every } = Arguments::parse();
    let functions = if functions.is_empty() { Function::ALL.to_vec() } else { functions };
    let mut within = true;
    for function in functions {
        let bar = ProgressBar::new(u64::from(sweep::BLOCKS.div_ceil(every)));
        let style =
            ProgressStyle::with_template("{prefix:5} {wide_bar} {percent:>3} %, {eta} left")?;
        bar.set_style(style);
        bar.set_prefix(function.name());
        bar.enable_steady_tick(Duration::from_millis(200));
        let started = Instant::now();
        let report = sweep::sweep(function, every, || bar.inc(1))?;
        bar.finish_and_clear();
        let entry = record::Entry::new(function, &report);
        println!("{}", sentence(function, &entry, started.elapsed()));
        within &= report.worst_ulp <= ULP_MAX && report.wrong_kind == 0;
        if every == 1 {
            record::write(function, entry)?;
        }
    }
    Ok(if within { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn sentence(function: Function, entry: &record::Entry, took: Duration) -> String {
    let record::Entry { arguments, not_nearest, worst_ulp, by_series, level, .. } = entry;
    let worst = entry.worst.as_ref().map_or_else(
        || "every result is the nearest".to_owned(),
        |[x, got, nearest]| format!("at {x} it gives {got}, the nearest is {nearest}"),
    );
    format!(
        "{function}: {arguments} arguments, {worst_ulp} ulp at most, {not_nearest} not the \
         nearest; {worst}; {by_series} decided by series; {level}, {:.0} s",
        took.as_secs_f64()
    )
}

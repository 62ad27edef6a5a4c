//! Slices of real chains: how long a fit takes, how close it is, how much is inside bid and ask,
//! and whether every certificate holds.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use kernels::Runner;
use market::option::{implied, implied_inputs};
use market::surface::{self, Chain, Fitted, Slice, Svi};

use crate::Failure;
use crate::rows::{Bar, Rows};

/// Selections that errors are shown for: within so many deviations at the money.
const WITHIN: [(&str, f64); 3] = [("all", f64::INFINITY), ("within 3", 3.0), ("within 2", 2.0)];

/// Returns the slices of a chain.
fn slices(chain: &Chain) -> Result<Vec<Slice>, Failure> {
    let mut slices = Vec::new();
    for expiry in &chain.expiries {
        let contracts = surface::contracts(expiry);
        if contracts.is_empty() {
            continue;
        }
        let mut runner = Runner::new(&implied(contracts.len())?);
        let found = runner.run(&implied_inputs(&contracts)?)?;
        let found = found[0].as_f64().ok_or("volatilities are f64")?;
        slices.push(Slice { years: expiry.years, points: surface::points(&contracts, found) });
    }
    Ok(slices)
}

fn lesser(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

/// Errors and hits of one selection.
#[derive(Default)]
struct Tally {
    errors: Vec<f64>,
    inside: usize,
    all: usize,
}

impl Tally {
    fn add(&mut self, slice: &Slice, svi: &Svi, within: f64) {
        let deviation = svi.variance(0.0).sqrt();
        let chosen = || slice.points.iter().filter(|p| p.k.abs() <= within * deviation);
        let (mut sum, mut count) = (0.0, 0usize);
        for p in chosen() {
            let v = svi.volatility(p.k, slice.years);
            sum += (v - p.mid()).powi(2);
            self.inside += usize::from(p.bid <= v && v <= p.ask);
            count += 1;
        }
        self.all += count;
        self.errors.push((sum / count.max(1) as f64).sqrt() * 100.0);
    }

    fn rows(&mut self, rows: &mut Rows, name: &str, barred: bool) {
        self.errors.sort_by(f64::total_cmp);
        let bars = if barred { [Bar::AtMost(0.25), Bar::AtLeast(94.0)] } else { [Bar::Free; 2] };
        let median = self.errors[self.errors.len() / 2];
        let share = self.inside as f64 / self.all as f64 * 100.0;
        rows.row(&format!("{name} deviations: quotes"), self.all as f64, Bar::Free);
        rows.row(&format!("{name} deviations: median error, points"), median, bars[0]);
        rows.row(&format!("{name} deviations: per cent inside bid and ask"), share, bars[1]);
    }
}

/// Fits every chain of a file; writes the points to `dump` if there is one, for other engines.
pub(crate) fn measure(
    rows: &mut Rows,
    path: &Path,
    mut dump: Option<&mut File>,
) -> Result<(), Failure> {
    rows.title(&format!("SVI slices of {}", path.display()));
    let (mut times, mut whole, mut plain, mut left) = (Vec::new(), 0.0, 0usize, 0usize);
    let mut tallies: [Tally; 3] = std::array::from_fn(|_| Tally::default());
    let (mut density, mut calendar) = (f64::INFINITY, f64::INFINITY);
    let mut count = 0usize;
    for chain in &feeds::chains(path)? {
        let slices = slices(chain)?;
        for slice in &slices {
            let start = Instant::now();
            if surface::fit(slice, None).is_some() {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
            if let Some(file) = dump.as_deref_mut() {
                for p in &slice.points {
                    let id = (&chain.asset, chain.time_s, slice.years);
                    writeln!(file, "{},{},{},{},{},{}", id.0, id.1, id.2, p.k, p.bid, p.ask)?;
                }
            }
        }
        let start = Instant::now();
        let fitted: Vec<Option<Fitted>> = surface::fit_all(&slices, &[]);
        whole += start.elapsed().as_secs_f64() * 1e3;
        for (slice, fitted) in slices.iter().zip(&fitted) {
            let Some(fitted) = fitted else {
                left += usize::from(slice.points.len() >= 6);
                continue;
            };
            assert!(fitted.certificate.holds(), "only certified slices are returned");
            count += 1;
            plain += usize::from(fitted.plain);
            density = lesser(density, fitted.certificate.density);
            calendar = lesser(calendar, fitted.certificate.calendar);
            for (tally, (_, within)) in tallies.iter_mut().zip(WITHIN) {
                tally.add(slice, &fitted.svi, within);
            }
        }
    }
    times.sort_by(f64::total_cmp);
    rows.row("slices certified", count as f64, Bar::Free);
    rows.row("  of them as first fitted", plain as f64, Bar::Free);
    rows.row("slices left out: no fit without arbitrage", left as f64, Bar::AtMost(0.0));
    rows.row("least certified density function", density, Bar::AtLeast(0.0));
    rows.row("least certified step to the next expiry", calendar, Bar::AtLeast(0.0));
    rows.row("fit, milliseconds a slice, median", times[times.len() / 2], Bar::AtMost(0.3));
    let late = times[times.len() * 99 / 100];
    rows.row("fit, milliseconds a slice, 99th per cent", late, Bar::Free);
    let each = whole / (count + left) as f64;
    rows.row("fit, mending and certificates, milliseconds a slice", each, Bar::Free);
    for (index, (tally, (name, _))) in tallies.iter_mut().zip(WITHIN).enumerate() {
        tally.rows(rows, name, index == 1);
    }
    Ok(())
}

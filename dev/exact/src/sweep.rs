//! Every argument of a function: what the kernels give against the nearest f32.
//!
//! The 2^32 bit patterns are 65,536 blocks of 65,536. All five functions are monotone, so where the
//! nearest f32 is the same at both ends of a block it is the same within; elsewhere each argument
//! is decided by itself. The kernels compute every one.
//!
//! *Invariant: what is reported of a block does not depend on the thread that did it, so a sweep
//! gives the same report whatever the number of threads.*
//! Absent: sampling (tests/sampled.rs), a bound (whoever asks has one).

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::Context as _;
use kernels::Runner;
use tensor::Tensor;

use crate::nearest::{By, decide, nearest};
use crate::{Function, series};

/// Blocks of a whole sweep, and arguments of a block.
pub const BLOCKS: u32 = 1 << 16;

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Arguments that were tried.
    pub arguments: u64,
    /// Results that are not the nearest f32.
    pub not_nearest: u64,
    /// Of those, the ones that are a NaN, or should be one, or have other bits than the one NaN.
    pub wrong_kind: u64,
    /// Arguments on which only the series could decide.
    pub by_series: u64,
    /// The greatest error of a result that is not the nearest, in units of the last place; 0 if
    /// there is none, and then no error is above one half.
    pub worst_ulp: f64,
    /// The argument with that error, by its bits; the lowest if several have it.
    pub worst_bits: u32,
}

impl Report {
    fn add(&mut self, other: &Report) {
        self.arguments += other.arguments;
        self.not_nearest += other.not_nearest;
        self.wrong_kind += other.wrong_kind;
        self.by_series += other.by_series;
        self.note(other.worst_ulp, other.worst_bits);
    }

    fn note(&mut self, ulp: f64, bits: u32) {
        let worse = ulp > self.worst_ulp;
        if worse || (ulp == self.worst_ulp && bits < self.worst_bits) {
            (self.worst_ulp, self.worst_bits) = (ulp, bits);
        }
    }
}

/// Sweeps every `every`-th block with all threads, and calls `progress` after each.
///
/// # Errors
///
/// If the kernels refuse the Program, or a thread panicked, which says that a value was undecided.
///
/// # Panics
///
/// If `every` is 0.
pub fn sweep(function: Function, every: u32, progress: impl Fn() + Sync) -> anyhow::Result<Report> {
    assert!(every > 0, "every block, or every second, or …");
    let next = AtomicU32::new(0);
    let worker = || -> anyhow::Result<Report> {
        let program = function.program(usize::try_from(BLOCKS)?)?;
        let mut runner = Runner::new(&program);
        let mut report = Report::default();
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed).saturating_mul(every);
            if block >= BLOCKS {
                return Ok(report);
            }
            report.add(&one_block(function, block, &mut runner)?);
            progress();
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let mut report = Report::default();
        for thread in running {
            report.add(&thread.join().ok().context("a value is undecided, see above")??);
        }
        Ok(report)
    })
}

fn one_block(function: Function, block: u32, runner: &mut Runner) -> anyhow::Result<Report> {
    let first = block << 16;
    let arguments: Vec<f32> = (first..=first | 0xffff).map(f32::from_bits).collect();
    let input = Tensor::f32(&[arguments.len()], arguments)?;
    let output = runner.run(&[&input])?.remove(0);
    let (xs, ys) = (input.as_f32().context("f32")?, output.as_f32().context("f32")?);
    let same = same_throughout(function, xs);
    let mut report = Report { arguments: u64::from(BLOCKS), ..Report::default() };
    for (x, got) in xs.iter().zip(ys) {
        let (wanted, by) = same.map_or_else(|| decide(function, *x), |y| (y, By::Estimate));
        report.by_series += u64::from(by == By::Series);
        if got.to_bits() != wanted.to_bits() {
            differ(function, *x, (*got, wanted), &mut report);
        }
    }
    Ok(report)
}

/// Returns the nearest f32 of all arguments of a block, if monotony says that it is one.
fn same_throughout(function: Function, xs: &[f32]) -> Option<f32> {
    let (first, last) = (*xs.first()?, *xs.last()?);
    // In the blocks of the zeros and of the infinities, bits and values do not run together.
    if first == 0.0 || !last.is_finite() {
        return None;
    }
    let (low, high) = (nearest(function, first), nearest(function, last));
    (low.to_bits() == high.to_bits()).then_some(low)
}

/// Notes a result that is not the nearest.
fn differ(function: Function, x: f32, (got, wanted): (f32, f32), report: &mut Report) {
    report.not_nearest += 1;
    if got.is_nan() || wanted.is_nan() {
        report.wrong_kind += 1;
        report.note(f64::INFINITY, x.to_bits());
        return;
    }
    let in_range = match function {
        Function::Exp => x.abs() < 105.0,
        Function::Log => x > 0.0 && x.is_finite(),
        _ => x.abs() < 11.0,
    };
    let error = if in_range { series::value(function, x).error(got) } else { f64::INFINITY };
    report.note(error, x.to_bits());
}

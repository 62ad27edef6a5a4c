//! What the sweeps over all arguments found, as it is committed: `dev/exact/exhaustive.json`.
//!
//! The figures of `docs/numerics.md` are these; a test compares the two texts.
//!
//! *Invariant: only a sweep over all 2^32 arguments is written down.* Absent: times.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::{Function, nearest::nearest, sweep::Report};

/// What one sweep found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Arguments that were tried.
    pub arguments: u64,
    /// Results that are not the nearest f32.
    pub not_nearest: u64,
    /// The greatest error in units of the last place, to six digits; where every result is the
    /// nearest, one half, which it does not exceed.
    pub worst_ulp: String,
    /// The argument with that error, and the result and the nearest f32 there, by their bits.
    pub worst: Option<[String; 3]>,
    /// Arguments on which only the series could decide.
    pub by_series: u64,
    /// The kernels' level.
    pub level: String,
}

impl Entry {
    /// Returns the entry of a report.
    #[must_use]
    pub fn new(function: Function, report: &Report) -> Entry {
        let x = f32::from_bits(report.worst_bits);
        let hex = |x: f32| format!("0x{:08x}", x.to_bits());
        let worst = [hex(x), hex(function.op(x)), hex(nearest(function, x))];
        let ulp = if report.not_nearest == 0 { 0.5 } else { report.worst_ulp };
        Entry {
            arguments: report.arguments,
            not_nearest: report.not_nearest,
            worst_ulp: format!("{ulp:.6}"),
            worst: (report.not_nearest > 0).then_some(worst),
            by_series: report.by_series,
            level: kernels::Level::best().to_string(),
        }
    }
}

/// Returns the place of the record in a checkout.
#[must_use]
pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("exhaustive.json")
}

/// Reads the record; empty if there is none.
///
/// # Errors
///
/// If the file is there and cannot be read.
pub fn read() -> anyhow::Result<BTreeMap<String, Entry>> {
    let place = path();
    if !place.exists() {
        return Ok(BTreeMap::new());
    }
    let text = std::fs::read_to_string(&place).with_context(|| place.display().to_string())?;
    serde_json::from_str(&text).with_context(|| place.display().to_string())
}

/// Writes one function's entry, and leaves the others.
///
/// # Errors
///
/// If the file cannot be read or written.
pub fn write(function: Function, entry: Entry) -> anyhow::Result<()> {
    let mut record = read()?;
    record.insert(function.name().to_owned(), entry);
    let text = serde_json::to_string_pretty(&record)? + "\n";
    std::fs::write(path(), text).with_context(|| path().display().to_string())
}

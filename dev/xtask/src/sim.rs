//! The simulator, built and run.
//!
//! Its output is the simulator's own, so that `--json` is nothing but JSON. Absent: any part in
//! `ci`; there the simulator's own test runs the seeds.

use anyhow::{Context, ensure};

use crate::steps::cargo;

/// Runs the simulator with these words for its command line.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    let mut command = cargo(["run", "--quiet", "--release", "-p", "sim", "--"]);
    let status = command.args(words).status().context("cargo does not start")?;
    ensure!(status.success(), "the simulator found what it says above");
    Ok(())
}

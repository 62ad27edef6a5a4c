//! The figures of the risk engine, beside the plain models and GARCH of the Python package `arch`.
//!
//! GARCH is fitted every day anew, which takes minutes, so its forecasts are kept in
//! target/garch.csv until that is deleted. Networks and their mixture follow, where people read.
//! Where Python is not to be had it is left out, and the output says so.
//!
//! Absent: any part in `ci` or `test`; the data are not part of the repository.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::peers;
use crate::steps::{Steps, cargo};

/// What is installed into the environment.
const REQUIREMENTS: &str = "dev/peers/garch/requirements.txt";
/// The series that figures are of.
const SERIES: [&str; 2] = ["BTCUSDT_perp_30m.parquet", "ETHUSDT_perp_30m.parquet"];

/// Builds the bench and runs it on the series in `folder`.
pub(crate) fn bench(
    steps: &mut Steps,
    folder: &Path,
    (before_split, json): (bool, bool),
) -> anyhow::Result<()> {
    let files: Vec<PathBuf> = SERIES.iter().map(|name| folder.join(name)).collect();
    for file in &files {
        let there = steps.root().join(file);
        anyhow::ensure!(
            there.is_file(),
            "{} is missing; name the folder of the series",
            file.display()
        );
    }
    let garch = steps.root().join("target/garch.csv");
    if !garch.is_file() {
        forecast(steps, &files, &garch)?;
    }
    let mut command = cargo(["run", "--release", "-p", "feeds", "--example", "risk", "--"]);
    if garch.is_file() {
        command.arg("--garch").arg(&garch);
    }
    command.args(before_split.then_some("--before-split")).args(json.then_some("--json"));
    let advice = "the bench prints its own reason above";
    steps.run("the risk engine", command.args(&files), advice)?;
    if json {
        return Ok(());
    }
    let mut command = cargo(["run", "--release", "-p", "feeds", "--example", "mixture", "--"]);
    command.args((!before_split).then_some("--after-split"));
    steps.run("networks beside the regression", command.args(&files), advice)
}

/// Writes GARCH's forecasts, if there is a Python that can.
fn forecast(steps: &mut Steps, files: &[PathBuf], garch: &Path) -> anyhow::Result<()> {
    let place = steps.root().join("target/garch-venv");
    let advice = "it needs python3 with venv, the network, and 1 GB of disk";
    let Some(python) = peers::python(steps, &place, (REQUIREMENTS, advice)) else {
        return Ok(());
    };
    let part = garch.with_extension("part");
    let output = File::create(&part).with_context(|| part.display().to_string())?;
    let mut command = Command::new(python);
    command.arg("dev/peers/garch/garch.py").args(files).stdout(output);
    steps.run("GARCH, some minutes", &mut command, "Python's own words are above")?;
    Ok(std::fs::rename(&part, garch)?)
}

//! The figures of the option side, with other engines on the same work beside.
//!
//! Ours dumps the points that surfaces are fitted to, and the others fit the same. Where Python is
//! not to be had its engines are left out, and the output says so.
//!
//! Absent: any part in `ci` or `test`; the chains are not part of the repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::peers;
use crate::steps::{Steps, cargo};

/// What is installed into the environment.
const REQUIREMENTS: &str = "dev/peers/options/requirements.txt";

/// Builds the bench and its peers and runs all of them on the chains in `folder`.
pub(crate) fn bench(steps: &mut Steps, folder: &Path, json: bool) -> anyhow::Result<()> {
    let files = chains(&steps.root().join(folder))?;
    let points = steps.root().join("target/points.csv");
    let mut command = cargo(["run", "--release", "-p", "feeds", "--example", "options", "--"]);
    command.args(json.then_some("--json")).arg("--dump").arg(&points).args(&files);
    steps.run("options", &mut command, "the bench prints its own reason above")?;
    let target = steps.root().join("target/options-peers");
    let mut command = cargo(["run", "--release", "--locked", "--manifest-path"]);
    command.arg("dev/peers/options/Cargo.toml").arg("--target-dir").arg(target);
    command.arg("--").arg(&points);
    steps.run("the crates implied-vol and volsurf", &mut command, "the reason is above")?;
    let place = steps.root().join("target/options-venv");
    let advice = "it needs python3 with venv, the network, and 1 GB of disk";
    if let Some(python) = peers::python(steps, &place, (REQUIREMENTS, advice)) {
        let mut command = Command::new(python);
        command.arg("dev/peers/options/options.py").arg(&points);
        let advice = "Python's own words are above";
        steps.run("numpy, scipy, QuantLib and py_vollib", &mut command, advice)?;
    }
    Ok(())
}

/// The parquet files of a folder, in the order of their names.
fn chains(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let advice = || format!("{} is missing; name the folder of the chains", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(advice)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

//! The bench beside other engines: dev/peers, a workspace of its own, and a Python for PyTorch.
//!
//! PyTorch is installed into target/peers-venv, with what it loads and nothing more; about 4 GB, as
//! its only build on the package index is the one for GPUs. Where that fails it is left out, and
//! the output says so.
//!
//! *Invariant: every engine of a run has the same number of threads.*
//! Absent: any part in `ci` or `test`. The peers are measured, never trusted.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{Steps, cargo};

/// What is installed into the environment.
const REQUIREMENTS: &str = "dev/peers/requirements.txt";

/// Threads of the two runs.
const THREADS: [&str; 2] = ["1", "2"];

/// Builds the peers and measures them with one thread and with two.
pub(crate) fn bench(steps: &mut Steps, filter: Option<&str>, json: bool) -> anyhow::Result<()> {
    let target = steps.root().join("target");
    let mut command = cargo(["build", "--release", "--locked", "--manifest-path"]);
    command.arg("dev/peers/Cargo.toml").arg("--target-dir").arg(target.join("peers"));
    steps.run("build of the peers", &mut command, "the compiler's own words are above")?;
    let advice = "it needs python3 with venv, the network, and 4 GB of disk";
    let python = python(steps, &target.join("peers-venv"), (REQUIREMENTS, advice));
    for threads in THREADS {
        let mut command = Command::new(target.join("peers/release/peers"));
        for pool in ["RAYON_NUM_THREADS", "MATMUL_NUM_THREADS"] {
            command.env(pool, threads);
        }
        command.args(["--threads", threads]).args(filter);
        if let Some(python) = &python {
            command.arg("--python").arg(python);
        }
        if json {
            command.arg("--json");
        }
        let title = format!("beside other engines, threads: {threads}");
        steps.run(&title, &mut command, "the bench prints its own reason above")?;
    }
    Ok(())
}

/// Returns the Python that has these requirements; makes its environment unless it is there as
/// required.
pub(crate) fn python(
    steps: &mut Steps,
    place: &Path,
    (requirements, advice): (&str, &str),
) -> Option<PathBuf> {
    let python = place.join("bin/python");
    let stamp = place.join("installed.txt");
    let wanted = std::fs::read(steps.root().join(requirements)).ok()?;
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Some(python);
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(place);
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--no-deps", "-r", requirements]);
    let made = steps
        .run("a Python environment", &mut make, advice)
        .and_then(|()| steps.run(requirements, &mut install, advice))
        .and_then(|()| Ok(std::fs::write(&stamp, &wanted)?));
    match made {
        Ok(()) => Some(python),
        Err(error) => {
            steps.skip(requirements, &format!("{error:#}"));
            None
        }
    }
}

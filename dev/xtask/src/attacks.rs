//! Aggregation rules under attack, and their times, beside byzfl's rules.
//!
//! The table takes minutes to hours, by what is asked for; it shows how much is left. Where Python
//! is not to be had our rules fight alone, and the output says so.
//!
//! Absent: any part in `ci` or `test`, which have a small fight of their own; the digits are not
//! part of the repository.

use std::process::Command;

use crate::peers;
use crate::steps::{Steps, cargo};

/// What is installed into the environment.
const REQUIREMENTS: &str = "dev/peers/robust/requirements.txt";

/// Builds the fights and runs them with these words for their command line.
pub(crate) fn bench(steps: &mut Steps, words: &[String]) -> anyhow::Result<()> {
    let mut build = cargo(["build", "--release", "-p", "attacks"]);
    steps.run("build of the fights", &mut build, "the compiler's own words are above")?;
    let place = steps.root().join("target/robust-venv");
    let advice = "it needs python3 with venv, the network, and 300 MB of disk";
    let python = peers::python(steps, &place, (REQUIREMENTS, advice));
    let mut command = Command::new(steps.root().join("target/release/attacks"));
    command.args(words);
    if let Some(python) = python {
        command.arg("--python").arg(python);
    }
    steps.run("rules under attack", &mut command, "the reason is above")
}

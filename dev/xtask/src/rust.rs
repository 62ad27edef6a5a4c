//! What cargo does: format, lints, tidy, tests, vectors, benches. Release only: one build for all.
//!
//! *Invariant: the tests run the code that ships, so there is no second profile to build or to
//! trust.* Absent: a choice of toolchain (rust-toolchain.toml).

use crate::contracts;
use crate::steps::{Steps, cargo};
use crate::testfloat;

/// Fails where rustfmt would change a file.
pub(crate) fn format(steps: &mut Steps) -> anyhow::Result<()> {
    steps.run("format", &mut cargo(["fmt", "--all", "--check"]), "run `cargo fmt --all`")
}

/// Fails on any warning of the compiler or of clippy, in tests and examples too.
pub(crate) fn clippy(steps: &mut Steps) -> anyhow::Result<()> {
    let mut command =
        cargo(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    steps.run("clippy", &mut command, "fix the warnings above, or `#[expect]` one with a reason")
}

/// Checks what no compiler does: sizes, floors, links, words.
pub(crate) fn tidy(steps: &mut Steps) -> anyhow::Result<()> {
    let mut command = cargo(["test", "--release", "--package", "xtask", "--test", "tidy"]);
    steps.run("tidy", &mut command, "each line above names a file and what to do about it")
}

/// Runs every Rust test and doctest, and checks the golden vectors.
///
/// The packages of contracts/ are there first, since a chain's tests run against anvil too, and so
/// is TestFloat, where it can be had.
pub(crate) fn test(steps: &mut Steps) -> anyhow::Result<()> {
    contracts::install(steps)?;
    let mut command = cargo(["test", "--release", "--workspace", "--no-fail-fast"]);
    if let Some(generator) = testfloat::ready(steps) {
        command.env("ASSAY_TESTFLOAT", generator);
    }
    steps.run_tests("tests in Rust", &mut command, "run the test that `error:` names above")
}

/// Writes the golden vectors, or checks that they are what the reference interpreter gives.
pub(crate) fn vectors(steps: &mut Steps, check: bool) -> anyhow::Result<()> {
    let mut command = cargo(["run", "--release", "--package", "laws", "--bin", "vectors", "--"]);
    command.arg("vectors");
    if check {
        command.arg("--check");
    }
    let advice = "a vector may change only with the meaning of an op, which needs a new op code";
    steps.run("golden vectors", &mut command, advice)
}

/// Measures the kernels against the reference interpreter.
pub(crate) fn bench(steps: &mut Steps, filter: Option<&str>) -> anyhow::Result<()> {
    let mut command = cargo(["bench", "--package", "kernels", "--bench", "kernels", "--"]);
    command.args(filter);
    steps.run("bench", &mut command, "the bench prints its own reason above")
}

/// Plays disputes over training steps of 2^32 operations and measures both sides.
pub(crate) fn dispute(steps: &mut Steps, filter: Option<&str>) -> anyhow::Result<()> {
    let mut command = cargo(["bench", "--package", "node", "--bench", "dispute", "--"]);
    command.args(filter);
    steps.run("disputes", &mut command, "the bench prints its own reason above")
}

/// Sweeps all arguments of the elementary functions of f32; minutes, and it shows how many.
pub(crate) fn exhaustive(
    steps: &Steps,
    functions: &[String],
    every: Option<u32>,
) -> anyhow::Result<()> {
    let mut command =
        cargo(["run", "--release", "--package", "exact", "--bin", "exhaustive", "--"]);
    command.args(functions);
    command.args(every.map(|every| format!("--every={every}")));
    let advice = "a function is more than a unit off, or the command line was not understood";
    steps.run("every argument", &mut command, advice)
}

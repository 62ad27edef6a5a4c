//! The contracts: compiled and tested by the scripts of contracts/package.json.
//!
//! *Invariant: what cargo embeds (contracts/artifacts) is what the sources compile to, byte for
//! byte.* Absent: compiler settings (contracts/foundry.toml).

use crate::npm;
use crate::steps::Steps;

const FOLDER: &str = "contracts";

/// Compiles the contracts and runs forge's tests.
pub(crate) fn test(steps: &mut Steps) -> anyhow::Result<()> {
    build(steps)?;
    let mut command = npm::script(steps, FOLDER, "test");
    steps.run_tests("tests of the contracts", &mut command, "see the failing test above")
}

/// Compiles the contracts and writes ABI and bytecode of each to contracts/artifacts.
pub(crate) fn write(steps: &mut Steps) -> anyhow::Result<()> {
    npm::require()?;
    build(steps)?;
    let mut command = npm::script(steps, FOLDER, "artifacts");
    steps.run("artifacts", &mut command, "the script contracts/scripts/artifacts.mjs says why")
}

/// Fails where a fresh compilation gives another artifact than the committed one.
pub(crate) fn check(steps: &mut Steps) -> anyhow::Result<()> {
    npm::require()?;
    build(steps)?;
    let mut command = npm::script(steps, FOLDER, "artifacts:check");
    steps.run(
        "artifacts are reproducible",
        &mut command,
        "run `cargo xtask contracts` and commit contracts/artifacts",
    )
}

/// Installs forge, anvil, solc and the libraries, as locked.
pub(crate) fn install(steps: &Steps) -> anyhow::Result<()> {
    npm::install(steps, FOLDER)
}

fn build(steps: &Steps) -> anyhow::Result<()> {
    install(steps)?;
    let mut command = npm::script(steps, FOLDER, "build");
    steps.run("compile the contracts", &mut command, "the compiler's message above says where")
}

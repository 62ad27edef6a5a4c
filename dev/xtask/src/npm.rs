//! The two folders that need Node.js: contracts/ and dev/browser.
//!
//! *Invariant: what is installed is what the lock file says; it is installed again only when the
//! lock file has changed since.*
//! Absent: global packages, other package managers.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::steps::Steps;

/// The oldest Node.js that the scripts are tried with.
const NODE_MAJOR_MIN: u32 = 20;

/// A copy of the lock file that the folder's `node_modules` was installed from.
const STAMP: &str = "node_modules/.installed-lock.json";

/// Fails with one sentence when Node.js is missing or too old.
pub(crate) fn require() -> anyhow::Result<()> {
    let wanted = format!("the tests need Node.js {NODE_MAJOR_MIN} or later (with npm)");
    let output = Command::new("node").arg("--version").output();
    let output = output.with_context(|| format!("{wanted}; there is no `node` on the path"))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|m| m.parse().ok());
    if major.is_none_or(|major: u32| major < NODE_MAJOR_MIN) {
        bail!("{wanted}; `node --version` says {version:?}");
    }
    Ok(())
}

/// Installs a folder's packages exactly as locked, unless that has been done already.
pub(crate) fn install(steps: &Steps, folder: &str) -> anyhow::Result<()> {
    let place = steps.root().join(folder);
    let lock = std::fs::read(place.join("package-lock.json"))
        .with_context(|| format!("{folder}/package-lock.json cannot be read"))?;
    if std::fs::read(place.join(STAMP)).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let mut command = npm(&place);
    command.args(["ci", "--no-fund", "--no-audit"]);
    steps.run(
        &format!("npm packages of {folder}"),
        &mut command,
        "npm could not install what the lock file names; is the network up?",
    )?;
    std::fs::write(place.join(STAMP), lock)
        .with_context(|| format!("{folder}/{STAMP} cannot be written"))
}

/// Returns an npm command that runs in a folder.
pub(crate) fn npm(place: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(place);
    command
}

/// Returns an npm command that runs one of a folder's scripts.
pub(crate) fn script(steps: &Steps, folder: &str, name: &str) -> Command {
    let mut command = npm(&steps.root().join(folder));
    command.args(["run", "--silent", name]);
    command
}

//! The fuzzer: dev/fuzz under cargo-fuzz, one target after the other.
//!
//! Coverage needs no nightly compiler: without a sanitizer, cargo-fuzz asks for stable flags only.
//! (A sanitizer would look for errors in memory, of which safe code has none.) What breaks a
//! promise is written to dev/hostile/corpus, where the ordinary tests feed it again.
//!
//! *Invariant: a target that finds something fails the command.*
//! Absent: the growing corpus of everything interesting, which stays in target/fuzz.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::steps::{Steps, cargo};

/// The version that is installed where another one is there, or none.
const CARGO_FUZZ: &str = "0.13.2";

/// Where the targets are, and what they share with the tests.
const FOLDER: &str = "dev/fuzz";
const CORPUS: &str = "dev/hostile/corpus";

/// The targets, each with the feature that has its decoder.
const TARGETS: [(&str, Option<&str>); 11] = [
    ("program", None),
    ("listing", None),
    ("opening", None),
    ("judge", None),
    ("report", None),
    ("packed", None),
    ("message", Some("shell")),
    ("piece", Some("shell")),
    ("greeting", Some("shell")),
    ("keystore", Some("shell")),
    ("wire", Some("shell")),
];

/// Runs one target, or all.
pub(crate) fn run(steps: &mut Steps, target: Option<&str>, seconds: u32) -> anyhow::Result<()> {
    let chosen: Vec<_> =
        TARGETS.iter().filter(|(name, _)| target.is_none_or(|target| target == *name)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        bail!("{} is no target; there are {}", target.unwrap_or_default(), names.join(", "));
    }
    let fuzz = install(steps)?;
    for (name, feature) in chosen {
        let (own, found) = (format!("target/fuzz/corpus/{name}"), format!("{CORPUS}/{name}"));
        std::fs::create_dir_all(steps.root().join(&own)).context(own.clone())?;
        let mut command = Command::new(&fuzz);
        // The manifest's folder would bring its own toolchain file, so the root's is asked here.
        command.args(["fuzz", "run", "--fuzz-dir", FOLDER, "--target-dir", "target/fuzz"]);
        command.args(["--sanitizer", "none"]);
        command.args(feature.map(|feature| format!("--features={feature}")));
        command.args([*name, own.as_str(), found.as_str(), "--"]);
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-artifact_prefix={}/", steps.root().join(&found).display()));
        command.args(["-print_final_stats=1", "-max_len=65536"]);
        let advice = format!("the input is in {found}; `cargo test -p hostile` feeds it again");
        steps.run(&format!("fuzz {name}"), &mut command, &advice)?;
    }
    Ok(())
}

/// Returns the pinned cargo-fuzz, installing it under target/ where it is missing.
fn install(steps: &Steps) -> anyhow::Result<PathBuf> {
    let place = steps.root().join("target/tools");
    let fuzz = place.join("bin").join(format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX));
    if version(&fuzz).is_some_and(|version| version.contains(CARGO_FUZZ)) {
        return Ok(fuzz);
    }
    let mut command = cargo(["install", "--locked", "--force", "cargo-fuzz", "--version"]);
    command.arg(CARGO_FUZZ).arg("--root").arg(&place);
    steps.run("install cargo-fuzz", &mut command, "cargo could not install it; see above")?;
    Ok(fuzz)
}

fn version(fuzz: &Path) -> Option<String> {
    let output = Command::new(fuzz).args(["fuzz", "--version"]).stderr(Stdio::null()).output();
    Some(String::from_utf8_lossy(&output.ok()?.stdout).into_owned())
}

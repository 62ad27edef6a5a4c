//! Berkeley TestFloat, whose cases the arithmetic of the contracts is compared with.
//!
//! Its generator is looked for, installed with apt where this runs as root on a Debian that has it,
//! and otherwise missed in one line; the Rust test that uses it passes without it.
//!
//! *Invariant: a generator that was found is used.* Absent: building it from source.

use std::path::PathBuf;
use std::process::Command;

use crate::browser::is_root_on_debian;
use crate::steps::Steps;

const PROGRAM: &str = "testfloat_gen";
const TITLE: &str = "TestFloat's cases";

/// Returns the generator, or says in one line why its cases are skipped.
pub(crate) fn ready(steps: &mut Steps) -> Option<PathBuf> {
    let found = find().or_else(|| install(steps));
    if found.is_none() {
        steps.skip(TITLE, "no testfloat_gen found; install it, or name one in ASSAY_TESTFLOAT");
    }
    found
}

fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("ASSAY_TESTFLOAT") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(PROGRAM)).find(|p| p.is_file())
}

/// Installs the distribution's package where there is one and that needs nobody's password.
fn install(steps: &Steps) -> Option<PathBuf> {
    if !is_root_on_debian() {
        return None;
    }
    let known = Command::new("apt-cache").args(["show", "testfloat"]).output();
    if !known.is_ok_and(|output| output.status.success() && !output.stdout.is_empty()) {
        return None; // Debian 12 has none
    }
    let mut command = Command::new("apt-get");
    command.args(["install", "-y", "--no-install-recommends", "testfloat"]);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    if let Err(error) = steps.run("apt-get install testfloat", &mut command, "it is skipped") {
        println!("== {error:#}");
        return None;
    }
    find()
}

//! The explorer in a real browser, and the chain as wallets' libraries see it: dev/browser, with
//! the system's Chromium.
//!
//! Chromium is looked for, installed with apt where this runs as root on Debian, and otherwise
//! asked for in one line; then the tests are skipped where everybody can see it.
//!
//! *Invariant: a browser that was found is used, and a failing page fails the command.*
//! Absent: downloading a browser of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::npm;
use crate::steps::{Steps, cargo};

const FOLDER: &str = "dev/browser";
const TITLE: &str = "tests in the browser";

/// Names on the path, in order of preference.
const NAMES: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// Where macOS keeps it.
const BUNDLES: [&str; 2] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// Runs the browser tests, or says in one line why they are skipped.
pub(crate) fn test(steps: &mut Steps) -> anyhow::Result<()> {
    if !steps.root().join(FOLDER).join("package.json").exists() {
        steps.skip(TITLE, "there is no dev/browser in this checkout");
        return Ok(());
    }
    let Some(chromium) = find().or_else(|| install(steps)) else {
        steps.skip(TITLE, how_to_get_it());
        return Ok(());
    };
    npm::install(steps, FOLDER)?;
    let mut built =
        cargo(["build", "--release", "--workspace", "--bin", "assay", "--example", "fixture"]);
    let advice = "the compiler's message above says why";
    steps.run("the program and the explorer's fixture", &mut built, advice)?;
    let mut command = npm::script(steps, FOLDER, "test");
    command.env("ASSAY_CHROMIUM", chromium);
    command.env("ASSAY_FIXTURE", built_at(steps, "examples/fixture"));
    command.env("ASSAY_BIN", built_at(steps, "assay"));
    steps.run_tests(TITLE, &mut command, "see target/screenshots for what the browser saw")
}

/// Returns where cargo puts what it builds for release.
fn built_at(steps: &Steps, name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| steps.root().join("target"));
    steps.root().join(target).join("release").join(name)
}

fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("ASSAY_CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let on_path = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    on_path.chain(BUNDLES.iter().map(PathBuf::from)).find(|candidate| candidate.is_file())
}

/// Installs the distribution's Chromium where that needs nobody's password.
fn install(steps: &mut Steps) -> Option<PathBuf> {
    if !is_root_on_debian() {
        return None;
    }
    let advice = "the browser tests are skipped";
    for arguments in [&["update"][..], &["install", "-y", "--no-install-recommends", "chromium"]] {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        if let Err(error) = steps.run(&format!("apt-get {}", arguments[0]), &mut command, advice) {
            println!("== {error:#}");
            return None;
        }
    }
    find()
}

/// Whether apt installs without asking for a password.
pub(crate) fn is_root_on_debian() -> bool {
    let id = Command::new("id").arg("-u").output();
    let root = id.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    root && Path::new("/etc/debian_version").exists()
}

fn how_to_get_it() -> &'static str {
    if cfg!(target_os = "macos") {
        "no Chromium found; `brew install --cask chromium`, or name one in ASSAY_CHROMIUM"
    } else {
        "no Chromium found; `sudo apt-get install chromium`, or name one in ASSAY_CHROMIUM"
    }
}

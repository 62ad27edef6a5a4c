//! The files that git would commit, with their text.
//!
//! *Invariant: generated and ignored files are never looked at.*

use std::path::{Path, PathBuf};
use std::process::Command;

/// A text file of the project.
pub(crate) struct File {
    /// The path from the project's root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// Whether somebody else wrote it and the project only carries it along.
    pub(crate) fn is_vendored(&self) -> bool {
        self.path.contains("/vendor/") || self.path.starts_with("LICENSE-")
    }
}

/// Returns the project's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the paths that git tracks.
pub(crate) fn tracked() -> Vec<String> {
    list(&["ls-files"])
}

/// Returns every text file that is tracked, or new and not ignored.
pub(crate) fn all() -> Vec<File> {
    let paths = list(&["ls-files", "--cached", "--others", "--exclude-standard"]);
    let read = |path: String| {
        let text = String::from_utf8(std::fs::read(root().join(&path)).ok()?).ok()?;
        Some(File { path, text })
    };
    paths.into_iter().filter_map(read).collect()
}

fn list(arguments: &[&str]) -> Vec<String> {
    let output = Command::new("git").args(arguments).current_dir(root()).output();
    let output = output.expect("tidy needs git, as the README says");
    assert!(output.status.success(), "tidy needs a git checkout, not a bare copy of the files");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

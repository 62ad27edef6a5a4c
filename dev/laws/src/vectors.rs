//! Golden vectors: files that pin results down for every implementation in every language.
//!
//! Each file is one JSON object with what it is about, its version, and its cases. Numbers that
//! matter are hex strings of bytes, little-endian as in memory, so that no reader's number parser
//! has a say in them. `cargo xtask vectors` writes the files, `--check` compares.
//!
//! *Invariant: a file never changes once released; a change of meaning is a new op code and a new
//! file.* Absent: anything random that is not drawn from a fixed seed.

mod commitments;
mod json;
mod margins;
mod ops;
mod programs;
mod recipes;
mod scalars;
mod surfaces;
mod trainings;

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::Eval;

/// Returns the folder of the golden vectors in this checkout.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

/// Returns every file's name with its text, made anew by the reference interpreter.
///
/// # Panics
///
/// If the reference interpreter refuses a Program of the vectors, which its own tests rule out.
#[must_use]
pub fn generate() -> Vec<(&'static str, String)> {
    let committed = folder().join("programs_v1.json").exists().then(|| read("programs_v1.json"));
    vec![
        ("margin_v1.json", json::text(&margins::generate())),
        ("ops_v1.json", json::text(&ops::generate())),
        ("philox_v1.json", json::text(&ops::philox())),
        ("programs_v1.json", json::text(&programs::generate(committed.as_ref()))),
        ("robust_v1.json", json::text(&recipes::generate())),
        ("scalar_v1.json", json::text(&scalars::generate())),
        ("surface_v1.json", json::text(&surfaces::generate())),
        ("tree_v1.json", json::text(&commitments::generate())),
    ]
}

/// Checks an implementation against the committed ops, scalar steps, Philox words and robust
/// aggregation rules.
///
/// # Panics
///
/// If a file cannot be read, or a result differs; the message names the case.
pub fn check(eval: Eval) {
    ops::check(&read("ops_v1.json"), eval);
    ops::check_philox(&read("philox_v1.json"), eval);
    programs::check(&read("programs_v1.json"), eval);
    recipes::check(&read("robust_v1.json"), eval);
    scalars::check(&read("scalar_v1.json"), eval);
}

/// Checks the margins of the market crate.
///
/// # Panics
///
/// If the file cannot be read, or a margin or a mark differs.
pub fn check_margins() {
    margins::check(&read("margin_v1.json"));
}

/// Checks the claims about surfaces of the market crate.
///
/// # Panics
///
/// If the file cannot be read, or differs.
pub fn check_surfaces() {
    surfaces::check(&read("surface_v1.json"));
}

/// Checks Program hashes, encodings and tree roots of the tensor crate, and the hashes of
/// trainings.
///
/// # Panics
///
/// If a file cannot be read, or a hash differs; the message names the case.
pub fn check_commitments() {
    programs::check_hashes(&read("programs_v1.json"));
    trainings::check(&read("programs_v1.json"));
    commitments::check(&read("tree_v1.json"));
}

fn read(name: &str) -> Value {
    let path = folder().join(name);
    let load = || -> anyhow::Result<Value> {
        let text = std::fs::read_to_string(&path).context("run `cargo xtask vectors`")?;
        Ok(serde_json::from_str(&text)?)
    };
    load().unwrap_or_else(|error| panic!("{}: {error:#}", path.display()))
}

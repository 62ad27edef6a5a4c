//! From a file to a Program: the one place that knows formats.
//!
//! *Invariant: what a file is follows from its bytes; its name decides nothing that its bytes
//! contradict.* Absent: guesses; an extent of an ONNX model that has only a name must be given.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, bail};
use tensor::{ENCODING_SIZE_MAX, Program, TextError};

/// What is read, in words for an error.
const FORMATS: &str =
    "an encoded Program (`assay program example` writes one), a listing (`show --full`), or .onnx";

/// Reads a Program; `extents` are those that an ONNX model only names.
pub(crate) fn read(path: &Path, extents: BTreeMap<String, usize>) -> anyhow::Result<Program> {
    let name = path.display();
    let size = std::fs::metadata(path).with_context(|| name.to_string())?.len();
    // A listing has at most some four bytes for one of the encoding.
    if size > 4 * ENCODING_SIZE_MAX as u64 {
        bail!("{name} has {size} bytes, more than any Program");
    }
    let bytes = std::fs::read(path).with_context(|| name.to_string())?;
    if bytes.starts_with(b"ASSAYP") {
        return Program::decode(&bytes).with_context(|| name.to_string());
    }
    if path.extension().is_some_and(|extension| extension == "onnx") {
        let imported = onnx::import(&bytes, &onnx::ImportOptions { extents });
        let advice = || format!("{name}; a named extent is given as --extent NAME=N");
        return Ok(imported.with_context(advice)?.program);
    }
    let text = std::str::from_utf8(&bytes).ok().filter(|text| text.contains('%'));
    let Some(text) = text else { bail!("{name} is no Program; FILE is {FORMATS}") };
    match text.parse() {
        Err(error @ TextError::Elided { .. }) => Err(error)
            .with_context(|| format!("{name} is a listing for reading; write it with --full")),
        parsed => parsed.with_context(|| name.to_string()),
    }
}

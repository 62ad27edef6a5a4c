//! The password of a node's keystore, and its key.

use std::path::Path;

use anyhow::Context as _;
use node::keys::{Cost, Keys};

use super::Place;
use crate::up::keys::password;

/// Opens a node's keys.
pub(crate) fn open(place: &Place) -> anyhow::Result<Keys> {
    let password = match &place.password_file {
        Some(file) => read(file)?,
        None => password(&place.dir)?,
    };
    Ok(Keys::open(&place.dir, &password, Cost::Standard)?)
}

fn read(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("--password-file {}", file.display()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!password.is_empty(), "{} is empty", file.display());
    Ok(password.to_owned())
}

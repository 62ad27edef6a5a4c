//! The keys `up` itself holds: the deployer (who owns the gate), and the two sample accounts.
//!
//! On the embedded chain they are made at the first start; their password lies beside them, since
//! all they hold is play money. With `--rpc` the deployer is the user's own keystore, opened with
//! her password and never copied.

use std::{io::IsTerminal as _, path::Path};

use alloy::{primitives::hex, signers::local::PrivateKeySigner};
use anyhow::Context as _;

use super::Args;
use crate::layout::{self, Layout};

/// Opens a play-money key, making it at the first start.
pub(crate) fn own(layout: &Layout, name: &str) -> anyhow::Result<PrivateKeySigner> {
    let dir = layout.keys().join(name);
    Ok(node::keys::Keys::open(&dir, &password(&dir)?, node::keys::Cost::Light)?.chain)
}

/// Returns the password of a directory's keystore, making one at the first start.
pub(crate) fn password(dir: &Path) -> anyhow::Result<String> {
    let path = dir.join("password");
    match std::fs::read_to_string(&path) {
        Ok(password) => return Ok(password),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        // Writing another one over it would lock the key away for good.
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let password = hex::encode(rand::random::<[u8; 16]>());
    layout::replace_private(&path, password.as_bytes())?;
    Ok(password)
}

/// Opens the user's own keystore for `--rpc`.
pub(crate) async fn users(args: &Args) -> anyhow::Result<PrivateKeySigner> {
    let path = args
        .key
        .as_ref()
        .context("--rpc needs --key FILE, the keystore of an account that pays for gas")?;
    if !path.is_file() {
        anyhow::bail!("--key {}: no such file", path.display());
    }
    let password = match &args.password_file {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("--password-file {}", file.display()))?
            .trim_end_matches(['\r', '\n'])
            .to_owned(),
        None if std::io::stdin().is_terminal() => {
            let prompt = format!("password of {}: ", path.display());
            // On a thread of its own, so that Ctrl-C is heard meanwhile.
            tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt))
                .await?
                .context("no password was given")?
        }
        None => {
            anyhow::bail!("there is no terminal to ask for the password; add --password-file FILE")
        }
    };
    Ok(node::keys::open_keystore(path, &password)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_made_once_and_never_over_one_that_cannot_be_read() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let first = password(dir.path()).expect("made");
        assert_eq!(password(dir.path()).expect("kept"), first);
        let path = dir.path().join("password");
        std::fs::write(&path, [0xff; 4]).expect("spoilt");
        assert!(password(dir.path()).is_err());
        assert_eq!(std::fs::read(&path).expect("left alone"), [0xff; 4]);
    }
}

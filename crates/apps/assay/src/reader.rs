//! A chain to read from: the running one of a directory, or its files served by this process while
//! nobody else does.

use alloy::signers::local::PrivateKeySigner;
use anyhow::Context as _;
use chain::{Client, Deployment, embedded::Server};

use crate::{
    chain_process,
    layout::{self, Layout},
    up::settings::Settings,
};

/// Time between two blocks while this process alone reads the chain: longer than any reading.
const QUIET_MS: u64 = 3_600_000;

/// A directory's chain, and what it was started with.
pub(crate) struct Reader {
    /// A client with a key that owns nothing.
    pub(crate) client: Client,
    /// The choices of its first start.
    pub(crate) settings: Settings,
    _server: Option<Server>,
}

impl Reader {
    /// Opens the chain of a directory of `assay up`.
    ///
    /// # Errors
    ///
    /// Says what the directory has not, or why its chain does not answer.
    pub(crate) async fn open(layout: &Layout) -> anyhow::Result<Reader> {
        let dir = layout.root().display().to_string();
        let settings: Settings = layout::read_json(&layout.settings())?
            .with_context(|| format!("{dir} holds no network; run `assay up` first"))?;
        let deployment: Deployment = layout::read_json(&layout.deployment())?
            .with_context(|| format!("{dir} holds no deployment yet"))?;
        let reader = PrivateKeySigner::random();
        let url = match &settings.rpc {
            Some(url) => url.clone(),
            None => std::fs::read_to_string(layout.chain_url()).unwrap_or_default(),
        };
        match Client::open(&url, reader.clone(), deployment.clone()).await {
            Ok(client) => return Ok(Reader { client, settings, _server: None }),
            Err(error) if settings.rpc.is_some() => return Err(error.into()),
            Err(_) => {}
        }
        let dir = layout.chain();
        let config: chain_process::Config = layout::read_json(&chain_process::config_path(&dir))?
            .context("there is no chain here")?;
        // Reading is not to make blocks.
        let quiet = chain_process::Config { block_ms_max: QUIET_MS, ..config };
        let server = Server::start(quiet.embedded(&dir, 0)).await?;
        let client = Client::open(&server.url(), reader, deployment).await?;
        Ok(Reader { client, settings, _server: Some(server) })
    }
}

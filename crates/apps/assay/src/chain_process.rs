//! `assay chain`: the embedded chain as a process of its own, started by `up`.
//!
//! Its address goes into `DIR/url` once it listens; a restart takes the same port, so that nobody
//! has to look again.

use std::{path::PathBuf, time::Duration};

use alloy::primitives::{Address, U256};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::{layout, up::children::leave_with_parent};

/// Where `up` puts the address of its last run, which binds nobody any more.
pub(crate) const URL_BEFORE: &str = "url.before";

/// Where the chain keeps its data; its `chain.json` says the rest.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory of the chain.
    #[arg(long)]
    dir: PathBuf,
}

/// What `up` decided when it made the chain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Config {
    /// Chain id.
    pub(crate) chain_id: u64,
    /// Port to prefer; another is taken when it is in use.
    pub(crate) port: u16,
    /// Timestamp of block 0, Unix seconds.
    pub(crate) genesis_time: u64,
    /// Shortest time between two blocks, milliseconds.
    pub(crate) block_ms_min: u64,
    /// Longest time between two blocks, milliseconds.
    pub(crate) block_ms_max: u64,
    /// Accounts that hold ether in block 0, wei.
    pub(crate) funded: Vec<(Address, U256)>,
}

impl Config {
    /// Returns what the embedded chain is started with.
    pub(crate) fn embedded(&self, dir: &std::path::Path, port: u16) -> chain::embedded::Config {
        chain::embedded::Config {
            dir: dir.to_path_buf(),
            chain_id: self.chain_id,
            port,
            genesis_time: self.genesis_time,
            block_ms_min: self.block_ms_min,
            block_ms_max: self.block_ms_max,
            funded: self.funded.clone(),
        }
    }
}

/// Returns the file that holds the chain's [`Config`].
pub(crate) fn config_path(dir: &std::path::Path) -> PathBuf {
    dir.join("chain.json")
}

/// Serves the chain until the parent leaves.
pub(crate) async fn run(args: Args) -> anyhow::Result<std::process::ExitCode> {
    leave_with_parent();
    let config: Config = layout::read_json(&config_path(&args.dir))?
        .with_context(|| format!("{} holds no chain.json", args.dir.display()))?;
    let server = start(&args, &config).await?;
    layout::replace(&args.dir.join("url"), server.url().as_bytes())?;
    tracing::info!(url = server.url(), "the chain listens");
    std::future::pending().await
}

/// Takes the port that this run of `up` has told everybody, else the one of the run before, else
/// the preferred one.
async fn start(args: &Args, config: &Config) -> anyhow::Result<chain::embedded::Server> {
    let told = std::fs::read_to_string(args.dir.join("url")).ok();
    let told = told.as_deref().and_then(|url| url.rsplit(':').next()?.parse::<u16>().ok());
    if let Some(port) = told {
        return again(args, config, port).await;
    }
    if !args.dir.join(URL_BEFORE).exists() {
        match chain::embedded::Server::start(config.embedded(&args.dir, config.port)).await {
            Err(chain::embedded::StartError::PortInUse { .. }) => {}
            other => return Ok(other?),
        }
    }
    Ok(chain::embedded::Server::start(config.embedded(&args.dir, 0)).await?)
}

/// Takes a port that others rely on, waiting for whoever took it while this process was dead.
async fn again(args: &Args, config: &Config, port: u16) -> anyhow::Result<chain::embedded::Server> {
    const PAUSE: Duration = Duration::from_millis(100);
    loop {
        match chain::embedded::Server::start(config.embedded(&args.dir, port)).await {
            Err(error @ chain::embedded::StartError::PortInUse { .. }) => {
                tracing::warn!(%error, "waiting for it, since the nodes know no other");
                tokio::time::sleep(PAUSE).await;
            }
            other => return Ok(other?),
        }
    }
}

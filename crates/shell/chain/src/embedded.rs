//! An EVM chain in this process, behind standard Ethereum JSON-RPC on a loopback port.
//!
//! `engine` executes (revm), `world` holds the state in memory, `store` makes every block durable
//! before anybody hears of it, `pool` orders what waits, `rpc` speaks JSON-RPC and `http` carries
//! it. Blocks come a few milliseconds after a transaction, with everything that arrived meanwhile,
//! but never closer than `block_ms_min`, so that a deadline counted in blocks is also some time,
//! and otherwise every `block_ms_max`, so that it passes on a quiet chain too.
//!
//! Invariant: crash-only. There is no shutdown that a kill would miss; see `store`.
//!
//! Deliberately absent: a network, a second node, old states, and any listening address but
//! loopback.

mod engine;
mod filters;
mod http;
mod pool;
mod record;
mod rpc;
mod store;
mod world;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::primitives::{Address, U256};
use axum::serve::ListenerExt;
use thiserror::Error;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use self::store::StoreError;
use self::{engine::Engine, rpc::Shared, store::Store};

/// Chain id to use where nothing speaks for another; no public chain has it.
pub const CHAIN_ID: u64 = 2_718_281;
/// How long a transaction waits for others to share its block.
const GATHER: Duration = Duration::from_millis(4);
/// How long open connections may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(2);

/// What the chain is; all but `dir`, `port` and the times matter on the first start only.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directory of the chain's file and lock; made if need be.
    pub dir: PathBuf,
    /// Chain id, part of every signature.
    pub chain_id: u64,
    /// Loopback port; 0 takes the one of the last start if it is free, else any.
    pub port: u16,
    /// Timestamp of block 0 in Unix seconds.
    pub genesis_time: u64,
    /// Shortest time between two blocks in milliseconds.
    pub block_ms_min: u64,
    /// Longest time between two blocks in milliseconds.
    pub block_ms_max: u64,
    /// Accounts that hold ether in block 0, and how much in wei.
    pub funded: Vec<(Address, U256)>,
}

/// Why the chain does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The port is taken.
    #[error("port {port} is in use by another program")]
    PortInUse {
        /// The port asked for.
        port: u16,
    },
    /// The port cannot be opened for another reason.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A running chain. Dropping it ends it, as a kill would.
///
/// ```
/// use alloy::{primitives::U256, signers::local::PrivateKeySigner};
/// use chain::{Client, embedded::{CHAIN_ID, Config, Server}};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dir = tempfile::tempdir()?;
/// let rich = PrivateKeySigner::random();
/// let server = Server::start(Config {
///     dir: dir.path().to_owned(),
///     chain_id: CHAIN_ID,
///     port: 0,
///     genesis_time: 1_425_254_400,
///     block_ms_min: 0,
///     block_ms_max: 500,
///     funded: vec![(rich.address(), U256::from(10).pow(U256::from(18)))],
/// })
/// .await?;
/// let client = Client::connect(&server.url(), rich).await?;
/// let poor = PrivateKeySigner::random().address();
/// let mined = client.pay(poor, U256::from(7)).await?;
/// assert_eq!(mined.gas_used, 21_000);
/// assert_eq!(client.balance(poor).await?, U256::from(7));
/// server.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Loads or makes the chain in `config.dir` and serves it.
    ///
    /// # Errors
    ///
    /// [`StartError::Store`] if the directory is in use, newer, full, damaged or another chain's;
    /// [`StartError::PortInUse`] if the port asked for is taken.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let (dir, chain_id) = (config.dir.clone(), config.chain_id);
        let opened = tokio::task::spawn_blocking(move || Store::open(&dir, chain_id)).await;
        // redb panics on pages that no version of it wrote.
        let opened = opened.map_err(|error| StoreError::Damaged {
            dir: config.dir.clone(),
            detail: error.to_string(),
        })??;
        let listener = listen(config.port, opened.port).await?;
        let address = listener
            .local_addr()
            .map_err(|source| StartError::Listen { port: config.port, source })?;
        if opened.port != Some(address.port()) {
            opened.store.set_port(address.port())?;
        }
        let engine = Engine::start(opened, chain_id, config.genesis_time, &config.funded)?;
        let shared = Arc::new(Shared::new(engine));
        let (stop, stopped) = watch::channel(false);
        let pace = [config.block_ms_min, config.block_ms_max.max(1)].map(Duration::from_millis);
        let miner = tokio::spawn(mine(shared.clone(), pace, stopped.clone()));
        let server = tokio::spawn(serve(listener, shared.clone(), stopped));
        Ok(Self { address, shared, stop, tasks: vec![miner, server] })
    }

    /// Returns the address for `--rpc`, wallets and tools.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops serving and lets go of the data directory. Nothing is flushed, since nothing is held
    /// back.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        for task in std::mem::take(&mut self.tasks) {
            let abort = task.abort_handle();
            if tokio::time::timeout(DRAIN, task).await.is_err() {
                abort.abort();
            }
        }
        // A request that was cut off may still run on its thread; the file is free once it is done.
        let alone = async {
            while Arc::strong_count(&self.shared) > 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        if tokio::time::timeout(DRAIN, alone).await.is_err() {
            tracing::warn!("a request still runs; the data directory is held until it ends");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn listen(port: u16, last: Option<u16>) -> Result<TcpListener, StartError> {
    if let (0, Some(last)) = (port, last)
        && let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, last)).await
    {
        return Ok(listener);
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { port },
        _ => StartError::Listen { port, source },
    })
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let shutdown = async move { until(&mut stopped).await };
    let server = axum::serve(listener, http::router(shared)).with_graceful_shutdown(shutdown);
    if let Err(error) = server.await {
        tracing::error!(%error, "the chain's port closed");
    }
}

async fn until(stopped: &mut watch::Receiver<bool>) {
    // An error means that the server was dropped, which stops it as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn mine(
    shared: Arc<Shared>,
    [least, most]: [Duration; 2],
    mut stopped: watch::Receiver<bool>,
) {
    let mut failed = false;
    loop {
        let began = Instant::now();
        tokio::select! {
            () = until(&mut stopped) => return,
            () = shared.wake.notified(), if !failed => {
                tokio::time::sleep(GATHER.max(least.saturating_sub(began.elapsed()))).await;
            }
            () = tokio::time::sleep(most.max(least)) => {}
        }
        let engine = shared.clone();
        let mined = tokio::task::spawn_blocking(move || engine.write().mine()).await;
        failed = match mined {
            Ok(Ok(())) => false,
            Ok(Err(error)) => {
                tracing::error!(%error, "no block could be written");
                true
            }
            Err(error) => {
                tracing::error!(%error, "mining panicked");
                true
            }
        };
    }
}

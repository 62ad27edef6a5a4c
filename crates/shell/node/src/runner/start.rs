//! What a node does before its loop: open its directory, find its chain, refuse another job's,
//! join.

use std::{path::Path, sync::Arc};

use alloy::{
    primitives::{B256, U256, utils::Unit},
    signers::local::PrivateKeySigner,
};
use chain::Client;
use learn::Dataset;
use net::{Endpoint, library::Library, swarm::FetchError};

use super::{CHAIN_RETRY, RESIDUAL};
use crate::{
    Config, Job, NodeError, TensorStore,
    peers::{Directory, Gathering, Peers},
    privacy::Guard,
    store::Store,
    training,
};

/// What every node has in its directory.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Arc<Store>,
    pub(crate) tensors: TensorStore,
    pub(crate) job: Arc<Job>,
    pub(crate) data: Arc<Dataset>,
}

/// Opens a node's directory and puts into its store what its job starts from.
pub(crate) fn open(dir: &Path, config: &Config) -> Result<Opened, NodeError> {
    let store = Arc::new(Store::open(dir)?);
    let tensors = TensorStore::open(&dir.join("tensors"))?;
    let kind = config.model.parse().map_err(|error| NodeError::Config {
        path: dir.join("config.json"),
        reason: format!("{error}"),
    })?;
    let job = Arc::new(Job::new(kind)?);
    let data = Arc::new(training::dataset(&tensors, &config.slice)?);
    tensors.put(&job.initial_params())?;
    tensors.put(&Job::initial_cumulative())?;
    Ok(Opened { store, tensors, job, data })
}

/// Opens the chain, waiting for one that does not answer yet.
pub(crate) async fn connect(
    config: &Config,
    signer: &PrivateKeySigner,
) -> Result<Client, NodeError> {
    let open = || async {
        Ok(Client::open(&config.rpc, signer.clone(), config.deployment.clone()).await?)
    };
    wait_for(open).await
}

/// Repeats what fails for want of a chain; other failures are the caller's.
pub(crate) async fn wait_for<T, F>(attempt: impl Fn() -> F) -> Result<T, NodeError>
where
    F: Future<Output = Result<T, NodeError>>,
{
    loop {
        match attempt().await {
            Err(NodeError::Chain(error)) if error.is_transient() => {
                tracing::warn!(%error, "waiting for the chain");
                tokio::time::sleep(CHAIN_RETRY).await;
            }
            other => return other,
        }
    }
}

/// Refuses a chain whose Programs are not the ones this node would run.
pub(super) fn check_job(job: &Job, rounds: &round::Config) -> Result<(), NodeError> {
    let differs = |what| Err(NodeError::OtherJob { what });
    if rounds.initial_model != job.initial_params().root() {
        return differs("the initial model");
    }
    for (rows, expected) in (rounds.quorum..=rounds.capacity).zip(&rounds.aggregate_programs) {
        if job.aggregate(rows as usize)?.hash() != *expected {
            return differs("the aggregation program");
        }
    }
    Ok(())
}

/// Joins the registry, or announces a new address.
pub(crate) async fn register(
    client: &Client,
    config: &Config,
    endpoint: &Endpoint,
) -> Result<(), NodeError> {
    client.approve_all().await?;
    let address = config.public.clone().unwrap_or_else(|| endpoint.addr().to_string());
    let peer = B256::from(endpoint.id());
    match client.find(client.address()).await? {
        None => {
            let stake = U256::from(config.stake_tokens) * Unit::ETHER.wei();
            let joined =
                client.join(config.payee.unwrap_or(client.address()), peer, &address, stake).await;
            match joined {
                Err(error) if error.reverted_with() == Some("AlreadyJoined") => {}
                other => drop(other?),
            }
        }
        Some(index) => {
            let nodes = client.nodes().await?;
            let known = nodes.get(index as usize);
            if known.is_none_or(|node| node.peer != peer || node.endpoint != address) {
                client.announce(peer, &address).await?;
            }
        }
    }
    tracing::info!(address, "registered");
    Ok(())
}

/// Blobs, without what a process left that was killed.
pub(super) fn blobs(dir: &Path) -> Result<net::blobs::Store, NodeError> {
    let blobs = net::blobs::Store::open(dir)?;
    blobs.sweep()?;
    Ok(blobs)
}

/// Other nodes, and what is here of what is fetched from them.
pub(crate) fn peers(dir: &Path, endpoint: Endpoint) -> Result<Peers, NodeError> {
    let opened = Library::open(dir).and_then(|library| library.sweep().map(|()| library));
    let library = opened.map_err(FetchError::Disk)?;
    let (directory, gathering) = (Directory::default(), Gathering::default());
    Ok(Peers { endpoint, directory, library, gathering })
}

/// What keeps the node's updates from telling too much, where it wants that.
pub(super) fn guard(dir: &Path, config: &Config, signer: &PrivateKeySigner) -> Option<Guard> {
    config.privacy.map(|privacy| Guard::new(dir, privacy, signer.to_bytes()))
}

/// What quantisation left behind, and the round it was in.
pub(super) fn residual(store: &Store) -> Result<(u64, Vec<f32>), NodeError> {
    let bytes = store.meta(RESIDUAL)?.unwrap_or_default();
    let Some((round, rest)) = bytes.split_first_chunk::<8>() else { return Ok((0, Vec::new())) };
    let floats =
        rest.chunks_exact(4).filter_map(|four| Some(f32::from_le_bytes(four.try_into().ok()?)));
    Ok((u64::from_le_bytes(*round), floats.collect()))
}

//! Other nodes: who they are by the registry, what is asked of them, what is signed for them.
//!
//! Invariant: a signature is believed only if it is of the key that the registry names for that
//! index, and an offer only if it comes from the peer key the registry names for its author.
//!
//! Deliberately absent: trust in what a peer says. Blobs are checked against their hash, tensors
//! against their root.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use alloy::{
    primitives::{Address, Signature},
    signers::{SignerSync, local::PrivateKeySigner},
};
use chain::contracts::registry::IRegistry;
use net::{Endpoint, Peer, Request, Response, library::Library, swarm::Progress};
use tensor::{Hash, Tensor};
use tokio::sync::watch;

use crate::{
    TensorStore,
    gather::{Gather, Want},
};

/// The nodes of the registry, as the event loop last read them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory(Arc<RwLock<Vec<Entry>>>);

/// What is needed of a registered node.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    key: Address,
    peer: [u8; 32],
    endpoint: String,
    active: bool,
}

impl Directory {
    /// Takes over what the registry says.
    pub(crate) fn update(&self, nodes: &[IRegistry::Node]) {
        let entries = nodes.iter().map(|node| Entry {
            key: node.key,
            peer: node.peer.0,
            endpoint: node.endpoint.clone(),
            active: node.unbondBlock == 0,
        });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = entries.collect();
    }

    /// Whether an active node has this peer key. Two may announce the same one, which is why the
    /// question is not whose it is.
    pub(crate) fn is_peer(&self, index: u32, peer: [u8; 32]) -> bool {
        self.entry(index).is_some_and(|entry| entry.active && entry.peer == peer)
    }

    /// Every active node's peer key.
    pub(crate) fn peers(&self) -> Vec<[u8; 32]> {
        self.read(|entries| entries.iter().filter(|e| e.active).map(|e| e.peer).collect())
    }

    /// Registry indices of active nodes but one.
    pub(crate) fn others(&self, own: Option<u32>) -> Vec<u32> {
        self.read(|entries| {
            let active = (0_u32..).zip(entries).filter(|(_, entry)| entry.active);
            active.map(|(index, _)| index).filter(|index| Some(*index) != own).collect()
        })
    }

    /// Registry index of an active node's key.
    pub(crate) fn index_of(&self, key: Address) -> Option<u32> {
        self.read(|entries| {
            let found = entries.iter().position(|entry| entry.active && entry.key == key);
            found.and_then(|index| u32::try_from(index).ok())
        })
    }

    fn entry(&self, index: u32) -> Option<Entry> {
        self.read(|entries| entries.get(index as usize).cloned())
    }

    fn read<T>(&self, see: impl FnOnce(&[Entry]) -> T) -> T {
        see(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Asks peers.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    pub(crate) endpoint: Endpoint,
    pub(crate) directory: Directory,
    /// What is here of what is fetched in pieces.
    pub(crate) library: Library,
    /// Tensors that are being fetched.
    pub(crate) gathering: Gathering,
}

/// A lock for each tensor that is being fetched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathering(Arc<Mutex<BTreeMap<Hash, Arc<tokio::sync::Mutex<()>>>>>);

impl Gathering {
    /// Waits until nobody else fetches one of these; from then until it is dropped the caller does.
    pub(crate) async fn turn(&self, mut roots: Vec<Hash>) -> Vec<tokio::sync::OwnedMutexGuard<()>> {
        // In one order for everybody, so that nobody waits in a circle.
        roots.sort_unstable();
        roots.dedup();
        let mut held = Vec::new();
        for root in roots {
            let lock = {
                let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                locks.retain(|_, lock| Arc::strong_count(lock) > 1);
                Arc::clone(locks.entry(root).or_default())
            };
            held.push(lock.lock_owned().await);
        }
        held
    }
}

impl Peers {
    /// Offers an update to a node and returns its signature, if it gives one that is its own.
    pub(crate) async fn offer(&self, to: u32, offer: Request, digest: Hash) -> Option<[u8; 65]> {
        let answer = self.ask(to, offer).await?;
        let Response::Attest { signature } = answer else {
            tracing::debug!(to, ?answer, "an offer was not signed for");
            return None;
        };
        let expected = self.directory.entry(to)?.key;
        let signed = Signature::from_raw(&signature).ok()?;
        let by = signed.recover_address_from_msg(digest.0).ok()?;
        if by == expected {
            return Some(signature);
        }
        tracing::warn!(to, %by, %expected, "a peer signed with another key");
        None
    }

    /// Asks nodes in turn for a blob.
    pub(crate) async fn blob(&self, from: &[u32], blob: [u8; 32]) -> Option<Vec<u8>> {
        for index in from {
            if let Some(Response::Blob(bytes)) = self.ask(*index, Request::Get { blob }).await
                && net::blobs::hash(&bytes) == blob
            {
                return Some(bytes);
            }
        }
        None
    }

    /// Returns the other nodes, where their addresses lead somewhere.
    pub(crate) async fn providers(&self, own: Option<u32>) -> Vec<Peer> {
        let mut found = Vec::new();
        for index in self.directory.others(own) {
            found.extend(self.resolve(index).await.filter(|peer| peer.id != self.endpoint.id()));
        }
        found
    }

    async fn resolve(&self, index: u32) -> Option<Peer> {
        let entry = self.directory.entry(index)?;
        match Peer::resolve(entry.peer, &entry.endpoint).await {
            Ok(peer) => Some(peer),
            Err(error) => {
                tracing::warn!(index, %error, "a peer's address leads nowhere");
                None
            }
        }
    }

    /// Asks a node, or says why not in the log.
    pub(crate) async fn ask(&self, index: u32, request: Request) -> Option<Response> {
        let peer = self.resolve(index).await?;
        match self.endpoint.request(&peer, request).await {
            Ok(response) => Some(response),
            Err(error) => {
                tracing::debug!(index, %error, "a peer does not answer");
                None
            }
        }
    }
}

/// Finds a tensor here or with other nodes, asking again until somebody has it.
pub(crate) async fn find(
    tensors: &TensorStore,
    peers: &Peers,
    own: Option<u32>,
    want: Want,
) -> Option<Tensor> {
    const ATTEMPTS: usize = 2;
    const PATIENCE: Duration = Duration::from_secs(8);
    const PAUSE: Duration = Duration::from_millis(200);
    let gather = Gather { tensors: tensors.clone(), peers: peers.clone(), own, patience: PATIENCE };
    for _ in 0..ATTEMPTS {
        if let Ok(tensor) = tensors.get(want.root) {
            return Some(tensor);
        }
        let (told, _) = watch::channel(Progress::default());
        match gather.run(std::slice::from_ref(&want), told).await {
            Ok(()) => return tensors.get(want.root).ok(),
            Err(error) => tracing::debug!(root = %want.root, %error, "a tensor is not here yet"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    tracing::error!(root = %want.root, "nobody has this tensor");
    tensors.get(want.root).ok()
}

/// Signs that an update is kept (docs/protocol.md §2).
pub(crate) fn attest(signer: &PrivateKeySigner, digest: Hash) -> Option<[u8; 65]> {
    match signer.sign_message_sync(&digest.0) {
        Ok(signature) => Some(signature.as_bytes()),
        Err(error) => {
            tracing::error!(%error, "this node's key does not sign");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{B256, U256};

    fn node(peer: u8, unbond_block: u64) -> IRegistry::Node {
        IRegistry::Node {
            key: Address::repeat_byte(peer),
            payee: Address::repeat_byte(peer),
            peer: B256::repeat_byte(peer),
            endpoint: String::new(),
            stake: U256::ZERO,
            unbondBlock: unbond_block,
        }
    }

    #[test]
    fn announcing_the_key_of_another_takes_nothing_from_it() {
        let directory = Directory::default();
        directory.update(&[node(7, 0), node(7, 0), node(8, 5)]);
        assert!(directory.is_peer(1, [7; 32]));
        assert!(!directory.is_peer(1, [8; 32]));
        assert!(!directory.is_peer(2, [8; 32]), "it has left");
        assert!(!directory.is_peer(3, [7; 32]), "nobody is there");
        assert_eq!(directory.others(Some(0)), [1]);
    }
}

//! Finds the update that a seat revealed, wherever it is.
//!
//! Invariant: what is returned has the root that was revealed. The blob named beside a root is the
//! revealer's word alone where the bytes went into calldata, so a wrong name, or the name of
//! another's update, leads on to the next source and never to a dead end.
//!
//! Deliberately absent: keeping what was found, and asking again.

use chain::Client;
use round::{aggregate::bytes_root, machine::Member};
use tensor::Hash;

use crate::{eye, peers::Peers};

/// Where updates can be.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) client: Client,
    pub(crate) blobs: net::blobs::Store,
    pub(crate) peers: Peers,
    /// This node's registry index.
    pub(crate) own: Option<u32>,
}

impl Sources {
    /// Returns a revealed update: from here, from the event of a reveal with data, from its author
    /// or from any other node.
    pub(crate) async fn update(&self, round: u64, member: &Member) -> Option<Vec<u8>> {
        let (node, root) = (member.index, member.update_root);
        if let Some(bytes) = here(&self.blobs, member.blob, root) {
            return Some(bytes);
        }
        let revealed = eye::revealed_data(&self.client, round, node).await;
        if let Some(bytes) = revealed.filter(|bytes| bytes_root(bytes) == root) {
            return Some(bytes);
        }
        let others = self.peers.directory.others(self.own).into_iter();
        let from: Vec<u32> = [node].into_iter().chain(others.filter(|one| *one != node)).collect();
        let bytes = self.peers.blob(&from, member.blob.0).await;
        bytes.filter(|bytes| bytes_root(bytes) == root)
    }
}

/// Returns a kept update, if the blob of that name is the one with this root.
fn here(blobs: &net::blobs::Store, blob: Hash, root: Hash) -> Option<Vec<u8>> {
    match blobs.get(&blob.0) {
        Ok(bytes) => bytes.filter(|bytes| bytes_root(bytes) == root),
        Err(error) => {
            tracing::warn!(%error, "a kept update is of no use");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_named_beside_another_root_is_not_the_update() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let blobs = net::blobs::Store::open(dir.path()).expect("opened");
        let (mine, other) = (vec![1; 20], vec![2; 20]);
        let (mine_name, other_name) =
            [&mine, &other].map(|bytes| Hash(blobs.put(bytes).expect("kept"))).into();
        let root = bytes_root(&mine);
        assert_eq!(here(&blobs, mine_name, root), Some(mine));
        assert_eq!(here(&blobs, other_name, root), None);
        assert_eq!(here(&blobs, Hash([9; 32]), root), None);
        std::fs::write(blobs.path(&mine_name.0), [1; 19]).expect("spoilt");
        assert_eq!(here(&blobs, mine_name, root), None);
    }
}

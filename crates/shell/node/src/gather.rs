//! Getting tensors that are not here: from all nodes that have them at once, piece by piece.
//!
//! Whoever wants a tensor knows its type and shape, so its length, and a piece is checked against
//! the tensor root that the chain has. What came before the process was killed is on disk and
//! counts.
//!
//! Invariant: what [`Gather::run`] keeps is the tensor with that root. Absent: two fetches of
//! one tensor at a time; who comes second finds what the first has fetched.

use std::time::Duration;

use net::{
    pieces::Item,
    swarm::{Fetch, FetchError, Progress},
};
use tensor::{Dtype, Hash, Shape, Tensor};
use tokio::sync::watch;

use crate::{Job, NodeError, TensorStore, peers::Peers, tensors};

/// A tensor that is wanted: its root, and what it must be by the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Want {
    pub(crate) root: Hash,
    dtype: Dtype,
    shape: Shape,
}

impl Want {
    /// The parameters with this root.
    pub(crate) fn params(job: &Job, root: Hash) -> Want {
        Want::like(&job.initial_params(), root)
    }

    /// The cumulative pay with this root.
    pub(crate) fn cumulative(root: Hash) -> Want {
        Want::like(&Job::initial_cumulative(), root)
    }

    /// A tensor of the type and shape of another.
    pub(crate) fn like(other: &Tensor, root: Hash) -> Want {
        Want { root, dtype: other.dtype(), shape: *other.shape() }
    }

    fn item(&self) -> Item {
        let count = self.shape.dims().iter().map(|extent| *extent as u64).product();
        Item::elements(self.root.0, count, self.dtype.size() as u64)
    }
}

/// Who gathers.
#[derive(Clone, Debug)]
pub(crate) struct Gather {
    pub(crate) tensors: TensorStore,
    pub(crate) peers: Peers,
    /// This node's registry index.
    pub(crate) own: Option<u32>,
    /// For how long nothing may come.
    pub(crate) patience: Duration,
}

impl Gather {
    /// Fetches and keeps what is not here, and tells how far it is.
    ///
    /// # Errors
    ///
    /// [`NodeError::Fetch`]; tensors that came whole are kept all the same.
    pub(crate) async fn run(
        &self,
        wants: &[Want],
        told: watch::Sender<Progress>,
    ) -> Result<(), NodeError> {
        let roots = wants.iter().map(|want| want.root).collect();
        let _turn = self.peers.gathering.turn(roots).await;
        let absent = |want: &&Want| self.tensors.get(want.root).is_err();
        let mut wants: Vec<Want> = wants.iter().filter(absent).cloned().collect();
        wants.sort_unstable_by_key(|want| want.root);
        wants.dedup_by_key(|want| want.root);
        if wants.is_empty() {
            return Ok(());
        }
        let fetch = Fetch {
            endpoint: self.peers.endpoint.clone(),
            library: self.peers.library.clone(),
            items: wants.iter().map(Want::item).collect(),
            providers: self.peers.providers(self.own).await,
            patience: self.patience,
        };
        let fetched = fetch.run(told).await;
        let this = self.clone();
        let keep = move || wants.iter().try_for_each(|want| this.keep(want));
        tokio::task::spawn_blocking(keep).await.map_err(NodeError::absent)??;
        fetched?;
        Ok(())
    }

    /// Puts a tensor together if all of it is here.
    fn keep(&self, want: &Want) -> Result<(), NodeError> {
        let (library, item) = (&self.peers.library, want.item());
        if library.begin(&item).map_err(FetchError::Disk)?.contains(&false) {
            return Ok(());
        }
        let head = tensors::head(want.dtype, want.shape.dims());
        let to = self.tensors.path(want.root);
        library.finish(&item, &head, &to).map_err(FetchError::Disk)?;
        Ok(())
    }
}

//! What a node does beside its event loop: train, offer, fetch, aggregate.
//!
//! Each is a task that ends with an event. An offer or a fetch that is under way is not started a
//! second time, so that a peer that does not answer costs one task and one copy of the bytes.
//!
//! Deliberately absent: deciding when. That is the machine's.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use net::Request;
use round::{
    digest,
    machine::{Input, Member, Signature},
};
use tensor::{Hash, Tensor};

use super::{Event, Node, answers::Items};
use crate::{
    NodeError, TensorStore, aggregation, checkpoint,
    eye::Look,
    gather::{Gather, Want},
    missed,
    peers::{self, Peers},
    training::{self, Habits},
    updates::Sources,
};

/// For how long nothing of the checkpoint may come.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that is asked of peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Errand {
    Offer { round: u64, to: u32 },
    Fetch { round: u64, node: u32 },
}

/// Errands that have not come back yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Underway(Arc<Mutex<BTreeSet<Errand>>>);

/// One of them; dropped when it has.
#[derive(Debug)]
struct Begun(Underway, Errand);

impl Underway {
    /// Notes an errand, or returns nothing where the same one is under way.
    fn begin(&self, errand: Errand) -> Option<Begun> {
        let fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(errand);
        fresh.then(|| Begun(self.clone(), errand))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl Node {
    /// Trains on the node's own slice and comes back with the update.
    pub(super) fn train(&self, round: u64, seed: Hash, model_root: Hash) {
        let (job, data) = (self.job.clone(), self.data.clone());
        let lie = self.config.lie;
        let before = lie.map(|_| self.others(round.saturating_sub(1))).unwrap_or_default();
        let residual = if self.residual.0 < round { self.residual.1.clone() } else { Vec::new() };
        let (events, params) = (self.events.clone(), self.finder(round));
        let guard = self.guard.clone();
        tokio::spawn(async move {
            let want = Want::params(&job, model_root);
            let Some(params) = params.find(want).await else { return };
            let work = move || {
                let lie = lie.map(|lie| (lie, &before[..]));
                let habits = Habits { lie, guard: guard.as_ref() };
                training::train(&job, &data, (&params, round, seed), &residual, habits)
            };
            let event = match tokio::task::spawn_blocking(work).await {
                Ok(Ok(update)) => Event::Trained { round, salt: Hash(rand::random()), update },
                Ok(Err(error)) => Event::Failed { what: "training", round, error },
                Err(panic) => failed("training", round, &panic),
            };
            // Here and below: the loop that would hear of it may have ended, and the process with
            // it.
            let _ = events.send(event);
        });
    }

    /// The updates of the other nodes in a round, as far as they are kept, ascending by index.
    fn others(&self, round: u64) -> Vec<Vec<i32>> {
        let own = self.own();
        let members = self.journal.get(round).map(|entry| entry.members).unwrap_or_default();
        let rows = members.chunk_by(|one, next| one.node == next.node).map(|rows| &rows[0]);
        let blobs = rows.filter(|row| Some(row.node) != own).map(|row| self.blobs.get(&row.blob.0));
        let tensors = blobs.filter_map(|bytes| aggregation::update_tensor(&bytes.ok()??));
        tensors.filter_map(|tensor| tensor.as_i32().map(<[i32]>::to_vec)).collect()
    }

    /// Asks peers to keep this node's update and comes back with their signatures.
    pub(super) fn offer(&self, to: Vec<u32>, round: u64, (update_root, blob): (Hash, Hash)) {
        let Some(node) = self.own() else { return };
        let bytes = match self.blobs.get(&blob.0) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err(error) => return tracing::error!(round, %error, "this node's update is lost"),
        };
        let digest = digest::availability(&self.rounds.domain, (round, node), update_root, blob);
        for peer in to {
            let Some(begun) = self.underway.begin(Errand::Offer { round, to: peer }) else {
                continue;
            };
            let (peers, events) = (self.peers.clone(), self.events.clone());
            let (update_root, blob) = (update_root.0, blob.0);
            let offer = Request::Offer { round, node, update_root, blob, bytes: bytes.clone() };
            tokio::spawn(async move {
                let _begun = begun;
                if let Some(signature) = peers.offer(peer, offer, digest).await {
                    let signature = Signature(signature);
                    let input = Input::Signature { round, node: peer, signature };
                    let _ = events.send(Event::Machine(input));
                }
            });
        }
    }

    /// Gets a revealed update, wherever it is.
    pub(super) fn fetch(&self, round: u64, node: u32, (update_root, blob): (Hash, Hash)) {
        let Some(begun) = self.underway.begin(Errand::Fetch { round, node }) else { return };
        let sources = Sources {
            client: self.client.clone(),
            blobs: self.blobs.clone(),
            peers: self.peers.clone(),
            own: self.own(),
        };
        let events = self.events.clone();
        let member = Member { index: node, update_root, blob };
        tokio::spawn(async move {
            let _begun = begun;
            match sources.update(round, &member).await {
                Some(bytes) => {
                    let _ = events.send(Event::Machine(Input::Fetched { round, node, bytes }));
                }
                None => tracing::warn!(round, node, %update_root, "nobody has the update"),
            }
        });
    }

    /// Runs the aggregation, keeps what came out, and comes back with its roots.
    pub(super) fn aggregate(&self, round: u64, roots: (Hash, Hash), members: Vec<Member>) {
        let (job, tensors, blobs) = (self.job.clone(), self.tensors.clone(), self.blobs.clone());
        let (events, journal) = (self.events.clone(), self.journal.clone());
        let (budget_gwei, finder) = (self.rounds.budget_gwei, self.finder(round));
        tokio::spawn(async move {
            let wants = (Want::params(&job, roots.0), Want::cumulative(roots.1));
            let (Some(params), Some(cumulative)) =
                (finder.find(wants.0).await, finder.find(wants.1).await)
            else {
                return;
            };
            let work = move || -> Result<Input, NodeError> {
                let (kept, state) = ((&tensors, &blobs), (params, cumulative));
                let outcome = aggregation::run(&job, kept, state, budget_gwei, &members)?;
                journal.put(&outcome.entry(round, roots, budget_gwei, &members))?;
                let accepted_chunk = outcome.accepted_chunk();
                let output_roots = outcome.output_roots;
                Ok(Input::Computed { round, output_roots, accepted_chunk })
            };
            let event = match tokio::task::spawn_blocking(work).await {
                Ok(Ok(input)) => Event::Machine(input),
                Ok(Err(error)) => Event::Failed { what: "the aggregation", round, error },
                Err(panic) => failed("the aggregation", round, &panic),
            };
            let _ = events.send(event);
        });
    }

    /// Once, at the first look: fetches the state that the chain names, where it is not here.
    pub(super) fn fetch_checkpoint(&mut self, look: &Look, settled: bool) {
        let Some(dir) = self.checkpoint.take() else { return };
        let round = &look.view.round;
        let mut wants = vec![
            Want::params(&self.job, round.model_root),
            Want::cumulative(round.cumulative_root),
        ];
        let gather = Gather {
            tensors: self.tensors.clone(),
            peers: self.peers.clone(),
            own: look.view.own,
            patience: PATIENCE,
        };
        let (client, job, number) = (self.client.clone(), self.job.clone(), round.number);
        let events = self.events.clone();
        tokio::spawn(async move {
            if settled && let Ok(before) = missed::started_from(&client, number).await {
                wants.extend([Want::params(&job, before.0), Want::cumulative(before.1)]);
            }
            if let Err(error) = checkpoint::fetch(gather, dir, number, wants).await {
                let what = "fetching the checkpoint";
                let _ = events.send(Event::Failed { what, round: number, error });
            }
        });
    }

    /// What peers can be handed in pieces.
    pub(super) fn items(&self) -> Items {
        Items {
            library: self.peers.library.clone(),
            tensors: self.tensors.clone(),
            blobs: self.blobs.clone(),
        }
    }

    fn own(&self) -> Option<u32> {
        self.look.as_ref().and_then(|look| look.view.own)
    }

    fn finder(&self, round: u64) -> Finder {
        Finder {
            tensors: self.tensors.clone(),
            peers: self.peers.clone(),
            own: self.own(),
            round,
            seen: self.round.clone(),
        }
    }
}

/// Looks for tensors as long as the round lasts that needs them: the machine asks once.
struct Finder {
    tensors: TensorStore,
    peers: Peers,
    own: Option<u32>,
    round: u64,
    seen: Arc<AtomicU64>,
}

impl Finder {
    async fn find(&self, want: Want) -> Option<Tensor> {
        while self.seen.load(Ordering::Relaxed) <= self.round {
            let found = peers::find(&self.tensors, &self.peers, self.own, want.clone()).await;
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

fn failed(what: &'static str, round: u64, panic: &tokio::task::JoinError) -> Event {
    Event::Failed { what, round, error: NodeError::absent(panic) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_is_not_run_twice_at_a_time() {
        let underway = Underway::default();
        let offer = Errand::Offer { round: 1, to: 2 };
        let begun = underway.begin(offer).expect("nothing is under way");
        assert!(underway.begin(offer).is_none());
        assert!(underway.begin(Errand::Fetch { round: 1, node: 2 }).is_some());
        drop(begun);
        assert!(underway.begin(offer).is_some());
    }
}

//! Rounds that settled without this node: what it needs of them is fetched and computed afterwards.
//!
//! A node that was down while a round was aggregated still publishes the round's report, claims its
//! pay from the round's tensor and answers for both later. What the round started from is in the
//! chain's events, its updates are with the peers, and the result is the same whoever computes it.
//!
//! Invariant: nothing is kept of a round whose outputs here are not those that settled.

use std::sync::Arc;

use alloy::{primitives::U256, rpc::types::Filter, sol_types::SolEvent as _};
use chain::{Client, contracts::rounds::Rounds};
use round::machine::Member;
use tensor::Hash;

use crate::{
    Job, NodeError, TensorStore, aggregation,
    gather::Want,
    job::hash,
    journal::Journal,
    peers::{self, Peers},
    updates::Sources,
};

/// What the work needs of the node.
#[derive(Clone, Debug)]
pub(crate) struct Missed {
    pub(crate) client: Client,
    pub(crate) job: Arc<Job>,
    pub(crate) tensors: TensorStore,
    pub(crate) blobs: net::blobs::Store,
    pub(crate) journal: Journal,
    pub(crate) peers: Peers,
    pub(crate) own: Option<u32>,
    pub(crate) budget_gwei: u64,
}

impl Missed {
    /// Does a settled round again and keeps it, as if this node had been there.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if the chain does not answer, nobody has the bytes, or other outputs come out.
    pub(crate) async fn make_up(
        self,
        round: u64,
        mut members: Vec<Member>,
        outputs_root: Hash,
    ) -> Result<(), NodeError> {
        let roots = started_from(&self.client, round).await?;
        for member in &mut members {
            self.fetch(round, member).await?;
        }
        let wants = (Want::params(&self.job, roots.0), Want::cumulative(roots.1));
        let params = peers::find(&self.tensors, &self.peers, self.own, wants.0).await;
        let cumulative = peers::find(&self.tensors, &self.peers, self.own, wants.1).await;
        let (Some(params), Some(cumulative)) = (params, cumulative) else {
            return Err(NodeError::absent(format!("nobody has what round {round} started from")));
        };
        let work = move || {
            let kept = (&self.tensors, &self.blobs);
            let outcome = aggregation::run(
                &self.job,
                kept,
                (params, cumulative),
                self.budget_gwei,
                &members,
            )?;
            if outcome.outputs_root() != outputs_root {
                let reason = format!("round {round} settled with other outputs than come out here");
                return Err(NodeError::absent(reason));
            }
            let entry = outcome.entry(round, roots, self.budget_gwei, &members);
            Ok(self.journal.put(&entry)?)
        };
        tokio::task::spawn_blocking(work).await.map_err(NodeError::absent)?
    }

    /// Keeps a member's update, from wherever it can be had, under the name its bytes have.
    async fn fetch(&self, round: u64, member: &mut Member) -> Result<(), NodeError> {
        let sources = Sources {
            client: self.client.clone(),
            blobs: self.blobs.clone(),
            peers: self.peers.clone(),
            own: self.own,
        };
        let bytes = sources.update(round, member).await;
        let absent = || NodeError::absent(format!("nobody has the update of {}", member.index));
        member.blob = Hash(self.blobs.put(&bytes.ok_or_else(absent)?)?);
        Ok(())
    }
}

/// Roots of the params and of the cumulative pay before a round, from the chain's events.
pub(crate) async fn started_from(client: &Client, round: u64) -> Result<(Hash, Hash), NodeError> {
    let at = client.deployment();
    let filter = Filter::new().from_block(at.block);
    let opened = filter
        .clone()
        .address(at.rounds)
        .event_signature(Rounds::Opened::SIGNATURE_HASH)
        .topic1(U256::from(round));
    let opened = client.logs(opened).await?;
    let opened = opened.last().and_then(|log| Rounds::Opened::decode_log_data(log.data()).ok());
    let model = opened.map(|opened| hash(opened.modelRoot));
    let model =
        model.ok_or_else(|| NodeError::absent(format!("the chain does not show round {round}")))?;
    let settled = filter.address(at.rounds).event_signature(Rounds::Settled::SIGNATURE_HASH);
    let settled = client.logs(settled).await?;
    let settled = settled.iter().filter_map(|log| Rounds::Settled::decode_log(&log.inner).ok());
    let before = settled.filter(|one| one.round < round).max_by_key(|one| one.round);
    let cumulative =
        before.map_or_else(|| Job::initial_cumulative().root(), |one| hash(one.cumulativeRoot));
    Ok((model, cumulative))
}

//! What a private node computes: sums of shares, and the aggregation.

use std::sync::Arc;

use chain::client::Stated;
use round::sums::{
    BucketRow, SHARES, aggregate_inputs,
    ledger::{Rounds, Sum},
};
use tensor::{Hash, Program, Tensor};

use super::{Look, Node, shares};
use crate::{NodeError, aggregation, gather::Want, tensors};

/// A Program and what it is given.
pub(super) type Execution = (Arc<Program>, Vec<Tensor>);

/// What the aggregation gave.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) inputs_root: Hash,
    pub(super) outputs: Vec<Tensor>,
    pub(super) roots: Vec<Hash>,
}

impl Outcome {
    pub(super) fn root(&self) -> Hash {
        court::opening::list_root(&self.roots)
    }

    /// Output 1, padded to a chunk.
    pub(super) fn accepted_chunk(&self) -> Vec<u8> {
        let mut chunk = self.outputs.get(1).map(Tensor::to_bytes).unwrap_or_default();
        chunk.resize(4 * tensor::tree::CHUNK_ELEMENTS, 0);
        chunk
    }
}

impl Node {
    /// The Program of a share's sum over a bucket's roll and this node's shares of it; `None` where
    /// one is not here.
    pub(super) fn summing(
        &self,
        rounds: &Rounds,
        (bucket, share): (usize, usize),
    ) -> Result<Option<Execution>, NodeError> {
        let roll = rounds.trays().get(bucket).map_or(0, |tray| tray.roll);
        let mut held = Vec::new();
        for seat in rounds.nodes(roll) {
            let place = self.vault.place(rounds.round().number, seat.node);
            let bytes = self.vault.held(place, share)?;
            let length = self.programs.length();
            let open = |bytes: Vec<u8>| shares::open(&bytes, share, length, seat.shares[share]);
            let Some(share) = bytes.and_then(open) else { return Ok(None) };
            held.push(share);
        }
        Ok(Some((self.programs.partial(held.len())?, held)))
    }

    /// Returns the sum of a share, as bytes and their root.
    pub(super) fn sum(
        &self,
        rounds: &Rounds,
        at: (usize, usize),
    ) -> Result<Option<(Vec<u8>, Hash)>, NodeError> {
        let Some((program, shares)) = self.summing(rounds, at)? else { return Ok(None) };
        let sum = kernels::eval(&program, &shares)?.swap_remove(0);
        Ok(Some((sum.to_bytes(), kernels::commit::tensor_root(&sum))))
    }

    /// The aggregation's Program and inputs, from the chain's sums and the model that this node has
    /// or fetches.
    pub(super) async fn aggregating(&self, look: &Look) -> Result<Execution, NodeError> {
        let rounds = &look.rounds;
        let stated = self.client.private_sums(rounds.round().number).await?;
        let (model, cumulative, _) = rounds.state();
        let params = self.tensor(look, Want::params(&self.job, model)).await?;
        let cumulative = self.tensor(look, Want::cumulative(cumulative)).await?;
        let rows = rows(rounds, &stated)?;
        let budget = self.terms.budget_gwei;
        let inputs =
            aggregate_inputs((params, cumulative), budget, &rows).map_err(NodeError::program)?;
        Ok((self.programs.aggregate(rows.len())?, inputs))
    }

    /// Returns what the round's aggregation gives, computed once.
    pub(super) async fn outcome(&self, look: &Look) -> Result<Outcome, NodeError> {
        let absent = || NodeError::absent("there is nothing to aggregate");
        let inputs_root = look.rounds.inputs_root().ok_or_else(absent)?;
        let kept = self.outcome.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if let Some(kept) = kept.filter(|kept| kept.inputs_root == inputs_root) {
            return Ok(kept);
        }
        let (program, inputs) = self.aggregating(look).await?;
        let work = move || kernels::eval(&program, &inputs);
        let outputs = tokio::task::spawn_blocking(work).await.map_err(NodeError::absent)??;
        // Kept before anybody is told their roots.
        for output in &outputs {
            self.tensors.put(output)?;
        }
        let roots = court::opening::roots(&outputs);
        let outcome = Outcome { inputs_root, outputs, roots };
        let mut kept = self.outcome.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *kept = Some(outcome.clone());
        Ok(outcome)
    }

    /// Returns a tensor of the chain's state, from here or from any node that has it.
    pub(super) async fn tensor(&self, look: &Look, want: Want) -> Result<Tensor, NodeError> {
        if let Ok(kept) = self.tensors.get(want.root) {
            return Ok(kept);
        }
        for other in self.peers.directory.others(Some(look.own)) {
            let request = net::Request::Tensor { root: want.root.0 };
            let Some(net::Response::Blob(bytes)) = self.peers.ask(other, request).await else {
                continue;
            };
            let fetched = tensors::decode(&bytes);
            if let Some(tensor) = fetched.filter(|tensor| tensor.root() == want.root) {
                self.tensors.put(&tensor)?;
                return Ok(tensor);
            }
        }
        Err(NodeError::absent(format!("nobody has the tensor {}", want.root)))
    }
}

/// The rows with the sums that stand, out of what members stated.
fn rows(rounds: &Rounds, stated: &[Stated]) -> Result<Vec<BucketRow<Tensor>>, NodeError> {
    let live = rounds.trays().iter().enumerate().filter(|(_, tray)| tray.roll != 0);
    let row = |((bucket, tray), row): ((usize, &round::sums::ledger::Tray), BucketRow<Hash>)| {
        let mut sums = Vec::new();
        for share in 0..SHARES {
            let absent =
                || NodeError::absent(format!("the sum {share} of bucket {bucket} is not there"));
            let Sum::Root(root) = tray.sum(share) else { return Err(absent()) };
            let of_bucket = stated.iter().filter(|one| one.bucket == bucket);
            let tensors = of_bucket.flat_map(|one| &one.sums);
            let mut tensors = tensors.filter_map(|bytes| aggregation::update_tensor(bytes));
            sums.push(tensors.find(|tensor| tensor.root() == root).ok_or_else(absent)?);
        }
        let sums = <[Tensor; SHARES]>::try_from(sums).expect("one a share");
        Ok(BucketRow { trainers: row.trainers, sums })
    };
    live.zip(rounds.rows()).map(row).collect()
}

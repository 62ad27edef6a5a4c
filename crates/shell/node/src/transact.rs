//! Turns the machine's transactions into contract calls.
//!
//! Every call may be made twice: the contract refuses the second. What is lost, the machine asks
//! for again when the chain does not show it. So nothing is remembered here, and a refusal is a
//! line in the log. The one call that a contract takes twice is a challenge; it goes through
//! [`crate::challenges`].

use std::sync::Arc;

use alloy::primitives::{Bytes, U256};
use chain::{Client, ClientError, client::Reveal};
use round::machine::Tx;
use tensor::Hash;

use crate::{
    Job, NodeError, TensorStore,
    challenges::{Challenge, Challenges},
    docket::Docket,
    job::{hash, word},
    lie::Lie,
};

/// What a transaction may need beside itself.
#[derive(Clone, Debug)]
pub(crate) struct Transactor {
    pub(crate) client: Client,
    pub(crate) tensors: TensorStore,
    pub(crate) blobs: net::blobs::Store,
    pub(crate) job: Arc<Job>,
    pub(crate) docket: Docket,
    pub(crate) challenges: Challenges,
}

impl Transactor {
    /// Sends one and waits for its block; failures are logged.
    pub(crate) async fn send(self, tx: Tx) {
        let what = format!("{tx:?}");
        match self.call(tx).await {
            Ok(()) => tracing::info!(what, "sent"),
            Err(NodeError::Chain(ClientError::Reverted { revert, .. })) => {
                tracing::info!(what, %revert, "the contract refused; another call came first");
            }
            Err(error) => tracing::warn!(what, %error, "a transaction did not go through"),
        }
    }

    async fn call(&self, tx: Tx) -> Result<(), NodeError> {
        let client = &self.client;
        match tx {
            Tx::Open => drop(client.open_round().await?),
            Tx::Commit { round, commitment } => drop(client.commit(round, word(commitment)).await?),
            Tx::Reveal { round, update_root, salt, blob, signatures } => {
                let bytes: Vec<u8> = signatures.iter().flat_map(|(_, one)| one.0).collect();
                let reveal = Reveal {
                    round,
                    update_root: word(update_root),
                    salt: word(salt),
                    blob: word(blob),
                    signatures: bytes.into(),
                };
                drop(client.reveal(reveal).await?);
            }
            Tx::RevealWithData { round, salt, blob } => {
                let update = self.blobs.get(&blob.0)?.unwrap_or_default();
                let (salt, blob) = (word(salt), word(blob));
                drop(client.reveal_with_data(round, salt, blob, update.into()).await?);
            }
            Tx::PostResult { round, outputs_root } => {
                let outputs_root = self.result(round, outputs_root).await?;
                drop(client.post_result(round, word(outputs_root)).await?);
            }
            Tx::Challenge { claim, outputs_root } => {
                let program = hash(client.claim(U256::from(claim)).await?.program);
                let header = self.job.program(program)?.header();
                let challenge = Challenge { claim, outputs_root: word(outputs_root), header };
                drop(self.challenges.make(challenge).await?);
            }
            Tx::Settle { round, output_roots, accepted_chunk } => {
                let roots = output_roots.iter().map(|root| word(*root)).collect();
                drop(client.settle(round, roots, accepted_chunk.into()).await?);
            }
            Tx::ClaimReward { node, cumulative_root } => {
                let tensor = self.tensors.get(cumulative_root)?;
                let chunk = node as usize / tensor::tree::CHUNK_ELEMENTS;
                let opening = court::opening::open(&tensor, chunk).map_err(NodeError::program)?;
                let chunk = Bytes::from(opening.chunk);
                let siblings = opening.siblings.into_iter().map(word).collect();
                drop(client.claim_reward(node, chunk, siblings).await?);
            }
        }
        Ok(())
    }

    /// Returns what this node claims: what it computed, unless it is there to lie about it.
    async fn result(&self, round: u64, computed: Hash) -> Result<Hash, NodeError> {
        if self.docket.lie != Some(Lie::Pay) {
            return Ok(computed);
        }
        let Some(index) = self.client.find(self.client.address()).await? else {
            return Ok(computed);
        };
        let docket = self.docket.clone();
        let crooked = move || docket.crooked_root(round, index);
        tokio::task::spawn_blocking(crooked).await.map_err(NodeError::absent)?
    }
}

//! A node's challenges, of which each is sent once, whatever happens to the node meanwhile.
//!
//! The court takes any number of challenges by one account, each with a bond of its own. The chain
//! shows a challenge only when it is in a block; a node that crashes before, or does not want to
//! wait, would challenge again. So the signed transaction is in the database before it leaves, and
//! whoever is to challenge that claim then sends the very same one: a nonce is in a block once.
//!
//! Invariant: a second transaction is signed only where the first can be in no block any more, or
//! failed in it. Absent: whether to challenge, which is the machine's and the review's to say; more
//! than one record of a kind, as a node challenges the running round's claim alone, and reports one
//! after another.

use std::sync::Arc;

use alloy::primitives::{B256, Bytes, U256};
use chain::{
    Client,
    client::{Mined, Sent},
};
use tokio::sync::Mutex;

use crate::{NodeError, store::Store};

/// What is challenged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A round's claim.
    Round,
    /// The claim behind a report.
    Report,
    /// The claim of a step of maintenance margin.
    Step,
    /// The claim of a grid.
    Grid,
    /// The claim of a score.
    Score,
    /// The claim of a private bucket's sum.
    Sum,
}

impl Kind {
    /// Under what name the database has the last challenge: the claim, then the signed bytes.
    const fn record(self) -> &'static str {
        match self {
            Kind::Round => "challenge",
            Kind::Report => "challenge of a report",
            Kind::Step => "challenge of a step",
            Kind::Grid => "challenge of a grid",
            Kind::Score => "challenge of a score",
            Kind::Sum => "challenge of a sum",
        }
    }
}

/// The way of a node's challenges to the chain.
#[derive(Clone, Debug)]
pub(crate) struct Challenges {
    client: Client,
    store: Arc<Store>,
    kind: Kind,
    /// Held from looking at the record until what it says has been sent.
    turn: Arc<Mutex<()>>,
}

/// A challenge as it is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    pub(crate) claim: u64,
    pub(crate) outputs_root: B256,
    pub(crate) header: Vec<u8>,
}

impl Challenges {
    pub(crate) fn new(client: Client, store: Arc<Store>, kind: Kind) -> Challenges {
        Challenges { client, store, kind, turn: Arc::default() }
    }

    /// Challenges a claim, or goes on with the challenge that was begun, and waits for its block.
    pub(crate) async fn make(&self, challenge: Challenge) -> Result<Mined, NodeError> {
        let sent = self.send(challenge).await?;
        Ok(self.client.wait(sent).await?)
    }

    async fn send(&self, challenge: Challenge) -> Result<Sent, NodeError> {
        let _turn = self.turn.lock().await;
        if let Some(raw) = self.begun(challenge.claim)? {
            if let Some(sent) = self.client.send_again(raw).await? {
                tracing::info!(claim = challenge.claim, "a challenge that was begun is sent again");
                return Ok(sent);
            }
            tracing::warn!(claim = challenge.claim, "a challenge that was begun came to nothing");
        }
        self.sign(challenge, || Ok(())).await
    }

    /// Signs, writes down and sends; `after` runs in between.
    async fn sign(
        &self,
        Challenge { claim, outputs_root, header }: Challenge,
        after: impl FnOnce() -> Result<(), NodeError> + Send,
    ) -> Result<Sent, NodeError> {
        let keep = |raw: &Bytes| {
            let record = [&claim.to_le_bytes()[..], raw].concat();
            self.store.set_meta(self.kind.record(), &record)?;
            after()
        };
        self.client.challenge_kept((U256::from(claim), outputs_root), header, keep).await
    }

    /// Returns the signed challenge of a claim, if one was begun.
    fn begun(&self, claim: u64) -> Result<Option<Bytes>, NodeError> {
        let record = self.store.meta(self.kind.record())?.unwrap_or_default();
        let Some((of, raw)) = record.split_first_chunk::<8>() else { return Ok(None) };
        Ok((u64::from_le_bytes(*of) == claim).then(|| Bytes::copy_from_slice(raw)))
    }
}

#[cfg(test)]
mod tests;

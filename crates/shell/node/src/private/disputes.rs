//! This node's disputes, about sums and about results, played to the end.
//!
//! As in [`crate::docket`], nothing is kept but executions, which a restart runs again. Before the
//! court a sum is disputed with this node's own shares: of the one addition that decides it opens
//! what docs/private.md says, and no update.

use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::U256;
use chain::{ClaimState, client::Standing};
use court::{
    advocate,
    trace::{KEPT_BYTES_MAX, Witness},
};

use super::{Look, Node};
use crate::{
    Kernels, NodeError,
    docket::{Due, due},
};

/// An execution that is argued about.
pub(super) type Case = Arc<Mutex<Witness>>;

impl Node {
    pub(super) async fn attend_disputes(&self, look: &Look) -> Result<(), NodeError> {
        for id in 1..=self.client.dispute_count().await? {
            let over = self.over.lock().unwrap_or_else(PoisonError::into_inner).contains(&id);
            if !over && self.attend(look, id).await? {
                self.over.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
            }
        }
        Ok(())
    }

    /// Does what is due in a dispute; whether it is over, or not this node's.
    async fn attend(&self, look: &Look, id: u64) -> Result<bool, NodeError> {
        let Some(standing) = self.client.dispute(id).await? else { return Ok(true) };
        let claim = self.client.claim(U256::from(standing.record.claim)).await?;
        let state = ClaimState::from_word(claim.state);
        let fallen = matches!(state, Some(ClaimState::Struck | ClaimState::Void));
        let me = self.client.address();
        match due(&standing, (me, claim.asserter), fallen, look.next - 1) {
            None => return Ok(true),
            Some(Due::Nothing) => {}
            Some(Due::Timeout) => drop(self.client.timeout(id, &standing.record).await?),
            Some(Due::Close) => drop(self.client.close_dispute(id, &standing.record).await?),
            Some(Due::Move) => self.make(look, &standing).await?,
        }
        Ok(false)
    }

    async fn make(&self, look: &Look, standing: &Standing) -> Result<(), NodeError> {
        let case = self.case(look, standing.record.claim).await?;
        let told = standing.clone();
        let made = tokio::task::spawn_blocking(move || {
            let mut witness = case.lock().unwrap_or_else(PoisonError::into_inner);
            advocate::next_move(&told.record, &told.revealed, &mut *witness)
        });
        let made = made.await.map_err(NodeError::absent)?;
        let nothing = || NodeError::absent("nothing to say against the other side");
        let (id, record) = (standing.id, &standing.record);
        self.client.make_move(id, record, made.ok_or_else(nothing)?).await?;
        tracing::info!(dispute = id, stage = ?record.stage, turn = ?record.turn, "moved");
        Ok(())
    }

    /// Returns the execution of a claim as this node stands by it, run on first use.
    async fn case(&self, look: &Look, claim: u64) -> Result<Case, NodeError> {
        if let Some(case) = self.cases.lock().unwrap_or_else(PoisonError::into_inner).get(&claim) {
            return Ok(case.clone());
        }
        let absent = || NodeError::absent(format!("claim {claim} is about nothing of this round"));
        let (program, inputs) = match disputed(look, claim) {
            Some(at) => self.summing(&look.rounds, at)?.ok_or_else(absent)?,
            None if look.rounds.round().claim == claim => self.aggregating(look).await?,
            None => return Err(absent()),
        };
        let how = (Box::new(Kernels) as Box<_>, KEPT_BYTES_MAX);
        let case = Arc::new(Mutex::new(Witness::within(program, inputs, 1, how)?));
        let mut cases = self.cases.lock().unwrap_or_else(PoisonError::into_inner);
        // Claims of earlier rounds are over.
        cases.retain(|of, _| look.facts.claims.contains_key(of));
        cases.insert(claim, case.clone());
        Ok(case)
    }
}

/// The bucket and share whose sum a claim is about.
fn disputed(look: &Look, claim: u64) -> Option<(usize, usize)> {
    let of = |(bucket, claims): (usize, [u64; 3])| {
        Some((bucket, claims.iter().position(|own| *own == claim)?))
    };
    look.rounds.trays().iter().map(|tray| tray.claims).enumerate().find_map(of)
}

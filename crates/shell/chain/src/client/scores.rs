//! What rows were worth: windows, claims of scores, and how they ended.

use alloy::{
    primitives::{B256, Bytes, U256},
    rpc::types::Filter,
    sol_types::SolEvent,
};

use super::{Client, ClientError, Mined};
use crate::contracts::{rewards::Rewards, scores::Scores};

/// A settled round that waits for its score; see `IScores.Past`.
pub use crate::contracts::scores::IScores::{Past, Player, Terms as ScoreTerms};
/// A claim of a score; see the event of `IScores`.
pub use crate::contracts::scores::Scores::ScorePosted;

/// Roots of the inputs and of the outputs of a round's aggregation.
pub type Lists = (Vec<B256>, Vec<B256>);

/// Scores.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl Client {
    /// Returns the root that `Rewards` pays by, zero before the first.
    pub async fn rewards_root(&self) -> Result<B256, ClientError> {
        self.view(self.deployment().rewards, Rewards::rootCall {}).await
    }

    /// Returns the root of the cumulative pay after the last scored round.
    pub async fn scored_root(&self) -> Result<B256, ClientError> {
        self.view(self.deployment().scores, Scores::cumulativeRootCall {}).await
    }

    /// Returns the round that is scored next, if one waits.
    pub async fn next_score(&self) -> Result<Option<u64>, ClientError> {
        let round = self.view(self.deployment().scores, Scores::nextCall {}).await?;
        Ok((round != 0).then_some(round))
    }

    /// Returns a settled round that waits for its score; nothing for any other.
    pub async fn past(&self, round: u64) -> Result<Option<Past>, ClientError> {
        match self.view(self.deployment().scores, Scores::pastOfCall { round }).await {
            Ok(past) => Ok(Some(past)),
            Err(error) if error.reverted_with() == Some("NotWaiting") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns whose turn it is to post the next score, and whether any node may besides; nothing
    /// while windows are taken.
    pub async fn score_poster(&self) -> Result<Option<(u32, bool)>, ClientError> {
        match self.view(self.deployment().scores, Scores::posterCall {}).await {
            Ok(turn) => Ok(Some((turn.node, turn.free))),
            Err(error) if error.reverted_with().is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns what the next score could pay, in gwei.
    pub async fn score_budget(
        &self,
        round: u64,
        (inputs, outputs): Lists,
    ) -> Result<u64, ClientError> {
        let call = Scores::groundOfCall { round, inputs, outputs };
        Ok(self.view(self.deployment().scores, call).await?.budgetGwei)
    }

    /// Returns what scores were deployed with.
    pub async fn score_terms(&self) -> Result<ScoreTerms, ClientError> {
        self.view(self.deployment().scores, Scores::termsCall {}).await
    }

    /// Says what the market did after a round.
    pub async fn post_window(&self, round: u64, data: Bytes) -> Result<Mined, ClientError> {
        self.send(self.deployment().scores, Scores::postWindowCall { round, data }).await
    }

    /// Claims a round's score of these roots of inputs and outputs. Needs an allowance for the
    /// court, which takes the bond.
    pub async fn post_score(
        &self,
        round: u64,
        (inputs, outputs): Lists,
        (inputs_root, outputs_root): (B256, B256),
    ) -> Result<Mined, ClientError> {
        let call = Scores::postScoreCall {
            round,
            inputs,
            outputs,
            inputsRoot: inputs_root,
            outputsRoot: outputs_root,
        };
        self.send(self.deployment().scores, call).await
    }

    /// Pays and burns by a score that can no longer fall.
    pub async fn settle_score(
        &self,
        round: u64,
        output_roots: Vec<B256>,
        (burn_chunk, pay_chunk): (Bytes, Bytes),
    ) -> Result<Mined, ClientError> {
        let call = Scores::settleScoreCall {
            round,
            outputRoots: output_roots,
            burnChunk: burn_chunk,
            payChunk: pay_chunk,
        };
        self.send(self.deployment().scores, call).await
    }

    /// Returns the windows that were posted for a round: registry index and bytes.
    pub async fn windows(&self, round: u64) -> Result<Vec<(u32, Bytes)>, ClientError> {
        let posted = self.score_logs::<Scores::WindowPosted>((Some(round), None)).await?;
        Ok(posted.into_iter().map(|posted| (posted.node, posted.data)).collect())
    }

    /// Returns what the claim of a score was posted as, if it is one.
    pub async fn score_of_claim(&self, claim: U256) -> Result<Option<ScorePosted>, ClientError> {
        Ok(self.score_logs((None, Some(claim))).await?.pop())
    }

    async fn score_logs<E: SolEvent>(
        &self,
        (round, claim): (Option<u64>, Option<U256>),
    ) -> Result<Vec<E>, ClientError> {
        let mut filter = Filter::new()
            .address(self.deployment().scores)
            .event_signature(E::SIGNATURE_HASH)
            .from_block(self.deployment().block);
        if let Some(round) = round {
            filter = filter.topic1(U256::from(round));
        }
        if let Some(claim) = claim {
            filter = filter.topic2(claim);
        }
        let logs = self.logs(filter).await?;
        Ok(logs
            .iter()
            .filter_map(|log| E::decode_log(&log.inner).ok())
            .map(|log| log.data)
            .collect())
    }
}

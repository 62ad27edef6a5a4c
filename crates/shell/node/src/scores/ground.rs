//! What a score is computed from: what the chain has of the round, and what this node keeps of it.

use std::sync::Arc;

use alloy::primitives::U256;
use chain::{
    Client,
    client::{Lists, Past},
};
use market::window;
use round::{aggregate, score};
use tensor::{Dtype, Hash, Program, Shape, Tensor};

use super::Kept;
use crate::{
    Job, NodeError, aggregation,
    job::{SCORED_AGGREGATES, SCORED_DAYS, hash, word},
    journal::{Entry, Row},
    lie::Crooked,
};

/// Place of the budget among the inputs after the models.
const BUDGET: usize = 2;

/// What the chain has.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) round: u64,
    /// The claim, 0 before there is one.
    pub(crate) claim: u128,
    pub(crate) budget_gwei: u64,
    /// Roots of the inputs and of the outputs of the round's aggregation.
    pub(crate) lists: Lists,
    seed: Hash,
    cumulative_root: Hash,
    /// Registry index, rows, stake behind each in gwei, and window where it posted one.
    players: Vec<(u32, u32, u64, Option<Vec<u8>>)>,
}

impl Ground {
    /// Reads what a claim of a score is about.
    pub(crate) async fn of_claim(
        client: &Client,
        kept: Kept<'_>,
        id: u64,
    ) -> Result<Ground, NodeError> {
        let posted = client.score_of_claim(U256::from(id)).await?;
        let absent = || NodeError::absent(format!("claim {id} is of no score"));
        let round = posted.ok_or_else(absent)?.round;
        let past = client.past(round).await?.ok_or_else(absent)?;
        Ground::of_round(client, kept, (round, &past)).await
    }

    /// Reads what the next score is computed from.
    pub(crate) async fn of_round(
        client: &Client,
        kept: Kept<'_>,
        (round, past): (u64, &Past),
    ) -> Result<Ground, NodeError> {
        let windows = client.windows(round).await?;
        let players = past.players.iter().map(|player| {
            let said = windows.iter().find(|(node, _)| *node == player.index);
            let said = said.map(|(_, data)| data.to_vec());
            (player.index, player.rows, player.stakeGwei, said)
        });
        let lists = lists(kept, round)?;
        let budget_gwei = match past.claim {
            0 => client.score_budget(round, lists.clone()).await?,
            _ => past.budgetGwei,
        };
        Ok(Ground {
            round,
            claim: past.claim,
            budget_gwei,
            lists,
            seed: hash(past.seed),
            cumulative_root: hash(client.scored_root().await?),
            players: players.collect(),
        })
    }

    /// Returns the registry index of each row.
    pub(crate) fn members(&self) -> Vec<u32> {
        self.rows().map(|(index, _, _)| index).collect()
    }

    /// Index, stake and window of each row.
    fn rows(&self) -> impl Iterator<Item = (u32, u64, Option<&Vec<u8>>)> {
        self.players.iter().flat_map(|(index, rows, stake, window)| {
            (0..*rows).map(move |_| (*index, *stake, window.as_ref()))
        })
    }

    /// Returns the score Program's inputs, from what is kept of the round and those before it.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if something of them is not kept.
    pub(crate) fn inputs(&self, job: &Job, kept: Kept<'_>) -> Result<Vec<Tensor>, NodeError> {
        let (tensors, blobs, journal) = kept;
        let entry = entry(kept, self.round)?;
        let mut models = vec![entry.model_root];
        let mut at = self.round;
        let initial = job.initial_params().root();
        while models.len() <= SCORED_AGGREGATES as usize {
            let root = *models.last().unwrap_or(&initial);
            let before = (1..at).rev().filter_map(|round| journal.get(round));
            let mut before = before.filter(|entry| entry.output_roots[0] == root);
            match (root != initial).then(|| before.next()).flatten() {
                Some(entry) => (at, _) = (entry.round, models.push(entry.model_root)),
                None if root == initial => models.push(initial),
                None => return Err(NodeError::absent("a model before this one is not kept")),
            }
        }
        let models: Result<Vec<Tensor>, _> = models.iter().map(|root| tensors.get(*root)).collect();
        let round = score::Round {
            models: models?,
            key: score::key(self.seed),
            cumulative: tensors.get(self.cumulative_root)?,
            budget_gwei: self.budget_gwei,
        };
        let accepted = tensors.get(entry.output_roots[1])?;
        let accepted = accepted.as_i32().ok_or_else(|| NodeError::absent("who was accepted"))?;
        let members: Vec<_> = entry.members.iter().map(Row::member).collect();
        let updates = aggregation::rows(blobs, &members)?;
        let dims = window::extents(job.model(), SCORED_DAYS);
        let shape = Shape::new(&dims).map_err(NodeError::program)?;
        let mut rows = Vec::new();
        for ((row, accepted), (member, stake_gwei, said)) in
            updates.into_iter().zip(accepted).zip(self.rows())
        {
            let window = match said {
                Some(bytes) => {
                    Tensor::from_bytes(Dtype::F64, &shape, bytes).map_err(NodeError::program)?
                }
                None => Tensor::zeros(Dtype::F64, &dims).map_err(NodeError::program)?,
            };
            let (accepted, update) = (*accepted != 0, row.update);
            rows.push(score::Row { member, stake_gwei, accepted, update, window });
        }
        score::inputs(&round, &rows).map_err(NodeError::program)
    }
}

/// What this node keeps of a round.
fn entry((_, _, journal): Kept<'_>, round: u64) -> Result<Entry, NodeError> {
    let absent = || NodeError::absent(format!("round {round} is not in the journal"));
    journal.get(round).ok_or_else(absent)
}

/// Roots of the inputs and of the outputs of a round's aggregation.
fn lists(kept: Kept<'_>, round: u64) -> Result<Lists, NodeError> {
    let (tensors, blobs, _) = kept;
    let entry = entry(kept, round)?;
    let members: Vec<_> = entry.members.iter().map(Row::member).collect();
    let state = (tensors.get(entry.model_root)?, tensors.get(entry.cumulative_root)?);
    let rows = aggregation::rows(blobs, &members)?;
    let inputs = aggregate::inputs(state, entry.budget_gwei, &rows).map_err(NodeError::program)?;
    let words = |roots: &[Hash]| roots.iter().map(|root| word(*root)).collect();
    Ok((words(&court::opening::roots(&inputs)), words(&entry.output_roots)))
}

/// Returns the execution of a score in which one node is paid the whole budget.
///
/// # Errors
///
/// [`NodeError`] if the inputs are not those of a score.
pub(crate) fn crooked(job: &Job, inputs: &[Tensor], own: u32) -> Result<Crooked, NodeError> {
    let (program, inputs) = execution(job, inputs)?;
    let budget = inputs.get(SCORED_AGGREGATES as usize + 1 + BUDGET).and_then(Tensor::as_f64);
    let budget = budget.and_then(|budget| budget.first().copied());
    let budget = budget.ok_or_else(|| NodeError::absent("a score without a budget"))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole gwei")]
    Crooked::new(program, inputs, (own, budget as u64))
}

/// Returns the score Program of these inputs.
///
/// # Errors
///
/// [`NodeError::Program`] if no Program has that many rows.
pub(crate) fn execution(
    job: &Job,
    inputs: &[Tensor],
) -> Result<(Arc<Program>, Vec<Tensor>), NodeError> {
    let rows =
        (inputs.len().saturating_sub(SCORED_AGGREGATES as usize + 1 + score::FIXED_INPUTS)) / 2;
    Ok((job.score(rows)?, inputs.to_vec()))
}

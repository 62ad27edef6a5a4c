//! Steps of maintenance margin: what each would do to the accounts, claimed, checked and taken.

use std::sync::Arc;

use alloy::primitives::{Bytes, U256};
use chain::{ClaimState, Client};
use market::Wad;
use tensor::{Dtype, Program, Shape, Tensor};

use super::{Panel, Today};
use crate::{
    Job, NodeError,
    challenges::Challenge,
    job::{ACCOUNTS, hash, word},
};

/// Blocks back to which proposals are looked for: more than a window and a policy's patience.
const BLOCKS_BACK: u64 = 256;
/// How often the way to the highest level is halved in search of one that may be proposed.
const HALVINGS: u32 = 6;
/// 10^18.
const WAD: f64 = 1e18;

impl Panel {
    /// Takes steps whose claims are final; where a rise waits and nobody has proposed one, proposes
    /// the highest step that may be, of which the policy allows the consequence.
    pub(super) async fn step(&self, job: &Job, today: Today) -> Result<(), NodeError> {
        let from = today.block.saturating_sub(BLOCKS_BACK);
        let mut open = false;
        for step in self.client.steps_since(self.market, from).await? {
            if self.client.take_step(step.claim).await? {
                tracing::info!(claim = %step.claim, level = %step.level, "took a step");
                continue;
            }
            let state = ClaimState::from_word(self.client.claim(step.claim).await?.state);
            open |= matches!(state, Some(ClaimState::Open | ClaimState::Disputed));
        }
        let state = self.client.panel_state(self.market).await?;
        if open || state.since == 0 || state.most <= state.maintenance {
            return Ok(());
        }
        let Some(accounts) = self.client.accounts().await? else { return Ok(()) };
        let policy = self.client.panel_policy(self.market).await?;
        let low = as_f64(state.maintenance);
        let mut high = as_f64(state.most);
        for _ in 0..HALVINGS {
            let level = not_above(high, state.most)?;
            if U256::from(crate::report::wad(level)?) <= state.maintenance {
                break;
            }
            let (program, inputs) = execution(job, &accounts, level.to_bits())?;
            let outcome = kernels::eval(&program, &inputs)?.remove(0);
            let few = Consequence::of(&outcome)?.within(policy.countMax, policy.notionalMax)?;
            if few {
                let mut chunk = outcome.to_bytes();
                chunk.resize(CHUNK, 0);
                self.client.propose_step(self.market, level.to_bits(), chunk.into()).await?;
                tracing::info!(level, "proposed a step of maintenance margin");
                return Ok(());
            }
            high = low + (high - low) / 2.0;
        }
        tracing::info!("every step would make too much liquidatable; the rise waits");
        Ok(())
    }

    /// Runs the claims of proposed steps again and challenges what comes out differently.
    pub(super) async fn check_steps(&self, job: &Job, today: Today) -> Result<(), NodeError> {
        let from = today.block.saturating_sub(BLOCKS_BACK);
        for step in self.client.steps_since(self.market, from).await? {
            let claim = self.client.claim(step.claim).await?;
            let state = ClaimState::from_word(claim.state);
            let open = matches!(state, Some(ClaimState::Open | ClaimState::Disputed));
            let mine = claim.asserter == self.client.address();
            if mine || !open || today.block > claim.deadline {
                continue;
            }
            let (accounts, level) = subject(&self.client, step.claim).await?;
            let (program, inputs) = execution(job, &accounts, level)?;
            let outputs = kernels::eval(&program, &inputs)?;
            let outputs_root = court::opening::list_root(&court::opening::roots(&outputs));
            let challenged = self.client.has_challenged(step.claim, self.client.address()).await?;
            if outputs_root == hash(claim.outputsRoot) || challenged {
                continue;
            }
            let (id, outputs_root) = (step.claim.saturating_to(), word(outputs_root));
            let header = program.header();
            self.challenges.make(Challenge { claim: id, outputs_root, header }).await?;
            tracing::info!(claim = id, "a step that comes out differently here: challenged");
        }
        Ok(())
    }
}

/// Bytes of an f64 chunk.
const CHUNK: usize = 256;

/// What a level would make liquidatable.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Consequence {
    count: f64,
    notional: f64,
}

impl Consequence {
    fn of(outcome: &Tensor) -> Result<Consequence, NodeError> {
        match outcome.as_f64() {
            Some([count, notional]) => Ok(Consequence { count: *count, notional: *notional }),
            _ => Err(NodeError::program("a consequence is two f64")),
        }
    }

    /// Whether a policy allows it; rounded up, as the gate reads it.
    fn within(&self, count_max: U256, notional_max: U256) -> Result<bool, NodeError> {
        let up =
            |x| Ok::<_, NodeError>(U256::from(Wad::from_f64_up(x).map_err(NodeError::program)?.0));
        let one = U256::from(1_000_000_000_000_000_000_u64);
        let count = up(self.count)?;
        let count = (count + one - U256::from(1)) / one;
        Ok(count <= count_max && up(self.notional)? <= notional_max)
    }
}

/// Returns what the claim of a step is about: the accounts, and the bits of the level.
///
/// # Errors
///
/// [`NodeError`] if it is no step's, or the accounts were never written down.
pub(crate) async fn subject(client: &Client, claim: U256) -> Result<(Bytes, u64), NodeError> {
    let absent = || NodeError::absent(format!("claim {claim} is of no step"));
    let step = client.step_of_claim(claim).await?.ok_or_else(absent)?;
    let absent = || NodeError::absent("the accounts of a step were never written down");
    let accounts = client.accounts_of(step.accounts_root).await?.ok_or_else(absent)?;
    Ok((accounts, step.bits))
}

/// Returns the Program and inputs of a step's claim.
///
/// # Errors
///
/// [`NodeError::Program`] if the accounts are not as many as the Program takes.
pub(crate) fn execution(
    job: &Job,
    accounts: &Bytes,
    level: u64,
) -> Result<(Arc<Program>, Vec<Tensor>), NodeError> {
    let shape = Shape::new(&[ACCOUNTS, 2]).map_err(NodeError::program)?;
    let accounts = Tensor::from_bytes(Dtype::F64, &shape, accounts).map_err(NodeError::program)?;
    let level = Tensor::f64(&[1], vec![f64::from_bits(level)]).map_err(NodeError::program)?;
    Ok((job.consequence()?, vec![accounts, level]))
}

/// A WAD as a double, rounded to nearest.
fn as_f64(wad: U256) -> f64 {
    f64::from(wad) / WAD
}

/// The double itself, or the next below it that is at most `most` in WAD.
fn not_above(mut x: f64, most: U256) -> Result<f64, NodeError> {
    let up = |x| Ok::<_, NodeError>(U256::from(Wad::from_f64_up(x).map_err(NodeError::program)?.0));
    while up(x)? > most {
        x = x.next_down();
    }
    Ok(x)
}

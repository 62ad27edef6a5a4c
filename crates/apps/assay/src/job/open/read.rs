//! Open jobs as they stand on the chain.

use alloy::primitives::U256;
use chain::{ClaimState, Client, ClientError, client::RunState};
use explorer::view::{OpenJob, OpenRun};

use super::super::read::{party, wad};

/// Reads all open jobs, ascending.
pub(crate) async fn all(client: &Client) -> Result<Vec<OpenJob>, ClientError> {
    let mut jobs = Vec::new();
    for number in 0..client.open_job_count().await? {
        jobs.push(job(client, number).await?);
    }
    Ok(jobs)
}

/// Reads one open job.
pub(crate) async fn job(client: &Client, number: u64) -> Result<OpenJob, ClientError> {
    let at = U256::from(number);
    let known = client.open_job(at).await?;
    let mut runs = Vec::new();
    for (run, own) in (0_u64..).zip(client.runs_of(at).await?) {
        let mut claim_state = String::new();
        if !own.claim.is_zero() {
            let state = ClaimState::from_word(client.claim(own.claim).await?.state);
            claim_state = state.map_or_else(String::new, |s| format!("{s:?}").to_lowercase());
        }
        runs.push(OpenRun {
            number: run,
            trainer: party(own.trainer, ""),
            state: RunState::from_word(own.state).map_or_else(String::new, |s| s.to_string()),
            claim: (!own.claim.is_zero()).then(|| own.claim.saturating_to()),
            claim_state,
            loss: (!own.claim.is_zero()).then(|| f32::from_bits(own.loss)),
            is_model: u64::from(known.best) == run + 1,
        });
    }
    Ok(OpenJob {
        number,
        sponsor: party(known.sponsor, ""),
        description: client.open_description(at).await?,
        program: explorer::view::Hash(known.terms.program.0),
        iterations: known.terms.iterations,
        pay: wad(known.terms.pay),
        deposit: wad(known.terms.deposit),
        escrow: wad(known.escrow),
        reserved: wad(known.reserved),
        end_block: known.terms.endBlock,
        inputs: client
            .open_inputs(at)
            .await?
            .into_iter()
            .map(|root| explorer::view::Hash(root.0))
            .collect(),
        runs,
    })
}

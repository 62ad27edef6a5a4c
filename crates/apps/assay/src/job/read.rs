//! A job as it stands on the chain, and what it waits for, in words.

use alloy::primitives::{Address, U256};
use chain::{
    Client, ClientError,
    client::JobState,
    contracts::{registry::Registry, rounds::Rounds},
};
use explorer::view::{self, FeeEpoch, Job, Party, Wad};

use crate::money;

/// Reads all jobs, ascending.
pub(crate) async fn all(client: &Client) -> Result<Vec<Job>, ClientError> {
    let mut jobs = Vec::new();
    for number in 0..client.job_count().await? {
        jobs.push(job(client, number).await?);
    }
    Ok(jobs)
}

/// Reads one job.
pub(crate) async fn job(client: &Client, number: u64) -> Result<Job, ClientError> {
    let at = U256::from(number);
    let known = client.job(at).await?;
    let bound = client.of_job(at).await?;
    let config = bound.round_config().await?;
    let settled = bound.view(known.rounds, Rounds::settledCountCall {}).await?;
    let nodes = bound.view(known.registry, Registry::nodeCountCall {}).await?;
    let pay = U256::from(config.budgetGwei) * U256::from(1_000_000_000_u64);
    let funded = bound.funded().await?;
    let state = JobState::from_word(known.state);
    let revealed = client.holdout_revealed(at).await?;
    let facts = Facts {
        number,
        state,
        due: client.job_due(at).await?,
        escrow: known.escrow,
        budget: known.terms.budget,
        settled,
        needed: known.terms.validationRounds,
        paid_for: funded >= (U256::from(settled) + U256::from(1)) * pay,
        validates: !known.terms.validationProgram.is_zero(),
        revealed,
        claim: known.claim,
        oracle: !known.oracle.is_zero(),
    };
    let epochs = client.epochs(at).await?;
    let epochs = epochs.iter().map(|epoch| FeeEpoch {
        revenue: wad(epoch.revenue),
        paid: wad(epoch.paid),
        total: wad(epoch.total * U256::from(1_000_000_000_u64)),
    });
    let part = |label: &str, address: Address| party(address, label);
    let mut contracts = vec![
        part("Registry", known.registry),
        part("Rewards", known.rewards),
        part("Rounds", known.rounds),
    ];
    if !known.oracle.is_zero() {
        contracts.push(part("RiskOracle", known.oracle));
    }
    if !known.consumer.is_zero() {
        contracts.push(part("gate", known.consumer));
    }
    Ok(Job {
        number,
        state: state.map_or_else(String::new, |state| state.to_string()),
        waits: waits(&facts),
        sponsor: party(known.sponsor, ""),
        requirement: client.job_requirement(at).await?,
        escrow: wad(known.escrow),
        released: wad(funded),
        pay: wad(pay),
        settled,
        nodes,
        retire_block: (known.retireBlock > 0).then_some(known.retireBlock),
        contracts,
        epochs: epochs.collect(),
    })
}

pub(super) fn party(address: Address, label: &str) -> Party {
    Party { address: view::Address(address.into_array()), label: label.to_owned() }
}

pub(super) fn wad(amount: U256) -> Wad {
    Wad::from_wei(u128::try_from(amount).unwrap_or(u128::MAX))
}

/// What is missing depends on these.
struct Facts {
    number: u64,
    state: Option<JobState>,
    due: Option<JobState>,
    escrow: U256,
    budget: U256,
    settled: u64,
    needed: u64,
    /// Whether the next round's pay was released.
    paid_for: bool,
    validates: bool,
    revealed: bool,
    claim: U256,
    oracle: bool,
}

/// Says what the next state waits for, and the command that helps where there is one.
fn waits(facts: &Facts) -> String {
    let number = facts.number;
    if facts.due != facts.state {
        return format!("`assay job advance {number}`, which anybody may call");
    }
    match facts.state {
        Some(JobState::Draft) if facts.escrow < facts.budget => {
            let missing = money::plain(facts.budget - facts.escrow);
            format!(
                "a further {missing} tokens in the escrow (`assay job fund {number} {missing}`)"
            )
        }
        Some(JobState::Draft) => "its Programs: registered, and their window passed".to_owned(),
        Some(JobState::Open) if facts.paid_for => "a round: a quorum of nodes that joined it, and \
             any of them opens one"
            .to_owned(),
        Some(JobState::Open) => {
            format!("its first round's pay (`assay job advance {number}` once it starts)")
        }
        Some(JobState::Training) if !facts.validates => {
            "nothing: its terms name no Program that could validate it".to_owned()
        }
        Some(JobState::Training) if facts.settled < facts.needed => {
            format!("settled rounds: {} of {}", facts.settled, facts.needed)
        }
        Some(JobState::Training) if !facts.revealed => {
            "its sponsor to reveal the holdout".to_owned()
        }
        Some(JobState::Training) if facts.claim.is_zero() => {
            "a claim that its model beats the baseline on the holdout".to_owned()
        }
        Some(JobState::Training) => format!("the window, or a dispute, of claim {}", facts.claim),
        Some(JobState::Validated) if facts.oracle => "a gate that reads its oracle".to_owned(),
        Some(JobState::Validated) => "its sponsor to attach an oracle".to_owned(),
        Some(JobState::Deployed) => "nothing: it earns until it is retired".to_owned(),
        Some(JobState::Retired) if !facts.escrow.is_zero() => {
            format!("its sponsor to take back the escrow (`assay job reclaim {number}`)")
        }
        Some(JobState::Retired) => "nothing: it is over".to_owned(),
        None => "a state that this program does not know".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(state: JobState) -> Facts {
        Facts {
            number: 4,
            state: Some(state),
            due: Some(state),
            escrow: U256::ZERO,
            budget: U256::from(2_500_000_000_000_000_000_u64),
            settled: 1,
            needed: 3,
            paid_for: false,
            validates: true,
            revealed: false,
            claim: U256::ZERO,
            oracle: false,
        }
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_do() {
        let draft = waits(&facts(JobState::Draft));
        assert_eq!(draft, "a further 2.5 tokens in the escrow (`assay job fund 4 2.5`)");
        let training = waits(&facts(JobState::Training));
        assert_eq!(training, "settled rounds: 1 of 3");
        let due = Facts { due: Some(JobState::Retired), ..facts(JobState::Training) };
        assert!(waits(&due).contains("assay job advance 4"));
        let over = Facts { escrow: U256::from(1), ..facts(JobState::Retired) };
        assert!(waits(&over).contains("assay job reclaim 4"));
        let never = Facts { validates: false, ..facts(JobState::Training) };
        assert!(waits(&never).starts_with("nothing"));
    }
}

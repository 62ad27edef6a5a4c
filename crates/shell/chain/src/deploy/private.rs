//! A private job: a court, a registry, pay, and `PrivateRounds` over them.
//!
//! A court's consumers are fixed when it is deployed, so a private job comes with its court.
//! Absent: a market, reports and gates; those addresses are zero.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolConstructor,
};

use super::{Contract, CourtTerms, DeployError, Deployment, court, send_all, with_arguments};
use crate::{
    Client,
    contracts::{
        private::{IPrivateRounds, PrivateRounds},
        registry::Registry,
        rewards::Rewards,
    },
};

/// What a private job is deployed with; amounts are in wei of the token.
#[derive(Clone, Debug)]
pub struct PrivateSetup {
    /// The court; its consumers are set to the rounds.
    pub court: CourtTerms,
    /// Least stake.
    pub minimum_stake: U256,
    /// Blocks between leaving and withdrawing.
    pub unbond_blocks: u64,
    /// The job.
    pub rounds: IPrivateRounds::Config,
    /// Hashes and encodings of the Programs that are claimed about.
    pub programs: Vec<(B256, Bytes)>,
    /// What the deployer pays into `Rewards` at once.
    pub fund: U256,
}

/// Returns where a key's contracts would be from its nonce on, `rounds` being `PrivateRounds`, and
/// their init codes in order.
pub fn plan_private(
    deployer: Address,
    nonce: u64,
    setup: &PrivateSetup,
) -> (Deployment, Vec<Contract>) {
    let at = |offset: u64| deployer.create(nonce + offset);
    let (registry, rewards, rounds) = (at(5), at(6), at(7));
    let terms = CourtTerms { consumers: vec![rounds], ..setup.court.clone() };
    let (base, codes) = court::planned(deployer, nonce, &terms);
    let at = Deployment { registry, rewards, rounds, ..base };
    let registry = Registry::constructorCall {
        token_: at.token,
        rounds_: rounds,
        minimumStake_: setup.minimum_stake,
        unbondBlocks_: setup.unbond_blocks,
    };
    let rewards = Rewards::constructorCall {
        token_: at.token,
        registry_: at.registry,
        rounds_: rounds,
        length_: setup.rounds.cumulativeLength,
    };
    let rounds = PrivateRounds::constructorCall {
        registry_: at.registry,
        court_: at.court,
        rewards_: at.rewards,
        config_: setup.rounds.clone(),
    };
    let mut codes: Vec<Contract> = codes.into();
    codes.extend([
        ("Registry", with_arguments(&Registry::BYTECODE, registry.abi_encode())),
        ("Rewards", with_arguments(&Rewards::BYTECODE, rewards.abi_encode())),
        ("PrivateRounds", with_arguments(&PrivateRounds::BYTECODE, rounds.abi_encode())),
    ]);
    (at, codes)
}

/// Deploys everything with the client's key, registers the Programs, about which claims can be made
/// once the court's window has passed, and pays the rewards in.
///
/// # Errors
///
/// [`DeployError::Send`] naming the contract, [`DeployError::Client`].
pub async fn deploy_private(
    client: &Client,
    setup: &PrivateSetup,
) -> Result<Deployment, DeployError> {
    let (nonce, block) = (client.next_nonce().await?, client.block_number().await?);
    let (at, codes) = plan_private(client.address(), nonce, setup);
    let at = Deployment { chain_id: client.chain_id(), block, ..at };
    send_all(client, codes).await?;
    let bound = client.clone().with(at.clone());
    bound.approve(at.programs, U256::MAX).await?;
    for (program, encoding) in &setup.programs {
        bound.register_program(*program, encoding.clone()).await?;
    }
    bound.approve(at.rewards, setup.fund).await?;
    bound.fund(setup.fund).await?;
    Ok(at)
}

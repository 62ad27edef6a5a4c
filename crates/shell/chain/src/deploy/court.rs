//! The judge without a network: a court whose consumer is somebody else than a job's rounds.
//!
//! Absent: everything that has to do with rounds, pay or reports; those addresses are zero.

use alloy::{
    primitives::{Address, Bytes, U256, utils::Unit},
    sol_types::SolConstructor as _,
};

use super::{Contract, DeployError, Deployment, with_arguments};
use crate::{
    Client,
    contracts::{
        arithmetic::Arithmetic, court::Court, programs::Programs, referee::Referee,
        token::AssayToken,
    },
};

/// What a court by itself is deployed with; amounts are in wei of the token.
#[derive(Clone, Debug)]
pub struct CourtTerms {
    /// Whole supply of the token, given to the deployer.
    pub supply: U256,
    /// Bond of a claim, of a challenge and of a Program.
    pub bond: U256,
    /// Blocks in which a claim can be challenged, and a Program struck.
    pub window_blocks: u64,
    /// Blocks each side of a dispute has for all its moves.
    pub clock_blocks: u64,
    /// The most wei of the token that a unit of a move's gas is advanced at.
    pub gas_price_cap: U256,
    /// Who may post claims.
    pub consumers: Vec<Address>,
}

/// Deploys token, `Programs`, `Arithmetic`, `Referee` and `Court` with the client's key.
///
/// # Errors
///
/// [`DeployError::Send`] naming the contract, [`DeployError::Client`].
pub async fn deploy_court(client: &Client, terms: &CourtTerms) -> Result<Deployment, DeployError> {
    let (nonce, block) = (client.next_nonce().await?, client.block_number().await?);
    let (at, codes) = planned(client.address(), nonce, terms);
    super::send_all(client, codes.into()).await?;
    Ok(Deployment { chain_id: client.chain_id(), block, ..at })
}

/// Returns where a court's contracts would be, every other address zero, and their init codes in
/// the order of their deployment.
pub(super) fn planned(
    deployer: Address,
    nonce: u64,
    terms: &CourtTerms,
) -> (Deployment, [Contract; 5]) {
    let at = |offset: u64| deployer.create(nonce + offset);
    let (token, programs, arithmetic, referee, court) = (at(0), at(1), at(2), at(3), at(4));
    let token_code = AssayToken::constructorCall { holder: deployer, supply: terms.supply };
    let programs_code = Programs::constructorCall {
        token_: token,
        bondSize_: terms.bond,
        windowBlocks_: terms.window_blocks,
    };
    let referee_code = Referee::constructorCall { arithmetic_: arithmetic };
    let codes = [
        ("AssayToken", with_arguments(&AssayToken::BYTECODE, token_code.abi_encode())),
        ("Programs", with_arguments(&Programs::BYTECODE, programs_code.abi_encode())),
        ("Arithmetic", Arithmetic::BYTECODE.clone()),
        ("Referee", with_arguments(&Referee::BYTECODE, referee_code.abi_encode())),
        ("Court", court_code((token, programs, referee), terms)),
    ];
    let none = Address::ZERO;
    let at = Deployment {
        chain_id: 0,
        block: 0,
        nonce,
        token,
        registry: none,
        programs,
        arithmetic,
        referee,
        court,
        rewards: none,
        scores: none,
        rounds: none,
        oracle: none,
        gate: none,
        dollar: none,
        clearing: none,
        feed: none,
        ledger: none,
        book: none,
        panel: none,
        spot: none,
        scenarios: none,
        house: none,
        jobs: none,
        revenue: none,
        runs: none,
    };
    (at, codes)
}

fn court_code(
    (token, programs, referee): (Address, Address, Address),
    terms: &CourtTerms,
) -> Bytes {
    let call = Court::constructorCall {
        token_: token,
        programs_: programs,
        referee_: referee,
        terms: Court::Terms {
            bond: terms.bond,
            windowBlocks: terms.window_blocks,
            clockBlocks: terms.clock_blocks,
            gasPriceCap: terms.gas_price_cap,
            gasRate: Unit::ETHER.wei(),
        },
        consumers: terms.consumers.clone(),
    };
    with_arguments(&Court::BYTECODE, call.abi_encode())
}

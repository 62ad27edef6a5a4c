//! The judge without a network: a court whose consumer is somebody else than a job's rounds.
//!
//! Absent: everything that has to do with rounds, pay or reports; those addresses are zero.

use alloy::{
    primitives::{Address, Bytes, U256, utils::Unit},
    sol_types::SolConstructor as _,
};

use super::{DeployError, Deployment, with_arguments};
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
    let at = |offset: u64| client.address().create(nonce + offset);
    let (token, programs, arithmetic, referee, court) = (at(0), at(1), at(2), at(3), at(4));
    let codes = [
        ("AssayToken", {
            let call =
                AssayToken::constructorCall { holder: client.address(), supply: terms.supply };
            with_arguments(&AssayToken::BYTECODE, call.abi_encode())
        }),
        ("Programs", {
            let call = Programs::constructorCall {
                token_: token,
                bondSize_: terms.bond,
                windowBlocks_: terms.window_blocks,
            };
            with_arguments(&Programs::BYTECODE, call.abi_encode())
        }),
        ("Arithmetic", Arithmetic::BYTECODE.clone()),
        ("Referee", {
            let call = Referee::constructorCall { arithmetic_: arithmetic };
            with_arguments(&Referee::BYTECODE, call.abi_encode())
        }),
        ("Court", court_code((token, programs, referee), terms)),
    ];
    for (contract, code) in codes {
        let send = |source| DeployError::Send { contract, source };
        let sent = client.submit(None, code, U256::ZERO).await.map_err(send)?;
        client.wait(sent).await.map_err(send)?;
    }
    let none = Address::ZERO;
    Ok(Deployment {
        chain_id: client.chain_id(),
        block,
        nonce,
        token,
        registry: none,
        programs,
        arithmetic,
        referee,
        court,
        rewards: none,
        rounds: none,
        oracle: none,
        gate: none,
        dollar: none,
        clearing: none,
        feed: none,
        ledger: none,
        book: none,
        panel: none,
    })
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

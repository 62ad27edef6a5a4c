//! Puts the contracts on a chain.
//!
//! The contracts name each other in their constructors and nobody owns them, so their addresses are
//! predicted from the deployer's nonce before the first one is sent. [`plan`] predicts, [`execute`]
//! sends what is not there yet: a caller that writes the plan down first can repeat the second step
//! after a crash and ends with one set of contracts.
//!
//! Deliberately absent: upgrades, proxies, and addresses that depend on anything but key and nonce.

use alloy::{
    primitives::{Address, B256, Bytes, U256, utils::Unit},
    sol_types::SolConstructor,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Client, ClientError,
    contracts::{
        arithmetic::Arithmetic,
        clearing::{ClearingHouse, IClearingHouse},
        court::Court,
        dollar::DemoDollar,
        gate::{IRiskGate, RiskGate},
        oracle::{IRiskOracle, RiskOracle},
        programs::Programs,
        referee::Referee,
        registry::Registry,
        rewards::Rewards,
        rounds::{IRounds, Rounds},
        scores::IScores,
        token::AssayToken,
    },
};

mod clearing;
mod court;
mod house;
mod jobs;
mod panel;
mod private;
mod scores;

pub use clearing::{Clearing, ClearingSetup, deploy_clearing, plan_clearing};
pub use court::{CourtTerms, deploy_court};
pub use house::HouseSetup;
pub use panel::PanelSetup;
pub use private::{PrivateSetup, deploy_private, plan_private};

/// `IPrograms.State.Registered`.
const REGISTERED: u8 = 1;

/// Where the contracts of one deployment are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Chain they are on.
    pub chain_id: u64,
    /// A block before the first of them, from which the index reads.
    pub block: u64,
    /// Nonce of the deployer's first transaction.
    pub nonce: u64,
    /// `AssayToken`: stakes, bonds, pay.
    pub token: Address,
    /// `Registry`: nodes and stakes.
    pub registry: Address,
    /// `Programs`: what can be claimed about.
    pub programs: Address,
    /// `Arithmetic`: exact scalar operations.
    pub arithmetic: Address,
    /// `Referee`: one step of any Program.
    pub referee: Address,
    /// `Court`: claims and disputes.
    pub court: Address,
    /// `Rewards`: pay.
    pub rewards: Address,
    /// `Scores`: what rows were worth; idle where all accepted rows are paid alike.
    pub scores: Address,
    /// `Rounds`: one job's rounds.
    pub rounds: Address,
    /// `RiskOracle`: reports with claims behind them.
    pub oracle: Address,
    /// `RiskGate`: what a market lets through of them.
    pub gate: Address,
    /// `DemoDollar`: play money, the collateral of the demonstration.
    pub dollar: Address,
    /// `ClearingHouse`: one dated future.
    pub clearing: Address,
    /// `PriceFeed`: prices that several reporters sign.
    pub feed: Address,
    /// `ProviderLedger`: how providers' margins did against them.
    pub ledger: Address,
    /// `AccountsBook`: the accounts that a step of maintenance margin is claimed about.
    pub book: Address,
    /// `PanelGate`: margins of several providers.
    pub panel: Address,
    /// `PriceFeed` of shorter slots, which the house reads.
    pub spot: Address,
    /// `ScenarioBook`: instruments, and the grids claimed of them.
    pub scenarios: Address,
    /// `PortfolioHouse`: options and perpetuals.
    pub house: Address,
    /// `Jobs`: further models, each with a registry, pay and rounds of its own.
    pub jobs: Address,
    /// `Revenue`: fees of deployed jobs, split among who trained them.
    pub revenue: Address,
    /// `Runs`: models trained on public data, by whole runs that are claimed.
    pub runs: Address,
}

impl Deployment {
    /// Returns the contracts' names and addresses in the order of their deployment.
    pub fn named(&self) -> [(&'static str, Address); 23] {
        [
            ("AssayToken", self.token),
            ("Registry", self.registry),
            ("Programs", self.programs),
            ("Arithmetic", self.arithmetic),
            ("Referee", self.referee),
            ("Court", self.court),
            ("Rewards", self.rewards),
            ("Scores", self.scores),
            ("Rounds", self.rounds),
            ("RiskOracle", self.oracle),
            ("RiskGate", self.gate),
            ("DemoDollar", self.dollar),
            ("ClearingHouse", self.clearing),
            ("PriceFeed", self.feed),
            ("ProviderLedger", self.ledger),
            ("AccountsBook", self.book),
            ("PanelGate", self.panel),
            ("PriceFeed of the house", self.spot),
            ("ScenarioBook", self.scenarios),
            ("PortfolioHouse", self.house),
            ("Jobs", self.jobs),
            ("Revenue", self.revenue),
            ("Runs", self.runs),
        ]
    }

    /// Returns the name of the contract at an address.
    pub fn name_of(&self, address: Address) -> Option<&'static str> {
        self.named().into_iter().find(|(_, at)| *at == address).map(|(name, _)| name)
    }
}

/// What is deployed.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Whole supply of the token in wei, given to the deployer.
    pub supply: U256,
    /// Least stake in wei.
    pub minimum_stake: U256,
    /// Blocks between leaving and withdrawing.
    pub unbond_blocks: u64,
    /// Bond of a claim and of a challenge in wei.
    pub bond: U256,
    /// Blocks in which a claim can be challenged, and a Program struck.
    pub window_blocks: u64,
    /// Blocks each side of a dispute has for all its moves.
    pub clock_blocks: u64,
    /// The most wei of the token that a unit of a move's gas is advanced at.
    pub gas_price_cap: U256,
    /// Encodings of the Programs that are registered at once, with their hashes.
    pub programs: Vec<(B256, Bytes)>,
    /// The report Programs: before the first settled round, then one for each aggregation Program.
    pub report_programs: Vec<B256>,
    /// Tensors whose bytes a report brings; see `IRiskOracle.Posted`.
    pub report_data: Vec<IRiskOracle::Posted>,
    /// The job; see `IRounds.Config`.
    pub rounds: IRounds::Config,
    /// How rows are scored; see `IScores.Terms`.
    pub scores: IScores::Terms,
    /// Whether rows are paid by score, instead of `budgetGwei` a round among those accepted.
    pub scored: bool,
    /// What the deployer pays into `Rewards` at once, in wei.
    pub fund: U256,
    /// Whose signed reports the gate reads.
    pub provider: Address,
    /// How far a report moves the market named in `terms`.
    pub limits: IRiskGate::Limits,
    /// The cleared future.
    pub terms: IClearingHouse::Terms,
    /// Prices, records and the gate of several providers, of the same market.
    pub panel: PanelSetup,
    /// Options and perpetuals of the same market.
    pub house: HouseSetup,
}

/// Why the contracts are not all there.
#[derive(Debug, Error)]
pub enum DeployError {
    /// The chain refused or is gone.
    #[error("{contract} could not be deployed: {source}")]
    Send {
        /// Which contract.
        contract: &'static str,
        /// What the chain said.
        source: ClientError,
    },
    /// The deployer's key was used for something else between the plan and its execution.
    #[error(
        "the plan expects {contract} at {expected}, but the deployer's key has moved on to {got}; \
         make a new plan"
    )]
    Stale {
        /// Which contract.
        contract: &'static str,
        /// Address of the plan.
        expected: Address,
        /// Address the next contract of this key would get.
        got: Address,
    },
    /// The chain does not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Predicts where the client's key would deploy the contracts next.
///
/// # Errors
///
/// Those of [`Client::request`].
pub async fn plan(client: &Client) -> Result<Deployment, ClientError> {
    let nonce = client.next_nonce().await?;
    let block = client.block_number().await?;
    let at = |offset: u64| client.address().create(nonce + offset);
    Ok(Deployment {
        chain_id: client.chain_id(),
        block,
        nonce,
        token: at(0),
        registry: at(1),
        programs: at(2),
        arithmetic: at(3),
        referee: at(4),
        court: at(5),
        rewards: at(6),
        scores: at(7),
        rounds: at(8),
        oracle: at(9),
        gate: at(10),
        dollar: at(11),
        clearing: at(12),
        feed: at(13),
        ledger: at(14),
        book: at(15),
        panel: at(16),
        spot: at(17),
        scenarios: at(18),
        house: at(19),
        jobs: at(20),
        revenue: at(21),
        runs: at(22),
    })
}

/// Deploys the contracts with the client's key, sets the gate's limits, registers the Programs and
/// pays `setup.fund` into the rewards.
///
/// # Errors
///
/// Those of [`execute`].
pub async fn deploy(client: &Client, setup: &Setup) -> Result<Deployment, DeployError> {
    let planned = plan(client).await?;
    execute(client, setup, &planned).await?;
    Ok(planned)
}

/// Deploys what of a plan is not on the chain yet.
///
/// # Errors
///
/// [`DeployError::Stale`] if the key was used for something else since, [`DeployError::Send`]
/// otherwise.
pub async fn execute(
    client: &Client,
    setup: &Setup,
    planned: &Deployment,
) -> Result<(), DeployError> {
    let codes = all_codes(client, setup, planned);
    for ((contract, expected), code) in planned.named().into_iter().zip(codes) {
        let send = |source| DeployError::Send { contract, source };
        if !client.code(expected).await?.is_empty() {
            continue;
        }
        let got = client.address().create(client.next_nonce().await?);
        if got != expected {
            return Err(DeployError::Stale { contract, expected, got });
        }
        let sent = client.submit(None, code, U256::ZERO).await.map_err(send)?;
        client.wait(sent).await.map_err(send)?;
    }
    let bound = client.clone().with(planned.clone());
    if bound.limits(setup.terms.market).await? != setup.limits {
        bound.set_market(setup.terms.market, setup.limits.clone()).await?;
    }
    let mut approved = false;
    for (program, encoding) in &setup.programs {
        if bound.program(*program).await?.state == REGISTERED {
            continue;
        }
        if !approved {
            bound.approve(planned.programs, U256::MAX).await?;
            approved = true;
        }
        bound.register_program(*program, encoding.clone()).await?;
    }
    panel::open(&bound, setup).await?;
    house::open(&bound, setup).await?;
    let funded = bound.funded().await?;
    if funded < setup.fund {
        bound.approve(planned.rewards, setup.fund).await?;
        bound.fund(setup.fund - funded).await?;
    }
    Ok(())
}

/// Returns the init codes in the order of [`Deployment::named`].
fn all_codes(client: &Client, setup: &Setup, at: &Deployment) -> Vec<Bytes> {
    let panel = panel::init_codes(client, setup, at);
    let house = house::init_codes(setup, at);
    [init_codes(client, setup, at), panel.into(), house.into(), jobs::init_codes(at).into()]
        .concat()
}

/// Returns those of the protocol and of the dated future.
fn init_codes(client: &Client, setup: &Setup, at: &Deployment) -> Vec<Bytes> {
    let token =
        AssayToken::constructorCall { holder: client.address(), supply: setup.supply }.abi_encode();
    let registry = Registry::constructorCall {
        token_: at.token,
        rounds_: at.rounds,
        minimumStake_: setup.minimum_stake,
        unbondBlocks_: setup.unbond_blocks,
    };
    let programs = Programs::constructorCall {
        token_: at.token,
        bondSize_: setup.bond,
        windowBlocks_: setup.window_blocks,
    };
    let referee = Referee::constructorCall { arithmetic_: at.arithmetic };
    let court = Court::constructorCall {
        token_: at.token,
        programs_: at.programs,
        referee_: at.referee,
        terms: Court::Terms {
            bond: setup.bond,
            windowBlocks: setup.window_blocks,
            clockBlocks: setup.clock_blocks,
            gasPriceCap: setup.gas_price_cap,
            gasRate: Unit::ETHER.wei(),
        },
        consumers: vec![at.rounds, at.scores, at.oracle, at.panel, at.scenarios, at.jobs, at.runs],
    };
    let rewards = Rewards::constructorCall {
        token_: at.token,
        registry_: at.registry,
        rounds_: scores::payer(setup, at),
        length_: setup.rounds.cumulativeLength,
    };
    let rounds = Rounds::constructorCall {
        registry_: at.registry,
        court_: at.court,
        rewards_: scores::receiver(setup, at),
        config_: setup.rounds.clone(),
    };
    let oracle = RiskOracle::constructorCall {
        rounds_: at.rounds,
        court_: at.court,
        programs: setup.report_programs.clone(),
        posted: setup.report_data.clone(),
    };
    let gate = RiskGate::constructorCall {
        oracle_: at.oracle,
        provider_: setup.provider,
        owner_: client.address(),
    };
    let clearing = ClearingHouse::constructorCall {
        collateral_: at.dollar,
        gate_: at.gate,
        terms_: setup.terms.clone(),
    };
    vec![
        with_arguments(&AssayToken::BYTECODE, token),
        with_arguments(&Registry::BYTECODE, registry.abi_encode()),
        with_arguments(&Programs::BYTECODE, programs.abi_encode()),
        Arithmetic::BYTECODE.clone(),
        with_arguments(&Referee::BYTECODE, referee.abi_encode()),
        with_arguments(&Court::BYTECODE, court.abi_encode()),
        with_arguments(&Rewards::BYTECODE, rewards.abi_encode()),
        scores::init_code(setup, at),
        with_arguments(&Rounds::BYTECODE, rounds.abi_encode()),
        with_arguments(&RiskOracle::BYTECODE, oracle.abi_encode()),
        with_arguments(&RiskGate::BYTECODE, gate.abi_encode()),
        DemoDollar::BYTECODE.clone(),
        with_arguments(&ClearingHouse::BYTECODE, clearing.abi_encode()),
    ]
}

/// A contract's name and init code.
pub type Contract = (&'static str, Bytes);

/// Sends contracts one after another, each when the one before is there.
async fn send_all(client: &Client, codes: Vec<Contract>) -> Result<(), DeployError> {
    for (contract, code) in codes {
        let send = |source| DeployError::Send { contract, source };
        let sent = client.submit(None, code, U256::ZERO).await.map_err(send)?;
        client.wait(sent).await.map_err(send)?;
    }
    Ok(())
}

fn with_arguments(code: &Bytes, arguments: Vec<u8>) -> Bytes {
    [code.as_ref(), &arguments].concat().into()
}

//! Options and perpetuals: a court, a price feed, a scenario book and a portfolio house.
//!
//! A court's consumers are fixed when it is deployed, so a book comes with its court, whose
//! constructor is told where the book will be. Absent: rounds and gates; a market of the book whose
//! gate is not zero asks a contract that is there already.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolConstructor,
};

use super::{Contract, CourtTerms, DeployError, Deployment, court, send_all, with_arguments};
use crate::{
    Client,
    client::FeedTerms,
    contracts::{
        dollar::DemoDollar,
        feed::PriceFeed,
        house::{IPortfolioHouse, PortfolioHouse, Sizes},
        scenarios::{IScenarioBook, ScenarioBook},
    },
};

/// What the cleared market is deployed with.
#[derive(Clone, Debug)]
pub struct ClearingSetup {
    /// The court; its consumers are set to the book.
    pub court: CourtTerms,
    /// Whose signed prices count.
    pub reporters: Vec<Address>,
    /// Slots, quorum, stake and pay of the feed. A slot divides half an hour.
    pub feed: FeedTerms,
    /// Who lists instruments and claims grids.
    pub provider: Address,
    /// Hash and encoding of the Program that a grid is the result of, `market::scenario::book`.
    pub program: (B256, Bytes),
    /// Rows of that Program, a multiple of 32.
    pub rows: u32,
    /// Farthest the index may be from a grid's price, a share of it; the Program's sixth number.
    pub band: f64,
    /// The markets, at most 8.
    pub markets: Vec<IScenarioBook::Market>,
    /// Charges, funding, fees and auctions.
    pub terms: IPortfolioHouse::Terms,
    /// Depth, most open interest and what size is asked, of each market; no open interest yet.
    pub sizes: Vec<Sizes::Size>,
    /// Where the collateral's haircut is read; the zero address leaves it at nothing.
    pub haircut: Address,
}

/// Where the contracts of a cleared market are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clearing {
    /// Token, `Programs`, `Court`, `DemoDollar` and `PriceFeed`, with what they need; every other
    /// address is zero.
    pub base: Deployment,
    /// `ScenarioBook`.
    pub book: Address,
    /// `PortfolioHouse`.
    pub house: Address,
    /// Its `OrderDesk`.
    pub desk: Address,
}

/// Returns where a key's contracts would be from its nonce on, and their init codes in order.
pub fn plan_clearing(
    deployer: Address,
    nonce: u64,
    setup: &ClearingSetup,
) -> (Clearing, Vec<Contract>) {
    let at = |offset: u64| deployer.create(nonce + offset);
    let (feed, dollar, book, house) = (at(5), at(6), at(7), at(8));
    let terms = CourtTerms { consumers: vec![book], ..setup.court.clone() };
    let (base, codes) = court::planned(deployer, nonce, &terms);
    let base = Deployment { feed, dollar, ..base };
    let clearing = Clearing { book, house, desk: desk_of(house), base };
    let mut codes: Vec<Contract> = codes.into();
    codes.extend(own_codes(setup, &clearing));
    (clearing, codes)
}

/// Returns the desk that a house deploys: a contract's first own creation has the nonce 1.
pub(super) fn desk_of(house: Address) -> Address {
    house.create(1)
}

fn own_codes(setup: &ClearingSetup, at: &Clearing) -> [Contract; 4] {
    let feed = PriceFeed::constructorCall {
        token_: at.base.token,
        who: setup.reporters.clone(),
        markets: setup.markets.iter().map(|market| market.name).collect(),
        terms_: setup.feed.clone(),
    };
    let book = ScenarioBook::constructorCall {
        court_: at.base.court,
        feed_: at.base.feed,
        provider_: setup.provider,
        program_: setup.program.0,
        rows_: setup.rows,
        band_: setup.band.to_bits(),
        markets: setup.markets.clone(),
    };
    let house = PortfolioHouse::constructorCall {
        collateral_: at.base.dollar,
        book_: at.book,
        haircut_: setup.haircut,
        terms_: setup.terms.clone(),
        sizes: setup.sizes.clone(),
    };
    [
        ("PriceFeed", with_arguments(&PriceFeed::BYTECODE, feed.abi_encode())),
        ("DemoDollar", DemoDollar::BYTECODE.clone()),
        ("ScenarioBook", with_arguments(&ScenarioBook::BYTECODE, book.abi_encode())),
        ("PortfolioHouse", with_arguments(&PortfolioHouse::BYTECODE, house.abi_encode())),
    ]
}

/// Deploys everything with the client's key and registers the Program, about which grids can be
/// claimed once the court's window has passed.
///
/// # Errors
///
/// [`DeployError::Send`] naming the contract, [`DeployError::Client`].
pub async fn deploy_clearing(
    client: &Client,
    setup: &ClearingSetup,
) -> Result<Clearing, DeployError> {
    let (nonce, block) = (client.next_nonce().await?, client.block_number().await?);
    let (mut clearing, codes) = plan_clearing(client.address(), nonce, setup);
    (clearing.base.chain_id, clearing.base.block) = (client.chain_id(), block);
    send_all(client, codes).await?;
    let bound = client.clone().with(clearing.base.clone());
    bound.approve(clearing.base.programs, U256::MAX).await?;
    let (program, encoding) = setup.program.clone();
    bound.register_program(program, encoding).await?;
    Ok(clearing)
}

//! Options and perpetuals: their feed, their book and their house.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolConstructor,
};

use super::{Clearing, Deployment, Setup, with_arguments};
use crate::{
    Client, ClientError,
    contracts::{
        feed::{IPriceFeed, PriceFeed},
        house::{IPortfolioHouse, PortfolioHouse, Sizes},
        scenarios::{IScenarioBook, ScenarioBook},
    },
};

/// What the contracts of options and perpetuals are deployed with.
#[derive(Clone, Debug)]
pub struct HouseSetup {
    /// Slots, quorum, stake and pay of the feed; its reporters are the other feed's.
    pub feed: IPriceFeed::Terms,
    /// What the deployer pays into the feed at once, wei.
    pub pot: U256,
    /// Hash of the Program that a grid is the result of.
    pub program: B256,
    /// Rows of a grid.
    pub rows: u32,
    /// Bits of the f64 that says how far a grid's outermost marks are from its price.
    pub band: u64,
    /// Least half-width, and least rise and fall of the volatility, as WAD fractions.
    pub least: [u128; 3],
    /// Charges, funding, fees and auctions of the house.
    pub terms: IPortfolioHouse::Terms,
    /// Depth of the market, its most open interest, and what size is asked.
    pub size: Sizes::Size,
}

impl Deployment {
    /// Returns the house with its book, its desk and the feed it reads.
    pub fn clearing(&self) -> Clearing {
        Clearing {
            base: Deployment { feed: self.spot, ..self.clone() },
            book: self.scenarios,
            house: self.house,
            desk: super::clearing::desk_of(self.house),
        }
    }
}

/// Returns the init codes of feed, book and house.
pub(super) fn init_codes(setup: &Setup, at: &Deployment) -> [Bytes; 3] {
    let (house, market) = (&setup.house, setup.terms.market);
    let feed = PriceFeed::constructorCall {
        token_: at.token,
        who: setup.panel.reporters.clone(),
        markets: vec![market],
        terms_: house.feed.clone(),
    };
    let [half, up, down] = house.least;
    let book = ScenarioBook::constructorCall {
        court_: at.court,
        feed_: at.spot,
        provider_: setup.provider,
        program_: house.program,
        rows_: house.rows,
        band_: house.band,
        markets: vec![IScenarioBook::Market {
            name: market,
            gate: at.panel,
            halfMin: half,
            upMin: up,
            downMin: down,
        }],
    };
    // The collateral is play money, of which nobody says that it is worth less.
    let clearing = PortfolioHouse::constructorCall {
        collateral_: at.dollar,
        book_: at.scenarios,
        haircut_: Address::ZERO,
        terms_: house.terms.clone(),
        sizes: vec![house.size.clone()],
    };
    [
        with_arguments(&PriceFeed::BYTECODE, feed.abi_encode()),
        with_arguments(&ScenarioBook::BYTECODE, book.abi_encode()),
        with_arguments(&PortfolioHouse::BYTECODE, clearing.abi_encode()),
    ]
}

/// Fills the feed's pot, where that is not done.
pub(super) async fn open(client: &Client, setup: &Setup) -> Result<(), ClientError> {
    let (at, wanted) = (client.deployment().spot, setup.house.pot);
    let pot = client.view(at, PriceFeed::potCall {}).await?;
    if pot.is_zero() && !wanted.is_zero() {
        client.approve(at, wanted).await?;
        client.send(at, PriceFeed::fundCall { amount: wanted }).await?;
    }
    Ok(())
}

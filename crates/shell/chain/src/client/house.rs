//! Scenario grids, signed packages, and accounts of options and perpetuals.
//!
//! Whoever touches accounts brings the rows of their legs with the ways up to the grid's claim:
//! [`Rows`] makes them from what the Program returned. Orders are EIP-712 messages that are
//! digested here, so that a key never signs bytes that somebody else chose. Calldata are made by
//! plain functions ([`Deal::call`], [`Reading`]), for whoever executes without a network.
//!
//! Absent: who needs which rows; a caller knows the legs from [`House::account`].

use alloy::{
    primitives::{Address, B256, Bytes, I256, U256},
    signers::{SignerSync as _, local::PrivateKeySigner},
    sol_types::{Eip712Domain, SolStruct},
};
use tensor::{Hash, Tensor, tree};

use super::{Client, ClientError, Mined};
use crate::{
    contracts::{desk, dollar::DemoDollar, house, scenarios},
    deploy::Clearing,
};

/// A package as its trader signs it.
pub use crate::contracts::desk::IOrderDesk::Order as PackageOrder;
/// How an account stands at the marks now; wei.
pub use crate::contracts::house::IPortfolioHouse::Standing as PortfolioStanding;
/// Sums over all accounts, and what an account has; wei.
pub use crate::contracts::house::Ledger::{Books, Purse};
/// A position.
pub use crate::contracts::house::Legs::Leg;
/// What a grid is claimed with, what is listed, and the grid that counts.
pub use crate::contracts::scenarios::IScenarioBook::{Data, Grid, Listing};

/// Bytes of a row: 32 doubles, one chunk of the tensor.
const ROW: usize = 256;
/// `IScenarioBook.Kind.Perpetual`.
pub const PERPETUAL: u8 = 2;

mod signed {
    // The message as it is signed; field names and types are part of the digest.
    alloy::sol! {
        #![sol(all_derives)]
        struct Order {
            address trader;
            uint32[] instruments;
            int64[] lots;
            int256 price;
            uint64 count;
            uint64 expiry;
            uint256 salt;
        }
    }
}

/// One instrument's row as a transaction brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose row it is.
    pub instrument: u32,
    /// The row's bytes.
    pub chunk: Bytes,
    /// The hashes beside its way up to the claim's output.
    pub siblings: Vec<B256>,
}

/// A grid: what the Program returned, with the leaves of its rows.
#[derive(Clone, Debug)]
pub struct Rows {
    bytes: Vec<u8>,
    leaves: Vec<Hash>,
}

impl Rows {
    /// Takes f64\[rows, 32\]; nothing for any other tensor.
    pub fn of(output: &Tensor) -> Option<Rows> {
        if output.shape().dims().get(1) != Some(&32) || output.as_f64().is_none() {
            return None;
        }
        let bytes = output.to_bytes();
        let leaves = bytes.chunks(ROW).map(tree::leaf).collect();
        Some(Rows { bytes, leaves })
    }

    /// Returns the claim's outputs root, which is that of its one tensor.
    pub fn root(&self) -> B256 {
        tree::root(&self.leaves).0.into()
    }

    /// Returns a row as the reading of an instrument; nothing for a row that is not there.
    pub fn reading(&self, instrument: u32, row: usize) -> Option<Reading> {
        let chunk = self.bytes.chunks(ROW).nth(row)?.to_vec().into();
        let siblings = tree::siblings(&self.leaves, row).iter().map(|hash| hash.0.into()).collect();
        Some(Reading { instrument, chunk, siblings })
    }
}

/// Readings as the house takes them.
pub fn house_readings(readings: &[Reading]) -> Vec<house::IScenarioBook::Reading> {
    let made = |one: &Reading| house::IScenarioBook::Reading {
        instrument: one.instrument,
        opening: house::ICourt::Opening {
            chunk: one.chunk.clone(),
            siblings: one.siblings.clone(),
        },
    };
    readings.iter().map(made).collect()
}

/// Readings as the desk takes them.
fn desk_readings(readings: &[Reading]) -> Vec<desk::IScenarioBook::Reading> {
    let made = |one: &Reading| desk::IScenarioBook::Reading {
        instrument: one.instrument,
        opening: desk::ICourt::Opening { chunk: one.chunk.clone(), siblings: one.siblings.clone() },
    };
    readings.iter().map(made).collect()
}

/// Returns the listing of a perpetual.
pub fn perpetual(market: u8) -> Listing {
    Listing { market, kind: PERPETUAL, strike: 1_f64.to_bits(), expiry: 0 }
}

/// Returns the listing of a European option; the strike is a whole number of 10^-12 dollars, the
/// expiry Unix seconds.
pub fn option(market: u8, is_call: bool, strike: f64, expiry: u64) -> Listing {
    Listing { market, kind: u8::from(is_call), strike: strike.to_bits(), expiry }
}

/// Signs a package for a desk on a chain.
pub fn sign_package(
    signer: &PrivateKeySigner,
    order: &PackageOrder,
    (desk, chain_id): (Address, u64),
) -> Bytes {
    let digest = package_digest(order, (desk, chain_id));
    let signature = signer.sign_hash_sync(&digest).expect("a key in memory signs any digest");
    signature.as_bytes().to_vec().into()
}

/// Returns the digest that a trader signs for a package on a desk of a chain.
pub fn package_digest(order: &PackageOrder, (desk, chain_id): (Address, u64)) -> B256 {
    let domain = Eip712Domain::new(
        Some("Assay OrderDesk".into()),
        Some("1".into()),
        Some(U256::from(chain_id)),
        Some(desk),
        None,
    );
    let message = signed::Order {
        trader: order.trader,
        instruments: order.instruments.clone(),
        lots: order.lots.clone(),
        price: order.price,
        count: order.count,
        expiry: order.expiry,
        salt: order.salt,
    };
    message.eip712_signing_hash(&domain)
}

/// Two signed packages that meet.
#[derive(Clone, Debug)]
pub struct Deal {
    /// An order and its signature.
    pub left: (PackageOrder, Bytes),
    /// The mirrored order and its signature.
    pub right: (PackageOrder, Bytes),
    /// Packages traded.
    pub count: u64,
    /// Wei that `left` pays `right` for a package.
    pub price: I256,
}

impl Deal {
    /// Returns the call that trades it; `readings` are of the legs of both accounts and of the
    /// package, ascending.
    pub fn call(self, readings: &[Reading]) -> desk::OrderDesk::tradeCall {
        let deal = desk::IOrderDesk::Deal {
            left: self.left.0,
            leftSignature: self.left.1,
            right: self.right.0,
            rightSignature: self.right.1,
            count: self.count,
            price: self.price,
        };
        desk::OrderDesk::tradeCall { deal, readings: desk_readings(readings) }
    }
}

/// What the house keeps of an account, as last counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portfolio {
    /// Cash and profit.
    pub purse: Purse,
    /// Seconds for which its auction has run; nothing while it has none.
    pub auction: Option<u64>,
    /// Its positions, ascending.
    pub legs: Vec<Leg>,
}

impl From<house::PortfolioHouse::accountOfReturn> for Portfolio {
    fn from(said: house::PortfolioHouse::accountOfReturn) -> Portfolio {
        let auction = (said._1.shown > 0).then_some(said._1.passed);
        Portfolio { purse: said._0, auction, legs: said._2 }
    }
}

/// One key's way to a cleared market.
#[derive(Clone, Debug)]
pub struct House {
    client: Client,
    at: Clearing,
}

/// The provider's calls.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl House {
    /// Binds a key's client to a cleared market; its own typed calls go to that market's court and
    /// feed.
    pub fn new(client: &Client, at: Clearing) -> House {
        House { client: client.clone().with(at.base.clone()), at }
    }

    /// Returns where the contracts are.
    pub fn at(&self) -> &Clearing {
        &self.at
    }

    /// Returns the client, bound to token, court and feed.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Lists instruments of one market and returns the number of the first.
    pub async fn list(&self, listings: Vec<Listing>) -> Result<u32, ClientError> {
        let call = scenarios::ScenarioBook::listCall { listings };
        let first = self.client.view(self.at.book, call.clone()).await?;
        self.client.send(self.at.book, call).await?;
        Ok(first)
    }

    /// Claims a grid and returns its claim. Needs an allowance for the court, which takes the bond.
    pub async fn post_grid(
        &self,
        market: u8,
        data: Data,
        rows: &Rows,
    ) -> Result<(U256, Mined), ClientError> {
        let call = scenarios::ScenarioBook::postCall { market, data, root: rows.root() };
        let claim = self.client.view(self.at.book, call.clone()).await?;
        Ok((claim, self.client.send(self.at.book, call).await?))
    }

    /// Makes the newest grid count whose claim is final or can be made so.
    pub async fn settle_grid(&self, market: u8) -> Result<Mined, ClientError> {
        self.client.send(self.at.book, scenarios::ScenarioBook::settleCall { market }).await
    }

    /// Returns the grid that counts; its claim is 0 before the first.
    pub async fn grid(&self, market: u8) -> Result<Grid, ClientError> {
        self.client.view(self.at.book, scenarios::ScenarioBook::gridOfCall { market }).await
    }

    /// Returns the list root of the Program's inputs with the terms as they are.
    pub async fn inputs_of(&self, market: u8, data: Data) -> Result<B256, ClientError> {
        let call = scenarios::ScenarioBook::inputsOfCall { market, data };
        self.client.view(self.at.book, call).await
    }

    /// Fixes what an instrument settles at.
    pub async fn fix(&self, instrument: u32) -> Result<Mined, ClientError> {
        self.client.send(self.at.book, scenarios::ScenarioBook::fixCall { instrument }).await
    }
}

/// Traders' and keepers' calls. Money is wei of a collateral with 18 decimals.
///
/// # Errors
///
/// As of the provider's calls.
impl House {
    /// Mints play money to this key and pays it in.
    pub async fn fund(&self, amount: U256) -> Result<Mined, ClientError> {
        let (dollar, account) = (self.at.base.dollar, self.client.address());
        self.client.send(dollar, DemoDollar::mintCall { account, amount }).await?;
        let call = DemoDollar::approveCall { spender: self.at.house, value: U256::MAX };
        self.client.send(dollar, call).await?;
        self.deposit(amount).await
    }

    /// Pays collateral in, which an allowance lets the house take.
    pub async fn deposit(&self, amount: U256) -> Result<Mined, ClientError> {
        self.client.send(self.at.house, house::PortfolioHouse::depositCall { amount }).await
    }

    /// Pays cash out.
    pub async fn withdraw(&self, amount: U256, read: &[Reading]) -> Result<Mined, ClientError> {
        let readings = house_readings(read);
        let call = house::PortfolioHouse::withdrawCall { amount, readings };
        self.client.send(self.at.house, call).await
    }

    /// Turns profit into cash.
    pub async fn take(&self, amount: U256, read: &[Reading]) -> Result<Mined, ClientError> {
        let call = house::PortfolioHouse::takeCall { amount, readings: house_readings(read) };
        self.client.send(self.at.house, call).await
    }

    /// Gives collateral to the insurance.
    pub async fn fund_insurance(&self, amount: U256) -> Result<Mined, ClientError> {
        self.client.send(self.at.house, house::PortfolioHouse::fundInsuranceCall { amount }).await
    }

    /// Signs a package with this key, whose address must be the order's trader.
    pub fn sign(&self, order: PackageOrder) -> (PackageOrder, Bytes) {
        let place = (self.at.desk, self.client.chain_id());
        let signature = sign_package(self.client.signer(), &order, place);
        (order, signature)
    }

    /// Trades two signed packages; `read` are rows of the legs of both and of the package.
    pub async fn trade(&self, deal: Deal, read: &[Reading]) -> Result<Mined, ClientError> {
        self.client.send(self.at.desk, deal.call(read)).await
    }

    /// Counts an account's gains and losses up to the marks.
    pub async fn touch(&self, account: Address, read: &[Reading]) -> Result<Mined, ClientError> {
        let call = house::PortfolioHouse::touchCall { account, readings: house_readings(read) };
        self.client.send(self.at.house, call).await
    }

    /// Shows that an account is under maintenance margin.
    pub async fn run_auction(
        &self,
        account: Address,
        read: &[Reading],
    ) -> Result<Mined, ClientError> {
        let readings = house_readings(read);
        let call = house::PortfolioHouse::runAuctionCall { account, readings };
        self.client.send(self.at.house, call).await
    }

    /// Takes at most `share_max` (WAD) of an account's positions for at least `discount_min` wei on
    /// the whole account; `read` are rows of its legs and the bidder's.
    pub async fn bid(
        &self,
        account: Address,
        (share_max, discount_min): (U256, U256),
        read: &[Reading],
    ) -> Result<Mined, ClientError> {
        let readings = house_readings(read);
        let call = house::PortfolioHouse::bidCall {
            account,
            shareMax: share_max,
            discountMin: discount_min,
            readings,
        };
        self.client.send(self.at.house, call).await
    }

    /// Returns how an account stands at the marks now.
    pub async fn standing(
        &self,
        account: Address,
        read: &[Reading],
    ) -> Result<PortfolioStanding, ClientError> {
        let readings = house_readings(read);
        let call = house::PortfolioHouse::standingOfCall { account, readings };
        self.client.view(self.at.house, call).await
    }

    /// Returns what the house keeps of an account.
    pub async fn account(&self, account: Address) -> Result<Portfolio, ClientError> {
        let call = house::PortfolioHouse::accountOfCall { account };
        Ok(self.client.view(self.at.house, call).await?.into())
    }

    /// Returns the sums over all accounts.
    pub async fn books(&self) -> Result<Books, ClientError> {
        self.client.view(self.at.house, house::PortfolioHouse::booksCall {}).await
    }
}

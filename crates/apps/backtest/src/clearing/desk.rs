//! The contracts of one market in memory, and the calls a replay makes to them.
//!
//! A court with a short window, a feed of one reporter, a scenario book and a portfolio house, all
//! as they would be deployed, each called as its user would. Every grid is claimed and used when
//! its claim is final; nobody disputes.

use alloy::primitives::{Address, B256, I256, LogData, U256, keccak256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolEvent as _;
use chain::client::house::{Data, Listing, house_readings, sign_package};
use chain::client::{Deal, PackageOrder, Portfolio, Reading, Rows, SlotReport};
use chain::contracts::dollar::DemoDollar;
use chain::contracts::feed::PriceFeed;
use chain::contracts::house::{IPortfolioHouse, Ledger::Books, PortfolioHouse};
use chain::contracts::scenarios::ScenarioBook;
use chain::contracts::{programs::Programs, token::AssayToken};
use chain::deploy::{Clearing, plan_clearing};
use chain::local::{BLOCK_SECONDS, Local, LocalError};
use market::Wad;
use market::scenario::ledger::{Charges, Row};
use market::scenario::{Grid, Leg, Market, Width, book, book_inputs};
use tensor::Program;

use super::ledger::Marked;
use super::terms::{self, CHAIN_ID, WINDOW_BLOCKS};
use crate::error::Error;

/// Elements of a row.
const WIDTH: usize = 32;
/// Instruments listed in one call.
const LISTED: usize = 32;
/// Wei of a tick, and of a hundredth of a dollar.
const TICK: u128 = 1_000_000;
pub(crate) const CENT: u128 = 10_000_000_000_000_000;

/// What a market of a replay is deployed with.
#[derive(Clone, Debug)]
pub(crate) struct DeskSetup {
    /// Unix seconds at which it is deployed.
    pub(crate) begins_s: u64,
    /// Length of a price slot.
    pub(crate) slot_s: u64,
    /// Rows of a grid, a multiple of 32.
    pub(crate) rows: usize,
    /// How far marks reach from a grid's price, as a share.
    pub(crate) band: f64,
    /// What is asked besides the worst scenario.
    pub(crate) charges: Charges,
    /// The instruments, by row.
    pub(crate) listings: Vec<Listing>,
}

/// A trader, and what it signs with.
#[derive(Clone, Debug)]
pub(crate) struct Trader {
    pub(crate) key: PrivateKeySigner,
    pub(crate) who: Address,
}

impl Trader {
    pub(crate) fn new(number: u64) -> Trader {
        let secret = keccak256(number.to_be_bytes());
        let key = PrivateKeySigner::from_bytes(&secret).expect("a hash is a key");
        Trader { who: key.address(), key }
    }
}

/// What a bid did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bid {
    /// Share of the account that went over.
    pub(crate) share: f64,
    /// Debt that was left, and what of it the insurance covered; wei.
    pub(crate) debt: u128,
    pub(crate) covered: u128,
}

/// The contracts of a market.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) evm: Local,
    at: Clearing,
    owner: Trader,
    market: B256,
    setup: DeskSetup,
    program: Program,
    grid: Option<Rows>,
    /// What counts of the grid and the price, as integers.
    pub(crate) marked: Marked,
    salt: u64,
    pub(crate) grids: usize,
    pub(crate) prices: usize,
}

impl Desk {
    /// Deploys the contracts, registers the Program and lists the instruments.
    pub(crate) fn open(setup: DeskSetup) -> Result<Desk, Error> {
        let owner = Trader::new(u64::MAX);
        let program = book(setup.rows, &Grid::published())?;
        let market = keccak256("replayed");
        let mut evm = Local::new(CHAIN_ID, setup.begins_s);
        let (at, codes) = plan_clearing(owner.who, 0, &terms::clearing(&setup, &owner, &program));
        for code in codes {
            evm.create(owner.who, code)?;
        }
        let approve = |spender| AssayToken::approveCall { spender, value: U256::MAX };
        let token = (owner.who, at.base.token);
        evm.send(token, &approve(at.base.programs))?;
        evm.send(token, &approve(at.base.court))?;
        let hash = B256::from(program.hash().0);
        let call = Programs::registerCall { program: hash, encoding: program.encode().into() };
        evm.send((owner.who, at.base.programs), &call)?;
        evm.pass_to(setup.begins_s + BLOCK_SECONDS * (WINDOW_BLOCKS + 1));
        for listings in setup.listings.chunks(LISTED) {
            let call = ScenarioBook::listCall { listings: listings.to_vec() };
            evm.send((owner.who, at.book), &call)?;
        }
        let marked = Marked::new(setup.charges, setup.band);
        let (grid, salt, grids, prices) = (None, 0, 0, 0);
        Ok(Desk { evm, at, owner, market, setup, program, grid, marked, salt, grids, prices })
    }

    /// Makes a price the newest one at a time, which ends a slot.
    pub(crate) fn price(&mut self, time_s: i64, price: f64) -> Result<(), Error> {
        let time_s = u64::try_from(time_s).unwrap_or(0);
        let wad = Wad::from_f64(price).map_err(|error| Error::Contracts(error.to_string()))?.0;
        let report = SlotReport {
            market: self.market,
            slot: time_s / self.setup.slot_s - 1,
            price: wad,
            low: wad,
            high: wad,
            messagesRoot: B256::ZERO,
            messages: 1,
        };
        self.evm.pass_to(time_s - 1);
        let signature = terms::signed_report(&self.owner.key, &report, self.at.base.feed);
        let call = PriceFeed::reportCall { reports: vec![report], signatures: vec![signature] };
        let feed = (self.owner.who, self.at.base.feed);
        self.evm.send(feed, &call)?;
        self.evm.pass_to(time_s);
        self.evm.send(feed, &PriceFeed::closeCall { market: self.market })?;
        self.marked.index = i128::try_from(wad / TICK).expect("a price is far below 2^127");
        self.prices += 1;
        Ok(())
    }

    /// Claims a grid at the newest price, lets the court's window pass, and makes it count. `legs`
    /// and `expiries` are by row.
    pub(crate) fn grid(
        &mut self,
        (legs, expiries): (&[Leg], &[f64]),
        (price, width): (f64, Width),
    ) -> Result<(), Error> {
        let time_s = self.evm.time_s();
        let rows = self.setup.rows;
        let mut legs = legs.to_vec();
        legs.resize(rows, Leg::perpetual(1.0, price));
        let mut expiries = expiries.to_vec();
        expiries.resize(rows, 0.0);
        let market = Market { time: time_s as f64, price, width, band: self.setup.band };
        let inputs = book_inputs(&legs, &expiries, market)?;
        let bytes = |i: usize| inputs[i].to_bytes().into();
        let data = Data { head: bytes(3), forwards: bytes(4), volatilities: bytes(5) };
        let outputs = tensor::eval(&self.program, &inputs);
        let output = outputs.expect("inputs were made for the Program").remove(0);
        let grid = Rows::of(&output).expect("the Program returns rows of 32");
        let book = (self.owner.who, self.at.book);
        let call = ScenarioBook::postCall { market: 0, data, root: grid.root() };
        self.evm.send(book, &call)?;
        self.evm.pass_to(time_s + BLOCK_SECONDS * (WINDOW_BLOCKS + 1));
        self.evm.send(book, &ScenarioBook::settleCall { market: 0 })?;
        let counts = self.evm.view(self.at.book, &ScenarioBook::gridOfCall { market: 0 })?;
        if counts.root != grid.root() {
            return Err(Error::Contracts("a grid whose window passed does not count".to_owned()));
        }
        let numbers = output.as_f64().expect("rows are f64");
        let row = |row: &[f64]| Row::read(row).expect("every element of a row is a number");
        let rows = numbers.chunks(WIDTH).take(self.setup.listings.len()).map(row).collect();
        let option = |listing: &Listing| listing.kind < 2;
        let options = self.setup.listings.iter().map(option).collect();
        let at = i128::try_from(counts.price).expect("a price is far below 2^127");
        self.marked.counts((rows, options), at);
        self.grid = Some(grid);
        self.grids += 1;
        Ok(())
    }

    /// Mints play money to a trader and pays it in.
    pub(crate) fn fund(&mut self, trader: &Trader, wei: u128) -> Result<(), Error> {
        let (account, amount) = (trader.who, U256::from(wei));
        let dollar = (account, self.at.base.dollar);
        self.evm.send(dollar, &DemoDollar::mintCall { account, amount })?;
        let (spender, value) = (self.at.house, amount);
        self.evm.send(dollar, &DemoDollar::approveCall { spender, value })?;
        self.evm.send((account, self.at.house), &PortfolioHouse::depositCall { amount })?;
        Ok(())
    }

    /// Trades a package at the marks: `left` takes `lots` of each instrument from `right`. `held`
    /// are the instruments of both accounts besides, ascending as everything.
    pub(crate) fn trade(
        &mut self,
        (left, right): (&Trader, &Trader),
        package: &[(u32, i64)],
        held: &[u32],
    ) -> Result<(), Error> {
        let mark = |(id, lots): &(u32, i64)| i128::from(*lots) * self.marked.mark(*id);
        let price = I256::try_from(package.iter().map(mark).sum::<i128>()).expect("i128 fits");
        self.salt += 1;
        let expiry = self.evm.time_s() + 3_600;
        let order = |trader: &Trader, sign: i64| {
            let order = PackageOrder {
                trader: trader.who,
                instruments: package.iter().map(|(id, _)| *id).collect(),
                lots: package.iter().map(|(_, lots)| sign * lots).collect(),
                price: if sign > 0 { price } else { -price },
                count: 1,
                expiry,
                salt: U256::from(self.salt),
            };
            let signature = sign_package(&trader.key, &order, (self.at.desk, CHAIN_ID));
            (order, signature)
        };
        let (left, right) = (order(left, 1), order(right, -1));
        let mut ids: Vec<u32> = package.iter().map(|(id, _)| *id).chain(held.to_vec()).collect();
        ids.sort_unstable();
        ids.dedup();
        let call = Deal { left, right, count: 1, price }.call(&self.readings(&ids));
        self.evm.send((self.owner.who, self.at.desk), &call)?;
        Ok(())
    }

    /// Shows that an account is under maintenance margin, and bids for what is due at once, when
    /// the discount is nothing. `held` are the instruments of both.
    pub(crate) fn liquidate(
        &mut self,
        account: Address,
        bidder: &Trader,
        held: &[u32],
    ) -> Result<Bid, Error> {
        let readings = house_readings(&self.readings(held));
        let house = (bidder.who, self.at.house);
        let call = PortfolioHouse::runAuctionCall { account, readings: readings.clone() };
        self.evm.send(house, &call)?;
        let (share_max, none) = (U256::from(10_u64.pow(18)), U256::ZERO);
        let call =
            PortfolioHouse::bidCall { account, shareMax: share_max, discountMin: none, readings };
        let done = self.evm.send(house, &call)?;
        let mut bid = Bid { share: dollars(done.returned.share.saturating_to()), ..Bid::default() };
        for (_, log) in &done.logs {
            if let Some((debt, covered)) = bad_debt(log) {
                (bid.debt, bid.covered) = (bid.debt + debt, bid.covered + covered);
            }
        }
        Ok(bid)
    }

    /// Turns an account's whole profit into cash, after the bidder's losses were counted; returns
    /// the profit and what came of it, nothing where losers have not paid that much in yet.
    pub(crate) fn take(
        &mut self,
        trader: &Trader,
        held: &[u32],
    ) -> Result<Option<(u128, u128)>, Error> {
        let profit = u128::try_from(self.account(trader.who)?.purse.profit).unwrap_or(0);
        if profit == 0 {
            return Ok(Some((0, 0)));
        }
        let readings = house_readings(&self.readings(held));
        let call = PortfolioHouse::takeCall { amount: U256::from(profit), readings };
        match self.evm.send((trader.who, self.at.house), &call) {
            Ok(done) => Ok(Some((profit, done.returned.saturating_to()))),
            Err(error) if error.reverted_with() == Some("NotPaidIn") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns what the house keeps of an account.
    pub(crate) fn account(&mut self, account: Address) -> Result<Portfolio, Error> {
        let call = PortfolioHouse::accountOfCall { account };
        Ok(self.evm.view(self.at.house, &call)?.into())
    }

    /// Returns how an account stands, as the contract says.
    pub(crate) fn standing(
        &mut self,
        account: Address,
        held: &[u32],
    ) -> Result<IPortfolioHouse::Standing, Error> {
        let readings = house_readings(&self.readings(held));
        let call = PortfolioHouse::standingOfCall { account, readings };
        Ok(self.evm.view(self.at.house, &call)?)
    }

    /// Returns the sums over all accounts.
    pub(crate) fn books(&mut self) -> Result<Books, Error> {
        Ok(self.evm.view(self.at.house, &PortfolioHouse::booksCall {})?)
    }

    /// Returns what the house holds, which its books must add up to.
    pub(crate) fn held(&mut self) -> Result<U256, Error> {
        let call = DemoDollar::balanceOfCall { account: self.at.house };
        Ok(self.evm.view(self.at.base.dollar, &call)?)
    }

    fn readings(&self, ids: &[u32]) -> Vec<Reading> {
        let row = |id: &u32| self.grid.as_ref()?.reading(*id, *id as usize);
        ids.iter().filter_map(row).collect()
    }
}

/// Debt and what the insurance covered, if that is what an event says.
fn bad_debt(log: &LogData) -> Option<(u128, u128)> {
    let said = PortfolioHouse::BadDebt::decode_log_data(log).ok()?;
    Some((said.debt.saturating_to(), said.covered.saturating_to()))
}

/// Dollars of so many wei.
pub(crate) fn dollars(wei: u128) -> f64 {
    wei as f64 / 1e18
}

impl From<LocalError> for Error {
    fn from(error: LocalError) -> Error {
        Error::Contracts(error.to_string())
    }
}

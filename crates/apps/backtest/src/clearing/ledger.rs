//! What a keeper knows of accounts without asking: the contract's integers, computed here.
//!
//! *Invariant: an account as the house last counted it, moved by the marks since, has the equity
//! and the margins that the house would say, to the wei.* A replay compares the two again and
//! again; it is by these numbers that its keeper decides whom to liquidate.

use alloy::primitives::{I256, U256};
use chain::client::Portfolio;
use chain::contracts::house::IPortfolioHouse::Standing;
use market::Wad;
use market::scenario::ledger::{Asked, Charges, Market, Row, margin};

const WAD: i128 = 1_000_000_000_000_000_000;

/// The grid and the price that count.
#[derive(Clone, Debug)]
pub(crate) struct Marked {
    /// The index, ticks.
    pub(crate) index: i128,
    charges: Charges,
    /// How far marks reach, as a share of the grid's price, WAD.
    band: i128,
    /// The grid's price, ticks.
    price: i128,
    rows: Vec<Row>,
    options: Vec<bool>,
}

/// A position: instrument, lots, and the value of a unit that was counted last.
pub(crate) type Position = (u32, i64, i128);

/// An account as the house last counted it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Account {
    /// Cash and profit, wei.
    pub(crate) purse: i128,
    pub(crate) legs: Vec<Position>,
}

impl From<Portfolio> for Account {
    fn from(said: Portfolio) -> Account {
        let cash = i128::try_from(said.purse.cash).expect("far below 2^127 wei");
        let leg = |leg: &chain::client::house::Leg| (leg.instrument, leg.lots, leg.base);
        Account { purse: cash + said.purse.profit, legs: said.legs.iter().map(leg).collect() }
    }
}

impl Account {
    /// Returns the instruments it holds.
    pub(crate) fn ids(&self) -> Vec<u32> {
        self.legs.iter().map(|(id, _, _)| *id).collect()
    }
}

impl Marked {
    pub(crate) fn new(charges: Charges, band: f64) -> Marked {
        let (rows, options) = (Vec::new(), Vec::new());
        let band = Wad::from_f64(band).map_or(0, |wad| wad.0);
        let band = i128::try_from(band).expect("a share");
        Marked { index: 0, charges, band, price: 0, rows, options }
    }

    /// Takes a grid made at a price, ticks, with whether each row is an option.
    pub(crate) fn counts(&mut self, (rows, options): (Vec<Row>, Vec<bool>), price: i128) {
        (self.rows, self.options, self.price) = (rows, options, price);
    }

    /// Returns the mark of a unit at the index, ticks. A perpetual's is the index: nobody shows a
    /// basis.
    pub(crate) fn mark(&self, id: u32) -> i128 {
        let at = id as usize;
        if !self.options[at] {
            return self.index;
        }
        self.rows[at].mark(self.index - self.price, self.price * self.band / (3 * WAD))
    }

    /// Returns an account's equity, wei.
    pub(crate) fn equity(&self, account: &Account) -> i128 {
        let gain = |(id, lots, base): &Position| i128::from(*lots) * (self.mark(*id) - base);
        account.purse + account.legs.iter().map(gain).sum::<i128>()
    }

    /// Returns initial and maintenance margin of positions, wei.
    pub(crate) fn margins(&self, legs: impl Iterator<Item = (u32, i64)>) -> (i128, i128) {
        let leg =
            |(id, lots): (u32, i64)| (&self.rows[id as usize], lots, self.options[id as usize]);
        let legs: Vec<(&Row, i64, bool)> = legs.map(leg).collect();
        let index = u64::try_from(self.index).expect("below 10^7 dollars");
        let Asked { initial, maintenance, .. } = margin(&legs, self.charges, Market::plain(index));
        let signed = |wei: u128| i128::try_from(wei).expect("far below 2^127 wei");
        (signed(initial), signed(maintenance))
    }

    /// Returns an account's margins.
    pub(crate) fn asked(&self, account: &Account) -> (i128, i128) {
        self.margins(account.legs.iter().map(|(id, lots, _)| (*id, *lots)))
    }

    /// Returns whether an account has less than its maintenance margin.
    pub(crate) fn is_under(&self, account: &Account) -> bool {
        !account.legs.is_empty() && self.equity(account) < self.asked(account).1
    }

    /// Returns whether the contract says the same of an account, to the wei.
    pub(crate) fn agrees(&self, account: &Account, said: &Standing) -> bool {
        let (initial, maintenance) = self.asked(account);
        let same = |wei: i128, word: U256| I256::try_from(wei).ok() == I256::try_from(word).ok();
        I256::try_from(self.equity(account)).ok() == Some(said.equity)
            && same(initial, said.initial)
            && same(maintenance, said.maintenance)
    }

    /// Returns lots of a package, scaled down so that its initial margin is at most `wei`, and
    /// whether that was needed.
    pub(crate) fn fit(&self, wished: &[(u32, i64)], wei: i128) -> (Vec<(u32, i64)>, bool) {
        let asked = self.margins(wished.iter().copied()).0;
        if asked <= wei {
            return (wished.to_vec(), false);
        }
        let mut share = wei as f64 / asked as f64;
        loop {
            let scaled = wished.iter().map(|(id, lots)| (*id, times(*lots, share)));
            let scaled: Vec<(u32, i64)> = scaled.filter(|(_, lots)| *lots != 0).collect();
            if self.margins(scaled.iter().copied()).0 <= wei {
                return (scaled, true);
            }
            share *= 1.0 - 1e-9;
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "sizes here are far below 2^53 lots")]
fn times(lots: i64, share: f64) -> i64 {
    (lots as f64 * share).trunc() as i64
}

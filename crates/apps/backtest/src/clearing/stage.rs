//! Accounts on the contracts of one market: who opens, is liquidated, closes and takes, and what
//! the contracts counted.
//!
//! *Invariant: every number is from a call's result, an event or a view; the keeper's own integers
//! decide only whom to show.*

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::U256;

use super::desk::{CENT, Desk, DeskSetup, Trader, dollars};
use super::ledger;
use super::queue::{Fallen, Queue, Winner};
use super::{Beside, Liquidation, OnChain, Taken};
use crate::data::HOUR_S;
use crate::error::Error;
use crate::replay::Crash;

/// Lots of a unit.
pub(crate) const UNIT: i64 = 1_000_000;
/// What the rest of the market and the probe have, cents.
const DEEP_CENTS: u128 = 100_000_000_000_000;
/// Of the accounts that are open, one in so many is compared at each grid; in the crash all.
const COMPARED: usize = 16;
/// Numbers of the accounts that stand against others.
const OTHERS: u64 = 1 << 40;

/// Who stands against an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Against {
    /// One account for all.
    One,
    /// An account for each: what all hold together is more than 32 legs.
    Each,
}

/// An account with a position.
struct Live {
    trader: Trader,
    other: Trader,
    known: ledger::Account,
    /// The index when it opened, ticks.
    entry: i128,
}

/// A market of accounts.
pub(crate) struct Stage<'a> {
    crash: &'a Crash,
    pub(crate) desk: Desk,
    against: Against,
    rest: Trader,
    /// Holds one unit of the first instrument, so that the contract can be asked what that costs.
    probe: Trader,
    live: BTreeMap<usize, Live>,
    /// Whose profit could not be paid out yet.
    later: Vec<Trader>,
    queue: Queue,
    /// The index at each account's end.
    ends: BTreeMap<usize, i128>,
    /// Margins of a unit by the time they count from.
    asked: Vec<(i64, [f64; 2])>,
    /// The index before the newest price.
    last: i128,
    /// Wei of the shortfall in all, what winners gave up of it, what later penalties paid back, and
    /// what insurance paid of debts.
    short: u128,
    gave: u128,
    repaid: u128,
    covered: u128,
    out: OnChain,
}

impl<'a> Stage<'a> {
    pub(crate) fn open(
        crash: &'a Crash,
        setup: DeskSetup,
        against: Against,
    ) -> Result<Stage<'a>, Error> {
        let mut desk = Desk::open(setup)?;
        let [rest, probe] = [u64::MAX - 1, u64::MAX - 2].map(Trader::new);
        for trader in [&rest, &probe] {
            desk.fund(trader, DEEP_CENTS * CENT)?;
        }
        Ok(Stage {
            crash,
            desk,
            against,
            rest,
            probe,
            live: BTreeMap::new(),
            later: Vec::new(),
            queue: Queue::default(),
            ends: BTreeMap::new(),
            asked: Vec::new(),
            last: 0,
            short: 0,
            gave: 0,
            repaid: 0,
            covered: 0,
            out: OnChain::default(),
        })
    }

    /// Makes a price the newest one, without looking at anybody.
    pub(crate) fn price(&mut self, time_s: i64, price: f64) -> Result<(), Error> {
        self.last = self.desk.marked.index;
        self.desk.price(time_s, price)
    }

    /// Asks the contract, after a grid or a price, what it says of a unit and of accounts.
    pub(crate) fn look(&mut self, time_s: i64) -> Result<(), Error> {
        if self.asked.is_empty() {
            self.desk.trade((&self.probe, &self.rest), &[(0, UNIT)], &[])?;
        }
        let said = self.desk.standing(self.probe.who, &[0])?;
        let value = (self.desk.marked.index * i128::from(UNIT)) as f64;
        let share = |wei: U256| f64::from(wei) / value;
        self.asked.push((time_s, [share(said.initial), share(said.maintenance)]));
        let all = self.in_crash(time_s);
        let turn = usize::try_from(time_s / HOUR_S).unwrap_or(0) % COMPARED;
        for (_, live) in self.live.iter().filter(|(n, _)| all || *n % COMPARED == turn) {
            let said = self.desk.standing(live.trader.who, &live.known.ids())?;
            self.out.compared[0] += 1;
            self.out.compared[1] += usize::from(!self.desk.marked.agrees(&live.known, &said));
        }
        Ok(())
    }

    fn in_crash(&self, time_s: i64) -> bool {
        (self.crash.begins_s..self.crash.ends_s).contains(&time_s)
    }

    fn other(&mut self, number: u64) -> Result<Trader, Error> {
        if self.against == Against::One {
            return Ok(self.rest.clone());
        }
        let other = Trader::new(OTHERS + number);
        self.desk.fund(&other, DEEP_CENTS * CENT)?;
        Ok(other)
    }

    /// Pays in and trades at the marks: what is wished for, or what initial margin allows.
    pub(crate) fn enter(
        &mut self,
        number: usize,
        deposit_cents: i64,
        wished: &[(u32, i64)],
    ) -> Result<(), Error> {
        self.out.accounts += 1;
        let id = u64::try_from(number).unwrap_or(u64::MAX);
        let trader = Trader::new(id);
        let wei = u128::try_from(deposit_cents).unwrap_or(0) * CENT;
        self.desk.fund(&trader, wei)?;
        let signed = i128::try_from(wei).expect("far below 2^127 wei");
        let (package, _) = self.desk.marked.fit(wished, signed);
        if package.is_empty() {
            return Ok(());
        }
        let other = self.other(id)?;
        self.desk.trade((&trader, &other), &package, &[])?;
        let known = self.desk.account(trader.who)?.into();
        let entry = self.desk.marked.index;
        self.live.insert(number, Live { trader, other, known, entry });
        Ok(())
    }

    /// Closes what an account has left at the mark, and takes its profit.
    pub(crate) fn leave(&mut self, number: usize) -> Result<(), Error> {
        let Some(live) = self.live.remove(&number) else { return Ok(()) };
        let package: Vec<(u32, i64)> = live.known.legs.iter().map(|(id, n, _)| (*id, -n)).collect();
        self.desk.trade((&live.trader, &live.other), &package, &[])?;
        self.gone(number, live)
    }

    /// Takes the profits of an account without legs, and of who stood against it alone.
    fn gone(&mut self, number: usize, live: Live) -> Result<(), Error> {
        self.ends.insert(number, self.desk.marked.index);
        if self.against == Against::Each {
            self.take(live.other)?;
        }
        self.take(live.trader)
    }

    fn take(&mut self, trader: Trader) -> Result<(), Error> {
        let Some((profit, received)) = self.desk.take(&trader, &[])? else {
            self.later.push(trader);
            return Ok(());
        };
        let gave = profit - received;
        self.gave += gave;
        if gave > 0 {
            self.out.haircut.winners += 1;
            let share = gave as f64 / profit as f64;
            self.out.haircut.most = self.out.haircut.most.max(share);
        }
        Ok(())
    }

    /// Liquidates whoever is under maintenance margin.
    pub(crate) fn sweep(&mut self, time_s: i64) -> Result<(), Error> {
        let marked = &self.desk.marked;
        let under = self.live.iter().filter(|(_, live)| marked.is_under(&live.known));
        let under: Vec<usize> = under.map(|(number, _)| *number).collect();
        under.into_iter().try_for_each(|number| self.liquidate(number, time_s))
    }

    fn liquidate(&mut self, number: usize, time_s: i64) -> Result<(), Error> {
        let Some(live) = self.live.get(&number) else { return Ok(()) };
        let (who, other, before) = (live.trader.who, live.other.clone(), live.known.clone());
        let open = self.desk.books()?.shortfall;
        let bid = self.desk.liquidate(who, &other, &before.ids())?;
        let shortfall = bid.debt - bid.covered;
        self.repaid += open + shortfall - self.desk.books()?.shortfall;
        (self.short, self.covered) = (self.short + shortfall, self.covered + bid.covered);
        let debt = dollars(bid.debt);
        self.out.bad_debt += debt;
        self.out.liquidations.push(Liquidation { account: number, time_s, share: bid.share, debt });
        let queues = bid.debt > 0 && self.against == Against::One;
        if let (true, [(_, lots, _)]) = (queues, &before.legs[..]) {
            let (index, last) = (self.desk.marked.index, self.last);
            let fallen = Fallen { lots: *lots, index, before: last, debt: bid.debt, shortfall };
            self.queue.close(&fallen, winners(&self.live, &self.desk.marked, number));
        }
        let known: ledger::Account = self.desk.account(who)?.into();
        if known.legs.is_empty() {
            let fallen = self.live.remove(&number);
            return fallen.map_or(Ok(()), |fallen| self.gone(number, fallen));
        }
        if let Some(live) = self.live.get_mut(&number) {
            live.known = known;
        }
        Ok(())
    }

    /// Closes the probe, takes all that is left, and adds up; `off_chain` is told who was
    /// liquidated.
    pub(crate) fn end(
        mut self,
        off_chain: impl FnOnce(&BTreeSet<usize>) -> Result<[Beside; 3], Error>,
    ) -> Result<OnChain, Error> {
        let open: Vec<usize> = self.live.keys().copied().collect();
        open.into_iter().try_for_each(|number| self.leave(number))?;
        self.desk.trade((&self.probe, &self.rest), &[(0, -UNIT)], &[])?;
        let waiting = std::mem::take(&mut self.later);
        for trader in waiting.into_iter().chain([self.probe.clone(), self.rest.clone()]) {
            self.take(trader)?;
        }
        let books = self.desk.books()?;
        let sum: U256 = [books.cash, books.pool, books.insurance].map(U256::from).into_iter().sum();
        if self.desk.held()? != sum || !self.later.is_empty() {
            let said = "the house does not hold what its books say".to_owned();
            return Err(Error::Contracts(said));
        }
        let within: BTreeSet<usize> = self
            .out
            .liquidations
            .iter()
            .filter(|one| self.in_crash(one.time_s))
            .map(|one| one.account)
            .collect();
        let all: BTreeSet<usize> = self.out.liquidations.iter().map(|one| one.account).collect();
        let [before, during, after] = self.margins();
        let (calls, gas) = self.desk.evm.used();
        let (taken, shortfall) = (dollars(self.gave), dollars(self.short));
        let repaid = [dollars(self.repaid), dollars(books.shortfall)];
        let borne = self.gave + self.repaid + books.shortfall;
        let excess = dollars(borne.saturating_sub(self.short));
        Ok(OnChain {
            before,
            during,
            after,
            grids: self.desk.grids,
            prices: self.desk.prices,
            calls: [calls, gas],
            liquidated: all.len(),
            liquidated_in_crash: within.len(),
            insurance: [dollars(self.covered), dollars(books.insurance)],
            shortfall,
            haircut: Taken { taken, excess, ..self.out.haircut },
            repaid,
            queue: self.queue.ended(&self.ends),
            off_chain: off_chain(&all)?,
            ..self.out
        })
    }

    /// Margins of a unit before the crash, the largest within it, and the last.
    fn margins(&self) -> [[f64; 2]; 3] {
        let none = [f64::NAN; 2];
        let place = self.asked.partition_point(|(time_s, _)| *time_s < self.crash.begins_s);
        let before = place.checked_sub(1).map_or(none, |at| self.asked[at].1);
        let most = |i: usize| {
            let within = self.asked.iter().filter(|(time_s, _)| self.in_crash(*time_s));
            within.map(|(_, pair)| pair[i]).fold(0.0, f64::max)
        };
        let after = self.asked.last().map_or(none, |(_, pair)| *pair);
        [before, [most(0), most(1)], after]
    }
}

/// Everybody with a position but one.
fn winners<'a>(
    live: &'a BTreeMap<usize, Live>,
    marked: &'a ledger::Marked,
    but: usize,
) -> impl Iterator<Item = Winner> + 'a {
    live.iter().filter(move |(number, _)| **number != but).map(|(number, live)| Winner {
        number: *number,
        lots: live.known.legs.first().map_or(0, |(_, lots, _)| *lots),
        entry: live.entry,
        equity: marked.equity(&live.known),
    })
}

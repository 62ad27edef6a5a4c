//! Margins and accounts: the gate's and the clearing house's events, and what accounts are worth.
//!
//! The same arithmetic as `ClearingHouse`, so that equity and requirement agree with its views to
//! the last wei; tested against them. Numbers come from logs, so everything wraps or saturates and
//! nothing panics.

use alloy::primitives::{Address, I256, U256};

use super::{
    History,
    fold::named,
    record::{Account, AccountPoint, Applied, At, Gate},
};
use crate::contracts::{
    clearing::ClearingHouse::ClearingHouseEvents, gate::RiskGate::RiskGateEvents,
};

const WAD: u64 = 1_000_000_000_000_000_000;
/// `ClearingHouse.TICK`.
const TICK: u64 = 1_000_000;

impl History {
    /// Folds an event of the gate and returns whether it moved the value of accounts.
    pub(crate) fn gate(&mut self, event: RiskGateEvents, at: At) -> bool {
        match event {
            RiskGateEvents::MarketSet(e) => {
                let margins = (e.limits.staticInitial, e.limits.staticMaintenance);
                let fresh = !self.gates.contains_key(&e.market);
                let gate = self.gates.entry(e.market).or_default();
                gate.static_margins = margins;
                if fresh {
                    (gate.initial, gate.maintenance) = margins;
                    gate.settled = gate.initial;
                }
            }
            RiskGateEvents::ShutSet(e) => self.house.shut = e.shut,
            RiskGateEvents::Applied(e) => {
                let gate = self.gates.entry(e.market).or_default();
                match e.kind {
                    0 => {
                        gate.price = e.applied;
                        let report = self.reports.iter().rev().find(|report| {
                            report.market == e.market && report.kind == 0 && report.nonce == e.nonce
                        });
                        gate.market_time = report.map_or(gate.market_time, |r| r.market_time);
                    }
                    _ => {
                        gate.settled = e.applied;
                        if gate.raiser.is_none() {
                            gate.initial = e.applied;
                        }
                    }
                }
                gate.applied.push(Applied {
                    at,
                    kind: e.kind,
                    reported: e.reported,
                    applied: e.applied,
                    clamped: e.clamped,
                    nonce: e.nonce,
                    settled: true,
                });
            }
            RiskGateEvents::Raised(e) => {
                let claim = named(e.claim);
                let report = self.reports.iter().rev().find(|report| {
                    report.market == e.market && report.kind == 1 && report.claim == claim
                });
                let gate = self.gates.entry(e.market).or_default();
                (gate.initial, gate.raiser) = (e.applied, claim);
                if let (Some(report), Some(_)) = (report, claim) {
                    gate.applied.push(Applied {
                        at,
                        kind: 1,
                        reported: e.reported,
                        applied: e.applied,
                        clamped: e.applied != e.reported,
                        nonce: report.nonce,
                        settled: false,
                    });
                }
            }
            RiskGateEvents::MaintenanceMoved(e) => {
                self.gates.entry(e.market).or_default().maintenance = e.applied;
            }
            _ => return false,
        }
        true
    }

    /// Ends the raise that rests on a claim, as the gate does by itself once the claim has fallen.
    pub(super) fn end_raise(&mut self, claim: u64) -> bool {
        let mut ended = false;
        for gate in self.gates.values_mut().filter(|gate| gate.raiser == Some(claim)) {
            (gate.initial, gate.raiser) = (gate.settled, None);
            ended = true;
        }
        ended
    }

    /// Folds an event of the clearing house and returns whether it moved the value of accounts.
    pub(crate) fn clear(&mut self, event: ClearingHouseEvents) -> bool {
        match event {
            ClearingHouseEvents::Deposited(e) => self.pay(e.account, signed(e.amount)),
            ClearingHouseEvents::Withdrawn(e) => {
                self.pay(e.account, signed(e.amount).wrapping_neg());
            }
            ClearingHouseEvents::Traded(e) => self.exchange(e.buyer, e.seller, e.size, e.price),
            ClearingHouseEvents::Liquidated(e) => {
                let (long, size) = (e.size.is_positive(), e.size.unsigned_abs());
                let (buyer, seller) =
                    if long { (e.liquidator, e.account) } else { (e.account, e.liquidator) };
                self.exchange(buyer, seller, size, e.price);
                self.pay(e.account, signed(e.fee).wrapping_neg());
            }
            ClearingHouseEvents::BadDebt(e) => {
                self.pay(e.account, signed(e.amount));
                let (lost, covered) = self.house.bad_debt;
                self.house.bad_debt =
                    (lost.saturating_add(e.amount), covered.saturating_add(e.covered));
            }
            ClearingHouseEvents::PriceFixed(e) => self.house.settlement_price = Some(e.price),
            ClearingHouseEvents::AccountSettled(e) => {
                let account = self.accounts.entry(e.account).or_default();
                account.position = I256::ZERO;
                account.entry_price = None;
                self.pay(e.account, e.gain);
            }
            _ => return false,
        }
        true
    }

    fn pay(&mut self, account: Address, dollars: I256) {
        let account = self.accounts.entry(account).or_default();
        account.cash = account.cash.wrapping_add(dollars);
    }

    fn exchange(&mut self, buyer: Address, seller: Address, size: U256, price: U256) {
        let size = signed(size);
        let dollars = value(size, price);
        self.accounts.entry(buyer).or_default().trade(size, price);
        self.accounts.entry(seller).or_default().trade(size.wrapping_neg(), price);
        self.pay(buyer, dollars.wrapping_neg());
        self.pay(seller, dollars);
    }

    /// Notes how every account with a stake in it stood after a block.
    pub(crate) fn value_accounts(&mut self, at: At) {
        let gate = self.house.terms_market.and_then(|market| self.gates.get(&market));
        let gate = gate.cloned().unwrap_or_default();
        let mark = self.mark(&gate);
        let fixed = self.house.settlement_price.is_some();
        let settling = fixed || gate.market_time >= self.house.settles_at;
        let (initial, maintenance) =
            if self.house.shut { gate.static_margins } else { (gate.initial, gate.maintenance) };
        for account in self.accounts.values_mut() {
            let worth = value(account.position, mark);
            let asked = |rate| if settling { U256::ZERO } else { part(worth.unsigned_abs(), rate) };
            let point = AccountPoint {
                block: at.block,
                time: at.time,
                mark,
                equity: account.cash.wrapping_add(worth),
                initial: asked(initial),
                maintenance: asked(maintenance),
            };
            let same = account.points.last().is_some_and(|last| {
                let AccountPoint { equity, initial, maintenance, .. } = *last;
                (equity, initial, maintenance) == (point.equity, point.initial, point.maintenance)
            });
            if !same {
                account.points.push(point);
            }
        }
    }

    fn mark(&self, gate: &Gate) -> U256 {
        let cut = gate.price - gate.price % U256::from(TICK);
        self.house.settlement_price.unwrap_or(cut)
    }
}

impl Account {
    /// Moves the position by `size` units at `price` and keeps the average price of what is open.
    fn trade(&mut self, size: I256, price: U256) {
        let before = self.position;
        self.position = before.wrapping_add(size);
        let grew = self.position.unsigned_abs() > before.unsigned_abs();
        let same_side = self.position.is_negative() == before.is_negative();
        self.entry_price = match self.entry_price {
            _ if self.position.is_zero() => None,
            Some(old) if same_side && grew => {
                let (was, added) = (before.unsigned_abs(), size.unsigned_abs());
                let sum = old.wrapping_mul(was).wrapping_add(price.wrapping_mul(added));
                sum.checked_div(was.wrapping_add(added))
            }
            Some(old) if same_side => Some(old),
            _ => Some(price),
        };
    }
}

fn signed(amount: U256) -> I256 {
    I256::from_raw(amount)
}

/// `size × price` dollars, exact where the contract computes it.
fn value(size: I256, price: U256) -> I256 {
    let product = size.wrapping_mul(signed(price));
    product.wrapping_div(signed(U256::from(WAD)))
}

/// A WAD fraction of `notional`, rounded up.
fn part(notional: U256, rate: U256) -> U256 {
    notional.wrapping_mul(rate).div_ceil(U256::from(WAD))
}

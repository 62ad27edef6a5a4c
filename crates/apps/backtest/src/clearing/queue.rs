//! The queue that exchanges deleverage by, on the same debts of the same accounts.
//!
//! A fallen account's whole position is closed against the winners on the other side, the first in
//! rank first, as far as each position reaches. A winner's rank is its profit as a share of what it
//! paid, times notional over equity (BitMEX, "What is Auto-Deleveraging"; others rank alike). Two
//! prices are in use: the fallen account's *bankruptcy price*, at which its equity is nothing, and
//! *the price before* the one it fell at. The difference to the price now is what a winner gives
//! up. Whoever is closed out earns nothing from what comes after.
//!
//! *Invariant: nobody gives up more lots than it has; what no winner's position covers is left to
//! the rest of the market.*

use std::collections::BTreeMap;

use serde::Serialize;

/// What deleveraging took from winners, dollars.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Taken {
    /// In all.
    pub taken: f64,
    /// Beyond the shortfall.
    pub excess: f64,
    /// From how many winners, the rest of the market counted as one.
    pub winners: usize,
    /// The largest share of a winner's profit that went at once; above 1 it went beyond it.
    pub most: f64,
    /// Notional of winners' positions that was closed.
    pub closed: f64,
    /// What the closed positions would still have won, less what they would have lost, had they
    /// been kept until their owners' own ends.
    pub forgone: f64,
}

/// A fallen account at its last bid: lots, negative when short, and prices in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fallen {
    pub(crate) lots: i64,
    pub(crate) index: i128,
    pub(crate) before: i128,
    /// Wei that it is below zero, and of those what the insurance did not cover.
    pub(crate) debt: u128,
    pub(crate) shortfall: u128,
}

/// Somebody with a position: lots, what a unit was bought at in ticks, equity in wei.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Winner {
    pub(crate) number: usize,
    pub(crate) lots: i64,
    pub(crate) entry: i128,
    pub(crate) equity: i128,
}

/// What was closed: whose, lots with their sign, at which index.
type Closed = (usize, i64, i128);

/// The queue's books.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    /// Lots that were closed of each account.
    gone: BTreeMap<usize, u64>,
    closed: Vec<Closed>,
    /// Wei at the bankruptcy price and at the price before, by account; the rest of the market is
    /// the greatest number.
    taken: [BTreeMap<usize, f64>; 2],
    most: [f64; 2],
    notional: f64,
    shortfall: u128,
}

/// The rest of the market's number.
const REST: usize = usize::MAX;

impl Winner {
    fn profit(&self, index: i128) -> i128 {
        i128::from(self.lots) * (index - self.entry)
    }

    /// Profit as a share, times leverage.
    fn rank(&self, index: i128) -> f64 {
        let size = i128::from(self.lots.abs());
        let share = self.profit(index) as f64 / (size * self.entry) as f64;
        share * (size * index) as f64 / self.equity.max(1) as f64
    }
}

impl Queue {
    /// Closes a fallen account's position against winners.
    pub(crate) fn close(&mut self, fallen: &Fallen, all: impl Iterator<Item = Winner>) {
        self.shortfall += fallen.shortfall;
        if fallen.shortfall == 0 || fallen.lots == 0 {
            return;
        }
        let index = fallen.index;
        let mut winners: Vec<Winner> = all
            .map(|winner| self.left(winner))
            .filter(|w| w.lots.signum() == -fallen.lots.signum() && w.profit(index) > 0)
            .collect();
        winners.sort_by(|a, b| b.rank(index).total_cmp(&a.rank(index)));
        let mut open = fallen.lots.unsigned_abs();
        for winner in winners {
            let part = open.min(winner.lots.unsigned_abs());
            if part > 0 {
                self.take(fallen, part, (winner.number, winner.profit(index)));
                *self.gone.entry(winner.number).or_default() += part;
                let signed = winner.lots.signum() * i64::try_from(part).unwrap_or(i64::MAX);
                self.closed.push((winner.number, signed, index));
                open -= part;
            }
        }
        if open > 0 {
            self.take(fallen, open, (REST, 0));
        }
    }

    /// A winner with the lots that the queue has left it.
    fn left(&self, winner: Winner) -> Winner {
        let gone = self.gone.get(&winner.number).copied().unwrap_or(0);
        let lots = winner.lots.unsigned_abs().saturating_sub(gone);
        let lots = winner.lots.signum() * i64::try_from(lots).unwrap_or(i64::MAX);
        Winner { lots, ..winner }
    }

    fn take(&mut self, fallen: &Fallen, part: u64, (number, profit): (usize, i128)) {
        // Beyond the index by the debt: what the fallen account misses for each lot.
        let lot = fallen.debt as f64 / fallen.lots.unsigned_abs() as f64;
        let moved = (fallen.before - fallen.index) * i128::from(fallen.lots.signum());
        let each = [lot, moved.max(0) as f64];
        for (i, each) in each.into_iter().enumerate() {
            let wei = each * part as f64;
            *self.taken[i].entry(number).or_default() += wei;
            if profit > 0 {
                self.most[i] = self.most[i].max(wei / profit as f64);
            }
        }
        self.notional += part as f64 * fallen.index as f64;
    }

    /// Returns what was taken at the bankruptcy price and at the price before, given the index at
    /// each account's own end.
    pub(crate) fn ended(&self, ends: &BTreeMap<usize, i128>) -> [Taken; 2] {
        let forgone = |(number, lots, at): &Closed| {
            let end = ends.get(number).copied().unwrap_or(*at);
            (i128::from(*lots) * (end - at)) as f64
        };
        // An empty sum of floats is -0.
        let forgone = self.closed.iter().map(forgone).sum::<f64>() / 1e18 + 0.0;
        [0, 1].map(|i| {
            let taken = self.taken[i].values().sum::<f64>() / 1e18 + 0.0;
            Taken {
                taken,
                excess: taken - self.shortfall as f64 / 1e18,
                winners: self.taken[i].len(),
                most: self.most[i],
                closed: self.notional / 1e18,
                forgone,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: i64 = 1_000_000;
    const DOLLAR: i128 = 1_000_000_000_000;

    fn short(number: usize, units: i64, entry: i128, equity: i128) -> Winner {
        let equity = equity * 1_000_000 * DOLLAR;
        Winner { number, lots: -units * UNIT, entry: entry * DOLLAR, equity }
    }

    /// A long of ten units that is thirty dollars below zero at 90; it was 96 before.
    fn fallen(shortfall: u128) -> Fallen {
        let dollars = 1_000_000_000_000_000_000;
        let (index, before) = (90 * DOLLAR, 96 * DOLLAR);
        let (debt, shortfall) = (30 * dollars, shortfall * dollars);
        Fallen { lots: 10 * UNIT, index, before, debt, shortfall }
    }

    #[test]
    fn the_first_in_rank_gives_first_and_the_rest_of_the_market_the_rest() {
        let mut queue = Queue::default();
        // The second has the same profit on more leverage; the third loses; the fourth is long.
        let long = Winner { lots: UNIT, ..short(4, 1, 80, 50) };
        let all = [short(1, 3, 100, 500), short(2, 3, 100, 50), short(3, 9, 85, 900), long];
        queue.close(&fallen(30), all.into_iter());
        let order: Vec<usize> = queue.closed.iter().map(|(number, _, _)| *number).collect();
        assert_eq!(order, [2, 1]);
        let ends = BTreeMap::from([(1, 80 * DOLLAR), (2, 95 * DOLLAR)]);
        let [bankruptcy, before] = queue.ended(&ends);
        // Thirty dollars are missing on ten units: three each.
        assert!((bankruptcy.taken - 30.0).abs() < 1e-9 && bankruptcy.excess.abs() < 1e-9);
        assert_eq!(bankruptcy.winners, 3, "four units are left to the rest of the market");
        assert!((bankruptcy.most - 9.0 / 30.0).abs() < 1e-12);
        // Six dollars each from the price before.
        assert!((before.taken - 60.0).abs() < 1e-9 && (before.excess - 30.0).abs() < 1e-9);
        assert!((before.closed - 900.0).abs() < 1e-9);
        // Three units short from 90: ten dollars each more for one, five less for the other.
        assert!((before.forgone - (30.0 - 15.0)).abs() < 1e-9);
        // What is closed is gone.
        queue.close(&fallen(30), [short(1, 3, 100, 500)].into_iter());
        assert_eq!(queue.closed.len(), 2);
    }

    #[test]
    fn what_the_insurance_covers_is_no_shortfall_and_closes_nobody() {
        let mut queue = Queue::default();
        queue.close(&fallen(0), [short(1, 3, 100, 500)].into_iter());
        let [bankruptcy, _] = queue.ended(&BTreeMap::new());
        assert_eq!(bankruptcy, Taken::default());
        // A debt that is covered in part: the queue takes all of it.
        queue.close(&fallen(10), [short(1, 30, 100, 500)].into_iter());
        let [bankruptcy, _] = queue.ended(&BTreeMap::new());
        assert!((bankruptcy.excess - 20.0).abs() < 1e-9);
    }
}

//! What an attack costs and what it could bring, in closed form; docs/economics.md derives each.
//!
//! Shares are fractions of notional, money is dollars. *Invariant: every cost is one that cannot be
//! avoided and every gain the most there could be, so "does not pay" is the strong statement.*

use serde::Serialize;

/// What stakes, money and time are worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prices {
    /// Stake of a seat, tokens.
    pub seat_tokens: f64,
    /// Dollars a token.
    pub token_usd: f64,
    /// Pay of a round, tokens.
    pub round_tokens: f64,
    /// Bond of a claim, tokens.
    pub bond_tokens: f64,
    /// Capital's price, a share a year.
    pub yearly: f64,
    /// Hours between two reports.
    pub report_hours: f64,
    /// Hours until a claim is final.
    pub window_hours: f64,
    /// Hours until a stake comes home.
    pub unbond_hours: f64,
    /// What of a liquidated position's value its taker gains.
    pub liquidation_share: f64,
}

impl Prices {
    /// Returns the dollars locked up by this many seats.
    #[must_use]
    pub fn stake(&self, seats: usize) -> f64 {
        count(seats) * self.seat_tokens * self.token_usd
    }

    /// Returns what locking a sum up costs over an attack of this many reports: until the last one
    /// is final and the stake is home.
    #[must_use]
    pub fn capital(&self, locked: f64, reports: usize) -> f64 {
        let hours = count(reports) * self.report_hours + self.window_hours + self.unbond_hours;
        locked * self.yearly * hours / 8_760.0
    }

    /// Returns the dollars that a share of the stake is paid over these rounds, all rows accepted.
    #[must_use]
    pub fn pay(&self, share: f64, rounds: usize) -> f64 {
        share * count(rounds) * self.round_tokens * self.token_usd
    }

    /// Returns what a wrong claim costs on average when each of `checkers` nodes is honest and
    /// there in its window with probability `present`: the bond, unless none of them is.
    #[must_use]
    pub fn wrong_claim(&self, checkers: usize, present: f64) -> f64 {
        let unseen = std::iter::repeat_n(1.0 - present, checkers).product::<f64>();
        self.bond_tokens * self.token_usd * (1.0 - unseen)
    }
}

/// The law of a loss beyond its reported quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// The 99.5 % quantile.
    pub quantile: f64,
    /// The mean loss beyond it.
    pub shortfall: f64,
}

/// The chance of a loss beyond the reported quantile.
const BEYOND: f64 = 0.005;

impl Tail {
    /// Returns the mean loss beyond a margin, per unit of notional: what that margin leaves to
    /// others. The excess beyond the quantile is taken as exponential with the reported mean, also
    /// below the quantile as far as its probability stays under one.
    ///
    /// E\[(L - y)+\] = 0.005 (b - a) exp(-(y - a) / (b - a)), a quantile, b shortfall; linear below
    /// the y at which the probability reaches one.
    #[must_use]
    pub fn beyond(&self, margin: f64) -> f64 {
        let mean = (self.shortfall - self.quantile).max(1e-9);
        let certain = self.quantile + mean * BEYOND.ln();
        if margin < certain {
            return mean + certain - margin;
        }
        BEYOND * mean * (-(margin - self.quantile) / mean).exp()
    }
}

/// Returns the share of open interest that a higher maintenance margin makes liquidatable, where
/// accounts' equity is spread evenly from the old maintenance margin to twice the initial one.
#[must_use]
pub fn forced(before: f64, after: f64, initial: f64) -> f64 {
    ((after - before) / (2.0 * initial - before).max(1e-9)).clamp(0.0, 1.0)
}

/// Returns how many of `providers` an attacker needs so that the panel's median is at most, and at
/// least, what it says: element ⌊k/2⌋ ascending, from 0.
#[must_use]
pub const fn panel(providers: usize) -> (usize, usize) {
    (providers / 2 + 1, providers - providers / 2)
}

/// Returns how many of equally weighted reporters decide a slot's price: the least price with half
/// the weight up to it is theirs from half on, downwards, and from more than half on, upwards.
#[must_use]
pub const fn feed(reporters: usize) -> (usize, usize) {
    (reporters.div_ceil(2), reporters / 2 + 1)
}

pub(crate) fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn median(mut said: Vec<u32>) -> u32 {
        said.sort_unstable();
        said[said.len() / 2]
    }

    #[test]
    fn a_panel_follows_whoever_has_as_many_as_stated() {
        for k in 1..=9_usize {
            let (down, up) = panel(k);
            let said = |lying: usize, lie: u32| {
                median((0..k).map(|at| if at < lying { lie } else { 5 }).collect())
            };
            assert_eq!((said(down, 1), said(down - 1, 1)), (1, 5), "{k} downwards");
            assert_eq!((said(up, 9), said(up - 1, 9)), (9, 5), "{k} upwards");
        }
    }

    #[test]
    fn a_feed_follows_whoever_has_as_many_as_stated() {
        // The least price with at least half the weight up to it.
        let price = |said: &[u32]| {
            let at = |p: u32| said.iter().filter(|one| **one <= p).count() * 2 >= said.len();
            *said.iter().filter(|p| at(**p)).min().expect("the greatest has all the weight")
        };
        for n in 1..=9_usize {
            let (down, up) = feed(n);
            let said = |lying: usize, lie: u32| {
                price(&(0..n).map(|at| if at < lying { lie } else { 5 }).collect::<Vec<_>>())
            };
            assert_eq!((said(down, 1), said(down - 1, 1)), (1, 5), "{n} downwards");
            assert_eq!((said(up, 9), said(up - 1, 9)), (9, 5), "{n} upwards");
        }
    }

    #[test]
    fn a_wrong_claim_costs_the_bond_once_one_honest_node_is_there() {
        let prices = Prices {
            seat_tokens: 100.0,
            token_usd: 2.0,
            round_tokens: 100.0,
            bond_tokens: 20.0,
            yearly: 0.1,
            report_hours: 24.0,
            window_hours: 2.0,
            unbond_hours: 0.0,
            liquidation_share: 0.01,
        };
        assert_eq!((prices.wrong_claim(3, 1.0), prices.wrong_claim(0, 1.0)), (40.0, 0.0));
        assert!((prices.wrong_claim(2, 0.5) - 30.0).abs() < 1e-12);
        assert!((prices.capital(8_760.0, 10) - 24.2).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn a_higher_margin_never_leaves_more_to_others(
            quantile in 0.01_f64..0.3,
            more in 0.001_f64..0.2,
            low in 0.0_f64..0.5,
            up in 0.0_f64..0.5,
        ) {
            let tail = Tail { quantile, shortfall: quantile + more };
            prop_assert!(tail.beyond(low + up) <= tail.beyond(low) + 1e-15);
            // At the quantile the mean excess is what the report says it is.
            prop_assert!((tail.beyond(quantile) - BEYOND * more).abs() < 1e-12);
        }
    }
}

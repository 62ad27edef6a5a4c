//! Whether a provider misses more often than it said: the test that `ProviderLedger` takes trust
//! by, in the same integers (`contracts/src/lib/Evidence.sol`), so that anybody can follow it.
//!
//! Bets against the claim that each outcome, given all before it, is a miss with a probability of
//! at most r. A bet of l multiplies its wealth by `1 + l (1 - r)` on a miss and by `1 - l r` on a
//! hit: under the claim it has no drift. Three bets share a capital of one: half is put in at the
//! start, and half of what is left whenever the number of outcomes has doubled, so that a long good
//! record hides no later lie. Trust is lost when wealth reaches 100, which by Ville's inequality
//! happens to who is as good as it said with a chance below 1 %, for ever. The way back is the same
//! rule turned round. (Waudby-Smith and Ramdas, Estimating means of bounded random variables by
//! betting, 2024.)
//!
//! Absent: which outcomes are scored, and what a market does with somebody it does not trust.

/// 10^18, the unit of wealth and rates.
const WAD: u128 = 1_000_000_000_000_000_000;
/// Mean wealth at which trust is lost, or comes back.
const THRESHOLD: u128 = 100 * WAD;
/// Outcomes after which capital is put in again for the first time.
const FIRST: u64 = 256;
/// How often it is put in again at most.
const DOUBLINGS_MAX: u32 = 32;
/// More wealth than this is not counted.
const WEALTH_MAX: u128 = WAD * WAD;
/// The highest rate of misses that can be said, a tenth.
const RATE_MAX: u128 = WAD / 10;

/// Evidence about one provider on one market.
///
/// ```
/// use market::Trial;
/// let mut trial = Trial::new(5_000_000_000_000_000).expect("half a per cent");
/// for _ in 0..3 {
///     trial.add(true);
/// }
/// assert!(trial.lost(), "three misses in a row");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    rate: u128,
    wealth: [u128; 3],
    outcomes: u64,
    doublings: u32,
    lost: bool,
}

impl Trial {
    /// Returns the trial of somebody who said to miss with a probability of at most `rate_wad`;
    /// `None` unless that is above 0 and at most a tenth.
    ///
    /// ```
    /// assert!(market::Trial::new(0).is_none());
    /// ```
    pub fn new(rate_wad: u128) -> Option<Trial> {
        let possible = rate_wad > 0 && rate_wad <= RATE_MAX;
        let (wealth, outcomes, doublings) = ([WAD / 2; 3], 0, 0);
        possible.then_some(Trial { rate: rate_wad, wealth, outcomes, doublings, lost: false })
    }

    /// Returns whether trust is lost.
    ///
    /// ```
    /// assert!(!market::Trial::new(1_000).expect("a rate").lost());
    /// ```
    pub fn lost(&self) -> bool {
        self.lost
    }

    /// Returns the three bets' wealth, WAD, rounded down after every outcome.
    ///
    /// ```
    /// let trial = market::Trial::new(1_000).expect("a rate");
    /// assert_eq!(trial.wealth_wad()[0], 500_000_000_000_000_000);
    /// ```
    pub fn wealth_wad(&self) -> [u128; 3] {
        self.wealth
    }

    /// Adds an outcome; returns whether trust was lost or came back by it.
    ///
    /// ```
    /// let mut trial = market::Trial::new(5_000_000_000_000_000).expect("a rate");
    /// assert!(!trial.add(false));
    /// ```
    pub fn add(&mut self, miss: bool) -> bool {
        self.outcomes += 1;
        for k in 0..3 {
            let factor = if self.lost { self.back(k, miss) } else { self.against(k, miss) };
            self.wealth[k] = product(self.wealth[k], factor).min(WEALTH_MAX);
        }
        if self.wealth.iter().sum::<u128>() / 3 >= THRESHOLD {
            self.lost = !self.lost;
            (self.wealth, self.outcomes, self.doublings) = ([WAD / 2; 3], 0, 0);
            return true;
        }
        if self.outcomes >= FIRST << self.doublings && self.doublings < DOUBLINGS_MAX {
            self.doublings += 1;
            self.wealth.iter_mut().for_each(|wealth| *wealth += WAD >> (self.doublings + 1));
        }
        false
    }

    /// `l = 0.005/r, 0.02/r, 0.08/r`: best against twice, five times and seventeen times the rate.
    fn against(&self, k: usize, miss: bool) -> u128 {
        let stake = (5 * WAD / 1_000) << (2 * k);
        WAD - stake + if miss { stake * WAD / self.rate } else { 0 }
    }

    /// `l = 1/4, 1/2, 3/4` on hits, against a rate of `2 r`.
    fn back(&self, k: usize, miss: bool) -> u128 {
        let stake = WAD / 4 * [1, 2, 3][k];
        let gain = 2 * self.rate * stake / WAD;
        WAD + gain - if miss { stake } else { 0 }
    }
}

/// Returns `wealth * factor / 10^18`, rounded down; both are at most about 10^36.
fn product(wealth: u128, factor: u128) -> u128 {
    let (whole, rest) = (factor / WAD, factor % WAD);
    let (high, low) = (wealth / WAD, wealth % WAD);
    // (high W + low)(whole W + rest) / W, term by term; only the last has a rest.
    let exact = |a: u128, b: u128| a.saturating_mul(b);
    exact(exact(high, whole), WAD)
        .saturating_add(exact(high, rest))
        .saturating_add(exact(low, whole))
        .saturating_add(low * rest / WAD)
}

#[cfg(test)]
mod tests;

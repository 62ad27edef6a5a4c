//! Portfolio margin in integers, as the contracts compute it.
//!
//! Dollars a unit are counted in ticks of 10^-12, units in lots of 10^-6, so a product is 10^-18
//! dollars and no sum is rounded. An element of an array becomes ticks once, floored exactly; where
//! that left something out a short position takes one tick more. `Scenarios.sol` does the same.
//!
//! *Invariant: margins are never below what exact arithmetic on the arrays would ask.*
//! Absent: sizes beyond 10^9 units and prices beyond 10^7 dollars, whose products leave 128 bits.

use crate::wad::parts;

/// Scenarios of an array.
const COUNT: usize = 24;
/// Elements of a row: the scenarios, seven marks, the delta.
const WIDTH: usize = 32;
/// How much less a stablecoin is worth in the stress that initial margin has to outlast,
/// millionths: the next hundredth above the fall of USDC in the worst minute of March 2023, which
/// `feeds` tests on bars.
///
/// ```
/// use market::scenario::ledger::{STABLECOIN_STRESS, secured};
/// assert_eq!(secured((100, 0), 0, STABLECOIN_STRESS), 86);
/// ```
pub const STABLECOIN_STRESS: u32 = 140_000;
const TICKS: u128 = 1_000_000_000_000;
const MILLION: u128 = 1_000_000;

/// One instrument's array in ticks.
///
/// ```
/// use market::scenario::ledger::Row;
/// let row = Row::read(&[0.5; 32]).ok_or("finite")?;
/// assert_eq!(row.gains[0], 500_000_000_000);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Weighted change of a unit's value in each scenario, floored.
    pub gains: [i128; 24],
    /// Whether flooring left something out.
    pub inexact: [bool; 24],
    /// Values of a unit at the nodes, floored.
    pub marks: [i128; 7],
    /// The delta, rounded away from zero.
    pub delta: i128,
}

/// What is charged besides the worst scenario; millionths.
///
/// ```
/// use market::scenario::ledger::Charges;
/// let charges = Charges { net: 20_000, hedged: 10_000, short: 0, maintenance: 500_000 };
/// assert_eq!(charges.maintenance, 500_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charges {
    /// Of the index for each unit of net delta, at least.
    pub net: u32,
    /// Of the index for each unit of hedged delta, at least.
    pub hedged: u32,
    /// Of the index for each option sold.
    pub short: u32,
    /// Of the initial margin.
    pub maintenance: u32,
}

impl Row {
    /// Returns a row of the book's Program; nothing unless it is 32 numbers below 2^75.
    ///
    /// ```
    /// use market::scenario::ledger::Row;
    /// assert!(Row::read(&[f64::NAN; 32]).is_none());
    /// ```
    #[must_use]
    pub fn read(row: &[f64]) -> Option<Row> {
        let all: Vec<(i128, bool)> = row.iter().copied().map(ticks).collect::<Option<_>>()?;
        let all: [(i128, bool); WIDTH] = all.try_into().ok()?;
        let (delta, rest) = all[WIDTH - 1];
        let away = i128::from(rest && delta >= 0);
        Some(Row {
            gains: std::array::from_fn(|i| all[i].0),
            inexact: std::array::from_fn(|i| all[i].1),
            marks: std::array::from_fn(|k| all[COUNT + k].0),
            delta: delta + away,
        })
    }

    /// Returns the mark at `moved` ticks from the grid's price, where `step` is a third of the band
    /// of it: a straight line between two nodes, or through the last two; floored, at least 0.
    ///
    /// ```
    /// use market::scenario::ledger::Row;
    /// let row = Row::read(&[2.0; 32]).ok_or("finite")?;
    /// assert_eq!(row.mark(-7, 3), 2_000_000_000_000);
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn mark(&self, moved: i128, step: i128) -> i128 {
        let place = moved.div_euclid(step).clamp(-3, 2);
        let at = usize::try_from(place + 3).expect("it is clamped");
        let slope = self.marks[at + 1] - self.marks[at];
        let more = (slope * (moved - place * step)).div_euclid(step);
        (self.marks[at] + more).max(0)
    }
}

/// What a market is like that an account has legs in.
///
/// ```
/// use market::scenario::ledger::Market;
/// let plain = Market::plain(50_000_000_000_000_000);
/// assert_eq!((plain.thin, plain.crowd), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// Price, ticks.
    pub index: u64,
    /// Lots that the market takes within 2 % of its price; positive.
    pub depth: u64,
    /// Lots held long by all, over all instruments.
    pub interest: u64,
    /// Share of the index asked of a position as large as the depth, millionths.
    pub thin: u32,
    /// Share of the index asked of a position that is all open interest, millionths.
    pub crowd: u32,
}

impl Market {
    /// Returns a market in which nothing is asked for size.
    ///
    /// ```
    /// use market::scenario::ledger::Market;
    /// assert_eq!(Market::plain(7).index, 7);
    /// ```
    #[must_use]
    pub fn plain(index: u64) -> Market {
        Market { index, depth: 1, interest: 1, thin: 0, crowd: 0 }
    }
}

/// What is asked of an account in one market, 10^-18 dollars.
///
/// ```
/// use market::scenario::ledger::Asked;
/// assert_eq!(Asked::default().initial, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The scenarios' loss or the least by delta, options sold, and size against depth.
    pub initial: u128,
    /// A share of it.
    pub maintenance: u128,
    /// Initial margin and what is asked for the share of open interest: of new risk.
    pub opening: u128,
}

/// Returns what is asked of legs `(row, lots, whether an option)` of one market.
///
/// A position's size is its net delta, each hedged pair once, and no less than the options it has
/// sold. Against depth it is asked `thin size / depth` of the index a unit, up to all of it;
/// against open interest, `crowd` times the share that its lots have. Everything is rounded up.
///
/// ```
/// use market::scenario::ledger::{Charges, Market, Row, margin};
/// let charges = Charges { net: 20_000, hedged: 10_000, short: 0, maintenance: 500_000 };
/// let row = Row::read(&[-3.0; 32]).ok_or("finite")?;
/// let asked = margin(&[(&row, 2_000_000, false)], charges, Market::plain(0));
/// assert_eq!(asked.initial, 6_000_000_000_000_000_000);
/// assert_eq!(asked.maintenance, 3_000_000_000_000_000_000);
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn margin(legs: &[(&Row, i64, bool)], charges: Charges, market: Market) -> Asked {
    let sum = Sum::of(legs);
    let initial = sum.scanned(charges, market.index) + sum.sized(market);
    let maintenance = (initial * u128::from(charges.maintenance)).div_ceil(MILLION);
    Asked { initial, maintenance, opening: initial + sum.crowded(market) }
}

/// Returns what of an account's cash and profit counts towards its initial margin: cash after the
/// greater of the collateral's haircut and the stress, both in millionths.
///
/// ```
/// use market::scenario::ledger::secured;
/// assert_eq!(secured((1_000, -30), 20_000, 140_000), 830);
/// assert_eq!(secured((1_000, -30), 200_000, 140_000), 770);
/// ```
#[must_use]
pub fn secured((cash, profit): (u128, i128), haircut: u32, stress: u32) -> i128 {
    let kept = MILLION - u128::from(haircut.max(stress)).min(MILLION);
    let cash = i128::try_from(cash * kept / MILLION).expect("collateral is below 2^107");
    cash + profit
}

/// What legs add up to.
#[derive(Debug, Default)]
struct Sum {
    gains: [i128; COUNT],
    net: u128,
    deltas: u128,
    short: u128,
    gross: u128,
}

impl Sum {
    fn of(legs: &[(&Row, i64, bool)]) -> Sum {
        let mut sum = Sum::default();
        let mut net = 0i128;
        for (row, lots, option) in legs {
            let lots = i128::from(*lots);
            for (i, gain) in sum.gains.iter_mut().enumerate() {
                *gain += lots * (row.gains[i] + i128::from(lots < 0 && row.inexact[i]));
            }
            let delta = lots * row.delta;
            net += delta;
            sum.deltas += delta.unsigned_abs();
            sum.gross += lots.unsigned_abs();
            if *option && lots < 0 {
                sum.short += lots.unsigned_abs();
            }
        }
        sum.net = net.unsigned_abs();
        sum
    }

    /// The worst scenario or the least by delta, and options sold.
    fn scanned(&self, charges: Charges, index: u64) -> u128 {
        let twice = 2 * self.net * u128::from(charges.net)
            + (self.deltas - self.net) * u128::from(charges.hedged);
        let index = u128::from(index);
        let least = (twice.div_ceil(2 * TICKS) * index).div_ceil(MILLION);
        let worst = self.gains.iter().map(|gain| (-gain).max(0).unsigned_abs()).max();
        let sold = (self.short * u128::from(charges.short) * index).div_ceil(MILLION);
        worst.unwrap_or(0).max(least) + sold
    }

    /// Lots of the size.
    fn size(&self) -> u128 {
        (self.net + self.deltas).div_ceil(2 * TICKS).max(self.short)
    }

    fn sized(&self, market: Market) -> u128 {
        let share = (self.size() * u128::from(market.thin)).div_ceil(u128::from(market.depth));
        part(self.size() * u128::from(market.index), share.min(MILLION))
    }

    fn crowded(&self, market: Market) -> u128 {
        if self.gross == 0 {
            return 0;
        }
        let share = (self.gross * u128::from(market.crowd)).div_ceil(u128::from(market.interest));
        part(self.size() * u128::from(market.index), share)
    }
}

/// Millionths of an amount, rounded up, without a product that leaves 128 bits.
fn part(amount: u128, share: u128) -> u128 {
    amount / MILLION * share + (amount % MILLION * share).div_ceil(MILLION)
}

/// The largest number of ticks not above a double, and whether it is below it.
fn ticks(x: f64) -> Option<(i128, bool)> {
    if !x.is_finite() || x.abs() >= 37_778_931_862_957_161_709_568.0 {
        return None;
    }
    let (integer, exponent) = parts(x);
    let product = u128::from(integer) * TICKS;
    let shift = exponent.unsigned_abs();
    let (whole, rest) = if exponent >= 0 {
        (product << shift, false)
    } else {
        let whole = product.checked_shr(shift).unwrap_or(0);
        (whole, whole.checked_shl(shift).unwrap_or(0) != product)
    };
    let whole = i128::try_from(whole).expect("below 2^115");
    Some(if x.is_sign_negative() { (-whole - i128::from(rest), rest) } else { (whole, rest) })
}

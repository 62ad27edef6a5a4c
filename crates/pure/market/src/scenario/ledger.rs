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

/// Returns initial and maintenance margin of legs `(row, lots, whether an option)` of one market,
/// in
/// 10^-18 dollars; `index` in ticks.
///
/// ```
/// use market::scenario::ledger::{Charges, Row, margin};
/// let charges = Charges { net: 20_000, hedged: 10_000, short: 0, maintenance: 500_000 };
/// let row = Row::read(&[-3.0; 32]).ok_or("finite")?;
/// let asked = margin(&[(&row, 2_000_000, false)], charges, 0);
/// assert_eq!(asked, (6_000_000_000_000_000_000, 3_000_000_000_000_000_000));
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn margin(legs: &[(&Row, i64, bool)], charges: Charges, index: u64) -> (u128, u128) {
    let mut gains = [0i128; COUNT];
    let (mut net, mut gross, mut short) = (0i128, 0u128, 0u128);
    for (row, lots, option) in legs {
        let lots = i128::from(*lots);
        for (i, gain) in gains.iter_mut().enumerate() {
            *gain += lots * (row.gains[i] + i128::from(lots < 0 && row.inexact[i]));
        }
        let delta = lots * row.delta;
        net += delta;
        gross += delta.unsigned_abs();
        if *option && lots < 0 {
            short += lots.unsigned_abs();
        }
    }
    let net = net.unsigned_abs();
    let twice = 2 * net * u128::from(charges.net) + (gross - net) * u128::from(charges.hedged);
    let index = u128::from(index);
    let least = (twice.div_ceil(2 * TICKS) * index).div_ceil(MILLION);
    let worst = gains.iter().map(|gain| (-gain).max(0).unsigned_abs()).max().unwrap_or(0);
    let sold = (short * u128::from(charges.short) * index).div_ceil(MILLION);
    let initial = worst.max(least) + sold;
    (initial, (initial * u128::from(charges.maintenance)).div_ceil(MILLION))
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

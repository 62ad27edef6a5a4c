//! Options and perpetuals: the grid that counts, its instruments, and accounts under it.

use super::{Party, Wad};
use serde::{Deserialize, Serialize};

/// What the house clears, as of the last grid that was told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct House {
    /// What is cleared, such as `WTI spot`.
    pub market: String,
    /// The grid's claim.
    pub claim: u64,
    /// Unix seconds at which the grid was made.
    pub time: i64,
    /// Price it was made at.
    pub price: Wad,
    /// How far its scenarios go, a fraction of the price.
    pub half_width: Wad,
    /// The scenarios, in their order, as people read them.
    pub scenarios: Vec<String>,
    /// Instruments that have not settled, ascending by number.
    pub instruments: Vec<Instrument>,
    /// Accounts worth watching.
    pub portfolios: Vec<Portfolio>,
    /// Collateral of all accounts.
    pub cash: Wad,
    /// What losers have paid in and winners have not taken.
    pub pool: Wad,
    /// What covers debts.
    pub insurance: Wad,
    /// Debts that nothing covered.
    pub shortfall: Wad,
}

/// One instrument under the grid; dollars a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instrument {
    /// Its number in the book.
    pub number: u32,
    /// What it is, such as `call 55, 2015-01-12`.
    pub name: String,
    /// What a unit is worth.
    pub mark: Wad,
    /// By how many units of the underlying its value moves.
    pub delta: f64,
    /// The most that who is long loses in a scenario.
    pub long_loss: Wad,
    /// The most that who is short loses in a scenario.
    pub short_loss: Wad,
}

/// An account of the house; dollars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Portfolio {
    /// Whose.
    pub party: Party,
    /// What it has at the marks.
    pub equity: Wad,
    /// What it must have to open positions or withdraw.
    pub opening: Wad,
    /// What it must have to keep them.
    pub maintenance: Wad,
    /// Its positions: what, and how many units, negative when short.
    pub legs: Vec<(String, Wad)>,
    /// What each scenario would change, in the order of the house's scenarios.
    pub changes: Vec<f64>,
}

//! How unevenly stake, pay and aggregation are held, by epoch of rounds.

use serde::{Deserialize, Serialize};

/// Concentration by epoch, and over all rounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Concentration {
    /// Rounds of an epoch.
    pub epoch_rounds: u64,
    /// Epochs, ascending; the last one may be running.
    pub epochs: Vec<Epoch>,
    /// The same over all rounds so far, with the stake as of the last one.
    pub all: Option<Epoch>,
}

/// A stretch of rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its first round.
    pub first: u64,
    /// Its last round so far.
    pub last: u64,
    /// Of the stake of nodes that are not leaving, as the last of its rounds opened.
    pub stake: Option<Spread>,
    /// Of the pay that was claimed.
    pub pay: Option<Spread>,
    /// Of the settled rounds' results, one for whoever posted it.
    pub aggregation: Option<Spread>,
}

/// How unevenly one thing is held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Nodes counted, those with nothing included.
    pub nodes: u32,
    /// Gini coefficient, 0 to 1.
    pub gini: f64,
    /// Herfindahl-Hirschman index, points of 10,000.
    pub hhi: f64,
    /// Least number of nodes that together hold more than a third.
    pub nakamoto_third: u32,
    /// Least number of nodes that together hold more than half.
    pub nakamoto_half: u32,
}

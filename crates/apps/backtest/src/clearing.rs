//! A replay on the contracts: the same accounts, in a portfolio house in memory.
//!
//! Each system's margins go on chain as scenario grids, each claimed in a court and used when its
//! claim is final; prices are reported and closed slot by slot; accounts pay in, trade by two
//! signed orders with one other account, *the rest of the market*, and are shown and bid for as
//! soon as they are under maintenance margin. What is counted is what the contracts say.
//!
//! *Invariant: a keeper's integers and the contract's are the same to the wei wherever they are
//! compared; the house holds what its books say at the end.*
//! Absent: disputes (the court is exercised elsewhere), fees, funding (trades are at the mark), and
//! a market that moves because of a liquidation.

mod bars;
mod chains;
mod desk;
mod ledger;
mod queue;
mod stage;
mod terms;
mod words;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::accounts::Outcome;

pub(crate) use bars::{Course, run};
pub(crate) use chains::{Chains, fitting, run as run_chains};
pub use queue::Taken;
pub(crate) use words::{notes, rows, verdict};

/// A bid for an account under maintenance margin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Liquidation {
    /// The account's number.
    pub account: usize,
    /// When, Unix seconds.
    pub time_s: i64,
    /// The share of its positions that went over.
    pub share: f64,
    /// What it was below zero when nothing was left of it, dollars.
    pub debt: f64,
}

/// What became of the same accounts off chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Beside {
    /// Accounts that were liquidated.
    pub liquidated: usize,
    /// Those that were liquidated on the contracts too.
    pub both: usize,
    /// Bad debt, dollars.
    pub bad_debt: f64,
}

impl Beside {
    /// Compares what was simulated with who was liquidated on the contracts.
    pub(crate) fn of(outcome: &Outcome, on_chain: &BTreeSet<usize>) -> Beside {
        Beside {
            liquidated: outcome.liquidated,
            both: outcome.who.iter().filter(|place| on_chain.contains(place)).count(),
            bad_debt: outcome.bad_debt_cents as f64 / 100.0,
        }
    }
}

/// What one system's accounts did on the contracts. Money is dollars.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OnChain {
    /// Accounts: the first of those that are simulated.
    pub accounts: usize,
    /// Initial and maintenance margin of a unit as a share of its value, by the contract, before
    /// the crash.
    pub before: [f64; 2],
    /// The largest of each within it.
    pub during: [f64; 2],
    /// The last ones.
    pub after: [f64; 2],
    /// Grids whose claims became final.
    pub grids: usize,
    /// Price slots that were closed.
    pub prices: usize,
    /// Calls that succeeded, and their gas.
    pub calls: [u64; 2],
    /// Who was liquidated when, in order.
    pub liquidations: Vec<Liquidation>,
    /// Accounts among them.
    pub liquidated: usize,
    /// Accounts that were liquidated within the crash.
    pub liquidated_in_crash: usize,
    /// Debts of accounts with nothing left.
    pub bad_debt: f64,
    /// What the insurance paid of them, and what was in it at the end.
    pub insurance: [f64; 2],
    /// What it did not pay: the shortfall, in all.
    pub shortfall: f64,
    /// What winners gave up of it when they took their profits: one share of every claim.
    pub haircut: Taken,
    /// What later penalties paid back of it, and what nobody has borne at the end.
    pub repaid: [f64; 2],
    /// The queue at bankruptcy prices, and at the price before; nothing with options, whose
    /// positions it has no rank for.
    pub queue: [Taken; 2],
    /// Standings that were compared with the keeper's, and those that differed by a wei or more.
    pub compared: [usize; 2],
    /// Off chain: as on the page; with the contracts' share of initial as maintenance margin; and
    /// with everything closed at once, at the price that showed it under.
    pub off_chain: [Beside; 3],
}

//! One system of margins through a crash on option chains: options and a future at the index.
//!
//! At each capture the index is the price, the system's grid is claimed with the surface's forwards
//! and volatilities, and then whoever is under maintenance margin is bid for, at the marks of that
//! grid. Absent: settlement; every expiry outlives the window.

use std::collections::{BTreeMap, BTreeSet};

use chain::client::house::{Listing, option, perpetual};
use market::scenario::ledger::Charges;
use market::scenario::{Kind, Leg};

use super::bars::{lots, millionths};
use super::desk::DeskSetup;
use super::stage::{Against, Stage};
use super::{Beside, OnChain};
use crate::error::Error;
use crate::options::{Account, Asked, Capture, Instrument, key, leg};
use crate::replay::Crash;

/// Rows of the grid, the most a market can have.
const ROWS: usize = 256;
/// Length of a price slot.
const SLOT_S: i64 = 600;
/// How far marks reach: the price moves less between two captures, mostly.
const BAND: f64 = 0.125;
/// Blank time before the first capture in which the contracts are deployed.
const BEFORE_S: i64 = 3_600;

/// What is replayed.
#[derive(Clone, Copy)]
pub(crate) struct Chains<'a> {
    pub(crate) crash: &'a Crash,
    /// The captures of the window.
    pub(crate) captures: &'a [Capture],
    /// The accounts that fit, by [`fitting`].
    pub(crate) accounts: &'a [Account<'a>],
}

/// Returns how many of the first accounts hold no more instruments than a grid has rows.
pub(crate) fn fitting(accounts: &[Account<'_>], most: usize) -> usize {
    let mut seen = BTreeSet::from([key(&Instrument::Future)]);
    let fits = |account: &&Account<'_>| {
        seen.extend(account.wishes.legs.iter().map(|(what, _)| key(what)));
        seen.len() <= ROWS
    };
    accounts.iter().take(most).take_while(fits).count()
}

/// Runs the accounts on the contracts under one system's margins; `off_chain` is told who was
/// liquidated.
pub(crate) fn run(
    chains: Chains<'_>,
    asked: &[Asked],
    off_chain: impl FnOnce(&BTreeSet<usize>) -> Result<[Beside; 3], Error>,
) -> Result<OnChain, Error> {
    let instruments = instruments(chains.accounts);
    let place: BTreeMap<_, u32> = instruments.iter().map(key).zip(0..).collect();
    let begins_s = chains.captures[0].time_s - BEFORE_S;
    // Net and hedged delta as in the published grid.
    let maintenance = millionths(asked[0].share);
    let setup = DeskSetup {
        begins_s: u64::try_from(begins_s).unwrap_or(0),
        slot_s: u64::try_from(SLOT_S).unwrap_or(1),
        rows: ROWS,
        band: BAND,
        charges: Charges { net: 20_000, hedged: 10_000, short: 0, maintenance },
        listings: instruments.iter().map(listing).collect(),
    };
    let mut stage = Stage::open(chains.crash, setup, Against::Each)?;
    for (t, capture) in chains.captures.iter().enumerate() {
        let time_s = (capture.time_s + SLOT_S - 1).div_euclid(SLOT_S) * SLOT_S;
        stage.price(time_s, capture.index)?;
        let legs: Vec<Leg> = instruments.iter().map(|what| row(what, capture)).collect();
        let expiries: Vec<f64> = instruments.iter().map(expiry).collect();
        stage.desk.grid((&legs, &expiries), (capture.index, asked[t].initial))?;
        stage.sweep(capture.time_s)?;
        stage.look(capture.time_s)?;
        let all = || chains.accounts.iter().enumerate();
        for (number, _) in all().filter(|(_, account)| account.last == t) {
            stage.leave(number)?;
        }
        for (number, account) in all().filter(|(_, account)| account.wishes.from == t) {
            let notional = account.wishes.deposit_cents as f64 / 100.0 * account.wishes.leverage;
            let mut package: BTreeMap<u32, f64> = BTreeMap::new();
            for (what, units) in &account.wishes.legs {
                *package.entry(place[&key(what)]).or_default() += units * notional;
            }
            let wished = package.into_iter().map(|(id, units)| (id, lots(units)));
            let wished: Vec<(u32, i64)> = wished.filter(|(_, lots)| *lots != 0).collect();
            stage.enter(number, account.wishes.deposit_cents, &wished)?;
        }
    }
    stage.end(off_chain)
}

/// The future first, then every option that somebody holds.
fn instruments(accounts: &[Account<'_>]) -> Vec<Instrument> {
    let mut all = BTreeMap::new();
    for (what, _) in accounts.iter().flat_map(|account| &account.wishes.legs) {
        all.insert(key(what), *what);
    }
    all.remove(&key(&Instrument::Future));
    std::iter::once(Instrument::Future).chain(all.into_values()).collect()
}

fn listing(what: &Instrument) -> Listing {
    match *what {
        Instrument::Future => perpetual(0),
        Instrument::Option { expiry_s, strike, call } => {
            option(0, call, strike, u64::try_from(expiry_s).unwrap_or(0))
        }
    }
}

fn expiry(what: &Instrument) -> f64 {
    match *what {
        Instrument::Future => 0.0,
        Instrument::Option { expiry_s, .. } => expiry_s as f64,
    }
}

/// An instrument's row at a capture; what is not listed there is held by nobody.
fn row(what: &Instrument, capture: &Capture) -> Leg {
    let future = Leg::perpetual(1.0, capture.index);
    match (leg(what, capture), *what) {
        (Some(leg), _) => leg,
        (None, Instrument::Future) => future,
        (None, Instrument::Option { strike, call, .. }) => {
            Leg { kind: if call { Kind::Call } else { Kind::Put }, strike, ..future }
        }
    }
}

//! One system of margins through a crash on bars: a perpetual.

use std::collections::BTreeSet;

use market::scenario::ledger::Charges;
use market::scenario::{Leg, Width};

use super::desk::DeskSetup;
use super::stage::{Against, Stage};
use super::{Beside, OnChain};
use crate::accounts::{Account, Exit, Margins, simulate_with};
use crate::data::{HOUR_S, Prices};
use crate::error::Error;
use crate::replay::Crash;
use crate::track::Hour;

/// Prices of a bar: its lowest, its highest, its last.
const TICKS: i64 = 3;
/// Seconds between two prices, at least: a grid's claim becomes final between them.
const TICK_S_MIN: i64 = 100;
/// The feed's means are of half an hour, whole slots.
const AVERAGED_S: i64 = 1_800;
/// Blank time before the first bar in which the contracts are deployed.
const BEFORE_S: i64 = 3_600;
/// How far the grid's marks reach; a perpetual's are exact anywhere.
const BAND: f64 = 0.5;

/// What is replayed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course<'a> {
    pub(crate) crash: &'a Crash,
    /// The accounts' window.
    pub(crate) bars: &'a [Hour],
    /// Length of a bar.
    pub(crate) interval_s: i64,
    pub(crate) accounts: &'a [Account],
    /// Maintenance margin as a share of initial.
    pub(crate) share: f64,
}

impl Course<'_> {
    /// Returns whether there are accounts, and bars that can be run: of five minutes or more.
    pub(crate) fn can_run(&self) -> bool {
        let fits = self.interval_s >= TICKS * TICK_S_MIN && self.interval_s % TICKS == 0;
        fits && !self.accounts.is_empty() && !self.bars.is_empty()
    }
}

/// Runs the accounts on the contracts under one system's margins.
pub(crate) fn run(course: Course<'_>, margins: &Margins) -> Result<OnChain, Error> {
    let begins_s = course.bars[0].prices.open_s - BEFORE_S;
    // The half-width alone is asked: nothing by delta, which has to be something.
    let maintenance = millionths(course.share);
    let setup = DeskSetup {
        begins_s: u64::try_from(begins_s).unwrap_or(0),
        slot_s: u64::try_from(slot_s(course.interval_s)).unwrap_or(1),
        rows: 32,
        band: BAND,
        charges: Charges { net: 1, hedged: 0, short: 0, maintenance },
        listings: vec![chain::client::house::perpetual(0)],
    };
    let mut stage = Stage::open(course.crash, setup, Against::One)?;
    for t in 0..course.bars.len() {
        bar(&mut stage, (course, t), margins.initial[t])?;
    }
    stage.end(|liquidated| Ok(beside(&course, margins, liquidated)))
}

/// What happens in a bar: the hour's grid, who opens, three prices, who closes.
fn bar(stage: &mut Stage<'_>, (course, t): (Course<'_>, usize), half: f64) -> Result<(), Error> {
    let Course { bars, interval_s, accounts, .. } = course;
    let prices = bars[t].prices;
    let Prices { open_s, before, .. } = prices;
    let since = |t: usize| bars[t].prices.open_s;
    if t == 0 || since(t - 1) + interval_s != open_s {
        // After a hole the last price is told again.
        stage.price(open_s, before)?;
    }
    if t == 0 || since(t - 1).div_euclid(HOUR_S) != open_s.div_euclid(HOUR_S) {
        let width = Width { half, up: 0.0, down: 0.0 };
        let legs = [Leg::perpetual(1.0, before)];
        stage.desk.grid((&legs, &[0.0]), (before, width))?;
        stage.sweep(open_s)?;
        stage.look(open_s)?;
    }
    for (number, account) in accounts.iter().enumerate().filter(|(_, a)| a.from == t) {
        let units = account.leverage * account.deposit_cents as f64 / 100.0 / before;
        let wished = if account.is_long { lots(units) } else { -lots(units) };
        stage.enter(number, account.deposit_cents, &[(0, wished)])?;
    }
    for (step, price) in (1..).zip(path(&prices)) {
        let time_s = open_s + step * interval_s / TICKS;
        stage.price(time_s, price)?;
        stage.sweep(time_s)?;
    }
    let last = |a: &Account| (a.from + a.hours).min(bars.len()) - 1;
    for (number, _) in accounts.iter().enumerate().filter(|(_, a)| last(a) == t) {
        stage.leave(number)?;
    }
    Ok(())
}

/// The three prices of a bar in the order they are told: a bar that rose fell first.
fn path(prices: &Prices) -> [f64; 3] {
    let Prices { before, high, low, close, .. } = *prices;
    if close >= before { [low, high, close] } else { [high, low, close] }
}

fn slot_s(interval_s: i64) -> i64 {
    let (mut a, mut b) = (interval_s / TICKS, AVERAGED_S);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share below one")]
pub(super) fn millionths(share: f64) -> u32 {
    (share * 1e6).ceil() as u32
}

#[expect(clippy::cast_possible_truncation, reason = "sizes here are far below 2^53 lots")]
pub(super) fn lots(units: f64) -> i64 {
    (units * 1e6).trunc() as i64
}

/// The same accounts off chain: as on the page; with the contracts' share as maintenance margin;
/// and closed at the price that showed them under it.
fn beside(course: &Course<'_>, margins: &Margins, on_chain: &BTreeSet<usize>) -> [Beside; 3] {
    let share = |initial: &f64| initial * course.share;
    let unpaced = Margins {
        initial: margins.initial.clone(),
        maintenance: margins.initial.iter().map(share).collect(),
    };
    let runs = [(margins, Exit::Later), (&unpaced, Exit::Later), (&unpaced, Exit::AtOnce)];
    runs.map(|(margins, exit)| {
        let outcome = simulate_with(course.accounts, course.bars, margins, exit);
        Beside::of(&outcome, on_chain)
    })
}

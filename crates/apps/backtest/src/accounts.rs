//! The same seeded accounts under several systems of margins.
//!
//! An [`Account`] deposits, opens one position with the leverage it wishes for or, if that is
//! less, the one that initial margin allows, and closes it after the hours it wishes for. It is
//! liquidated when, at an hour's worst price for its side, its equity is below the maintenance
//! margin of that hour; it is then closed at the hour's last price, the first one known after the
//! trigger. What is missing below zero is bad debt. There are no fees, funding or top-ups.
//!
//! *Invariant: money in is money out, to the cent: what accounts deposit and win is what they are
//! paid less the bad debt. The accounts do not depend on the margins.*

use serde::Serialize;
use tensor::random;

use crate::track::Hour;

/// The least and the largest leverage that is wished for.
const LEVERAGE: (f64, f64) = (2.0, 100.0);
/// The shortest and the longest time a position is to be held, in hours.
const HELD_H: (f64, f64) = (1.0, 720.0);
/// The least and the largest deposit, in whole quote units.
const DEPOSIT: (f64, f64) = (100.0, 100_000.0);
/// Words of randomness an account is made of.
const WORDS: u64 = 8;

/// How accounts are drawn, in one sentence for the report.
pub(crate) const RECIPE: &str = "Each account is long or short with equal chance, deposits 100 \
    to 100,000 quote units, wishes for a leverage of 2 to 100 and for 1 to 720 hours in the \
    market (each drawn with equal chance on a logarithmic scale), and begins at an hour drawn \
    evenly from the window. It gets the leverage it wishes for or what initial margin allows, \
    whichever is less. It is liquidated when, at an hour's worst price, its equity is below \
    maintenance margin, and is then closed at that hour's last price. No fees, no funding, no \
    market impact, no top-ups.";

/// What somebody wants to do; nothing here depends on a margin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Account {
    /// Whether it gains when the price rises.
    pub is_long: bool,
    /// Its deposit, in hundredths of the quote unit.
    pub deposit_cents: i64,
    /// The leverage it wishes for.
    pub leverage: f64,
    /// The hour at whose first price it opens, as an index.
    pub from: usize,
    /// The hours it wishes to hold its position, at least 1.
    pub hours: usize,
}

/// Returns `count` accounts over a window of `hours` hours; the same for the same seed.
///
/// ```
/// let accounts = backtest::draw(100, 8_760, 7);
/// assert_eq!(accounts, backtest::draw(100, 8_760, 7));
/// assert!(accounts.iter().all(|a| a.from < 8_760 && (2.0..=100.0).contains(&a.leverage)));
/// ```
#[must_use]
pub fn draw(count: usize, hours: usize, seed: u64) -> Vec<Account> {
    let word = |half: u64| i32::from_le_bytes(low_bytes(half));
    let key = [word(seed), word(seed >> 32)];
    let even =
        |element: u64| f64::from(random::word(key, 0, element).cast_unsigned()) / 2_f64.powi(32);
    let log = |element: u64, (low, high): (f64, f64)| low * (high / low).powf(even(element));
    (0..count as u64)
        .map(|i| {
            let at = i * WORDS;
            Account {
                is_long: even(at) < 0.5,
                deposit_cents: rounded(100.0 * log(at + 1, DEPOSIT)),
                leverage: log(at + 2, LEVERAGE),
                from: index(even(at + 3) * hours as f64).min(hours.saturating_sub(1)),
                hours: index(log(at + 4, HELD_H)).max(1),
            }
        })
        .collect()
}

/// What became of all accounts under one system of margins. Money is in hundredths of the quote
/// unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// Accounts.
    pub accounts: usize,
    /// Those that got less leverage than they wished for.
    pub capped: usize,
    /// Those that were liquidated.
    pub liquidated: usize,
    /// Those of them that would have ended with money, had they been left alone until their own
    /// end.
    pub liquidated_in_vain: usize,
    /// Those that ended below zero.
    pub bankrupt: usize,
    /// Hours in which they did: those of one hour share one fate.
    pub bankrupt_hours: usize,
    /// What they deposited.
    pub deposits_cents: i64,
    /// The value of their positions when they opened.
    pub notional_cents: i64,
    /// What their positions won, less what they lost.
    pub gains_cents: i64,
    /// What they were paid at the end.
    pub paid_cents: i64,
    /// What was missing below zero, as a positive number.
    pub bad_debt_cents: i64,
    /// Each bankruptcy: its hour as an index, and what was missing; ascending by hour.
    #[serde(skip)]
    pub bankruptcies: Vec<(usize, i64)>,
    /// The hour of each liquidation, as an index, in no order.
    #[serde(skip)]
    pub liquidations: Vec<usize>,
    /// Which accounts were liquidated, by their places, ascending.
    #[serde(skip)]
    pub who: Vec<usize>,
}

/// Margins of every hour, as shares of a position's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Margins {
    /// Initial margin.
    pub initial: Vec<f64>,
    /// Maintenance margin.
    pub maintenance: Vec<f64>,
}

/// Returns what becomes of the accounts under these margins.
///
/// # Panics
///
/// If there are not as many margins as hours, or an account begins after the last.
#[must_use]
pub fn simulate(accounts: &[Account], hours: &[Hour], margins: &Margins) -> Outcome {
    simulate_with(accounts, hours, margins, Exit::Later)
}

/// At what price a liquidated account is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The first one known after the trigger.
    Later,
    /// The one that triggered it.
    AtOnce,
}

/// As [`simulate`], with a choice of what liquidated accounts are closed at.
pub(crate) fn simulate_with(
    accounts: &[Account],
    hours: &[Hour],
    margins: &Margins,
    exit: Exit,
) -> Outcome {
    assert_eq!(hours.len(), margins.initial.len(), "an initial margin for each hour");
    assert_eq!(hours.len(), margins.maintenance.len(), "a maintenance margin for each hour");
    let mut outcome = Outcome { accounts: accounts.len(), ..Outcome::default() };
    for (place, account) in accounts.iter().enumerate() {
        let allowed = 1.0 / margins.initial[account.from];
        if allowed < account.leverage {
            outcome.capped += 1;
        }
        let position = Position::open(account, hours, account.leverage.min(allowed));
        let last = (account.from + account.hours).min(hours.len()) - 1;
        let (mut end, mut price) = (last, hours[last].prices.close);
        for t in account.from..=last {
            if position.is_liquidated(&hours[t], margins.maintenance[t]) {
                end = t;
                price = match exit {
                    Exit::Later => hours[t].prices.close,
                    Exit::AtOnce => position.worst(&hours[t]),
                };
                outcome.liquidated += 1;
                outcome.liquidations.push(t);
                outcome.who.push(place);
                let alone = position.equity_cents(hours[last].prices.close);
                outcome.liquidated_in_vain += usize::from(alone > 0);
                break;
            }
        }
        outcome.close(&position, end, price);
    }
    outcome.bankruptcies.sort_unstable();
    outcome.bankrupt_hours = outcome.bankruptcies.chunk_by(|a, b| a.0 == b.0).count();
    outcome
}

impl Outcome {
    fn close(&mut self, position: &Position, hour: usize, price: f64) {
        let notional = rounded(100.0 * position.quantity.abs() * position.price);
        self.end(hour, (position.deposit_cents, notional, position.gain_cents(price)));
    }

    /// Pays an account that deposited, opened and won so many cents, and counts what is missing.
    pub(crate) fn end(&mut self, hour: usize, (deposit, notional, gain): (i64, i64, i64)) {
        let equity = deposit + gain;
        self.deposits_cents += deposit;
        self.notional_cents += notional;
        self.gains_cents += gain;
        self.paid_cents += equity.max(0);
        if equity < 0 {
            self.bankrupt += 1;
            self.bad_debt_cents -= equity;
            self.bankruptcies.push((hour, -equity));
        }
    }
}

/// An open position.
#[derive(Clone, Copy, Debug)]
struct Position {
    deposit_cents: i64,
    /// Units of what is traded; negative if short.
    quantity: f64,
    /// The price at which it was opened.
    price: f64,
}

impl Position {
    fn open(account: &Account, hours: &[Hour], leverage: f64) -> Position {
        let price = hours[account.from].prices.before;
        let sign = if account.is_long { 1.0 } else { -1.0 };
        let quantity = sign * leverage * account.deposit_cents as f64 / 100.0 / price;
        Position { deposit_cents: account.deposit_cents, quantity, price }
    }

    fn gain_cents(&self, price: f64) -> i64 {
        rounded(100.0 * self.quantity * (price - self.price))
    }

    fn equity_cents(&self, price: f64) -> i64 {
        self.deposit_cents + self.gain_cents(price)
    }

    fn worst(&self, hour: &Hour) -> f64 {
        if self.quantity < 0.0 { hour.prices.high } else { hour.prices.low }
    }

    fn is_liquidated(&self, hour: &Hour, maintenance: f64) -> bool {
        let worst = self.worst(hour);
        let required = 100.0 * maintenance * self.quantity.abs() * worst;
        (self.equity_cents(worst) as f64) < required
    }
}

#[expect(clippy::cast_possible_truncation, reason = "money and hours here are far below 2^53")]
fn rounded(x: f64) -> i64 {
    x.round() as i64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of hours, rounded down"
)]
fn index(x: f64) -> usize {
    x as usize
}

/// Returns the lowest 32 bits.
fn low_bytes(word: u64) -> [u8; 4] {
    let bytes = word.to_le_bytes();
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

#[cfg(test)]
mod tests;

//! Who becomes liquidatable when the price jumps, under hers and under our margins.
//!
//! *Invariant: an account is counted once, with all its positions of the market.* Absent: what a
//! liquidation does to the price.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use serde::Serialize;
use thiserror::Error;

/// A file of accounts to begin with.
pub const EXAMPLE_ACCOUNTS: &str = "\
# One row an account and market. Notional is the position's value now, negative when short; equity
# is collateral with what was gained and lost so far, both in the quote currency.
account,market,notional,equity
0x01,BTC,100000,6000
0x02,BTC,-50000,2000
0x03,BTC,250000,40000
";

/// An account's position in a market.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// Who.
    pub account: String,
    /// The market.
    pub market: String,
    /// The position's value now; negative when short.
    pub notional: f64,
    /// Collateral with gains and losses so far.
    pub equity: f64,
}

/// Why a file of accounts cannot be used.
#[derive(Debug, Error)]
pub enum AccountsError {
    /// The disk or the CSV reader.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What they said.
        reason: String,
    },
    /// A column is missing.
    #[error("{path} has no column {column:?}; `assay whatif --example-accounts` prints a file")]
    Column {
        /// The file.
        path: String,
        /// The column.
        column: &'static str,
    },
    /// A cell is no number.
    #[error("{path} row {line}, column {column}: {text:?} is not a number")]
    Cell {
        /// The file.
        path: String,
        /// The row.
        line: u64,
        /// The column.
        column: &'static str,
        /// What it holds.
        text: String,
    },
    /// Two rows of one account and market.
    #[error("{path} row {line}: {account} has a position in {market} already; add them up")]
    Twice {
        /// The file.
        path: String,
        /// The row.
        line: u64,
        /// Who.
        account: String,
        /// The market.
        market: String,
    },
}

const COLUMNS: [&str; 4] = ["account", "market", "notional", "equity"];

/// Reads a file of accounts.
///
/// # Errors
///
/// [`AccountsError`] names the first row and column that cannot be used.
pub fn accounts(path: &Path) -> Result<Vec<Position>, AccountsError> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| AccountsError::Unreadable {
        path: name.clone(),
        reason: error.to_string(),
    })?;
    parse(&name, &bytes)
}

fn parse(path: &str, bytes: &[u8]) -> Result<Vec<Position>, AccountsError> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).comment(Some(b'#')).from_reader(bytes);
    let unreadable = |error: csv::Error| AccountsError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let header = reader.headers().map_err(unreadable)?.clone();
    let mut places = [0; COLUMNS.len()];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        let found = header.iter().position(|name| name.eq_ignore_ascii_case(column));
        *place = found.ok_or(AccountsError::Column { path: path.to_owned(), column })?;
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut positions = Vec::new();
    for row in reader.records() {
        let row = row.map_err(unreadable)?;
        let position = position(path, &row, places)?;
        let key = (position.account.clone(), position.market.to_ascii_lowercase());
        if !seen.insert(key) {
            return Err(AccountsError::Twice {
                path: path.to_owned(),
                line: line(&row),
                account: position.account,
                market: position.market,
            });
        }
        positions.push(position);
    }
    Ok(positions)
}

fn line(row: &StringRecord) -> u64 {
    row.position().map_or(0, csv::Position::line)
}

fn position(path: &str, row: &StringRecord, places: [usize; 4]) -> Result<Position, AccountsError> {
    let text = |column: usize| row.get(places[column]).unwrap_or_default();
    let number = |column: usize| {
        let number = text(column).parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| AccountsError::Cell {
            path: path.to_owned(),
            line: line(row),
            column: COLUMNS[column],
            text: text(column).to_owned(),
        })
    };
    Ok(Position {
        account: text(0).to_owned(),
        market: text(1).to_owned(),
        notional: number(2)?,
        equity: number(3)?,
    })
}

/// What a jump of the price does under one maintenance margin. Money is in the quote currency.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Effect {
    /// Accounts under their maintenance margin before the jump.
    pub before: usize,
    /// Accounts under it after the jump.
    pub liquidatable: usize,
    /// The value of their positions after the jump.
    pub notional: f64,
    /// Accounts below zero.
    pub below_zero: usize,
    /// What they lack.
    pub bad_debt: f64,
    /// The liquidatable accounts with the largest positions, at most ten.
    pub largest: Vec<String>,
}

/// Returns what a jump by `shock`, a share of the price, does to a market's positions under a
/// maintenance margin.
///
/// ```
/// use shadow::{Position, effect};
/// let position = |account: &str, notional: f64, equity: f64| Position {
///     account: account.into(), market: "BTC".into(), notional, equity,
/// };
/// let all = [position("a", 100.0, 8.0), position("b", -100.0, 8.0)];
/// let effect = effect(&all, -0.06, 0.03);
/// assert_eq!((effect.liquidatable, effect.largest), (1, vec!["a".to_owned()]));
/// assert_eq!((effect.before, effect.below_zero), (0, 0));
/// ```
#[must_use]
pub fn effect(positions: &[Position], shock: f64, maintenance: f64) -> Effect {
    let under = |position: &Position, shock: f64| {
        let equity = position.equity + position.notional * shock;
        let value = (position.notional * (1.0 + shock)).abs();
        (equity < maintenance * value && value > 0.0).then_some((equity, value))
    };
    let mut effect = Effect::default();
    let mut hit: Vec<(f64, &str)> = Vec::new();
    for position in positions {
        effect.before += usize::from(under(position, 0.0).is_some());
        let Some((equity, value)) = under(position, shock) else { continue };
        effect.liquidatable += 1;
        effect.notional += value;
        if equity < 0.0 {
            effect.below_zero += 1;
            effect.bad_debt -= equity;
        }
        hit.push((value, &position.account));
    }
    hit.sort_by(|a, b| b.0.total_cmp(&a.0));
    effect.largest = hit.iter().take(10).map(|(_, account)| (*account).to_owned()).collect();
    effect
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_can_be_read_and_what_is_wrong_is_named() {
        let example = parse("own.csv", EXAMPLE_ACCOUNTS.as_bytes()).expect("accounts");
        assert_eq!((example.len(), example[1].notional), (3, -50_000.0));
        let error =
            |text: &str| parse("own.csv", text.as_bytes()).expect_err("refused").to_string();
        assert!(error("account,market,notional\n").contains("no column \"equity\""));
        let header = "account,market,notional,equity\n";
        let text = format!("{header}a,BTC,much,1\n");
        assert!(error(&text).contains("row 2, column notional: \"much\""), "{}", error(&text));
        let text = format!("{header}a,BTC,1,1\na,btc,1,1\n");
        assert!(error(&text).contains("row 3: a has a position in btc already"));
    }

    #[test]
    fn a_short_loses_when_the_price_rises_and_debt_is_what_is_lacking() {
        let positions = parse("own.csv", EXAMPLE_ACCOUNTS.as_bytes()).expect("accounts");
        let up = effect(&positions, 0.1, 0.02);
        assert_eq!((up.liquidatable, up.below_zero, up.bad_debt), (1, 1, 3_000.0));
        let down = effect(&positions, -0.1, 0.02);
        assert_eq!((down.largest, down.bad_debt), (vec!["0x01".to_owned()], 4_000.0));
        assert_eq!(effect(&positions, 0.0, 0.02), Effect::default());
        assert_eq!(effect(&positions, 0.0, 0.05).before, 1);
    }
}

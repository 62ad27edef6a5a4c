//! Laws of the accounts, over random paths of prices and margins.

use proptest::prelude::*;

use super::*;
use crate::data::Prices;

/// Hours whose prices move by up to 20 % each, in either direction.
fn paths() -> impl Strategy<Value = Vec<Hour>> {
    prop::collection::vec((-0.2..0.2, 0.0..0.1, 0.0..0.1), 2..60).prop_map(|moves| {
        let mut before: f64 = 100.0;
        let mut hours = Vec::new();
        for (t, (change, above, below)) in (0..).zip(moves) {
            let close: f64 = before * (1.0 + change);
            let (high, low) =
                (before.max(close) * (1.0 + above), before.min(close) * (1.0 - below));
            let prices = Prices { open_s: 3_600 * t, before, high, low, close };
            hours.push(hour(prices));
            before = close;
        }
        hours
    })
}

fn hour(prices: Prices) -> Hour {
    let (quantile, shortfall) = Default::default();
    let (initial, maintenance) = (0.1, 0.05);
    Hour { prices, volatility: [0.0; 3], quantile, shortfall, u: 0.0, initial, maintenance }
}

fn margins(hours: usize, initial: f64, share: f64) -> Margins {
    Margins { initial: vec![initial; hours], maintenance: vec![initial * share; hours] }
}

proptest! {
    #[test]
    fn money_in_is_money_out(
        hours in paths(), seed: u64, initial in 0.005..1.0, share in 0.1..1.0,
    ) {
        let accounts = draw(50, hours.len(), seed);
        let outcome = simulate(&accounts, &hours, &margins(hours.len(), initial, share));
        let deposits: i64 = accounts.iter().map(|a| a.deposit_cents).sum();
        prop_assert_eq!(outcome.deposits_cents, deposits);
        let out = outcome.paid_cents - outcome.bad_debt_cents;
        prop_assert_eq!(outcome.deposits_cents + outcome.gains_cents, out);
        let missing: i64 = outcome.bankruptcies.iter().map(|(_, cents)| cents).sum();
        prop_assert_eq!(missing, outcome.bad_debt_cents);
        prop_assert_eq!(outcome.bankruptcies.len(), outcome.bankrupt);
        prop_assert!(outcome.bankrupt_hours <= outcome.bankrupt.min(hours.len()));
        prop_assert_eq!(outcome.bankrupt_hours == 0, outcome.bankrupt == 0);
    }

    #[test]
    fn a_position_is_never_larger_than_margin_allows_or_the_account_wishes(
        hours in paths(), seed: u64, initial in 0.005..1.0,
    ) {
        let accounts = draw(50, hours.len(), seed);
        let outcome = simulate(&accounts, &hours, &margins(hours.len(), initial, 0.5));
        let wished = |a: &Account| a.leverage.min(1.0 / initial) * a.deposit_cents as f64;
        let wished: f64 = accounts.iter().map(wished).sum();
        prop_assert!((outcome.notional_cents as f64 - wished).abs() <= 50.0);
    }

    #[test]
    fn equal_margins_end_equally_and_full_margins_of_longs_leave_no_debt(
        hours in paths(), seed: u64,
    ) {
        let accounts: Vec<Account> =
            draw(80, hours.len(), seed).into_iter().filter(|a| a.is_long).collect();
        let full = margins(hours.len(), 1.0, 0.01);
        let outcome = simulate(&accounts, &hours, &full);
        prop_assert_eq!(&outcome, &simulate(&accounts, &hours, &full.clone()));
        prop_assert_eq!(outcome.bad_debt_cents, 0);
    }
}

#[test]
fn one_account_by_hand() {
    // 10 times 100 of deposit, opened at 100, so ten units. The first hour touches 94: equity 40,
    // margin 5 % of 940 is 47. Closed at 88: what is missing is 20.
    let prices = Prices { open_s: 0, before: 100.0, high: 101.0, low: 94.0, close: 88.0 };
    let hours = [hour(prices), hour(Prices { open_s: 3_600, before: 88.0, ..prices })];
    let account =
        Account { is_long: true, deposit_cents: 10_000, leverage: 50.0, from: 0, hours: 2 };
    let outcome = simulate(&[account], &hours, &margins(2, 0.1, 0.5));
    assert_eq!((outcome.capped, outcome.liquidated, outcome.bankrupt), (1, 1, 1));
    assert_eq!((outcome.notional_cents, outcome.bad_debt_cents), (100_000, 2_000));
    assert_eq!(outcome.bankruptcies, [(0, 2_000)]);
    // With a maintenance margin of 4 % of 940 it lives, and is closed by itself at 88.
    let outcome = simulate(&[account], &hours, &margins(2, 0.1, 0.4));
    assert_eq!((outcome.liquidated, outcome.bankrupt), (0, 1));
}

#[test]
fn wishes_do_not_depend_on_how_many_there_are() {
    let few = draw(10, 500, 3);
    assert_eq!(few, draw(1_000, 500, 3)[..10]);
    assert_ne!(few, draw(10, 500, 4));
    let longs = draw(4_000, 500, 1).iter().filter(|a| a.is_long).count();
    assert!((1_850..2_150).contains(&longs), "{longs}");
}

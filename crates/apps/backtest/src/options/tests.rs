//! Made-up chains through a fall: nothing looks ahead, costs are equal, money is conserved.

use std::io::Write;

use market::option::{Contract, greeks_inputs, price};
use market::scenario::{Grid, Leg, Width, account, account_inputs};
use market::surface::{Expiry, Quote};

use super::*;
use crate::replay::{CRASHES, Crash};

const DAY_S: i64 = 86_400;

fn february() -> Crash {
    *CRASHES.iter().find(|crash| crash.chains).expect("one is on chains")
}

fn request() -> ReplayRequest {
    ReplayRequest {
        crash: february(),
        data: Vec::new(),
        markets: Vec::new(),
        accounts: 600,
        contracts: 0,
        seed: 1,
        command: "here".to_owned(),
    }
}

/// A chain of flat volatility with four expiries.
fn chain(time_s: i64, index: f64, volatility: f64) -> Chain {
    let first = day("2026-02-13").unix() + 8 * 3_600;
    let mut expiries = Vec::new();
    for week in [0, 1, 3, 9] {
        let expiry_s = first + 7 * DAY_S * week;
        let years = (expiry_s - time_s) as f64 / 31_536_000.0;
        let contract = |i: i32, call| {
            let strike = (index * (1.0 + 0.04 * f64::from(i)) / 100.0).round() * 100.0;
            Contract { forward: index, strike, volatility, years, call }
        };
        let calls = (-6..=6).flat_map(|i| [contract(i, false), contract(i, true)]);
        let contracts: Vec<Contract> = calls.collect();
        let program = price(contracts.len()).expect("valid");
        let inputs = greeks_inputs(&contracts).expect("contracts");
        let prices = tensor::eval(&program, &inputs).expect("inputs fit");
        let prices = prices[0].as_f64().expect("f64");
        let quote = |(c, price): (&Contract, &f64)| Quote {
            future: index,
            strike: c.strike,
            call: c.call,
            bid: Some(0.99 * price),
            ask: Some(1.01 * price),
        };
        let quotes = contracts.iter().zip(prices).map(quote).collect();
        expiries.push(Expiry { expiry_s, years, quotes });
    }
    Chain { asset: "BTC".to_owned(), time_s, index: Some(index), expiries }
}

/// Daily chains, then four a day, with a fall on the third day of the window; from a capture of
/// the window on at other prices.
fn made(other: Option<usize>) -> Vec<Capture> {
    let window_s = day("2026-02-03").unix();
    let mut chains = Vec::new();
    let mut wave = 1_u32;
    let mut index = 80_000.0;
    let mut at = |time_s: i64, in_window: Option<usize>| {
        wave = wave.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let moved = f64::from(wave >> 8) / f64::from(1 << 24) - 0.5;
        let fall = if in_window == Some(9) { 0.85 } else { 1.0 };
        let rise =
            if other.is_some_and(|t| in_window.is_some_and(|w| w >= t)) { 1.05 } else { 1.0 };
        index *= (1.0 + 0.03 * moved) * fall * rise;
        let volatility = if in_window.is_some_and(|w| w >= 9) { 0.8 } else { 0.5 + 0.05 * moved };
        chains.push(chain(time_s, index, volatility));
    };
    for number in 0..35 {
        at(window_s + (number - 35) * DAY_S + 15_000, None);
    }
    for number in 0..20 {
        let time_s = window_s + 15_000 + 21_600 * i64::try_from(number).expect("small");
        at(time_s, Some(number));
    }
    captures(&chains).expect("surfaces")
}

#[test]
fn what_comes_decides_no_margin_and_no_scale_before_it() {
    let (one, two) = (made(None), made(Some(7)));
    let play = |captures: &[Capture]| play(&request(), "BTC", captures).expect("chains");
    let (one, two) = (play(&one), play(&two));
    for (one, two) in one.margins.iter().zip(&two.margins) {
        assert_eq!(one.initial[..7], two.initial[..7]);
        assert_eq!(one.maintenance[..7], two.maintenance[..7]);
    }
    assert_ne!(one.margins[0].initial, two.margins[0].initial);
    for (one, two) in one.market.sides.iter().zip(&two.market.sides) {
        assert_eq!(one.mean_before.to_bits(), two.mean_before.to_bits(), "{}", one.name);
    }
    assert_eq!(one.market.fitted, "2026-02-02", "the last day that anything was scaled on");
}

#[test]
fn systems_cost_the_same_before_and_money_is_conserved() {
    let played = play(&request(), "BTC", &made(None)).expect("chains");
    let sides = &played.market.sides;
    let names: Vec<&str> = sides.iter().map(|side| side.name).collect();
    assert_eq!(names, ["ours", "table", "static", "fhs"]);
    for side in sides {
        let outcome = &side.outcome;
        assert_eq!(
            outcome.deposits_cents + outcome.gains_cents,
            outcome.paid_cents - outcome.bad_debt_cents,
            "{}",
            side.name
        );
        assert!(outcome.accounts == 600 && outcome.notional_cents > 0);
        if side.name != "table" {
            let cost = side.mean_before / sides[0].mean_before;
            assert!((cost - 1.0).abs() < 1e-6, "{}: {cost}", side.name);
            assert!(side.liquidated_in_crash > 0, "a fall of a seventh liquidates somebody");
        }
    }
    assert!((sides[1].before[0] - 0.16).abs() < 1e-12, "the published table is as published");
    let report = ReplayReport {
        crash: "x",
        title: "x",
        window: ["a", "b"],
        command: "<script>".to_owned(),
        seen: "",
        notes: words::notes(),
        accounts: String::new(),
        costs: "",
        markets: vec![played.market.clone()],
    };
    let html = page::page(&report, &[played]).expect("a page");
    assert!(!html.contains("http:") && !html.contains("https:"), "it loads nothing");
    assert_eq!(html.matches("<script").count(), 1, "the data alone");
}

#[test]
fn options_are_cleared_by_the_contracts_as_they_are_computed() {
    let request = ReplayRequest { accounts: 60, contracts: 40, ..request() };
    let played = play(&request, "BTC", &made(None)).expect("chains");
    for side in &played.market.sides {
        let out = side.contracts.as_ref().expect("contracts were asked for");
        cleared(out);
        assert!(out.accounts == 40 && out.liquidated > 0, "{}: {out:?}", side.name);
        assert_eq!((out.grids, out.prices), (20, 20), "one of each a capture");
    }
    assert!(played.market.verdict.iter().any(|line| line.starts_with("On the contracts, ours")));
}

/// What always holds of contracts that ran.
fn cleared(out: &OnChain) {
    assert!(out.compared[0] > 0 && out.compared[1] == 0, "to the wei: {:?}", out.compared);
    let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-9 * a.abs().max(1.0), "{a} and {b}");
    near(out.bad_debt, out.insurance[0] + out.shortfall);
    near(out.haircut.taken + out.repaid[0] + out.repaid[1], out.shortfall);
    assert!(out.haircut.excess == 0.0, "the haircut takes the shortfall, to the wei");
}

#[test]
fn sums_of_arrays_are_the_margin_of_the_program() {
    let captures = made(None);
    let capture = &captures[40];
    let wishes = (0..40).filter_map(|i| draw(7, i, capture.time_s, std::slice::from_ref(capture)));
    let width = Width { half: 0.07, up: 0.2, down: 0.1 };
    for wishes in wishes {
        let legs: Vec<Leg> =
            wishes.legs.iter().map(|(what, _)| leg(what, capture).expect("listed")).collect();
        let arrays = Arrays::of(&program(legs.len()).expect("valid"), &legs, width).expect("legs");
        let positions: Vec<(usize, f64)> =
            wishes.legs.iter().enumerate().map(|(at, (_, units))| (at, units * 1e6)).collect();
        let ours = arrays.margin(&positions, capture.index);
        let held = |(leg, (_, q)): (&Leg, &(usize, f64))| Leg { position: *q, ..*leg };
        let held: Vec<Leg> = legs.iter().zip(&positions).map(held).collect();
        let whole = account(held.len(), &Grid::published()).expect("valid");
        let inputs = account_inputs(&held, width, (capture.index, 0.0)).expect("legs");
        let outputs = tensor::eval(&whole, &inputs).expect("inputs fit");
        let margin = outputs[0].as_f64().expect("f64")[0];
        assert!((ours - margin).abs() <= 1e-9 * margin, "{ours} {margin}");
        let gross: f64 = wishes.legs.iter().map(|(_, units)| units.abs()).sum();
        assert!((gross * capture.index - 1.0).abs() < 1e-12, "a gross notional of one");
    }
}

#[test]
fn february_2026_on_real_chains() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/deribit");
    if !folder.is_dir() {
        let line = format!("skipped: {} is not here", folder.display());
        writeln!(std::io::stderr(), "{line}").expect("stderr is open");
        return;
    }
    let request = ReplayRequest { data: vec![folder], contracts: 20, ..request() };
    let replayed = replay(&request, &mut |_| {}).expect("chains of the crash");
    let markets = &replayed.report.markets;
    assert_eq!(markets.len(), 2);
    for market in markets {
        assert_eq!(market.sides.len(), 4);
        assert!(market.prices[1] < 0.85 * market.prices[0], "{:?}", market.prices);
        for side in &market.sides {
            assert!(side.outcome.accounts > 590 && side.mean_window > 0.0, "{}", side.name);
            cleared(side.contracts.as_ref().expect("contracts were asked for"));
        }
        for line in &market.verdict {
            writeln!(std::io::stdout(), "{line}").expect("stdout is open");
        }
    }
    let missing = ReplayRequest { markets: vec!["DOGE".to_owned()], ..request };
    let error = replay(&missing, &mut |_| {}).expect_err("no such asset").to_string();
    assert!(error.contains("BTC, ETH"), "{error}");
}

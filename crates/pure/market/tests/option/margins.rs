//! Portfolio margin against the published table, against prices leg by leg, and its laws.

use market::option::{Contract, greeks_inputs, price};
use market::scenario;
use market::scenario::ledger::{self, Charges, Row};
use market::scenario::{
    Grid, Kind, Leg, Market, Width, account, account_inputs, arrays, arrays_inputs, book_inputs,
};
use proptest::prelude::*;
use tensor::scalar::Float;

use crate::support::run;

/// Paradex' documentation, "Portfolio Margin", full scenario table: spot, volatility, weight in per
/// cent.
const PUBLISHED: [(f64, f64, f64); 24] = [
    (16.0, 40.0, 100.0),
    (12.0, 40.0, 100.0),
    (12.0, -22.0, 100.0),
    (8.0, 40.0, 100.0),
    (8.0, -22.0, 100.0),
    (4.0, 40.0, 100.0),
    (4.0, -22.0, 100.0),
    (0.0, 40.0, 100.0),
    (0.0, -22.0, 100.0),
    (-4.0, 40.0, 100.0),
    (-4.0, -22.0, 100.0),
    (-8.0, 40.0, 100.0),
    (-8.0, -22.0, 100.0),
    (-12.0, 40.0, 100.0),
    (-12.0, -22.0, 100.0),
    (-16.0, 40.0, 100.0),
    (-66.0, 40.0, 24.0),
    (-33.0, 40.0, 48.0),
    (50.0, 40.0, 32.0),
    (100.0, 40.0, 16.0),
    (200.0, 40.0, 8.0),
    (300.0, 40.0, 5.33),
    (400.0, 40.0, 4.0),
    (500.0, 40.0, 3.20),
];

fn option(kind: Kind, position: f64, (strike, volatility, days): (f64, f64, f64)) -> Leg {
    Leg { kind, position, forward: 70_000.0, strike, volatility, years: days / 365.0 }
}

/// Returns the account's margin (initial, maintenance, scan, least), changes, and worst scenario.
fn margin(legs: &[Leg], width: Width) -> (Vec<f64>, Vec<f64>, usize) {
    let program = account(legs.len(), &Grid::published()).expect("valid");
    let inputs = account_inputs(legs, width, (70_000.0, 0.0)).expect("there are legs");
    let out = tensor::eval(&program, &inputs).expect("the inputs fit");
    let list = |i: usize| out[i].as_f64().expect("f64").to_vec();
    let worst = out[2].as_i32().expect("i32")[0];
    (list(0), list(1), usize::try_from(worst).expect("an index"))
}

/// The same by hand: one price at a time, from the other Program.
fn by_hand(legs: &[Leg], scenario: (f64, f64, f64)) -> f64 {
    let (spot, volatility, weight) = scenario;
    let value = |leg: &Leg, spot: f64, volatility: f64| {
        if leg.kind == Kind::Perpetual {
            return leg.forward * (1.0 + spot);
        }
        let days = leg.years * 365.0;
        let power = if days < 30.0 { 0.3 } else { 0.13 };
        let contract = Contract {
            forward: leg.forward * (1.0 + spot),
            strike: leg.strike,
            volatility: leg.volatility
                * (1.0 + volatility * power_of(30.0 / if days > 1.0 { days } else { 1.0 }, power)),
            years: leg.years,
            call: leg.kind == Kind::Call,
        };
        run(&price(1).expect("valid"), &greeks_inputs(&[contract]).expect("one"))[0][0]
    };
    let change =
        |leg: &Leg| weight * leg.position * (value(leg, spot, volatility) - value(leg, 0.0, 0.0));
    legs.iter().map(change).sum()
}

fn power_of(x: f64, power: f64) -> f64 {
    (power * x.op_log()).op_exp()
}

fn book() -> Vec<Leg> {
    vec![
        Leg::perpetual(1.0, 70_100.0),
        option(Kind::Call, -5.0, (70_000.0, 0.6, 7.0)),
        option(Kind::Put, 3.0, (60_000.0, 0.7, 45.0)),
        option(Kind::Put, -2.0, (50_000.0, 0.9, 0.4)),
        option(Kind::Call, 4.0, (120_000.0, 0.8, 200.0)),
    ]
}

#[test]
fn the_static_grid_is_the_published_table() {
    let scenarios = Grid::published().scenarios;
    assert_eq!(scenarios.len(), PUBLISHED.len());
    for (scenario, (spot, volatility, weight)) in scenarios.iter().zip(PUBLISHED) {
        let (a, b, c) = scenario.at(Width::STATIC);
        let near = |x: f64, percent: f64| (x - percent / 100.0).abs() < 1e-15;
        assert!(near(a, spot) && near(b, volatility) && near(c, weight), "{scenario:?}");
    }
}

#[test]
fn the_program_is_the_table_applied_leg_by_leg() {
    let legs = book();
    let (margins, changes, worst) = margin(&legs, Width::STATIC);
    let mut least = 0.0;
    for (i, scenario) in PUBLISHED.into_iter().enumerate() {
        let (spot, volatility, weight) = scenario;
        let expected = by_hand(&legs, (spot / 100.0, volatility / 100.0, weight / 100.0));
        assert!((changes[i] - expected).abs() < 1e-7, "{i}: {} {expected}", changes[i]);
        if expected < least {
            least = expected;
            assert!(changes[worst] <= changes[i] + 1e-7);
        }
    }
    assert!((margins[2] + least).abs() < 1e-7);
    assert!(margins[0] >= margins[2] && margins[1] == 0.5 * margins[0]);
}

#[test]
fn arrays_are_what_a_contract_adds_up() {
    let legs = book();
    let program = arrays(legs.len(), &Grid::published()).expect("valid");
    let out = run(&program, &arrays_inputs(&legs, Width::STATIC).expect("there are legs"));
    let (_, changes, _) = margin(&legs, Width::STATIC);
    for (j, change) in changes.iter().enumerate() {
        let sum: f64 = legs.iter().enumerate().map(|(i, l)| l.position * out[0][24 * i + j]).sum();
        assert!((sum - change).abs() < 1e-7);
    }
    assert_eq!(out[1][0], 1.0);
    assert!(out[1][1] > 0.0 && out[1][1] < 1.0 && out[1][2] < 0.0 && out[1][2] > -1.0);
}

/// The documentation's own example: net delta -0.5, hedged 1.0, spot 70,000.
#[test]
fn the_published_example_of_least_margin() {
    // A week's call of delta 0.3: d1 = -0.5244 at a deviation of 60 % sqrt(7 / 365).
    let s = 0.6 * (7.0f64 / 365.0).sqrt();
    let strike = 70_000.0 * power_of(std::f64::consts::E, 0.524_400_512_708_041 * s + s * s / 2.0);
    let legs = [Leg::perpetual(1.0, 70_000.0), option(Kind::Call, -5.0, (strike, 0.6, 7.0))];
    let (margins, ..) = margin(&legs, Width::STATIC);
    assert!((margins[3] - 1_400.0).abs() < 1e-6, "{}", margins[3]);
}

#[test]
fn whatever_enters_there_is_a_margin() {
    type Set = fn(&mut Leg, f64);
    let places: [(Set, bool); 5] = [
        (|leg, x| leg.position = x, false),
        (|leg, x| leg.forward = x, true),
        (|leg, x| leg.strike = x, true),
        (|leg, x| leg.volatility = x, true),
        (|leg, x| leg.years = x, true),
    ];
    for x in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300, -1e300] {
        for (i, (set, positive)) in places.iter().enumerate() {
            let mut legs = book();
            set(&mut legs[1], x);
            let (margins, ..) = margin(&legs, Width { half: x, up: x, down: x });
            assert!(margins.iter().all(|m| *m >= 0.0), "{x} at {i}: {margins:?}");
            if x.is_nan() || (*positive && x < 0.0) {
                assert_eq!(margins[0], f64::INFINITY, "{x} at {i}");
            }
        }
    }
}

fn leg() -> impl Strategy<Value = Leg> {
    let kind = prop_oneof![Just(Kind::Put), Just(Kind::Call), Just(Kind::Perpetual)];
    (kind, -10.0f64..10.0, 35_000.0f64..140_000.0, 0.2f64..1.5, 0.5f64..300.0)
        .prop_map(|(kind, position, strike, v, days)| option(kind, position, (strike, v, days)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn scan_is_coherent(a in proptest::collection::vec(leg(), 1..5),
                        b in proptest::collection::vec(leg(), 1..5)) {
        let scan = |legs: &[Leg]| margin(legs, Width::STATIC).0[2];
        let both: Vec<Leg> = a.iter().chain(&b).copied().collect();
        let (one, two, sum) = (scan(&a), scan(&b), scan(&both));
        prop_assert!(sum <= (one + two) * (1.0 + 1e-12) + 1e-6);
        let twice: Vec<Leg> =
            a.iter().map(|leg| Leg { position: 2.0 * leg.position, ..*leg }).collect();
        prop_assert!((scan(&twice) - 2.0 * one).abs() <= 1e-9 * (1.0 + one));
    }

    #[test]
    fn a_long_option_risks_its_price_at_most(mut leg in leg()) {
        leg.position = leg.position.abs();
        prop_assume!(leg.kind != Kind::Perpetual);
        let contract = Contract {
            forward: leg.forward, strike: leg.strike, volatility: leg.volatility,
            years: leg.years, call: leg.kind == Kind::Call,
        };
        let paid = run(&price(1).expect("valid"), &greeks_inputs(&[contract]).expect("one"))[0][0];
        let (margins, ..) = margin(&[leg], Width::STATIC);
        prop_assert!(margins[2] <= leg.position * paid * (1.0 + 1e-12) + 1e-6);
    }

    #[test]
    fn a_perpetual_risks_the_half_width(position in -5.0f64..5.0, half in 0.02f64..0.6) {
        let legs = [Leg::perpetual(position, 70_000.0)];
        let (margins, ..) = margin(&legs, Width { half, ..Width::STATIC });
        let expected = position.abs() * 70_000.0 * half;
        // The published weights of the tails are rounded: a third of three hundred is 5.33.
        let capped = if half > 0.33 { 0.0 } else { expected };
        prop_assert!(margins[2] >= capped * (1.0 - 1e-12));
        prop_assert!(margins[2] <= (expected + 1.0) * 1.02 || half > 0.33);
    }
}

/// Kind, lots, strike, volatility in per cent, days.
fn any_leg() -> impl Strategy<Value = (u8, i64, u32, u32, u32)> {
    (0u8..3, -5_000_000i64..5_000_000, 40_000u32..100_000, 20u32..200, 1u32..400)
}

/// The charges of the published grid.
const CHARGES: Charges = Charges { net: 20_000, hedged: 10_000, short: 0, maintenance: 500_000 };

proptest! {
    /// Integers on the claimed arrays ask what the account's Program asks, up to the rounding of
    /// doubles, and never less than it by more than that.
    #[test]
    fn integers_ask_what_the_program_asks(
        made in prop::collection::vec(any_leg(), 1..9),
    ) {
        let legs: Vec<Leg> = made
            .iter()
            .map(|&(kind, lots, strike, volatility, days)| {
                let kind = [Kind::Put, Kind::Call, Kind::Perpetual][usize::from(kind)];
                let position = units(lots);
                let volatility = f64::from(volatility) / 100.0;
                option(kind, position, (f64::from(strike), volatility, f64::from(days)))
            })
            .collect();
        let market = Market { time: 0.0, price: 70_000.0, width: Width::STATIC, band: 0.1 };
        let expiries: Vec<f64> = legs.iter().map(|leg| leg.years * 31_536_000.0).collect();
        let program = scenario::book(legs.len(), &Grid::published()).expect("valid");
        let inputs = book_inputs(&legs, &expiries, market).expect("there are legs");
        let out = run(&program, &inputs);
        let rows: Vec<Row> =
            out[0].chunks(32).map(|row| Row::read(row).expect("finite")).collect();
        let held: Vec<_> =
            (0..legs.len()).map(|i| (&rows[i], made[i].1, made[i].0 < 2)).collect();
        let plain = ledger::Market::plain(70_000_000_000_000_000);
        let ledger::Asked { initial, maintenance, opening } = ledger::margin(&held, CHARGES, plain);
        prop_assert_eq!(opening, initial);
        let (asked, _, _) = margin(&legs, Width::STATIC);
        let gross: f64 = legs.iter().map(|leg| leg.position.abs() * 70_000.0).sum();
        let slack = 1e-9 * (1.0 + gross);
        prop_assert!((dollars(initial) - asked[0]).abs() <= slack);
        prop_assert!((dollars(maintenance) - asked[1]).abs() <= slack);
    }

    /// A mark lies between its neighbours, and at a node it is the node's.
    #[test]
    fn marks_run_through_their_nodes(
        nodes in prop::collection::vec(0.0..1e6f64, 7),
        k in 0usize..7,
        step in 3i128..1_000_000_000_000,
    ) {
        let mut row = vec![0.0; 32];
        row[24..31].copy_from_slice(&nodes);
        let row = Row::read(&row).expect("finite");
        let at = (i128::try_from(k).expect("small") - 3) * step;
        prop_assert_eq!(row.mark(at, step), row.marks[k]);
        if k < 6 {
            let between = row.mark(at + step / 2, step);
            let (one, other) = (row.marks[k], row.marks[k + 1]);
            prop_assert!(one.min(other) <= between && between <= one.max(other));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "lots are below 2^53")]
fn units(lots: i64) -> f64 {
    lots as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "compared within a tolerance")]
fn dollars(wei: u128) -> f64 {
    wei as f64 / 1e18
}

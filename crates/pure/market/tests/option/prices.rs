//! Black-76 against sixty digits, and its laws.

use market::option::Contract;
use proptest::prelude::*;
use tensor::scalar::Scalar;

use crate::support::{all, prices};

const CASES: &str = include_str!("../../../../../vectors/options_v1.json");

/// Fails unless `got` is `expected` to within `near`, relative.
fn close(what: &str, (got, expected): (f64, f64), near: f64) {
    let error = (got - expected).abs() / expected.abs();
    assert!(error <= near, "{what}: {got:e}, expected {expected:e}, error {error:e}");
}

#[test]
fn every_case_to_the_stated_digits() {
    let cases: Vec<Vec<f64>> = serde_json::from_str(CASES).expect("the vectors are JSON");
    assert!(cases.len() > 300);
    for call in [true, false] {
        let contract = |c: &Vec<f64>| Contract {
            forward: c[0],
            strike: c[1],
            volatility: c[2],
            years: c[3],
            call,
        };
        let contracts: Vec<Contract> = cases.iter().map(contract).collect();
        let got = all(&contracts);
        for (i, (case, contract)) in cases.iter().zip(&contracts).enumerate() {
            let name = |what: &str| format!("{what} of {contract:?}");
            let (price, delta) = if call { (case[4], case[5]) } else { (case[6], case[7]) };
            let least = case[4].op_min(case[6]) / contract.forward;
            let near = if least > 1e-7 { 1e-12 } else { 1e-10 };
            close(&name("price"), (got[0][i], price), near);
            close(&name("delta"), (got[1][i], delta), 1e-12);
            for (place, what) in [(2, "gamma"), (3, "vega"), (4, "theta")] {
                close(&name(what), (got[place][i], case[6 + place]), 1e-12);
            }
        }
    }
}

#[test]
fn edges() {
    let at = |volatility, years, call| Contract {
        forward: 100.0,
        strike: 90.0,
        volatility,
        years,
        call,
    };
    let contracts = [
        at(0.0, 1.0, true),
        at(0.5, 0.0, false),
        at(-0.1, 1.0, true),
        at(0.5, -1.0, true),
        at(f64::NAN, 1.0, false),
        Contract { forward: -1.0, ..at(0.5, 1.0, true) },
        Contract { strike: 1e9, ..at(0.01, 0.01, true) },
        Contract { strike: 100.0, ..at(0.0, 1.0, true) },
        at(1e3, 1e3, true),
    ];
    let got = all(&contracts);
    assert_eq!(got[0][0], 10.0);
    assert!(got[0][1] < 1e-300);
    assert!(got[0][2..6].iter().all(|x| x.is_nan()), "{:?}", &got[0][2..6]);
    assert!((0.0..1e-200).contains(&got[0][6]));
    assert!((0.0..1e-12).contains(&got[0][7]));
    assert!((got[0][8] - 100.0).abs() < 1e-12);
    assert_eq!((got[1][0], got[1][8]), (1.0, 1.0));
}

fn contract() -> impl Strategy<Value = Contract> {
    (-1.5f64..1.5, 0.01f64..3.0, 1e-4f64..3.0, any::<bool>()).prop_map(|(off, v, years, call)| {
        let strike = 1_000.0 * (1.0 + off / 3.0);
        Contract { forward: 1_000.0, strike, volatility: v, years, call }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn put_call_parity(c in contract()) {
        let p = prices(&[Contract { call: true, ..c }, Contract { call: false, ..c }]);
        prop_assert!((p[0] - p[1] - (c.forward - c.strike)).abs() <= 1e-12 * c.forward);
    }

    #[test]
    fn within_bounds_and_monotone(c in contract()) {
        let more = 1.01;
        let out = all(&[
            c,
            Contract { volatility: c.volatility * more, ..c },
            Contract { years: c.years * more, ..c },
            Contract { forward: c.forward * more, ..c },
        ]);
        let p = &out[0];
        let (intrinsic, most) = if c.call {
            ((c.forward - c.strike).op_max(0.0), c.forward)
        } else {
            ((c.strike - c.forward).op_max(0.0), c.strike)
        };
        prop_assert!(intrinsic <= p[0] && p[0] <= most, "{} of {c:?}", p[0]);
        let near = 1e-14 * c.forward;
        prop_assert!(p[1] >= p[0] - near && p[2] >= p[0] - near);
        let sign = if c.call { 1.0 } else { -1.0 };
        prop_assert!(sign * (p[3] - p[0]) >= -near);
        prop_assert!((0.0..=1.0).contains(&(out[1][0] * sign)));
        prop_assert!(out[2][0] >= 0.0 && out[3][0] >= 0.0 && out[4][0] <= 0.0);
    }

    #[test]
    fn convex_in_the_strike(c in contract(), width in 0.001f64..0.2) {
        let at = |factor: f64| Contract { strike: c.strike * factor, ..c };
        let p = prices(&[at(1.0 - width), at(1.0), at(1.0 + width)]);
        prop_assert!(p[0] - 2.0 * p[1] + p[2] >= -1e-12 * c.forward);
    }

    #[test]
    fn greeks_are_derivatives(c in contract()) {
        let step = 1e-4;
        let at = |x: f64, v: f64, t: f64| Contract {
            forward: c.forward * x, volatility: c.volatility * v, years: c.years * t, ..c
        };
        let (up, down) = (1.0 + step, 1.0 - step);
        let out = all(&[
            c,
            at(up, 1.0, 1.0), at(down, 1.0, 1.0),
            at(1.0, up, 1.0), at(1.0, down, 1.0),
            at(1.0, 1.0, up), at(1.0, 1.0, down),
        ]);
        let p = &out[0];
        let slope = |i: usize, x: f64| (p[i] - p[i + 1]) / (2.0 * step * x);
        let s = c.volatility * c.years.sqrt();
        // Differences see the third derivative: of order (step / s)^2 of the scale.
        let near = 1e-8 + 10.0 * (step / s) * (step / s);
        prop_assert!((slope(1, c.forward) - out[1][0]).abs() <= near + 1e-7);
        let scale = |greek: f64| near * (greek.abs() + 1.0) + 1e-5;
        prop_assert!((slope(3, c.volatility) - out[3][0]).abs() <= scale(c.forward));
        let near = scale(out[4][0]) * 10.0 + 1e-4 / c.years;
        prop_assert!((slope(5, c.years) + out[4][0]).abs() <= near);
        let bend = (out[1][1] - out[1][2]) / (2.0 * step * c.forward);
        let near = 1e-8 + 10.0 * (step / s) * (step / s) + 1e-7;
        prop_assert!((bend - out[2][0]).abs() <= near / (s * c.forward));
    }
}

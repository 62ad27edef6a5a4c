//! Implied volatility: there and back again.

use market::option::{Contract, implied, implied_inputs};
use proptest::prelude::*;
use tensor::scalar::Float;

use crate::support::{all, run};

/// Returns the volatility that each price implies.
fn volatilities(quotes: &[(f64, Contract)]) -> Vec<f64> {
    let program = implied(quotes.len()).expect("valid");
    run(&program, &implied_inputs(quotes).expect("there are quotes")).swap_remove(0)
}

#[test]
fn from_the_money_to_the_far_tail() {
    let mut contracts = Vec::new();
    for s in [1e-3, 0.01, 0.05, 0.0999, 0.1001, 0.3, 1.0, 2.0, 4.0] {
        for off in 0..66 {
            let strike = 1_000.0 * (f64::from(off - 33) * 0.2 * s).op_exp();
            let call = strike > 1_000.0;
            let years = 0.25;
            contracts.push(Contract { forward: 1_000.0, strike, volatility: 2.0 * s, years, call });
        }
    }
    let prices = all(&contracts).swap_remove(0);
    let quotes: Vec<(f64, Contract)> = prices.into_iter().zip(contracts).collect();
    for (got, (price, contract)) in volatilities(&quotes).into_iter().zip(&quotes) {
        if *price > 1e-10 {
            let error = (got / contract.volatility - 1.0).abs();
            assert!(error < 1e-12, "{contract:?} at {price}: {got}");
        }
    }
}

#[test]
fn what_no_volatility_gives_is_no_number() {
    let call = Contract { forward: 100.0, strike: 90.0, volatility: 0.0, years: 1.0, call: true };
    let put = Contract { call: false, ..call };
    let impossible = [
        (10.0, call),
        (9.0, call),
        (100.0, call),
        (0.0, put),
        (-1.0, put),
        (90.0, put),
        (f64::NAN, put),
        (5.0, Contract { forward: -1.0, ..put }),
        (5.0, Contract { strike: f64::NAN, ..put }),
        (5.0, Contract { years: -1.0, ..put }),
    ];
    assert!(volatilities(&impossible).iter().all(|x| x.is_nan()));
    let possible = [(10.0001, call), (99.9, call), (1e-9, put), (89.9, put)];
    assert!(volatilities(&possible).iter().all(|x| *x > 0.0 && x.is_finite()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn round_trip(off in -5.0f64..5.0, v in 0.02f64..4.0, years in 1e-4f64..2.0,
                  call in any::<bool>()) {
        let s = v * years.sqrt();
        let strike = 50_000.0 * (off * s).op_exp();
        let contract = Contract { forward: 50_000.0, strike, volatility: v, years, call };
        let out = all(&[contract]);
        let got = volatilities(&[(out[0][0], contract)])[0];
        // The price's own last bit, over vega.
        let near = 1e-13 * v + 4e-16 * out[0][0] / out[3][0];
        prop_assert!((got - v).abs() <= near, "{got} {v}");
    }
}

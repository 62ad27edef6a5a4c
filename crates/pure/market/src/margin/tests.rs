//! The margin's formula by hand, and its promise for every input.

use super::*;
use crate::maths::ln;

/// The series of exp, to the last few bits.
fn exp_of(x: f64) -> f64 {
    let mut term = 1.0;
    (1..40).fold(1.0, |sum, n| {
        term *= x / f64::from(n);
        sum + term
    })
}

fn run(config: &MarginConfig, log_variance: f64, members: &[f64], ratios: &[f64]) -> [f64; 3] {
    let inputs = margin_inputs(log_variance, members, ratios).expect("not empty");
    let outputs = tensor::eval(&margin(config).expect("valid"), &inputs).expect("inputs fit");
    outputs[0].as_f64().expect("f64").try_into().expect("three numbers")
}

const SMALL: MarginConfig = MarginConfig { members: 3, recent: 2, ..MarginConfig::STANDARD };

#[test]
fn the_formula_by_hand() {
    let ln_h = ln(&[0.03 * 0.03])[0];
    let config = MarginConfig { horizon_days: 4.0, ..SMALL };
    let members = [ln_h - 0.3, ln_h, ln_h + 0.3];
    let [value, lower, upper] = run(&config, ln_h, &members, &[0.5, 2.0]);
    let u = (0.06_f64 + (0.25 + 1.0) / 2.0 / 2.0).sqrt();
    assert!((value - 3.4 * 0.06).abs() < 1e-12);
    assert!((upper / value - exp_of(1.645 * u / 2.0)).abs() < 1e-12);
    assert!((value / lower - upper / value).abs() < 1e-12);
}

#[test]
fn floor_and_cap_hold() {
    assert_eq!(run(&SMALL, -20.0, &[-20.0; 3], &[1.0; 2]), [0.02; 3]);
    assert_eq!(run(&SMALL, 4.0, &[4.0; 3], &[1.0; 2]), [1.0; 3]);
}

#[test]
fn disagreement_widens_the_interval() {
    let width = |spread: f64| {
        let [_, lower, upper] = run(&SMALL, -8.0, &[-8.0 - spread, -8.0, -8.0 + spread], &[1.0; 2]);
        upper - lower
    };
    assert!(width(0.1) < width(0.2) && width(0.0) < width(0.1));
}

#[test]
fn it_is_total() {
    let wild = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN,
        0.0,
        -0.0,
        -8.0,
        1e-308,
        700.0,
    ];
    for a in wild {
        for b in wild {
            for c in wild {
                let [value, lower, upper] = run(&SMALL, a, &[b, -8.0, c], &[c, b]);
                assert!(SMALL.floor <= lower && lower <= value, "{a} {b} {c}: {lower} {value}");
                assert!(value <= upper && upper <= SMALL.cap, "{a} {b} {c}: {value} {upper}");
            }
        }
    }
    let broken = run(&SMALL, f64::NAN, &[-8.0; 3], &[1.0; 2]);
    assert_eq!(broken[0], SMALL.cap, "a forecast that is no number asks for the most");
}

#[test]
fn the_standard_margin_is_this_program() {
    let program = margin(&MarginConfig::STANDARD).expect("valid");
    let expected = "0xc4f798df38f138ea57f8dcb6adf2080d026a329cb3a5c0700acff541570f07f0";
    assert_eq!(program.hash().to_string(), expected);
}

//! Certified surfaces: the roots of whole claims about slices, and total variances at strikes.
//!
//! *Invariant: every double is the decimal string of its bits, or hex of its bytes.*
//! Absent: surfaces that are not certified; the Programs' own tests have them.

use market::surface::{Certificate, Svi, butterfly, calendar, certify};
use serde_json::{Value, json};
use tensor::{BuildError, Builder, Dtype, Program, Tensor};

use super::json::{bytes, hex, list};

const YEARS: [f64; 3] = [0.05, 0.25, 1.0];

pub(super) fn generate() -> Value {
    let slices: Vec<Svi> = YEARS
        .iter()
        .map(|years| Svi {
            a: 0.04 * years,
            b: 0.1 * years.sqrt(),
            rho: -0.35,
            m: 0.02,
            sigma: 0.15 + 0.1 * years,
        })
        .collect();
    let cases: Vec<Value> = (0..slices.len())
        .map(|i| case(&slices[i], i.checked_sub(1).map(|before| &slices[before])))
        .collect();
    json!({
        "about": "SurfaceBook.sol and market::surface: roots of claims about certified slices, \
                  and total variances at strikes by forwards",
        "version": 1,
        "butterfly": butterfly().expect("a constant Program").hash().to_string(),
        "calendar": calendar().expect("a constant Program").hash().to_string(),
        "cases": cases,
    })
}

/// Runs the Programs of the file again.
pub(super) fn check(file: &Value) {
    assert_eq!(*file, generate(), "run `cargo xtask vectors`");
    for case in list(&file["cases"]) {
        assert_eq!(bytes(&case["butterfly"]["report"]).len(), 24);
    }
}

fn case(svi: &Svi, before: Option<&Svi>) -> Value {
    let found: Certificate = certify(svi, before);
    assert!(found.holds(), "the vectors' surface is certified: {found:?}");
    let own = [parameters(svi)];
    let order = before.map(|before| {
        let slices = [parameters(before), parameters(svi)];
        proof(&calendar().expect("a constant Program"), &slices, &found.calendar_edges)
    });
    let points: Vec<Value> = [0.5, 0.9, 1.0, 1.07, 1.8]
        .map(|moneyness| point(svi, 60_000.0 * moneyness, 60_100.0))
        .into();
    json!({
        "svi": hex(&own[0].to_bytes()),
        "butterfly": proof(&butterfly().expect("a constant Program"), &own, &found.edges),
        "calendar": order,
        "points": points,
    })
}

/// The roots of a claim, and what it says.
fn proof(program: &Program, slices: &[Tensor], edges: &[f64]) -> Value {
    let mut inputs = slices.to_vec();
    inputs.push(Tensor::f64(&[edges.len()], edges.to_vec()).expect("as many edges"));
    let out = tensor::eval(program, &inputs).expect("the inputs fit");
    let root = |all: &[Tensor]| {
        let roots: Vec<tensor::Hash> = all.iter().map(Tensor::root).collect();
        tensor::tree::root(&roots).to_string()
    };
    json!({
        "edges": hex(&inputs[slices.len()].to_bytes()),
        "bounds": out[0].root().to_string(),
        "report": hex(&out[1].to_bytes()),
        "inputs_root": root(&inputs),
        "outputs_root": root(&out),
    })
}

/// The total variance at a strike, in the operations that the contract does.
fn point(svi: &Svi, strike: f64, forward: f64) -> Value {
    let one = |x: f64| Tensor::f64(&[1], vec![x]).expect("one");
    let inputs = [parameters(svi), one(strike), one(forward)];
    let out = tensor::eval(&variance().expect("a constant Program"), &inputs).expect("they fit");
    let bits = |x: f64| x.to_bits().to_string();
    let value = |i: usize| out[i].as_f64().expect("f64")[0];
    json!([bits(strike), bits(forward), bits(value(0)), bits(value(1))])
}

/// `(svi f64[5], strike f64[1], forward f64[1]) -> (log-moneyness f64[1], total variance f64[1])`.
fn variance() -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let svi = b.input(Dtype::F64, &[5])?;
    let (strike, forward) = (b.input(Dtype::F64, &[1])?, b.input(Dtype::F64, &[1])?);
    let mut part = |i: usize| b.slice(svi, &[i], &[i + 1]);
    let (level, slope, rho) = (part(0)?, part(1)?, part(2)?);
    let (centre, sigma) = (part(3)?, part(4)?);
    let ratio = b.div(strike, forward)?;
    let k = b.log(ratio)?;
    let x = b.sub(k, centre)?;
    let square = b.mul(sigma, sigma)?;
    let square = b.fma(x, x, square)?;
    let root = b.sqrt(square)?;
    let inner = b.fma(rho, x, root)?;
    let total = b.fma(slope, inner, level)?;
    b.finish(&[k, total])
}

fn parameters(svi: &Svi) -> Tensor {
    Tensor::f64(&[5], vec![svi.a, svi.b, svi.rho, svi.m, svi.sigma]).expect("five parameters")
}

//! Real option chains through prices, implied volatilities and certified surfaces.

use std::io::Write;
use std::path::Path;

use kernels::Runner;
use market::option::{Contract, greeks, greeks_inputs, implied, implied_inputs};
use market::surface::{self, Chain, Expiry, Slice};

/// The chains of a crash beside the checkout, or `None` with a line that says so.
fn chains() -> Option<Vec<Chain>> {
    let name = "../../../../shared/data/deribit/option_chain_6h_20260203_0207.parquet";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if !path.is_file() {
        let line = format!("skipped: {} is not here", path.display());
        writeln!(std::io::stderr(), "{line}").expect("stderr is open");
        return None;
    }
    Some(feeds::chains(&path).expect("checked data"))
}

/// Returns the first output of a Program over columns.
fn run(program: &tensor::Program, inputs: &[tensor::Tensor]) -> Vec<Vec<f64>> {
    let out = Runner::new(program).run(inputs).expect("the inputs fit");
    out.iter().map(|x| x.as_f64().expect("outputs are f64").to_vec()).collect()
}

fn volatilities(quotes: &[(f64, Contract)]) -> Vec<f64> {
    let program = implied(quotes.len()).expect("valid");
    run(&program, &implied_inputs(quotes).expect("there are quotes")).swap_remove(0)
}

/// Every bid and ask of an expiry, in the money too.
fn every_quote(expiry: &Expiry) -> Vec<(f64, Contract)> {
    let mut all = Vec::new();
    for quote in &expiry.quotes {
        let contract = Contract {
            forward: quote.future,
            strike: quote.strike,
            volatility: 0.0,
            years: expiry.years,
            call: quote.call,
        };
        all.extend([quote.bid, quote.ask].into_iter().flatten().map(|price| (price, contract)));
    }
    all
}

#[test]
fn every_real_quote_comes_back() {
    let Some(chains) = chains() else { return };
    let (mut held, mut below) = (0, 0);
    for expiry in chains.iter().flat_map(|chain| &chain.expiries) {
        let quotes = every_quote(expiry);
        let found = volatilities(&quotes);
        let priced = |(volatility, (_, contract)): (&f64, &(f64, Contract))| Contract {
            volatility: *volatility,
            ..*contract
        };
        let contracts: Vec<Contract> = found.iter().zip(&quotes).map(priced).collect();
        let inputs = greeks_inputs(&contracts).expect("there are quotes");
        let values = run(&greeks(contracts.len()).expect("valid"), &inputs);
        let again: Vec<(f64, Contract)> =
            values[0].iter().copied().zip(contracts.iter().copied()).collect();
        let again = volatilities(&again);
        for (i, contract) in contracts.iter().enumerate() {
            // The last digit of a quote is 0.0001 coin; vega is per point of volatility here.
            let vega = values[3][i] / 100.0 / contract.forward;
            if vega.is_nan() || vega < 1e-4 {
                below += 1;
                continue;
            }
            held += 1;
            let (volatility, price) = (found[i], quotes[i].0);
            assert!((again[i] - volatility).abs() < 1e-10, "{contract:?}");
            assert!((values[0][i] - price).abs() < 1e-10 * values[3][i], "{contract:?} {price}");
        }
    }
    assert!(held > 25_000 && below > 0, "{held} {below}");
}

#[test]
fn real_surfaces_are_certified() {
    let Some(chains) = chains() else { return };
    // A part of them: two assets, a calm and a wild day.
    let (mut slices_all, mut inside, mut quotes) = (0, 0, 0);
    for chain in chains.iter().step_by(7) {
        let mut slices = Vec::new();
        for expiry in &chain.expiries {
            let contracts = surface::contracts(expiry);
            let points = surface::points(&contracts, &volatilities(&contracts));
            slices.push(Slice { years: expiry.years, points });
        }
        for (slice, fitted) in slices.iter().zip(surface::fit_all(&slices, &[])) {
            let Some(fitted) = fitted else {
                assert!(slice.points.len() < 6, "{} at {}", chain.asset, chain.time_s);
                continue;
            };
            assert!(fitted.certificate.holds());
            slices_all += 1;
            for p in &slice.points {
                let volatility = fitted.svi.volatility(p.k, slice.years);
                inside += u32::from(p.bid <= volatility && volatility <= p.ask);
                quotes += 1;
            }
        }
    }
    assert!(slices_all > 50, "{slices_all}");
    assert!(f64::from(inside) > 0.92 * f64::from(quotes), "{inside} of {quotes}");
}

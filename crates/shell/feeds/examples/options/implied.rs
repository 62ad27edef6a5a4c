//! Implied volatility: quotes a second, on one thread.

use std::hint::black_box;

use kernels::Runner;
use market::option::{Contract, greeks_inputs, implied, implied_inputs, price};

use crate::Failure;
use crate::black::{ALONE, contracts, rate};
use crate::rows::{Bar, Rows, seconds};

const COUNT: usize = 16_384;

pub(crate) fn measure(rows: &mut Rows) -> Result<(), Failure> {
    rows.title("Implied volatility, a thread");
    // Puts below the forward and calls above, as quotes are read, to four deviations off.
    let outside = |c: Contract| {
        let off = (c.strike / c.forward - 1.0) * 8.0;
        let strike = c.forward * (off * c.volatility * c.years.sqrt()).exp();
        Contract { strike, call: strike > c.forward, ..c }
    };
    let contracts: Vec<Contract> = contracts(COUNT).into_iter().map(outside).collect();
    let prices = Runner::new(&price(COUNT)?).run(&greeks_inputs(&contracts)?)?;
    let prices = prices[0].as_f64().ok_or("prices are f64")?;
    let quotes: Vec<(f64, Contract)> = prices.iter().copied().zip(contracts).collect();
    let inputs = implied_inputs(&quotes)?;
    let mut runner = Runner::new(&implied(COUNT)?).with_threads(ALONE);
    let (time, _) = seconds(|| drop(black_box(runner.run(&inputs))));
    rows.row("implied volatilities, millions a second", rate(COUNT, time), Bar::AtLeast(3.0));
    Ok(())
}

//! Portfolio margin: accounts a second, and how long one takes, on one thread.

use std::hint::black_box;

use kernels::{Runner, Threads};
use market::scenario::{Grid, Kind, Leg, Width, account, account_inputs};
use tensor::Tensor;

use crate::Failure;
use crate::black::{ALONE, contracts};
use crate::rows::{Bar, Rows, seconds};

/// Legs of an account.
const LEGS: usize = 50;
/// Different accounts that take turns.
const ACCOUNTS: usize = 64;

pub(crate) fn measure(rows: &mut Rows) -> Result<(), Failure> {
    rows.title("Portfolio margin, 50 legs, 24 scenarios, a thread");
    let contracts = contracts(LEGS * ACCOUNTS);
    let inputs = contracts.chunks(LEGS).map(|chunk| {
        let leg = |(i, c): (usize, &market::option::Contract)| Leg {
            kind: if c.call { Kind::Call } else { Kind::Put },
            position: (i as f64 - 24.5) / 7.0,
            forward: c.forward,
            strike: c.strike,
            volatility: c.volatility,
            years: c.years,
        };
        let legs: Vec<Leg> = chunk.iter().enumerate().map(leg).collect();
        account_inputs(&legs, Width::STATIC, (60_000.0, 0.0))
    });
    let inputs: Vec<Vec<Tensor>> = inputs.collect::<Result<_, _>>()?;
    let threads = Threads { ..ALONE };
    let mut runner = Runner::new(&account(LEGS, &Grid::published())?).with_threads(threads);
    let mut turn = 0;
    let (time, late) = seconds(|| {
        turn = (turn + 1) % ACCOUNTS;
        drop(black_box(runner.run(&inputs[turn])));
    });
    rows.row("accounts a second", 1.0 / time, Bar::AtLeast(20_000.0));
    rows.row("99th per cent, microseconds", late * 1e6, Bar::AtMost(100.0));
    Ok(())
}

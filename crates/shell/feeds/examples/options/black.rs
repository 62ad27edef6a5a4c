//! Price and Greeks: options a second, on one thread.

use std::hint::black_box;

use kernels::{Runner, Threads};
use market::option::{Contract, greeks, greeks_inputs, price};

use crate::Failure;
use crate::rows::{Bar, Rows, seconds};

/// Options of a run: a large exchange's whole board, several times over.
const COUNT: usize = 16_384;

/// Returns contracts over strikes, expiries and volatilities.
pub(crate) fn contracts(count: usize) -> Vec<Contract> {
    let contract = |i: usize| {
        let part = |k: usize, of: usize| ((i * k) % of) as f64 / of as f64;
        Contract {
            forward: 60_000.0,
            strike: 30_000.0 + 60_000.0 * part(7_919, 10_007),
            volatility: 0.2 + part(104_729, 997),
            years: 0.003 + part(1_299_709, 499),
            call: i.is_multiple_of(2),
        }
    };
    (0..count).map(contract).collect()
}

/// One thread, whatever the machine has.
pub(crate) const ALONE: Threads = Threads { count: 1, work_min: 1 << 20 };

pub(crate) fn measure(rows: &mut Rows) -> Result<(), Failure> {
    rows.title("Black-76, a thread");
    let inputs = greeks_inputs(&contracts(COUNT))?;
    let mut all = Runner::new(&greeks(COUNT)?).with_threads(ALONE);
    let (time, _) = seconds(|| drop(black_box(all.run(&inputs))));
    rows.row("price and 4 Greeks, millions a second", rate(COUNT, time), Bar::AtLeast(15.0));
    let mut alone = Runner::new(&price(COUNT)?).with_threads(ALONE);
    let (time, _) = seconds(|| drop(black_box(alone.run(&inputs))));
    rows.row("price, millions a second", rate(COUNT, time), Bar::Free);
    Ok(())
}

/// Returns millions a second.
pub(crate) fn rate(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds / 1e6
}

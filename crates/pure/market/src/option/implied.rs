//! The volatility that a price implies, by a fixed number of steps.
//!
//! With `p` the out-of-the-money price over the lesser of forward and strike and `k = |ln(forward /
//! strike)|`, the deviation `s` solves `ln b(s) = ln p`, a concave, increasing function of `s`. The
//! first guess is the greater of two lower bounds:
//!
//! - `p <= N(d1)`, so `s >= d + sqrt(d^2 + 2 k)` with `d` the `p`-quantile of the normal law
//!   (Abramowitz and Stegun 26.2.23, good to 4.5e-4);
//! - `p <= 2 N(s / 2) - 1 <= s / sqrt(2 pi)`, which is nearly attained at the money.
//!
//! Both together are at least 0.22 of `s` for every `p` from 1e-13 and `s` to 6, and Halley's
//! method goes from there to the last bits in four steps: with `n = -(ln b - ln p) b / b'` and `b''
//! / b' = k^2 / s^3 - s / 4`, the step is `n / (1 + n (b'' / b' - b' / b) / 2)`. (That the
//! logarithm of the price is the thing to solve for is Choi, Huh and Su's, 2023.)
//!
//! The price of an option in the money first loses its intrinsic value, and with it digits.

use tensor::{BuildError, Builder, Dtype, Program, ShapeError, Tensor, Value};

use super::black::{self, Contract, Spread};
use crate::elements::Elements;

type Built = Result<Value, BuildError>;

/// Steps of Halley's method.
const STEPS: usize = 4;
/// A step goes down to this part of where it is at most.
const DOWN: f64 = 0.25;
/// A step goes up to this multiple of where it is at most.
const UP: f64 = 8.0;
/// Guesses are at least this.
const LEAST: f64 = 1e-9;
const ROOT_TAU: f64 = 2.506_628_274_631_000_7;

/// Returns the Program `(price, forward, strike, years f64[n], call i32[n]) -> volatility f64[n]`.
///
/// A price that no volatility gives (not above the intrinsic value, or not below the forward for a
/// call and the strike for a put), and any other input without meaning, gives NaN.
///
/// # Errors
///
/// [`BuildError`] if `n` is 0.
///
/// ```
/// use market::option::{Contract, implied, implied_inputs};
/// let put = Contract { forward: 100.0, strike: 90.0, volatility: 0.6, years: 0.25, call: false };
/// let out = tensor::eval(&implied(1)?, &implied_inputs(&[(7.012_879_901_849_708, put)])?)?;
/// let volatility = out[0].as_f64().map_or(0.0, |x| x[0]);
/// assert!((volatility - 0.6).abs() < 1e-14);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn implied(n: usize) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let price = b.input(Dtype::F64, &[n])?;
    let (forward, strike) = (b.input(Dtype::F64, &[n])?, b.input(Dtype::F64, &[n])?);
    let (years, call) = (b.input(Dtype::F64, &[n])?, b.input(Dtype::I32, &[n])?);
    let e = &mut Elements::new(&mut b, &[n]);
    let spread = black::spread(e, (forward, strike))?;
    let intrinsic = black::intrinsic(e, (forward, strike), call)?;
    let outside = e.b.sub(price, intrinsic)?;
    let outside = possible(e, outside, &spread)?;
    let mut deviation = guess(e, outside, &spread)?;
    for _ in 0..STEPS {
        deviation = step(e, outside, (&spread, deviation))?;
    }
    let root = e.b.sqrt(years)?;
    let volatility = e.b.div(deviation, root)?;
    b.finish(&[volatility])
}

/// Returns the inputs of [`implied`]: prices with their contracts, whose volatility is not read.
///
/// # Errors
///
/// [`ShapeError`] if there are none.
///
/// ```
/// assert!(market::option::implied_inputs(&[]).is_err());
/// ```
pub fn implied_inputs(quotes: &[(f64, Contract)]) -> Result<Vec<Tensor>, ShapeError> {
    let contracts: Vec<Contract> = quotes.iter().map(|(_, contract)| *contract).collect();
    let mut inputs = black::greeks_inputs(&contracts)?;
    inputs.remove(2);
    let prices = quotes.iter().map(|(price, _)| *price).collect();
    inputs.insert(0, Tensor::f64(&[quotes.len()], prices)?);
    Ok(inputs)
}

/// The price, or NaN if it is not between nothing and the lesser of forward and strike.
fn possible(e: &mut Elements<'_>, price: Value, spread: &Spread) -> Built {
    let (zero, nan) = (e.number(0.0)?, e.number(f64::NAN)?);
    let above = e.b.lt(zero, price)?;
    let price = e.b.select(above, price, nan)?;
    let below = e.b.lt(price, spread.low)?;
    e.b.select(below, price, nan)
}

/// A deviation below the one that is looked for, and not by much.
fn guess(e: &mut Elements<'_>, price: Value, spread: &Spread) -> Built {
    let share = e.b.div(price, spread.low)?;
    let d = quantile(e, share)?;
    let twice = e.b.add(spread.log, spread.log)?;
    let square = e.b.fma(d, d, twice)?;
    let root = e.b.sqrt(square)?;
    // d + root, without cancellation where d is negative.
    let size = e.b.abs(d)?;
    let sum = e.b.add(root, size)?;
    let small = e.b.div(twice, sum)?;
    let negative = e.below(d, 0.0)?;
    let tail = e.b.select(negative, small, sum)?;
    let middle = e.times(share, ROOT_TAU)?;
    let guess = e.b.max(tail, middle)?;
    e.at_least(guess, LEAST)
}

/// The p-quantile of the normal law to 4.5e-4: Abramowitz and Stegun 26.2.23.
fn quantile(e: &mut Elements<'_>, p: Value) -> Built {
    let one = e.number(1.0)?;
    let rest = e.b.sub(one, p)?;
    let tail = e.b.min(p, rest)?;
    let log = e.b.log(tail)?;
    let square = e.times(log, -2.0)?;
    let t = e.b.sqrt(square)?;
    let polynomial = |e: &mut Elements<'_>, c: &[f64]| -> Built {
        let mut sum = e.number(c[0])?;
        for c in &c[1..] {
            sum = e.fma(sum, t, *c)?;
        }
        Ok(sum)
    };
    let above = polynomial(e, &[0.010_328, 0.802_853, 2.515_517])?;
    let below = polynomial(e, &[0.001_308, 0.189_269, 1.432_788, 1.0])?;
    let quotient = e.b.div(above, below)?;
    let z = e.b.sub(t, quotient)?;
    let minus = e.b.neg(z)?;
    let lower = e.b.lt(p, rest)?;
    e.b.select(lower, minus, z)
}

/// One step of Halley's method.
fn step(e: &mut Elements<'_>, price: Value, (spread, s): (&Spread, Value)) -> Built {
    let tail = black::tail(e, spread, s)?;
    let kernel = black::kernel(e, &tail)?;
    let got = black::outside(e, &tail, (kernel, s))?;
    let ratio = e.b.div(price, got)?;
    let miss = e.b.log(ratio)?;
    let slope = e.b.div(kernel, got)?;
    let newton = e.b.div(miss, slope)?;
    // b'' / b' = k^2 / s^3 - s / 4.
    let square = e.b.mul(s, s)?;
    let h = e.b.div(spread.log, square)?;
    let bend = e.b.mul(h, h)?;
    let bend = e.plus(bend, -0.25)?;
    let bend = e.b.mul(bend, s)?;
    let bend = e.b.sub(bend, slope)?;
    let half = e.times(newton, 0.5)?;
    let below = e.fma(half, bend, 1.0)?;
    let change = e.b.div(newton, below)?;
    let next = e.b.add(s, change)?;
    let (least, most) = (e.times(s, DOWN)?, e.times(s, UP)?);
    let next = e.b.max(next, least)?;
    e.b.min(next, most)
}

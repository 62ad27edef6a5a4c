//! Black-76 in the normalised form of Jäckel (2015, "Let's be rational"), for accuracy in the tail.
//!
//! With `s = volatility * sqrt(years)`, `h = |ln(forward / strike)| / s`, `t = s / 2`, `lo` and
//! `hi` the lesser and greater of forward and strike, the out-of-the-money price is
//!
//! `lo N(t - h) - hi N(-t - h) = sqrt(lo hi) phi(h) e^(-t^2 / 2) (Y(t - h) - Y(-t - h))`,
//!
//! where `Y = N / phi`. The left form cancels where `t` is small beside `h`, so below `s = 0.1` the
//! difference on the right is its Taylor series in `t`: with `c[n] = Y^(n)(-h) t^n / n!`, `Y' = 1 -
//! h Y` and `Y^(n+1) = -h Y^(n) + n Y^(n-1)`,
//!
//! `c[n+1] = (-h t c[n] + t^2 c[n-1]) / (n + 1)`, and the difference is `2 (c1 + c3 + c5 + c7)`,
//!
//! whose next term is below `1.1e-3 t^8` of the sum. The logarithm gets the remainder of the
//! division, `h^2 / 2` is kept in two parts. Relative error: docs/options.md.

use tensor::{BuildError, Builder, Dtype, Program, ShapeError, Tensor, Value};

use crate::elements::Elements;

type Built = Result<Value, BuildError>;

/// Below this deviation the price is the series.
const SERIES_BELOW: f64 = 0.1;
/// Roots of years are at least this: thirty nanoseconds.
const ROOT_LEAST: f64 = 3e-8;
/// Deviations are at least this.
const DEVIATION_LEAST: f64 = 1e-15;
/// `h / sqrt(2)` is held at this, where `erfc` is still normal: a price of 1e-305 of the forward.
const FAR: f64 = 26.5;
const ROOT_PI: f64 = 1.772_453_850_905_516;

/// What an option is and what its price depends on.
///
/// ```
/// let contract = market::option::Contract {
///     forward: 100.0, strike: 110.0, volatility: 0.5, years: 0.25, call: true,
/// };
/// assert!(contract.call);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contract {
    /// Forward price of the expiry, in the currency of the strike; positive.
    pub forward: f64,
    /// Strike; positive.
    pub strike: f64,
    /// Volatility a year, 0.5 for 50 %.
    pub volatility: f64,
    /// Years to expiry.
    pub years: f64,
    /// A call; otherwise a put.
    pub call: bool,
}

/// A forward and a strike in order.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    /// `min(forward, strike)`.
    pub(super) low: Value,
    /// `max(forward, strike)`.
    pub(super) high: Value,
    /// `ln(high / low)`.
    pub(super) log: Value,
}

/// What the formula makes of a spread and a deviation, out of the money.
pub(super) struct Tail {
    spread: Spread,
    /// `h / sqrt(2)`.
    z: Value,
    /// `t / sqrt(2)`.
    tau: Value,
    /// `N(t - h)`.
    near: Value,
    /// `N(-t - h)`.
    far: Value,
}

/// Returns the Program `(forward, strike, volatility, years f64[n], call i32[n]) -> (price, delta,
/// gamma, vega, theta f64[n])`.
///
/// `delta` and `gamma` are by the forward, `vega` by a volatility of 1 (not a point), `theta` by a
/// year that passes, forward unchanged. `call` is 0 for puts.
///
/// # Errors
///
/// [`BuildError`] if `n` is 0.
///
/// ```
/// use market::option::{Contract, greeks, greeks_inputs};
/// let put = Contract { forward: 100.0, strike: 90.0, volatility: 0.6, years: 0.25, call: false };
/// let out = tensor::eval(&greeks(1)?, &greeks_inputs(&[put])?)?;
/// let price = out[0].as_f64().map_or(0.0, |x| x[0]);
/// assert!((price - 7.012_879_901_849_708).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn greeks(n: usize) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let market = Market::inputs(&mut b, n)?;
    let e = &mut Elements::new(&mut b, &[n]);
    let (root, deviation) = market.deviation(e)?;
    let spread = spread(e, (market.forward, market.strike))?;
    let tail = tail(e, &spread, deviation)?;
    let kernel = kernel(e, &tail)?;
    let price = market.price(e, &tail, (kernel, deviation))?;
    let delta = market.delta(e, &tail)?;
    let square = e.b.mul(market.forward, market.forward)?;
    let width = e.b.mul(square, deviation)?;
    let gamma = e.b.div(kernel, width)?;
    let vega = e.b.mul(kernel, root)?;
    let rate = e.b.div(market.volatility, root)?;
    let rate = e.times(rate, -0.5)?;
    let theta = e.b.mul(kernel, rate)?;
    b.finish(&[price, delta, gamma, vega, theta])
}

/// Returns the Program with the inputs of [`greeks`] and the price alone.
///
/// # Errors
///
/// [`BuildError`] if `n` is 0.
///
/// ```
/// use market::option::{Contract, greeks_inputs, price};
/// let call = Contract { forward: 100.0, strike: 90.0, volatility: 0.0, years: 0.25, call: true };
/// let out = tensor::eval(&price(1)?, &greeks_inputs(&[call])?)?;
/// assert_eq!(out[0].as_f64(), Some(&[10.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn price(n: usize) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let market = Market::inputs(&mut b, n)?;
    let e = &mut Elements::new(&mut b, &[n]);
    let (_, deviation) = market.deviation(e)?;
    let spread = spread(e, (market.forward, market.strike))?;
    let tail = tail(e, &spread, deviation)?;
    let kernel = kernel(e, &tail)?;
    let price = market.price(e, &tail, (kernel, deviation))?;
    b.finish(&[price])
}

/// Returns the inputs of [`greeks`] and [`price`].
///
/// # Errors
///
/// [`ShapeError`] if there are no contracts.
///
/// ```
/// assert!(market::option::greeks_inputs(&[]).is_err());
/// ```
pub fn greeks_inputs(contracts: &[Contract]) -> Result<Vec<Tensor>, ShapeError> {
    let column = |get: fn(&Contract) -> f64| {
        Tensor::f64(&[contracts.len()], contracts.iter().map(get).collect())
    };
    Ok(vec![
        column(|c| c.forward)?,
        column(|c| c.strike)?,
        column(|c| c.volatility)?,
        column(|c| c.years)?,
        Tensor::i32(&[contracts.len()], contracts.iter().map(|c| i32::from(c.call)).collect())?,
    ])
}

/// The Program's inputs.
struct Market {
    forward: Value,
    strike: Value,
    volatility: Value,
    years: Value,
    call: Value,
}

impl Market {
    fn inputs(b: &mut Builder, n: usize) -> Result<Market, BuildError> {
        Ok(Market {
            forward: b.input(Dtype::F64, &[n])?,
            strike: b.input(Dtype::F64, &[n])?,
            volatility: b.input(Dtype::F64, &[n])?,
            years: b.input(Dtype::F64, &[n])?,
            call: b.input(Dtype::I32, &[n])?,
        })
    }

    /// The root of the years and the deviation of the logarithm at expiry.
    fn deviation(&self, e: &mut Elements<'_>) -> Result<(Value, Value), BuildError> {
        let root = e.b.sqrt(self.years)?;
        let root = e.at_least(root, ROOT_LEAST)?;
        let zero = e.number(0.0)?;
        let valid = e.b.le(zero, self.volatility)?;
        let nan = e.b.div(zero, zero)?;
        let volatility = e.b.select(valid, self.volatility, nan)?;
        let deviation = e.b.mul(volatility, root)?;
        Ok((root, e.at_least(deviation, DEVIATION_LEAST)?))
    }

    /// The out-of-the-money price and the intrinsic value together.
    fn price(
        &self,
        e: &mut Elements<'_>,
        tail: &Tail,
        (kernel, deviation): (Value, Value),
    ) -> Built {
        let outside = outside(e, tail, (kernel, deviation))?;
        let intrinsic = intrinsic(e, (self.forward, self.strike), self.call)?;
        e.b.add(outside, intrinsic)
    }

    /// The derivative by the forward: `N(d1)`, or `N(d1) - 1` for a put.
    fn delta(&self, e: &mut Elements<'_>, tail: &Tail) -> Built {
        let one = e.number(1.0)?;
        let above = e.b.lt(self.strike, self.forward)?;
        let minus_far = e.b.neg(tail.far)?;
        let outside = e.b.select(above, minus_far, tail.near)?;
        let above = e.b.convert(above, Dtype::F64)?;
        let below = e.b.sub(above, one)?;
        let shift = e.b.select(self.call, above, below)?;
        e.b.add(outside, shift)
    }
}

/// Orders a forward and a strike.
pub(super) fn spread(
    e: &mut Elements<'_>,
    (forward, strike): (Value, Value),
) -> Result<Spread, BuildError> {
    let (low, high) = (e.b.min(forward, strike)?, e.b.max(forward, strike)?);
    // The logarithm of the rounded quotient, and what the rounding left.
    let quotient = e.b.div(high, low)?;
    let minus = e.b.neg(quotient)?;
    let rest = e.b.fma(minus, low, high)?;
    let rest = e.b.div(rest, high)?;
    let log = e.b.log(quotient)?;
    let log = e.b.add(log, rest)?;
    Ok(Spread { low, high, log })
}

/// `max(0, forward - strike)` of a call, `max(0, strike - forward)` of a put.
pub(super) fn intrinsic(
    e: &mut Elements<'_>,
    (forward, strike): (Value, Value),
    call: Value,
) -> Built {
    let apart = e.b.sub(forward, strike)?;
    let minus = e.b.neg(apart)?;
    let signed = e.b.select(call, apart, minus)?;
    e.at_least(signed, 0.0)
}

/// The two probabilities of the formula.
pub(super) fn tail(
    e: &mut Elements<'_>,
    spread: &Spread,
    deviation: Value,
) -> Result<Tail, BuildError> {
    let z = e.b.div(spread.log, deviation)?;
    let z = e.times(z, std::f64::consts::FRAC_1_SQRT_2)?;
    let z = e.at_most(z, FAR)?;
    let tau = e.times(deviation, std::f64::consts::FRAC_1_SQRT_2 / 2.0)?;
    let near = e.b.sub(z, tau)?;
    let near = half_erfc(e, near)?;
    let far = e.b.add(z, tau)?;
    let far = half_erfc(e, far)?;
    Ok(Tail { spread: *spread, z, tau, near, far })
}

fn half_erfc(e: &mut Elements<'_>, x: Value) -> Built {
    let y = e.b.erfc(x)?;
    e.times(y, 0.5)
}

/// `sqrt(low high) phi(h) e^(-t^2 / 2)`, which is `forward phi(d1)`.
pub(super) fn kernel(e: &mut Elements<'_>, tail: &Tail) -> Built {
    let square = e.b.mul(tail.z, tail.z)?;
    let exponent = e.b.fma(tail.tau, tail.tau, square)?;
    let exponent = e.b.neg(exponent)?;
    let exponential = e.b.exp(exponent)?;
    let product = e.b.mul(tail.spread.low, tail.spread.high)?;
    let mean = e.b.sqrt(product)?;
    let scaled = e.b.mul(mean, exponential)?;
    e.times(scaled, std::f64::consts::FRAC_1_SQRT_2 / ROOT_PI)
}

/// The out-of-the-money price; never negative.
pub(super) fn outside(
    e: &mut Elements<'_>,
    tail: &Tail,
    (kernel, deviation): (Value, Value),
) -> Built {
    let minus = e.b.neg(tail.far)?;
    let taken = e.b.mul(minus, tail.spread.high)?;
    let apart = e.b.fma(tail.spread.low, tail.near, taken)?;
    let series = series(e, tail)?;
    let product = e.b.mul(kernel, series)?;
    let narrow = e.below(deviation, SERIES_BELOW)?;
    let price = e.b.select(narrow, product, apart)?;
    e.at_least(price, 0.0)
}

/// `Y(t - h) - Y(-t - h)` by the series of the module's page.
fn series(e: &mut Elements<'_>, tail: &Tail) -> Built {
    let (z, tau) = (tail.z, tail.tau);
    // w = sqrt(pi) e^(z^2) erfc(z) = sqrt(2) Y(-h), with z^2 = square + rest.
    let square = e.b.mul(z, z)?;
    let minus = e.b.neg(square)?;
    let rest = e.b.fma(z, z, minus)?;
    let exponential = e.b.exp(minus)?;
    let chance = e.b.erfc(z)?;
    let w = e.b.div(chance, exponential)?;
    let w = e.b.fma(w, rest, w)?;
    let w = e.times(w, ROOT_PI)?;
    let minus = e.b.neg(z)?;
    let slope = e.fma(minus, w, 1.0)?;
    let t = e.times(tau, std::f64::consts::SQRT_2)?;
    let t_square = e.b.mul(t, t)?;
    let across = e.b.mul(minus, tau)?;
    let across = e.b.add(across, across)?;
    let mut before = e.times(w, std::f64::consts::FRAC_1_SQRT_2)?;
    let mut term = e.b.mul(slope, t)?;
    let mut sum = term;
    for n in 2..=7 {
        let next = e.b.mul(t_square, before)?;
        let next = e.b.fma(across, term, next)?;
        let next = e.times(next, 1.0 / f64::from(n))?;
        (before, term) = (term, next);
        if n % 2 == 1 {
            sum = e.b.add(sum, term)?;
        }
    }
    e.b.add(sum, sum)
}

//! The Program of a contract's book: every instrument's array, its marks about the price, its
//! delta.
//!
//! Strikes, expiries and kinds are the contract's own; price and time are checked by it; forwards
//! and volatilities are whoever's claim it is. A row is one chunk of the tensor, so an array comes
//! with its way up to the claim's output.

use tensor::{BuildError, Builder, Dtype, Program, ShapeError, Tensor, Value};

use super::account::{Columns, value};
use super::grid::{Grid, NODES, Width};
use super::{Kind, Leg};
use crate::blocks::{held, part, times};

/// Elements of a row.
const WIDTH: usize = 32;
/// Forwards are held within these multiples of the price.
const FORWARD: (f64, f64) = (0.5, 2.0);
/// Volatilities a year are held within these.
const VOLATILITY: (f64, f64) = (0.01, 10.0);
/// Years to expiry are held within these.
const YEARS: (f64, f64) = (0.0, 100.0);
const YEAR_SECONDS: f64 = 365.0 * 86_400.0;

/// What a book's grid is made at.
///
/// ```
/// use market::scenario::{Market, Width};
/// let market = Market { time: 0.0, price: 100.0, width: Width::STATIC, band: 0.1 };
/// assert_eq!(market.price, 100.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Market {
    /// Unix seconds, a whole number.
    pub time: f64,
    /// Price of the underlying; positive.
    pub price: f64,
    /// How far the scenarios reach.
    pub width: Width,
    /// How far the outermost marks are from the price, as a share; held within 0.001 and 0.5.
    pub band: f64,
}

/// Returns the Program `(strikes, expiries f64[l], kinds i32[l], head f64[6], forwards,
/// volatilities f64[l]) -> f64[l, 32]`.
///
/// `head` is time, price, half-width, rise, fall and band. A row is the weighted change of one
/// unit's value in each of the 24 scenarios, its value at seven prices from one band below the
/// price to one above, and its delta. `expiries` are Unix seconds, `forwards` multiples of the
/// price, held within 0.5 and 2; volatilities are held within 0.01 and 10. What is no number counts
/// as the greater bound, so every element of a row is one.
///
/// # Errors
///
/// [`BuildError`] without rows, or for a grid that has not 24 scenarios.
///
/// ```
/// use market::scenario::{Grid, Leg, Market, Width, book, book_inputs};
/// let market = Market { time: 0.0, price: 100.0, width: Width::STATIC, band: 0.1 };
/// let legs = [Leg::perpetual(1.0, 100.0)];
/// let program = book(1, &Grid::published())?;
/// let out = tensor::eval(&program, &book_inputs(&legs, &[0.0], market)?)?;
/// let row = out[0].as_f64().ok_or("f64")?;
/// assert!((row[0] - 16.0).abs() < 1e-12 && (row[24] - 90.0).abs() < 1e-12 && row[31] == 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn book(rows: usize, grid: &Grid) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let vector = |b: &mut Builder, dtype| b.input(dtype, &[rows]);
    let strikes = vector(&mut b, Dtype::F64)?;
    let expiries = vector(&mut b, Dtype::F64)?;
    let kinds = vector(&mut b, Dtype::I32)?;
    let head = b.input(Dtype::F64, &[6])?;
    let forwards = vector(&mut b, Dtype::F64)?;
    let volatilities = vector(&mut b, Dtype::F64)?;

    let spread = |b: &mut Builder, at: usize| -> Result<Value, BuildError> {
        let x = part(b, head, (at, at + 1))?;
        b.broadcast(x, &[rows])
    };
    let (time, price) = (spread(&mut b, 0)?, spread(&mut b, 1)?);
    let left = b.sub(expiries, time)?;
    let years = times(&mut b, left, 1.0 / YEAR_SECONDS)?;
    let years = held(&mut b, years, YEARS)?;
    let forward = held(&mut b, forwards, FORWARD)?;
    let forward = b.mul(forward, price)?;
    let volatility = held(&mut b, volatilities, VOLATILITY)?;
    let column = |b: &mut Builder, x: Value| b.reshape(x, &[rows, 1]);
    let columns = Columns {
        forward: column(&mut b, forward)?,
        strike: column(&mut b, strikes)?,
        volatility: column(&mut b, volatility)?,
        years: column(&mut b, years)?,
        kind: column(&mut b, kinds)?,
    };
    let width = part(&mut b, head, (2, 5))?;
    let band = part(&mut b, head, (5, 6))?;
    let band = b.reshape(band, &[1, 1])?;
    let valued = value(&mut b, &columns, (grid, width, Some(band)))?;
    let array = b.matmul(valued.values, valued.moves.weights)?;
    let row = b.concat(&[array, valued.delta], 1)?;
    let row = b.reshape(row, &[rows, WIDTH])?;
    b.finish(&[row])
}

/// Returns the inputs of [`book`]: of each leg forward, strike, volatility and kind are read.
///
/// `expiries` has an element a leg, Unix seconds; of a perpetual it is not read.
///
/// # Errors
///
/// [`ShapeError`] without legs, or with another number of expiries.
///
/// ```
/// use market::scenario::{Leg, Market, Width, book_inputs};
/// let market = Market { time: 0.0, price: 100.0, width: Width::STATIC, band: 0.1 };
/// assert_eq!(book_inputs(&[Leg::perpetual(1.0, 100.0)], &[0.0], market)?.len(), 6);
/// # Ok::<(), tensor::ShapeError>(())
/// ```
pub fn book_inputs(
    legs: &[Leg],
    expiries: &[f64],
    market: Market,
) -> Result<Vec<Tensor>, ShapeError> {
    let column =
        |get: &dyn Fn(&Leg) -> f64| Tensor::f64(&[legs.len()], legs.iter().map(get).collect());
    let kind = |leg: &Leg| match leg.kind {
        Kind::Put => 0,
        Kind::Call => 1,
        Kind::Perpetual => 2,
    };
    let strike = |leg: &Leg| if leg.kind == Kind::Perpetual { 1.0 } else { leg.strike };
    let Width { half, up, down } = market.width;
    Ok(vec![
        column(&strike)?,
        Tensor::f64(&[legs.len()], expiries.to_vec())?,
        Tensor::i32(&[legs.len()], legs.iter().map(kind).collect())?,
        Tensor::f64(&[6], vec![market.time, market.price, half, up, down, market.band])?,
        column(&|leg| leg.forward / market.price)?,
        column(&|leg| leg.volatility)?,
    ])
}

/// The row's parts add up.
const _: () = assert!(24 + NODES + 1 == WIDTH, "scenarios, marks and the delta fill a chunk");

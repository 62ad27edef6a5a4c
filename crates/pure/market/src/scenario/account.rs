//! The Programs: an instrument's scenario array, and an account's margin.
//!
//! Everything of a leg and a scenario is an outer product or sum, so it is a product of two narrow
//! matrices; what is left at each cell is a division, two `erfc` and a few sums. A perpetual is a
//! call whose strike is next to nothing: its value is the forward to the last bit. A put's and a
//! call's signs are in the factors.

use tensor::{BuildError, Builder, Dtype, Program, ShapeError, Tensor, Value};

use super::grid::{self, Grid, Moves, Width};

type Built = Result<Value, BuildError>;

/// A perpetual's strike.
const NOTHING: f64 = 1e-280;
/// Days of a year.
const YEAR_DAYS: f64 = 365.0;
/// Deviations are at least this.
const DEVIATION_LEAST: f64 = 1e-9;
const ROOT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// What a leg is.
///
/// ```
/// assert_ne!(market::scenario::Kind::Put, market::scenario::Kind::Call);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A put on its expiry's forward.
    Put,
    /// A call on its expiry's forward.
    Call,
    /// A perpetual or a future; strike, volatility and years are not read.
    Perpetual,
}

/// A position in one instrument.
///
/// ```
/// use market::scenario::{Kind, Leg};
/// let leg = Leg::perpetual(-2.0, 60_000.0);
/// assert_eq!((leg.kind, leg.position), (Kind::Perpetual, -2.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg {
    /// What it is.
    pub kind: Kind,
    /// Units, negative when short.
    pub position: f64,
    /// Forward price of its expiry; positive.
    pub forward: f64,
    /// Strike; positive.
    pub strike: f64,
    /// Mark volatility a year.
    pub volatility: f64,
    /// Years to expiry, of 365 days.
    pub years: f64,
}

impl Leg {
    /// Returns a leg of a perpetual at its mark price.
    ///
    /// ```
    /// assert_eq!(market::scenario::Leg::perpetual(1.0, 5.0).forward, 5.0);
    /// ```
    #[must_use]
    pub fn perpetual(position: f64, mark: f64) -> Leg {
        let (strike, volatility, years) = (mark, 1.0, 1.0);
        Leg { kind: Kind::Perpetual, position, forward: mark, strike, volatility, years }
    }
}

/// Legs as columns, f64\[l, 1\] but for the kinds, i32\[l, 1\].
pub(super) struct Columns {
    pub(super) forward: Value,
    pub(super) strike: Value,
    pub(super) volatility: Value,
    pub(super) years: Value,
    pub(super) kind: Value,
}

/// Values at every leg and scenario, and the legs' deltas.
pub(super) struct Valued {
    /// f64\[l, n + 1\].
    pub(super) values: Value,
    /// f64\[l, 1\].
    pub(super) delta: Value,
    pub(super) moves: Moves,
}

/// Returns the Program `(forward, strike, volatility, years f64[l], kind i32[l], width f64[3]) ->
/// (array f64[l, n], delta f64[l])`.
///
/// `array` is the weighted change of one unit's value in each scenario, `delta` its derivative by
/// the forward. `kind` is 0 for puts, 1 for calls, 2 for perpetuals; `width` half, up, down.
///
/// # Errors
///
/// [`BuildError`] without legs or scenarios.
///
/// ```
/// use market::scenario::{Grid, Leg, Width, arrays, arrays_inputs};
/// let legs = [Leg::perpetual(1.0, 100.0)];
/// let program = arrays(1, &Grid::published())?;
/// let out = tensor::eval(&program, &arrays_inputs(&legs, Width::STATIC)?)?;
/// let array = out[0].as_f64().ok_or("f64")?;
/// assert!((array[0] - 16.0).abs() < 1e-12 && (array[16] + 66.0 * 0.24).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn arrays(legs: usize, grid: &Grid) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let columns = Columns::inputs(&mut b, legs)?;
    let width = b.input(Dtype::F64, &[3])?;
    let valued = value(&mut b, &columns, (grid, width, None))?;
    let array = b.matmul(valued.values, valued.moves.weights)?;
    let delta = b.reshape(valued.delta, &[legs])?;
    b.finish(&[array, delta])
}

/// Returns the Program of the inputs of [`arrays`], then `(position f64[l], spot f64[1], provision
/// f64[1])`, to `(margin f64[4], change f64[n], worst i32)`.
///
/// `margin` is initial, maintenance, scan and least; `change` what the account's value would change
/// by in each scenario, weighted; `worst` the scenario of the scan. `provision` is what is charged
/// for funding and fees in any case. Padding legs have position 0 and any valid contract.
///
/// # Errors
///
/// [`BuildError`] without legs or scenarios.
///
/// ```
/// use market::scenario::{Grid, Leg, Width, account, account_inputs};
/// let legs = [Leg::perpetual(-1.0, 100.0)];
/// let program = account(1, &Grid::published())?;
/// let out = tensor::eval(&program, &account_inputs(&legs, Width::STATIC, (100.0, 0.0))?)?;
/// let margin = out[0].as_f64().ok_or("f64")?;
/// assert!((margin[0] - 16.0).abs() < 1e-12 && (margin[3] - 2.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn account(legs: usize, grid: &Grid) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let columns = Columns::inputs(&mut b, legs)?;
    let width = b.input(Dtype::F64, &[3])?;
    let position = b.input(Dtype::F64, &[legs])?;
    let (spot, provision) = (b.input(Dtype::F64, &[1])?, b.input(Dtype::F64, &[1])?);
    let valued = value(&mut b, &columns, (grid, width, None))?;
    let n = grid.scenarios.len();
    let row = b.reshape(position, &[1, legs])?;
    let total = b.matmul(row, valued.values)?;
    let change = b.matmul(total, valued.moves.weights)?;
    let change = b.reshape(change, &[n])?;

    let zero = b.full(Dtype::F64, &[1], 0.0)?;
    let losses = b.neg(change)?;
    let worst = b.argmax(losses, 0)?;
    let scan = b.max_axis(losses, 0)?;
    let scan = b.reshape(scan, &[1])?;
    let scan = b.max(scan, zero)?;
    let least = least(&mut b, grid, (position, valued.delta), spot)?;
    let short = short_options(&mut b, grid, (position, columns.kind), spot)?;
    let net = b.max(scan, least)?;
    let net = b.add(net, short)?;
    let initial = b.add(net, provision)?;
    let share = b.full(Dtype::F64, &[1], grid.maintenance)?;
    let maintenance = b.fma(share, net, provision)?;
    let margin = b.concat(&[initial, maintenance, scan, least], 0)?;
    let margin = asked(&mut b, margin)?;
    b.finish(&[margin, change, worst])
}

/// Returns the inputs of [`arrays`].
///
/// # Errors
///
/// [`ShapeError`] without legs.
///
/// ```
/// use market::scenario::{Width, arrays_inputs};
/// assert!(arrays_inputs(&[], Width::STATIC).is_err());
/// ```
pub fn arrays_inputs(legs: &[Leg], width: Width) -> Result<Vec<Tensor>, ShapeError> {
    let column = |get: fn(&Leg) -> f64| Tensor::f64(&[legs.len()], legs.iter().map(get).collect());
    let kind = |leg: &Leg| match leg.kind {
        Kind::Put => 0,
        Kind::Call => 1,
        Kind::Perpetual => 2,
    };
    Ok(vec![
        column(|leg| leg.forward)?,
        column(|leg| leg.strike)?,
        column(|leg| leg.volatility)?,
        column(|leg| leg.years)?,
        Tensor::i32(&[legs.len()], legs.iter().map(kind).collect())?,
        Tensor::f64(&[3], vec![width.half, width.up, width.down])?,
    ])
}

/// Returns the inputs of [`account`]; spot and provision together.
///
/// # Errors
///
/// [`ShapeError`] without legs.
///
/// ```
/// use market::scenario::{Leg, Width, account_inputs};
/// let inputs = account_inputs(&[Leg::perpetual(1.0, 2.0)], Width::STATIC, (2.0, 0.0))?;
/// assert_eq!(inputs.len(), 9);
/// # Ok::<(), tensor::ShapeError>(())
/// ```
pub fn account_inputs(
    legs: &[Leg],
    width: Width,
    (spot, provision): (f64, f64),
) -> Result<Vec<Tensor>, ShapeError> {
    let mut inputs = arrays_inputs(legs, width)?;
    inputs.push(Tensor::f64(&[legs.len()], legs.iter().map(|leg| leg.position).collect())?);
    inputs.push(Tensor::f64(&[1], vec![spot])?);
    inputs.push(Tensor::f64(&[1], vec![provision])?);
    Ok(inputs)
}

impl Columns {
    fn inputs(b: &mut Builder, legs: usize) -> Result<Columns, BuildError> {
        let mut column = |dtype: Dtype| -> Built {
            let x = b.input(dtype, &[legs])?;
            b.reshape(x, &[legs, 1])
        };
        Ok(Columns {
            forward: column(Dtype::F64)?,
            strike: column(Dtype::F64)?,
            volatility: column(Dtype::F64)?,
            years: column(Dtype::F64)?,
            kind: column(Dtype::I32)?,
        })
    }
}

/// Values every leg in every scenario and in none, and at the nodes of a band if there is one.
///
/// With `g` +1 for a call and -1 for a put, `N(x) = erfc(-x / sqrt(2)) / 2`, `u = -g ln(F / K) /
/// (s sqrt(2))` and `v = -g s / (2 sqrt(2))`: `V = g F / 2 erfc(u + v) - g K / 2 erfc(u - v)`.
pub(super) fn value(
    b: &mut Builder,
    columns: &Columns,
    (grid, width, band): (&Grid, Value, Option<Value>),
) -> Result<Valued, BuildError> {
    let dims = b.shape_of(columns.forward).dims().to_vec();
    let number = |b: &mut Builder, x: f64| b.full(Dtype::F64, &dims, x);
    let kinds = |b: &mut Builder, x: f64| b.full(Dtype::I32, &dims, x);
    let (two, zero) = (kinds(b, 2.0)?, kinds(b, 0.0)?);
    let (one, nothing) = (number(b, 1.0)?, number(b, NOTHING)?);
    let perpetual = b.eq(columns.kind, two)?;
    let put = b.eq(columns.kind, zero)?;
    let strike = b.select(perpetual, nothing, columns.strike)?;
    let volatility = b.select(perpetual, one, columns.volatility)?;
    let years = b.select(perpetual, one, columns.years)?;
    // A negative volatility is no number, and so is whatever follows from it.
    let (least, nan) = (number(b, 0.0)?, number(b, f64::NAN)?);
    let valid = b.le(least, volatility)?;
    let volatility = b.select(valid, volatility, nan)?;
    let minus = number(b, -1.0)?;
    let sign = b.select(put, minus, one)?;
    let (half, mirror) = (number(b, 0.5)?, number(b, -ROOT_HALF)?);
    let half_sign = b.mul(sign, half)?;
    let mirror = b.mul(sign, mirror)?;

    let quotient = b.div(columns.forward, strike)?;
    let log = b.log(quotient)?;
    let log = b.mul(log, mirror)?;
    let root = b.sqrt(years)?;
    let deviation = b.mul(volatility, root)?;
    let growth = growth(b, grid, years)?;
    let growth = b.mul(deviation, growth)?;

    let mut moves = grid::moves(b, grid, width)?;
    if let Some(band) = band {
        moves = grid::with_nodes(b, moves, band)?;
    }
    let ones = {
        let wide = b.shape_of(moves.price).dims().to_vec();
        b.full(Dtype::F64, &wide, 1.0)?
    };
    let shift = b.log(moves.price)?;
    let u = outer(b, [(log, ones), (mirror, shift)])?;
    let s = outer(b, [(deviation, ones), (growth, moves.volatility)])?;
    let wide = b.shape_of(s).dims().to_vec();
    let least = b.full(Dtype::F64, &wide, DEVIATION_LEAST)?;
    let s = b.max(s, least)?;
    let forward = b.mul(half_sign, columns.forward)?;
    let forward = b.matmul(forward, moves.price)?;
    let strike = b.mul(half_sign, strike)?;
    let strike = b.neg(strike)?;
    let strike = b.matmul(strike, ones)?;
    let mirror = b.mul(mirror, half)?;
    let mirror = b.matmul(mirror, ones)?;
    let u = b.div(u, s)?;
    let v = b.mul(mirror, s)?;
    let (near, far) = (b.add(u, v)?, b.sub(u, v)?);
    let (near, far) = (b.erfc(near)?, b.erfc(far)?);
    let paid = b.mul(strike, far)?;
    let values = b.fma(forward, near, paid)?;

    let last = grid.scenarios.len();
    let chance = b.slice(near, &[0, last], &[dims[0], last + 1])?;
    let delta = b.mul(half_sign, chance)?;
    Ok(Valued { values, delta, moves })
}

/// `(30 / max(floor, days))^power`, by leg.
fn growth(b: &mut Builder, grid: &Grid, years: Value) -> Built {
    let dims = b.shape_of(years).dims().to_vec();
    let number = |b: &mut Builder, x: f64| b.full(Dtype::F64, &dims, x);
    let (scale, floor, month) =
        (number(b, YEAR_DAYS)?, number(b, grid.days_floor)?, number(b, 30.0)?);
    let (short, long) = (number(b, grid.short_power)?, number(b, grid.long_power)?);
    let days = b.mul(years, scale)?;
    let early = b.lt(days, month)?;
    let power = b.select(early, short, long)?;
    let days = b.max(days, floor)?;
    let times = b.div(month, days)?;
    let log = b.log(times)?;
    let log = b.mul(log, power)?;
    b.exp(log)
}

/// The sum of two outer products, as a product of two narrow matrices.
fn outer(b: &mut Builder, [one, two]: [(Value, Value); 2]) -> Built {
    let left = b.concat(&[one.0, two.0], 1)?;
    let right = b.concat(&[one.1, two.1], 0)?;
    b.matmul(left, right)
}

/// The least margin by delta, f64\[1\].
fn least(b: &mut Builder, grid: &Grid, (position, delta): (Value, Value), spot: Value) -> Built {
    let legs = b.shape_of(position).dims()[0];
    let delta = b.reshape(delta, &[legs])?;
    let deltas = b.mul(position, delta)?;
    let net = b.sum(deltas, 0)?;
    let net = b.abs(net)?;
    let sizes = b.abs(deltas)?;
    let gross = b.sum(sizes, 0)?;
    let hedged = b.sub(gross, net)?;
    let half_share = b.full(Dtype::F64, &[], grid.hedged / 2.0)?;
    let share = b.full(Dtype::F64, &[], grid.net)?;
    let hedged = b.mul(hedged, half_share)?;
    let sum = b.fma(net, share, hedged)?;
    let sum = b.reshape(sum, &[1])?;
    b.mul(sum, spot)
}

/// The contingency of short options, f64\[1\].
fn short_options(
    b: &mut Builder,
    grid: &Grid,
    (position, kind): (Value, Value),
    spot: Value,
) -> Built {
    let legs = b.shape_of(position).dims()[0];
    let kind = b.reshape(kind, &[legs])?;
    let (two, zero) = (b.full(Dtype::I32, &[legs], 2.0)?, b.full(Dtype::F64, &[legs], 0.0)?);
    let perpetual = b.eq(kind, two)?;
    let short = b.neg(position)?;
    let short = b.max(short, zero)?;
    let short = b.select(perpetual, zero, short)?;
    let count = b.sum(short, 0)?;
    let count = b.reshape(count, &[1])?;
    let share = b.full(Dtype::F64, &[1], grid.short_option)?;
    let share = b.mul(share, spot)?;
    b.mul(count, share)
}

/// What is asked for: at least 0, infinity for what is no number.
fn asked(b: &mut Builder, margin: Value) -> Built {
    let dims = b.shape_of(margin).dims().to_vec();
    let (most, zero) = (b.full(Dtype::F64, &dims, f64::INFINITY)?, b.full(Dtype::F64, &dims, 0.0)?);
    let number = b.eq(margin, margin)?;
    let margin = b.select(number, margin, most)?;
    b.max(margin, zero)
}

//! The form of a grid of scenarios, which is part of a Program, and its width, which is an input.

use tensor::scalar::{Float, Scalar};
use tensor::{BuildError, Builder, Dtype, Tensor, Value};

use crate::blocks::held;

type Built = Result<Value, BuildError>;

/// Marks of a row: at -1, -2/3, … 1 band from the price.
pub(crate) const NODES: usize = 7;
/// Bands are held within these.
const BAND: (f64, f64) = (0.001, 0.5);

/// Half-widths are held within these; the greater one leaves a fallen price positive.
const HALF: (f64, f64) = (0.0, 0.95);
/// Shares by which volatilities rise are held within 0 and this.
const UP_MAX: f64 = 10.0;
/// What is left of a volatility after any fall, at least.
const LEFT_LEAST: f64 = 0.05;

/// How far a grid reaches: shares of the price and of the volatility.
///
/// ```
/// let width = market::scenario::Width::STATIC;
/// assert_eq!((width.half, width.up, width.down), (0.16, 0.4, 0.22));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Width {
    /// The largest ordinary move of the price, as a share: margin (c) of the horizon or the floor.
    pub half: f64,
    /// The rise of the volatility of an option of 30 days, as a share of it.
    pub up: f64,
    /// The fall of the volatility of an option of 30 days, as a share of it.
    pub down: f64,
}

impl Width {
    /// The published static width: 16 % of the price, volatility +40 % and -22 %.
    pub const STATIC: Width = Width { half: 0.16, up: 0.4, down: 0.22 };
}

/// One scenario of a grid's form.
///
/// ```
/// use market::scenario::{Scenario, Width};
/// let tail = Scenario::tail(-0.66, 0.24);
/// assert_eq!(tail.at(Width::STATIC), (-0.66, 0.4, 0.24));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scenario {
    /// The move of the price in half-widths.
    pub price: f64,
    /// The move of the price besides, as a share.
    pub price_fixed: f64,
    /// Whether the volatility rises; otherwise it falls.
    pub up: bool,
    /// The weight of the loss.
    pub weight: f64,
    /// The weight besides, for each half-width of 1; the sum is held at 1.
    pub weight_by_half: f64,
}

impl Scenario {
    /// Returns a scenario within the half-width, of full weight.
    ///
    /// ```
    /// use market::scenario::{Scenario, Width};
    /// assert_eq!(Scenario::within(0.5, false).at(Width::STATIC), (0.08, -0.22, 1.0));
    /// ```
    #[must_use]
    pub const fn within(price: f64, up: bool) -> Scenario {
        Scenario { price, price_fixed: 0.0, up, weight: 1.0, weight_by_half: 0.0 }
    }

    /// Returns an extended tail: a move far beyond any half-width, with rising volatility, whose
    /// weight is this at the static half-width and in proportion at others.
    ///
    /// ```
    /// use market::scenario::{Scenario, Width};
    /// let wide = Width { half: 0.32, ..Width::STATIC };
    /// assert_eq!(Scenario::tail(1.0, 0.16).at(wide).2, 0.32);
    /// ```
    #[must_use]
    pub const fn tail(price_fixed: f64, weight_at_static: f64) -> Scenario {
        let weight_by_half = weight_at_static / Width::STATIC.half;
        Scenario { price: 0.0, price_fixed, up: true, weight: 0.0, weight_by_half }
    }

    /// Returns the move of the price, that of a 30-day volatility, and the weight.
    ///
    /// ```
    /// use market::scenario::{Scenario, Width};
    /// assert_eq!(Scenario::within(-1.0, true).at(Width::STATIC), (-0.16, 0.4, 1.0));
    /// ```
    #[must_use]
    pub fn at(&self, width: Width) -> (f64, f64, f64) {
        let price = self.price * width.half + self.price_fixed;
        let volatility = if self.up { width.up } else { -width.down };
        (price, volatility, (self.weight + self.weight_by_half * width.half).op_min(1.0))
    }
}

/// The form of a grid, and what is charged besides; part of a Program, hence of its hash.
///
/// ```
/// let grid = market::scenario::Grid::published();
/// assert_eq!(grid.scenarios.len(), 24);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The scenarios, in their order.
    pub scenarios: Vec<Scenario>,
    /// The power of `30 days / days` below 30 days.
    pub short_power: f64,
    /// The same from 30 days on.
    pub long_power: f64,
    /// Days to expiry count as at least this.
    pub days_floor: f64,
    /// The share of spot charged for each unit of net delta, at least.
    pub net: f64,
    /// The share of spot charged for each unit of hedged delta, at least.
    pub hedged: f64,
    /// The share of spot charged for each short option besides.
    pub short_option: f64,
    /// Maintenance as a share of initial.
    pub maintenance: f64,
}

impl Grid {
    /// Returns the published grid of Paradex: 24 scenarios; powers 0.30 and 0.13, one day, 2 % of
    /// net and 1 % of hedged delta, no contingency, maintenance one half.
    ///
    /// ```
    /// use market::scenario::{Grid, Width};
    /// let grid = Grid::published();
    /// assert_eq!(grid.scenarios[0].at(Width::STATIC), (0.16, 0.4, 1.0));
    /// assert_eq!(grid.scenarios[23].at(Width::STATIC), (5.0, 0.4, 0.032));
    /// ```
    #[must_use]
    pub fn published() -> Grid {
        let mut scenarios = vec![Scenario::within(1.0, true)];
        for quarters in [3.0, 2.0, 1.0, 0.0, -1.0, -2.0, -3.0] {
            for up in [true, false] {
                scenarios.push(Scenario::within(quarters / 4.0, up));
            }
        }
        scenarios.push(Scenario::within(-1.0, true));
        let tails = [
            (-0.66, 0.24),
            (-0.33, 0.48),
            (0.5, 0.32),
            (1.0, 0.16),
            (2.0, 0.08),
            (3.0, 0.0533),
            (4.0, 0.04),
            (5.0, 0.032),
        ];
        scenarios.extend(tails.map(|(price, weight)| Scenario::tail(price, weight)));
        Grid {
            scenarios,
            short_power: 0.3,
            long_power: 0.13,
            days_floor: 1.0,
            net: 0.02,
            hedged: 0.01,
            short_option: 0.0,
            maintenance: 0.5,
        }
    }

    /// The largest factor by which a fall of volatility is multiplied.
    fn steepest(&self) -> f64 {
        (self.short_power * (30.0 / self.days_floor).op_log()).op_exp()
    }
}

/// A grid at the width that is an input: one more column than scenarios, for no move at all.
pub(crate) struct Moves {
    /// `1 + move` of the price, f64\[1, n + 1\].
    pub(crate) price: Value,
    /// The move of the volatility, f64\[1, n + 1\].
    pub(crate) volatility: Value,
    /// What makes `w (V' - V)` of the values by a product, f64\[n + 1, n\].
    pub(crate) weights: Value,
}

/// Appends the grid's moves; `width` is f64\[3\]: half, up, down. NaN counts as the widest.
pub(crate) fn moves(b: &mut Builder, grid: &Grid, width: Value) -> Result<Moves, BuildError> {
    let n = grid.scenarios.len();
    let part = |b: &mut Builder, at: usize, limits: (f64, f64)| -> Built {
        let x = b.slice(width, &[at], &[at + 1])?;
        let x = held(b, x, limits)?;
        b.reshape(x, &[1, 1])
    };
    let half = part(b, 0, HALF)?;
    let up = part(b, 1, (0.0, UP_MAX))?;
    let down = part(b, 2, (0.0, (1.0 - LEFT_LEAST) / grid.steepest()))?;
    let row = |b: &mut Builder, get: &dyn Fn(&Scenario) -> f64, last: f64| -> Built {
        let values = grid.scenarios.iter().map(get).chain([last]).collect();
        b.constant(Tensor::f64(&[1, n + 1], values).expect("as many as scenarios, and one"))
    };
    let spread = |b: &mut Builder, x: Value| b.broadcast(x, &[1, n + 1]);

    let (by_half, fixed) = (row(b, &|s| s.price, 0.0)?, row(b, &|s| 1.0 + s.price_fixed, 1.0)?);
    let half_row = spread(b, half)?;
    let price = b.fma(by_half, half_row, fixed)?;
    let rises = row(b, &|s| f64::from(u8::from(s.up)), 0.0)?;
    let falls = row(b, &|s| -f64::from(u8::from(!s.up)), 0.0)?;
    let (up, down) = (spread(b, up)?, spread(b, down)?);
    let rise = b.mul(rises, up)?;
    let volatility = b.fma(falls, down, rise)?;

    let (constant, by_half) = (row(b, &|s| s.weight, 0.0)?, row(b, &|s| s.weight_by_half, 0.0)?);
    let weight = b.fma(by_half, half_row, constant)?;
    let one = b.full(Dtype::F64, &[1, n + 1], 1.0)?;
    let weight = b.min(weight, one)?;
    let weight = b.slice(weight, &[0, 0], &[1, n])?;
    let across = b.broadcast(weight, &[n, n])?;
    let mut unit = vec![0.0; n * n];
    (0..n).for_each(|i| unit[i * (n + 1)] = 1.0);
    let unit = b.constant(Tensor::f64(&[n, n], unit).expect("a square"))?;
    let diagonal = b.mul(across, unit)?;
    let minus = b.neg(weight)?;
    let weights = b.concat(&[diagonal, minus], 0)?;
    Ok(Moves { price, volatility, weights })
}

/// Appends the nodes of a band: moves of the price alone, whose values the product leaves as they
/// are. `band` is f64\[1, 1\].
pub(crate) fn with_nodes(b: &mut Builder, moves: Moves, band: Value) -> Result<Moves, BuildError> {
    let dims = b.shape_of(moves.weights).dims().to_vec();
    let [columns, scenarios] = [dims[0], dims[1]];
    let band = held(b, band, BAND)?;
    let band = b.broadcast(band, &[1, NODES])?;
    let thirds = vec![-1.0, -2.0 / 3.0, -1.0 / 3.0, 0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0];
    let thirds = b.constant(Tensor::f64(&[1, NODES], thirds).expect("seven of them"))?;
    let one = b.full(Dtype::F64, &[1, NODES], 1.0)?;
    let nodes = b.fma(thirds, band, one)?;
    let price = b.concat(&[moves.price, nodes], 1)?;
    let still = b.full(Dtype::F64, &[1, NODES], 0.0)?;
    let volatility = b.concat(&[moves.volatility, still], 1)?;

    let beside = b.full(Dtype::F64, &[columns, NODES], 0.0)?;
    let above = b.concat(&[moves.weights, beside], 1)?;
    let mut unit = vec![0.0; NODES * NODES];
    (0..NODES).for_each(|i| unit[i * (NODES + 1)] = 1.0);
    let unit = b.constant(Tensor::f64(&[NODES, NODES], unit).expect("a square"))?;
    let left = b.full(Dtype::F64, &[NODES, scenarios], 0.0)?;
    let below = b.concat(&[left, unit], 1)?;
    let weights = b.concat(&[above, below], 0)?;
    Ok(Moves { price, volatility, weights })
}

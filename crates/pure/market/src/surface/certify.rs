//! The certificate: butterfly and calendar conditions bounded over intervals, as Programs.
//!
//! A certificate is a list of edges. Between two neighbours SVI with `b >= 0` is convex, so exact
//! ranges are known: `w` is between its value at an end (or its minimum) and the greater of both
//! ends, `w'` rises from one end to the other, `w''` has one maximum and hence its minimum at an
//! end. Durrleman's function is bounded from below by these ranges; the difference of two slices by
//! the later one's tangent at the middle against the earlier one's chord. A grid of points proves
//! nothing between them; this does.
//!
//! Rounding: every bound is lowered by [`SLACK`] of the sum of the sizes of its terms, a million
//! times what some thirty operations can lose, and where the variance is less than `CANCELLED` of
//! the terms it is made of, the bound is minus infinity.
//!
//! A contract checks a claim about [`butterfly`] or [`calendar`] (that it returned this report for
//! this slice and these edges) like any other claim, and then compares: the bound is positive,
//! edges reach four deviations, wings are within Lee's (2004) limit of 2. How the edges were found
//! does not matter.

use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value};

use super::Svi;
use crate::elements::Elements;

type Built = Result<Value, BuildError>;

/// Cells of a certificate: one less than its edges.
const CELLS: usize = 512;
/// Cells to begin with.
const CELLS_FIRST: usize = 96;
/// How far a certificate reaches, in deviations at the money.
const REACH: f64 = 4.0;
/// Lee's limit of a wing's slope.
const LEE: f64 = 2.0;
/// The share of its terms' sizes by which a bound is lowered.
const SLACK: f64 = 1e-9;
/// A variance below this share of its terms is not trusted.
const CANCELLED: f64 = 1e-5;

/// What is certain of a slice, and of the one before it.
///
/// ```
/// use market::surface::{Svi, certify};
/// let svi = Svi { a: 0.01, b: 0.05, rho: -0.3, m: 0.0, sigma: 0.2 };
/// let certificate = certify(&svi, None);
/// assert!(certificate.holds() && certificate.reach >= 4.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// Durrleman's function is at least this, everywhere between the edges.
    pub density: f64,
    /// The steeper wing's slope; Lee's limit is 2.
    pub slope: f64,
    /// Deviations at the money that the edges reach, both sides.
    pub reach: f64,
    /// The variance is above that of the expiry before by at least this share of the variance at
    /// the money; infinity for the first expiry.
    pub calendar: f64,
    /// By how much the wings are steeper than those of the expiry before, at least; not asked for.
    pub wings: f64,
    /// The edges of the butterfly condition, 513 of them.
    pub edges: Vec<f64>,
    /// The edges of the calendar condition, or none for the first expiry.
    pub calendar_edges: Vec<f64>,
}

impl Certificate {
    /// Returns whether there is no arbitrage within reach, and none by the wings' slope.
    ///
    /// ```
    /// use market::surface::{Svi, certify};
    /// let steep = Svi { a: 0.01, b: 2.0, rho: 0.5, m: 0.0, sigma: 0.2 };
    /// assert!(!certify(&steep, None).holds());
    /// ```
    #[must_use]
    pub fn holds(&self) -> bool {
        self.density > 0.0 && self.calendar > 0.0 && self.slope <= LEE && self.reach >= REACH
    }
}

/// Returns the Program `(svi f64[5], edges f64[513]) -> (bounds f64[512], report f64[3])`.
///
/// `svi` is a, b, rho, m, sigma; `bounds` is below Durrleman's function in each cell, `report` the
/// least of them, how many deviations the edges reach, and the steeper wing's slope. Edges that do
/// not ascend give minus infinity, and so does a negative `b`.
///
/// # Errors
///
/// None: the Program is one.
///
/// ```
/// let program = market::surface::butterfly()?;
/// assert_eq!(program.inputs().len(), 2);
/// # Ok::<(), tensor::BuildError>(())
/// ```
pub fn butterfly() -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let svi = Parameters::input(&mut b)?;
    let edges = b.input(Dtype::F64, &[CELLS + 1])?;
    let (left, right) = cells(&mut b, edges)?;
    let e = &mut Elements::new(&mut b, &[CELLS]);
    let spread = svi.spread(e)?;
    let (l, r) = (at(e, &spread, left)?, at(e, &spread, right)?);
    let range = range(e, &spread, (&l, &r))?;
    let bound = density(e, &range, (left, right))?;
    let bound = ordered(e, bound, (left, right))?;
    let bound = trusted(e, bound, (&range, &l, &r))?;
    let bound = convex(e, bound, spread.b)?;
    let least = least(e.b, bound)?;
    let reach = reach(e.b, edges, &svi)?;
    let slope = svi.slope(e.b)?;
    let report = b.concat(&[least, reach, slope], 0)?;
    b.finish(&[bound, report])
}

/// Returns the Program `(earlier f64[5], later f64[5], edges f64[513]) -> (bounds f64[512], report
/// f64[3])`.
///
/// `bounds` is below the difference of the variances over that of the later at the money, in each
/// cell; `report` the least of them, how many deviations of the later the edges reach, and by how
/// much its wings are steeper, at least.
///
/// # Errors
///
/// None: the Program is one.
///
/// ```
/// let program = market::surface::calendar()?;
/// assert_eq!(program.inputs().len(), 3);
/// # Ok::<(), tensor::BuildError>(())
/// ```
pub fn calendar() -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let (earlier, later) = (Parameters::input(&mut b)?, Parameters::input(&mut b)?);
    let edges = b.input(Dtype::F64, &[CELLS + 1])?;
    let (left, right) = cells(&mut b, edges)?;
    let e = &mut Elements::new(&mut b, &[CELLS]);
    let (before, after) = (earlier.spread(e)?, later.spread(e)?);
    let sum = e.b.add(left, right)?;
    let middle = e.times(sum, 0.5)?;
    let centre = at(e, &after, middle)?;
    let zero = e.number(0.0)?;
    let unit = at(e, &after, zero)?.w;
    let mut bounds = Vec::new();
    for end in [left, right] {
        let off = e.b.sub(end, middle)?;
        let tangent = e.b.fma(centre.first, off, centre.w)?;
        let chord = at(e, &before, end)?;
        let apart = e.b.sub(tangent, chord.w)?;
        let size = e.b.add(centre.size, chord.size)?;
        let slack = e.times(size, -SLACK)?;
        let apart = e.b.add(apart, slack)?;
        bounds.push(e.b.div(apart, unit)?);
    }
    let bound = e.b.min(bounds[0], bounds[1])?;
    let bound = ordered(e, bound, (left, right))?;
    let bound = convex(e, bound, before.b)?;
    let bound = convex(e, bound, after.b)?;
    let least = least(e.b, bound)?;
    let reach = reach(e.b, edges, &later)?;
    let wings = steeper(e.b, &earlier, &later)?;
    let report = b.concat(&[least, reach, wings], 0)?;
    b.finish(&[bound, report])
}

/// Finds edges and certifies a slice, and its order with the one before.
///
/// A cell whose bound is not positive is halved until it is or 512 are used up.
///
/// ```
/// use market::surface::{Svi, certify};
/// let early = Svi { a: 0.01, b: 0.05, rho: -0.3, m: 0.0, sigma: 0.2 };
/// let later = Svi { a: 0.02, ..early };
/// assert!(certify(&later, Some(&early)).holds());
/// assert!(!certify(&early, Some(&later)).holds());
/// ```
#[must_use]
pub fn certify(svi: &Svi, before: Option<&Svi>) -> Certificate {
    let program = butterfly().expect("a constant Program");
    let (edges, report) = search(&program, &[svi.tensor()], svi);
    let (mut calendar_edges, mut order) = (Vec::new(), vec![f64::INFINITY; 3]);
    if let Some(before) = before {
        let program = calendar().expect("a constant Program");
        (calendar_edges, order) = search(&program, &[before.tensor(), svi.tensor()], svi);
    }
    Certificate {
        density: report[0],
        slope: report[2],
        reach: report[1],
        calendar: order[0],
        wings: order[2],
        edges,
        calendar_edges,
    }
}

/// Judges given edges: the certificate as anybody recomputes it.
///
/// ```
/// use market::surface::{Svi, certificate, certify};
/// let svi = Svi { a: 0.01, b: 0.05, rho: -0.3, m: 0.0, sigma: 0.2 };
/// let found = certify(&svi, None);
/// assert_eq!(certificate(&svi, None, (&found.edges, &[])).as_ref(), Some(&found));
/// ```
#[must_use]
pub fn certificate(
    svi: &Svi,
    before: Option<&Svi>,
    (edges, calendar_edges): (&[f64], &[f64]),
) -> Option<Certificate> {
    let judge = |program: &Program, slices: &[Tensor], edges: &[f64]| {
        (edges.len() == CELLS + 1).then(|| run(program, slices, edges).1)
    };
    let report = judge(&butterfly().ok()?, &[svi.tensor()], edges)?;
    let order = match before {
        None => vec![f64::INFINITY; 3],
        Some(before) => judge(&calendar().ok()?, &[before.tensor(), svi.tensor()], calendar_edges)?,
    };
    Some(Certificate {
        density: report[0],
        slope: report[2],
        reach: report[1],
        calendar: order[0],
        wings: order[2],
        edges: edges.to_vec(),
        calendar_edges: calendar_edges.to_vec(),
    })
}

/// Halves cells without a positive bound; returns the edges and what the Program says of them.
fn search(program: &Program, slices: &[Tensor], svi: &Svi) -> (Vec<f64>, Vec<f64>) {
    let variance = svi.variance(0.0);
    let far = if variance > 0.0 { 1.000_001 * REACH * variance.sqrt() } else { 1.0 };
    let share = |i: usize| crate::maths::count(i) / crate::maths::count(CELLS_FIRST);
    let mut edges: Vec<f64> = (0..=CELLS_FIRST).map(|i| far * (2.0 * share(i) - 1.0)).collect();
    loop {
        let (bounds, report) = run(program, slices, &padded(&edges));
        let open = edges.len() - 1;
        let mut bad: Vec<usize> = (0..open).filter(|i| bounds[*i] <= 0.0).collect();
        bad.sort_by(|a, b| bounds[*a].total_cmp(&bounds[*b]));
        bad.truncate(CELLS - open);
        let narrow = |i: &usize| edges[i + 1] - edges[*i] < 1e-3 * far * share(1);
        if bad.is_empty() || bad.iter().any(narrow) {
            return (padded(&edges), report);
        }
        edges.extend(bad.iter().map(|i| 0.5 * (edges[*i] + edges[i + 1])).collect::<Vec<_>>());
        edges.sort_by(f64::total_cmp);
    }
}

/// The edges, the last one repeated up to what a Program takes.
fn padded(edges: &[f64]) -> Vec<f64> {
    let mut all = edges.to_vec();
    all.resize(CELLS + 1, *edges.last().expect("there are edges"));
    all
}

fn run(program: &Program, slices: &[Tensor], edges: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut inputs = slices.to_vec();
    inputs.push(Tensor::f64(&[CELLS + 1], edges.to_vec()).expect("as many edges"));
    let out = tensor::eval(program, &inputs).expect("the inputs fit");
    let list = |i: usize| out[i].as_f64().expect("outputs are f64").to_vec();
    (list(0), list(1))
}

impl Svi {
    fn tensor(&self) -> Tensor {
        let list = vec![self.a, self.b, self.rho, self.m, self.sigma];
        Tensor::f64(&[5], list).expect("five parameters")
    }
}

/// A slice's parameters, f64\[1\] each, or spread over the cells.
struct Parameters {
    a: Value,
    b: Value,
    rho: Value,
    m: Value,
    sigma: Value,
}

impl Parameters {
    fn input(b: &mut Builder) -> Result<Parameters, BuildError> {
        let svi = b.input(Dtype::F64, &[5])?;
        let mut part = |i: usize| b.slice(svi, &[i], &[i + 1]);
        Ok(Parameters { a: part(0)?, b: part(1)?, rho: part(2)?, m: part(3)?, sigma: part(4)? })
    }

    fn spread(&self, e: &mut Elements<'_>) -> Result<Parameters, BuildError> {
        let mut wide = |x: Value| e.b.broadcast(x, &[CELLS]);
        Ok(Parameters {
            a: wide(self.a)?,
            b: wide(self.b)?,
            rho: wide(self.rho)?,
            m: wide(self.m)?,
            sigma: wide(self.sigma)?,
        })
    }

    /// `b (1 + |rho|)`.
    fn slope(&self, b: &mut Builder) -> Built {
        let size = b.abs(self.rho)?;
        b.fma(self.b, size, self.b)
    }
}

/// Variance and derivatives at a point of each cell, and the sum of the variance's terms' sizes.
struct At {
    w: Value,
    first: Value,
    second: Value,
    size: Value,
}

fn at(e: &mut Elements<'_>, svi: &Parameters, k: Value) -> Result<At, BuildError> {
    let x = e.b.sub(k, svi.m)?;
    let square = e.b.mul(svi.sigma, svi.sigma)?;
    let square_sum = e.b.fma(x, x, square)?;
    let root = e.b.sqrt(square_sum)?;
    let inner = e.b.fma(svi.rho, x, root)?;
    let w = e.b.fma(svi.b, inner, svi.a)?;
    let lean = e.b.div(x, root)?;
    let lean = e.b.add(svi.rho, lean)?;
    let first = e.b.mul(svi.b, lean)?;
    let cube = e.b.mul(square_sum, root)?;
    let bend = e.b.div(square, cube)?;
    let second = e.b.mul(svi.b, bend)?;
    let size = e.b.abs(svi.a)?;
    let twice = e.b.add(root, root)?;
    let size = e.b.fma(svi.b, twice, size)?;
    Ok(At { w, first, second, size })
}

/// Ranges over a cell.
struct Range {
    w: (Value, Value),
    first: (Value, Value),
    second_least: Value,
}

fn range(e: &mut Elements<'_>, svi: &Parameters, (l, r): (&At, &At)) -> Result<Range, BuildError> {
    let zero = e.number(0.0)?;
    // The least variance of all: a + b sigma sqrt(1 - rho^2).
    let minus = e.b.neg(svi.rho)?;
    let rest = e.fma(minus, svi.rho, 1.0)?;
    let rest = e.at_least(rest, 0.0)?;
    let root = e.b.sqrt(rest)?;
    let width = e.b.mul(svi.sigma, root)?;
    let bottom = e.b.fma(svi.b, width, svi.a)?;
    let rising = e.b.le(zero, l.first)?;
    let falling = e.b.le(r.first, zero)?;
    let least = e.b.select(falling, r.w, bottom)?;
    let least = e.b.select(rising, l.w, least)?;
    let most = e.b.max(l.w, r.w)?;
    let second_least = e.b.min(l.second, r.second)?;
    Ok(Range { w: (least, most), first: (l.first, r.first), second_least })
}

/// A value below Durrleman's function in each cell.
fn density(e: &mut Elements<'_>, range: &Range, (left, right): (Value, Value)) -> Built {
    let ((w_least, w_most), (p, q)) = (range.w, range.first);
    let zero = e.number(0.0)?;
    // k w' is between the least and the greatest of four products.
    let products = [(left, p), (left, q), (right, p), (right, q)];
    let products = products.map(|(k, slope)| e.b.mul(k, slope));
    let [a, b, c, d] = products;
    let (a, b, c, d) = (a?, b?, c?, d?);
    let (low, other) = (e.b.min(a, b)?, e.b.min(c, d)?);
    let low = e.b.min(low, other)?;
    let (high, other) = (e.b.max(a, b)?, e.b.max(c, d)?);
    let high = e.b.max(high, other)?;
    let over = |e: &mut Elements<'_>, x: Value| -> Result<(Value, Value), BuildError> {
        Ok((e.b.div(x, w_least)?, e.b.div(x, w_most)?))
    };
    let ((l1, l2), (h1, h2)) = (over(e, low)?, over(e, high)?);
    let (low, high) = (e.b.min(l1, l2)?, e.b.max(h1, h2)?);
    // (1 - k w' / 2 w)^2, at least: 0 if the inside may be 0.
    let minus_half = e.number(-0.5)?;
    let (least, most) = (e.fma(high, minus_half, 1.0)?, e.fma(low, minus_half, 1.0)?);
    let minus = e.b.neg(most)?;
    let distance = e.b.max(least, minus)?;
    let distance = e.b.max(distance, zero)?;
    let drift = e.b.mul(distance, distance)?;
    // (w'^2 / 4) (1 / w + 1 / 4), at most.
    let (pp, qq) = (e.b.mul(p, p)?, e.b.mul(q, q)?);
    let square = e.b.max(pp, qq)?;
    let one = e.number(1.0)?;
    let inverse = e.b.div(one, w_least)?;
    let inverse = e.plus(inverse, 0.25)?;
    let slope = e.b.mul(square, inverse)?;
    let slope = e.times(slope, 0.25)?;
    let bend = e.times(range.second_least, 0.5)?;
    let size = e.b.add(drift, slope)?;
    let size = e.b.add(size, bend)?;
    let size = e.plus(size, 1.0)?;
    let bound = e.b.sub(drift, slope)?;
    let bound = e.b.add(bound, bend)?;
    let slack = e.times(size, -SLACK)?;
    e.b.add(bound, slack)
}

/// The bound, or minus infinity where the edges do not ascend.
fn ordered(e: &mut Elements<'_>, bound: Value, (left, right): (Value, Value)) -> Built {
    let never = e.number(f64::NEG_INFINITY)?;
    let fine = e.b.le(left, right)?;
    let bound = e.b.select(fine, bound, never)?;
    let number = e.b.eq(bound, bound)?;
    e.b.select(number, bound, never)
}

/// The bound, or minus infinity for a slice with a negative slope: it is not convex, and nothing
/// here holds for it.
fn convex(e: &mut Elements<'_>, bound: Value, b: Value) -> Built {
    let (zero, never) = (e.number(0.0)?, e.number(f64::NEG_INFINITY)?);
    let fine = e.b.le(zero, b)?;
    e.b.select(fine, bound, never)
}

/// The bound, or minus infinity where the variance is next to nothing beside its terms.
fn trusted(e: &mut Elements<'_>, bound: Value, (range, l, r): (&Range, &At, &At)) -> Built {
    let never = e.number(f64::NEG_INFINITY)?;
    let size = e.b.max(l.size, r.size)?;
    let least = e.times(size, CANCELLED)?;
    let fine = e.b.lt(least, range.w.0)?;
    e.b.select(fine, bound, never)
}

/// Each cell's ends.
fn cells(b: &mut Builder, edges: Value) -> Result<(Value, Value), BuildError> {
    Ok((b.slice(edges, &[0], &[CELLS])?, b.slice(edges, &[1], &[CELLS + 1])?))
}

/// The least of the cells' bounds, f64\[1\].
fn least(b: &mut Builder, bounds: Value) -> Built {
    let minus = b.neg(bounds)?;
    let most = b.max_axis(minus, 0)?;
    let least = b.neg(most)?;
    b.reshape(least, &[1])
}

/// Deviations at the money that the edges reach on the nearer side, f64\[1\].
fn reach(b: &mut Builder, edges: Value, svi: &Parameters) -> Built {
    let first = b.slice(edges, &[0], &[1])?;
    let last = b.slice(edges, &[CELLS], &[CELLS + 1])?;
    let first = b.neg(first)?;
    let nearer = b.min(first, last)?;
    let e = &mut Elements::new(b, &[1]);
    let zero = e.number(0.0)?;
    let middle = at(e, svi, zero)?;
    let deviation = e.b.sqrt(middle.w)?;
    e.b.div(nearer, deviation)
}

/// By how much the later slice's wings are steeper, the lesser of both, f64\[1\].
fn steeper(b: &mut Builder, earlier: &Parameters, later: &Parameters) -> Built {
    let wings = |b: &mut Builder, svi: &Parameters| -> Result<(Value, Value), BuildError> {
        let lean = b.mul(svi.b, svi.rho)?;
        Ok((b.sub(svi.b, lean)?, b.add(svi.b, lean)?))
    };
    let (before, after) = (wings(b, earlier)?, wings(b, later)?);
    let left = b.sub(after.0, before.0)?;
    let right = b.sub(after.1, before.1)?;
    b.min(left, right)
}

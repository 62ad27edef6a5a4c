//! Fitting one slice: an outer search over centre and width, the rest in closed form.
//!
//! Weights are inverse squares of the bid-ask spread (with a floor), in variance, and fall far from
//! the money; several starts, the best refined by Nelder and Mead's method (1965).
//!
//! Absent: more weight for what is outside its bid and ask. It was tried, and both errors and the
//! share inside were worse, as it is stale quotes that are outside.

use super::inner::{Solved, Target};
use super::{Point, Svi};

/// The quotes of an expiry as volatilities.
///
/// ```
/// let slice = market::surface::Slice { years: 0.25, points: vec![] };
/// assert!(market::surface::fit(&slice, None).is_none());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Years to expiry.
    pub years: f64,
    /// Its points, by strike.
    pub points: Vec<Point>,
}

/// Fewest points that a slice is fitted to: one more than parameters.
///
/// ```
/// assert_eq!(market::surface::POINTS_MIN, 6);
/// ```
pub const POINTS_MIN: usize = 6;
/// Spreads count as at least this share of the volatility.
const SPREAD_LEAST: f64 = 0.02;
/// Deviations from which on weights fall, as prices do.
const FAR: f64 = 2.5;
/// Centres and widths to begin with, in deviations.
const CENTRES: [f64; 3] = [-0.7, 0.0, 0.7];
const WIDTHS: [f64; 3] = [0.2, 0.8, 2.5];
/// A width is between these, in deviations.
const WIDTH: (f64, f64) = (0.03, 5.0);
/// A centre is within this, in deviations.
const CENTRE_MAX: f64 = 3.0;

/// Returns the slice that fits the points best, or `None` for fewer than 6; `before` is where to
/// begin: what was fitted a moment ago.
///
/// Least squares of total variance, weighted by the spread; not certified.
///
/// ```
/// use market::surface::{Point, Slice, Svi, fit};
/// let truth = Svi { a: 0.01, b: 0.1, rho: -0.3, m: 0.02, sigma: 0.15 };
/// let point = |i: i32| {
///     let k = 0.05 * f64::from(i);
///     let mid = truth.volatility(k, 0.25);
///     Point { k, bid: mid - 0.001, ask: mid + 0.001 }
/// };
/// let slice = Slice { years: 0.25, points: (-8..=8).map(point).collect() };
/// let found = fit(&slice, None).ok_or("seventeen points")?;
/// assert!((found.volatility(0.1, 0.25) - truth.volatility(0.1, 0.25)).abs() < 1e-5);
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn fit(slice: &Slice, before: Option<&Svi>) -> Option<Svi> {
    let target = target(slice)?;
    let best = descend(&target, first(&target, before));
    Some(best.svi(&target))
}

/// The points in normalised coordinates, weighted by their spread.
pub(super) fn target(slice: &Slice) -> Option<Target> {
    let points = &slice.points;
    if points.len() < POINTS_MIN {
        return None;
    }
    let nearest = points.iter().min_by(|a, b| a.k.abs().total_cmp(&b.k.abs()))?;
    let variance = nearest.mid() * nearest.mid() * slice.years;
    let deviation = variance.sqrt();
    let weight = |p: &Point| {
        let spread = (p.ask - p.bid) / p.mid() + SPREAD_LEAST;
        // An error of variance is 2 sigma^2 times the relative error of volatility.
        let unit = 2.0 * p.mid() * p.mid() * slice.years / variance * spread;
        // Far from the money a volatility says little about prices.
        let x = p.k / deviation / FAR;
        1.0 / (unit * unit * (1.0 + x * x * x * x))
    };
    Some(Target {
        x: points.iter().map(|p| p.k / deviation).collect(),
        v: points.iter().map(|p| p.mid() * p.mid() * slice.years / variance).collect(),
        weight: points.iter().map(weight).collect(),
        units: (deviation, variance),
    })
}

/// The best of several starts.
fn first(target: &Target, before: Option<&Svi>) -> Solved {
    let (deviation, _) = target.units;
    let own = before.map(|svi| (svi.m / deviation, svi.sigma / deviation));
    let all = CENTRES.iter().flat_map(|m| WIDTHS.iter().map(move |width| (*m, *width)));
    let solved = own.into_iter().chain(all).map(|place| target.solve(held(place)));
    solved.min_by(|a, b| a.cost.total_cmp(&b.cost)).expect("there are starts")
}

/// Holds a centre and a width within their limits.
fn held((m, width): (f64, f64)) -> (f64, f64) {
    (m.clamp(-CENTRE_MAX, CENTRE_MAX), width.clamp(WIDTH.0, WIDTH.1))
}

/// Nelder and Mead's search over centre and width, from a solution on.
fn descend(target: &Target, from: Solved) -> Solved {
    const STEPS: usize = 40;
    let (m, width) = from.place();
    let at = |place: (f64, f64)| target.solve(held(place));
    let mut simplex = [from, at((m + 0.2, width)), at((m, width * 1.3))];
    for _ in 0..STEPS {
        simplex.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        let [best, good, bad] = simplex;
        if bad.cost - best.cost <= 1e-7 * best.cost {
            break;
        }
        let ((bm, bw), (gm, gw), (xm, xw)) = (best.place(), good.place(), bad.place());
        let (cm, cw) = (0.5 * (bm + gm), 0.5 * (bw + gw));
        let along = |t: f64| at((cm + t * (xm - cm), cw + t * (xw - cw)));
        let reflected = along(-1.0);
        simplex[2] = if reflected.cost < best.cost {
            let expanded = along(-2.0);
            if expanded.cost < reflected.cost { expanded } else { reflected }
        } else if reflected.cost < good.cost {
            reflected
        } else {
            let inside = along(if reflected.cost < bad.cost { -0.5 } else { 0.5 });
            if inside.cost < bad.cost {
                inside
            } else {
                simplex[1] = at((0.5 * (bm + gm), 0.5 * (bw + gw)));
                at((0.5 * (bm + xm), 0.5 * (bw + xw)))
            }
        };
    }
    simplex.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    simplex[0]
}

impl Solved {
    fn place(&self) -> (f64, f64) {
        self.centre
    }
}

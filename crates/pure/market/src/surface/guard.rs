//! Fitting under guard: a slice without arbitrage, above the expiry before and below the one after.
//!
//! All five parameters at once by Nelder and Mead's method, with penalties on a grid; slower than
//! the plain fit and needed for few slices. The grid proves nothing: the certificate follows.

use tensor::scalar::Scalar;

use super::inner::Target;
use super::{Slice, Svi};

/// Nodes of the grid, and how far it reaches in deviations.
const NODES: u32 = 49;
const REACH: f64 = 4.4;
/// Durrleman's function is to be at least this, and variances apart by this share.
const DENSITY_LEAST: f64 = 0.01;
const APART: f64 = 0.003;
/// Wings are to be no steeper than this.
const SLOPE_MAX: f64 = 1.9;
/// Steps of the search, and how often it begins anew where it ended.
const STEPS: usize = 260;
const TURNS: usize = 4;
/// The least width, in deviations.
const WIDTH_LEAST: f64 = 0.02;

/// What a slice must keep to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits<'a> {
    /// The expiry before: not below it.
    pub(super) below: Option<&'a Svi>,
    /// The expiry after: not above it.
    pub(super) above: Option<&'a Svi>,
}

/// Unbounded coordinates of a slice in normalised units.
type Place = [f64; 5];

/// Returns the slice that fits best within limits, as far as a grid can tell; `weight` is how much
/// a broken limit counts.
pub(super) fn guarded(
    (slice, target): (&Slice, &Target),
    from: &Svi,
    limits: Limits<'_>,
    weight: f64,
) -> Svi {
    let cost = |place: &Place| {
        let svi = svi(place, target);
        error(slice, target, &svi) + weight * broken(target, &svi, limits)
    };
    let mut best = place(from, target);
    for turn in 0..TURNS {
        best = descend(best, 0.3 / crate::maths::count(turn + 1), &cost);
    }
    svi(&best, target)
}

/// The sum of the squared errors, in spreads.
pub(super) fn error(slice: &Slice, target: &Target, svi: &Svi) -> f64 {
    let mut sum = 0.0;
    for ((point, v), weight) in slice.points.iter().zip(&target.v).zip(&target.weight) {
        let off = svi.variance(point.k) / target.units.1 - v;
        sum += weight * off * off;
    }
    sum
}

/// By how much limits are broken, summed over the grid.
fn broken(target: &Target, svi: &Svi, limits: Limits<'_>) -> f64 {
    let (deviation, variance) = target.units;
    let over = |x: f64| if x > 0.0 { x * x } else { 0.0 };
    let mut sum = 0.0;
    for i in 0..NODES {
        let x = REACH * (2.0 * f64::from(i) / f64::from(NODES - 1) - 1.0);
        let k = x * deviation;
        let w = svi.variance(k);
        if w < 1e-3 * variance {
            sum += over(1.0 - w / variance);
            continue;
        }
        sum += over(DENSITY_LEAST - svi.density_sign(k));
        if let Some(before) = limits.below {
            sum += over((before.variance(k) * (1.0 + APART) - w) / variance);
        }
        if let Some(after) = limits.above {
            sum += over((w - after.variance(k) * (1.0 - APART)) / variance);
        }
    }
    // The later slice's certificate reaches further than this one's own grid.
    for (other, sign) in [(limits.below, 1.0), (limits.above, -1.0)] {
        let Some(other) = other else { continue };
        let far = 4.2 * other.variance(0.0).op_max(svi.variance(0.0)).sqrt();
        for share in [-1.0, -0.85, -0.7, 0.7, 0.85, 1.0] {
            let k = far * share;
            let (own, limit) = (svi.variance(k), other.variance(k));
            sum += over(sign * (limit * (1.0 + sign * APART) - own) / variance);
        }
    }
    let (left, right) = svi.wings();
    sum + over(left - SLOPE_MAX) + over(right - SLOPE_MAX)
}

fn place(svi: &Svi, target: &Target) -> Place {
    let (deviation, variance) = target.units;
    let slope = (svi.b * deviation / variance).sqrt();
    let skew = svi.rho / (1.0 - svi.rho * svi.rho).op_max(1e-6).sqrt();
    let width = (svi.sigma / deviation - WIDTH_LEAST).op_max(0.0).sqrt();
    [svi.variance(svi.m) / variance, slope, skew, svi.m / deviation, width]
}

fn svi(place: &Place, target: &Target) -> Svi {
    let (deviation, variance) = target.units;
    let [level, slope, skew, m, width] = *place;
    let b = slope * slope * variance / deviation;
    let sigma = (width * width + WIDTH_LEAST) * deviation;
    let rho = skew / (1.0 + skew * skew).sqrt();
    Svi { a: level * variance - b * sigma, b, rho, m: m * deviation, sigma }
}

/// Nelder and Mead's search in five dimensions.
fn descend(from: Place, size: f64, cost: &impl Fn(&Place) -> f64) -> Place {
    let mut simplex: Vec<(f64, Place)> = vec![(cost(&from), from)];
    for i in 0..5 {
        let mut place = from;
        place[i] += size * if i == 0 { 0.3 } else { 1.0 };
        simplex.push((cost(&place), place));
    }
    let along = |from: &Place, to: &Place, t: f64| -> Place {
        std::array::from_fn(|i| t.mul_add(to[i] - from[i], from[i]))
    };
    for _ in 0..STEPS {
        simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
        if simplex[5].0 - simplex[0].0 <= 1e-8 * (1e-6 + simplex[0].0) {
            break;
        }
        let bad = simplex[5];
        let centre: Place =
            std::array::from_fn(|i| simplex[..5].iter().map(|(_, p)| p[i]).sum::<f64>() / 5.0);
        let try_at = |t: f64| {
            let place = along(&centre, &bad.1, t);
            (cost(&place), place)
        };
        let reflected = try_at(-1.0);
        if reflected.0 < simplex[0].0 {
            let expanded = try_at(-2.0);
            simplex[5] = if expanded.0 < reflected.0 { expanded } else { reflected };
        } else if reflected.0 < simplex[4].0 {
            simplex[5] = reflected;
        } else {
            let inside = try_at(if reflected.0 < bad.0 { -0.5 } else { 0.5 });
            if inside.0 < bad.0 {
                simplex[5] = inside;
            } else {
                let best = simplex[0].1;
                for entry in &mut simplex[1..] {
                    let place = along(&best, &entry.1, 0.5);
                    *entry = (cost(&place), place);
                }
            }
        }
    }
    simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
    simplex[0].1
}

//! The linear part of a fit: for a given centre and width, SVI is linear in the other three.
//!
//! Zeliade's quasi-explicit form (De Marco and Martini 2009): with `y = (x - m) / sigma`,
//! `v = a + d y + c sqrt(y^2 + 1)`, `d = b rho sigma`, `c = b sigma`, subject to `c >= 0`,
//! `|d| <= c` and wings no steeper than a limit. Coordinates are normalised: `x` in deviations at
//! the money, `v` in variances at the money.
//!
//! Absent: exactness on the boundary. Where a constraint binds, one face is taken.

use super::Svi;

/// A skew of 1 has a wing without slope.
const SKEW_MAX: f64 = 0.999;
/// The steepest wing that a fit may have; Lee's limit is 2.
pub(super) const SLOPE_MAX: f64 = 1.95;
/// The steepest in variances a deviation: beyond what is quoted, wings are a guess, and steep ones
/// cross those of the next expiry.
const STEEP: f64 = 1.75;

/// What is fitted to, in normalised coordinates.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Log-moneyness in deviations.
    pub(super) x: Vec<f64>,
    /// Variance in variances at the money.
    pub(super) v: Vec<f64>,
    pub(super) weight: Vec<f64>,
    /// Deviation and variance at the money.
    pub(super) units: (f64, f64),
}

/// A solution for some centre and width, in normalised coordinates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Solved {
    pub(super) cost: f64,
    a: f64,
    d: f64,
    c: f64,
    pub(super) centre: (f64, f64),
}

/// The weighted sums that the normal equations are made of.
#[derive(Default)]
struct Sums {
    one: f64,
    y: f64,
    q: f64,
    yy: f64,
    yq: f64,
    qq: f64,
    v: f64,
    vy: f64,
    vq: f64,
    vv: f64,
}

impl Target {
    /// Solves for level, skew and slope, given a centre and a width.
    pub(super) fn solve(&self, (m, sigma): (f64, f64)) -> Solved {
        let sums = self.sums(m, 1.0 / sigma);
        let lee = SLOPE_MAX * self.units.0 / self.units.1;
        let limit = sigma * if lee < STEEP { lee } else { STEEP };
        let (a, d, c) = sums.solve(limit);
        Solved { cost: sums.cost((a, d, c)), a, d, c, centre: (m, sigma) }
    }

    fn sums(&self, m: f64, scale: f64) -> Sums {
        let mut s = Sums::default();
        for ((x, v), weight) in self.x.iter().zip(&self.v).zip(&self.weight) {
            let y = (x - m) * scale;
            let q = y.mul_add(y, 1.0).sqrt();
            let (wy, wq, wv) = (weight * y, weight * q, weight * v);
            s.one += weight;
            s.y += wy;
            s.q += wq;
            s.yy = wy.mul_add(y, s.yy);
            s.yq = wy.mul_add(q, s.yq);
            s.qq = wq.mul_add(q, s.qq);
            s.v += wv;
            s.vy = wv.mul_add(y, s.vy);
            s.vq = wv.mul_add(q, s.vq);
            s.vv = wv.mul_add(*v, s.vv);
        }
        s
    }
}

impl Sums {
    /// The constrained minimum; `limit` bounds `c + |d|`.
    fn solve(&self, limit: f64) -> (f64, f64, f64) {
        // Without the level: covariances.
        let n = 1.0 / self.one;
        let (yy, yq) = (self.yy - self.y * self.y * n, self.yq - self.y * self.q * n);
        let qq = self.qq - self.q * self.q * n;
        let (vy, vq) = (self.vy - self.v * self.y * n, self.vq - self.v * self.q * n);
        let determinant = yy * qq - yq * yq;
        let (mut d, mut c) = if determinant > 1e-12 * yy * qq {
            ((vy * qq - vq * yq) / determinant, (vq * yy - vy * yq) / determinant)
        } else {
            (0.0, vq / qq)
        };
        if d.abs() > SKEW_MAX * c {
            // One face: d = +-skew c.
            let skew = if d < 0.0 { -SKEW_MAX } else { SKEW_MAX };
            let along = skew * skew * yy + 2.0 * skew * yq + qq;
            c = (skew * vy + vq) / along;
            c = if c > 0.0 { c } else { 0.0 };
            d = skew * c;
        }
        let steep = (c + d.abs()) / limit;
        if steep > 1.0 {
            (d, c) = (d / steep, c / steep);
        }
        ((self.v - d * self.y - c * self.q) * n, d, c)
    }

    fn cost(&self, (a, d, c): (f64, f64, f64)) -> f64 {
        let linear = a * self.v + d * self.vy + c * self.vq;
        let square = a * a * self.one
            + d * d * self.yy
            + c * c * self.qq
            + 2.0 * (a * d * self.y + a * c * self.q + d * c * self.yq);
        self.vv - 2.0 * linear + square
    }
}

impl Solved {
    /// The slice in ordinary coordinates.
    pub(super) fn svi(&self, target: &Target) -> Svi {
        let ((deviation, variance), (m, sigma)) = (target.units, self.centre);
        let rho = if self.c > 0.0 { self.d / self.c } else { 0.0 };
        Svi {
            a: self.a * variance,
            b: self.c / sigma * variance / deviation,
            rho,
            m: m * deviation,
            sigma: sigma * deviation,
        }
    }
}

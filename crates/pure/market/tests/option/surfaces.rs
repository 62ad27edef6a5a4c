//! Slices and their certificates: nothing false is certified, and what is fine is.

use market::surface::{Point, Slice, Svi, certificate, certify, fit, fit_all};
use proptest::prelude::*;

/// The least of Durrleman's function on a fine grid, within four deviations; minus infinity where
/// the variance is next to nothing or less.
fn least_on_a_grid(svi: &Svi) -> f64 {
    let far = 4.0 * svi.variance(0.0).sqrt();
    let at = |i: i32| {
        let k = far * f64::from(i) / 5_000.0;
        let fine = svi.variance(k) > 1e-3 * svi.variance(0.0);
        if fine { svi.density_sign(k) } else { f64::NEG_INFINITY }
    };
    (-5_000..=5_000).map(at).fold(f64::INFINITY, |least, x| if x < least { x } else { least })
}

fn slice(svi: &Svi, years: f64, spread: f64) -> Slice {
    let deviation = svi.variance(0.0).sqrt();
    let point = |i: i32| {
        let k = 0.2 * f64::from(i) * deviation;
        let mid = svi.volatility(k, years);
        Point { k, bid: mid - spread, ask: mid + spread }
    };
    Slice { years, points: (-14..=12).map(point).collect() }
}

/// The classic false slice: Axel Vogt's, arbitrageable though its wings are within Lee's limit
/// (Gatheral and Jacquier 2014, section 3.1).
#[test]
fn a_known_arbitrage_is_not_certified() {
    let vogt = Svi { a: -0.041, b: 0.1331, rho: 0.306, m: 0.3586, sigma: 0.4153 };
    assert!(vogt.density_sign(0.9) < 0.0);
    // It is seven deviations off: within four there is none, and edges that go further show it.
    let found = certify(&vogt, None);
    assert!(found.holds() && found.slope < 2.0 && found.reach < 4.01, "{}", found.density);
    let edges: Vec<f64> = (0..=512).map(|i| f64::from(i - 256) / 256.0).collect();
    let further = certificate(&vogt, None, (&edges, &[])).expect("as many edges");
    assert!(!further.holds() && further.density < 0.0 && further.reach > 7.5);
}

#[test]
fn another_s_edges_prove_nothing_false() {
    let (fine, wide) = (
        Svi { a: 0.01, b: 0.05, rho: -0.3, m: 0.0, sigma: 0.2 },
        Svi { a: 0.3, b: 0.2, rho: 0.0, m: 0.0, sigma: 0.5 },
    );
    let found = certify(&fine, None);
    assert!(found.holds());
    // Edges that reach four of its deviations do not reach four of a wider slice's.
    let other = certificate(&wide, None, (&found.edges, &[])).expect("as many edges");
    assert!(!other.holds() && other.reach < 4.0);
    let mut shuffled = found.edges.clone();
    shuffled.swap(3, 4);
    let other = certificate(&fine, None, (&shuffled, &[])).expect("as many edges");
    assert!(!other.holds());
    assert!(certificate(&fine, None, (&found.edges[1..], &[])).is_none());
    // With a negative slope it is not convex, so the ranges would be wrong.
    let concave = Svi { a: 0.1, b: -0.05, ..fine };
    let other = certificate(&concave, None, (&found.edges, &[])).expect("as many edges");
    assert_eq!(other.density, f64::NEG_INFINITY);
    let order = certificate(&fine, Some(&concave), (&found.edges, &found.edges));
    assert_eq!(order.expect("as many edges").calendar, f64::NEG_INFINITY);
    let nan = Svi { rho: f64::NAN, ..fine };
    assert!(!certificate(&nan, None, (&found.edges, &[])).expect("as many edges").holds());
}

#[test]
fn crossing_expiries_are_mended() {
    // The later expiry's variance is lower on the left.
    let early = Svi { a: 0.010, b: 0.06, rho: -0.5, m: 0.0, sigma: 0.10 };
    let later = Svi { a: 0.011, b: 0.06, rho: 0.3, m: 0.0, sigma: 0.10 };
    assert!(!certify(&later, Some(&early)).holds());
    let slices = [slice(&early, 0.10, 0.02), slice(&later, 0.11, 0.02)];
    let fitted = fit_all(&slices, &[]);
    let both: Vec<_> = fitted.iter().flatten().collect();
    assert_eq!(both.len(), 2);
    assert!(both.iter().all(|f| f.certificate.holds()) && both.iter().any(|f| !f.plain));
    let (a, b) = (both[0].svi, both[1].svi);
    let far = 4.0 * b.variance(0.0).sqrt();
    for i in -1_000..=1_000 {
        let k = far * f64::from(i) / 1_000.0;
        assert!(b.variance(k) > a.variance(k));
    }
}

fn svi() -> impl Strategy<Value = Svi> {
    (0.2f64..1.2, 0.01f64..1.0, 0.05f64..2.5, -0.95f64..0.95, -1.0f64..1.0, 0.05f64..3.0).prop_map(
        |(volatility, years, slope, rho, m, sigma)| {
            let w = volatility * volatility * years;
            let deviation = w.sqrt();
            let (m, sigma, b) = (m * deviation, sigma * deviation, slope * w / deviation);
            let shape = Svi { a: 0.0, b, rho, m, sigma };
            Svi { a: w - shape.variance(0.0), ..shape }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn bounds_are_below_the_function(svi in svi()) {
        let (found, grid) = (certify(&svi, None), least_on_a_grid(&svi));
        let refused = grid == f64::NEG_INFINITY;
        prop_assert!(found.density <= grid + 1e-12 || refused, "{} {grid}", found.density);
        // Not by so much that a fine slice would be refused.
        prop_assert!(found.density > 0.0 || grid < 5e-3, "{} {grid}", found.density);
        let again = certificate(&svi, None, (&found.edges, &[])).expect("as many edges");
        prop_assert_eq!(again.density.to_bits(), found.density.to_bits());
    }

    #[test]
    fn calendar_bounds_are_below_the_difference(a in svi(), b in svi()) {
        let found = certify(&b, Some(&a));
        let far = 4.0 * b.variance(0.0).sqrt();
        for i in -200..=200 {
            let k = far * f64::from(i) / 200.0;
            let apart = (b.variance(k) - a.variance(k)) / b.variance(0.0);
            prop_assert!(found.calendar <= apart + 1e-9);
        }
    }

    #[test]
    fn a_slice_of_svi_is_found(truth in svi()) {
        let deviation = truth.variance(0.0).sqrt();
        prop_assume!(truth.b * (1.0 + truth.rho.abs()) < 1.5 * deviation);
        // A bend narrower than the strikes' distance is not in the quotes.
        prop_assume!(truth.sigma > 0.2 * deviation && truth.sigma < 2.5 * deviation);
        prop_assume!(least_on_a_grid(&truth) > 0.0);
        let slice = slice(&truth, 0.25, 0.005);
        prop_assume!(slice.points.iter().all(|p| p.bid > 0.05));
        let found = fit(&slice, None).expect("enough points");
        for p in &slice.points {
            let error = found.volatility(p.k, 0.25) - p.mid();
            prop_assert!(error.abs() < 0.005, "{error} at {} of {truth:?}: {found:?}", p.k);
        }
    }
}

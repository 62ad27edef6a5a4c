//! The two-piece normal law: what is left of a log variance is skewed, and this is the simplest
//! law that is.
//!
//! Two halves of normal densities with scales `lower` and `upper` meet at the mode (Fechner 1897;
//! Fernández and Steel 1998). Everything a score needs is in closed form (Gneiting and
//! Thorarinsdottir 2010). Here it always has mean 0 and variance 1; location and scale are the
//! forecaster's.
//!
//! *Invariant: a skew of 1 is the normal law.* Absent: heavier tails.

use crate::distribution::{normal_cdf, normal_density, normal_quantile};

/// 1 / (2 sqrt(pi)).
const HALF_INVERSE_ROOT_PI: f64 = 0.282_094_791_773_878_14;
/// The density of the standard normal law at 0.
const PEAK: f64 = 0.398_942_280_401_432_7;
/// Skews are held within these.
const SKEW: (f64, f64) = (0.25, 4.0);

/// A two-piece normal law with mean 0 and variance 1.
///
/// ```
/// use market::risk::TwoPiece;
/// let (even, skewed) = (TwoPiece::new(1.0), TwoPiece::new(1.2));
/// assert!((even.cdf(0.0) - 0.5).abs() < 1e-15);
/// assert!(skewed.cdf(0.0) > 0.5, "more than half lies below the mean");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoPiece {
    /// Where both halves meet.
    pub(super) mode: f64,
    /// The scale below the mode.
    pub(super) lower: f64,
    /// The scale above it.
    pub(super) upper: f64,
}

impl TwoPiece {
    /// Returns the law whose upper scale is `skew²` times the lower; `skew` is held within 1/4 and
    /// 4, and NaN is 1.
    ///
    /// ```
    /// use market::risk::TwoPiece;
    /// assert_eq!(TwoPiece::new(f64::NAN), TwoPiece::new(1.0));
    /// ```
    #[must_use]
    pub fn new(skew: f64) -> TwoPiece {
        let skew = if skew.is_nan() { 1.0 } else { skew.clamp(SKEW.0, SKEW.1) };
        let (lower, upper) = (1.0 / skew, skew);
        let apart = upper - lower;
        // The mean is 2 PEAK (upper - lower) above the mode.
        let variance = (1.0 - 4.0 * PEAK * PEAK) * apart * apart + lower * upper;
        let unit = 1.0 / variance.sqrt();
        TwoPiece { mode: -2.0 * PEAK * apart * unit, lower: lower * unit, upper: upper * unit }
    }

    /// The probability of the lower half.
    pub(super) fn below(&self) -> f64 {
        self.lower / (self.lower + self.upper)
    }

    /// Half the mean distance of two draws: `∫ F (1 - F)`.
    pub(super) fn spread(&self) -> f64 {
        let half = |share: f64, scale: f64| {
            let squares = PEAK - HALF_INVERSE_ROOT_PI;
            2.0 * share * scale * PEAK - 4.0 * share * share * scale * squares
        };
        half(self.below(), self.lower) + half(1.0 - self.below(), self.upper)
    }

    /// Returns the probability of at most `z`.
    ///
    /// ```
    /// let p = market::risk::TwoPiece::new(1.0).cdf(-1.644_853_626_951_472_7);
    /// assert!((p - 0.05).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn cdf(&self, z: f64) -> f64 {
        let from = z - self.mode;
        if from < 0.0 {
            2.0 * self.below() * normal_cdf(from / self.lower)
        } else {
            1.0 - 2.0 * (1.0 - self.below()) * normal_cdf(-from / self.upper)
        }
    }

    /// Returns the `p`-quantile; infinite at 0 and 1, NaN outside.
    ///
    /// ```
    /// let law = market::risk::TwoPiece::new(1.3);
    /// assert!((law.cdf(law.quantile(0.9)) - 0.9).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        let below = self.below();
        if p < below {
            self.mode + self.lower * normal_quantile(p / (2.0 * below))
        } else {
            self.mode - self.upper * normal_quantile((1.0 - p) / (2.0 * (1.0 - below)))
        }
    }

    /// Returns the continuous ranked probability score of this law at a location and scale.
    ///
    /// ```
    /// use market::{risk::TwoPiece, stats::crps_normal};
    /// let (even, law) = (TwoPiece::new(1.0), (0.3, 0.7));
    /// assert!((even.crps(1.1, law) - crps_normal(1.1, law)).abs() < 1e-14);
    /// ```
    #[must_use]
    pub fn crps(&self, outcome: f64, (location, scale): (f64, f64)) -> f64 {
        let from = (outcome - location) / scale - self.mode;
        // The mean lies at -mode from the mode.
        let distance = if from < 0.0 {
            let t = from / self.lower;
            let under = 2.0 * self.below() * self.lower * (t * normal_cdf(t) + normal_density(t));
            -self.mode - from + 2.0 * under
        } else {
            let t = from / self.upper;
            let share = 2.0 * (1.0 - self.below());
            let over = share * self.upper * (normal_density(t) - t * normal_cdf(-t));
            from + self.mode + 2.0 * over
        };
        scale * (distance - self.spread())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn mean_and_variance_are_0_and_1_and_crps_is_its_integral(
            skew in 0.4..2.5_f64,
            at in -3.0..3.0_f64,
        ) {
            let law = TwoPiece::new(skew);
            let (step, from) = (1e-3, -12.0);
            let (mut mean, mut square, mut crps, mut last) = (0.0, 0.0, 0.0, law.cdf(from));
            for i in 0..24_000_u32 {
                let left = from + f64::from(i) * step;
                let next = law.cdf(left + step);
                let middle = left + 0.5 * step;
                mean += middle * (next - last);
                square += middle * middle * (next - last);
                let p = law.cdf(middle) - if middle < at { 0.0 } else { 1.0 };
                crps += p * p * step;
                last = next;
            }
            prop_assert!(mean.abs() < 1e-5 && (square - 1.0).abs() < 1e-4, "{} {}", mean, square);
            prop_assert!((crps - law.crps(at, (0.0, 1.0))).abs() < 2e-3);
            let far = law.crps(5.0 + 2.0 * at, (5.0, 2.0));
            prop_assert!((far - 2.0 * law.crps(at, (0.0, 1.0))).abs() < 1e-9);
        }
    }
}

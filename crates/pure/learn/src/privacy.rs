//! What a node's updates say about its data, at most: differential privacy by Rényi divergences.
//!
//! One release is the Gaussian mechanism: a value whose sensitivity is 1 plus noise of deviation
//! `noise`, on a random share `rate` of the data (1 for all of them). Its Rényi divergence of order
//! a is that of Mironov, Talwar and Zhang, "Rényi Differential Privacy of the Sampled Gaussian
//! Mechanism" (2019): the binomial sum of their section 3.3 for whole a, the pair of series for
//! others. Releases add up. The best order of a fixed list gives (epsilon, delta) by proposition 12
//! of Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy" (2020).
//!
//! *Total: whatever enters, the answer is a bound, to some five digits, or infinity.*
//!
//! Absent: privacy loss distributions, which are tighter by some per cent.

use tensor::scalar::{Float, Scalar};

/// Orders beside every tenth from 1.1 to 10.9.
const ORDERS: [f64; 58] = {
    let mut orders = [0.0; 58];
    let mut at = 0;
    while at < 53 {
        orders[at] = 11.0 + at as f64;
        at += 1;
    }
    let larger = [80.0, 128.0, 256.0, 512.0, 1024.0];
    while at < 58 {
        orders[at] = larger[at - 53];
        at += 1;
    }
    orders
};
/// Terms of a series below this share of the whole are left out.
const NEGLIGIBLE: f64 = -40.0;
/// Terms of a series, at most.
const TERMS_MAX: usize = 20_000;
/// Beyond this the complementary error function is its asymptotic series.
const FAR: f64 = 8.0;
const LN_2: f64 = std::f64::consts::LN_2;
const PI: f64 = std::f64::consts::PI;

/// What is released, again and again.
///
/// ```
/// let mechanism = learn::Mechanism { noise: 4.0, rate: 1.0 };
/// // Every day of a year, and an attacker succeeds with probability 1e-6 outside the bound.
/// let epsilon = mechanism.epsilon(365, 1e-6);
/// assert!((35.0..35.5).contains(&epsilon), "{epsilon}");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mechanism {
    /// Deviation of the noise over the sensitivity; positive.
    pub noise: f64,
    /// Share of the data in one release, 0 to 1.
    pub rate: f64,
}

impl Mechanism {
    /// Returns an epsilon such that `releases` are (epsilon, `delta`) differentially private.
    ///
    /// Infinite without noise, for a rate outside 0 to 1 or a delta outside 0 to 1; 0 where nothing
    /// is released.
    ///
    /// ```
    /// let twice = learn::Mechanism { noise: 1.1, rate: 0.01 };
    /// assert!(twice.epsilon(2_000, 1e-5) > twice.epsilon(1_000, 1e-5));
    /// assert_eq!(twice.epsilon(0, 1e-5), 0.0);
    /// assert_eq!(learn::Mechanism { noise: 0.0, rate: 1.0 }.epsilon(1, 1e-5), f64::INFINITY);
    /// ```
    #[must_use]
    pub fn epsilon(&self, releases: u64, delta: f64) -> f64 {
        if releases == 0 || self.rate == 0.0 {
            return 0.0;
        }
        let sane = self.noise > 0.0 && self.rate > 0.0 && self.rate <= 1.0;
        if !(sane && delta > 0.0 && delta < 1.0) {
            return f64::INFINITY;
        }
        #[expect(clippy::cast_precision_loss, reason = "a count; rounding is of the 16th digit")]
        let releases = releases as f64;
        let tenths = (1_u8..100).map(|tenth| 1.0 + f64::from(tenth) / 10.0);
        let bounds = tenths.chain(ORDERS).map(|order| {
            let spent = releases * self.divergence(order);
            let saved = (1.0 - 1.0 / order).op_log();
            spent + saved - (delta * order).op_log() / (order - 1.0)
        });
        let least = bounds.filter(|bound| !bound.is_nan()).fold(f64::INFINITY, Scalar::op_min);
        if least < 0.0 { 0.0 } else { least }
    }

    /// Returns the most releases of which epsilon is at most this.
    ///
    /// ```
    /// let mechanism = learn::Mechanism { noise: 20.0, rate: 1.0 };
    /// let releases = mechanism.releases(5.0, 1e-6);
    /// assert!(mechanism.epsilon(releases, 1e-6) <= 5.0);
    /// assert!(mechanism.epsilon(releases + 1, 1e-6) > 5.0);
    /// ```
    #[must_use]
    pub fn releases(&self, epsilon: f64, delta: f64) -> u64 {
        let within = |releases| self.epsilon(releases, delta) <= epsilon;
        let mut high = 1_u64;
        while high < 1 << 40 && within(high) {
            high *= 2;
        }
        let mut low = high / 2;
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if within(middle) { low = middle } else { high = middle }
        }
        if within(low) { low } else { 0 }
    }

    /// Returns the Rényi divergence of order above 1 of one release.
    fn divergence(&self, order: f64) -> f64 {
        let variance = self.noise * self.noise;
        if self.rate == 1.0 {
            return order / (2.0 * variance);
        }
        let moment = if order.fract() == 0.0 { self.whole(order) } else { self.broken(order) };
        moment / (order - 1.0)
    }

    /// The logarithm of the moment of a whole order: a sum of positive terms.
    fn whole(&self, order: f64) -> f64 {
        let variance = self.noise * self.noise;
        let (sampled, left) = (self.rate.op_log(), (1.0 - self.rate).op_log());
        let mut binomial = 0.0;
        let mut sum = f64::NEG_INFINITY;
        let mut k = 0.0;
        while k <= order {
            let term = binomial + k * sampled + (order - k) * left;
            sum = log_add(sum, term + (k * k - k) / (2.0 * variance));
            binomial += ((order - k) / (k + 1.0)).op_log();
            k += 1.0;
        }
        sum
    }

    /// The logarithm of the moment of any order: the two halves of the integral, each a series
    /// whose signs alternate from some term on.
    fn broken(&self, order: f64) -> f64 {
        let variance = self.noise * self.noise;
        let (sampled, left) = (self.rate.op_log(), (1.0 - self.rate).op_log());
        let cut = variance * (1.0 / self.rate - 1.0).op_log() + 0.5;
        let root = std::f64::consts::SQRT_2 * self.noise;
        let (mut halves, mut binomial, mut sign) = ([f64::NEG_INFINITY; 2], 0.0, 1.0);
        let mut i = 0.0;
        for _ in 0..TERMS_MAX {
            let j = order - i;
            let tail = |x: f64| log_erfc(x) - LN_2;
            let bend = |k: f64| (k * k - k) / (2.0 * variance);
            let terms = [
                binomial + i * sampled + j * left + bend(i) + tail((i - cut) / root),
                binomial + j * sampled + i * left + bend(j) + tail((cut - j) / root),
            ];
            for (half, term) in halves.iter_mut().zip(terms) {
                *half = if sign > 0.0 { log_add(*half, term) } else { log_sub(*half, term) };
            }
            let most = if terms[0] > terms[1] { terms[0] } else { terms[1] };
            if i > order && most < NEGLIGIBLE {
                break;
            }
            let ratio = (order - i) / (i + 1.0);
            sign = if ratio < 0.0 { -sign } else { sign };
            binomial += ratio.op_abs().op_log();
            i += 1.0;
        }
        log_add(halves[0], halves[1])
    }
}

/// `ln(e^a + e^b)`.
fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (1.0 + (low - high).op_exp()).op_log() }
}

/// `ln(e^a - e^b)`; minus infinity where nothing is left.
fn log_sub(a: f64, b: f64) -> f64 {
    if b == f64::NEG_INFINITY {
        a
    } else if a > b {
        a + (1.0 - (b - a).op_exp()).op_log()
    } else {
        f64::NEG_INFINITY
    }
}

/// The logarithm of the complementary error function.
fn log_erfc(x: f64) -> f64 {
    if x < FAR {
        return x.op_erfc().op_log();
    }
    // erfc x = e^(-x^2) / (x sqrt pi) (1 - 1/2x^2 + 3/4x^4 - 15/8x^6 ...), Abramowitz 7.1.23.
    let y = 1.0 / (2.0 * x * x);
    let series = 1.0 - y * (1.0 - 3.0 * y * (1.0 - 5.0 * y * (1.0 - 7.0 * y)));
    -x * x - (x * PI.op_sqrt()).op_log() + series.op_log()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise, rate, releases and delta, with epsilon of the library dp-accounting 0.6.0
    /// (`RdpAccountant`, its own orders).
    const THEIRS: [(f64, f64, u64, f64, f64); 20] = [
        (1.1, 0.01, 1_000, 1e-5, 1.711_770_166_242_901_2),
        (1.1, 0.01, 10_000, 1e-5, 5.632_010_670_081_592),
        (0.8, 0.02, 500, 1e-5, 5.371_863_220_431_957),
        (2.0, 0.05, 2_000, 1e-6, 6.540_317_544_703_027_5),
        (4.0, 0.1, 5_000, 1e-6, 10.343_861_687_847_15),
        (1.0, 1.0, 1, 1e-5, 4.728_507_067_217_623),
        (5.0, 1.0, 100, 1e-5, 10.725_509_696_418_232),
        (20.0, 1.0, 1_000, 1e-6, 8.846_874_358_507_94),
        (50.0, 1.0, 365, 1e-6, 1.806_504_059_035_025),
        (0.5, 0.001, 100, 1e-5, 3.598_125_015_285_157_6),
        (0.7, 0.005, 20_000, 1e-7, 12.515_740_559_694_096),
        (1.5, 0.2, 300, 1e-5, 15.513_789_855_687_277),
        (3.0, 0.5, 50, 1e-4, 5.389_638_505_074_08),
        (10.0, 0.3, 5_000, 1e-5, 11.596_833_306_103_854),
        (0.6, 0.1, 20, 1e-3, 8.274_281_591_095_889),
        (1.3, 0.004, 100_000, 1e-6, 6.084_861_278_016_223_5),
        (8.0, 1.0, 30, 1e-9, 4.284_697_680_249_894),
        (2.5, 0.01, 1_000_000, 1e-5, 27.367_387_564_415_73),
        (1.0, 0.9, 10, 1e-5, 17.718_750_764_235_917),
        (100.0, 1.0, 10_000, 1e-8, 6.086_353_949_769_101_5),
    ];

    #[test]
    fn epsilon_is_the_other_librarys() {
        let mut within = 0;
        for (noise, rate, releases, delta, theirs) in THEIRS {
            let ours = Mechanism { noise, rate }.epsilon(releases, delta);
            // Between whole orders theirs is an upper bound of the integral, ours the integral.
            let near = ours <= theirs * (1.0 + 1e-9) && ours >= theirs * (1.0 - 2e-2);
            assert!(near, "noise {noise} rate {rate}: {ours} instead of {theirs}");
            within += usize::from(ours >= theirs * (1.0 - 1e-2));
        }
        assert!(within >= 19, "{within} of 20 within one per cent");
    }

    #[test]
    fn a_broken_order_is_its_integral() {
        // E over N(0, s^2) of ((1 - q) + q e^((2x - 1) / 2s^2))^a by quadrature to 1e-13.
        let mechanism = Mechanism { noise: 0.8, rate: 0.02 };
        let exact = [
            (3.6, 0.003_638_409_376_500_117),
            (3.7, 0.003_850_033_555_917_062),
            (3.8, 0.004_081_093_033_299_666),
            (3.9, 0.004_335_510_268_462_075),
            (4.0, 0.004_618_314_571_292_231),
        ];
        for (order, exact) in exact {
            let ours = mechanism.divergence(order);
            assert!((ours / exact - 1.0).abs() < 1e-9, "{order}: {ours} instead of {exact}");
        }
    }

    #[test]
    fn both_sums_agree_at_whole_orders() {
        for (noise, rate) in [(0.7, 0.01), (1.1, 0.3), (4.0, 0.9), (2.0, 0.001)] {
            let mechanism = Mechanism { noise, rate };
            for order in [2.0, 3.0, 7.0, 31.0] {
                let (whole, broken) = (mechanism.whole(order), mechanism.broken(order));
                assert!((whole - broken).abs() <= 1e-9 * (1.0 + whole), "{whole} {broken}");
            }
        }
    }

    #[test]
    fn more_noise_and_a_smaller_share_tell_less() {
        let epsilon = |noise, rate| Mechanism { noise, rate }.epsilon(100, 1e-5);
        let noises = [0.5, 1.0, 2.0, 8.0].map(|noise| epsilon(noise, 0.1));
        assert!(noises.is_sorted_by(|one, next| one > next), "{noises:?}");
        let rates = [0.001, 0.01, 0.1, 0.5, 1.0].map(|rate| epsilon(2.0, rate));
        assert!(rates.is_sorted_by(|one, next| one < next), "{rates:?}");
    }

    #[test]
    fn what_is_no_mechanism_protects_nothing() {
        for (noise, rate) in [(f64::NAN, 0.5), (-1.0, 0.5), (1.0, 1.5), (1.0, f64::NAN)] {
            assert_eq!(Mechanism { noise, rate }.epsilon(1, 1e-5), f64::INFINITY);
        }
        for delta in [0.0, 1.0, -1.0, f64::NAN] {
            assert_eq!(Mechanism { noise: 1.0, rate: 0.5 }.epsilon(1, delta), f64::INFINITY);
        }
        assert_eq!(Mechanism { noise: 1.0, rate: 1.0 }.releases(0.001, 1e-5), 0);
    }
}

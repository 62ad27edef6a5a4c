//! A slice of the surface: Gatheral's raw SVI (2004).
//!
//! Total variance by log-moneyness: `w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2))`.

/// Raw SVI parameters of one expiry.
///
/// ```
/// let svi = market::surface::Svi { a: 0.01, b: 0.1, rho: -0.3, m: 0.0, sigma: 0.1 };
/// assert!((svi.variance(0.0) - 0.02).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Svi {
    /// Level.
    pub a: f64,
    /// Slope of the wings, not negative.
    pub b: f64,
    /// Skew, between -1 and 1.
    pub rho: f64,
    /// Centre.
    pub m: f64,
    /// Width of the bottom, positive.
    pub sigma: f64,
}

impl Svi {
    /// Returns the total variance at `k`.
    ///
    /// ```
    /// let flat = market::surface::Svi { a: 0.04, b: 0.0, rho: 0.0, m: 0.0, sigma: 1.0 };
    /// assert_eq!(flat.variance(3.0), 0.04);
    /// ```
    #[must_use]
    pub fn variance(&self, k: f64) -> f64 {
        let x = k - self.m;
        self.a + self.b * (self.rho * x + (x * x + self.sigma * self.sigma).sqrt())
    }

    /// Returns the volatility at `k` of an expiry so many years away; 0 for no variance.
    ///
    /// ```
    /// let flat = market::surface::Svi { a: 0.04, b: 0.0, rho: 0.0, m: 0.0, sigma: 1.0 };
    /// assert_eq!(flat.volatility(0.0, 1.0), 0.2);
    /// ```
    #[must_use]
    pub fn volatility(&self, k: f64, years: f64) -> f64 {
        let variance = self.variance(k) / years;
        if variance > 0.0 { variance.sqrt() } else { 0.0 }
    }

    /// Returns the variance and its first two derivatives by `k`.
    ///
    /// ```
    /// let svi = market::surface::Svi { a: 0.0, b: 1.0, rho: 0.0, m: 0.0, sigma: 2.0 };
    /// assert_eq!(svi.derivatives(0.0), (2.0, 0.0, 0.5));
    /// ```
    #[must_use]
    pub fn derivatives(&self, k: f64) -> (f64, f64, f64) {
        let x = k - self.m;
        let root = (x * x + self.sigma * self.sigma).sqrt();
        let w = self.a + self.b * (self.rho * x + root);
        let slope = self.b * (self.rho + x / root);
        (w, slope, self.b * self.sigma * self.sigma / (root * root * root))
    }

    /// Returns Durrleman's function, whose sign is that of the density at `k`: `(1 - k w' / 2 w)^2
    /// - (w'^2 / 4) (1 / w + 1 / 4) + w'' / 2` (Gatheral and Jacquier 2014, equation 2.1).
    ///
    /// ```
    /// let flat = market::surface::Svi { a: 0.04, b: 0.0, rho: 0.0, m: 0.0, sigma: 1.0 };
    /// assert_eq!(flat.density_sign(0.7), 1.0);
    /// ```
    #[must_use]
    pub fn density_sign(&self, k: f64) -> f64 {
        let (w, first, second) = self.derivatives(k);
        let drift = 1.0 - 0.5 * k * first / w;
        drift * drift - 0.25 * first * first * (1.0 / w + 0.25) + 0.5 * second
    }

    /// Returns the slopes of the left and the right wing, both counted as rising.
    ///
    /// ```
    /// let svi = market::surface::Svi { a: 0.0, b: 0.5, rho: -0.5, m: 0.0, sigma: 0.1 };
    /// assert_eq!(svi.wings(), (0.75, 0.25));
    /// ```
    #[must_use]
    pub fn wings(&self) -> (f64, f64) {
        (self.b * (1.0 - self.rho), self.b * (1.0 + self.rho))
    }
}

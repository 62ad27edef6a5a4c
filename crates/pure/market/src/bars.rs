//! Bars and series of bars: the form in which every market enters the system.

use crate::Date;

/// One bar: what a market did from `open_s` for the series' interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Unix time in seconds, UTC, at which the bar opens.
    pub open_s: i64,
    /// First price, in quote units; positive.
    pub open: f64,
    /// Highest price; not below `open`, `close` and `low`.
    pub high: f64,
    /// Lowest price; positive, not above `open`, `close` and `high`.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Traded volume in base units; zero where the source gives none.
    pub volume: f64,
}

impl Bar {
    /// Returns whether prices are finite and positive, the range holds open and close, and the
    /// volume is finite and not negative.
    ///
    /// ```
    /// let (open, high, low, close) = (1.0, 2.0, 0.5, 1.5);
    /// let bar = market::Bar { open_s: 0, open, high, low, close, volume: 0.0 };
    /// assert!(bar.is_possible());
    /// assert!(!market::Bar { high: 1.2, ..bar }.is_possible());
    /// ```
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let prices = [self.open, self.high, self.low, self.close];
        prices.iter().all(|p| p.is_finite() && *p > 0.0)
            && self.volume.is_finite()
            && self.volume >= 0.0
            && self.high >= self.open
            && self.high >= self.close
            && self.low <= self.open
            && self.low <= self.close
    }

    /// Returns the UTC day the bar opens on.
    ///
    /// # Panics
    ///
    /// If `open_s` lies some million years away; [`Series`] read by `feeds` never does.
    #[must_use]
    pub fn date(&self) -> Date {
        Date::of_unix(self.open_s).expect("a bar's time was checked when it was read")
    }
}

/// A market at a venue: its bars, ascending in time, without duplicates.
///
/// Intraday series have no gaps. Daily ones have them where the market was closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The venue, as the folder it was read from is called (`binance`).
    pub venue: String,
    /// The market at that venue (`BTCUSDT_perp`).
    pub symbol: String,
    /// Seconds from one bar's open to the next.
    pub interval_s: i64,
    /// Whether the source had a high and a low; where not, the four prices of a bar are one.
    pub ranged: bool,
    /// The bars, ascending.
    pub bars: Vec<Bar>,
}

impl Series {
    /// Returns `venue symbol`.
    ///
    /// ```
    /// let (venue, symbol) = ("binance".to_owned(), "BTCUSDT_perp".to_owned());
    /// let bars = Vec::new();
    /// let series = market::Series { venue, symbol, interval_s: 1_800, ranged: true, bars };
    /// assert_eq!(series.name(), "binance BTCUSDT_perp");
    /// ```
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.venue, self.symbol)
    }
}

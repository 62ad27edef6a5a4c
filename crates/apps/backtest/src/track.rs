//! What was known of a market hour by hour and day by day, and what then came.
//!
//! It is all that the report is made from; whoever fills it ([`crate::engine`]) sees one hour at a
//! time. *Invariant: every field but those called outcome was known when its hour or day began.*

use market::Date;

use crate::data::Prices;

/// A number for a long and one for a short position.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sides {
    /// Of a position that loses when the price falls.
    pub long: f64,
    /// Of a position that loses when the price rises.
    pub short: f64,
}

/// An hour. Volatilities are standard deviations of the hour's return; quantiles, shortfalls,
/// margins and losses are shares of a position's value when the hour begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hour {
    /// The price before, and as outcome the highest, lowest and last price.
    pub prices: Prices,
    /// Forecast volatility with the ends of its 90 % interval: lower, value, upper.
    pub volatility: [f64; 3],
    /// The loss that 99.5 % of hours are to stay under.
    pub quantile: Sides,
    /// The mean loss of the hours that do not.
    pub shortfall: Sides,
    /// How unsure the models were, within 0 and 1.
    pub u: f64,
    /// The published initial margin.
    pub initial: f64,
    /// The published maintenance margin.
    pub maintenance: f64,
}

impl Hour {
    /// Returns the outcome: what the hour cost from its first price to its last; negative is a
    /// gain.
    #[must_use]
    pub fn loss(&self) -> Sides {
        let change = self.prices.close / self.prices.before - 1.0;
        Sides { long: -change, short: change }
    }

    /// Returns the outcome: what the hour cost at its worst price.
    #[must_use]
    pub fn worst(&self) -> Sides {
        let Prices { before, high, low, .. } = self.prices;
        Sides { long: 1.0 - low / before, short: high / before - 1.0 }
    }
}

/// A UTC day. Variances are of the day's return, and the law is one of their logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// The day.
    pub date: Date,
    /// The forecast mean of the variance.
    pub forecast: f64,
    /// The ends of the 90 % interval of the logarithm of the realised variance.
    pub interval: [f64; 2],
    /// The outcome: the realised variance.
    pub realised: f64,
    /// The outcome: the probability that the law gave to a variance no larger.
    pub pit: f64,
    /// The outcome: the continuous ranked probability score of the law; lower is better.
    pub crps: f64,
}

/// A market's history as a publisher of margins would have lived it.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// An entry an hour, ascending and without holes.
    pub hours: Vec<Hour>,
    /// An entry a day, ascending.
    pub days: Vec<Day>,
}

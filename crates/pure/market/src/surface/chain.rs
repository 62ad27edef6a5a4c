//! Option chains: what a venue quotes at one moment, and what of it a surface is fitted to.
//!
//! Prices are in the currency of the strike: a quote in coin was multiplied by the future of its
//! own expiry when it was read. Only the out-of-the-money side of each strike is used, where both a
//! bid and an ask are there: the other side says the same with less digits.

use crate::option::Contract;

/// One strike's book, its best prices.
///
/// ```
/// let (bid, ask) = (Some(1.0), None);
/// let quote = market::surface::Quote { future: 99.0, strike: 90.0, call: false, bid, ask };
/// assert!(quote.ask.is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quote {
    /// Price of the expiry's future when the quote was taken.
    pub future: f64,
    /// Strike.
    pub strike: f64,
    /// A call; otherwise a put.
    pub call: bool,
    /// Best bid, in the currency of the strike.
    pub bid: Option<f64>,
    /// Best ask, in the currency of the strike.
    pub ask: Option<f64>,
}

/// All quotes of one expiry.
///
/// ```
/// let expiry = market::surface::Expiry { expiry_s: 0, years: 0.1, quotes: vec![] };
/// assert_eq!(market::surface::contracts(&expiry).len(), 0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Expiry {
    /// Unix time of expiry.
    pub expiry_s: i64,
    /// Years of 365 days until then.
    pub years: f64,
    /// Its quotes.
    pub quotes: Vec<Quote>,
}

/// A venue's options on one asset at one moment.
///
/// ```
/// let (asset, index, expiries) = ("BTC".to_owned(), Some(60_000.0), vec![]);
/// let chain = market::surface::Chain { asset, time_s: 0, index, expiries };
/// assert_eq!(chain.asset, "BTC");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The asset, such as BTC.
    pub asset: String,
    /// Unix time of the quotes.
    pub time_s: i64,
    /// The venue's index of the asset's price; the median where it moved meanwhile.
    pub index: Option<f64>,
    /// Expiries, nearest first.
    pub expiries: Vec<Expiry>,
}

/// A strike's quotes as volatilities.
///
/// ```
/// let point = market::surface::Point { k: 0.0, bid: 0.4, ask: 0.42 };
/// assert!(point.bid < point.ask);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// ln(strike / future).
    pub k: f64,
    /// Volatility of the bid.
    pub bid: f64,
    /// Volatility of the ask.
    pub ask: f64,
}

impl Point {
    /// Returns the mean of both volatilities.
    ///
    /// ```
    /// assert_eq!(market::surface::Point { k: 0.0, bid: 0.25, ask: 0.75 }.mid(), 0.5);
    /// ```
    #[must_use]
    pub fn mid(&self) -> f64 {
        0.5 * (self.bid + self.ask)
    }
}

/// Returns bids and asks, in turn, of the quotes that a surface is fitted to, with their contracts:
/// what [`implied`](crate::option::implied) is asked.
///
/// ```
/// use market::surface::{Expiry, Quote, contracts};
/// let (future, bid, ask) = (100.0, Some(1.0), Some(1.5));
/// let quote = |strike, call| Quote { future, strike, call, bid, ask };
/// let quotes = vec![quote(90.0, false), quote(90.0, true), quote(110.0, true)];
/// let expiry = Expiry { expiry_s: 0, years: 0.1, quotes };
/// assert_eq!(contracts(&expiry).len(), 4);
/// ```
#[must_use]
pub fn contracts(expiry: &Expiry) -> Vec<(f64, Contract)> {
    let mut found = Vec::new();
    for quote in &expiry.quotes {
        let outside = quote.call == (quote.strike >= quote.future);
        let (Some(bid), Some(ask), true) = (quote.bid, quote.ask, outside) else { continue };
        if bid > 0.0 && ask > bid {
            let contract = Contract {
                forward: quote.future,
                strike: quote.strike,
                volatility: 0.0,
                years: expiry.years,
                call: quote.call,
            };
            found.extend([(bid, contract), (ask, contract)]);
        }
    }
    found
}

/// Returns the points of an expiry, by strike, from what [`contracts`] listed and the volatilities
/// that they imply; quotes without one are left out.
///
/// ```
/// use market::surface::{Expiry, Quote, contracts, points};
/// let (bid, ask) = (Some(1.0), Some(1.5));
/// let quote = Quote { future: 100.0, strike: 90.0, call: false, bid, ask };
/// let expiry = Expiry { expiry_s: 0, years: 0.1, quotes: vec![quote] };
/// let points = points(&contracts(&expiry), &[0.5, 0.6]);
/// assert_eq!((points[0].bid, points[0].ask), (0.5, 0.6));
/// ```
#[must_use]
pub fn points(contracts: &[(f64, Contract)], volatilities: &[f64]) -> Vec<Point> {
    let pairs = contracts.chunks_exact(2).zip(volatilities.chunks_exact(2));
    let point = |(contracts, found): (&[(f64, Contract)], &[f64])| {
        let contract = contracts.first()?.1;
        let k = crate::maths::log(contract.strike / contract.forward);
        let (bid, ask) = (*found.first()?, *found.get(1)?);
        (bid > 0.0 && ask > bid && ask.is_finite()).then_some(Point { k, bid, ask })
    };
    let mut points: Vec<Point> = pairs.filter_map(point).collect();
    points.sort_by(|a, b| a.k.total_cmp(&b.k));
    points
}

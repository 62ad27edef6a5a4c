//! Option chains as captures: an index, and each expiry's future, quotes and certified slice.
//!
//! *Invariant: a capture is made of its own quotes, but for a slice that could not be certified or
//! an expiry that is missing: the one before stands in for it, and is counted.*

use std::collections::BTreeMap;

use market::surface::{Chain, Quote, Slice, Svi, fit_all};

use crate::chains::slice;
use crate::error::Error;

/// Seconds of a year of 365 days.
const YEAR_S: f64 = 31_536_000.0;
/// Days of the volatility whose moves are followed.
const MONTH_YEARS: f64 = 30.0 / 365.0;
/// The least time of an expiry whose volatility is the forecast, in years: a day.
const DAY_YEARS: f64 = 1.0 / 365.0;

/// What a venue said of one asset at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub(crate) time_s: i64,
    pub(crate) index: f64,
    /// By Unix time of expiry.
    pub(crate) expiries: BTreeMap<i64, Listed>,
}

/// One expiry of a capture.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) years: f64,
    /// The median future of its quotes.
    pub(crate) forward: f64,
    /// A certified slice and the years it was fitted at.
    pub(crate) slice: Option<(Svi, f64)>,
    /// Whether the slice is that of the capture before.
    pub(crate) carried: bool,
    pub(crate) quotes: Vec<Quote>,
}

impl Listed {
    /// Returns the volatility of a strike.
    pub(crate) fn volatility(&self, strike: f64) -> Option<f64> {
        let (svi, years) = self.slice?;
        let volatility = svi.volatility((strike / self.forward).ln(), years);
        (volatility > 0.0).then_some(volatility)
    }
}

impl Capture {
    /// Returns the volatility at the money of the nearest expiry a day or more away.
    pub(crate) fn near(&self) -> Option<f64> {
        let far = |listed: &&Listed| listed.years >= DAY_YEARS;
        let money = |listed: &Listed| listed.volatility(listed.forward);
        self.expiries.values().filter(far).find_map(money)
    }

    /// Returns the volatility at the money of thirty days, linear in variance between expiries.
    pub(crate) fn month(&self) -> Option<f64> {
        let money = |l: &Listed| Some((l.years, l.volatility(l.forward)?.powi(2) * l.years));
        let points: Vec<(f64, f64)> = self.expiries.values().filter_map(money).collect();
        let after = points.iter().position(|(years, _)| *years >= MONTH_YEARS)?;
        let (y1, w1) = points[after];
        let (y0, w0) = if after == 0 { (0.0, 0.0) } else { points[after - 1] };
        let variance = w0 + (w1 - w0) * (MONTH_YEARS - y0) / (y1 - y0);
        Some((variance / MONTH_YEARS).sqrt())
    }
}

/// Returns an asset's chains as captures, in their order.
///
/// # Errors
///
/// [`Error::NoIndex`] if a chain has no index.
pub(crate) fn captures(chains: &[Chain]) -> Result<Vec<Capture>, Error> {
    let mut captures: Vec<Capture> = Vec::new();
    for chain in chains {
        let no_index = || Error::NoIndex { asset: chain.asset.clone(), time_s: chain.time_s };
        let index = chain.index.ok_or_else(no_index)?;
        let capture = capture(chain, index, captures.last());
        captures.push(capture);
    }
    Ok(captures)
}

fn capture(chain: &Chain, index: f64, before: Option<&Capture>) -> Capture {
    let slices: Vec<Slice> = chain.expiries.iter().map(slice).collect();
    let fitted = fit_all(&slices, &[]);
    let mut expiries = BTreeMap::new();
    for (expiry, fitted) in chain.expiries.iter().zip(fitted) {
        let last = before.and_then(|capture| capture.expiries.get(&expiry.expiry_s));
        let own = fitted.map(|fitted| (fitted.svi, expiry.years));
        let slice = own.or_else(|| last?.slice);
        let carried = own.is_none() && slice.is_some();
        let mut futures: Vec<f64> = expiry.quotes.iter().map(|quote| quote.future).collect();
        futures.sort_unstable_by(f64::total_cmp);
        let Some(forward) = futures.get(futures.len() / 2).copied() else { continue };
        let (years, quotes) = (expiry.years, expiry.quotes.clone());
        let listed = Listed { years, forward, slice, carried, quotes };
        expiries.insert(expiry.expiry_s, listed);
    }
    let time_s = chain.time_s;
    for (expiry_s, last) in before.iter().flat_map(|capture| &capture.expiries) {
        let moved = before.map_or(1.0, |capture| index / capture.index);
        if *expiry_s > time_s && !expiries.contains_key(expiry_s) {
            let years = (expiry_s - time_s) as f64 / YEAR_S;
            let forward = last.forward * moved;
            let absent =
                Listed { years, forward, carried: true, quotes: Vec::new(), ..last.clone() };
            expiries.insert(*expiry_s, absent);
        }
    }
    Capture { time_s, index, expiries }
}

//! Seeded accounts of calls, puts and futures, and what margin asks of them.
//!
//! *Invariant: a portfolio does not depend on any margin; margin only bounds its size.*

use market::scenario::{Grid, Kind, Leg, Width, arrays, arrays_inputs};
use tensor::{Program, random};

use super::captures::{Capture, Listed};
use crate::error::Error;

/// The most legs of an account.
pub(crate) const LEGS: usize = 4;
/// Words of randomness an account is made of.
const WORDS: u64 = 64;
/// Deviations from the forward within which strikes are drawn.
const DEVIATIONS: f64 = 2.0;

/// How accounts are drawn, for the report.
pub(crate) const RECIPE: &str = "Each begins at a capture of the window, drawn evenly, with 1 to \
    4 legs. A leg is a future at the index (three in ten), a call or a put (the rest, evenly), \
    long or short with equal chance; its expiry is drawn among those listed that outlive the \
    window, its strike evenly within two deviations of the forward, the nearest one with a bid \
    and an ask; its weight on a logarithmic scale of 0.1 to 1. The account deposits 100 to \
    100,000 quote units, wishes for a gross notional of 2 to 100 deposits and for 6 to 720 hours \
    (each drawn on a logarithmic scale), and gets what it wishes for or what initial margin \
    allows, whichever is less. It opens and ends at marks. Below maintenance margin at a capture \
    it is closed as a whole at the next capture's quotes, on the worse side; futures at the \
    index. No fees, no funding, no market impact, no top-ups, no offsets between assets.";

/// What is held: a future at the index, or an option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Instrument {
    Future,
    Option { expiry_s: i64, strike: f64, call: bool },
}

/// An account's wishes; units of a leg are for a gross notional of one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wishes {
    pub(crate) from: usize,
    pub(crate) hours: f64,
    pub(crate) deposit_cents: i64,
    pub(crate) leverage: f64,
    pub(crate) legs: Vec<(Instrument, f64)>,
}

/// Draws an account's wishes at a capture that an even number chooses; none if it has no options.
pub(crate) fn draw(seed: u64, number: u64, outlive_s: i64, captures: &[Capture]) -> Option<Wishes> {
    let [a, b, c, d, e, f, g, h] = seed.to_le_bytes();
    let key = [i32::from_le_bytes([a, b, c, d]), i32::from_le_bytes([e, f, g, h])];
    let even = |at: u64| {
        f64::from(random::word(key, 1, number * WORDS + at).cast_unsigned()) / 2_f64.powi(32)
    };
    let log = |at: u64, (low, high): (f64, f64)| low * (high / low).powf(even(at));
    let from = below(even(0), captures.len());
    let capture = captures.get(from)?;
    let lives = |(expiry_s, listed): &(&i64, &Listed)| {
        **expiry_s > outlive_s && listed.volatility(listed.forward).is_some()
    };
    let expiries: Vec<(&i64, &Listed)> = capture.expiries.iter().filter(lives).collect();
    let mut legs = Vec::new();
    for leg in 0..1 + below(even(1), LEGS) as u64 {
        let at = 8 + 8 * leg;
        let sign = if even(at) < 0.5 { 1.0 } else { -1.0 };
        let weight = sign * log(at + 1, (0.1, 1.0));
        let kind = even(at + 2);
        if kind < 0.3 {
            legs.push((Instrument::Future, weight));
            continue;
        }
        let (expiry_s, listed) = *expiries.get(below(even(at + 3), expiries.len()))?;
        let volatility = listed.volatility(listed.forward)?;
        let z = DEVIATIONS * (2.0 * even(at + 4) - 1.0);
        let wanted = listed.forward * (z * volatility * listed.years.sqrt()).exp();
        let call = kind < 0.65;
        let strike = nearest(listed, call, wanted)?;
        legs.push((Instrument::Option { expiry_s: *expiry_s, strike, call }, weight));
    }
    let gross: f64 = legs.iter().map(|(_, weight)| weight.abs()).sum::<f64>() * capture.index;
    legs.iter_mut().for_each(|(_, weight)| *weight /= gross);
    Some(Wishes {
        from,
        hours: log(2, (6.0, 720.0)),
        deposit_cents: cents(log(3, (100.0, 100_000.0))),
        leverage: log(4, (2.0, 100.0)),
        legs,
    })
}

/// The strike with a bid and an ask that is nearest to a price.
fn nearest(listed: &Listed, call: bool, wanted: f64) -> Option<f64> {
    let quoted = listed
        .quotes
        .iter()
        .filter(|q| q.call == call && q.bid.is_some_and(|bid| bid > 0.0) && q.ask.is_some());
    let far = |strike: f64| (strike - wanted).abs();
    quoted.map(|quote| quote.strike).min_by(|a, b| far(*a).total_cmp(&far(*b)))
}

/// An instrument as a leg of one unit at a capture, by the surface.
pub(crate) fn leg(instrument: &Instrument, capture: &Capture) -> Option<Leg> {
    let Instrument::Option { expiry_s, strike, call } = *instrument else {
        return Some(Leg::perpetual(1.0, capture.index));
    };
    let listed = capture.expiries.get(&expiry_s)?;
    Some(Leg {
        kind: if call { Kind::Call } else { Kind::Put },
        position: 1.0,
        forward: listed.forward,
        strike,
        volatility: listed.volatility(strike)?,
        years: listed.years,
    })
}

/// Scenario arrays of instruments at a capture, for one unit each.
pub(crate) struct Arrays {
    grid: Grid,
    scenarios: usize,
    changes: Vec<f64>,
    deltas: Vec<f64>,
}

/// The Program of so many legs' arrays.
pub(crate) fn program(legs: usize) -> Result<Program, Error> {
    Ok(arrays(legs, &Grid::published())?)
}

impl Arrays {
    /// Runs the Program for legs of one unit.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] without legs.
    pub(crate) fn of(program: &Program, legs: &[Leg], width: Width) -> Result<Arrays, Error> {
        let outputs = tensor::eval(program, &arrays_inputs(legs, width)?);
        let outputs = outputs.expect("inputs were made for the Program");
        let numbers = |i: usize| outputs[i].as_f64().expect("arrays are f64").to_vec();
        let (changes, deltas) = (numbers(0), numbers(1));
        let (grid, scenarios) = (Grid::published(), changes.len() / legs.len());
        Ok(Arrays { grid, scenarios, changes, deltas })
    }

    /// Returns what margin asks for positions in instruments by their places: as
    /// [`market::scenario::account`] does, by sums of the arrays.
    pub(crate) fn margin(&self, positions: &[(usize, f64)], spot: f64) -> f64 {
        let Grid { net: of_net, hedged: of_hedged, .. } = &self.grid;
        let scan = (0..self.scenarios).map(|s| {
            let change = |(at, q): &(usize, f64)| q * self.changes[at * self.scenarios + s];
            -positions.iter().map(change).sum::<f64>()
        });
        let scan = scan.fold(0.0, f64::max);
        let deltas = positions.iter().map(|(at, q)| q * self.deltas[*at]);
        let (net, gross) = deltas.fold((0.0, 0.0), |(n, g): (f64, f64), d| (n + d, g + d.abs()));
        let least = (of_net * net.abs() + of_hedged * (gross - net.abs()) / 2.0) * spot;
        scan.max(least)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an even number of 0 to 1 times a small count, rounded down"
)]
fn below(even: f64, count: usize) -> usize {
    ((even * count as f64) as usize).min(count.saturating_sub(1))
}

#[expect(clippy::cast_possible_truncation, reason = "money here is far below 2^53 cents")]
pub(crate) fn cents(units: f64) -> i64 {
    (100.0 * units).round() as i64
}

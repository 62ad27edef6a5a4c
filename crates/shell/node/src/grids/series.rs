//! Which options are listed, and what a grid is made at.

use alloy::primitives::U256;
use chain::client::{
    Data, Instrument, Listing,
    house::{self, PERPETUAL},
};
use market::{Wad, scenario::Width};

use super::{MARKET, SLOT_S};
use crate::{
    NodeError,
    job::{GRID_BAND, GRID_ROWS},
};

/// Options expire so many days of the market after they are listed.
const DAYS: usize = 5;
/// Strikes as shares of the price: puts at and below it, calls at and above it.
const PUTS: [f64; 3] = [0.9, 0.95, 1.0];
const CALLS: [f64; 3] = [1.0, 1.05, 1.1];
/// Strikes lie about this share of the price apart, at least.
const STEP: f64 = 0.01;
const YEAR: f64 = 365.0 * 86_400.0;

/// Returns what is to be listed at a time: a perpetual where there is none, and a series of options
/// where none is alive.
pub(super) fn missing(
    instruments: &[Instrument],
    (price, now): (f64, u64),
    calendar: &[u64],
) -> Vec<Listing> {
    let mut listings = Vec::new();
    let perpetual = |one: &Instrument| one.kind == PERPETUAL;
    if !instruments.iter().any(perpetual) {
        listings.push(house::perpetual(MARKET));
    }
    let alive = |one: &Instrument| !perpetual(one) && one.expiry >= now + SLOT_S;
    let today = calendar.partition_point(|midnight| *midnight <= now);
    let last = calendar.get(today.saturating_sub(1) + DAYS);
    if let Some(day) = last.filter(|_| !instruments.iter().any(alive)) {
        let expiry = day + SLOT_S;
        for (is_call, shares) in [(false, PUTS), (true, CALLS)] {
            let option = |share| house::option(MARKET, is_call, strike(price, share), expiry);
            listings.extend(shares.map(option));
        }
    }
    listings
}

/// A strike near a share of the price: a multiple of 1, 2 or 5 times 10^n, or of 1/2^n, exact as a
/// double and in the book's ticks.
fn strike(price: f64, share: f64) -> f64 {
    let least = price * STEP;
    let steps = [1.0, 2.0, 5.0];
    let mut scale = 1.0;
    let step = if least > 1.0 {
        loop {
            match steps.iter().find(|one| *one * scale >= least) {
                Some(one) => break one * scale,
                None => scale *= 10.0,
            }
        }
    } else {
        // Halves are exact, tenths are not; below 2^-12 the book has no ticks.
        while scale * 0.5 >= least && scale > 1.0 / 4_096.0 {
            scale *= 0.5;
        }
        scale
    };
    let steps = (price * share / step).round();
    if steps > 1.0 { steps * step } else { step }
}

/// What a grid is made at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    /// Chain time.
    pub(super) now: u64,
    /// The feed's price, WAD.
    pub(super) price: U256,
    /// Least half-width, WAD.
    pub(super) half: U256,
    /// Volatility of a day's return.
    pub(super) daily: f64,
}

/// Returns what a grid's claim brings: the forward of every row is the price itself.
///
/// # Errors
///
/// [`NodeError::Program`] if the half-width is no share.
pub(super) fn data(stand: Stand, calendar: &[u64]) -> Result<Data, NodeError> {
    let mut half = f64::from(stand.half) / 1e18;
    let up = |x| Wad::from_f64_up(x).map_err(NodeError::program);
    while U256::from(up(half)?.0) < stand.half {
        half = half.next_up();
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds of a date are below 2^53")]
    let now = stand.now as f64;
    let price = f64::from(stand.price) / 1e18;
    let head = [now, price, half, Width::STATIC.up, Width::STATIC.down, GRID_BAND];
    let yearly = stand.daily * days_a_year(calendar).sqrt();
    let bytes = |elements: &[f64]| {
        let bytes: Vec<u8> = elements.iter().flat_map(|one| one.to_le_bytes()).collect();
        bytes.into()
    };
    Ok(Data {
        head: bytes(&head),
        forwards: bytes(&[1.0; GRID_ROWS]),
        volatilities: bytes(&[yearly; GRID_ROWS]),
    })
}

/// How many days a market has in a year: those it is open on.
fn days_a_year(calendar: &[u64]) -> f64 {
    let (Some(first), Some(last)) = (calendar.first(), calendar.last()) else { return 365.0 };
    #[expect(clippy::cast_precision_loss, reason = "a few thousand days, seconds of a date")]
    let (days, span) = ((calendar.len() - 1) as f64, (last - first) as f64);
    if span > 0.0 { days / span * YEAR } else { 365.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_are_exact_and_near() {
        for price in [0.05, 0.7, 2.4, 46.39, 998.0, 27_123.4, 96_000.0] {
            for share in PUTS.into_iter().chain(CALLS) {
                let strike = strike(price, share);
                let ticks = strike * 1e12;
                assert_eq!(ticks, ticks.trunc(), "{price} {share}");
                let near = (strike - price * share).abs() <= price * 0.02;
                assert!(near, "{price} {share} {strike}");
            }
        }
    }

    #[test]
    fn a_series_is_listed_when_the_last_has_gone() {
        let calendar: Vec<u64> = (0..30).map(|day| day * 86_400).collect();
        let first = missing(&[], (50.0, 2 * 86_400 + SLOT_S), &calendar);
        assert_eq!(first.len(), 7);
        assert_eq!(first[1].expiry, 7 * 86_400 + SLOT_S);
        let known: Vec<Instrument> = first
            .iter()
            .enumerate()
            .map(|(row, one)| Instrument {
                market: one.market,
                kind: one.kind,
                row: u32::try_from(row).expect("seven rows"),
                version: 1,
                expiry: one.expiry,
                strike: one.strike,
            })
            .collect();
        assert!(missing(&known, (50.0, 6 * 86_400 + SLOT_S), &calendar).is_empty());
        let next = missing(&known, (50.0, 7 * 86_400 + SLOT_S), &calendar);
        assert_eq!((next.len(), next[0].expiry), (6, 12 * 86_400 + SLOT_S));
        assert!(missing(&known, (50.0, 28 * 86_400 + SLOT_S), &calendar).is_empty(), "data ends");
    }

    #[test]
    fn a_half_width_is_never_below_what_the_gate_asks() {
        for wei in [120_000_000_000_000_001_u64, 87_654_321_987_654_321, 999_999_999_999_999_999] {
            let half = U256::from(wei);
            let stand = Stand { now: 5, price: half, half, daily: 0.02 };
            let made = data(stand, &[0, 86_400]).expect("a share");
            let bytes = made.head[16..24].try_into().expect("eight bytes");
            let up = Wad::from_f64_up(f64::from_le_bytes(bytes)).expect("a share");
            assert!(U256::from(up.0) >= half);
        }
    }
}

//! The house as the pages show it, under the grid that counts.

use alloy::primitives::{Address, U256};
use anyhow::Context as _;
use chain::client::{House, Instrument};
use explorer::view::{self, Party, Wad};
use market::scenario::{Grid, Width};
use node::grids::{Counted, SCENARIOS};

use super::{ledger::signed, seconds, to_address, wad};

/// Wei of a tick.
const TICK: i128 = 1_000_000;
/// Lots of a unit.
const LOTS: f64 = 1e6;

/// Reads how accounts stand under a grid.
pub(crate) async fn read(
    house: &House,
    (market, counted): (&str, &Counted),
    accounts: &[(Address, &str)],
) -> anyhow::Result<view::House> {
    let books = house.books().await?;
    let head = counted.head();
    let mut portfolios = Vec::new();
    for (account, label) in accounts {
        portfolios.push(portfolio(house, counted, (*account, label)).await?);
    }
    let mut instruments = Vec::new();
    for (number, instrument) in (0_u32..).zip(&counted.instruments) {
        instruments.extend(described(counted, (number, instrument)));
    }
    Ok(view::House {
        market: market.to_owned(),
        claim: u64::try_from(counted.claimed.grid.claim).unwrap_or(u64::MAX),
        time: seconds(counted.claimed.grid.time),
        price: Wad::from_f64(head[1]),
        half_width: Wad::from_f64(head[2]),
        scenarios: scenarios(Width { half: head[2], up: head[3], down: head[4] }),
        instruments,
        portfolios,
        cash: wad(U256::from(books.cash)),
        pool: wad(U256::from(books.pool)),
        insurance: wad(U256::from(books.insurance)),
        shortfall: wad(U256::from(books.shortfall)),
    })
}

async fn portfolio(
    house: &House,
    counted: &Counted,
    (account, label): (Address, &str),
) -> anyhow::Result<view::Portfolio> {
    let legs = house.account(account).await?.legs;
    let numbers: Vec<u32> = legs.iter().map(|leg| leg.instrument).collect();
    let standing = house.standing(account, &counted.readings(&numbers)?).await?;
    let mut changes = vec![0.0; SCENARIOS];
    let mut shown = Vec::new();
    for leg in &legs {
        let known = counted.instruments.get(leg.instrument as usize);
        let known = known.context("a leg of no instrument")?;
        #[expect(clippy::cast_precision_loss, reason = "lots of a leg are below 2^53")]
        let units = leg.lots as f64 / LOTS;
        let gains = counted.gains(leg.instrument).unwrap_or_default();
        changes.iter_mut().zip(gains).for_each(|(change, gain)| *change += units * gain);
        shown.push((name(known), Wad::from_f64(units)));
    }
    Ok(view::Portfolio {
        party: Party { address: to_address(account), label: label.to_owned() },
        equity: signed(standing.equity),
        opening: wad(standing.opening),
        maintenance: wad(standing.maintenance),
        legs: shown,
        changes,
    })
}

/// Nothing of an instrument that has expired.
fn described(
    counted: &Counted,
    (number, instrument): (u32, &Instrument),
) -> Option<view::Instrument> {
    let gains = counted.gains(number)?;
    let ticks = Wad(TICK.checked_mul(counted.mark(number)?)?);
    Some(view::Instrument {
        number,
        name: name(instrument),
        mark: ticks,
        delta: counted.delta(number)?,
        long_loss: Wad::from_f64(-gains.iter().copied().fold(0.0, f64::min)),
        short_loss: Wad::from_f64(gains.iter().copied().fold(0.0, f64::max)),
    })
}

/// An instrument in words.
pub(crate) fn name(instrument: &Instrument) -> String {
    let day = i32::try_from(instrument.expiry / 86_400).unwrap_or(i32::MAX);
    let (strike, day) = (f64::from_bits(instrument.strike), market::Date::from_number(day));
    match instrument.kind {
        0 => format!("put {strike}, {day}"),
        1 => format!("call {strike}, {day}"),
        _ => "perpetual".to_owned(),
    }
}

/// The scenarios in words: the move of the price, that of a 30-day volatility, and what part of the
/// loss counts.
pub(crate) fn scenarios(width: Width) -> Vec<String> {
    let said = |one: &market::scenario::Scenario| {
        let (price, volatility, weight) = one.at(width);
        let part =
            if weight < 1.0 { format!(", {:.1} % of it", 100.0 * weight) } else { String::new() };
        format!("price {:+.1} %, volatility {:+.0} %{part}", 100.0 * price, 100.0 * volatility)
    };
    Grid::published().scenarios.iter().map(said).collect()
}

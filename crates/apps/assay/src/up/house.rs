//! The house of the show: once a day, when the round is told, the clock goes on by half an hour,
//! the day's price closes in the house's feed, the provider claims a grid on it, and what is asked
//! of an account that sold options and a perpetual is told.
//!
//! Both accounts are this program's own; their orders are signed like anybody's and meet at the
//! grid's marks.

use alloy::primitives::{I256, U256, utils::Unit};
use anyhow::Context as _;
use chain::{
    Client, ClientError,
    client::{Deal, House, Leg, PackageOrder},
    contracts::house::{Funding, IPortfolioHouse, Scenarios, Sizes},
    deploy::HouseSetup,
};
use node::{
    GRID_BAND, GRID_ROWS, Job,
    grids::{Counted, MARKET, SLOT_S},
};

use super::{
    genesis::{COLLATERAL, Network},
    pages, panel,
    settings::PUBLISHER,
    summary::HouseDay,
};
use crate::money;

/// Whole tokens that slots are paid from.
const POT_TOKENS: u64 = 20_000;
/// Looks in which a reporter that is late is waited for, where there are enough others.
const LATE_LOOKS: usize = 250;
/// Looks after which a day goes by without a grid.
const PATIENCE: usize = 1_500;
/// Lots of a unit.
const UNIT: i64 = 1_000_000;
/// Ticks of a dollar.
const TICKS: f64 = 1e12;
/// The perpetual's number.
const PERPETUAL: u32 = 0;

/// What the market is said to take within 2 %, dollars; ten times that is the most open interest.
const DEPTH_DOLLARS: f64 = 100_000.0;
/// Least half-width of a grid, and least rise and fall of the volatility, WAD.
const LEAST: [u128; 3] = [50_000_000_000_000_000, 400_000_000_000_000_000, 220_000_000_000_000_000];

/// Returns what the contracts of options and perpetuals are deployed with, for a market at a price;
/// the feed's reporters are the other feed's.
pub(super) fn setup(job: &Job, price: f64) -> anyhow::Result<HouseSetup> {
    let depth = lots(DEPTH_DOLLARS / price);
    Ok(HouseSetup {
        feed: panel::feed_terms((u32::try_from(SLOT_S)?, 0)),
        pot: super::genesis::tokens(POT_TOKENS),
        program: node::word(job.grid()?.hash()),
        rows: u32::try_from(GRID_ROWS)?,
        band: GRID_BAND.to_bits(),
        least: LEAST,
        terms: IPortfolioHouse::Terms {
            charges: Scenarios::Charges {
                net: 20_000,
                hedged: 10_000,
                short: 10_000,
                maintenance: 666_667,
            },
            funding: Funding::Rules { clamp: 5_000, memory_: 1_800, period: 28_800, gap: 600 },
            lotsMin: 1_000,
            band: 10_000,
            fee: 100,
            penalty: 20_000,
            haircutMax: 200_000,
            stress: 0,
            auctionSeconds: 600,
        },
        size: Sizes::Size {
            depth,
            interestMax: depth.saturating_mul(10),
            interest: 0,
            thin: 20_000,
            crowd: 50_000,
        },
    })
}

/// A day that is done.
#[derive(Debug)]
pub(crate) struct Done {
    /// What people read of it.
    pub(crate) line: String,
    /// What the pages show of it; nothing of a day without a grid.
    pub(crate) house: Option<explorer::view::House>,
}

/// The two accounts, and how far the days are.
#[derive(Debug)]
pub(crate) struct Show {
    short: House,
    long: House,
    /// Chain time of the last day's grid.
    told: u64,
    /// How often the running day was looked at.
    looks: usize,
    /// Days told so far.
    pub(super) days: Vec<HouseDay>,
}

impl Show {
    pub(crate) async fn new(network: &Network) -> anyhow::Result<Show> {
        let house = |client: &Client| House::new(client, client.deployment().clearing());
        let (short, long) = (house(&network.short), house(&network.long));
        let told = short.grid(MARKET).await?.time;
        Ok(Show { short, long, told, looks: 0, days: Vec::new() })
    }

    /// Whether nothing of a day is left to show. On a chain with a clock of its own half an hour is
    /// half an hour, and nobody waits for it.
    pub(crate) fn is_done(&self, network: &Network, day: u64) -> bool {
        !network.data_clock || self.told >= day + SLOT_S
    }

    /// What the pages show of the grid that counts already; nothing before the first.
    pub(crate) async fn current(
        &self,
        network: &Network,
    ) -> anyhow::Result<Option<explorer::view::House>> {
        match Counted::read(&network.job, &self.short).await? {
            Some(counted) => Ok(Some(self.view(network, &counted).await?)),
            None => Ok(None),
        }
    }

    async fn view(
        &self,
        network: &Network,
        counted: &Counted,
    ) -> anyhow::Result<explorer::view::House> {
        let accounts = [
            (self.short.client().address(), "short account"),
            (self.long.client().address(), "its counterparty"),
        ];
        pages::house::read(&self.short, (network.market(), counted), &accounts).await
    }

    /// Does what is next of a day; says so when it is done.
    pub(crate) async fn look(
        &mut self,
        network: &Network,
        (day, date): (u64, &str),
    ) -> anyhow::Result<Option<Done>> {
        self.looks += 1;
        let closes = day + SLOT_S;
        if self.looks > PATIENCE {
            (self.told, self.looks) = (closes, 0);
            let name = format!("node-{PUBLISHER}");
            let line = format!("house     no grid for {date}; the log of {name} says why");
            return Ok(Some(Done { line, house: None }));
        }
        let head = network.client.block(alloy::eips::BlockNumberOrTag::Latest).await?;
        if head.is_none_or(|head| head.header.timestamp < closes) {
            let slot = day / SLOT_S;
            let market = node::market_id(network.market());
            let heard = self.short.client().slot_reporters(market, slot).await?.len();
            let enough = heard >= panel::QUORUM as usize && self.looks > LATE_LOOKS;
            if heard >= network.nodes.len() || enough {
                network.client.set_next_time(closes).await?;
                network.client.mine().await?;
            }
            return Ok(None);
        }
        let grid = self.short.grid(MARKET).await?;
        if grid.time < closes {
            return Ok(None);
        }
        let Some(counted) = Counted::read(&network.job, &self.short).await? else {
            return Ok(None);
        };
        let refusal = match self.open(network, &counted).await {
            Ok(()) => None,
            // An account that has lost its collateral trades no more; the show goes on.
            Err(error) => match error.downcast_ref::<ClientError>() {
                Some(refused) if refused.reverted_with().is_some() => Some(refused.to_string()),
                _ => return Err(error),
            },
        };
        let told = self.tell(&counted, date).await?;
        let mut line = line(&told);
        refusal.iter().for_each(|why| line.push_str(&format!(" · no trade: {why}")));
        self.days.push(told);
        let house = self.view(network, &counted).await?;
        (self.told, self.looks) = (grid.time, 0);
        Ok(Some(Done { line, house: Some(house) }))
    }

    /// Opens what the short account has not: the perpetual, and the options that are alive.
    async fn open(&self, network: &Network, counted: &Counted) -> anyhow::Result<()> {
        let gas = super::outside::gas_per_account(!network.data_clock);
        for (house, collateral) in [(&self.short, COLLATERAL.0), (&self.long, COLLATERAL.1)] {
            let address = house.client().address();
            if network.client.balance(address).await? < gas / U256::from(2) {
                network.client.pay(address, gas).await?;
            }
            if house.account(address).await?.purse.cash == 0 {
                house.fund(U256::from(collateral) * Unit::ETHER.wei()).await?;
            }
        }
        let legs = self.short.account(self.short.client().address()).await?.legs;
        let package = package(counted, &legs);
        if package.is_empty() {
            return Ok(());
        }
        let (instruments, lots): (Vec<u32>, Vec<i64>) = package.into_iter().unzip();
        let mut price = I256::ZERO;
        for (instrument, lots) in instruments.iter().zip(&lots) {
            let mark = counted.mark(*instrument).context("an instrument without a row")?;
            price += I256::try_from(*lots)? * I256::try_from(mark)?;
        }
        let order = |house: &House, lots: Vec<i64>, price: I256| {
            house.sign(PackageOrder {
                trader: house.client().address(),
                instruments: instruments.clone(),
                lots,
                price,
                count: 1,
                expiry: u64::MAX,
                salt: U256::from(rand::random::<u64>()),
            })
        };
        let sold = lots.iter().map(|lots| -lots).collect();
        let deal = Deal {
            left: order(&self.long, lots, price),
            right: order(&self.short, sold, -price),
            count: 1,
            price,
        };
        let mut needed: Vec<u32> =
            instruments.iter().copied().chain(legs.iter().map(|leg| leg.instrument)).collect();
        needed.sort_unstable();
        needed.dedup();
        self.short.trade(deal, &counted.readings(&needed)?).await?;
        Ok(())
    }

    /// How the short account stands.
    async fn tell(&self, counted: &Counted, date: &str) -> anyhow::Result<HouseDay> {
        let me = self.short.client().address();
        let legs: Vec<u32> =
            self.short.account(me).await?.legs.iter().map(|leg| leg.instrument).collect();
        let standing = self.short.standing(me, &counted.readings(&legs)?).await?;
        let [_, price, half_width, ..] = counted.head();
        Ok(HouseDay {
            market_day: date.to_owned(),
            claim: u64::try_from(counted.claimed.grid.claim).unwrap_or(u64::MAX),
            price,
            half_width,
            legs: legs.len(),
            equity: money::had(standing.equity),
            opening: money::asked(standing.opening),
            maintenance: money::asked(standing.maintenance),
        })
    }
}

/// What the long account is to buy: half the collateral's worth of the perpetual, and of the
/// options a put and a call spread.
fn package(counted: &Counted, legs: &[Leg]) -> Vec<(u32, i64)> {
    let has = |instrument: u32| legs.iter().any(|leg| leg.instrument == instrument);
    let grid = &counted.claimed.grid;
    #[expect(clippy::cast_precision_loss, reason = "a size, rounded to whole units")]
    let price = grid.price as f64 / TICKS;
    #[expect(clippy::cast_precision_loss, reason = "a thousand dollars")]
    let units = (COLLATERAL.0 as f64 / price / 2.0).max(1e-3);
    #[expect(clippy::cast_possible_truncation, reason = "at most 10^15 lots")]
    let lots = (units * 1e6) as i64 / (UNIT / 1_000) * (UNIT / 1_000);
    let mut wanted = if has(PERPETUAL) { Vec::new() } else { vec![(PERPETUAL, lots)] };
    let alive = |one: &chain::client::Instrument| one.expiry > grid.time + SLOT_S;
    let numbered = (0_u32..).zip(&counted.instruments);
    let options: Vec<(u32, u8)> = numbered
        .filter(|(number, one)| alive(one) && counted.gains(*number).is_some())
        .map(|(number, one)| (number, one.kind))
        .collect();
    if options.iter().any(|(number, _)| has(*number)) {
        return wanted;
    }
    let of_kind =
        |kind| options.iter().filter(move |(_, of)| *of == kind).map(|(number, _)| *number);
    let (puts, calls) = (of_kind(0).collect::<Vec<_>>(), of_kind(1).collect::<Vec<_>>());
    if let ([_, put, ..], [_, call, far, ..]) = (&puts[..], &calls[..]) {
        wanted.extend([(*put, lots), (*call, lots), (*far, -lots)]);
    }
    wanted
}

/// Lots of so many units, at least one.
fn lots(units: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates"
    )]
    let lots = (units * 1e6) as u64;
    lots.max(1)
}

fn line(day: &HouseDay) -> String {
    format!(
        "house     grid at {:.2}, half-width {:.2} %, claim {} final · short account: {} legs, \
         equity {}, asked {} to open, {} to keep",
        day.price,
        100.0 * day.half_width,
        day.claim,
        day.legs,
        day.equity,
        day.opening,
        day.maintenance
    )
}

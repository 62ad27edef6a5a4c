//! The sample account: collateral deposited, one short position, its counterparty long.
//!
//! Set up once, after the genesis report has given the market a price. Both accounts are this
//! program's own; their orders are signed like anybody's and novated by the house in one
//! transaction.

use std::time::Duration;

use alloy::primitives::{I256, U256, utils::Unit};
use anyhow::Context as _;
use chain::{
    Client,
    client::{Match, Order},
};

use super::genesis::{COLLATERAL, Network};

/// Share of the collateral that the position is worth, in percent of the account's collateral.
const NOTIONAL_PERCENT: u64 = 150;
/// Sizes are whole multiples of this, WAD.
const LOT: u64 = 1_000_000_000_000;
/// Prices are whole multiples of this, WAD.
const TICK: u64 = 1_000_000;

/// Waits for the genesis report, then opens the position unless it is there.
pub(crate) async fn open(network: &Network) -> anyhow::Result<()> {
    let market = node::market_id(network.market());
    wait_for_price(&network.client, market).await?;
    if !network.short.account(network.short.address()).await?.position.is_zero() {
        return Ok(());
    }
    let gas = super::outside::gas_per_account(!network.data_clock);
    for (account, collateral) in [(&network.short, COLLATERAL.0), (&network.long, COLLATERAL.1)] {
        let address = account.address();
        if network.client.balance(address).await? < gas / U256::from(2) {
            network.client.pay(address, gas).await?;
        }
        let wanted = U256::from(collateral) * Unit::ETHER.wei();
        if account.account(address).await?.cash < I256::from_raw(wanted) {
            account.mint_dollars(wanted).await?;
            account.deposit(wanted).await?;
        }
    }
    let mark = network.client.mark().await?;
    let price = mark - mark % U256::from(TICK);
    let notional = U256::from(COLLATERAL.0 * NOTIONAL_PERCENT / 100) * Unit::ETHER.wei();
    let size = notional * Unit::ETHER.wei() / price;
    let size = size - size % U256::from(LOT);
    let signed = I256::try_from(size).context("a size below 2^255")?;
    let order = |client: &Client, size| {
        let salt = U256::from(rand::random::<u64>());
        client.sign_order(Order { trader: client.address(), size, price, expiry: u64::MAX, salt })
    };
    let (buy, sell) = (order(&network.long, signed), order(&network.short, -signed));
    network.long.trade(Match { buy, sell, size, price }).await?;
    Ok(())
}

async fn wait_for_price(client: &Client, market: alloy::primitives::B256) -> anyhow::Result<()> {
    const PATIENCE: usize = 1_200;
    for _ in 0..PATIENCE {
        if client.fresh(market).await? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the publisher does not report; the log of node-0 says why")
}

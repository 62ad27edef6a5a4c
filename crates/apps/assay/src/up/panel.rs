//! The market of several providers: what its contracts are deployed with, and the accounts that are
//! written down for steps of maintenance margin.
//!
//! The protocol that consumes is the clearing house of the show, so its accounts are the two of the
//! show; whoever runs `up` writes them down, with their bytes on the chain.

use alloy::primitives::{I256, U256};
use chain::{
    Client,
    contracts::{feed::IPriceFeed, ledger::IProviderLedger, panel::IPanelGate},
    deploy::PanelSetup,
};
use market::Standing;
use node::{ACCOUNTS, Job};

use super::{
    genesis::{Network, permille, tokens},
    settings::{PUBLISHER, SECOND},
};
use alloy::primitives::Address;

/// A slot of the feed is a day of the market.
const SLOT_S: u32 = 86_400;
/// How long a slot takes reports: over a long weekend, whose days the next one brings.
const LATE_S: u32 = 3 * SLOT_S;
/// Reports that make a price.
pub(super) const QUORUM: u32 = 3;
/// Whole tokens a reporter stakes.
const STAKE_TOKENS: u64 = 50;
/// Whole tokens a slot pays.
const PAY_TOKENS: u64 = 4;
/// Whole tokens that slots are paid from.
const POT_TOKENS: u64 = 20_000;
/// Blocks after which maintenance margin rises without a claim.
const PATIENCE_BLOCKS: u64 = 200;
/// Dollars of notional that one step may make liquidatable.
const NOTIONAL_MAX: u64 = 1_000;
/// 10^18.
const WAD: f64 = 1e18;

/// Returns what the contracts are deployed with; `nodes` report prices, two of them margins.
pub(super) fn setup(job: &Job, nodes: &[Address]) -> anyhow::Result<PanelSetup> {
    let share = |share: u64| permille(share).to::<u128>();
    let limits = |floor, ceiling| IPanelGate::Limits {
        floor: share(floor),
        ceiling: share(ceiling),
        stepUp: share(1_000),
        stepDown: share(200),
    };
    Ok(PanelSetup {
        reporters: nodes.to_vec(),
        feed: feed_terms((SLOT_S, LATE_S)),
        pot: tokens(POT_TOKENS),
        ledger: IProviderLedger::Terms { horizonSlots: 1, missRate: permille(10) },
        accounts: u32::try_from(ACCOUNTS)?,
        consequence: node::word(job.consequence()?.hash()),
        providers: vec![nodes[PUBLISHER], nodes[SECOND]],
        policy: IPanelGate::Policy {
            margin: limits(20, 600),
            volatility: limits(1, 1_000),
            staticInitial: share(150),
            staticMaintenance: share(100),
            staticVolatility: share(30),
            delay: 0,
            patience: PATIENCE_BLOCKS,
            countMax: U256::from(1),
            notionalMax: tokens(NOTIONAL_MAX),
        },
    })
}

/// Returns the terms of a feed with slots of so many seconds, which take reports so much longer.
pub(super) fn feed_terms((slot, late): (u32, u32)) -> IPriceFeed::Terms {
    IPriceFeed::Terms {
        slotSeconds: slot,
        lateSeconds: late,
        quorum: QUORUM,
        band: permille(20).to::<u128>(),
        stake: tokens(STAKE_TOKENS),
        pay: tokens(PAY_TOKENS),
    }
}

/// Writes the accounts of the show down as they stand now, unless they stand as before.
pub(super) async fn write_accounts(network: &Network) -> anyhow::Result<()> {
    let mark = network.client.mark().await?;
    let mut all = Vec::new();
    for client in [&network.short, &network.long] {
        all.push(standing(client, mark).await?);
    }
    let [accounts, _] = market::consequence_inputs(&all, ACCOUNTS, 0.0)?;
    let bytes = accounts.to_bytes().into();
    if network.client.accounts().await?.as_ref() != Some(&bytes) {
        network.client.write_accounts(bytes).await?;
    }
    Ok(())
}

async fn standing(client: &Client, mark: U256) -> anyhow::Result<Standing> {
    let account = client.account(client.address()).await?;
    let notional = f64::from(account.position.unsigned_abs()) / WAD * (f64::from(mark) / WAD);
    Ok(Standing { equity: signed(account.equity), notional })
}

/// Dollars of a signed WAD, rounded to nearest.
fn signed(wad: I256) -> f64 {
    let size = f64::from(wad.unsigned_abs()) / WAD;
    if wad.is_negative() { -size } else { size }
}

//! The market of several providers, read off its contracts as they stand.

use alloy::primitives::{Address, U256};
use chain::{Client, ClientError, History};
use explorer::view::{Panel, Record, Reporter};

use super::{Known, seconds, wad};

/// Reads feed, records and gate.
pub(super) async fn read(
    client: &Client,
    (known, history): (&Known, &History),
) -> Result<Panel, ClientError> {
    let party = |key: Address| known.party(history, key);
    let market = known.market_id;
    let (price, slot, fresh) = client.feed_price(market).await?;
    let state = client.panel_state(market).await?;
    let length = u64::from(client.feed_terms().await?.slotSeconds);
    let mut panel = Panel {
        price: wad(price),
        slot_time: seconds(slot * length),
        fresh,
        initial: wad(state.initial),
        maintenance: wad(state.maintenance),
        rises_to: (state.since > 0).then(|| wad(state.most)),
        ..Panel::default()
    };
    for provider in client.panel_providers().await? {
        let record = client.record_of(provider, market).await?;
        panel.records.push(Record {
            provider: party(provider),
            outcomes: record.outcomes,
            misses: record.misses,
            bound: wad(record.bounds / U256::from(record.outcomes.max(1))),
            trusted: !record.lost,
        });
    }
    for key in &known.keys {
        let one = client.reporter(*key).await?;
        panel.reporters.push(Reporter {
            reporter: party(*key),
            weight: wad(U256::from(one.weight)),
            owed: wad(one.owed),
            convicted: one.convicted,
        });
    }
    Ok(panel)
}

//! What a node says of a market's price, slot by slot, to one feed.
//!
//! Deliberately absent: a source of prices of each node's own. The nodes of `up` read one series,
//! so their reports agree; elsewhere each reads its venues.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alloy::{
    primitives::{B256, U256, keccak256},
    sol_types::SolValue,
};
use chain::{
    Client,
    client::{Message, SlotReport},
};
use market::Evaluation;
use tensor::Hash;

use crate::{NodeError, job::word, report};

/// Slots that are brought, or closed, in one call.
const SLOTS_MAX: u64 = 16;

/// The series that prices are read from.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) market: B256,
    pub(crate) evaluation: Arc<Evaluation>,
    /// Midnights of the market's days.
    pub(crate) calendar: Vec<u64>,
}

/// A reporter's part in one feed, which is the client's.
#[derive(Debug)]
pub(crate) struct Prices {
    client: Client,
    series: Series,
    /// Length of a slot and time in which it still takes reports, seconds; zeros before they are
    /// known.
    slot: (AtomicU64, AtomicU64),
    /// First slot that was not brought.
    next_slot: AtomicU64,
}

impl Prices {
    pub(crate) fn new(client: Client, series: Series) -> Prices {
        Prices { client, series, slot: Default::default(), next_slot: AtomicU64::new(0) }
    }

    /// Signs and brings what the market's price was in the slots since the last call.
    pub(crate) async fn bring(&self, now: u64) -> Result<(), NodeError> {
        let (seconds, late) = self.terms().await?;
        let slot = now / seconds;
        if self.next_slot.load(Ordering::Relaxed) > slot {
            return Ok(());
        }
        let reporter = self.client.reporter(self.client.address()).await?;
        if !reporter.known || reporter.convicted {
            return Ok(());
        }
        let stake = self.client.feed_terms().await?.stake;
        if reporter.stake < stake {
            self.client.stake_prices(stake - reporter.stake).await?;
        }
        let open = now.saturating_sub(late) / seconds;
        let first = self.next_slot.load(Ordering::Relaxed).max(open);
        let first = first.max((slot + 1).saturating_sub(SLOTS_MAX));
        let reports: Vec<SlotReport> =
            (first..=slot).filter_map(|slot| self.price_of(slot, seconds)).collect();
        if !reports.is_empty() {
            self.client.report_slots(reports).await?;
            tracing::info!(slot, seconds, "brought prices");
        }
        self.next_slot.store(slot + 1, Ordering::Relaxed);
        Ok(())
    }

    /// Length of a slot, at least a second, and its lateness.
    async fn terms(&self) -> Result<(u64, u64), NodeError> {
        if self.slot.0.load(Ordering::Relaxed) == 0 {
            let terms = self.client.feed_terms().await?;
            self.slot.1.store(terms.lateSeconds.into(), Ordering::Relaxed);
            self.slot.0.store(u64::from(terms.slotSeconds).max(1), Ordering::Relaxed);
        }
        Ok((self.slot.0.load(Ordering::Relaxed), self.slot.1.load(Ordering::Relaxed)))
    }

    /// What this node says of a slot: the last day's price that had come by its begin.
    fn price_of(&self, slot: u64, seconds: u64) -> Option<SlotReport> {
        let Series { market, evaluation, calendar } = &self.series;
        let days = calendar.partition_point(|midnight| *midnight <= slot * seconds);
        let price = evaluation.days.get(days.checked_sub(1)?)?.price;
        let price = report::wad(price).ok().filter(|price| *price > 0)?;
        let venue = keccak256(evaluation.market.as_bytes());
        let message = Message { venue, price, time: slot.saturating_mul(seconds * 1_000) };
        Some(SlotReport {
            market: *market,
            slot,
            price,
            low: price,
            high: price,
            messagesRoot: word(tensor::tree::root(&[leaf(&message)])),
            messages: 1,
        })
    }
}

/// Closes slots of the client's feed that can be, at most so many at once.
pub(crate) async fn close(client: &Client, market: B256) -> Result<(), NodeError> {
    for _ in 0..SLOTS_MAX {
        if !client.close_slot(market).await? {
            break;
        }
    }
    Ok(())
}

/// The hash a message is in its report's tree as: `PriceFeed.messageLeaf`.
fn leaf(message: &Message) -> Hash {
    let encoded = (message.venue, U256::from(message.price), U256::from(message.time)).abi_encode();
    Hash(keccak256([&[0_u8][..], &encoded].concat()).0)
}

//! What a node does for a market of several providers: prices for the feed, reports as one more
//! provider, records kept in turn, and steps of maintenance margin with their claims.
//!
//! Level-triggered, once a day of the market: everything is read from the chain, so a crash in
//! between repeats what is missing and nothing else. A provider notes its own report in the slot in
//! which it makes it, so nobody waits with it for a bad hour.
//!
//! Deliberately absent: a source of prices of each node's own. The nodes of `up` read one series,
//! so their reports agree; elsewhere each reads its venues.

use std::sync::atomic::{AtomicU64, Ordering};

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolValue,
};
use chain::{
    Client,
    client::{FeedTerms, Message, SlotReport},
};
use market::Evaluation;
use tensor::Hash;

use crate::{
    Job, NodeError, TensorStore, challenges::Challenges, job::word, journal::Journal,
    publisher::Publisher, report,
};

mod steps;

pub(crate) use steps::{execution, subject};

/// Kind of a price, as `IRiskOracle.Kind` numbers it.
const PRICE: u8 = 0;
/// Slots that are brought in one call.
const SLOTS_MAX: u64 = 16;

/// A node's part in a market of several providers.
#[derive(Debug)]
pub(crate) struct Panel {
    client: Client,
    market: B256,
    evaluation: Evaluation,
    /// Midnights of the market's days.
    calendar: Vec<u64>,
    /// On a provider beside the one whose reports the `RiskGate` reads.
    publisher: Option<Publisher>,
    challenges: Challenges,
    /// First slot that was not brought.
    next_slot: AtomicU64,
}

/// The day of a settled round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Today {
    pub(crate) round: u64,
    pub(crate) market_time: u64,
    /// Chain time.
    pub(crate) now: u64,
    pub(crate) block: u64,
    /// Whether what anybody may do is this node's to do.
    pub(crate) turn: bool,
}

impl Panel {
    pub(crate) fn new(
        (client, challenges): (Client, Challenges),
        market: B256,
        (evaluation, calendar): (Evaluation, Vec<u64>),
        publisher: Option<Publisher>,
    ) -> Panel {
        let next_slot = AtomicU64::new(0);
        Panel { client, market, evaluation, calendar, publisher, challenges, next_slot }
    }

    /// Does what a day asks of this node.
    pub(crate) async fn tend(
        &self,
        job: &Job,
        kept: (&TensorStore, &net::blobs::Store, &Journal),
        today: Today,
    ) -> Result<(), NodeError> {
        let terms = self.client.feed_terms().await?;
        self.bring_prices(&terms, today.now).await?;
        if let Some(publisher) = &self.publisher {
            publisher.publish(job, kept, (today.round, today.market_time, today.now)).await?;
        }
        let me = self.client.address();
        let providers = self.client.panel_providers().await?;
        if providers.contains(&me) {
            let last = self.client.latest_report(me, self.market, PRICE).await?;
            if last.marketTime < today.market_time {
                return Err(NodeError::absent("this provider's report is not there yet"));
            }
            self.record(me).await?;
        }
        self.check_steps(job, today).await?;
        if today.turn {
            self.close_slots().await?;
            for provider in providers.into_iter().filter(|one| *one != me) {
                self.record(provider).await?;
            }
            self.client.apply_panel(self.market).await?;
            self.step(job, today).await?;
        }
        Ok(())
    }

    /// Signs and brings what the market's price was in the slots since the last call.
    async fn bring_prices(&self, terms: &FeedTerms, now: u64) -> Result<(), NodeError> {
        let reporter = self.client.reporter(self.client.address()).await?;
        if !reporter.known || reporter.convicted {
            return Ok(());
        }
        if reporter.stake < terms.stake {
            self.client.stake_prices(terms.stake - reporter.stake).await?;
        }
        let (seconds, late) = (u64::from(terms.slotSeconds), u64::from(terms.lateSeconds));
        let slot = now / seconds;
        let open = now.saturating_sub(late) / seconds;
        let first = self.next_slot.load(Ordering::Relaxed).max(open);
        let first = first.max((slot + 1).saturating_sub(SLOTS_MAX));
        let reports: Vec<SlotReport> =
            (first..=slot).filter_map(|slot| self.price_of(slot, seconds)).collect();
        if !reports.is_empty() {
            self.client.report_slots(reports).await?;
            tracing::info!(slot, "brought prices");
        }
        self.next_slot.store(slot + 1, Ordering::Relaxed);
        Ok(())
    }

    /// What this node says of a slot: the last day's price that had come by its begin.
    fn price_of(&self, slot: u64, seconds: u64) -> Option<SlotReport> {
        let days = self.calendar.partition_point(|midnight| *midnight <= slot * seconds);
        let price = self.evaluation.days.get(days.checked_sub(1)?)?.price;
        let price = report::wad(price).ok().filter(|price| *price > 0)?;
        let venue = keccak256(self.evaluation.market.as_bytes());
        let message = Message { venue, price, time: slot.saturating_mul(seconds * 1_000) };
        Some(SlotReport {
            market: self.market,
            slot,
            price,
            low: price,
            high: price,
            messagesRoot: word(tensor::tree::root(&[leaf(&message)])),
            messages: 1,
        })
    }

    async fn close_slots(&self) -> Result<(), NodeError> {
        for _ in 0..SLOTS_MAX {
            if !self.client.close_slot(self.market).await? {
                break;
            }
        }
        Ok(())
    }

    /// Scores a provider's last report and notes its newest, where that can be done.
    async fn record(&self, provider: Address) -> Result<(), NodeError> {
        let (noted, scored) = self.client.keep_record(provider, self.market).await?;
        if noted || scored {
            tracing::info!(%provider, noted, scored, "kept a provider's record");
        }
        Ok(())
    }
}

/// The hash a message is in its report's tree as: `PriceFeed.messageLeaf`.
fn leaf(message: &Message) -> Hash {
    let encoded = (message.venue, U256::from(message.price), U256::from(message.time)).abi_encode();
    Hash(keccak256([&[0_u8][..], &encoded].concat()).0)
}

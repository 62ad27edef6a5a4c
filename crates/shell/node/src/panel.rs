//! What a node does for a market of several providers: prices for the feed, reports as one more
//! provider, records kept in turn, and steps of maintenance margin with their claims.
//!
//! Level-triggered, once a day of the market: everything is read from the chain, so a crash in
//! between repeats what is missing and nothing else. A provider notes its own report in the slot in
//! which it makes it, so nobody waits with it for a bad hour.

use alloy::primitives::{Address, B256};
use chain::Client;

use crate::{
    Job, NodeError, TensorStore,
    challenges::Challenges,
    journal::Journal,
    prices::{self, Prices, Series},
    publisher::Publisher,
};

mod steps;

pub(crate) use steps::{execution, subject};

/// Kind of a price, as `IRiskOracle.Kind` numbers it.
const PRICE: u8 = 0;

/// A node's part in a market of several providers.
#[derive(Debug)]
pub(crate) struct Panel {
    client: Client,
    market: B256,
    prices: Prices,
    /// On a provider beside the one whose reports the `RiskGate` reads.
    publisher: Option<Publisher>,
    challenges: Challenges,
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
        series: Series,
        publisher: Option<Publisher>,
    ) -> Panel {
        let market = series.market;
        let prices = Prices::new(client.clone(), series);
        Panel { client, market, prices, publisher, challenges }
    }

    /// Does what a day asks of this node.
    pub(crate) async fn tend(
        &self,
        job: &Job,
        kept: (&TensorStore, &net::blobs::Store, &Journal),
        today: Today,
    ) -> Result<(), NodeError> {
        self.prices.bring(today.now).await?;
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
            prices::close(&self.client, self.market).await?;
            for provider in providers.into_iter().filter(|one| *one != me) {
                self.record(provider).await?;
            }
            self.client.apply_panel(self.market).await?;
            self.step(job, today).await?;
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

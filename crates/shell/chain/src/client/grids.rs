//! What a book's events say: which instruments there were when a grid was claimed, and what its
//! Program was given.

use alloy::{
    primitives::{B256, U256},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};

use super::{ClientError, House};
use crate::contracts::scenarios::ScenarioBook;

use super::house::{Data, Grid};
/// An instrument's terms, as the book keeps them.
pub use crate::contracts::scenarios::IScenarioBook::Instrument;

/// A grid that was claimed.
#[derive(Clone, Debug)]
pub struct ClaimedGrid {
    /// The market's number in the book.
    pub market: u8,
    /// What was claimed.
    pub grid: Grid,
    /// Head, forwards and volatilities.
    pub data: Data,
    /// Block and log by which it was claimed.
    pub at: (u64, u64),
}

/// How a book's instruments changed.
#[derive(Clone, Debug)]
pub enum Change {
    /// One was listed, with its number.
    Listed(u32, Instrument),
    /// One was given an expiry.
    Delisted(u32, u64),
}

/// The book.
///
/// # Errors
///
/// Those of [`super::Client::view`] and [`super::Client::logs`].
impl House {
    /// Returns the grids whose claims are not decided, oldest first.
    pub async fn waiting_grids(&self, market: u8) -> Result<Vec<Grid>, ClientError> {
        self.client().view(self.at().book, ScenarioBook::waitingOfCall { market }).await
    }

    /// Returns what a unit of an instrument settled at, ticks; nothing before.
    pub async fn settlement(&self, instrument: u32) -> Result<Option<U256>, ClientError> {
        let call = ScenarioBook::settlementOfCall { instrument };
        let got = self.client().view(self.at().book, call).await?;
        Ok(got.settled.then_some(got.value))
    }

    /// Returns the grid that a claim is about, if it is one.
    pub async fn grid_of_claim(&self, claim: U256) -> Result<Option<ClaimedGrid>, ClientError> {
        let filter = self.events(ScenarioBook::Posted::SIGNATURE_HASH).topic2(claim);
        let logs = self.client().logs(filter).await?;
        Ok(logs.last().and_then(|log| {
            let posted = ScenarioBook::Posted::decode_log(&log.inner).ok()?.data;
            let (market, grid, data) = (posted.market, posted.grid, posted.data);
            Some(ClaimedGrid { market, grid, data, at: place(log)? })
        }))
    }

    /// Returns how instruments changed, in order; up to a block and log, where one is given.
    pub async fn changes(&self, before: Option<(u64, u64)>) -> Result<Vec<Change>, ClientError> {
        let mut all = Vec::new();
        for event in [ScenarioBook::Listed::SIGNATURE_HASH, ScenarioBook::Delisted::SIGNATURE_HASH]
        {
            let filter = self.events(event);
            let filter = before.map_or(filter.clone(), |(block, _)| filter.to_block(block));
            let logs = self.client().logs(filter).await?;
            all.extend(logs.iter().filter_map(|log| Some((place(log)?, change(log)?))));
        }
        all.retain(|(at, _)| before.is_none_or(|before| *at < before));
        all.sort_by_key(|(at, _)| *at);
        Ok(all.into_iter().map(|(_, change)| change).collect())
    }

    fn events(&self, event: B256) -> Filter {
        let from = self.client().deployment().block;
        Filter::new().address(self.at().book).event_signature(event).from_block(from)
    }
}

fn place(log: &Log) -> Option<(u64, u64)> {
    Some((log.block_number?, log.log_index?))
}

fn change(log: &Log) -> Option<Change> {
    if let Ok(listed) = ScenarioBook::Listed::decode_log(&log.inner) {
        return Some(Change::Listed(listed.instrument, listed.terms.clone()));
    }
    let delisted = ScenarioBook::Delisted::decode_log(&log.inner).ok()?;
    Some(Change::Delisted(delisted.instrument, delisted.expiry))
}

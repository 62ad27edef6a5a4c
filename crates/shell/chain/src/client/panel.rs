//! Prices, records, and the gate of several providers.
//!
//! A price is an EIP-712 message, digested here and not on the chain, as orders are.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    rpc::types::Filter,
    sol_types::{SolEvent, SolStruct},
};

use super::{Client, ClientError, Mined};
use crate::contracts::{
    book::AccountsBook::{self, Written},
    feed::PriceFeed,
    ledger::ProviderLedger,
    panel::PanelGate::{self, StepProposed},
};

/// What a reporter says of a slot, what venues said, and what a feed is deployed with.
pub use crate::contracts::feed::{
    IPriceFeed::{Message, Report as SlotReport, Terms as FeedTerms},
    PriceFeed::Reporter,
};
/// What is known of a provider on a market.
pub use crate::contracts::ledger::IProviderLedger::Record;
/// How far the median of several providers moves a market.
pub use crate::contracts::panel::IPanelGate::Policy as PanelPolicy;

mod signed {
    // The message as it is signed; field names and types are part of the digest.
    alloy::sol! {
        #![sol(all_derives)]
        struct Report {
            bytes32 market;
            uint64 slot;
            uint128 price;
            uint128 low;
            uint128 high;
            bytes32 messagesRoot;
            uint32 messages;
        }
    }
}

/// The feed.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl Client {
    /// Signs reports of slots with this key and brings them, in one call.
    pub async fn report_slots(&self, reports: Vec<SlotReport>) -> Result<Mined, ClientError> {
        let signatures = reports.iter().map(|one| self.sign(self.slot_digest(one))).collect();
        self.send(self.deployment().feed, PriceFeed::reportCall { reports, signatures }).await
    }

    /// Returns the digest a reporter signs for a slot.
    pub fn slot_digest(&self, report: &SlotReport) -> B256 {
        let domain = self.domain(("Assay PriceFeed", "1"), self.deployment().feed);
        let message = signed::Report {
            market: report.market,
            slot: report.slot,
            price: report.price,
            low: report.low,
            high: report.high,
            messagesRoot: report.messagesRoot,
            messages: report.messages,
        };
        message.eip712_signing_hash(&domain)
    }

    /// Returns the terms of the feed.
    pub async fn feed_terms(&self) -> Result<FeedTerms, ClientError> {
        self.view(self.deployment().feed, PriceFeed::termsCall {}).await
    }

    /// Returns what the feed keeps of a reporter.
    pub async fn reporter(&self, who: Address) -> Result<Reporter, ClientError> {
        self.view(self.deployment().feed, PriceFeed::reporterOfCall { who }).await
    }

    /// Adds to this reporter's stake. Needs an allowance for the feed.
    pub async fn stake_prices(&self, amount: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().feed, PriceFeed::stakeCall { amount }).await
    }

    /// Closes the oldest slot that can be; `false` where none can.
    pub async fn close_slot(&self, market: B256) -> Result<bool, ClientError> {
        let call = PriceFeed::closeCall { market };
        match self.view(self.deployment().feed, call.clone()).await {
            Ok(_) => {}
            Err(ClientError::Reverted { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        self.send(self.deployment().feed, call).await?;
        Ok(true)
    }

    /// Returns who has reported on a slot.
    pub async fn slot_reporters(
        &self,
        market: B256,
        slot: u64,
    ) -> Result<Vec<Address>, ClientError> {
        let at = self.deployment();
        let filter = Filter::new()
            .address(at.feed)
            .event_signature(PriceFeed::Reported::SIGNATURE_HASH)
            .topic2(market)
            .topic3(U256::from(slot))
            .from_block(at.block);
        let who = |log: &alloy::rpc::types::Log| {
            Some(PriceFeed::Reported::decode_log(&log.inner).ok()?.reporter)
        };
        Ok(self.logs(filter).await?.iter().filter_map(who).collect())
    }

    /// Returns the price of the newest good slot, WAD, the slot, and whether it is fresh.
    pub async fn feed_price(&self, market: B256) -> Result<(U256, u64, bool), ClientError> {
        let last = self.view(self.deployment().feed, PriceFeed::latestCall { market }).await?;
        Ok((last.price, last.slot, last.fresh))
    }
}

/// The ledger.
///
/// # Errors
///
/// As of the feed.
impl Client {
    /// Notes a provider's newest report, or scores what runs, where that can be done; says which.
    pub async fn keep_record(
        &self,
        provider: Address,
        market: B256,
    ) -> Result<(bool, bool), ClientError> {
        let at = self.deployment().ledger;
        let score = ProviderLedger::scoreCall { provider, market };
        let scored = self.able(at, score.clone()).await?;
        if scored {
            self.send(at, score).await?;
        }
        let note = ProviderLedger::noteCall { provider, market };
        let noted = self.able(at, note.clone()).await?;
        if noted {
            self.send(at, note).await?;
        }
        Ok((noted, scored))
    }

    /// Returns a provider's record on a market.
    pub async fn record_of(&self, provider: Address, market: B256) -> Result<Record, ClientError> {
        let call = ProviderLedger::recordOfCall { provider, market };
        self.view(self.deployment().ledger, call).await
    }

    /// Whether a call would succeed now.
    async fn able<C>(&self, to: Address, call: C) -> Result<bool, ClientError>
    where
        C: alloy::sol_types::SolCall,
    {
        match self.view(to, call).await {
            Ok(_) => Ok(true),
            Err(ClientError::Reverted { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A step of maintenance margin that was proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its claim.
    pub claim: U256,
    /// Root of the accounts it is about.
    pub accounts_root: B256,
    /// Bits of the level, an f64.
    pub bits: u64,
    /// To which level, WAD.
    pub level: U256,
    /// Accounts it would make liquidatable, as was claimed.
    pub count: U256,
    /// Their notional in dollars, WAD.
    pub notional: U256,
}

/// How the gate of several providers stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PanelState {
    /// Initial margin, WAD.
    pub initial: U256,
    /// Maintenance margin, WAD.
    pub maintenance: U256,
    /// To what maintenance margin may rise now, WAD.
    pub most: U256,
    /// The block from which a rise waits, 0 when none does.
    pub since: u64,
}

/// The gate of several providers, and the accounts it asks about.
///
/// # Errors
///
/// As of the feed.
impl Client {
    /// Reads what providers say and moves what may move.
    pub async fn apply_panel(&self, market: B256) -> Result<Mined, ClientError> {
        self.send(self.deployment().panel, PanelGate::applyReportsCall { market }).await
    }

    /// Returns the providers whose median is taken.
    pub async fn panel_providers(&self) -> Result<Vec<Address>, ClientError> {
        self.view(self.deployment().panel, PanelGate::providersCall {}).await
    }

    /// Returns a market's policy.
    pub async fn panel_policy(&self, market: B256) -> Result<PanelPolicy, ClientError> {
        self.view(self.deployment().panel, PanelGate::policyOfCall { market }).await
    }

    /// Returns how the gate stands.
    pub async fn panel_state(&self, market: B256) -> Result<PanelState, ClientError> {
        let at = self.deployment().panel;
        let rise = self.view(at, PanelGate::riseCall { market }).await?;
        Ok(PanelState {
            initial: self.view(at, PanelGate::initialMarginCall { market }).await?,
            maintenance: self.view(at, PanelGate::maintenanceMarginCall { market }).await?,
            most: rise.most,
            since: rise.since,
        })
    }

    /// Claims what raising maintenance margin to a level, the bits of an f64, would do; `chunk` is
    /// the outcome's. Needs an allowance for the court, which takes the bond.
    pub async fn propose_step(
        &self,
        market: B256,
        level: u64,
        chunk: Bytes,
    ) -> Result<Mined, ClientError> {
        let call = PanelGate::proposeStepCall { market, level, chunk };
        self.send(self.deployment().panel, call).await
    }

    /// Takes a step if its claim is final, or can be made so; `false` otherwise.
    pub async fn take_step(&self, claim: U256) -> Result<bool, ClientError> {
        let (at, call) = (self.deployment().panel, PanelGate::takeStepCall { claim });
        let able = self.able(at, call.clone()).await?;
        if able {
            self.send(at, call).await?;
        }
        Ok(able)
    }

    /// Returns the steps proposed from a block on.
    pub async fn steps_since(&self, market: B256, block: u64) -> Result<Vec<Step>, ClientError> {
        let filter = Filter::new()
            .address(self.deployment().panel)
            .event_signature(StepProposed::SIGNATURE_HASH)
            .topic1(market)
            .from_block(block);
        self.steps(filter).await
    }

    async fn steps(&self, filter: Filter) -> Result<Vec<Step>, ClientError> {
        let step = |log: &alloy::rpc::types::Log| {
            let one = StepProposed::decode_log(&log.inner).ok()?.data;
            Some(Step {
                claim: one.claim,
                accounts_root: one.accountsRoot,
                bits: one.bits,
                level: one.level,
                count: one.count,
                notional: one.notional,
            })
        };
        Ok(self.logs(filter).await?.iter().filter_map(step).collect())
    }

    /// Writes the accounts down; only the book's owner.
    pub async fn write_accounts(&self, accounts: Bytes) -> Result<Mined, ClientError> {
        self.send(self.deployment().book, AccountsBook::writeCall { accounts }).await
    }

    /// Returns the accounts written last, nothing before the first.
    pub async fn accounts(&self) -> Result<Option<Bytes>, ClientError> {
        self.written(self.books()).await
    }

    /// Returns the accounts with a root, if they were written down.
    pub async fn accounts_of(&self, root: B256) -> Result<Option<Bytes>, ClientError> {
        self.written(self.books().topic1(root)).await
    }

    fn books(&self) -> Filter {
        Filter::new()
            .address(self.deployment().book)
            .event_signature(Written::SIGNATURE_HASH)
            .from_block(self.deployment().block)
    }

    async fn written(&self, filter: Filter) -> Result<Option<Bytes>, ClientError> {
        let logs = self.logs(filter).await?;
        let last = logs.last().and_then(|log| Written::decode_log_data(log.data()).ok());
        Ok(last.map(|written| written.accounts))
    }

    /// Returns the step that a claim is about, if it is one.
    pub async fn step_of_claim(&self, claim: U256) -> Result<Option<Step>, ClientError> {
        let filter = Filter::new()
            .address(self.deployment().panel)
            .event_signature(StepProposed::SIGNATURE_HASH)
            .topic2(claim)
            .from_block(self.deployment().block);
        Ok(self.steps(filter).await?.pop())
    }
}

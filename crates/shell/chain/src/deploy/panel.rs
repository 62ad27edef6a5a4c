//! Prices, providers' records, and the gate of several providers: their constructors, and what is
//! set once they are there.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolConstructor,
};

use super::{Deployment, Setup, with_arguments};
use crate::{
    Client, ClientError,
    contracts::{
        book::AccountsBook,
        feed::{IPriceFeed, PriceFeed},
        ledger::{IProviderLedger, ProviderLedger},
        panel::{IPanelGate, PanelGate},
    },
};

/// What the contracts of several providers are deployed with.
#[derive(Clone, Debug)]
pub struct PanelSetup {
    /// Whose signed prices count.
    pub reporters: Vec<Address>,
    /// Slots, quorum, stake and pay of the feed.
    pub feed: IPriceFeed::Terms,
    /// What the deployer pays into the feed at once, wei.
    pub pot: U256,
    /// Horizon and rate of misses of the records.
    pub ledger: IProviderLedger::Terms,
    /// Accounts of every list that is written down.
    pub accounts: u32,
    /// Hash of the Program that steps of maintenance margin are claimed about.
    pub consequence: B256,
    /// Providers whose median the gate takes.
    pub providers: Vec<Address>,
    /// How far the median moves the market of the future.
    pub policy: IPanelGate::Policy,
}

/// Returns the init codes of feed, ledger, book and gate.
pub(super) fn init_codes(client: &Client, setup: &Setup, at: &Deployment) -> [Bytes; 4] {
    let panel = &setup.panel;
    let feed = PriceFeed::constructorCall {
        token_: at.token,
        who: panel.reporters.clone(),
        markets: vec![setup.terms.market],
        terms_: panel.feed.clone(),
    };
    let ledger = ProviderLedger::constructorCall {
        oracle_: at.oracle,
        feed_: at.feed,
        terms: panel.ledger.clone(),
    };
    let book = AccountsBook::constructorCall { count_: panel.accounts, owner_: client.address() };
    let gate = PanelGate::constructorCall {
        oracle_: at.oracle,
        authority_: at.ledger,
        accounts_: at.book,
        consequence_: panel.consequence,
        owner_: client.address(),
    };
    [
        with_arguments(&PriceFeed::BYTECODE, feed.abi_encode()),
        with_arguments(&ProviderLedger::BYTECODE, ledger.abi_encode()),
        with_arguments(&AccountsBook::BYTECODE, book.abi_encode()),
        with_arguments(&PanelGate::BYTECODE, gate.abi_encode()),
    ]
}

/// Sets the market's policy, switches the providers on and fills the feed's pot, where that is not
/// done.
pub(super) async fn open(client: &Client, setup: &Setup) -> Result<(), ClientError> {
    let (at, wanted) = (client.deployment().clone(), &setup.panel);
    let market = setup.terms.market;
    let policy = client.view(at.panel, PanelGate::policyOfCall { market }).await?;
    if policy != wanted.policy {
        let policy = wanted.policy.clone();
        client.send(at.panel, PanelGate::setMarketCall { market, policy }).await?;
    }
    let on = client.view(at.panel, PanelGate::providersCall {}).await?;
    for provider in wanted.providers.iter().filter(|one| !on.contains(one)) {
        let call = PanelGate::setProviderCall { provider: *provider, on: true };
        client.send(at.panel, call).await?;
    }
    let pot = client.view(at.feed, PriceFeed::potCall {}).await?;
    if pot.is_zero() && !wanted.pot.is_zero() {
        client.approve(at.feed, wanted.pot).await?;
        client.send(at.feed, PriceFeed::fundCall { amount: wanted.pot }).await?;
    }
    Ok(())
}

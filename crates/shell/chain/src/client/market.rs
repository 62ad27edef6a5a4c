//! The gate and the cleared future.
//!
//! Orders are EIP-712 messages. Their digests are computed here and not asked of the chain, so that
//! a key never signs bytes that somebody else chose.

use std::borrow::Cow;

use alloy::{
    primitives::{Address, B256, Bytes, I256, U256},
    signers::SignerSync,
    sol_types::{Eip712Domain, SolStruct},
};

use super::{Client, ClientError, Mined};
use crate::contracts::{
    clearing::{ClearingHouse, IClearingHouse},
    dollar::DemoDollar,
    gate::{IRiskGate, RiskGate},
};

mod signed {
    // The messages as they are signed; field names and types are part of the digest.
    alloy::sol! {
        #![sol(all_derives)]
        struct Order {
            address trader;
            int256 size;
            uint256 price;
            uint64 expiry;
            uint256 salt;
        }
    }
}

/// An order for the cleared future; see `IClearingHouse.Order`.
pub use crate::contracts::clearing::IClearingHouse::Order;

/// Two signed orders that meet.
#[derive(Clone, Debug)]
pub struct Match {
    /// The buyer's order and signature.
    pub buy: (Order, Bytes),
    /// The seller's order and signature.
    pub sell: (Order, Bytes),
    /// Units that change hands, WAD.
    pub size: U256,
    /// Dollars a unit, WAD.
    pub price: U256,
}

/// The gate.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl Client {
    /// Returns whether [`Client::apply_reports`] would move anything.
    pub async fn can_apply(&self, market: B256) -> Result<bool, ClientError> {
        match self.view(self.deployment().gate, RiskGate::applyReportsCall { market }).await {
            Ok(_) => Ok(true),
            Err(ClientError::Reverted { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Finalises what claims can be, and lets the provider's reports through the gate.
    pub async fn apply_reports(&self, market: B256) -> Result<Mined, ClientError> {
        self.send(self.deployment().gate, RiskGate::applyReportsCall { market }).await
    }

    /// Sets a market's limits; only the gate's owner.
    pub async fn set_market(
        &self,
        market: B256,
        limits: IRiskGate::Limits,
    ) -> Result<Mined, ClientError> {
        self.send(self.deployment().gate, RiskGate::setMarketCall { market, limits }).await
    }

    /// Returns a market's limits, all zero where it was never set.
    pub async fn limits(&self, market: B256) -> Result<IRiskGate::Limits, ClientError> {
        self.view(self.deployment().gate, RiskGate::limitsOfCall { market }).await
    }

    /// Returns the initial and maintenance margin that hold, as WAD fractions of notional.
    pub async fn margins(&self, market: B256) -> Result<(U256, U256), ClientError> {
        let gate = self.deployment().gate;
        let initial = self.view(gate, RiskGate::initialMarginCall { market }).await?;
        let maintenance = self.view(gate, RiskGate::maintenanceMarginCall { market }).await?;
        Ok((initial, maintenance))
    }

    /// Returns the last price let through, WAD, and the market's clock at it; zeros before the
    /// first.
    pub async fn price(&self, market: B256) -> Result<(U256, u64), ClientError> {
        let gate = self.deployment().gate;
        let price = self.view(gate, RiskGate::priceCall { market }).await?;
        let time = self.view(gate, RiskGate::marketTimeCall { market }).await?;
        Ok((price, time))
    }

    /// Returns whether neither price nor margins have expired.
    pub async fn fresh(&self, market: B256) -> Result<bool, ClientError> {
        self.view(self.deployment().gate, RiskGate::freshCall { market }).await
    }

    pub(super) fn domain(
        &self,
        (name, version): (&'static str, &'static str),
        contract: Address,
    ) -> Eip712Domain {
        Eip712Domain::new(
            Some(Cow::Borrowed(name)),
            Some(Cow::Borrowed(version)),
            Some(U256::from(self.chain_id)),
            Some(contract),
            None,
        )
    }

    pub(super) fn sign(&self, digest: B256) -> Bytes {
        let signature =
            self.signer.sign_hash_sync(&digest).expect("a key in memory signs any digest");
        signature.as_bytes().to_vec().into()
    }
}

/// The cleared future. Dollars, units and prices are WAD.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl Client {
    /// Mints play money to this key and lets the clearing house take it.
    pub async fn mint_dollars(&self, amount: U256) -> Result<(), ClientError> {
        let at = self.deployment();
        let account = self.address();
        self.send(at.dollar, DemoDollar::mintCall { account, amount }).await?;
        let call = DemoDollar::approveCall { spender: at.clearing, value: U256::MAX };
        self.send(at.dollar, call).await?;
        Ok(())
    }

    /// Returns an account's play money outside the clearing house.
    pub async fn dollars(&self, account: Address) -> Result<U256, ClientError> {
        self.view(self.deployment().dollar, DemoDollar::balanceOfCall { account }).await
    }

    /// Pays collateral in.
    pub async fn deposit(&self, amount: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().clearing, ClearingHouse::depositCall { amount }).await
    }

    /// Pays collateral out.
    pub async fn withdraw(&self, amount: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().clearing, ClearingHouse::withdrawCall { amount }).await
    }

    /// Signs an order with this key, whose address must be the order's trader.
    pub fn sign_order(&self, order: Order) -> (Order, Bytes) {
        let signature = self.sign(self.order_digest(&order));
        (order, signature)
    }

    /// Returns the digest a trader signs for an order.
    pub fn order_digest(&self, order: &Order) -> B256 {
        let domain = self.domain(("Assay ClearingHouse", "1"), self.deployment().clearing);
        let message = signed::Order {
            trader: order.trader,
            size: order.size,
            price: order.price,
            expiry: order.expiry,
            salt: order.salt,
        };
        message.eip712_signing_hash(&domain)
    }

    /// Trades two signed orders.
    pub async fn trade(&self, matched: Match) -> Result<Mined, ClientError> {
        let Match { buy, sell, size, price } = matched;
        let call = ClearingHouse::tradeCall {
            buy: buy.0,
            buySignature: buy.1,
            sell: sell.0,
            sellSignature: sell.1,
            size,
            price,
        };
        self.send(self.deployment().clearing, call).await
    }

    /// Takes `size` units over from an account under its maintenance margin.
    pub async fn liquidate(&self, account: Address, size: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().clearing, ClearingHouse::liquidateCall { account, size }).await
    }

    /// Settles up to `count` positions after the future's term.
    pub async fn settle_positions(&self, count: u64) -> Result<Mined, ClientError> {
        let call = ClearingHouse::settleCall { count: U256::from(count) };
        self.send(self.deployment().clearing, call).await
    }

    /// Returns how an account stands.
    pub async fn account(&self, account: Address) -> Result<Account, ClientError> {
        let at = self.deployment().clearing;
        let required = self.view(at, ClearingHouse::requirementCall { account }).await?;
        Ok(Account {
            cash: self.view(at, ClearingHouse::cashCall { account }).await?,
            position: self.view(at, ClearingHouse::positionCall { account }).await?,
            equity: self.view(at, ClearingHouse::equityCall { account }).await?,
            initial: required.initial,
            maintenance: required.maintenance,
            liquidatable: self.view(at, ClearingHouse::liquidatableCall { account }).await?,
        })
    }

    /// Returns the price positions are valued at.
    pub async fn mark(&self) -> Result<U256, ClientError> {
        self.view(self.deployment().clearing, ClearingHouse::markCall {}).await
    }

    /// Returns the terms of the future.
    pub async fn terms(&self) -> Result<IClearingHouse::Terms, ClientError> {
        self.view(self.deployment().clearing, ClearingHouse::termsCall {}).await
    }
}

/// How an account stands in the clearing house; all WAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Collateral and what its trades paid and cost.
    pub cash: I256,
    /// Units, positive when long.
    pub position: I256,
    /// Cash plus position at the mark.
    pub equity: I256,
    /// Initial margin asked of it, in dollars.
    pub initial: U256,
    /// Maintenance margin asked of it, in dollars.
    pub maintenance: U256,
    /// Units that can be liquidated now.
    pub liquidatable: U256,
}

//! Risk reports and the claims behind them.
//!
//! Bundles and prices are EIP-712 messages, digested here and not on the chain, as orders are.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    rpc::types::Filter,
    sol_types::{Eip712Domain, SolEvent, SolStruct},
};

use super::{Client, ClientError, Mined};
use crate::contracts::{
    oracle::{ICourt, RiskOracle},
    rounds::Rounds,
};

mod signed {
    // The messages as they are signed; field names and types are part of the digest.
    alloy::sol! {
        #![sol(all_derives)]
        struct Bundle {
            bytes32 market;
            uint256 price;
            bytes32 outputsRoot;
            uint64 marketTime;
            uint64 validFrom;
            uint64 expiry;
            uint64 nonce;
            bytes32 program;
            bytes32 inputsRoot;
        }
        struct Price {
            bytes32 market;
            uint256 price;
            uint64 marketTime;
            uint64 validFrom;
            uint64 expiry;
            uint64 nonce;
        }
    }
}

/// What a provider signs, and what its claim's inputs are made of; see `IRiskOracle`.
pub use crate::contracts::oracle::IRiskOracle::{Basis, Bundle, Price, Report};

/// A bundle of reports with the claim behind it, ready to be signed.
#[derive(Clone, Debug)]
pub struct Posting {
    /// What the provider says.
    pub bundle: Bundle,
    /// What the claim's inputs are made of.
    pub basis: Basis,
    /// The chunk of each output with its way up to the bundle's outputs root: margin, volatility.
    pub readings: Vec<(Bytes, Vec<B256>)>,
    /// Hash of the report Program; another one than the contract fixes makes the signature a
    /// stranger's.
    pub program: B256,
    /// List root of its inputs, likewise.
    pub inputs_root: B256,
}

/// The inputs of a report's claim, made available; see `IRiskOracle.Based`.
pub use crate::contracts::oracle::RiskOracle::Based;

/// Reports.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl Client {
    /// Signs a bundle of reports with this key and posts it with its claim. Needs an allowance for
    /// the court, which takes the bond.
    pub async fn report(&self, posting: Posting) -> Result<Mined, ClientError> {
        let signature = self.sign(self.report_digest(&posting));
        let opening = |(chunk, siblings)| ICourt::Opening { chunk, siblings };
        let call = RiskOracle::postCall {
            bundle: posting.bundle,
            basis: posting.basis,
            readings: posting.readings.into_iter().map(opening).collect(),
            signature,
        };
        self.send(self.deployment().oracle, call).await
    }

    /// Signs a price with this key and posts it.
    pub async fn report_price(&self, price: Price) -> Result<Mined, ClientError> {
        let signature = self.sign(self.price_digest(&price));
        self.send(self.deployment().oracle, RiskOracle::postPriceCall { price, signature }).await
    }

    /// Returns the digest a provider signs for a bundle of reports.
    pub fn report_digest(&self, posting: &Posting) -> B256 {
        let Posting { bundle, program, inputs_root, .. } = posting;
        let signed = signed::Bundle {
            market: bundle.market,
            price: bundle.price,
            outputsRoot: bundle.outputsRoot,
            marketTime: bundle.marketTime,
            validFrom: bundle.validFrom,
            expiry: bundle.expiry,
            nonce: bundle.nonce,
            program: *program,
            inputsRoot: *inputs_root,
        };
        signed.eip712_signing_hash(&self.oracle_domain())
    }

    /// Returns the digest a provider signs for a price alone.
    pub fn price_digest(&self, price: &Price) -> B256 {
        let signed = signed::Price {
            market: price.market,
            price: price.price,
            marketTime: price.marketTime,
            validFrom: price.validFrom,
            expiry: price.expiry,
            nonce: price.nonce,
        };
        signed.eip712_signing_hash(&self.oracle_domain())
    }

    /// Returns the claim that settled the last round, 0 before the first.
    pub async fn settled_claim(&self) -> Result<U256, ClientError> {
        self.view(self.deployment().rounds, Rounds::settledClaimCall {}).await
    }

    /// Finalises what claims of a provider's reports can be.
    pub async fn settle_reports(
        &self,
        provider: Address,
        market: B256,
    ) -> Result<Mined, ClientError> {
        self.send(self.deployment().oracle, RiskOracle::settleCall { provider, market }).await
    }

    /// Returns what the claim of a report rests on, if it is one.
    pub async fn report_of_claim(&self, claim: U256) -> Result<Option<Based>, ClientError> {
        let filter = Filter::new()
            .address(self.deployment().oracle)
            .event_signature(Based::SIGNATURE_HASH)
            .topic1(claim)
            .from_block(self.deployment().block);
        let logs = self.logs(filter).await?;
        Ok(logs.last().and_then(|log| Based::decode_log_data(log.data()).ok()))
    }

    /// Returns what reports were posted from a block on, of every provider and market.
    pub async fn reports_since(&self, block: u64) -> Result<Vec<Based>, ClientError> {
        let filter = Filter::new()
            .address(self.deployment().oracle)
            .event_signature(Based::SIGNATURE_HASH)
            .from_block(block);
        let logs = self.logs(filter).await?;
        Ok(logs.iter().filter_map(|log| Based::decode_log_data(log.data()).ok()).collect())
    }

    /// Returns the last nonce a provider used, 0 before the first.
    pub async fn report_nonce(&self, provider: Address) -> Result<u64, ClientError> {
        self.view(self.deployment().oracle, RiskOracle::nonceOfCall { provider }).await
    }

    /// Returns a provider's last report of a kind (0 price, 1 margin, 2 volatility).
    pub async fn latest_report(
        &self,
        provider: Address,
        market: B256,
        kind: u8,
    ) -> Result<Report, ClientError> {
        let call = RiskOracle::latestCall { provider, market, kind };
        self.view(self.deployment().oracle, call).await
    }

    fn oracle_domain(&self) -> Eip712Domain {
        self.domain(("Assay RiskOracle", "2"), self.deployment().oracle)
    }
}

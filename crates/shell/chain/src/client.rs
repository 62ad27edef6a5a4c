//! A typed way to any chain that speaks Ethereum JSON-RPC, for one key.
//!
//! A call is estimated first, so that one that would revert is reported with the contract's own
//! error before anything is paid, then signed and sent as an EIP-1559 transaction, then awaited.
//! Sends of one client are numbered one after another, so they may be awaited at the same time.
//!
//! Deliberately absent: retries of a call (the state machine above is level-triggered and sends
//! again what the chain does not show), reorganisation handling, and keys at rest.

mod again;
mod calls;
mod court;
mod error;
mod grids;
pub mod house;
mod jobs;
mod market;
mod oracle;
mod panel;
mod private;
mod runs;
mod scores;

use std::{sync::Arc, time::Duration};

use alloy::{
    eips::{BlockNumberOrTag, eip1559::Eip1559Estimation},
    network::EthereumWallet,
    primitives::{Address, B256, Bytes, TxKind, U64, U256, utils::Unit},
    rpc::{
        client::RpcClient,
        types::{Block, FeeHistory, Filter, Log, TransactionReceipt, TransactionRequest},
    },
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
    transports::http::reqwest,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Mutex;

pub use self::{
    calls::Reveal,
    court::Standing,
    error::{ClientError, Revert},
    grids::{Change, ClaimedGrid, Instrument},
    house::{Data, Deal, Grid, House, Leg, Listing, PackageOrder, Portfolio, Reading, Rows},
    jobs::{JobState, Proposal},
    market::{Account, Match, Order},
    oracle::{Based, Basis, Bundle, Posting, Price, Report},
    panel::{FeedTerms, Message, PanelPolicy, PanelState, Record, Reporter, SlotReport, Step},
    private::{Ended, Stated, Told},
    runs::{OpenProposal, RunState},
    scores::{Lists, Past, Player, ScorePosted, ScoreTerms},
};
use crate::Deployment;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a transaction may wait for its block.
const MINED_TIMEOUT: Duration = Duration::from_secs(180);
/// First and longest pause between two looks for a receipt.
const POLL_MS: (u64, u64) = (4, 500);

/// One key on one chain.
#[derive(Clone, Debug)]
pub struct Client {
    rpc: RpcClient,
    url: Arc<str>,
    chain_id: u64,
    address: Address,
    signer: PrivateKeySigner,
    wallet: EthereumWallet,
    /// Held from reading the nonce until the node has taken the transaction.
    order: Arc<Mutex<()>>,
    deployment: Option<Arc<Deployment>>,
}

impl Client {
    /// Connects to the chain at `url` and learns its id.
    ///
    /// # Errors
    ///
    /// [`ClientError::Url`] or [`ClientError::Down`].
    pub async fn connect(url: &str, signer: PrivateKeySigner) -> Result<Self, ClientError> {
        let parsed = url
            .parse::<reqwest::Url>()
            .map_err(|error| ClientError::Url { url: url.to_owned(), detail: error.to_string() })?;
        let http =
            reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build().map_err(|error| {
                ClientError::Down { url: url.to_owned(), detail: error.to_string() }
            })?;
        let mut client = Self {
            rpc: RpcClient::new_http_with_client(http, parsed),
            url: url.into(),
            chain_id: 0,
            address: signer.address(),
            wallet: EthereumWallet::from(signer.clone()),
            signer,
            order: Arc::default(),
            deployment: None,
        };
        client.chain_id = client.request::<_, U64>("eth_chainId", ()).await?.to();
        Ok(client)
    }

    /// Connects like [`Client::connect`] and refuses any chain but the deployment's.
    ///
    /// # Errors
    ///
    /// [`ClientError::OtherChain`], [`ClientError::NoContract`] where the contracts that the
    /// deployment names are not there,
    /// and those of [`Client::connect`].
    pub async fn open(
        url: &str,
        signer: PrivateKeySigner,
        deployment: Deployment,
    ) -> Result<Self, ClientError> {
        let client = Self::connect(url, signer).await?;
        let (expected, got) = (deployment.chain_id, client.chain_id);
        if expected != got {
            return Err(ClientError::OtherChain { url: url.to_owned(), expected, got });
        }
        let named = deployment.named().into_iter().filter(|(_, address)| !address.is_zero());
        for (name, address) in named {
            if client.code(address).await?.is_empty() {
                return Err(ClientError::NoContract { name, address, url: url.to_owned() });
            }
        }
        Ok(client.with(deployment))
    }

    /// Returns the client bound to a deployment.
    pub fn with(mut self, deployment: Deployment) -> Self {
        self.deployment = Some(Arc::new(deployment));
        self
    }

    /// Returns the same connection for another key.
    pub fn with_signer(&self, signer: PrivateKeySigner) -> Self {
        Self {
            address: signer.address(),
            wallet: EthereumWallet::from(signer.clone()),
            signer,
            order: Arc::default(),
            ..self.clone()
        }
    }

    /// Returns the address of the key.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Returns the key.
    pub fn signer(&self) -> &PrivateKeySigner {
        &self.signer
    }

    /// Returns the chain's id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Returns where the chain is reached.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the contracts this client is bound to.
    ///
    /// # Panics
    ///
    /// Panics on a client made by [`Client::connect`] that was never bound by [`Client::with`].
    pub fn deployment(&self) -> &Deployment {
        self.deployment.as_ref().expect("typed calls are made on a client bound to a deployment")
    }

    /// Makes one JSON-RPC request.
    ///
    /// # Errors
    ///
    /// [`ClientError::Down`] when nobody answers, [`ClientError::Refused`] when the node says no.
    pub async fn request<P, R>(&self, method: &'static str, params: P) -> Result<R, ClientError>
    where
        P: Serialize + Clone + std::fmt::Debug + Send + Sync + Unpin + 'static,
        R: DeserializeOwned + std::fmt::Debug + Send + Sync + Unpin + 'static,
    {
        self.rpc
            .request(method, params)
            .await
            .map_err(|error| ClientError::from_transport(&self.url, method, error))
    }

    /// Returns the number of the latest block.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`].
    pub async fn block_number(&self) -> Result<u64, ClientError> {
        Ok(self.request::<_, U64>("eth_blockNumber", ()).await?.to())
    }

    /// Returns a block with its transactions in full, or nothing where there is none yet.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`].
    pub async fn block(&self, tag: BlockNumberOrTag) -> Result<Option<Block>, ClientError> {
        self.request("eth_getBlockByNumber", (tag, true)).await
    }

    /// Returns the logs a filter matches.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`].
    pub async fn logs(&self, filter: Filter) -> Result<Vec<Log>, ClientError> {
        self.request("eth_getLogs", (filter,)).await
    }

    /// Returns the ether of an account in wei.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`].
    pub async fn balance(&self, address: Address) -> Result<U256, ClientError> {
        self.request("eth_getBalance", (address, "latest")).await
    }

    /// Returns the code at an address.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`].
    pub async fn code(&self, address: Address) -> Result<Bytes, ClientError> {
        self.request("eth_getCode", (address, "latest")).await
    }

    /// Returns the nonce of the key's next transaction, counting what waits.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`].
    pub async fn next_nonce(&self) -> Result<u64, ClientError> {
        let count: U64 = self.request("eth_getTransactionCount", (self.address, "pending")).await?;
        Ok(count.to())
    }

    /// Asks the embedded chain to give its next block this timestamp.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] where the chain's clock cannot be set.
    pub async fn set_next_time(&self, time: u64) -> Result<(), ClientError> {
        self.request::<_, serde_json::Value>("evm_setNextBlockTimestamp", (U64::from(time),))
            .await?;
        Ok(())
    }

    /// Asks the embedded chain for a block now.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] where blocks are not made on demand.
    pub async fn mine(&self) -> Result<(), ClientError> {
        self.request::<_, serde_json::Value>("evm_mine", ()).await?;
        Ok(())
    }

    /// Reads from a contract.
    ///
    /// # Errors
    ///
    /// [`ClientError::Reverted`] with the contract's error, and those of [`Client::request`].
    pub async fn view<C: SolCall>(&self, to: Address, call: C) -> Result<C::Return, ClientError> {
        let request = self.transaction(Some(to), call.abi_encode().into(), U256::ZERO);
        let output: Bytes = self
            .request("eth_call", (request, "latest"))
            .await
            .map_err(|error| error.during(C::SIGNATURE))?;
        C::abi_decode_returns(&output).map_err(|error| ClientError::Answer {
            method: C::SIGNATURE,
            detail: error.to_string(),
        })
    }

    /// Calls a contract and waits until the call is in a block.
    ///
    /// # Errors
    ///
    /// [`ClientError::Reverted`] with the contract's error, [`ClientError::Unmined`] when no block
    /// takes it, and those of [`Client::request`].
    pub async fn send<C: SolCall>(&self, to: Address, call: C) -> Result<Mined, ClientError> {
        let sent = self
            .submit(Some(to), call.abi_encode().into(), U256::ZERO)
            .await
            .map_err(|error| error.during(C::SIGNATURE))?;
        self.wait(sent).await.map_err(|error| error.during(C::SIGNATURE))
    }

    /// Sends ether and waits until the transfer is in a block.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub async fn pay(&self, to: Address, wei: U256) -> Result<Mined, ClientError> {
        let sent = self.submit(Some(to), Bytes::new(), wei).await?;
        self.wait(sent).await
    }

    fn transaction(&self, to: Option<Address>, input: Bytes, value: U256) -> TransactionRequest {
        TransactionRequest {
            from: Some(self.address),
            to: Some(to.map_or(TxKind::Create, TxKind::Call)),
            value: Some(value),
            input: input.into(),
            ..TransactionRequest::default()
        }
    }

    /// Estimates, signs and sends, without waiting for a block. `to` is `None` for a deployment.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`] but [`ClientError::Unmined`].
    pub async fn submit(
        &self,
        to: Option<Address>,
        input: Bytes,
        value: U256,
    ) -> Result<Sent, ClientError> {
        self.submit_kept(to, input, value, |_| Ok(())).await
    }

    async fn fees(&self) -> Result<Eip1559Estimation, ClientError> {
        let params = (U64::from(5), BlockNumberOrTag::Latest, vec![50.0]);
        let history: FeeHistory = self.request("eth_feeHistory", params).await?;
        let base = history.next_block_base_fee().unwrap_or(Unit::GWEI.wei().to());
        let tips = history.reward.unwrap_or_default();
        let tip = tips.iter().filter_map(|block| block.first()).max().copied().unwrap_or(1).max(1);
        let max_fee_per_gas = base.saturating_mul(2).saturating_add(tip);
        Ok(Eip1559Estimation { max_fee_per_gas, max_priority_fee_per_gas: tip })
    }

    /// Waits until a sent transaction is in a block.
    ///
    /// # Errors
    ///
    /// [`ClientError::Reverted`] when it failed there, [`ClientError::Unmined`] when three minutes
    /// pass.
    pub async fn wait(&self, sent: Sent) -> Result<Mined, ClientError> {
        let give_up = tokio::time::Instant::now() + MINED_TIMEOUT;
        let mut pause_ms = POLL_MS.0;
        loop {
            let receipt: Option<TransactionReceipt> =
                self.request("eth_getTransactionReceipt", (sent.hash,)).await?;
            if let Some(receipt) = receipt {
                return self.judge(sent, receipt).await;
            }
            if tokio::time::Instant::now() > give_up {
                return Err(ClientError::Unmined { hash: sent.hash, url: self.url.to_string() });
            }
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            pause_ms = (pause_ms * 3 / 2).min(POLL_MS.1);
        }
    }

    async fn judge(&self, sent: Sent, receipt: TransactionReceipt) -> Result<Mined, ClientError> {
        if receipt.status() {
            return Ok(Mined {
                hash: sent.hash,
                block: receipt.block_number.unwrap_or_default(),
                gas_used: receipt.gas_used,
                fee_wei: u128::from(receipt.gas_used) * receipt.effective_gas_price,
                created: receipt.contract_address,
                logs: receipt.logs().to_vec(),
            });
        }
        // A receipt does not carry the reason; the same call now fails for the same one, mostly.
        let mut request = sent.request;
        request.nonce = None;
        match self.request::<_, Bytes>("eth_call", (request, "latest")).await {
            Err(error @ ClientError::Reverted { .. }) => Err(error),
            _ => Err(ClientError::Reverted {
                call: String::new(),
                revert: Revert { error: None, data: Bytes::new() },
            }),
        }
    }
}

/// Gas beyond an estimate: the court advances a move's gas at the block's base fee, which reads 0
/// in an estimate, so that the transfer is not in it.
const HEADROOM: u64 = 100_000;

/// A transaction on its way.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its hash.
    pub hash: B256,
    /// Its nonce.
    pub nonce: u64,
    request: TransactionRequest,
}

/// A transaction that succeeded in a block.
#[derive(Clone, Debug)]
pub struct Mined {
    /// Its hash.
    pub hash: B256,
    /// Number of the block.
    pub block: u64,
    /// Gas it used.
    pub gas_used: u64,
    /// What it cost in wei.
    pub fee_wei: u128,
    /// The contract it created.
    pub created: Option<Address>,
    /// The logs it left.
    pub logs: Vec<Log>,
}

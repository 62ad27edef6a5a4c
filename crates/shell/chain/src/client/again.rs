//! Transactions that outlive their sender: what is signed is shown before it leaves, and whoever
//! kept it sends that very one again after a crash.
//!
//! Invariant: one nonce is one transaction, so what is sent again is in a block at most once.
//! Absent: where it is kept, and a higher fee for one that waits too long.

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::{Decodable2718, Encodable2718},
    network::NetworkTransactionBuilder,
    primitives::{Address, B256, Bytes, U64, U256},
    rpc::types::TransactionReceipt,
};

use super::{Client, ClientError, HEADROOM, Sent};

impl Client {
    /// Sends like [`Client::submit`], but shows the signed bytes to `keep` first; where that fails,
    /// nothing leaves.
    ///
    /// # Errors
    ///
    /// What `keep` returned, and those of [`Client::submit`].
    pub async fn submit_kept<E: From<ClientError>>(
        &self,
        to: Option<Address>,
        input: Bytes,
        value: U256,
        keep: impl FnOnce(&Bytes) -> Result<(), E> + Send,
    ) -> Result<Sent, E> {
        let mut request = self.transaction(to, input, value);
        let gas: U64 = self.request("eth_estimateGas", (request.clone(), "pending")).await?;
        let fees = self.fees().await?;
        // A tenth more, since the state may move between the estimate and the block.
        request.gas = Some(gas.to::<u64>() + gas.to::<u64>() / 10 + HEADROOM);
        request.max_fee_per_gas = Some(fees.max_fee_per_gas);
        request.max_priority_fee_per_gas = Some(fees.max_priority_fee_per_gas);
        request.chain_id = Some(self.chain_id);
        let _in_order = self.order.lock().await;
        request.nonce = Some(self.next_nonce().await?);
        let signed = request.clone().build(&self.wallet).await.map_err(|error| {
            ClientError::Answer { method: "signing", detail: error.to_string() }
        })?;
        let raw = Bytes::from(signed.encoded_2718());
        keep(&raw)?;
        let sent = Sent { hash: *signed.tx_hash(), nonce: signed.nonce(), request };
        match self.request::<_, B256>("eth_sendRawTransaction", (raw,)).await {
            Err(error) if error.is_known() => {}
            other => drop(other?),
        }
        Ok(sent)
    }

    /// Sends what [`Client::submit_kept`] once showed, unless it is in a block already.
    ///
    /// Nothing is returned for a transaction that can no longer succeed: it failed in its block, or
    /// another one used its nonce.
    ///
    /// # Errors
    ///
    /// [`ClientError::Answer`] for bytes that are no transaction, and those of [`Client::request`].
    pub async fn send_again(&self, raw: Bytes) -> Result<Option<Sent>, ClientError> {
        let signed = TxEnvelope::decode_2718_exact(raw.as_ref()).map_err(|error| {
            ClientError::Answer { method: "decoding", detail: error.to_string() }
        })?;
        let (hash, nonce) = (*signed.tx_hash(), signed.nonce());
        let request = self.transaction(signed.to(), signed.input().clone(), signed.value());
        let sent = Sent { hash, nonce, request };
        let done = self.succeeded(hash).await?;
        if done.is_some() {
            return Ok(done.filter(|succeeded| *succeeded).map(|_| sent));
        }
        match self.request::<_, B256>("eth_sendRawTransaction", (raw,)).await {
            Err(error) if error.is_known() => Ok(Some(sent)),
            // It was mined since the question above, or another transaction was in its place.
            Err(error) if error.is_nonce_used() => {
                let succeeded = self.succeeded(hash).await?.unwrap_or(false);
                Ok(succeeded.then_some(sent))
            }
            other => other.map(|_| Some(sent)),
        }
    }

    /// Whether a transaction succeeded in its block; nothing while it is in none.
    async fn succeeded(&self, hash: B256) -> Result<Option<bool>, ClientError> {
        let receipt: Option<TransactionReceipt> =
            self.request("eth_getTransactionReceipt", (hash,)).await?;
        Ok(receipt.map(|receipt| receipt.status()))
    }
}

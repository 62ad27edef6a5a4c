//! What a block leaves behind: its transactions with their outcomes, as stored and as JSON-RPC
//! shows them.
//!
//! Headers are ordinary Ethereum headers with real hashes, transaction and receipt roots and
//! blooms. The one difference: `stateRoot` is not the root of a Merkle-Patricia trie but
//! `keccak(previous stateRoot ‖ the block's ordered state changes)`. It pins the same history,
//! costs nothing and proves no single account; a client that wants account proofs wants another
//! chain.

use alloy::consensus::Transaction as _;
use alloy::{
    consensus::{
        Eip658Value, Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, TxEnvelope, TxType,
        transaction::Recovered,
    },
    eips::Decodable2718,
    primitives::{Address, B256, Bloom, Bytes, Log, logs_bloom},
    rpc::types::{self as rpc, BlockTransactions, TransactionInfo},
};
use serde::{Deserialize, Serialize};

/// A mined transaction and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mined {
    /// The signed transaction in its network encoding.
    pub(crate) raw: Bytes,
    pub(crate) hash: B256,
    pub(crate) from: Address,
    pub(crate) success: bool,
    pub(crate) gas_used: u64,
    pub(crate) cumulative_gas_used: u64,
    /// The contract it created.
    pub(crate) created: Option<Address>,
    pub(crate) logs: Vec<Log>,
}

impl Mined {
    pub(crate) fn envelope(&self) -> TxEnvelope {
        TxEnvelope::decode_2718(&mut self.raw.as_ref()).expect("it was decoded before it was mined")
    }

    fn bloom(&self) -> Bloom {
        logs_bloom(&self.logs)
    }

    /// Returns the receipt as the header's receipt root commits to it.
    pub(crate) fn receipt(&self) -> ReceiptEnvelope {
        enveloped(self.envelope().tx_type(), self, self.logs.clone())
    }
}

fn enveloped<T>(kind: TxType, mined: &Mined, logs: Vec<T>) -> ReceiptEnvelope<T> {
    let receipt = Receipt {
        status: Eip658Value::Eip658(mined.success),
        cumulative_gas_used: mined.cumulative_gas_used,
        logs,
    };
    let receipt = ReceiptWithBloom { receipt, logs_bloom: mined.bloom() };
    match kind {
        TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
    }
}

/// A block as the store returns it.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) hash: B256,
    pub(crate) body: Vec<Mined>,
}

impl Block {
    pub(crate) fn bloom(body: &[Mined]) -> Bloom {
        body.iter().fold(Bloom::ZERO, |bloom, mined| bloom | mined.bloom())
    }

    /// Returns the block as `eth_getBlockBy…` shows it.
    pub(crate) fn to_rpc(&self, full: bool) -> rpc::Block {
        let transactions = if full {
            BlockTransactions::Full((0..self.body.len()).map(|i| self.transaction(i)).collect())
        } else {
            BlockTransactions::Hashes(self.body.iter().map(|mined| mined.hash).collect())
        };
        let size = alloy::rlp::Encodable::length(&self.header)
            + self.body.iter().map(|mined| mined.raw.len()).sum::<usize>();
        rpc::Block {
            header: rpc::Header {
                hash: self.hash,
                inner: self.header.clone(),
                total_difficulty: None,
                size: Some(alloy::primitives::U256::from(size)),
            },
            uncles: Vec::new(),
            transactions,
            withdrawals: Some(Default::default()),
        }
    }

    /// Returns transaction `index` as `eth_getTransactionByHash` shows it.
    pub(crate) fn transaction(&self, index: usize) -> rpc::Transaction {
        let mined = &self.body[index];
        let info = TransactionInfo {
            hash: Some(mined.hash),
            index: Some(index as u64),
            block_hash: Some(self.hash),
            block_number: Some(self.header.number),
            base_fee: self.header.base_fee_per_gas,
            block_timestamp: Some(self.header.timestamp),
        };
        let recovered = Recovered::new_unchecked(mined.envelope(), mined.from);
        rpc::Transaction::from_transaction(recovered, info)
    }

    /// Returns the receipt of transaction `index` as `eth_getTransactionReceipt` shows it.
    pub(crate) fn receipt(&self, index: usize) -> rpc::TransactionReceipt {
        let mined = &self.body[index];
        let envelope = mined.envelope();
        rpc::TransactionReceipt {
            inner: enveloped(envelope.tx_type(), mined, self.logs_of(index)),
            transaction_hash: mined.hash,
            transaction_index: Some(index as u64),
            block_hash: Some(self.hash),
            block_number: Some(self.header.number),
            gas_used: mined.gas_used,
            effective_gas_price: envelope.effective_gas_price(self.header.base_fee_per_gas),
            blob_gas_used: None,
            blob_gas_price: None,
            from: mined.from,
            to: envelope.to(),
            contract_address: mined.created,
        }
    }

    /// Returns every log of the block in order.
    pub(crate) fn logs(&self) -> impl Iterator<Item = rpc::Log> + '_ {
        (0..self.body.len()).flat_map(|index| self.logs_of(index))
    }

    fn logs_of(&self, index: usize) -> Vec<rpc::Log> {
        let before: usize = self.body[..index].iter().map(|mined| mined.logs.len()).sum();
        let mined = &self.body[index];
        let log = |(position, log): (usize, &Log)| rpc::Log {
            inner: log.clone(),
            block_hash: Some(self.hash),
            block_number: Some(self.header.number),
            block_timestamp: Some(self.header.timestamp),
            transaction_hash: Some(mined.hash),
            transaction_index: Some(index as u64),
            log_index: Some((before + position) as u64),
            removed: false,
        };
        mined.logs.iter().enumerate().map(log).collect()
    }
}

//! Gets what a page of blocks contains, before any of it is folded.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    consensus::{BlockHeader, Transaction as _},
    eips::BlockNumberOrTag,
    primitives::{Address, B256},
    rpc::types::{self as rpc, Filter, TransactionReceipt},
};

use super::{
    Detail, EMPTY_BLOCKS_KEPT, History,
    record::{Block, Event, Tx},
};
use crate::{Client, ClientError, abi};

/// Blocks of one page.
const PAGE: u64 = 500;

/// What a range of blocks contains.
#[derive(Debug)]
pub(crate) struct Page {
    /// First block after the range.
    pub(crate) next: u64,
    /// Last block of the range: number, hash, timestamp.
    pub(crate) last: (u64, B256, u64),
    pub(crate) logs: Vec<rpc::Log>,
    pub(crate) blocks: BTreeMap<u64, Block>,
    pub(crate) transactions: Vec<Tx>,
}

/// Returns whether the chain no longer has the last block that was folded.
pub(crate) async fn replaced(
    head: Option<(u64, B256)>,
    client: &Client,
) -> Result<bool, ClientError> {
    let Some((number, hash)) = head else { return Ok(false) };
    let block = client.block(BlockNumberOrTag::Number(number)).await?;
    Ok(block.is_none_or(|block| block.header.hash != hash))
}

pub(crate) async fn page(
    history: &History,
    client: &Client,
    head: u64,
) -> Result<Page, ClientError> {
    let from = history.next_block;
    let to = head.min(from.saturating_add(PAGE - 1));
    let contracts: Vec<Address> = history.deployment.named().map(|(_, at)| at).to_vec();
    let filter = Filter::new().address(contracts).from_block(from).to_block(to);
    let logs = client.logs(filter).await?;
    let mut numbers: BTreeSet<u64> = logs.iter().filter_map(|log| log.block_number).collect();
    numbers.insert(to);
    if history.detail == Detail::Everything {
        numbers.extend(from.max(head.saturating_sub(EMPTY_BLOCKS_KEPT))..=to);
    }
    let touching: BTreeSet<B256> = logs.iter().filter_map(|log| log.transaction_hash).collect();
    let mut page = Page {
        next: to + 1,
        last: (to, B256::ZERO, 0),
        logs,
        blocks: BTreeMap::new(),
        transactions: Vec::new(),
    };
    for number in numbers {
        let Some(block) = client.block(BlockNumberOrTag::Number(number)).await? else {
            return Err(ClientError::Answer {
                method: "eth_getBlockByNumber",
                detail: format!("block {number} is missing below the head"),
            });
        };
        let kept = record(&block);
        page.last = (number, kept.hash, kept.time);
        page.blocks.insert(number, kept);
        for tx in block.transactions.txns() {
            let hash = *tx.inner.tx_hash();
            let ours = tx.to().is_some_and(|to| history.deployment.name_of(to).is_some());
            if history.detail == Detail::Everything || ours || touching.contains(&hash) {
                page.transactions.extend(transaction(history, client, tx).await?);
            }
        }
    }
    Ok(page)
}

fn record(block: &rpc::Block) -> Block {
    Block {
        number: block.header.number(),
        hash: block.header.hash,
        parent: block.header.parent_hash(),
        time: block.header.timestamp(),
        gas_used: block.header.gas_used(),
        gas_limit: block.header.gas_limit(),
        transactions: block.transactions.hashes().collect(),
    }
}

/// Returns nothing for a transaction whose block was replaced meanwhile.
async fn transaction(
    history: &History,
    client: &Client,
    tx: &rpc::Transaction,
) -> Result<Option<Tx>, ClientError> {
    let hash = *tx.inner.tx_hash();
    let receipt: Option<TransactionReceipt> =
        client.request("eth_getTransactionReceipt", (hash,)).await?;
    let Some(receipt) = receipt else { return Ok(None) };
    let name = tx.to().and_then(|to| history.deployment.name_of(to));
    let event = |log: &rpc::Log| Event { by: log.address(), named: abi::event(log.data()) };
    Ok(Some(Tx {
        hash,
        block: receipt.block_number.unwrap_or_default(),
        index: receipt.transaction_index.unwrap_or_default(),
        from: receipt.from,
        to: tx.to(),
        created: receipt.contract_address,
        value: tx.value(),
        nonce: tx.nonce(),
        gas_limit: tx.gas_limit(),
        gas_used: receipt.gas_used,
        success: receipt.status(),
        call: name.and_then(|name| abi::call(name, tx.input())),
        selector: if tx.to().is_some() { tx.input().first_chunk().copied() } else { None },
        events: receipt.logs().iter().map(event).collect(),
    }))
}

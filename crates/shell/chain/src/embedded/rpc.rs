//! The JSON-RPC methods of the embedded chain.
//!
//! Standard names, codes and shapes, so that cast, ethers, viem and wallets need no special case;
//! what is not served answers -32601. Beyond `eth_`, `net_` and `web3_` there are
//! `evm_setNextBlockTimestamp`, `evm_increaseTime` and `evm_mine`, by which a replay moves the
//! market's clock.
//!
//! Deliberately absent: accounts held by the server, subscriptions, tracing, state overrides, and
//! the state of any block but the latest.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use alloy::consensus::transaction::Recovered;
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, Bytes, TxKind, U64},
    rpc::types::{FeeHistory, Filter, Transaction, TransactionInfo, TransactionRequest},
    sol_types::decode_revert_reason,
};
use revm::context::TxEnv;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{
    engine::{BASE_FEE_WEI, BLOCK_GAS, CallError, Engine, TX_GAS_MAX},
    filters::{self, Filters},
    pool::{Limits, Waiting},
    record::Block,
    store::StoreError,
};

/// Most blocks of one fee history.
const FEE_HISTORY_MAX: u64 = 1_024;

/// An error as JSON-RPC carries it.
#[derive(Debug, Serialize)]
pub(crate) struct RpcError {
    code: i64,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Bytes>,
}

impl RpcError {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    pub(crate) fn server(message: impl Into<String>) -> Self {
        Self::new(-32_000, message)
    }

    pub(crate) fn params(message: impl Into<String>) -> Self {
        Self::new(-32_602, message)
    }
}

impl From<StoreError> for RpcError {
    fn from(error: StoreError) -> Self {
        Self::server(error.to_string())
    }
}

impl From<CallError> for RpcError {
    fn from(error: CallError) -> Self {
        let CallError::Reverted(data) = error else { return Self::server(error.to_string()) };
        let message = match decode_revert_reason(&data) {
            Some(reason) => format!("execution reverted: {reason}"),
            None => "execution reverted".to_owned(),
        };
        Self { code: 3, message, data: Some(data) }
    }
}

/// The engine as the RPC and the miner share it.
#[derive(Debug)]
pub(crate) struct Shared {
    engine: RwLock<Engine>,
    filters: Mutex<Filters>,
    limits: Limits,
    /// Told when a transaction arrives.
    pub(crate) wake: Notify,
}

impl Shared {
    pub(crate) fn new(engine: Engine) -> Self {
        let limits = engine.limits();
        let filters = Mutex::default();
        Self { engine: RwLock::new(engine), filters, limits, wake: Notify::new() }
    }

    // A poisoned lock is taken all the same: the engine changes its memory only after a block is
    // committed, so a panic half way leaves it as it was.
    fn read(&self) -> RwLockReadGuard<'_, Engine> {
        self.engine.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Engine> {
        self.engine.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn filters(&self) -> MutexGuard<'_, Filters> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request.
    pub(crate) fn answer(&self, method: &str, params: &Params) -> Result<Value, RpcError> {
        match method {
            "eth_sendRawTransaction" => self.send(params),
            "evm_mine" => self.mine(params),
            "evm_setNextBlockTimestamp" => self.set_time(params.loose(0)?),
            "evm_increaseTime" => {
                let seconds = params.loose(0)?;
                let time = self.read().head.timestamp.saturating_add(seconds);
                self.set_time(time)?;
                Ok(json!(U64::from(seconds)))
            }
            "eth_newFilter" => {
                let filter = params.get(0)?;
                let head = self.read().head.number;
                Ok(self.filters().logs(filter, head))
            }
            "eth_newBlockFilter" => {
                let head = self.read().head.number;
                Ok(self.filters().blocks(head))
            }
            "eth_newPendingTransactionFilter" => {
                let head = self.read().head.number;
                Ok(self.filters().pending(head))
            }
            "eth_uninstallFilter" => Ok(json!(self.filters().remove(params.get(0)?))),
            "eth_getFilterChanges" | "eth_getFilterLogs" => {
                let engine = self.read();
                self.filters().poll(params.get(0)?, method == "eth_getFilterLogs", &engine)
            }
            _ => read_only(&self.read(), method, params),
        }
    }

    fn send(&self, params: &Params) -> Result<Value, RpcError> {
        let raw: Bytes = params.get(0)?;
        // The signature is recovered before the lock is taken.
        let waiting =
            Waiting::decode(&raw, &self.limits).map_err(|e| RpcError::server(e.to_string()))?;
        let mut engine = self.write();
        if let Some(fault) = &engine.fault {
            return Err(RpcError::server(format!("no block can be written: {fault}")));
        }
        let hash = engine.submit(waiting).map_err(|e| RpcError::server(e.to_string()))?;
        drop(engine);
        self.wake.notify_one();
        Ok(json!(hash))
    }

    fn mine(&self, params: &Params) -> Result<Value, RpcError> {
        let mut engine = self.write();
        if params.given(0) && !engine.set_next_time(params.loose(0)?) {
            return Err(backwards(&engine));
        }
        engine.mine()?;
        Ok(json!("0x0"))
    }

    fn set_time(&self, time: u64) -> Result<Value, RpcError> {
        let mut engine = self.write();
        if engine.set_next_time(time) { Ok(Value::Null) } else { Err(backwards(&engine)) }
    }
}

fn backwards(engine: &Engine) -> RpcError {
    let head = engine.head.timestamp;
    RpcError::params(format!("timestamp must be later than the last block's, which is {head}"))
}

fn read_only(engine: &Engine, method: &str, params: &Params) -> Result<Value, RpcError> {
    let latest = |index| latest_only(engine, params, index);
    Ok(match method {
        "web3_clientVersion" => json!(concat!("assay/", env!("CARGO_PKG_VERSION"), "/revm")),
        "web3_sha3" => json!(alloy::primitives::keccak256(params.get::<Bytes>(0)?)),
        "net_version" => json!(engine.chain_id.to_string()),
        "net_listening" => json!(true),
        "net_peerCount" => json!("0x0"),
        "eth_protocolVersion" => json!("0x41"),
        "eth_chainId" => json!(U64::from(engine.chain_id)),
        "eth_blockNumber" => json!(U64::from(engine.head.number)),
        "eth_syncing" | "eth_mining" => json!(false),
        "eth_accounts" => json!([]),
        "eth_gasPrice" => json!(U64::from(BASE_FEE_WEI)),
        "eth_maxPriorityFeePerGas" => json!("0x0"),
        "eth_feeHistory" => fee_history(engine, params)?,
        "eth_getBlockByNumber" => {
            let number = block_number(engine, params.get(0)?);
            block(engine, Some(number), |block| json!(block.to_rpc(params.flag(1))))?
        }
        "eth_getBlockByHash" => {
            let number = engine.store.number_of(params.get(0)?)?;
            block(engine, number, |block| json!(block.to_rpc(params.flag(1))))?
        }
        "eth_getBlockTransactionCountByNumber" => {
            let number = block_number(engine, params.get(0)?);
            block(engine, Some(number), |block| json!(U64::from(block.body.len())))?
        }
        "eth_getBlockReceipts" => {
            let number = number_of(engine, params.get(0)?)?;
            block(engine, number, |block| {
                json!((0..block.body.len()).map(|i| block.receipt(i)).collect::<Vec<_>>())
            })?
        }
        "eth_getTransactionByHash" => transaction(engine, params.get(0)?)?,
        "eth_getTransactionReceipt" => placed(engine, params.get(0)?, |b, i| json!(b.receipt(i)))?,
        "eth_getTransactionCount" => {
            latest(1)?;
            let address: Address = params.get(0)?;
            let mined = engine.world.plain(address).nonce;
            let next =
                if pending(params)? { engine.pool.next_nonce(address, mined) } else { mined };
            json!(U64::from(next))
        }
        "eth_getBalance" => {
            latest(1)?;
            json!(engine.world.plain(params.get(0)?).balance)
        }
        "eth_getCode" => {
            latest(1)?;
            json!(engine.world.code(params.get(0)?))
        }
        "eth_getStorageAt" => {
            latest(2)?;
            json!(B256::from(engine.world.slot(params.get(0)?, params.get(1)?)))
        }
        "eth_call" => {
            latest(1)?;
            json!(engine.call(request(params, BLOCK_GAS)?, pending(params)?)?.0)
        }
        "eth_estimateGas" => {
            latest(1)?;
            json!(U64::from(engine.estimate(&request(params, TX_GAS_MAX)?, pending(params)?)?))
        }
        "eth_getLogs" => filters::logs(engine, &params.get::<Filter>(0)?)?,
        other => {
            let message = format!("the method {other} does not exist/is not available");
            return Err(RpcError::new(-32_601, message));
        }
    })
}

/// Refuses a request for the state of a block that is not the latest.
fn latest_only(engine: &Engine, params: &Params, index: usize) -> Result<(), RpcError> {
    let id = params.optional::<BlockId>(index)?.unwrap_or_default();
    let Some(number) = number_of(engine, id)? else {
        return Err(RpcError::server("header not found"));
    };
    match number.cmp(&engine.head.number) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(RpcError::server("header not found")),
        std::cmp::Ordering::Less => Err(RpcError::server(format!(
            "missing trie node: the state of block {number} is not kept, this chain serves the \
             latest state only (block {})",
            engine.head.number
        ))),
    }
}

fn pending(params: &Params) -> Result<bool, RpcError> {
    Ok(params.optional::<BlockId>(1)? == Some(BlockId::pending()))
}

fn number_of(engine: &Engine, id: BlockId) -> Result<Option<u64>, RpcError> {
    match id {
        BlockId::Number(tag) => Ok(Some(block_number(engine, tag))),
        BlockId::Hash(hash) => Ok(engine.store.number_of(hash.block_hash)?),
    }
}

pub(crate) fn block_number(engine: &Engine, tag: BlockNumberOrTag) -> u64 {
    match tag {
        BlockNumberOrTag::Number(number) => number,
        BlockNumberOrTag::Earliest => 0,
        _ => engine.head.number,
    }
}

fn block(
    engine: &Engine,
    number: Option<u64>,
    show: impl FnOnce(&Block) -> Value,
) -> Result<Value, RpcError> {
    let Some(number) = number else { return Ok(Value::Null) };
    Ok(engine.store.block(number)?.map_or(Value::Null, |block| show(&block)))
}

fn placed(
    engine: &Engine,
    hash: B256,
    show: impl FnOnce(&Block, usize) -> Value,
) -> Result<Value, RpcError> {
    let Some((number, index)) = engine.store.place_of(hash)? else { return Ok(Value::Null) };
    block(engine, Some(number), |block| show(block, index))
}

fn transaction(engine: &Engine, hash: B256) -> Result<Value, RpcError> {
    let Some(waiting) = engine.pool.get(hash) else {
        return placed(engine, hash, |block, index| json!(block.transaction(index)));
    };
    let recovered = Recovered::new_unchecked(waiting.envelope.clone(), waiting.from);
    to_value(Transaction::from_transaction(recovered, TransactionInfo::default()))
}

fn fee_history(engine: &Engine, params: &Params) -> Result<Value, RpcError> {
    let count = params.loose(0)?.min(FEE_HISTORY_MAX);
    let newest = block_number(engine, params.get(1)?).min(engine.head.number);
    let percentiles = params.optional::<Vec<f64>>(2)?;
    let oldest = (newest + 1).saturating_sub(count);
    let mut ratios = Vec::new();
    for number in oldest..=newest {
        let used = engine.store.block(number)?.map_or(0, |block| block.header.gas_used);
        ratios.push(used as f64 / BLOCK_GAS as f64);
    }
    let blocks = ratios.len();
    to_value(FeeHistory {
        base_fee_per_gas: vec![u128::from(BASE_FEE_WEI); blocks + 1],
        gas_used_ratio: ratios,
        base_fee_per_blob_gas: vec![1; blocks + 1],
        blob_gas_used_ratio: vec![0.0; blocks],
        oldest_block: oldest,
        reward: percentiles.map(|list| vec![vec![0; list.len()]; blocks]),
    })
}

fn request(params: &Params, gas_limit: u64) -> Result<TxEnv, RpcError> {
    let request: TransactionRequest = params.get(0)?;
    if request.blob_versioned_hashes.is_some() || request.authorization_list.is_some() {
        return Err(RpcError::params("blob and set-code transactions are not supported"));
    }
    if params.given(2) {
        return Err(RpcError::params("state overrides are not supported"));
    }
    Ok(TxEnv {
        caller: request.from.unwrap_or_default(),
        gas_limit: request.gas.unwrap_or(gas_limit),
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data: request.input.into_input().unwrap_or_default(),
        access_list: request.access_list.unwrap_or_default(),
        ..TxEnv::default()
    })
}

pub(crate) fn to_value(value: impl Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(value).map_err(|error| RpcError::new(-32_603, error.to_string()))
}

/// The parameters of a request, by position.
#[derive(Debug, Default)]
pub(crate) struct Params(pub(crate) Vec<Value>);

impl Params {
    fn given(&self, index: usize) -> bool {
        self.0.get(index).is_some_and(|value| !value.is_null())
    }

    fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, RpcError> {
        let missing = || RpcError::params(format!("missing value for required argument {index}"));
        self.optional(index)?.ok_or_else(missing)
    }

    fn optional<T: DeserializeOwned>(&self, index: usize) -> Result<Option<T>, RpcError> {
        match self.0.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value)
                .map(Some)
                .map_err(|e| RpcError::params(format!("invalid argument {index}: {e}"))),
        }
    }

    /// A quantity that some clients send as a number or a decimal string.
    fn loose(&self, index: usize) -> Result<u64, RpcError> {
        let bad = || RpcError::params(format!("invalid argument {index}: not a quantity"));
        match self.0.get(index).ok_or_else(bad)? {
            Value::Number(number) => number.as_u64().ok_or_else(bad),
            Value::String(text) => text.parse::<U64>().map(|n| n.to()).map_err(|_| bad()),
            _ => Err(bad()),
        }
    }

    fn flag(&self, index: usize) -> bool {
        self.0.get(index).and_then(Value::as_bool).unwrap_or_default()
    }
}

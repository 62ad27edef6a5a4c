//! Executes transactions into blocks, and calls against the latest state.
//!
//! A block is executed on an overlay, committed to the store, and only then applied to the world in
//! memory: if the disk refuses it, nothing has happened and its transactions still wait.
//! `block.timestamp` is the market's clock: one second a block, unless the next one was set. The
//! base fee is a constant 1 gwei and burnt. `prevrandao` is `keccak(chain seed ‖ number)`:
//! predictable, as everything is on a chain of one.
//!
//! Deliberately absent: reorganisations, old states, the system contracts of consensus
//! (withdrawals, beacon roots, requests), blobs and set-code transactions.

use alloy::consensus::Transaction as _;
use alloy::{
    consensus::{
        EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header,
        proofs::{calculate_receipt_root, calculate_transaction_root},
    },
    eips::eip7685::EMPTY_REQUESTS_HASH,
    primitives::{Address, B256, Bytes, U256, keccak256},
};
use revm::{
    Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction},
    },
    context_interface::block::BlobExcessGasAndPrice,
    primitives::hardfork::SpecId,
};
use thiserror::Error;

use super::{
    pool::{Limits, Pool, Refusal, Waiting},
    record::{Block, Mined},
    store::{Opened, Store, StoreError},
    world::{Diff, Overlay, World},
};

/// Gas of one block.
pub(crate) const BLOCK_GAS: u64 = 120_000_000;
/// Most gas of one transaction (EIP-7825).
pub(crate) const TX_GAS_MAX: u64 = 1 << 24;
/// Price of gas in wei, burnt.
pub(crate) const BASE_FEE_WEI: u64 = 1_000_000_000;
/// Rules of execution.
const SPEC: SpecId = SpecId::OSAKA;

/// Why a call gives no result.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    #[error("execution reverted")]
    Reverted(Bytes),
    #[error("execution halted: {0:?}")]
    Halted(HaltReason),
    #[error("{0}")]
    Invalid(InvalidTransaction),
    #[error("{0}")]
    Other(String),
}

/// The chain: its world, its store and what waits.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) chain_id: u64,
    pub(crate) world: World,
    pub(crate) store: Store,
    pub(crate) pool: Pool,
    pub(crate) head: Header,
    pub(crate) head_hash: B256,
    /// Timestamp asked for the next block.
    next_time: Option<u64>,
    /// Why the last block could not be written.
    pub(crate) fault: Option<String>,
}

impl Engine {
    /// Continues the chain in `opened`, or makes its first block.
    pub(crate) fn start(
        opened: Opened,
        chain_id: u64,
        genesis_time: u64,
        funded: &[(Address, U256)],
    ) -> Result<Self, StoreError> {
        let Opened { store, mut world, head, .. } = opened;
        let head = match head {
            Some(head) => head,
            None => genesis(&store, &mut world, genesis_time, funded)?,
        };
        let head_hash = head.hash_slow();
        let pool = Pool::default();
        Ok(Self { chain_id, world, store, pool, head, head_hash, next_time: None, fault: None })
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            chain_id: self.chain_id,
            tx_gas_max: TX_GAS_MAX,
            base_fee_wei: BASE_FEE_WEI,
            spec: SPEC,
        }
    }

    /// Takes a signed transaction into the pool and returns its hash.
    pub(crate) fn submit(&mut self, waiting: Waiting) -> Result<B256, Refusal> {
        let hash = waiting.hash;
        let account = self.world.plain(waiting.from);
        self.pool.add(waiting, account)?;
        Ok(hash)
    }

    /// Returns the timestamp the next block will carry.
    pub(crate) fn next_time(&self) -> u64 {
        let least = self.head.timestamp.saturating_add(1);
        self.next_time.map_or(least, |time| time.max(least))
    }

    /// Sets the next block's timestamp; `false` when time would not move forward.
    pub(crate) fn set_next_time(&mut self, time: u64) -> bool {
        let forward = time > self.head.timestamp;
        if forward {
            self.next_time = Some(time);
        }
        forward
    }

    /// Returns what the latest block's transactions saw or, `pending`, what the next one's will
    /// see.
    fn block_env(&self, pending: bool) -> BlockEnv {
        let number = self.head.number + u64::from(pending);
        let timestamp = if pending { self.next_time() } else { self.head.timestamp };
        BlockEnv {
            number: U256::from(number),
            beneficiary: Address::ZERO,
            timestamp: U256::from(timestamp),
            gas_limit: BLOCK_GAS,
            basefee: BASE_FEE_WEI,
            difficulty: U256::ZERO,
            prevrandao: Some(randao(self.chain_id, number)),
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
                excess_blob_gas: 0,
                blob_gasprice: 1,
            }),
            slot_num: 0,
        }
    }

    fn cfg(&self) -> CfgEnv {
        CfgEnv::new().with_chain_id(self.chain_id).with_spec_and_mainnet_gas_params(SPEC)
    }

    /// Mines one block from what is ready, possibly none, and writes it.
    ///
    /// # Errors
    ///
    /// The store's, in which case nothing has changed.
    pub(crate) fn mine(&mut self) -> Result<(), StoreError> {
        if self.fault.is_some() {
            self.store.reopen()?;
            self.recover()?;
        }
        let (body, dropped, diff) = self.execute();
        let header = self.seal(&body, &diff);
        let block = Block { hash: header.hash_slow(), header, body };
        if let Err(error) = self.store.commit(&block, &diff) {
            self.fault = Some(error.to_string());
            return Err(error);
        }
        self.fault = None;
        self.next_time = None;
        self.world.apply(diff);
        self.world.remember(block.header.number, block.hash);
        self.head_hash = block.hash;
        self.head = block.header;
        let mined = block.body.iter().map(|mined| mined.hash);
        for hash in mined.chain(dropped) {
            self.pool.remove(hash);
        }
        Ok(())
    }

    /// After a failed commit the file may or may not hold the block that failed; memory follows the
    /// file.
    fn recover(&mut self) -> Result<(), StoreError> {
        let (world, head) = self.store.state()?;
        if let Some(head) = head {
            self.world = world;
            self.head_hash = head.hash_slow();
            self.head = head;
        }
        self.pool.forget_mined(|sender| self.world.plain(sender).nonce);
        self.fault = None;
        Ok(())
    }

    fn execute(&self) -> (Vec<Mined>, Vec<B256>, Diff) {
        let mut overlay = Overlay::new(&self.world);
        let (mut body, mut dropped) = (Vec::new(), Vec::new());
        if self.pool.is_empty() {
            return (body, dropped, overlay.diff);
        }
        let mut gas_used = 0;
        let mut evm = Context::mainnet()
            .with_db(&mut overlay)
            .with_block(self.block_env(true))
            .with_cfg(self.cfg())
            .build_mainnet();
        for waiting in self.pool.ready(|sender| self.world.plain(sender).nonce) {
            if gas_used + waiting.envelope.gas_limit() > BLOCK_GAS {
                break;
            }
            match evm.transact_commit(waiting.env()) {
                Ok(result) => {
                    gas_used += result.tx_gas_used();
                    body.push(outcome(waiting, result, gas_used));
                }
                // A gap after a dropped transaction leaves the rest of that sender's waiting.
                Err(EVMError::Transaction(InvalidTransaction::NonceTooHigh { .. })) => {}
                Err(error) => {
                    tracing::warn!(hash = %waiting.hash, %error, "dropped a transaction");
                    dropped.push(waiting.hash);
                }
            }
        }
        drop(evm);
        (body, dropped, overlay.diff)
    }

    fn seal(&self, body: &[Mined], diff: &Diff) -> Header {
        let number = self.head.number + 1;
        let envelopes: Vec<_> = body.iter().map(Mined::envelope).collect();
        let receipts: Vec<_> = body.iter().map(Mined::receipt).collect();
        Header {
            parent_hash: self.head_hash,
            state_root: diff.root(self.head.state_root),
            transactions_root: calculate_transaction_root(&envelopes),
            receipts_root: calculate_receipt_root(&receipts),
            logs_bloom: Block::bloom(body),
            gas_used: body.last().map_or(0, |mined| mined.cumulative_gas_used),
            mix_hash: randao(self.chain_id, number),
            ..blank(number, self.next_time())
        }
    }

    /// Runs a call on the latest state, as in the latest block or, `pending`, as in the next one,
    /// for free and without a trace.
    ///
    /// `basefee` reads 0, so that a caller without funds can call.
    pub(crate) fn call(&self, mut tx: TxEnv, pending: bool) -> Result<(Bytes, u64), CallError> {
        let mut cfg = self.cfg();
        cfg.disable_nonce_check = true;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        let block = BlockEnv { basefee: 0, ..self.block_env(pending) };
        (tx.gas_price, tx.gas_priority_fee) = (0, None);
        tx.gas_limit = tx.gas_limit.min(BLOCK_GAS);
        tx.tx_type = if tx.access_list.is_empty() { 0 } else { 1 };
        tx.chain_id = Some(self.chain_id);
        let mut evm = Context::mainnet()
            .with_db(Overlay::new(&self.world))
            .with_block(block)
            .with_cfg(cfg)
            .build_mainnet();
        let outcome = evm.transact(tx).map_err(|error| match error {
            EVMError::Transaction(invalid) => CallError::Invalid(invalid),
            other => CallError::Other(other.to_string()),
        })?;
        match outcome.result {
            ExecutionResult::Success { output, gas, .. } => {
                Ok((output.into_data(), gas.tx_gas_used()))
            }
            ExecutionResult::Revert { output, .. } => Err(CallError::Reverted(output)),
            ExecutionResult::Halt { reason, .. } => Err(CallError::Halted(reason)),
        }
    }

    /// Returns the least gas limit, to about one part in a hundred, with which the transaction
    /// succeeds.
    pub(crate) fn estimate(&self, tx: &TxEnv, pending: bool) -> Result<u64, CallError> {
        let with = |gas_limit| self.call(TxEnv { gas_limit, ..tx.clone() }, pending);
        let mut enough = tx.gas_limit.min(TX_GAS_MAX);
        let (_, used) = with(enough)?;
        if with(used).is_ok() {
            return Ok(used);
        }
        let mut short = used;
        // Most transactions need what they used and the 64th part that a nested call leaves behind.
        let guess = used + used / 32 + 2_300;
        if guess < enough && with(guess).is_ok() {
            enough = guess;
        }
        while enough - short > 1 + enough / 100 {
            let middle = short + (enough - short) / 2;
            if with(middle).is_ok() {
                enough = middle;
            } else {
                short = middle;
            }
        }
        Ok(enough)
    }
}

fn outcome(waiting: Waiting, result: ExecutionResult, cumulative_gas_used: u64) -> Mined {
    Mined {
        raw: waiting.raw,
        hash: waiting.hash,
        from: waiting.from,
        success: result.is_success(),
        gas_used: result.tx_gas_used(),
        cumulative_gas_used,
        created: result.created_address(),
        logs: if result.is_success() { result.into_logs() } else { Vec::new() },
    }
}

fn randao(chain_id: u64, number: u64) -> B256 {
    let mut bytes = b"assay/randao/v1".to_vec();
    bytes.extend(chain_id.to_be_bytes());
    bytes.extend(number.to_be_bytes());
    keccak256(bytes)
}

/// Returns the header of an empty block without parent and state.
fn blank(number: u64, timestamp: u64) -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        number,
        gas_limit: BLOCK_GAS,
        timestamp,
        extra_data: Bytes::from_static(b"assay"),
        base_fee_per_gas: Some(BASE_FEE_WEI),
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

fn genesis(
    store: &Store,
    world: &mut World,
    time: u64,
    funded: &[(Address, U256)],
) -> Result<Header, StoreError> {
    let mut diff = Diff::default();
    for (address, balance) in funded {
        let change = diff.accounts.entry(*address).or_default();
        let plain = change.plain.get_or_insert_default();
        plain.balance = plain.balance.saturating_add(*balance);
    }
    let header = Header { state_root: diff.root(B256::ZERO), ..blank(0, time) };
    let block = Block { hash: header.hash_slow(), header, body: Vec::new() };
    store.commit(&block, &diff)?;
    world.apply(diff);
    world.remember(0, block.hash);
    Ok(block.header)
}

#[cfg(test)]
mod tests;

//! The EVM without a chain: contracts in this process's memory, called one after another.
//!
//! For replays, which make thousands of calls of many senders and need no network, no signatures on
//! transactions, no fees and no disk. Rules and limits are those of [`crate::embedded`]. Time is
//! the caller's; a block begins every twelve seconds of it.
//!
//! Absent: balances in ether, receipts, block hashes, and anything that is kept.

use alloy::{
    primitives::{Address, B256, Bytes, LogData, TxKind, U256},
    sol_types::SolCall,
};
use revm::{
    Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext, MainnetEvm,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{ExecutionResult, Output},
    },
    database::{CacheDB, EmptyDB},
    handler::MainnetContext,
    primitives::hardfork::SpecId,
};
use thiserror::Error;

use crate::{abi, client::Revert};

/// Seconds between two blocks.
pub const BLOCK_SECONDS: u64 = 12;
/// Most gas of one call (EIP-7825).
const GAS_MAX: u64 = 1 << 24;

/// Why a call changed nothing.
#[derive(Debug, Error)]
pub enum LocalError {
    /// The contract refused it.
    #[error("{call} reverted: {revert}")]
    Reverted {
        /// Signature of the call.
        call: &'static str,
        /// The contract's error.
        revert: Revert,
    },
    /// It could not be executed, or not to its end.
    #[error("{call} was not executed: {detail}")]
    Failed {
        /// Signature of the call.
        call: &'static str,
        /// What the EVM said.
        detail: String,
    },
}

impl LocalError {
    /// Returns the name of the contract's error where the call was refused by one.
    pub fn reverted_with(&self) -> Option<&str> {
        let Self::Reverted { revert, .. } = self else { return None };
        revert.error.as_ref().map(|error| error.name.as_str())
    }
}

/// A call that succeeded.
#[derive(Clone, Debug)]
pub struct Done<R> {
    /// What it returned.
    pub returned: R,
    /// The events it left, with who left them.
    pub logs: Vec<(Address, LogData)>,
    /// Gas it used.
    pub gas: u64,
}

/// Contracts in memory.
#[derive(Debug)]
pub struct Local {
    evm: MainnetEvm<MainnetContext<CacheDB<EmptyDB>>>,
    chain_id: u64,
    begun_s: u64,
    /// Calls that succeeded, and the gas they used.
    used: (u64, u64),
}

impl Local {
    /// Returns an empty state at a time, Unix seconds.
    pub fn new(chain_id: u64, time_s: u64) -> Local {
        let mut cfg = CfgEnv::new().with_chain_id(chain_id);
        cfg = cfg.with_spec_and_mainnet_gas_params(SpecId::OSAKA);
        cfg.disable_nonce_check = true;
        let block = BlockEnv {
            number: U256::from(1),
            timestamp: U256::from(time_s),
            gas_limit: u64::MAX,
            prevrandao: Some(B256::ZERO),
            ..BlockEnv::default()
        };
        let evm = Context::mainnet()
            .with_db(CacheDB::new(EmptyDB::default()))
            .with_block(block)
            .with_cfg(cfg)
            .build_mainnet();
        Local { evm, chain_id, begun_s: time_s, used: (0, 0) }
    }

    /// Returns the chain's id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Returns the time, Unix seconds.
    pub fn time_s(&self) -> u64 {
        self.evm.ctx.block.timestamp.saturating_to()
    }

    /// Returns how many calls succeeded, and the gas they used in all.
    pub fn used(&self) -> (u64, u64) {
        self.used
    }

    /// Sets the time; an earlier one than now is left out.
    pub fn pass_to(&mut self, time_s: u64) {
        let time_s = time_s.max(self.time_s());
        self.evm.ctx.block.timestamp = U256::from(time_s);
        self.evm.ctx.block.number = U256::from(1 + (time_s - self.begun_s) / BLOCK_SECONDS);
    }

    /// Creates a contract from its init code, and returns where it is.
    ///
    /// # Errors
    ///
    /// [`LocalError`] naming the contract.
    pub fn create(
        &mut self,
        from: Address,
        (contract, code): (&'static str, Bytes),
    ) -> Result<Address, LocalError> {
        let done = self.run(contract, (from, TxKind::Create), code)?;
        done.returned.1.ok_or(LocalError::Failed { call: contract, detail: "no address".into() })
    }

    /// Calls a contract.
    ///
    /// # Errors
    ///
    /// [`LocalError::Reverted`] with the contract's error, [`LocalError::Failed`].
    pub fn send<C: SolCall>(
        &mut self,
        (from, to): (Address, Address),
        call: &C,
    ) -> Result<Done<C::Return>, LocalError> {
        let done = self.run(C::SIGNATURE, (from, TxKind::Call(to)), call.abi_encode().into())?;
        let returned = decoded::<C>(&done.returned.0)?;
        Ok(Done { returned, logs: done.logs, gas: done.gas })
    }

    /// Reads from a contract, which changes nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Local::send`].
    pub fn view<C: SolCall>(&mut self, to: Address, call: &C) -> Result<C::Return, LocalError> {
        let place = (Address::ZERO, TxKind::Call(to));
        let tx = self.transaction(C::SIGNATURE, place, call.abi_encode().into())?;
        let result = self.evm.transact(tx).map_err(|error| failed(C::SIGNATURE, &error))?.result;
        let done = judged(C::SIGNATURE, result)?;
        decoded::<C>(&done.returned.0)
    }

    fn transaction(
        &self,
        call: &'static str,
        (from, kind): (Address, TxKind),
        data: Bytes,
    ) -> Result<TxEnv, LocalError> {
        let tx = TxEnv::builder().caller(from).kind(kind).data(data);
        let tx = tx.chain_id(Some(self.chain_id)).gas_limit(GAS_MAX).build();
        tx.map_err(|error| LocalError::Failed { call, detail: format!("{error:?}") })
    }

    fn run(
        &mut self,
        call: &'static str,
        place: (Address, TxKind),
        data: Bytes,
    ) -> Result<Done<(Bytes, Option<Address>)>, LocalError> {
        let tx = self.transaction(call, place, data)?;
        let result = self.evm.transact_commit(tx).map_err(|error| failed(call, &error))?;
        let done = judged(call, result)?;
        self.used = (self.used.0 + 1, self.used.1 + done.gas);
        Ok(done)
    }
}

fn failed(call: &'static str, error: &impl std::fmt::Debug) -> LocalError {
    LocalError::Failed { call, detail: format!("{error:?}") }
}

fn decoded<C: SolCall>(output: &Bytes) -> Result<C::Return, LocalError> {
    C::abi_decode_returns(output)
        .map_err(|error| LocalError::Failed { call: C::SIGNATURE, detail: error.to_string() })
}

fn judged(
    call: &'static str,
    result: ExecutionResult,
) -> Result<Done<(Bytes, Option<Address>)>, LocalError> {
    let gas = result.tx_gas_used();
    match result {
        ExecutionResult::Success { logs, output, .. } => {
            let logs = logs.into_iter().map(|log| (log.address, log.data)).collect();
            let returned = match output {
                Output::Call(bytes) => (bytes, None),
                Output::Create(bytes, at) => (bytes, at),
            };
            Ok(Done { returned, logs, gas })
        }
        ExecutionResult::Revert { output, .. } => {
            let revert = Revert { error: abi::error(&output), data: output };
            Err(LocalError::Reverted { call, revert })
        }
        ExecutionResult::Halt { reason, .. } => Err(failed(call, &reason)),
    }
}

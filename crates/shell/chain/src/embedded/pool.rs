//! Transactions that wait for a block: checked against the latest state on arrival, ordered by
//! nonce within a sender and by arrival between senders.
//!
//! Invariant: at most one transaction per sender and nonce, and never more than [`POOL_MAX`] in
//! all.
//!
//! Deliberately absent: persistence (a transaction that was not mined is lost with the process, and
//! its sender sends it again) and a fee market (blocks are larger than anything that arrives
//! between two).

use std::collections::{BTreeMap, HashMap};

use alloy::{
    consensus::{Transaction as _, TxEnvelope, transaction::SignerRecoverable},
    eips::{Decodable2718, Typed2718},
    primitives::{Address, B256, Bytes, U256},
};
use revm::{
    context::TxEnv, context_interface::cfg::gas::calculate_initial_tx_gas_for_tx,
    primitives::hardfork::SpecId,
};
use thiserror::Error;

use super::world::Plain;

/// Most transactions that wait at a time.
pub(crate) const POOL_MAX: usize = 4_096;
/// How far ahead of the account's nonce a transaction may be.
pub(crate) const NONCE_GAP_MAX: u64 = 64;
/// Largest transaction in bytes.
pub(crate) const TX_BYTES_MAX: usize = 128 * 1024;
/// Largest init code of a contract (EIP-3860).
const INIT_CODE_BYTES_MAX: usize = 49_152;

/// What every transaction is checked against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) chain_id: u64,
    pub(crate) tx_gas_max: u64,
    pub(crate) base_fee_wei: u64,
    pub(crate) spec: SpecId,
}

/// Why a transaction is refused. The sentences begin with the words other clients use, since
/// wallets and libraries match on them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("oversized data: {got} bytes, at most {max}")]
    Oversized { got: usize, max: usize },
    #[error("invalid transaction encoding: {0}")]
    Encoding(String),
    #[error("transaction type not supported: {0}")]
    Kind(&'static str),
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    NoChainId,
    #[error("invalid chain id for signer: have {got} want {expected}")]
    ChainId { got: u64, expected: u64 },
    #[error("invalid sender: the signature does not recover")]
    Signature,
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFee,
    #[error("max fee per gas less than block base fee: maxFeePerGas {got} baseFee {base}")]
    Underpriced { got: u128, base: u64 },
    #[error("intrinsic gas too low: have {got}, want {needed}")]
    IntrinsicGas { got: u64, needed: u64 },
    #[error("exceeds block gas limit: gas {got}, at most {max} a transaction")]
    GasLimit { got: u64, max: u64 },
    #[error("max initcode size exceeded: {got} bytes, at most {max}")]
    InitCode { got: usize, max: usize },
    #[error("nonce too low: next nonce {expected}, tx nonce {got}")]
    NonceTooLow { expected: u64, got: u64 },
    #[error("nonce too high: next nonce {expected}, tx nonce {got}")]
    NonceTooHigh { expected: u64, got: u64 },
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}")]
    Funds { balance: U256, cost: U256 },
    #[error("already known")]
    Known,
    #[error("replacement transaction underpriced")]
    Replacement,
    #[error("txpool is full")]
    Full,
}

/// A decoded transaction that waits.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) envelope: TxEnvelope,
    pub(crate) raw: Bytes,
    pub(crate) hash: B256,
    pub(crate) from: Address,
    arrival: u64,
}

impl Waiting {
    /// Decodes and checks what can be checked without state.
    pub(crate) fn decode(raw: &Bytes, limits: &Limits) -> Result<Self, Refusal> {
        if raw.len() > TX_BYTES_MAX {
            return Err(Refusal::Oversized { got: raw.len(), max: TX_BYTES_MAX });
        }
        if raw.first() == Some(&3) {
            return Err(Refusal::Kind("blob transactions (type 3) have no place on this chain"));
        }
        let envelope = TxEnvelope::decode_2718_exact(raw.as_ref())
            .map_err(|error| Refusal::Encoding(error.to_string()))?;
        if envelope.ty() > 2 {
            return Err(Refusal::Kind("legacy, access-list and EIP-1559 transactions are"));
        }
        match envelope.chain_id() {
            None => return Err(Refusal::NoChainId),
            Some(got) if got != limits.chain_id => {
                return Err(Refusal::ChainId { got, expected: limits.chain_id });
            }
            Some(_) => {}
        }
        let from = envelope.recover_signer().map_err(|_| Refusal::Signature)?;
        let hash = *envelope.tx_hash();
        let waiting = Self { envelope, raw: raw.clone(), hash, from, arrival: 0 };
        waiting.check_static(limits)?;
        Ok(waiting)
    }

    fn check_static(&self, limits: &Limits) -> Result<(), Refusal> {
        let tx = &self.envelope;
        if tx.max_priority_fee_per_gas().is_some_and(|tip| tip > tx.max_fee_per_gas()) {
            return Err(Refusal::TipAboveFee);
        }
        if tx.max_fee_per_gas() < u128::from(limits.base_fee_wei) {
            let got = tx.max_fee_per_gas();
            return Err(Refusal::Underpriced { got, base: limits.base_fee_wei });
        }
        if tx.gas_limit() > limits.tx_gas_max {
            return Err(Refusal::GasLimit { got: tx.gas_limit(), max: limits.tx_gas_max });
        }
        if tx.is_create() && tx.input().len() > INIT_CODE_BYTES_MAX {
            let got = tx.input().len();
            return Err(Refusal::InitCode { got, max: INIT_CODE_BYTES_MAX });
        }
        let gas = calculate_initial_tx_gas_for_tx(self.env(), limits.spec, None);
        let needed = gas.initial_total_gas().max(gas.floor_gas());
        if tx.gas_limit() < needed {
            return Err(Refusal::IntrinsicGas { got: tx.gas_limit(), needed });
        }
        Ok(())
    }

    /// Returns the most it can cost its sender in wei.
    fn cost(&self) -> U256 {
        let fee = U256::from(self.envelope.max_fee_per_gas());
        fee.saturating_mul(U256::from(self.envelope.gas_limit()))
            .saturating_add(self.envelope.value())
    }

    /// Returns it as the EVM takes it.
    pub(crate) fn env(&self) -> TxEnv {
        let tx = &self.envelope;
        TxEnv {
            tx_type: tx.ty(),
            caller: self.from,
            gas_limit: tx.gas_limit(),
            gas_price: tx.max_fee_per_gas(),
            kind: tx.kind(),
            value: tx.value(),
            data: tx.input().clone(),
            nonce: tx.nonce(),
            chain_id: tx.chain_id(),
            access_list: tx.access_list().cloned().unwrap_or_default(),
            gas_priority_fee: tx.max_priority_fee_per_gas(),
            ..TxEnv::default()
        }
    }
}

/// The waiting transactions.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    senders: HashMap<Address, BTreeMap<u64, Waiting>>,
    by_hash: HashMap<B256, (Address, u64)>,
    arrivals: u64,
}

impl Pool {
    /// Takes a decoded transaction in, given its sender's account.
    pub(crate) fn add(&mut self, mut waiting: Waiting, account: Plain) -> Result<(), Refusal> {
        let nonce = waiting.envelope.nonce();
        let expected = account.nonce;
        if self.by_hash.contains_key(&waiting.hash) {
            return Err(Refusal::Known);
        }
        if nonce < expected {
            return Err(Refusal::NonceTooLow { expected, got: nonce });
        }
        if nonce - expected > NONCE_GAP_MAX {
            return Err(Refusal::NonceTooHigh { expected, got: nonce });
        }
        let cost = waiting.cost();
        if cost > account.balance {
            return Err(Refusal::Funds { balance: account.balance, cost });
        }
        let old = self.senders.get(&waiting.from).and_then(|queue| queue.get(&nonce));
        if let Some(old) = old {
            let needed = old.envelope.max_fee_per_gas().saturating_mul(11) / 10;
            if waiting.envelope.max_fee_per_gas() < needed {
                return Err(Refusal::Replacement);
            }
            self.by_hash.remove(&old.hash);
        } else if self.by_hash.len() >= POOL_MAX {
            return Err(Refusal::Full);
        }
        waiting.arrival = self.arrivals;
        self.arrivals += 1;
        self.by_hash.insert(waiting.hash, (waiting.from, nonce));
        self.senders.entry(waiting.from).or_default().insert(nonce, waiting);
        Ok(())
    }

    pub(crate) fn get(&self, hash: B256) -> Option<&Waiting> {
        let (sender, nonce) = self.by_hash.get(&hash)?;
        self.senders.get(sender)?.get(nonce)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// Returns the nonce a sender should use next, counting what waits.
    pub(crate) fn next_nonce(&self, sender: Address, mined: u64) -> u64 {
        let mut next = mined;
        if let Some(queue) = self.senders.get(&sender) {
            while queue.contains_key(&next) {
                next += 1;
            }
        }
        next
    }

    /// Returns what can be executed now: for each sender the run of nonces that starts at its
    /// account's, all senders merged by arrival.
    pub(crate) fn ready(&self, nonce_of: impl Fn(Address) -> u64) -> Vec<Waiting> {
        let mut fronts = BTreeMap::new();
        for (sender, queue) in &self.senders {
            if let Some(first) = queue.get(&nonce_of(*sender)) {
                fronts.insert(first.arrival, first);
            }
        }
        let mut ready = Vec::new();
        while let Some((_, waiting)) = fronts.pop_first() {
            let next = waiting.envelope.nonce() + 1;
            if let Some(next) = self.senders.get(&waiting.from).and_then(|queue| queue.get(&next)) {
                fronts.insert(next.arrival, next);
            }
            ready.push(waiting.clone());
        }
        ready
    }

    /// Forgets what the accounts' nonces have passed by.
    pub(crate) fn forget_mined(&mut self, nonce_of: impl Fn(Address) -> u64) {
        let passed = |(sender, queue): (&Address, &BTreeMap<u64, Waiting>)| {
            let below = queue.range(..nonce_of(*sender));
            below.map(|(_, waiting)| waiting.hash).collect::<Vec<_>>()
        };
        let passed: Vec<_> = self.senders.iter().flat_map(passed).collect();
        for hash in passed {
            self.remove(hash);
        }
    }

    pub(crate) fn remove(&mut self, hash: B256) {
        let Some((sender, nonce)) = self.by_hash.remove(&hash) else { return };
        if let Some(queue) = self.senders.get_mut(&sender) {
            queue.remove(&nonce);
            if queue.is_empty() {
                self.senders.remove(&sender);
            }
        }
    }
}

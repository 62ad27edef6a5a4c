//! The state of the embedded chain in memory, and the changes a block makes to it.
//!
//! [`World`] is what has been mined and stored; an [`Overlay`] is what a block or a call in
//! progress sees: the world under a [`Diff`]. A diff is ordered, so its bytes are the same wherever
//! it is computed, and it reaches the world only after the store has committed it.
//!
//! Deliberately absent: tries and history. Only the latest state is kept.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
};

use alloy::primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use revm::{
    Database, DatabaseCommit,
    bytecode::Bytecode,
    primitives::AddressMap,
    state::{Account, AccountInfo},
};
use serde::{Deserialize, Serialize};

/// Blocks whose hashes the EVM can ask for: the 256 before the one that asks, which is the last one
/// in a call on the latest state and the next one in a transaction.
pub(crate) const HASHES_KEPT: u64 = 257;

/// An account without its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plain {
    pub(crate) balance: U256,
    pub(crate) nonce: u64,
    pub(crate) code_hash: B256,
}

impl Default for Plain {
    fn default() -> Self {
        Self { balance: U256::ZERO, nonce: 0, code_hash: KECCAK256_EMPTY }
    }
}

/// What one block changes in one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountDiff {
    /// The account after the block; `None` when it no longer exists.
    pub(crate) plain: Option<Plain>,
    /// Whether the storage was emptied before `storage` was written.
    pub(crate) wiped: bool,
    pub(crate) storage: BTreeMap<U256, U256>,
}

/// What one block changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Diff {
    pub(crate) accounts: BTreeMap<Address, AccountDiff>,
    pub(crate) codes: BTreeMap<B256, Bytes>,
}

impl Diff {
    /// Returns the commitment to the state after this diff, given the one before it.
    pub(crate) fn root(&self, before: B256) -> B256 {
        let mut bytes = before.to_vec();
        bytes.extend(postcard::to_stdvec(self).expect("a diff has no unserialisable part"));
        keccak256(bytes)
    }
}

#[derive(Debug, Default)]
struct Held {
    plain: Plain,
    storage: HashMap<U256, U256>,
}

/// The latest state, and the hashes of the latest blocks.
#[derive(Debug, Default)]
pub(crate) struct World {
    accounts: HashMap<Address, Held>,
    codes: HashMap<B256, Bytecode>,
    hashes: BTreeMap<u64, B256>,
}

impl World {
    pub(crate) fn plain(&self, address: Address) -> Plain {
        self.accounts.get(&address).map(|held| held.plain).unwrap_or_default()
    }

    pub(crate) fn code(&self, address: Address) -> Bytes {
        let hash = self.plain(address).code_hash;
        self.codes.get(&hash).map(Bytecode::original_bytes).unwrap_or_default()
    }

    pub(crate) fn slot(&self, address: Address, slot: U256) -> U256 {
        let held = self.accounts.get(&address);
        held.and_then(|held| held.storage.get(&slot)).copied().unwrap_or_default()
    }

    pub(crate) fn apply(&mut self, diff: Diff) {
        for (hash, code) in diff.codes {
            self.codes.insert(hash, Bytecode::new_raw(code));
        }
        for (address, change) in diff.accounts {
            let Some(plain) = change.plain else {
                self.accounts.remove(&address);
                continue;
            };
            let held = self.accounts.entry(address).or_default();
            held.plain = plain;
            if change.wiped {
                held.storage.clear();
            }
            for (slot, value) in change.storage {
                if value.is_zero() {
                    held.storage.remove(&slot);
                } else {
                    held.storage.insert(slot, value);
                }
            }
        }
    }

    /// Remembers the hash of a mined block and forgets the one that is out of the EVM's reach.
    pub(crate) fn remember(&mut self, number: u64, hash: B256) {
        self.hashes.insert(number, hash);
        if let Some(old) = number.checked_sub(HASHES_KEPT) {
            self.hashes.remove(&old);
        }
    }
}

/// The world as a block or a call in progress sees it.
#[derive(Debug)]
pub(crate) struct Overlay<'a> {
    world: &'a World,
    pub(crate) diff: Diff,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self { world, diff: Diff::default() }
    }
}

impl Database for Overlay<'_> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        let plain = match self.diff.accounts.get(&address) {
            Some(change) => change.plain,
            None => self.world.accounts.get(&address).map(|held| held.plain),
        };
        let Some(plain) = plain else { return Ok(None) };
        let code = self.code_by_hash(plain.code_hash)?;
        Ok(Some(AccountInfo {
            balance: plain.balance,
            nonce: plain.nonce,
            code_hash: plain.code_hash,
            account_id: None,
            code: Some(code),
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Infallible> {
        if let Some(code) = self.diff.codes.get(&hash) {
            return Ok(Bytecode::new_raw(code.clone()));
        }
        Ok(self.world.codes.get(&hash).cloned().unwrap_or_default())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        if let Some(change) = self.diff.accounts.get(&address) {
            if let Some(value) = change.storage.get(&slot) {
                return Ok(*value);
            }
            if change.wiped {
                return Ok(U256::ZERO);
            }
        }
        Ok(self.world.slot(address, slot))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok(self.world.hashes.get(&number).copied().unwrap_or_default())
    }
}

impl DatabaseCommit for Overlay<'_> {
    fn commit(&mut self, changes: AddressMap<Account>) {
        for (address, account) in changes {
            if !account.is_touched() {
                continue;
            }
            let change = self.diff.accounts.entry(address).or_default();
            // An account that is empty after a transaction that touched it does not exist
            // (EIP-161).
            if account.is_selfdestructed() || account.info.is_empty() {
                *change = AccountDiff { plain: None, wiped: true, storage: BTreeMap::new() };
                continue;
            }
            if account.is_created() {
                change.wiped = true;
                change.storage.clear();
            }
            change.plain = Some(Plain {
                balance: account.info.balance,
                nonce: account.info.nonce,
                code_hash: account.info.code_hash,
            });
            let changed = account.storage.iter().filter(|(_, slot)| slot.is_changed());
            change.storage.extend(changed.map(|(key, slot)| (*key, slot.present_value)));
            if let Some(code) = account.info.code.filter(|code| !code.is_empty())
                && !self.world.codes.contains_key(&account.info.code_hash)
            {
                self.diff.codes.insert(account.info.code_hash, code.original_bytes());
            }
        }
    }
}

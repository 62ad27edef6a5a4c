//! Transactions between their signature and their block.
//!
//! An *intent* names what a transaction is for ("round 3 commit"). The first one kept for an intent
//! is the only one, whatever crashes: it is stored before it is sent, and sent again as the same
//! bytes until the chain shows it.
//!
//! Invariant: for one intent there is at most one transaction at a time, and one that may have left
//! this process is forgotten only when the caller says that the chain will never take it.

use redb::{ReadableTable as _, TableDefinition, WriteTransaction};

use super::{Store, StoreError};

/// Intent to nonce, state, block (0 while there is none) and signed bytes.
const OUTBOX: TableDefinition<'_, &str, (u64, u8, u64, &[u8])> = TableDefinition::new("outbox");

/// How far a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is signed and may or may not have been sent.
    Signed,
    /// An RPC took it.
    Sent,
    /// The chain shows it in this block.
    Mined {
        /// The block's number.
        block: u64,
    },
}

impl Delivery {
    fn encode(self) -> (u8, u64) {
        match self {
            Delivery::Signed => (0, 0),
            Delivery::Sent => (1, 0),
            Delivery::Mined { block } => (2, block),
        }
    }

    fn decode(state: u8, block: u64) -> Delivery {
        match state {
            0 => Delivery::Signed,
            1 => Delivery::Sent,
            _ => Delivery::Mined { block },
        }
    }
}

/// A transaction in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// What it is for.
    pub intent: String,
    /// Its nonce.
    pub nonce: u64,
    /// The signed bytes, as `eth_sendRawTransaction` takes them.
    pub raw: Vec<u8>,
    /// How far it has come.
    pub delivery: Delivery,
}

pub(super) fn create(write: &WriteTransaction) -> Result<(), redb::Error> {
    write.open_table(OUTBOX)?;
    Ok(())
}

impl Store {
    /// Keeps a signed transaction for `intent`. It is on the disk when this returns.
    ///
    /// Keeping the same bytes again changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Promised`] if other bytes are kept for the intent: those are to be sent.
    pub fn promise(&self, intent: &str, nonce: u64, raw: &[u8]) -> Result<(), StoreError> {
        let kept = self.write(|write| {
            let mut outbox = write.open_table(OUTBOX)?;
            let there = outbox.get(intent)?.map(|entry| {
                let (there_nonce, _, _, there_raw) = entry.value();
                there_nonce == nonce && there_raw == raw
            });
            if there.is_none() {
                let (state, block) = Delivery::Signed.encode();
                outbox.insert(intent, (nonce, state, block, raw))?;
            }
            Ok(there.unwrap_or(true))
        })?;
        if kept { Ok(()) } else { Err(StoreError::Promised { intent: intent.to_owned() }) }
    }

    /// Returns what is kept for `intent`, if anything.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database cannot be read.
    pub fn promised(&self, intent: &str) -> Result<Option<Outgoing>, StoreError> {
        self.read(|read| {
            let outbox = read.open_table(OUTBOX)?;
            Ok(outbox.get(intent)?.map(|entry| outgoing(intent, entry.value())))
        })
    }

    /// Notes how far the transaction of `intent` has come.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotPromised`] if there is none.
    pub fn deliver(&self, intent: &str, delivery: Delivery) -> Result<(), StoreError> {
        let known = self.write(|write| {
            let mut outbox = write.open_table(OUTBOX)?;
            let Some(there) = outbox.get(intent)?.map(|entry| outgoing(intent, entry.value()))
            else {
                return Ok(false);
            };
            let (state, block) = delivery.encode();
            outbox.insert(intent, (there.nonce, state, block, there.raw.as_slice()))?;
            Ok(true)
        })?;
        if known { Ok(()) } else { Err(StoreError::NotPromised { intent: intent.to_owned() }) }
    }

    /// Returns the transactions that the chain does not show yet, by ascending nonce: what a
    /// restarted node sends first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database cannot be read.
    pub fn undelivered(&self) -> Result<Vec<Outgoing>, StoreError> {
        let mut waiting = self.read(|read| {
            let outbox = read.open_table(OUTBOX)?;
            let mut waiting = Vec::new();
            for entry in outbox.iter()? {
                let (intent, value) = entry?;
                waiting.push(outgoing(intent.value(), value.value()));
            }
            Ok(waiting)
        })?;
        waiting.retain(|one| !matches!(one.delivery, Delivery::Mined { .. }));
        waiting.sort_by_key(|one| one.nonce);
        Ok(waiting)
    }

    /// Returns the nonce for the next transaction: the chain's, or the one after the last that
    /// waits here.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database cannot be read.
    pub fn next_nonce(&self, of_chain: u64) -> Result<u64, StoreError> {
        let waiting = self.undelivered()?;
        let after = waiting.last().map_or(0, |last| last.nonce.saturating_add(1));
        Ok(of_chain.max(after))
    }

    /// Forgets the transaction of `intent`, so that another can be signed for it.
    ///
    /// To be called only when the chain can never take it: it shows another one at its nonce, or
    /// has shown this one and the intent is over.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotPromised`] if there is none.
    pub fn retract(&self, intent: &str) -> Result<(), StoreError> {
        let known = self.write(|write| Ok(write.open_table(OUTBOX)?.remove(intent)?.is_some()))?;
        if known { Ok(()) } else { Err(StoreError::NotPromised { intent: intent.to_owned() }) }
    }
}

fn outgoing(intent: &str, (nonce, state, block, raw): (u64, u8, u64, &[u8])) -> Outgoing {
    let delivery = Delivery::decode(state, block);
    Outgoing { intent: intent.to_owned(), nonce, raw: raw.to_vec(), delivery }
}

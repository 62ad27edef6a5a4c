//! What a machine must find again after a crash, and its bytes.
//!
//! Two kinds: the one update a node committed to in a round, written before the commitment is sent,
//! and the last round that has ended. Everything else is asked of the chain and of peers again.
//!
//! Invariant: `decode(encode(r)) == r`, and no other bytes decode.

use tensor::Hash;

/// One entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// The update this node stands by in a round.
    Committed {
        /// The round.
        round: u64,
        /// Tensor root of the update.
        update_root: Hash,
        /// BLAKE3 of its bytes.
        blob: Hash,
        /// What the commitment was salted with.
        salt: Hash,
    },
    /// Every round up to this one has ended.
    Finished {
        /// The round.
        round: u64,
    },
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No record starts with this byte.
    #[error("no record has kind {got}")]
    Kind {
        /// The byte.
        got: u8,
    },
    /// The record has another length.
    #[error("a record of this kind has {expected} bytes, not {got}")]
    Length {
        /// Bytes of its kind.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
}

const COMMITTED: u8 = 1;
const FINISHED: u8 = 2;

impl Record {
    /// Returns the round a record belongs to.
    #[must_use]
    pub fn round(&self) -> u64 {
        match self {
            Self::Committed { round, .. } | Self::Finished { round } => *round,
        }
    }

    /// Returns its bytes: kind, round (little-endian), then the hashes in the order of the fields.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Committed { round, update_root, blob, salt } => {
                let hashes = [update_root.0, blob.0, salt.0].concat();
                [&[COMMITTED][..], &round.to_le_bytes(), &hashes].concat()
            }
            Self::Finished { round } => [&[FINISHED][..], &round.to_le_bytes()].concat(),
        }
    }

    /// Returns the record that these bytes are.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let kind = bytes.first().copied();
        let expected = match kind {
            Some(COMMITTED) => 1 + 8 + 3 * 32,
            Some(FINISHED) => 1 + 8,
            Some(got) => return Err(DecodeError::Kind { got }),
            None => return Err(DecodeError::Length { expected: 1, got: 0 }),
        };
        let got = bytes.len();
        if got != expected {
            return Err(DecodeError::Length { expected, got });
        }
        let round = u64::from_le_bytes(bytes[1..9].try_into().expect("eight bytes"));
        if kind == Some(FINISHED) {
            return Ok(Self::Finished { round });
        }
        let hash = |from: usize| Hash(bytes[from..from + 32].try_into().expect("32 bytes"));
        Ok(Self::Committed { round, update_root: hash(9), blob: hash(41), salt: hash(73) })
    }
}

#[cfg(test)]
mod tests {
    use super::Record;
    use proptest::prelude::*;
    use tensor::Hash;

    proptest! {
        #[test]
        fn records_come_back(round: u64, a: [u8; 32], b: [u8; 32], c: [u8; 32]) {
            let (update_root, blob, salt) = (Hash(a), Hash(b), Hash(c));
            let committed = Record::Committed { round, update_root, blob, salt };
            for record in [committed, Record::Finished { round }] {
                prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
            }
        }

        #[test]
        fn only_records_decode(
            bytes in prop::collection::vec(any::<u8>(), 0..120),
            kind in 0_u8..4,
        ) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() {
                *first = kind;
            }
            if let Ok(record) = Record::decode(&bytes) {
                prop_assert_eq!(record.encode(), bytes);
            }
        }
    }
}

//! The first bytes on a connection: whether two nodes speak of the same network.
//!
//! The dialler sends a greeting of fixed layout, the acceptor answers one byte and its own
//! greeting. The layout never changes, so that two versions can still tell each other what differs.
//! Each side compares for itself: no text of a stranger is ever shown as a reason.
//!
//! Invariant: nothing else is read from a connection whose greeting does not match. Absent: any
//! negotiation; the only version two nodes can speak is the one both name.

use std::fmt;

use thiserror::Error;

/// The version of the wire protocol that this crate speaks.
pub const PROTOCOL_VERSION: u16 = 2;

/// The length of a greeting on the wire, in bytes.
pub(crate) const GREETING_SIZE: usize = 42;

/// The length of the acceptor's answer: its verdict and its own greeting.
pub(crate) const ANSWER_SIZE: usize = 1 + GREETING_SIZE;

const MAGIC: [u8; 4] = *b"ASSY";

/// What two nodes must agree on before they talk.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hello {
    /// The version of the wire protocol.
    pub version: u16,
    /// The chain's id.
    pub chain_id: u64,
    /// The address of the `Rounds` contract there.
    pub rounds: [u8; 20],
}

impl Hello {
    /// Returns the greeting of this crate's protocol version for one deployment.
    pub fn new(chain_id: u64, rounds: [u8; 20]) -> Hello {
        Hello { version: PROTOCOL_VERSION, chain_id, rounds }
    }

    /// Returns the first difference between our greeting and `theirs`, if there is one.
    pub(crate) fn differs(&self, theirs: &Hello) -> Option<Mismatch> {
        if self.version != theirs.version {
            let (ours, theirs) = (self.version, theirs.version);
            return Some(Mismatch::Version { ours, theirs });
        }
        if self.chain_id != theirs.chain_id {
            return Some(Mismatch::Chain { ours: self.chain_id, theirs: theirs.chain_id });
        }
        if self.rounds != theirs.rounds {
            return Some(Mismatch::Contract { ours: self.rounds, theirs: theirs.rounds });
        }
        None
    }
}

impl fmt::Debug for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = hex::encode(self.rounds);
        write!(f, "Hello(version {}, chain {}, rounds 0x{rounds})", self.version, self.chain_id)
    }
}

/// In what two nodes differ.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Mismatch {
    /// Another version of the protocol.
    #[error("the peer speaks protocol version {theirs}, we speak {ours}")]
    Version {
        /// Our version.
        ours: u16,
        /// The peer's.
        theirs: u16,
    },
    /// Another chain.
    #[error("the peer is on chain {theirs}, we are on chain {ours}")]
    Chain {
        /// Our chain's id.
        ours: u64,
        /// The peer's.
        theirs: u64,
    },
    /// Another deployment on the same chain.
    #[error(
        "the peer follows the rounds contract 0x{}, we follow 0x{}",
        hex::encode(theirs),
        hex::encode(ours)
    )]
    Contract {
        /// Our contract's address.
        ours: [u8; 20],
        /// The peer's.
        theirs: [u8; 20],
    },
}

/// Why an acceptor would not have us although the greetings match.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TurnedAway {
    /// It has as many connections as it takes.
    #[error("the peer has no room for another connection")]
    Full,
    /// It received rubbish from us a moment ago.
    #[error("the peer refuses us for a while because of malformed messages")]
    Penalty,
}

/// A greeting as it travels: [`Hello`] and a number drawn when the sender started.
///
/// The number tells a restarted peer from one that merely dialled again, so connections to the
/// process that is gone are dropped at once and not after their idle timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Which network the sender belongs to.
    pub hello: Hello,
    /// Drawn when the sender started.
    pub instance: u64,
}

impl Greeting {
    /// Returns the bytes that travel.
    #[must_use]
    pub fn encode(&self) -> [u8; GREETING_SIZE] {
        let mut bytes = [0; GREETING_SIZE];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&self.hello.version.to_le_bytes());
        bytes[6..14].copy_from_slice(&self.hello.chain_id.to_le_bytes());
        bytes[14..34].copy_from_slice(&self.hello.rounds);
        bytes[34..].copy_from_slice(&self.instance.to_le_bytes());
        bytes
    }

    /// Returns the greeting in `bytes`, or nothing if they are none.
    #[must_use]
    pub fn decode(bytes: &[u8; GREETING_SIZE]) -> Option<Greeting> {
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        let (version, rest) = rest.split_first_chunk::<2>()?;
        let (chain_id, rest) = rest.split_first_chunk::<8>()?;
        let (rounds, instance) = rest.split_first_chunk::<20>()?;
        if *magic != MAGIC {
            return None;
        }
        let hello = Hello {
            version: u16::from_le_bytes(*version),
            chain_id: u64::from_le_bytes(*chain_id),
            rounds: *rounds,
        };
        Some(Greeting { hello, instance: u64::from_le_bytes(*instance.first_chunk::<8>()?) })
    }
}

/// The acceptor's answer to a greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Welcome,
    Mismatch,
    TurnedAway(TurnedAway),
}

impl Verdict {
    pub(crate) fn code(self) -> u8 {
        match self {
            Verdict::Welcome => 0,
            Verdict::Mismatch => 1,
            Verdict::TurnedAway(TurnedAway::Full) => 2,
            Verdict::TurnedAway(TurnedAway::Penalty) => 3,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Verdict> {
        match code {
            0 => Some(Verdict::Welcome),
            1 => Some(Verdict::Mismatch),
            2 => Some(Verdict::TurnedAway(TurnedAway::Full)),
            3 => Some(Verdict::TurnedAway(TurnedAway::Penalty)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_greeting_survives_the_wire(
            version: u16, chain_id: u64, rounds: [u8; 20], instance: u64,
        ) {
            let greeting = Greeting { hello: Hello { version, chain_id, rounds }, instance };
            prop_assert_eq!(Greeting::decode(&greeting.encode()), Some(greeting));
        }

        #[test]
        fn only_the_magic_makes_a_greeting(at in 0usize..GREETING_SIZE, flip in 1u8..) {
            let hello = Hello::new(1, [2; 20]);
            let mut bytes = Greeting { hello, instance: 3 }.encode();
            bytes[at] ^= flip;
            prop_assert_eq!(Greeting::decode(&bytes).is_some(), at >= MAGIC.len());
        }
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let hello = Hello { version: 1, chain_id: 0x0102, rounds: [0xab; 20] };
        let bytes = Greeting { hello, instance: 7 }.encode();
        let expected = "41535359010002010000000000\
                        00abababababababababababababababababababab0700000000000000";
        assert_eq!(hex::encode(bytes), expected);
    }

    #[test]
    fn the_first_difference_is_named() {
        let ours = Hello::new(1, [1; 20]);
        assert_eq!(ours.differs(&ours), None);
        let version = Hello { version: 9, chain_id: 2, ..ours };
        assert_eq!(
            ours.differs(&version),
            Some(Mismatch::Version { ours: PROTOCOL_VERSION, theirs: 9 })
        );
        let chain = Hello { chain_id: 2, rounds: [2; 20], ..ours };
        assert_eq!(ours.differs(&chain), Some(Mismatch::Chain { ours: 1, theirs: 2 }));
        let contract = Hello { rounds: [2; 20], ..ours };
        let expected = Mismatch::Contract { ours: [1; 20], theirs: [2; 20] };
        assert_eq!(ours.differs(&contract), Some(expected));
    }

    #[test]
    fn verdicts_survive_the_wire() {
        let known: Vec<_> = (0..=255).filter_map(Verdict::from_code).collect();
        assert_eq!(known.len(), 4);
        assert!(known.iter().all(|verdict| Verdict::from_code(verdict.code()) == Some(*verdict)));
    }
}

//! Who a node talks to: a public key and an address, as the registry announces them.
//!
//! Invariant: the key decides who a peer is; the address only says where to knock. Whoever answers
//! there without the key's secret fails the handshake.

use std::net::SocketAddr;

use crate::PeerId;

/// A peer as announced: its public key and where it listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// The ed25519 public key, 32 bytes.
    pub id: PeerId,
    /// Where its UDP socket listens.
    pub addr: SocketAddr,
}

/// Why an announced address leads nowhere.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ResolveError {
    /// The text is not `host:port`, or no such host is known.
    #[error("the announced address {address:?} cannot be resolved: {reason}")]
    Unresolved {
        /// What the registry says.
        address: String,
        /// What the resolver says.
        reason: String,
    },
    /// The host is known and has no address.
    #[error("the announced address {address:?} has no address behind its name")]
    Nothing {
        /// What the registry says.
        address: String,
    },
}

impl Peer {
    /// Returns the peer with key `id` behind `address`, which is `host:port`.
    ///
    /// A literal address (`127.0.0.1:4100`, `[::1]:4100`) asks nobody; a name asks the system's
    /// resolver and takes its first answer.
    ///
    /// # Errors
    ///
    /// [`ResolveError`] if the text is no address or the name is not known.
    pub async fn resolve(id: PeerId, address: &str) -> Result<Peer, ResolveError> {
        if let Ok(addr) = address.parse() {
            return Ok(Peer { id, addr });
        }
        let mut found = tokio::net::lookup_host(address).await.map_err(|error| {
            ResolveError::Unresolved { address: address.to_owned(), reason: error.to_string() }
        })?;
        let addr =
            found.next().ok_or_else(|| ResolveError::Nothing { address: address.to_owned() })?;
        Ok(Peer { id, addr })
    }
}

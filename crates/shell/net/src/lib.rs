//! Encrypted transport between nodes, and the blobs they hand each other.
//!
//! An [`Endpoint`] is one UDP socket that speaks QUIC with TLS 1.3 through `iroh`. Whoever dials
//! asks, whoever accepts answers: one stream a question, one [`Request`] and one [`Response`] in
//! it. A peer is the public key that the registry announces and the address beside it; bytes and
//! layout are in `docs/wire.md`. What is larger than a message, or is wanted of many, travels in
//! [`pieces`], from several peers at once ([`swarm`]).
//!
//! Invariant: a peer's bytes cost that peer, and never panic. Every message has a size limit that
//! is known from its first byte, every wait a deadline, and every peer its own allowance
//! ([`limits`]).
//!
//! Deliberately absent: relays, discovery services, port mapping, anything that phones home; gossip
//! and routing (peers are found in the registry); streams of unbounded length; chain keys.

pub mod blobs;
mod dial;
mod endpoint;
mod frame;
mod guard;
mod hello;
pub mod library;
pub mod limits;
mod peer;
pub mod pieces;
mod plan;
mod serve;
pub mod swarm;
mod traffic;
pub mod wire;

pub use endpoint::{BindError, Config, Endpoint, RequestError, peer_id};
pub use guard::Admission;
pub use hello::{Greeting, Hello, Mismatch, PROTOCOL_VERSION, TurnedAway};
pub use limits::Limits;
pub use peer::{Peer, ResolveError};
pub use serve::{Incoming, Reply};
pub use traffic::Traffic;
pub use wire::{Request, Response, WireError};

/// Thirty-two bytes that name something by its hash: a blob by its BLAKE3, a tensor by its root.
pub type Hash32 = [u8; 32];

/// The public key of a peer, as the registry holds it.
pub type PeerId = [u8; 32];

/// What a connection must speak before a byte of ours is exchanged.
pub const ALPN: &[u8] = b"assay/1";

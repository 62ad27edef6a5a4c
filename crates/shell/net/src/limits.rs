//! What a peer may cost us, in one place.
//!
//! Sizes and counts are part of the protocol and constant. Times differ between a laptop and a slow
//! line, so they are a value, [`Limits`]. No limit is shared between peers in such a way that one
//! of them can use up another's: what is shared (connections, handshakes) is turned away at the
//! door, before anything is read.
//!
//! Absent: limits on what we ask of others, which is the caller's business.

use std::time::Duration;

/// The largest blob, in bytes: an update of four million parameters.
pub const BLOB_SIZE_MAX: usize = 16 * 1024 * 1024;

/// The largest item that is fetched in pieces, in bytes.
pub const ITEM_SIZE_MAX: u64 = 1 << 30;

/// The largest piece of an item, in bytes: of a blob.
pub const PIECE_SIZE_MAX: usize = 256 * 1024;

/// How many pieces an item may have: those of the largest tensor of four-byte elements.
pub const PIECES_MAX: usize = 32 * 1024;

/// How many hashes may come with a piece: a tensor's way up has six a level, over four levels.
pub const PATH_MAX: usize = 24;

/// The longest reason in a refusal, in bytes of UTF-8.
pub const REASON_SIZE_MAX: usize = 256;

/// How many questions one peer may have open at once, over all of its connections.
pub const REQUESTS_PER_PEER: usize = 8;

/// How many of those may be offers, whose bytes we hold while they arrive.
pub const OFFERS_PER_PEER: usize = 2;

/// How many questions a second one peer may ask in the long run; beyond it, its next one waits.
pub const REQUESTS_PER_SECOND: u32 = 50;

/// How many questions one peer may ask at once after having been quiet.
pub const REQUESTS_BURST: u32 = 200;

/// How many peers may be connected to us at once when anybody is admitted.
pub const CONNECTIONS_MAX: usize = 64;

/// How many peers outside the registry may be connected at once when the registry is enforced.
pub const STRANGERS_MAX: usize = 16;

/// How many connections may be between their first packet and the end of their handshake.
pub const HANDSHAKES_MAX: usize = 64;

/// How many peers' accounts are remembered. Idle ones without a penalty are forgotten first.
pub const ACCOUNTS_MAX: usize = 1024;

/// How much unread data one connection may have on its way to us, in bytes.
pub(crate) const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// How much of that may belong to one stream, in bytes.
pub(crate) const STREAM_WINDOW: u32 = 1024 * 1024;

/// How many requests can wait for the node at once: what every connected peer may have open.
pub(crate) const QUEUE: usize = CONNECTIONS_MAX * REQUESTS_PER_PEER;

/// How long we wait, by what for. [`Limits::default`] suits the internet; tests shorten it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the first packet of a connection until both sides have said who they are.
    pub handshake: Duration,
    /// For all bytes of one message to arrive, or to be taken by the other side.
    pub transfer: Duration,
    /// For the node to answer a question that was handed to it.
    pub reply: Duration,
    /// For a question of ours, from dialling to the last byte of the answer.
    pub request: Duration,
    /// Without a sign of life until a connection counts as lost; at most 15 seconds.
    pub idle: Duration,
    /// How long a peer that sent rubbish is turned away.
    pub penalty: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            handshake: Duration::from_secs(5),
            transfer: Duration::from_secs(20),
            reply: Duration::from_secs(20),
            request: Duration::from_secs(30),
            idle: Duration::from_secs(8),
            penalty: Duration::from_secs(10),
        }
    }
}

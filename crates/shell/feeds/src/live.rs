//! Live data: what a venue says from now on, over websocket and REST, into a signed log.
//!
//! A [`Collector`] keeps one market of one venue: it subscribes, writes every message to the log
//! before it looks at it, keeps the book, asks for a snapshot after a gap, connects again after a
//! loss. Nothing but the disk stops it. Addresses are configuration ([`Endpoints`]); the defaults
//! are the venues' public ones, and no key is ever sent.
//!
//! *Invariant: what was received is logged as it came, whether it can be read or not.*
//! Absent: orders and anything private.

mod collect;
mod plan;
mod rest;
mod session;
mod socket;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::future::BoxFuture;

pub use collect::{Collector, Counts, Event, StartError};
pub use plan::{Channel, Endpoints, Feed, NoChannel, Request};
pub use rest::{Rest, RestError};

/// How to wait: the clock's way, unless a test hands in another.
pub type Pause = fn(Duration) -> BoxFuture<'static, ()>;

/// Waits by the clock.
#[must_use]
pub fn pause(time: Duration) -> BoxFuture<'static, ()> {
    Box::pin(tokio::time::sleep(time))
}

/// Returns the machine's time in Unix nanoseconds.
#[must_use]
pub fn now_ns() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

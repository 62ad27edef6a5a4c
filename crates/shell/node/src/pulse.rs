//! What a running node counts, for whoever watches it: Prometheus metrics.
//!
//! Absent: an address to serve them on, which is the app's.

mod concentration;

use chain::Client;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

use crate::eye::Look;

/// A node's metrics; clones share them.
///
/// ```
/// let pulse = node::Pulse::default();
/// let mut registry = prometheus_client::registry::Registry::with_prefix("assay");
/// pulse.register(&mut registry);
/// let mut text = String::new();
/// prometheus_client::encoding::text::encode(&mut text, &registry)?;
/// assert!(text.contains("assay_round 0"));
/// # Ok::<(), std::fmt::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    /// Last block seen.
    pub(crate) block: Gauge,
    /// Round seen last.
    pub(crate) round: Gauge,
    /// Whether the node takes seats.
    pub(crate) active: Gauge,
    /// Nodes that do.
    pub(crate) actives: Gauge,
    /// Nodes whose addresses are known.
    pub(crate) peers: Gauge,
    /// Pay that the last settled round owes this node, gwei of the token.
    pub(crate) due: Gauge,
    /// Updates trained.
    pub(crate) trained: Counter,
    /// Rounds that ended here.
    pub(crate) finished: Counter,
    /// Questions of peers that were answered.
    pub(crate) answered: Counter,
    /// Work that failed and is tried again.
    pub(crate) failed: Counter,
    /// How unevenly things are held.
    concentration: concentration::Watched,
}

impl Pulse {
    /// Takes over what a look shows.
    pub(crate) fn see(&self, look: &Look, peers: usize) {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let view = &look.view;
        self.block.set(number(look.block));
        self.round.set(number(view.round.number));
        self.active.set(view.own.is_some_and(|own| view.actives.contains(&own)).into());
        self.actives.set(number(view.actives.len() as u64));
        self.peers.set(number(peers as u64));
        self.due.set(number(view.due_gwei));
    }

    /// Reads who holds what off the chain, if anybody watches, and counts nothing on failure.
    pub(crate) async fn follow(self, client: Client) {
        self.concentration.follow(&client).await;
    }

    /// Registers every metric under its name. From then on the chain is also asked who holds what.
    pub fn register(&self, registry: &mut Registry) {
        let gauges = [
            ("block", "Last block seen", &self.block),
            ("round", "Round seen last", &self.round),
            ("active", "Whether this node takes seats", &self.active),
            ("active_nodes", "Nodes that take seats", &self.actives),
            ("peers", "Nodes whose addresses are known", &self.peers),
            ("due_gwei", "Pay that the last settled round owes this node", &self.due),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        let counters = [
            ("updates_trained", "Updates trained", &self.trained),
            ("rounds_finished", "Rounds that ended here", &self.finished),
            ("questions_answered", "Questions of peers that were answered", &self.answered),
            ("failures", "Work that failed and is tried again", &self.failed),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        self.concentration.register(registry);
    }
}

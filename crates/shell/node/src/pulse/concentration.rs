//! How unevenly stake, pay and aggregation are held, as gauges.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use chain::{
    Client,
    index::{Epoch, Holdings},
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use tokio::sync::Mutex;

/// Of what, and over which rounds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Over {
    /// `stake`, `pay` or `aggregation`.
    of: &'static str,
    /// `epoch`, the running one, or `all` rounds so far.
    over: &'static str,
}

type Gauges = Family<Over, Gauge<f64, AtomicU64>>;

/// The gauges, and what they are computed from; clones share both.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    holdings: Arc<Mutex<Holdings>>,
    /// Whether anybody can read the gauges.
    read: Arc<AtomicBool>,
    gini: Gauges,
    hhi: Gauges,
    third: Gauges,
    half: Gauges,
}

impl Watched {
    /// Reads what is new on the chain and sets the gauges. Where nobody can read them, or where
    /// this is under way already, nothing is asked of the chain.
    pub(super) async fn follow(&self, client: &Client) {
        if !self.read.load(Ordering::Relaxed) {
            return;
        }
        let Ok(mut holdings) = self.holdings.try_lock() else { return };
        if let Err(error) = holdings.update(client).await {
            tracing::debug!(%error, "who holds what could not be read; the next block asks again");
            return;
        }
        holdings.epochs().last().into_iter().for_each(|epoch| self.set("epoch", epoch));
        holdings.all().iter().for_each(|all| self.set("all", all));
    }

    fn set(&self, over: &'static str, epoch: &Epoch) {
        let measured =
            [("stake", epoch.stake), ("pay", epoch.pay), ("aggregation", epoch.aggregation)];
        for (of, found) in measured {
            let Some(found) = found else { continue };
            let set = |gauges: &Gauges, value: f64| {
                gauges.get_or_create(&Over { of, over }).set(value);
            };
            set(&self.gini, found.gini);
            set(&self.hhi, found.hhi);
            set(&self.third, f64::from(found.nakamoto_third));
            set(&self.half, f64::from(found.nakamoto_half));
        }
    }

    /// Registers every gauge under its name.
    pub(super) fn register(&self, registry: &mut Registry) {
        self.read.store(true, Ordering::Relaxed);
        let gauges = [
            ("gini", "Gini coefficient, 0 to 1", &self.gini),
            ("hhi", "Herfindahl-Hirschman index, points of 10,000", &self.hhi),
            ("nakamoto_third", "Least nodes that hold more than a third", &self.third),
            ("nakamoto_half", "Least nodes that hold more than half", &self.half),
        ];
        for (name, help, gauges) in gauges {
            registry.register(format!("concentration_{name}"), help, gauges.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use round::concentration::Concentration;

    use super::*;

    #[test]
    fn says_what_was_measured_and_nothing_else() {
        let watched = Watched::default();
        let mut registry = Registry::with_prefix("assay");
        watched.register(&mut registry);
        let stake = Concentration::of(&[0, 0, 0, 8]);
        watched.set("all", &Epoch { first: 1, last: 3, stake, pay: None, aggregation: None });
        let mut text = String::new();
        encode(&mut text, &registry).expect("writing to a string does not fail");
        let lines: Vec<&str> = text.lines().filter(|line| line.contains('{')).collect();
        assert_eq!(
            lines,
            [
                "assay_concentration_gini{of=\"stake\",over=\"all\"} 0.75",
                "assay_concentration_hhi{of=\"stake\",over=\"all\"} 10000.0",
                "assay_concentration_nakamoto_third{of=\"stake\",over=\"all\"} 1.0",
                "assay_concentration_nakamoto_half{of=\"stake\",over=\"all\"} 1.0",
            ]
        );
    }
}

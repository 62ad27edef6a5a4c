//! What the person at the terminal sees: lines, and below them the explorer's address with what is
//! going on.
//!
//! Lines go to standard error when `--json` is given, so that standard output holds the one object
//! and nothing else.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::{genesis::Network, settings::Settings, summary};
use crate::layout::Layout;

/// The terminal.
#[derive(Debug)]
pub(crate) struct Screen {
    json: bool,
    bar: ProgressBar,
    explorer: Mutex<String>,
}

impl Screen {
    pub(crate) fn new(json: bool) -> Screen {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message("starting: chain, contracts, four nodes");
        bar.enable_steady_tick(Duration::from_millis(120));
        Screen { json, bar, explorer: Mutex::default() }
    }

    /// Prints one line above the moving one.
    pub(crate) fn line(&self, line: &str) {
        self.bar.suspend(|| if self.json { eprintln!("{line}") } else { println!("{line}") });
    }

    /// Says what the moving line says beside the address.
    pub(crate) fn now(&self, what: &str) {
        let explorer = self.explorer.lock().unwrap_or_else(PoisonError::into_inner);
        self.bar.set_message(format!("{what} · explorer {explorer}"));
    }

    /// Says what is replayed and who takes part.
    pub(crate) fn market(&self, network: &Network, settings: &Settings) {
        let evaluation = &network.plan.evaluations[0];
        let (Some(first), Some(last)) = (evaluation.days.first(), evaluation.days.last()) else {
            return;
        };
        self.line(&format!(
            "data      {}, proxy: {}, replayed from {} to {}",
            evaluation.market, evaluation.proxy, first.date, last.date
        ));
        for (index, slice) in network.plan.slices.iter().take(network.nodes.len()).enumerate() {
            let label = settings.lie(index).map_or("", told);
            let (name, days) = (&slice.name, slice.train.count());
            self.line(&format!("node {index}    its own data: {name}, {days} days{label}"));
        }
        self.line(&format!(
            "model     {}, {} parameters",
            settings.model,
            network.job.model().count()
        ));
    }

    /// Says where the explorer is; printed last, again on the moving line and at the end.
    pub(crate) fn explorer(&self, address: &str) {
        address.clone_into(&mut self.explorer.lock().unwrap_or_else(PoisonError::into_inner));
        self.line(&format!("explorer  {address}"));
        self.now("the first round is on its way");
    }

    /// Prints the one object.
    pub(crate) fn json(&self, summary: &summary::Summary) -> anyhow::Result<()> {
        let text =
            serde_json::to_string_pretty(summary).context("a summary that cannot be JSON")?;
        self.bar.suspend(|| println!("{text}"));
        Ok(())
    }

    /// Says what was kept, and where the explorer was.
    pub(crate) fn close(&self, layout: &Layout) {
        self.bar.finish_and_clear();
        if !layout.settings().exists() {
            return;
        }
        let kept = layout.root().display();
        self.line(&format!(
            "kept      {kept} (chain, keys, data, updates); the same command goes on there"
        ));
        let explorer = self.explorer.lock().unwrap_or_else(PoisonError::into_inner);
        if !explorer.is_empty() {
            self.line(&format!("explorer  {explorer} (ended)"));
        }
    }
}

/// What a node that lies for show will do.
fn told(lie: node::Lie) -> &'static str {
    match lie {
        node::Lie::Report => {
            " · lies, for show: its report of round 1 will hide what the model is unsure of"
        }
        node::Lie::Grid => {
            " · lies, for show: its first grid will halve what the perpetual may lose"
        }
        node::Lie::Update => " · lies, for show: it will reveal a poisoned update",
        node::Lie::Pay => " · lies, for show: it will claim all pay for itself",
        node::Lie::Score => " · lies, for show: its first score will pay all to itself",
        node::Lie::Hide => " · attacks, for show: it will stay within the others' spread (ALIE)",
        node::Lie::Copy => " · attacks, for show: it will send again what another sent",
    }
}

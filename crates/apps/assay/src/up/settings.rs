//! The choices of the first start, kept so that a later start on the same directory agrees with
//! them.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::Args;
use crate::layout::{self, FORMAT, Layout};

/// Nodes that `up` starts.
const NODES: usize = 4;
/// Nodes that it starts where two of them attack.
const CROWD: usize = 8;
/// The node that lies about its update, where one does.
const LIAR: usize = 3;
/// The node that lies about the aggregate, where one does.
pub(crate) const CROOK: usize = 2;
/// The node that hides in the spread of the others, where one attacks so.
const HIDER: usize = 6;
/// The node that sends another's update of the round before, where one does.
const COPIER: usize = 7;
/// The node that publishes.
pub(crate) const PUBLISHER: usize = 0;
/// Index of the node that is a provider beside it.
pub(crate) const SECOND: usize = 1;

/// What a directory was started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Format of the directory.
    pub(crate) format: u32,
    /// `har` or `mlp`.
    pub(crate) model: String,
    /// Whether nodes 2 and 3 lie, for show.
    pub(crate) liar: bool,
    /// Whether node 0 lies in its report of round 1, for show.
    #[serde(default)]
    pub(crate) false_report: bool,
    /// Whether the provider's first grid is false.
    pub(crate) false_grid: bool,
    /// Whether there are eight nodes, of which the last two attack.
    pub(crate) attack: bool,
    /// Whether node 2 lies about the score of round 1, for show.
    pub(crate) false_score: bool,
    /// Where the data comes from.
    pub(crate) source: node::Source,
    /// The chain outside, or `None` for the embedded one.
    pub(crate) rpc: Option<String>,
}

/// Only the version, so that a newer directory is recognised whatever else changed.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

impl Settings {
    /// Returns what the arguments ask for.
    pub(crate) fn of(args: &Args) -> anyhow::Result<Settings> {
        let folder = |dir: &PathBuf| {
            std::fs::canonicalize(dir)
                .with_context(|| format!("--data {}: no such folder", dir.display()))
        };
        let source = if args.data.is_empty() {
            node::Source::Wti
        } else {
            node::Source::Folders(args.data.iter().map(folder).collect::<Result<_, _>>()?)
        };
        let liar = !args.no_liar && !args.attack && args.rpc.is_none();
        Ok(Settings {
            format: FORMAT,
            model: args.model.clone(),
            liar,
            false_report: args.false_report,
            false_grid: args.false_grid,
            attack: args.attack,
            false_score: args.false_score,
            source,
            rpc: args.rpc.clone(),
        })
    }

    /// Returns how many nodes are started.
    pub(crate) fn nodes(&self) -> usize {
        if self.attack { CROWD } else { NODES }
    }

    /// Whether one node lies about what is claimed in turns.
    pub(crate) fn has_crook(&self) -> bool {
        self.liar || self.false_score
    }

    /// Returns what a node lies about, for show.
    pub(crate) fn lie(&self, index: usize) -> Option<node::Lie> {
        match index {
            PUBLISHER if self.false_report => Some(node::Lie::Report),
            PUBLISHER if self.false_grid => Some(node::Lie::Grid),
            LIAR if self.liar => Some(node::Lie::Update),
            CROOK if self.liar => Some(node::Lie::Pay),
            CROOK if self.false_score => Some(node::Lie::Score),
            HIDER if self.attack => Some(node::Lie::Hide),
            COPIER if self.attack => Some(node::Lie::Copy),
            _ => None,
        }
    }

    /// Checks the settings of a later start against those of the first one.
    pub(crate) fn agree(self, layout: &Layout) -> anyhow::Result<Settings> {
        let path = layout.settings();
        if let Some(versioned) = layout::read_json::<Versioned>(&path)?
            && versioned.format > FORMAT
        {
            anyhow::bail!(
                "{} was written by a newer assay (format {}, this one knows {FORMAT}); \
                 use that version, or another --dir",
                layout.root().display(),
                versioned.format
            );
        }
        match layout::read_json::<Settings>(&path)? {
            None => Ok(self),
            Some(kept) if kept == self => Ok(kept),
            Some(kept) => anyhow::bail!(
                "{} was started with {}; start it so again, choose another --dir, or remove it",
                layout.root().display(),
                kept.describe()
            ),
        }
    }

    /// Keeps the settings; done once they are known to work, so that a choice that was refused
    /// binds nobody.
    pub(crate) fn keep(&self, layout: &Layout) -> anyhow::Result<()> {
        layout::replace_json(&layout.settings(), self)
    }

    fn describe(&self) -> String {
        let data = match &self.source {
            node::Source::Wti => String::new(),
            node::Source::Folders(folders) => {
                folders.iter().map(|folder| format!(" --data {}", folder.display())).collect()
            }
        };
        let chain = self.rpc.as_ref().map_or_else(String::new, |url| format!(" --rpc {url}"));
        let quiet = self.liar || self.attack || self.rpc.is_some();
        let liar = if quiet { "" } else { " --no-liar" };
        let attack = if self.attack { " --attack" } else { "" };
        let score = if self.false_score { " --false-score" } else { "" };
        let report = if self.false_report { " --false-report" } else { "" };
        let grid = if self.false_grid { " --false-grid" } else { "" };
        format!("--model {}{data}{liar}{attack}{score}{report}{grid}{chain}", self.model)
    }
}

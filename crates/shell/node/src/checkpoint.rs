//! The state that a node which comes late begins with: fetched from several nodes at once.
//!
//! What the state is, the chain says: the roots of the parameters and of the cumulative pay of the
//! round that runs or was settled last, and of what that one started from, which its report is
//! computed from. A node whose directory lacks them fetches them before it is asked to train, says
//! so in its log, and leaves how it went in `checkpoint.json`, which `assay node status` shows.
//!
//! Invariant: nothing in the file is believed by a node; what it has of the state is its tensors.
//! Absent: older rounds, which nobody needs to go on; updates, which are fetched with their round.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use net::swarm::Progress;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    NodeError,
    gather::{Gather, Want},
};

/// How often the fetch is begun again when nobody has what is missing.
const ATTEMPTS: usize = 10;

/// Where a fetch of the state stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Under way.
    Fetching,
    /// Everything is here and checked.
    Complete,
    /// Nobody who answers has what is missing; it is asked for again when it is needed.
    Missing,
}

/// How a node came by its state, as its directory keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The round whose state it is.
    pub round: u64,
    /// Where it stands.
    pub stage: Stage,
    /// Pieces in all.
    pub pieces: usize,
    /// Pieces that are here, each checked.
    pub here: usize,
    /// Of them, pieces that were on disk from before.
    pub found: usize,
    /// Length of all of it, bytes.
    pub size: u64,
    /// How many pieces each provider gave, by its peer key.
    pub given: BTreeMap<String, usize>,
    /// Providers that sent what is wrong, and what.
    pub blamed: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Reads what a node left in its directory; nothing where it never had to fetch.
    pub fn read(dir: &Path) -> Option<Checkpoint> {
        serde_json::from_slice(&fs::read(at(dir)).ok()?).ok()
    }

    fn of(round: u64, stage: Stage, progress: &Progress) -> Checkpoint {
        let name = |peer: &net::PeerId| hex::encode(peer);
        Checkpoint {
            round,
            stage,
            pieces: progress.pieces,
            here: progress.here,
            found: progress.found,
            size: progress.size,
            given: progress.given.iter().map(|(peer, n)| (name(peer), *n)).collect(),
            blamed: progress
                .blamed
                .iter()
                .map(|(peer, what)| (name(peer), (*what).to_owned()))
                .collect(),
        }
    }

    /// Replaces the file. It is only shown, so a disk that refuses is a line in the log.
    fn write(&self, dir: &Path) {
        let beside = at(dir).with_extension("new");
        let written = serde_json::to_vec_pretty(self)
            .map_err(std::io::Error::other)
            .and_then(|bytes| fs::write(&beside, bytes))
            .and_then(|()| fs::rename(&beside, at(dir)));
        if let Err(error) = written {
            tracing::warn!(%error, "how the checkpoint came cannot be written down");
        }
    }

    /// Tells it to the log.
    fn log(&self) {
        let Checkpoint { round, pieces, here, size, .. } = *self;
        let (providers, blamed) = (self.given.len(), self.blamed.len());
        match self.stage {
            Stage::Fetching => tracing::info!(
                round,
                here,
                pieces,
                size,
                providers,
                blamed,
                "fetching the checkpoint"
            ),
            Stage::Complete => tracing::info!(
                round,
                pieces,
                size,
                providers,
                blamed,
                "the checkpoint is here, every piece checked"
            ),
            Stage::Missing => tracing::warn!(
                round,
                here,
                pieces,
                providers,
                blamed,
                "nobody has the rest of the checkpoint"
            ),
        }
    }
}

fn at(dir: &Path) -> PathBuf {
    dir.join("checkpoint.json")
}

/// Fetches what is missing of the state of a round, if anything is.
///
/// # Errors
///
/// [`NodeError`] if the disk refuses, or after some attempts nobody has what is missing.
pub(crate) async fn fetch(
    gather: Gather,
    dir: PathBuf,
    round: u64,
    wants: Vec<Want>,
) -> Result<(), NodeError> {
    let missing = wants.iter().any(|want| gather.tensors.get(want.root).is_err());
    if !missing {
        return Ok(());
    }
    let mut attempt = 0;
    loop {
        attempt += 1;
        let (told, progress) = watch::channel(Progress::default());
        let following = tokio::spawn(follow(progress.clone(), dir.clone(), round));
        let result = gather.run(&wants, told).await;
        // The sender is gone, so this ends.
        let _ = following.await;
        let stage = if result.is_ok() { Stage::Complete } else { Stage::Missing };
        let checkpoint = Checkpoint::of(round, stage, &progress.borrow());
        checkpoint.log();
        checkpoint.write(&dir);
        match result {
            Err(NodeError::Fetch(net::swarm::FetchError::Standstill { .. }))
                if attempt < ATTEMPTS =>
            {
                tokio::time::sleep(PAUSE).await;
            }
            ended => return ended,
        }
    }
}

/// How long until it is begun again.
const PAUSE: Duration = Duration::from_millis(500);

/// Writes down every tenth of the way.
async fn follow(mut progress: watch::Receiver<Progress>, dir: PathBuf, round: u64) {
    let mut tenth = None;
    while progress.changed().await.is_ok() {
        let now = progress.borrow_and_update().clone();
        let reached = 10 * now.here / now.pieces.max(1);
        if now.here < now.pieces && tenth.is_none_or(|tenth| tenth < reached) {
            tenth = Some(reached);
            let checkpoint = Checkpoint::of(round, Stage::Fetching, &now);
            checkpoint.log();
            checkpoint.write(&dir);
        }
    }
}

#[cfg(test)]
mod tests;

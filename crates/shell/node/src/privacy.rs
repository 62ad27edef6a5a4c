//! A node's own differential privacy: its update is clipped and blurred before anything of it
//! leaves, what that has told so far is kept, and nothing is trained beyond the budget.
//!
//! What is hidden is whether the node's data were there at all: without them the update would be
//! zero, so its length, at most `clip`, is what they can change. Whoever sees all updates, and
//! knows everything else, is bound by (epsilon, delta).
//!
//! Invariant: a release is written down before it can leave the process; doing a round again after
//! a crash draws the same noise, and is no second release.
//!
//! Absent: noise on a grid. Doubles are added and then rounded to the update's grid of integers,
//! which hides their last bits but is no proof.

use std::path::{Path, PathBuf};

use alloy::primitives::{B256, keccak256};
use learn::Mechanism;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use crate::NodeError;

/// Under what name a node's directory has what was told.
const LEDGER: &str = "privacy.json";

/// What a node lets its updates tell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Privacy {
    /// Greatest length of an update; longer ones are shortened to it.
    pub clip: f64,
    /// Deviation of the noise on each coordinate, in lengths of `clip`.
    pub noise: f64,
    /// Probability outside the bound.
    pub delta: f64,
    /// Greatest epsilon of all releases together.
    pub budget: f64,
}

impl Privacy {
    /// Returns what so many releases tell.
    #[must_use]
    pub fn epsilon(&self, releases: u64) -> f64 {
        Mechanism { noise: self.noise, rate: 1.0 }.epsilon(releases, self.delta)
    }
}

/// What was told so far, as the node's directory has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Updates that were blurred for a round of their own.
    pub releases: u64,
    /// The last of these rounds.
    pub round: u64,
}

impl Ledger {
    /// Reads a directory's ledger; empty before the first release.
    ///
    /// # Errors
    ///
    /// [`NodeError::Ledger`] if the file is there and cannot be read: what was told is then not
    /// known, and nothing more may be.
    pub fn read(dir: &Path) -> Result<Ledger, NodeError> {
        let path = dir.join(LEDGER);
        let failed = |reason: String| NodeError::Ledger { path: path.clone(), reason };
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Ledger::default()),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    fn write(self, dir: &Path) -> Result<(), NodeError> {
        let path = dir.join(LEDGER);
        let failed = |error: std::io::Error| NodeError::Ledger {
            path: path.clone(),
            reason: error.to_string(),
        };
        let beside = path.with_extension("new");
        let bytes = serde_json::to_vec(&self).map_err(NodeError::absent)?;
        let mut file = std::fs::File::create(&beside).map_err(failed)?;
        std::io::Write::write_all(&mut file, &bytes).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&beside, &path).map_err(failed)?;
        let dir = std::fs::File::open(dir).map_err(failed)?;
        dir.sync_all().map_err(failed)
    }
}

/// Blurs a node's updates and counts them.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    dir: PathBuf,
    privacy: Privacy,
    secret: B256,
}

impl Guard {
    pub(crate) fn new(dir: &Path, privacy: Privacy, secret: B256) -> Guard {
        Guard { dir: dir.to_path_buf(), privacy, secret }
    }

    /// Writes down that a round's update will leave, or refuses.
    ///
    /// # Errors
    ///
    /// [`NodeError::Spent`] where it would tell more than the budget, [`NodeError::Ledger`].
    pub(crate) fn spend(&self, round: u64) -> Result<(), NodeError> {
        let before = Ledger::read(&self.dir)?;
        if before.releases > 0 && round <= before.round {
            return Ok(());
        }
        let after = Ledger { releases: before.releases + 1, round };
        let (epsilon, budget) = (self.privacy.epsilon(after.releases), self.privacy.budget);
        if epsilon.is_nan() || epsilon > budget {
            return Err(NodeError::Spent { epsilon, budget, releases: before.releases });
        }
        after.write(&self.dir)
    }

    /// Returns an update shortened to the clip, with a round's noise on every coordinate.
    pub(crate) fn blur(&self, update: &[f32], round: u64) -> Vec<f32> {
        let Privacy { clip, noise, .. } = self.privacy;
        let length = update.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let scale = if length > clip { clip / length } else { 1.0 };
        let seed = keccak256([b"assay/noise/v1", &self.secret[..], &round.to_le_bytes()].concat());
        let mut rng = StdRng::from_seed(seed.0);
        let blurred = |x: &f32| {
            let drawn: f64 = rng.sample(StandardNormal);
            #[expect(clippy::cast_possible_truncation, reason = "noise is far above f32's steps")]
            let sum = (f64::from(*x) * scale + noise * clip * drawn) as f32;
            sum
        };
        update.iter().map(blurred).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVACY: Privacy = Privacy { clip: 0.5, noise: 2.0, delta: 1e-6, budget: 20.0 };

    fn guard(dir: &Path, privacy: Privacy) -> Guard {
        Guard::new(dir, privacy, B256::repeat_byte(3))
    }

    #[test]
    fn the_budget_ends_and_a_round_done_again_costs_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let guard = guard(dir.path(), PRIVACY);
        let allowed = Mechanism { noise: 2.0, rate: 1.0 }.releases(20.0, 1e-6);
        assert!(allowed > 1, "{allowed}");
        for round in 1..=allowed {
            guard.spend(round).expect("within the budget");
            guard.spend(round).expect("the same release");
        }
        let spent = guard.spend(allowed + 1).expect_err("beyond it").to_string();
        assert!(spent.contains("budget of 20"), "{spent}");
        let ledger = Ledger::read(dir.path()).expect("a ledger");
        assert_eq!(ledger, Ledger { releases: allowed, round: allowed });
        std::fs::write(dir.path().join(LEDGER), b"{").expect("spoilt");
        assert!(matches!(guard.spend(allowed), Err(NodeError::Ledger { .. })));
    }

    #[test]
    fn noise_is_as_wide_as_it_says_and_the_same_again() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let guard = guard(dir.path(), PRIVACY);
        let update = vec![1.0; 20_000];
        let blurred = guard.blur(&update, 7);
        assert_eq!(blurred, guard.blur(&update, 7));
        assert_ne!(blurred, guard.blur(&update, 8));
        let signal = 0.5 / 20_000_f64.sqrt();
        let squares = blurred.iter().map(|x| (f64::from(*x) - signal).powi(2));
        let deviation = (squares.sum::<f64>() / 20_000.0).sqrt();
        // Four standard errors of a deviation from 20,000 draws.
        assert!((deviation - 1.0).abs() < 4.0 / 40_000_f64.sqrt(), "{deviation}");
    }

    #[test]
    fn a_short_update_is_not_lengthened() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let quiet = Privacy { noise: 1e-9, ..PRIVACY };
        let blurred = guard(dir.path(), quiet).blur(&[0.1, -0.2, 0.0], 1);
        for (got, meant) in blurred.iter().zip([0.1, -0.2, 0.0]) {
            assert!((got - meant).abs() < 1e-6, "{blurred:?}");
        }
    }
}

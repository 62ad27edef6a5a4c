//! A node's own differential privacy: its update is clipped and blurred before anything of it
//! leaves, what that has told so far is kept, and nothing is trained beyond the budget.
//!
//! What is hidden is whether the node's data were there at all: without them the update would be
//! zero, so its length, at most `clip`, is what they can change. Whoever sees all updates, and
//! knows everything else, is bound by (epsilon, delta).
//!
//! Invariant: a release is written down before it can leave the process. The noise is drawn from
//! the update itself and a secret: the same update done again after a crash is the same release,
//! and another one of the same round has other noise and is counted.
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
    /// Updates that were blurred.
    pub releases: u64,
    /// What the last one was drawn from.
    pub last: B256,
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

    /// Returns a round's update shortened to the clip, with noise on every coordinate, and writes
    /// down that it will leave.
    ///
    /// # Errors
    ///
    /// [`NodeError::Spent`] where it would tell more than the budget, [`NodeError::Ledger`].
    pub(crate) fn release(&self, update: &[f32], round: u64) -> Result<Vec<f32>, NodeError> {
        let mut drawn_from = [b"assay/noise/v1", &self.secret[..], &round.to_le_bytes()].concat();
        update.iter().for_each(|x| drawn_from.extend(x.to_le_bytes()));
        let seed = keccak256(drawn_from);
        self.spend(seed)?;
        Ok(self.blur(update, seed))
    }

    /// Counts a release, unless it is the last one done again. What is kept is the hash of the
    /// seed, which tells nobody the noise.
    fn spend(&self, seed: B256) -> Result<(), NodeError> {
        let before = Ledger::read(&self.dir)?;
        let last = keccak256(seed);
        if before.releases > 0 && last == before.last {
            return Ok(());
        }
        let after = Ledger { releases: before.releases + 1, last };
        let (epsilon, budget) = (self.privacy.epsilon(after.releases), self.privacy.budget);
        if epsilon.is_nan() || epsilon > budget {
            return Err(NodeError::Spent { epsilon, budget, releases: before.releases });
        }
        after.write(&self.dir)
    }

    fn blur(&self, update: &[f32], seed: B256) -> Vec<f32> {
        let Privacy { clip, noise, .. } = self.privacy;
        let length = update.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let scale = if length > clip { clip / length } else { 1.0 };
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
            let first = guard.release(&[0.1], round).expect("within the budget");
            assert_eq!(first, guard.release(&[0.1], round).expect("the same release"));
        }
        let spent = guard.release(&[0.1], allowed + 1).expect_err("beyond it").to_string();
        assert!(spent.contains("budget of 20"), "{spent}");
        assert_eq!(Ledger::read(dir.path()).expect("a ledger").releases, allowed);
        std::fs::write(dir.path().join(LEDGER), b"{").expect("spoilt");
        let unknown = guard.release(&[0.1], allowed);
        assert!(matches!(unknown, Err(NodeError::Ledger { .. })));
    }

    #[test]
    fn another_update_of_a_round_has_other_noise_and_is_counted() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let guard = guard(dir.path(), PRIVACY);
        let noise = |x: f32| guard.release(&[x], 3).expect("within the budget")[0] - x;
        let (one, other) = (noise(0.1), noise(0.2));
        assert!((one - other).abs() > 1e-6, "{one} {other}");
        assert_eq!(Ledger::read(dir.path()).expect("a ledger").releases, 2);
    }

    #[test]
    fn noise_is_as_wide_as_it_says() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let guard = guard(dir.path(), PRIVACY);
        let update = vec![1.0; 20_000];
        let blurred = guard.release(&update, 7).expect("within the budget");
        assert_ne!(blurred, guard.release(&update, 8).expect("within the budget"));
        let signal = 0.5 / 20_000_f64.sqrt();
        let squares = blurred.iter().map(|x| (f64::from(*x) - signal).powi(2));
        let deviation = (squares.sum::<f64>() / 20_000.0).sqrt();
        // Four standard errors of a deviation from 20,000 draws.
        assert!((deviation - 1.0).abs() < 4.0 / 40_000_f64.sqrt(), "{deviation}");
    }

    #[test]
    fn a_short_update_is_not_lengthened() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let quiet = Privacy { noise: 1e-9, budget: f64::INFINITY, ..PRIVACY };
        let blurred = guard(dir.path(), quiet).release(&[0.1, -0.2, 0.0], 1).expect("no budget");
        for (got, meant) in blurred.iter().zip([0.1, -0.2, 0.0]) {
            assert!((got - meant).abs() < 1e-6, "{blurred:?}");
        }
    }
}

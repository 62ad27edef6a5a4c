//! Scores as one file a round: enough to say why a row was paid what it was paid.
//!
//! Deliberately absent: anything that has to be believed; the roots are on the chain.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tensor::{Hash, Tensor};

use super::{Ground, Kept};
use crate::{NodeError, TensorStore};

/// A score as a node computed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The round.
    pub round: u64,
    /// The claim it was compared with, 0 before there was one.
    pub claim: u128,
    /// What the round could pay, gwei.
    pub budget_gwei: u64,
    /// Registry index of each row.
    pub members: Vec<u32>,
    /// List root of the score Program's inputs.
    pub inputs_root: Hash,
    /// Tensor roots of its outputs.
    pub output_roots: Vec<Hash>,
}

impl Verdict {
    /// Keeps the outputs, and returns what they are of.
    pub(super) fn of(
        ground: &Ground,
        kept: Kept<'_>,
        (inputs, outputs): (&[Tensor], &[Tensor]),
    ) -> Result<Verdict, NodeError> {
        for output in outputs {
            kept.0.put(output)?;
        }
        Ok(Verdict {
            round: ground.round,
            claim: ground.claim,
            budget_gwei: ground.budget_gwei,
            members: ground.members(),
            inputs_root: court::opening::list_root(&court::opening::roots(inputs)),
            output_roots: court::opening::roots(outputs),
        })
    }

    /// Returns the list root of the outputs.
    pub fn outputs_root(&self) -> Hash {
        court::opening::list_root(&self.output_roots)
    }

    /// The only chunk of an output by row.
    pub(super) fn chunk(&self, tensors: &TensorStore, output: usize) -> Result<Vec<u8>, NodeError> {
        let absent = || NodeError::absent("a score without its outputs");
        let root = self.output_roots.get(output).ok_or_else(absent)?;
        let mut chunk = tensors.get(*root)?.to_bytes();
        chunk.resize(8 * tensor::tree::CHUNK_ELEMENTS, 0);
        Ok(chunk)
    }

    /// Says of each row why it was paid what it was paid.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if the outputs are not kept, or not those of a score.
    pub fn explain(
        &self,
        tensors: &TensorStore,
    ) -> Result<Vec<round::score::Explanation>, NodeError> {
        let outputs: Result<Vec<Tensor>, _> =
            self.output_roots.iter().map(|root| tensors.get(*root)).collect();
        let explained = round::score::explain(&self.members, &outputs?);
        explained.ok_or_else(|| NodeError::absent("outputs of no score"))
    }
}

/// The directory of scores.
#[derive(Clone, Debug)]
pub struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    /// Opens the scores of a node's directory, making it if need be.
    ///
    /// # Errors
    ///
    /// What the operating system said.
    pub fn open(node: &Path) -> std::io::Result<Shelf> {
        let dir = node.join("scores");
        fs::create_dir_all(&dir)?;
        Ok(Shelf { dir })
    }

    /// Writes a score durably, in place of an earlier one of that round.
    pub(super) fn put(&self, verdict: &Verdict) -> std::io::Result<()> {
        let path = self.path(verdict.round);
        let beside = path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(verdict)?)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(&self.dir)?.sync_all()
    }

    /// Returns a round's score, or `None` where there is none that can be read.
    pub fn get(&self, round: u64) -> Option<Verdict> {
        let bytes = fs::read(self.path(round)).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|verdict: &Verdict| verdict.round == round)
    }

    fn path(&self, round: u64) -> PathBuf {
        self.dir.join(format!("{round}.json"))
    }
}

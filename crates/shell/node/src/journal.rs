//! What a node did in each round, as one file a round: enough to do it again.
//!
//! `assay replay` reads these, checks every root against the chain, and runs the aggregation anew;
//! the publisher finds here who was accepted after a crash. A file is replaced whole.
//!
//! Deliberately absent: anything that has to be believed. A wrong file makes a replay fail, never
//! succeed.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use round::machine::Member;
use serde::{Deserialize, Serialize};
use tensor::Hash;

/// One round as a node aggregated it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Number of the round.
    pub round: u64,
    /// Root of the params before.
    pub model_root: Hash,
    /// Root of the cumulative pay before.
    pub cumulative_root: Hash,
    /// Pay of the round, gwei.
    pub budget_gwei: u64,
    /// The rows.
    pub members: Vec<Row>,
    /// Hash of the aggregation Program.
    pub program: Hash,
    /// List root of its inputs.
    pub inputs_root: Hash,
    /// Tensor roots of its outputs.
    pub output_roots: [Hash; 4],
}

/// One row of a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Registry index.
    pub node: u32,
    /// Tensor root of the update.
    pub update_root: Hash,
    /// BLAKE3 of its bytes.
    pub blob: Hash,
}

impl From<&Member> for Row {
    fn from(member: &Member) -> Row {
        Row { node: member.index, update_root: member.update_root, blob: member.blob }
    }
}

impl Row {
    /// Returns the row as the machine has it.
    pub fn member(&self) -> Member {
        let Row { node, update_root, blob } = *self;
        Member { index: node, update_root, blob }
    }
}

/// The directory of entries.
#[derive(Clone, Debug)]
pub struct Journal {
    dir: PathBuf,
}

impl Journal {
    /// Opens the journal of a node's directory, making it if need be.
    ///
    /// # Errors
    ///
    /// What the operating system said.
    pub fn open(node: &Path) -> std::io::Result<Journal> {
        let dir = node.join("rounds");
        fs::create_dir_all(&dir)?;
        Ok(Journal { dir })
    }

    /// Writes an entry durably.
    ///
    /// # Errors
    ///
    /// What the operating system said.
    pub fn put(&self, entry: &Entry) -> std::io::Result<()> {
        let path = self.path(entry.round);
        let beside = path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(entry)?)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(&self.dir)?.sync_all()
    }

    /// Returns a round's entry, or `None` when there is none that can be read.
    pub fn get(&self, round: u64) -> Option<Entry> {
        let bytes = fs::read(self.path(round)).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|entry: &Entry| entry.round == round)
    }

    fn path(&self, round: u64) -> PathBuf {
        self.dir.join(format!("{round}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_damaged_ones_do_not() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let journal = Journal::open(dir.path()).expect("opened");
        let entry = Entry {
            round: 3,
            model_root: Hash([1; 32]),
            cumulative_root: Hash([2; 32]),
            budget_gwei: 7,
            members: vec![Row { node: 1, update_root: Hash([3; 32]), blob: Hash([4; 32]) }],
            program: Hash([5; 32]),
            inputs_root: Hash([6; 32]),
            output_roots: [Hash([7; 32]); 4],
        };
        journal.put(&entry).expect("written");
        assert_eq!(journal.get(3), Some(entry.clone()));
        assert_eq!(entry.members[0].member().index, 1);
        assert_eq!(journal.get(4), None);
        fs::write(dir.path().join("rounds/3.json"), b"{").expect("spoilt");
        assert_eq!(journal.get(3), None);
    }
}

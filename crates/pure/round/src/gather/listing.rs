//! A list with all its entries: what a gatherer makes, a holder checks, and everybody opens.

use std::collections::BTreeMap;

use tensor::{Hash, tree};

use super::{
    Draft, Enrolment, Entry, Forced, INPUTS, Kind, Signature, Tail,
    append::crown,
    entry::{Place, leaf, place},
    roster::chunk_leaves,
};

/// Bytes of an entry.
const ENTRY: usize = 128;
/// Bytes of a row in a blob of reveals: its update root.
const ROW: usize = 32;

/// What a node reveals, in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The entry of its commitment, or [`super::FORCED`].
    pub from: u32,
    /// Its update.
    pub update_root: Hash,
    /// What the commitment was salted with.
    pub salt: Hash,
    /// BLAKE3 of the update's bytes.
    pub blob: Hash,
}

/// A list with all that its roots are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its entries' words.
    pub entries: Vec<[Hash; 4]>,
    /// Of reveals: the tensor of members, whole chunks.
    pub members: Vec<u8>,
    /// Of reveals: all inputs of the aggregation.
    pub inputs: Vec<Hash>,
}

impl Listing {
    /// Returns the list of these commitments by registry index, each with its signature.
    #[must_use]
    pub fn commitments(enrolment: &Enrolment, signed: &BTreeMap<u32, (Hash, Signature)>) -> Self {
        let words = signed.iter().map(|(node, (commitment, signature))| {
            let (r, vs) = signature.split_at(32);
            let half = |bytes: &[u8]| Hash(bytes.try_into().expect("half of a signature"));
            (*node, [Hash::ZERO, *commitment, half(r), half(vs)], 0)
        });
        let (entries, _) = placed(enrolment, words);
        Self { entries, members: Vec::new(), inputs: Vec::new() }
    }

    /// Returns the list of these reveals by registry index.
    #[must_use]
    pub fn reveals(enrolment: &Enrolment, opened: &BTreeMap<u32, Opened>) -> Self {
        let words = opened.iter().map(|(node, one)| {
            (*node, [Hash::ZERO, one.update_root, one.salt, one.blob], one.from)
        });
        let (entries, rows) = placed(enrolment, words);
        let mut members: Vec<u8> = rows.iter().flat_map(|(node, _)| node.to_le_bytes()).collect();
        members.resize(members.len().next_multiple_of(ENTRY), 0);
        let head = enrolment.head(tree::root(&chunk_leaves(&members)));
        let inputs = head.into_iter().chain(rows.into_iter().map(|(_, root)| root)).collect();
        Self { entries, members, inputs }
    }

    /// Returns what is posted of it.
    ///
    /// # Panics
    ///
    /// If it has no entry.
    #[must_use]
    pub fn draft(&self, enrolment: &Enrolment) -> Draft {
        let last = Place::of(self.entries.last().expect("a list has an entry"));
        let end = last.before.saturating_add(enrolment.rows_of(last.node));
        let rows = self.inputs.len().checked_sub(usize::try_from(INPUTS).expect("it is four"));
        let count = |count: usize| u32::try_from(count).expect("fewer than registry indices");
        Draft {
            root: tree::root(&self.leaves()),
            entries: count(self.entries.len()),
            rows: rows.map_or(end, count),
            blob: Hash(*blake3::hash(&self.bytes()).as_bytes()),
            members_root: self.inputs.get(3).copied().unwrap_or_default(),
            crown: if self.inputs.is_empty() { Vec::new() } else { crown(&self.inputs) },
        }
    }

    /// Returns its blob: the entries; of reveals also the members' chunks and the update root of
    /// each row.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let entries = self.entries.iter().flatten().flat_map(|word| word.0);
        let rows = self.inputs.iter().skip(4).flat_map(|root| root.0);
        entries.chain(self.members.iter().copied()).chain(rows).collect()
    }

    /// Reads a blob back; `None` where it is not what the draft states. What a holder signs for,
    /// once it has found no [`super::lie`] in it.
    #[must_use]
    pub fn read(enrolment: &Enrolment, kind: Kind, draft: &Draft, bytes: &[u8]) -> Option<Self> {
        let (entries, rows) =
            (usize::try_from(draft.entries).ok()?, usize::try_from(draft.rows).ok()?);
        if Hash(*blake3::hash(bytes).as_bytes()) != draft.blob || entries == 0 {
            return None;
        }
        let (words, rest) = bytes.split_at_checked(entries.checked_mul(ENTRY)?)?;
        let word = |bytes: &[u8]| Hash(bytes.try_into().expect("32 bytes"));
        let entries = words
            .chunks(ENTRY)
            .map(|entry| [0, 32, 64, 96].map(|at| word(&entry[at..at + 32])))
            .collect();
        let mut list = Self { entries, members: Vec::new(), inputs: Vec::new() };
        if kind == Kind::Reveals {
            let chunks = rows.checked_mul(4)?.checked_next_multiple_of(ENTRY)?;
            let (members, updates) = rest.split_at_checked(chunks)?;
            if updates.len() != rows.checked_mul(ROW)? {
                return None;
            }
            list.members = members.to_vec();
            let head = enrolment.head(tree::root(&chunk_leaves(members)));
            list.inputs = head.into_iter().chain(updates.chunks(ROW).map(word)).collect();
        } else if !rest.is_empty() {
            return None;
        }
        let stated = Draft { rows: draft.rows, ..list.draft(enrolment) };
        (stated == *draft).then_some(list)
    }

    /// Returns an entry with its way up.
    ///
    /// # Panics
    ///
    /// If there is no such entry.
    #[must_use]
    pub fn entry(&self, index: usize) -> Entry {
        Entry {
            index: index as u64,
            words: self.entries[index],
            siblings: tree::siblings(&self.leaves(), index),
        }
    }

    /// Returns where a node's entry stands; the list is ascending.
    #[must_use]
    pub fn index_of(&self, node: u32) -> Option<usize> {
        self.entries.binary_search_by_key(&node, |words| Place::of(words).node).ok()
    }

    /// Returns the neighbours that leave a node out, which the list has to do.
    #[must_use]
    pub fn beside(&self, node: u32) -> Vec<Entry> {
        let above = self.entries.partition_point(|words| Place::of(words).node < node);
        let below = above.checked_sub(1).map(|below| self.entry(below));
        let above = (above < self.entries.len()).then(|| self.entry(above));
        below.into_iter().chain(above).collect()
    }

    /// Returns what adds forced reveals to it.
    ///
    /// # Panics
    ///
    /// If it is no list of reveals.
    #[must_use]
    pub fn tail(&self, forced: &[Forced]) -> Tail {
        let last = self.inputs.len() - 1;
        let chunks = chunk_leaves(&self.members);
        let added = forced.iter().flat_map(|one| (0..one.rows).map(|_| one.update_root));
        let longer: Vec<Hash> = self.inputs.iter().copied().chain(added).collect();
        Tail {
            update: self.inputs[last],
            update_siblings: tree::siblings(&self.inputs, last),
            chunk: self.members[self.members.len() - ENTRY..].to_vec(),
            chunk_siblings: tree::siblings(&chunks, chunks.len() - 1),
            crown: crown(&longer),
        }
    }

    pub(super) fn leaves(&self) -> Vec<Hash> {
        self.entries.iter().map(leaf).collect()
    }
}

/// Rows as the aggregation has them.
type Rows = Vec<(u32, Hash)>;

/// Entries with their places, and the rows that they are.
fn placed(
    enrolment: &Enrolment,
    entries: impl Iterator<Item = (u32, [Hash; 4], u32)>,
) -> (Vec<[Hash; 4]>, Rows) {
    let mut rows = Rows::new();
    let placed = entries.map(|(node, mut words, from)| {
        let before = u32::try_from(rows.len()).expect("fewer than registry indices");
        words[0] = place(node, before, from);
        rows.extend((0..enrolment.rows_of(node)).map(|_| (node, words[1])));
        words
    });
    (placed.collect(), rows)
}

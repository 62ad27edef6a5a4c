//! Whose rows are aggregated: the mirror of `Roster` and of the library `Members`.

use tensor::{Hash, tree};

use super::{
    Event, Gathering, INPUTS, Kind, List, Refusal, Stage, append::append, entry::climb,
    lists::headed,
};
use crate::chain::Block;

const CHUNK: usize = 128;
const CHUNK_ELEMENTS: u64 = 32;

/// A reveal that was forced in: `IRoster.Forced`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forced {
    /// Registry index.
    pub node: u32,
    /// How many rows it has.
    pub rows: u32,
    /// Its update.
    pub update_root: Hash,
}

/// The end of the reveals' list, to which forced ones are added: `IRoster.Tail`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The last input, an update root.
    pub update: Hash,
    /// Its way up.
    pub update_siblings: Vec<Hash>,
    /// The last chunk of the members.
    pub chunk: Vec<u8>,
    /// Its way up.
    pub chunk_siblings: Vec<Hash>,
    /// Way up of the first four inputs, once the forced ones are added.
    pub crown: Vec<Hash>,
}

/// The inputs of the aggregation, as far as a contract knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Rows, 0 until sealed.
    pub rows: u32,
    /// List root of all inputs.
    pub root: Hash,
}

impl Gathering {
    pub(super) fn seal(
        &mut self,
        now: Block,
        forced: &[Forced],
        tail: &Tail,
    ) -> Result<Event, Refusal> {
        let round = self.enrolment.round;
        if self.stage(now, Kind::Reveals) != Stage::Over {
            return Err(Refusal::TooEarly { round });
        }
        if self.inputs.rows > 0 {
            return Err(Refusal::AlreadySealed { round });
        }
        let (expected, got) = (chain(&self.forced), chain(forced));
        if got != expected {
            return Err(Refusal::Mismatch { expected, got });
        }
        let list = self.taken_list(Kind::Reveals);
        let more: u32 = forced.iter().map(|forced| forced.rows).sum();
        let rows = list.rows + more;
        if rows == 0 {
            return Err(Refusal::NothingToSeal { round });
        }
        let (mut members_root, mut root) = (list.members_root, list.inputs_root);
        if more > 0 {
            members_root = append_members(&list, forced, tail)?;
            root = self.append_inputs(&list, forced, tail, members_root)?;
        }
        self.inputs = Inputs { rows, root };
        Ok(Event::Sealed { rows, members_root, inputs_root: root })
    }

    fn append_inputs(
        &self,
        list: &List,
        forced: &[Forced],
        tail: &Tail,
        members_root: Hash,
    ) -> Result<Hash, Refusal> {
        let head = self.enrolment.head(members_root);
        let leaves = INPUTS + u64::from(list.rows);
        let added = forced.iter().flat_map(|one| (0..one.rows).map(|_| one.update_root));
        if list.rows == 0 {
            return Ok(tree::root(&head.into_iter().chain(added).collect::<Vec<_>>()));
        }
        climb(tail.update, (leaves - 1, leaves), &tail.update_siblings, list.inputs_root)?;
        let updates: Vec<Hash> = [tail.update].into_iter().chain(added).collect();
        let all = leaves + updates.len() as u64 - 1;
        let leaves = usize::try_from(leaves).expect("rows fit a u32");
        let expected = append(leaves, &tail.update_siblings, &updates)
            .expect("the way up was followed already");
        let got = headed(&self.enrolment.head(list.members_root), all, &tail.crown)?;
        if got != expected {
            return Err(Refusal::Mismatch { expected, got });
        }
        headed(&head, all, &tail.crown)
    }
}

/// What commits to forced reveals in their order.
fn chain(forced: &[Forced]) -> Hash {
    let word = |number: u32| {
        let mut word = [0; 32];
        word[28..].copy_from_slice(&number.to_be_bytes());
        word
    };
    forced.iter().fold(Hash::ZERO, |before, one| {
        Hash::of(&[&before.0, &word(one.node), &word(one.rows), &one.update_root.0])
    })
}

/// The element of a row, which may be one of the zeros after the last.
pub(super) fn member(
    list: &List,
    row: u64,
    chunk: &[u8],
    siblings: &[Hash],
) -> Result<u32, Refusal> {
    check_chunk(chunk)?;
    let place = (row / CHUNK_ELEMENTS, u64::from(list.rows).div_ceil(CHUNK_ELEMENTS));
    climb(tree::leaf(chunk), place, siblings, list.members_root)?;
    let at = usize::try_from(4 * (row % CHUNK_ELEMENTS)).expect("within a chunk");
    Ok(u32::from_le_bytes(chunk[at..at + 4].try_into().expect("four bytes")))
}

fn check_chunk(chunk: &[u8]) -> Result<(), Refusal> {
    if chunk.len() == CHUNK {
        Ok(())
    } else {
        Err(Refusal::ChunkLength { got: chunk.len(), expected: CHUNK })
    }
}

/// The tensor root of the members with those of forced reveals after the list's.
fn append_members(list: &List, forced: &[Forced], tail: &Tail) -> Result<Hash, Refusal> {
    let chunks = u64::from(list.rows).div_ceil(CHUNK_ELEMENTS);
    let mut bytes = Vec::new();
    if chunks > 0 {
        check_chunk(&tail.chunk)?;
        let place = (chunks - 1, chunks);
        climb(tree::leaf(&tail.chunk), place, &tail.chunk_siblings, list.members_root)?;
        let kept = u64::from(list.rows) - CHUNK_ELEMENTS * (chunks - 1);
        bytes.extend(&tail.chunk[..usize::try_from(4 * kept).expect("a chunk at most")]);
    }
    for one in forced {
        (0..one.rows).for_each(|_| bytes.extend(one.node.to_le_bytes()));
    }
    // What a chunk has after its rows stays, as the contract leaves it.
    let rest = tail.chunk.get(bytes.len()..).filter(|_| chunks > 0);
    bytes.extend(rest.unwrap_or_default());
    let leaves = chunk_leaves(&bytes);
    if chunks == 0 {
        return Ok(tree::root(&leaves));
    }
    let chunks = usize::try_from(chunks).expect("rows fit a u32");
    Ok(append(chunks, &tail.chunk_siblings, &leaves).expect("the way up was followed already"))
}

/// Leaves of a tensor of four-byte elements, the last chunk filled up with zeros.
pub(super) fn chunk_leaves(bytes: &[u8]) -> Vec<Hash> {
    let whole = |chunk: &[u8]| {
        let mut whole = [0; CHUNK];
        whole[..chunk.len()].copy_from_slice(chunk);
        tree::leaf(&whole)
    };
    bytes.chunks(CHUNK).map(whole).collect()
}

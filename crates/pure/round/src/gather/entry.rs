//! One entry of a list, and what is signed about entries and lists.

use court::Address;
use tensor::{Hash, tree};

use super::{Draft, Enrolment, Kind, List, Refusal};

/// A signature as EIP-2098 has it: r, then s with the parity of y in its highest bit.
pub type Signature = [u8; 64];

/// In place of a commitment's entry: the commitment was forced and stands in no list.
pub const FORCED: u32 = u32::MAX;

/// One entry with its way up: `IGathering.Entry`.
///
/// Its words are, of commitments: place, commitment, signature (two); of reveals: place, update
/// root, salt, blob.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Which of the list.
    pub index: u64,
    /// Its 128 bytes.
    pub words: [Hash; 4],
    /// Its way up to the list's root.
    pub siblings: Vec<Hash>,
}

/// Where an entry says it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) node: u32,
    pub(super) before: u32,
    pub(super) from: u32,
}

impl Place {
    /// Reads the first word of an entry; its other bits mean nothing.
    pub(super) fn of(words: &[Hash; 4]) -> Self {
        let part = |last: usize| {
            let bytes = &words[0].0[28 - 4 * last..32 - 4 * last];
            u32::from_be_bytes(bytes.try_into().expect("four bytes"))
        };
        Self { node: part(0), before: part(1), from: part(2) }
    }
}

/// Returns an entry's first word.
#[must_use]
pub fn place(node: u32, before: u32, from: u32) -> Hash {
    let mut word = Hash::ZERO;
    word.0[28..].copy_from_slice(&node.to_be_bytes());
    word.0[24..28].copy_from_slice(&before.to_be_bytes());
    word.0[20..24].copy_from_slice(&from.to_be_bytes());
    word
}

/// Returns the leaf of an entry.
pub(super) fn leaf(words: &[Hash; 4]) -> Hash {
    Hash::of(&[&[0], &words[0].0, &words[1].0, &words[2].0, &words[3].0])
}

impl Entry {
    /// Opens it against a list.
    pub(super) fn open(&self, list: &List) -> Result<Place, Refusal> {
        let place = (self.index, u64::from(list.entries));
        climb(leaf(&self.words), place, &self.siblings, list.root)?;
        Ok(Place::of(&self.words))
    }
}

/// Whether an entry's first word has bits where the kind has nothing.
pub(super) fn is_stray(words: &[Hash; 4], kind: Kind) -> bool {
    let kept = if kind == Kind::Commitments { 8 } else { 12 };
    words[0].0[..32 - kept].iter().any(|byte| *byte != 0)
}

/// The signature of a commitment.
pub(super) fn signature(words: &[Hash; 4]) -> Signature {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&words[2].0);
    signature[32..].copy_from_slice(&words[3].0);
    signature
}

/// Climbs as `Tree.climb` does, and compares.
pub(super) fn climb(
    leaf: Hash,
    place: (u64, u64),
    siblings: &[Hash],
    expected: Hash,
) -> Result<(), Refusal> {
    let (index, leaves) = place;
    if index >= leaves {
        return Err(Refusal::LeafOutOfRange { index, leaves });
    }
    let got =
        tree::climb(leaf, place, siblings).ok_or_else(|| sibling_count(place, siblings, 0))?;
    if got == expected { Ok(()) } else { Err(Refusal::Mismatch { expected, got }) }
}

/// What the contract says of a way up with another number of siblings: how many are there, and how
/// many there had to be up to the level at which it noticed. The first `skipped` are not counted.
pub(super) fn sibling_count(place: (u64, u64), siblings: &[Hash], skipped: u64) -> Refusal {
    let (mut index, mut width) = place;
    let (arity, quad) = (tree::ARITY as u64, tree::QUAD as u64);
    let got = siblings.len();
    let mut needed = 0;
    while width > 1 && needed <= got as u64 + skipped {
        let spot = index % arity;
        let present = (width - (index - spot)).min(arity);
        let beside = (present - (spot - spot % quad)).min(quad) - 1;
        needed += beside + present.div_ceil(quad) - 1;
        (index, width) = (index / arity, width.div_ceil(arity));
    }
    let expected = usize::try_from(needed - skipped).expect("few levels");
    Refusal::SiblingCount { got, expected }
}

/// Requires that a list leaves a node out.
pub(super) fn require_left_out(node: u32, beside: &[Entry], list: &List) -> Result<(), Refusal> {
    let out = match beside {
        [end] => {
            let shown = end.open(list)?.node;
            let first = end.index == 0 && node < shown;
            first || (end.index + 1 == u64::from(list.entries) && node > shown)
        }
        [below, above] if below.index + 1 == above.index => {
            below.open(list)?.node < node && node < above.open(list)?.node
        }
        _ => false,
    };
    if out { Ok(()) } else { Err(Refusal::NotLeftOut { node }) }
}

fn word(number: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&number.to_be_bytes());
    word
}

fn account(address: Address) -> [u8; 32] {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&address.0);
    word
}

fn head(text: &str, enrolment: &Enrolment) -> [[u8; 32]; 4] {
    let chain = word(enrolment.domain.chain_id);
    [Hash::of(&[text.as_bytes()]).0, chain, account(enrolment.gathering), word(enrolment.round)]
}

fn hash(words: &[[u8; 32]]) -> Hash {
    Hash::of(&words.iter().map(|word| &word[..]).collect::<Vec<_>>())
}

/// Returns what a trainer signs: that this is its commitment in that round.
#[must_use]
pub fn commitment_digest(enrolment: &Enrolment, node: u32, commitment: Hash) -> Hash {
    let [tag, chain, at, round] = head("assay/gathered/v1", enrolment);
    hash(&[tag, chain, at, round, word(u64::from(node)), commitment.0])
}

/// Returns what a holder signs for a list.
#[must_use]
pub fn list_digest(enrolment: &Enrolment, kind: Kind, draft: &Draft) -> Hash {
    let [tag, chain, at, round] = head("assay/list/v1", enrolment);
    let crown: Vec<u8> = draft.crown.iter().flat_map(|hash| hash.0).collect();
    let [entries, rows] = [draft.entries, draft.rows].map(|count| word(u64::from(count)));
    let counted = [word(kind as u64), draft.root.0, entries, rows, draft.blob.0];
    let rest = [draft.members_root.0, Hash::of(&[&crown]).0];
    hash(&[&[tag, chain, at, round][..], &counted, &rest].concat())
}

/// Returns what a holder signs for one update that is forced in.
#[must_use]
pub fn availability_digest(
    enrolment: &Enrolment,
    node: u32,
    update_root: Hash,
    blob: Hash,
) -> Hash {
    let [tag, chain, at, round] = head("assay/available/v1", enrolment);
    hash(&[tag, chain, at, round, word(u64::from(node)), update_root.0, blob.0])
}

/// Returns the seed by which holders are drawn, from the hash of the opening block.
#[must_use]
pub fn holders_seed(
    (chain_id, gathering): (u64, Address),
    round: u64,
    open_block_hash: Hash,
) -> Hash {
    let tag = Hash::of(&[b"assay/seed/holders/v1"]).0;
    hash(&[tag, word(chain_id), account(gathering), word(round), open_block_hash.0])
}

//! Commitments and reveals gathered under one root each: the pure mirror of `Gathering` and
//! `Roster` for one round (docs/protocol.md §10), and both sides' part of it.
//!
//! A gatherer builds a [`Listing`] and posts its [`Draft`]; whoever has the list's bytes looks for
//! a [`lie`] in it, which is one call that strikes it; a node that the list taken leaves out shows
//! its [`beside`](Listing::beside) and forces its own entry. [`Gathering`] is what the contracts
//! make of those calls: the same checks in the same order, the same names of refusals.
//!
//! Invariants: a refused call changes nothing; bonds taken equal bonds held, returned, paid as
//! bounties and burnt; of the rows that are sealed each node has its own, or none.
//!
//! Deliberately absent: signatures, which the shell recovers ([`Enrolment::signer`]), allowances,
//! and blobs: that a list can be had at all is what its certificate says.

use std::collections::BTreeMap;

use tensor::Hash;

use crate::{Address, Domain, chain::Block};

pub mod append;
mod entry;
mod lie;
mod listing;
mod lists;
mod refusal;
mod roster;
#[cfg(test)]
mod tests;

pub use entry::{
    Entry, FORCED, Signature, availability_digest, commitment_digest, holders_seed, list_digest,
    place,
};
pub use lie::lie;
pub use listing::{Listing, Opened};
pub use refusal::Refusal;
pub use roster::{Forced, Inputs, Tail};

/// Lots that are drawn of a round: who signs for lists.
pub const HOLDERS: usize = 24;
/// How many of them a certificate needs: more than two thirds.
pub const SIGNERS: usize = 17;
/// Every third of them gathers.
pub const STRIDE: usize = 3;
/// Inputs of the aggregation before the updates.
pub const INPUTS: u64 = 4;

/// Which list: its number is that of `IGathering.Kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Signed commitments.
    Commitments = 0,
    /// What opens them.
    Reveals = 1,
}

/// Where a kind of list stands: its number is that of `IGathering.Stage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Before it.
    Early = 0,
    /// Lists are posted, and struck.
    Gather = 1,
    /// Lists are struck.
    Strike = 2,
    /// Who was left out adds itself.
    Force = 3,
    /// It is fixed.
    Over = 4,
}

/// What is fixed at deployment: `IGathering.Terms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Wei for each list.
    pub bond_wei: u128,
    /// What of it a striker gets, at most half; the rest is burnt.
    pub bounty_wei: u128,
    /// Blocks after the opening one in which commitments are gathered.
    pub commit_blocks: Block,
    /// Blocks after commitments are fixed in which reveals are gathered.
    pub reveal_blocks: Block,
    /// Blocks after either in which a list can still be struck.
    pub strike_blocks: Block,
    /// Blocks after those in which who was left out adds itself.
    pub force_blocks: Block,
}

impl Terms {
    /// Returns the last block of a stage of a round that opened at `open_block`.
    #[must_use]
    pub fn last_block(&self, open_block: Block, kind: Kind, stage: Stage) -> Block {
        if stage == Stage::Over {
            return Block::MAX;
        }
        let before = match kind {
            Kind::Commitments => open_block,
            Kind::Reveals => self.last_block(open_block, Kind::Commitments, Stage::Force),
        };
        let gather = match kind {
            Kind::Commitments => self.commit_blocks,
            Kind::Reveals => self.reveal_blocks,
        };
        let lengths = [gather, self.strike_blocks, self.force_blocks];
        before + lengths.iter().take(stage as usize).sum::<Block>()
    }

    /// Returns where a kind of list stands in block `now`.
    #[must_use]
    pub fn stage(&self, (now, open_block): (Block, Block), kind: Kind) -> Stage {
        let stages = [Stage::Early, Stage::Gather, Stage::Strike, Stage::Force];
        let due = stages.into_iter().find(|stage| now <= self.last_block(open_block, kind, *stage));
        due.unwrap_or(Stage::Over)
    }
}

/// Returns whose key made a signature over an EIP-191 message of these 32 bytes, if it is one.
pub type Recover = fn(Hash, &Signature) -> Option<Address>;

/// Who takes part in the round, and what it starts from.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// Where commitments are meant for.
    pub domain: Domain,
    /// The contract `Gathering`.
    pub gathering: Address,
    /// Its number.
    pub round: u64,
    /// The block it opened in.
    pub open_block: Block,
    /// Registry index by key, of everybody who joined.
    pub keys: BTreeMap<Address, u32>,
    /// Rows by registry index; nobody else has a seat.
    pub rows: BTreeMap<u32, u32>,
    /// Registry indices of the drawn lots, ascending.
    pub holders: [u32; HOLDERS],
    /// Tensor roots of params, cumulative pay and budget.
    pub fixed: [Hash; 3],
    /// Bytes of an update.
    pub update_bytes: usize,
    /// How signatures are read.
    pub recover: Recover,
}

impl Enrolment {
    /// Returns how many rows a node has, 0 without a seat.
    #[must_use]
    pub fn rows_of(&self, node: u32) -> u32 {
        self.rows.get(&node).copied().unwrap_or(0)
    }

    /// Returns the node whose key signed, if one's did.
    #[must_use]
    pub fn signer(&self, digest: Hash, signature: &Signature) -> Option<u32> {
        (self.recover)(digest, signature).and_then(|key| self.keys.get(&key).copied())
    }

    /// Returns the commitment that stands for an update root and a salt.
    #[must_use]
    pub fn commitment(&self, node: u32, update_root: Hash, salt: Hash) -> Hash {
        crate::digest::commitment(&self.domain, (self.round, node), update_root, salt)
    }

    /// The inputs before the updates.
    fn head(&self, members_root: Hash) -> [Hash; 4] {
        let [model, cumulative, budget] = self.fixed;
        [model, cumulative, budget, members_root]
    }
}

/// A list as its gatherer states it: `IGathering.Draft`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Tensor root of its entries.
    pub root: Hash,
    /// How many.
    pub entries: u32,
    /// How many rows they are.
    pub rows: u32,
    /// BLAKE3 of the list's bytes.
    pub blob: Hash,
    /// Of reveals: tensor root of the registry index of each row.
    pub members_root: Hash,
    /// Of reveals: way up of the first four inputs.
    pub crown: Vec<Hash>,
}

/// A list that was posted: `IGathering.List`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the interface says what each is")]
pub struct List {
    pub gatherer: u32,
    pub entries: u32,
    pub rows: u32,
    pub struck: bool,
    pub bond_held: bool,
    pub root: Hash,
    pub members_root: Hash,
    pub inputs_root: Hash,
}

/// What a node reveals: `IGathering.Reveal`, by whom it was signed for in the order of signatures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reveal {
    /// Tensor root of the update.
    pub update_root: Hash,
    /// What the commitment was salted with.
    pub salt: Hash,
    /// BLAKE3 of the update's bytes.
    pub blob: Hash,
    /// Its bytes, or nothing where holders signed.
    pub update: Vec<u8>,
    /// Holders' signatures.
    pub signatures: Vec<Signature>,
}

/// Everything that can be asked of the two contracts about one round.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the interfaces say what each is")]
pub enum Input {
    Post { kind: Kind, draft: Draft, signatures: Vec<Signature> },
    StrikeEntry { kind: Kind, id: usize, entry: Entry },
    StrikeOrder { kind: Kind, id: usize, entry: Entry, next: Entry },
    StrikeCommitment { id: usize, entry: Entry, commitment: Entry },
    StrikeRow { id: usize, entry: Entry, row: u64, update_root: Hash, siblings: Vec<Hash> },
    StrikeMember { id: usize, entry: Entry, row: u64, chunk: Vec<u8>, siblings: Vec<Hash> },
    ForceCommitment { commitment: Hash, beside: Vec<Entry> },
    ForceReveal { reveal: Reveal, commitment: Entry, beside: Vec<Entry> },
    Seal { forced: Vec<Forced>, tail: Tail },
    Release { kind: Kind, id: usize },
}

/// What a call did, by the names of the contracts' events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the interfaces say what each is")]
pub enum Event {
    Posted { kind: Kind, id: usize, gatherer: u32 },
    Struck { kind: Kind, id: usize, striker: Address },
    CommitmentForced { node: u32 },
    RevealForced { node: u32, rows: u32 },
    Sealed { rows: u32, members_root: Hash, inputs_root: Hash },
    Released { kind: Kind, id: usize },
}

/// What the two contracts keep of one round.
#[derive(Clone, Debug)]
pub struct Gathering {
    terms: Terms,
    enrolment: Enrolment,
    lists: [Vec<List>; 2],
    commitments: BTreeMap<u32, Hash>,
    forced: Vec<Forced>,
    forced_rows: [u32; 2],
    inputs: Inputs,
    returned_wei: u128,
    bounties_wei: u128,
    burnt_wei: u128,
}

impl Gathering {
    /// Returns a round of which nothing was gathered yet.
    #[must_use]
    pub fn new(terms: Terms, enrolment: Enrolment) -> Self {
        Self {
            terms,
            enrolment,
            lists: [Vec::new(), Vec::new()],
            commitments: BTreeMap::new(),
            forced: Vec::new(),
            forced_rows: [0; 2],
            inputs: Inputs::default(),
            returned_wei: 0,
            bounties_wei: 0,
            burnt_wei: 0,
        }
    }

    /// Makes a call in block `now`.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] by the name of the contract's error; nothing has changed then.
    pub fn handle(&mut self, now: Block, caller: Address, input: Input) -> Result<Event, Refusal> {
        match input {
            Input::Post { kind, draft, signatures } => {
                self.post((now, caller), kind, &draft, &signatures)
            }
            Input::ForceCommitment { commitment, beside } => {
                self.force_commitment((now, caller), commitment, &beside)
            }
            Input::ForceReveal { reveal, commitment, beside } => {
                self.force_reveal((now, caller), &reveal, &commitment, &beside)
            }
            Input::Seal { forced, tail } => self.seal(now, &forced, &tail),
            Input::Release { kind, id } => self.release(now, kind, id),
            strike => self.strike((now, caller), &strike),
        }
    }

    /// Returns who takes part.
    #[must_use]
    pub fn enrolment(&self) -> &Enrolment {
        &self.enrolment
    }

    /// Returns where a kind of list stands in block `now`.
    #[must_use]
    pub fn stage(&self, now: Block, kind: Kind) -> Stage {
        self.terms.stage((now, self.enrolment.open_block), kind)
    }

    /// Returns the lists posted.
    #[must_use]
    pub fn lists(&self, kind: Kind) -> &[List] {
        &self.lists[kind as usize]
    }

    /// Returns the list with most rows that was not struck, the first of several.
    #[must_use]
    pub fn taken(&self, kind: Kind) -> Option<usize> {
        let mut taken = None;
        let mut most = 0;
        for (id, list) in self.lists(kind).iter().enumerate() {
            if !list.struck && list.rows > most {
                (taken, most) = (Some(id), list.rows);
            }
        }
        taken
    }

    /// Returns the commitment that a node forced, if it did.
    #[must_use]
    pub fn forced_commitment(&self, node: u32) -> Option<Hash> {
        self.commitments.get(&node).copied()
    }

    /// Returns the reveals that were forced, in their order.
    #[must_use]
    pub fn forced(&self) -> &[Forced] {
        &self.forced
    }

    /// Returns rows and root of the aggregation's inputs; zeros until sealed.
    #[must_use]
    pub fn inputs(&self) -> Inputs {
        self.inputs
    }

    /// Returns the bonds held, in wei.
    #[must_use]
    pub fn held_wei(&self) -> u128 {
        let lists = self.lists.iter().flatten();
        lists.filter(|list| list.bond_held).map(|_| self.terms.bond_wei).sum()
    }

    /// Returns what was given back, paid as bounties, and burnt, in wei.
    #[must_use]
    pub fn spent_wei(&self) -> (u128, u128, u128) {
        (self.returned_wei, self.bounties_wei, self.burnt_wei)
    }

    fn require_stage(&self, now: Block, kind: Kind, expected: Stage) -> Result<(), Refusal> {
        let got = self.stage(now, kind);
        if got == expected { Ok(()) } else { Err(Refusal::WrongStage { expected, got }) }
    }

    /// The list taken, all zero where there is none.
    fn taken_list(&self, kind: Kind) -> List {
        self.taken(kind).map_or(List::default(), |id| self.lists(kind)[id])
    }

    fn seat_of(&self, key: Address) -> Result<(u32, u32), Refusal> {
        let node = self.enrolment.keys.get(&key).copied();
        let seat = node.map(|node| (node, self.enrolment.rows_of(node)));
        seat.filter(|(_, rows)| *rows > 0).ok_or(Refusal::NotSeated { key })
    }
}

//! What a dispute is, in data: its record, and what its moves bring.
//!
//! The fields, their order and their meaning are those of `ICourt`. A move states the whole record,
//! so one that was made on a branch which was reorganised away is refused.
//!
//! Invariant: [`Dispute::mover`] follows from the turn alone. Absent: the hash of a record, which
//! only a contract needs to save storage; here the record itself is kept.

use tensor::{Hash, tree};

use crate::Address;

/// The tree that a dispute walks; the numbers are those of `ICourt.Stage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The states after each iteration.
    Iterations = 0,
    /// The list of output roots.
    Outputs = 1,
    /// The list of op roots.
    Trace = 2,
    /// The tensor of one op.
    Tensor = 3,
    /// The states of one element's chain.
    Chain = 4,
}

/// What the next move is; the numbers are those of `ICourt.Turn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// The asserter posts the root of the stage's tree.
    Root = 0,
    /// The asserter reveals the children of the node.
    Children = 1,
    /// The asserter reveals the bytes of the chunk.
    Chunk = 2,
    /// The challenger names the first child that is wrong.
    Child = 3,
    /// The challenger names an element, or a step, that is wrong.
    Element = 4,
}

/// One of the two parties of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Whose claim it is.
    Asserter,
    /// Who says that it is wrong.
    Challenger,
}

/// The whole state of a dispute, as `ICourt.Dispute`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dispute {
    /// What is disputed.
    pub claim: u64,
    /// Whose bond stands against the asserter's.
    pub challenger: Address,
    /// The outputs root that the challenger stated.
    pub challenger_root: Hash,
    /// The tree that is walked.
    pub stage: Stage,
    /// The next move.
    pub turn: Turn,
    /// Moves made so far, both sides; the challenge is the first.
    pub moves: u32,
    /// Block from which the clock of the side to move runs.
    pub since: u64,
    /// What is left of the asserter's clock.
    pub asserter_blocks: u64,
    /// What is left of the challenger's clock.
    pub challenger_blocks: u64,
    /// Wei advanced to the asserter out of the challenger's bond.
    pub asserter_gas: u128,
    /// Wei advanced to the challenger out of the asserter's bond.
    pub challenger_gas: u128,
    /// Ops of the Program.
    pub op_count: u32,
    /// Outputs of the Program.
    pub output_count: u32,
    /// Inputs of the Program.
    pub input_count: u32,
    /// Root of the tree of op encodings.
    pub ops_root: Hash,
    /// The hash that is walked: the asserter's word, wrong according to the challenger.
    pub node: Hash,
    /// Place of the node among the nodes of its height.
    pub index: u64,
    /// Levels between the node and the leaves.
    pub height: u32,
    /// Leaves of the stage's tree.
    pub leaves: u64,
    /// The disputed iteration, 0 for the first.
    pub iteration: u32,
    /// List root of the states it starts from; the claim's `inputs_root` for the first.
    pub before: Hash,
    /// Root of the tree of op roots of the disputed iteration; while the iterations are walked,
    /// the root of the states.
    pub trace: Hash,
    /// The disputed op; while its place in the trace is not known, the op of the disputed output.
    pub op: u32,
    /// Hash of the op's [`Brief`], once the op is named.
    pub brief: Hash,
    /// Root of the states of the disputed element's chain.
    pub chain: Hash,
    /// The disputed element of the op's tensor.
    pub element: u64,
    /// Its bits, as the asserter has them.
    pub value: u64,
}

impl Dispute {
    /// Returns whose move is due.
    #[must_use]
    pub const fn mover(&self) -> Side {
        match self.turn {
            Turn::Root | Turn::Children | Turn::Chunk => Side::Asserter,
            Turn::Child | Turn::Element => Side::Challenger,
        }
    }

    /// Returns what is left of the clock of the side to move, and what it has used since its turn
    /// began, in blocks.
    #[must_use]
    pub const fn clock(&self, now: u64) -> (u64, u64) {
        let left = match self.mover() {
            Side::Asserter => self.asserter_blocks,
            Side::Challenger => self.challenger_blocks,
        };
        (left, now.saturating_sub(self.since))
    }

    /// Returns how many children the node has: sixteen, or what is left at the right edge.
    #[must_use]
    pub fn child_count(&self) -> u64 {
        let mut width = self.leaves;
        for _ in 1..self.height {
            width = width.div_ceil(GROUP);
        }
        width.saturating_sub(self.index.saturating_mul(GROUP)).min(GROUP)
    }
}

/// The arity of every tree, as a number of places.
pub(crate) const GROUP: u64 = tree::ARITY as u64;

/// Elements of a chunk, as a number of places.
pub(crate) const CHUNK: u64 = tree::CHUNK_ELEMENTS as u64;

/// What is known of the disputed op. Of `concat` the operands are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Brief {
    /// Its encoding.
    pub op: Vec<u8>,
    /// The encodings of its operands, in order.
    pub operands: Vec<Vec<u8>>,
    /// The agreed roots of the operands' tensors, in order.
    pub roots: Vec<Hash>,
}

/// A chunk with its way up: the present siblings of every level, from the lowest, left to right,
/// the node on the way left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The chunk's bytes.
    pub chunk: Vec<u8>,
    /// The nodes beside its way up.
    pub siblings: Vec<Hash>,
}

/// One op of the Program with its way up to `ops_root`, and where it is an operand the root of its
/// tensor with its way up to `trace`. Under an input op the root is that of the input, with its way
/// up to the list it stands in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ShownOp {
    /// The op's encoding.
    pub encoding: Vec<u8>,
    /// The nodes beside its way up.
    pub siblings: Vec<Hash>,
    /// The root of the tensor.
    pub root: Hash,
    /// The nodes beside the root's way up.
    pub root_siblings: Vec<Hash>,
}

impl Brief {
    /// Returns the keccak-256 of the brief's ABI encoding, the `brief` of a record.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let op = bytes(&self.op);
        let operands = list(&self.operands.iter().map(|op| bytes(op)).collect::<Vec<_>>());
        let mut roots = word(self.roots.len()).to_vec();
        self.roots.iter().for_each(|root| roots.extend(root.0));
        let mut out = word(WORD).to_vec();
        out.extend(tail(&[op, operands, roots]));
        Hash::of(&[&out])
    }
}

/// Bytes of a word of the ABI.
const WORD: usize = 32;

fn word(n: usize) -> [u8; WORD] {
    let mut word = [0; WORD];
    word[WORD - 8..].copy_from_slice(&(n as u64).to_be_bytes());
    word
}

/// The ABI encoding of `bytes`: the length, then the bytes up to a whole word.
fn bytes(raw: &[u8]) -> Vec<u8> {
    let mut out = word(raw.len()).to_vec();
    out.extend(raw);
    out.resize(out.len().next_multiple_of(WORD), 0);
    out
}

/// The ABI encoding of a list of dynamic entries: the length, then the entries.
fn list(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = word(entries.len()).to_vec();
    out.extend(tail(entries));
    out
}

/// Dynamic entries side by side: their offsets from here, then they themselves.
fn tail(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut offset = entries.len() * WORD;
    for entry in entries {
        out.extend(word(offset));
        offset += entry.len();
    }
    out.extend(entries.concat());
    out
}

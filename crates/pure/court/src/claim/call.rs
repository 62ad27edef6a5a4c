//! Everything that can be asked of a court.
//!
//! Invariant: one input for each function of `ICourt`. Absent: views.

use tensor::Hash;

use crate::Address;
use crate::record::{Brief, Dispute, Shown, ShownOp};

/// The circumstances of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The block it is in.
    pub block: u64,
    /// Who makes it.
    pub caller: Address,
    /// What a unit of gas costs in this block, in wei of the token.
    pub gas_price_wei: u128,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Opens a claim; the caller is its consumer.
    Post {
        /// Hash of the Program.
        program: Hash,
        /// List root of the inputs.
        inputs_root: Hash,
        /// List root of the outputs.
        outputs_root: Hash,
        /// Who pays the bond.
        asserter: Address,
        /// How often the Program was run; 1 for once.
        iterations: u32,
        /// Claims whose outputs are among the inputs.
        parents: Vec<u64>,
    },
    /// Starts a dispute by stating another result; the caller pays a bond.
    Challenge {
        /// The claim.
        id: u64,
        /// The caller's own outputs root.
        outputs_root: Hash,
        /// Preimage of the Program's hash after its first byte.
        header: Vec<u8>,
    },
    /// Makes the move of a dispute that is due.
    Move {
        /// The dispute.
        dispute: u64,
        /// Its whole record.
        record: Box<Dispute>,
        /// The move.
        made: Move,
    },
    /// Ends a dispute against the side whose clock ran out.
    Timeout {
        /// The dispute.
        dispute: u64,
        /// Its whole record.
        record: Box<Dispute>,
    },
    /// Gives the challenger of an undecided dispute its bond back once the claim has fallen.
    Close {
        /// The dispute.
        dispute: u64,
        /// Its whole record.
        record: Box<Dispute>,
    },
    /// Makes a claim final after its deadline.
    Finalise {
        /// The claim.
        id: u64,
    },
    /// Ends a claim without fault because a parent fell.
    Void {
        /// The claim.
        id: u64,
        /// The parent.
        parent: u64,
    },
}

/// A move of a dispute. The first five are the asserter's, the others the challenger's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Posts the root of the states after each iteration, with the way up of the last.
    PostStates {
        /// The root.
        root: Hash,
        /// The nodes beside the way.
        siblings: Vec<Hash>,
    },
    /// Posts the root of the op roots, with the way up of the disputed output's op.
    PostTrace {
        /// The root.
        root: Hash,
        /// The nodes beside the way.
        siblings: Vec<Hash>,
    },
    /// Posts the root of the states of the element's chain, with its end.
    PostChain {
        /// The disputed op.
        brief: Brief,
        /// The root.
        root: Hash,
        /// The last chunk; for sum also the one before, if the last is not full.
        last: Vec<Shown>,
    },
    /// Reveals the present children of the node.
    Reveal {
        /// The children, left to right.
        children: Vec<Hash>,
    },
    /// Reveals the bytes of the chunk whose leaf is the node.
    RevealChunk {
        /// The bytes.
        chunk: Vec<u8>,
    },
    /// Names a child of an inner node of a list that is at least two levels above the leaves, or
    /// of any inner node of a tensor or a chain.
    NameChild {
        /// The revealed children once more.
        children: Vec<Hash>,
        /// The first of them that is wrong.
        child: u64,
    },
    /// Names the first iteration that went wrong.
    NameIteration {
        /// The revealed children once more.
        children: Vec<Hash>,
        /// The first of them that is wrong.
        child: u64,
        /// List root of the states the iteration starts from; ignored for the first.
        before: Hash,
        /// The nodes beside its way up to the root of the states.
        siblings: Vec<Hash>,
    },
    /// Names an output that is wrong.
    NameOutput {
        /// The revealed children once more; empty in a tree of one leaf.
        children: Vec<Hash>,
        /// The first of them that is wrong.
        child: u64,
        /// Preimage of the Program's hash after its first byte.
        header: Vec<u8>,
    },
    /// Names the first op whose tensor is wrong.
    NameOp {
        /// The revealed children once more; empty in a tree of one leaf.
        children: Vec<Hash>,
        /// The first of them that is wrong.
        child: u64,
        /// The op, then its operands in order; of concat the op alone.
        op: Vec<ShownOp>,
    },
    /// Names a wrong element of the chunk, or the first wrong step of the chain.
    NameElement {
        /// The revealed bytes once more.
        chunk: Vec<u8>,
        /// Its place within the chunk.
        place: u64,
        /// The disputed op.
        brief: Brief,
        /// What the element or step is computed from.
        openings: Vec<Shown>,
    },
}

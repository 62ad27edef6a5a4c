//! What a court did, as data: the events of `ICourt`, and every movement of the token.
//!
//! Invariant: the movements of a call are complete; a ledger that applies them holds what the
//! court says it holds. Absent: fields that an event of the contract repeats from the claim.

use tensor::Hash;

use crate::Address;
use crate::record::Dispute;

/// What a call did, in order. Movements of the token are effects for the ledger around the court.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A bond passes from an account to the court.
    BondTaken {
        /// Payer.
        from: Address,
        /// Wei of the token.
        amount_wei: u128,
    },
    /// The court pays an account: a bond, or what is left of it, or a bounty.
    Returned {
        /// Payee.
        to: Address,
        /// Wei of the token.
        amount_wei: u128,
    },
    /// The gas of a move is paid to its mover, out of the other side's bond.
    Advanced {
        /// The mover.
        to: Address,
        /// Wei of the token.
        amount_wei: u128,
    },
    /// A part of a bond ceases to exist.
    Burnt {
        /// Wei of the token.
        amount_wei: u128,
    },
    /// A claim was opened.
    Claimed {
        /// The claim.
        id: u64,
    },
    /// A dispute was started.
    Challenged {
        /// The claim.
        id: u64,
        /// The dispute.
        dispute: u64,
        /// Who started it.
        challenger: Address,
        /// What the challenger says the Program returned.
        outputs_root: Hash,
    },
    /// A move was made; the challenge is one too.
    Moved {
        /// The dispute.
        dispute: u64,
        /// Whose move it was.
        mover: Address,
        /// The dispute after the move.
        record: Box<Dispute>,
    },
    /// The children of a node; those of the top of a tree are stated with its root.
    Revealed {
        /// The dispute.
        dispute: u64,
        /// The node.
        node: Hash,
        /// Its present children, left to right.
        children: Vec<Hash>,
    },
    /// The bytes of a chunk.
    RevealedChunk {
        /// The dispute.
        dispute: u64,
        /// The chunk's leaf.
        node: Hash,
        /// The bytes.
        chunk: Vec<u8>,
    },
    /// One scalar step was executed.
    Judged {
        /// The dispute.
        dispute: u64,
        /// The op.
        op: u32,
        /// Its code.
        code: u8,
        /// The element of its tensor.
        element: u64,
        /// The step of the element's chain, 0 for an op without one.
        step: u64,
        /// The bits the asserter had.
        asserted: u64,
        /// The bits that are right.
        correct: u64,
    },
    /// An input or a constant was compared with what it is a copy of.
    Compared {
        /// The dispute.
        dispute: u64,
        /// The op.
        op: u32,
        /// Its code.
        code: u8,
        /// The root the asserter had.
        asserted: Hash,
        /// The root that is right.
        correct: Hash,
    },
    /// A dispute was decided.
    Decided {
        /// The claim.
        id: u64,
        /// The dispute.
        dispute: u64,
        /// Whether the claim fell.
        asserter_lost: bool,
        /// Whether the loser's clock ran out.
        by_clock: bool,
        /// Wei for the winner beyond its own bond and gas.
        bounty_wei: u128,
        /// Wei that were burnt.
        burnt_wei: u128,
    },
    /// A dispute ended without fault, since its claim fell by another one or with a parent.
    Closed {
        /// The dispute.
        dispute: u64,
        /// Wei the challenger got back.
        returned_wei: u128,
    },
    /// A claim became final.
    Finalised {
        /// The claim.
        id: u64,
    },
    /// A claim ended without fault.
    Voided {
        /// The claim.
        id: u64,
        /// The parent that fell.
        parent: u64,
    },
}

//! What a node is told, and what it asks to be done.
//!
//! Effects are data and their order matters: what follows a [`Output::Persist`] or an
//! [`Output::Keep`] may be done only once those are durable. Every one of them may be lost with a
//! crash; the machine asks again when the chain does not show it.
//!
//! Absent: keys, sockets, bytes of signatures' meaning. Whoever runs a machine checks a signature
//! before handing it over, and makes the ones it is asked for.

use std::fmt;

use tensor::Hash;

use super::Record;
use crate::chain::View;

/// 65 bytes, r ‖ s ‖ v, over [`crate::digest::availability`] as an EIP-191 message.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 65]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Everything that can happen to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The chain as of the block that `handle` is given; at least once a block.
    Chain(Box<View>),
    /// Training has ended.
    Trained {
        /// The round it was for.
        round: u64,
        /// The quantised update.
        update: Vec<i32>,
        /// 32 fresh random bytes.
        salt: Hash,
    },
    /// A peer asks this node to keep its update and say so.
    Offer {
        /// The round meant.
        round: u64,
        /// Registry index of the author, as whom the transport authenticated the sender.
        node: u32,
        /// Tensor root of the update.
        update_root: Hash,
        /// BLAKE3 of its bytes.
        blob: Hash,
        /// The update, little-endian.
        bytes: Vec<u8>,
    },
    /// A peer keeps this node's update.
    Signature {
        /// The round meant.
        round: u64,
        /// Registry index of the signer; the shell has checked that the signature is its.
        node: u32,
        /// The signature.
        signature: Signature,
    },
    /// Bytes that [`Output::Fetch`] asked for.
    Fetched {
        /// The round meant.
        round: u64,
        /// Registry index of the author.
        node: u32,
        /// The update, little-endian.
        bytes: Vec<u8>,
    },
    /// The aggregation Program has run.
    Computed {
        /// The round meant.
        round: u64,
        /// Tensor roots of its four outputs.
        output_roots: [Hash; 4],
        /// The 128 bytes of output 1.
        accepted_chunk: Vec<u8>,
    },
}

/// One row of the aggregation, and where its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// Registry index.
    pub index: u32,
    /// Tensor root of the update.
    pub update_root: Hash,
    /// The name under which [`Output::Keep`] stored its bytes.
    pub blob: Hash,
}

/// Why an offer is not answered with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reason {
    /// The round of the offer does not reveal at the block this node sees; ask again later.
    #[error("round {round} does not take reveals here and now")]
    NotNow {
        /// The round of the offer.
        round: u64,
    },
    /// This node has no seat, so its signature counts for nothing.
    #[error("this node has no seat in the round")]
    NotSeated,
    /// The author has no seat that committed, or has revealed already.
    #[error("node {node} has nothing to reveal")]
    NothingToReveal {
        /// Registry index of the author.
        node: u32,
    },
    /// This node has signed for another update of the same author.
    #[error("node {node} has offered another update before")]
    Another {
        /// Registry index of the author.
        node: u32,
    },
    /// The update has another length.
    #[error("an update has {expected} bytes, not {got}")]
    Length {
        /// Bytes of an update.
        expected: usize,
        /// Bytes offered.
        got: usize,
    },
    /// The bytes have another BLAKE3 hash or another tensor root than stated.
    #[error("the bytes are not what the offer names")]
    Mismatch,
}

/// A call to a contract. Sending one twice does no harm: the second is refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tx {
    /// `Rounds.open`.
    Open,
    /// `Rounds.commit`.
    Commit {
        /// The round.
        round: u64,
        /// The commitment.
        commitment: Hash,
    },
    /// `Rounds.reveal`.
    Reveal {
        /// The round.
        round: u64,
        /// Tensor root of the update.
        update_root: Hash,
        /// What the commitment was salted with.
        salt: Hash,
        /// BLAKE3 of the update's bytes.
        blob: Hash,
        /// Signers' registry indices, ascending, with their signatures.
        signatures: Vec<(u32, Signature)>,
    },
    /// `Rounds.revealWithData`; the shell reads the update's bytes from the blob.
    RevealWithData {
        /// The round.
        round: u64,
        /// What the commitment was salted with.
        salt: Hash,
        /// BLAKE3 of the update's bytes.
        blob: Hash,
    },
    /// `Rounds.postResult`.
    PostResult {
        /// The round.
        round: u64,
        /// List root of the Program's outputs.
        outputs_root: Hash,
    },
    /// `Court.challenge`.
    Challenge {
        /// The claim.
        claim: u64,
        /// This node's result.
        outputs_root: Hash,
    },
    /// `Rounds.settle`.
    Settle {
        /// The round.
        round: u64,
        /// Tensor roots of the four outputs.
        output_roots: [Hash; 4],
        /// The bytes of output 1.
        accepted_chunk: Vec<u8>,
    },
    /// `Rewards.claim`; the shell opens the node's element of the tensor with this root.
    ClaimReward {
        /// Registry index.
        node: u32,
        /// Root of the cumulative tensor.
        cumulative_root: Hash,
    },
}

/// Everything a node can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Append to the log, durably, before anything that follows.
    Persist(Record),
    /// Store these bytes under their BLAKE3 hash, durably, before anything that follows; until
    /// [`Output::Finished`] of the round.
    Keep {
        /// The round they belong to.
        round: u64,
        /// Their BLAKE3 hash.
        blob: Hash,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Run the training Program and answer with [`Input::Trained`]. The shell finds the params with
    /// this root, its own or a peer's.
    Train {
        /// The round.
        round: u64,
        /// Seed of data order.
        seed: Hash,
        /// Tensor root of the params to start from.
        model_root: Hash,
    },
    /// Send this node's update to these seats and ask them to keep it.
    Offer {
        /// Registry indices.
        to: Vec<u32>,
        /// The round.
        round: u64,
        /// Tensor root of the update.
        update_root: Hash,
        /// Where its bytes are.
        blob: Hash,
    },
    /// Sign [`crate::digest::availability`] of this update and answer the offer with it.
    Attest {
        /// Registry index of the update's author.
        to: u32,
        /// The round.
        round: u64,
        /// Tensor root of the update.
        update_root: Hash,
        /// BLAKE3 of its bytes.
        blob: Hash,
    },
    /// Answer an offer without a signature.
    Refuse {
        /// Registry index of the author.
        to: u32,
        /// Why.
        reason: Reason,
    },
    /// Get the update of a seat and answer with [`Input::Fetched`]: from the own store, from the
    /// event of a reveal with data, from its author or from anybody who signed for it. What comes
    /// is checked against the root, so the stated `blob` is a hint.
    Fetch {
        /// The round.
        round: u64,
        /// Registry index of the author.
        node: u32,
        /// Tensor root of the update.
        update_root: Hash,
        /// BLAKE3 of its bytes, as the revealer stated it.
        blob: Hash,
    },
    /// Run the aggregation Program for this many members and answer with [`Input::Computed`].
    Aggregate {
        /// The round.
        round: u64,
        /// Tensor root of the params.
        model_root: Hash,
        /// Tensor root of the cumulative pay.
        cumulative_root: Hash,
        /// The rows, ascending.
        members: Vec<Member>,
    },
    /// Send a transaction.
    Send(Tx),
    /// Every round up to this one has ended: what was kept for them may go.
    Finished {
        /// The round.
        round: u64,
    },
}

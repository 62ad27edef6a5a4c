//! Disputes: how wrong claims are convicted, move by move.
//!
//! Words follow docs/court.md. A dispute walks down the trees of an execution to the first place at
//! which two sides differ; what a contract then executed or compared is the judgement, and who lost
//! what is the decision.
//! Invariant: all of it is what the chain recorded; only names and the text of the disputed op are
//! the serving process's own words, and are shown as such.
//! Deliberately absent: the hashes and bytes that were revealed; the transactions have them.

use super::{Address, Hash, Scalar, Wad};
use serde::{Deserialize, Serialize};

/// The tree that is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The state after each iteration.
    Iterations,
    /// The list of output roots.
    Outputs,
    /// The tensor root of each op, in order.
    Trace,
    /// The chunks of the op's tensor.
    Tensor,
    /// The chunks of the states of one element's chain.
    Chain,
}

/// What the next move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Turn {
    /// The asserter posts the root of the stage's tree.
    Root,
    /// The asserter reveals the children of the node.
    Children,
    /// The asserter reveals the bytes of the chunk.
    Chunk,
    /// The challenger names the first child that is wrong.
    Child,
    /// The challenger names the first element or step that is wrong.
    Element,
}

impl Turn {
    /// Returns whose move it is.
    #[must_use]
    pub fn side(self) -> Side {
        match self {
            Turn::Root | Turn::Children | Turn::Chunk => Side::Asserter,
            Turn::Child | Turn::Element => Side::Challenger,
        }
    }
}

/// One of the two parties of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Who made the claim.
    Asserter,
    /// Who says that it is wrong.
    Challenger,
}

/// Who stands on a side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contender {
    /// The address that pays the bond and makes the moves.
    pub address: Address,
    /// Registry index, where it is a node.
    pub node: Option<u32>,
    /// What the serving process calls it; empty if unknown.
    pub name: String,
    /// The outputs root that it stands for.
    pub outputs_root: Hash,
    /// Blocks left on its clock as of its last move.
    pub blocks_left: u64,
    /// Paid to it for gas out of the other side's bond.
    pub advanced: Wad,
}

/// Where on the chain something happened, and what it cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// Block.
    pub block: u64,
    /// Its time, Unix seconds.
    pub time: i64,
    /// Transaction.
    pub tx: Hash,
    /// Gas that the transaction used, if it is known.
    pub gas: Option<u64>,
}

/// A dispute over a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dispute {
    /// Number in the court's records, from 1.
    pub id: u64,
    /// The claim.
    pub claim: u64,
    /// The round whose result is claimed; `None` for a claim of something else.
    pub round: Option<u64>,
    /// Hash of the Program that was run.
    pub program: Hash,
    /// Bond of each side.
    pub bond: Wad,
    /// Who made the claim.
    pub asserter: Contender,
    /// Who says that it is wrong.
    pub challenger: Contender,
    /// The moves, the challenge first. A move that decides is not among them: it is the decision.
    pub moves: Vec<Move>,
    /// The disputed op in words, such as `%7 = sum %3 axis=0 : f64[256]`, where the serving process
    /// knows the Program.
    pub op_text: Option<String>,
    /// The scalar step that was executed.
    pub judged: Option<Judged>,
    /// The input or constant that was compared.
    pub compared: Option<Compared>,
    /// How it was decided.
    pub decided: Option<Decided>,
    /// When it was closed without fault, since the claim fell otherwise.
    pub closed: Option<At>,
}

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DisputeState {
    /// Somebody is to move.
    Undecided,
    /// The asserter lost, and the claim fell.
    Convicted,
    /// The challenger lost.
    Acquitted,
    /// The claim fell by another dispute or with a parent: nobody lost here.
    Closed,
}

impl Dispute {
    /// Returns where it stands.
    #[must_use]
    pub fn state(&self) -> DisputeState {
        match (&self.decided, &self.closed) {
            (Some(Decided { asserter_lost: true, .. }), _) => DisputeState::Convicted,
            (Some(_), _) => DisputeState::Acquitted,
            (None, Some(_)) => DisputeState::Closed,
            (None, None) => DisputeState::Undecided,
        }
    }

    /// Returns who is to move, while nothing is decided.
    #[must_use]
    pub fn to_move(&self) -> Option<Side> {
        let last = self.moves.last().filter(|_| self.state() == DisputeState::Undecided);
        last.map(|last| last.turn.side())
    }

    /// Returns who lost, once decided.
    #[must_use]
    pub fn loser(&self) -> Option<Side> {
        self.decided.as_ref().map(|decided| match decided.asserter_lost {
            true => Side::Asserter,
            false => Side::Challenger,
        })
    }

    /// Returns who stands on a side.
    #[must_use]
    pub fn contender(&self, side: Side) -> &Contender {
        match side {
            Side::Asserter => &self.asserter,
            Side::Challenger => &self.challenger,
        }
    }

    /// Returns the disputed op, once it is named.
    #[must_use]
    pub fn op(&self) -> Option<u32> {
        let end = self.judged.as_ref().map(|judged| judged.op);
        let end = end.or(self.compared.as_ref().map(|compared| compared.op));
        end.or_else(|| self.moves.last().filter(|last| last.stage > Stage::Trace).map(|m| m.op))
    }

    /// Returns the deciding move: the challenger named what a contract then executed or compared.
    #[must_use]
    pub fn deciding(&self) -> Option<&At> {
        let made = self.decided.as_ref().filter(|decided| !decided.by_clock);
        made.map(|decided| &decided.at)
    }
}

/// A move, and how the dispute stands after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// When.
    pub at: At,
    /// Whose.
    pub by: Side,
    /// The tree that is walked after it.
    pub stage: Stage,
    /// What is due after it.
    pub turn: Turn,
    /// The node that is walked after it.
    pub node: Hash,
    /// Its place among the nodes of its height.
    pub index: u64,
    /// Levels between it and the leaves.
    pub height: u32,
    /// Leaves of the stage's tree.
    pub leaves: u64,
    /// Elements of the tensor, or steps of the chain, that is walked.
    pub count: u64,
    /// The iteration, once it is named; 0 for the first.
    pub iteration: u32,
    /// The op, once the output or the op is named.
    pub op: u32,
    /// The element, once it is named.
    pub element: u64,
}

/// A scalar step that a contract executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The op.
    pub op: u32,
    /// Its name, such as `scatter_add`.
    pub name: String,
    /// The element of its tensor.
    pub element: u64,
    /// The step of the element's chain; `None` for an op without one.
    pub step: Option<u64>,
    /// What the asserter had.
    pub asserted: Scalar,
    /// What the contract computed.
    pub correct: Scalar,
}

/// An input or a constant that was compared with what it is a copy of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The op.
    pub op: u32,
    /// Its name: `input` or `constant`.
    pub name: String,
    /// Root the asserter had.
    pub asserted: Hash,
    /// Root it is.
    pub correct: Hash,
}

/// The end of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// When.
    pub at: At,
    /// Whether the claim fell.
    pub asserter_lost: bool,
    /// Whether the loser's clock ran out.
    pub by_clock: bool,
    /// For the winner, beyond its own bond and gas.
    pub bounty: Wad,
    /// What was burnt of the loser's bond.
    pub burnt: Wad,
}

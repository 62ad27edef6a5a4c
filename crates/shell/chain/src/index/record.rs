//! What a history consists of: plain records, in the words of the contracts.
//!
//! Amounts are in wei of their token; prices, sizes and fractions are WAD (10^18 is one).

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, Bytes, I256, U256};
use serde::{Deserialize, Serialize};

use crate::{ClaimState, abi::Named, contracts::Phase};

/// Where on the chain something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// Number of the block.
    pub block: u64,
    /// Its timestamp in Unix seconds.
    pub time: u64,
    /// Hash of the transaction.
    pub tx: B256,
}

/// A node of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Registry index.
    pub index: u32,
    /// Key that sends its transactions.
    pub key: Address,
    /// Account its pay goes to.
    pub payee: Address,
    /// Public key of its transport endpoint.
    pub peer: B256,
    /// Where that endpoint is reached. Comes from a stranger.
    pub endpoint: String,
    /// Stake in wei.
    pub stake: U256,
    /// Stake burnt for what it did not reveal, in wei.
    pub burnt: U256,
    /// When it joined.
    pub joined: At,
    /// Block from which it can withdraw, once it is leaving.
    pub unbond_block: Option<u64>,
}

/// A training round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Its number.
    pub number: u64,
    /// Phase as of the last event.
    pub phase: Phase,
    /// When it opened.
    pub opened: At,
    /// Hash over the salts before it, part of its seeds.
    pub salts: B256,
    /// Tensor root of the model it starts from.
    pub model_root: B256,
    /// Nodes with seats, ascending by registry index; empty until they were drawn.
    pub seats: Vec<Seat>,
    /// Block that closed the commits, and when that was seen.
    pub commits_closed: Option<(u64, At)>,
    /// Block that closed the reveals, and when that was seen.
    pub reveals_closed: Option<(u64, At)>,
    /// Claims about its result, in order: id, aggregator's registry index, when posted.
    pub results: Vec<(u64, u32, At)>,
    /// Claims of it that fell.
    pub struck: Vec<u64>,
    /// How it settled.
    pub settled: Option<Settlement>,
    /// Why it ended without a result.
    pub voided: Option<Void>,
}

impl Round {
    /// Returns the seat of a node.
    pub fn seat(&self, node: u32) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.node == node)
    }

    pub(crate) fn seat_mut(&mut self, node: u32) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.node == node)
    }
}

/// A node's part in a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Registry index.
    pub node: u32,
    /// How many seats it drew; each is a row of the aggregation.
    pub rows: u32,
    /// What it committed to, and when.
    pub commitment: Option<(B256, At)>,
    /// What it revealed.
    pub reveal: Option<Reveal>,
    /// Whether its update was part of the mean; known once the round settled.
    pub accepted: Option<bool>,
}

/// A revealed update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reveal {
    /// When.
    pub at: At,
    /// Tensor root of the update.
    pub update_root: B256,
    /// BLAKE3 of its bytes.
    pub blob: B256,
    /// Salt of the commitment.
    pub salt: B256,
    /// The update's bytes where they were put on the chain.
    pub data: Option<Bytes>,
}

/// The end of a round with a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// When.
    pub at: At,
    /// The claim it rests on.
    pub claim: u64,
    /// Tensor root of the new model.
    pub model_root: B256,
    /// Tensor root of the cumulative pay.
    pub cumulative_root: B256,
}

/// The end of a round without a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    /// When it was seen.
    pub at: At,
    /// Phase that too few took part in.
    pub phase: Phase,
    /// How many did.
    pub got: u32,
    /// How many were needed.
    pub quorum: u32,
}

/// What the rows of a settled round were worth, once that is settled too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// When.
    pub at: At,
    /// The claim it rests on.
    pub claim: u64,
    /// Tensor root of the cumulative pay after it.
    pub cumulative_root: B256,
    /// Registry index, and gwei of stake burnt, of each node that had rows.
    pub burnt: Vec<(u32, u64)>,
}

/// A claim about a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Its id.
    pub id: u64,
    /// When it was posted.
    pub at: At,
    /// Hash of the Program.
    pub program: B256,
    /// List root of its inputs.
    pub inputs_root: B256,
    /// List root of its outputs, the asserter's word.
    pub outputs_root: B256,
    /// Who posted it.
    pub asserter: Address,
    /// The contract that posted it for the asserter.
    pub consumer: Address,
    /// Bond in wei.
    pub bond: U256,
    /// Last block in which it can be challenged.
    pub deadline: u64,
    /// State as of the last event.
    pub state: ClaimState,
    /// Its disputes, in order.
    pub disputes: Vec<u64>,
}

/// A dispute over a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Its id.
    pub id: u64,
    /// The claim.
    pub claim: u64,
    /// Who says that it is wrong.
    pub challenger: Address,
    /// The outputs root that the challenger stated.
    pub outputs_root: B256,
    /// When it began.
    pub started: At,
    /// The moves, the challenge first.
    pub moves: Vec<Move>,
    /// The step that was executed.
    pub judged: Option<Judged>,
    /// The input or constant that was compared.
    pub compared: Option<Compared>,
    /// How it was decided.
    pub decided: Option<Decided>,
    /// When it was closed without fault.
    pub closed: Option<At>,
}

/// A move of a dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// When.
    pub at: At,
    /// Whose.
    pub by: Address,
    /// The tree that is walked after it, a number of `ICourt.Stage`.
    pub stage: u8,
    /// What is due after it, a number of `ICourt.Turn`.
    pub turn: u8,
    /// The node that is walked after it.
    pub node: B256,
    /// Its place among the nodes of its height.
    pub index: u64,
    /// Levels between it and the leaves.
    pub height: u32,
    /// Leaves of the stage's tree.
    pub leaves: u64,
    /// Room for elements of the tensor, or steps of the chain, in those leaves.
    pub count: u64,
    /// The iteration, once it is named; 0 for the first.
    pub iteration: u32,
    /// The op, once the output or the op is named.
    pub op: u32,
    /// The element, once it is named.
    pub element: u64,
    /// Blocks left on the clocks of the asserter and the challenger.
    pub blocks_left: (u64, u64),
    /// Wei advanced for gas to the asserter and to the challenger.
    pub advanced: (U256, U256),
}

/// A scalar step that a contract executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The op.
    pub op: u32,
    /// Its code.
    pub code: u8,
    /// The element of its tensor.
    pub element: u64,
    /// The step of the element's chain, 0 without one.
    pub step: u64,
    /// Bits the asserter had.
    pub asserted: u64,
    /// Bits the contract computed.
    pub correct: u64,
    /// Dtype of both: 0 f32, 1 f64, 2 i32.
    pub dtype: u8,
}

/// An input or a constant that was compared with what it is a copy of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The op.
    pub op: u32,
    /// Its code.
    pub code: u8,
    /// Root the asserter had.
    pub asserted: B256,
    /// Root it is.
    pub correct: B256,
}

/// The end of a dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// When.
    pub at: At,
    /// Whether the claim fell.
    pub asserter_lost: bool,
    /// Whether the loser's clock ran out.
    pub by_clock: bool,
    /// Wei for the winner beyond its own bond and gas.
    pub bounty: U256,
    /// Wei of the loser's bond that were burnt.
    pub burnt: U256,
}

/// What was paid in and out of `Rewards`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewards {
    /// Paid in so far in wei.
    pub funded: U256,
    /// Roots of the cumulative pay by round.
    pub roots: BTreeMap<u64, B256>,
    /// What nodes claimed, in order.
    pub payments: Vec<Payment>,
}

/// A reward that a node claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// When.
    pub at: At,
    /// Registry index.
    pub node: u32,
    /// Account that received it.
    pub payee: Address,
    /// Wei of the token.
    pub amount: U256,
    /// Wei it was paid in all, this included.
    pub cumulative: U256,
}

/// A risk report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When.
    pub at: At,
    /// Who signed it.
    pub provider: Address,
    /// Hash of the market's name.
    pub market: B256,
    /// 0 price, 1 initial margin, 2 volatility.
    pub kind: u8,
    /// Value, WAD.
    pub value: U256,
    /// Lower bound, WAD.
    pub lower: U256,
    /// Upper bound, WAD.
    pub upper: U256,
    /// The claim behind it; none for a price, which is data.
    pub claim: Option<u64>,
    /// The market's own clock, Unix seconds.
    pub market_time: u64,
    /// Chain time from which it no longer holds.
    pub expiry: u64,
    /// The provider's number for it.
    pub nonce: u64,
}

/// What the claim of a report rests on, beside its Program and inputs, which are the claim's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// Claim of the settled round; none before the first.
    pub round_claim: Option<u64>,
    /// Tensor root of the model it used.
    pub model_root: B256,
    /// Bytes of market data that came with it.
    pub data_bytes: usize,
}

/// What holds for a market at the gate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Initial margin, a WAD fraction of notional: the settled one, or a raise over it.
    pub initial: U256,
    /// Initial margin that final reports have led to, likewise.
    pub settled: U256,
    /// Claim of the report that raises initial margin, while it stands.
    pub raiser: Option<u64>,
    /// Maintenance margin, likewise.
    pub maintenance: U256,
    /// Price let through, WAD; 0 before the first.
    pub price: U256,
    /// The market's clock at that price.
    pub market_time: u64,
    /// Static initial and maintenance margin.
    pub static_margins: (U256, U256),
    /// Reports that were let through, in order.
    pub applied: Vec<Applied>,
}

/// A report that was let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// When.
    pub at: At,
    /// 0 price, 1 initial margin.
    pub kind: u8,
    /// What the report says.
    pub reported: U256,
    /// What holds since: the price, or initial margin.
    pub applied: U256,
    /// Whether a limit made the two differ.
    pub clamped: bool,
    /// The provider's number for the report.
    pub nonce: u64,
    /// Whether the report's claim is final; until then it can only raise. Of a price, always.
    pub settled: bool,
}

/// The clearing house as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct House {
    /// Hash of the name of the market its future is on.
    pub terms_market: Option<B256>,
    /// The market's clock from which the future settles.
    pub settles_at: u64,
    /// Price the future settled at.
    pub settlement_price: Option<U256>,
    /// Whether the gate is shut and the static margins hold.
    pub shut: bool,
    /// Losses beyond what accounts had, and what the insurance covered of them.
    pub bad_debt: (U256, U256),
}

/// An account of the clearing house.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Collateral and what its trades paid and cost.
    pub cash: I256,
    /// Units, positive when long, WAD.
    pub position: I256,
    /// Average price of the open position, WAD.
    pub entry_price: Option<U256>,
    /// How it stood after each block that moved it.
    pub points: Vec<AccountPoint>,
}

/// How an account stood after a block; dollars in WAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPoint {
    /// Number of the block.
    pub block: u64,
    /// Its timestamp in Unix seconds.
    pub time: u64,
    /// Price positions were valued at.
    pub mark: U256,
    /// Cash plus position at the mark.
    pub equity: I256,
    /// Initial margin asked of it.
    pub initial: U256,
    /// Maintenance margin asked of it.
    pub maintenance: U256,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its parent's hash.
    pub parent: B256,
    /// Its timestamp in Unix seconds.
    pub time: u64,
    /// Gas its transactions used.
    pub gas_used: u64,
    /// Gas they could have used.
    pub gas_limit: u64,
    /// Hashes of its transactions in order.
    pub transactions: Vec<B256>,
}

/// A transaction and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tx {
    /// Its hash.
    pub hash: B256,
    /// Number of its block.
    pub block: u64,
    /// Its place in the block.
    pub index: u64,
    /// Its sender.
    pub from: Address,
    /// Whom it calls; nothing for a deployment.
    pub to: Option<Address>,
    /// The contract it created.
    pub created: Option<Address>,
    /// Ether it carries in wei.
    pub value: U256,
    /// The sender's number for it.
    pub nonce: u64,
    /// Gas it may use.
    pub gas_limit: u64,
    /// Gas it used.
    pub gas_used: u64,
    /// Whether it succeeded.
    pub success: bool,
    /// The call, where it is to one of the contracts and decodes.
    pub call: Option<Named>,
    /// First four bytes of its input, where it has that many.
    pub selector: Option<[u8; 4]>,
    /// Its events in order.
    pub events: Vec<Event>,
}

/// An event of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Contract that emitted it.
    pub by: Address,
    /// What it says, where it decodes.
    pub named: Option<Named>,
}

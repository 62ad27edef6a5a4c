//! Rounds, nodes and the model: the training half of the [`View`](super::View).
//!
//! Field names follow docs/protocol.md §2. Roots and program hashes are those of the chain's own
//! records; names and labels are what the process that serves the pages says about nodes it runs,
//! and are shown as such.
//! Deliberately absent: updates themselves and anybody's data.

use super::{Address, Hash, Wad};
use serde::{Deserialize, Serialize};

/// Where a round stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The round exists and its seats are fixed; only an instant on most chains.
    Open,
    /// Seats commit to their updates.
    Commit,
    /// Seats reveal what they committed to.
    Reveal,
    /// A claim about the result is awaited, or its window is open.
    Aggregate,
    /// The claim became final: the model moved and pay is due.
    Settled,
    /// Too few commitments or reveals: nothing moved.
    Voided,
}

/// One training round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Number, from 1.
    pub number: u64,
    /// Where it stands.
    pub phase: Phase,
    /// The market's clock at the opening, Unix seconds.
    pub market_time: i64,
    /// Block in which it opened.
    pub open_block: u64,
    /// Block in which the commitments closed.
    pub commits_closed_block: Option<u64>,
    /// Block in which the reveals closed.
    pub reveals_closed_block: Option<u64>,
    /// Block in which it settled or was voided.
    pub end_block: Option<u64>,
    /// Claims of it that fell so far.
    pub struck: u32,
    /// Seats, ascending by registry index.
    pub seats: Vec<Seat>,
    /// Tensor root of the model it started from.
    pub model_before: Hash,
    /// Tensor root of the model it ended with.
    pub model_after: Option<Hash>,
    /// Hash of the training Program.
    pub train_program: Hash,
    /// Hash of the aggregation Program for the seats that revealed.
    pub program: Option<Hash>,
    /// List root of the aggregation's inputs.
    pub inputs_root: Option<Hash>,
    /// List root of the aggregation's outputs.
    pub outputs_root: Option<Hash>,
    /// Registry index of the elected aggregator, once elected.
    pub aggregator: Option<u32>,
    /// Claims about the result, in order of posting; all but the last have fallen.
    pub claims: Vec<Claim>,
    /// Evaluation loss of the new model.
    pub loss: Option<f64>,
    /// Pay of the whole round.
    pub budget: Wad,
    /// Wall-clock seconds of each phase that is over, as measured by the serving process.
    pub seconds: Vec<PhaseTime>,
    /// Transactions that belong to the round, in the order of the chain.
    pub txs: Vec<Hash>,
}

impl Round {
    /// Returns how many updates were accepted and rejected, once judged.
    #[must_use]
    pub fn tally(&self) -> Option<(usize, usize)> {
        let judged = self.seats.iter().filter_map(|seat| seat.verdict);
        let (yes, no) = judged.fold((0, 0), |(yes, no), verdict| match verdict {
            Verdict::Accepted => (yes + 1, no),
            Verdict::Rejected => (yes, no + 1),
        });
        (yes + no > 0).then_some((yes, no))
    }

    /// Returns the number of seats that were drawn.
    #[must_use]
    pub fn drawn(&self) -> u32 {
        self.seats.iter().map(|seat| seat.seats).sum()
    }

    /// Returns the number of seats that have committed.
    #[must_use]
    pub fn committed(&self) -> u32 {
        self.seats.iter().filter(|seat| seat.commitment.is_some()).map(|seat| seat.seats).sum()
    }

    /// Returns the number of seats that have revealed.
    #[must_use]
    pub fn revealed(&self) -> u32 {
        self.seats.iter().filter(|seat| seat.reveal.is_some()).map(|seat| seat.seats).sum()
    }
}

/// Seconds that one phase took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// Which phase.
    pub phase: Phase,
    /// How long, in seconds of wall-clock time.
    pub seconds: f64,
}

/// One node's part in one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seat {
    /// Registry index.
    pub node: u32,
    /// What the serving process calls the node.
    pub name: String,
    /// How many of the round's seats the node drew; each is a row of the aggregation.
    pub seats: u32,
    /// Stake when the seats were drawn.
    pub stake: Wad,
    /// The commitment, once seen.
    pub commitment: Option<Hash>,
    /// The reveal, once seen.
    pub reveal: Option<Reveal>,
    /// Distance from the coordinate median, divided by the median distance.
    pub distance: Option<f64>,
    /// The aggregation Program's word, once final.
    pub verdict: Option<Verdict>,
    /// Pay for this round, once final.
    pub pay: Option<Wad>,
    /// What the node's rows were worth, where that decides pay and is settled.
    pub worth: Option<Worth>,
    /// A label the serving process knows to be true, such as `demo liar`.
    pub label: Option<String>,
}

/// What a node's rows of a round were worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worth {
    /// What each took off the loss on the days that followed, in the mean, as though all were like
    /// it.
    pub score: f64,
    /// Stake burnt where that is negative.
    pub burnt: Wad,
}

/// What a seat revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reveal {
    /// Tensor root of the quantised update.
    pub update_root: Hash,
    /// BLAKE3 of the update's bytes.
    pub blob: Hash,
    /// Whether the bytes went into calldata for want of a certificate.
    pub with_data: bool,
}

/// What the aggregation Program says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The update counts and is paid.
    Accepted,
    /// The update is too far from the others: left out and unpaid, not slashed.
    Rejected,
}

/// A claim about a round's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Number in the court's records.
    pub id: u64,
    /// Where it stands.
    pub state: ClaimState,
    /// Who posted it.
    pub asserter: Address,
    /// Registry index of who posted it.
    pub asserter_node: Option<u32>,
    /// The root it asserts.
    pub outputs_root: Hash,
    /// What stands behind it.
    pub bond: Wad,
    /// Last block in which it can be challenged.
    pub deadline: u64,
    /// Its disputes, by number.
    pub disputes: Vec<u64>,
}

/// State of a claim, as the court has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClaimState {
    /// Its window is open.
    Open,
    /// Some dispute over it is undecided.
    Disputed,
    /// It can be relied on.
    Final,
    /// A dispute convicted it.
    Struck,
    /// It fell with a claim that it was built on; nobody is at fault.
    Void,
}

/// A registered node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Registry index.
    pub index: u32,
    /// What the serving process calls it.
    pub name: String,
    /// Hot key that sends its transactions.
    pub key: Address,
    /// Cold address that receives its pay.
    pub payee: Address,
    /// Public key of its transport endpoint.
    pub peer: Hash,
    /// Where it says it is reached; a stranger's text.
    pub endpoint: String,
    /// Stake now.
    pub stake: Wad,
    /// Pay earned in all settled rounds.
    pub earned: Wad,
    /// Pay claimed so far.
    pub claimed: Wad,
    /// What it does, such as `trainer` or `trainer, publisher`.
    pub role: String,
    /// What it trains on, one clause; empty if unknown.
    pub data: String,
    /// Whether it answers; `None` where nobody asked.
    pub alive: Option<bool>,
    /// Block in which it joined.
    pub joined_block: u64,
    /// A label the serving process knows to be true, such as `demo liar`.
    pub label: Option<String>,
}

/// The model under training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Kind, such as `log-HAR, linear`.
    pub kind: String,
    /// What it predicts, one clause.
    pub predicts: String,
    /// What the loss is, such as `QLIKE on 2015–2018`.
    pub loss_name: String,
    /// Tensor root of the current parameters.
    pub root: Option<Hash>,
    /// Hash of the training Program.
    pub program: Option<Hash>,
    /// Parameters with their values, in the order of the tensor.
    pub parameters: Vec<Parameter>,
    /// Loss by round, ascending.
    pub losses: Vec<Loss>,
}

/// One scalar of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Name, such as `weekly`.
    pub name: String,
    /// Value, exactly as in the tensor.
    pub value: f32,
}

/// The evaluation loss after one round.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// Round.
    pub round: u64,
    /// Loss of the model that round produced.
    pub loss: f64,
    /// Tensor root of that model.
    pub root: Hash,
}

//! The one JSON object that `up --json` prints, documented in docs/protocol.md ("What `up --json`
//! prints").
//!
//! Field names are part of the interface. Hashes are `0x` and 64 digits; amounts of money are
//! decimal strings in whole units, so that no reader loses digits; margins are fractions of
//! notional.

use serde::Serialize;

use super::quality::Quality;

/// Everything a run did.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// What was replayed: series, proxy and first and last market day.
    pub(crate) data: Data,
    /// Settled rounds, oldest first.
    pub(crate) rounds: Vec<Round>,
    /// Disputes that have ended, oldest first.
    pub(crate) disputes: Vec<Dispute>,
    /// Reports of margin, oldest first.
    pub(crate) oracle: Vec<Report>,
    /// What was asked of an account that sold options and a perpetual, by day.
    pub(crate) house: Vec<HouseDay>,
    /// The sample account's initial margin requirement before the first and after the last report.
    pub(crate) account: Account,
    /// How unevenly stake, pay and aggregation were held, by epoch.
    pub(crate) concentration: explorer::view::Concentration,
    /// How good the run was.
    pub(crate) quality: Quality,
    /// The chain the run was settled on.
    pub(crate) chain: Chain,
    /// Address of the explorer while the program runs.
    pub(crate) explorer: String,
}

/// What was replayed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Data {
    /// Name of the market, such as `WTI spot`.
    pub(crate) market: String,
    /// How daily variance was measured, such as `squared return`.
    pub(crate) proxy: String,
    /// Market day of the last round, `YYYY-MM-DD`.
    pub(crate) market_day: String,
}

/// One settled round.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Round {
    /// Number of the round, from 1.
    pub(crate) index: u64,
    /// Market day it was run on, `YYYY-MM-DD`.
    pub(crate) market_day: String,
    /// Registry indices of the nodes that revealed.
    pub(crate) participants: Vec<u32>,
    /// Seats of each of them: rows of the aggregation.
    pub(crate) seats: Vec<Seats>,
    /// Registry indices of the accepted rows.
    pub(crate) accepted: Vec<u32>,
    /// Rejected rows with the reason.
    pub(crate) rejected: Vec<Rejected>,
    /// Mean loss of the new model on the evaluation days.
    pub(crate) loss: f64,
    /// The same of the same rounds without the nodes that attack, where some do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) loss_without: Option<f64>,
    /// Tensor root of the new parameters.
    pub(crate) model: String,
    /// Hash of the aggregation Program that was run.
    pub(crate) program: String,
    /// Distance of each participant from the coordinate median over the median distance.
    pub(crate) distances: Vec<Distance>,
    /// Pay of each participant, whole tokens; where rows are paid by their worth, nothing until
    /// that is settled, some rounds later.
    pub(crate) pay: Vec<Pay>,
    /// Wall-clock seconds of each phase, as this process saw it.
    pub(crate) seconds: Seconds,
}

/// How many seats a node drew.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Seats {
    /// Registry index.
    pub(crate) node: u32,
    /// Seats of the round.
    pub(crate) seats: usize,
}

/// A row that the aggregation rule left out.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rejected {
    /// Registry index.
    pub(crate) node: u32,
    /// Why, in words.
    pub(crate) reason: String,
    /// Distance from the coordinate median over the median distance.
    pub(crate) distance: f64,
    /// Whether this node was started as a liar, for show.
    pub(crate) liar: bool,
}

impl Round {
    /// Returns how far a node's update was from the others'.
    pub(crate) fn distance(&self, node: u32) -> Option<f64> {
        self.distances.iter().find(|one| one.node == node).map(|one| one.distance)
    }
}

/// How far a node's update was from the others'.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Distance {
    /// Registry index.
    pub(crate) node: u32,
    /// Over the median distance.
    pub(crate) distance: f64,
}

/// What a node was paid for a round.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pay {
    /// Registry index.
    pub(crate) node: u32,
    /// Whole tokens, as a decimal string.
    pub(crate) tokens: String,
    /// Whole tokens of stake burnt, where rows are paid by their worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) burnt: Option<String>,
    /// Mean score of its rows there: what they took off the loss, each as though all were like it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) score: Option<f64>,
}

/// Wall-clock seconds of the phases of a round.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct Seconds {
    /// From the opening to the last commitment.
    pub(crate) commit: f64,
    /// From there to the last reveal.
    pub(crate) reveal: f64,
    /// From there to the settlement.
    pub(crate) aggregate: f64,
}

/// One day of the house, under the grid that counts.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HouseDay {
    /// Market day, `YYYY-MM-DD`.
    pub(crate) market_day: String,
    /// The grid's claim.
    pub(crate) claim: u64,
    /// Price it was made at, dollars.
    pub(crate) price: f64,
    /// How far its scenarios go, as a fraction of the price.
    pub(crate) half_width: f64,
    /// Positions of the short account.
    pub(crate) legs: usize,
    /// What it has at the marks, dollars.
    pub(crate) equity: String,
    /// What it must have to open positions or withdraw, dollars.
    pub(crate) opening: String,
    /// Its maintenance margin, dollars.
    pub(crate) maintenance: String,
}

/// One dispute over a claim.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Dispute {
    /// Its number.
    pub(crate) id: u64,
    /// The claim.
    pub(crate) claim: u64,
    /// The contract that the claim was posted by.
    pub(crate) contract: String,
    /// The round the claim was about.
    pub(crate) round: Option<u64>,
    /// The market day of the report it was behind, `YYYY-MM-DD`, where it was a report's.
    pub(crate) report: Option<String>,
    /// Registry index of the asserter.
    pub(crate) asserter: Option<u32>,
    /// Registry index of the challenger.
    pub(crate) challenger: Option<u32>,
    /// Registry index of the side that lost, if one did.
    pub(crate) convicted: Option<u32>,
    /// How it ended: `step`, `input` (an input or a constant was compared), `clock`, or `closed`
    /// because the claim fell by another dispute.
    pub(crate) ended: String,
    /// Moves of both sides.
    pub(crate) moves: usize,
    /// Gas of both sides' moves.
    pub(crate) gas: u64,
    /// Index of the op that was judged.
    pub(crate) op: Option<u32>,
    /// Its name.
    pub(crate) op_name: Option<String>,
    /// The element of its tensor.
    pub(crate) element: Option<u64>,
    /// The step of the element's chain.
    pub(crate) step: Option<u64>,
    /// The asserter's value, as a decimal string or a root.
    pub(crate) asserted: Option<String>,
    /// The value the contract computed.
    pub(crate) correct: Option<String>,
    /// What the loser lost, whole tokens.
    pub(crate) bond_lost: String,
    /// How much of it was burnt, whole tokens.
    pub(crate) burnt: String,
}

/// One margin report as the oracle took it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// Expected shortfall of the day's loss, as a fraction of notional.
    pub(crate) value: f64,
    /// The 99.5 % quantile of that loss.
    pub(crate) lower: f64,
    /// The initial margin that is asked for: the shortfall, loaded for uncertainty.
    pub(crate) upper: f64,
    /// The claim behind it.
    pub(crate) claim: u64,
    /// Where that claim stands: `open`, `disputed`, `final`, `struck` or `void`.
    pub(crate) state: String,
    /// Block of the report.
    pub(crate) block: u64,
    /// The market's own clock, `YYYY-MM-DD`.
    pub(crate) market_day: String,
}

/// The sample account.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Account {
    /// Its address.
    pub(crate) address: String,
    /// Initial margin requirement before the first report, in dollars.
    pub(crate) margin_before: String,
    /// Initial margin requirement now, in dollars.
    pub(crate) margin_after: String,
}

/// The chain.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Chain {
    /// Its id.
    pub(crate) id: u64,
    /// Blocks so far.
    pub(crate) blocks: u64,
}

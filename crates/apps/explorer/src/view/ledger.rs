//! Oracle, accounts, blocks and transactions: the half of the [`View`](super::View) that holds
//! money.
//!
//! Amounts are [`Wad`]s, exact to the last wei. Decoding is done by whoever builds the view; a call
//! that could not be decoded has its selector for a method and no arguments.

use super::{Address, ClaimState, Hash, Wad};
use serde::{Deserialize, Serialize};

/// What the risk oracle was told about one market.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Oracle {
    /// What `value` is, such as `expected shortfall`.
    pub quantity: String,
    /// Unit of the price, such as `USD/bbl`.
    pub price_unit: String,
    /// What the bounds are, such as `99.5 % quantile (lower) and the margin (upper)`.
    pub interval: String,
    /// Reports of the provider whom the gate reads, ascending by block.
    pub reports: Vec<Report>,
    /// The same market with several providers, where that runs.
    #[serde(default)]
    pub panel: Option<Panel>,
}

/// A market of several providers: its feed, its records and its gate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    /// The feed's last good price.
    pub price: Wad,
    /// Unix seconds at which its slot began; 0 before the first.
    pub slot_time: i64,
    /// Whether that is fresh.
    pub fresh: bool,
    /// Initial margin by the median of the providers, a fraction of notional.
    pub initial: Wad,
    /// Maintenance margin, a fraction of notional.
    pub maintenance: Wad,
    /// To what it waits to rise, where it does.
    pub rises_to: Option<Wad>,
    /// What is known of each provider.
    pub records: Vec<Record>,
    /// What the feed keeps of each reporter.
    pub reporters: Vec<Reporter>,
}

/// How a provider's margins did against the feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Who.
    pub provider: Party,
    /// Predictions that were scored.
    pub outcomes: u64,
    /// Those of them that the market moved beyond.
    pub misses: u64,
    /// Mean upper bound of them, a fraction.
    pub bound: Wad,
    /// Whether its record still lets it be heard.
    pub trusted: bool,
}

/// A reporter of the feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reporter {
    /// Who.
    pub reporter: Party,
    /// Its weight, a fraction of 1.
    pub weight: Wad,
    /// What its scores earned and was not paid yet.
    pub owed: Wad,
    /// Whether it was convicted.
    pub convicted: bool,
}

/// One report to the oracle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Block that took it.
    pub block: u64,
    /// Transaction that carried it.
    pub tx: Option<Hash>,
    /// Round whose model it comes from.
    pub round: Option<u64>,
    /// The market's clock it speaks of, Unix seconds.
    pub market_time: i64,
    /// The value, a fraction of notional.
    pub value: Wad,
    /// Lower bound, a fraction of notional.
    pub lower: Wad,
    /// Upper bound, a fraction of notional.
    pub upper: Wad,
    /// Price of the underlying at that time.
    pub price: Wad,
    /// What the gate let through, a fraction of notional.
    pub applied: Option<Wad>,
    /// Who signed it.
    pub provider: Address,
    /// The claim behind it.
    #[serde(default)]
    pub claim: Option<u64>,
    /// Where that claim stands.
    #[serde(default)]
    pub state: Option<ClaimState>,
    /// Hash of the report Program.
    pub program: Hash,
    /// Tensor root of the model.
    pub model: Hash,
}

/// A margin account and its one position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// What the serving process calls it.
    pub name: String,
    /// Its address.
    pub address: Address,
    /// Symbol of the collateral.
    pub unit: String,
    /// Collateral deposited.
    pub collateral: Wad,
    /// Instrument of the position.
    pub instrument: String,
    /// Size; negative when short.
    pub position: Wad,
    /// Unit of the size, such as `bbl`.
    pub size_unit: String,
    /// Average price at which the position was entered.
    pub entry_price: Option<Wad>,
    /// Price it is marked at.
    pub mark: Option<Wad>,
    /// Collateral plus unrealised profit.
    pub equity: Wad,
    /// Initial margin.
    pub initial: Wad,
    /// Maintenance margin; below it the account may be liquidated.
    pub maintenance: Wad,
    /// The same by report, ascending.
    pub history: Vec<AccountPoint>,
}

/// An account after one report.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountPoint {
    /// Block of the report.
    pub block: u64,
    /// The market's clock, Unix seconds.
    pub market_time: i64,
    /// Collateral plus unrealised profit.
    pub equity: Wad,
    /// Initial margin.
    pub initial: Wad,
    /// Maintenance margin.
    pub maintenance: Wad,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: Hash,
    /// Hash of the block before.
    pub parent: Hash,
    /// Timestamp, Unix seconds: the market's clock on the embedded chain.
    pub time: i64,
    /// Gas used by its transactions.
    pub gas_used: u64,
    /// Most gas it may use.
    pub gas_limit: u64,
    /// Its transactions, in order.
    pub txs: Vec<Hash>,
}

/// An address and what it is known as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The address.
    pub address: Address,
    /// The name of the contract or node behind it; empty for strangers.
    pub label: String,
}

/// A transaction with its call and events decoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tx {
    /// Hash.
    pub hash: Hash,
    /// Block.
    pub block: u64,
    /// Place in the block.
    pub index: u32,
    /// Who sent it.
    pub from: Party,
    /// Whom it calls; `None` when it creates a contract.
    pub to: Option<Party>,
    /// Contract it created.
    pub created: Option<Party>,
    /// Method by name, or the four-byte selector of an unknown one.
    pub method: String,
    /// Arguments, decoded.
    pub args: Vec<Field>,
    /// Gas it used.
    pub gas_used: u64,
    /// Most gas it was ready to use.
    pub gas_limit: u64,
    /// The sender's nonce.
    pub nonce: u64,
    /// Whether it did what it asked for.
    pub status: TxStatus,
    /// Events it emitted, in order.
    pub events: Vec<Event>,
}

/// Outcome of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TxStatus {
    /// It succeeded.
    Ok,
    /// It was reverted, with the contract's named error where that is known.
    Reverted(String),
}

/// One named value of a call or an event, already in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Name, as the contract has it.
    pub name: String,
    /// Type, as the contract has it.
    pub kind: String,
    /// Value, in full.
    pub value: String,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Contract that emitted it.
    pub by: Party,
    /// Name, or the first topic of an unknown one.
    pub name: String,
    /// Values, decoded.
    pub fields: Vec<Field>,
}

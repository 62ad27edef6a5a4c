//! Names for what the chain shows as bytes: which method a transaction called with which arguments,
//! which event a log is, which error a revert carries.
//!
//! Built once from the same artifacts as [`crate::contracts`]. Everything here comes from
//! strangers: bytes that do not decode give `None`, never a panic.

use std::{collections::HashMap, sync::LazyLock};

use alloy::{
    dyn_abi::{DynSolValue, EventExt, JsonAbiExt},
    hex,
    json_abi::{Error, Event, Function, JsonAbi, Param},
    primitives::{B256, LogData, Selector},
};
use serde::{Deserialize, Serialize};

/// An argument of a method, event or error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its Solidity type, such as `uint64`.
    pub kind: String,
    /// Its value as text: decimal numbers, `0x` bytes.
    pub value: String,
}

/// A method, event or error with its arguments as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Contract that declares it.
    pub contract: String,
    /// Its name.
    pub name: String,
    /// Its arguments, in order.
    pub fields: Vec<Field>,
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}(", self.name)?;
        for (position, field) in self.fields.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{}: {}", field.name, field.value)?;
        }
        write!(f, ")")
    }
}

struct Table {
    functions: HashMap<(&'static str, Selector), Function>,
    errors: HashMap<Selector, (&'static str, Error)>,
    events: HashMap<B256, (&'static str, Event)>,
}

/// The artifacts by contract name.
const ARTIFACTS: [(&str, &str); 24] = [
    ("AssayToken", include_str!("../../../../contracts/artifacts/AssayToken.json")),
    ("Registry", include_str!("../../../../contracts/artifacts/Registry.json")),
    ("Programs", include_str!("../../../../contracts/artifacts/Programs.json")),
    ("Arithmetic", include_str!("../../../../contracts/artifacts/Arithmetic.json")),
    ("Referee", include_str!("../../../../contracts/artifacts/Referee.json")),
    ("Court", include_str!("../../../../contracts/artifacts/Court.json")),
    ("Rewards", include_str!("../../../../contracts/artifacts/Rewards.json")),
    ("Scores", include_str!("../../../../contracts/artifacts/Scores.json")),
    ("Rounds", include_str!("../../../../contracts/artifacts/Rounds.json")),
    ("RiskOracle", include_str!("../../../../contracts/artifacts/RiskOracle.json")),
    ("RiskGate", include_str!("../../../../contracts/artifacts/RiskGate.json")),
    ("DemoDollar", include_str!("../../../../contracts/artifacts/DemoDollar.json")),
    ("ClearingHouse", include_str!("../../../../contracts/artifacts/ClearingHouse.json")),
    ("PriceFeed", include_str!("../../../../contracts/artifacts/PriceFeed.json")),
    ("ProviderLedger", include_str!("../../../../contracts/artifacts/ProviderLedger.json")),
    ("AccountsBook", include_str!("../../../../contracts/artifacts/AccountsBook.json")),
    ("PanelGate", include_str!("../../../../contracts/artifacts/PanelGate.json")),
    ("ScenarioBook", include_str!("../../../../contracts/artifacts/ScenarioBook.json")),
    ("PortfolioHouse", include_str!("../../../../contracts/artifacts/PortfolioHouse.json")),
    ("Jobs", include_str!("../../../../contracts/artifacts/Jobs.json")),
    ("Revenue", include_str!("../../../../contracts/artifacts/Revenue.json")),
    ("Runs", include_str!("../../../../contracts/artifacts/Runs.json")),
    ("PrivateRounds", include_str!("../../../../contracts/artifacts/PrivateRounds.json")),
    ("OrderDesk", include_str!("../../../../contracts/artifacts/OrderDesk.json")),
];

#[derive(Deserialize)]
struct Artifact {
    abi: JsonAbi,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table =
        Table { functions: HashMap::new(), errors: HashMap::new(), events: HashMap::new() };
    for (contract, text) in ARTIFACTS {
        let artifact: Artifact = serde_json::from_str(text).expect("artifacts are committed valid");
        for function in artifact.abi.functions() {
            table.functions.insert((contract, function.selector()), function.clone());
        }
        for error in artifact.abi.errors() {
            table.errors.entry(error.selector()).or_insert((contract, error.clone()));
        }
        for event in artifact.abi.events() {
            table.events.entry(event.selector()).or_insert((contract, event.clone()));
        }
    }
    table
});

/// Names the call that `input` makes to `contract`.
pub fn call(contract: &str, input: &[u8]) -> Option<Named> {
    let (selector, arguments) = input.split_first_chunk::<4>()?;
    let (contract, _) = ARTIFACTS.iter().find(|(name, _)| *name == contract)?;
    let function = TABLE.functions.get(&(*contract, Selector::from(*selector)))?;
    let values = function.abi_decode_input(arguments).ok()?;
    Some(named(contract, &function.name, &function.inputs, &values))
}

/// Names the error in the data of a revert, the EVM's own two included.
pub fn error(data: &[u8]) -> Option<Named> {
    if let Some(reason) = alloy::sol_types::decode_revert_reason(data) {
        // Covers Error(string) and Panic(uint256); custom errors come back undecoded.
        if !TABLE.errors.contains_key(data.get(..4)?) {
            let fields = vec![field("reason", "string", reason)];
            return Some(Named { contract: String::new(), name: "Error".to_owned(), fields });
        }
    }
    let (selector, arguments) = data.split_first_chunk::<4>()?;
    let (contract, error) = TABLE.errors.get(&Selector::from(*selector))?;
    let values = error.abi_decode_input(arguments).ok()?;
    Some(named(contract, &error.name, &error.inputs, &values))
}

/// Names the event in a log.
pub fn event(log: &LogData) -> Option<Named> {
    let (contract, event) = TABLE.events.get(log.topics().first()?)?;
    let decoded = event.decode_log(log).ok()?;
    let (mut indexed, mut body) = (decoded.indexed.iter(), decoded.body.iter());
    let mut fields = Vec::new();
    for input in &event.inputs {
        let value = if input.indexed { indexed.next() } else { body.next() }?;
        fields.push(field(&input.name, &input.ty, text(value)));
    }
    Some(Named { contract: (*contract).to_owned(), name: event.name.clone(), fields })
}

fn named(contract: &str, name: &str, inputs: &[Param], values: &[DynSolValue]) -> Named {
    let pairs = inputs.iter().zip(values);
    let fields = pairs.map(|(input, value)| field(&input.name, &input.ty, text(value))).collect();
    Named { contract: contract.to_owned(), name: name.to_owned(), fields }
}

fn field(name: &str, kind: &str, value: String) -> Field {
    Field { name: name.to_owned(), kind: kind.to_owned(), value }
}

fn text(value: &DynSolValue) -> String {
    let list = |values: &[DynSolValue]| values.iter().map(text).collect::<Vec<_>>().join(", ");
    match value {
        DynSolValue::Bool(value) => value.to_string(),
        DynSolValue::Int(value, _) => value.to_string(),
        DynSolValue::Uint(value, _) => value.to_string(),
        DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(&word[..*size]),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Function(function) => hex::encode_prefixed(function),
        DynSolValue::Bytes(bytes) => hex::encode_prefixed(bytes),
        DynSolValue::String(text) => text.clone(),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            format!("[{}]", list(values))
        }
        DynSolValue::Tuple(values) => format!("({})", list(values)),
    }
}

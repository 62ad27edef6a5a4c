//! The contracts as Rust sees them, generated from the committed artifacts (ABI and bytecode).
//!
//! One module a contract, since two artifacts may mention the same interface. Calls are plain data
//! (`rounds::Rounds::commitCall { round, commitment }`); [`crate::Client`] sends them.

use serde::{Deserialize, Serialize};

/// Phase of a round, `IRounds.Phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// No round is running.
    Idle,
    /// Seats commit.
    Commit,
    /// Seats that committed reveal.
    Reveal,
    /// The result is posted, challenged and settled.
    Aggregate,
}

impl Phase {
    /// Returns the phase a contract means by a number; `Idle` for one it never sends.
    pub fn from_word(word: u8) -> Self {
        match word {
            1 => Self::Commit,
            2 => Self::Reveal,
            3 => Self::Aggregate,
            _ => Self::Idle,
        }
    }
}

/// State of a claim, `ICourt.State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimState {
    /// It can be challenged.
    Open,
    /// It has disputes that are not decided, and nobody may rely on it.
    Disputed,
    /// Its window passed, and it won whatever disputes it had.
    Final,
    /// It was convicted.
    Struck,
    /// It fell with a claim it was built on.
    Void,
}

impl ClaimState {
    /// Returns the state a contract means by a number; nothing for a claim that does not exist.
    pub fn from_word(word: u8) -> Option<Self> {
        match word {
            1 => Some(Self::Open),
            2 => Some(Self::Disputed),
            3 => Some(Self::Final),
            4 => Some(Self::Struck),
            5 => Some(Self::Void),
            _ => None,
        }
    }
}

macro_rules! artifact {
    ($module:ident, $name:ident, $path:literal) => {
        #[doc = concat!("Calls, events, errors and structs of `", stringify!($name), "`.")]
        #[allow(missing_docs, reason = "generated from the artifact, documented in the interface")]
        #[allow(clippy::too_many_arguments, reason = "generated from the artifact")]
        pub mod $module {
            alloy::sol! {
                #![sol(all_derives)]
                $name,
                $path
            }
        }
    };
}

artifact!(token, AssayToken, "../../../contracts/artifacts/AssayToken.json");
artifact!(registry, Registry, "../../../contracts/artifacts/Registry.json");
artifact!(programs, Programs, "../../../contracts/artifacts/Programs.json");
artifact!(arithmetic, Arithmetic, "../../../contracts/artifacts/Arithmetic.json");
artifact!(referee, Referee, "../../../contracts/artifacts/Referee.json");
artifact!(court, Court, "../../../contracts/artifacts/Court.json");
artifact!(rewards, Rewards, "../../../contracts/artifacts/Rewards.json");
artifact!(scores, Scores, "../../../contracts/artifacts/Scores.json");
artifact!(rounds, Rounds, "../../../contracts/artifacts/Rounds.json");
artifact!(jobs, Jobs, "../../../contracts/artifacts/Jobs.json");
artifact!(private, PrivateRounds, "../../../contracts/artifacts/PrivateRounds.json");
artifact!(runs, Runs, "../../../contracts/artifacts/Runs.json");
artifact!(revenue, Revenue, "../../../contracts/artifacts/Revenue.json");
artifact!(oracle, RiskOracle, "../../../contracts/artifacts/RiskOracle.json");
artifact!(gate, RiskGate, "../../../contracts/artifacts/RiskGate.json");
artifact!(dollar, DemoDollar, "../../../contracts/artifacts/DemoDollar.json");
artifact!(clearing, ClearingHouse, "../../../contracts/artifacts/ClearingHouse.json");
artifact!(feed, PriceFeed, "../../../contracts/artifacts/PriceFeed.json");
artifact!(ledger, ProviderLedger, "../../../contracts/artifacts/ProviderLedger.json");
artifact!(book, AccountsBook, "../../../contracts/artifacts/AccountsBook.json");
artifact!(panel, PanelGate, "../../../contracts/artifacts/PanelGate.json");
artifact!(scenarios, ScenarioBook, "../../../contracts/artifacts/ScenarioBook.json");
artifact!(house, PortfolioHouse, "../../../contracts/artifacts/PortfolioHouse.json");
artifact!(stated, StatedOracle, "../../../contracts/artifacts/StatedOracle.json");
artifact!(desk, OrderDesk, "../../../contracts/artifacts/OrderDesk.json");

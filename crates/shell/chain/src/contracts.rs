//! The contracts as Rust sees them, generated from the committed artifacts (ABI and bytecode).
//!
//! One module a contract, since two artifacts may mention the same interface. Calls are plain data
//! (`rounds::Rounds::commitCall { round, commitment }`); [`crate::Client`] sends them.

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
artifact!(court, Court, "../../../contracts/artifacts/Court.json");
artifact!(rewards, Rewards, "../../../contracts/artifacts/Rewards.json");
artifact!(rounds, Rounds, "../../../contracts/artifacts/Rounds.json");
artifact!(oracle, RiskOracle, "../../../contracts/artifacts/RiskOracle.json");
artifact!(gate, RiskGate, "../../../contracts/artifacts/RiskGate.json");
artifact!(dollar, DemoDollar, "../../../contracts/artifacts/DemoDollar.json");
artifact!(clearing, ClearingHouse, "../../../contracts/artifacts/ClearingHouse.json");

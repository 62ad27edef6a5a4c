//! Further jobs beside the first, their revenue, and open jobs.

use alloy::{primitives::Bytes, primitives::keccak256, sol_types::SolConstructor};

use super::{Deployment, with_arguments};
use crate::contracts::{
    jobs::Jobs, oracle::RiskOracle, registry::Registry, revenue::Revenue, rewards::Rewards,
    rounds::Rounds, runs::Runs,
};

/// Returns the init codes in the order of [`Deployment::named`].
pub(super) fn init_codes(at: &Deployment) -> [Bytes; 3] {
    let jobs = Jobs::constructorCall {
        token_: at.token,
        court_: at.court,
        programs_: at.programs,
        codes: Jobs::CodeHashes {
            registry: keccak256(&Registry::BYTECODE),
            rewards: keccak256(&Rewards::BYTECODE),
            rounds: keccak256(&Rounds::BYTECODE),
            oracle: keccak256(&RiskOracle::BYTECODE),
        },
    };
    let revenue = Revenue::constructorCall { token_: at.token, jobs_: at.jobs };
    let runs = Runs::constructorCall { token_: at.token, court_: at.court, programs_: at.programs };
    [
        with_arguments(&Jobs::BYTECODE, jobs.abi_encode()),
        with_arguments(&Revenue::BYTECODE, revenue.abi_encode()),
        with_arguments(&Runs::BYTECODE, runs.abi_encode()),
    ]
}

//! Scores, between the rounds and their pay where rows are paid by score.

use alloy::{
    primitives::{Address, Bytes},
    sol_types::SolConstructor,
};

use super::{Deployment, Setup, with_arguments};
use crate::contracts::scores::Scores;

/// Returns the init code of `Scores`.
pub(super) fn init_code(setup: &Setup, at: &Deployment) -> Bytes {
    let scores = Scores::constructorCall {
        rounds_: at.rounds,
        court_: at.court,
        registry_: at.registry,
        rewards_: at.rewards,
        terms_: setup.scores.clone(),
    };
    with_arguments(&Scores::BYTECODE, scores.abi_encode())
}

/// Returns whom `Rounds` hands what it settled.
pub(super) fn receiver(setup: &Setup, at: &Deployment) -> Address {
    if setup.scored { at.scores } else { at.rewards }
}

/// Returns whose word `Rewards` pays by.
pub(super) fn payer(setup: &Setup, at: &Deployment) -> Address {
    if setup.scored { at.scores } else { at.rounds }
}

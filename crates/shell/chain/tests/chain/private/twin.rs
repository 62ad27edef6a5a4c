//! The contract and the mirror beside it, called with the same words.

use std::collections::BTreeSet;

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{U256, keccak256},
    sol_types::SolValue,
};
use chain::{
    ClaimState, Client, ClientError, abi,
    client::Mined,
    contracts::{court::Court, registry::Registry},
};
use round::sums::ledger::{Config, Facts, Input, Phase, Refusal, Rounds, seed_block};
use tensor::Hash;

use crate::{
    fixture::key,
    ledger::{
        told::{Told, told},
        twin::{hash, word},
    },
};

/// Names of calls that were accepted, of events and of errors.
pub(super) type Seen = BTreeSet<String>;

/// Both, and what was seen on the way.
pub(super) struct Twin {
    pub(super) owner: Client,
    pub(super) rounds: Rounds,
    pub(super) seen: Seen,
    config: Config,
    calls: u32,
}

/// A state of the court as the mirror has it.
fn state(state: ClaimState) -> court::State {
    match state {
        ClaimState::Open => court::State::Open,
        ClaimState::Disputed => court::State::Disputed,
        ClaimState::Final => court::State::Final,
        ClaimState::Struck => court::State::Struck,
        ClaimState::Void => court::State::Void,
    }
}

fn first_word(debug: &str) -> String {
    debug.split([' ', '{', '(']).next().expect("a name").to_owned()
}

impl Twin {
    pub(super) async fn new(owner: Client) -> Self {
        let config = owner.private_config().await.expect("a view");
        let rounds = Rounds::new(config.clone());
        Self { owner, rounds, seen: Seen::new(), config, calls: 0 }
    }

    pub(super) fn client(&self, who: u8) -> Client {
        self.owner.with_signer(key(who))
    }

    /// What the rest of the chain says when the next block makes a call.
    pub(super) async fn facts(&self) -> Facts {
        let (owner, round) = (&self.owner, self.rounds.round());
        let at = owner.deployment();
        let next = owner.block_number().await.expect("an answer") + 1;
        let count = owner.view(at.court, Court::claimCountCall {}).await.expect("a view");
        let mut facts = Facts {
            next_claim: count.saturating_to::<u64>() + 1,
            funded_wei: owner.funded().await.expect("a view").to(),
            active: owner.view(at.registry, Registry::activeCountCall {}).await.expect("a view"),
            ..Facts::default()
        };
        if matches!(round.phase, Phase::Seats | Phase::Draw) && next > round.mark {
            let number = BlockNumberOrTag::Number(seed_block(round.mark, next));
            let block = owner.block(number).await.expect("an answer").expect("it is there");
            facts.block_hash = hash(block.header.hash);
            let domain = keccak256("assay/seed/seats/v1");
            let numbers = (domain, word(self.config.job), U256::from(round.number));
            let seed = keccak256((numbers.0, numbers.1, numbers.2, block.header.hash).abi_encode());
            let (lots, places) = (self.config.capacity, self.config.cumulative_length);
            let call = Registry::drawCall { seed, lots, places };
            facts.lots = owner.view(at.registry, call).await.expect("a view");
        }
        let sums = self.rounds.trays().iter().flat_map(|tray| tray.claims);
        for id in sums.chain([round.claim]).filter(|id| *id != 0) {
            let claim = owner.claim(U256::from(id)).await.expect("a view");
            let known = ClaimState::from_word(claim.state).expect("it exists");
            facts.claims.insert(id, (state(known), claim.deadline));
            if id == round.claim {
                facts.outputs_root = hash(claim.outputsRoot);
            }
        }
        facts
    }

    /// Makes a call on both, and compares what comes of it; whether it was taken.
    pub(super) async fn call(&mut self, who: u8, input: Input) -> bool {
        let what = format!("call {} by {who}: {input:?}", self.calls);
        self.calls += 1;
        let facts = self.facts().await;
        let client = self.client(who);
        let caller = self.owner.find(client.address()).await.expect("a view");
        match client.private_act(input.clone()).await {
            Ok(mined) => {
                let told = self.rounds.handle((mined.block, caller), &input, &facts);
                let told = told.unwrap_or_else(|r| panic!("{what}: taken, but the mirror: {r}"));
                let own: Vec<String> =
                    told.iter().map(|event| first_word(&format!("{event:?}"))).collect();
                assert_eq!(self.logged(&mined), own, "{what}");
                self.seen.extend(own);
                self.seen.insert(first_word(&format!("{input:?}")));
                self.compare(&what).await;
                true
            }
            Err(ClientError::Reverted { revert, .. }) => {
                let error = revert.error.unwrap_or_else(|| panic!("{what}: {}", revert.data));
                let now = self.owner.block_number().await.expect("an answer") + 1;
                let before = self.rounds.clone();
                let Err(refusal) = self.rounds.handle((now, caller), &input, &facts) else {
                    panic!("{what}: {error}, but the mirror took it")
                };
                let told = refused(&refusal, &format!("{:#x}", client.address()));
                assert!(told.agrees(&error), "{what}: {error}, but the mirror: {told:?}");
                assert_eq!(self.rounds, before, "{what}");
                self.seen.insert(error.name);
                false
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// Names of what the contract logged.
    fn logged(&self, mined: &Mined) -> Vec<String> {
        let at = self.owner.deployment().rounds;
        let ours = mined.logs.iter().filter(|log| log.address() == at);
        ours.filter_map(|log| abi::event(&log.inner.data)).map(|event| event.name).collect()
    }

    /// Everything that the contract shows is what the mirror has; so are the roots of claims.
    async fn compare(&self, what: &str) {
        let shown = self.owner.private_rounds(&self.config).await.expect("a view");
        assert_eq!(shown, self.rounds, "{what}");
        let claim = self.rounds.round().claim;
        if claim != 0 && self.rounds.round().phase == Phase::Aggregate {
            let posted = self.owner.claim(U256::from(claim)).await.expect("a view");
            assert_eq!(Some(hash(posted.inputsRoot)), self.rounds.inputs_root(), "{what}");
        }
        for (bucket, tray) in self.rounds.trays().iter().enumerate().filter(|(_, t)| t.roll != 0) {
            for (share, id) in tray.claims.iter().enumerate().filter(|(_, id)| **id != 0) {
                let posted = self.owner.claim(U256::from(*id)).await.expect("a view");
                let root = self.rounds.shares_root(bucket, share);
                assert_eq!(Some(hash(posted.inputsRoot)), root, "{what}");
            }
        }
    }
}

fn refused(refusal: &Refusal, caller: &str) -> Told {
    match refusal {
        Refusal::WrongRound { current, got } => told("WrongRound", &[current, got]),
        Refusal::WrongPhase { expected, got } => {
            told("WrongPhase", &[&(*expected as u8), &(*got as u8)])
        }
        Refusal::Unfunded { funded_wei, needed_wei } => told("Unfunded", &[funded_wei, needed_wei]),
        Refusal::NodesMissing { active, needed } => told("NodesMissing", &[active, needed]),
        Refusal::NotSeated => told("NotSeated", &[&caller]),
        Refusal::AlreadyDone { node } => told("AlreadyDone", &[node]),
        Refusal::ZeroRoot => told("ZeroRoot", &[]),
        Refusal::SumLength { got, expected } => told("SumLength", &[got, expected]),
        Refusal::NoBucket { bucket } => told("NoBucket", &[bucket]),
        Refusal::NotMember { bucket, member } => told("NotMember", &[bucket, member]),
        Refusal::NotTrainers { trainers, got } => told("NotTrainers", &[trainers, got]),
        Refusal::NoRoll { bucket } => told("NoRoll", &[bucket]),
        Refusal::NotReported { bucket, member } => told("NotReported", &[bucket, member]),
        Refusal::NotDisputed { bucket, share } => told("NotDisputed", &[bucket, share]),
        Refusal::NotAggregator { expected, got } => told("NotAggregator", &[expected, got]),
        Refusal::ClaimPending { claim } => told("ClaimPending", &[claim]),
        Refusal::ClaimNotFinal { claim } => told("ClaimNotFinal", &[claim]),
        Refusal::OutputCount { got, expected } => told("OutputCount", &[got, expected]),
        Refusal::OutputsMismatch { expected, got } => told("OutputsMismatch", &[expected, got]),
        Refusal::ChunkLength { got, expected } => told("ChunkLength", &[got, expected]),
        Refusal::AcceptedMismatch { expected, got } => told("AcceptedMismatch", &[expected, got]),
    }
}

/// A hash that is not zero.
pub(super) fn mark(number: u64) -> Hash {
    Hash::of(&[b"mark", &number.to_le_bytes()])
}

//! The contracts and the mirror beside them, called with the same words.

use std::collections::BTreeSet;

use alloy::primitives::{B256, U256};
use chain::{
    Client, ClientError, abi,
    client::{JobState, Mined},
    contracts::{jobs::Jobs as Contract, registry::Registry, rewards::Rewards},
};
use court::Fault;
use round::{
    chain::WEI_PER_GWEI,
    jobs::{Facts, Input, Jobs, Refusal, State},
};
use tensor::Hash;

use crate::{
    fixture::{key, validation_program},
    ledger::{
        told::{Told, told},
        twin::{account, hash, word},
    },
};

/// What the court says of a claim, as the mirror has it.
fn claim_state(state: u8) -> Option<court::State> {
    use court::State::{Disputed, Final, Open, Struck, Void};
    [None, Some(Open), Some(Disputed), Some(Final), Some(Struck), Some(Void)]
        .get(usize::from(state))
        .copied()
        .flatten()
}

fn wei(amount: U256) -> u128 {
    amount.to()
}

/// Both, and what was seen on the way.
pub(super) struct Twin {
    pub(super) owner: Client,
    pub(super) jobs: Jobs,
    /// Names of the calls that were accepted and of the errors.
    pub(super) seen: BTreeSet<String>,
    pub(super) calls: u32,
}

impl Twin {
    pub(super) fn new(owner: Client) -> Self {
        let at = account(owner.deployment().jobs);
        let jobs = Jobs::new(owner.chain_id(), at);
        Self { owner, jobs, seen: BTreeSet::new(), calls: 0 }
    }

    pub(super) async fn head(&self) -> u64 {
        self.owner.block_number().await.expect("an answer")
    }

    /// The client of a key.
    pub(super) fn client(&self, who: u8) -> Client {
        self.owner.with_signer(key(who))
    }

    /// What the rest of the chain says of a job.
    pub(super) async fn facts(&self, job: usize) -> Facts {
        let owner = &self.owner;
        let count = owner.view(owner.deployment().court, claims()).await.expect("a view");
        let Some(known) = self.jobs.job(job) else { return Facts::default() };
        let bound = owner.of_job(U256::from(job)).await.expect("it was created");
        let at = bound.deployment();
        let round = bound.round().await.expect("a view");
        let settled = chain::contracts::rounds::Rounds::settledCountCall {};
        let settled = owner.view(at.rounds, settled).await.expect("a view");
        let root = owner.view(at.rewards, Rewards::rootCall {}).await.expect("a view");
        let nodes = owner.view(at.registry, Registry::nodeCountCall {}).await.expect("a view");
        let mut claim = None;
        if known.claim != 0 {
            let posted = owner.claim(U256::from(known.claim)).await.expect("a view");
            claim = claim_state(posted.state).map(|state| (state, posted.deadline));
        }
        let config = bound.round_config().await.expect("a view");
        let mut ready_block = Some(0);
        for program in config.aggregatePrograms.into_iter().chain([validation_program()]) {
            let entry = owner.program(program).await.expect("a view");
            let ready = (entry.state == 1).then_some(entry.deadline + 1);
            ready_block =
                ready_block.zip(ready).map(|(so_far, ready): (u64, u64)| so_far.max(ready));
        }
        Facts {
            round: round.number,
            settled,
            model: hash(round.modelRoot),
            funded_wei: wei(bound.funded().await.expect("a view")),
            rewards_root: hash(root),
            ready_block,
            claim,
            next_claim: wei(count).try_into().map(|last: u64| last + 1).expect("a few"),
            nodes,
        }
    }

    /// Compares what came of a call, which `send` made, with the mirror's answer.
    pub(super) async fn call(
        &mut self,
        (who, job): (u8, usize),
        input: Input,
        sent: Result<Mined, ClientError>,
        before: Facts,
    ) -> bool {
        let what = format!("call {} by {who} of job {job}: {input:?}", self.calls);
        self.calls += 1;
        let name = format!("{input:?}");
        let name = name.split([' ', '{', '(']).next().expect("a name").to_owned();
        let caller = account(key(who).address());
        match sent {
            Ok(mined) => {
                let at = (mined.block, caller);
                let event = self.jobs.handle(at, job, input, &before);
                let event = event.unwrap_or_else(|r| panic!("{what}: taken, but the mirror: {r}"));
                let own = format!("{event:?}");
                let own = own.split([' ', '{']).next().expect("a name");
                assert_eq!(self.logged(&mined), [own], "{what}");
                self.seen.insert(name);
                self.compare().await;
                true
            }
            Err(ClientError::Reverted { revert, .. }) => {
                let error = revert.error.unwrap_or_else(|| panic!("{what}: {}", revert.data));
                let unchanged = self.jobs.clone();
                let at = (self.head().await + 1, caller);
                let Err(refusal) = self.jobs.handle(at, job, input, &before) else {
                    panic!("{what}: {error}, but the mirror took it")
                };
                let told = refused(&refusal);
                assert!(told.agrees(&error), "{what}: {error}, but the mirror: {told:?}");
                assert_eq!(self.jobs, unchanged, "{what}");
                self.seen.insert(error.name);
                false
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// Names of what the two contracts logged.
    fn logged(&self, mined: &Mined) -> Vec<String> {
        let at = self.owner.deployment();
        let ours = mined.logs.iter().filter(|log| [at.jobs, at.revenue].contains(&log.address()));
        ours.filter_map(|log| abi::event(&log.inner.data)).map(|event| event.name).collect()
    }

    /// Asks both everything, as of the last block.
    pub(super) async fn compare(&self) {
        let (owner, at, head) = (&self.owner, self.owner.deployment(), self.head().await);
        for index in 0..self.jobs.count() {
            let (job, own) = (U256::from(index), self.jobs.job(index).expect("it is counted"));
            let shown = owner.job(job).await.expect("a view");
            assert_eq!(shown.state, own.state as u8, "job {index} at {head}");
            assert_eq!(account(shown.sponsor), own.sponsor);
            assert_eq!(wei(shown.escrow), own.escrow_wei, "escrow of {index} at {head}");
            let blocks = (shown.releasedBlock, shown.retireBlock, shown.sponsorLeaves);
            assert_eq!(blocks, (own.released_block, own.retire_block, own.sponsor_leaves));
            assert_eq!((hash(shown.model), wei(shown.claim)), (own.model, u128::from(own.claim)));
            assert_eq!(account(shown.oracle), own.oracle);
            let due = owner.job_due(job).await.expect("a view").map(|due| due as u8 + 1);
            let facts = self.facts(index).await;
            assert_eq!(due, self.jobs.due(head, index, &facts).map(|due| due as u8), "due");
            let identity = Contract::identityOfCall { job };
            let identity = owner.view(at.jobs, identity).await.expect("a view");
            let domain = (owner.chain_id(), account(at.jobs));
            let number = u64::try_from(index).expect("a few");
            assert_eq!(hash(identity), round::jobs::identity(domain, number));
            self.compare_epochs(index).await;
        }
        let held = owner.tokens(at.jobs).await.expect("a view");
        assert_eq!(wei(held), self.jobs.held_wei(), "escrows at {head}");
        let held = owner.tokens(at.revenue).await.expect("a view");
        assert_eq!(wei(held), self.jobs.revenue_wei(), "revenue at {head}");
    }

    async fn compare_epochs(&self, index: usize) {
        let job = U256::from(index);
        let own = &self.jobs.job(index).expect("it is counted").epochs;
        let shown = self.owner.epochs(job).await.expect("views");
        assert_eq!(shown.len(), own.len(), "epochs of {index}");
        for (number, (shown, own)) in shown.iter().zip(own).enumerate() {
            let amounts = (wei(shown.total), wei(shown.revenue), wei(shown.paid));
            assert_eq!(amounts, (own.total_gwei, own.revenue_wei, own.paid_wei));
            assert_eq!(hash(shown.root), own.root);
            for (node, paid) in &own.shares_wei {
                let shown = self.owner.share_paid(job, U256::from(number), *node).await;
                assert_eq!(wei(shown.expect("a view")), *paid, "share of {node}");
            }
        }
    }
}

fn claims() -> chain::contracts::court::Court::claimCountCall {
    chain::contracts::court::Court::claimCountCall {}
}

/// Makes the call of a client that an input stands for; creating and deploying are the dealer's.
pub(super) async fn send(
    client: &Client,
    job: usize,
    input: &Input,
    holdout: (Vec<u8>, bool),
) -> Result<Mined, ClientError> {
    let job = U256::from(job);
    match input.clone() {
        Input::Fund { amount_wei } => client.fund_job(job, U256::from(amount_wei)).await,
        Input::Release => client.release_job(job).await,
        Input::Advance => client.advance_job(job).await,
        Input::GiveNotice => client.end_job(job).await,
        Input::RevealHoldout { roots, salt } => {
            let tensors =
                if roots.is_empty() { vec![] } else { vec![(holdout.0.into(), holdout.1)] };
            client.reveal_holdout(job, tensors, word(salt)).await
        }
        Input::ClaimValidation { loss, baseline } => {
            let (loss, baseline) = (f64::from_bits(loss), f64::from_bits(baseline));
            client.claim_validation(job, loss, baseline).await
        }
        Input::Reclaim => client.reclaim_job(job).await,
        Input::Fix { cumulative } => client.fix_epoch(job, cumulative.into()).await,
        Input::Pay { amount_wei } => client.pay_fee(job, U256::from(amount_wei)).await,
        Input::Claim { epoch, node, opening } => {
            let siblings: Vec<B256> = opening.siblings.into_iter().map(word).collect();
            let epoch = U256::from(epoch);
            client.claim_share((job, epoch), node, opening.chunk.into(), siblings).await
        }
        other => panic!("{other:?} is the dealer's"),
    }
}

/// A refusal in the contracts' words. Exhaustive on purpose.
fn refused(refusal: &Refusal) -> Told {
    match refusal {
        Refusal::UnknownJob { job } => told("UnknownJob", &[job]),
        Refusal::BadTerms { field } => told("BadTerms", &[&field.to_lowercase()]),
        Refusal::WrongState { job, expected, got } => {
            told("WrongState", &[job, &(*expected as u8), &(*got as u8)])
        }
        Refusal::NotDue { job, state } => told("NotDue", &[job, &(*state as u8)]),
        Refusal::Retirement { job, retired } => told("Retirement", &[job, retired]),
        Refusal::NothingToRelease { job } => told("NothingToRelease", &[job]),
        Refusal::TooEarly { job, block } => told("TooEarly", &[job, block]),
        Refusal::EscrowSpent { job, got_wei, needed_wei } => {
            told("EscrowSpent", &[job, got_wei, needed_wei])
        }
        Refusal::OnlySponsor { job } => told("OnlySponsor", &[job]),
        Refusal::AlreadyDone { job } => told("AlreadyDone", &[job]),
        Refusal::TooFewRounds { job, got, needed } => told("TooFewRounds", &[job, got, needed]),
        Refusal::OtherHoldout { expected, got } => told("OtherHoldout", &[expected, got]),
        Refusal::EmptyTree => told("EmptyTree", &[]),
        Refusal::NoHoldout { job } => told("NoHoldout", &[job]),
        Refusal::NotBetter { loss, baseline } => told("NotBetter", &[loss, baseline]),
        Refusal::ClaimPending { claim } => told("ClaimPending", &[claim]),
        Refusal::OtherOracle { expected, got } => told("OtherOracle", &[expected, got]),
        Refusal::NothingNew { job, root } => told("NothingNew", &[job, root]),
        Refusal::OtherTensor { expected, got } => told("OtherTensor", &[expected, got]),
        Refusal::NobodyEarned { job } => told("NobodyEarned", &[job]),
        Refusal::NotDeployed { job } => told("NotDeployed", &[job]),
        Refusal::UnknownEpoch { job, epoch } => told("UnknownEpoch", &[job, epoch]),
        Refusal::ProofMismatch { fault, .. } => match fault {
            Fault::ChunkLength { got, expected } => told("ChunkLength", &[got, expected]),
            Fault::SiblingCount { got, expected } => told("SiblingCount", &[got, expected]),
            _ => told("ProofMismatch", &[]),
        },
        Refusal::NothingDue { node } => told("NothingDue", &[node]),
        Refusal::OutOfRange { node } => told("OutOfRange", &[node]),
        Refusal::NotAnAmount { bits } => told("NotAnAmount", &[bits]),
        Refusal::InvalidReceiver { .. } => {
            let nobody = court::Address::default();
            told("ERC20InvalidReceiver", &[&nobody])
        }
    }
}

/// The numbers of the two enums of states are one.
#[test]
fn states_have_the_same_numbers() {
    use State::{Deployed, Draft, Open, Retired, Training, Validated};
    for state in [Draft, Open, Training, Validated, Deployed, Retired] {
        let known = JobState::from_word(state as u8).expect("it is one of six");
        assert_eq!(known.to_string(), format!("{state:?}").to_lowercase());
    }
}

/// Pay of one round.
pub(super) fn pay_wei(budget_gwei: u64) -> u128 {
    u128::from(budget_gwei) * WEI_PER_GWEI
}

/// Tensor root of the bytes of a holdout.
pub(super) fn holdout_root(bytes: &[u8]) -> Hash {
    round::jobs::tensor_root(bytes, 256)
}

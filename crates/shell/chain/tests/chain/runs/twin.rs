//! The contract and the mirror beside it, called with the same words.

use std::collections::BTreeSet;

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{B256, U256},
};
use chain::{
    Client, ClientError, abi,
    client::{Mined, OpenProposal, RunState},
    contracts::{court::Court, runs::IRuns},
};
use round::runs::{Event, Facts, Input, Refusal, Runs, State, seed_block};
use tensor::Hash;

use crate::{
    fixture::key,
    ledger::{
        told::{Told, told},
        twin::{account, hash, word},
    },
};

/// Both, and what was seen on the way.
pub(super) struct Twin {
    pub(super) owner: Client,
    pub(super) runs: Runs,
    /// Names of the calls that were accepted and of the errors.
    pub(super) seen: BTreeSet<String>,
    pub(super) calls: u32,
}

fn wei(amount: U256) -> u128 {
    amount.to()
}

/// What the court says of a claim, as the mirror has it.
fn claim_state(state: u8) -> Option<court::State> {
    use court::State::{Disputed, Final, Open, Struck, Void};
    let states = [None, Some(Open), Some(Disputed), Some(Final), Some(Struck), Some(Void)];
    states.get(usize::from(state)).copied().flatten()
}

impl Twin {
    pub(super) fn new(owner: Client) -> Self {
        let runs = Runs::new(owner.chain_id(), account(owner.deployment().runs));
        Self { owner, runs, seen: BTreeSet::new(), calls: 0 }
    }

    pub(super) async fn head(&self) -> u64 {
        self.owner.block_number().await.expect("an answer")
    }

    pub(super) fn client(&self, who: u8) -> Client {
        self.owner.with_signer(key(who))
    }

    /// What the rest of the chain says when the next block makes a call.
    async fn facts(&self, job: usize, input: &Input) -> Facts {
        let owner = &self.owner;
        let count = owner.view(owner.deployment().court, Court::claimCountCall {}).await;
        let count: u64 = count.expect("a view").saturating_to();
        let mut facts = Facts { next_claim: count + 1, ..Facts::default() };
        let Some(known) = self.runs.job(job) else { return facts };
        let ready = owner.program_ready(word(known.terms.program)).await;
        facts.ready = ready.expect("a view");
        let (Input::Draw { run } | Input::Settle { run }) = input else { return facts };
        let Some(run) = known.runs.get(*run) else { return facts };
        if run.claim != 0 {
            let posted = owner.claim(U256::from(run.claim)).await.expect("a view");
            facts.claim = claim_state(posted.state).map(|state| (state, posted.deadline));
        }
        let number = seed_block(run.enrol_block, self.head().await + 1);
        let block = owner.block(BlockNumberOrTag::Number(number)).await.expect("an answer");
        facts.block_hash = block.map_or(Hash::ZERO, |block| hash(block.header.hash));
        facts
    }

    /// Makes a call on both, and compares what comes of it.
    pub(super) async fn call(&mut self, (who, job): (u8, usize), input: Input) -> Option<Event> {
        let what = format!("call {} by {who} of job {job}: {input:?}", self.calls);
        self.calls += 1;
        let before = self.facts(job, &input).await;
        let sent = send(&self.client(who), job, &input).await;
        let caller = account(key(who).address());
        let name = format!("{input:?}");
        let name = name.split([' ', '{', '(']).next().expect("a name").to_owned();
        match sent {
            Ok(mined) => {
                let event = self.runs.handle((mined.block, caller), job, input, &before);
                let event = event.unwrap_or_else(|r| panic!("{what}: taken, but the mirror: {r}"));
                let own = format!("{event:?}");
                let own = own.split([' ', '{']).next().expect("a name");
                assert_eq!(self.logged(&mined), [own], "{what}");
                self.compare_claim(&event).await;
                self.seen.insert(name);
                self.compare().await;
                Some(event)
            }
            Err(ClientError::Reverted { revert, .. }) => {
                let error = revert.error.unwrap_or_else(|| panic!("{what}: {}", revert.data));
                let unchanged = self.runs.clone();
                let at = (self.head().await + 1, caller);
                let Err(refusal) = self.runs.handle(at, job, input, &before) else {
                    panic!("{what}: {error}, but the mirror took it")
                };
                let told = refused(&refusal);
                let same = match refusal {
                    Refusal::Malformed => error.name == "Malformed",
                    _ => told.agrees(&error),
                };
                assert!(same, "{what}: {error}, but the mirror: {told:?}");
                assert_eq!(self.runs, unchanged, "{what}");
                self.seen.insert(error.name);
                None
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// Names of what the contract logged.
    fn logged(&self, mined: &Mined) -> Vec<String> {
        let at = self.owner.deployment().runs;
        let ours = mined.logs.iter().filter(|log| log.address() == at);
        ours.filter_map(|log| abi::event(&log.inner.data)).map(|event| event.name).collect()
    }

    /// The court has the roots that the mirror makes.
    async fn compare_claim(&self, event: &Event) {
        let Event::RunClaimed { claim, inputs_root, outputs_root, .. } = event else { return };
        let posted = self.owner.claim(U256::from(*claim)).await.expect("a view");
        assert_eq!(
            (hash(posted.inputsRoot), hash(posted.outputsRoot)),
            (*inputs_root, *outputs_root)
        );
    }

    /// Asks both everything, as of the last block.
    pub(super) async fn compare(&self) {
        for index in 0..self.runs.count() {
            let (job, own) = (U256::from(index), self.runs.job(index).expect("it is counted"));
            let shown = self.owner.open_job(job).await.expect("a view");
            assert_eq!(account(shown.sponsor), own.sponsor);
            let money = (wei(shown.escrow), wei(shown.reserved));
            assert_eq!(money, (own.escrow_wei, own.reserved_wei), "money of {index}");
            let best = usize::try_from(shown.best).expect("a few").checked_sub(1);
            assert_eq!(best, own.best, "model of {index}");
            assert_eq!(shown.terms, terms_of(&own.terms));
            let inputs: Vec<B256> = own.inputs.iter().map(|root| word(*root)).collect();
            assert_eq!(self.owner.open_inputs(job).await.expect("a view"), inputs);
            let runs = self.owner.runs_of(job).await.expect("views");
            assert_eq!(runs.len(), own.runs.len());
            for (shown, own) in runs.iter().zip(&own.runs) {
                let state = RunState::from_word(shown.state).map(|state| state as u8 + 1);
                assert_eq!(state, Some(own.state as u8));
                assert_eq!(
                    (account(shown.trainer), shown.enrolBlock),
                    (own.trainer, own.enrol_block)
                );
                assert_eq!((shown.loss, hash(shown.seed)), (own.loss, own.seed));
                assert_eq!((wei(shown.claim), hash(shown.model)), (own.claim.into(), own.model));
            }
        }
        let held = self.owner.tokens(self.owner.deployment().runs).await.expect("a view");
        assert_eq!(wei(held), self.runs.held_wei());
    }
}

fn terms_of(own: &round::runs::Terms) -> IRuns::Terms {
    IRuns::Terms {
        program: word(own.program),
        iterations: own.iterations,
        trainBlocks: own.train_blocks,
        endBlock: own.end_block,
        pay: U256::from(own.pay_wei),
        deposit: U256::from(own.deposit_wei),
    }
}

/// Makes the call of a client that an input stands for.
async fn send(client: &Client, job: usize, input: &Input) -> Result<Mined, ClientError> {
    let job = U256::from(job);
    match input.clone() {
        Input::Create { terms, header, inputs, state_count, description_length } => {
            let inputs = inputs.into_iter().map(word).collect();
            let (terms, description) = (terms_of(&terms), "x".repeat(description_length));
            let given = OpenProposal { terms, header, inputs, state_count, description };
            client.create_open_job(given).await.map(|(_, mined)| mined)
        }
        Input::Fund { amount_wei } => client.fund_open_job(job, U256::from(amount_wei)).await,
        Input::Enrol => client.enrol(job).await.map(|(_, mined)| mined),
        Input::Draw { run } => client.draw_seed(job, U256::from(run)).await,
        Input::Claim { run, outputs, loss } => {
            let outputs = outputs.into_iter().map(word).collect();
            client.claim_run((job, U256::from(run)), outputs, f32::from_bits(loss)).await
        }
        Input::Settle { run } => client.settle_run(job, U256::from(run)).await,
        Input::Reclaim => client.reclaim_open_job(job).await,
    }
}

/// A refusal in the contract's words. Exhaustive on purpose.
fn refused(refusal: &Refusal) -> Told {
    match refusal {
        Refusal::UnknownJob { job } => told("UnknownJob", &[job]),
        Refusal::UnknownRun { job, run } => told("UnknownRun", &[job, run]),
        Refusal::BadTerms { field } => told("BadTerms", &[&field.to_lowercase()]),
        Refusal::NotTheHeader { program, got } => told("NotTheHeader", &[program, got]),
        Refusal::Malformed => told("Malformed", &[]),
        Refusal::Ended { job, end_block } => told("Ended", &[job, end_block]),
        Refusal::NotEnded { job, end_block } => told("NotEnded", &[job, end_block]),
        Refusal::EscrowSpent { job, got_wei, needed_wei } => {
            told("EscrowSpent", &[job, got_wei, needed_wei])
        }
        Refusal::NotReady { program } => told("NotReady", &[program]),
        Refusal::SeedPending { job, run, enrol_block } => {
            told("SeedPending", &[job, run, enrol_block])
        }
        Refusal::AlreadyDone { job, run } => told("AlreadyDone", &[job, run]),
        Refusal::NotDrawn { job, run } => told("NotDrawn", &[job, run]),
        Refusal::OnlyTrainer { job, run } => told("OnlyTrainer", &[job, run]),
        Refusal::TooLate { job, run, deadline } => told("TooLate", &[job, run, deadline]),
        Refusal::OutputCount { expected, got } => told("OutputCount", &[expected, got]),
        Refusal::NotDue { job, run, state } => told("NotDue", &[job, run, &(*state as u8)]),
    }
}

/// The numbers of the two enums of states are one.
#[test]
fn states_have_the_same_numbers() {
    use State::{Claimed, Dropped, Enrolled, Paid};
    for state in [Enrolled, Claimed, Paid, Dropped] {
        let known = RunState::from_word(state as u8).expect("it is one of four");
        assert_eq!(known.to_string(), format!("{state:?}").to_lowercase());
    }
}

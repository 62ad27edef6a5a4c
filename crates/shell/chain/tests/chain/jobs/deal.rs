//! What to do next with jobs: what moves one on, often what must be refused, from a seed, and at
//! the end a job that meets what chance leaves out.
//!
//! Invariant: a seed deals the same calls as long as the seats fall the same.

use alloy::{
    primitives::{B256, U256, keccak256},
    sol_types::SolConstructor,
};
use chain::{
    Client,
    client::Proposal,
    contracts::{
        gate::RiskGate,
        jobs::{IJobs, IRiskOracle},
    },
};
use court::{Move, Opening};
use round::jobs::{Input, State, Terms, holdout};
use tensor::{Hash, tree};

use super::{
    BUDGET_GWEI, CLOCK_BLOCKS, JOBS, LENGTH, NODES, SALT, small,
    twin::{Twin, holdout_root, pay_wei, send},
};
use crate::{
    fixture::{
        advance, ether, key, leaf, list_root, tensor_root, update, validation_header,
        validation_program,
    },
    ledger::{
        random::Random,
        twin::{account, word},
    },
};

/// 33 numbers, so that their tensor has two chunks.
pub(super) fn holdout_bytes() -> Vec<u8> {
    (0..33).flat_map(|number| f64::from(number).to_le_bytes()).collect()
}

fn pay_tensor(pay: &[f64]) -> Vec<u8> {
    let mut bytes: Vec<u8> = pay.iter().flat_map(|pay| pay.to_le_bytes()).collect();
    bytes.resize(8 * usize::try_from(LENGTH).expect("it is small"), 0);
    bytes
}

/// One seed's play.
pub(super) struct Dealer {
    random: Random,
    pub(super) twin: Twin,
    /// Pay by node of each job, gwei, and the tensor of each epoch.
    pay: Vec<Vec<f64>>,
    tensors: Vec<Vec<Vec<u8>>>,
}

impl Dealer {
    pub(super) async fn new(owner: Client, seed: u64) -> Self {
        let twin = Twin::new(owner);
        let at = twin.owner.deployment().clone();
        for who in 0..=3 {
            let client = twin.client(who);
            if who > 0 {
                twin.owner.transfer(client.address(), ether(500)).await.expect("tokens");
            }
            for spender in [at.jobs, at.revenue, at.court] {
                client.allow(spender).await.expect("an approval");
            }
        }
        Self { random: Random::new(seed), twin, pay: Vec::new(), tensors: Vec::new() }
    }

    pub(super) async fn step(&mut self) {
        let count = self.twin.jobs.count();
        if count == 0 || (count < JOBS && self.random.one_in(30)) {
            return self.create().await;
        }
        let job = self.random.index(count);
        let who = u8::try_from(self.random.below(4)).expect("below four");
        if self.random.one_in(2) {
            return self.forward(job).await;
        }
        match self.random.below(100) {
            0..12 => self.round(job).await,
            12..16 => self.strike(job).await,
            16..22 => self.attach(who, job).await,
            22..28 => self.deploy(who, job).await,
            28 => advance(&self.twin.owner, 1 + self.random.below(15)).await,
            _ => {
                let input = self.input(job);
                let job = if self.random.one_in(60) { count } else { job };
                self.make((who, job), input).await;
            }
        }
    }

    /// Makes a call on both.
    async fn make(&mut self, (who, job): (u8, usize), input: Input) {
        let before = self.twin.facts(job).await;
        let client = self.twin.client(who);
        let sent = send(&client, job, &input, (holdout_bytes(), true)).await;
        if !self.twin.call((who, job), input.clone(), sent, before).await {
            return;
        }
        self.keep(job, &input);
        if matches!(input, Input::ClaimValidation { .. }) && self.random.one_in(3) {
            self.strike(job).await;
        }
    }

    /// Does what moves a job on.
    async fn forward(&mut self, job: usize) {
        let (head, facts) = (self.twin.head().await, self.twin.facts(job).await);
        let known = self.twin.jobs.job(job).expect("it is counted").clone();
        let ends = self.twin.jobs.due(head + 1, job, &facts) == Some(State::Retired);
        let pay_wei = known.terms.pay_wei;
        let paid_for = facts.funded_wei >= (u128::from(facts.settled) + 1) * pay_wei;
        let stands = facts.claim.is_some_and(|(state, _)| !state.has_fallen());
        let trains = facts.settled < 2 || self.random.one_in(6);
        let input = match known.state {
            State::Retired => Input::Reclaim,
            _ if ends => Input::Advance,
            State::Draft if known.escrow_wei >= known.terms.budget_wei => Input::Advance,
            State::Draft => Input::Fund { amount_wei: 4 * pay_wei },
            _ if trains && paid_for => return self.round(job).await,
            _ if trains && known.escrow_wei < pay_wei => Input::Fund { amount_wei: pay_wei },
            _ if trains => {
                advance(&self.twin.owner, 12).await;
                Input::Release
            }
            State::Open => Input::Advance,
            State::Training if known.holdout.is_empty() => {
                let roots = vec![holdout_root(&holdout_bytes())];
                let salt = if self.random.one_in(3) { Hash([1; 32]) } else { Hash(SALT.0) };
                Input::RevealHoldout { roots, salt }
            }
            State::Training if !stands => {
                Input::ClaimValidation { loss: 0.5_f64.to_bits(), baseline: 0.75_f64.to_bits() }
            }
            State::Training => {
                advance(&self.twin.owner, 4).await;
                Input::Advance
            }
            State::Validated if known.oracle == court::Address::default() => {
                return self.attach(0, job).await;
            }
            State::Validated => return self.deploy(0, job).await,
            State::Deployed => match self.random.below(3) {
                0 => Input::Pay { amount_wei: u128::from(self.random.below(1_000_000_007)) },
                1 => {
                    let tensor = self.tensors[job].last().cloned();
                    Input::Fix { cumulative: tensor.expect("two rounds are settled") }
                }
                _ => {
                    let epoch = self.random.index(known.epochs.len().max(1));
                    let tensor = self.tensors[job].get(epoch).cloned();
                    let opening = opening(&tensor.unwrap_or_else(|| pay_tensor(&[])));
                    let node = u32::try_from(self.random.below(4)).expect("below four");
                    Input::Claim { epoch, node, opening }
                }
            },
        };
        self.make((0, job), input).await;
    }

    /// Keeps the tensor an epoch was fixed with.
    fn keep(&mut self, job: usize, input: &Input) {
        let Input::Fix { cumulative } = input else { return };
        let epochs = self.twin.jobs.job(job).expect("it was called").epochs.len();
        self.tensors[job].truncate(epochs - 1);
        self.tensors[job].push(cumulative.clone());
    }

    fn terms(&self, head: u64) -> (IJobs::Terms, Terms) {
        let domain = (self.twin.owner.chain_id(), account(self.twin.owner.deployment().jobs));
        let sponsor = account(self.twin.owner.address());
        let root = tree::root(&[holdout_root(&holdout_bytes())]);
        let holdout = holdout(domain, sponsor, root, Hash(SALT.0));
        let pay_wei = pay_wei(BUDGET_GWEI);
        let own = Terms {
            budget_wei: 2 * pay_wei,
            start_block: head + 10,
            interval_blocks: 12,
            end_block: head + 700,
            notice_blocks: 40,
            validation_rounds: 2,
            holdout,
            pay_wei,
            cumulative_length: LENGTH,
            requirement_length: 10,
        };
        let given = IJobs::Terms {
            minimumStake: ether(1),
            unbondBlocks: 100_000,
            budget: U256::from(own.budget_wei),
            startBlock: own.start_block,
            intervalBlocks: own.interval_blocks,
            endBlock: own.end_block,
            noticeBlocks: own.notice_blocks,
            validationRounds: own.validation_rounds,
            validationProgram: validation_program(),
            holdout: word(holdout),
        };
        (given, own)
    }

    pub(super) async fn create(&mut self) {
        let (mut terms, mut own) = self.terms(self.twin.head().await);
        if self.random.one_in(3) {
            (terms.noticeBlocks, own.notice_blocks) = (0, 0);
        }
        let proposal =
            Proposal { terms, rounds: small().rounds, requirement: "daily bars".to_owned() };
        let before = self.twin.facts(usize::MAX).await;
        let sent = self.twin.owner.create_job(proposal).await.map(|(_, mined)| mined);
        let job = self.twin.jobs.count();
        if !self.twin.call((0, job), Input::Create(own), sent, before).await {
            return;
        }
        self.pay.push(vec![0.0; 4]);
        self.tensors.push(Vec::new());
        for who in NODES {
            let node = self.twin.client(who).of_job(U256::from(job)).await.expect("it is there");
            node.allow(node.deployment().registry).await.expect("an approval");
            let joined = node.join(key(100 + who).address(), B256::ZERO, "", ether(2)).await;
            joined.expect("its stake is enough");
        }
    }

    /// A whole round, if it is paid for; its result is made up, and nobody challenges it.
    async fn round(&mut self, job: usize) {
        let bound = self.twin.owner.of_job(U256::from(job)).await.expect("it is there");
        self.round_on(&bound, job).await;
        self.twin.compare().await;
    }

    async fn round_on(&mut self, bound: &Client, job: usize) {
        if bound.open_round().await.is_err() {
            return;
        }
        // Seats are drawn by the opening block's hash, which the next block knows.
        advance(bound, 1).await;
        let drawn = bound.round().await.expect("a view");
        let number = drawn.number;
        let node = |index: u32| {
            let place = usize::try_from(index).expect("one of two");
            bound.with_signer(key(NODES[place]))
        };
        let (value, salt) = (update(5), B256::repeat_byte(3));
        let root = tensor_root(&value, 128);
        for seat in &drawn.seats {
            let commitment = bound.commitment_of(number, seat.index, root, salt).await;
            let commitment = commitment.expect("a view");
            node(seat.index).commit(number, commitment).await.expect("it has a seat");
        }
        for seat in &drawn.seats {
            let revealed =
                node(seat.index).reveal_with_data(number, salt, B256::ZERO, value.clone()).await;
            revealed.expect("it committed");
        }
        advance(bound, 2).await;
        for gwei in &mut self.pay[job] {
            *gwei += f64::from(u32::try_from(self.random.below(200_000_000)).expect("it is"));
        }
        let mut pay = self.pay[job].clone();
        match self.random.below(8) {
            0 => pay.fill(0.0),
            1 => pay[0] += 0.5,
            _ => {}
        }
        let tensor = pay_tensor(&pay);
        let model = keccak256([number.to_be_bytes(), self.random.below(99).to_be_bytes()].concat());
        let roots = vec![model, leaf(&[1, 0, 0, 0, 1], 128), B256::ZERO, tensor_root(&tensor, 256)];
        let elected = bound.aggregator().await.expect("two blocks passed");
        node(elected).post_result(number, list_root(&roots)).await.expect("its turn");
        advance(bound, 4).await;
        let mut accepted = vec![1, 0, 0, 0, 1];
        accepted.resize(128, 0);
        bound.settle(number, roots, accepted.into()).await.expect("nobody challenged");
        self.pay[job].clone_from(&pay);
        self.pay[job][0] = self.pay[job][0].floor();
        self.last_tensor(job, tensor);
    }

    /// Keeps the newest tensor as the last element, behind those of the epochs.
    fn last_tensor(&mut self, job: usize, tensor: Vec<u8>) {
        let epochs = self.twin.jobs.job(job).expect("it was played").epochs.len();
        self.tensors[job].truncate(epochs);
        self.tensors[job].push(tensor);
    }

    /// Convicts a validation claim that can still be challenged.
    async fn strike(&mut self, job: usize) {
        let claim = self.twin.jobs.job(job).map_or(0, |job| job.claim);
        let challenger = self.twin.client(3);
        let header = validation_header();
        let wrong = B256::repeat_byte(9);
        let sent = challenger.challenge(U256::from(claim), wrong, header.clone()).await;
        if sent.is_err() {
            return;
        }
        let dispute = challenger.dispute_count().await.expect("a view");
        let record = challenger.dispute(dispute).await.expect("a view").expect("it runs").record;
        let named = Move::NameOutput { children: Vec::new(), child: 0, header };
        challenger.make_move(dispute, &record, named).await.expect("its turn");
        advance(&challenger, CLOCK_BLOCKS + 1).await;
        let record = challenger.dispute(dispute).await.expect("a view").expect("it runs").record;
        challenger.timeout(dispute, &record).await.expect("the asserter was silent");
        self.twin.seen.insert("Struck".to_owned());
        self.twin.compare().await;
    }

    async fn attach(&mut self, who: u8, job: usize) {
        let (client, number) = (self.twin.client(who), U256::from(job));
        let before = self.twin.facts(job).await;
        let posted = vec![IRiskOracle::Posted { length: 16, wide: false }];
        let sent = client.attach_oracle(number, vec![B256::ZERO; 4], posted).await;
        let mut oracle = court::Address([1; 20]);
        if sent.is_ok() {
            oracle = account(client.job(number).await.expect("a view").oracle);
        }
        self.twin.call((who, job), Input::AttachOracle { oracle }, sent, before).await;
    }

    /// Names a gate of the job's oracle, if it has one, or that of the network's own.
    async fn deploy(&mut self, who: u8, job: usize) {
        let (client, number) = (self.twin.client(who), U256::from(job));
        let before = self.twin.facts(job).await;
        let at = client.deployment().clone();
        let attached = client.job(number).await.expect("a view").oracle;
        let (mut gate, mut oracle) = (at.gate, at.oracle);
        if !attached.is_zero() && !self.random.one_in(4) {
            let call = RiskGate::constructorCall {
                oracle_: attached,
                provider_: client.address(),
                owner_: client.address(),
            };
            let code = [RiskGate::BYTECODE.as_ref(), &call.abi_encode()].concat();
            let sent = client.submit(None, code.into(), U256::ZERO).await.expect("it is sent");
            let mined = client.wait(sent).await.expect("it is mined");
            (gate, oracle) = (mined.created.expect("a contract"), attached);
        }
        let sent = client.deploy_job(number, gate).await;
        let input = Input::Deploy { oracle: account(oracle) };
        self.twin.call((who, job), input, sent, before).await;
    }

    /// Goes through what chance may leave out, on a job of its own: a reveal too early and one with
    /// another salt, a share beyond the tensor, and an end by notice.
    pub(super) async fn corners(&mut self) {
        let job = self.twin.jobs.count();
        while self.twin.jobs.count() == job {
            self.create().await;
        }
        let reveal =
            |salt| Input::RevealHoldout { roots: vec![holdout_root(&holdout_bytes())], salt };
        let fund = Input::Fund { amount_wei: 4 * pay_wei(BUDGET_GWEI) };
        self.make((0, job), fund).await;
        self.make((0, job), Input::Advance).await;
        for salt in [Hash(SALT.0), Hash([1; 32])] {
            advance(&self.twin.owner, 12).await;
            self.make((1, job), Input::Release).await;
            self.round(job).await;
            self.make((1, job), Input::Advance).await;
            self.make((1, job), reveal(salt)).await;
        }
        let cumulative = self.tensors[job].last().cloned().expect("two rounds are settled");
        self.make((1, job), Input::Fix { cumulative: cumulative.clone() }).await;
        let opening = opening(&cumulative);
        self.make((1, job), Input::Claim { epoch: 0, node: LENGTH, opening }).await;
        self.make((0, job), Input::GiveNotice).await;
        advance(&self.twin.owner, 40).await;
        self.make((1, job), Input::Advance).await;
        self.make((1, job), Input::Reclaim).await;
    }

    fn input(&mut self, job: usize) -> Input {
        let random = &mut self.random;
        let known = self.twin.jobs.job(job).expect("it is counted");
        let salt = if random.one_in(4) { Hash([1; 32]) } else { Hash(SALT.0) };
        match random.below(64) {
            0..10 => Input::Advance,
            10..18 => Input::Release,
            18..24 => {
                Input::Fund { amount_wei: u128::from(random.below(3)) * pay_wei(BUDGET_GWEI) }
            }
            24 => Input::GiveNotice,
            25..27 => Input::Reclaim,
            27..32 => {
                let roots = vec![holdout_root(&holdout_bytes())];
                let roots = if random.one_in(6) { Vec::new() } else { roots };
                Input::RevealHoldout { roots, salt }
            }
            32..39 => {
                let losses = [(0.5_f64, 0.75_f64), (0.75, 0.5), (0.5, f64::INFINITY)];
                let pick = if random.one_in(3) { random.index(3) } else { 0 };
                let (loss, baseline) = losses[pick];
                Input::ClaimValidation { loss: loss.to_bits(), baseline: baseline.to_bits() }
            }
            39..46 => {
                let mut tensor =
                    self.tensors[job].last().cloned().unwrap_or_else(|| pay_tensor(&[]));
                match random.below(9) {
                    0 => tensor[1] ^= 1,
                    1 => tensor.push(0),
                    _ => {}
                }
                Input::Fix { cumulative: tensor }
            }
            46..52 => Input::Pay { amount_wei: u128::from(random.below(1_000_000_007)) },
            _ => {
                let epochs = known.epochs.len() + usize::from(random.one_in(8));
                let epoch = random.index(epochs.max(1));
                let node = u32::try_from(random.below(5)).expect("below five");
                let node = if random.one_in(12) { LENGTH } else { node };
                let tensor = self.tensors[job].get(epoch).cloned();
                let mut opening = opening(&tensor.unwrap_or_else(|| pay_tensor(&[])));
                match random.below(16) {
                    0 => opening.chunk.truncate(255),
                    1 => opening.siblings.clear(),
                    2 => opening.chunk[3] ^= 1,
                    _ => {}
                }
                Input::Claim { epoch, node, opening }
            }
        }
    }

    /// A round whose result pays, without the mirror.
    pub(super) async fn played(&mut self, job: usize) {
        let bound = self.twin.owner.of_job(U256::from(job)).await.expect("it is there");
        let settled = chain::contracts::rounds::Rounds::settledCountCall {};
        let at = bound.deployment().rounds;
        let before = bound.view(at, settled.clone()).await.expect("a view");
        self.round_on(&bound, job).await;
        assert_eq!(bound.view(at, settled).await.expect("a view"), before + 1);
    }
}

/// The first chunk with its way up.
fn opening(tensor: &[u8]) -> Opening {
    let mut padded = tensor.to_vec();
    padded.resize(tensor.len().next_multiple_of(256), 0);
    let leaves: Vec<_> = padded.chunks(256).map(tree::leaf).collect();
    Opening { chunk: padded[..256].to_vec(), siblings: tree::siblings(&leaves, 0) }
}

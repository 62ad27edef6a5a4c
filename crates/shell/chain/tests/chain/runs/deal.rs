//! What to do next with open jobs, from a seed: what moves a run on, often what must be refused.

use alloy::primitives::{B256, U256};
use chain::Client;
use court::{Address, header::Header};
use round::runs::{Event, Input, State, Terms};
use tensor::Hash;

use super::{CLOCK_BLOCKS, JOBS, step_program, twin::Twin};
use crate::{
    fixture::{advance, ether, key},
    ledger::{random::Random, twin::account},
};

const PAY_WEI: u128 = 1_000_000_007;
/// Keys that train; key 0 sponsors, key 3 challenges.
const TRAINERS: [u8; 2] = [1, 2];

/// One seed's play.
pub(super) struct Dealer {
    random: Random,
    pub(super) twin: Twin,
}

impl Dealer {
    pub(super) async fn new(owner: Client, seed: u64) -> Self {
        let twin = Twin::new(owner);
        let at = twin.owner.deployment().clone();
        for who in 0..=3 {
            let client = twin.client(who);
            if who > 0 {
                twin.owner.transfer(client.address(), ether(1_000)).await.expect("tokens");
            }
            for spender in [at.runs, at.court] {
                client.allow(spender).await.expect("an approval");
            }
        }
        Self { random: Random::new(seed), twin }
    }

    pub(super) async fn step(&mut self) {
        let count = self.twin.runs.count();
        if count == 0 || (count < JOBS && self.random.one_in(30)) {
            let input = self.create().await;
            self.twin.call((0, 0), input).await;
            return;
        }
        let job = self.random.index(count);
        match self.random.below(100) {
            0..50 => self.forward(job).await,
            50..58 => self.strike(job).await,
            58..64 => advance(&self.twin.owner, 1 + self.random.below(7)).await,
            _ => {
                let input = self.input(job).await;
                let who = u8::try_from(self.random.below(3)).expect("below three");
                let job = if self.random.one_in(40) { count } else { job };
                self.twin.call((who, job), input).await;
            }
        }
    }

    /// Terms and a header, one of them often spoilt.
    async fn create(&mut self) -> Input {
        let head = self.twin.head().await;
        let mut header = step_program().header();
        let mut inputs: Vec<Hash> = (5..8).map(|byte| Hash([byte; 32])).collect();
        let mut terms = Terms {
            program: step_program().hash(),
            iterations: 5,
            train_blocks: 25,
            end_block: head + 600,
            pay_wei: PAY_WEI,
            deposit_wei: 77,
        };
        let (mut state_count, mut description_length) = (2, 10);
        match self.random.below(18) {
            0 => terms.iterations = 0,
            1 => terms.train_blocks = 0,
            2 => terms.end_block = head,
            3 => terms.pay_wei = 0,
            4 => terms.deposit_wei = 0,
            5 => description_length = 1_025,
            6 => state_count = u32::try_from(self.random.below(5)).expect("below five"),
            7 => inputs.push(Hash([9; 32])),
            8 => inputs.truncate(2),
            9 => inputs = vec![Hash([9; 32]); 65],
            10 => terms.program = Hash([1; 32]),
            11 => {
                // Another type of an input, or another root: a Program that nobody registered.
                let at = 20 + self.random.index(header.len() - 20);
                header[at] ^= 1 << self.random.below(8);
                terms.program = Header::program(&header);
            }
            12 => {
                header.truncate(self.random.index(header.len()));
                terms.program = Header::program(&header);
            }
            _ => {}
        }
        Input::Create { terms, header, inputs, state_count, description_length }
    }

    /// Does what moves a run on, or makes one.
    async fn forward(&mut self, job: usize) {
        let known = self.twin.runs.job(job).expect("it is counted").clone();
        let waits = |run: &round::runs::Run| run.state < State::Paid;
        let run = known.runs.iter().position(waits);
        let trainer = TRAINERS[self.random.index(TRAINERS.len())];
        let Some(run) = run.filter(|_| !self.random.one_in(5)) else {
            let input = if known.escrow_wei < PAY_WEI {
                Input::Fund { amount_wei: 3 * PAY_WEI }
            } else {
                Input::Enrol
            };
            self.twin.call((trainer, job), input).await;
            return;
        };
        let own = known.runs[run];
        let input = match own.state {
            State::Enrolled if own.seed == Hash::ZERO => Input::Draw { run },
            State::Enrolled => self.claim(run),
            _ => {
                if self.random.one_in(2) {
                    advance(&self.twin.owner, 4).await;
                }
                Input::Settle { run }
            }
        };
        self.twin.call((self.key_of(own.trainer), job), input).await;
    }

    fn key_of(&self, trainer: Address) -> u8 {
        let known = |who: &u8| account(key(*who).address()) == trainer;
        (0..=3).find(known).expect("nobody else enrols")
    }

    fn claim(&mut self, run: usize) -> Input {
        let byte = u8::try_from(self.random.below(256)).expect("a byte");
        let bits = u32::try_from(self.random.below(1 << 32)).expect("below 2^32");
        // Often one of a few losses, so that some are equal.
        let loss = if self.random.one_in(2) { bits } else { [0, 1 << 31, 0x7fc0_0000][run % 3] };
        Input::Claim { run, outputs: vec![Hash([byte; 32])], loss }
    }

    async fn input(&mut self, job: usize) -> Input {
        let count = self.twin.runs.job(job).expect("it is counted").runs.len();
        let run = self.random.index(count + 1);
        match self.random.below(9) {
            0 => self.create().await,
            1 => Input::Fund { amount_wei: u128::from(self.random.below(1_000)) },
            2 => Input::Enrol,
            3 => Input::Draw { run },
            4 | 5 => self.claim(run),
            6 => Input::Claim { run, outputs: vec![Hash([3; 32]); self.random.index(4)], loss: 0 },
            7 => Input::Settle { run },
            _ => Input::Reclaim,
        }
    }

    /// Convicts an open claim, whose asserter stays silent.
    async fn strike(&mut self, job: usize) {
        let runs = &self.twin.runs.job(job).expect("it is counted").runs;
        let Some(run) = runs.iter().rfind(|run| run.state == State::Claimed) else { return };
        let claim = U256::from(run.claim);
        let challenger = self.twin.client(3);
        let header = step_program().header();
        if challenger.challenge(claim, B256::repeat_byte(9), header).await.is_err() {
            return;
        }
        let started = challenger.disputes_over(claim).await.expect("logs");
        let dispute = *started.last().expect("it was started");
        advance(&challenger, CLOCK_BLOCKS + 1).await;
        let record = challenger.dispute(dispute).await.expect("a view").expect("it runs").record;
        challenger.timeout(dispute, &record).await.expect("the asserter was silent");
        self.twin.seen.insert("Struck".to_owned());
        self.twin.compare().await;
    }

    /// Meets what chance leaves out: a run that is late, a Program nobody registered, and the end
    /// of a job.
    pub(super) async fn corners(&mut self) {
        let job = self.twin.runs.count();
        let mut header = step_program().header();
        let last = header.len() - 1;
        for known in [true, false] {
            if !known {
                header[last] ^= 1;
            }
            let head = self.twin.head().await;
            let terms = Terms {
                program: Header::program(&header),
                iterations: 1,
                train_blocks: 3,
                end_block: head + 40,
                pay_wei: PAY_WEI,
                deposit_wei: 77,
            };
            let create = |terms, header: Vec<u8>| Input::Create {
                terms,
                header,
                inputs: (5..8).map(|byte| Hash([byte; 32])).collect(),
                state_count: 2,
                description_length: 0,
            };
            let other = Terms { program: Hash([1; 32]), ..terms };
            self.twin.call((0, 0), create(other, header.clone())).await;
            let short = header[..header.len() - 1].to_vec();
            let cut = Terms { program: Header::program(&short), ..terms };
            self.twin.call((0, 0), create(cut, short)).await;
            let created = create(terms, header.clone());
            self.twin.call((0, 0), created).await.expect("good terms");
        }
        for job in [job, job + 1] {
            self.twin.call((0, job), Input::Fund { amount_wei: 2 * PAY_WEI }).await;
            self.twin.call((1, job), Input::Enrol).await;
        }
        let claim = |count| Input::Claim { run: 0, outputs: vec![Hash([3; 32]); count], loss: 0 };
        self.twin.call((1, job), claim(1)).await;
        self.twin.call((2, job), Input::Draw { run: 0 }).await.expect("a block has passed");
        self.twin.call((1, job), claim(2)).await;
        self.twin.call((2, job), claim(1)).await;
        self.twin.call((2, job), Input::Draw { run: 0 }).await;
        advance(&self.twin.owner, 4).await;
        self.twin.call((1, job), claim(1)).await;
        let dropped = self.twin.call((2, job), Input::Settle { run: 0 }).await;
        assert_eq!(dropped, Some(Event::RunDropped { run: 0, burnt_wei: 77 }));
        self.twin.call((2, job), Input::Settle { run: 0 }).await;
        self.twin.call((2, job), Input::Reclaim).await;
        advance(&self.twin.owner, 40).await;
        for input in [Input::Enrol, Input::Fund { amount_wei: 1 }, Input::Reclaim] {
            self.twin.call((1, job), input).await;
        }
    }
}

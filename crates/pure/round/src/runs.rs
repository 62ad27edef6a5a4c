//! Open jobs as one state machine over block numbers: the pure mirror of `Runs`.
//!
//! The same calls, the same checks in the same order, the same names of refusals. What the contract
//! reads from elsewhere (whether the Program is ready, the hash of a block, the court) is handed in
//! as [`Facts`] of that block.
//!
//! Invariants: a refused call changes nothing; no run goes back a state; what was paid into an
//! escrow is what it holds, has reserved, paid and returned; the model is that of the paid run with
//! the lowest loss, of equals the first that was settled.
//!
//! Deliberately absent: balances and allowances (whoever pays is taken to have it), and training,
//! which is whoever enrols's own.

use court::{Address, State as ClaimState};
use tensor::{Hash, tree};

use crate::chain::Block;

mod header;
mod refusal;
mod steps;
#[cfg(test)]
mod tests;

pub use refusal::Refusal;

/// The most tensors of a job's first state and data together.
pub const INPUTS_MAX: usize = 64;
/// The most bytes of a job's description.
pub const DESCRIPTION_MAX: usize = 1024;
/// How many blocks back the chain knows hashes.
pub const REACH: Block = 256;
/// Bytes of a chunk of four-byte elements.
const CHUNK: usize = 4 * tree::CHUNK_ELEMENTS;

/// Where a run stands, by the numbers of `IRuns.State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// Pay is reserved for it.
    Enrolled = 1,
    /// Its result stands in the court.
    Claimed,
    /// The claim is final.
    Paid,
    /// It was not claimed in time, or convicted.
    Dropped,
}

/// What a job is created with: `IRuns.Terms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Hash of the step Program.
    pub program: Hash,
    /// How often a run executes it.
    pub iterations: u32,
    /// Blocks between enrolling and claiming at most.
    pub train_blocks: u32,
    /// Last block in which anybody can enrol.
    pub end_block: Block,
    /// Wei for a run whose claim is final.
    pub pay_wei: u128,
    /// Wei a trainer puts in, burnt with a run that is dropped.
    pub deposit_wei: u128,
}

/// What other contracts and the chain say when a call is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether claims about the job's Program are taken.
    pub ready: bool,
    /// Hash of the block [`seed_block`] names.
    pub block_hash: Hash,
    /// The run's claim: where it stands, and the last block it can be challenged in.
    pub claim: Option<(ClaimState, Block)>,
    /// The court's next claim.
    pub next_claim: u64,
}

/// Everything that can be asked of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// `Runs.create`.
    Create {
        /// What it is created with.
        terms: Terms,
        /// Preimage of the Program's hash after its first byte.
        header: Vec<u8>,
        /// Roots of the first state, then of the data.
        inputs: Vec<Hash>,
        /// How many of them are the state.
        state_count: u32,
        /// Bytes of the description.
        description_length: usize,
    },
    /// `Runs.fund`.
    Fund {
        /// Wei.
        amount_wei: u128,
    },
    /// `Runs.enrol`.
    Enrol,
    /// `Runs.draw`.
    Draw {
        /// Which run.
        run: usize,
    },
    /// `Runs.claim`.
    Claim {
        /// Which run.
        run: usize,
        /// Roots of the state at the end, without the loss.
        outputs: Vec<Hash>,
        /// Bits of the loss, f32.
        loss: u32,
    },
    /// `Runs.settle`.
    Settle {
        /// Which run.
        run: usize,
    },
    /// `Runs.reclaim`.
    Reclaim,
}

/// What a call did, by the names of the contract's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the interface says what each is")]
pub enum Event {
    Created,
    Funded { amount_wei: u128 },
    Enrolled { run: usize, deadline: Block },
    Drawn { run: usize, seed: Hash },
    RunClaimed { run: usize, claim: u64, inputs_root: Hash, outputs_root: Hash },
    RunPaid { run: usize, amount_wei: u128, best: bool },
    RunDropped { run: usize, burnt_wei: u128 },
    Reclaimed { amount_wei: u128 },
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Who enrolled.
    pub trainer: Address,
    /// When.
    pub enrol_block: Block,
    /// Where it stands.
    pub state: State,
    /// Bits of the f32 that the claim says.
    pub loss: u32,
    /// Zero until drawn.
    pub seed: Hash,
    /// In the court, 0 for none.
    pub claim: u64,
    /// Root of output 0, as claimed.
    pub model: Hash,
}

/// One open job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Who created it.
    pub sponsor: Address,
    /// Tensors of the state, the loss among them.
    pub state_count: u32,
    /// The run whose model is the job's.
    pub best: Option<usize>,
    /// Wei that no run has reserved.
    pub escrow_wei: u128,
    /// Wei for runs that are enrolled or claimed.
    pub reserved_wei: u128,
    /// What it was created with.
    pub terms: Terms,
    /// Roots of the first state, then of the data.
    pub inputs: Vec<Hash>,
    /// Its runs, in the order of enrolment.
    pub runs: Vec<Run>,
}

/// All open jobs of one contract `Runs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs {
    chain_id: u64,
    at: Address,
    jobs: Vec<Job>,
}

impl Runs {
    /// Returns a freshly deployed contract on a chain.
    #[must_use]
    pub fn new(chain_id: u64, at: Address) -> Self {
        Self { chain_id, at, jobs: Vec::new() }
    }

    /// Returns how many jobs there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.jobs.len()
    }

    /// Returns a job as it stands.
    #[must_use]
    pub fn job(&self, job: usize) -> Option<&Job> {
        self.jobs.get(job)
    }

    /// Returns what the contract holds, in wei: escrows, what runs have reserved, and deposits.
    #[must_use]
    pub fn held_wei(&self) -> u128 {
        self.jobs.iter().map(Job::held_wei).sum()
    }

    /// Makes a call in block `now`; `job` is not looked at by [`Input::Create`].
    ///
    /// # Errors
    ///
    /// A [`Refusal`] by the name of the contract's error; nothing has changed then.
    pub fn handle(
        &mut self,
        (now, caller): (Block, Address),
        job: usize,
        input: Input,
        facts: &Facts,
    ) -> Result<Event, Refusal> {
        if let Input::Create { terms, header, inputs, state_count, description_length } = input {
            steps::check(&terms, now, description_length)?;
            steps::check_counts(state_count, inputs.len())?;
            header::check(terms.program, &header, (inputs.len(), state_count))?;
            self.jobs.push(Job::new(caller, terms, inputs, state_count));
            return Ok(Event::Created);
        }
        let domain = (self.chain_id, self.at);
        let known = self.jobs.get_mut(job).ok_or(Refusal::UnknownJob { job })?;
        let mut call = steps::Call { now, caller, job, domain, facts, known };
        match input {
            Input::Create { .. } => unreachable!("returned above"),
            Input::Fund { amount_wei } => call.fund(amount_wei),
            Input::Enrol => call.enrol(),
            Input::Draw { run } => call.draw(run),
            Input::Claim { run, outputs, loss } => call.claim(run, &outputs, loss),
            Input::Settle { run } => call.settle(run),
            Input::Reclaim => call.reclaim(),
        }
    }
}

/// Returns the block whose hash a run's seed is drawn from, in a call made in block `now`.
#[must_use]
pub fn seed_block(enrol_block: Block, now: Block) -> Block {
    let passed = now.saturating_sub(1).saturating_sub(enrol_block);
    enrol_block + passed / REACH * REACH
}

/// Returns a run's seed; its first eight bytes are those of the seed tensor, i32\[2\].
#[must_use]
pub fn seed(
    (chain_id, at): (u64, Address),
    (job, run): (u64, u64),
    trainer: Address,
    block_hash: Hash,
) -> Hash {
    let tag = Hash::of(&[b"assay/seed/run/v1"]);
    let numbers = [word(chain_id), account(at), word(job), word(run), account(trainer)];
    Hash::of(&[&tag.0, numbers.as_flattened(), &block_hash.0])
}

/// Returns the two elements of a seed's tensor, the key of Philox.
#[must_use]
pub fn key(seed: Hash) -> [i32; 2] {
    let [a, b, c, d, e, f, g, h, ..] = seed.0;
    [i32::from_le_bytes([a, b, c, d]), i32::from_le_bytes([e, f, g, h])]
}

/// Returns the list root of a run's inputs: first state, data, seed.
#[must_use]
pub fn inputs_root(inputs: &[Hash], seed: Hash) -> Hash {
    let mut chunk = [0; CHUNK];
    chunk[..8].copy_from_slice(&seed.0[..8]);
    tree::root(&[inputs, &[tree::leaf(&chunk)]].concat())
}

/// Returns the list root of a run's outputs: the state, whose last tensor is the loss.
#[must_use]
pub fn outputs_root(outputs: &[Hash], loss: u32) -> Hash {
    let mut chunk = [0; CHUNK];
    chunk[..4].copy_from_slice(&loss.to_le_bytes());
    tree::root(&[outputs, &[tree::leaf(&chunk)]].concat())
}

fn word(number: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&number.to_be_bytes());
    word
}

fn account(address: Address) -> [u8; 32] {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&address.0);
    word
}

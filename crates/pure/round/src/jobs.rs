//! Jobs as one state machine over block numbers: the pure mirror of `Jobs` and `Revenue`.
//!
//! The same calls, the same checks in the same order, the same names of refusals. What the
//! contracts read from elsewhere (a job's rounds and pay, `Programs`, the court, a gate) is handed
//! in as [`Facts`] of that block, so a job here stands beside a [`crate::Ledger`] or beside a real
//! chain.
//!
//! Invariants: a refused call changes nothing; a state never goes back; what was paid into an
//! escrow is what it holds, released and returned; the shares of an epoch sum to its fees at most.
//!
//! Deliberately absent: balances and allowances (whoever pays is taken to have it), and creation
//! code, which has no meaning here.

use court::{Address, Opening, State as ClaimState};
use tensor::{Hash, tree};

use crate::chain::Block;

mod refusal;
mod revenue;
mod states;
#[cfg(test)]
mod tests;

pub use refusal::Refusal;
pub use revenue::Epoch;

/// The most elements of a job's cumulative tensor.
pub const CUMULATIVE_MAX: u32 = 4096;
/// The most bytes of a job's requirement.
pub const REQUIREMENT_MAX: usize = 1024;
/// Bits of an infinite double: those of finite ones that are not negative are below, in order.
const INFINITY: u64 = 0x7ff0_0000_0000_0000;

/// How far a job has come, by the numbers of `IJobs.State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// Created.
    Draft = 1,
    /// The escrow holds what the terms ask for, and the job's Programs are registered.
    Open,
    /// A round was opened.
    Training,
    /// A claim is final that the model beats the baseline on the holdout.
    Validated,
    /// A gate reads its oracle.
    Deployed,
    /// By schedule, by notice, or because the escrow was spent.
    Retired,
}

/// What a job is created with: `IJobs.Terms`, without what only its registry needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Wei that the escrow must hold before the job opens.
    pub budget_wei: u128,
    /// No round is paid for before it.
    pub start_block: Block,
    /// Blocks between the payments of two rounds at least.
    pub interval_blocks: Block,
    /// Last block of the job.
    pub end_block: Block,
    /// Blocks between a notice and the retirement it is about.
    pub notice_blocks: Block,
    /// Rounds that must be settled before the holdout is revealed.
    pub validation_rounds: u64,
    /// [`holdout`] of data that the sponsor alone has until the reveal.
    pub holdout: Hash,
    /// Pay of one round in wei, `budgetGwei` of its rounds.
    pub pay_wei: u128,
    /// `cumulativeLength` of its rounds.
    pub cumulative_length: u32,
    /// Bytes of the requirement.
    pub requirement_length: usize,
}

/// What other contracts say of a job when a call is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Number of its last round, 0 before the first.
    pub round: u64,
    /// Rounds settled.
    pub settled: u64,
    /// Root of its params.
    pub model: Hash,
    /// Wei ever paid into its `Rewards`.
    pub funded_wei: u128,
    /// Root its `Rewards` pays by, zero before the first settled round.
    pub rewards_root: Hash,
    /// The first block in which all its Programs are ready; nothing while one is not registered.
    pub ready_block: Option<Block>,
    /// Its last validation claim: where it stands, and the last block it can be challenged in.
    pub claim: Option<(ClaimState, Block)>,
    /// The court's next claim.
    pub next_claim: u64,
    /// Nodes in its registry.
    pub nodes: u32,
}

/// Everything that can be asked of the two contracts about one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// `Jobs.create`.
    Create(Terms),
    /// `Jobs.fund`.
    Fund {
        /// Wei.
        amount_wei: u128,
    },
    /// `Jobs.release`.
    Release,
    /// `Jobs.advance`.
    Advance,
    /// `Jobs.giveNotice`.
    GiveNotice,
    /// `Jobs.revealHoldout`.
    RevealHoldout {
        /// Roots of the tensors.
        roots: Vec<Hash>,
        /// What the commitment was salted with.
        salt: Hash,
    },
    /// `Jobs.claimValidation`.
    ClaimValidation {
        /// Bits of the model's loss.
        loss: u64,
        /// Bits of the baseline's.
        baseline: u64,
    },
    /// `Jobs.attachOracle`.
    AttachOracle {
        /// Where it will be.
        oracle: Address,
    },
    /// `Jobs.deploy`.
    Deploy {
        /// What the gate says it reads.
        oracle: Address,
    },
    /// `Jobs.reclaim`.
    Reclaim,
    /// `Revenue.fix`.
    Fix {
        /// The cumulative tensor's bytes.
        cumulative: Vec<u8>,
    },
    /// `Revenue.pay`.
    Pay {
        /// Wei.
        amount_wei: u128,
    },
    /// `Revenue.claim`.
    Claim {
        /// Which epoch.
        epoch: usize,
        /// Whose share, a registry index.
        node: u32,
        /// The chunk of the epoch's tensor in which it stands, with its path.
        opening: Opening,
    },
}

/// What a call did, by the names of the contracts' events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the interfaces say what each is")]
pub enum Event {
    Created,
    Funded { amount_wei: u128 },
    Released { amount_wei: u128 },
    Advanced { state: State },
    NoticeGiven { retire_block: Block },
    HoldoutRevealed { model: Hash },
    ValidationClaimed { claim: u64 },
    OracleAttached { oracle: Address },
    Reclaimed { amount_wei: u128 },
    EpochFixed { epoch: usize, total_gwei: u128 },
    FeePaid { epoch: usize, amount_wei: u128 },
    SharePaid { epoch: usize, node: u32, amount_wei: u128, cumulative_wei: u128 },
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Who created it.
    pub sponsor: Address,
    /// The stored state; [`Jobs::due`] says whether it is about to change.
    pub state: State,
    /// Wei that no round was paid from yet.
    pub escrow_wei: u128,
    /// Block of the last payment of a round, 0 for none.
    pub released_block: Block,
    /// From this block on it may be retired by notice, 0 without one.
    pub retire_block: Block,
    /// Whether the notice is the sponsor's.
    pub sponsor_leaves: bool,
    /// Root of the params as the holdout was revealed.
    pub model: Hash,
    /// The last claim of a validation, 0 for none.
    pub claim: u64,
    /// Its oracle, zero until attached.
    pub oracle: Address,
    /// Roots of the revealed holdout's tensors.
    pub holdout: Vec<Hash>,
    /// What it was created with.
    pub terms: Terms,
    /// Epochs of its revenue.
    pub epochs: Vec<Epoch>,
}

/// All jobs of one contract `Jobs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jobs {
    chain_id: u64,
    at: Address,
    jobs: Vec<Job>,
}

impl Jobs {
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

    /// Returns what the escrows hold together, in wei.
    #[must_use]
    pub fn held_wei(&self) -> u128 {
        self.jobs.iter().map(|job| job.escrow_wei).sum()
    }

    /// Returns what the epochs hold together, in wei.
    #[must_use]
    pub fn revenue_wei(&self) -> u128 {
        let epochs = self.jobs.iter().flat_map(|job| &job.epochs);
        epochs.map(|epoch| epoch.revenue_wei - epoch.paid_wei).sum()
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
        if let Input::Create(terms) = input {
            states::check_terms(&terms, now)?;
            self.jobs.push(Job::new(caller, terms));
            return Ok(Event::Created);
        }
        let domain = (self.chain_id, self.at);
        // `Revenue` looks among its own epochs before it asks `Jobs`.
        let unknown = match input {
            Input::Claim { epoch, .. } => Refusal::UnknownEpoch { job, epoch },
            _ => Refusal::UnknownJob { job },
        };
        let known = self.jobs.get_mut(job).ok_or(unknown)?;
        let mut call = Call { now, caller, job, domain, facts, known };
        match input {
            Input::Create(_) => unreachable!("returned above"),
            Input::Fund { amount_wei } => call.fund(amount_wei),
            Input::Release => call.release(),
            Input::Advance => call.advance(),
            Input::GiveNotice => call.give_notice(),
            Input::RevealHoldout { roots, salt } => call.reveal_holdout(roots, salt),
            Input::ClaimValidation { loss, baseline } => call.claim_validation(loss, baseline),
            Input::AttachOracle { oracle } => call.attach_oracle(oracle),
            Input::Deploy { oracle } => call.deploy(oracle),
            Input::Reclaim => call.reclaim(),
            Input::Fix { cumulative } => call.fix(&cumulative),
            Input::Pay { amount_wei } => call.pay(amount_wei),
            Input::Claim { epoch, node, opening } => call.claim_share((epoch, node), &opening),
        }
    }

    /// Returns the state that [`Input::Advance`] would move a job to in block `now`, its own where
    /// the evidence is missing; a claim that could be made final is not counted as final.
    #[must_use]
    pub fn due(&self, now: Block, job: usize, facts: &Facts) -> Option<State> {
        self.jobs.get(job).map(|job| job.due(now, facts))
    }
}

/// One call on its way.
struct Call<'a> {
    now: Block,
    caller: Address,
    job: usize,
    domain: (u64, Address),
    facts: &'a Facts,
    known: &'a mut Job,
}

/// Returns a job's identity, part of every commitment in its rounds.
#[must_use]
pub fn identity((chain_id, jobs): (u64, Address), job: u64) -> Hash {
    let tag = Hash::of(&[b"assay/job/v1"]);
    Hash::of(&[&tag.0, &word(chain_id), &account(jobs), &word(job)])
}

/// Returns the commitment to a holdout, whose tensors have this list root.
#[must_use]
pub fn holdout((chain_id, jobs): (u64, Address), sponsor: Address, root: Hash, salt: Hash) -> Hash {
    let tag = Hash::of(&[b"assay/holdout/v1"]);
    Hash::of(&[&tag.0, &word(chain_id), &account(jobs), &account(sponsor), &root.0, &salt.0])
}

/// Returns the tensor root of bytes in chunks of `size`, the last padded with zeros.
///
/// # Panics
///
/// Panics without bytes: a tensor has an element.
#[must_use]
pub fn tensor_root(bytes: &[u8], size: usize) -> Hash {
    let leaf = |chunk: &[u8]| {
        let mut whole = chunk.to_vec();
        whole.resize(size, 0);
        tree::leaf(&whole)
    };
    tree::root(&bytes.chunks(size).map(leaf).collect::<Vec<_>>())
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

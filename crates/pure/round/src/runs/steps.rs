//! The calls: the mirror of `Runs`, one function each.

use court::{Address, State as ClaimState};
use tensor::Hash;

use super::{
    DESCRIPTION_MAX, Event, Facts, INPUTS_MAX, Job, Refusal, Run, State, Terms, inputs_root,
    outputs_root, seed,
};
use crate::chain::Block;

/// Bits of the infinite f32; what is above without its sign is no number.
const INFINITY: u32 = 0x7f80_0000;
const SIGN: u32 = 0x8000_0000;

/// Returns nothing if a job can be created with these terms in block `now`.
pub(super) fn check(terms: &Terms, now: Block, description_length: usize) -> Result<(), Refusal> {
    let bad = |field| Err(Refusal::BadTerms { field });
    if terms.iterations == 0 {
        return bad("iterations");
    }
    if terms.train_blocks == 0 {
        return bad("trainBlocks");
    }
    if terms.end_block <= now {
        return bad("endBlock");
    }
    if terms.pay_wei == 0 {
        return bad("pay");
    }
    if terms.deposit_wei == 0 {
        return bad("deposit");
    }
    if description_length > DESCRIPTION_MAX {
        return bad("description");
    }
    Ok(())
}

/// Returns nothing if so many inputs can hold such a state.
pub(super) fn check_counts(state_count: u32, inputs: usize) -> Result<(), Refusal> {
    let state = usize::try_from(state_count).unwrap_or(usize::MAX);
    if state <= 1 || state > inputs {
        return Err(Refusal::BadTerms { field: "stateCount" });
    }
    if inputs > INPUTS_MAX {
        return Err(Refusal::BadTerms { field: "inputs" });
    }
    Ok(())
}

/// In the order of the numbers; -0 is below +0.
fn rank(bits: u32) -> u32 {
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

impl Job {
    pub(super) fn new(sponsor: Address, terms: Terms, inputs: Vec<Hash>, state_count: u32) -> Self {
        Self {
            sponsor,
            state_count,
            best: None,
            escrow_wei: 0,
            reserved_wei: 0,
            terms,
            inputs,
            runs: Vec::new(),
        }
    }

    /// Returns the last block in which a run can be claimed.
    #[must_use]
    pub fn deadline(&self, run: &Run) -> Block {
        run.enrol_block + Block::from(self.terms.train_blocks)
    }

    pub(super) fn held_wei(&self) -> u128 {
        let waits = |run: &&Run| matches!(run.state, State::Enrolled | State::Claimed);
        let deposits = self.runs.iter().filter(waits).map(|_| self.terms.deposit_wei);
        self.escrow_wei + self.reserved_wei + deposits.sum::<u128>()
    }

    /// Whether a loss is a number, and below that of the job's model.
    fn is_best(&self, loss: u32) -> bool {
        if loss & !SIGN > INFINITY {
            return false;
        }
        self.best
            .and_then(|best| self.runs.get(best))
            .is_none_or(|best| rank(loss) < rank(best.loss))
    }
}

/// One call on its way.
pub(super) struct Call<'a> {
    pub(super) now: Block,
    pub(super) caller: Address,
    pub(super) job: usize,
    pub(super) domain: (u64, Address),
    pub(super) facts: &'a Facts,
    pub(super) known: &'a mut Job,
}

impl Call<'_> {
    fn open(&self) -> Result<(), Refusal> {
        let end_block = self.known.terms.end_block;
        if self.now > end_block {
            return Err(Refusal::Ended { job: self.job, end_block });
        }
        Ok(())
    }

    fn run(&self, run: usize) -> Result<Run, Refusal> {
        self.known.runs.get(run).copied().ok_or(Refusal::UnknownRun { job: self.job, run })
    }

    pub(super) fn fund(&mut self, amount_wei: u128) -> Result<Event, Refusal> {
        self.open()?;
        self.known.escrow_wei += amount_wei;
        Ok(Event::Funded { amount_wei })
    }

    pub(super) fn enrol(&mut self) -> Result<Event, Refusal> {
        self.open()?;
        let (got_wei, needed_wei) = (self.known.escrow_wei, self.known.terms.pay_wei);
        if got_wei < needed_wei {
            return Err(Refusal::EscrowSpent { job: self.job, got_wei, needed_wei });
        }
        if !self.facts.ready {
            return Err(Refusal::NotReady { program: self.known.terms.program });
        }
        self.known.escrow_wei -= needed_wei;
        self.known.reserved_wei += needed_wei;
        let enrolled = Run {
            trainer: self.caller,
            enrol_block: self.now,
            state: State::Enrolled,
            loss: 0,
            seed: Hash::ZERO,
            claim: 0,
            model: Hash::ZERO,
        };
        let run = self.known.runs.len();
        self.known.runs.push(enrolled);
        Ok(Event::Enrolled { run, deadline: self.known.deadline(&enrolled) })
    }

    pub(super) fn draw(&mut self, run: usize) -> Result<Event, Refusal> {
        let mut drawn = self.run(run)?;
        let job = self.job;
        if drawn.seed != Hash::ZERO {
            return Err(Refusal::AlreadyDone { job, run });
        }
        if self.now <= drawn.enrol_block {
            return Err(Refusal::SeedPending { job, run, enrol_block: drawn.enrol_block });
        }
        let numbers = (number(job), number(run));
        drawn.seed = seed(self.domain, numbers, drawn.trainer, self.facts.block_hash);
        self.known.runs[run] = drawn;
        Ok(Event::Drawn { run, seed: drawn.seed })
    }

    pub(super) fn claim(
        &mut self,
        run: usize,
        outputs: &[Hash],
        loss: u32,
    ) -> Result<Event, Refusal> {
        let mut claimed = self.run(run)?;
        let job = self.job;
        if self.caller != claimed.trainer {
            return Err(Refusal::OnlyTrainer { job, run });
        }
        if claimed.state != State::Enrolled {
            return Err(Refusal::AlreadyDone { job, run });
        }
        if claimed.seed == Hash::ZERO {
            return Err(Refusal::NotDrawn { job, run });
        }
        let deadline = self.known.deadline(&claimed);
        if self.now > deadline {
            return Err(Refusal::TooLate { job, run, deadline });
        }
        let expected = usize::try_from(self.known.state_count - 1).unwrap_or(usize::MAX);
        let model = outputs.first().copied();
        let Some(model) = model.filter(|_| outputs.len() == expected) else {
            return Err(Refusal::OutputCount { expected, got: outputs.len() });
        };
        (claimed.state, claimed.loss, claimed.model) = (State::Claimed, loss, model);
        claimed.claim = self.facts.next_claim;
        self.known.runs[run] = claimed;
        Ok(Event::RunClaimed {
            run,
            claim: claimed.claim,
            inputs_root: inputs_root(&self.known.inputs, claimed.seed),
            outputs_root: outputs_root(outputs, loss),
        })
    }

    pub(super) fn settle(&mut self, run: usize) -> Result<Event, Refusal> {
        let ended = self.run(run)?;
        let not_due = Refusal::NotDue { job: self.job, run, state: ended.state };
        match ended.state {
            State::Claimed => match self.facts.claim.ok_or(not_due)? {
                (ClaimState::Final, _) => Ok(self.pay(run)),
                (ClaimState::Open, deadline) if self.now > deadline => Ok(self.pay(run)),
                (state, _) if state.has_fallen() => Ok(self.drop_run(run)),
                _ => Err(not_due),
            },
            State::Enrolled if self.now > self.known.deadline(&ended) => Ok(self.drop_run(run)),
            _ => Err(not_due),
        }
    }

    fn pay(&mut self, run: usize) -> Event {
        let Terms { pay_wei, deposit_wei, .. } = self.known.terms;
        self.known.reserved_wei -= pay_wei;
        let best = self.known.is_best(self.known.runs[run].loss);
        self.known.runs[run].state = State::Paid;
        if best {
            self.known.best = Some(run);
        }
        Event::RunPaid { run, amount_wei: pay_wei + deposit_wei, best }
    }

    fn drop_run(&mut self, run: usize) -> Event {
        let Terms { pay_wei, deposit_wei, .. } = self.known.terms;
        self.known.reserved_wei -= pay_wei;
        self.known.escrow_wei += pay_wei;
        self.known.runs[run].state = State::Dropped;
        Event::RunDropped { run, burnt_wei: deposit_wei }
    }

    pub(super) fn reclaim(&mut self) -> Result<Event, Refusal> {
        let end_block = self.known.terms.end_block;
        if self.now <= end_block {
            return Err(Refusal::NotEnded { job: self.job, end_block });
        }
        let amount_wei = std::mem::take(&mut self.known.escrow_wei);
        Ok(Event::Reclaimed { amount_wei })
    }
}

/// A place as a contract's number; there are fewer than 2^64.
fn number(place: usize) -> u64 {
    u64::try_from(place).unwrap_or(u64::MAX)
}

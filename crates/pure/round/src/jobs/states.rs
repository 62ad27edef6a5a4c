//! The escrow and the states: the mirror of `Jobs`.

use court::{Address, State as ClaimState};
use tensor::{Hash, tree};

use super::{
    CUMULATIVE_MAX, Call, Event, Facts, INFINITY, Job, REQUIREMENT_MAX, Refusal, State, Terms,
};
use crate::chain::Block;

/// Returns nothing if a job can be created with these terms in block `now`.
pub(super) fn check_terms(terms: &Terms, now: Block) -> Result<(), Refusal> {
    let bad = |field| Err(Refusal::BadTerms { field });
    if terms.pay_wei == 0 || terms.budget_wei < terms.pay_wei {
        return bad("budget");
    }
    if terms.end_block <= now {
        return bad("endBlock");
    }
    if terms.end_block <= terms.start_block {
        return bad("startBlock");
    }
    if terms.notice_blocks == 0 {
        return bad("noticeBlocks");
    }
    if terms.validation_rounds == 0 {
        return bad("validationRounds");
    }
    if terms.cumulative_length == 0 || terms.cumulative_length > CUMULATIVE_MAX {
        return bad("cumulativeLength");
    }
    if terms.requirement_length > REQUIREMENT_MAX {
        return bad("requirement");
    }
    Ok(())
}

impl Job {
    pub(super) fn new(sponsor: Address, terms: Terms) -> Self {
        Self {
            sponsor,
            state: State::Draft,
            escrow_wei: 0,
            released_block: 0,
            retire_block: 0,
            sponsor_leaves: false,
            model: Hash::ZERO,
            claim: 0,
            oracle: Address::default(),
            holdout: Vec::new(),
            terms,
            epochs: Vec::new(),
        }
    }

    /// Whether a notice ran out, or the schedule.
    pub(super) fn ends(&self, now: Block) -> bool {
        (self.retire_block != 0 && now >= self.retire_block) || now > self.terms.end_block
    }

    pub(super) fn due(&self, now: Block, facts: &Facts) -> State {
        if self.state == State::Retired || self.ends(now) {
            return State::Retired;
        }
        let funded = self.escrow_wei >= self.terms.budget_wei;
        let ready = facts.ready_block.is_some_and(|block| now >= block);
        let is_final = matches!(facts.claim, Some((ClaimState::Final, _)));
        match self.state {
            State::Draft if funded && ready => State::Open,
            State::Open if facts.round > 0 => State::Training,
            State::Training if is_final => State::Validated,
            state => state,
        }
    }

    /// Wei that `Rewards` lacks for the next round, or for the one that runs.
    fn missing_wei(&self, facts: &Facts) -> u128 {
        let needed_wei = (u128::from(facts.settled) + 1) * self.terms.pay_wei;
        needed_wei.saturating_sub(facts.funded_wei)
    }

    /// Whether a job in training, or validated, has no pay for another round.
    fn is_spent(&self, facts: &Facts) -> bool {
        let trains = matches!(self.state, State::Training | State::Validated);
        trains && self.escrow_wei < self.missing_wei(facts)
    }
}

impl Call<'_> {
    fn alive(&self) -> Result<(), Refusal> {
        let ended = self.known.state == State::Retired || self.known.ends(self.now);
        if ended { Err(Refusal::Retirement { job: self.job, retired: true }) } else { Ok(()) }
    }

    fn in_state(&self, expected: State) -> Result<(), Refusal> {
        let got = self.known.state;
        if got == expected {
            return Ok(());
        }
        Err(Refusal::WrongState { job: self.job, expected, got })
    }

    fn move_to(&mut self, state: State) -> Event {
        self.known.state = state;
        Event::Advanced { state }
    }

    pub(super) fn fund(&mut self, amount_wei: u128) -> Result<Event, Refusal> {
        self.alive()?;
        self.known.escrow_wei += amount_wei;
        if !self.known.sponsor_leaves {
            self.known.retire_block = 0;
        }
        Ok(Event::Funded { amount_wei })
    }

    pub(super) fn release(&mut self) -> Result<Event, Refusal> {
        self.alive()?;
        let (job, known) = (self.job, &mut *self.known);
        if known.state == State::Draft {
            return Err(Refusal::WrongState { job, expected: State::Open, got: State::Draft });
        }
        let amount_wei = known.missing_wei(self.facts);
        if amount_wei == 0 {
            return Err(Refusal::NothingToRelease { job });
        }
        let next = known.released_block.saturating_add(known.terms.interval_blocks);
        let next = if known.released_block > 0 { next } else { 0 };
        let block = known.terms.start_block.max(next);
        if self.now < block {
            return Err(Refusal::TooEarly { job, block });
        }
        let got_wei = known.escrow_wei;
        if got_wei < amount_wei {
            return Err(Refusal::EscrowSpent { job, got_wei, needed_wei: amount_wei });
        }
        known.escrow_wei -= amount_wei;
        known.released_block = self.now;
        Ok(Event::Released { amount_wei })
    }

    pub(super) fn advance(&mut self) -> Result<Event, Refusal> {
        let mut facts = *self.facts;
        if let Some((ClaimState::Open, deadline)) = facts.claim
            && self.known.state == State::Training
            && self.now > deadline
        {
            facts.claim = Some((ClaimState::Final, deadline));
        }
        let state = self.known.due(self.now, &facts);
        if state == self.known.state {
            return Err(Refusal::NotDue { job: self.job, state });
        }
        Ok(self.move_to(state))
    }

    pub(super) fn give_notice(&mut self) -> Result<Event, Refusal> {
        self.alive()?;
        let (job, known) = (self.job, &mut *self.known);
        let sponsor = self.caller == known.sponsor;
        if known.sponsor_leaves {
            return Err(Refusal::AlreadyDone { job });
        }
        if !sponsor {
            if !known.is_spent(self.facts) {
                return Err(Refusal::OnlySponsor { job });
            }
            if known.retire_block != 0 {
                return Err(Refusal::AlreadyDone { job });
            }
        }
        known.sponsor_leaves = sponsor;
        known.retire_block = self.now + known.terms.notice_blocks;
        Ok(Event::NoticeGiven { retire_block: known.retire_block })
    }

    pub(super) fn reveal_holdout(
        &mut self,
        roots: Vec<Hash>,
        salt: Hash,
    ) -> Result<Event, Refusal> {
        self.alive()?;
        self.in_state(State::Training)?;
        let (job, known) = (self.job, &mut *self.known);
        if !known.holdout.is_empty() {
            return Err(Refusal::AlreadyDone { job });
        }
        let (got, needed) = (self.facts.settled, known.terms.validation_rounds);
        if got < needed {
            return Err(Refusal::TooFewRounds { job, got, needed });
        }
        if roots.is_empty() {
            return Err(Refusal::EmptyTree);
        }
        let got = super::holdout(self.domain, known.sponsor, tree::root(&roots), salt);
        let expected = known.terms.holdout;
        if got != expected {
            return Err(Refusal::OtherHoldout { expected, got });
        }
        known.holdout = roots;
        known.model = self.facts.model;
        Ok(Event::HoldoutRevealed { model: known.model })
    }

    pub(super) fn claim_validation(&mut self, loss: u64, baseline: u64) -> Result<Event, Refusal> {
        self.alive()?;
        self.in_state(State::Training)?;
        if self.known.holdout.is_empty() {
            return Err(Refusal::NoHoldout { job: self.job });
        }
        if loss >= baseline || baseline >= INFINITY {
            return Err(Refusal::NotBetter { loss, baseline });
        }
        let stands = self.facts.claim.is_none_or(|(state, _)| !state.has_fallen());
        if self.known.claim != 0 && stands {
            return Err(Refusal::ClaimPending { claim: self.known.claim });
        }
        self.known.claim = self.facts.next_claim;
        Ok(Event::ValidationClaimed { claim: self.known.claim })
    }

    pub(super) fn attach_oracle(&mut self, oracle: Address) -> Result<Event, Refusal> {
        self.alive()?;
        if self.caller != self.known.sponsor {
            return Err(Refusal::OnlySponsor { job: self.job });
        }
        if self.known.oracle != Address::default() {
            return Err(Refusal::AlreadyDone { job: self.job });
        }
        self.known.oracle = oracle;
        Ok(Event::OracleAttached { oracle })
    }

    pub(super) fn deploy(&mut self, oracle: Address) -> Result<Event, Refusal> {
        self.alive()?;
        self.in_state(State::Validated)?;
        let expected = self.known.oracle;
        if oracle != expected || oracle == Address::default() {
            return Err(Refusal::OtherOracle { expected, got: oracle });
        }
        if !self.known.sponsor_leaves {
            self.known.retire_block = 0;
        }
        Ok(self.move_to(State::Deployed))
    }

    pub(super) fn reclaim(&mut self) -> Result<Event, Refusal> {
        if self.known.state != State::Retired {
            return Err(Refusal::Retirement { job: self.job, retired: false });
        }
        let amount_wei = std::mem::take(&mut self.known.escrow_wei);
        Ok(Event::Reclaimed { amount_wei })
    }
}

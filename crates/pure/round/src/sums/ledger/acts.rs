//! The calls, check by check as the contract makes them.

use court::{State as ClaimState, opening};
use tensor::{Hash, tree};

use super::{Call, Event, Input, OUTPUTS, Phase, Refusal, Round, Sum, Tray, is_set, slot};
use crate::{
    aggregate::bytes_root,
    chain::WEI_PER_GWEI,
    sums::{SHARES, holders},
};

/// Bytes of a chunk of four-byte elements.
const CHUNK: usize = 4 * tree::CHUNK_ELEMENTS;

impl Call<'_> {
    pub(super) fn make(&mut self, input: &Input) -> Result<(), Refusal> {
        if *input == Input::Draw {
            self.draw();
            return Ok(());
        }
        self.advance();
        match input {
            Input::Draw | Input::Advance => Ok(()),
            Input::Open => self.open(),
            Input::Commit { round, shares } => self.commit(*round, shares),
            Input::Report { round, bucket, member, held } => {
                self.current(*round, Phase::Report)?;
                self.report((*bucket, *member), *held)
            }
            Input::State { round, bucket, member, sums } => {
                self.current(*round, Phase::Sum)?;
                self.state((*bucket, *member), sums)
            }
            Input::Defend { round, bucket, share } => {
                self.current(*round, Phase::Judge)?;
                self.defend(*bucket, *share)
            }
            Input::PostResult { round, .. } => {
                self.current(*round, Phase::Aggregate)?;
                self.post_result()
            }
            Input::Settle { round, output_roots, accepted_chunk } => {
                self.current(*round, Phase::Aggregate)?;
                self.settle(output_roots, accepted_chunk)
            }
        }
    }

    fn open(&mut self) -> Result<(), Refusal> {
        self.expect(Phase::Idle)?;
        let (rounds, facts) = (&mut *self.rounds, self.facts);
        let pay = u128::from(rounds.config.budget_gwei) * WEI_PER_GWEI;
        let needed_wei = (u128::from(rounds.settled_count) + 1) * pay;
        if facts.funded_wei < needed_wei {
            return Err(Refusal::Unfunded { funded_wei: facts.funded_wei, needed_wei });
        }
        if facts.active < rounds.config.nodes {
            let needed = rounds.config.nodes;
            return Err(Refusal::NodesMissing { active: facts.active, needed });
        }
        let number = rounds.round.number + 1;
        rounds.round = Round { number, phase: Phase::Seats, mark: self.now, ..Round::default() };
        rounds.seats.clear();
        rounds.trays.clear();
        self.events.push(Event::Opened);
        Ok(())
    }

    fn commit(&mut self, round: u64, shares: &[Hash; SHARES]) -> Result<(), Refusal> {
        self.current(round, Phase::Commit)?;
        let place = self.place()?;
        let seat = &mut self.rounds.seats[usize::from(place)];
        let node = seat.node;
        if seat.committed() {
            return Err(Refusal::AlreadyDone { node });
        }
        if shares.contains(&Hash::ZERO) {
            return Err(Refusal::ZeroRoot);
        }
        seat.shares = *shares;
        self.acted(Event::Committed { node });
        Ok(())
    }

    fn report(&mut self, at: (usize, usize), held: [u32; 2]) -> Result<(), Refusal> {
        let (bucket, member) = at;
        let node = self.as_member(at)?;
        let tray = &mut self.rounds.trays[bucket];
        if tray.reported[member] {
            return Err(Refusal::AlreadyDone { node });
        }
        let (trainers, got) = (tray.trainers, held[0] | held[1]);
        if got & !trainers != 0 {
            return Err(Refusal::NotTrainers { trainers, got });
        }
        (tray.held[member], tray.reported[member]) = (held, true);
        self.acted(Event::Reported { bucket, member });
        Ok(())
    }

    fn state(&mut self, at: (usize, usize), sums: &[Vec<u8>; 2]) -> Result<(), Refusal> {
        let (bucket, member) = at;
        let node = self.as_member(at)?;
        let tray = &self.rounds.trays[bucket];
        if tray.roll == 0 {
            return Err(Refusal::NoRoll { bucket });
        }
        if !tray.reported[member] {
            return Err(Refusal::NotReported { bucket, member });
        }
        if tray.sums[member][0] != Hash::ZERO {
            return Err(Refusal::AlreadyDone { node });
        }
        let expected = 4 * self.rounds.config.width as usize;
        if let Some(other) = sums.iter().find(|sum| sum.len() != expected) {
            return Err(Refusal::SumLength { got: other.len(), expected });
        }
        let tray = &mut self.rounds.trays[bucket];
        tray.sums[member] = [bytes_root(&sums[0]), bytes_root(&sums[1])];
        self.acted(Event::Stated { bucket, member });
        Ok(())
    }

    fn defend(&mut self, bucket: usize, share: usize) -> Result<(), Refusal> {
        let tray = *self.tray(bucket)?;
        if tray.roll == 0 {
            return Err(Refusal::NoRoll { bucket });
        }
        let is_disputed = share < SHARES && matches!(tray.sum(share), Sum::Disputed(_));
        if !is_disputed || tray.claims[share] != 0 {
            return Err(Refusal::NotDisputed { bucket, share });
        }
        let place = self.place()?;
        let [first, second] = holders(share);
        let member = if tray.members[first] == place { first } else { second };
        if tray.members[member] != place {
            return Err(Refusal::NotMember { bucket, member });
        }
        let claim = self.facts.next_claim;
        let tray = &mut self.rounds.trays[bucket];
        (tray.claims[share], tray.defenders[share]) = (claim, member);
        self.events.push(Event::Defended { bucket, share, member, claim });
        Ok(())
    }

    fn post_result(&mut self) -> Result<(), Refusal> {
        if self.rounds.round.claim != 0 {
            return Err(Refusal::ClaimPending { claim: self.rounds.round.claim });
        }
        let place = self.place()?;
        let got = self.rounds.seats[usize::from(place)].node;
        let expected = self.rounds.aggregator(self.now).expect("who posts has committed or not");
        if got != expected {
            return Err(Refusal::NotAggregator { expected, got });
        }
        let claim = self.facts.next_claim;
        self.rounds.round.claim = claim;
        let inputs_root = self.rounds.inputs_root().expect("there are rows to aggregate");
        self.events.push(Event::ResultPosted { claim, aggregator: got, inputs_root });
        Ok(())
    }

    fn settle(&mut self, output_roots: &[Hash], accepted_chunk: &[u8]) -> Result<(), Refusal> {
        let claim = self.rounds.round.claim;
        if claim == 0 || self.standing(claim) != Some(ClaimState::Final) {
            return Err(Refusal::ClaimNotFinal { claim });
        }
        let Ok(roots) = <[Hash; OUTPUTS]>::try_from(output_roots) else {
            return Err(Refusal::OutputCount { got: output_roots.len(), expected: OUTPUTS });
        };
        let (expected, got) = (self.facts.outputs_root, opening::list_root(&roots));
        if got != expected {
            return Err(Refusal::OutputsMismatch { expected, got });
        }
        if accepted_chunk.len() != CHUNK {
            return Err(Refusal::ChunkLength { got: accepted_chunk.len(), expected: CHUNK });
        }
        let got = tree::leaf(accepted_chunk);
        if got != roots[1] {
            return Err(Refusal::AcceptedMismatch { expected: roots[1], got });
        }
        let rounds = &mut *self.rounds;
        rounds.round.phase = Phase::Idle;
        rounds.settled_count += 1;
        (rounds.model_root, rounds.cumulative_root) = (roots[0], roots[3]);
        let rows = 0..rounds.round.rows;
        let kept = |row: &u32| accepted_chunk[4 * *row as usize] != 0;
        let accepted = rows.filter(kept).fold(0, |mask, row| mask | 1 << row);
        self.events.push(Event::Settled { claim, accepted });
        Ok(())
    }

    // What several calls check.

    fn acted(&mut self, event: Event) {
        self.rounds.round.acted += 1;
        self.events.push(event);
        self.advance();
    }

    fn expect(&self, expected: Phase) -> Result<(), Refusal> {
        let got = self.rounds.round.phase;
        if got == expected { Ok(()) } else { Err(Refusal::WrongPhase { expected, got }) }
    }

    fn current(&self, round: u64, expected: Phase) -> Result<(), Refusal> {
        let current = self.rounds.round.number;
        if round != current {
            return Err(Refusal::WrongRound { current, got: round });
        }
        self.expect(expected)
    }

    fn place(&self) -> Result<u8, Refusal> {
        let is_own = |seat: &super::Seat| Some(seat.node) == self.caller;
        let place = self.rounds.seats.iter().position(is_own).ok_or(Refusal::NotSeated)?;
        Ok(u8::try_from(place).expect("at most 32 nodes have seats"))
    }

    fn tray(&self, bucket: usize) -> Result<&Tray, Refusal> {
        self.rounds.trays.get(bucket).ok_or(Refusal::NoBucket { bucket })
    }

    fn as_member(&self, (bucket, member): (usize, usize)) -> Result<u32, Refusal> {
        let tray = self.tray(bucket)?;
        let not_member = Refusal::NotMember { bucket, member };
        let place = *tray.members.get(member).ok_or(not_member)?;
        if place != self.place()? {
            return Err(not_member);
        }
        Ok(self.rounds.seats[usize::from(place)].node)
    }
}

impl Tray {
    /// Who is summed by the reports: nobody, where two members or three trainers are not there.
    pub(super) fn called(&self) -> u32 {
        let mut held = [0; SHARES];
        for member in (0..SHARES).filter(|member| self.reported[*member]) {
            for share in (0..SHARES).filter(|share| *share != member) {
                held[share] |= self.held[member][slot(member, share)];
            }
        }
        let summed: u32 = held[0] & held[1] & held[2];
        let present = self.reported.iter().filter(|reported| **reported).count();
        let enough = summed.count_ones() as usize >= crate::sums::SIZE_MIN && present >= 2;
        if enough { summed } else { 0 }
    }

    /// Drawn from registry indices to places.
    pub(super) fn drawn(seats: &[super::Seat], bucket: &crate::sums::Bucket) -> Tray {
        let place = |node: u32| {
            let found = seats.iter().position(|seat| seat.node == node);
            u8::try_from(found.expect("drawn from the seats")).expect("at most 32 places")
        };
        let trainers = bucket.trainers.iter().fold(0, |mask, node| mask | 1 << place(*node));
        debug_assert!(bucket.trainers.iter().all(|node| is_set(trainers, place(*node).into())));
        Tray { trainers, members: bucket.members.map(place), ..Tray::default() }
    }
}

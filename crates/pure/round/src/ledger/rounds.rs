//! One job's rounds: the mirror of `Rounds`.
//!
//! Every call takes the stored round as of its block ([`Ledger::as_of`]), checks, stores it
//! ([`Ledger::save`], the one place that reports what closed on the way) and then acts.
//!
//! Invariant: who is in, the inputs, whose turn it is and the phase are functions of the ledger's
//! state and the block, nobody's choice.

use court::{Address, State};
use tensor::{Hash, tree};

use super::{Core, Event, Field, Ledger, Refusal};
use crate::aggregate;
use crate::chain::{Block, Config, Phase, SEATS_MAX, Seat, WEI_PER_GWEI};
use crate::{digest, lots};

/// Outputs of the aggregation Program.
const OUTPUTS: usize = aggregate::OUTPUTS as usize;
/// Bytes of a chunk of i32.
const CHUNK_BYTES: usize = 128;

/// Checks what the contract's constructor checks.
pub(super) fn check_config(config: &Config) -> Result<(), Refusal> {
    let rows = config.capacity.saturating_add(1).saturating_sub(config.quorum);
    let programs = u32::try_from(config.aggregate_programs.len()).unwrap_or(u32::MAX);
    let turns = config.aggregate_blocks.saturating_mul(u64::from(config.capacity));
    let longest = config
        .commit_blocks
        .saturating_add(config.reveal_blocks)
        .saturating_add(turns)
        .saturating_add(config.terms.window_blocks)
        .saturating_add(config.terms.clock_blocks.saturating_mul(2));
    let checks = [
        (config.capacity > 0 && config.capacity <= SEATS_MAX, Field::Capacity),
        (config.nodes > 0, Field::Nodes),
        (config.quorum > 0 && config.quorum <= config.capacity, Field::Quorum),
        (programs == rows, Field::AggregatePrograms),
        (config.cumulative_length > 0, Field::CumulativeLength),
        (config.commit_blocks > 0, Field::CommitBlocks),
        (config.reveal_blocks > 0, Field::RevealBlocks),
        (config.aggregate_blocks > 0, Field::AggregateBlocks),
        (config.update_length > 0, Field::UpdateLength),
        (config.budget_gwei <= aggregate::BUDGET_MAX_GWEI, Field::BudgetGwei),
        (config.unbond_blocks > longest, Field::UnbondBlocks),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, field)) => Err(Refusal::BadConfig(*field)),
        None => Ok(()),
    }
}

fn check_phase(expected: Phase, got: Phase) -> Result<(), Refusal> {
    if expected == got { Ok(()) } else { Err(Refusal::WrongPhase { expected, got }) }
}

impl Ledger {
    pub(super) fn open(&mut self) -> Result<Vec<Event>, Refusal> {
        let core = self.as_of(self.now);
        check_phase(Phase::Idle, core.phase)?;
        // The contract stores first and reverts as a whole; penalties of a voided round can cost a
        // node its seat, so they are part of the check.
        let before = (self.core, self.nodes.clone(), self.burnt_wei);
        let mut events = self.save(core);
        if let Err(refusal) = self.check_open() {
            (self.core, self.nodes, self.burnt_wei) = before;
            return Err(refusal);
        }
        self.seats.clear();
        let number = core.number + 1;
        self.core = Core {
            number,
            open_block: self.now,
            phase: Phase::Commit,
            salts: self.salts,
            ..Core::default()
        };
        events.push(Event::Opened { round: number });
        Ok(events)
    }

    pub(super) fn check_open(&self) -> Result<(), Refusal> {
        let rounds = u128::from(self.settled_count) + 1;
        let needed_wei = rounds * u128::from(self.config.budget_gwei) * WEI_PER_GWEI;
        let got_wei = self.available_wei();
        if got_wei < needed_wei {
            return Err(Refusal::Unfunded { got_wei, needed_wei });
        }
        let (needed, got) = (self.config.nodes, self.active_count());
        if got < needed { Err(Refusal::NodesMissing { got, needed }) } else { Ok(()) }
    }

    /// Draws the seats, unless they are drawn or the block that draws them is to come.
    pub(super) fn draw(&mut self) -> Vec<Event> {
        if !self.drawable(self.now) {
            return Vec::new();
        }
        self.seats = self.drawn(self.now);
        if self.seats.is_empty() {
            return Vec::new();
        }
        let nodes = self.seats.iter().map(|seat| (seat.index, seat.rows)).collect();
        vec![Event::Seated { round: self.core.number, nodes }]
    }

    /// The seats as a call in block `now` sees them.
    pub(super) fn seats_as_of(&self, now: Block) -> Vec<Seat> {
        if self.drawable(now) { self.drawn(now) } else { self.seats.clone() }
    }

    fn drawable(&self, now: Block) -> bool {
        let undrawn = self.core.phase == Phase::Commit && self.seats.is_empty();
        undrawn && now > self.core.open_block
    }

    fn drawn(&self, now: Block) -> Vec<Seat> {
        let block = digest::seed_block(self.core.open_block, now).expect("checked to have passed");
        let hash = self.hashes.get(&block).copied().unwrap_or(Hash::ZERO);
        let job = self.config.domain.job;
        let seed = digest::seats_seed(job, self.core.number, hash, self.core.salts);
        let mut seats: Vec<Seat> = Vec::new();
        for index in lots::draw(&self.weights(), seed, self.config.capacity) {
            match seats.last_mut() {
                Some(last) if last.index == index => last.rows += 1,
                _ => {
                    let stake_wei = self.node(index).map_or(0, |node| node.stake_wei);
                    seats.push(Seat { index, rows: 1, stake_wei, ..Seat::default() });
                }
            }
        }
        seats
    }

    pub(super) fn commit(
        &mut self,
        key: Address,
        round: u64,
        commitment: Hash,
    ) -> Result<Vec<Event>, Refusal> {
        let mut events = self.draw();
        match self.commit_seated(key, round, commitment) {
            Ok(committed) => {
                events.extend(committed);
                Ok(events)
            }
            Err(refusal) => {
                if !events.is_empty() {
                    self.seats.clear();
                }
                Err(refusal)
            }
        }
    }

    fn commit_seated(
        &mut self,
        key: Address,
        round: u64,
        commitment: Hash,
    ) -> Result<Vec<Event>, Refusal> {
        let (mut core, place) = self.enter(key, round, Phase::Commit)?;
        let seat = &mut self.seats[place];
        let node = seat.index;
        if commitment == Hash::ZERO {
            return Err(Refusal::ZeroCommitment { node });
        }
        if seat.commitment != Hash::ZERO {
            return Err(Refusal::AlreadyCommitted { node });
        }
        seat.commitment = commitment;
        core.committed += seat.rows;
        if core.committed == self.config.capacity {
            self.close_commits(&mut core, self.now);
        }
        let mut events = vec![Event::Committed { round, node, commitment }];
        events.extend(self.save(core));
        Ok(events)
    }

    pub(super) fn reveal(
        &mut self,
        key: Address,
        round: u64,
        (update_root, salt, blob): (Hash, Hash, Hash),
        signers: &[Option<u32>],
    ) -> Result<Vec<Event>, Refusal> {
        let (core, place) = self.enter(key, round, Phase::Reveal)?;
        self.check_reveal(core, place, (update_root, salt))?;
        self.check_certificate(place, signers)?;
        Ok(self.accept(core, place, (update_root, salt, blob), Vec::new()))
    }

    pub(super) fn reveal_with_data(
        &mut self,
        key: Address,
        round: u64,
        (salt, blob): (Hash, Hash),
        update: &[u8],
    ) -> Result<Vec<Event>, Refusal> {
        let (core, place) = self.enter(key, round, Phase::Reveal)?;
        let expected = 4 * usize::try_from(self.config.update_length).expect("a u32");
        let got = update.len();
        if got != expected {
            return Err(Refusal::UpdateLength { got, expected });
        }
        let update_root = aggregate::bytes_root(update);
        self.check_reveal(core, place, (update_root, salt))?;
        Ok(self.accept(core, place, (update_root, salt, blob), update.to_vec()))
    }

    pub(super) fn post_result(
        &mut self,
        key: Address,
        round: u64,
        outputs_root: Hash,
    ) -> Result<Vec<Event>, Refusal> {
        let (core, place) = self.enter(key, round, Phase::Aggregate)?;
        if core.claim != 0 {
            return Err(Refusal::ClaimPending { claim: core.claim });
        }
        let (expected, got) = (self.aggregator(self.now)?, self.seats[place].index);
        if expected != got {
            return Err(Refusal::NotAggregator { expected, got });
        }
        let row = core.revealed.checked_sub(self.config.quorum).map(usize::try_from);
        let row = row.expect("a round aggregates from a quorum on").expect("at most 32");
        let program = self.config.aggregate_programs[row];
        let inputs_root = self.inputs_root();
        let post = court::Input::Post {
            program,
            inputs_root,
            outputs_root,
            asserter: key,
            iterations: 1,
            parents: Vec::new(),
        };
        let posted = self.court_call(self.config.domain.rounds, post)?;
        let mut events = self.save(core);
        events.extend(posted);
        let claim = self.court.count();
        self.core.claim = claim;
        let aggregator = got;
        events.push(Event::ResultPosted { round, claim, aggregator, inputs_root, outputs_root });
        Ok(events)
    }

    pub(super) fn settle(
        &mut self,
        round: u64,
        output_roots: &[Hash],
        accepted_chunk: &[u8],
    ) -> Result<Vec<Event>, Refusal> {
        let mut core = self.current(round, Phase::Aggregate)?;
        let (claim, caller) = (core.claim, self.config.domain.rounds);
        let open = self.check_outputs(claim, output_roots, accepted_chunk)?;
        let mut events = Vec::new();
        if open {
            events.extend(self.court_call(caller, court::Input::Finalise { id: claim })?);
        }
        core.phase = Phase::Idle;
        self.settled_count += 1;
        (self.model_root, self.cumulative_root) = (output_roots[0], output_roots[3]);
        if self.books.is_none() {
            self.rewards_root = self.cumulative_root;
        }
        // A node's rows are alike, so its first one tells.
        let mut row = 0;
        let mut members = Vec::new();
        for seat in self.seats.iter().filter(|seat| seat.revealed) {
            members.push((seat.index, accepted_chunk[4 * row..4 * row + 4] != [0; 4]));
            row += usize::try_from(seat.rows).expect("at most 32");
        }
        events.push(Event::Settled {
            round,
            claim,
            model_root: self.model_root,
            cumulative_root: self.cumulative_root,
            members,
        });
        events.extend(self.save(core));
        events.extend(self.keep_round());
        events.extend(self.penalise_unrevealed());
        Ok(events)
    }

    pub(super) fn poke(&mut self) -> Result<Vec<Event>, Refusal> {
        let core = self.as_of(self.now);
        Ok(self.save(core))
    }

    /// Returns whose turn it is to post the result at block `now`, by registry index.
    ///
    /// Turns last `aggregate_blocks` each, from the block that closed the reveals or, once a claim
    /// fell, from that block on. After a fall the first turn is the convictor's, if it is a member;
    /// all others go on from the elected seat by as many seats as claims fell and turns passed.
    ///
    /// # Errors
    ///
    /// [`Refusal::WrongPhase`] outside the aggregation, [`Refusal::SeedPending`] before the block
    /// that elects is known.
    pub fn aggregator(&self, now: Block) -> Result<u32, Refusal> {
        let core = self.as_of(now);
        check_phase(Phase::Aggregate, core.phase)?;
        if core.elect_seed == Hash::ZERO {
            return Err(Refusal::SeedPending { block: core.commits_closed_block + 1 });
        }
        let from = core.reveals_closed_block.max(core.fell_block);
        let mut late = now.saturating_sub(from) / self.config.aggregate_blocks;
        let convictor = self.keys.get(&core.convictor).and_then(|index| self.place(*index));
        if let Some(seat) = convictor.map(|place| self.seats[place]).filter(|seat| seat.revealed) {
            if late == 0 {
                return Ok(seat.index);
            }
            late -= 1;
        }
        let turn = u64::from(core.attempt).saturating_add(late);
        let rows = usize::try_from(core.revealed).expect("at most 32");
        let row = digest::elected_row(core.elect_seed, turn, rows);
        let revealed = self.seats.iter().filter(|seat| seat.revealed);
        let elected = revealed.flat_map(|seat| (0..seat.rows).map(move |_| seat)).nth(row);
        Ok(elected.expect("as many rows are revealed as are counted").index)
    }

    /// Returns the list root of the aggregation Program's inputs, as the contract derives it.
    #[must_use]
    pub fn inputs_root(&self) -> Hash {
        let members: Vec<&Seat> = self.seats.iter().filter(|seat| seat.revealed).collect();
        let roots = (self.model_root, self.cumulative_root);
        aggregate::inputs_root(roots, self.config.budget_gwei, &members)
    }

    /// The round as of block `now`: what passing blocks and the court did since it was stored.
    pub(super) fn as_of(&self, now: Block) -> Core {
        let mut core = self.core;
        if core.phase == Phase::Commit {
            let deadline = core.open_block.saturating_add(self.config.commit_blocks);
            if now > deadline {
                self.close_commits(&mut core, deadline);
            }
        }
        if core.phase == Phase::Reveal {
            let deadline = core.commits_closed_block.saturating_add(self.config.reveal_blocks);
            if now > deadline {
                self.close_reveals(&mut core, deadline);
            }
        }
        let running = matches!(core.phase, Phase::Reveal | Phase::Aggregate);
        if running && core.elect_seed == Hash::ZERO {
            core.elect_seed = self.elect_seed(&core, now).unwrap_or(Hash::ZERO);
        }
        let claim = self.court.claim(core.claim).ok().filter(|claim| claim.state.has_fallen());
        if let Some(claim) = claim.filter(|_| core.phase == Phase::Aggregate) {
            core.claim = 0;
            core.attempt += 1;
            core.fell_block = claim.fell_block;
            core.convictor = claim.convictor.map(|by| by.challenger).unwrap_or_default();
        }
        core
    }

    fn elect_seed(&self, core: &Core, now: Block) -> Option<Hash> {
        let block = digest::seed_block(core.commits_closed_block.checked_add(1)?, now)?;
        let hash = self.hashes.get(&block).copied().unwrap_or(Hash::ZERO);
        Some(digest::elect_seed(self.config.domain.job, core.number, hash, core.salts))
    }

    fn close_commits(&self, core: &mut Core, block: Block) {
        core.commits_closed_block = block;
        let quorate = core.committed >= self.config.quorum;
        core.phase = if quorate { Phase::Reveal } else { Phase::Idle };
    }

    fn close_reveals(&self, core: &mut Core, block: Block) {
        core.reveals_closed_block = block;
        let quorate = core.revealed >= self.config.quorum;
        core.phase = if quorate { Phase::Aggregate } else { Phase::Idle };
    }

    /// Stores `core` and reports what happened between it and what was stored.
    pub(super) fn save(&mut self, core: Core) -> Vec<Event> {
        let before = std::mem::replace(&mut self.core, core);
        let round = core.number;
        let mut events = Vec::new();
        if before.commits_closed_block == 0 && core.commits_closed_block != 0 {
            let (block, committed) = (core.commits_closed_block, core.committed);
            events.push(Event::CommitsClosed { round, block, committed });
            if core.phase == Phase::Idle && core.reveals_closed_block == 0 {
                events.push(Event::Voided { round, phase: Phase::Commit });
            }
        }
        if before.reveals_closed_block == 0 && core.reveals_closed_block != 0 {
            let (block, revealed) = (core.reveals_closed_block, core.revealed);
            events.push(Event::RevealsClosed { round, block, revealed });
            if core.phase == Phase::Idle {
                events.push(Event::Voided { round, phase: Phase::Reveal });
                events.extend(self.penalise_unrevealed());
            }
        }
        if core.attempt != before.attempt {
            let (claim, attempt) = (before.claim, core.attempt);
            events.push(Event::ResultStruck { round, claim, attempt });
        }
        events
    }

    fn current(&self, round: u64, expected: Phase) -> Result<Core, Refusal> {
        let core = self.as_of(self.now);
        if round != core.number {
            return Err(Refusal::WrongRound { expected: core.number, got: round });
        }
        check_phase(expected, core.phase)?;
        Ok(core)
    }

    fn enter(&self, key: Address, round: u64, expected: Phase) -> Result<(Core, usize), Refusal> {
        let core = self.current(round, expected)?;
        if self.core.phase == Phase::Commit && self.seats.is_empty() && self.now <= core.open_block
        {
            return Err(Refusal::SeedPending { block: core.open_block });
        }
        let place = self.keys.get(&key).and_then(|index| self.place(*index));
        Ok((core, place.ok_or(Refusal::NotSeated { key })?))
    }

    fn place(&self, index: u32) -> Option<usize> {
        self.seats.binary_search_by_key(&index, |seat| seat.index).ok()
    }

    fn check_reveal(
        &self,
        core: Core,
        place: usize,
        (update_root, salt): (Hash, Hash),
    ) -> Result<(), Refusal> {
        let Seat { index: node, commitment: expected, revealed, .. } = self.seats[place];
        if expected == Hash::ZERO {
            return Err(Refusal::NotCommitted { node });
        }
        if revealed {
            return Err(Refusal::AlreadyRevealed { node });
        }
        let domain = &self.config.domain;
        let got = digest::commitment(domain, (core.number, node), update_root, salt);
        if got == expected { Ok(()) } else { Err(Refusal::CommitmentMismatch { expected, got }) }
    }

    /// Requires that the revealer and the signers hold more than two thirds of the seats' stake.
    fn check_certificate(&self, revealer: usize, signers: &[Option<u32>]) -> Result<(), Refusal> {
        let mut got_wei = self.seats[revealer].stake_wei;
        let mut next = 0;
        for (signature, signer) in signers.iter().enumerate() {
            let place = signer.and_then(|index| self.place(index));
            let place = place.filter(|place| *place >= next && *place != revealer);
            let place = place.ok_or(Refusal::BadCertificate { signature })?;
            got_wei += self.seats[place].stake_wei;
            next = place + 1;
        }
        let needed_wei = certificate_wei(&self.seats);
        if got_wei >= needed_wei {
            Ok(())
        } else {
            Err(Refusal::CertificateTooLight { got_wei, needed_wei })
        }
    }

    fn accept(
        &mut self,
        mut core: Core,
        place: usize,
        (update_root, salt, blob): (Hash, Hash, Hash),
        data: Vec<u8>,
    ) -> Vec<Event> {
        let seat = &mut self.seats[place];
        (seat.update_root, seat.salt, seat.blob) = (update_root, salt, blob);
        seat.revealed = true;
        let (node, rows) = (seat.index, seat.rows);
        self.salts = digest::fold_salts(self.salts, node, salt);
        core.revealed += rows;
        if core.revealed == core.committed {
            self.close_reveals(&mut core, self.now);
        }
        let mut events = vec![Event::Revealed { round: core.number, node, update_root, data }];
        events.extend(self.save(core));
        events
    }

    /// Checks what settling states; says whether the claim must still be made final.
    fn check_outputs(
        &self,
        claim: u64,
        output_roots: &[Hash],
        accepted_chunk: &[u8],
    ) -> Result<bool, Refusal> {
        let pending = Refusal::ClaimNotFinal { claim };
        let posted = self.court.claim(claim).map_err(|_| pending)?;
        let open = posted.state == State::Open && self.now > posted.deadline;
        if !open && posted.state != State::Final {
            return Err(pending);
        }
        let (got, expected) = (output_roots.len(), OUTPUTS);
        if got != expected {
            return Err(Refusal::OutputCount { got, expected });
        }
        let (got, expected) = (tree::root(output_roots), posted.outputs_root);
        if got != expected {
            return Err(Refusal::OutputsMismatch { expected, got });
        }
        let (got, expected) = (accepted_chunk.len(), CHUNK_BYTES);
        if got != expected {
            return Err(Refusal::ChunkLength { got, expected });
        }
        let (got, expected) = (tree::leaf(accepted_chunk), output_roots[1]);
        if got != expected {
            return Err(Refusal::AcceptedMismatch { expected, got });
        }
        Ok(open)
    }

    fn penalise_unrevealed(&mut self) -> Vec<Event> {
        let unrevealed = |seat: &&Seat| seat.commitment != Hash::ZERO && !seat.revealed;
        let seats: Vec<Seat> = self.seats.iter().filter(unrevealed).copied().collect();
        let penalty_wei = self.config.unrevealed_penalty_wei;
        let amount_wei = |seat: &Seat| u128::from(seat.rows) * penalty_wei;
        seats.iter().map(|seat| self.penalise(seat.index, amount_wei(seat))).collect()
    }
}

/// Returns the least stake of revealer and signers that makes a certificate: more than two thirds
/// of the seats' stake.
pub(crate) fn certificate_wei(seats: &[Seat]) -> u128 {
    let total: u128 = seats.iter().map(|seat| seat.stake_wei).sum();
    2 * total / 3 + 1
}

//! Ends of phases: what a call finds over, it ends first.

use court::State as ClaimState;
use tensor::Hash;

use super::{Call, Event, Phase, Seat, Sum, Tray, slot};
use crate::{
    chain::Block,
    sums::{self, SHARES, holders},
};

impl Call<'_> {
    /// Ends the phase if it is over; one phase a call.
    pub(super) fn advance(&mut self) {
        let round = self.rounds.round;
        let late = self.now > round.until;
        let acted = round.acted as usize;
        match round.phase {
            Phase::Idle => {}
            Phase::Seats => self.draw(),
            Phase::Commit if late || acted == self.rounds.seats.len() => self.close_commits(late),
            Phase::Draw => self.bucket(),
            Phase::Report if late || acted == SHARES * self.rounds.trays.len() => {
                self.close_reports();
            }
            Phase::Sum if late || acted == self.awaited() => self.close_sums(),
            Phase::Judge => self.judge(late),
            Phase::Aggregate => self.see_fall(),
            Phase::Commit | Phase::Report | Phase::Sum => {}
        }
    }

    fn enter(&mut self, phase: Phase, blocks: Block) {
        let round = &mut self.rounds.round;
        (round.phase, round.until, round.acted) = (phase, self.now + blocks, 0);
    }

    pub(super) fn draw(&mut self) {
        let round = self.rounds.round;
        if round.phase != Phase::Seats || self.now <= round.mark {
            return;
        }
        for node in &self.facts.lots {
            match self.rounds.seats.last_mut().filter(|seat| seat.node == *node) {
                Some(seat) => seat.rows += 1,
                None => {
                    let shares = [Hash::ZERO; SHARES];
                    self.rounds.seats.push(Seat { node: *node, rows: 1, shares });
                }
            }
        }
        self.enter(Phase::Commit, self.rounds.config.commit_blocks);
        self.events.push(Event::Seated);
    }

    fn close_commits(&mut self, late: bool) {
        let needed = 2 * u64::from(self.rounds.config.size);
        let got = u64::from(self.rounds.round.acted);
        if got < needed {
            return self.void(got, needed);
        }
        let round = &mut self.rounds.round;
        round.mark = if late { round.until } else { self.now };
        round.phase = Phase::Draw;
    }

    fn bucket(&mut self) {
        if self.now <= self.rounds.round.mark {
            return;
        }
        let rounds = &mut *self.rounds;
        let seed = Hash::of(&[
            &sums::tag("assay/seed/buckets/v1").0,
            &rounds.config.job.0,
            &sums::word(rounds.round.number),
            &self.facts.block_hash.0,
        ]);
        let committed = rounds.seats.iter().filter(|seat| seat.committed());
        let seat = |seat: &Seat| crate::Seat {
            index: seat.node,
            rows: seat.rows,
            ..crate::Seat::default()
        };
        let seats: Vec<crate::Seat> = committed.map(seat).collect();
        let size = usize::try_from(rounds.config.size).expect("a bucket is small");
        let drawn =
            sums::buckets(&seats, seed, size).expect("as many committed as two buckets take");
        rounds.trays = drawn.list.iter().map(|one| Tray::drawn(&rounds.seats, one)).collect();
        rounds.round.seed = seed;
        self.enter(Phase::Report, self.rounds.config.report_blocks);
        self.events.push(Event::Bucketed { seed });
    }

    fn close_reports(&mut self) {
        for bucket in 0..self.rounds.trays.len() {
            for member in 0..SHARES {
                if !self.rounds.trays[bucket].reported[member] {
                    self.gone(bucket, member);
                }
            }
            let tray = &mut self.rounds.trays[bucket];
            tray.roll = tray.called();
            self.rounds.round.rows += u32::from(tray.roll != 0);
        }
        let rolls = self.rounds.trays.iter().map(|tray| tray.roll).collect();
        self.events.push(Event::Called { rolls });
        if self.lacks_rows() {
            return;
        }
        self.enter(Phase::Sum, self.rounds.config.sum_blocks);
    }

    fn close_sums(&mut self) {
        let mut any_disputed = false;
        for bucket in 0..self.rounds.trays.len() {
            let tray = self.rounds.trays[bucket];
            if tray.roll == 0 {
                continue;
            }
            for member in 0..SHARES {
                if tray.reported[member] && tray.sums[member][0] == Hash::ZERO {
                    self.gone(bucket, member);
                }
            }
            let sums: Vec<Sum> = (0..SHARES).map(|share| tray.sum(share)).collect();
            if sums.contains(&Sum::None) {
                self.lose(bucket);
            } else {
                any_disputed |= sums.iter().any(|sum| matches!(sum, Sum::Disputed(_)));
            }
        }
        if any_disputed {
            self.enter(Phase::Judge, self.rounds.config.judge_blocks);
        } else {
            self.aggregate();
        }
    }

    fn judge(&mut self, late: bool) {
        let mut waits = false;
        for bucket in 0..self.rounds.trays.len() {
            for share in 0..SHARES {
                let tray = self.rounds.trays[bucket];
                let is_disputed = matches!(tray.sum(share), Sum::Disputed(_));
                if tray.roll != 0 && is_disputed && !self.is_judged(bucket, share, late) {
                    waits = true;
                }
            }
        }
        if !waits {
            self.aggregate();
        }
    }

    /// Whether a disputed sum is one no longer: somebody was convicted, or nobody defended.
    fn is_judged(&mut self, bucket: usize, share: usize, late: bool) -> bool {
        let tray = self.rounds.trays[bucket];
        if tray.claims[share] == 0 {
            if late {
                holders(share).into_iter().for_each(|member| self.gone(bucket, member));
                self.lose(bucket);
            }
            return late;
        }
        let fell = match self.standing(tray.claims[share]) {
            Some(ClaimState::Struck | ClaimState::Void) => true,
            Some(ClaimState::Final) => false,
            _ => return false,
        };
        let defender = tray.defenders[share];
        let liar = if fell { defender } else { SHARES - share - defender };
        self.rounds.trays[bucket].sums[liar][slot(liar, share)] = Hash::ZERO;
        let node = self.rounds.member(bucket, liar).expect("a member of a bucket");
        self.events.push(Event::Lied { bucket, share, node });
        true
    }

    fn aggregate(&mut self) {
        if self.lacks_rows() {
            return;
        }
        self.enter(Phase::Aggregate, 0);
        self.rounds.round.since = self.now;
    }

    fn see_fall(&mut self) {
        let round = &mut self.rounds.round;
        let Some((state, _)) = self.facts.claims.get(&round.claim) else { return };
        if !state.has_fallen() {
            return;
        }
        let claim = std::mem::take(&mut round.claim);
        round.attempt += 1;
        round.since = self.now;
        self.events.push(Event::ResultFell { claim, attempt: round.attempt });
    }

    /// Voids the round if too few buckets have a row.
    fn lacks_rows(&mut self) -> bool {
        let (got, needed) = (self.rounds.round.rows, self.rounds.config.quorum);
        if got < needed {
            self.void(got.into(), needed.into());
        }
        got < needed
    }

    fn void(&mut self, got: u64, needed: u64) {
        let phase = std::mem::take(&mut self.rounds.round.phase);
        self.events.push(Event::Voided { phase, got, needed });
    }

    fn lose(&mut self, bucket: usize) {
        self.rounds.trays[bucket].roll = 0;
        self.rounds.round.rows -= 1;
        self.events.push(Event::Lost { bucket });
    }

    fn gone(&mut self, bucket: usize, member: usize) {
        let node = self.rounds.member(bucket, member).expect("a member of a bucket");
        self.events.push(Event::Gone { bucket, node });
    }

    /// How many statements end the phase early.
    fn awaited(&self) -> usize {
        let rows = self.rounds.trays.iter().filter(|tray| tray.roll != 0);
        rows.map(|tray| tray.reported.iter().filter(|reported| **reported).count()).sum()
    }

    /// Where a claim stands; one that only lacks the call counts as final.
    pub(super) fn standing(&self, claim: u64) -> Option<ClaimState> {
        let (state, deadline) = *self.facts.claims.get(&claim)?;
        let is_over = state == ClaimState::Open && self.now > deadline;
        Some(if is_over { ClaimState::Final } else { state })
    }
}

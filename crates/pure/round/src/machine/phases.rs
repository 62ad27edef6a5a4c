//! What ought to be there in each phase, and the asking for it.
//!
//! Where any node may act, turns are taken: each waits as many blocks as it stands behind the
//! first, so that one transaction is sent and not one a node, and a dead node delays by one block.
//!
//! Absent: anything that is not decided by the chain, the own record and the block.

use court::{Claim, State};
use tensor::Hash;

use super::{Intent, Machine, Member, Output, Tx, due};
use crate::chain::{Block, Phase, Seat};
use crate::digest;
use crate::ledger::certificate_wei;

impl Machine {
    pub(super) fn step(&mut self, out: &mut Vec<Output>) {
        match self.view().round.phase {
            Phase::Idle => self.open(out),
            Phase::Commit => self.commit(out),
            Phase::Reveal => self.reveal(out),
            Phase::Aggregate => self.aggregate(out),
        }
        let (due_gwei, cumulative_root) = (self.view().due_gwei, self.view().rewards_root);
        if let Some(node) = self.view().own.filter(|_| due_gwei > 0) {
            self.send(Intent::ClaimReward, Tx::ClaimReward { node, cumulative_root }, out);
        }
    }

    fn open(&mut self, out: &mut Vec<Output>) {
        let view = self.view();
        let (Some(own), Some(since)) = (view.own, self.work.idle_since) else { return };
        let Ok(place) = view.actives.binary_search(&own) else { return };
        let count = view.actives.len();
        let first = usize::try_from(view.round.number % count as u64).expect("below a usize");
        let behind = (place + count - first) % count;
        if view.openable && self.now >= since.saturating_add(behind as Block) {
            self.send(Intent::Open, Tx::Open, out);
        }
    }

    fn commit(&mut self, out: &mut Vec<Output>) {
        let Some(seat) = self.own_seat().filter(|seat| seat.commitment == Hash::ZERO) else {
            return;
        };
        let (round, node) = (self.work.round, seat.index);
        if let Some(own) = self.own.filter(|own| own.round == round) {
            let commitment = self.commitment(own, node);
            self.send(Intent::Commit, Tx::Commit { round, commitment }, out);
        } else if let Some(seed) = self.view().train_seed.filter(|_| !self.work.train_asked) {
            self.work.train_asked = true;
            let model_root = self.view().round.model_root;
            out.push(Output::Train { round, seed, model_root });
        }
    }

    fn reveal(&mut self, out: &mut Vec<Output>) {
        let round = self.work.round;
        let Some(own) = self.own.filter(|own| own.round == round) else { return };
        let Some(seat) = self.own_seat().filter(|seat| !seat.revealed).copied() else { return };
        if seat.commitment != self.commitment(own, seat.index) {
            return;
        }
        let mut signed_wei = seat.stake_wei;
        let mut to = Vec::new();
        for other in self.view().round.seats.iter().filter(|other| other.index != seat.index) {
            if self.work.signatures.contains_key(&other.index) {
                signed_wei += other.stake_wei;
            } else if due(self.work.offered.get(&other.index), self.now, self.retry.offer_blocks) {
                to.push(other.index);
            }
        }
        let super::Own { update_root, blob, salt, .. } = own;
        let view = self.view();
        let half = view.round.commits_closed_block + self.config.reveal_blocks / 2;
        if signed_wei >= certificate_wei(&view.round.seats) {
            let signatures = self.work.signatures.iter();
            let signatures = signatures.map(|(node, signature)| (*node, *signature)).collect();
            let tx = Tx::Reveal { round, update_root, salt, blob, signatures };
            self.send(Intent::Reveal, tx, out);
        } else if self.now >= half {
            self.send(Intent::Reveal, Tx::RevealWithData { round, salt, blob }, out);
        }
        if !to.is_empty() {
            for node in &to {
                self.work.offered.insert(*node, self.now);
            }
            out.push(Output::Offer { to, round, update_root, blob });
        }
    }

    /// The commitment to the own update of the running round, hashed once: a look comes every block
    /// and a signature from every seat.
    fn commitment(&mut self, own: super::Own, node: u32) -> Hash {
        let super::Own { round, update_root, salt, .. } = own;
        let domain = &self.config.domain;
        let known = self.work.commitment.filter(|(of, _)| *of == (node, update_root, salt));
        let hash = || digest::commitment(domain, (round, node), update_root, salt);
        let commitment = known.map_or_else(hash, |(_, commitment)| commitment);
        self.work.commitment = Some(((node, update_root, salt), commitment));
        commitment
    }

    fn aggregate(&mut self, out: &mut Vec<Output>) {
        let Some(outputs_root) = self.work.computed.as_ref().map(|own| own.outputs_root) else {
            self.gather(out);
            return;
        };
        let round = self.work.round;
        let view = self.view();
        let Some(claim) = view.claim.clone() else {
            if view.own.is_some() && view.aggregator == view.own {
                let attempt = view.round.attempt;
                self.send(Intent::Post(attempt), Tx::PostResult { round, outputs_root }, out);
            }
            return;
        };
        let (id, behind) = (view.round.claim, self.behind(&claim));
        if self.now > claim.deadline {
            let turn = self.now > claim.deadline.saturating_add(behind);
            // While disputes are not decided nothing can be settled.
            let stands = claim.state != State::Disputed;
            let own = self
                .work
                .computed
                .as_ref()
                .filter(|own| turn && stands && claim.outputs_root == own.outputs_root);
            if let Some(own) = own {
                let (output_roots, accepted_chunk) = (own.output_roots, own.accepted_chunk.clone());
                let tx = Tx::Settle { round, output_roots, accepted_chunk };
                self.send(Intent::Settle(id), tx, out);
            }
        } else if claim.outputs_root != outputs_root
            && claim.asserter != self.key
            && !view.challenged
        {
            // Seats always challenge in their own name. Those without one come in while few do:
            // each further challenge has a liar's gas to advance, which one struck bond cannot make
            // good for all.
            let rows: u64 = view.round.seats.iter().map(|seat| u64::from(seat.rows)).sum();
            if self.own_seat().is_none() && 3 * u64::from(claim.disputes) > rows {
                return;
            }
            let window = self.config.terms.window_blocks;
            let posted = claim.deadline.saturating_sub(window);
            if self.now >= posted.saturating_add(behind.min(window / 2)) {
                let tx = Tx::Challenge { claim: id, outputs_root };
                self.send(Intent::Challenge(id), tx, out);
            }
        }
    }

    /// Asks for what the aggregation needs, then for the aggregation.
    fn gather(&mut self, out: &mut Vec<Output>) {
        let round = self.work.round;
        let view = self.view();
        let own = self.own.filter(|own| own.round == round);
        let own_held = view.own.zip(own.map(|own| (own.update_root, own.blob)));
        let kept = |seat: &Seat| {
            let kept = self.work.held.get(&seat.index).copied();
            let kept = kept.or(own_held.filter(|(own, _)| *own == seat.index).map(|own| own.1));
            kept.filter(|(root, _)| *root == seat.update_root)
        };
        let missing = view.round.members().filter(|seat| kept(seat).is_none());
        let missing: Vec<Seat> = missing.copied().collect();
        if missing.is_empty() {
            if !self.work.aggregate_asked {
                let member = |seat: &Seat| {
                    let Seat { index, update_root, .. } = *seat;
                    kept(seat).map(|(_, blob)| Member { index, update_root, blob })
                };
                let members = view.round.rows().filter_map(member).collect();
                let (model_root, cumulative_root) =
                    (view.round.model_root, view.round.cumulative_root);
                out.push(Output::Aggregate { round, model_root, cumulative_root, members });
                self.work.aggregate_asked = true;
            }
            return;
        }
        for Seat { index: node, update_root, blob, .. } in missing {
            if due(self.work.fetched.get(&node), self.now, self.retry.fetch_blocks) {
                self.work.fetched.insert(node, self.now);
                out.push(Output::Fetch { round, node, update_root, blob });
            }
        }
    }

    /// How many seats stand before this node, counted from the asserter on; a node without a seat
    /// stands last.
    fn behind(&self, claim: &Claim) -> Block {
        let round = &self.view().round;
        let count = round.seats.len();
        if claim.asserter == self.key {
            return 0;
        }
        let own = self.view().own.and_then(|own| round.place(own));
        let first = usize::try_from(round.claim % count.max(1) as u64).expect("below a usize");
        own.map_or(count, |own| 1 + (own + count - first) % count) as Block
    }
}

//! Folds the court's events: claims, and the disputes that decide them move by move.

use alloy::primitives::U256;

use super::{
    History,
    fold::small,
    record::{At, Claim, Compared, Decided, Dispute, Judged, Move},
};
use crate::{
    ClaimState,
    contracts::court::{
        Court::{Claimed, CourtEvents},
        ICourt,
    },
};

impl History {
    /// Folds an event of the court and returns whether it moved the value of accounts: a raise of
    /// margin ends with the claim behind it.
    pub(super) fn court(&mut self, event: CourtEvents, at: At) -> bool {
        match event {
            CourtEvents::Claimed(e) => {
                let claim = claimed(&e, at);
                self.claims.insert(claim.id, claim);
            }
            CourtEvents::Challenged(e) => {
                let dispute = Dispute {
                    id: small(e.dispute),
                    claim: small(e.id),
                    challenger: e.challenger,
                    outputs_root: e.outputsRoot,
                    started: at,
                    moves: Vec::new(),
                    judged: None,
                    compared: None,
                    decided: None,
                    closed: None,
                };
                self.claim(e.id, |claim| {
                    claim.state = ClaimState::Disputed;
                    claim.disputes.push(dispute.id);
                });
                self.disputes.insert(dispute.id, dispute);
            }
            CourtEvents::Moved(e) => {
                let made = made(&e.record, e.mover, at);
                self.dispute(e.dispute, |dispute| dispute.moves.push(made));
            }
            CourtEvents::Judged(e) => self.dispute(e.dispute, |dispute| {
                dispute.judged = Some(Judged {
                    op: e.op,
                    code: e.code,
                    element: e.element,
                    step: e.step,
                    asserted: e.asserted,
                    correct: e.correct,
                    dtype: e.dtype,
                });
            }),
            CourtEvents::Compared(e) => self.dispute(e.dispute, |dispute| {
                let (asserted, correct) = (e.asserted, e.correct);
                dispute.compared = Some(Compared { op: e.op, code: e.code, asserted, correct });
            }),
            CourtEvents::Decided(e) => {
                let decided = Decided {
                    at,
                    asserter_lost: e.asserterLost,
                    by_clock: e.byClock,
                    bounty: e.bounty,
                    burnt: e.burnt,
                };
                self.dispute(e.dispute, |dispute| dispute.decided = Some(decided));
                self.decide(e.id, e.asserterLost);
                return e.asserterLost && self.end_raise(small(e.id));
            }
            CourtEvents::Closed(e) => self.dispute(e.dispute, |dispute| dispute.closed = Some(at)),
            CourtEvents::Finalised(e) => self.claim(e.id, |claim| claim.state = ClaimState::Final),
            CourtEvents::Voided(e) => self.claim(e.id, |claim| claim.state = ClaimState::Void),
            CourtEvents::Revealed(_) | CourtEvents::RevealedChunk(_) | CourtEvents::Admitted(_) => {
            }
        }
        false
    }

    /// A conviction strikes the claim; a claim that won its last dispute is open again.
    fn decide(&mut self, id: U256, asserter_lost: bool) {
        let Some(claim) = self.claims.get_mut(&small(id)) else { return };
        let undecided = |id: &u64| {
            self.disputes.get(id).is_some_and(|it| it.decided.is_none() && it.closed.is_none())
        };
        if asserter_lost {
            claim.state = ClaimState::Struck;
        } else if !claim.disputes.iter().any(undecided) {
            claim.state = ClaimState::Open;
        }
    }

    fn claim(&mut self, id: U256, change: impl FnOnce(&mut Claim)) {
        if let Some(claim) = self.claims.get_mut(&small(id)) {
            change(claim);
        }
    }

    fn dispute(&mut self, id: U256, change: impl FnOnce(&mut Dispute)) {
        if let Some(dispute) = self.disputes.get_mut(&small(id)) {
            change(dispute);
        }
    }
}

fn claimed(e: &Claimed, at: At) -> Claim {
    Claim {
        id: small(e.id),
        at,
        program: e.program,
        inputs_root: e.inputsRoot,
        outputs_root: e.outputsRoot,
        asserter: e.asserter,
        consumer: e.consumer,
        bond: e.bond,
        deadline: e.deadline,
        state: ClaimState::Open,
        disputes: Vec::new(),
    }
}

fn made(record: &ICourt::Dispute, by: alloy::primitives::Address, at: At) -> Move {
    Move {
        at,
        by,
        stage: record.stage,
        turn: record.turn,
        node: record.node,
        index: record.index,
        height: record.height,
        leaves: record.leaves,
        count: record.leaves.saturating_mul(32),
        iteration: record.iteration,
        op: record.op,
        element: record.element,
        blocks_left: (record.asserterBlocks, record.challengerBlocks),
        advanced: (record.asserterGas, record.challengerGas),
    }
}

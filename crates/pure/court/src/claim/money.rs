//! Who pays for a dispute.
//!
//! The gas of a move is advanced to its mover out of the other side's bond, up to a quarter of that
//! bond: for the asserter's over all its disputes together. At the end half of the loser's bond is
//! burnt; from the other half the winner's bond is made whole again, then what the claim still owes
//! to the challengers of its other disputes is kept, and the rest is the bounty.
//!
//! Invariant: no subtraction here can go below zero, since what is advanced is at most a quarter of
//! a bond on either side. Absent: anybody else who is paid.

use super::{Call, Convictor, Court, Event, Outcome, Refusal, State};
use crate::Address;
use crate::record::{Dispute, Side};

/// What a move is taken to cost, in gas, whatever it does cost: what it costs where it is dearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gas;

impl Gas {
    /// `postStates`.
    pub const POST_STATES: u128 = 135_000;
    /// `postTrace`.
    pub const POST_TRACE: u128 = 135_000;
    /// `postChain`.
    pub const POST_CHAIN: u128 = 270_000;
    /// `reveal`.
    pub const REVEAL: u128 = 100_000;
    /// `revealChunk`.
    pub const REVEAL_CHUNK: u128 = 90_000;
    /// `nameChild`.
    pub const NAME_CHILD: u128 = 100_000;
    /// `nameIteration`.
    pub const NAME_ITERATION: u128 = 125_000;
    /// `nameOutput`.
    pub const NAME_OUTPUT: u128 = 120_000;
    /// `nameOp`.
    pub const NAME_OP: u128 = 295_000;
    /// `nameElement`, where it goes on to a chain; one that decides is paid by the bounty.
    pub const NAME_ELEMENT: u128 = 100_000;
}

/// What the longest walk that limits on Programs allow costs the challenger, whose moves cost more:
/// 8 levels of iterations, 4 of outputs, 4 of ops, 7 of a tensor, 7 of a chain, and the namings.
const SIDE_GAS_MAX: u128 = 30 * Gas::NAME_CHILD
    + Gas::NAME_ITERATION
    + Gas::NAME_OUTPUT
    + Gas::NAME_OP
    + 2 * Gas::NAME_ELEMENT;

/// Returns the least bond under which no move of one dispute goes unpaid: four times the most that
/// one side's moves can cost at this price.
///
/// ```
/// assert_eq!(court::bond_floor_wei(2), 2 * court::bond_floor_wei(1));
/// ```
#[must_use]
pub const fn bond_floor_wei(gas_price_wei_max: u128) -> u128 {
    4 * SIDE_GAS_MAX * gas_price_wei_max
}

impl Court {
    /// Advances the gas of a move to its mover.
    pub(super) fn advance(
        &mut self,
        call: Call,
        record: &mut Dispute,
        (mover, gas): (Side, u128),
    ) -> Option<Event> {
        let price = call.gas_price_wei.min(self.terms.gas_price_wei_max);
        let claim = self.claim_mut(record.claim);
        let drawn = match mover {
            Side::Asserter => record.asserter_gas,
            Side::Challenger => claim.drawn_wei,
        };
        let left = (claim.bond_wei / 4).saturating_sub(drawn);
        let amount_wei = gas.saturating_mul(price).min(left);
        match mover {
            Side::Asserter => {
                record.asserter_gas += amount_wei;
                claim.owed_wei += amount_wei;
            }
            Side::Challenger => {
                record.challenger_gas += amount_wei;
                claim.drawn_wei += amount_wei;
            }
        }
        (amount_wei > 0).then_some(Event::Advanced { to: call.caller, amount_wei })
    }

    /// Ends a dispute against one side.
    pub(super) fn decide(
        &mut self,
        block: u64,
        dispute: u64,
        (loser, by_clock): (Side, bool),
    ) -> Vec<Event> {
        let record = self.disputes.remove(&dispute).expect("the caller holds its record");
        let id = record.claim;
        let claim = self.claim_mut(id);
        claim.disputes -= 1;
        claim.owed_wei -= record.asserter_gas;
        let burnt_wei = claim.bond_wei - claim.bond_wei / 2;
        let half = claim.bond_wei / 2;
        let asserter_lost = loser == Side::Asserter;
        let (to, amount_wei, bounty_wei) = if asserter_lost {
            claim.state = State::Struck;
            claim.fell_block = block;
            let (challenger, outputs_root) = (record.challenger, record.challenger_root);
            claim.convictor = Some(Convictor { challenger, outputs_root });
            let pot = half - claim.drawn_wei;
            let refund = pot.min(record.asserter_gas);
            claim.reserve_wei = (pot - refund).min(claim.owed_wei);
            let bounty = pot - refund - claim.reserve_wei;
            (challenger, claim.bond_wei - record.asserter_gas + refund + bounty, bounty)
        } else {
            if claim.disputes == 0 {
                claim.state = State::Open;
            }
            claim.drawn_wei -= record.challenger_gas;
            let bounty = half - record.asserter_gas - record.challenger_gas;
            (claim.asserter, bounty, bounty)
        };
        vec![
            Event::Burnt { amount_wei: burnt_wei },
            Event::Returned { to, amount_wei },
            Event::Decided { id, dispute, asserter_lost, by_clock, bounty_wei, burnt_wei },
        ]
    }

    pub(super) fn timeout(&mut self, call: Call, (dispute, record): (u64, &Dispute)) -> Outcome {
        self.disputed(dispute, record)?;
        let (left, used) = record.clock(call.block);
        if used <= left {
            return Err(Refusal::ClockRuns { left, used });
        }
        Ok(self.decide(call.block, dispute, (record.mover(), true)))
    }

    pub(super) fn close(&mut self, (dispute, record): (u64, &Dispute)) -> Outcome {
        self.known(dispute, record)?;
        let (id, state) = (record.claim, self.claim(record.claim)?.state);
        if !state.has_fallen() {
            return Err(Refusal::NotOpen { id, state });
        }
        self.disputes.remove(&dispute);
        let claim = self.claim_mut(id);
        claim.disputes -= 1;
        claim.owed_wei -= record.asserter_gas;
        let refund = claim.reserve_wei.min(record.asserter_gas);
        claim.reserve_wei -= refund;
        let returned_wei = claim.bond_wei - record.asserter_gas + refund;
        let to = record.challenger;
        Ok(vec![
            Event::Returned { to, amount_wei: returned_wei },
            Event::Closed { dispute, returned_wei },
        ])
    }

    /// Checks that a record stated is the dispute's.
    pub(super) fn known(&self, dispute: u64, record: &Dispute) -> Result<(), Refusal> {
        let is = self.disputes.get(&dispute) == Some(record);
        if is { Ok(()) } else { Err(Refusal::NotTheRecord { dispute }) }
    }

    /// Checks that a record stated is the dispute's, and that its claim still stands.
    pub(super) fn disputed(&self, dispute: u64, record: &Dispute) -> Result<(), Refusal> {
        self.known(dispute, record)?;
        let (id, state) = (record.claim, self.claim(record.claim)?.state);
        if state == State::Disputed { Ok(()) } else { Err(Refusal::NotOpen { id, state }) }
    }

    /// Returns the account of a side of a dispute.
    pub(super) fn account(&self, record: &Dispute, side: Side) -> Result<Address, Refusal> {
        Ok(match side {
            Side::Asserter => self.claim(record.claim)?.asserter,
            Side::Challenger => record.challenger,
        })
    }
}

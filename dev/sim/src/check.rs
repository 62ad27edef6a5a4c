//! The properties that every run must keep, each checked at every step.
//!
//! A checker watches from outside and knows everything: all bytes that any node ever kept, what
//! every transaction said, what the Program gives. It decides nothing about the run.
//!
//! Absent: tolerance. A property holds in every step of every seed, or the seed is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use court::{Address, Dispute, Side, State, opening};
use round::aggregate::{Row, bytes_root};
use round::chain::WEI_PER_GWEI;
use round::ledger::Event;
use round::machine::Tx;
use round::{Block, Ledger, Phase};
use tensor::{Dtype, Hash, Shape, Tensor};

use crate::behaviour::Behaviour;
use crate::work::{Computer, Matter};
use crate::world::{Members, accounts};

mod economy;
mod violation;
mod worth;

use economy::Economy;
pub use violation::Violation;
use worth::Worth;

/// What an honest node tried in a reveal phase.
#[derive(Clone, Copy, Debug, Default)]
struct Tries {
    /// Looks at the chain in the second half of the window with the seat unrevealed.
    looks: u32,
    /// Reveals sent.
    sent: u32,
    /// Reveals that reached the chain in time.
    arrived: u32,
}

/// All checkers and what they remember.
#[derive(Clone, Debug)]
pub struct Checkers {
    behaviours: Vec<Behaviour>,
    members: Members,
    economy: Economy,
    /// What each node had at first, in wei.
    wealth_wei: Vec<u128>,
    /// What nodes lost as the rules have it, by node: penalties, and gas that nobody made good.
    losses_wei: BTreeMap<usize, u128>,
    /// Updates that any node keeps, with their rounds.
    updates: BTreeMap<Hash, (u64, Arc<[u8]>)>,
    commitments: BTreeMap<(u64, u32), Hash>,
    tries: BTreeMap<(u64, u32), Tries>,
    params: Arc<Tensor>,
    paid: Arc<Tensor>,
    /// What rounds, or scores where there are any, owe by now.
    owed: Arc<Tensor>,
    worth: Worth,
    /// For how long a stake must be held to count in a score; 0 where rounds are paid alike.
    score_blocks: Block,
    /// Seats of the round that runs, or ran last.
    seats: Vec<u32>,
    /// The round that ran when the faults ended.
    healed: Option<u64>,
    /// The last round that has ended.
    ended: u64,
    /// Rounds that settled.
    pub settled: u64,
    /// Rounds that were voided.
    pub voided: u64,
    /// Rounds that were scored.
    pub scored: u64,
    /// Claims of scores that were struck.
    pub scores_struck: u64,
    /// Gwei of stakes that scores burnt.
    pub scores_burnt_gwei: u64,
    /// Stakes that count for nothing in a score, as they could be gone before it.
    pub unheld: u64,
    /// Claims that were struck.
    pub struck: u64,
    /// Disputes that a scalar step or a comparison decided.
    pub judged: u64,
    /// Disputes that a clock decided.
    pub timeouts: u64,
    /// Disputes that were started: the claim and the challenger.
    disputes: BTreeMap<u64, (u64, Address)>,
    /// Penalties, just ones.
    pub penalties: u64,
    /// Wei of honest challengers' bonds that were advanced to a liar whose bond was used up when
    /// its claim fell by another challenge.
    pub unreturned_wei: u128,
    /// Rows that were rejected.
    pub rejected: u64,
    /// Nodes that joined after the start, or again.
    pub joined: u64,
    /// Stakes that were paid out.
    pub withdrawn: u64,
    /// First block in which each registry index that leaves may take its stake.
    unbond: BTreeMap<u32, Block>,
}

impl Checkers {
    /// Returns checkers of a job that starts from these tensors.
    #[must_use]
    pub(crate) fn new(
        behaviours: Vec<Behaviour>,
        (ledger, members): (&Ledger, Members),
        (params, paid): (Arc<Tensor>, Arc<Tensor>),
        score_blocks: Block,
    ) -> Self {
        let economy = Economy::new(ledger, &members, &accounts(behaviours.len()));
        let mut checkers = Self {
            wealth_wei: Vec::new(),
            losses_wei: BTreeMap::new(),
            behaviours,
            members,
            economy,
            updates: BTreeMap::new(),
            commitments: BTreeMap::new(),
            tries: BTreeMap::new(),
            owed: Arc::clone(&paid),
            worth: Worth::new(&params),
            score_blocks,
            params,
            paid,
            seats: Vec::new(),
            healed: None,
            ended: 0,
            settled: 0,
            voided: 0,
            scored: 0,
            scores_struck: 0,
            scores_burnt_gwei: 0,
            unheld: 0,
            struck: 0,
            judged: 0,
            timeouts: 0,
            disputes: BTreeMap::new(),
            unreturned_wei: 0,
            penalties: 0,
            rejected: 0,
            joined: 0,
            withdrawn: 0,
            unbond: BTreeMap::new(),
        };
        let nodes = 0..checkers.behaviours.len();
        checkers.wealth_wei = nodes.map(|node| checkers.has_wei(node)).collect();
        checkers
    }

    /// Returns the registry indices that have a seat in the round that runs, or ran last.
    #[must_use]
    pub fn seats(&self) -> &[u32] {
        &self.seats
    }

    /// Returns how many rounds have ended, with a result or without.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.settled + self.voided
    }

    /// Notes that the faults are over while this round runs.
    pub fn healed(&mut self, round: u64) {
        self.healed = Some(round);
    }

    fn behaviour(&self, index: u32) -> Option<Behaviour> {
        self.members.node(index).and_then(|node| self.behaviours.get(node)).copied()
    }

    fn honest(&self, index: u32) -> bool {
        self.behaviour(index) == Some(Behaviour::Honest)
    }

    /// What a node has in all its accounts and at stake.
    fn has_wei(&self, node: usize) -> u128 {
        let indices: Vec<u32> =
            (0..self.members.count()).filter(|i| self.members.node(*i) == Some(node)).collect();
        let [key, payee] = [crate::world::key(node), crate::world::payee(node)];
        self.economy.wealth_wei([key, payee], &indices)
    }

    /// Notes bytes of a round that some node keeps.
    pub fn kept(&mut self, round: u64, bytes: &Arc<[u8]>) {
        self.updates.entry(bytes_root(bytes)).or_insert_with(|| (round, Arc::clone(bytes)));
    }

    /// Notes that a node looked at the chain in a phase of a round, and lived to act on it.
    pub fn looked(&mut self, node: u32, (round, phase): (u64, Phase), late: bool) {
        if phase == Phase::Reveal && late {
            self.tries.entry((round, node)).or_default().looks += 1;
        }
    }

    /// Notes a transaction that a node sends, and checks what it commits to.
    ///
    /// # Errors
    ///
    /// [`Violation::DoubleCommitment`].
    pub fn sent(&mut self, node: u32, tx: &Tx) -> Result<(), Violation> {
        match *tx {
            Tx::Commit { round, commitment: second } if self.honest(node) => {
                let first = *self.commitments.entry((round, node)).or_insert(second);
                if first != second {
                    return Err(Violation::DoubleCommitment { node, round, first, second });
                }
            }
            Tx::Reveal { round, .. } | Tx::RevealWithData { round, .. } => {
                self.tries.entry((round, node)).or_default().sent += 1;
            }
            _ => {}
        }
        Ok(())
    }

    /// Notes that a reveal reached the chain while its round takes reveals.
    pub fn arrived(&mut self, round: u64, node: u32) {
        self.tries.entry((round, node)).or_default().arrived += 1;
    }

    /// Checks a reveal that was accepted: its certificate, if it came with one, and whose it is.
    ///
    /// # Errors
    ///
    /// [`Violation::Certificate`] for one without more than two thirds of the stake, and
    /// [`Violation::Copied`] for a node that committed to what another committed to.
    pub fn revealed(
        &self,
        (round, node): (u64, u32),
        certificate: Option<&[Option<u32>]>,
        ledger: &Ledger,
    ) -> Result<(), Violation> {
        let state = ledger.round(0);
        let stake_wei = |index: u32| state.seat(index).map_or(0, |seat| seat.stake_wei);
        let total_wei: u128 = state.seats.iter().map(|seat| seat.stake_wei).sum();
        let signers = certificate.into_iter().flatten().flatten().copied();
        let holders: BTreeSet<u32> = signers.chain([node]).collect();
        let got_wei: u128 = holders.into_iter().map(stake_wei).sum();
        if certificate.is_some() && 3 * got_wei <= 2 * total_wei {
            return Err(Violation::Certificate { node, round, got_wei, total_wei });
        }
        let own = state.seat(node).map(|seat| seat.commitment);
        let same = |seat: &&round::Seat| Some(seat.commitment) == own && seat.index != node;
        match state.members().find(same).map(|seat| seat.index) {
            Some(other) => Err(Violation::Copied { node, round, other }),
            None => Ok(()),
        }
    }

    /// Checks that whoever made a move of a dispute is the side whose turn it was.
    ///
    /// # Errors
    ///
    /// [`Violation::Stranger`].
    pub fn moved(
        &self,
        by: Address,
        (dispute, record): (u64, &Dispute),
        ledger: &Ledger,
    ) -> Result<(), Violation> {
        let side = match record.mover() {
            Side::Asserter => ledger.claim(record.claim).map(|claim| claim.asserter),
            Side::Challenger => Some(record.challenger),
        };
        if side == Some(by) { Ok(()) } else { Err(Violation::Stranger { dispute, by }) }
    }

    /// Checks what a transaction did.
    ///
    /// # Errors
    ///
    /// The first [`Violation`].
    pub fn applied(
        &mut self,
        now: Block,
        events: &[Event],
        (ledger, computer): (&Ledger, &mut Computer),
    ) -> Result<(), Violation> {
        for event in events {
            self.members.see(event);
            match event {
                Event::Seated { nodes, .. } => {
                    self.seats = nodes.iter().map(|(index, _)| *index).collect();
                }
                Event::Settled { round, cumulative_root, model_root, members, .. } => {
                    self.end(*round)?;
                    let roots = (*model_root, *cumulative_root);
                    self.settle(*round, roots, members, (ledger, computer))?;
                }
                Event::Penalised { index, burnt_wei } => self.penalise(*index, *burnt_wei)?,
                Event::WindowOpened { round, last_block } => {
                    self.window(*round, (now, last_block.saturating_sub(now)));
                }
                Event::ScorePosted { round, claim, node, .. } => {
                    let terms = ledger.config().scores.as_ref().expect("scores have terms");
                    self.claimed(now, (*round, *claim, *node), terms)?;
                }
                Event::Scored { round, claim, cumulative_root, burnt_gwei } => {
                    let said = (*cumulative_root, burnt_gwei.as_slice());
                    self.score((*round, *claim), said, (ledger, computer))?;
                }
                Event::Voided { round, .. } => {
                    self.end(*round)?;
                    self.voided += 1;
                }
                Event::Court(court::Event::Finalised { id }) => {
                    let deadline = ledger.claim(*id).map_or(Block::MAX, |claim| claim.deadline);
                    if now <= deadline {
                        return Err(Violation::Window { claim: *id, deadline });
                    }
                }
                Event::Court(event) => self.court(now, event, ledger)?,
                Event::Paid { node, .. } => self.pay(*node, ledger)?,
                Event::Joined { .. } => self.joined += 1,
                Event::Leaving { index, .. } => {
                    self.unbond.insert(*index, now + ledger.config().unbond_blocks);
                }
                Event::Withdrawn { index, .. } => {
                    self.withdrawn += 1;
                    let unbond_block = self.unbond.get(index).copied().unwrap_or(Block::MAX);
                    if now < unbond_block {
                        return Err(Violation::Early { index: *index, unbond_block });
                    }
                }
                _ => {}
            }
        }
        self.all_burnt()?;
        let (expected_wei, got_wei) = (held_for(ledger), ledger.bonds_wei());
        if expected_wei != got_wei {
            return Err(Violation::Bonds { expected_wei, got_wei });
        }
        self.economy.applied(events, ledger)
    }

    /// Checks that rounds end once, one after the other, and forgets what only they needed.
    fn end(&mut self, round: u64) -> Result<(), Violation> {
        /// Late packets speak of rounds some time ago.
        const KEPT: u64 = 4;
        if round != self.ended + 1 {
            return Err(Violation::Twice { round, last: self.ended });
        }
        self.ended = round;
        self.tries.retain(|(of, _), _| of + KEPT > round);
        self.commitments.retain(|(of, _), _| of + KEPT > round);
        self.updates.retain(|_, (of, _)| *of + KEPT > round);
        Ok(())
    }

    /// Checks that no honest side loses a dispute.
    fn court(
        &mut self,
        now: Block,
        event: &court::Event,
        ledger: &Ledger,
    ) -> Result<(), Violation> {
        match *event {
            court::Event::Challenged { id, dispute, challenger, .. } => {
                self.disputes.insert(dispute, (id, challenger));
            }
            court::Event::Closed { dispute, returned_wei } => {
                return self.close(dispute, returned_wei, ledger);
            }
            court::Event::Decided { id, dispute, asserter_lost, by_clock, .. } => {
                self.struck += u64::from(asserter_lost);
                if asserter_lost {
                    self.fell(now, id);
                }
                let of_score = |claim: &court::Claim| {
                    let scores = ledger.config().scores.as_ref();
                    scores.is_some_and(|terms| terms.contract == claim.consumer)
                };
                let of_score = ledger.claim(id).is_some_and(of_score);
                self.scores_struck += u64::from(asserter_lost && of_score);
                self.judged += u64::from(!by_clock);
                self.timeouts += u64::from(by_clock);
                let asserter = ledger.claim(id).map(|claim| claim.asserter);
                let challenger = self.disputes.get(&dispute).map(|(_, challenger)| *challenger);
                let loser = if asserter_lost { asserter } else { challenger };
                let node = loser.and_then(crate::world::node);
                if let Some(node) = node.filter(|at| self.behaviours[*at] == Behaviour::Honest) {
                    return Err(Violation::Dispute { node, dispute, by_clock });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Checks what a challenger gets back whose claim fell by another dispute: all, or all but the
    /// gas that was advanced out of its bond, where the struck bond has no more to make it good.
    fn close(
        &mut self,
        dispute: u64,
        returned_wei: u128,
        ledger: &Ledger,
    ) -> Result<(), Violation> {
        let Some((id, challenger)) = self.disputes.get(&dispute).copied() else { return Ok(()) };
        let bond_wei = ledger.court().terms().bond_wei;
        let lost_wei = bond_wei.saturating_sub(returned_wei);
        let left = ledger.claim(id).map_or(0, |claim| claim.reserve_wei);
        let Some(node) = crate::world::node(challenger) else { return Ok(()) };
        if lost_wei > bond_wei / 4 || lost_wei > 0 && left > 0 {
            return Err(Violation::Loss { node, lost_wei });
        }
        *self.losses_wei.entry(node).or_default() += lost_wei;
        if self.behaviours[node] == Behaviour::Honest {
            self.unreturned_wei += lost_wei;
        }
        Ok(())
    }

    /// Checks that nothing that is owed is left unpaid.
    ///
    /// # Errors
    ///
    /// [`Violation::Pay`] for an honest node that lacks something.
    pub fn all_paid(&self, ledger: &Ledger) -> Result<(), Violation> {
        (0..self.members.count()).filter(|index| self.honest(*index)).try_for_each(|node| {
            let (owed_wei, got_wei) = (self.owed_wei(node), ledger.paid_wei(node));
            if owed_wei == got_wei {
                Ok(())
            } else {
                Err(Violation::Pay { node, got_wei, owed_wei })
            }
        })
    }

    /// Checks that no honest node is poorer than it began, but for what the rules took.
    ///
    /// # Errors
    ///
    /// [`Violation::Loss`].
    pub fn none_poorer(&self) -> Result<(), Violation> {
        for node in (0..self.behaviours.len()).filter(|n| self.behaviours[*n] == Behaviour::Honest)
        {
            let losses = self.losses_wei.get(&node).copied().unwrap_or(0);
            let lost_wei = self.wealth_wei[node].saturating_sub(self.has_wei(node) + losses);
            if lost_wei > 0 {
                return Err(Violation::Loss { node, lost_wei });
            }
        }
        Ok(())
    }

    fn owed_wei(&self, node: u32) -> u128 {
        let gwei = self.owed.as_f64().expect("cumulative pay is f64")[node as usize];
        u128::from(whole(gwei)) * WEI_PER_GWEI
    }

    fn pay(&self, node: u32, ledger: &Ledger) -> Result<(), Violation> {
        let (owed_wei, got_wei) = (self.owed_wei(node), ledger.paid_wei(node));
        if got_wei > owed_wei { Err(Violation::Pay { node, got_wei, owed_wei }) } else { Ok(()) }
    }

    /// Checks what was burnt of a stake: what the score at hand says, or a penalty, which an honest
    /// node pays only for a reveal that the faults kept away.
    fn penalise(&mut self, node: u32, burnt_wei: u128) -> Result<(), Violation> {
        if let Some(gwei) = self.burn(node) {
            return self.lose(node, (gwei, burnt_wei));
        }
        self.penalties += 1;
        let round = self.ended;
        let tries = self.tries.get(&(round, node)).copied().unwrap_or_default();
        let idle = tries.looks > 0 && tries.sent == 0;
        let calm = self.healed.is_some_and(|healed| round > healed);
        if self.honest(node) && (idle || calm || tries.arrived > 0) {
            return Err(Violation::Penalty { node, round });
        }
        if let Some(node) = self.members.node(node) {
            *self.losses_wei.entry(node).or_default() += burnt_wei;
        }
        Ok(())
    }

    /// Runs the Program on what was revealed and compares everything that was settled.
    fn settle(
        &mut self,
        round: u64,
        (model_root, cumulative_root): (Hash, Hash),
        members: &[(u32, bool)],
        (ledger, computer): (&Ledger, &mut Computer),
    ) -> Result<(), Violation> {
        self.settled += 1;
        let state = ledger.round(0);
        let (params, paid, updates) = (&self.params, &self.paid, &self.updates);
        let shape = Shape::new(&[params.shape().count()]).expect("the shape of the params");
        let row = |seat: &round::Seat| {
            let (_, bytes) = updates.get(&seat.update_root).expect("somebody kept it");
            let update = Tensor::from_bytes(Dtype::I32, &shape, bytes).expect("checked length");
            Row { member: seat.index, update }
        };
        let matter = Matter {
            model_root: params.root(),
            cumulative_root: paid.root(),
            rows: state.rows().map(|seat| (seat.index, seat.update_root)).collect(),
        };
        let case = computer.run(matter, || {
            (Tensor::clone(params), Tensor::clone(paid), state.rows().map(row).collect())
        });
        let expected = opening::list_root(&case.roots);
        let claim = ledger.claim(state.claim).expect("the round settled on a claim");
        let moved = (case.roots[0], case.roots[3]);
        if claim.outputs_root != expected || moved != (model_root, cumulative_root) {
            return Err(Violation::Result { round, expected, got: claim.outputs_root });
        }
        let pay = (ledger.config().budget_gwei, self.seats.as_slice());
        owe(round, (&self.paid, &case.outputs[3]), pay)?;
        self.judge(&state, members)?;
        self.params = Arc::clone(&case.outputs[0]);
        self.paid = Arc::clone(&case.outputs[3]);
        match ledger.config().scores {
            Some(_) => self.wait(&state, &case),
            None => self.owed = Arc::clone(&self.paid),
        }
        Ok(())
    }

    /// Checks that poisoned rows are told from honest ones, where they are fewer than a third.
    fn judge(&mut self, state: &round::Round, members: &[(u32, bool)]) -> Result<(), Violation> {
        let round = state.number;
        let is_poisoned = |node: u32| self.behaviour(node) == Some(Behaviour::Poison);
        let poisoned = state.rows().filter(|seat| is_poisoned(seat.index)).count();
        let few = 3 * poisoned < state.rows().count();
        let wrong = members.iter().find(|(node, accepted)| *accepted == is_poisoned(*node));
        if let Some((node, accepted)) = wrong.copied().filter(|_| few) {
            return Err(Violation::Judgement { node, round, accepted });
        }
        self.rejected += members.iter().filter(|(_, accepted)| !accepted).count() as u64;
        Ok(())
    }
}

/// Checks what a round adds to the pay: nothing is taken away, no more comes than there is, and
/// nobody earns but those who had a part.
fn owe(
    round: u64,
    (before, after): (&Tensor, &Tensor),
    (budget_gwei, who): (u64, &[u32]),
) -> Result<(), Violation> {
    let amounts = |paid: &Tensor| -> Vec<u64> {
        paid.as_f64().expect("f64").iter().map(|gwei| whole(*gwei)).collect()
    };
    let (before, after) = (amounts(before), amounts(after));
    for (index, (before, after)) in (0..).zip(before.iter().zip(&after)) {
        if after < before {
            let (before, after) = (*before, *after);
            return Err(Violation::Owed { index, round, before, after });
        }
    }
    let got_gwei = after.iter().sum::<u64>() - before.iter().sum::<u64>();
    let earned = |(index, paid): (u32, (&u64, &u64))| paid.1 > paid.0 && !who.contains(&index);
    let stranger = (0..).zip(before.iter().zip(&after)).any(earned);
    if got_gwei > budget_gwei || stranger {
        return Err(Violation::Budget { round, got_gwei, budget_gwei });
    }
    Ok(())
}

/// What a court ought to hold: the bonds of claims that stand and of disputes that have not ended,
/// less what was advanced out of them, and what is kept of convicted bonds.
fn held_for(ledger: &Ledger) -> u128 {
    let court = ledger.court();
    let bond_wei = court.terms().bond_wei;
    let claims = (1..=court.count()).filter_map(|id| court.claim(id).ok());
    let claims = claims.map(|claim| match claim.state {
        State::Open | State::Disputed => claim.bond_wei - claim.drawn_wei,
        State::Struck => claim.reserve_wei,
        State::Final | State::Void => 0,
    });
    let disputes = court.disputes().map(|(_, record)| bond_wei - record.asserter_gas);
    claims.sum::<u128>() + disputes.sum::<u128>()
}

/// A whole number of gwei.
fn whole(gwei: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pay is whole")]
    let whole = gwei as u64;
    whole
}

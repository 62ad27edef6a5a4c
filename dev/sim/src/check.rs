//! The properties that every run must keep, each checked at every step.
//!
//! A checker watches from outside and knows everything: all bytes that any node ever kept, what
//! every transaction said, what the Program gives. It decides nothing about the run.
//!
//! Absent: tolerance. A property holds in every step of every seed, or the seed is printed.

use std::collections::BTreeMap;

use court::{Address, State, opening};
use round::aggregate::{Row, bytes_root};
use round::chain::WEI_PER_GWEI;
use round::ledger::Event;
use round::machine::Tx;
use round::{Ledger, Phase};
use tensor::{Dtype, Hash, Shape, Tensor};

use crate::options::Behaviour;
use crate::work::Programs;

/// Which property a run broke, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Tokens appeared or vanished.
    #[error("{expected} wei were minted, {got} are there")]
    Supply {
        /// Minted.
        expected: u128,
        /// Found.
        got: u128,
    },
    /// An honest node sent two commitments for one round.
    #[error("node {node} committed to {first} and to {second} in round {round}")]
    DoubleCommitment {
        /// Who.
        node: u32,
        /// When.
        round: u64,
        /// What first.
        first: Hash,
        /// What then.
        second: Hash,
    },
    /// A settled result is not what the Program gives.
    #[error("round {round} settled on {got}, the Program gives {expected}")]
    Result {
        /// The round.
        round: u64,
        /// List root of the true outputs.
        expected: Hash,
        /// What was settled, or zero when another root of it differs.
        got: Hash,
    },
    /// The pay of a round exceeds its budget.
    #[error("round {round} paid {got_gwei} gwei of {budget_gwei}")]
    Budget {
        /// The round.
        round: u64,
        /// Sum of the shares.
        got_gwei: u64,
        /// What there was.
        budget_gwei: u64,
    },
    /// A node was paid something else than it is owed.
    #[error("node {node} was paid {got_wei} wei in all, is owed {owed_wei}")]
    Pay {
        /// Who.
        node: u32,
        /// Paid.
        got_wei: u128,
        /// Owed by all settled rounds.
        owed_wei: u128,
    },
    /// An honest node was penalised though its reveal was in time.
    #[error("node {node} was penalised in round {round}")]
    Penalty {
        /// Who.
        node: u32,
        /// When.
        round: u64,
    },
    /// An honest node lost a dispute.
    #[error("node {node} lost dispute {dispute}, by its clock: {by_clock}")]
    Dispute {
        /// Who.
        node: u32,
        /// Which.
        dispute: u64,
        /// How.
        by_clock: bool,
    },
    /// A claim is held by other wei than the bonds of those who are in it.
    #[error("the court holds {got_wei} wei, its bonds come to {expected_wei}")]
    Bonds {
        /// By the claims and disputes.
        expected_wei: u128,
        /// By the court's own count.
        got_wei: u128,
    },
    /// An honest row was rejected, or a poisoned one accepted.
    #[error("row of node {node} in round {round}: accepted is {accepted}")]
    Judgement {
        /// Whose.
        node: u32,
        /// When.
        round: u64,
        /// What was said of it.
        accepted: bool,
    },
}

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
    minted_wei: u128,
    updates: BTreeMap<Hash, Vec<u8>>,
    commitments: BTreeMap<(u64, u32), Hash>,
    tries: BTreeMap<(u64, u32), Tries>,
    params: Tensor,
    paid: Tensor,
    /// Rounds that settled.
    pub settled: u64,
    /// Rounds that were voided.
    pub voided: u64,
    /// Claims that were struck.
    pub struck: u64,
    /// Disputes that a scalar step or a comparison decided.
    pub judged: u64,
    /// Disputes that a clock decided.
    pub timeouts: u64,
    /// Challengers of the disputes that were started.
    challengers: BTreeMap<u64, Address>,
    /// Penalties, just ones.
    pub penalties: u64,
    /// Rows that were rejected.
    pub rejected: u64,
}

impl Checkers {
    /// Returns checkers of a job that starts from these tensors.
    #[must_use]
    pub fn new(
        behaviours: Vec<Behaviour>,
        ledger: &Ledger,
        (params, paid): (Tensor, Tensor),
    ) -> Self {
        Self {
            behaviours,
            minted_wei: ledger.total_wei(),
            updates: BTreeMap::new(),
            commitments: BTreeMap::new(),
            tries: BTreeMap::new(),
            params,
            paid,
            settled: 0,
            voided: 0,
            struck: 0,
            judged: 0,
            timeouts: 0,
            challengers: BTreeMap::new(),
            penalties: 0,
            rejected: 0,
        }
    }

    fn honest(&self, node: u32) -> bool {
        self.behaviours.get(node as usize) == Some(&Behaviour::Honest)
    }

    /// Notes bytes that some node keeps.
    pub fn kept(&mut self, bytes: &[u8]) {
        self.updates.entry(bytes_root(bytes)).or_insert_with(|| bytes.to_vec());
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

    /// Checks what a transaction did.
    ///
    /// # Errors
    ///
    /// The first [`Violation`].
    pub fn applied(
        &mut self,
        events: &[Event],
        ledger: &Ledger,
        programs: &Programs,
    ) -> Result<(), Violation> {
        let mut ended = 0;
        for event in events {
            match event {
                Event::Settled { round, cumulative_root, model_root, members, .. } => {
                    ended = *round;
                    let roots = (*model_root, *cumulative_root);
                    self.settle(*round, roots, members, (ledger, programs))?;
                }
                Event::Penalised { index, .. } => self.penalise(ended, *index)?,
                Event::Voided { round, .. } => {
                    ended = *round;
                    self.voided += 1;
                }
                Event::Court(event) => self.court(event, ledger)?,
                Event::Paid { node, .. } => self.pay(*node, ledger)?,
                _ => {}
            }
        }
        let (expected_wei, got_wei) = (held_for(ledger), ledger.bonds_wei());
        if expected_wei != got_wei {
            return Err(Violation::Bonds { expected_wei, got_wei });
        }
        let (expected, got) = (self.minted_wei, ledger.total_wei());
        if expected == got { Ok(()) } else { Err(Violation::Supply { expected, got }) }
    }

    /// Checks that no honest side loses a dispute.
    fn court(&mut self, event: &court::Event, ledger: &Ledger) -> Result<(), Violation> {
        match *event {
            court::Event::Challenged { dispute, challenger, .. } => {
                self.challengers.insert(dispute, challenger);
            }
            court::Event::Decided { id, dispute, asserter_lost, by_clock, .. } => {
                self.struck += u64::from(asserter_lost);
                self.judged += u64::from(!by_clock);
                self.timeouts += u64::from(by_clock);
                let asserter = ledger.claim(id).map(|claim| claim.asserter);
                let challenger = self.challengers.get(&dispute).copied();
                let loser = if asserter_lost { asserter } else { challenger };
                let mut nodes = 0..u32::try_from(self.behaviours.len()).expect("few");
                let is = |node: &u32| loser == Some(crate::world::key(*node as usize));
                if let Some(node) = nodes.find(is).filter(|node| self.honest(*node)) {
                    return Err(Violation::Dispute { node, dispute, by_clock });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Checks that nothing that is owed is left unpaid.
    ///
    /// # Errors
    ///
    /// [`Violation::Pay`] for an honest node that lacks something.
    pub fn all_paid(&self, ledger: &Ledger) -> Result<(), Violation> {
        let nodes = 0..u32::try_from(self.behaviours.len()).expect("few");
        nodes.filter(|node| self.honest(*node)).try_for_each(|node| {
            let (owed_wei, got_wei) = (self.owed_wei(node), ledger.paid_wei(node));
            if owed_wei == got_wei {
                Ok(())
            } else {
                Err(Violation::Pay { node, got_wei, owed_wei })
            }
        })
    }

    fn owed_wei(&self, node: u32) -> u128 {
        let gwei = self.paid.as_f64().expect("cumulative pay is f64")[node as usize];
        u128::from(whole(gwei)) * WEI_PER_GWEI
    }

    fn pay(&self, node: u32, ledger: &Ledger) -> Result<(), Violation> {
        let (owed_wei, got_wei) = (self.owed_wei(node), ledger.paid_wei(node));
        if got_wei > owed_wei { Err(Violation::Pay { node, got_wei, owed_wei }) } else { Ok(()) }
    }

    fn penalise(&mut self, round: u64, node: u32) -> Result<(), Violation> {
        self.penalties += 1;
        let tries = self.tries.get(&(round, node)).copied().unwrap_or_default();
        let idle = tries.looks > 0 && tries.sent == 0;
        if self.honest(node) && (idle || tries.arrived > 0) {
            return Err(Violation::Penalty { node, round });
        }
        Ok(())
    }

    /// Runs the Program on what was revealed and compares everything that was settled.
    fn settle(
        &mut self,
        round: u64,
        (model_root, cumulative_root): (Hash, Hash),
        members: &[(u32, bool)],
        (ledger, programs): (&Ledger, &Programs),
    ) -> Result<(), Violation> {
        self.settled += 1;
        let state = ledger.round(0);
        let d = self.params.shape().count();
        let shape = Shape::new(&[d]).expect("the shape of the params");
        let row = |seat: &round::Seat| {
            let bytes = self.updates.get(&seat.update_root).expect("somebody kept it");
            let update = Tensor::from_bytes(Dtype::I32, &shape, bytes).expect("checked length");
            Row { member: seat.index, update }
        };
        let rows: Vec<Row> = state.rows().map(row).collect();
        let budget_gwei = ledger.config().budget_gwei;
        let before = (self.params.clone(), self.paid.clone());
        let outputs = programs.run(before.0, before.1, budget_gwei, &rows);
        let expected = opening::list_root(&opening::roots(&outputs));
        let claim = ledger.claim(state.claim).expect("the round settled on a claim");
        let moved = (outputs[0].root(), outputs[3].root());
        if claim.outputs_root != expected || moved != (model_root, cumulative_root) {
            return Err(Violation::Result { round, expected, got: claim.outputs_root });
        }
        let sum = |paid: &Tensor| -> u64 {
            paid.as_f64().expect("f64").iter().map(|gwei| whole(*gwei)).sum()
        };
        let got_gwei = sum(&outputs[3]) - sum(&self.paid);
        if got_gwei > budget_gwei {
            return Err(Violation::Budget { round, got_gwei, budget_gwei });
        }
        for (node, accepted) in members.iter().copied() {
            let poisoned = self.behaviours.get(node as usize) == Some(&Behaviour::Poison);
            self.rejected += u64::from(!accepted);
            if accepted == poisoned {
                return Err(Violation::Judgement { node, round, accepted });
            }
        }
        let mut outputs = outputs.into_iter();
        self.params = outputs.next().expect("four outputs");
        self.paid = outputs.nth(2).expect("four outputs");
        Ok(())
    }
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

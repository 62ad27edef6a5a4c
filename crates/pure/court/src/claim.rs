//! Optimistic claims about the result of a Program, and the disputes that decide them, as a state
//! machine over block numbers: the exact mirror of the contract `ICourt` (docs/court.md).
//!
//! The consumer that relies on a claim fixes its program and inputs; only the outputs root is the
//! asserter's word. Unchallenged until its deadline a claim can be made final. Every challenge is a
//! dispute of its own, in which the two sides move in turns until one scalar step is executed, or a
//! clock runs out. Every call checks in one order: the claim or record is known, its state, the
//! turn, the caller, the clock, the hashes; then it has its effects.
//!
//! Invariant: the wei taken as bonds equal what is held, returned, advanced and burnt together, and
//! a refused call changes nothing.
//!
//! Deliberately absent: balances (the ledger around the court moves what the events say, and must
//! refuse a call whose bond the payer does not have), who may be a consumer, and the hash under
//! which a contract stores a record.

use std::collections::{BTreeMap, BTreeSet};

use tensor::{Hash, tree};

use crate::header::Header;
use crate::record::{Dispute, Stage, Turn};
use crate::{Address, judge};

mod call;
mod event;
mod money;
mod moves;
mod named;
mod refusal;
#[cfg(test)]
mod tests;

pub use call::{Call, Input, Move};
pub use event::Event;
pub use money::{Gas, bond_floor_wei};
pub use refusal::Refusal;

/// The most parents of a claim, and the most claims below it that are not final.
pub const PARENTS_MAX: usize = 8;

/// Where a claim stands; the numbers are those of `ICourt.State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It can be challenged, or, after its deadline, made final.
    Open = 1,
    /// It has disputes that are not decided.
    Disputed = 2,
    /// It can be relied on.
    Final = 3,
    /// It was convicted.
    Struck = 4,
    /// It fell with a claim it was built on; nobody is at fault.
    Void = 5,
}

impl State {
    /// Returns whether the claim can never become final.
    #[must_use]
    pub const fn has_fallen(self) -> bool {
        matches!(self, State::Struck | State::Void)
    }
}

/// Who convicted a claim, and the result it stated instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Convictor {
    /// Who stated it.
    pub challenger: Address,
    /// The outputs root the challenger computed.
    pub outputs_root: Hash,
}

/// The record of one claim, as `ICourt.claim`, `parentsOf` and `convictorOf` give it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Hash of the Program.
    pub program: Hash,
    /// List root of its inputs, derived by the consumer.
    pub inputs_root: Hash,
    /// List root of its outputs, the asserter's word.
    pub outputs_root: Hash,
    /// Whose bond stands behind it.
    pub asserter: Address,
    /// The contract that opened the claim and relies on it.
    pub consumer: Address,
    /// Wei of the token.
    pub bond_wei: u128,
    /// Last block in which it can be challenged.
    pub deadline: u64,
    /// How often the Program was run.
    pub iterations: u32,
    /// Claims below this one that were not final when it was posted.
    pub depth: u8,
    /// Disputes that are not decided.
    pub disputes: u32,
    /// Where it stands.
    pub state: State,
    /// The claims whose outputs are among the inputs.
    pub parents: Vec<u64>,
    /// Who convicted it.
    pub convictor: Option<Convictor>,
    /// The block in which it was struck or voided, 0 while it stands.
    pub fell_block: u64,
    /// Wei advanced out of the asserter's bond in disputes that are not lost by the challenger.
    pub drawn_wei: u128,
    /// Wei advanced to the asserter in disputes that are not decided.
    pub owed_wei: u128,
    /// Wei of the convicted bond that are kept for the challengers of the other disputes.
    pub reserve_wei: u128,
}

/// What every claim of one court is subject to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Bond of an asserter, and of a challenger, in wei of the token.
    pub bond_wei: u128,
    /// Blocks after the one that posts a claim in which it can be challenged.
    pub window_blocks: u64,
    /// Blocks each side of a dispute has for all its moves together.
    pub clock_blocks: u64,
    /// The most that is advanced for a unit of gas, in wei of the token.
    pub gas_price_wei_max: u128,
}

/// All claims of one court, and the disputes about them.
///
/// ```
/// use court::{Address, Call, Court, Event, Input, State, Terms};
/// use tensor::Hash;
///
/// let (consumer, node) = (Address([1; 20]), Address([2; 20]));
/// let terms = Terms { bond_wei: 10, window_blocks: 5, clock_blocks: 20, gas_price_wei_max: 0 };
/// let root = |byte| Hash([byte; 32]);
/// let mut court = Court::new(terms);
/// court.admit(root(1));
/// let post = Input::Post {
///     program: root(1), inputs_root: root(2), outputs_root: root(3), asserter: node,
///     iterations: 1, parents: vec![],
/// };
/// let call = |block, caller| Call { block, caller, gas_price_wei: 0 };
/// court.handle(call(100, consumer), post)?;
/// assert_eq!(court.held_wei(), 10);
/// court.handle(call(106, node), Input::Finalise { id: 1 })?;
/// assert_eq!(court.claim(1)?.state, State::Final);
/// assert_eq!(court.held_wei(), 0);
/// # Ok::<(), court::Refusal>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Court {
    terms: Terms,
    programs: BTreeSet<Hash>,
    claims: Vec<Claim>,
    disputes: BTreeMap<u64, Dispute>,
    dispute_count: u64,
    held_wei: u128,
}

type Outcome = Result<Vec<Event>, Refusal>;

impl Court {
    /// Returns a court without claims.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            programs: BTreeSet::new(),
            claims: Vec::new(),
            disputes: BTreeMap::new(),
            dispute_count: 0,
            held_wei: 0,
        }
    }

    /// Lets a Program be claimed about: it was registered and its window has passed.
    pub fn admit(&mut self, program: Hash) {
        self.programs.insert(program);
    }

    /// Returns the terms every claim here is subject to.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Returns a claim by its number; numbers start at 1 and are given in order.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownClaim`] if no claim has it.
    pub fn claim(&self, id: u64) -> Result<&Claim, Refusal> {
        let place = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        place.and_then(|at| self.claims.get(at)).ok_or(Refusal::UnknownClaim { id })
    }

    /// Returns how many claims were ever posted, which is also the number of the last one.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.claims.len() as u64
    }

    /// Returns the record of a dispute, if it is neither unknown nor ended.
    #[must_use]
    pub fn dispute(&self, dispute: u64) -> Option<&Dispute> {
        self.disputes.get(&dispute)
    }

    /// Returns the disputes that have not ended, with their numbers, ascending.
    pub fn disputes(&self) -> impl Iterator<Item = (u64, &Dispute)> {
        self.disputes.iter().map(|(id, record)| (*id, record))
    }

    /// Returns how many disputes were started, which is also the number of the last one.
    #[must_use]
    pub fn dispute_count(&self) -> u64 {
        self.dispute_count
    }

    /// Returns the wei of all bonds this court holds.
    #[must_use]
    pub fn held_wei(&self) -> u128 {
        self.held_wei
    }

    /// Applies one call and returns what it did, or why it does nothing.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] where the contract would revert; the court is then unchanged.
    pub fn handle(&mut self, call: Call, input: Input) -> Result<Vec<Event>, Refusal> {
        let events = match input {
            Input::Post { .. } => self.post(call, input),
            Input::Challenge { id, outputs_root, header } => {
                self.challenge(call, (id, outputs_root), &header)
            }
            Input::Move { dispute, record, made } => self.play(call, (dispute, &record), made),
            Input::Timeout { dispute, record } => self.timeout(call, (dispute, &record)),
            Input::Close { dispute, record } => self.close((dispute, &record)),
            Input::Finalise { id } => self.finalise(call, id),
            Input::Void { id, parent } => self.void(call, (id, parent)),
        }?;
        for event in &events {
            match event {
                Event::BondTaken { amount_wei, .. } => self.held_wei += amount_wei,
                Event::Returned { amount_wei, .. }
                | Event::Advanced { amount_wei, .. }
                | Event::Burnt { amount_wei } => self.held_wei -= amount_wei,
                _ => {}
            }
        }
        Ok(events)
    }

    fn post(&mut self, call: Call, input: Input) -> Outcome {
        let Input::Post { program, inputs_root, outputs_root, asserter, iterations, parents } =
            input
        else {
            unreachable!("handle gives post its own input")
        };
        if !self.programs.contains(&program) {
            return Err(Refusal::NotRegistered { program });
        }
        if iterations == 0 {
            return Err(Refusal::BadIterations { iterations });
        }
        let depth = self.depth_over(&parents)?;
        let bond_wei = self.terms.bond_wei;
        self.claims.push(Claim {
            program,
            inputs_root,
            outputs_root,
            asserter,
            consumer: call.caller,
            bond_wei,
            deadline: call.block.saturating_add(self.terms.window_blocks),
            iterations,
            depth,
            disputes: 0,
            state: State::Open,
            parents,
            convictor: None,
            fell_block: 0,
            drawn_wei: 0,
            owed_wei: 0,
            reserve_wei: 0,
        });
        let taken = Event::BondTaken { from: asserter, amount_wei: bond_wei };
        Ok(vec![taken, Event::Claimed { id: self.count() }])
    }

    /// Returns how many claims that are not final lie below one with these parents.
    fn depth_over(&self, parents: &[u64]) -> Result<u8, Refusal> {
        if parents.len() > PARENTS_MAX {
            return Err(Refusal::BadParent { parent: parents.len() as u64 });
        }
        let mut depth = 0;
        for &parent in parents {
            let claim = self.claim(parent).map_err(|_| Refusal::BadParent { parent })?;
            if claim.state.has_fallen() || usize::from(claim.depth) >= PARENTS_MAX {
                return Err(Refusal::BadParent { parent });
            }
            if claim.state != State::Final {
                depth = depth.max(claim.depth + 1);
            }
        }
        Ok(depth)
    }

    fn claim_mut(&mut self, id: u64) -> &mut Claim {
        let at = usize::try_from(id - 1).expect("the claim was read by this number");
        &mut self.claims[at]
    }

    fn challenge(&mut self, call: Call, (id, outputs_root): (u64, Hash), header: &[u8]) -> Outcome {
        let claim = self.claim(id)?;
        if !matches!(claim.state, State::Open | State::Disputed) {
            return Err(Refusal::NotOpen { id, state: claim.state });
        }
        if call.block > claim.deadline {
            return Err(Refusal::WindowClosed { id, deadline: claim.deadline });
        }
        if outputs_root == claim.outputs_root {
            return Err(Refusal::SameOutputs { id });
        }
        if call.caller == claim.asserter {
            return Err(Refusal::OwnClaim { id });
        }
        judge::agree(claim.program, Some(Header::program(header)))?;
        let header = Header::read(header).ok_or(judge::CheckError::IllFormed)?;
        let mut record = self.first_record(call, (id, outputs_root), &header)?;
        start(&mut record, claim);
        let bond_wei = claim.bond_wei;
        self.dispute_count += 1;
        let dispute = self.dispute_count;
        let challenger = call.caller;
        let claim = self.claim_mut(id);
        claim.disputes += 1;
        claim.state = State::Disputed;
        self.disputes.insert(dispute, record.clone());
        Ok(vec![
            Event::BondTaken { from: challenger, amount_wei: bond_wei },
            Event::Challenged { id, dispute, challenger, outputs_root },
            Event::Moved { dispute, mover: challenger, record: Box::new(record) },
        ])
    }

    /// Returns a record with all that a challenge fixes, at no stage yet.
    fn first_record(
        &self,
        call: Call,
        (id, outputs_root): (u64, Hash),
        header: &Header<'_>,
    ) -> Result<Dispute, Refusal> {
        let claim = self.claim(id)?;
        Ok(Dispute {
            claim: id,
            challenger: call.caller,
            challenger_root: outputs_root,
            stage: Stage::Outputs,
            turn: Turn::Children,
            moves: 1,
            since: call.block,
            asserter_blocks: self.terms.clock_blocks,
            challenger_blocks: self.terms.clock_blocks,
            asserter_gas: 0,
            challenger_gas: 0,
            op_count: header.op_count,
            output_count: header.output_count(),
            input_count: header.input_count,
            ops_root: header.ops_root,
            node: claim.outputs_root,
            index: 0,
            height: 0,
            leaves: 1,
            iteration: 0,
            before: claim.inputs_root,
            trace: Hash::ZERO,
            op: 0,
            brief: Hash::ZERO,
            chain: Hash::ZERO,
            element: 0,
            value: 0,
        })
    }

    fn finalise(&mut self, call: Call, id: u64) -> Outcome {
        let claim = self.claim(id)?;
        if claim.state != State::Open {
            return Err(Refusal::NotOpen { id, state: claim.state });
        }
        if call.block <= claim.deadline {
            return Err(Refusal::WindowOpen { id, deadline: claim.deadline });
        }
        for &parent in &claim.parents {
            if self.claim(parent)?.state != State::Final {
                return Err(Refusal::ParentOpen { parent });
            }
        }
        let claim = self.claim_mut(id);
        claim.state = State::Final;
        let returned = Event::Returned { to: claim.asserter, amount_wei: claim.bond_wei };
        Ok(vec![returned, Event::Finalised { id }])
    }

    fn void(&mut self, call: Call, (id, parent): (u64, u64)) -> Outcome {
        let claim = self.claim(id)?;
        if !matches!(claim.state, State::Open | State::Disputed) {
            return Err(Refusal::NotOpen { id, state: claim.state });
        }
        let fell = claim.parents.contains(&parent) && self.claim(parent)?.state.has_fallen();
        if !fell {
            return Err(Refusal::ParentStands { parent });
        }
        let claim = self.claim_mut(id);
        claim.state = State::Void;
        claim.fell_block = call.block;
        let amount_wei = claim.bond_wei - claim.drawn_wei;
        Ok(vec![Event::Returned { to: claim.asserter, amount_wei }, Event::Voided { id, parent }])
    }
}

/// Puts a new record at its first stage.
fn start(record: &mut Dispute, claim: &Claim) {
    if claim.iterations > 1 {
        enter(record, Stage::Iterations, claim.outputs_root, u64::from(claim.iterations));
        record.turn = Turn::Root;
    } else {
        enter(record, Stage::Outputs, claim.outputs_root, u64::from(record.output_count));
    }
}

/// Puts a record at the root of a stage's tree. Nothing is walked in a tree of one leaf.
fn enter(record: &mut Dispute, stage: Stage, node: Hash, leaves: u64) {
    record.stage = stage;
    record.node = node;
    record.index = 0;
    record.leaves = leaves;
    let width = usize::try_from(leaves).unwrap_or(usize::MAX);
    record.height = u32::try_from(tree::depth(width)).unwrap_or(u32::MAX);
    record.turn = match (stage, record.height) {
        (Stage::Tensor | Stage::Chain, 0) => Turn::Chunk,
        (_, 0) => Turn::Child,
        _ => Turn::Children,
    };
}

//! This node's disputes, played to the end without anybody.
//!
//! Level-triggered: at every look the docket reads how each undecided dispute stands on the chain
//! and makes the move that is this node's, if one is. It keeps nothing that the chain does not show
//! but the executions it has re-run, which a restart re-runs; so a node that is killed in the
//! middle of a dispute goes on where the dispute is.
//!
//! Deliberately absent: challenging, which is the machine's to decide, and the moves themselves,
//! which are `court::advocate`'s.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::{Address, Bytes, U256};
use chain::{
    ClaimState, Client,
    client::{House, Standing},
    contracts::court::ICourt,
};
use court::{
    Side, advocate,
    trace::{Evidence, KEPT_BYTES_MAX, Witness},
};
use round::aggregate;
use tensor::{Hash, Program, Tensor};

use crate::{
    Job, Kernels, NodeError, TensorStore, aggregation,
    eye::to_address,
    grids,
    job::hash,
    journal::{Entry, Journal},
    lie::{Crooked, Lie},
    panel,
    report::Basis,
    scores::{self, Ground},
};

/// Executions that are kept for the next move; a dispute rarely needs more than its own. They share
/// the memory that tensors may be kept in.
const KEPT: usize = 4;
/// How many rounds back a claim is looked for.
const ROUNDS_BACK: u64 = 64;

/// What the work needs of the node.
#[derive(Clone, Debug)]
pub(crate) struct Docket {
    pub(crate) client: Client,
    pub(crate) job: Arc<Job>,
    pub(crate) tensors: TensorStore,
    pub(crate) blobs: net::blobs::Store,
    pub(crate) journal: Journal,
    pub(crate) lie: Option<Lie>,
    shared: Arc<Mutex<Shared>>,
}

/// What one look leaves for the next.
#[derive(Default)]
struct Shared {
    /// Disputes that have ended, or are not this node's.
    over: BTreeSet<u64>,
    /// Disputes in which a move is on its way.
    underway: BTreeSet<u64>,
    /// Executions by claim.
    cases: BTreeMap<u64, Arc<Mutex<Box<dyn Evidence + Send>>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Shared { over, underway, .. } = self;
        f.debug_struct("Shared").field("over", over).field("underway", underway).finish()
    }
}

/// A move on its way; gone when it has arrived.
#[derive(Debug)]
struct Begun(Docket, u64);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.shared().underway.remove(&self.1);
    }
}

/// What a claim is about.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// The aggregation of a round.
    Round(Entry),
    /// A report: on a settled round, or before the first, and on these market data.
    Report(Option<Entry>, Box<market::Recent>),
    /// A step of maintenance margin: accounts, and bits of the level.
    Step(Bytes, u64),
    /// A grid: its inputs.
    Grid(Vec<Tensor>),
    /// A score: its inputs.
    Score(Vec<Tensor>),
}

/// What is to be done about a dispute.
pub(crate) enum Due {
    Nothing,
    Move,
    Timeout,
    Close,
}

impl Docket {
    pub(crate) fn new(
        (client, job): (Client, Arc<Job>),
        tensors: TensorStore,
        blobs: net::blobs::Store,
        journal: Journal,
        lie: Option<Lie>,
    ) -> Docket {
        Docket { client, job, tensors, blobs, journal, lie, shared: Arc::default() }
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at every undecided dispute, and starts what is this node's to do; failures are logged
    /// and tried again at the next look.
    pub(crate) async fn look(self, (round, block): (u64, u64)) {
        let count = match self.client.dispute_count().await {
            Ok(count) => count,
            Err(error) => return tracing::debug!(%error, "the court does not answer"),
        };
        for id in 1..=count {
            if self.shared().over.contains(&id) || !self.shared().underway.insert(id) {
                continue;
            }
            let begun = Begun(self.clone(), id);
            tokio::spawn(async move {
                let docket = &begun.0;
                if let Err(error) = docket.attend(id, (round, block)).await {
                    tracing::warn!(dispute = id, %error, "a dispute waits");
                }
            });
        }
    }

    async fn attend(&self, id: u64, (round, block): (u64, u64)) -> Result<(), NodeError> {
        let Some(standing) = self.client.dispute(id).await? else {
            self.shared().over.insert(id);
            return Ok(());
        };
        let claim = self.client.claim(U256::from(standing.record.claim)).await?;
        let state = ClaimState::from_word(claim.state);
        let fallen = matches!(state, Some(ClaimState::Struck | ClaimState::Void));
        match due(&standing, (self.client.address(), claim.asserter), fallen, block) {
            None => {
                self.shared().over.insert(id);
            }
            Some(Due::Nothing) => {}
            Some(Due::Timeout) => {
                self.client.timeout(id, &standing.record).await?;
                tracing::info!(dispute = id, "the other side let its clock run out");
            }
            Some(Due::Close) => {
                self.client.close_dispute(id, &standing.record).await?;
                tracing::info!(dispute = id, "closed: the claim fell by another dispute");
            }
            Some(Due::Move) => {
                let subject = self.subject(standing.record.claim, &claim, round).await?;
                let me = self.client.address();
                let mine = claim.asserter == me && self.lie.is_some();
                let liar = if mine { self.client.find(me).await? } else { None };
                self.make(&standing, subject, (liar, hash(claim.outputsRoot))).await?;
            }
        }
        Ok(())
    }

    /// Finds out what a claim is about.
    pub(crate) async fn subject(
        &self,
        id: u64,
        claim: &ICourt::Claim,
        round: u64,
    ) -> Result<Subject, NodeError> {
        if claim.consumer == self.client.deployment().panel {
            let (accounts, level) = panel::subject(&self.client, U256::from(id)).await?;
            return Ok(Subject::Step(accounts, level));
        }
        if claim.consumer == self.client.deployment().scenarios {
            let house = House::new(&self.client, self.client.deployment().clearing());
            return Ok(Subject::Grid(grids::subject(&house, U256::from(id)).await?));
        }
        if claim.consumer == self.client.deployment().scores {
            let kept = (&self.tensors, &self.blobs, &self.journal);
            let ground = Ground::of_claim(&self.client, kept, id).await?;
            return Ok(Subject::Score(ground.inputs(&self.job, kept)?));
        }
        if claim.consumer != self.client.deployment().oracle {
            return Ok(Subject::Round(self.entry(hash(claim.inputsRoot), round)?));
        }
        let absent = || NodeError::absent(format!("claim {id} is behind no report"));
        let based = self.client.report_of_claim(U256::from(id)).await?.ok_or_else(absent)?;
        let data: Vec<Vec<u8>> = based.data.iter().map(|one| one.to_vec()).collect();
        let recent = market::Recent::from_bytes(self.job.model(), &data).ok_or_else(absent)?;
        let entry = if based.roundClaim.is_zero() {
            None
        } else {
            let basis = self.client.claim(based.roundClaim).await?;
            Some(self.entry(hash(basis.inputsRoot), round)?)
        };
        Ok(Subject::Report(entry, Box::new(recent)))
    }

    /// Makes the move that is due.
    async fn make(
        &self,
        standing: &Standing,
        subject: Subject,
        case: (Option<u32>, Hash),
    ) -> Result<(), NodeError> {
        let (docket, standing_) = (self.clone(), standing.clone());
        let made = tokio::task::spawn_blocking(move || -> Result<_, NodeError> {
            let evidence = docket.case(standing_.record.claim, &subject, case)?;
            let mut evidence = evidence.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(advocate::next_move(&standing_.record, &standing_.revealed, evidence.as_mut()))
        });
        let made = made.await.map_err(NodeError::absent)??;
        let made =
            made.ok_or_else(|| NodeError::absent("nothing to say against the other side"))?;
        let (id, record) = (standing.id, &standing.record);
        let mined = self.client.make_move(id, record, made).await?;
        tracing::info!(
            dispute = id,
            stage = ?record.stage,
            turn = ?record.turn,
            gas = mined.gas_used,
            "moved"
        );
        Ok(())
    }

    /// Returns the execution of a claim as this node stands by it, run on first use; `liar` is its
    /// registry index where the claim is its own and it is there to lie.
    fn case(
        &self,
        claim: u64,
        subject: &Subject,
        (liar, outputs_root): (Option<u32>, Hash),
    ) -> Result<Arc<Mutex<Box<dyn Evidence + Send>>>, NodeError> {
        if let Some(case) = self.shared().cases.get(&claim) {
            return Ok(case.clone());
        }
        let (program, inputs) = self.execution(subject)?;
        let how = (Box::new(Kernels) as Box<_>, KEPT_BYTES_MAX / KEPT);
        let honest = Witness::within(program.clone(), inputs.clone(), 1, how)?;
        let mut evidence: Box<dyn Evidence + Send> = Box::new(honest);
        let crooked = match (liar, subject) {
            (Some(index), Subject::Round(entry)) if self.lie == Some(Lie::Pay) => {
                Some(Crooked::new(program, inputs, (index, entry.budget_gwei))?)
            }
            (Some(index), Subject::Score(..)) if self.lie == Some(Lie::Score) => {
                Some(scores::crooked(&self.job, &inputs, index)?)
            }
            (Some(_), Subject::Report(..)) if self.lie == Some(Lie::Report) => {
                Some(Crooked::report(program, inputs)?)
            }
            (Some(_), Subject::Grid(..)) if self.lie == Some(Lie::Grid) => {
                Some(Crooked::grid(program, inputs)?)
            }
            _ => None,
        };
        if let Some(crooked) = crooked.filter(|it| it.outputs_root() == outputs_root) {
            evidence = Box::new(crooked);
        }
        let case = Arc::new(Mutex::new(evidence));
        let mut shared = self.shared();
        while shared.cases.len() >= KEPT {
            shared.cases.pop_first();
        }
        shared.cases.insert(claim, case.clone());
        Ok(case)
    }

    /// Returns the outputs root that a node which lies about pay would claim for a round.
    pub(crate) fn crooked_root(&self, round: u64, index: u32) -> Result<Hash, NodeError> {
        let absent = || NodeError::absent(format!("round {round} is not in the journal"));
        let entry = self.journal.get(round).ok_or_else(absent)?;
        let budget_gwei = entry.budget_gwei;
        let (program, inputs) = self.execution(&Subject::Round(entry))?;
        Ok(Crooked::new(program, inputs, (index, budget_gwei))?.outputs_root())
    }

    /// Finds the round whose aggregation a claim is about.
    fn entry(&self, inputs_root: Hash, round: u64) -> Result<Entry, NodeError> {
        let rounds = (round.saturating_sub(ROUNDS_BACK)..=round).rev();
        let mut entries = rounds.filter_map(|round| self.journal.get(round));
        let found = entries.find(|entry| entry.inputs_root == inputs_root);
        found.ok_or_else(|| NodeError::absent("the claim is about no round in the journal"))
    }

    /// The Program and inputs of what a claim is about.
    pub(crate) fn execution(
        &self,
        subject: &Subject,
    ) -> Result<(Arc<Program>, Vec<Tensor>), NodeError> {
        let kept = (&self.tensors, &self.blobs);
        let entry = match subject {
            Subject::Report(None, recent) => {
                return Basis::genesis(&self.job).execution(&self.job, recent);
            }
            Subject::Report(Some(entry), recent) => {
                return Basis::of_round(kept, entry)?.execution(&self.job, recent);
            }
            Subject::Step(accounts, level) => {
                return panel::execution(&self.job, accounts, *level);
            }
            Subject::Grid(inputs) => return grids::execution(&self.job, inputs),
            Subject::Score(inputs) => return scores::execution(&self.job, inputs),
            Subject::Round(entry) => entry,
        };
        let program = Arc::new(self.job.aggregate(entry.members.len())?);
        let members: Vec<_> = entry.members.iter().map(|row| row.member()).collect();
        let rows = aggregation::rows(&self.blobs, &members)?;
        let state = (self.tensors.get(entry.model_root)?, self.tensors.get(entry.cumulative_root)?);
        let inputs =
            aggregate::inputs(state, entry.budget_gwei, &rows).map_err(NodeError::program)?;
        Ok((program, inputs))
    }
}

/// What the account `me` has to do about a dispute; `None` if it is not its own and runs by itself.
pub(crate) fn due(
    standing: &Standing,
    (me, asserter): (Address, Address),
    fallen: bool,
    block: u64,
) -> Option<Due> {
    let record = &standing.record;
    let challenger = record.challenger == to_address(me);
    if !challenger && asserter != me {
        return None;
    }
    if fallen {
        return challenger.then_some(Due::Close);
    }
    let mover_is_challenger = record.mover() == Side::Challenger;
    let (left, used) = record.clock(block);
    Some(if mover_is_challenger == challenger {
        Due::Move
    } else if used > left {
        Due::Timeout
    } else {
        Due::Nothing
    })
}

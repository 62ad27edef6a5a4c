//! A node's part in scores, done: the windows, computations and transactions that
//! [`round::Scorer`] asks for.
//!
//! The scorer is shown the chain once a block and says what is missing, so a crash in between
//! repeats that and nothing else. Where rounds are paid alike there is nothing to do.
//!
//! Invariant: outputs are in the tensor store before anybody is told their roots. Absent: when to
//! do what, which is the scorer's to say.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use alloy::primitives::U256;
use chain::{
    Client,
    client::{Lists, Past},
    contracts::court::Court,
};
use round::{
    Scorer,
    machine::Retry,
    scorer::{Input, Output},
};
use tensor::{Hash, Tensor};

use crate::{
    Job, Lie, NodeError, TensorStore,
    challenges::{Challenge, Challenges},
    eye::to_address,
    job::word,
    journal::Journal,
    panel::Today,
    prices::Series,
};

mod ground;
mod verdict;
mod view;

pub(crate) use ground::{Ground, crooked, execution};
pub use verdict::{Shelf, Verdict};

/// Outputs of the score Program that settling shows.
const BURN: usize = 2;
const PAY: usize = 3;

/// What is done is waited for, so nothing is on its way at the next look.
const RETRY: Retry = Retry { tx_blocks: 1, offer_blocks: 1, fetch_blocks: 1 };

/// What a node that is there for show does otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    pub(crate) lie: Option<Lie>,
    /// The first round whose score it claims unasked; before it, only after a claim has fallen.
    pub(crate) first_turn: u64,
}

/// The duty.
#[derive(Debug)]
pub(crate) struct Scores {
    client: Client,
    series: Option<Series>,
    challenges: Challenges,
    shelf: Shelf,
    habits: Habits,
    /// What decides, once the chain has said for how many blocks windows are taken.
    scorer: Mutex<Option<Scorer>>,
    /// The last score that was computed.
    computed: Mutex<Option<Computed>>,
    /// Held while one look lasts.
    busy: AtomicBool,
}

/// A score, and the roots of the aggregation that its claim is posted with.
type Computed = (Lists, Arc<Verdict>);

/// What the work needs of the node.
pub(crate) type Kept<'a> = (&'a TensorStore, &'a net::blobs::Store, &'a Journal);

/// The day of the last round, and the registry indices of active nodes.
type Seen = (Today, Vec<u32>);

impl Scores {
    pub(crate) fn new(
        (client, challenges): (Client, Challenges),
        series: Option<Series>,
        (shelf, habits): (Shelf, Habits),
    ) -> Scores {
        let (scorer, computed, busy) = Default::default();
        Scores { client, series, challenges, shelf, habits, scorer, computed, busy }
    }

    /// Does what is due, unless the last look still does.
    pub(crate) async fn tend(&self, job: &Job, kept: Kept<'_>, (today, actives): Seen) {
        if self.busy.swap(true, Ordering::Acquire) {
            return;
        }
        if let Err(error) = self.look(job, kept, (today, actives)).await {
            tracing::debug!(%error, "scores wait");
        }
        self.busy.store(false, Ordering::Release);
    }

    async fn look(&self, job: &Job, kept: Kept<'_>, seen: Seen) -> Result<(), NodeError> {
        let (today, actives) = seen;
        let view = view::view(&self.client, (today.round, actives)).await?;
        let Some(view) = view else { return Ok(()) };
        self.start().await?;
        let mut outputs = self.handle(today.block, Input::Chain(Box::new(view)));
        let mut failed = None;
        while let Some(output) = outputs.pop_front() {
            // What cannot be done keeps nothing else from being done.
            match self.perform(job, kept, (output, today.block)).await {
                Ok(further) => outputs.extend(further),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Makes what decides, at the first look.
    async fn start(&self) -> Result<(), NodeError> {
        if self.scorer.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Ok(());
        }
        let at = self.client.deployment();
        let windows = self.client.score_terms().await?.windowBlocks;
        let challenges = self.client.view(at.court, Court::windowBlocksCall {}).await?;
        let scorer = Scorer::new((windows, challenges), RETRY, to_address(self.client.address()));
        *self.scorer.lock().unwrap_or_else(PoisonError::into_inner) = Some(scorer);
        Ok(())
    }

    fn handle(&self, block: u64, input: Input) -> VecDeque<Output> {
        let mut scorer = self.scorer.lock().unwrap_or_else(PoisonError::into_inner);
        scorer.as_mut().map(|scorer| scorer.handle(block, input)).unwrap_or_default().into()
    }

    /// Does one thing; returns what is to be done besides.
    async fn perform(
        &self,
        job: &Job,
        kept: Kept<'_>,
        (output, block): (Output, u64),
    ) -> Result<VecDeque<Output>, NodeError> {
        match output {
            Output::PostWindow { round } => self.say(job, round).await?,
            Output::Compute { round, .. } => {
                let Some(past) = self.client.past(round).await? else { return Ok(VecDeque::new()) };
                let (_, verdict) = self.computed(job, kept, (round, &past)).await?;
                let (inputs_root, output_roots) =
                    (verdict.inputs_root, verdict.output_roots.clone());
                let score = round::scorer::Computed { inputs_root, output_roots };
                let claim = u64::try_from(past.claim).unwrap_or(u64::MAX);
                return Ok(self.handle(block, Input::Computed { round, claim, score }));
            }
            Output::PostScore { round, inputs_root, outputs_root } => {
                self.claim(job, kept, (round, inputs_root, outputs_root)).await?;
            }
            Output::Challenge { claim, outputs_root } => {
                self.challenge(job, (claim, outputs_root)).await?;
            }
            Output::Settle { round, output_roots } => {
                let (_, verdict) = self.last()?;
                let roots = output_roots.into_iter().map(word).collect();
                let chunk = |output| verdict.chunk(kept.0, output).map(Into::into);
                self.client.settle_score(round, roots, (chunk(BURN)?, chunk(PAY)?)).await?;
                tracing::info!(round, "settled what the rows were worth");
            }
        }
        Ok(VecDeque::new())
    }

    /// Says what the market did.
    async fn say(&self, job: &Job, round: u64) -> Result<(), NodeError> {
        let Some(series) = &self.series else { return Ok(()) };
        let window = window(job, series, round)?;
        self.client.post_window(round, window.to_bytes().into()).await?;
        tracing::info!(round, "said what the market did since");
        Ok(())
    }

    /// Claims a score; what it was computed from may have changed since, and is then computed anew.
    async fn claim(
        &self,
        job: &Job,
        kept: Kept<'_>,
        (round, inputs_root, outputs_root): (u64, Hash, Hash),
    ) -> Result<(), NodeError> {
        let (lists, _) = self.last()?;
        // Whatever comes of it: money may come in before another claim.
        *self.computed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let Some(past) = self.client.past(round).await? else { return Ok(()) };
        if round < self.habits.first_turn && past.attempt == 0 {
            return Ok(());
        }
        let outputs_root = match self.habits.lie {
            Some(Lie::Score) => {
                let own = self.client.find(self.client.address()).await?.unwrap_or(0);
                let ground = Ground::of_round(&self.client, kept, (round, &past)).await?;
                crooked(job, &ground.inputs(job, kept)?, own)?.outputs_root()
            }
            _ => outputs_root,
        };
        self.client.post_score(round, lists, (word(inputs_root), word(outputs_root))).await?;
        tracing::info!(round, "claimed what the rows were worth");
        Ok(())
    }

    async fn challenge(&self, job: &Job, (claim, root): (u64, Hash)) -> Result<(), NodeError> {
        let id = U256::from(claim);
        if self.client.has_challenged(id, self.client.address()).await? {
            return Ok(());
        }
        let (_, verdict) = self.last()?;
        let header = job.score(verdict.members.len())?.header();
        self.challenges.make(Challenge { claim, outputs_root: word(root), header }).await?;
        tracing::info!(claim, "a score that comes out differently here: challenged");
        Ok(())
    }

    /// The score that was computed last.
    fn last(&self) -> Result<Computed, NodeError> {
        let computed = self.computed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        computed.ok_or_else(|| NodeError::absent("a score that was computed"))
    }

    /// Computes a score, unless it is the one computed last.
    async fn computed(
        &self,
        job: &Job,
        kept: Kept<'_>,
        (round, past): (u64, &Past),
    ) -> Result<Computed, NodeError> {
        let same = |one: &Verdict| (one.round, one.claim) == (round, past.claim);
        if let Some(before) = self.last().ok().filter(|(_, verdict)| same(verdict)) {
            return Ok(before);
        }
        let ground = Ground::of_round(&self.client, kept, (round, past)).await?;
        let inputs = ground.inputs(job, kept)?;
        let (program, inputs) = execution(job, &inputs)?;
        let outputs = kernels::eval(&program, &inputs)?;
        let verdict = Verdict::of(&ground, kept, (&inputs, &outputs))?;
        self.shelf.put(&verdict)?;
        let computed = (ground.lists, Arc::new(verdict));
        *self.computed.lock().unwrap_or_else(PoisonError::into_inner) = Some(computed.clone());
        Ok(computed)
    }
}

/// The days that followed a round, as this node has them.
fn window(job: &Job, series: &Series, round: u64) -> Result<Tensor, NodeError> {
    let first = usize::try_from(round).map_err(NodeError::program)?;
    let days = series.evaluation.days.get(first..first + crate::job::SCORED_DAYS);
    let days = days.ok_or_else(|| NodeError::absent("days that the market has not had"))?;
    Ok(market::window::window(job.model(), crate::job::SCORED_DAYS, days))
}

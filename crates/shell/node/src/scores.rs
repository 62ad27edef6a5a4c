//! A node's part in scores: it says what the market did after a round in which it had rows,
//! computes every score, claims it when it is its turn, challenges what comes out differently here,
//! and settles what can no longer fall.
//!
//! Level-triggered: everything is read from the chain, so a crash in between repeats what is
//! missing and nothing else. Where rounds are paid alike there is nothing to do.
//!
//! Invariant: outputs are in the tensor store before anybody is told their roots.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use alloy::primitives::U256;
use chain::{
    ClaimState, Client,
    client::{Lists, Past},
    contracts::court::ICourt,
};
use tensor::{Hash, Tensor};

use crate::{
    Job, Lie, NodeError, TensorStore,
    challenges::{Challenge, Challenges},
    job::{hash, word},
    journal::Journal,
    panel::Today,
    prices::Series,
};

mod ground;
mod verdict;

pub(crate) use ground::{Ground, crooked, execution};
pub use verdict::{Shelf, Verdict};

/// Rounds that can have their windows open at once and are looked at.
const OPEN_MAX: u64 = 4;

/// Outputs of the score Program that settling shows.
const BURN: usize = 2;
const PAY: usize = 3;

/// Blocks after which a score is settled by whoever comes, whosever turn it was.
const LATE_BLOCKS: u64 = 8;

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
    /// The last score that was computed.
    computed: Mutex<Option<Computed>>,
    /// Held while one look lasts.
    busy: AtomicBool,
}

/// A score, and the roots of the aggregation that its claim is posted with.
type Computed = (Lists, Arc<Verdict>);

/// What the work needs of the node.
pub(crate) type Kept<'a> = (&'a TensorStore, &'a net::blobs::Store, &'a Journal);

impl Scores {
    pub(crate) fn new(
        (client, challenges): (Client, Challenges),
        series: Option<Series>,
        (shelf, habits): (Shelf, Habits),
    ) -> Scores {
        let (computed, busy) = Default::default();
        Scores { client, series, challenges, shelf, habits, computed, busy }
    }

    /// Does what is due, unless the last look still does.
    pub(crate) async fn tend(&self, job: &Job, kept: Kept<'_>, today: Today) {
        if self.busy.swap(true, Ordering::Acquire) {
            return;
        }
        if let Err(error) = self.look(job, kept, today).await {
            tracing::debug!(%error, "scores wait");
        }
        self.busy.store(false, Ordering::Release);
    }

    async fn look(&self, job: &Job, kept: Kept<'_>, today: Today) -> Result<(), NodeError> {
        let Some(next) = self.client.next_score().await? else { return Ok(()) };
        let own = self.client.find(self.client.address()).await?;
        for round in next..next.saturating_add(OPEN_MAX).min(today.round.saturating_add(1)) {
            let Some(past) = self.client.past(round).await? else { continue };
            if past.openBlock == 0 {
                break;
            }
            self.say(job, (round, &past), (own, today.block)).await?;
            if round == next {
                self.score(job, kept, (round, &past, own), today).await?;
            }
        }
        Ok(())
    }

    /// Says what the market did, where this node had rows and has not.
    async fn say(
        &self,
        job: &Job,
        (round, past): (u64, &Past),
        (own, block): (Option<u32>, u64),
    ) -> Result<(), NodeError> {
        let mine = past.players.iter().find(|player| Some(player.index) == own);
        let missing = mine.is_some_and(|player| player.window.is_zero());
        let Some(series) = self.series.as_ref().filter(|_| missing) else { return Ok(()) };
        if block > past.openBlock + self.client.score_terms().await?.windowBlocks {
            return Ok(());
        }
        let window = window(job, series, round)?;
        self.client.post_window(round, window.to_bytes().into()).await?;
        tracing::info!(round, "said what the market did since");
        Ok(())
    }

    /// Claims, checks or settles the next score.
    async fn score(
        &self,
        job: &Job,
        kept: Kept<'_>,
        (round, past, own): (u64, &Past, Option<u32>),
        today: Today,
    ) -> Result<(), NodeError> {
        let Some((poster, free)) = self.client.score_poster().await? else { return Ok(()) };
        let (lists, verdict) = self.computed(job, kept, (round, past)).await?;
        if past.claim == 0 {
            let holds_back = round < self.habits.first_turn && past.attempt == 0;
            let turn = own == Some(poster) || free && own.is_some() && today.turn;
            if turn && !holds_back {
                let root = match self.habits.lie {
                    Some(Lie::Score) => {
                        let ground = Ground::of_round(&self.client, kept, (round, past)).await?;
                        crooked(job, &ground.inputs(job, kept)?, poster)?.outputs_root()
                    }
                    _ => verdict.outputs_root(),
                };
                return self.claim((round, lists), (verdict.inputs_root, root)).await;
            }
            return Ok(());
        }
        let id = U256::from(past.claim);
        let claim = self.client.claim(id).await?;
        if hash(claim.outputsRoot) != verdict.outputs_root() {
            return self.challenge(job, (id, &claim), &verdict, today).await;
        }
        let due = match ClaimState::from_word(claim.state) {
            Some(ClaimState::Open) => today.block > claim.deadline,
            state => state == Some(ClaimState::Final),
        };
        if due && (today.turn || today.block > claim.deadline + LATE_BLOCKS) {
            let roots = verdict.output_roots.iter().map(|root| word(*root)).collect();
            let chunk = |output| verdict.chunk(kept.0, output).map(Into::into);
            let chunks = (chunk(BURN)?, chunk(PAY)?);
            self.client.settle_score(round, roots, chunks).await?;
            tracing::info!(round, "settled what the rows were worth");
        }
        Ok(())
    }

    /// Claims a score; what it was computed from may have changed since, and is then computed anew.
    async fn claim(
        &self,
        (round, lists): (u64, Lists),
        (inputs_root, outputs_root): (Hash, Hash),
    ) -> Result<(), NodeError> {
        let roots = (word(inputs_root), word(outputs_root));
        if let Err(error) = self.client.post_score(round, lists, roots).await {
            *self.computed.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return Err(error.into());
        }
        tracing::info!(round, "claimed what the rows were worth");
        Ok(())
    }

    async fn challenge(
        &self,
        job: &Job,
        (id, claim): (U256, &ICourt::Claim),
        verdict: &Verdict,
        today: Today,
    ) -> Result<(), NodeError> {
        let state = ClaimState::from_word(claim.state);
        let open = matches!(state, Some(ClaimState::Open | ClaimState::Disputed));
        let me = self.client.address();
        if !open || claim.asserter == me || today.block > claim.deadline {
            return Ok(());
        }
        if hash(claim.inputsRoot) != verdict.inputs_root {
            return Err(NodeError::absent("the inputs kept here are not the score's"));
        }
        if self.client.has_challenged(id, me).await? {
            return Ok(());
        }
        let header = job.score(verdict.members.len())?.header();
        let outputs_root = word(verdict.outputs_root());
        let claim = id.saturating_to();
        self.challenges.make(Challenge { claim, outputs_root, header }).await?;
        tracing::info!(claim, "a score that comes out differently here: challenged");
        Ok(())
    }

    /// Computes a score, unless it is the one computed last.
    async fn computed(
        &self,
        job: &Job,
        kept: Kept<'_>,
        (round, past): (u64, &Past),
    ) -> Result<Computed, NodeError> {
        let before = self.computed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let same = |one: &Verdict| (one.round, one.claim) == (round, past.claim);
        if let Some(before) = before.filter(|(_, verdict)| same(verdict)) {
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

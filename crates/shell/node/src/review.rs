//! Looks at every report's claim, whoever made it, and challenges what does not come out here.
//!
//! Level-triggered: what was posted since the last look is recomputed from the posted data and the
//! settled round, as long as the claim can be challenged; a failure is tried again at the next
//! look. Beside it, in turns with the other nodes, the gate is told when a claim became final or
//! fell. The disputes themselves are the docket's.
//!
//! Deliberately absent: judging whether the market's data are right. They are the provider's word,
//! which `assay replay` compares with the source.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use alloy::primitives::{B256, U256, keccak256};
use chain::{ClaimState, Client, client::Based};
use tensor::Hash;

use crate::{
    NodeError,
    challenges::{Challenge, Challenges},
    docket::Docket,
    job::{hash, word},
};

/// Blocks for which it is one node's turn to tell the gate.
const TURN_BLOCKS: u64 = 2;

/// Which claims a node checks: so many of a thousand, chosen by a hash that nobody else knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) secret: B256,
    pub(crate) permille: u16,
}

impl Sample {
    pub(crate) fn takes(&self, claim: u64) -> bool {
        let drawn = keccak256([self.secret.as_slice(), &claim.to_be_bytes()].concat());
        let drawn = u16::from_be_bytes([drawn[0], drawn[1]]) % 1_000;
        drawn < self.permille
    }
}

/// What one look sees of the chain.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) round: u64,
    pub(crate) block: u64,
    pub(crate) own: Option<u32>,
    pub(crate) actives: Vec<u32>,
}

impl Seen {
    /// Whether it is this node's turn to tell the gate.
    fn has_turn(&self) -> bool {
        let count = u64::try_from(self.actives.len()).unwrap_or(1).max(1);
        let turn = usize::try_from(self.block / TURN_BLOCKS % count).unwrap_or(0);
        self.own.is_some() && self.actives.get(turn).copied() == self.own
    }
}

/// Checks reports.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    client: Client,
    challenges: Challenges,
    docket: Docket,
    market: B256,
    sample: Sample,
    window_blocks: u64,
    busy: Arc<AtomicBool>,
    waiting: Arc<Mutex<Waiting>>,
}

/// Reports that are not checked yet.
#[derive(Debug, Default)]
struct Waiting {
    /// First block that was not looked at.
    next: u64,
    reports: BTreeMap<u64, Based>,
}

impl Review {
    pub(crate) fn new(
        (client, challenges): (Client, Challenges),
        docket: Docket,
        market: B256,
        sample: Sample,
        window_blocks: u64,
    ) -> Review {
        let (busy, waiting) = Default::default();
        Review { client, challenges, docket, market, sample, window_blocks, busy, waiting }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks once, unless the last look is still under way.
    pub(crate) async fn look(self, seen: Seen) {
        if self.busy.swap(true, Ordering::Acquire) {
            return;
        }
        if let Err(error) = self.check_all(&seen).await {
            tracing::warn!(%error, "reports wait to be checked");
        }
        if seen.has_turn()
            && let Err(error) = self.tell_gate().await
        {
            tracing::debug!(%error, "the gate was not told");
        }
        self.busy.store(false, Ordering::Release);
    }

    async fn check_all(&self, seen: &Seen) -> Result<(), NodeError> {
        let from = self.waiting().next.max(seen.block.saturating_sub(self.window_blocks));
        let posted = self.client.reports_since(from).await?;
        let reports = {
            let mut waiting = self.waiting();
            waiting.next = seen.block + 1;
            let new = posted.into_iter().map(|based| (based.claim.saturating_to(), based));
            waiting.reports.extend(new);
            waiting.reports.clone()
        };
        for (claim, _) in reports {
            match self.check(claim, seen).await {
                Ok(()) => drop(self.waiting().reports.remove(&claim)),
                Err(error) => tracing::warn!(claim, %error, "a report is not checked yet"),
            }
        }
        Ok(())
    }

    /// Recomputes a report and challenges its claim if something else comes out.
    async fn check(&self, id: u64, seen: &Seen) -> Result<(), NodeError> {
        let (number, me) = (U256::from(id), self.client.address());
        let claim = self.client.claim(number).await?;
        let state = ClaimState::from_word(claim.state);
        let open = matches!(state, Some(ClaimState::Open | ClaimState::Disputed));
        if !open || seen.block > claim.deadline || claim.asserter == me {
            return Ok(());
        }
        if !self.sample.takes(id) {
            tracing::info!(claim = id, "not among the claims that this node checks");
            return Ok(());
        }
        let subject = self.docket.subject(id, &claim, seen.round).await?;
        let docket = self.docket.clone();
        let work = move || -> Result<_, NodeError> {
            let (program, inputs) = docket.execution(&subject)?;
            let inputs_root = court::opening::list_root(&court::opening::roots(&inputs));
            let outputs = kernels::eval(&program, &inputs)?;
            let outputs_root = court::opening::list_root(&court::opening::roots(&outputs));
            Ok((program.header(), inputs_root, outputs_root))
        };
        let done = tokio::task::spawn_blocking(work).await.map_err(NodeError::absent)?;
        let (header, inputs_root, outputs_root): (Vec<u8>, Hash, Hash) = done?;
        if inputs_root != hash(claim.inputsRoot) {
            return Err(NodeError::absent("the inputs kept here are not the report's"));
        }
        if outputs_root == hash(claim.outputsRoot) {
            tracing::info!(claim = id, "a report that comes out the same here");
            return Ok(());
        }
        if !self.client.has_challenged(number, me).await? {
            let outputs_root = word(outputs_root);
            self.challenges.make(Challenge { claim: id, outputs_root, header }).await?;
            tracing::info!(claim = id, "a report that comes out differently here: challenged");
        }
        Ok(())
    }

    /// Lets the gate have what became final or fell since.
    async fn tell_gate(&self) -> Result<(), NodeError> {
        if self.client.can_apply(self.market).await? {
            self.client.apply_reports(self.market).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_as_large_as_it_says() {
        let of = |permille| Sample { secret: B256::repeat_byte(7), permille };
        let taken = |permille| (0..4_000).filter(|claim| of(permille).takes(*claim)).count();
        assert_eq!((taken(0), taken(1_000)), (0, 4_000));
        assert!((900..1_100).contains(&taken(250)), "{}", taken(250));
    }

    #[test]
    fn nodes_tell_the_gate_in_turns() {
        let turns = |own, block| Seen { round: 1, block, own, actives: vec![0, 2, 3] }.has_turn();
        for block in 0..30 {
            let whose = [0, 2, 3].into_iter().filter(|own| turns(Some(*own), block)).count();
            assert_eq!(whose, 1, "block {block}");
            assert!(!turns(None, block) && !turns(Some(1), block));
        }
    }
}

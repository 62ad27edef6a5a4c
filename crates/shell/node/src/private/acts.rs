//! Duties, done.

use std::time::Duration;

use alloy::primitives::U256;
use net::{Request, Response};
use round::sums::{
    SHARES,
    duty::Duty,
    holders,
    ledger::{Input, Rounds, Tray, slot},
};
use tensor::{Hash, Tensor};

use super::{Look, Node, shares};
use crate::{
    Lie, NodeError,
    challenges::Challenge,
    gather::Want,
    job::{hash, word},
    training::{self, Habits},
};

/// How long one question to a peer may hold up a look.
const PATIENCE: Duration = Duration::from_secs(3);
/// What a node that lies about its update sends in every coordinate.
const WILD: i32 = round::aggregate::UPDATE_MAX;

impl Node {
    pub(super) async fn perform(&self, look: &Look, duty: Duty) -> Result<(), NodeError> {
        let round = look.rounds.round().number;
        match duty {
            Duty::Open if look.rounds.state().2 >= self.own.rounds => Ok(()),
            Duty::Open if self.is_my_turn(look) => self.call(Input::Open).await,
            Duty::Advance if self.is_my_turn(look) => self.call(Input::Advance).await,
            Duty::Open | Duty::Advance => Ok(()),
            Duty::Commit => self.commit(look).await,
            Duty::Report { bucket, member } => self.report(look, (bucket, member)).await,
            Duty::State { bucket, member } => self.state(look, (bucket, member)).await,
            Duty::Defend { bucket, share } => {
                self.call(Input::Defend { round, bucket, share }).await
            }
            Duty::CheckSum { bucket, share, claim } => {
                self.check_sum(look, (bucket, share), claim).await
            }
            Duty::Post => {
                let outputs_root = self.outcome(look).await?.root();
                self.call(Input::PostResult { round, outputs_root }).await
            }
            Duty::Check { claim } => self.check(look, claim).await,
            Duty::Settle if self.is_my_turn(look) => {
                let outcome = self.outcome(look).await?;
                let accepted_chunk = outcome.accepted_chunk();
                let output_roots = outcome.roots;
                self.call(Input::Settle { round, output_roots, accepted_chunk }).await
            }
            Duty::Settle => self.outcome(look).await.map(drop),
        }
    }

    async fn commit(&self, look: &Look) -> Result<(), NodeError> {
        let round = look.rounds.round().number;
        if self.vault.update(round)?.is_none() {
            let update = self.train(look).await?;
            self.vault.keep(round, &update)?;
        }
        let cut = self.vault.cut(round, look.own)?;
        let absent = || NodeError::absent("the update that was just kept is not there");
        self.call(Input::Commit { round, shares: cut.ok_or_else(absent)?.roots }).await
    }

    /// The round's update, of a node that is made to lie a wild one.
    async fn train(&self, look: &Look) -> Result<Tensor, NodeError> {
        let round = look.rounds.round().number;
        let model = look.rounds.state().0;
        let params = self.tensor(look, Want::params(&self.job, model)).await?;
        let seed = Hash::of(&[b"assay/private/seed", &self.terms.job.0, &round.to_le_bytes()]);
        let (job, data) = (self.job.clone(), self.data.clone());
        let work =
            move || training::train(&job, &data, (&params, round, seed), &[], Habits::default());
        let trained = tokio::task::spawn_blocking(work).await.map_err(NodeError::absent)??;
        let wild = self.config.lie == Some(Lie::Update);
        let update = if wild { vec![WILD; trained.quantised.len()] } else { trained.quantised };
        tracing::info!(round, loss = trained.loss, "trained");
        Tensor::i32(&[update.len()], update).map_err(NodeError::program)
    }

    /// Gathers what is missing, and reports when all is here or half of the time is over.
    async fn report(&self, look: &Look, at: (usize, usize)) -> Result<(), NodeError> {
        let (bucket, member) = at;
        let round = look.rounds.round();
        let tray = &look.rounds.trays()[bucket];
        let mut held = [0_u32; 2];
        for share in (0..SHARES).filter(|share| *share != member) {
            for (place, seat) in (0..).zip(look.rounds.seats()) {
                if round::sums::ledger::is_set(tray.trainers, place)
                    && self.has(look, tray, (seat.node, share), seat.shares[share]).await?
                {
                    held[slot(member, share)] |= 1 << place;
                }
            }
        }
        let whole = held == [tray.trainers; 2];
        let half = round.until.saturating_sub(self.terms.report_blocks / 2);
        if whole || look.next >= half {
            let report = Input::Report { round: round.number, bucket, member, held };
            return self.call(report).await;
        }
        Ok(())
    }

    /// Whether a share is here; asks its trainer and then the other holder for one that is not.
    async fn has(
        &self,
        look: &Look,
        tray: &Tray,
        (trainer, share): (u32, usize),
        committed: Hash,
    ) -> Result<bool, NodeError> {
        let place = self.vault.place(look.rounds.round().number, trainer);
        if self.vault.held(place, share)?.is_some() {
            return Ok(true);
        }
        let node_of = |member: usize| look.rounds.seats()[usize::from(tray.members[member])].node;
        let others = holders(share).map(node_of);
        let round = place.round;
        let request = || Request::Share {
            round,
            node: trainer,
            share: u8::try_from(share).expect("one of three"),
        };
        for from in [trainer].into_iter().chain(others).filter(|from| *from != look.own) {
            let asked = tokio::time::timeout(PATIENCE, self.peers.ask(from, request())).await;
            let Ok(Some(Response::Blob(bytes))) = asked else { continue };
            if shares::open(&bytes, share, self.programs.length(), committed).is_some() {
                self.vault.hold(place, share, &bytes)?;
                return Ok(true);
            }
            tracing::warn!(from, trainer, share, "a share is not what was committed to");
        }
        Ok(false)
    }

    async fn state(&self, look: &Look, (bucket, member): (usize, usize)) -> Result<(), NodeError> {
        let round = look.rounds.round().number;
        self.gather(look, (bucket, member)).await?;
        let mut sums = [Vec::new(), Vec::new()];
        for share in (0..SHARES).filter(|share| *share != member) {
            let Some((mut bytes, _)) = self.sum(&look.rounds, (bucket, share))? else {
                let what = format!("a share {share} of bucket {bucket} is missing");
                return Err(NodeError::absent(what));
            };
            if self.own.wrong_sums_from.is_some_and(|from| round >= from) {
                bytes[0] ^= 1;
            }
            sums[slot(member, share)] = bytes;
        }
        self.call(Input::State { round, bucket, member, sums }).await
    }

    /// Asks for the shares of the roll that only the other holder has.
    async fn gather(&self, look: &Look, (bucket, member): (usize, usize)) -> Result<(), NodeError> {
        let tray = &look.rounds.trays()[bucket];
        for seat in look.rounds.nodes(tray.roll) {
            for share in (0..SHARES).filter(|share| *share != member) {
                self.has(look, tray, (seat.node, share), seat.shares[share]).await?;
            }
        }
        Ok(())
    }

    async fn check_sum(
        &self,
        look: &Look,
        at: (usize, usize),
        claim: u64,
    ) -> Result<(), NodeError> {
        let posted = self.client.claim(U256::from(claim)).await?;
        let Some((_, right)) = self.sum(&look.rounds, at)? else { return Ok(()) };
        if hash(posted.outputsRoot) == right || look.next > posted.deadline {
            return Ok(());
        }
        let roll = look.rounds.trays()[at.0].roll;
        let header = self.programs.partial(roll.count_ones() as usize)?.header();
        let challenge = Challenge { claim, outputs_root: word(right), header };
        self.challenge(0, challenge).await
    }

    async fn check(&self, look: &Look, claim: u64) -> Result<(), NodeError> {
        let posted = self.client.claim(U256::from(claim)).await?;
        let right = self.outcome(look).await?.root();
        if hash(posted.outputsRoot) == right {
            return Ok(());
        }
        let header = self.programs.aggregate(rows(&look.rounds))?.header();
        let challenge = Challenge { claim, outputs_root: word(right), header };
        self.challenge(1, challenge).await
    }

    async fn challenge(&self, kind: usize, challenge: Challenge) -> Result<(), NodeError> {
        let claim = U256::from(challenge.claim);
        if self.client.has_challenged(claim, self.client.address()).await? {
            return Ok(());
        }
        self.challenges[kind].make(challenge).await.map(drop)
    }
}

fn rows(rounds: &Rounds) -> usize {
    rounds.trays().iter().filter(|tray| tray.roll != 0).count()
}

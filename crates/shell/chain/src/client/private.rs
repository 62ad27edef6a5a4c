//! A private job's rounds: what members and trainers say, and how it all stands.
//!
//! The client's deployment names the contract `PrivateRounds` as its `rounds`. Absent: shares and
//! updates, which are in no call.

use alloy::{
    primitives::{B256, Bytes, U256},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use round::sums::{SHARES, ledger};
use tensor::Hash;

use super::{Client, ClientError, Mined};
use crate::contracts::private::{IPrivateRounds, PrivateRounds};

/// What a member stated in a round: its two sums, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The bucket.
    pub bucket: usize,
    /// The member's place.
    pub member: usize,
    /// Elements of the sums of share (member + 1) mod 3 and (member + 2) mod 3, i32 little-endian.
    pub sums: [Bytes; 2],
}

/// What the chain's events tell of one round; places are those in `seats`, bit p of a mask is the
/// node at place p.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The round.
    pub round: u64,
    /// Registry indices of the nodes with seats, ascending.
    pub seats: Vec<u32>,
    /// Masks of the buckets' trainers.
    pub trainers: Vec<u32>,
    /// Places of the buckets' members.
    pub members: Vec<[u8; SHARES]>,
    /// Masks of the trainers that are summed; 0 for a bucket without a row.
    pub rolls: Vec<u32>,
    /// Members that did not do their part.
    pub gone: Vec<u32>,
    /// Members whose sum was no sum.
    pub lied: Vec<u32>,
    /// Of a round that was settled.
    pub end: Option<Ended>,
}

/// How a settled round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Bit r: row r, of the buckets with a roll in order, is accepted.
    pub accepted: u32,
    /// Root of the new params.
    pub model_root: B256,
    /// Root of the pay so far.
    pub cumulative_root: B256,
}

impl Told {
    /// Returns the nodes of a mask, ascending.
    pub fn nodes(&self, mask: u32) -> Vec<u32> {
        let of = |(place, node): (u32, &u32)| ledger::is_set(mask, place).then_some(*node);
        (0..).zip(&self.seats).filter_map(of).collect()
    }

    /// Returns by bucket whether its row is accepted; nothing for one without a row.
    pub fn accepted(&self) -> Vec<Option<bool>> {
        let mut row = 0;
        let of = |roll: &u32| {
            let own =
                (*roll != 0).then(|| self.end.is_some_and(|end| ledger::is_set(end.accepted, row)));
            row += u32::from(own.is_some());
            own
        };
        self.rolls.iter().map(of).collect()
    }

    fn take(&mut self, log: &alloy::primitives::Log) {
        use PrivateRounds::{Bucketed, Called, Gone, Lied, Lost, Seated, Settled};
        if let Ok(said) = Seated::decode_log(log) {
            self.seats.clone_from(&said.drawn);
            self.seats.dedup();
        } else if let Ok(said) = Bucketed::decode_log(log) {
            self.trainers.clone_from(&said.trainers);
            self.members.clone_from(&said.members);
        } else if let Ok(said) = Called::decode_log(log) {
            self.rolls.clone_from(&said.rolls);
        } else if let Ok(said) = Lost::decode_log(log) {
            let lost = self.rolls.get_mut(said.bucket.saturating_to::<usize>());
            lost.into_iter().for_each(|roll| *roll = 0);
        } else if let Ok(said) = Gone::decode_log(log) {
            self.gone.push(said.node);
        } else if let Ok(said) = Lied::decode_log(log) {
            self.lied.push(said.node);
        } else if let Ok(said) = Settled::decode_log(log) {
            self.end = Some(Ended {
                accepted: said.accepted,
                model_root: said.modelRoot,
                cumulative_root: said.cumulativeRoot,
            });
        }
    }
}

/// Rounds of a private job.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl Client {
    /// Returns what the job was deployed with.
    pub async fn private_config(&self) -> Result<ledger::Config, ClientError> {
        let rounds = self.deployment().rounds;
        Ok(config(self.view(rounds, PrivateRounds::configCall {}).await?))
    }

    /// Returns how the rounds stand, as the mirror has it.
    pub async fn private_rounds(
        &self,
        config: &ledger::Config,
    ) -> Result<ledger::Rounds, ClientError> {
        let rounds = self.deployment().rounds;
        let PrivateRounds::currentReturn { _0: stored, _1: seats, _2: buckets } =
            self.view(rounds, PrivateRounds::currentCall {}).await?;
        let model = self.view(rounds, PrivateRounds::modelRootCall {}).await?;
        let cumulative = self.view(rounds, PrivateRounds::cumulativeRootCall {}).await?;
        let settled = self.view(rounds, PrivateRounds::settledCountCall {}).await?;
        let seats = seats.iter().map(seat).collect();
        let trays = buckets.iter().map(tray).collect();
        let state = (Hash(model.0), Hash(cumulative.0), settled);
        Ok(ledger::Rounds::read(config.clone(), (round(&stored), seats, trays), state))
    }

    /// Makes a call that the mirror knows.
    pub async fn private_act(&self, input: ledger::Input) -> Result<Mined, ClientError> {
        use ledger::Input;
        let rounds = self.deployment().rounds;
        match input {
            Input::Open => self.send(rounds, PrivateRounds::openCall {}).await,
            Input::Advance => self.send(rounds, PrivateRounds::advanceCall {}).await,
            Input::Draw => self.send(rounds, PrivateRounds::drawCall {}).await,
            Input::Commit { round, shares } => {
                let shares = shares.map(|root| B256::from(root.0));
                self.send(rounds, PrivateRounds::commitCall { round, shares }).await
            }
            Input::Report { round, bucket, member, held } => {
                let (bucket, member) = (place(bucket), place(member));
                self.send(rounds, PrivateRounds::reportCall { round, bucket, member, held }).await
            }
            Input::State { round, bucket, member, sums: [first, second] } => {
                let (bucket, member) = (place(bucket), place(member));
                let (first, second) = (first.into(), second.into());
                let call = PrivateRounds::stateCall { round, bucket, member, first, second };
                self.send(rounds, call).await
            }
            Input::Defend { round, bucket, share } => {
                let (bucket, share) = (place(bucket), place(share));
                self.send(rounds, PrivateRounds::defendCall { round, bucket, share }).await
            }
            Input::PostResult { round, outputs_root } => {
                let outputs_root = B256::from(outputs_root.0);
                let call = PrivateRounds::postResultCall { round, outputsRoot: outputs_root };
                self.send(rounds, call).await
            }
            Input::Settle { round, output_roots, accepted_chunk } => {
                let call = PrivateRounds::settleCall {
                    round,
                    outputRoots: output_roots.iter().map(|root| B256::from(root.0)).collect(),
                    acceptedChunk: accepted_chunk.into(),
                };
                self.send(rounds, call).await
            }
        }
    }

    /// Returns what members stated in a round, in the order of the chain.
    pub async fn private_sums(&self, round: u64) -> Result<Vec<Stated>, ClientError> {
        let filter = self.private_events(PrivateRounds::Stated::SIGNATURE_HASH);
        let logs = self.logs(filter.topic1(U256::from(round))).await?;
        let said = |log: &Log| PrivateRounds::Stated::decode_log(&log.inner).ok();
        let stated = |said: alloy::primitives::Log<PrivateRounds::Stated>| Stated {
            bucket: said.bucket.saturating_to(),
            member: said.member.saturating_to(),
            sums: [said.first.clone(), said.second.clone()],
        };
        Ok(logs.iter().filter_map(said).map(stated).collect())
    }

    /// Returns what the events tell of every round, in order.
    pub async fn private_told(&self) -> Result<Vec<Told>, ClientError> {
        let (rounds, from) = (self.deployment().rounds, self.deployment().block);
        let logs = self.logs(Filter::new().address(rounds).from_block(from)).await?;
        let mut told: Vec<Told> = Vec::new();
        for log in &logs {
            // Every event of this contract begins with its round.
            let Some(number) = log.topics().get(1) else { continue };
            let round = U256::from_be_bytes(number.0).saturating_to();
            if told.last().is_none_or(|last| last.round != round) {
                told.push(Told { round, ..Told::default() });
            }
            if let Some(last) = told.last_mut() {
                last.take(&log.inner);
            }
        }
        Ok(told)
    }

    fn private_events(&self, event: B256) -> Filter {
        let (rounds, from) = (self.deployment().rounds, self.deployment().block);
        Filter::new().address(rounds).event_signature(event).from_block(from)
    }
}

fn place(place: usize) -> U256 {
    U256::from(place)
}

fn hashes<const N: usize>(words: &[B256; N]) -> [Hash; N] {
    words.map(|word| Hash(word.0))
}

fn config(given: IPrivateRounds::Config) -> ledger::Config {
    ledger::Config {
        job: Hash(given.job.0),
        nodes: given.nodes,
        capacity: given.capacity,
        size: given.size,
        quorum: given.quorum,
        cumulative_length: given.cumulativeLength,
        commit_blocks: given.commitBlocks,
        report_blocks: given.reportBlocks,
        sum_blocks: given.sumBlocks,
        judge_blocks: given.judgeBlocks,
        aggregate_blocks: given.aggregateBlocks,
        width: given.width,
        budget_gwei: given.budgetGwei,
        gone_penalty_wei: given.gonePenalty.saturating_to(),
        lie_penalty_wei: given.liePenalty.saturating_to(),
        initial_model: Hash(given.initialModel.0),
        initial_cumulative: Hash(given.initialCumulative.0),
        partial_programs: given.partialPrograms.iter().map(|hash| Hash(hash.0)).collect(),
        aggregate_programs: given.aggregatePrograms.iter().map(|hash| Hash(hash.0)).collect(),
    }
}

fn round(stored: &IPrivateRounds::Round) -> ledger::Round {
    ledger::Round {
        number: stored.number,
        phase: phase(stored.phase),
        mark: stored.mark,
        until: stored.until,
        since: stored.since,
        acted: stored.acted,
        rows: stored.rows,
        attempt: stored.attempt,
        claim: stored.claim.saturating_to(),
        seed: Hash(stored.seed.0),
    }
}

/// The phase a contract means by a number; `Idle` for one it never sends.
fn phase(word: u8) -> ledger::Phase {
    use ledger::Phase::{Aggregate, Commit, Draw, Idle, Judge, Report, Seats, Sum};
    let phases = [Idle, Seats, Commit, Draw, Report, Sum, Judge, Aggregate];
    phases.get(usize::from(word)).copied().unwrap_or_default()
}

fn seat(stored: &IPrivateRounds::Seat) -> ledger::Seat {
    ledger::Seat { node: stored.index, rows: stored.rows, shares: hashes(&stored.shares) }
}

fn tray(stored: &IPrivateRounds::Bucket) -> ledger::Tray {
    ledger::Tray {
        trainers: stored.trainers,
        members: stored.members,
        reported: std::array::from_fn(|member| stored.reported >> member & 1 == 1),
        held: stored.held,
        roll: stored.roll,
        sums: std::array::from_fn(|member| hashes(&stored.sums[member])),
        claims: stored.claims.map(|claim| claim.saturating_to()),
        defenders: stored.defenders.map(|member| usize::from(member) % SHARES),
    }
}

//! What a private job is deployed with, and what a node finds on the chain or refuses to take part.

use std::sync::Arc;

use alloy::primitives::{B256, Bytes, U256, keccak256, utils::Unit};
use chain::contracts::private::IPrivateRounds;
use round::sums::{self, SIZE_MIN, ledger::Config as Terms};
use tensor::{Hash, Program};

use crate::{CUMULATIVE, Job, NodeError, job::word};

/// Blocks of each phase of a private round.
#[derive(Clone, Copy, Debug)]
pub struct PrivatePace {
    /// For commitments.
    pub commit_blocks: u64,
    /// For reports.
    pub report_blocks: u64,
    /// For sums.
    pub sum_blocks: u64,
    /// For defences.
    pub judge_blocks: u64,
    /// For each aggregator's turn.
    pub aggregate_blocks: u64,
}

/// The Programs that a private job's claims are about.
#[derive(Clone, Debug)]
pub struct PrivatePrograms {
    quorum: u32,
    size: u32,
    capacity: u32,
    d: usize,
    partials: Vec<Arc<Program>>,
    aggregates: Vec<Arc<Program>>,
}

impl PrivatePrograms {
    /// Builds them for buckets of `size` trainers, `quorum` rows at least, and so many seats.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if one cannot be built.
    pub fn new(job: &Job, size: u32, quorum: u32, capacity: u32) -> Result<Self, NodeError> {
        let d = job.model().count();
        let partial =
            |trainers: usize| sums::partial(trainers, d).map(Arc::new).map_err(NodeError::program);
        let aggregate = |rows: u32| {
            let program = sums::aggregate(rows as usize, d, CUMULATIVE as usize, learn::step());
            program.map(Arc::new).map_err(NodeError::program)
        };
        let partials = (SIZE_MIN..=3 * size as usize / 2).map(partial);
        let rows = capacity.checked_div(size).unwrap_or(0);
        let aggregates = (quorum..=rows).map(aggregate);
        Ok(Self {
            quorum,
            size,
            capacity,
            d,
            partials: partials.collect::<Result<_, _>>()?,
            aggregates: aggregates.collect::<Result<_, _>>()?,
        })
    }

    /// Returns how many coordinates an update has.
    pub(super) fn length(&self) -> usize {
        self.d
    }

    /// Returns the Program of a sum over so many trainers.
    pub(super) fn partial(&self, trainers: usize) -> Result<Arc<Program>, NodeError> {
        let found = trainers.checked_sub(SIZE_MIN).and_then(|at| self.partials.get(at));
        found
            .cloned()
            .ok_or_else(|| NodeError::absent(format!("no Program sums {trainers} shares")))
    }

    /// Returns the Program that aggregates so many rows.
    pub(super) fn aggregate(&self, rows: usize) -> Result<Arc<Program>, NodeError> {
        let found = rows.checked_sub(self.quorum as usize).and_then(|at| self.aggregates.get(at));
        found
            .cloned()
            .ok_or_else(|| NodeError::absent(format!("no Program aggregates {rows} rows")))
    }

    /// Refuses a chain whose Programs are not these.
    pub(super) fn check(&self, terms: &Terms) -> Result<(), NodeError> {
        let hashes =
            |list: &[Arc<Program>]| list.iter().map(|one| one.hash()).collect::<Vec<Hash>>();
        if hashes(&self.partials) != terms.partial_programs {
            return Err(NodeError::OtherJob { what: "the program of partial sums" });
        }
        if hashes(&self.aggregates) != terms.aggregate_programs {
            return Err(NodeError::OtherJob { what: "the aggregation program" });
        }
        Ok(())
    }

    /// Returns the Programs with their encodings, as they are registered.
    #[must_use]
    pub fn registrations(&self) -> Vec<(B256, Bytes)> {
        let all = self.partials.iter().chain(&self.aggregates);
        all.map(|program| (word(program.hash()), program.encode().into())).collect()
    }

    /// Returns what `PrivateRounds` is deployed with, pay of `budget_gwei` a round.
    #[must_use]
    pub fn config(&self, job: &Job, pace: PrivatePace, budget_gwei: u64) -> IPrivateRounds::Config {
        let hashes =
            |list: &[Arc<Program>]| list.iter().map(|one| word(one.hash())).collect::<Vec<B256>>();
        let (partials, aggregates) = (hashes(&self.partials), hashes(&self.aggregates));
        let mut identity = b"assay/private/job/v1".to_vec();
        aggregates.iter().for_each(|hash| identity.extend_from_slice(hash.as_slice()));
        identity.extend_from_slice(&job.trainer().program().hash().0);
        IPrivateRounds::Config {
            job: keccak256(identity),
            // One bucket may be lost and there are rows enough.
            nodes: (self.quorum + 1) * self.size,
            capacity: self.capacity,
            size: self.size,
            quorum: self.quorum,
            cumulativeLength: CUMULATIVE,
            commitBlocks: pace.commit_blocks,
            reportBlocks: pace.report_blocks,
            sumBlocks: pace.sum_blocks,
            judgeBlocks: pace.judge_blocks,
            aggregateBlocks: pace.aggregate_blocks,
            width: u32::try_from(sums::width(self.d)).unwrap_or(u32::MAX),
            budgetGwei: budget_gwei,
            gonePenalty: U256::from(5) * Unit::ETHER.wei(),
            liePenalty: U256::from(100) * Unit::ETHER.wei(),
            initialModel: word(job.initial_params().root()),
            initialCumulative: word(Job::initial_cumulative().root()),
            partialPrograms: partials,
            aggregatePrograms: aggregates,
        }
    }
}

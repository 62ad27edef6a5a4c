//! What a job is: the model, its training step, and every Program its rounds will run.
//!
//! The deployer builds a [`Job`] to register its hashes on the chain, every node builds the same
//! one from the same choice of model and finds the same hashes there, or refuses to take part.
//!
//! Deliberately absent: data, keys, and anything that differs between two nodes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use alloy::primitives::{B256, Bytes, U256, keccak256, utils::Unit};
use chain::contracts::{oracle::IRiskOracle, rounds::IRounds, scores::IScores};
use learn::{Kind, Model, Schedule, Trainer};
use market::window;
use round::score;
use tensor::{Builder, Dtype, Hash, Program, Tensor};

use crate::NodeError;

/// Fewest nodes taking seats that a round opens for.
pub(crate) const NODES: u32 = 3;
/// Fewest seats that commit, and fewest that reveal, to make a round: two thirds of them.
pub const QUORUM: u32 = 8;
/// Seats of a round.
pub const CAPACITY: u32 = 12;
/// Elements of the cumulative tensor: nodes that can ever be paid.
pub const CUMULATIVE: u32 = 256;
/// Rows of a book's grids.
pub const GRID_ROWS: usize = 32;
/// How far their outermost marks are from their price, as a share; exact as a double.
pub const GRID_BAND: f64 = 0.1875;
/// Accounts of the lists that steps of maintenance margin are claimed about.
pub const ACCOUNTS: usize = 16;
/// Whole tokens paid a round.
pub const BUDGET_TOKENS: u64 = 100;
/// Days that follow a round and that it is scored on: a week of trading.
pub const SCORED_DAYS: usize = 5;
/// Past aggregates that are taken out of a row before it is scored.
pub(crate) const SCORED_AGGREGATES: u32 = 4;
/// Orders in which rows join, in a score.
const SCORED_ORDERS: usize = 2;
/// Share of a row's stake that is paid for a score of 1.
const SCORED_RATE: f64 = 0.01;

/// A job's Programs.
#[derive(Debug)]
pub struct Job {
    trainer: Trainer,
    aggregates: Mutex<BTreeMap<usize, Program>>,
    reports: Mutex<BTreeMap<usize, Arc<Program>>>,
    scores: Mutex<BTreeMap<usize, Arc<Program>>>,
}

impl Job {
    /// Builds the job of a kind of model.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if a Program cannot be built.
    pub fn new(kind: Kind) -> Result<Job, NodeError> {
        let model = Model::new(kind, &market::FEATURES);
        let trainer = Trainer::new(model, Schedule::STANDARD).map_err(NodeError::program)?;
        let (aggregates, reports, scores) = Default::default();
        Ok(Job { trainer, aggregates, reports, scores })
    }

    /// Returns the model.
    pub fn model(&self) -> &Model {
        self.trainer.model()
    }

    /// Returns the trainer.
    pub fn trainer(&self) -> &Trainer {
        &self.trainer
    }

    /// Returns the parameters that round 1 starts from.
    pub fn initial_params(&self) -> Tensor {
        self.model().initial()
    }

    /// Returns the pay before round 1: zeros.
    pub fn initial_cumulative() -> Tensor {
        Tensor::zeros(Dtype::F64, &[CUMULATIVE as usize]).expect("a constant shape")
    }

    /// Returns the aggregation Program for a number of rows, built on first use.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if no Program has that many rows.
    pub fn aggregate(&self, rows: usize) -> Result<Program, NodeError> {
        let mut built = self.aggregates.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(program) = built.get(&rows) {
            return Ok(program.clone());
        }
        let program =
            round::aggregate(rows, self.model().count(), CUMULATIVE as usize, learn::step())
                .map_err(NodeError::program)?;
        built.insert(rows, program.clone());
        Ok(program)
    }

    /// Returns the report Program for a number of rows, 0 before the first settled round; built on
    /// first use.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if no Program has that many rows.
    pub fn report(&self, rows: usize) -> Result<Arc<Program>, NodeError> {
        let mut built = self.reports.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(program) = built.get(&rows) {
            return Ok(program.clone());
        }
        let program = market::report(self.model(), rows, learn::step());
        let program = Arc::new(program.map_err(NodeError::program)?);
        built.insert(rows, program.clone());
        Ok(program)
    }

    /// Returns the score Program for a number of rows, built on first use.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if no Program has that many rows.
    pub fn score(&self, rows: usize) -> Result<Arc<Program>, NodeError> {
        let mut built = self.scores.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(program) = built.get(&rows) {
            return Ok(program.clone());
        }
        let config = score::Config {
            rows,
            length: self.model().count(),
            cumulative_length: CUMULATIVE as usize,
            permutations: SCORED_ORDERS,
            aggregates: SCORED_AGGREGATES as usize,
            window: window::extents(self.model(), SCORED_DAYS).to_vec(),
            step: learn::step(),
            rate: SCORED_RATE,
            rule: score::Rule::Mean,
        };
        let loss = |b: &mut Builder, params, days| window::loss(b, self.model(), params, days);
        let program = Arc::new(score::score(&config, loss).map_err(NodeError::program)?);
        built.insert(rows, program.clone());
        Ok(program)
    }

    /// Returns the Program that steps of maintenance margin are claimed about.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if it cannot be built.
    pub fn consequence(&self) -> Result<Arc<Program>, NodeError> {
        Ok(Arc::new(market::consequence(ACCOUNTS).map_err(NodeError::program)?))
    }

    /// Returns the Program that grids of scenarios are claimed about.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if it cannot be built.
    pub fn grid(&self) -> Result<Arc<Program>, NodeError> {
        let program = market::scenario::book(GRID_ROWS, &market::scenario::Grid::published());
        Ok(Arc::new(program.map_err(NodeError::program)?))
    }

    /// Returns the Program with this hash that claims are made about.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if it is none of the job's.
    pub fn program(&self, hash: Hash) -> Result<Program, NodeError> {
        for rows in QUORUM..=CAPACITY {
            let program = self.aggregate(rows as usize)?;
            if program.hash() == hash {
                return Ok(program);
            }
        }
        for rows in report_rows() {
            let program = self.report(rows)?;
            if program.hash() == hash {
                return Ok(program.as_ref().clone());
            }
        }
        for rows in QUORUM..=CAPACITY {
            let program = self.score(rows as usize)?;
            if program.hash() == hash {
                return Ok(program.as_ref().clone());
            }
        }
        for program in [self.consequence()?, self.grid()?] {
            if program.hash() == hash {
                return Ok(program.as_ref().clone());
            }
        }
        Err(NodeError::absent(format!("the job has no Program {hash}")))
    }

    /// Returns the Programs that claims are made about with their encodings, as they are
    /// registered.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if one cannot be built.
    pub fn registrations(&self) -> Result<Vec<(B256, Bytes)>, NodeError> {
        let stated = |program: &Program| (word(program.hash()), program.encode().into());
        let rounds = (QUORUM..=CAPACITY).map(|rows| Ok(stated(&self.aggregate(rows as usize)?)));
        let reports = report_rows().map(|rows| Ok(stated(self.report(rows)?.as_ref())));
        let scores =
            (QUORUM..=CAPACITY).map(|rows| Ok(stated(self.score(rows as usize)?.as_ref())));
        let others = [self.consequence(), self.grid()].map(|one| Ok(stated(one?.as_ref())));
        rounds.chain(reports).chain(scores).chain(others).collect()
    }

    /// Returns the report Programs' hashes and the tensors that a report brings, as `RiskOracle` is
    /// deployed with them.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if a Program cannot be built.
    pub fn oracle(&self) -> Result<(Vec<B256>, Vec<IRiskOracle::Posted>), NodeError> {
        let programs = report_rows().map(|rows| Ok(word(self.report(rows)?.hash())));
        let posted = market::Recent::shapes(self.model()).map(|(dtype, dims)| {
            let bytes = dims.iter().product::<usize>() * dtype.size();
            let length = u32::try_from(bytes).map_err(NodeError::program)?;
            Ok(IRiskOracle::Posted { length, wide: dtype.size() == 8 })
        });
        let posted = posted.into_iter().collect::<Result<_, NodeError>>()?;
        Ok((programs.collect::<Result<_, NodeError>>()?, posted))
    }

    /// Returns what `Scores` is deployed with.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if a Program cannot be built.
    pub fn scores(&self, pace: Pace) -> Result<IScores::Terms, NodeError> {
        let programs = (QUORUM..=CAPACITY).map(|rows| Ok(word(self.score(rows as usize)?.hash())));
        let window = window::extents(self.model(), SCORED_DAYS).iter().product::<usize>() * 8;
        let size = |size: usize| u32::try_from(size).map_err(NodeError::program);
        Ok(IScores::Terms {
            programs: programs.collect::<Result<_, NodeError>>()?,
            quorum: QUORUM,
            models: SCORED_AGGREGATES,
            windowLength: size(window)?,
            lag: size(SCORED_DAYS)?,
            windowBlocks: pace.reveal_blocks,
            turnBlocks: pace.aggregate_blocks,
            budgetGwei: BUDGET_TOKENS * 1_000_000_000,
            cumulativeLength: CUMULATIVE,
            initialCumulative: word(Job::initial_cumulative().root()),
        })
    }

    /// Returns what `Rounds` is deployed with.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if a Program cannot be built.
    pub fn config(&self, pace: Pace) -> Result<IRounds::Config, NodeError> {
        let hashes =
            (QUORUM..=CAPACITY).map(|rows| Ok(word(self.aggregate(rows as usize)?.hash())));
        let aggregate_programs: Vec<B256> = hashes.collect::<Result<_, NodeError>>()?;
        let length = u32::try_from(self.model().count()).map_err(NodeError::program)?;
        let mut identity = b"assay/job/v1".to_vec();
        aggregate_programs.iter().for_each(|hash| identity.extend_from_slice(hash.as_slice()));
        identity.extend_from_slice(&self.trainer.program().hash().0);
        Ok(IRounds::Config {
            job: keccak256(identity),
            nodes: NODES,
            quorum: QUORUM,
            capacity: CAPACITY,
            cumulativeLength: CUMULATIVE,
            commitBlocks: pace.commit_blocks,
            revealBlocks: pace.reveal_blocks,
            aggregateBlocks: pace.aggregate_blocks,
            budgetGwei: BUDGET_TOKENS * 1_000_000_000,
            unrevealedPenalty: U256::from(10) * Unit::ETHER.wei(),
            updateLength: length,
            trainProgram: word(self.trainer.program().hash()),
            initialModel: word(self.initial_params().root()),
            initialCumulative: word(Job::initial_cumulative().root()),
            aggregatePrograms: aggregate_programs,
        })
    }
}

/// Rows of the report Programs, in the order of the oracle: none before the first settled round.
fn report_rows() -> impl Iterator<Item = usize> {
    std::iter::once(0).chain((QUORUM..=CAPACITY).map(|rows| rows as usize))
}

/// How many blocks each phase may take.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// For commitments.
    pub commit_blocks: u64,
    /// For reveals.
    pub reveal_blocks: u64,
    /// For each aggregator's turn.
    pub aggregate_blocks: u64,
}

/// Returns a hash as the chain's word.
pub fn word(hash: Hash) -> B256 {
    B256::from(hash.0)
}

/// Returns a word of the chain as a hash.
pub fn hash(word: B256) -> Hash {
    Hash(word.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `Programs` takes.
    const ENCODING_MAX: usize = 65_536;

    #[test]
    fn every_program_can_be_registered() {
        for kind in [Kind::Har, Kind::Mlp] {
            let job = Job::new(kind).expect("a job");
            let longest = job.registrations().expect("Programs").into_iter().map(|one| one.1.len());
            let longest = longest.max().expect("there are some");
            assert!(longest <= ENCODING_MAX, "{longest} bytes for {kind}");
        }
    }
}

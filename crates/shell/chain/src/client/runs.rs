//! Open jobs: creating, paying, enrolling, claiming runs, and where each stands.

use alloy::{
    primitives::{B256, Bytes, U256},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use serde::{Deserialize, Serialize};

use super::{Client, ClientError, Mined};
use crate::contracts::{
    court::Court,
    programs::Programs,
    runs::{IRuns, Runs},
};

/// State of a run, `IRuns.State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Pay is reserved for it.
    Enrolled,
    /// Its result stands in the court.
    Claimed,
    /// The claim is final.
    Paid,
    /// It was not claimed in time, or convicted.
    Dropped,
}

impl RunState {
    /// Returns the state a contract means by a number; nothing for a run that does not exist.
    pub fn from_word(word: u8) -> Option<Self> {
        Some(match word {
            1 => Self::Enrolled,
            2 => Self::Claimed,
            3 => Self::Paid,
            4 => Self::Dropped,
            _ => return None,
        })
    }
}

impl std::fmt::Display for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Enrolled => "enrolled",
            Self::Claimed => "claimed",
            Self::Paid => "paid",
            Self::Dropped => "dropped",
        })
    }
}

/// What an open job is created with.
#[derive(Clone, Debug)]
pub struct OpenProposal {
    /// Program, iterations, schedule and pay.
    pub terms: IRuns::Terms,
    /// Preimage of the Program's hash after its first byte.
    pub header: Vec<u8>,
    /// Roots of the first state, then of the data.
    pub inputs: Vec<B256>,
    /// How many of them are the state.
    pub state_count: u32,
    /// What the model is and where the data are, in words.
    pub description: String,
}

/// Open jobs. Amounts are in wei of the token.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl Client {
    /// Creates an open job whose sponsor is this key, and returns its number with the transaction.
    pub async fn create_open_job(&self, given: OpenProposal) -> Result<(U256, Mined), ClientError> {
        let OpenProposal { terms, header, inputs, state_count, description } = given;
        let header = header.into();
        let call = Runs::createCall { terms, header, inputs, stateCount: state_count, description };
        let mined = self.send(self.deployment().runs, call).await?;
        let created = first(&mined.logs, "create", |log| Runs::Created::decode_log(log).ok())?;
        Ok((created.job, mined))
    }

    /// Adds to an open job's escrow. Needs an allowance for `Runs`.
    pub async fn fund_open_job(&self, job: U256, amount: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().runs, Runs::fundCall { job, amount }).await
    }

    /// Enrols this key for a run, and returns the run's number with the transaction. Needs an
    /// allowance for `Runs`, which takes the deposit.
    pub async fn enrol(&self, job: U256) -> Result<(U256, Mined), ClientError> {
        let mined = self.send(self.deployment().runs, Runs::enrolCall { job }).await?;
        let enrolled = first(&mined.logs, "enrol", |log| Runs::Enrolled::decode_log(log).ok())?;
        Ok((enrolled.run, mined))
    }

    /// Fixes a run's seed.
    pub async fn draw_seed(&self, job: U256, run: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().runs, Runs::drawCall { job, run }).await
    }

    /// Claims what a run returned: the roots of its last state without the loss, and the loss.
    /// Needs an allowance for the court, which takes the bond.
    pub async fn claim_run(
        &self,
        (job, run): (U256, U256),
        outputs: Vec<B256>,
        loss: f32,
    ) -> Result<Mined, ClientError> {
        let call = Runs::claimCall { job, run, outputs, loss: loss.to_bits() };
        self.send(self.deployment().runs, call).await
    }

    /// Ends a run: pays it, or drops it.
    pub async fn settle_run(&self, job: U256, run: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().runs, Runs::settleCall { job, run }).await
    }

    /// Returns to the sponsor what no run of a job that has ended has reserved.
    pub async fn reclaim_open_job(&self, job: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().runs, Runs::reclaimCall { job }).await
    }

    /// Returns how many open jobs there are.
    pub async fn open_job_count(&self) -> Result<u64, ClientError> {
        let count = self.view(self.deployment().runs, Runs::jobCountCall {}).await?;
        Ok(count.saturating_to())
    }

    /// Returns an open job as it stands.
    pub async fn open_job(&self, job: U256) -> Result<IRuns::Job, ClientError> {
        self.view(self.deployment().runs, Runs::jobOfCall { job }).await
    }

    /// Returns the roots of an open job's first state, then of its data.
    pub async fn open_inputs(&self, job: U256) -> Result<Vec<B256>, ClientError> {
        self.view(self.deployment().runs, Runs::inputsOfCall { job }).await
    }

    /// Returns a run as it stands.
    pub async fn run_of(&self, job: U256, run: U256) -> Result<IRuns::Run, ClientError> {
        self.view(self.deployment().runs, Runs::runOfCall { job, run }).await
    }

    /// Returns the runs of an open job, in the order of enrolment.
    pub async fn runs_of(&self, job: U256) -> Result<Vec<IRuns::Run>, ClientError> {
        let at = self.deployment().runs;
        let count = self.view(at, Runs::runCountCall { job }).await?;
        let mut runs = Vec::new();
        for run in 0..count.saturating_to::<u64>() {
            runs.push(self.run_of(job, U256::from(run)).await?);
        }
        Ok(runs)
    }

    /// Returns what the sponsor said of an open job when it was created.
    pub async fn open_description(&self, job: U256) -> Result<String, ClientError> {
        let logs = self.logs(self.run_events(Runs::Created::SIGNATURE_HASH, job)).await?;
        let said = |log: &Log| Runs::Created::decode_log(&log.inner).ok();
        Ok(logs.iter().find_map(said).map(|created| created.data.description).unwrap_or_default())
    }

    /// Returns the disputes that were ever started over a claim, in order.
    pub async fn disputes_over(&self, claim: U256) -> Result<Vec<u64>, ClientError> {
        let filter = Filter::new()
            .address(self.deployment().court)
            .event_signature(Court::Challenged::SIGNATURE_HASH)
            .topic1(claim)
            .from_block(self.deployment().block);
        let logs = self.logs(filter).await?;
        let started = logs.iter().filter_map(|log| Court::Challenged::decode_log(&log.inner).ok());
        Ok(started.map(|started| started.dispute.saturating_to()).collect())
    }

    /// Returns the encoding that a Program was registered with; empty for one that was not.
    pub async fn registered_encoding(&self, program: B256) -> Result<Bytes, ClientError> {
        let filter = Filter::new()
            .address(self.deployment().programs)
            .event_signature(Programs::Registered::SIGNATURE_HASH)
            .topic1(program)
            .from_block(self.deployment().block);
        let logs = self.logs(filter).await?;
        let said = |log: &Log| Programs::Registered::decode_log(&log.inner).ok();
        Ok(logs.iter().rev().find_map(said).map(|said| said.data.encoding).unwrap_or_default())
    }

    /// Returns the bond of a claim, and of a challenge.
    pub async fn bond_size(&self) -> Result<U256, ClientError> {
        self.view(self.deployment().court, Court::bondSizeCall {}).await
    }

    fn run_events(&self, event: B256, job: U256) -> Filter {
        let (at, from) = (self.deployment().runs, self.deployment().block);
        Filter::new().address(at).event_signature(event).topic1(job).from_block(from)
    }
}

/// Returns the first event of a kind that a transaction left.
fn first<E>(
    logs: &[Log],
    method: &'static str,
    read: impl Fn(&alloy::primitives::Log) -> Option<alloy::primitives::Log<E>>,
) -> Result<E, ClientError> {
    let missing = || ClientError::Answer { method, detail: "it left no event".to_owned() };
    logs.iter().find_map(|log| read(&log.inner)).map(|found| found.data).ok_or_else(missing)
}

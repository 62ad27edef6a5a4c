//! Jobs and their revenue: creating, paying, moving on, and what is due to whom.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    rpc::types::Filter,
    sol_types::{SolEvent, SolValue},
};
use serde::{Deserialize, Serialize};

use super::{Client, ClientError, Mined};
use crate::{
    Deployment,
    contracts::{
        jobs::{IJobs, IRiskOracle, IRounds, Jobs},
        oracle::RiskOracle,
        registry::Registry,
        revenue::{IRevenue, Revenue},
        rewards::Rewards,
        rounds,
        rounds::Rounds,
        token::AssayToken,
    },
};

/// State of a job, `IJobs.State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Created.
    Draft,
    /// Funded, and its Programs are registered.
    Open,
    /// A round was opened.
    Training,
    /// A claim is final that its model beats the baseline.
    Validated,
    /// A gate reads its oracle.
    Deployed,
    /// Over.
    Retired,
}

impl JobState {
    /// Returns the state a contract means by a number; nothing for a job that does not exist.
    pub fn from_word(word: u8) -> Option<Self> {
        Some(match word {
            1 => Self::Draft,
            2 => Self::Open,
            3 => Self::Training,
            4 => Self::Validated,
            5 => Self::Deployed,
            6 => Self::Retired,
            _ => return None,
        })
    }
}

impl std::fmt::Display for JobState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Training => "training",
            Self::Validated => "validated",
            Self::Deployed => "deployed",
            Self::Retired => "retired",
        })
    }
}

/// What a job is created with.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Budget, schedule, notice and validation.
    pub terms: IJobs::Terms,
    /// Its rounds; `job` and `initialCumulative` are set by the contract.
    pub rounds: rounds::IRounds::Config,
    /// What data a node must bring, in words.
    pub requirement: String,
}

/// Jobs. Amounts are in wei of the token.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl Client {
    /// Lets `spender` take tokens without limit, unless it may already.
    pub async fn allow(&self, spender: Address) -> Result<(), ClientError> {
        let allowance = AssayToken::allowanceCall { owner: self.address(), spender };
        if self.view(self.deployment().token, allowance).await? < U256::MAX >> 1 {
            self.approve(spender, U256::MAX).await?;
        }
        Ok(())
    }

    /// Creates a job whose sponsor is this key, and returns its number with the transaction.
    pub async fn create_job(&self, proposal: Proposal) -> Result<(U256, Mined), ClientError> {
        let Proposal { terms, rounds, requirement } = proposal;
        let codes = IJobs::Codes {
            registry: Registry::BYTECODE.clone(),
            rewards: Rewards::BYTECODE.clone(),
            rounds: Rounds::BYTECODE.clone(),
        };
        let config = same_words::<_, IRounds::Config>(&rounds, "create")?;
        let call = Jobs::createCall { terms, config, codes, requirement };
        let mined = self.send(self.deployment().jobs, call).await?;
        let created = mined.logs.iter().find_map(|log| Jobs::Created::decode_log(&log.inner).ok());
        let missing =
            || ClientError::Answer { method: "create", detail: "it left no event".to_owned() };
        Ok((created.ok_or_else(missing)?.job, mined))
    }

    /// Adds to a job's escrow. Needs an allowance for `Jobs`.
    pub async fn fund_job(&self, job: U256, amount: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().jobs, Jobs::fundCall { job, amount }).await
    }

    /// Pays a job's next round out of its escrow.
    pub async fn release_job(&self, job: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().jobs, Jobs::releaseCall { job }).await
    }

    /// Moves a job to the next state whose evidence is there.
    pub async fn advance_job(&self, job: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().jobs, Jobs::advanceCall { job }).await
    }

    /// Announces a job's end.
    pub async fn end_job(&self, job: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().jobs, Jobs::giveNoticeCall { job }).await
    }

    /// Reveals a job's holdout: each tensor's bytes, and whether its elements have eight bytes.
    pub async fn reveal_holdout(
        &self,
        job: U256,
        tensors: Vec<(Bytes, bool)>,
        salt: B256,
    ) -> Result<Mined, ClientError> {
        let (tensors, wide) = tensors.into_iter().unzip();
        self.send(self.deployment().jobs, Jobs::revealHoldoutCall { job, tensors, wide, salt })
            .await
    }

    /// Claims what the validation Program returned, with this key's bond. Needs an allowance for
    /// the court.
    pub async fn claim_validation(
        &self,
        job: U256,
        loss: f64,
        baseline: f64,
    ) -> Result<Mined, ClientError> {
        let (loss, baseline) = (loss.to_bits(), baseline.to_bits());
        self.send(self.deployment().jobs, Jobs::claimValidationCall { job, loss, baseline }).await
    }

    /// Deploys a job's oracle, whose report Programs are one before the first settled round, then
    /// one for each aggregation Program.
    pub async fn attach_oracle(
        &self,
        job: U256,
        programs: Vec<B256>,
        posted: Vec<IRiskOracle::Posted>,
    ) -> Result<Mined, ClientError> {
        let code = RiskOracle::BYTECODE.clone();
        let call = Jobs::attachOracleCall { job, code, programs_: programs, posted };
        self.send(self.deployment().jobs, call).await
    }

    /// Moves a validated job on to deployed by a gate that reads its oracle.
    pub async fn deploy_job(&self, job: U256, gate: Address) -> Result<Mined, ClientError> {
        self.send(self.deployment().jobs, Jobs::deployCall { job, gate }).await
    }

    /// Returns what a retired job did not spend to its sponsor.
    pub async fn reclaim_job(&self, job: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().jobs, Jobs::reclaimCall { job }).await
    }

    /// Returns how many jobs there are.
    pub async fn job_count(&self) -> Result<u64, ClientError> {
        let count = self.view(self.deployment().jobs, Jobs::jobCountCall {}).await?;
        Ok(count.saturating_to())
    }

    /// Returns a job as it stands.
    pub async fn job(&self, job: U256) -> Result<IJobs::Job, ClientError> {
        self.view(self.deployment().jobs, Jobs::jobOfCall { job }).await
    }

    /// Returns the state that [`Client::advance_job`] would move a job to, its own where the
    /// evidence is missing.
    pub async fn job_due(&self, job: U256) -> Result<Option<JobState>, ClientError> {
        let due = self.view(self.deployment().jobs, Jobs::dueCall { job }).await?;
        Ok(JobState::from_word(due))
    }

    /// Returns whether a job's holdout was revealed.
    pub async fn holdout_revealed(&self, job: U256) -> Result<bool, ClientError> {
        let roots = self.view(self.deployment().jobs, Jobs::holdoutRootsCall { job }).await?;
        Ok(!roots.is_empty())
    }

    /// Returns the least stake of this registry, and the blocks between leaving and withdrawing.
    pub async fn stake_terms(&self) -> Result<(U256, u64), ClientError> {
        let at = self.deployment().registry;
        let minimum = self.view(at, Registry::minimumStakeCall {}).await?;
        Ok((minimum, self.view(at, Registry::unbondBlocksCall {}).await?))
    }

    /// Returns what a node must bring, as the sponsor said it when the job was created.
    pub async fn job_requirement(&self, job: U256) -> Result<String, ClientError> {
        let filter = self.job_events(Jobs::Created::SIGNATURE_HASH, self.deployment().jobs, job);
        let logs = self.logs(filter).await?;
        let said = |log: &alloy::rpc::types::Log| Jobs::Created::decode_log(&log.inner).ok();
        Ok(logs.iter().find_map(said).map(|created| created.data.requirement).unwrap_or_default())
    }

    /// Returns this client, bound to a job's registry, pay, rounds and oracle.
    pub async fn of_job(&self, job: U256) -> Result<Self, ClientError> {
        let IJobs::Job { registry, rewards, rounds, oracle, .. } = self.job(job).await?;
        let at = self.deployment().clone();
        Ok(self.clone().with(Deployment { registry, rewards, rounds, oracle, ..at }))
    }

    fn job_events(&self, event: B256, at: Address, job: U256) -> Filter {
        let from = self.deployment().block;
        Filter::new().address(at).event_signature(event).topic1(job).from_block(from)
    }
}

/// Revenue. Amounts are in wei of the token.
///
/// # Errors
///
/// As above.
impl Client {
    /// Begins an epoch that is split by a job's newest cumulative tensor.
    pub async fn fix_epoch(&self, job: U256, cumulative: Bytes) -> Result<Mined, ClientError> {
        self.send(self.deployment().revenue, Revenue::fixCall { job, cumulative }).await
    }

    /// Pays a fee to a deployed job. Needs an allowance for `Revenue`.
    pub async fn pay_fee(&self, job: U256, amount: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().revenue, Revenue::payCall { job, amount }).await
    }

    /// Claims a node's share of an epoch, given the chunk of the epoch's tensor that holds its
    /// element and the path from that chunk to the epoch's root.
    pub async fn claim_share(
        &self,
        (job, epoch): (U256, U256),
        node: u32,
        chunk: Bytes,
        siblings: Vec<B256>,
    ) -> Result<Mined, ClientError> {
        let call = Revenue::claimCall { job, epoch, node, chunk, siblings };
        self.send(self.deployment().revenue, call).await
    }

    /// Returns the epochs of a job's revenue.
    pub async fn epochs(&self, job: U256) -> Result<Vec<IRevenue::Epoch>, ClientError> {
        let at = self.deployment().revenue;
        let count = self.view(at, Revenue::epochCountCall { job }).await?;
        let mut epochs = Vec::new();
        for epoch in 0..count.saturating_to::<u64>() {
            let epoch = U256::from(epoch);
            epochs.push(self.view(at, Revenue::epochOfCall { job, epoch }).await?);
        }
        Ok(epochs)
    }

    /// Returns the bytes of the tensor by which an epoch is split; empty where nobody fixed it.
    pub async fn epoch_tensor(&self, job: U256, epoch: U256) -> Result<Bytes, ClientError> {
        let event = Revenue::EpochFixed::SIGNATURE_HASH;
        let filter = self.job_events(event, self.deployment().revenue, job).topic2(epoch);
        let logs = self.logs(filter).await?;
        let fixed = |log: &alloy::rpc::types::Log| Revenue::EpochFixed::decode_log(&log.inner).ok();
        // An epoch without a fee is replaced, so the last one counts.
        Ok(logs.iter().rev().find_map(fixed).map(|fixed| fixed.data.cumulative).unwrap_or_default())
    }

    /// Returns what a node was paid of an epoch so far.
    pub async fn share_paid(&self, job: U256, epoch: U256, node: u32) -> Result<U256, ClientError> {
        let call = Revenue::paidToCall { job, epoch, node };
        self.view(self.deployment().revenue, call).await
    }
}

/// Converts between two artifacts' bindings of one struct, by way of its encoding.
fn same_words<A: SolValue, B>(given: &A, method: &'static str) -> Result<B, ClientError>
where
    B: SolValue + From<<B::SolType as alloy::sol_types::SolType>::RustType>,
{
    B::abi_decode(&given.abi_encode())
        .map_err(|error| ClientError::Answer { method, detail: error.to_string() })
}

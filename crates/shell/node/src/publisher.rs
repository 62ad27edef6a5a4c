//! The publisher's duty: after a settled round, one signed bundle for the oracle, let through the
//! gate.
//!
//! Level-triggered like the rest: whether a round's report is there is read from the chain, so a
//! crash in between repeats what is missing and nothing else.

use alloy::primitives::{Address, B256, U256, keccak256};
use chain::{Client, contracts::oracle::IRiskOracle::Report};
use market::Evaluation;
use tensor::{Hash, Tensor};

use crate::{
    Job, NodeError, TensorStore, aggregation,
    journal::{Entry, Journal},
    report::{self, Bounds, DayReport},
};

/// How long a report holds in chain time: a long weekend of the market's days.
const EXPIRY_S: u64 = 7 * 86_400;

/// Kinds of reports, as `IRiskOracle.Kind` numbers them.
const PRICE: u8 = 0;
const MARGIN: u8 = 1;
const VOLATILITY: u8 = 2;

/// Publishes for one market.
#[derive(Debug)]
pub(crate) struct Publisher {
    client: Client,
    market: B256,
    evaluation: Evaluation,
}

/// Returns a market's id: the keccak of its name.
pub fn market_id(name: &str) -> B256 {
    keccak256(name.as_bytes())
}

impl Publisher {
    pub(crate) fn new(client: Client, market: B256, evaluation: Evaluation) -> Publisher {
        Publisher { client, market, evaluation }
    }

    /// Reports on a settled round's day unless that is done, and lets the gate have it.
    pub(crate) async fn publish(
        &self,
        job: &Job,
        (tensors, blobs, journal): (&TensorStore, &net::blobs::Store, &Journal),
        (round, market_time, now): (u64, u64, u64),
    ) -> Result<(), NodeError> {
        let provider = self.client.address();
        let last = self.client.latest_report(provider, self.market, MARGIN).await?;
        if last.marketTime < market_time {
            let (made, model_root) = if round == 0 {
                genesis(job, &self.evaluation)?
            } else {
                let absent = || NodeError::absent(format!("round {round} was not aggregated here"));
                let entry = journal.get(round).ok_or_else(absent)?;
                of_round(job, &self.evaluation, (tensors, blobs), &entry)?
            };
            let nonce = self.client.report_nonce(provider).await?;
            let bundle = self.bundle(&made, model_root, nonce, (market_time, now))?;
            self.client.report(bundle).await?;
            tracing::info!(round, margin = made.margin.value, "reported");
        }
        match self.client.apply_reports(self.market).await {
            Ok(_) => Ok(()),
            Err(error) if error.reverted_with() == Some("NothingToApply") => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn bundle(
        &self,
        made: &DayReport,
        model_root: Hash,
        nonce: u64,
        (market_time, now): (u64, u64),
    ) -> Result<Vec<Report>, NodeError> {
        let price = Bounds { value: made.price, lower: made.price, upper: made.price };
        let parts = [
            (PRICE, price, B256::ZERO),
            (VOLATILITY, made.volatility, B256::from(made.volatility_program.0)),
            (MARGIN, made.margin, B256::from(made.margin_program.0)),
        ];
        let one = |(place, (kind, bounds, program)): (u64, (u8, Bounds, B256))| {
            Ok(Report {
                market: self.market,
                kind,
                value: U256::from(report::wad(bounds.value)?),
                lower: U256::from(report::wad(bounds.lower)?),
                upper: U256::from(report::wad(bounds.upper)?),
                program,
                modelRoot: B256::from(model_root.0),
                inputsRoot: B256::from(made.inputs_root.0),
                marketTime: market_time,
                validFrom: now,
                expiry: now.saturating_add(EXPIRY_S),
                nonce: nonce.saturating_add(1).saturating_add(place),
            })
        };
        (0_u64..).zip(parts).map(one).collect()
    }
}

/// Computes the report of the genesis day: the forecast of the untrained model, which is the
/// anchor.
///
/// # Errors
///
/// [`NodeError`] if the data has no day.
pub fn genesis(job: &Job, evaluation: &Evaluation) -> Result<(DayReport, Hash), NodeError> {
    let params = job.initial_params();
    let made = report::report(job, evaluation, 0, &params, std::slice::from_ref(&params))?;
    Ok((made, params.root()))
}

/// Computes the report of a round from what a node keeps of it, and the root of the model it is of.
///
/// Round r runs on day r of the evaluation; day 0 is the genesis day.
///
/// # Errors
///
/// [`NodeError`] if an output or an update of the round is not kept.
pub fn of_round(
    job: &Job,
    evaluation: &Evaluation,
    (tensors, blobs): (&TensorStore, &net::blobs::Store),
    entry: &Entry,
) -> Result<(DayReport, Hash), NodeError> {
    let day = usize::try_from(entry.round).map_err(NodeError::program)?;
    let before = tensors.get(entry.model_root)?;
    let params = tensors.get(entry.output_roots[0])?;
    let accepted = tensors.get(entry.output_roots[1])?;
    let accepted = accepted.as_i32().unwrap_or(&[]);
    let members = entry.members.iter().filter_map(crate::journal::Row::member).collect::<Vec<_>>();
    let mut models: Vec<Tensor> = Vec::new();
    for (row, accepted) in aggregation::rows(blobs, &members)?.iter().zip(accepted) {
        if *accepted == 1 {
            models.push(report::member_model(&before, &row.update)?);
        }
    }
    Ok((report::report(job, evaluation, day, &params, &models)?, entry.output_roots[0]))
}

/// Succeeds once the provider's report of a market's day is on the chain.
pub(crate) async fn seen_report(
    client: &Client,
    provider: Address,
    market: B256,
    market_time: u64,
) -> Result<(), NodeError> {
    let (_, applied) = client.price(market).await?;
    let last = client.latest_report(provider, market, MARGIN).await?;
    if last.marketTime >= market_time && applied >= market_time {
        return Ok(());
    }
    Err(NodeError::absent("the report is not there yet"))
}

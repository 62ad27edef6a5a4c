//! The publisher's duty: after a settled round, one signed bundle for the oracle with the claim
//! that its Program returned what the bundle says, let through the gate.
//!
//! Level-triggered like the rest: whether a round's report is there is read from the chain, so a
//! crash in between repeats what is missing and nothing else.

use alloy::primitives::{Address, B256, U256, keccak256};
use chain::{
    Client,
    client::{Bundle, Posting},
};
use market::Evaluation;
use tensor::{Hash, Tensor};

use crate::{
    Job, Lie, NodeError, TensorStore,
    job::word,
    journal::Journal,
    lie,
    report::{self, Basis, DayReport},
};

/// How long a report holds in chain time: a long weekend of the market's days.
const EXPIRY_S: u64 = 7 * 86_400;

/// Kind of a price, as `IRiskOracle.Kind` numbers it.
const PRICE: u8 = 0;
/// The round whose report a publisher lies about that is there for it.
const LIE_ROUND: u64 = 1;

/// Publishes for one market.
#[derive(Debug)]
pub(crate) struct Publisher {
    client: Client,
    market: B256,
    evaluation: Evaluation,
    lie: Option<Lie>,
}

/// Returns a market's id: the keccak of its name.
pub fn market_id(name: &str) -> B256 {
    keccak256(name.as_bytes())
}

impl Publisher {
    pub(crate) fn new(
        client: Client,
        market: B256,
        evaluation: Evaluation,
        lie: Option<Lie>,
    ) -> Publisher {
        Publisher { client, market, evaluation, lie }
    }

    /// Reports on a settled round's day unless that is done, and lets the gate have it.
    pub(crate) async fn publish(
        &self,
        job: &Job,
        (tensors, blobs, journal): (&TensorStore, &net::blobs::Store, &Journal),
        (round, market_time, now): (u64, u64, u64),
    ) -> Result<(), NodeError> {
        let provider = self.client.address();
        let last = self.client.latest_report(provider, self.market, PRICE).await?;
        if last.marketTime < market_time {
            let basis = if round == 0 {
                Basis::genesis(job)
            } else {
                let absent = || NodeError::absent(format!("round {round} was not aggregated here"));
                let entry = journal.get(round).ok_or_else(absent)?;
                Basis::of_round((tensors, blobs), &entry)?
            };
            let day = usize::try_from(round).map_err(NodeError::program)?;
            let made = report::report(job, &self.evaluation, day, &basis)?;
            let margin = made.margin.upper;
            let outputs = if self.lie == Some(Lie::Report) && round == LIE_ROUND {
                lie::without_loading(&made.outputs)?
            } else {
                made.outputs.clone()
            };
            let nonce = self.client.report_nonce(provider).await?;
            let posting = self.posting(&made, (&basis, &outputs), nonce, (market_time, now))?;
            self.client.report(posting).await?;
            tracing::info!(round, margin, "reported");
        }
        match self.client.apply_reports(self.market).await {
            Ok(_) => Ok(()),
            Err(error) if error.reverted_with() == Some("NothingToApply") => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn posting(
        &self,
        made: &DayReport,
        (basis, outputs): (&Basis, &[Tensor]),
        nonce: u64,
        (market_time, now): (u64, u64),
    ) -> Result<Posting, NodeError> {
        let roots = court::opening::roots(outputs);
        let reading = |(output, tensor): (usize, &Tensor)| {
            let opening = court::opening::open(tensor, 0).map_err(NodeError::program)?;
            let others = roots.iter().enumerate().filter(|(other, _)| *other != output);
            let siblings = others.map(|(_, root)| word(*root)).collect();
            Ok((opening.chunk.into(), siblings))
        };
        let readings = outputs.iter().enumerate().map(reading);
        let (round_inputs, round_outputs) = basis.lists();
        let words = |roots: &[Hash]| roots.iter().map(|root| word(*root)).collect();
        Ok(Posting {
            bundle: Bundle {
                market: self.market,
                price: U256::from(report::wad(made.price)?),
                outputsRoot: word(court::opening::list_root(&roots)),
                marketTime: market_time,
                validFrom: now,
                expiry: now.saturating_add(EXPIRY_S),
                nonce: nonce.saturating_add(1),
            },
            basis: chain::client::Basis {
                inputs: words(round_inputs),
                outputs: words(round_outputs),
                data: made.recent.tensors().iter().map(|one| one.to_bytes().into()).collect(),
            },
            readings: readings.collect::<Result<_, NodeError>>()?,
            program: word(made.program),
            inputs_root: word(made.inputs_root),
        })
    }
}

/// Succeeds once the provider's report of a market's day is on the chain.
pub(crate) async fn seen_report(
    client: &Client,
    provider: Address,
    market: B256,
    market_time: u64,
) -> Result<(), NodeError> {
    let (_, applied) = client.price(market).await?;
    let last = client.latest_report(provider, market, PRICE).await?;
    if last.marketTime >= market_time && applied >= market_time {
        return Ok(());
    }
    Err(NodeError::absent("the report is not there yet"))
}

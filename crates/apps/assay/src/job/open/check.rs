//! `assay job check`: another's run again, and a dispute where it differs.

use std::{path::PathBuf, process::ExitCode};

use alloy::primitives::{B256, U256};
use anyhow::{Context as _, bail, ensure};
use chain::{ClaimState, Client, client::RunState};
use court::trace::Witness;
use round::runs::outputs_root;
use tensor::Hash;

use super::{Known, dispute, ensure_tokens, loss, train};

/// Which run, and on which data.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The job's number, such as o0.
    job: super::Number,
    /// The run's number.
    run: u64,
    /// Directory with the job's public data, files named by their roots; DIR/open otherwise.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the results differ, challenge the claim and play the dispute to its end.
    #[arg(long)]
    dispute: bool,
}

/// What came of it.
#[derive(Debug, serde::Serialize)]
struct Outcome {
    job: String,
    run: u64,
    claim: u64,
    equal: bool,
    claimed: Hash,
    own: Hash,
    claimed_loss: f32,
    own_loss: f32,
    /// Where the claim stands now.
    state: ClaimState,
}

/// Does it; a claim that differs is a failure, unless it was convicted.
pub(crate) async fn run(
    client: &Client,
    args: &Args,
    (own, json): (PathBuf, bool),
) -> anyhow::Result<ExitCode> {
    let known = Known::read(client, args.job.open()?).await?;
    let count = client.runs_of(U256::from(known.number)).await?.len();
    let number = usize::try_from(args.run)?;
    ensure!(number < count, "job {} has no run {number}; {count} were enrolled", args.job);
    let run = client.run_of(U256::from(known.number), U256::from(args.run)).await?;
    let state = RunState::from_word(run.state).context("a run that nobody enrolled")?;
    ensure!(!run.claim.is_zero(), "run {number} of {} is {state}: it claims nothing", args.job);
    let data = args.data.clone().unwrap_or(own);
    let inputs = known.inputs(client, &data, run.seed).await?;
    let iterations = known.job.terms.iterations;
    let trained =
        tokio::task::block_in_place(|| train::train(&known.program, inputs.clone(), iterations))?;
    let (last, rest) = trained.split_last().context("a state has a loss")?;
    let roots: Vec<Hash> = rest.iter().map(kernels::commit::tensor_root).collect();
    let own = outputs_root(&roots, loss(std::slice::from_ref(last)).to_bits());
    let posted = client.claim(run.claim).await?;
    let claimed = Hash(posted.outputsRoot.0);
    let equal = own == claimed;
    if !json {
        say(&(known.number, args.run), equal, (claimed, own));
    }
    let mut state = ClaimState::from_word(posted.state).context("a claim that nobody posted")?;
    if !equal && args.dispute {
        let shown = (known.program.clone(), inputs);
        let mut witness = tokio::task::block_in_place(|| train::witness(shown, iterations, false))?;
        ensure!(witness.outputs_root() == own, "two ways of running it differ: report this");
        state = play(client, (run.claim, own), (&known, &mut witness)).await?;
        if !json && state == ClaimState::Struck {
            println!("claim {} was convicted", run.claim);
        }
    }
    if json {
        let outcome = Outcome {
            job: args.job.to_string(),
            run: args.run,
            claim: run.claim.saturating_to(),
            equal,
            claimed,
            own,
            claimed_loss: f32::from_bits(run.loss),
            own_loss: loss(std::slice::from_ref(last)),
            state,
        };
        println!("{}", serde_json::to_string_pretty(&outcome)?);
    }
    let well = equal || (args.dispute && state == ClaimState::Struck);
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say((job, run): &(u64, u64), equal: bool, (claimed, own): (Hash, Hash)) {
    if equal {
        println!("run {run} of o{job}: equal, {own}");
    } else {
        println!("run {run} of o{job}: NOT EQUAL\nclaimed {claimed}\nown     {own}");
    }
}

/// Challenges a claim and moves until it is decided.
async fn play(
    client: &Client,
    (claim, own): (U256, Hash),
    (known, witness): (&Known, &mut Witness),
) -> anyhow::Result<ClaimState> {
    let posted = client.claim(claim).await?;
    let state = ClaimState::from_word(posted.state).context("a claim that nobody posted")?;
    let block = client.block_number().await?;
    if !matches!(state, ClaimState::Open | ClaimState::Disputed) || block >= posted.deadline {
        bail!(
            "claim {claim} can be disputed no more: it is {state:?}, its window ended with block \
               {}",
            posted.deadline
        );
    }
    if !client.has_challenged(claim, client.address()).await? {
        ensure_tokens(client, posted.bond, "the bond of a challenge").await?;
        client.allow(client.deployment().court).await?;
        client.challenge(claim, B256::from(own.0), known.program.header()).await?;
    }
    loop {
        let state = ClaimState::from_word(client.claim(claim).await?.state);
        let state = state.context("a claim that nobody posted")?;
        dispute::attend(client, claim.saturating_to(), witness).await?;
        if !client.has_challenged(claim, client.address()).await? {
            let now = ClaimState::from_word(client.claim(claim).await?.state);
            return Ok(now.unwrap_or(state));
        }
        tokio::time::sleep(dispute::LOOK_EVERY).await;
    }
}

//! `assay job run`: enrol, train, claim, stand by it, be paid.
//!
//! Level-triggered: every step is what the chain does not show yet, so whoever is stopped in the
//! middle calls it again; a run of this key that waits is gone on with.

use std::path::PathBuf;

use alloy::primitives::{B256, U256};
use anyhow::{Context as _, bail, ensure};
use chain::{ClaimState, Client, client::RunState, contracts::runs::IRuns};
use court::trace::Witness;
use kernels::commit;
use tensor::Hash;

use super::{Known, dispute, ensure_tokens, loss, train};
use crate::money;

/// Which job, and on which data.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Its number, such as o0.
    job: super::Number,
    /// Directory with the job's public data, files named by their roots; DIR/open otherwise.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Claim and go; without it, the program stays until the claim is final, and defends it.
    #[arg(long)]
    leave: bool,
    /// Get the result wrong by one bit, for show.
    #[arg(long, hide = true)]
    lie: bool,
}

/// What came of it.
#[derive(Debug, serde::Serialize)]
struct Outcome {
    job: String,
    run: u64,
    claim: u64,
    loss: f32,
    state: RunState,
    /// Tokens, the deposit among them.
    paid: String,
}

/// Does it.
pub(crate) async fn run(
    client: &Client,
    args: &Args,
    (own, json): (PathBuf, bool),
) -> anyhow::Result<()> {
    let known = Known::read(client, args.job.open()?).await?;
    let data = args.data.clone().unwrap_or(own);
    // Before anything is staked: are the data here, and what the job says?
    known.inputs(client, &data, B256::ZERO).await?;
    let run = match waiting(client, &known).await? {
        Some(run) => run,
        None => enrolled(client, &known).await?,
    };
    let (job, number) = (U256::from(known.number), U256::from(run));
    if client.run_of(job, number).await?.seed.is_zero() {
        draw(client, (job, number)).await?;
    }
    let drawn = client.run_of(job, number).await?;
    let inputs = known.inputs(client, &data, drawn.seed).await?;
    let iterations = known.job.terms.iterations;
    let mut case = None;
    if drawn.claim.is_zero() {
        let (roots, loss) = if args.lie {
            let shown = (known.program.clone(), inputs.clone());
            let mut witness = train::witness(shown, iterations, true)?;
            let ending = train::ending(&mut witness, iterations);
            case = Some(witness);
            ending
        } else {
            let state = tokio::task::block_in_place(|| {
                train::train(&known.program, inputs.clone(), iterations)
            })?;
            let without_loss = &state[..state.len() - 1];
            (without_loss.iter().map(commit::tensor_root).collect(), loss(&state))
        };
        claim(client, (job, number), roots, loss).await?;
    }
    let claimed = client.run_of(job, number).await?;
    if !json {
        let deadline = client.claim(claimed.claim).await?.deadline;
        let left = deadline.saturating_sub(client.block_number().await?);
        println!(
            "run {run} of o{}: claim {} says loss {:.6}; final in some {left} blocks, unless \
             somebody disputes it",
            known.number,
            claimed.claim,
            f32::from_bits(claimed.loss)
        );
    }
    if args.leave {
        return Ok(());
    }
    let make = || train::witness((known.program.clone(), inputs), iterations, args.lie);
    let ended = defend(client, (job, number), case, make).await?;
    tell(&known, (run, &ended), json)
}

/// Returns the run of this key that waits for it.
async fn waiting(client: &Client, known: &Known) -> anyhow::Result<Option<u64>> {
    let runs = client.runs_of(U256::from(known.number)).await?;
    let open = |run: &IRuns::Run| {
        let state = RunState::from_word(run.state);
        matches!(state, Some(RunState::Enrolled | RunState::Claimed))
    };
    let block = client.block_number().await?;
    let late = |run: &IRuns::Run| {
        let deadline = run.enrolBlock + u64::from(known.job.terms.trainBlocks);
        run.claim.is_zero() && block >= deadline
    };
    let own =
        runs.iter().position(|run| run.trainer == client.address() && open(run) && !late(run));
    Ok(own.map(u64::try_from).transpose()?)
}

async fn enrolled(client: &Client, known: &Known) -> anyhow::Result<u64> {
    let terms = &known.job.terms;
    let (block, name) = (client.block_number().await?, known.number);
    ensure!(block < terms.endBlock, "job o{name} ended with block {}", terms.endBlock);
    ensure!(
        known.job.escrow >= terms.pay,
        "every run that o{name} pays for is taken; wait for one to be dropped, or have it funded \
         (`assay job fund o{name} {}`)",
        money::plain(terms.pay)
    );
    ensure!(
        client.program_ready(terms.program).await?,
        "claims about the Program of o{name} are not taken yet: its window is open until block {}",
        client.program(terms.program).await?.deadline
    );
    let bond = client.bond_size().await?;
    ensure_tokens(client, terms.deposit + bond, "a run's deposit and the bond of its claim")
        .await?;
    client.allow(client.deployment().runs).await?;
    let (run, _) = client.enrol(U256::from(name)).await?;
    Ok(run.saturating_to())
}

/// Has the seed drawn, once the block of the enrolment has a hash.
async fn draw(client: &Client, (job, run): (U256, U256)) -> anyhow::Result<()> {
    loop {
        match client.draw_seed(job, run).await {
            Ok(_) => return Ok(()),
            Err(error) if error.reverted_with() == Some("AlreadyDone") => return Ok(()),
            Err(error) if error.reverted_with() == Some("SeedPending") => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(dispute::LOOK_EVERY).await;
    }
}

async fn claim(
    client: &Client,
    (job, run): (U256, U256),
    roots: Vec<Hash>,
    loss: f32,
) -> anyhow::Result<()> {
    client.allow(client.deployment().court).await?;
    let outputs = roots.into_iter().map(|root| B256::from(root.0)).collect();
    client.claim_run((job, run), outputs, loss).await?;
    Ok(())
}

/// Stays until the run is over, and answers whoever disputes its claim.
async fn defend(
    client: &Client,
    (job, run): (U256, U256),
    mut case: Option<Witness>,
    make: impl FnOnce() -> anyhow::Result<Witness>,
) -> anyhow::Result<IRuns::Run> {
    let mut make = Some(make);
    loop {
        let now = client.run_of(job, run).await?;
        if RunState::from_word(now.state) != Some(RunState::Claimed) {
            return Ok(now);
        }
        let posted = client.claim(now.claim).await?;
        let state = ClaimState::from_word(posted.state).context("a claim that nobody posted")?;
        let block = client.block_number().await?;
        match state {
            ClaimState::Open if block <= posted.deadline => {}
            ClaimState::Disputed => {
                if let Some(make) = make.take().filter(|_| case.is_none()) {
                    case = Some(tokio::task::block_in_place(make)?);
                }
                let evidence = case.as_mut().context("it was made above")?;
                let claim: u64 = now.claim.saturating_to();
                if let Err(error) = dispute::attend(client, claim, evidence).await {
                    tracing::warn!(%error, "a dispute waits");
                }
            }
            _ => match client.settle_run(job, run).await {
                Ok(_) => continue,
                // Another was first, or the block is not there yet.
                Err(error) if error.reverted_with() == Some("NotDue") => {}
                Err(error) => return Err(error.into()),
            },
        }
        tokio::time::sleep(dispute::LOOK_EVERY).await;
    }
}

/// Says how it ended; a run that was dropped is a failure.
fn tell(known: &Known, (run, ended): (u64, &IRuns::Run), json: bool) -> anyhow::Result<()> {
    let state = RunState::from_word(ended.state).context("a run that nobody enrolled")?;
    let terms = &known.job.terms;
    let paid = state == RunState::Paid;
    let amount = if paid { terms.pay + terms.deposit } else { U256::ZERO };
    let outcome = Outcome {
        job: format!("o{}", known.number),
        run,
        claim: ended.claim.saturating_to(),
        loss: f32::from_bits(ended.loss),
        state,
        paid: money::plain(amount),
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else if paid {
        println!(
            "run {run} of o{}: paid {} tokens, the deposit among them",
            known.number, outcome.paid
        );
    }
    if !paid {
        bail!(
            "run {run} of o{} was {state}: its claim was convicted, or came too late; the deposit \
             of {} tokens is burnt",
            known.number,
            money::plain(terms.deposit)
        );
    }
    Ok(())
}

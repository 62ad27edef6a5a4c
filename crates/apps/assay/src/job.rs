//! `assay job`: models that are trained for somebody's budget, beside the network's own.
//!
//! A job has stakes, rounds and pay of its own; its sponsor's tokens stand in an escrow that pays
//! its rounds one after another. `advance` moves a job on where the evidence is on the chain, and
//! says what is missing where it is not.
//!
//! Absent: training in a job, revealing and validating its holdout; `chain::Client` has the calls.

use std::{path::PathBuf, process::ExitCode};

use alloy::primitives::{B256, U256, utils::Unit};
use anyhow::{Context as _, bail, ensure};
use chain::{
    Client,
    client::{JobState, Proposal},
    contracts::jobs::IJobs,
};

use crate::{
    layout::Layout,
    money,
    operate::{self, Place},
    reader::Reader,
    up::keys,
};

pub(crate) mod read;
mod share;
mod show;

/// What to do with jobs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    /// Directory of `assay up`.
    #[arg(long, default_value = ".assay", value_name = "DIR", global = true)]
    dir: PathBuf,
    /// Directory of a node whose key signs; the deployer of `assay up` otherwise.
    #[arg(long, value_name = "DIR", global = true)]
    node: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the jobs: how far each is, and what it waits for.
    List,
    /// Show one job.
    Show(Which),
    /// Create a job with the network's own Programs, and print its number.
    Create(Create),
    /// Put tokens into a job's escrow.
    Fund(Amount),
    /// Move a job on, or pay its next round, whichever is due.
    Advance(Which),
    /// Pay a fee to a deployed job.
    Pay(Amount),
    /// Begin an epoch of fees, split by the newest pay: a file with the cumulative tensor's bytes.
    Fix(Fix),
    /// Pay a node its shares of a job's fees; anybody may, the node's payee receives them.
    Claim(Claim),
    /// Announce a job's end; when the notice is over, `advance` retires it.
    End(Which),
    /// Return what a retired job did not spend to its sponsor.
    Reclaim(Which),
}

/// Of which job.
#[derive(Debug, clap::Args)]
struct Which {
    /// Its number.
    job: u64,
}

/// How much, for which job.
#[derive(Debug, clap::Args)]
struct Amount {
    /// Its number.
    job: u64,
    /// Tokens, such as 200 or 0.5.
    tokens: String,
}

/// What a job is created with.
#[derive(Debug, clap::Args)]
struct Create {
    /// What data a node must bring, in words.
    #[arg(long, value_name = "TEXT")]
    requirement: String,
    /// Whole tokens a round pays.
    #[arg(long, default_value_t = 100, value_name = "TOKENS")]
    pay: u64,
    /// Rounds whose pay the escrow must hold before the job opens.
    #[arg(long, default_value_t = 2)]
    rounds: u64,
    /// Blocks between the payments of two rounds at least.
    #[arg(long, default_value_t = 1, value_name = "BLOCKS")]
    interval: u64,
    /// Blocks until it ends by itself; without it, never.
    #[arg(long, value_name = "BLOCKS")]
    length: Option<u64>,
    /// Blocks between a notice and the end.
    #[arg(long, default_value_t = 100, value_name = "BLOCKS")]
    notice: u64,
    /// Rounds settled before the holdout may be revealed.
    #[arg(long, default_value_t = 3, value_name = "ROUNDS")]
    validation_rounds: u64,
    /// Hash of the registered Program that validates; without it, the job is never deployed.
    #[arg(long, value_name = "HASH", requires = "holdout")]
    validation: Option<B256>,
    /// Commitment to the holdout (`Jobs.holdoutOf`).
    #[arg(long, value_name = "HASH", requires = "validation")]
    holdout: Option<B256>,
}

/// By which tensor.
#[derive(Debug, clap::Args)]
struct Fix {
    /// The job's number.
    job: u64,
    /// f64, little-endian, one for each place of the job's pay.
    file: PathBuf,
}

/// Whose share.
#[derive(Debug, clap::Args)]
struct Claim {
    /// The job's number.
    job: u64,
    /// The node's index in the job's registry.
    index: u32,
}

/// Does it.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let layout = Layout::new(&args.dir);
    let reader = match args.node {
        Some(_) => None,
        None => Some(Reader::open(&layout).await?),
    };
    let client = match (&reader, &args.node) {
        (Some(reader), _) => reader.client.with_signer(keys::own(&layout, "deployer")?),
        (None, node) => of_node(node.clone().context("one of the two is there")?).await?,
    };
    match &args.command {
        Command::List => show::list(&client, args.json).await?,
        Command::Show(which) => show::one(&client, which.job, args.json).await?,
        Command::Create(create) => {
            let job = made(&client, create).await?;
            say(args.json, job, &format!("is a draft; `assay job fund {job} TOKENS`"));
        }
        Command::Fund(amount) => {
            let wei = tokens(&client, &amount.tokens).await?;
            client.allow(client.deployment().jobs).await?;
            client.fund_job(U256::from(amount.job), wei).await?;
            let job = amount.job;
            say(args.json, job, &format!("{} tokens are in its escrow now", amount.tokens));
        }
        Command::Advance(which) => advance(&client, which.job, args.json).await?,
        Command::Pay(amount) => {
            let wei = tokens(&client, &amount.tokens).await?;
            client.allow(client.deployment().revenue).await?;
            client.pay_fee(U256::from(amount.job), wei).await?;
            say(args.json, amount.job, &format!("paid a fee of {} tokens", amount.tokens));
        }
        Command::Fix(fix) => {
            let bytes = std::fs::read(&fix.file).with_context(|| fix.file.display().to_string())?;
            client.fix_epoch(U256::from(fix.job), bytes.into()).await?;
            say(args.json, fix.job, "fees are split by the newest pay from now on");
        }
        Command::Claim(claim) => share::claim(&client, claim.job, claim.index, args.json).await?,
        Command::End(which) => {
            client.end_job(U256::from(which.job)).await?;
            let block = client.job(U256::from(which.job)).await?.retireBlock;
            let job = which.job;
            say(args.json, job, &format!("ends: `assay job advance {job}` from block {block} on"));
        }
        Command::Reclaim(which) => {
            let before = client.job(U256::from(which.job)).await?;
            client.reclaim_job(U256::from(which.job)).await?;
            let tokens = money::plain(before.escrow);
            say(args.json, which.job, &format!("{tokens} tokens went to {}", before.sponsor));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The client of a node's own key.
async fn of_node(dir: PathBuf) -> anyhow::Result<Client> {
    let place = Place::of(dir);
    let config = place.config()?;
    let keys = operate::open_keys(&place)?;
    Ok(Client::open(&config.rpc, keys.chain, config.deployment).await?)
}

fn say(json: bool, job: u64, words: &str) {
    if json {
        println!("{}", serde_json::json!({ "job": job, "said": words }));
    } else {
        println!("job {job}: {words}");
    }
}

/// Reads an amount of tokens that the key must have.
async fn tokens(client: &Client, text: &str) -> anyhow::Result<U256> {
    let wei = alloy::primitives::utils::parse_ether(text)
        .with_context(|| format!("{text} is no amount of tokens, such as 200 or 0.5"))?;
    let held = client.tokens(client.address()).await?;
    ensure!(
        held >= wei,
        "{} holds {} tokens, not {text}; have more sent to it (`assay node faucet` on a network \
         of your own)",
        client.address(),
        money::plain(held)
    );
    Ok(wei)
}

/// Creates a job with the network's own rounds, but for pay.
async fn made(client: &Client, given: &Create) -> anyhow::Result<u64> {
    ensure!(given.rounds > 0, "--rounds must be 1 at least: a job opens with a round's pay");
    let mut rounds = client.round_config().await?;
    let gwei = given.pay.checked_mul(1_000_000_000);
    rounds.budgetGwei = gwei.filter(|gwei| *gwei <= 1 << 46).with_context(|| {
        format!("--pay is at most {} tokens a round", (1_u64 << 46) / 1_000_000_000)
    })?;
    let block = client.block_number().await?;
    let (minimum_stake, unbond_blocks) = client.stake_terms().await?;
    let terms = IJobs::Terms {
        minimumStake: minimum_stake,
        unbondBlocks: unbond_blocks,
        budget: U256::from(given.pay) * Unit::ETHER.wei() * U256::from(given.rounds),
        startBlock: block,
        intervalBlocks: given.interval,
        endBlock: given.length.map_or(u64::MAX, |length| block.saturating_add(length)),
        noticeBlocks: given.notice,
        validationRounds: given.validation_rounds,
        validationProgram: given.validation.unwrap_or_default(),
        holdout: given.holdout.unwrap_or_default(),
    };
    let requirement = given.requirement.clone();
    let (job, _) = client.create_job(Proposal { terms, rounds, requirement }).await?;
    Ok(job.saturating_to())
}

/// Moves a job on, or pays its next round, whichever the chain lets happen.
async fn advance(client: &Client, number: u64, json: bool) -> anyhow::Result<()> {
    let job = U256::from(number);
    let before = JobState::from_word(client.job(job).await?.state);
    let moved = client.advance_job(job).await;
    if moved.is_ok() {
        let state = JobState::from_word(client.job(job).await?.state);
        let state = state.map_or_else(String::new, |state| state.to_string());
        say(json, number, &format!("is {state} now"));
        return Ok(());
    }
    if before != Some(JobState::Draft) && client.release_job(job).await.is_ok() {
        say(json, number, "its next round is paid for; any node may open it");
        return Ok(());
    }
    let waits = read::job(client, number).await?.waits;
    bail!("job {number} cannot move yet; it waits for {waits}")
}

//! `assay job`: models that are trained for somebody's budget, beside the network's own.
//!
//! A job has stakes, rounds and pay of its own; its sponsor's tokens stand in an escrow that pays
//! its rounds one after another. `advance` moves a job on where the evidence is on the chain, and
//! says what is missing where it is not. Open jobs ([`open`]) are the second kind: their data are
//! public, and whole runs on them are claimed.
//!
//! Absent: training in a job's rounds, revealing and validating its holdout; `chain::Client` has
//! the calls.

use std::{path::PathBuf, process::ExitCode};

use alloy::primitives::{B256, U256, utils::Unit};
use anyhow::{Context as _, bail, ensure};
use chain::{
    Client,
    client::{JobState, Proposal, RunState},
    contracts::jobs::IJobs,
};

use crate::{
    layout::Layout,
    money,
    operate::{self, Place},
    reader::Reader,
    up::keys,
};

use self::open::Number;

pub(crate) mod open;
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
    /// Write the files of an open job to begin with: the log-linear volatility model.
    Example(open::example::Args),
    /// Create an open job of a directory's files, on public data, and pay for its runs.
    Open(open::make::Args),
    /// Train an open job and claim the result; stay until it is paid, and defend it.
    Run(open::run::Args),
    /// Run another's run again and say whether the results are equal; dispute it, if asked.
    Check(open::check::Args),
    /// End a run of an open job: pay it, or drop it; anybody may.
    Settle(Settle),
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
    /// Its number; of an open job, such as o0.
    job: Number,
}

/// Which run.
#[derive(Debug, clap::Args)]
struct Settle {
    /// The open job's number, such as o0.
    job: Number,
    /// The run's number.
    run: u64,
}

/// How much, for which job.
#[derive(Debug, clap::Args)]
struct Amount {
    /// Its number; of an open job, such as o0.
    job: Number,
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
    job: Number,
    /// f64, little-endian, one for each place of the job's pay.
    file: PathBuf,
}

/// Whose share.
#[derive(Debug, clap::Args)]
struct Claim {
    /// The job's number.
    job: Number,
    /// The node's index in the job's registry.
    index: u32,
}

/// Does it.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if let Command::Example(example) = &args.command {
        open::example::run(example)?;
        return Ok(ExitCode::SUCCESS);
    }
    let layout = Layout::new(&args.dir);
    let reader = match args.node {
        Some(_) => None,
        None => Some(Reader::open(&layout).await?),
    };
    let client = match (&reader, &args.node) {
        (Some(reader), _) => reader.client.with_signer(keys::own(&layout, "deployer")?),
        (None, node) => of_node(node.clone().context("one of the two is there")?).await?,
    };
    if let Some(job) = args.command.job() {
        job.known(&client).await?;
    }
    let own = (args.node.as_ref().unwrap_or(&args.dir).join("open"), args.json);
    match &args.command {
        Command::Open(given) => {
            let job = open::make::run(&client, given, own.0).await?;
            say(args.json, Number::Open(job), &format!("is open; `assay job run o{job}`"));
        }
        Command::Run(given) => open::run::run(&client, given, own).await?,
        Command::Check(given) => return open::check::run(&client, given, own).await,
        other => on_chain(&client, other, args.json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Command {
    /// The job it is about, which must be there.
    fn job(&self) -> Option<Number> {
        match self {
            Command::Show(which)
            | Command::Advance(which)
            | Command::End(which)
            | Command::Reclaim(which) => Some(which.job),
            Command::Fund(amount) | Command::Pay(amount) => Some(amount.job),
            Command::Fix(fix) => Some(fix.job),
            Command::Claim(claim) => Some(claim.job),
            Command::Settle(settle) => Some(settle.job),
            Command::Run(_) | Command::Check(_) | Command::List | Command::Create(_) => None,
            Command::Example(_) | Command::Open(_) => None,
        }
    }
}

/// Does what is a call or two, or a look.
async fn on_chain(client: &Client, command: &Command, json: bool) -> anyhow::Result<()> {
    match command {
        Command::List => show::list(client, json).await?,
        Command::Show(which) => show::one(client, which.job, json).await?,
        Command::Create(create) => {
            let job = made(client, create).await?;
            let words = format!("is a draft; `assay job fund {job} TOKENS`");
            say(json, Number::Private(job), &words);
        }
        Command::Fund(amount) => fund(client, amount, json).await?,
        Command::Advance(which) => advance(client, which.job.private()?, json).await?,
        Command::Pay(amount) => {
            let job = amount.job.private()?;
            let wei = tokens(client, &amount.tokens).await?;
            client.allow(client.deployment().revenue).await?;
            client.pay_fee(U256::from(job), wei).await?;
            say(json, amount.job, &format!("paid a fee of {} tokens", amount.tokens));
        }
        Command::Fix(fix) => {
            let job = fix.job.private()?;
            let bytes = std::fs::read(&fix.file).with_context(|| fix.file.display().to_string())?;
            client.fix_epoch(U256::from(job), bytes.into()).await?;
            say(json, fix.job, "fees are split by the newest pay from now on");
        }
        Command::Claim(claim) => {
            share::claim(client, claim.job.private()?, claim.index, json).await?;
        }
        Command::End(which) => {
            let job = which.job.private()?;
            client.end_job(U256::from(job)).await?;
            let block = client.job(U256::from(job)).await?.retireBlock;
            let words = format!("ends: `assay job advance {job}` from block {block} on");
            say(json, which.job, &words);
        }
        Command::Reclaim(which) => reclaim(client, which.job, json).await?,
        Command::Settle(which) => settle(client, which, json).await?,
        Command::Example(_) | Command::Open(_) | Command::Run(_) | Command::Check(_) => {
            unreachable!("done before")
        }
    }
    Ok(())
}

async fn fund(client: &Client, amount: &Amount, json: bool) -> anyhow::Result<()> {
    let wei = tokens(client, &amount.tokens).await?;
    match amount.job {
        Number::Private(job) => {
            client.allow(client.deployment().jobs).await?;
            client.fund_job(U256::from(job), wei).await?;
        }
        Number::Open(job) => {
            client.allow(client.deployment().runs).await?;
            client.fund_open_job(U256::from(job), wei).await?;
        }
    }
    say(json, amount.job, &format!("{} tokens are in its escrow now", amount.tokens));
    Ok(())
}

async fn reclaim(client: &Client, job: Number, json: bool) -> anyhow::Result<()> {
    let (escrow, sponsor) = match job {
        Number::Private(number) => {
            let before = client.job(U256::from(number)).await?;
            client.reclaim_job(U256::from(number)).await?;
            (before.escrow, before.sponsor)
        }
        Number::Open(number) => {
            let before = client.open_job(U256::from(number)).await?;
            let (block, end) = (client.block_number().await?, before.terms.endBlock);
            ensure!(block >= end, "job {job} ends with block {end}; the chain is at {block}");
            client.reclaim_open_job(U256::from(number)).await?;
            (before.escrow, before.sponsor)
        }
    };
    say(json, job, &format!("{} tokens went to {sponsor}", money::plain(escrow)));
    Ok(())
}

async fn settle(client: &Client, which: &Settle, json: bool) -> anyhow::Result<()> {
    let (job, run) = (U256::from(which.job.open()?), U256::from(which.run));
    let count = client.runs_of(job).await?.len();
    ensure!(
        usize::try_from(which.run)? < count,
        "job {} has no run {}; {count} were enrolled",
        which.job,
        which.run
    );
    let settled = client.settle_run(job, run).await;
    let state = RunState::from_word(client.run_of(job, run).await?.state);
    let state = state.map_or_else(String::new, |state| state.to_string());
    match settled {
        Ok(_) => say(json, which.job, &format!("run {} is {state} now", which.run)),
        Err(error) if error.reverted_with() == Some("NotDue") => bail!(
            "run {} of {} is {state}, and cannot be ended now: its window, a dispute or its time \
             to be claimed runs, or it is over",
            which.run,
            which.job
        ),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The client of a node's own key.
async fn of_node(dir: PathBuf) -> anyhow::Result<Client> {
    let place = Place::of(dir);
    let config = place.config()?;
    let keys = operate::open_keys(&place)?;
    Ok(Client::open(&config.rpc, keys.chain, config.deployment).await?)
}

fn say(json: bool, job: Number, words: &str) {
    if json {
        let job = match job {
            Number::Private(number) => serde_json::json!(number),
            Number::Open(_) => serde_json::json!(job.to_string()),
        };
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
        say(json, Number::Private(number), &format!("is {state} now"));
        return Ok(());
    }
    if before != Some(JobState::Draft) && client.release_job(job).await.is_ok() {
        say(json, Number::Private(number), "its next round is paid for; any node may open it");
        return Ok(());
    }
    let waits = read::job(client, number).await?.waits;
    bail!("job {number} cannot move yet; it waits for {waits}")
}
